from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import time_machine
from django.test import SimpleTestCase
from django.utils import timezone

from recommender.rulebook import Wording
from recsite.dashboard.rule_words import Names, changes, sentence, when

NAMES = Names({"1": "White milk · 1 gal", "2": "Bread"}, {"home": "Home", "similar": "Similar products"})


@time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC))
class SentenceTest(SimpleTestCase):
    def test_every_verb(self) -> None:
        for wording, expected in (
            (
                Wording("", "pin", {"products": ["1"]}, {"position": 2}, ("home",),
                        starts_at=datetime(2026, 12, 1, 8, tzinfo=UTC)),
                "Pin White milk · 1 gal to position 2 on Home from 1 Dec 08:00, for everyone",
            ),
            (
                Wording("", "boost", {"brands": ["Farm"], "price_max": 4}, {"factor": 1.5}, segments=("loyal", "new")),
                "Boost products of brand Farm priced up to $4.00 × 1.5 everywhere, for loyal and new shoppers",
            ),
            (
                Wording("", "bury", {"categories": ["Dairy > Milk", "Bakery"]}, {"strength": "weak"}),
                "Bury products in Dairy › Milk or Bakery × 0.8 everywhere, for everyone",
            ),
            (
                Wording("", "exclude", {"stock_max": 0}, {}, ("home", "similar")),
                "Never show products with stock up to 0 on Home and Similar products, for everyone",
            ),
            (
                Wording("", "only", {"attributes": {"margin": {"min": 0.3}, "colour": ["white", "red"]}}),
                "Show only products with margin from 0.3 with colour white or red everywhere, for everyone",
            ),
            (
                Wording("", "spread", {}, {"limit": 3, "by": "category", "level": 1}),
                "Show at most 3 of one top category everywhere, for everyone",
            ),
            (
                Wording("", "spread", {"tags": ["organic"]}, {"limit": 1, "by": "brand"}),
                "Show at most 1 of one brand among products tagged organic everywhere, for everyone",
            ),
        ):  # fmt: skip
            with self.subTest(wording.verb):
                self.assertEqual(sentence(wording, NAMES), expected)

    def test_of_many_products_three_are_named(self) -> None:
        goods = {"products": ["1", "2", "3", "4", "5"]}
        self.assertEqual(
            sentence(Wording("", "exclude", goods), NAMES),
            "Never show White milk · 1 gal, Bread, № 3 or 2 more everywhere, for everyone",
        )

    def test_days_and_hours(self) -> None:
        schedule = {"weekdays": [0, 4], "opens": "11:00", "closes": "14:00", "time_zone": "UTC"}
        wording = Wording("", "boost", {}, {"factor": 2, "schedule": schedule})
        self.assertEqual(when(wording), "on Mondays and Fridays 11:00 – 14:00")

    def test_whole_days_of_the_shops_zone(self) -> None:
        zone = ZoneInfo("America/New_York")
        start, end = datetime(2026, 12, 18, tzinfo=zone), datetime(2027, 1, 1, tzinfo=zone)
        wording = Wording("", "pin", starts_at=start, ends_at=end)
        with timezone.override(zone):
            self.assertEqual(when(wording), "18 – 31 Dec")
        with timezone.override("UTC"):
            self.assertEqual(when(wording), "18 Dec 05:00 – 1 Jan 2027 05:00")

    def test_what_a_change_was(self) -> None:
        before = Wording("Milk first", "pin", {"products": ["1"]}, {"position": 2})
        after = Wording("Milk first", "pin", {"products": ["1"]}, {"position": 1}, ("home",), priority=9)
        self.assertEqual(
            changes(before, after, NAMES),
            [
                "Pin White milk · 1 gal to position 1; was: Pin White milk · 1 gal to position 2",
                "on Home, was everywhere",
                "priority 9, was 50",
            ],
        )
        self.assertEqual(changes(before, before, NAMES), [])
