"""One behaviour event on its way in: what a shop may send, and why one is refused.

Pure: no database. ``parse_event`` reads the JSON of ``POST /api/v1/events``;
the import of files makes the same rows set-based (``imports``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

MAX_ID = 128
MAX_EVENT_BYTES = 32 * 1024
MAX_AHEAD = timedelta(hours=24)
#: The time of an event whose file had no time column.
UNTIMED = datetime(1970, 1, 1, tzinfo=UTC)
RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
MAX_POSITION = 32_767
TEXT_LENGTHS = {"session": 128, "placement": 64, "recommendation_id": 40}


@dataclass(frozen=True)
class NewEvent:
    """A valid event, in the shop's own ids; exactly one of ``shopper`` and ``visitor`` is set.

    ``product`` is None only for an impression that names a served list (``recommendation_id``).
    """

    event_id: UUID
    type: str
    at: datetime
    shopper: str | None = None
    visitor: str | None = None
    product: str | None = None
    quantity: float | None = None
    price: float | None = None  # of one unit
    value: float | None = None  # of type rate: the rating
    session: str = ""
    placement: str = ""
    recommendation_id: str = ""
    position: int | None = None
    consent: bool | None = None

    @property
    def subject(self) -> tuple[str, str]:
        """(kind, external id) of who did it."""
        return ("shopper", self.shopper) if self.shopper is not None else ("visitor", self.visitor or "")


@dataclass(frozen=True)
class Reject:
    """Why one event was refused; ``payload`` is what came, for the dead letters."""

    index: int
    event_id: str | None
    code: str
    field: str
    message: str
    payload: Any = None

    def to_dict(self) -> dict[str, Any]:
        """The shape of the API's answer (without the payload)."""
        shown = asdict(self)
        del shown["payload"]
        return shown


@dataclass(frozen=True)
class Rules:
    """What the shop takes just now: declared types, the clock, and how far back it keeps events."""

    types: Collection[str]
    now: datetime
    retention_days: int = 0  # 0: everything is kept
    may_be_large: bool = True  # False where all that came is too little for one event to be too large

    @property
    def latest(self) -> datetime:
        return self.now + MAX_AHEAD

    @property
    def earliest(self) -> datetime | None:
        return self.now - timedelta(days=self.retention_days) if self.retention_days else None


class _RefusedError(Exception):
    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code, self.field, self.message = code, field, message


def parse_event(payload: Any, *, index: int, rules: Rules) -> NewEvent | Reject:
    """Read one event of the API's JSON; anything but a valid event comes back as a :class:`Reject`."""
    try:
        return _parse(payload, rules)
    except _RefusedError as error:
        event_id = payload.get("event_id") if isinstance(payload, Mapping) else None
        shown = event_id if isinstance(event_id, str) and len(event_id) <= MAX_ID else None
        return Reject(index, shown, error.code, error.field, error.message, payload)


def _parse(payload: Any, rules: Rules) -> NewEvent:
    if not isinstance(payload, Mapping):
        raise _RefusedError("not_an_object", "", f"expected an object; received {_kind(payload)}")
    if rules.may_be_large and (size := len(orjson.dumps(payload))) > MAX_EVENT_BYTES:
        raise _RefusedError("too_large", "", f"expected at most {MAX_EVENT_BYTES:,} bytes; received {size:,}")
    event_id = _event_id(payload)
    kind = _type(payload, rules.types)
    at = _at(payload, rules)
    shopper, visitor = _who(payload)
    texts = {name: _text(payload, name, length) for name, length in TEXT_LENGTHS.items()}
    product = _identity(payload, "product")
    if product is None and not (kind == "impression" and texts["recommendation_id"]):
        raise _RefusedError("missing", "product", "expected a product; only an impression of a list goes without")
    return NewEvent(
        event_id=event_id,
        type=kind,
        at=at,
        shopper=shopper,
        visitor=visitor,
        product=product,
        quantity=_number(payload, "quantity"),
        price=_number(payload, "price", least=0),
        value=_number(payload, "value"),
        position=_position(payload),
        consent=_boolean(payload, "consent"),
        **texts,
    )


def _event_id(payload: Mapping[str, Any]) -> UUID:
    word = payload.get("event_id")
    if word is None:
        raise _RefusedError("missing", "event_id", "expected a UUID; none was sent")
    if isinstance(word, str) and len(word) <= 45:
        try:
            return UUID(word)
        except ValueError:
            pass
    raise _RefusedError("bad_event_id", "event_id", f"expected a UUID; received {_shown(word)}")


