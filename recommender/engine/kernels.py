"""The loops over pairs of the feature blocks, compiled.

Each function writes the rows of one block for S shoppers: ``offsets`` int64 [S+1] into ``items`` int64 [P] (the
pairs), ``starts`` int64 [S+1] into the groups of the fold or into the history that a model reads. Signatures are
explicit, so importing this module compiles everything or reads it from the cache beside it (``NUMBA_CACHE_DIR``), and
nothing is ever compiled inside a request. The functions let go of the interpreter lock and start no threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from recommender.engine.memory import ask_ahead
from recommender.engine.profile import NEVER, RECENT, TAUS


def _given(kind: types.Type, dimensions: int = 1) -> types.Array:
    """An array that is only read, so that one from a file or from Redis does as well."""
    return types.Array(kind, dimensions, "C", readonly=True)


_I64, _I32, _F32 = (_given(kind) for kind in (types.int64, types.int32, types.float32))
_F32_2, _I32_2 = _given(types.float32, 2), _given(types.int32, 2)
_ROW, _ROWS = types.float32[::1], types.float32[:, ::1]
_PLACES = (types.uint16[::1], types.int32[::1])
_SETTINGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
# Sums of many terms in an order that suits the processor: equal up to rounding.
_SUMS: dict[str, Any] = {**_SETTINGS, "fastmath": {"reassoc", "contract", "nsz"}}
_NEVER, _RECENT, _TAUS = np.float32(NEVER), RECENT, len(TAUS)


@njit(types.void(_I64, _I32, _F32, _I32_2, _F32_2, _ROWS), **_SETTINGS)
def spread(
    bounds: np.ndarray, row: np.ndarray, value: np.ndarray, neighbours: np.ndarray, weights: np.ndarray, out: np.ndarray
) -> None:
    """Add each history's rows of a table, times their values, to its row of ``out`` [S, n + 1]."""
    for shopper in range(len(bounds) - 1):
        for event in range(bounds[shopper], bounds[shopper + 1]):
            ask_ahead(neighbours, row, event)
            ask_ahead(weights, row, event)
            if row[event] == len(neighbours) - 1:  # nothing is known of it
                continue
            near, weight = neighbours[row[event]], weights[row[event]]
            for k in range(len(near)):
                out[shopper, near[k]] += value[event] * weight[k]


@njit([types.void(_I64, _I64, _I64, _I32, _F32, _I32_2, _F32_2, place, _ROW) for place in _PLACES], **_SETTINGS)
def spread_to_pairs(
    offsets: np.ndarray,
    items: np.ndarray,
    bounds: np.ndarray,
    row: np.ndarray,
    value: np.ndarray,
    neighbours: np.ndarray,
    weights: np.ndarray,
    place: np.ndarray,
    out: np.ndarray,
) -> None:
    """What :func:`spread` gives, at the pairs alone. ``place`` [≥ n + 1], all 0 before and after: where an item stands
    among a shopper's pairs, from 1 on; of 16 bits where that is enough, for it is read at random and the smaller it
    is, the more of it stays in the processor's nearest cache.

    What is not among the pairs is added up too, where nobody reads it, each column in a place of its own: a processor
    guesses wrong at a branch that is taken every third time, and waits for a sum that it has just written.
    """
    width = neighbours.shape[1]
    most = 0
    for shopper in range(len(offsets) - 1):
        most = max(most, offsets[shopper + 1] - offsets[shopper])
    total = np.empty(width + most, np.float32)
    for shopper in range(len(offsets) - 1):
        first, last = offsets[shopper], offsets[shopper + 1]
        total[: width + last - first] = 0
        for pair in range(first, last):
            place[items[pair]] = pair - first + 1
        for event in range(bounds[shopper], bounds[shopper + 1]):
            ask_ahead(neighbours, row, event)
            ask_ahead(weights, row, event)
            if row[event] == len(neighbours) - 1:  # nothing is known of it
                continue
            near, weight = neighbours[row[event]], weights[row[event]]
            for k in range(width):
                found = np.int64(place[near[k]])
                total[width + found - 1 if found > 0 else k] += value[event] * weight[k]
        for pair in range(first, last):  # an item that stands there twice has its sum at the last place
            out[pair] = total[width + np.int64(place[items[pair]]) - 1]
        for pair in range(first, last):
            place[items[pair]] = 0


