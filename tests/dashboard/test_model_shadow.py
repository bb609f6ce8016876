"""A model in shadow on its run's page: put there, taken out, and what it would have shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommender import queries, services
from recommender.models import ShadowList, TrainingRun
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.numbers import THIN
from recsite.dashboard.pages import model_shadow as page
from recsite.dashboard.queries import models as model_queries
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.runs import ADMIN, SEES, make_generation, make_run, serve
from tests.goods import make_event, make_products, make_shoppers

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def make_lists(run: TrainingRun, serving: TrainingRun, *, lists: int, days: int = 3, shoppers: int = 40) -> None:
    """Lists of both models, ``lists`` a day: eight of ten in common, and the first of each list is bought by every
    second shopper; the shadow leads with what they buy, what serves does not hold it."""
    products, people = make_products(24), make_shoppers(shoppers)
    ids = [product.pk for product in products]
    rows = []
    for day in range(days):
        for number in range(lists):
            at = NOON + timedelta(days=day, seconds=number)
            shadow, serves = [ids[0], ids[1], *ids[4:12]], [ids[2], ids[3], *ids[4:12]]
            rows.append(
                ShadowList(
                    run=run, serving_run=serving.pk, recommendation_id=f"r{day}-{number}",
                    shopper_id=people[number % shoppers].pk, at=at, shadow=shadow, serving=serves,
                )
            )  # fmt: skip
        for person in people[::2]:
            make_event(person, products[0], at=NOON + timedelta(days=day, hours=5), type="purchase")
    ShadowList.objects.bulk_create(rows)


class ShadowCase(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN, name="anna"))
        self.serving, self.run_, self.other = make_run(), make_run(), make_run()
        for run in (self.serving, self.run_, self.other):
            serve(make_generation(run)) if run is self.serving else make_generation(run)


class PutAndTakeTest(ShadowCase):
    def in_shadow(self) -> int | None:
        found = queries.in_shadow()
        return found.run.pk if found else None

    def post(self, name: str, run: TrainingRun, **query: str) -> str:
        answer = self.client.post(reverse(name, args=[run.pk]), query, follow=True)
        self.assertEqual(answer.status_code, 200)
        return answer.content.decode()

    def test_put_taken_out_and_undone(self) -> None:
        answer = self.client.get(reverse("model", args=[self.run_.pk]))
        self.assertContains(answer, "Put in shadow")
        said = self.post("model-shadow", self.run_)
        self.assertEqual(self.in_shadow(), self.run_.pk)
        self.assertIn("scored in shadow from now on", said)
        self.assertIn("No list was scored yet", said)
        self.assertIn(reverse("model-shadow-out", args=[self.run_.pk]), said)
        said = self.post("model-shadow-out", self.run_)
        self.assertIsNone(self.in_shadow())
        self.assertIn(f"{reverse('model-shadow', args=[self.run_.pk])}?instead_of=0", said)
        self.client.post(f"{reverse('model-shadow', args=[self.run_.pk])}?instead_of=0")
        self.assertEqual(self.in_shadow(), self.run_.pk)
        told = list(AuditEntry.objects.order_by("pk").values_list("action", "subject"))
        name = f"run {self.run_.pk}"
        self.assertEqual(told, [("model.shadow", name), ("model.shadow_end", name), ("model.shadow", name)])

    def test_the_registry_marks_it(self) -> None:
        mark = '<span class="note">in shadow</span>'
        self.assertNotContains(self.client.get(reverse("models")), mark)
        services.shadow(run=self.run_)
        self.assertContains(self.client.get(reverse("models")), mark, count=1)

    def test_in_place_of_another_and_back(self) -> None:
        services.shadow(run=self.other)
        self.assertContains(self.client.get(reverse("model", args=[self.run_.pk])), f"instead of {self.other.pk}")
        self.post("model-shadow", self.run_)
        self.assertEqual(AuditEntry.objects.get().detail, {"instead_of": self.other.pk})
        self.client.post(f"{reverse('model-shadow', args=[self.other.pk])}?instead_of={self.run_.pk}")
        self.assertEqual(self.in_shadow(), self.other.pk)

    def test_a_late_undo_takes_nothing_back(self) -> None:
        services.shadow(run=self.other)
        said = self.post("model-shadow", self.run_, instead_of="0")
        self.assertIn(f"Model {self.other.pk} is in shadow now.", said)
        self.assertIn("Nothing was changed", self.post("model-shadow-out", self.run_))
        self.assertEqual(self.in_shadow(), self.other.pk)
        self.assertFalse(AuditEntry.objects.exists())

    def test_what_cannot_be(self) -> None:
        self.assertIn("serves already", self.post("model-shadow", self.serving))
        self.assertNotIn("Put in shadow", self.client.get(reverse("model", args=[self.serving.pk])).content.decode())
        refused = make_run("refused")
        self.assertIn("is refused", self.post("model-shadow", refused))
        self.assertEqual(self.client.post(reverse("model-shadow", args=[9999])).status_code, 404)
        self.assertEqual(self.client.get(reverse("model-shadow", args=[self.run_.pk])).status_code, 405)
        self.assertIsNone(self.in_shadow())

    def test_a_merchandiser_sees_it_and_may_not(self) -> None:
        services.shadow(run=self.run_)
        self.client.force_login(make_person())
        answer = self.client.get(reverse("model", args=[self.run_.pk]))
        self.assertContains(answer, "In shadow")
        self.assertNotContains(answer, "Take out of shadow")
        for name in ("model-shadow", "model-shadow-out"):
            self.assertEqual(self.client.post(reverse(name, args=[self.run_.pk])).status_code, 403)


class ComparisonTest(ShadowCase):
    def part(self, permissions: frozenset[str] = SEES) -> page.ShadowPart | None:
        return page.build(self.run_, model_queries.serving(), permissions=permissions)

    def test_nothing_of_a_run_that_never_was(self) -> None:
        self.assertIsNone(self.part())

    def test_empty_says_what_comes(self) -> None:
        services.shadow(run=self.run_)
        found = self.part(ADMIN)
        assert found is not None
        assert found.nothing is not None
        self.assertEqual((found.facts, found.held, found.days), (None, None, None))
        self.assertEqual([action.label for action in found.actions], ["Take out of shadow"])

    @time_machine.travel(NOON + timedelta(days=4), tick=False)
    def test_a_known_answer(self) -> None:
        make_lists(self.run_, self.serving, lists=200)
        services.shadow(run=self.run_)
        found = self.part()
        assert found is not None
        assert found.facts is not None
        assert found.held is not None
        assert found.days is not None
        assert found.progress is not None
        self.assertEqual(found.facts.items[0].value, "600, of 40 shoppers")
        self.assertEqual(found.facts.items[1].value, f"80.0{THIN}%")
        self.assertEqual(found.progress.per_cent, 3)
        clicked, bought = found.held.rows
        self.assertEqual([cell.content for cell in clicked.cells[1:]], ["0", "no data", "no data", "–"])
        self.assertEqual([cell.content for cell in bought.cells[1:4]], ["300", f"100.0{THIN}%", f"0.0{THIN}%"])
        delta = bought.cells[4].content
        self.assertEqual((delta.sign, delta.better), ("▲", True))  # type: ignore[union-attr]
        self.assertEqual(len(found.days.rows), 3)
        assert found.chart is not None
        answer = self.client.get(reverse("model", args=[self.run_.pk]))
        self.assertContains(answer, "In both lists of ten, by day")

    def test_few_lists_are_not_judged_and_ended_ones_stay(self) -> None:
        make_lists(self.run_, self.serving, lists=20, days=1)
        found = self.part(ADMIN)
        assert found is not None
        assert found.held is not None
        self.assertEqual(found.badge.text, "ended")
        self.assertEqual((found.progress, found.chart, found.actions), (None, None, []))
        self.assertEqual(found.held.rows[1].cells[4].content, "too few to judge")

    def test_as_many_queries_for_few_lists_as_for_many(self) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as seen:
                self.client.get(reverse("model", args=[self.run_.pk]))
            return len(seen)

        services.shadow(run=self.run_)
        with stopped_clock():
            count()
            few = count()
            make_lists(self.run_, self.serving, lists=60)
            self.assertEqual(count(), few)
