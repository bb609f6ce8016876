"""Small marks beside words and numbers: badges, states, reasons, changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from recsite.dashboard import numbers


class Component(Protocol):
    """Anything that ``{% show %}`` draws: its template sees it as ``c``."""

    template: ClassVar[str]


@dataclass(frozen=True)
class Badge:
    """A state in a word. ``tone``: neutral, accent, good, warn, bad or simulated (hatched).

    ``href``: the page of what it names.
    """

    template: ClassVar[str] = "partials/badge.html"
    text: str
    tone: str = "neutral"
    href: str = ""


SIMULATED = Badge("simulated", "simulated")


@dataclass(frozen=True)
class State:
    """A dot and a word; ``tone``: good, warn, bad, accent or neutral."""

    template: ClassVar[str] = "partials/state.html"
    text: str
    tone: str = "neutral"


@dataclass(frozen=True)
class ReasonChip:
    """Why a product is in a list: at most 28 characters, starts with a verb. ``by_rule`` colours it."""

    template: ClassVar[str] = "partials/chip.html"
    text: str
    by_rule: bool = False


@dataclass(frozen=True)
class Delta:
    """A change. ``sign`` ▲, ▼ or ≈ (within the noise) or "" (no previous period); ``better`` None is neither."""

    template: ClassVar[str] = "partials/delta.html"
    text: str
    sign: str = ""
    better: bool | None = None
    note: str = ""

    @property
    def tone(self) -> str:
        return "" if self.better is None or self.sign == "≈" else ("good" if self.better else "bad")

    @property
    def spoken(self) -> str:
        return {"▲": "up", "▼": "down", "≈": "about the same,"}.get(self.sign, "")


def delta_of_counts(now: float, before: float | None, *, note: str = "", more_is_better: bool = True) -> Delta:
    """The change of a count in per cent; a dash where there is no previous period."""
    if not before:
        return Delta(numbers.NONE, note=note)
    change = now / before - 1
    text = numbers.percent(abs(change), 0 if abs(change) >= 1 else 1)
    return Delta(text, _arrow(change), (change > 0) == more_is_better if change else None, note)


def delta_of_rates(
    now: float | None, before: float | None, *, noise: float = 0.0, note: str = "", more_is_better: bool = True
) -> Delta:
    """The change of a rate in points; ``noise`` is half the width of the difference's interval (a fraction)."""
    if now is None or before is None:
        return Delta(numbers.NONE, note=note)
    change = now - before
    if abs(change) <= noise:
        return Delta(numbers.points(change), "≈", None, note or "within the noise")
    return Delta(numbers.points(change), _arrow(change), (change > 0) == more_is_better, note)


def is_noise(change: tuple[float, float, float]) -> bool:
    """Whether chance alone can make a difference: its interval (``change``: what, lowest, highest) holds 0."""
    return change[1] <= 0 <= change[2]


def noise_of(change: tuple[float, float, float] | None) -> float:
    """For :func:`delta_of_rates`: the whole difference where chance alone can make it, else nothing."""
    return abs(change[0]) if change and is_noise(change) else 0.0


def _arrow(change: float) -> str:
    return "▲" if change > 0 else "▼" if change < 0 else "≈"
