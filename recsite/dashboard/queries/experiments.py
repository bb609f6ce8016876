"""What came of several experiments at once, for the page that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from recommender.assignment import A, B
from recommender.experiment_results import ARMS, Arm, Measure, Results
from recommender.experiment_statistics import difference, mismatch
from recommender.models import Experiment

# The query of one experiment, run beside each of those wanted.
_EACH = ARMS.replace("%(experiment)s", "wanted.experiment").replace("%(until)s", "wanted.until")
_ALL = f"""
SELECT wanted.experiment, found.*
FROM unnest(%(slugs)s::text[], %(untils)s::timestamptz[]) AS wanted (experiment, until)
CROSS JOIN LATERAL ({_EACH}) AS found
"""


def main_results(
    experiments: Sequence[Experiment], *, window: timedelta, now: datetime | None = None
) -> dict[str, Results]:
    """By slug, each with the measure that decides alone; the same figures as ``experiment_results``. One query."""
    untils = [(one.ended_at or now or timezone.now()) + window for one in experiments]
    with connection.cursor() as cursor:
        cursor.execute(_ALL, {"slugs": [one.slug for one in experiments], "untils": untils})
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    arms = {(row["experiment"], row["arm"]): Arm(**{f.name: row[f.name] for f in fields(Arm)}) for row in rows}
    return {
        one.slug: _results(one, arms.get((one.slug, A), Arm()), arms.get((one.slug, B), Arm())) for one in experiments
    }


def _results(experiment: Experiment, a: Arm, b: Arm) -> Results:
    goal = str(experiment.goal)
    one, other = a.estimate(goal), b.estimate(goal)
    measure = Measure(goal, one, other, difference(one, other))
    return Results(a, b, (measure,), mismatch(a.subjects, b.subjects, experiment.share))
