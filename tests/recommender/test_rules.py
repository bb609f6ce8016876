"""Rules: what each verb does to a list, and who wins."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np

from recommender.ranked import Ranked
from recommender.rules import apply
from tests.recommender.ruled import CONTEXT, NAMES, SHELF, names, ranked, rule


class VerbTests(unittest.TestCase):
    def test_no_rules_leave_the_list_alone(self) -> None:
        before = ranked()
        self.assertIs(apply(before, [], CONTEXT)[0], before)

    def test_only_and_exclude(self) -> None:
        only = rule("only", condition={"tags": ["fresh"]})
        exclude = rule("exclude", id=2, condition={"brands": ["Crust"]})
        result, trace = apply(ranked(), [exclude, only], CONTEXT)
        self.assertEqual(names(result), ["milk", "oat-milk"])
        self.assertEqual(trace.removed[SHELF.index["bread"]], 2)
        self.assertEqual(trace.removed[SHELF.index["soap"]], 1)

    def test_boost_moves_up_and_bury_down(self) -> None:
        boost = rule("boost", condition={"products": ["soap"]}, factor=100.0)
        bury = rule("bury", id=2, condition={"products": ["milk"]}, factor=0.01)
        result, trace = apply(ranked(), [boost, bury], CONTEXT)
        self.assertEqual((names(result)[0], names(result)[-1]), ("soap", "milk"))
        self.assertEqual(trace.of(SHELF.index["soap"])[0].text, "× 100: rank 8 → 1")
        self.assertEqual(trace.rule_of(SHELF.index["soap"]), 1)

    def test_doubling_is_one_deviation_of_the_list(self) -> None:
        before = Ranked(np.arange(3), np.array([3.0, 2.0, 0.0], dtype=np.float32))  # deviation 1.25
        lifted, _ = apply(before, [rule("boost", condition={"products": [NAMES[1]]}, factor=2.0)], CONTEXT)
        self.assertEqual(lifted.items.tolist(), [1, 0, 2])
        weak, _ = apply(before, [rule("boost", condition={"products": [NAMES[1]]}, factor=1.5)], CONTEXT)
        self.assertEqual(weak.items.tolist(), [0, 1, 2])

    def test_spread_keeps_the_best_of_each(self) -> None:
        spread = rule("spread", by="category", level=1, limit=1)
        result, _ = apply(ranked(), [spread], CONTEXT)
        self.assertEqual(names(result), ["milk", "bread", "apples", "soap"])
        by_brand, _ = apply(ranked(), [rule("spread", by="brand", limit=1)], CONTEXT)
        self.assertEqual(names(by_brand), ["milk", "oat-milk", "bread", "apples", "pears", "soap"])

    def test_pinned_products_count_first_in_a_spread(self) -> None:
        pin = rule("pin", condition={"products": ["butter"]}, position=1)
        spread = rule("spread", id=2, by="brand", limit=1)
        result, _ = apply(ranked(), [spread, pin], CONTEXT)
        self.assertEqual(names(result)[0], "butter")
        self.assertNotIn("milk", names(result))

    def test_pin_brings_a_product_that_was_not_ranked(self) -> None:
        result, trace = apply(
            ranked("milk", "bread"), [rule("pin", condition={"products": ["soap"]}, position=2)], CONTEXT
        )
        self.assertEqual(names(result), ["milk", "soap", "bread"])
        self.assertTrue(np.isnan(result.scores[1]))
        self.assertEqual(trace.of(SHELF.index["soap"])[0].text, "pinned to 2, was not in the list")

    def test_pin_by_condition_takes_the_best_match(self) -> None:
        result, _ = apply(ranked(), [rule("pin", condition={"categories": ["Bakery"]}, position=1)], CONTEXT)
        self.assertEqual(names(result)[0], "bread")

    def test_pin_brings_nothing_unsellable(self) -> None:
        sellable = np.ones(len(SHELF), dtype=bool)
        sellable[SHELF.index["soap"]] = False
        pin = rule("pin", condition={"products": ["soap", "rolls"]}, position=1)
        result, _ = apply(ranked("milk"), [pin], replace(CONTEXT, sellable=sellable))
        self.assertEqual(names(result), ["rolls", "milk"])

    def test_two_pins_on_one_position(self) -> None:
        first = rule("pin", id=2, condition={"products": ["soap"]}, position=1, priority=1)
        second = rule("pin", id=1, condition={"products": ["rolls"]}, position=1, priority=9)
        self.assertEqual(names(apply(ranked(), [second, first], CONTEXT)[0])[:2], ["soap", "rolls"])

    def test_whoever_finds_a_position_taken_pushes_nobody_out_of_theirs(self) -> None:
        pins = [
            rule("pin", id=number, condition={"products": [name]}, position=position, priority=number)
            for number, (name, position) in enumerate([("soap", 1), ("rolls", 1), ("milk", 2)], 1)
        ]
        result, trace = apply(ranked(), pins, CONTEXT)
        self.assertEqual(names(result)[:3], ["soap", "milk", "rolls"])
        self.assertEqual([step.text.split(",")[0] for step in trace.of(SHELF.index["rolls"])], ["pinned to 3"])

    def test_exclude_and_only_win_over_a_pin(self) -> None:
        pin = rule("pin", condition={"products": ["soap"]}, position=1)
        for wall in (
            rule("exclude", id=2, condition={"brands": ["Suds"]}),
            rule("only", id=2, condition={"brands": ["Farm"]}),
        ):
            result, trace = apply(ranked(), [pin, wall], CONTEXT)
            self.assertNotIn("soap", names(result))
            self.assertIn(1, trace.idle)
