"""Rules: each verb, each part of a condition, and the properties that must hold for any set of rules."""

from __future__ import annotations

import unittest
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TypedDict, Unpack

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import compiled_rules, rules
from recommender.compiled_rules import CompiledRule, Context, RuleError
from recommender.conditions import Condition, ConditionError, count
from recommender.ranked import Ranked
from recommender.rules import apply
from tests.recommender.shelves import GOODS, NOW, goods

SHELF = goods()
NAMES = [row[0] for row in GOODS]
CONTEXT = Context(SHELF, "home", NOW)


def ranked(*names: str) -> Ranked:
    codes = SHELF.codes_of(names or NAMES)
    return Ranked(codes, np.linspace(1, 0, len(codes), dtype=np.float32))


def names(result: Ranked) -> list[str]:
    return [SHELF.external_ids[code] for code in result.items]


class Fields(TypedDict, total=False):
    """What a rule of a test may say beside its verb and condition."""

    position: int
    factor: float
    limit: int
    by: str
    level: int
    placements: frozenset[str]
    segments: frozenset[str]
    starts_at: float | None
    ends_at: float | None
    schedule: compiled_rules.Schedule | None
    priority: int


def rule(
    verb: str, *, id: int = 1, condition: Mapping[str, object] | None = None, **fields: Unpack[Fields]
) -> CompiledRule:
    return CompiledRule(id=id, verb=verb, name=f"rule {id}", condition=Condition.from_dict(condition or {}), **fields)


class ConditionTests(unittest.TestCase):
    def matching(self, **parts: object) -> list[str]:
        mask = Condition.from_dict(parts).matches(SHELF, np.arange(len(SHELF)), at=NOW)
        return [name for name, hit in zip(NAMES, mask, strict=True) if hit]

    def test_each_part(self) -> None:
        self.assertEqual(self.matching(categories=["dairy > milk"]), ["milk", "oat-milk"])
        self.assertEqual(self.matching(categories=["Dairy > M"]), [])
        self.assertEqual(self.matching(brands=["FARM", "Suds"]), ["milk", "butter", "soap"])
        self.assertEqual(self.matching(tags=["vegan"]), ["oat-milk", "apples", "pears"])
        self.assertEqual(self.matching(price_min=2.5, price_max=4), ["butter", "bread", "apples"])
        self.assertEqual(self.matching(stock_min=9), ["oat-milk", "bread", "rolls", "apples"])
        self.assertEqual(self.matching(stock_max=2), ["pears", "soap"])
        self.assertEqual(self.matching(age_max_days=14), ["oat-milk", "rolls"])
        self.assertEqual(self.matching(attributes={"colour": ["white"]}), ["milk", "oat-milk"])
        self.assertEqual(self.matching(attributes={"margin": {"min": 0.5}}), ["bread", "rolls", "soap"])
        self.assertEqual(self.matching(attributes={"unheard": ["of"]}), [])
        self.assertEqual(self.matching(products=["pears", "nothing"]), ["pears"])

    def test_parts_narrow_each_other(self) -> None:
        self.assertEqual(self.matching(categories=["Dairy"], brands=["Farm"], price_max=2), ["milk"])

    def test_filter_of_a_request(self) -> None:
        condition = Condition.from_filter(
            {"category": "Bakery", "price_max": "2", "margin_min": 0.1, "colour": "brown"}
        )
        self.assertEqual(count(condition, SHELF, at=NOW), 1)

    def test_values_and_a_range_of_one_attribute_are_refused(self) -> None:
        for values in ({"margin": "a", "margin_min": 1}, {"margin_min": 1, "margin": "a"}):
            with self.assertRaisesRegex(ConditionError, "values"):
                Condition.from_filter(values)

    def test_round_trip(self) -> None:
        parts = {"categories": ["Dairy"], "price_max": 3.0, "attributes": {"colour": ["red"], "margin": {"min": 0.2}}}
        self.assertEqual(Condition.from_dict(parts).to_dict(), parts)

    def test_refusals(self) -> None:
        refused: list[dict[str, object]] = [
            {"price_min": "cheap"},
            {"price_min": True},
            {"colour": 1},
            {"brands": [None]},
            {"attributes": []},
        ]
        for parts in refused:
            with self.subTest(parts), self.assertRaises(ConditionError):
                Condition.from_dict(parts)


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


