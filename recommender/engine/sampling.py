"""The training set: lists of sampled candidates whose features are computed once, drawn afresh each epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recommender.engine import shards
from recommender.engine.candidates import candidates
from recommender.engine.config import Config
from recommender.engine.exposure import Exposure, Passed
from recommender.engine.features import pair_features
from recommender.engine.hands import in_order
from recommender.engine.interactions import Histories, Interactions, ShopData, histories
from recommender.engine.metrics import pair_keys
from recommender.engine.profile import Weighing, fold
from recommender.engine.scorebook import Scorebook
from recommender.engine.shards import Rows
from recommender.engine.splits import Split
from recommender.engine.tables import Tables

#: Dense score rows of a chunk stay near 12 MB a model, whatever the size of the catalogue.
CHUNK_CELLS = 1_500_000
NOTHING_PASSED = Passed()
#: In place of the rows of a pool that lie with those of others.
ELSEWHERE = np.empty((0, 0), np.float16)


def chunk_size(n_items: int) -> int:
    """Shoppers folded and scored at once."""
    return int(np.clip(CHUNK_CELLS // max(n_items, 1), 4, 128))


@dataclass(frozen=True)
class Truth:
    """What came after a cut: ``key`` int64 ascending (shopper · n + item), ``gain`` float32 in (0, 1]."""

    key: np.ndarray
    gain: np.ndarray
    n: int

    @property
    def shoppers(self) -> np.ndarray:
        return np.unique(self.key // self.n)


def truth(events: Interactions, targets: np.ndarray, weigh: Weighing, n_items: int) -> Truth:
    """The target events of a window; a rating's gain is its share of the best rating, all else gains 1."""
    keep = np.flatnonzero(targets[events.kind])
    gain = np.ones(len(keep), np.float32)
    if weigh.rate >= 0:
        rated = events.kind[keep] == weigh.rate
        gain[rated] = np.clip(np.nan_to_num(events.value[keep][rated], nan=weigh.top / 2) / weigh.top, 0.01, 1)
    key = events.shopper[keep].astype(np.int64) * n_items + events.item[keep]
    order = np.lexsort((-gain, key))
    key, first = np.unique(key[order], return_index=True)
    return Truth(key, gain[order][first], n_items)


@dataclass(frozen=True)
class Pool:
    """Sampled pairs of L lists: ``x`` float16 [rows, F] squashed features, in memory or on disk; ``gain`` float32
    [rows], 0 for negatives; ``weight`` float32 [rows] in the loss, 1 unless a list showed the product and it was passed
    over; list l has ``positives[l]`` then ``negatives[l]`` rows from ``start[l]`` on."""

    x: np.ndarray | Rows
    gain: np.ndarray
    weight: np.ndarray
    start: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, lists: np.ndarray) -> Pool:
        """The same rows, other lists."""
        return Pool(self.x, self.gain, self.weight, self.start[lists], self.positives[lists], self.negatives[lists])


def joined(pools: list[Pool], x: Rows | None = None) -> Pool:
    """One pool of several; ``x``: the rows of all of them where these are no longer in them."""
    shift = np.cumsum([0] + [len(p.gain) for p in pools[:-1]])
    return Pool(
        shards.joined([p.x for p in pools]) if x is None else x,
        np.concatenate([p.gain for p in pools]),
        np.concatenate([p.weight for p in pools]),
        np.concatenate([p.start + s for p, s in zip(pools, shift, strict=True)]),
        np.concatenate([p.positives for p in pools]),
        np.concatenate([p.negatives for p in pools]),
    )


