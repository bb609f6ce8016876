"""Time, for tests that count queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import time_machine
from django.utils import timezone


@contextmanager
def stopped_clock() -> Iterator[None]:
    """What the shell shows is kept for seconds: while the clock stands, it is not read anew between two requests."""
    with time_machine.travel(timezone.now(), tick=False):
        yield