class ScopeTests(unittest.TestCase):
    def test_placements_and_segments(self) -> None:
        scoped = rule("exclude", placements=frozenset({"basket"}), segments=frozenset({"loyal"}))
        self.assertFalse(scoped.applies(CONTEXT))
        self.assertFalse(scoped.applies(replace(CONTEXT, placement="basket")))
        self.assertTrue(scoped.applies(replace(CONTEXT, placement="basket", segment="loyal")))

    def test_start_and_end(self) -> None:
        timed = rule("exclude", starts_at=NOW, ends_at=NOW + 10)
        moments = (NOW - 1, NOW, NOW + 9, NOW + 10)
        self.assertEqual([timed.applies(replace(CONTEXT, at=at)) for at in moments], [False, True, True, False])

    def test_hours_in_the_shop_s_own_zone(self) -> None:
        lunch = compiled_rules.from_dict(
            {
                "id": 1,
                "verb": "boost",
                "parameters": {
                    "schedule": {"time_zone": "America/New_York", "weekdays": [0], "opens": "11:00", "closes": "14:00"}
                },
            }
        )
        monday = datetime(2026, 6, 1, 15, 30, tzinfo=UTC)  # 11:30 in New York, summer
        self.assertTrue(lunch.applies(replace(CONTEXT, at=monday.timestamp())))
        self.assertFalse(lunch.applies(replace(CONTEXT, at=monday.replace(hour=14).timestamp())))
        self.assertFalse(lunch.applies(replace(CONTEXT, at=monday.replace(day=2).timestamp())))

    def test_hours_past_midnight_belong_to_the_evening(self) -> None:
        night = compiled_rules.from_dict(
            {
                "id": 1,
                "verb": "boost",
                "parameters": {"schedule": {"weekdays": [4], "opens": "22:00", "closes": "02:00"}},
            }
        )
        friday = datetime(2026, 6, 5, 23, 0, tzinfo=UTC)
        for at, expected in ((friday, True), (friday.replace(day=6, hour=1), True), (friday.replace(hour=1), False)):
            with self.subTest(at=at):
                self.assertEqual(night.applies(replace(CONTEXT, at=at.timestamp())), expected)


class ReadingTests(unittest.TestCase):
    def test_compile_a_row(self) -> None:
        row = SimpleNamespace(
            pk=7, name="Autumn", verb="bury", condition={"brands": ["Farm"]}, parameters={"strength": "strong"},
            placements=["home"], segments=[], starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=None, priority=3,
        )  # fmt: skip
        compiled = compiled_rules.compile_rule(row)
        self.assertEqual((compiled.factor, compiled.priority, compiled.placements), (0.25, 3, frozenset({"home"})))

    def test_refusals_name_the_field(self) -> None:
        for values, field in (
            ({"verb": "shout"}, "verb"),
            ({"verb": "pin"}, "condition"),
            ({"verb": "pin", "condition": {"brands": ["A"]}, "parameters": {"position": 0}}, "position"),
            ({"verb": "boost", "parameters": {"factor": 0.5}}, "factor"),
            ({"verb": "bury", "parameters": {"factor": 1}}, "factor"),
            ({"verb": "boost", "parameters": {"strength": "mighty"}}, "strength"),
            ({"verb": "spread", "parameters": {"limit": True}}, "limit"),
            ({"verb": "spread", "parameters": {"schedule": {"time_zone": "Mars/North"}}}, "schedule"),
        ):
            with self.subTest(values), self.assertRaises(RuleError) as refused:
                compiled_rules.from_dict({"id": 1, **values})
            self.assertEqual(refused.exception.field, field)


conditions: st.SearchStrategy[dict[str, list[str] | float]] = st.sampled_from(
    [
        {"categories": ["Dairy"]},
        {"categories": ["Bakery"]},
        {"brands": ["Farm"]},
        {"tags": ["vegan"]},
        {"price_max": 2.5},
        {"products": ["soap"]},
        {"products": ["milk", "apples"]},
    ]
)


@st.composite
def some_rule(draw: st.DrawFn, verbs: tuple[str, ...] = compiled_rules.VERBS) -> CompiledRule:
    verb = draw(st.sampled_from(verbs))
    return CompiledRule(
        id=draw(st.integers(2, 10_000)),
        verb=verb,
        condition=Condition.from_dict(draw(conditions)),
        position=draw(st.integers(1, 10) | st.integers(1, 3)),
        factor=draw(st.sampled_from([1.25, 2.0, 4.0])) ** (1 if verb == "boost" else -1),
        limit=draw(st.integers(1, 3)),
        by=draw(st.sampled_from(["brand", "category", "colour"])),
        priority=draw(st.integers(1, 99)),
    )


