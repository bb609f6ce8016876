"""A rule ready to run: what it does, to which products, and where and when it applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from recommender.conditions import Condition, ConditionError, Shelf

VERBS = ("only", "exclude", "boost", "bury", "spread", "pin")  # in running order
STRENGTHS = {"weak": 1.25, "medium": 2.0, "strong": 4.0}
EVERYTHING = Condition()
MAX_FACTOR = 100.0
MAX_POSITION = 100


def step_of(verb: str) -> int:
    """Which step of the running order the verb runs in: boosts and buries share one."""
    return VERBS.index("boost" if verb == "bury" else verb)


class RuleError(ConditionError):
    """A rule that cannot be read: ``field`` and what was expected and received."""


@dataclass(frozen=True)
class Schedule:
    """Days of the week and hours in a time zone, on top of the rule's start and end."""

    time_zone: str = "UTC"
    weekdays: tuple[int, ...] = ()  # Monday 0; empty: every day
    opens: time | None = None
    closes: time | None = None  # before ``opens``: past midnight

    def holds(self, at: float) -> bool:
        """Whether the moment (seconds since 1970) lies in it."""
        local = datetime.fromtimestamp(at, ZoneInfo(self.time_zone))
        weekday, now = local.weekday(), local.time()
        opens, closes = self.opens or time.min, self.closes or time.max
        if closes < opens and now < closes:  # the small hours belong to the evening before
            weekday, now = (weekday - 1) % 7, time.max
        past_open = opens <= now and (closes < opens or now < closes or self.closes is None)
        return past_open and (not self.weekdays or weekday in self.weekdays)

    def openings(self, start: float) -> list[float]:
        """The moments of the next eight days after ``start`` at which its hours open, whatever the weekday."""
        zone = ZoneInfo(self.time_zone)
        today = datetime.fromtimestamp(start, zone).date()
        opens = [datetime.combine(today + timedelta(days), self.opens or time.min, zone) for days in range(9)]
        return [moment.timestamp() for moment in opens if moment.timestamp() > start]


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to run. Times are seconds since 1970, None is open."""

    id: int
    verb: str
    name: str = ""
    condition: Condition = EVERYTHING
    position: int = 1  # pin
    factor: float = 1.0  # boost > 1, bury < 1
    limit: int = 1  # spread: at most so many …
    by: str = "brand"  # … of one brand, category or attribute
    level: int = 0  # spread by category: depth of the path, 0 the whole
    placements: frozenset[str] = frozenset()  # empty: everywhere
    segments: frozenset[str] = frozenset()  # empty: everyone
    starts_at: float | None = None
    ends_at: float | None = None
    schedule: Schedule | None = None
    priority: int = 50

    def applies(self, context: Context) -> bool:
        """Whether placement, segment and time are in its scope."""
        return (
            (not self.placements or context.placement in self.placements)
            and (not self.segments or context.segment in self.segments)
            and (self.starts_at is None or context.at >= self.starts_at)
            and (self.ends_at is None or context.at < self.ends_at)
            and (self.schedule is None or self.schedule.holds(context.at))
        )


@dataclass(frozen=True)
class Context:
    """Where and when a list is made. ``sellable`` bool [n items] or None: what a pin may bring in."""

    shelf: Shelf
    placement: str
    at: float
    segment: str = ""
    sellable: np.ndarray | None = None


class RuleRow(Protocol):
    """What ``compile_rule`` reads of a ``recommender.models.Rule`` or of an unsaved draft."""

    pk: Any
    name: str
    verb: str
    condition: dict[str, Any]
    parameters: dict[str, Any]
    placements: list[str]
    segments: list[str]
    starts_at: datetime | None
    ends_at: datetime | None
    priority: int


def compile_rule(row: RuleRow) -> CompiledRule:
    """A row made ready; raises :class:`RuleError` with the field that cannot be read."""
    return from_dict(
        {
            "id": row.pk or 0,
            "name": row.name,
            "verb": str(row.verb),
            "condition": row.condition,
            "parameters": row.parameters,
            "placements": list(row.placements),
            "segments": list(row.segments),
            "starts_at": row.starts_at.timestamp() if row.starts_at else None,
            "ends_at": row.ends_at.timestamp() if row.ends_at else None,
            "priority": row.priority,
        }
    )


def from_dict(values: Mapping[str, Any]) -> CompiledRule:
    """The packed form that travels to the web processes: the row's fields, times in seconds since 1970."""
    verb = values["verb"]
    if verb not in VERBS:
        raise RuleError("verb", f"verb: expected one of {', '.join(VERBS)}, received {verb!r}")
    condition = Condition.from_dict(values.get("condition") or {})
    if condition.is_empty and verb in ("pin", "exclude", "only"):
        raise RuleError("condition", f"{verb}: expected at least one part of a condition, received none")
    parameters = values.get("parameters") or {}
    return CompiledRule(
        id=int(values["id"]),
        verb=verb,
        name=values.get("name", ""),
        condition=condition,
        position=_whole(parameters, "position", 1, MAX_POSITION),
        factor=_factor(verb, parameters),
        limit=_whole(parameters, "limit", 1, MAX_POSITION),
        by=str(parameters.get("by") or "brand"),
        level=_whole(parameters, "level", 0, 9),
        placements=frozenset(values.get("placements") or ()),
        segments=frozenset(values.get("segments") or ()),
        starts_at=values.get("starts_at"),
        ends_at=values.get("ends_at"),
        schedule=_schedule(parameters.get("schedule")),
        priority=int(values.get("priority", 50)),
    )


def _whole(parameters: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = parameters.get(name, low)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RuleError(name, f"{name}: expected a whole number {low} … {high}, received {value!r}")
    return value


def _factor(verb: str, parameters: Mapping[str, Any]) -> float:
    """The multiplier of a boost or bury from ``factor`` or ``strength``; a bury of strength "strong" is ¼."""
    if verb not in ("boost", "bury"):
        return 1.0
    factor = parameters.get("factor")
    if factor is None:
        strength = parameters.get("strength", "medium")
        if strength not in STRENGTHS:
            raise RuleError("strength", f"strength: expected {', '.join(STRENGTHS)}, received {strength!r}")
        factor = STRENGTHS[strength] if verb == "boost" else 1 / STRENGTHS[strength]
    low, high = (1.0, MAX_FACTOR) if verb == "boost" else (1 / MAX_FACTOR, 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not low <= factor <= high or factor == 1:
        raise RuleError("factor", f"factor: expected {low:g} … {high:g} and not 1 for {verb}, received {factor!r}")
    return float(factor)


def _schedule(values: Mapping[str, Any] | None) -> Schedule | None:
    if not values:
        return None
    name = values.get("time_zone") or "UTC"
    try:
        ZoneInfo(name)
        opens, closes = (time.fromisoformat(values[key]) if values.get(key) else None for key in ("opens", "closes"))
        weekdays = tuple(sorted({int(day) for day in values.get("weekdays") or ()}))
    except (ZoneInfoNotFoundError, ValueError, TypeError) as error:
        raise RuleError("schedule", f"schedule: expected time_zone, weekdays 0–6, opens, closes; {error}") from error
    if any(not 0 <= day <= 6 for day in weekdays):
        raise RuleError("schedule", f"schedule: expected weekdays 0 (Monday) … 6, received {list(weekdays)}")
    return Schedule(name, weekdays, opens, closes)