def _type(payload: Mapping[str, Any], declared: Collection[str]) -> str:
    word = payload.get("type")
    if word is None:
        raise _RefusedError("missing", "type", "expected a type; none was sent")
    if not isinstance(word, str) or word not in declared:
        raise _RefusedError("unknown_type", "type", unknown_type(_shown(word), declared))
    return word


def unknown_type(shown: str, declared: Collection[str]) -> str:
    """The one sentence about an undeclared event type, at the API and at imports."""
    return f"expected one of {', '.join(declared)}; received {shown}"


def _at(payload: Mapping[str, Any], rules: Rules) -> datetime:
    word = payload.get("at")
    if word is None:
        raise _RefusedError("missing", "at", "expected a time; none was sent")
    at = _rfc_3339(word)
    if at is None:
        shown = _shown(word)
        raise _RefusedError("bad_time", "at", f"expected RFC 3339, such as 2026-03-31T17:05:00Z; received {shown}")
    if at > rules.latest:
        raise _RefusedError("in_the_future", "at", f"expected at most 24 hours ahead of now; received {_shown(word)}")
    if rules.earliest is not None and at < rules.earliest:
        days = rules.retention_days
        raise _RefusedError("too_old", "at", f"events are kept for {days} days; received {_shown(word)}")
    return at


def _rfc_3339(word: Any) -> datetime | None:
    if not isinstance(word, str) or not RFC_3339.fullmatch(word):
        return None
    try:
        return datetime.fromisoformat(word.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February; year 1 in a zone ahead of UTC
        return None


def _who(payload: Mapping[str, Any]) -> tuple[str | None, str | None]:
    shopper, visitor = _identity(payload, "shopper"), _identity(payload, "visitor")
    if shopper is None and visitor is None:
        raise _RefusedError("missing", "shopper", "expected a shopper or a visitor; neither was sent")
    if shopper is not None and visitor is not None:
        raise _RefusedError("ambiguous", "visitor", "expected a shopper or a visitor; received both")
    return shopper, visitor


def _identity(payload: Mapping[str, Any], name: str) -> str | None:
    word = payload.get(name)
    if word is None:
        return None
    if not isinstance(word, str):
        raise _RefusedError("wrong_type", name, f"expected a string; received {_kind(word)}")
    word = word.strip()
    if not word:
        raise _RefusedError("missing", name, "expected an id; received an empty string")
    if len(word) > MAX_ID:
        raise _RefusedError("too_long", name, f"expected at most {MAX_ID} characters; received {len(word)}")
    _refuse_nul(name, word)
    return word


def _text(payload: Mapping[str, Any], name: str, length: int) -> str:
    word = payload.get(name)
    if word is None:
        return ""
    if not isinstance(word, str):
        raise _RefusedError("wrong_type", name, f"expected a string; received {_kind(word)}")
    if len(word) > length:
        raise _RefusedError("too_long", name, f"expected at most {length} characters; received {len(word)}")
    _refuse_nul(name, word)
    return word


def _refuse_nul(name: str, word: str) -> None:
    if "\0" in word:
        raise _RefusedError("not_text", name, "expected text; received a NUL character")


def _number(payload: Mapping[str, Any], name: str, *, least: float | None = None) -> float | None:
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError("wrong_type", name, f"expected a number; received {_kind(value)}")
    number = float(value)
    if not math.isfinite(number):
        raise _RefusedError("not_finite", name, f"expected a finite number; received {number}")
    if least is not None and number < least:
        raise _RefusedError("out_of_range", name, f"expected at least {least:g}; received {number:g}")
    return number


def _position(payload: Mapping[str, Any]) -> int | None:
    number = _number(payload, "position", least=0)
    if number is None:
        return None
    if number != int(number) or number > MAX_POSITION:
        raise _RefusedError(
            "out_of_range", "position", f"expected a whole number ≤ {MAX_POSITION}; received {number:g}"
        )
    return int(number)


def _boolean(payload: Mapping[str, Any], name: str) -> bool | None:
    value = payload.get(name)
    if value is not None and not isinstance(value, bool):
        raise _RefusedError("wrong_type", name, f"expected true or false; received {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null" if value is None else type(value).__name__)


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


FIELDS = tuple(field.name for field in fields(NewEvent))
