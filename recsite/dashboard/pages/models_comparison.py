"""Two runs beside each other, in a card of the models page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.models import TrainingRun
from recsite.dashboard import comparison
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Segments, Select
from recsite.dashboard.measures import SHOWN, Measured, ranking, tested_on
from recsite.dashboard.pages.model_choices import read_side, select_of, sides
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.tables import Table

#: Of the comparison in a card; the page of two runs has all of them.
_SHORT = ("ndcg@10", "hit_rate@10", "mrr@10", "coverage@10", "categories@10", "median_buyers@10")


@dataclass(frozen=True)
class Comparison:
    """Two runs (or one and its baselines) in a card: the choice of both, their figures, what they mean."""

    a: Select
    b: Select
    side: Segments
    keep: Mapping[str, str]
    tested: str
    table: Table
    said: str
    actions: Sequence[Action]


def pair(
    params: Mapping[str, str], measured: Sequence[tuple[int, str]], serving: Serving | None
) -> tuple[TrainingRun | None, TrainingRun | None]:
    """The two that the address names, else the newest beside what serves, else beside the one before it."""
    known = [number for number, _ in measured]
    if not known:
        return None, None
    first = _wanted(params.get("a", ""), known) or known[0]
    others = [number for number in known if number != first]
    served = serving.run if serving and serving.run in others else None
    second = _wanted(params.get("b", ""), others) or served or next(iter(others), None)
    found = TrainingRun.objects.in_bulk([number for number in (first, second) if number])
    return found.get(first), found.get(second) if second else None


def _wanted(text: str, known: Sequence[int]) -> int | None:
    return int(text) if text.isdigit() and int(text) in known else None


def build(
    a: TrainingRun,
    b: TrainingRun | None,
    serving: Serving | None,
    measured: Sequence[tuple[int, str]],
    params: Mapping[str, str],
) -> Comparison:
    """``measured``: number and architecture of every run that can be chosen."""
    side = read_side(params)
    measures = [measure for measure in (*ranking(), *SHOWN) if measure.key in _SHORT]
    both = page("model-compare", a=a.pk, b=b.pk) if b else ""
    return Comparison(
        a=select_of("a", "Compare", measured, a),
        b=select_of("b", "with", measured, b),
        side=sides(params, side),
        keep={key: params[key] for key in ("side",) if params.get(key)},
        tested=tested_on(Measured.of(a)),
        table=comparison.figures_table(a, b, serving, side=side, measures=measures),
        said=comparison.said_of(a, b, side),
        actions=linked(
            Action("Compare in full", both, small=True), Action(f"Open run {a.pk}", page("model", a.pk), small=True)
        ),
    )
