"""The rule editor's form: what was typed, read into a wording; and back.

Every field stays text until it is read, so that what cannot be read is shown again as it was typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from recommender.compiled_rules import STRENGTHS, VERBS
from recommender.rulebook import Wording

NUMBERS = {  # field of the form: what it is called; the names are those of a condition
    "price_min": "Price from",
    "price_max": "Price to",
    "stock_min": "Stock from",
    "stock_max": "Stock to",
    "age_min_days": "Age from",
    "age_max_days": "Age to",
}
LISTS = ("products", "categories", "brands", "tags")
_SINGLE = {"products": "product", "categories": "category", "brands": "brand", "tags": "tag"}
_MINUTES = "%Y-%m-%dT%H:%M"
_TEXTS = (
    *("name", "verb", "position", "strength", "factor", "limit", "by", "starts_at", "ends_at"),
    *("opens", "closes", "hours_zone", "priority", "note"),
)
OWN = "own"  # a strength of one's own factor


@dataclass(frozen=True)
class AttributeText:
    """A row of the condition: an attribute with values (separated by commas) or a range."""

    name: str = ""
    values: str = ""
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class RuleForm:
    """The form as typed. ``seen`` is the version being edited, 0 of a new rule."""

    name: str = ""
    verb: str = "pin"
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)  # by the names of NUMBERS
    attributes: tuple[AttributeText, ...] = ()
    position: str = "1"
    strength: str = "medium"
    factor: str = ""
    limit: str = "2"
    by: str = "brand"  # of a spread: brand, category, category:1 or an attribute
    placements: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    starts_at: str = ""
    ends_at: str = ""
    weekdays: tuple[str, ...] = ()
    opens: str = ""
    closes: str = ""
    hours_zone: str = ""  # of days and hours, where they were written for another clock than the shop's
    priority: str = "50"
    note: str = ""
    seen: int = 0


def blank(params: Mapping[str, str]) -> RuleForm:
    """A new rule, filled in from the address: ``?verb=pin&product=883404&placement=home``."""
    verb = params.get("verb", "")
    return RuleForm(
        verb=verb if verb in VERBS else "pin",
        products=tuple(filter(None, [params.get("product", "")])),
        categories=tuple(filter(None, [params.get("category", "")])),
        placements=tuple(filter(None, [params.get("placement", "")])),
        segments=tuple(filter(None, [params.get("segment", "")])),
    )


def posted(data: QueryDict) -> RuleForm:
    """What was sent, with what a search box holds added to its list."""
    lists: dict[str, Any] = {name: tuple(dict.fromkeys(filter(None, data.getlist(name)))) for name in LISTS}
    for name, single in _SINGLE.items():
        if (value := _sent(data, f"add_{single}")) and value not in lists[name]:
            lists[name] = (*lists[name], value)
    texts: dict[str, Any] = {name: _sent(data, name) for name in _TEXTS}
    rows = zip(*(data.getlist(f"attribute_{part}") for part in ("name", "values", "low", "high")), strict=False)
    seen = _sent(data, "seen")
    return RuleForm(
        **texts,
        **lists,
        numbers={name: text for name in NUMBERS if (text := _sent(data, name))},
        attributes=tuple(row for row in (AttributeText(*map(str.strip, row)) for row in rows) if row.name),
        placements=tuple(data.getlist("placements")),
        segments=tuple(data.getlist("segments")),
        weekdays=tuple(data.getlist("weekdays")),
        seen=int(seen) if seen.isdigit() else 0,
    )


def _sent(data: QueryDict, name: str) -> str:
    return str(data.get(name, "")).strip()


def typed(data: QueryDict) -> dict[str, str]:
    """What stands in the search boxes without having been chosen from their results, by the list it is for."""
    found = {}
    for name, single in _SINGLE.items():
        text = _sent(data, f"add_{single}_text")
        if text and not _sent(data, f"add_{single}"):
            found[name] = text
    return found


def form_of(wording: Wording, zone: ZoneInfo, *, seen: int) -> RuleForm:
    """A wording to be edited, its times in the shop's zone."""
    condition, given = wording.condition, wording.parameters
    schedule = given.get("schedule") or {}
    factor = given.get("factor")
    level = given.get("level") or 0
    by = str(given.get("by") or "brand")
    lists: dict[str, Any] = {name: tuple(map(str, condition.get(name, ()))) for name in LISTS}
    return RuleForm(
        name=wording.name,
        verb=wording.verb,
        **lists,
        numbers={name: _text(condition[name]) for name in NUMBERS if condition.get(name) is not None},
        attributes=tuple(_attribute_text(name, wanted) for name, wanted in condition.get("attributes", {}).items()),
        position=_text(given.get("position", 1)),
        strength=str(given.get("strength", "medium")) if factor is None else OWN,
        factor="" if factor is None else _text(factor),
        limit=_text(given.get("limit", 1)),
        by=f"{by}:{level}" if level else by,
        placements=tuple(wording.placements),
        segments=tuple(wording.segments),
        starts_at=_local(wording.starts_at, zone),
        ends_at=_local(wording.ends_at, zone),
        weekdays=tuple(str(day) for day in schedule.get("weekdays", ())),
        opens=str(schedule.get("opens") or ""),
        closes=str(schedule.get("closes") or ""),
        hours_zone="" if schedule.get("time_zone") in (None, str(zone)) else str(schedule["time_zone"]),
        priority=str(wording.priority),
        note=wording.note,
        seen=seen,
    )


