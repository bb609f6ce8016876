"""What is said in place of data, or above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from recsite.dashboard.components.acts import Action
from recsite.dashboard.components.marks import Component
from recsite.dashboard.tiles import Tile


@dataclass(frozen=True)
class Notice:
    """A coloured block with a heading, a sentence and the ways out. ``tone``: info, good, warn, bad or grey.

    A conflict of rules is a ``warn`` notice: it names both rules, the placement, the dates and who wins, and each of
    its two or three actions solves it. An error is a ``bad`` one: what stopped, what goes on, what to do.
    """

    template: ClassVar[str] = "partials/notice.html"
    title: str
    text: str = ""
    tone: str = "info"
    actions: Sequence[Component] = ()

    @property
    def icon(self) -> str:
        return {"warn": "warning", "bad": "warning", "good": "check"}.get(self.tone, "info")


@dataclass(frozen=True)
class EmptyState:
    """Nothing here yet: three tiles, one line of fact and advice, one primary action."""

    template: ClassVar[str] = "partials/empty.html"
    title: str
    text: str
    actions: Sequence[Action] = ()
    tiles: Sequence[Tile] = ()


@dataclass(frozen=True)
class Nothing:
    """Nothing found in what is here: why, and how to widen."""

    template: ClassVar[str] = "partials/nothing.html"
    title: str
    text: str = ""
    actions: Sequence[Action] = ()


@dataclass(frozen=True)
class Finding:
    """Something that needs attention, and the one click to where it is mended. ``tone``: bad, warn or neutral."""

    title: str
    note: str
    action: str
    href: str
    tone: str = "neutral"


@dataclass(frozen=True)
class Findings:
    template: ClassVar[str] = "partials/findings.html"
    items: Sequence[Finding]
    none: str = "Nothing needs you. Everything was checked just now."