def listed_shoppers(known: Interactions, later: Truth, config: Config, rng: np.random.Generator) -> np.ndarray:
    """Shoppers who make a list: with something later, and known before (one in twenty of the others, so
    that the network also meets the new visitor)."""
    with_truth = later.shoppers
    seen = np.isin(with_truth, np.unique(known.shopper))
    chosen = with_truth[seen]
    new = with_truth[~seen]
    cold = rng.permutation(new)[: len(chosen) // 20]
    chosen = np.concatenate([chosen, cold])
    return np.sort(rng.permutation(chosen)[: config.max_lists])


def draw(
    tables: Tables,
    history: Histories,
    shoppers: np.ndarray,
    later: Truth,
    config: Config,
    rng: np.random.Generator,
    passed: Passed,
) -> Pool:
    """Candidates of each shopper, their positives, what they passed over, and a random part of the rest, with features
    at the cut.

    ``shoppers`` int [S]: the codes of the shoppers of ``history`` in ``later`` and ``passed``.
    """
    profile = fold(history, tables.now, tables.weigh, tables.n)
    scores = Scorebook(tables, profile, keep=True)
    offsets, items = candidates(tables, scores, own=config.own_candidates, each=config.candidates)
    owner = np.repeat(np.arange(len(shoppers)), np.diff(offsets))
    key = _with_passed(owner * tables.n + items, shoppers, passed, config, profile.excluded, tables.n)
    owner, items = key // tables.n, key % tables.n
    key = shoppers[owner].astype(np.int64) * tables.n + items
    found = np.searchsorted(later.key, key)
    found[found == len(later.key)] = 0
    gain = np.where(later.key[found] == key, later.gain[found], 0).astype(np.float32)
    weight = 1 + config.impressions * np.where(gain == 0, passed.of(key), 0).astype(np.float32)
    # Positives first, then negatives, each in random order; cut both at their limits, but keep what was passed over.
    chance, negative = rng.random(len(key)), (gain == 0).astype(np.int64)
    order = np.lexsort((chance - (weight > 1), negative, owner))
    group = (owner * 2 + negative)[order]
    size = np.bincount(group, minlength=2 * len(shoppers))
    rank = np.arange(len(group)) - (np.cumsum(size) - size)[group]
    order = order[rank < np.where(negative[order], config.pool, config.positives)]
    order = order[np.lexsort((chance[order], negative[order], owner[order]))]
    owner, gain, weight, items, negative = owner[order], gain[order], weight[order], items[order], negative[order]
    count = np.bincount(owner, minlength=len(shoppers))
    bounds = np.concatenate([[0], np.cumsum(count)])
    x = pair_features(tables, profile, scores, bounds, items).astype(np.float16)
    positives = np.bincount(owner, 1 - negative, len(shoppers)).astype(np.int64)
    pool = Pool(x, gain, weight, bounds[:-1], positives, count - positives)
    return pool.take(np.flatnonzero((positives > 0) & (count > positives)))


def _with_passed(
    key: np.ndarray, shoppers: np.ndarray, passed: Passed, config: Config, excluded: np.ndarray, n_items: int
) -> np.ndarray:
    """int64 ascending: the candidates ``key`` (row · n + item) and the pairs each shopper most surely passed over."""
    rows = passed.among(shoppers, n_items)
    if not len(rows):
        return key
    more, looked = passed.key[rows], passed.looked[rows]
    row = np.searchsorted(shoppers, more // n_items)
    order = np.lexsort((-looked, row))
    rank = np.arange(len(order)) - np.searchsorted(row[order], row[order])
    best = order[rank < config.passed_over]
    added = row[best] * n_items + more[best] % n_items
    return np.union1d(key, added[~np.isin(added, excluded)])


def training_lists(
    data: ShopData,
    known: Interactions,
    later: Truth,
    tables: Tables,
    config: Config,
    rng: np.random.Generator,
    passed: Passed = NOTHING_PASSED,
    folder: Path | None = None,
) -> Pool:
    """The pool of one cut, in chunks of shoppers, whose features go to a file without a name in ``folder``."""
    shoppers = listed_shoppers(known, later, config, rng)
    step = chunk_size(tables.n)
    starts = range(0, len(shoppers), step)

    def chunk(place: tuple[int, np.random.Generator]) -> Pool:
        start, own = place
        part = shoppers[start : start + step]
        history = histories(known, part, data.shoppers.attributes)
        return draw(tables, history, part, later, config, own, passed)

    pools = []
    with shards.writer(folder) as writer:
        # A generator of its own for each chunk: the draws do not depend on which thread was first.
        for pool in in_order(chunk, zip(starts, rng.spawn(len(starts)), strict=True), config.threads):
            writer.add(pool.x)
            pools.append(replace(pool, x=ELSEWHERE))
        return joined(pools, writer.rows())


def truth_of(split: Split, n_items: int) -> Truth:
    """The split's truth by shopper code, gains relative to the best."""
    key = pair_keys(split.shoppers[split.truth.shoppers], split.truth.items, n_items)
    order = np.argsort(key)
    gain = split.truth.gains[order].astype(np.float32)
    top = float(np.quantile(gain, 0.99)) if len(gain) else 1.0
    return Truth(key[order], np.clip(gain / max(top, 1e-9), 0.01, 1), n_items)


def lists_to_learn(
    split: Split, fitted: Tables, seen: Exposure, config: Config, rng: np.random.Generator, folder: Path | None = None
) -> Pool:
    """The training lists of a cut: what came after it, and what was shown after it and passed over; ``folder``: where
    their features lie while they are needed."""
    later = truth_of(split, fitted.n)
    key, certainty = seen.certainty(split.now, split.end)
    if len(key):
        place = np.minimum(np.searchsorted(key, later.key), len(key) - 1)
        later = replace(later, gain=later.gain * np.where(key[place] == later.key, certainty[place], 1))
    passed = seen.passed(split.now, split.end)
    return training_lists(split.known, split.known.interactions, later, fitted, config, rng, passed, folder)


def weights_told(pools: list[Pool]) -> dict[str, int]:
    """What the lists of a run hold, for its report."""
    used = sum(int((pool.weight > 1).sum()) for pool in pools)
    return {"negatives": used, "rows": sum(len(pool.weight) for pool in pools)}


def batch_rows(
    pool: Pool, lists: np.ndarray, config: Config, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A fresh draw: row positions int64 [B, L] and labels float32 [B, L, 2]: gain (0 negative, −1 padding) and weight.

    Rows of a list lie in random order, so a window at a random place is a random draw.
    """
    size = (config.positives, config.negatives)
    rows, labels = [], []
    counts = (pool.positives[lists], pool.negatives[lists])
    starts = (pool.start[lists], pool.start[lists] + pool.positives[lists])
    for wanted, count, start in zip(size, counts, starts, strict=True):
        turn = (rng.random(len(lists)) * count).astype(np.int64)
        place = np.arange(wanted)
        row = start[:, None] + (turn[:, None] + place) % np.maximum(count, 1)[:, None]
        rows.append(row)
        labels.append(np.where(place < count[:, None], pool.gain[np.minimum(row, len(pool.gain) - 1)], -1))
    found = np.minimum(np.hstack(rows), len(pool.gain) - 1)
    return found, np.stack([np.hstack(labels), pool.weight[found]], axis=-1).astype(np.float32)
