"""A rule ready to run: where and when it applies, how it is read, what is refused."""

from __future__ import annotations

import unittest
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

from recommender import compiled_rules
from recommender.compiled_rules import RuleError
from tests.recommender.ruled import CONTEXT, rule
from tests.recommender.shelves import NOW


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
