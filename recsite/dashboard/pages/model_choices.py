"""What pages of runs let one choose: which runs, and which products count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recommender.model_names import architecture_name
from recommender.models import TrainingRun
from recsite.dashboard.addresses import changed
from recsite.dashboard.components import Option, Segment, Segments, Select
from recsite.dashboard.measures import SIDES


def read_side(params: Mapping[str, str]) -> str:
    """A key of ``SIDES``: the one in the address, else any product."""
    side = params.get("side", "")
    return side if side in SIDES else "ALL"


def select_of(name: str, label: str, measured: Sequence[tuple[int, str]], chosen: TrainingRun | None) -> Select:
    """A choice among the runs that have figures."""
    options = [
        Option(str(number), f"{number} · {architecture_name(kind)}", chosen is not None and number == chosen.pk)
        for number, kind in measured
    ]
    return Select(name, label, options)


def sides(params: Mapping[str, str], side: str) -> Segments:
    """Any product, or only those that are new to the shopper."""
    items = [
        Segment(words, changed(params, side="" if key == "ALL" else key), key == side) for key, words in SIDES.items()
    ]
    return Segments("Which products count", items)
