from __future__ import annotations

from django.test import TestCase

from behavior.event_types import MOST_TYPES, EventTypeRefused, change_event_type, declare_event_type
from behavior.models import EventType
from behavior.records import NewEvent, Reject, parse_event
from behavior.services import current_rules

EVENT = {
    "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "type": "wish",
    "at": "2026-03-30T12:00:00Z",
    "shopper": "anna",
    "product": "p1",
}


class DeclareTest(TestCase):
    def test_events_of_a_declared_type_are_taken(self) -> None:
        self.assertIsInstance(parse_event(EVENT, index=0, rules=current_rules()), Reject)
        made = declare_event_type(name="wish", weight=2.5, is_target=True)
        self.assertIsInstance(parse_event(EVENT, index=0, rules=current_rules()), NewEvent)
        self.assertEqual((made.weight, made.is_target, made.is_builtin), (2.5, True, False))

    def test_every_refusal_says_what_was_expected(self) -> None:
        for name, weight, field, words in (
            ("Wish", 1.0, "name", "received “Wish”"),
            ("", 1.0, "name", "beginning with a letter"),
            ("x" * 33, 1.0, "name", "1 to 32"),
            ("purchase", 1.0, "name", "not declared"),
            ("wish", float("nan"), "weight", "received nan"),
            ("wish", 1e9, "weight", "received 1e"),
        ):
            with self.subTest(name=name, weight=weight), self.assertRaisesRegex(EventTypeRefused, words) as refused:
                declare_event_type(name=name, weight=weight, is_target=True)
            self.assertEqual(refused.exception.field, field)

    def test_training_knows_no_more_than_127(self) -> None:
        have = EventType.objects.count()
        EventType.objects.bulk_create(EventType(name=f"t{n}", weight=0) for n in range(MOST_TYPES - have))
        with self.assertRaisesRegex(EventTypeRefused, "at most 127"):
            declare_event_type(name="wish", weight=1, is_target=True)


class ChangeTest(TestCase):
    def test_it_returns_what_was_before(self) -> None:
        self.assertEqual(change_event_type(name="view", weight=0.5, is_target=False), (1.0, True))
        row = EventType.objects.get(name="view")
        self.assertEqual((row.weight, row.is_target), (0.5, False))

    def test_something_is_left_to_learn_from(self) -> None:
        EventType.objects.exclude(name="purchase").update(is_target=False)
        for weight, is_target in ((5.0, False), (0.0, True), (-1.0, True)):
            with self.assertRaisesRegex(EventTypeRefused, "left to learn from"):
                change_event_type(name="purchase", weight=weight, is_target=is_target)
        self.assertEqual(EventType.objects.get(name="purchase").weight, 5.0)

    def test_an_unknown_one(self) -> None:
        with self.assertRaises(EventType.DoesNotExist):
            change_event_type(name="nothing", weight=1.0, is_target=True)
