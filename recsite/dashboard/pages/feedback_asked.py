"""What the feedback page's address asks for: days, part of the lists, split and measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from django.utils import timezone

from behavior.queries import newest_event_at
from recommender import feedback
from recommender.feedback import Counts, Rate, Scope
from recsite.dashboard.addresses import changed
from recsite.dashboard.components import Action
from recsite.dashboard.pages import feedback_tables
from recsite.dashboard.pages.feedback_tables import PARTS
from recsite.dashboard.ranges import Range, read_range
from recsite.dashboard.shop import Shop

#: Parameters that narrow, beside the days.
NARROWING = ("placement", "run", "segment", "source", *PARTS)


@dataclass(frozen=True)
class Measure:
    """What the trend can show: of a day's counts its value, and its rate where it is one."""

    label: str
    rate: Callable[[Counts], Rate | None] | None = None
    more_is_better: bool = True


MEASURES = {
    "clicks": Measure("Click rate", lambda counts: counts.click_rate),
    "ignored": Measure("Ignored", lambda counts: counts.ignore_rate, more_is_better=False),
    "bought": Measure("Bought after click", lambda counts: counts.conversion),
    "revenue": Measure("Revenue"),
}


@dataclass(frozen=True)
class Asked:
    """What the address asks for: the days, the part of the lists, the same of the period before, split and measure."""

    days: Range
    scope: Scope
    earlier: Scope | None
    split: str
    measure: str
    params: Mapping[str, str]

    @property
    def narrowed(self) -> bool:
        return any(self.params.get(name) for name in NARROWING)


def read(params: Mapping[str, str], newest: date) -> Asked:
    """Unknown names narrow to nothing, an unknown split or measure is the first one."""
    days = read_range(params, newest=newest)
    scope = read_scope(params, days)
    wanted = params.get("split", "placement")
    split = wanted if wanted in scope.splits and wanted in feedback_tables.TITLES else "placement"
    measure = params.get("trend", "clicks")
    before = days.before
    earlier = replace(scope, first=before.first, last=before.last) if before else None
    return Asked(days, scope, earlier, split, measure if measure in MEASURES else "clicks", params)


def read_scope(params: Mapping[str, str], days: Range) -> Scope:
    """``none`` stands for the empty segment and the empty category, which no address can hold."""

    def value(name: str) -> str | None:
        found = params.get(name, "").replace("\0", "")  # which Postgres takes in no text
        return None if not found else "" if found == feedback_tables.NOTHING else found

    run = value("run")
    part = next(((name, found) for name in PARTS if (found := value(name)) is not None), None)
    return Scope(
        days.first,
        days.last,
        placement=value("placement"),
        run=None if run is None else int(run) if run.isdecimal() and len(run) < 19 else -1,
        segment=value("segment"),
        source=value("source"),
        part=part,
    )


def newest_day(shop: Shop) -> date:
    """Where ranges end: the newest day with lists, else with events, else today."""
    return feedback.newest_day() or shop.day_of(newest_event_at() or timezone.now())


def csv_action(asked: Asked, **changes: str) -> Action:
    """What is asked for as a file; ``changes`` to the address say which table of it."""
    return Action("CSV", changed(asked.params, format="csv", **changes), small=True, download=True)


def totals(asked: Asked) -> tuple[Counts, Counts]:
    """The counts of the days and of the period before; none where nothing is compared."""
    return feedback.totals(asked.scope), feedback.totals(asked.earlier) if asked.earlier else Counts()
