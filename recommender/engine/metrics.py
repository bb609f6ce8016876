"""Quality of ranked lists and of probabilities, one number a shopper wherever that is defined.

A *list* is int32 [S, k] of item codes, best first, padded with −1. What the shoppers really
did is ``Truth``. Ranking metrics answer float64 [S] with NaN for a shopper who has nothing to
be found, so that ``mean_and_error`` and paired differences need nothing but the arrays.

Sources: Järvelin & Kekäläinen 2002 (NDCG); Manning, Raghavan & Schütze, *Introduction to
Information Retrieval*, ch. 8 (MAP, MRR); Vargas & Castells 2011 (novelty, diversity);
Naeini et al. 2015 (calibration error); Fawcett 2006 (AUC).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Where lists are cut.
CUTS = (5, 10, 20)
#: The metric of gates, paired differences and slices.
HEADLINE = "ndcg@10"
#: Probabilities are kept this far from 0 and 1, so that one certain mistake is not infinite.
PROBABILITY_FLOOR = 1e-7


@dataclass(frozen=True)
class Truth:
    """What S shoppers did in the measured time: ``offsets`` int64 [S+1] into ``items`` int32 [T]
    (codes, each once a shopper) and ``gains`` float32 [T] (1 for a purchase; a rating's worth)."""

    offsets: np.ndarray
    items: np.ndarray
    gains: np.ndarray
    n_items: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """int64 [S]: how many items there are to be found."""
        return np.diff(self.offsets)

    @property
    def shoppers(self) -> np.ndarray:
        """int64 [T]: the row 0 … S−1 of each entry."""
        return np.repeat(np.arange(len(self)), self.counts)

    def keep(self, mask: np.ndarray) -> Truth:
        """The entries where ``mask`` (bool [T]) holds; all S shoppers stay, some with nothing."""
        return truth_from_pairs(self.shoppers[mask], self.items[mask], self.gains[mask], len(self), self.n_items)


def truth_from_pairs(
    shoppers: np.ndarray, items: np.ndarray, gains: np.ndarray | None, n_shoppers: int, n_items: int
) -> Truth:
    """A ``Truth`` from rows 0 … S−1, item codes and gains (None: 1 each); of a pair that occurs
    more than once the largest gain counts."""
    worth = np.ones(len(items), np.float32) if gains is None else np.asarray(gains, np.float32)
    keys = pair_keys(shoppers, items, n_items)
    order = np.lexsort((-worth, keys))
    keys, first = np.unique(keys[order], return_index=True)
    counts = np.bincount(keys // n_items, minlength=n_shoppers) if len(keys) else np.zeros(n_shoppers, np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Truth(offsets, (keys % n_items).astype(np.int32), worth[order][first], n_items)


def pair_keys(shoppers: np.ndarray, items: np.ndarray, n_items: int) -> np.ndarray:
    """int64: one number for each (shopper row, item code) pair, ordered by shopper, then item."""
    return np.asarray(shoppers, np.int64) * n_items + np.asarray(items, np.int64)


def gains_of(lists: np.ndarray, truth: Truth) -> np.ndarray:
    """float32 [S, k]: what each listed item was worth to its shopper, 0 where it was a miss.

    Raises ValueError when ``lists`` has another number of shoppers than ``truth``."""
    if len(lists) != len(truth):
        raise ValueError(f"expected lists of {len(truth)} shoppers, received {len(lists)}")
    if not len(truth.items):
        return np.zeros(lists.shape, np.float32)
    known = pair_keys(truth.shoppers, truth.items, truth.n_items)
    asked = pair_keys(np.arange(len(lists))[:, None], lists, truth.n_items)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    # A pad of −1 would alias the last item of the shopper before.
    found = (known[place] == asked) & (lists >= 0)
    return np.where(found, truth.gains[place], 0).astype(np.float32)


def ndcg_at(gains: np.ndarray, truth: Truth, k: int, *, graded: bool = False) -> np.ndarray:
    """Normalised discounted cumulative gain at ``k``: Σ g/log₂(rank+1) over the ideal list's.

    ``gains`` is ``gains_of(...)``. Binary unless ``graded``, where a gain g counts 2^g − 1
    (Burges et al. 2005); the ideal list is cut at ``k`` too."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    worth = _worth(gains[:, :k], graded)
    reached = worth @ discount[: worth.shape[1]]
    return _ratio(reached, _ideal(truth, k, discount, graded))


def _worth(gains: np.ndarray, graded: bool) -> np.ndarray:
    return np.exp2(gains.astype(np.float64)) - 1 if graded else (gains > 0).astype(np.float64)


def _ideal(truth: Truth, k: int, discount: np.ndarray, graded: bool) -> np.ndarray:
    if not graded:
        steps = np.concatenate([[0.0], np.cumsum(discount)])
        return steps[np.minimum(truth.counts, k)]
    order = np.lexsort((-truth.gains, truth.shoppers))
    rank = np.arange(len(order)) - np.repeat(truth.offsets[:-1], truth.counts)
    top = rank < k
    value = _worth(truth.gains[order], True)[top] * discount[rank[top]]
    return np.bincount(truth.shoppers[top], value, minlength=len(truth))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def recall_at(gains: np.ndarray, truth: Truth, k: int) -> np.ndarray:
    """The share of what the shopper did that is among the first ``k``."""
    return _ratio((gains[:, :k] > 0).sum(1).astype(np.float64), truth.counts)


def precision_at(gains: np.ndarray, truth: Truth, k: int) -> np.ndarray:
    """The share of the first ``k`` places that were hits (a short list has empty places)."""
    return np.where(truth.counts > 0, (gains[:, :k] > 0).sum(1) / k, np.nan)


def hit_rate_at(gains: np.ndarray, truth: Truth, k: int) -> np.ndarray:
    """1 where at least one of the first ``k`` was a hit."""
    return np.where(truth.counts > 0, (gains[:, :k] > 0).any(1), np.nan)


def average_precision_at(gains: np.ndarray, truth: Truth, k: int) -> np.ndarray:
    """Average precision at ``k``: precision at each hit, over min(k, items to find)."""
    hits = gains[:, :k] > 0
    precision = np.cumsum(hits, 1) / np.arange(1, hits.shape[1] + 1)
    return _ratio((precision * hits).sum(1), np.minimum(truth.counts, k))


def reciprocal_rank_at(gains: np.ndarray, truth: Truth, k: int) -> np.ndarray:
    """1/rank of the first hit among the first ``k``, 0 without one."""
    hits = gains[:, :k] > 0
    rank = np.where(hits.any(1), 1 / (np.argmax(hits, 1) + 1), 0.0)
    return np.where(truth.counts > 0, rank, np.nan)


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard error (s/√n) over the shoppers for whom ``values`` [S] is defined."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
    return float(known.mean()), error


# --- Scores and probabilities of labelled pairs -------------------------------------------------


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve: P(score of a positive > score of a negative), ties ½ (the
    Mann–Whitney statistic). NaN when ``labels`` (bool [pairs]) holds one class only."""
    from scipy.stats import rankdata  # 40 MB that a web process, which measures nothing, need not load

    positive = np.asarray(labels, bool)
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return float("nan")
    rank_sum = rankdata(scores)[positive].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def auc_per_shopper(scores: np.ndarray, labels: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """float64 [S]: AUC within each shopper's own pairs (``offsets`` int64 [S+1]), NaN where the
    shopper has one class only."""
    size = np.diff(offsets)
    shopper = np.repeat(np.arange(len(size)), size)
    positive = np.asarray(labels, bool)
    # Ranks over all pairs sorted by (shopper, score), ties averaged by identical (shopper, score).
    order = np.lexsort((scores, shopper))
    new_value = np.ones(len(order), bool)
    # Compared, not subtracted: −inf (no opinion) ties with itself.
    value, row = scores[order], shopper[order]
    new_value[1:] = (value[1:] != value[:-1]) | (row[1:] != row[:-1])
    group = np.cumsum(new_value) - 1
    first = np.flatnonzero(new_value)
    last = np.append(first[1:], len(order)) - 1
    rank = np.empty(len(order))
    rank[order] = ((first + last) / 2)[group]
    rank = rank - np.repeat(offsets[:-1], size) + 1
    n_positive = np.bincount(shopper[positive], minlength=len(size)).astype(np.float64)
    rank_sum = np.bincount(shopper[positive], rank[positive], minlength=len(size))
    return _ratio(rank_sum - n_positive * (n_positive + 1) / 2, n_positive * (size - n_positive))


def log_loss(probability: np.ndarray, labels: np.ndarray) -> float:
    """Mean −log likelihood (nats) of ``labels`` under ``probability``, clipped at 1e-7."""
    p = np.clip(np.asarray(probability, np.float64), PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return float(-np.where(np.asarray(labels, bool), np.log(p), np.log1p(-p)).mean())


@dataclass(frozen=True)
class Calibration:
    """Bins of equal width: ``edges`` [B+1]; ``predicted`` and ``observed`` [B] means (NaN where a
    bin is empty), ``counts`` [B]; ``error``: Σ counts·|predicted − observed| / n (ECE)."""

    edges: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray
    counts: np.ndarray
    error: float


def calibration(probability: np.ndarray, labels: np.ndarray, bins: int = 10) -> Calibration:
    """Reliability diagram and expected calibration error of ``probability`` in [0, 1]."""
    p = np.asarray(probability, np.float64)
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.clip((p * bins).astype(int), 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    predicted = _ratio(np.bincount(bin_of, p, minlength=bins), counts)
    observed = _ratio(np.bincount(bin_of, np.asarray(labels, np.float64), minlength=bins), counts)
    gap = np.nan_to_num(np.abs(predicted - observed))
    return Calibration(edges, predicted, observed, counts, float((gap * counts).sum() / max(len(p), 1)))


# --- What the lists as a whole do to the catalogue ----------------------------------------------


def exposures(lists: np.ndarray, n_items: int) -> np.ndarray:
    """int64 [n_items]: on how many lists each item stands."""
    return np.bincount(lists[lists >= 0], minlength=n_items)


def coverage(lists: np.ndarray, n_items: int) -> float:
    """The share of the catalogue that stands on at least one list."""
    return float((exposures(lists, n_items) > 0).sum() / max(n_items, 1))


def gini(shown: np.ndarray) -> float:
    """Gini coefficient of the exposures [n_items]: 0 all alike, → 1 one item takes all."""
    total = shown.sum()
    if not total:
        return float("nan")
    n = len(shown)
    share = np.sort(shown) / total
    return float(((2 * np.arange(1, n + 1) - n - 1) * share).sum() / n)


def novelty(lists: np.ndarray, buyers: np.ndarray, n_shoppers: int) -> np.ndarray:
    """float64 [S]: mean −log₂ of the share of shoppers who had the item before (``buyers``
    [n_items]; one is added, so an item nobody had is finite). NaN for an empty list."""
    surprise = -np.log2((buyers + 1) / (n_shoppers + 1))
    return _list_mean(lists, surprise)


def popularity_shown(lists: np.ndarray, buyers: np.ndarray) -> np.ndarray:
    """float64 [S]: mean number of earlier buyers of the listed items (average recommendation
    popularity, Abdollahpouri et al. 2019)."""
    return _list_mean(lists, buyers.astype(np.float64))


def median_buyers(lists: np.ndarray, buyers: np.ndarray) -> float:
    """The median, over all listed items, of how many shoppers had them before."""
    shown = lists[lists >= 0]
    return float(np.median(buyers[shown])) if len(shown) else float("nan")


def _list_mean(lists: np.ndarray, value: np.ndarray) -> np.ndarray:
    known = lists >= 0
    return _ratio(np.where(known, value[lists], 0.0).sum(1), known.sum(1))


def distinct_categories(lists: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """float64 [S]: how many categories (codes int32 [n_items], −1: none) a list shows."""
    code = np.where(lists >= 0, categories[lists], -1)
    code = np.sort(code, 1)
    new = np.concatenate([code[:, :1] >= 0, (np.diff(code, axis=1) > 0) & (code[:, 1:] >= 0)], 1)
    return new.sum(1).astype(np.float64)


def diversity(lists: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """float64 [S]: share of item pairs of a list that are of different categories (intra-list
    distance with a 0/1 distance). NaN where fewer than two items have a category."""
    code = np.where(lists >= 0, categories[lists], -1)
    both = (code[:, :, None] >= 0) & (code[:, None, :] >= 0)
    both &= ~np.eye(code.shape[1], dtype=bool)
    other = both & (code[:, :, None] != code[:, None, :])
    return _ratio(other.sum((1, 2)).astype(np.float64), both.sum((1, 2)))
