"""Numbers in a strip, and what is known of a thing as a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from recsite.dashboard import numbers
from recsite.dashboard.components.marks import SIMULATED, Badge, Delta
from recsite.dashboard.graphics import Spark


@dataclass(frozen=True)
class Stat:
    """One figure: label, value with a small unit, delta or note beneath, and a spark line."""

    label: str
    value: str
    unit: str = ""
    delta: Delta | None = None
    note: str = ""
    spark: Spark | None = None
    href: str = ""

    @property
    def is_none(self) -> bool:
        return self.value in {"no data", numbers.NONE}


@dataclass(frozen=True)
class StatStrip:
    """Three to six figures in one card. ``simulated`` hatches its upper edge."""

    template: ClassVar[str] = "partials/stats.html"
    stats: Sequence[Stat]
    label: str = "Key figures"
    simulated: bool = False

    @property
    def badge(self) -> Badge | None:
        return SIMULATED if self.simulated else None


@dataclass(frozen=True)
class Fact:
    """A term and its value; an empty value reads "not given"."""

    term: str
    value: str
    note: str = ""
    href: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Facts:
    template: ClassVar[str] = "partials/facts.html"
    items: Sequence[Fact]
