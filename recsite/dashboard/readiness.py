"""What strategies lack, kept for a few minutes: counting it takes longer than a page may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from recommender import readiness
from recommender.readiness import Readiness
from recsite.dashboard.kept import Kept

KEPT = 600  # seconds
TONES = {"ready": "good", "works, thin": "warn", "not ready": "bad"}  # by state


@dataclass(frozen=True)
class Checked:
    """Readiness by strategy, and when it was counted."""

    at: datetime
    strategies: Mapping[str, Readiness]


def _is_empty(checked: Checked) -> bool:
    return not any(found.share for found in checked.strategies.values())


_KEPT: Kept[Checked] = Kept("readiness", seconds=KEPT, passing=_is_empty)


def checked(*, again: bool = False) -> Checked:
    """What was counted in the last ten minutes or so, or anew."""
    return _KEPT.again(_check) if again else _KEPT.get(_check)


def _check() -> Checked:
    return Checked(timezone.now(), readiness.of_strategies())
