"""The loops that fold a history, compiled; see ``kernels.py`` for how."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

_I64, _I32, _I8, _F32, _F64 = (
    types.Array(kind, 1, "C", readonly=True)
    for kind in (types.int64, types.int32, types.int8, types.float32, types.float64)
)
_ROWS = types.float32[:, ::1]
_SETTINGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(types.void(_I64, _I32, _F32, types.int32[::1], types.int64[::1], types.int64[::1], types.int32[::1]), **_SETTINGS)
def groups(
    bounds: np.ndarray, item: np.ndarray, weight: np.ndarray, place: np.ndarray, starts: np.ndarray,
    held: np.ndarray, group: np.ndarray
) -> None:  # fmt: skip
    """The different items of each shopper, ascending: ``starts`` [S+1] into ``held`` [E], and the ``group`` [E] of each
    event (−1: one without weight).

    ``bounds`` [S+1] into the events with their ``item`` and ``weight`` [E]; ``place`` [items], all 0 before and after.
    """
    written = 0
    starts[0] = 0
    for shopper in range(len(bounds) - 1):
        first = written
        for event in range(bounds[shopper], bounds[shopper + 1]):
            if weight[event] > 0 and place[item[event]] == 0:
                place[item[event]] = 1
                held[written] = item[event]
                written += 1
        held[first:written].sort()
        for number in range(first, written):
            place[held[number]] = number - first
        for event in range(bounds[shopper], bounds[shopper + 1]):
            group[event] = first + place[item[event]] if weight[event] > 0 else -1
        for number in range(first, written):
            place[held[number]] = 0
        starts[shopper + 1] = written


@njit(types.void(_I64, _I64, _I32, _F64, types.float64, types.float64, _F32, _F32, _I8, _F32, types.int64, _ROWS, _ROWS,
                 _ROWS), **_SETTINGS)  # fmt: skip
def sums(
    bounds: np.ndarray, starts: np.ndarray, group: np.ndarray, at: np.ndarray, now: float, scale: float,
    weight: np.ndarray, quantity: np.ndarray, kind: np.ndarray, falls: np.ndarray, recent: int, out: np.ndarray,
    by_kind: np.ndarray, people: np.ndarray
) -> None:  # fmt: skip
    """Sums over the events of each group and of each shopper, in one pass.

    ``bounds`` [S+1] into the events, by time; ``starts`` [S+1] into the groups; of the events [E] their ``group`` (−1:
    none), ``at`` in days, ``weight``, ``quantity`` and ``kind``. An age is days before ``now`` in units of ``scale``, a
    decay exp(age · fall) for each of ``falls`` [T]. Written: ``out`` [6 + T, G]: events, weight, different days, mean
    quantity, first and last age, weight by each decay; ``by_kind`` [2K or 0, G]: events of each kind, then the same by
    the decay ``recent``; ``people`` [4, S]: events, different days, first and last age (as they were, without events).
    """
    kinds, taus, most = len(by_kind) // 2, len(falls), 0
    for shopper in range(len(starts) - 1):
        most = max(most, starts[shopper + 1] - starts[shopper])
    total = np.empty((most, 2 + taus))
    decays = np.empty(taus, np.float32)
    for shopper in range(len(bounds) - 1):
        first, last = starts[shopper], starts[shopper + 1]
        total[: last - first] = 0
        out[:, first:last] = 0
        by_kind[:, first:last] = 0
        events, sessions, session = 0, 0, np.float32(-1)
        for event in range(bounds[shopper], bounds[shopper + 1]):
            g = group[event]
            if g < 0:
                continue
            age = np.float32(max((now - at[event]) / scale, 0.0))
            day = np.floor(age)
            if events == 0:
                people[2, shopper] = age
            events += 1
            sessions += day != session
            session = day
            people[3, shopper] = age
            if out[0, g] == 0:
                out[4, g] = age
            if out[0, g] == 0 or np.floor(out[5, g]) != day:
                out[2, g] += 1
            out[0, g] += 1
            out[5, g] = age
            for tau in range(taus):
                decays[tau] = np.exp(age * falls[tau])
            own = total[g - first]
            own[0] += weight[event]
            own[1] += min(max(quantity[event], np.float32(0)), np.float32(100))
            for tau in range(taus):
                own[2 + tau] += decays[tau] * weight[event]
            if kinds > 0:
                by_kind[kind[event], g] += 1
                by_kind[kinds + kind[event], g] += decays[recent]
        people[0, shopper], people[1, shopper] = events, sessions
        for g in range(first, last):
            own = total[g - first]
            out[1, g], out[3, g] = own[0], own[1] / out[0, g]
            for tau in range(taus):
                out[6 + tau, g] = own[2 + tau]


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