@njit(types.void(_I64, _I64, _I64, _I64, _F32, _F32, _F32_2, _F32, _I64, _ROWS), **_SUMS)
def bands(
    offsets: np.ndarray,
    items: np.ndarray,
    bounds: np.ndarray,
    held: np.ndarray,
    plain: np.ndarray,
    recent: np.ndarray,
    vectors: np.ndarray,
    read: np.ndarray,
    ranks: np.ndarray,
    out: np.ndarray,
) -> None:
    """The pairs in the space of the spectrum, up to each rank: by the plain history, then by the recent one."""
    size, levels = vectors.shape[1], len(ranks)
    often, lately = np.empty(size, np.float32), np.empty(size, np.float32)
    for shopper in range(len(offsets) - 1):
        often[:] = 0
        lately[:] = 0
        for event in range(bounds[shopper], bounds[shopper + 1]):
            ask_ahead(vectors, held, event)
            vector = vectors[held[event]]
            by_plain, by_recent = plain[event] * read[held[event]], recent[event] * read[held[event]]
            for axis in range(size):
                often[axis] += by_plain * vector[axis]
                lately[axis] += by_recent * vector[axis]
        for pair in range(offsets[shopper], offsets[shopper + 1]):
            ask_ahead(vectors, items, pair)
            vector = vectors[items[pair]]
            begin, by_plain, by_recent = 0, np.float32(0), np.float32(0)
            for level in range(levels):
                for axis in range(begin, ranks[level]):
                    by_plain += often[axis] * vector[axis]
                    by_recent += lately[axis] * vector[axis]
                begin = ranks[level]
                out[level, pair] = by_plain
                out[levels + level, pair] = by_recent


@njit(types.void(_I64, _I64, _I64, _I64, _I64, _F32_2, _F32, _I64, _ROWS), **_SUMS)
def similarity(
    offsets: np.ndarray,
    items: np.ndarray,
    bounds: np.ndarray,
    held: np.ndarray,
    rank: np.ndarray,
    vectors: np.ndarray,
    unit: np.ndarray,
    sizes: np.ndarray,
    out: np.ndarray,
) -> None:
    """Ten times the mean cosine between each pair's item and the ``sizes`` latest items of the shopper; ``held``: the
    latest items, ``rank`` 0: the newest."""
    width = vectors.shape[1]
    mean = np.empty((len(sizes), width), np.float32)
    for shopper in range(len(offsets) - 1):
        mean[:] = 0
        for event in range(bounds[shopper], bounds[shopper + 1]):
            ask_ahead(vectors, held, event)
            vector = vectors[held[event]]
            for size in range(len(sizes)):
                if rank[event] < sizes[size]:
                    weight = unit[held[event]] / np.float32(sizes[size])
                    for axis in range(width):
                        mean[size, axis] += weight * vector[axis]
        for pair in range(offsets[shopper], offsets[shopper + 1]):
            ask_ahead(vectors, items, pair)
            vector = vectors[items[pair]]
            for size in range(len(sizes)):
                total = np.float32(0)
                for axis in range(width):
                    total += mean[size, axis] * vector[axis]
                out[size, pair] = total * 10 * unit[items[pair]]


