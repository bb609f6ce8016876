"""The loop that counts what comes next, compiled; see ``kernels.py`` for how. A product of sparse matrices would hold
every pair of items of two baskets at once; this holds one row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from recommender.engine.selection import best_first, sink, worse

_SETTINGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_I32 = types.Array(types.int32, 1, "C", readonly=True)


@njit(
    types.void(*[_I32] * 5, types.float32, types.int32[:, ::1], types.float32[:, ::1]), **_SETTINGS
)  # fmt: skip
def shares(
    begins: np.ndarray, moments: np.ndarray, bounds: np.ndarray, items: np.ndarray, shopper: np.ndarray,
    shrink: float, near: np.ndarray, weights: np.ndarray
) -> None:  # fmt: skip
    """Write the K items that most often come next after each of n, and their shares, into ``near`` int32 [n, K] and
    ``weights`` float32 [n, K], best first; what is left of a row stays as it is.

    Moment m of ``shopper[m]`` (ascending) held ``items`` at bounds[m]:bounds[m+1]; item i was in ``moments`` at
    begins[i]:begins[i+1]. In one moment each follows the other half.
    """
    n, k = near.shape
    sums, touched = np.zeros(n, np.float32), np.empty(n, np.int32)
    for item in range(n):
        many, total, found, held, value = 0, np.float32(0), 0, near[item], weights[item]
        for place in range(begins[item], begins[item + 1]):
            moment = moments[place]
            size = np.float32(bounds[moment + 1] - bounds[moment])
            goes_on = moment + 1 < len(shopper) and shopper[moment + 1] == shopper[moment]
            for step in range(2 if goes_on else 1):
                first, last = bounds[moment + step], bounds[moment + step + 1]
                weight = np.float32(0.5) / size if step == 0 else 1 / np.sqrt(size * np.float32(last - first))
                for other in range(first, last):
                    next_item = items[other]
                    if next_item == item:
                        continue
                    if sums[next_item] == 0:
                        touched[many] = next_item
                        many += 1
                    sums[next_item] += weight
                    total += weight
        for other in range(many):
            next_item = touched[other]
            share = sums[next_item] / (total + shrink)
            sums[next_item] = 0
            if found < k:
                value[found], held[found] = share, next_item
                found += 1
                if found == k:
                    for place in range(k // 2 - 1, -1, -1):
                        sink(value, held, place, k)
            elif worse(value[0], held[0], share, next_item):
                value[0], held[0] = share, next_item
                sink(value, held, 0, k)
        best_first(value, held, found, found == k)
