"""Why a product is in a list, and what a shopper did: contributions, evidence, rule trace, timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from recsite.dashboard import numbers
from recsite.dashboard.components import Badge
from recsite.dashboard.tiles import Tile

ZERO = 0.2  # where the zero line stands, as a share of the drawing's width


@dataclass(frozen=True)
class Contribution:
    """One group of features: a word for it and what it adds to the score (below zero: takes away)."""

    label: str
    value: float


@dataclass(frozen=True)
class ContributionBar:
    label: str
    text: str
    start: str
    length: str
    positive: bool


@dataclass(frozen=True)
class Contributions:
    """What makes up a score; ``method`` says how it was measured and whether parts add up."""

    template: ClassVar[str] = "partials/contributions.html"
    score: float
    parts: Sequence[Contribution]
    method: str

    @property
    def score_text(self) -> str:
        return numbers.decimal(self.score, 2)

    @property
    def bars(self) -> list[ContributionBar]:
        """Largest first, negatives last; the scale is the one on which the longest bar just fits."""
        parts = sorted(self.parts, key=lambda part: -part.value)
        scale = max([_needed(part.value) for part in parts] + [1e-9])
        return [_bar(part, scale) for part in parts]


def _needed(value: float) -> float:
    """The width of the whole drawing in units of the score, were this bar to fill its side of the zero line."""
    return value / (1 - ZERO) if value >= 0 else -value / ZERO


def _bar(part: Contribution, scale: float) -> ContributionBar:
    length = abs(part.value) / scale
    start = ZERO if part.value >= 0 else ZERO - length
    return ContributionBar(
        part.label, numbers.signed(part.value), f"{start * 100:.2f}%", f"{length * 100:.2f}%", part.value >= 0
    )


@dataclass(frozen=True)
class EvidenceItem:
    """An event or fact that speaks for the product: tile, what, when."""

    title: str
    note: str = ""
    tile: Tile | None = None
    href: str = ""


@dataclass(frozen=True)
class Evidence:
    template: ClassVar[str] = "partials/evidence.html"
    items: Sequence[EvidenceItem]
    more: str = ""
    more_href: str = ""
    none: str = "No event of this shopper speaks for it."


@dataclass(frozen=True)
class TraceStep:
    """A rule that ran: what it is called, what it did here, and whether that changed anything."""

    title: str
    note: str
    changed: bool = False
    badge: Badge | None = None
    href: str = ""


@dataclass(frozen=True)
class RuleTrace:
    """Rules in the order in which they ran; ``without`` says where the product would be without them."""

    template: ClassVar[str] = "partials/trace.html"
    steps: Sequence[TraceStep]
    without: str = ""
    none: str = "No rule is live here."


@dataclass(frozen=True)
class TimelineEntry:
    """A visit or event: day and time as text, what happened, at most six tiles and how many more."""

    day: str
    time: str
    title: str
    note: str = ""
    tiles: Sequence[Tile] = ()
    more: int = 0
    amount: str = ""
    href: str = ""
    badge: Badge | None = None


@dataclass(frozen=True)
class Timeline:
    template: ClassVar[str] = "partials/timeline.html"
    entries: Sequence[TimelineEntry]
    more: str = ""
    more_href: str = ""
    none: str = "Nothing has happened yet."
