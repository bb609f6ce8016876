"""Rules in words: ``Pin White milk to position 2 on Home from 1 Dec 08:00, for everyone``.

Pure: what products and placements are called comes with :class:`Names`. Times are those of the zone in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from recommender.compiled_rules import STRENGTHS, VERBS
from recommender.rulebook import Wording
from recsite.dashboard import numbers
from recsite.dashboard.numbers import DASH

VERB_WORDS = {
    "pin": "Pin",
    "boost": "Boost",
    "bury": "Bury",
    "exclude": "Exclude",
    "only": "Only",
    "spread": "Spread",
}
#: How the list, the editor and the documentation tell the order of application.
ORDER = "Only and Exclude filter first, then Boost and Bury move, Spread thins out, and Pins take their places last."
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMED = 3  # of many products or values, before "and 4 more"
_MIDNIGHT = (0, 0)


@dataclass(frozen=True)
class Names:
    """What products (by the shop's id), placements (by slug: all that there are, or none) and the currency are
    called."""

    products: Mapping[str, str] = field(default_factory=dict)
    placements: Mapping[str, str] = field(default_factory=dict)
    currency: str = "USD"

    def product(self, external_id: str) -> str:
        return self.products.get(external_id, f"№ {external_id}")

    def placement(self, slug: str) -> str:
        known = self.placements.get(slug)
        return known or (f"{slug} (deleted)" if self.placements else slug)


def sentence(wording: Wording, names: Names) -> str:
    """The whole rule: what, which products, where, when, for whom."""
    parts = [command(wording, names), where(wording.placements, names, on=True), _during(wording)]
    return " ".join(part for part in parts if part) + f", {for_whom(wording.segments)}"


def command(wording: Wording, names: Names) -> str:
    """What it does to which products: ``Boost products in Dairy × 2``."""
    goods = which(wording.condition, names)
    given = wording.parameters
    if wording.verb == "pin":
        return f"Pin {goods or 'a product'} to position {given.get('position', 1)}"
    if wording.verb in ("boost", "bury"):
        return f"{VERB_WORDS[wording.verb]} {goods or 'all products'} {strength(wording)}"
    if wording.verb == "exclude":
        return f"Never show {goods or 'products'}"
    if wording.verb == "only":
        return f"Show only {goods or 'products'}"
    among = f" among {goods}" if goods else ""
    return f"Show at most {given.get('limit', 1)} of one {spread_by(given)}{among}"


def strength(wording: Wording) -> str:
    """``× 2``; of a bury ``× 0.5``."""
    factor = wording.parameters.get("factor")
    if factor is None:
        factor = STRENGTHS.get(str(wording.parameters.get("strength", "medium")), 1.0)
        factor = 1 / factor if wording.verb == "bury" else factor
    return f"× {factor:g}" if isinstance(factor, int | float) else f"× {factor}"


def spread_by(parameters: Mapping[str, Any]) -> str:
    """``brand``, ``category``, ``top category`` or an attribute's name."""
    by = str(parameters.get("by") or "brand")
    level = parameters.get("level") or 0
    if by == "category" and level:
        return "top category" if level == 1 else f"category of level {level}"
    return by.replace("_", " ")


def which(condition: Mapping[str, Any], names: Names) -> str:
    """The products of a condition; empty for all of them."""
    products = _or([names.product(str(one)) for one in condition.get("products", ())])
    phrases = list(_phrases(condition, names))
    if products and phrases:
        return f"{products} if {' '.join(phrases)}"
    return products or (f"products {' '.join(phrases)}" if phrases else "")


def _phrases(condition: Mapping[str, Any], names: Names) -> Iterable[str]:
    if categories := condition.get("categories"):
        yield f"in {_or([_path(str(one)) for one in categories])}"
    if brands := condition.get("brands"):
        yield f"of brand {_or(list(map(str, brands)))}"
    if tags := condition.get("tags"):
        yield f"tagged {_or(list(map(str, tags)))}"

    def money(value: Any) -> str:
        return numbers.price(value, names.currency)

    if price := _range(condition.get("price_min"), condition.get("price_max"), money):
        yield f"priced {price}"
    if stock := _range(condition.get("stock_min"), condition.get("stock_max"), _plain):
        yield f"with stock {stock}"
    if age := _range(condition.get("age_min_days"), condition.get("age_max_days"), _plain):
        yield f"added {age} days ago"
    for name, wanted in condition.get("attributes", {}).items():
        told = name.replace("_", " ")
        if isinstance(wanted, Mapping):
            yield f"with {told} {_range(wanted.get('min'), wanted.get('max'), _plain)}"
        else:
            yield f"with {told} {_or(list(map(str, wanted)))}"


def where(placements: Sequence[str], names: Names, *, on: bool = False) -> str:
    """``Home, Similar products``; with ``on`` as a part of a sentence."""
    if not placements:
        return "everywhere" if on else "Everywhere"
    titles = [names.placement(slug) for slug in placements]
    return f"on {_join(titles, 'and')}" if on else ", ".join(titles)


def for_whom(segments: Sequence[str]) -> str:
    return f"for {_join(list(segments), 'and')} shoppers" if segments else "for everyone"


def when(wording: Wording) -> str:
    """For a table: ``Always``, ``18 – 31 Dec``, ``from 1 Dec 08:00``; with days and hours behind."""
    start, end = wording.starts_at, wording.ends_at
    if start and end and _whole_days(start, end):
        first, last = (timezone.localtime(at).date() for at in (start, end - timedelta(minutes=1)))
        this_year = timezone.localdate().year
        span = numbers.date_range(first, last, year=not first.year == last.year == this_year)
    elif start and end:
        span = f"{numbers.moment(start)} {DASH} {numbers.moment(end)}"
    else:
        span = _span(start, end)
    hours = _hours(wording)
    return " · ".join(part for part in (span, hours) if part) or "Always"


def _during(wording: Wording) -> str:
    return " ".join(part for part in (_span(wording.starts_at, wording.ends_at), _hours(wording)) if part)


def _span(start: datetime | None, end: datetime | None) -> str:
    if start and end:
        return f"from {numbers.moment(start)} to {numbers.moment(end)}"
    if start:
        return f"from {numbers.moment(start)}"
    return f"until {numbers.moment(end)}" if end else ""


def _hours(wording: Wording) -> str:
    schedule = wording.parameters.get("schedule") or {}
    days = [DAYS[int(day)] + "s" for day in schedule.get("weekdays", ()) if 0 <= int(day) < len(DAYS)]
    opens, closes = schedule.get("opens"), schedule.get("closes")
    parts = [f"on {_join(days, 'and')}"] if days else []
    if opens or closes:
        parts.append(f"{opens or '00:00'} {DASH} {closes or '24:00'}")
    zone = schedule.get("time_zone")
    if parts and zone and zone != timezone.get_current_timezone_name():
        parts.append(f"({zone})")
    return " ".join(parts)


def _whole_days(start: datetime, end: datetime) -> bool:
    return all((local.hour, local.minute) == _MIDNIGHT for local in map(timezone.localtime, (start, end)))


def changes(before: Wording | None, after: Wording, names: Names) -> list[str]:
    """What differs between two wordings, in words; of the first one nothing."""
    if before is None:
        return []
    found = []
    if before.name != after.name:
        found.append(f"named “{after.name}”, was “{before.name}”")
    if (before.verb, before.condition, _effect(before)) != (after.verb, after.condition, _effect(after)):
        found.append(f"{command(after, names)}; was: {command(before, names)}")
    if list(before.placements) != list(after.placements):
        found.append(f"{where(after.placements, names, on=True)}, was {where(before.placements, names, on=True)}")
    if list(before.segments) != list(after.segments):
        found.append(f"{for_whom(after.segments)}, was {for_whom(before.segments)}")
    if when(before) != when(after):
        found.append(f"when: {when(after)}; was: {when(before)}")
    if before.priority != after.priority:
        found.append(f"priority {after.priority}, was {before.priority}")
    if before.note != after.note:
        found.append("note changed")
    return found


def _effect(wording: Wording) -> dict[str, Any]:
    return {name: value for name, value in wording.parameters.items() if name != "schedule"}


def order_of(verb: str) -> int:
    """The step in which a verb runs, from 1; boost and bury share one."""
    return VERBS.index("boost" if verb == "bury" else verb) + 1


def _path(path: str) -> str:
    return path.replace(" > ", " › ")


def _range(low: Any, high: Any, write: Any) -> str:
    if low is not None and high is not None:
        return f"{write(low)} to {write(high)}"
    if low is not None:
        return f"from {write(low)}"
    return f"up to {write(high)}" if high is not None else ""


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _or(words: list[str]) -> str:
    if len(words) > NAMED:
        return f"{', '.join(words[:NAMED])} or {len(words) - NAMED} more"
    return _join(words, "or")


def _join(words: list[str], last: str) -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