lists = st.permutations(NAMES).flatmap(lambda order: st.integers(0, len(NAMES)).map(lambda n: order[:n]))
several = st.lists(some_rule(), max_size=6, unique_by=lambda r: r.id)


def ranked_some(order: list[str]) -> Ranked:
    return ranked(*order) if order else Ranked(np.empty(0, np.int64), np.empty(0, np.float32))


class PropertyTests(unittest.TestCase):
    @settings(max_examples=150, deadline=None)
    @given(lists, several)
    def test_nothing_twice_and_nothing_invented(self, order: list[str], some: list[CompiledRule]) -> None:
        result, _ = apply(ranked_some(order), some, CONTEXT)
        self.assertEqual(len(set(result.items.tolist())), len(result))
        pins = {name for r in some if r.verb == "pin" for name in r.condition.products}
        self.assertLessEqual(set(names(result)), set(order) | pins)

    @settings(max_examples=150, deadline=None)
    @given(lists, several, some_rule(("exclude", "only")))
    def test_excluded_is_nowhere_and_only_lets_no_other_through(
        self, order: list[str], some: list[CompiledRule], wall: CompiledRule
    ) -> None:
        result, _ = apply(ranked_some(order), [*some, wall], CONTEXT)
        matched = wall.condition.matches(SHELF, result.items, at=NOW)
        self.assertTrue(matched.all() if wall.verb == "only" else not matched.any())

    @settings(max_examples=150, deadline=None)
    @given(lists, st.lists(some_rule(("boost", "bury", "spread")), max_size=4, unique_by=lambda r: r.id),
           st.sampled_from(NAMES), st.integers(1, 10))  # fmt: skip
    def test_a_pinned_item_is_where_it_was_pinned(
        self, order: list[str], some: list[CompiledRule], name: str, position: int
    ) -> None:
        pin = rule("pin", condition={"products": [name]}, position=position)
        result, _ = apply(ranked_some(order), [*some, pin], CONTEXT)
        # A list shorter than the position ends with it.
        self.assertEqual(names(result).index(name) + 1, min(position, len(result)))

    @settings(max_examples=150, deadline=None)
    @given(lists, several)
    def test_of_many_pins_each_stands_where_it_asks_unless_another_was_first(
        self, order: list[str], some: list[CompiledRule]
    ) -> None:
        result, trace = apply(ranked_some(order), some, CONTEXT)
        told = {step.rule: item for item in trace.pinned for step in trace.of(item) if step.verb == "pin"}
        pins = [pin for pin in rules.in_scope(some, CONTEXT) if pin.id in told]
        if not pins or len(result) < max(pin.position for pin in pins) + len(pins):
            return  # a list shorter than the positions ends with them
        asked: set[int] = set()
        for pin in pins:
            stands = result.items.tolist().index(told[pin.id]) + 1
            if pin.position in asked:
                self.assertGreater(stands, pin.position)
            else:
                self.assertEqual(stands, pin.position)
            asked.add(pin.position)

    @settings(max_examples=150, deadline=None)
    @given(lists, several, some_rule())
    def test_removing_a_rule_restores_the_list(
        self, order: list[str], some: list[CompiledRule], extra: CompiledRule
    ) -> None:
        before, trace = apply(ranked_some(order), some, CONTEXT)
        apply(ranked_some(order), [*some, extra], CONTEXT)
        after, trace_after = apply(ranked_some(order), [r for r in [*some, extra] if r is not extra], CONTEXT)
        self.assertEqual(names(before), names(after))
        self.assertEqual(trace, trace_after)

    @settings(max_examples=100, deadline=None)
    @given(lists, several)
    def test_the_order_in_which_rules_are_handed_in_does_not_matter(
        self, order: list[str], some: list[CompiledRule]
    ) -> None:
        one, _ = apply(ranked_some(order), some, CONTEXT)
        two, _ = apply(ranked_some(order), list(reversed(some)), CONTEXT)
        self.assertEqual(names(one), names(two))

    @settings(max_examples=100, deadline=None)
    @given(lists, some_rule(("spread",)))
    def test_a_spread_holds(self, order: list[str], spread: CompiledRule) -> None:
        result, _ = apply(ranked_some(order), [spread], CONTEXT)
        groups = rules.groups_of(SHELF, spread, result.items)
        matched = spread.condition.matches(SHELF, result.items, at=NOW) & (groups >= 0)
        self.assertTrue((np.bincount(groups[matched], minlength=1) <= spread.limit).all())


if __name__ == "__main__":
    unittest.main()
