from __future__ import annotations

from datetime import date, timedelta

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from behavior.models import RejectedEvent
from catalog.models import Product
from recommender import state
from recommender.models import FeedbackDay, Generation, Rule, ServedList, SetupStep, Switch, TrainingRun
from recsite.dashboard import findings, roles
from recsite.dashboard.charts import Chart
from recsite.dashboard.components import Nothing, Stat
from recsite.dashboard.graphics import Bar
from recsite.dashboard.numbers import THIN
from recsite.dashboard.pages import overview as page
from recsite.dashboard.queries import sold
from recsite.dashboard.shop import read_shop
from tests.dashboard.people import make_person
from tests.dashboard.test_lists import text_of
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

    def test_only_who_may_retrain_is_led_there(self) -> None:
        make_serving_run()
        later = NEWEST + timedelta(days=9)
        (seen,) = findings.find(later)
        self.assertEqual((seen.action, seen.href), ("Models", reverse("models")))
        (seen,) = findings.find(later, frozenset({roles.RETRAIN}))
        self.assertEqual((seen.action, seen.href), ("Retrain", reverse("retrain")))

    def test_a_refused_run_leads_to_its_reasons(self) -> None:
        make_serving_run()
        run = TrainingRun.objects.create(status="refused")
        (seen,) = findings.find(NEWEST)
        self.assertEqual((seen.action, seen.href), ("See why", reverse("model", args=[run.pk])))

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


def make_day(
    day: date, *, placement: str = "home", shown: int = 1000, clicked: int = 50, **more: object
) -> FeedbackDay:
    """What ``recommender.feedback`` counted of a day."""
    values = {"source": "api", "run": 1, "segment": "", "dimension": "all", "key": "", "lists": shown // 10, **more}
    return FeedbackDay.objects.create(
        day=day, placement=placement, served=shown, shown=shown, clicked=clicked, bought=clicked // 5, **values
    )


class ResultsTest(TestCase):
    """The blocks that say what came of recommendations."""

    def setUp(self) -> None:
        cache.clear()
        (product,) = make_products(1)
        (anna,) = make_shoppers(1)
        make_event(anna, product)
        self.today = NEWEST.date()
        self.shop = read_shop()

    def stats(self, **params: str) -> dict[str, Stat]:
        return {stat.label: stat for stat in page.build(params, self.shop).stats.stats}

    def test_nothing_shown_is_no_data_and_never_zero(self) -> None:
        made = page.build({}, self.shop)
        self.assertEqual([stat.value for stat in made.stats.stats], ["no data"] * 5)
        self.assertIsInstance(made.revenue, Nothing)
        self.assertEqual({row.cells[3].content for row in made.placements.rows}, {"Not requested yet"})

    def test_figures_beside_the_period_before(self) -> None:
        make_day(self.today, shown=1000, clicked=100, revenue=30.0)
        make_day(self.today - timedelta(days=28), shown=1000, clicked=50, revenue=20.0)
        made = self.stats()
        self.assertEqual((made["Click rate"].value, made["Bought after click"].value), ("10.00", "20.0"))
        self.assertEqual(made["Attributed revenue"].value, "$30.00")
        click, bought = made["Click rate"].delta, made["Bought after click"].delta
        assert click
        assert bought
        self.assertEqual((click.sign, click.better), ("▲", True))
        self.assertEqual((bought.sign, bought.note), ("≈", "within the noise"))

    def test_amounts_do_not_compare_with_a_period_that_is_mostly_without_lists(self) -> None:
        make_day(self.today, shown=1000, clicked=100, revenue=30.0)
        make_day(self.today - timedelta(days=30), shown=10, clicked=1, revenue=2.0)
        shown, revenue = (self.stats()[name].delta for name in ("Recommendations shown", "Attributed revenue"))
        assert shown
        assert revenue
        self.assertEqual((shown.sign, shown.note), ("", "lists since 28 Feb 2026"))
        self.assertEqual((revenue.sign, revenue.note), ("", shown.note))
        make_day(self.today - timedelta(days=55), shown=500)  # lists since the first day of the period before
        shown = self.stats()["Recommendations shown"].delta
        assert shown
        self.assertEqual((shown.sign, shown.note), ("▲", "510 before"))

    def test_a_day_without_lists_breaks_the_line(self) -> None:
        make_day(self.today, revenue=5.0)
        make_day(self.today - timedelta(days=2), revenue=4.0)
        chart = page.build({}, self.shop).revenue
        assert isinstance(chart, Chart)
        self.assertEqual(chart.figure["data"][-1]["y"][-3:], [4.0, None, 5.0])

    def test_too_few_are_not_judged(self) -> None:
        make_day(self.today, placement="trending", shown=212, clicked=0)
        make_day(self.today, placement="home", shown=1000)
        rows = {row.cells[0].content: row.cells[3].content for row in page.build({}, self.shop).placements.rows}
        self.assertEqual(rows["Trending"], "Too few to judge")
        self.assertIsInstance(rows["Home"], Bar)

    def test_simulated_numbers_say_so(self) -> None:
        make_day(self.today, source="simulator")
        made = page.build({}, self.shop)
        self.assertTrue(made.stats.simulated)
        self.assertIsNotNone(made.simulated)

    def test_coverage_counts_different_products(self) -> None:
        ids = list(Product.objects.values_list("pk", flat=True))
        make_day(self.today)
        for number in range(2):
            ServedList.objects.create(recommendation_id=f"rec_{number}", at=NEWEST, placement="home", products=ids)
        self.assertEqual(self.stats()["Catalogue shown"].value, "100.0")

    def test_rising_ignore_rates_need_attention(self) -> None:
        make_day(self.today, shown=2000, clicked=20)
        make_day(self.today - timedelta(days=28), shown=2000, clicked=200)
        titles = [finding.title.replace(THIN, " ") for finding in findings.find(NEWEST)]
        self.assertIn("99 % ignored in Home", titles)

    def test_conflicting_rules_need_attention(self) -> None:
        for name in ("One", "Two"):
            Rule.objects.create(
                name=name, verb="pin", status="live", condition={"products": ["p0"]}, parameters={"position": 1}
            )
        state.forget()
        self.addCleanup(state.forget)
        found = findings.find(NEWEST)
        self.assertTrue(any("“One”" in finding.note and "“Two”" in finding.note for finding in found), found)

    def test_csv_has_every_day_and_leaves_empty_what_was_not_shown(self) -> None:
        self.client.force_login(make_person())
        make_day(self.today, revenue=5.0)
        lines = text_of(self.client.get(reverse("overview"), {"format": "csv"})).splitlines()
        self.assertEqual(len(lines), 29)
        self.assertEqual((lines[-2], lines[-1]), ("2026-03-29", "2026-03-30,100,1000,1000,50,0,10,5.0,0"))


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
        self.assertEqual(sold.between(NEWEST, NEWEST, None).movers("risers"), [])

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
