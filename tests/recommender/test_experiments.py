"""Experiments: from the start, over every answer and what came of it, to the setup that is kept."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import connections
from django.test import TestCase

from recommender import experiment_results, experiments, placements, roll_up, serve, served, state, steering
from recommender.experiments import Ended
from recommender.models import Experiment, ExperimentDay, Placement, ServedList
from recommender.placements import Refused, UnderExperiment, setup_of
from recsite.testing import CommittedCase, open_new_shop
from tests.goods import make_products
from tests.recommender.test_feedback import HOUR, MINUTE, NOON, UTC_ZONE, FeedbackCase, Windows

WINDOW = timedelta(hours=24)


def start(slug: str = "short-home", **changes: Any) -> Experiment:
    now = setup_of(Placement.objects.get(slug="home"))
    values: dict[str, Any] = {
        "title": "Four products instead of ten", "placement": "home", "share": 50, "goal": "clicks",
        "setup": replace(now, n=4), "by": None, **changes,
    }  # fmt: skip
    return experiments.start(slug=slug, **values)


class StartTests(TestCase):
    def test_what_cannot_stand_is_named_field_by_field(self) -> None:
        home = setup_of(Placement.objects.get(slug="home"))
        wrong: dict[str, dict[str, Any]] = {
            "slug": {"slug": "Two Words"},
            "title": {"title": " "},
            "share": {"share": 100},
            "goal": {"goal": "fame"},
            "setup": {"setup": home},
            "n": {"setup": replace(home, n=101)},
        }
        for field, changes in wrong.items():
            with self.assertRaises(Refused) as caught:
                start(**{"slug": "short-home", **changes})
            self.assertEqual(list(caught.exception.errors), [field])
        self.assertFalse(Experiment.objects.exists())

    def test_one_at_a_time_on_a_placement_and_a_name_once(self) -> None:
        start()
        with self.assertRaises(Refused) as caught:
            start()
        self.assertEqual(set(caught.exception.errors), {"slug", "placement"})
        start("other", placement="trending", setup=setup_of(Placement.objects.get(slug="home")))

    def test_not_on_a_placement_that_is_off(self) -> None:
        Placement.objects.filter(slug="home").update(is_active=False)
        with self.assertRaises(Refused) as caught:
            start()
        self.assertIn("placement", caught.exception.errors)

    def test_meanwhile_the_placement_stands_still(self) -> None:
        start()
        home = setup_of(Placement.objects.get(slug="home"))
        with self.assertRaises(UnderExperiment):
            placements.change(slug="home", setup=replace(home, n=7))
        own = placements.create(slug="own", setup=replace(home, title="Own"))
        start("on-own", placement=own.slug)
        with self.assertRaises(UnderExperiment):
            placements.delete(slug="own")

    def test_ending_it(self) -> None:
        for keep, n in (("a", 10), ("b", 4)):
            start(f"keep-{keep}")
            ended = experiments.end(slug=f"keep-{keep}", keep=keep)
            self.assertEqual((ended.status, ended.kept), ("ended", keep))
            self.assertEqual(Placement.objects.get(slug="home").n, n)
            with self.assertRaises(Ended):
                experiments.end(slug=f"keep-{keep}", keep="a")
        with self.assertRaises(ValueError):
            experiments.end(slug="keep-a", keep="c")


class TwoAtOnceTests(CommittedCase):
    def test_of_many_starts_at_once_one_is_made(self) -> None:
        """Each waits for the placement's row; whoever comes second is told why not."""
        refused: list[Refused] = []

        def one(number: int) -> None:
            try:
                start(f"try-{number}")
            except Refused as error:
                refused.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(Experiment.objects.filter(placement="home").count(), 1)
        self.assertEqual({field for error in refused for field in error.errors}, {"placement"})
        self.assertEqual(len(refused), 5)


