"""Several threads for work that falls into parts: compiled loops and matrix products let go of the interpreter lock.

Results come in the order of the parts, whatever thread was first, and only a few wait at a time, so memory is bounded
by the threads and not by the work.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

#: More threads than this wait for memory, and each holds a part.
MOST = 4


def in_order(work: Callable[[Part], Result], parts: Iterable[Part], threads: int = 0) -> Iterator[Result]:
    """``work`` of each part, in order; ``threads`` 0: as many as this process may use, at most ``MOST``.

    What a part raises is raised at its place; parts behind it that have not begun are not worked at.
    """
    threads = min(threads or _usable(), MOST)
    if threads <= 1:
        yield from map(work, parts)
        return
    coming = iter(parts)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque(pool.submit(work, part) for part in islice(coming, 2 * threads))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(work, part) for part in islice(coming, 1))
        finally:
            for future in waiting:
                future.cancel()


def _usable() -> int:
    """Processors that this process may use, which may be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
