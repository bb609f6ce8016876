"""What strategies lack, kept for a few minutes: counting it takes longer than a page may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

from recommender import readiness
from recommender.readiness import Readiness

KEPT = 600  # seconds
KEY = "dashboard:readiness"


@dataclass(frozen=True)
class Checked:
    """Readiness by strategy, and when it was counted."""

    at: datetime
    strategies: Mapping[str, Readiness]


def checked(*, again: bool = False) -> Checked:
    """What was counted in the last ten minutes, or anew."""
    kept: Checked | None = None if again else cache.get(KEY)
    if kept is None:
        kept = Checked(timezone.now(), readiness.of_strategies())
        cache.set(KEY, kept, KEPT)
    return kept
