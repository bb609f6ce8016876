"""What must hold for any set of rules over any list."""

from __future__ import annotations

import unittest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import compiled_rules, rules
from recommender.compiled_rules import CompiledRule
from recommender.conditions import Condition
from recommender.ranked import Ranked
from recommender.rules import apply
from tests.recommender.ruled import CONTEXT, NAMES, SHELF, names, ranked, rule
from tests.recommender.shelves import NOW

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
