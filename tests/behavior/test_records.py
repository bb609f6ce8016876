from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import TestCase
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from behavior.records import NewEvent, Reject, Rules, parse_event

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUILT_IN_TYPES = ("impression", "view", "click", "cart", "favourite", "purchase", "rate", "dismiss")
RULES = Rules(BUILT_IN_TYPES, NOW)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["event_id", "type", "at", "shopper", "visitor", "product", "quantity", "price", "value", "session"]
NAMES += ["placement", "recommendation_id", "position", "consent"]


def a_view(**changes: object) -> dict[str, object]:
    event = {"event_id": str(uuid4()), "type": "view", "at": "2026-03-01T11:00:00Z", "shopper": "anna", "product": "p1"}
    return {name: value for name, value in (event | changes).items() if value is not ...}


def code_of(**changes: object) -> tuple[str, str]:
    parsed = parse_event(a_view(**changes), index=3, rules=RULES)
    assert isinstance(parsed, Reject), parsed
    return parsed.code, parsed.field


class ParseEventTests(TestCase):
    def test_reads_every_field(self) -> None:
        sent = a_view(
            type="purchase", quantity=2, price=1.5, session="basket 7", placement="home", recommendation_id="rec_1",
            position=3, consent=True,
        )  # fmt: skip
        event = parse_event(sent, index=0, rules=RULES)
        assert isinstance(event, NewEvent)
        self.assertEqual(event.at, datetime(2026, 3, 1, 11, tzinfo=UTC))
        self.assertEqual((event.quantity, event.price, event.position, event.consent), (2.0, 1.5, 3, True))
        self.assertEqual(event.subject, ("shopper", "anna"))

    def test_takes_a_time_in_another_zone_as_utc(self) -> None:
        event = parse_event(a_view(at="2026-03-01t11:00:00.25+02:00"), index=0, rules=RULES)
        assert isinstance(event, NewEvent)
        self.assertEqual(event.at, datetime(2026, 3, 1, 9, 0, 0, 250_000, tzinfo=UTC))

    def test_a_visitor_is_somebody_else_than_the_shopper_of_that_name(self) -> None:
        event = parse_event(a_view(shopper=..., visitor="anna"), index=0, rules=RULES)
        assert isinstance(event, NewEvent)
        self.assertEqual(event.subject, ("visitor", "anna"))

    def test_an_impression_of_a_list_needs_no_product(self) -> None:
        sent = a_view(type="impression", product=..., recommendation_id="rec_1")
        self.assertIsInstance(parse_event(sent, index=0, rules=RULES), NewEvent)

    def test_each_refusal_names_code_and_field(self) -> None:
        refused: dict[tuple[str, str], dict[str, object]] = {
            ("missing", "event_id"): {"event_id": ...},
            ("bad_event_id", "event_id"): {"event_id": "17"},
            ("missing", "type"): {"type": ...},
            ("unknown_type", "type"): {"type": "wish"},
            ("missing", "at"): {"at": None},
            ("bad_time", "at"): {"at": "2026-03-01 noon"},
            ("in_the_future", "at"): {"at": "2026-03-03T00:00:00Z"},
            ("missing", "shopper"): {"shopper": ...},
            ("ambiguous", "visitor"): {"visitor": "v1"},
            ("wrong_type", "shopper"): {"shopper": 17},
            ("too_long", "shopper"): {"shopper": "x" * 129},
            ("missing", "product"): {"product": ...},
            ("not_text", "product"): {"product": "a\0b"},
            ("wrong_type", "quantity"): {"quantity": "2"},
            ("not_finite", "quantity"): {"quantity": float("inf")},
            ("out_of_range", "price"): {"price": -1},
            ("out_of_range", "position"): {"position": 1.5},
            ("too_long", "session"): {"session": "s" * 129},
            ("wrong_type", "consent"): {"consent": "yes"},
            ("too_large", ""): {"note": "x" * 40_000},
        }
        for expected, changes in refused.items():
            with self.subTest(expected):
                self.assertEqual(code_of(**changes), expected)

    def test_an_unknown_type_is_told_which_are_declared(self) -> None:
        parsed = parse_event(a_view(type="wish"), index=3, rules=RULES)
        assert isinstance(parsed, Reject)
        self.assertIn("purchase, rate, dismiss", parsed.message)
        self.assertEqual(parsed.to_dict()["index"], 3)

    def test_a_time_without_zone_and_a_day_that_is_none_are_refused(self) -> None:
        for at in ("2026-03-01T11:00:00", "2026-02-31T11:00:00Z", "0001-01-01T00:00:00+14:00", 1_700_000_000):
            with self.subTest(at):
                self.assertEqual(code_of(at=at), ("bad_time", "at"))

    def test_what_is_older_than_the_shop_keeps_is_refused(self) -> None:
        parsed = parse_event(a_view(at="2026-01-01T00:00:00Z"), index=0, rules=Rules(BUILT_IN_TYPES, NOW, 30))
        assert isinstance(parsed, Reject)
        self.assertEqual(parsed.code, "too_old")

    def test_a_clock_a_day_ahead_is_forgiven(self) -> None:
        ahead = (NOW + timedelta(hours=23)).isoformat()
        self.assertIsInstance(parse_event(a_view(at=ahead), index=0, rules=RULES), NewEvent)

    @given(JSON)
    def test_any_json_is_an_event_or_a_reject(self, payload: object) -> None:
        self.assertIsInstance(parse_event(payload, index=0, rules=RULES), Reject)

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON)))
    def test_any_value_in_any_field_is_an_event_or_a_reject(self, changes: dict[str, object]) -> None:
        self.assertIsInstance(parse_event(a_view(**changes), index=0, rules=RULES), NewEvent | Reject)