@njit(types.void(*[_I64] * 4, *[_F32] * 6, _F32_2, _F32_2, *[_F32] * 3, _ROWS), **_SETTINGS)
def own(
    offsets: np.ndarray, items: np.ndarray, starts: np.ndarray, group: np.ndarray, count: np.ndarray, days: np.ndarray,
    weight: np.ndarray, first: np.ndarray, last: np.ndarray, quantity: np.ndarray, decayed: np.ndarray,
    by_kind: np.ndarray, events: np.ndarray, newest: np.ndarray, usual: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """``features.own``; ``group`` int64 [P]: each pair's, G where there is none; ``usual`` [n]: rate of the item."""
    for shopper in range(len(offsets) - 1):
        total = 0.0
        for g in range(starts[shopper], starts[shopper + 1]):
            total += decayed[_RECENT, g]
        total = max(total, 1e-6)
        for pair in range(offsets[shopper], offsets[shopper + 1]):
            g, prior = group[pair], 1 / usual[items[pair]]
            if g == len(count):
                out[:, pair] = 0
                out[_TAUS + 3, pair] = out[_TAUS + 4, pair] = out[_TAUS + 6, pair] = _NEVER
                continue
            out[0, pair], out[1, pair], out[2, pair] = count[g], days[g], weight[g]
            for tau in range(_TAUS):
                out[3 + tau, pair] = decayed[tau, g]
            several = days[g] > 1
            gap = (first[g] - last[g]) / (days[g] - 1) if several else _NEVER
            out[_TAUS + 3, pair], out[_TAUS + 4, pair] = last[g], gap
            out[_TAUS + 5, pair] = last[g] / (gap + 0.5) if several else 0
            out[_TAUS + 6, pair] = first[g]
            out[_TAUS + 7, pair] = last[g] <= newest[shopper] + np.float32(0.5)
            out[_TAUS + 8, pair] = count[g] / events[shopper]
            out[_TAUS + 9, pair] = decayed[_RECENT, g] / total
            out[_TAUS + 10, pair] = quantity[g]
            rate = 100 * days[g] / (first[g] + prior)
            out[_TAUS + 11, pair] = rate
            out[_TAUS + 12, pair] = rate * np.exp(last[g] * (-1 / 60))
            for kind in range(len(by_kind)):
                out[_TAUS + 13 + kind, pair] = by_kind[kind, g]


@njit(types.void(*[_I64] * 4, _I32, *[_F32] * 5, _ROWS), **_SETTINGS)
def affinity(
    offsets: np.ndarray, items: np.ndarray, starts: np.ndarray, held: np.ndarray, codes: np.ndarray,
    count: np.ndarray, recent: np.ndarray, last: np.ndarray, events: np.ndarray, popularity: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """``features.affinity`` of one attribute with ``codes`` [n] and ``popularity`` [values]."""
    size = len(popularity)
    counts, lately, since = np.zeros(size), np.zeros(size), np.full(size, _NEVER)
    for shopper in range(len(offsets) - 1):
        groups = range(starts[shopper], starts[shopper + 1])
        recent_total = 0.0
        for g in groups:
            value = codes[held[g]]
            counts[value] += count[g]
            lately[value] += recent[g]
            since[value] = min(since[value], last[g])
            recent_total += recent[g]
        total, recent_total = max(events[shopper], np.float32(1)), max(recent_total, 1e-6)
        for pair in range(offsets[shopper], offsets[shopper + 1]):
            value = codes[items[pair]]
            had, base = counts[value], popularity[value]
            out[0, pair] = had
            out[1, pair] = had * 10 / total
            out[2, pair] = lately[value] * 10 / recent_total
            out[3, pair] = np.log((had + 5 * base) / ((events[shopper] + 5) * base))
            out[4, pair] = since[value]
        for g in groups:
            value = codes[held[g]]
            counts[value] = lately[value] = 0
            since[value] = _NEVER


@njit(types.void(*[_I64] * 4, *[_F32] * 4, _ROWS), **_SETTINGS)
def price(
    offsets: np.ndarray, items: np.ndarray, starts: np.ndarray, held: np.ndarray, count: np.ndarray,
    known: np.ndarray, logs: np.ndarray, relative: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """``features.price``; ``known``, ``logs`` and ``relative`` [n] as in ``tables.Prices``."""
    for shopper in range(len(offsets) - 1):
        total, level, usual = 0.0, 0.0, 0.0
        for g in range(starts[shopper], starts[shopper + 1]):
            weight = count[g] * known[held[g]]
            total += weight
            level += weight * logs[held[g]]
            usual += weight * relative[held[g]]
        total = max(total, 1e-6)
        level, usual = level / total, usual / total
        for pair in range(offsets[shopper], offsets[shopper + 1]):
            item = items[pair]
            out[0, pair] = level
            out[1, pair] = (logs[item] - level) * known[item]
            out[2, pair] = abs(out[1, pair])
            out[3, pair] = abs((relative[item] - usual) * known[item])


@njit(types.void(*[_I64] * 5, _I32, *[_F32] * 8, _ROWS), **_SETTINGS)
def competition(
    offsets: np.ndarray, items: np.ndarray, starts: np.ndarray, held: np.ndarray, group: np.ndarray,
    types_of: np.ndarray, count: np.ndarray, days: np.ndarray, recent: np.ndarray, last: np.ndarray,
    events: np.ndarray, oldest: np.ndarray, novelty: np.ndarray, new_share: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """``features.competition``; ``types_of`` [n], ``novelty`` [types] and ``new_share`` [n] as in
    ``competition.Types``."""
    size = len(novelty)
    counts, had, lately, visits = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    since = np.full(size, _NEVER)
    for shopper in range(len(offsets) - 1):
        groups = range(starts[shopper], starts[shopper + 1])
        for g in groups:
            kind = types_of[held[g]]
            counts[kind] += count[g]
            had[kind] += 1
            lately[kind] += recent[g]
            visits[kind] += days[g]
            since[kind] = min(since[kind], last[g])
        span = (0 if oldest[shopper] >= _NEVER else oldest[shopper]) + 14
        new_items = len(groups) / max(events[shopper], np.float32(1))
        for pair in range(offsets[shopper], offsets[shopper + 1]):
            kind, g = types_of[items[pair]], group[pair]
            mine = g < len(count)
            rate = visits[kind] / span
            new = (had[kind] + 5 * novelty[kind]) / (counts[kind] + 5)
            out[0, pair], out[1, pair] = counts[kind], had[kind]
            out[2, pair], out[3, pair] = lately[kind], since[kind]
            out[4, pair], out[5, pair] = rate * 100, since[kind] * rate
            out[6, pair] = 10 * count[g] / max(counts[kind], 1.0) if mine else 0
            out[7, pair] = 10 * recent[g] / max(lately[kind], 1e-6) if mine else 0
            out[8, pair] = mine and last[g] <= since[kind] + np.float32(0.5) and last[g] < _NEVER
            out[9, pair] = new
            out[10, pair] = 100 * (lately[kind] + 0.02) * new * new_share[items[pair]]
            out[11, pair] = new_items
        for g in groups:
            kind = types_of[held[g]]
            counts[kind] = had[kind] = lately[kind] = visits[kind] = 0
            since[kind] = _NEVER


@njit(types.void(_I64, _I64, _I64, _F32_2, _ROW), **_SETTINGS)
def lift(offsets: np.ndarray, items: np.ndarray, band: np.ndarray, table: np.ndarray, out: np.ndarray) -> None:
    """The row of each shopper's ``band`` (−1: the last one) of a table [bands, n] at the pairs."""
    for shopper in range(len(offsets) - 1):
        row = table[band[shopper] if band[shopper] >= 0 else len(table) - 1]
        for pair in range(offsets[shopper], offsets[shopper + 1]):
            out[pair] = row[items[pair]]


@njit(types.void(_I64, _F32_2, _ROWS), **_SETTINGS)
def columns(items: np.ndarray, table: np.ndarray, out: np.ndarray) -> None:
    """The rows of a table [n, f] at the pairs, as the columns of ``out`` [f, P]."""
    for pair in range(len(items)):
        ask_ahead(table, items, pair)
        row = table[items[pair]]
        for place in range(len(row)):
            out[place, pair] = row[place]