def read(form: RuleForm, zone: ZoneInfo) -> tuple[Wording, dict[str, str]]:
    """The wording and what could not be read, in words by field; what could not is left out of the wording."""
    reader = _Reader(form, zone)
    wording = Wording(
        name=form.name,
        verb=form.verb,
        condition=reader.condition(),
        parameters=reader.parameters(),
        placements=form.placements,
        segments=form.segments,
        starts_at=reader.moment("starts_at", form.starts_at),
        ends_at=reader.moment("ends_at", form.ends_at),
        priority=reader.whole("priority", form.priority) or 0,
        note=form.note,
    )
    return wording, reader.errors


class _Reader:
    """One reading of a form, which gathers what was wrong."""

    def __init__(self, form: RuleForm, zone: ZoneInfo) -> None:
        self.form, self.zone = form, zone
        self.errors: dict[str, str] = {}

    def condition(self) -> dict[str, Any]:
        parts: dict[str, Any] = {name: list(getattr(self.form, name)) for name in LISTS if getattr(self.form, name)}
        for name, text in self.form.numbers.items():
            if (value := self.number(name, NUMBERS[name], text)) is not None:
                parts[name] = value
        if attributes := dict(self._attributes()):
            parts["attributes"] = attributes
        return parts

    def _attributes(self) -> Iterator[tuple[str, Any]]:
        for row in self.form.attributes:
            values = [value.strip() for value in row.values.split(",") if value.strip()]
            bounds = {
                side: number
                for side, text in (("min", row.low), ("max", row.high))
                if text and (number := self.number("attributes", f"{row.name}", text)) is not None
            }
            if values or bounds:
                yield row.name, values or bounds
            elif "attributes" not in self.errors:
                self.errors["attributes"] = f"{row.name}: expected values or a range, received neither."

    def parameters(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        verb = self.form.verb
        if verb == "pin":
            given["position"] = self.whole("position", self.form.position)
        elif verb in ("boost", "bury"):
            given |= self._strength()
        elif verb == "spread":
            by, _, level = self.form.by.partition(":")
            given["limit"] = self.whole("limit", self.form.limit)
            given["by"] = by
            if level.isdigit():
                given["level"] = int(level)
        if schedule := self._schedule():
            given["schedule"] = schedule
        return {name: value for name, value in given.items() if value is not None}

    def _strength(self) -> dict[str, Any]:
        if self.form.strength in STRENGTHS:
            return {"strength": self.form.strength}
        factor = self.number("factor", "Factor", self.form.factor)
        if factor is not None:
            return {"factor": factor}
        self.errors.setdefault("factor", "Factor: expected a number above 0, received nothing.")
        return {}

    def _schedule(self) -> dict[str, Any]:
        days = sorted({int(day) for day in self.form.weekdays if day.isdigit() and int(day) < 7})
        hours = {
            name: text
            for name, text in (("opens", self.form.opens), ("closes", self.form.closes))
            if text and self._is_time(name, text)
        }
        if not days and not hours:
            return {}
        zone = self.form.hours_zone or str(self.zone)
        return {"time_zone": zone, **({"weekdays": days} if days else {}), **hours}

    def _is_time(self, name: str, text: str) -> bool:
        try:
            time.fromisoformat(text)
        except ValueError:
            self.errors[name] = f"Hours: expected a time such as 14:30, received “{text}”."
            return False
        return True

    def number(self, name: str, label: str, text: str) -> float | None:
        if not text:
            return None
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = float("nan")
        if value != value or abs(value) == float("inf"):
            self.errors[name] = f"{label}: expected a number, received “{text}”."
            return None
        return int(value) if value == int(value) else value

    def whole(self, name: str, text: str) -> int | None:
        try:
            return int(text)
        except ValueError:
            self.errors[name] = f"{name.capitalize()}: expected a whole number, received “{text}”."
            return None

    def moment(self, name: str, text: str) -> datetime | None:
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            label = "Start" if name == "starts_at" else "End"
            self.errors[name] = f"{label}: expected a date and time such as 2026-12-01T08:00, received “{text}”."
            return None
        return found if found.tzinfo else found.replace(tzinfo=self.zone)


def _attribute_text(name: str, wanted: Any) -> AttributeText:
    if isinstance(wanted, Mapping):
        return AttributeText(name, low=_text(wanted.get("min", "")), high=_text(wanted.get("max", "")))
    values: Sequence[Any] = wanted if isinstance(wanted, list | tuple) else [wanted]
    return AttributeText(name, ", ".join(map(str, values)))


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):{_MINUTES}}" if at else ""
