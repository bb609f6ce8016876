"""For whom a run is good: its figures within groups of shoppers or categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.model_names import baseline_name
from recsite.dashboard import numbers
from recsite.dashboard.addresses import changed
from recsite.dashboard.components import Segment, Segments
from recsite.dashboard.measures import NDCG, Difference, Measured, Z, errors_together
from recsite.dashboard.tables import Cell, Column, Row, Table

_DIMENSIONS = {"history": "History", "category": "Category", "segment": "Segment"}


def choice(dimensions: Sequence[str], chosen: str | None, params: Mapping[str, str]) -> Segments | None:
    """Which groups to count apart; None where there is nothing to choose."""
    if len(dimensions) < 2:
        return None
    items = [Segment(_words(name), changed(params, by=name) + "#slices", name == chosen) for name in dimensions]
    return Segments("Who is counted apart", items)


def table(measured: Measured, dimension: str) -> Table:
    """Each group: how many, this run, the best baseline on any product, and what is new to the shopper."""
    own, best = measured.slices(dimension), measured.best()
    others = measured.slices(dimension, best) if best else {}
    counted = "items" if dimension == "category" else "shoppers"
    columns = [
        Column(_words(dimension)),
        Column("Purchases" if counted == "items" else "Shoppers", numeric=True, wide=True),
        Column("This run", numeric=True),
        Column("Best baseline", numeric=True, wide=True),
        Column("Against it", numeric=True),
        Column("New to the shopper", numeric=True, wide=True),
    ]
    labels = sorted(own, key=lambda label: _order(dimension, label, own[label].get(counted) or 0))
    paired = measured.slice_differences(dimension, best)
    rows = [_row(label, own[label], others.get(label, {}), counted, paired.get(label)) for label in labels]
    return Table(f"By {_words(dimension).lower()}", columns, rows)


def note(measured: Measured, dimension: str | None) -> str:
    """What the table's figures are, beneath it."""
    best = f" Best baseline: {baseline_name(measured.best()).lower()}." if measured.best() else ""
    if dimension == "category":
        return f"The share of later purchases of each category that stood among the first ten.{best}"
    paired = measured.slice_differences(dimension or "", measured.best())
    how = "taken shopper by shopper" if paired else "errors taken as unpaired"
    bounds = f"with 95 % bounds; ≈ where those of the difference hold 0 ({how})"
    return f"NDCG@10 within each group of shoppers, {bounds}. Groups of fewer than 20 are left out.{best}"


def _words(name: str) -> str:
    return _DIMENSIONS.get(name, name.replace("_", " ").capitalize())


def _order(dimension: str, label: str, size: int) -> tuple[float, str]:
    """Lengths of history from short to long, all else by size; what is not known comes last."""
    if dimension == "history":
        first = label.removeprefix("over ").split("-")[0]
        return (float(first) if first.isdigit() else 1e9, label)
    return (1.0 if label == "unknown" else -float(size), label)


def _row(label: str, own: Mapping[str, Any], other: Mapping[str, Any], counted: str, paired: Difference | None) -> Row:
    unpaired = errors_together(own.get("ALL_se"), other.get("ALL_se"))
    noise = Z * (unpaired if paired is None or paired.error is None else paired.error)
    name = "not known" if label == "unknown" else label
    if counted == "shoppers" and label[:1].isdigit() and label.replace("-", "").isdigit() and "-" in label:
        name = label.replace("-", f" {numbers.DASH} ")
    return Row(
        [
            Cell(name),
            Cell(numbers.count(own.get(counted))),
            Cell(numbers.metric(own.get("ALL")), note=_bounds(own.get("ALL_se")), tone="strong"),
            Cell(numbers.metric(other.get("ALL"))),
            Cell(NDCG.change(own.get("ALL"), other.get("ALL"), noise=noise)),
            Cell(numbers.metric(own.get("NEW")), note=_bounds(own.get("NEW_se"))),
        ]
    )


def _bounds(error: float | None) -> str:
    return f"± {numbers.metric(Z * error)}" if error is not None else ""
