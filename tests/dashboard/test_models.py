"""The registry of runs, and who may see and do what."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommender.models import Switch, TrainingRun
from recsite.dashboard import roles
from recsite.dashboard.pages import models as page
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.runs import ADMIN, SEES, make_generation, make_run, serve
from tests.dashboard.test_lists import text_of


def registry(params: dict[str, str] | None = None, permissions: frozenset[str] = ADMIN) -> dict[str, list[Any]]:
    """The lines by run: their cells' contents."""
    made = page.build(params or {}, permissions=permissions)
    return {row.id: [cell.content for cell in row.cells] for row in made.table.rows}


class RegistryTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()

    def test_states_in_words(self) -> None:
        old, now, ready = make_run(), make_run(), make_run()
        serve(make_generation(now))
        make_generation(ready)
        refused, failed = make_run("refused"), make_run("failed", metrics={})
        found = {pk: cells[2].text for pk, cells in registry().items()}
        self.assertEqual(found[f"run-{old.pk}"], "Retired")
        self.assertEqual(found[f"run-{now.pk}"], "Serving")
        self.assertEqual(found[f"run-{ready.pk}"], "Ready to serve")
        self.assertEqual(found[f"run-{refused.pk}"], "Refused by the gate")
        self.assertEqual(found[f"run-{failed.pk}"], "Failed")

    def test_figures_stand_beside_the_best_baseline(self) -> None:
        run = make_run(cpu_seconds=None)
        (row,) = page.build({}, permissions=SEES).table.rows
        self.assertEqual((row.cells[3].content, row.cells[3].note), (".430", "best baseline .410"))
        self.assertEqual((row.cells[4].content, row.cells[4].note), (".043", "beside .041"))
        self.assertEqual(row.cells[6].content, "–")
        self.assertEqual(row.href, reverse("model", args=[run.pk]))

    def test_what_is_kept(self) -> None:
        serving, stored, alone, gone = make_run(), make_run(), make_run(), make_run(artifact="")
        serve(make_generation(serving))
        make_generation(stored)
        found = {pk: cells[7] for pk, cells in registry().items()}
        kept = [found[f"run-{run.pk}"] for run in (serving, stored, alone, gone)]
        self.assertEqual(kept, ["serves now", "lists and model", "model alone", "deleted"])

    def test_filters_and_pages(self) -> None:
        for number in range(52):
            make_run("refused" if number % 2 else "succeeded", metrics={}, verdict={}, curves={})
        ease = make_run(architecture="ease")
        self.assertEqual(list(registry({"architecture": "ease"})), [f"run-{ease.pk}"])
        self.assertEqual(len(registry({"status": "refused"})), 26)
        self.assertEqual(len(registry({"status": "no such state"})), 50)
        self.assertEqual(len(registry({"page": "2"})), 3)
        empty = page.build({"status": "failed"}, permissions=ADMIN).table.empty
        self.assertIn("No run is like this", str(getattr(empty, "title", "")))

    def test_csv_holds_all_that_the_filter_lets_through(self) -> None:
        self.client.force_login(make_person())
        run = make_run()
        make_run("failed", metrics={})
        answer = self.client.get(reverse("models"), {"format": "csv", "status": "succeeded"})
        lines = text_of(answer).splitlines()
        self.assertEqual(lines[0], ",".join(page.CSV_HEADER))
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[1].startswith(f"{run.pk},succeeded,deep,manual,,"), lines[1])
        self.assertIn(",0.43,", lines[1])

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_runs(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        first, second = make_run(), make_run()
        serve(make_generation(first))
        serve(make_generation(second))

        def count() -> int:
            self.client.get(reverse("models"))  # the shell keeps its figures for a while
            with CaptureQueriesContext(connection) as seen:
                self.assertEqual(self.client.get(reverse("models")).status_code, 200)
            return len(seen)

        few = count()
        for _ in range(30):
            make_run("refused")
        self.assertEqual(count(), few)
        self.assertLessEqual(few, 20)

    def test_an_empty_registry_says_what_to_do(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.get(reverse("models"))
        self.assertContains(answer, "No model yet")
        self.assertContains(answer, reverse("retrain"))


class AccessTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.run_ = make_run()
        serve(make_generation(self.run_))
        self.next = make_run()
        make_generation(self.next)

    def addresses(self) -> list[str]:
        pk = self.next.pk
        return [
            reverse("retrain"),
            reverse("roll-back"),
            *(reverse(n, args=[pk]) for n in ("model-stop", "model-promote")),
        ]

    def test_a_merchandiser_sees_but_finds_no_way_to_change_anything(self) -> None:
        self.client.force_login(make_person())
        both = reverse("model-compare") + f"?a={self.run_.pk}&b={self.next.pk}"
        for address in (reverse("models"), reverse("model", args=[self.next.pk]), both):
            answer = self.client.get(address)
            self.assertEqual(answer.status_code, 200)
            for forbidden in self.addresses():
                self.assertNotContains(answer, f'"{forbidden}')
        for forbidden in self.addresses():
            self.assertEqual(self.client.post(forbidden).status_code, 403, forbidden)
        self.assertEqual((Switch.objects.count(), TrainingRun.objects.count()), (1, 2))

    def test_an_admin_finds_them(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.get(reverse("models"))
        self.assertContains(answer, reverse("retrain"))
        self.assertContains(answer, reverse("model-promote", args=[self.next.pk]))

    def test_nothing_is_changed_by_a_link(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        for name, pks in (("roll-back", []), ("model-promote", [self.next.pk])):
            self.assertEqual(self.client.get(reverse(name, args=pks)).status_code, 405)

    def test_a_person_without_a_role_and_a_stranger(self) -> None:
        self.assertEqual(self.client.get(reverse("models")).status_code, 302)
        self.client.force_login(make_person(""))
        for name, pks in (("models", []), ("model", [self.run_.pk])):
            self.assertEqual(self.client.get(reverse(name, args=pks)).status_code, 403)
