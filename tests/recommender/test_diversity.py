"""Variety: the top of a list repeats a category less, whatever rules ordered stays, and the trace says what moved."""

from __future__ import annotations

import time
import unittest

import numpy as np

from recommender import diversity, serve, services, steering
from recommender.models import Placement, Rule
from recommender.ranked import Ranked, Trace
from recommender.serve import Request
from tests.recommender.test_serve import ServeCase

NAN = float("nan")


def ranked(*scores: float) -> Ranked:
    """Items 0, 1, 2 … with these scores."""
    return Ranked(np.arange(len(scores), dtype=np.int64), np.array(scores, np.float32))


def order(of: Ranked, kinds: list[int], strength: str = "strong", pinned: tuple[int, ...] = ()) -> list[int]:
    return diversity.apply(of, np.array(kinds), strength, pinned=pinned, told=10).ranked.items.tolist()


class Varying(unittest.TestCase):
    def test_a_sibling_gives_way_to_what_is_nearly_as_good(self) -> None:
        close = ranked(3, 2.9, 2.8, 2.7, 0, 0)
        self.assertEqual(order(close, [1, 1, 1, 2, 3, 4]), [0, 3, 1, 2, 4, 5])
        self.assertEqual(order(close, [1, 1, 1, 2, 3, 4], "off"), [0, 1, 2, 3, 4, 5])

    def test_what_is_far_better_stays(self) -> None:
        self.assertEqual(order(ranked(9, 8, 1, 0), [1, 1, 2, 3]), [0, 1, 2, 3])

    def test_an_unknown_category_is_nobodys_sibling(self) -> None:
        self.assertEqual(order(ranked(3, 2.9, 2.8, 2.7), [-1, -1, -1, 1]), [0, 1, 2, 3])

    def test_it_is_the_greedy_choice(self) -> None:
        rng = np.random.default_rng(3)
        scores, kinds = np.sort(rng.normal(size=60))[::-1], rng.integers(0, 6, 60)
        given = ranked(*scores)
        left, counts, greedy = list(range(60)), np.zeros(6), []
        cost = diversity.COST["strong"] * float(np.sort(given.scores.astype(np.float64)).std())
        while left:
            best = max(left, key=lambda item: (float(given.scores[item]) - cost * counts[kinds[item]], -item))
            left.remove(best)
            greedy.append(best)
            counts[kinds[best]] += 1
        self.assertEqual(order(given, kinds.tolist()), greedy)

    def test_a_pin_keeps_its_place_and_counts_first(self) -> None:
        found = order(ranked(3, 2.9, NAN, 2.8, 0, 0), [1, 2, 1, 3, 4, 5], pinned=(2,))
        self.assertEqual(found[2], 2)
        self.assertEqual(found, [1, 3, 2, 0, 4, 5])  # item 0 has a sibling already: the pinned one

    def test_what_a_boost_lifted_keeps_its_lead(self) -> None:
        lifted = Ranked(np.array([5, 0, 1, 2]), np.array([0.1, 3, 2, 1], np.float32))
        self.assertEqual(order(lifted, [1, 2, 3, 4, 5, 9]), [5, 0, 1, 2])

    def test_a_list_without_scores_is_varied_and_one_with_some_keeps_the_rest_behind(self) -> None:
        self.assertEqual(order(ranked(*[NAN] * 5), [1, 1, 1, 1, 2])[0], 0)
        self.assertLess(order(ranked(*[NAN] * 5), [1, 1, 1, 1, 2]).index(4), 4)
        self.assertEqual(order(ranked(3, 2.9, NAN, NAN), [1, 1, 1, 2]), [0, 1, 2, 3])

    def test_nothing_leaves_or_comes(self) -> None:
        rng = np.random.default_rng(1)
        for n in (0, 1, 2, 37, 700):
            given = ranked(*np.sort(rng.normal(size=n))[::-1])
            found = diversity.apply(given, rng.integers(-1, 9, n), "strong", pinned=(), told=5).ranked
            self.assertEqual(sorted(found.items.tolist()), list(range(n)))
            np.testing.assert_array_equal(found.scores, given.scores[found.items])

    def test_moves_are_told_of_the_shown(self) -> None:
        varied = diversity.apply(ranked(3, 2.9, 2.8, 0), np.array([1, 1, 2, 3]), "strong", pinned=(), told=2)
        self.assertEqual(varied.moved, {2: (3, 2)})
        (step,) = diversity.told(Trace(), varied).of(2)
        self.assertEqual((step.to_dict()["rule"], step.text), (None, diversity.words(3, 2)))
        self.assertIsNone(diversity.told(Trace(), varied).rule_of(2))

    def test_it_takes_little(self) -> None:
        rng = np.random.default_rng(0)
        given, kinds = ranked(*np.sort(rng.normal(size=400))[::-1]), rng.integers(0, 60, 400)
        taken = []
        for _ in range(200):
            began = time.thread_time()
            diversity.apply(given, kinds, "strong", pinned=(), told=10)
            taken.append(time.thread_time() - began)
        self.assertLess(min(taken), 0.0005)  # 0.06 ms here; a slow machine has room


class Served(ServeCase):
    """s0 loves tea and nothing else; tea and coffee take turns in the catalogue."""

    def ask(self, **more: object) -> serve.Answer:
        return serve.recommend(Request(shopper="s0", n=8, explain=True, **more))  # type: ignore[arg-type]

    def set(self, strength: str) -> None:
        Placement.objects.filter(slug="home").update(diversity=strength)
        services.note_settings("placements")

    @staticmethod
    def coffees(answer: serve.Answer) -> int:
        return sum(int(item.product[1:]) % 2 for item in answer.items)

    def test_a_placement_says_how_much_and_the_next_answer_goes_by_it(self) -> None:
        before = self.ask()
        self.set("strong")
        after = self.ask()
        self.assertGreater(self.coffees(after), self.coffees(before))
        moved = [item for item in after.items if any(step.verb == "diversity" for step in item.trace)]
        self.assertTrue(moved)
        self.assertEqual({item.rule for item in moved}, {None})
        self.assertEqual(
            set(moved[0].to_dict(explained=True)["trace"][-1]), {"rule", "name", "verb", "changed", "text"}
        )
        self.set("off")
        self.assertEqual([item.product for item in self.ask().items], [item.product for item in before.items])

    def test_pins_and_spreads_hold(self) -> None:
        Rule.objects.create(
            name="Third", verb="pin", status="live", condition={"products": ["p9"]}, parameters={"position": 3}
        )
        Rule.objects.create(name="Two", verb="spread", status="live", parameters={"by": "category", "limit": 2})
        steering.publish()
        self.set("strong")
        answer = self.ask()
        self.assertEqual(answer.items[2].product, "p9")
        self.assertIsNotNone(answer.items[2].rule)
        self.assertLessEqual(self.coffees(answer), 2)

    def test_a_setting_of_a_later_release_is_left_out(self) -> None:
        row = {**steering.placement_rows()[0], "shelf_life": 3}
        self.assertEqual(steering.as_slots([row])[row["slug"]].diversity, "off")
