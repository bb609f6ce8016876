"""The loops that fold a history, compiled; see ``kernels.py`` for how."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

_I64, _I8, _F32 = (types.Array(kind, 1, "C", readonly=True) for kind in (types.int64, types.int8, types.float32))
_F32_2 = types.Array(types.float32, 2, "C", readonly=True)
_SETTINGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(types.void(*[_I64] * 2, *[_F32] * 3, _I8, _F32_2, types.int64, *[types.float32[:, ::1]] * 2), **_SETTINGS)
def sums(
    key: np.ndarray, order: np.ndarray, age: np.ndarray, weight: np.ndarray, quantity: np.ndarray, kind: np.ndarray,
    decays: np.ndarray, recent: int, out: np.ndarray, by_kind: np.ndarray
) -> None:  # fmt: skip
    """Sums of each group of equal ``key`` int64 [E], ascending, over its events ``order`` (time ascending in it).

    ``age``, ``weight``, ``quantity``, ``kind`` [E] and ``decays`` [T, E] are in the order of the events. Written:
    ``out`` [6 + T, G]: events, weight, different days, mean quantity, first and last age, weight by each decay;
    ``by_kind`` [2K or 0, G]: events of each kind, then the same by the decay ``recent``.
    """
    kinds, taus, group = len(by_kind) // 2, len(decays), -1
    many, total, days, pieces, day = 0.0, 0.0, 0.0, 0.0, 0.0
    decayed = np.zeros(taus)
    for place in range(len(key)):
        event = order[place]
        if place == 0 or key[place] != key[place - 1]:
            group += 1
            many, total, days, pieces = 0.0, 0.0, 0.0, 0.0
            decayed[:] = 0
            by_kind[:, group] = 0
            out[4, group] = age[event]
        if many == 0 or np.floor(age[event]) != day:
            days += 1
        day = np.floor(age[event])
        many += 1
        total += weight[event]
        pieces += min(max(quantity[event], np.float32(0)), np.float32(100))
        for tau in range(taus):
            decayed[tau] += decays[tau, event] * weight[event]
        if kinds > 0:
            by_kind[kind[event], group] += 1
            by_kind[kinds + kind[event], group] += decays[recent, event]
        if place + 1 == len(key) or key[place + 1] != key[place]:
            out[0, group], out[1, group], out[2, group], out[3, group] = many, total, days, pieces / many
            out[5, group] = age[event]
            for tau in range(taus):
                out[6 + tau, group] = decayed[tau]


@njit(types.void(_F32, _I64, types.float32, types.float32[::1]), **_SETTINGS)
def lateness(last: np.ndarray, rank: np.ndarray, fall: float, out: np.ndarray) -> None:
    """Write ``fall`` to the power of each group's ``rank``, which those of one time share: the groups of each shopper
    stand newest first (``rank`` from 0 on), and ``last`` is the age of each."""
    begin, total, power = 0, np.float32(0), np.float32(1)
    for group in range(len(last)):
        if rank[group] == 0 or last[group] != last[begin]:
            begin, total = group, np.float32(0)
        power = np.float32(1) if rank[group] == 0 else power * fall
        total += power
        if group + 1 == len(last) or rank[group + 1] == 0 or last[group + 1] != last[group]:
            out[begin : group + 1] = total / np.float32(group + 1 - begin)


@njit(types.int64(*[_I64] * 2, types.Array(types.int32, 1, "C", readonly=True), _F32, *[types.int64[::1]] * 2,
                  types.float32[::1], types.float64[::1]), **_SETTINGS)  # fmt: skip
def by_value(
    starts: np.ndarray, item: np.ndarray, codes: np.ndarray, count: np.ndarray, bounds: np.ndarray,
    values: np.ndarray, sizes: np.ndarray, spare: np.ndarray
) -> int:  # fmt: skip
    """Each shopper's events by the value of an attribute: how many of ``values`` and ``sizes`` (log2 of one more than
    the events) were written, ``bounds`` [S+1] into them.

    ``starts`` [S+1] into the groups, whose ``item``s have the attribute's ``codes`` [n] and ``count`` events; ``spare``
    [values of the attribute], all 0 before and after.
    """
    written = 0
    bounds[0] = 0
    for shopper in range(len(starts) - 1):
        first = written
        for group in range(starts[shopper], starts[shopper + 1]):
            value = codes[item[group]]
            if spare[value] == 0 and count[group] > 0:
                values[written] = value
                written += 1
            spare[value] += count[group]
        found = values[first:written]
        found.sort()
        for place in range(first, written):
            sizes[place] = np.log2(1 + spare[values[place]])
            spare[values[place]] = 0
        bounds[shopper + 1] = written
    return written
