"""The compiled loops, imported by whoever first calls one: their compiler takes half a second to load, and an import
statement inside a function that runs thirty times a list costs more than some of the loops."""

from __future__ import annotations

import threading
from functools import cache
from types import ModuleType

import numpy as np

_spare = threading.local()


def spare_places(size: int) -> np.ndarray:
    """int32 [≥ size], all 0: this thread's own, which every loop leaves as it found it."""
    held: np.ndarray | None = getattr(_spare, "places", None)
    if held is None or len(held) < size:
        held = _spare.places = np.zeros(size, np.int32)
    return held


@cache
def kernels() -> ModuleType:
    """The loops over pairs."""
    from recommender.engine import kernels

    return kernels


@cache
def folding() -> ModuleType:
    """The loops that fold a history."""
    from recommender.engine import folding

    return folding


@cache
def elementwise() -> ModuleType:
    """What features and hidden layers go through number by number."""
    from recommender.engine import elementwise

    return elementwise


@cache
def selection() -> ModuleType:
    """The best of each row."""
    from recommender.engine import selection

    return selection
