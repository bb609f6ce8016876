"""What came of the lists of a range of days, and of the period before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from recommender import feedback
from recommender.feedback import Counts, Scope
from recsite.dashboard.queries.coverage import Coverage, coverage
from recsite.dashboard.ranges import Range, span
from recsite.dashboard.shop import Shop


@dataclass(frozen=True)
class Results:
    """What came of the lists of a range: totals and days, now and in the period before (empty without one)."""

    chosen: Range
    now: Counts
    before: Counts | None
    days: Sequence[tuple[date, Counts | None]]
    days_before: Sequence[tuple[date, Counts | None]]
    coverage: Coverage
    coverage_before: Coverage | None
    by_placement: Sequence[feedback.Row]
    simulated: bool

    @property
    def begins(self) -> date | None:
        """The first day with lists, where it lies within the period before: amounts of so few days compare with
        nothing. None: the period before is whole, or empty."""
        with_lists = [place for place, (_, counts) in enumerate(self.days_before) if counts]
        late = with_lists and with_lists[0] > len(self.days_before) / 10
        return self.days_before[with_lists[0]][0] if late else None


def read_results(chosen: Range, shop: Shop) -> Results:
    """Everything that the page says about lists: eight queries over the daily counts."""
    scope, earlier = scope_of(chosen), scope_of(chosen.before) if chosen.before else None
    return Results(
        chosen,
        feedback.totals(scope),
        feedback.totals(earlier) if earlier else None,
        feedback.daily(scope),
        feedback.daily(earlier) if earlier else (),
        coverage(*span(chosen, shop)),
        coverage(*span(chosen.before, shop)) if chosen.before else None,
        feedback.by("placement", scope),
        feedback.is_simulated(scope),
    )


def scope_of(days: Range) -> Scope:
    return Scope(days.first, days.last)


def revenue_of(counts: Counts | None) -> float | None:
    return None if counts is None else counts.attributed_revenue
