"""Each conflict found, named in words, and not found where there is none."""

from __future__ import annotations

import unittest
from dataclasses import replace
from datetime import time

import numpy as np

from recommender.compiled_rules import CompiledRule, Schedule
from recommender.conflicts import Conflict, conflicts
from tests.recommender.ruled import rule
from tests.recommender.shelves import DAY, NOW, goods

SHELF = goods()


def found(
    *some: CompiledRule, sellable: np.ndarray | None = None, sizes: dict[str, int] | None = None
) -> list[Conflict]:
    return conflicts(some, SHELF, sizes=sizes or {"home": 2}, at=NOW, sellable=sellable)


def codes(*some: CompiledRule) -> list[str]:
    return [conflict.code for conflict in found(*some)]


class ConflictTests(unittest.TestCase):
    def test_two_pins_on_one_position(self) -> None:
        first = rule("pin", id=1, condition={"products": ["soap"]}, priority=1)
        second = rule("pin", id=2, condition={"products": ["milk"]}, priority=2)
        (conflict,) = found(second, first)
        self.assertEqual((conflict.code, conflict.rules, conflict.winner), ("same_position", (1, 2), 1))
        self.assertIn("“rule 1” runs first and gets it", conflict.text)

    def test_a_pin_behind_the_end_of_the_list(self) -> None:
        pin = rule("pin", condition={"products": ["soap"]}, position=3)
        (conflict,) = found(pin, sizes={"home": 2, "similar": 3})
        self.assertEqual((conflict.code, conflict.placement), ("beyond_list", "home"))
        self.assertIn("pins to position 3, but home shows 2", conflict.text)
        self.assertEqual(found(replace(pin, placements=frozenset({"similar"})), sizes={"home": 2, "similar": 3}), [])

    def test_a_quarter_of_an_hour_a_week_is_found(self) -> None:
        for opens, closes, runs in (("10:05", "10:20", True), ("23:55", "00:05", True), ("10:00", "10:00", False)):
            hours = Schedule("America/New_York", (2,), time.fromisoformat(opens), time.fromisoformat(closes))
            short = rule("boost", condition={"products": ["soap"]}, factor=2.0, schedule=hours)
            with self.subTest(opens):
                self.assertEqual(codes(short), [] if runs else ["never_runs"])

    def test_two_pins_that_never_meet(self) -> None:
        home = rule("pin", id=1, condition={"products": ["soap"]}, placements=frozenset({"home"}))
        basket = rule("pin", id=2, condition={"products": ["milk"]}, placements=frozenset({"basket"}))
        later = rule("pin", id=3, condition={"products": ["milk"]}, placements=frozenset({"home"}), starts_at=NOW + DAY)
        earlier = rule(
            "pin", id=4, condition={"products": ["rolls"]}, placements=frozenset({"home"}), ends_at=NOW + DAY
        )
        self.assertEqual(codes(home, basket), [])
        self.assertEqual(codes(later, earlier), [])

    def test_an_exclude_that_swallows_a_pin(self) -> None:
        pin = rule("pin", id=1, condition={"products": ["soap"]})
        conflict = found(pin, rule("exclude", id=2, condition={"brands": ["Suds"]}))[0]
        self.assertEqual((conflict.code, conflict.winner), ("excluded_pin", 2))
        self.assertIn("excludes № soap", conflict.text)

    def test_an_only_that_shuts_a_pin_out(self) -> None:
        pin = rule("pin", id=1, condition={"products": ["soap"]})
        self.assertIn("not_only_pin", codes(pin, rule("only", id=2, condition={"categories": ["Dairy"]})))

    def test_an_only_that_leaves_too_few(self) -> None:
        only = rule("only", condition={"brands": ["Suds"]})
        (conflict,) = found(only)
        self.assertEqual((conflict.code, conflict.placement), ("too_few_left", "home"))
        self.assertEqual(conflict.text, "“rule 1” leaves 1 of the 2 products that home shows.")

    def test_two_rules_that_leave_too_few_together(self) -> None:
        only = rule("only", id=1, condition={"categories": ["Dairy"]})
        exclude = rule("exclude", id=2, condition={"categories": ["Dairy > Milk"]})
        self.assertEqual(codes(only, exclude), ["too_few_left"])

    def test_a_rule_that_can_never_match(self) -> None:
        self.assertEqual(codes(rule("boost", condition={"brands": ["Nobody"]}, factor=2.0)), ["never_matches"])

    def test_a_rule_whose_products_are_all_gone(self) -> None:
        sellable = np.ones(len(SHELF), dtype=bool)
        sellable[SHELF.index["soap"]] = False
        (conflict,) = found(rule("boost", condition={"brands": ["Suds"]}, factor=2.0), sellable=sellable)
        self.assertEqual(conflict.code, "never_matches")

    def test_a_rule_that_has_ended(self) -> None:
        self.assertEqual(codes(rule("boost", condition={"brands": ["Suds"]}, factor=2.0, ends_at=NOW)), ["never_runs"])

    def test_overlapping_boosts(self) -> None:
        boost = rule("boost", id=1, condition={"brands": ["Farm"]}, factor=2.0)
        bury = rule("bury", id=2, condition={"categories": ["Dairy"]}, factor=0.5)
        (conflict,) = found(boost, bury)
        self.assertEqual(conflict.code, "overlapping_boosts")
        self.assertIn("both touch 2 products: they cancel out", conflict.text)

    def test_peaceful_rules(self) -> None:
        boost = rule("boost", id=1, condition={"brands": ["Farm"]}, factor=2.0)
        bury = rule("bury", id=2, condition={"brands": ["Crust"]}, factor=0.5)
        self.assertEqual(codes(boost, bury, rule("pin", id=3, condition={"products": ["soap"]})), [])


