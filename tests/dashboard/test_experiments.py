"""Experiments: the list of them, and a new one from its form to its first answers."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from recommender import experiment_results, experiments, serve
from recommender.models import Experiment, ExperimentDay, Placement
from recommender.placements import Setup
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.numbers import THIN
from recsite.dashboard.shop import read_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_placements import PlacementCase
from tests.goods import make_event

TODAY = date(2026, 4, 2)


def make_experiment(
    slug: str = "fewer", *, placement: str = "home", goal: str = "clicks", share: int = 50
) -> Experiment:
    """One that runs on a placement: B shows three best sellers of one brand."""
    setup = Setup("", "popular", 3, {"brand": ["Brand 2"]})
    return experiments.start(
        slug=slug, title=slug.capitalize(), placement=placement, share=share, goal=goal, setup=setup, by=None
    )


def count(experiment: Experiment, arm: str, *, n: int, clicked: int, day: date = TODAY, **fields: Any) -> None:
    """``n`` shoppers who were shown ten products each, of which ``clicked`` of them clicked one."""
    values = {"source": "api", "shown": 10, "first_at": timezone.now(), **fields}
    ExperimentDay.objects.bulk_create(
        ExperimentDay(
            experiment=experiment.slug, day=day, arm=arm, shopper_kind="shopper",
            shopper_external_id=f"{arm}{number}", clicked=int(number < clicked), **values,
        )
        for number in range(n)
    )  # fmt: skip


class ExperimentCase(PlacementCase):
    def form(self, **fields: Any) -> dict[str, Any]:
        """Of an experiment on Home, with something of the setup changed."""
        setup = {key: value for key, value in self.form_of("home").items() if key not in {"title", "is_active", "seen"}}
        return {**setup, "title": "Five on Home", "share": "30", "goal": "buyers", "n": "5", "do": "start", **fields}

    def begin(self, placement: str = "home", **fields: Any) -> HttpResponse:
        with self.captureOnCommitCallbacks(execute=True):
            address = reverse("experiment-new") + f"?placement={placement}"
            answer: Any = self.client.post(address, self.form(**fields))
            return answer


class ListTest(ExperimentCase):
    def rows(self) -> list[list[str]]:
        answer = self.client.get(reverse("experiments"))
        self.assertEqual(answer.status_code, 200)
        texts = []
        for row in answer.context["page"].table.rows:
            contents = [getattr(cell.content, "text", cell.content) for cell in row.cells]
            texts.append([str(text).replace(THIN, " ") for text in contents])
        return texts

    def test_before_the_first_it_says_what_one_is(self) -> None:
        answer = self.client.get(reverse("experiments"))
        self.assertContains(answer, "No experiment yet.")
        self.assertContains(answer, "Start an experiment")
        self.client.force_login(make_person(""))
        self.assertEqual(self.client.get(reverse("experiments")).status_code, 403)

    def test_those_that_run_first_with_what_differs_and_what_it_says(self) -> None:
        running, ended = make_experiment(), make_experiment("old", placement="trending")
        experiments.end(slug="old", keep="a")
        count(running, "a", n=400, clicked=40)
        count(running, "b", n=400, clicked=200)
        count(ended, "a", n=20, clicked=1)
        count(ended, "b", n=20, clicked=1)
        first, second = self.rows()
        self.assertEqual(first[:2], ["Fewer", "Strategy: Personal → Best sellers"])
        self.assertEqual(first[2:], ["1.00 %", "5.00 %", "400 %", "B is better"])
        self.assertEqual((second[0], second[-1]), ("Old", "too early"))
        page = self.client.get(reverse("experiments"))
        self.assertContains(page, "A kept")
        self.assertContains(page, "Products: 10 → 3")

    def test_what_is_shared_out_wrongly_is_not_judged(self) -> None:
        running = make_experiment()
        count(running, "a", n=400, clicked=40)
        count(running, "b", n=200, clicked=200)
        self.assertEqual(self.rows()[0][-1], "shared out wrongly")

    def test_simulated_shoppers_are_marked(self) -> None:
        count(make_experiment(), "a", n=1, clicked=0, source="simulator")
        self.assertContains(self.client.get(reverse("experiments")), ">simulated<")

    def test_figures_of_all_are_those_of_each(self) -> None:
        rows = [make_experiment("one", goal="spent"), make_experiment("two", placement="trending")]
        for row in rows:
            count(row, "a", n=60, clicked=5, revenue=1.5)
            count(row, "b", n=60, clicked=9, revenue=2.5)
        make_event(self.anna, self.products[1], at=timezone.now(), quantity=1, price=9)
        ExperimentDay.objects.filter(experiment="one", shopper_external_id="a3").update(shopper_external_id="s0")
        window = read_shop().click_window
        with stopped_clock():
            found = experiment_results.results_of(rows, window=window)
            for row in rows:
                self.assertEqual(found[row.slug].main, experiment_results.results(row, window=window).main)
                self.assertEqual(found[row.slug].a, experiment_results.results(row, window=window).a)
        self.assertGreater(found["one"].a.spent, 0)

    def queries(self) -> int:
        with stopped_clock():
            self.client.get(reverse("experiments"))
            with CaptureQueriesContext(connection) as seen:
                self.client.get(reverse("experiments"))
        return len(seen)

    def test_queries_do_not_grow_with_experiments(self) -> None:
        make_experiment()
        one = self.queries()
        for slug in Placement.objects.filter(is_active=True).exclude(slug="home").values_list("slug", flat=True)[:4]:
            count(make_experiment(f"on-{slug.replace('_', '-')}", placement=slug), "b", n=3, clicked=1)
        self.assertEqual(Experiment.objects.count(), 5)
        self.assertEqual(self.queries(), one)


class NewTest(ExperimentCase):
    def test_the_form_holds_the_placement_s_setup(self) -> None:
        Placement.objects.filter(slug="trending").update(n=7, diversity="gentle")
        page = self.client.get(reverse("experiment-new") + "?placement=trending").context["page"]
        self.assertEqual(page.form.n.value, "7")
        self.assertEqual([one.value for one in page.form.diversity.options if one.selected], ["gentle"])
        self.assertEqual(page.share.value, "50")
        both = page.trial.both
        self.assertEqual([card.key for card in both.a.tiles.cards], [card.key for card in both.b.tiles.cards])
        self.assertIn("Both lists are the same.", [notice.title for notice in page.trial.notices])

    def test_started_both_arms_are_answered(self) -> None:
        answer = self.begin()
        self.assertRedirects(answer, reverse("experiment", args=["five-on-home"]), fetch_redirect_response=False)
        row = Experiment.objects.get()
        self.assertEqual((row.title, row.placement, row.share, row.goal), ("Five on Home", "home", 30, "buyers"))
        self.assertEqual((row.setup["n"], row.before["n"], row.started_by), (5, 10, self.person))
        sizes = {self.answered(f"s{number}") for number in range(60)}
        self.assertEqual(sizes, {("five-on-home:a", 10), ("five-on-home:b", 5)})
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.action, entry.subject, entry.by), ("experiment.start", "five-on-home", self.person))
        self.assertEqual((entry.detail["share"], entry.detail["after"]["n"]), (30, 5))

    def answered(self, shopper: str) -> tuple[str | None, int]:
        found = serve.recommend(serve.Request(shopper=shopper, placement="home", record=False))
        return found.experiment, len(found.items)

    def test_the_first_fallback_may_be_tried_as_what_fills_it(self) -> None:
        answer = self.begin(n="10", strategy="trending")
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(Experiment.objects.get().setup["fallbacks"], ["popular"])

    def test_a_name_that_is_taken_gets_a_number(self) -> None:
        self.begin()
        experiments.end(slug="five-on-home", keep="a")
        self.begin()
        self.assertEqual(set(Experiment.objects.values_list("slug", flat=True)), {"five-on-home", "five-on-home-2"})

    def test_what_cannot_stand_keeps_every_entry_and_says_why(self) -> None:
        for fields, words in (
            ({"title": ""}, "expected 1 … 120 letters"),
            ({"slug": "Two Words"}, "small letters, digits and hyphens"),
            ({"share": "half"}, "expected a whole number of per cent, received “half”"),
            ({"share": "100"}, "expected 1 … 99"),
            ({"goal": "joy"}, "received “joy”"),
            ({"n": "many"}, "received “many”"),
            ({"n": "10"}, "Setup B is what the placement does now"),
            ({"price_max": "cheap"}, "expected a number, received “cheap”"),
        ):
            answer = self.begin(**{"brand": "Brand 1", **fields} if fields != {"n": "10"} else fields)
            self.assertContains(answer, words, status_code=422)
            self.assertContains(answer, "Nothing was started.", status_code=422)
            if "title" not in fields:
                self.assertContains(answer, 'value="Five on Home"', status_code=422)
        self.assertFalse(Experiment.objects.exists())
        self.assertFalse(AuditEntry.objects.exists())

    def test_only_one_at_a_time(self) -> None:
        make_experiment()
        answer = self.begin()
        self.assertContains(answer, "one at a time", status_code=422)
        led = self.client.get(reverse("experiment-new") + "?placement=home")
        self.assertRedirects(led, reverse("experiment", args=["fewer"]), fetch_redirect_response=False)
        free = self.client.get(reverse("experiment-new")).context["page"].placement.options
        self.assertNotIn("home", [option.value for option in free])

    def test_not_on_one_that_is_off_nor_on_none(self) -> None:
        Placement.objects.filter(slug="trending").update(is_active=False)
        address = reverse("experiment-new")
        self.assertRedirects(
            self.client.get(f"{address}?placement=trending"), reverse("placement", args=["trending"]),
            fetch_redirect_response=False,
        )  # fmt: skip
        self.assertContains(self.begin("trending"), "is switched off", status_code=422)
        self.assertEqual(self.client.get(f"{address}?placement=attic").status_code, 404)

    def test_only_who_may_change_placements(self) -> None:
        self.client.force_login(make_person(""))
        self.assertEqual(self.client.get(reverse("experiment-new")).status_code, 403)
        self.assertEqual(self.begin().status_code, 403)
        self.assertFalse(Experiment.objects.exists())

    def test_as_one_types_both_lists_follow_and_nothing_is_written(self) -> None:
        address = reverse("experiment-new") + "?placement=home"
        form = self.form(brand="Brand 2", preview_shopper="s0")
        answer = self.client.post(address, form, headers={"HX-Request": "true"})
        both = answer.context["page"].trial.both
        self.assertEqual({int(card.key[1:]) % 3 for card in both.b.tiles.cards}, {2})
        self.assertEqual(len(both.a.tiles.cards), 10)
        self.assertFalse(Experiment.objects.exists())
        unread = self.client.post(address, {**form, "n": "many", "do": ""}).context["page"].trial
        self.assertIn("received “many”", unread.notices[0].text)
