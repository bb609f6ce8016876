"""What is not there yet: a long job, blocks that come afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.utils import timezone

from recsite.dashboard import numbers

PACE_FROM = 0.05  # of a job; with less done nobody can say how long the rest takes


@dataclass(frozen=True)
class Step:
    """A part of a long job. ``state``: done, current, waiting or failed; ``fraction`` draws its own bar."""

    label: str
    state: str = "waiting"
    note: str = ""
    fraction: float | None = None

    @property
    def mark(self) -> str:
        return {"done": "✓", "failed": "!"}.get(self.state, "")

    @property
    def per_cent(self) -> int | None:
        return None if self.fraction is None else round(self.fraction * 100)


def time_left(started_at: datetime | None, fraction: float) -> float | None:
    """Seconds that a job still needs at its pace so far; None before there is a pace to go by."""
    if started_at is None or fraction < PACE_FROM:
        return None
    passed = (timezone.now() - started_at).total_seconds()
    return passed * (1 - fraction) / fraction


@dataclass(frozen=True)
class Later:
    """Blocks that a page asks for itself once it is shown, because they take longer to count. ``href`` answers them;
    ``whole`` is the page with everything, for browsers without scripts and for when they do not arrive."""

    template: ClassVar[str] = "partials/later.html"
    href: str
    whole: str


@dataclass(frozen=True)
class Progress:
    """A long job: its steps, how far, how long still, how fast, and how fresh this news is.

    ``fraction`` 0..1, ``left`` and ``silent`` in seconds (``silent``: since the last news). ``url`` is asked for this
    same fragment every second while ``running``. ``tall`` puts the steps beneath each other.
    """

    template: ClassVar[str] = "partials/progress.html"
    label: str
    fraction: float | None
    steps: Sequence[Step] = ()
    left: float | None = None
    facts: Sequence[str] = ()
    silent: float | None = None
    url: str = ""
    running: bool = True
    tall: bool = False
    started: str = ""

    @property
    def per_cent(self) -> int:
        return round(min(1.0, max(0.0, self.fraction or 0.0)) * 100)

    @property
    def left_text(self) -> str:
        return "" if self.left is None or not self.running else f"about {numbers.duration(round(self.left))} left"

    @property
    def stale(self) -> bool:
        return self.running and self.silent is not None and self.silent > 10

    @property
    def news(self) -> str:
        if self.silent is None or not self.running:
            return ""
        seconds = f"{round(self.silent)}{numbers.THIN}s"
        return f"No news for {seconds}" if self.stale else f"updated {seconds} ago"
