"""The declared event types: added and weighed here, each in one transaction. The API takes a new one at once."""

from __future__ import annotations

import math
import re

from django.db import transaction

from behavior.models import EventType

MOST_TYPES = 127  # a code of the training's arrays is one signed byte
MOST_WEIGHT = 100.0
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class EventTypeRefused(ValueError):
    """A type that cannot be so; ``field`` names what was wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def declare_event_type(*, name: str, weight: float, is_target: bool) -> EventType:
    """A new kind of event. Raises :class:`EventTypeRefused`."""
    if not _NAME.fullmatch(name):
        words = "expected 1 to 32 small letters, digits, _ or -, beginning with a letter"
        raise EventTypeRefused("name", f"{words}; received “{name}”")
    _check_weight(weight)
    with transaction.atomic():
        types = {row.name for row in EventType.objects.select_for_update()}
        if name in types:
            raise EventTypeRefused("name", f"expected a name that is not declared; “{name}” is")
        if len(types) >= MOST_TYPES:
            raise EventTypeRefused("name", f"expected at most {MOST_TYPES} types; there are as many")
        return EventType.objects.create(name=name, weight=weight, is_target=is_target)


def change_event_type(*, name: str, weight: float, is_target: bool) -> tuple[float, bool]:
    """Another weight or target for the declared type ``name``; returns the two it had.

    Raises :class:`EventTypeRefused` where nothing would be left to learn from, ``EventType.DoesNotExist``.
    """
    _check_weight(weight)
    with transaction.atomic():
        types = {row.name: row for row in EventType.objects.select_for_update()}
        if name not in types:
            raise EventType.DoesNotExist(f"no event type is called {name!r}")
        row = types.pop(name)
        before = (row.weight, row.is_target)
        others = any(other.is_target and other.weight > 0 for other in types.values())
        if not others and not (is_target and weight > 0):
            expected = "expected at least one type that is a success and weighs more than 0"
            raise EventTypeRefused("is_target", f"{expected}; without “{name}” none is left to learn from")
        row.weight, row.is_target = weight, is_target
        row.save(update_fields=["weight", "is_target", "updated_at"])
    return before


def _check_weight(weight: float) -> None:
    if not (math.isfinite(weight) and abs(weight) <= MOST_WEIGHT):
        raise EventTypeRefused(
            "weight", f"expected a number from −{MOST_WEIGHT:g} to {MOST_WEIGHT:g}; received {weight:g}"
        )
