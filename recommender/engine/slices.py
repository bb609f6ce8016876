"""The headline metric within groups of shoppers and of items: a mean can hide who is served badly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from recommender.engine import metrics
from recommender.engine.interactions import ShopData
from recommender.engine.lists import Lists
from recommender.engine.metrics import HEADLINE
from recommender.engine.splits import Split

#: Upper ends (events known of the shopper) of the history slices.
HISTORY_BANDS = (5, 20, 100, 500)
#: A slice of fewer shoppers (or found items) than this says nothing and is left out.
SMALLEST_SLICE = 20
MOST_LABELS = 30


def categories_of(data: ShopData, category: str | None) -> np.ndarray | None:
    """The codes of the named attribute; else of ``category``, else of the one with most values
    under 2,000."""
    known = data.items.attributes
    if category is None and known:
        small = [name for name in known if known[name].size <= 2000] or list(known)
        category = "category" if "category" in known else max(small, key=lambda name: known[name].size)
    return known[category].codes if category in known else None


def slice_tables(
    shown: Lists, values: Mapping[str, np.ndarray], split: Split, category: str | None
) -> dict[str, dict[str, dict[str, float]]]:
    table = {dimension: _shopper_slices(labels, values) for dimension, labels in _dimensions(split)}
    categories = _category_slices(shown, split, category)
    return table | ({"category": categories} if categories else {})


def paired_slices(ours: np.ndarray, theirs: np.ndarray, split: Split) -> dict[str, dict[str, dict[str, float]]]:
    """Within each group of shoppers, by dimension and label: ``shoppers``, ``mean`` and ``se`` of ``ours − theirs``
    (a metric per shopper, float [S]), and ``reference``, the mean of ``theirs``."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for dimension, labels in _dimensions(split):
        table[dimension] = {}
        for name, mine in _groups(labels):
            mean, error = metrics.mean_and_error(ours[mine] - theirs[mine])
            reference, _ = metrics.mean_and_error(theirs[mine])
            table[dimension][name] = {
                "shoppers": int(mine.sum()), "mean": mean, "se": error, "reference": reference,
            }  # fmt: skip
    return table


def _dimensions(split: Split) -> Iterator[tuple[str, np.ndarray]]:
    """What shoppers are told apart by, and each one's label, object [S]."""
    yield "history", _history_labels(split)
    for name, attribute in split.known.shoppers.attributes.items():
        codes = attribute.codes[split.shoppers]
        yield name, np.array([*attribute.labels, "unknown"], dtype=object)[codes]


def _groups(labels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The largest groups of equal label, as masks, bool [S]."""
    names, sizes = np.unique(labels.astype(str), return_counts=True)
    for name in names[np.argsort(-sizes, kind="stable")][:MOST_LABELS]:
        mine = labels == name
        if mine.sum() >= SMALLEST_SLICE:
            yield str(name), mine


def _history_labels(split: Split) -> np.ndarray:
    events = np.diff(split.histories().offsets)
    ends = [1, *(end + 1 for end in HISTORY_BANDS)]
    names = [f"{low}-{high - 1}" for low, high in pairwise(ends)] + [f"over {HISTORY_BANDS[-1]}"]
    return np.array(names, dtype=object)[np.searchsorted(HISTORY_BANDS, events, "left")]


def _shopper_slices(labels: np.ndarray, values: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    table = {}
    for name, mine in _groups(labels):
        everything, error = metrics.mean_and_error(values[f"ALL {HEADLINE}"][mine])
        new, new_error = metrics.mean_and_error(values[f"NEW {HEADLINE}"][mine])
        table[name] = {
            "shoppers": int(mine.sum()),
            "ALL": everything,
            "ALL_se": error,
            "NEW": new,
            "NEW_se": new_error,
        }
    return table


def _category_slices(shown: Lists, split: Split, category: str | None) -> dict[str, dict[str, float]]:
    """Recall@10 of the truth within each category (an item has a category, a shopper has not)."""
    codes = categories_of(split.known, category)
    if codes is None:
        return {}
    attributes = split.known.items.attributes.values()
    labels = next(attribute.labels for attribute in attributes if attribute.codes is codes)
    found = {}
    for side, lists, truth in (("ALL", shown.all, split.truth), ("NEW", shown.new, split.unseen)):
        listed = np.zeros((0,), np.int64)
        row, place = np.nonzero(lists[:, :10] >= 0)
        listed = metrics.pair_keys(row, lists[row, place], truth.n_items)
        hit = np.isin(metrics.pair_keys(truth.shoppers, truth.items, truth.n_items), listed)
        known = codes[truth.items] >= 0
        total = np.bincount(codes[truth.items][known], minlength=len(labels))
        found[side] = (np.bincount(codes[truth.items][known], hit[known], minlength=len(labels)), total)
    order = np.argsort(-found["ALL"][1], kind="stable")[:MOST_LABELS]
    return {
        labels[code]: {
            "items": int(found["ALL"][1][code]),
            "ALL": float(found["ALL"][0][code] / found["ALL"][1][code]),
            "NEW": float(found["NEW"][0][code] / found["NEW"][1][code]) if found["NEW"][1][code] else float("nan"),
        }
        for code in order
        if found["ALL"][1][code] >= SMALLEST_SLICE
    }
