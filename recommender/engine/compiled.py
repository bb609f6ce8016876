"""The compiled loops, imported by whoever first calls one: their compiler takes half a second to load, and an import
statement inside a function that runs thirty times a list costs more than some of the loops."""

from __future__ import annotations

import threading
from functools import cache
from types import ModuleType

import numpy as np

_spare = threading.local()


def spare_places(size: int, most: int = 2**31 - 1) -> np.ndarray:
    """[≥ size] numbers up to ``most``, all 0: this thread's own, which every loop leaves as it found it; uint16 where
    that holds them, else int32."""
    kind = np.uint16 if most < 2**16 else np.int32
    held: np.ndarray | None = getattr(_spare, kind.__name__, None)
    if held is None or len(held) < size:
        held = np.zeros(size, kind)
        setattr(_spare, kind.__name__, held)
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
