"""A measured figure, and how a run of them is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figure:
    """``value`` in ``unit``; with a ``reference`` (in the same unit, what it is in words) the ratio follows."""

    name: str
    value: float
    unit: str
    reference: float | None = None
    reference_name: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference if self.reference else None

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


def percentile(seconds: Sequence[float], share: float) -> float:
    """Milliseconds; NaN of none."""
    return float(np.quantile(seconds, share) * 1000) if len(seconds) else float("nan")


def table(figures: Sequence[Figure]) -> str:
    """Plain lines, one a figure."""
    width = max((len(figure.name) for figure in figures), default=0)
    lines = []
    for figure in figures:
        line = f"{figure.name:<{width}}  {_number(figure.value):>12} {figure.unit:<12}"
        if figure.reference is not None and figure.ratio is not None:
            line += f"  {figure.ratio:.3f} of {_number(figure.reference)} ({figure.reference_name})"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.5f}"