class AnswerTests(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        make_products(12)
        steering.publish()
        state.forget()

    def ask(self, **who: Any) -> serve.Answer:
        return serve.recommend(serve.Request(record=False, **who))

    def test_each_is_answered_by_their_arm_from_the_next_request_on(self) -> None:
        self.assertIsNone(self.ask(shopper="1").experiment)
        with self.captureOnCommitCallbacks(execute=True):
            start()
        lengths: dict[str | None, set[int]] = {}
        for number in range(40):
            for who in ({"shopper": str(number)}, {"visitor": str(number)}):
                answer = self.ask(**who)
                lengths.setdefault(answer.experiment, set()).add(len(answer.items))
                self.assertEqual(answer.to_dict()["experiment"], answer.experiment)
                self.assertEqual(self.ask(**who).experiment, answer.experiment)
        self.assertEqual(lengths, {"short-home:a": {10}, "short-home:b": {4}})
        nobody = self.ask()
        self.assertEqual((nobody.experiment, len(nobody.items)), (None, 10))
        self.assertIsNone(self.ask(shopper="1", placement="trending").experiment)
        with self.captureOnCommitCallbacks(execute=True):
            experiments.end(slug="short-home", keep="b")
        self.assertEqual({(self.ask(shopper=str(n)).experiment, len(self.ask().items)) for n in range(9)}, {(None, 4)})

    def test_a_preview_of_a_setup_is_in_no_arm(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            start()
        slot = setup_of(Placement.objects.get(slug="home")).slot("home")
        self.assertIsNone(self.ask(shopper="1", slot=slot).experiment)

    def test_served_lists_keep_it(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            start()
        answer = serve.recommend(serve.Request(shopper="7"))
        served.store_all()
        self.assertEqual(ServedList.objects.get(pk=answer.recommendation_id).experiment, answer.experiment)

    def test_what_redis_holds_is_read_by_a_process_of_the_release_before(self) -> None:
        start()
        rows = steering.placement_rows()
        self.assertIn("trial", next(row for row in rows if row["slug"] == "home"))
        slot = steering.as_slots(rows)["home"]
        assert slot.trial is not None
        self.assertEqual((slot.n, slot.trial.slot.n, slot.trial.slot.trial), (10, 4, None))


class ResultsTests(FeedbackCase):
    def setUp(self) -> None:
        self.experiment = start()
        Experiment.objects.update(started_at=NOON - HOUR)
        self.experiment.refresh_from_db()

    def list_for(self, shopper: int, arm: str, **fields: Any) -> str:
        who: dict[str, Any] = {
            "shopper_kind": "shopper",
            "shopper_external_id": (self.anna, self.ben)[shopper].external_id,
        }
        return self.serve(*self.products[:4], experiment=f"short-home:{arm}", **who, **fields)

    def results(self) -> experiment_results.Results:
        roll_up.refresh(windows=Windows(), zone=UTC_ZONE)
        return experiment_results.results(self.experiment, window=WINDOW, now=NOON + 5 * HOUR)

    def test_what_came_of_each_arm(self) -> None:
        first, second = self.list_for(0, "a"), self.list_for(1, "b")
        again = self.list_for(1, "b", at=NOON + HOUR)
        self.serve(self.products[0], shopper_kind="shopper", shopper_external_id="else")  # of no experiment
        for name, shopper in ((first, self.anna), (second, self.ben), (again, self.ben)):
            self.happen("impression", None, MINUTE, rec=name, shopper=shopper)
        self.happen("click", self.products[1], 2 * MINUTE, rec=second, shopper=self.ben)
        self.happen("purchase", self.products[1], 3 * MINUTE, shopper=self.ben, price=5, quantity=2)
        self.happen("purchase", self.products[5], 4 * MINUTE, shopper=self.anna, price=3)  # not recommended
        self.happen("purchase", self.products[5], -4 * MINUTE, shopper=self.anna, price=99)  # before it all
        found = self.results()
        a, b = found.a, found.b
        self.assertEqual((a.subjects, a.shown, a.clicked, a.bought, a.revenue, a.spent), (1, 4, 0, 0, 0, 3))
        self.assertEqual((b.subjects, b.shown, b.clicked, b.buyers, b.revenue, b.spent), (1, 8, 1, 1, 10, 10))
        self.assertEqual([m.goal for m in found.measures], ["clicks", "buyers", "revenue", "spent"])
        self.assertEqual((found.main.a.value, found.main.b.value, found.main.difference), (0, 1 / 8, None))
        self.assertEqual(found.main.better, "")
        self.assertTrue(found.is_sound)
        days = experiment_results.daily(self.experiment)
        self.assertEqual({(str(day), arm): row.shown for (day, arm), row in days.items()},
                         {("2026-03-10", "a"): 4, ("2026-03-10", "b"): 8})  # fmt: skip

    def test_whoever_saw_nothing_counts_as_well(self) -> None:
        self.list_for(0, "a")
        found = self.results()
        self.assertEqual((found.a.subjects, found.a.shown), (1, 0))
        self.assertIsNone(found.main.a.value)

    def test_counting_twice_changes_nothing(self) -> None:
        self.list_for(0, "a")
        self.results()
        before = list(ExperimentDay.objects.order_by("arm").values_list("arm", "shopper_external_id", "shown"))
        self.results()
        after = list(ExperimentDay.objects.order_by("arm").values_list("arm", "shopper_external_id", "shown"))
        self.assertEqual(before, after)

    def test_simulated_lists_are_told(self) -> None:
        self.list_for(0, "a", source="simulator")
        self.assertTrue(self.results().simulated)

    def test_a_difference_of_many_is_told_and_one_of_none_is_not(self) -> None:
        """300 shoppers an arm, planted: B is clicked on every second product, A on every fourth."""
        rows = [
            ExperimentDay(
                experiment="short-home", day=NOON.date(), arm=arm, source="api", shopper_kind="visitor",
                shopper_external_id=f"{arm}{n}", first_at=NOON, shown=8, clicked=(4 if arm == "b" else 2) + n % 2,
                bought=n % 3 == 0, revenue=float(n % 5),
            )
            for arm in "ab" for n in range(300)
        ]  # fmt: skip
        ExperimentDay.objects.bulk_create(rows)
        found = experiment_results.results(self.experiment, window=WINDOW)
        self.assertEqual([m.better for m in found.measures], ["b", "", "", ""])
        low, high = ((found.main.difference and found.main.difference.relative) or (0, 0, 0))[1:]
        self.assertTrue(0.7 < low < 0.8 < high < 0.9, (low, high))
        ExperimentDay.objects.filter(arm="b", shopper_external_id__endswith="1").delete()
        self.assertTrue(experiment_results.results(self.experiment, window=WINDOW).is_sound)
        ExperimentDay.objects.filter(arm="b", shopper_external_id__contains="2").delete()
        self.assertFalse(experiment_results.results(self.experiment, window=WINDOW).is_sound)

    def test_one_query(self) -> None:
        with self.assertNumQueries(1):
            experiment_results.results(self.experiment, window=WINDOW)
