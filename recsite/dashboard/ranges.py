"""Date ranges: read from the address, compared with another, and the control that chooses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from recsite.dashboard import numbers
from recsite.dashboard.shop import Shop

COMPARISONS = {"before": "Period before", "year": "Same days last year", "none": "Nothing"}
LONGEST = 731  # days: two years and a day
_PRESETS = (("Today", 1), ("Last 7 days", 7), ("Last 28 days", 28), ("Last 90 days", 90))


@dataclass(frozen=True)
class Range:
    """Days ``first`` to ``last``, both included, and what they are compared with."""

    first: date
    last: date
    compare: str = "before"

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Range | None:
        """The range to compare with: as long, directly before; or 52 weeks ago, so that weekdays match."""
        if self.compare == "none":
            return None
        shift = timedelta(days=self.days if self.compare == "before" else 364)
        return Range(self.first - shift, self.last - shift, "none")

    @property
    def text(self) -> str:
        return numbers.date_range(self.first, self.last)

    @property
    def versus(self) -> str:
        """``vs 6 Nov – 3 Dec``; with the year where it is another."""
        other = self.before
        if other is None:
            return ""
        return "vs " + numbers.date_range(other.first, other.last, year=other.last.year != self.last.year)

    @property
    def params(self) -> dict[str, str]:
        """What stands in the address."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "compare": self.compare}


def read_range(params: Mapping[str, Any], *, newest: date, days: int = 28) -> Range:
    """The range in the address, else the ``days`` up to ``newest``; turned round or too long ones are mended."""
    compare = str(params.get("compare", "before"))
    last = _day(params.get("to")) or newest
    first = _day(params.get("from")) or last - timedelta(days=days - 1)
    first, last = min(first, last), max(first, last)
    first = max(first, last - timedelta(days=LONGEST - 1))
    return Range(first, last, compare if compare in COMPARISONS else "before")


def span(days: Range, shop: Shop) -> tuple[datetime, datetime]:
    """The moments at which a range of days begins and has ended."""
    return shop.midnight(days.first), shop.midnight(days.last + timedelta(days=1))


def _day(text: Any) -> date | None:
    try:
        day = date.fromisoformat(str(text))
    except ValueError:
        return None
    return day if date(1970, 1, 1) <= day <= date(9000, 1, 1) else None


@dataclass(frozen=True)
class Preset:
    label: str
    href: str
    current: bool


@dataclass(frozen=True)
class DateRange:
    """The control: presets as links, two days, and what to compare with. ``keep`` is the rest of the address.

    ``closed`` says in words which days of the range have no sales ("closed on 25 Dec").
    """

    template: ClassVar[str] = "partials/date_range.html"
    chosen: Range
    newest: date
    keep: Mapping[str, str] = field(default_factory=dict)
    closed: str = ""

    @property
    def presets(self) -> Sequence[Preset]:
        spans = [(label, self.newest - timedelta(days=days - 1), self.newest) for label, days in _PRESETS]
        spans.insert(3, ("This month", self.newest.replace(day=1), self.newest))
        return [self._preset(*span) for span in spans]

    @property
    def comparisons(self) -> Sequence[tuple[str, str, bool]]:
        return [(value, label, value == self.chosen.compare) for value, label in COMPARISONS.items()]

    @property
    def days_text(self) -> str:
        return " · ".join(part for part in (numbers.plural(self.chosen.days, "day"), self.closed) if part)

    def _preset(self, label: str, first: date, last: date) -> Preset:
        span = Range(first, last, self.chosen.compare)
        current = (first, last) == (self.chosen.first, self.chosen.last)
        return Preset(label, "?" + urlencode({**self.keep, **span.params}), current)
