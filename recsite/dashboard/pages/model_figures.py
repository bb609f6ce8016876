"""What a run measured on later days, beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.model_names import baseline_name
from recsite.dashboard import charts, numbers
from recsite.dashboard.addresses import changed
from recsite.dashboard.charts import Chart
from recsite.dashboard.components import Fact, Facts, Segment, Segments
from recsite.dashboard.measures import CUTS, NDCG, PROBABILITY, SHOWN, SIDES, Measured, Z, ranking, tested_on
from recsite.dashboard.pages import model_slices
from recsite.dashboard.pages.model_choices import read_side, sides
from recsite.dashboard.tables import Cell, Column, Row, Table


@dataclass(frozen=True)
class Figures:
    """The tables of a measured run, and the choices above them."""

    tested: str
    side: Segments
    cut: Segments
    ranking: Table
    shown: Table
    probability: Facts
    calibration: Chart | None
    calibration_text: str
    dimension: Segments | None
    slices: Table | None
    slices_note: str


def build(measured: Measured, params: Mapping[str, str]) -> Figures:
    """``params``: of the address; ``side`` (any or new products), ``k`` (places), ``by`` (groups)."""
    side = read_side(params)
    cut = next((cut for cut in CUTS if str(cut) == params.get("k")), 10)
    dimensions = measured.dimensions
    dimension = params.get("by") if params.get("by") in dimensions else next(iter(dimensions), "")
    calibration, text = _calibration(measured)
    return Figures(
        tested=tested_on(measured),
        side=sides(params, side),
        cut=Segments(
            "How many places count",
            [Segment(f"Top {one}", changed(params, k="" if one == 10 else one), one == cut) for one in CUTS],
        ),
        ranking=_ranking_table(measured, side, cut),
        shown=_shown_table(measured),
        probability=Facts(
            [
                Fact(one.label, one.text(measured.own(one)), one.note)
                for one in PROBABILITY
                if measured.own(one) is not None
            ]
        ),
        calibration=calibration,
        calibration_text=text,
        dimension=model_slices.choice(dimensions, dimension, params),
        slices=model_slices.table(measured, dimension) if dimension else None,
        slices_note=model_slices.note(measured, dimension),
    )


def _ranking_table(measured: Measured, side: str, cut: int) -> Table:
    """The run and every baseline, best first; the paired difference is of NDCG@10, which is what the gate goes by."""
    measures = ranking(cut)
    columns = [
        Column("Model"),
        Column(measures[0].label, numeric=True),
        Column("This run ahead by", numeric=True),
        *(Column(measure.label, numeric=True, wide=True) for measure in measures[1:]),
    ]
    names = [measured.model, *measured.baselines]
    names.sort(key=lambda name: -(measured.figure(name, measures[0], side) or 0.0))
    rows = [_ranking_row(measured, name, side, measures) for name in names]
    return Table(f"{SIDES[side]}: this run and the baselines on the same later days", columns, rows)


def _ranking_row(measured: Measured, name: str, side: str, measures: Sequence[Any]) -> Row:
    own = name == measured.model
    error = measured.error(name, side) if measures[0].key == NDCG.key else None
    note = f"± {numbers.metric(Z * error)}" if error is not None else ""
    difference = None if own else measured.difference(name, side)
    ahead = Cell(difference.delta()) if difference else Cell("" if own else numbers.NONE)
    title = "This run" if own else baseline_name(name)
    figures = [Cell(one.text(measured.figure(name, one, side)), tone="strong" if own else "") for one in measures[1:]]
    first = Cell(measures[0].text(measured.figure(name, measures[0], side)), note=note, tone="strong" if own else "")
    return Row([Cell(title), first, ahead, *figures], selected=own)


def _shown_table(measured: Measured) -> Table:
    """What the first ten places are like, for the run and the baselines."""
    names = [measured.model, *measured.baselines]
    measures = [
        one for one in (*SHOWN, PROBABILITY[0]) if any(measured.figure(name, one) is not None for name in names)
    ]
    columns = [Column("Model")]
    columns += [Column(one.label, numeric=True, wide=place > 1) for place, one in enumerate(measures)]
    rows = [
        Row(
            [
                Cell("This run" if name == measured.model else baseline_name(name)),
                *(Cell(one.text(measured.figure(name, one))) for one in measures),
            ],
            selected=name == measured.model,
        )
        for name in names
    ]
    return Table("What the lists of ten are like", columns, rows)


def _calibration(measured: Measured) -> tuple[Chart | None, str]:
    bins = measured.calibration
    if not bins:
        return None, ""
    pairs = [(p, o, n) for p, o, n in zip(bins["predicted"], bins["observed"], bins["counts"], strict=True) if n]
    chart = charts.reliability_chart(
        id="calibration",
        what="Bought, by the probability that was said",
        said=[said for said, _, _ in pairs],
        happened=[happened for _, happened, _ in pairs],
        counts=[count for _, _, count in pairs],
    )
    error = bins.get("error")
    text = f"On average {numbers.points(error)} off (expected calibration error)." if error is not None else ""
    return chart, text
