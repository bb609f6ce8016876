"""How long the steps of an answer take. Whoever wants to know registers; nobody does in batch work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, float], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Call ``listener`` with (step, seconds) at the end of every step of this process."""
    _listeners.append(listener)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Time the block as the step ``name``."""
    if not _listeners:
        yield
        return
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - started
        for listener in _listeners:
            listener(name, seconds)