class StrictSpreadTests(unittest.TestCase):
    """Of the eight goods two have no brand, two are of Farm, two of Crust, one each of Oaty and Suds: one of a brand
    leaves six."""

    def test_it_is_named_with_the_limit_that_fills_the_list(self) -> None:
        spread = rule("spread", id=3, limit=1)
        (conflict,) = found(spread, sizes={"home": 7, "basket": 6})
        self.assertEqual((conflict.code, conflict.placement, conflict.limit), ("too_strict", "home", 2))
        self.assertIn("at most 1 of one brand stay: of the 7 products that home shows only 6 are left", conflict.text)

    def test_what_is_wide_enough_or_elsewhere_is_not(self) -> None:
        wide = rule("spread", limit=2)
        elsewhere = rule("spread", limit=1, placements=frozenset({"basket"}))
        self.assertEqual(found(wide, elsewhere, sizes={"home": 7}), [])

    def test_behind_a_wall_only_what_the_wall_lets_through_counts(self) -> None:
        only = rule("only", id=1, condition={"brands": ["Farm", "Crust"]})
        spread = rule("spread", id=2, limit=1)
        by_code = {one.code: one for one in found(only, spread, sizes={"home": 3})}
        self.assertEqual((set(by_code), by_code["too_strict"].limit), ({"too_strict"}, 2))
        # Too few for the wall alone: that is the wall's fault, and named as such.
        self.assertEqual([one.code for one in found(only, spread, sizes={"home": 5})], ["too_few_left"])


class GonePlacementTests(unittest.TestCase):
    def named(self, *slugs: str, titles: dict[str, str] | None) -> list[Conflict]:
        pin = rule("pin", condition={"products": ["soap"]}, placements=frozenset(slugs))
        return conflicts([pin], SHELF, sizes={"home": 2}, at=NOW, titles=titles)

    def test_a_deleted_one_is_named(self) -> None:
        (conflict,) = self.named("old", titles={"home": "Home"})
        self.assertEqual((conflict.code, conflict.placement), ("gone_placement", "old"))
        self.assertIn("Nothing else is left", conflict.text)
        (partly,) = self.named("old", "home", titles={"home": "Home"})
        self.assertNotIn("Nothing else", partly.text)

    def test_one_that_is_or_that_is_not_known_to_be_gone_is_not(self) -> None:
        self.assertEqual(self.named("home", titles={"home": "Home"}), [])
        self.assertEqual(self.named("old", titles=None), [])
