"""What came of an experiment: its two arms beside each other by everything that can be its goal.

The unit is the shopper or visitor who was answered at least one list of it, whether they looked or not: that alone is
left to chance. Counts come from ``ExperimentDay``, as fresh as feedback is; what was spent on anything comes from the
log, from a subject's first list on. A visitor who logs in stays a subject of their own, whose purchases count for
the shopper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from recommender.assignment import A, B
from recommender.experiment_statistics import MISMATCH, Difference, Estimate, difference, mean_of, mismatch, ratio_of
from recommender.models import Experiment, ExperimentDay

ARMS = """
WITH wanted AS (
    SELECT * FROM unnest(%(slugs)s::text[], %(untils)s::timestamptz[]) AS each (experiment, until)
), subjects AS (
    SELECT experiment, until, arm, shopper_kind, shopper_external_id, min(first_at) AS since,
           sum(shown)::float8 AS shown, sum(clicked)::float8 AS clicked, sum(bought) AS bought, sum(revenue) AS revenue,
           bool_or(source = 'simulator') AS simulated
    FROM recommender_experimentday JOIN wanted USING (experiment)
    GROUP BY 1, 2, 3, 4, 5
), spent AS (
    SELECT s.*, coalesce((
        SELECT sum(coalesce(e.quantity, 1) * coalesce(e.price, 0)) FROM behavior_event e
        WHERE e.shopper_id = w.id AND e.type = 'purchase' AND e.at >= s.since AND e.at < s.until
    ), 0) AS spent
    FROM subjects s LEFT JOIN behavior_shopper w
      ON w.kind = s.shopper_kind AND w.external_id = s.shopper_external_id AND w.merged_into_id IS NULL
)
SELECT experiment, arm, count(*) AS subjects, sum(shown) AS shown, sum(clicked) AS clicked,
       sum(shown * shown) AS shown_squares, sum(clicked * clicked) AS clicked_squares, sum(shown * clicked) AS products,
       count(*) FILTER (WHERE bought > 0) AS buyers, sum(bought) AS bought, sum(revenue) AS revenue,
       sum(revenue * revenue) AS revenue_squares, sum(spent) AS spent, sum(spent * spent) AS spent_squares,
       bool_or(simulated) AS simulated
FROM spent GROUP BY experiment, arm
"""


@dataclass(frozen=True)
class Arm:
    """Sums over the subjects of one arm; money in the shop's currency."""

    subjects: int = 0
    shown: float = 0
    clicked: float = 0
    shown_squares: float = 0
    clicked_squares: float = 0
    products: float = 0
    buyers: int = 0
    bought: int = 0
    revenue: float = 0
    revenue_squares: float = 0
    spent: float = 0
    spent_squares: float = 0
    simulated: bool = False

    def estimate(self, goal: str) -> Estimate:
        """By a goal of ``Experiment.Goal``."""
        n = self.subjects
        if goal == Experiment.Goal.CLICKS:
            return ratio_of(n, self.clicked, self.shown, (self.clicked_squares, self.shown_squares, self.products))
        if goal == Experiment.Goal.BUYERS:
            return mean_of(n, self.buyers, self.buyers)
        if goal == Experiment.Goal.REVENUE:
            return mean_of(n, self.revenue, self.revenue_squares)
        return mean_of(n, self.spent, self.spent_squares)


@dataclass(frozen=True)
class Measure:
    """One goal in both arms; ``difference`` None while there is too little to go by."""

    goal: str
    a: Estimate
    b: Estimate
    difference: Difference | None

    @property
    def better(self) -> str:
        """The arm that is better by more than chance; empty: that is open."""
        if self.difference is None or not self.difference.is_told:
            return ""
        return B if self.difference.value > 0 else A


@dataclass(frozen=True)
class Results:
    """``measures`` by goal, the experiment's own first; ``chance``: how likely arms as unequal as these are."""

    a: Arm
    b: Arm
    measures: tuple[Measure, ...]
    chance: float

    @property
    def main(self) -> Measure:
        return self.measures[0]

    @property
    def is_sound(self) -> bool:
        """Whether chance alone may have shared out the subjects; where not, nothing that differs means anything."""
        return self.chance >= MISMATCH

    @property
    def simulated(self) -> bool:
        """Whether the simulator was among those who saw it."""
        return self.a.simulated or self.b.simulated


@dataclass(frozen=True)
class Daily:
    """One day of one arm."""

    shown: int
    clicked: int
    bought: int
    revenue: float


def results(experiment: Experiment, *, window: timedelta, now: datetime | None = None) -> Results:
    """``window``: how long after the end a purchase still counts. One query."""
    return results_of([experiment], window=window, now=now)[experiment.slug]


def results_of(
    experiments: Sequence[Experiment], *, window: timedelta, now: datetime | None = None
) -> dict[str, Results]:
    """By slug. One query, however many there are."""
    untils = [(experiment.ended_at or now or timezone.now()) + window for experiment in experiments]
    with connection.cursor() as cursor:
        cursor.execute(ARMS, {"slugs": [experiment.slug for experiment in experiments], "untils": untils})
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    arms = {(row["experiment"], row["arm"]): _arm(row) for row in rows}
    return {one.slug: _results(one, *(arms.get((one.slug, arm), Arm()) for arm in (A, B))) for one in experiments}


def _results(experiment: Experiment, a: Arm, b: Arm) -> Results:
    goals = sorted(Experiment.Goal.values, key=lambda goal: goal != experiment.goal)
    measures = tuple(_measure(str(goal), a, b) for goal in goals)
    return Results(a, b, measures, mismatch(a.subjects, b.subjects, experiment.share))


def daily(experiment: Experiment) -> dict[tuple[date, str], Daily]:
    """By day of the shop's calendar and arm. One query."""
    sums = {f.name: Sum(f.name) for f in fields(Daily)}
    days = ExperimentDay.objects.filter(experiment=experiment.slug).values_list("day", "arm")
    return {(day, arm): Daily(*values) for day, arm, *values in days.annotate(**sums).order_by()}


def _measure(goal: str, a: Arm, b: Arm) -> Measure:
    one, other = a.estimate(goal), b.estimate(goal)
    return Measure(goal, one, other, difference(one, other))


def _arm(row: Mapping[str, object]) -> Arm:
    return Arm(**{f.name: row[f.name] for f in fields(Arm)})  # type: ignore[arg-type]
