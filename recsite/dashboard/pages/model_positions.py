"""What a run learned from lists that were shown: how much a position is looked at, and what was passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.models import TrainingRun
from recsite.dashboard import numbers
from recsite.dashboard.tables import Cell, Column, Row, Table

_SHOWN = (1, 2, 3, 5, 10)
_NARROW = (1, 10)


@dataclass(frozen=True)
class PositionsPart:
    """``table``: a row a placement; ``said``: how much was read and used."""

    table: Table
    said: str


def build(run: TrainingRun) -> PositionsPart | None:
    """None for a run that knew of no shown lists."""
    told: Mapping[str, Any] = (run.metrics or {}).get("exposure") or {}
    curves: Mapping[str, Any] = told.get("propensity") or {}
    if not curves:
        return None
    columns = [Column("Placement"), Column("Clicks", numeric=True)]
    columns += [Column(f"Position {place}", numeric=True, wide=place not in _NARROW) for place in _SHOWN]
    rows = [
        Row([Cell(name or "no placement"), Cell(numbers.count(curve["clicks"])), *_cells(curve["looked_at"])])
        for name, curve in sorted(curves.items())
    ]
    return PositionsPart(Table("How often a position is looked at, by placement", columns, rows), _said(told))


def _cells(curve: list[float]) -> list[Cell]:
    return [
        Cell(numbers.percent(curve[place - 1], 0) if place <= len(curve) else numbers.DASH, tone="muted")
        for place in _SHOWN
    ]


def _said(told: Mapping[str, Any]) -> str:
    seen, taken = numbers.count(told.get("shown")), numbers.count(told.get("taken_up"))
    used = numbers.count(told.get("negatives"))
    said = f"{seen} products were shown and {taken} of them taken up. {used} that were passed over are in the lessons"
    if not told.get("weight"):
        return f"{seen} products were shown and {taken} of them taken up. The run was set to learn nothing from them."
    return f"{said}, each as heavy as its position is looked at."
