"""Small drawings inside text and tables: spark lines, bars, intervals, rhythms.

They are SVG with their measures as attributes, because the content security policy allows no style attribute.
All measures in the dataclasses are fractions (0..1) of the drawing's width unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import segno

SPARK_WIDTH, SPARK_HEIGHT = 100.0, 26.0


def width(fraction: float | None) -> str:
    """A fraction as an SVG length in per cent, held within 0 and 100."""
    return f"{min(1.0, max(0.0, fraction or 0.0)) * 100:.2f}%"


@dataclass(frozen=True)
class Spark:
    """A line without axes. ``now`` and ``before`` have one value for each step; None breaks the line."""

    template: ClassVar[str] = "partials/spark.html"
    now: Sequence[float | None]
    before: Sequence[float | None] = ()

    @property
    def path(self) -> str:
        return _path(self.now, self._bounds)

    @property
    def before_path(self) -> str:
        return _path(self.before, self._bounds)

    @property
    def _bounds(self) -> tuple[float, float]:
        values = [value for value in (*self.now, *self.before) if value is not None]
        return (min(values), max(values)) if values else (0.0, 1.0)


def _path(values: Sequence[float | None], bounds: tuple[float, float]) -> str:
    low, high = bounds
    spread = (high - low) or 1.0
    parts, pen_down = [], False
    for index, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        x = SPARK_WIDTH * index / max(1, len(values) - 1)
        y = SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * (value - low) / spread
        parts.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = True
    return "".join(parts)


@dataclass(frozen=True)
class Bar:
    """A bar on a track; ``tone`` accent, good, warn, bad or grey; ``tick`` marks a reference."""

    template: ClassVar[str] = "partials/bar.html"
    fraction: float | None
    tone: str = "accent"
    tick: float | None = None
    height: int = 6  # pixels: 6, 8 or 24
    fade: int = 0  # 0..3: later steps of a funnel are paler

    @property
    def radius(self) -> int:
        return 4 if self.height > 8 else self.height // 2

    @property
    def length(self) -> str:
        return width(self.fraction)

    @property
    def tick_at(self) -> str:
        return "" if self.tick is None else width(self.tick)


@dataclass(frozen=True)
class BarRow:
    """One labelled bar: what it is, how long, the figure, and a remark."""

    label: str
    bar: Bar
    value: str
    note: str = ""
    href: str = ""
    apart: bool = False  # a hairline above: not a part of the same sum


@dataclass(frozen=True)
class Bars:
    """Labelled bars under each other. ``funnel`` draws them 24 px high; ``foot`` says how lengths are scaled."""

    template: ClassVar[str] = "partials/bars.html"
    rows: Sequence[BarRow]
    funnel: bool = False
    foot: str = ""


def funnel_bars(
    steps: Sequence[tuple[str, int, str]], *, apart: Sequence[tuple[str, int, str]] = (), remark: str = ""
) -> Bars:
    """``(label, count, note)`` of each step; lengths are square roots, so that small steps stay visible. ``remark`` is
    said beneath."""
    from recsite.dashboard.numbers import count

    most = max([number for _, number, _ in steps] + [1])
    rows = [
        BarRow(label, Bar((number / most) ** 0.5, height=24, fade=min(index, 3)), count(number), note)
        for index, (label, number, note) in enumerate(steps)
    ]
    rows += [
        BarRow(label, Bar((number / most) ** 0.5, tone="grey", height=24), count(number), note, apart=True)
        for label, number, note in apart
    ]
    foot = "Bar length is the square root of the count, so that small steps stay visible."
    return Bars(rows, funnel=True, foot=f"{foot} {remark}".rstrip())


@dataclass(frozen=True)
class IntervalBar:
    """A rate with its interval on an axis from 0 to ``most``; ``reference`` is drawn dashed. All in one unit."""

    template: ClassVar[str] = "partials/interval.html"
    point: float
    low: float
    high: float
    most: float
    reference: float | None = None

    @property
    def point_at(self) -> str:
        return width(self.point / self.most)

    @property
    def band_at(self) -> str:
        return width(self.low / self.most)

    @property
    def band_length(self) -> str:
        return width(max(0.0, min(self.high, self.most) - self.low) / self.most)

    @property
    def reference_at(self) -> str:
        return "" if self.reference is None else width(self.reference / self.most)


@dataclass(frozen=True)
class Rhythm:
    """One dot for each day of buying, at its place in the range; a hollow one where the next is expected."""

    template: ClassVar[str] = "partials/rhythm.html"
    days: Sequence[float]
    next: float | None = None

    @property
    def dots(self) -> list[str]:
        return [width(day) for day in self.days]

    @property
    def next_at(self) -> str:
        return "" if self.next is None else width(self.next)


@dataclass(frozen=True)
class QrCode:
    """A text as a QR code; ``label`` says what it is for. Drawn as one path of squares, dark on white in both schemes,
    for cameras read it no other way."""

    template: ClassVar[str] = "partials/qr_code.html"
    text: str
    label: str

    @cached_property
    def _rows(self) -> list[list[int]]:
        return [list(row) for row in segno.make(self.text, error="m", micro=False).matrix]

    @property
    def size(self) -> int:
        """Modules on a side, with four of margin around (ISO/IEC 18004)."""
        return len(self._rows) + 8

    @property
    def path(self) -> str:
        rows = enumerate(self._rows, 4)
        return "".join(f"M{x} {y}h1v1h-1z" for y, row in rows for x, module in enumerate(row, 4) if module)
