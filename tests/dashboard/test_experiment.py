"""One experiment's page: what it says, how it ends, and the placement that stands still meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.urls import reverse

from recommender import experiment_results, experiments
from recommender.experiment_results import Measure
from recommender.experiment_statistics import Difference, Estimate
from recommender.models import Experiment, Placement
from recsite.dashboard import experiment_words, placement_acts
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.numbers import THIN
from recsite.dashboard.pages import experiment as experiment_page
from recsite.dashboard.shop import read_shop
from tests.dashboard.people import make_person
from tests.dashboard.test_experiments import TODAY, ExperimentCase, count, make_experiment


def measure(goal: str, low: float, high: float, *, a: float = 0.05) -> Measure:
    """Of 100 shoppers in each arm, with a planted interval."""
    value = (low + high) / 2
    return Measure(goal, Estimate(a, 0.01, 100), Estimate(a + value, 0.01, 100), Difference(value, low, high, a))


class WordsTest(ExperimentCase):
    def said(self, one: Measure) -> str:
        return experiment_words.verdict(one, "USD").text.replace(THIN, " ")

    def test_more_than_chance(self) -> None:
        self.assertEqual(
            self.said(measure("clicks", 0.0015, 0.0105)),
            "B is clicked 12 % more (between 3.0 % and 21 %): more than chance.",
        )
        self.assertEqual(
            self.said(measure("buyers", -0.0105, -0.0015)),
            "With B 12 % fewer shoppers buy something recommended (between 3.0 % and 21 %): more than chance.",
        )
        self.assertEqual(
            self.said(measure("revenue", 0.5, 1.5, a=0)),
            "With B recommendations earn $1.00 more of each shopper (between $0.50 and $1.50): more than chance.",
        )

    def test_open(self) -> None:
        self.assertEqual(
            self.said(measure("spent", -1, 3, a=10)), "Open: so far only a difference above ±20 % would show."
        )
        nothing = Measure("clicks", Estimate(0.0, 0.0, 60), Estimate(0.0, 0.0, 60), Difference(0, 0, 0, 0))
        self.assertEqual(self.said(nothing), "Open: nothing was clicked yet in either.")

    def test_too_early_and_no_data(self) -> None:
        early = Measure("clicks", Estimate(0.1, 0.1, 23), Estimate(0.1, 0.1, 31), None)
        self.assertEqual(
            self.said(early), "Too early: 23 and 31 shoppers; from 50 in each arm on differences are told."
        )
        unseen = Measure("clicks", Estimate(0.1, 0.1, 60), Estimate(None, 0, 60), None)
        self.assertTrue(self.said(unseen).startswith("No data"))
        none = Measure("clicks", Estimate(None, 0, 0), Estimate(None, 0, 0), None)
        self.assertIn("no list was answered yet", self.said(none))


class PageTest(ExperimentCase):
    def show(self, slug: str = "fewer") -> Any:
        answer = self.client.get(reverse("experiment", args=[slug]))
        self.assertEqual(answer.status_code, 200)
        return answer

    def test_before_the_first_list(self) -> None:
        make_experiment()
        answer = self.show()
        self.assertContains(answer, "no list was answered yet")
        self.assertContains(answer, "drawn from its second day on")
        self.assertContains(answer, "End, keep A")
        self.assertNotContains(answer, "simulated")
        self.assertEqual(self.client.get(reverse("experiment", args=["none"])).status_code, 404)

    def test_the_goal_first_with_interval_and_both_setups(self) -> None:
        row = make_experiment(goal="buyers")
        count(row, "a", n=400, clicked=40, bought=1, revenue=2.0)
        count(row, "b", n=400, clicked=200, revenue=4.0)
        page = self.show().context["page"]
        self.assertIn("With B 100 % fewer shoppers buy something recommended", page.verdict.replace("\u202f", " "))
        table = [[cell.content for cell in line.cells] for line in page.measures.rows]
        self.assertEqual(table[0][0], experiment_words.GOALS["buyers"])
        self.assertEqual(page.measures.rows[0].cells[0].badge.text, "decides")
        self.assertEqual([line[-1] for line in table], ["A is better", "B is better", "B is better", "nothing yet"])
        differing = {line.cells[0].content: line.selected for line in page.setups.rows}
        self.assertEqual(
            differing, {"Strategy": True, "Products": True, "Fallbacks": True, "Variety": False, "Filters": True}
        )

    def test_shares_that_chance_does_not_give_raise_the_alarm(self) -> None:
        row = make_experiment(share=50)
        count(row, "a", n=600, clicked=60)
        count(row, "b", n=400, clicked=390)
        answer = self.show()
        page = answer.context["page"]
        self.assertEqual((page.alarm.tone, page.figures), ("bad", ()))
        self.assertIn(
            "50 % of the shoppers should get B, 40.0 % did (400 of 1,000)", page.alarm.text.replace(THIN, " ")
        )
        self.assertContains(answer, "do not trust the figures below")
        self.assertEqual({line.cells[-1].content for line in page.measures.rows}, {"not to be trusted"})

    def test_clicks_by_day_of_both(self) -> None:
        row = make_experiment()
        count(row, "a", n=10, clicked=5, day=TODAY - timedelta(days=2), source="simulator")
        count(row, "b", n=10, clicked=2, day=TODAY)
        page = self.show().context["page"]
        lines = {trace["name"]: trace["y"] for trace in page.chart.figure["data"]}
        self.assertEqual(lines, {"A": [5.0, None, None], "B": [None, None, 2.0]})
        self.assertEqual(page.simulated.text, "simulated")

    def test_who_only_sees_cannot_end_it(self) -> None:
        make_experiment()
        onlooker = make_person("", name="onlooker")
        onlooker.user_permissions.add(Permission.objects.get(codename="view_product"))
        self.client.force_login(onlooker)
        self.assertNotContains(self.show(), "End, keep")
        self.assertEqual(self.end("a").status_code, 403)
        self.assertEqual(Experiment.objects.get().status, "running")

    def end(self, keep: str, slug: str = "fewer") -> HttpResponse:
        return self.post("experiment-end", slug, keep=keep)

    def test_ended_with_a_the_placement_is_as_it_was(self) -> None:
        make_experiment()
        before = placement_acts.history("home").count()
        self.assertRedirects(self.end("a"), reverse("experiment", args=["fewer"]), fetch_redirect_response=False)
        self.assertEqual(Placement.objects.get(slug="home").n, 10)
        self.assertEqual(len(self.served("home")), 10)
        self.assertEqual(placement_acts.history("home").count(), before)
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.action, entry.subject, entry.detail["keep"]), ("experiment.end", "fewer", "a"))
        answer = self.show()
        self.assertContains(answer, "by merchandiser: “Home” went on with A, the placement as it was.")
        self.assertNotContains(answer, "End, keep")

    def test_ended_with_b_everybody_gets_it_and_undo_puts_the_placement_back(self) -> None:
        make_experiment()
        undo = self.undo_url(self.end("b"))
        self.assertEqual({int(one[1:]) % 3 for one in self.served("home")}, {2})
        actions = list(AuditEntry.objects.order_by("id").values_list("action", "subject"))
        self.assertEqual(actions, [("experiment.end", "fewer"), ("placement.change", "home")])
        self.assertContains(self.show(), "went on with B, the other setup")
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(undo)
        self.assertEqual(Placement.objects.get(slug="home").n, 10)
        page = self.client.get(reverse("placement", args=["home"]))
        self.assertContains(page, "Products: 10 → 3")
        self.assertContains(page, "Undone")

    def test_an_end_is_asked_first_and_happens_once(self) -> None:
        make_experiment()
        asked = self.client.get(reverse("experiment-end", args=["fewer"]), {"keep": "b"})
        self.assertContains(asked, "End “Fewer” and keep B?")
        self.assertEqual(Experiment.objects.get().status, "running")
        self.end("a")
        self.end("b")
        self.assertEqual(Experiment.objects.get().kept, "a")
        self.assertContains(self.show(), "Nothing was changed: “Fewer” ended on")

    def test_what_to_keep_must_be_said(self) -> None:
        make_experiment()
        self.end("c")
        self.assertEqual(Experiment.objects.get().status, "running")
        self.assertContains(self.show(), "expected to keep a or b, received “c”")

    def test_the_page_asks_as_many_queries_whatever_came_of_it(self) -> None:
        row = make_experiment()
        count(row, "a", n=60, clicked=9)
        count(row, "b", n=60, clicked=9, day=TODAY - timedelta(days=1))
        self.assertEqual(experiment_results.results(row, window=timedelta()).b.subjects, 60)
        shop = read_shop()
        with self.assertNumQueries(3):
            experiment_page.build(row, shop, permissions=frozenset())


class StandingStillTest(ExperimentCase):
    def test_the_placement_says_why_it_cannot_be_changed(self) -> None:
        address = reverse("placement", args=["home"])
        self.assertContains(self.client.get(address), "Try another setup")
        form = self.form_of("home")
        make_experiment()
        answer = self.client.get(address)
        self.assertContains(answer, "This placement stands still.")
        self.assertContains(answer, reverse("experiment", args=["fewer"]))
        self.assertContains(answer, '<fieldset class="card fields" disabled>')
        self.assertNotContains(answer, "Save, live at once")
        self.assertNotContains(answer, "Try another setup")
        refused = self.post("placement", "home", **{**form, "n": "4"})
        self.assertContains(refused, "end it first", status_code=422)
        self.assertEqual(Placement.objects.get(slug="home").n, 10)
        self.assertContains(self.client.get(reverse("placements")), reverse("experiments"))

    def test_preview_says_which_setup_a_shopper_gets(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            make_experiment()
        page = self.client.get(reverse("preview"), {"placement": "home", "shopper": "s0"}).context["page"]
        (notice,) = [one for one in page.notices if one.title == "By an experiment"]
        arm = "B" if len(page.single.cards) == 3 else "A"
        self.assertEqual(
            notice.text, f"“fewer” runs on this placement, and chance gives this shopper setup {arm} of it."
        )
        experiments.end(slug="fewer", keep="a")
