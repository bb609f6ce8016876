"""Everything that is measured of an experiment, the one that decides first."""

from __future__ import annotations

from recommender.experiment_results import Measure, Results
from recommender.models import Experiment
from recsite.dashboard import experiment_words, numbers
from recsite.dashboard.components import Badge, Delta
from recsite.dashboard.experiment_words import GOALS
from recsite.dashboard.pages.experiments import change
from recsite.dashboard.tables import Cell, Column, Row, Table

_COLUMNS = (
    Column("Measure"),
    Column("A", numeric=True),
    Column("B", numeric=True, marked=True),
    Column("Difference", numeric=True, wide=True),
    Column("B against A", numeric=True),
    Column("Says", wide=True),
)


def table(experiment: Experiment, found: Results, currency: str) -> Table:
    """A row for each measure."""
    rows = [
        _row(measure, currency, decides=measure.goal == experiment.goal, is_sound=found.is_sound)
        for measure in found.measures
    ]
    return Table("All measures in A and in B", _COLUMNS, rows, id="experiment-measures")


def _row(measure: Measure, currency: str, *, decides: bool, is_sound: bool) -> Row:
    goal = measure.goal
    verdict = experiment_words.verdict(measure, currency)
    says = verdict.short if is_sound else "not to be trusted"
    return Row(
        [
            Cell(GOALS[goal], badge=Badge("decides", "accent") if decides else None),
            Cell(experiment_words.value(goal, measure.a.value, currency), note=_error(goal, measure.a.error, currency)),
            Cell(experiment_words.value(goal, measure.b.value, currency), note=_error(goal, measure.b.error, currency)),
            _difference(measure, currency, is_sound=is_sound),
            change(measure, currency, is_sound=is_sound),
            Cell(says, tone="strong" if verdict.better and is_sound else "muted"),
        ]
    )


def _error(goal: str, error: float, currency: str) -> str:
    return f"± {experiment_words.amount(goal, error, currency)}" if error else ""


def _difference(measure: Measure, currency: str, *, is_sound: bool) -> Cell:
    """In the measure's own unit, with its interval."""
    found, goal = measure.difference, measure.goal
    if found is None or experiment_words.is_nothing(measure):
        return Cell(numbers.NONE, tone="muted")
    low, high = (experiment_words.signed(goal, one, currency) for one in (found.low, found.high))
    sign = "≈" if not found.is_told else "▲" if found.value > 0 else "▼"
    text = (experiment_words.amount if found.is_told else experiment_words.signed)(goal, found.value, currency)
    return Cell(
        Delta(text, sign, found.value > 0 if found.is_told and is_sound else None), note=f"{low} {numbers.DASH} {high}"
    )
