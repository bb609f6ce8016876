from __future__ import annotations

from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from behavior.models import RejectedEvent
from catalog.models import Product
from recommender.models import Generation, SetupStep, Switch, TrainingRun
from recsite.dashboard import findings
from recsite.dashboard.numbers import THIN
from recsite.dashboard.pages import overview as page
from recsite.dashboard.queries import sales
from recsite.dashboard.shop import read_shop
from tests.dashboard.people import make_person
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers


def make_serving_run(**fields: object) -> TrainingRun:
    run = TrainingRun.objects.create(**{"status": "succeeded", **fields})
    Switch.objects.create(
        generation=Generation.objects.create(run=run, as_of=NEWEST, status="ready"), reason="published"
    )
    return run


class FindingsTest(TestCase):
    def setUp(self) -> None:
        cache.clear()

    def titles(self) -> list[str]:
        cache.clear()
        return [finding.title for finding in findings.find(NEWEST)]

    def test_a_shop_in_order_has_none(self) -> None:
        make_products(3)
        make_serving_run()
        self.assertEqual(self.titles(), [])

    def test_no_model_yet(self) -> None:
        self.assertEqual(self.titles(), ["No model serves yet"])

    def test_a_failed_run_gives_the_last_line_of_its_error(self) -> None:
        run = make_serving_run()
        failed = TrainingRun.objects.create(status="failed", error="Traceback …\nMemoryError: out of memory")
        (finding,) = findings.find(NEWEST)
        self.assertEqual(finding.title, f"Run {failed.pk} failed")
        self.assertIn("out of memory", finding.note)
        self.assertIn(f"Model {run.pk} goes on serving", finding.note)

    def test_refused_waiting_and_old_models(self) -> None:
        make_serving_run()
        later = TrainingRun.objects.create(status="succeeded")
        self.assertEqual(self.titles(), [f"Model {later.pk} is waiting for your decision"])
        later.status = "refused"
        later.save()
        self.assertEqual(self.titles(), [f"Run {later.pk} was refused"])
        cache.clear()
        self.assertIn("is getting old", findings.find(NEWEST + timedelta(days=9))[0].title)

    def test_gaps_stubs_and_rejects(self) -> None:
        make_serving_run()
        make_products(3)
        Product.objects.create(external_id="unnamed", is_stub=True)
        RejectedEvent.objects.create(payload={}, code="unknown_type", message="…", received_at=timezone.now())
        found = self.titles()
        self.assertEqual(found[0], "1 event of the last 7 days rejected")
        self.assertIn("25.0 % of products lack a price", [title.replace(THIN, " ") for title in found])
        self.assertIn("1 product known from events only", found)

    def test_a_stopped_first_start_comes_first(self) -> None:
        SetupStep.objects.create(name="train", title="First model", status="failed", error="no space left")
        self.assertEqual(self.titles()[0], "The first start stopped")


class OverviewTest(TestCase):
    def setUp(self) -> None:
        cache.clear()
        self.products = make_products(12)
        self.shoppers = make_shoppers(4)

    def test_sellers_risers_and_fallers_compare_with_the_period_before(self) -> None:
        before = NEWEST - timedelta(days=30)
        for number, (now, then) in enumerate([(40, 10), (25, 50), (5, 1)]):
            for _ in range(now):
                make_event(self.shoppers[0], self.products[number], price=1.0)
            for _ in range(then):
                make_event(self.shoppers[0], self.products[number], price=1.0, at=before)
        shop = read_shop()

        def names(kind: str) -> list[str]:
            return [row.cells[0].content for row in page.build({"sells": kind}, shop).sells.rows]  # type: ignore[misc]

        self.assertEqual(names("risers"), ["Tea number 0"])
        self.assertEqual(names("fallers"), ["Coffee number 1"])
        self.assertEqual(names("sellers"), ["Tea number 0", "Coffee number 1", "Tea number 2"])

    def test_the_range_ends_with_the_newest_data(self) -> None:
        make_event(self.shoppers[0], self.products[0])
        made = page.build({}, read_shop())
        self.assertIn("3 – 30 Mar 2026", made.sells.caption)

    def test_nothing_to_compare_with_shows_top_sellers(self) -> None:
        make_event(self.shoppers[0], self.products[0])
        made = page.build({"compare": "none"}, read_shop())
        self.assertEqual(next(s.label for s in made.sells_choice.items if s.current), "Top sellers")
        self.assertEqual(sales.movers("risers", start=NEWEST, end=NEWEST, before=None), [])

    def test_the_query_count_does_not_grow_with_the_shop(self) -> None:
        self.client.force_login(make_person())
        counts = []
        for weeks in (1, 8):
            make_history(self.shoppers, self.products, weeks=weeks, seed=weeks)
            cache.clear()
            with CaptureQueriesContext(connection) as seen:
                self.assertEqual(self.client.get(reverse("overview")).status_code, 200)
            counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])
