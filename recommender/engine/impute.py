"""Fills the gaps of shopper and item attributes, one strategy an attribute, by scikit-learn.

``indicator`` (the default) leaves a gap a gap: models treat *missing* as a value of its own.
``drop`` leaves the whole attribute out. ``mean``, ``median`` and ``most_frequent`` fill in one value;
``knn`` (Troyanskaya et al. 2001) takes it from the most similar rows; ``iterative`` predicts it
from everything else in rounds, as the mean of several draws (multiple imputation, van Buuren &
Groothuis-Oudshoorn 2011). Whatever is filled leaves a number ``<name> missing`` (0 or 1) beside it,
so that a model can still tell a guess from knowledge.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 – scikit-learn wants it said aloud
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from recommender.engine.architectures import counts
from recommender.engine.interactions import Codes, Items, ShopData, Shoppers

STRATEGIES = ("indicator", "drop", "mean", "median", "most_frequent", "knn", "iterative")
#: Those that read the other columns.
GUESSING = frozenset({"knn", "iterative"})
#: The suffix of the number that says what was filled.
MISSING = " missing"
#: Label that rare values are pooled into.
OTHER = "other"
#: Attributes of more labels than this have the rare ones pooled before neighbours vote on them.
MOST_LABELS = 30
#: Rows that ``knn`` may copy from, and that ``iterative`` learns from.
DONORS = 2000
NEIGHBOURS = 10
DRAWS = 5
ROUNDS = 10
#: A number further than this many interquartile ranges (of its logarithm) outside is a typing error.
ABSURD = 6.0


class UnknownStrategy(ValueError):
    """The strategy is none, or means nothing for this attribute."""


@dataclass(frozen=True)
class Filled:
    """What was done to one attribute of ``rows`` rows."""

    owner: str
    strategy: str
    rows: int
    missing: int
    filled: int
    clipped: int


Table = TypeVar("Table", Items, Shoppers)


def apply(data: ShopData, strategies: Mapping[str, str], *, seed: int = 0) -> tuple[ShopData, dict[str, Filled]]:
    """``data`` with the named attributes filled, and what was done to each. ``price`` is an item's
    number like any other. Raises :class:`UnknownStrategy`; a name that is not there is ignored,
    because one configuration serves shops with and without it."""
    if unknown := sorted(set(strategies.values()) - set(STRATEGIES)):
        raise UnknownStrategy(f"expected one of {', '.join(STRATEGIES)}; received {', '.join(unknown)}")
    guessed = bool(GUESSING & set(strategies.values()))
    behavior = _shopper_behavior(data) if guessed else np.empty((data.shoppers.n, 0))
    shoppers, of_shoppers = _fill(data.shoppers, strategies, behavior, seed, "shopper")
    items = replace(data.items, numbers={"price": data.items.price, **data.items.numbers})
    behavior = _item_behavior(data) if guessed else np.empty((data.items.n, 0))
    items, of_items = _fill(items, strategies, behavior, seed, "item")
    numbers = dict(items.numbers)
    # A dropped price is one that nobody knows.
    price = numbers.pop("price", np.full(data.items.n, np.nan, np.float32))
    items = replace(items, numbers=numbers, price=price)
    return replace(data, shoppers=shoppers, items=items), of_shoppers | of_items


def pool_rare(attribute: Codes, minimum: int) -> Codes:
    """Labels of fewer than ``minimum`` rows become the one label "other"; missing stays missing."""
    rows = np.bincount(attribute.codes[attribute.codes >= 0], minlength=attribute.size)
    return _keep_labels(attribute, np.flatnonzero(rows >= minimum))


def clip_absurd(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Positive numbers far outside of all others pulled in to the fence (Tukey's, on the logarithm,
    because prices and incomes have heavy tails that are no mistakes), and how many they were."""
    known = np.isfinite(values) & (values > 0)
    if known.sum() < 10:
        return values, 0
    low, high = np.quantile(np.log(values[known]), [0.25, 0.75])
    reach = ABSURD * max(high - low, 0.1)
    clipped = values.copy()
    # The fence is never inside of the data's own type: float32 in, float32 out.
    clipped[known] = np.clip(values[known], np.exp(low - reach), np.exp(high + reach))
    return clipped, int((clipped[known] != values[known]).sum())


# --- One table (items or shoppers) --------------------------------------------------------------


def _fill(
    table: Table, strategies: Mapping[str, str], behavior: np.ndarray, seed: int, owner: str
) -> tuple[Table, dict[str, Filled]]:
    numbers, attributes = dict(table.numbers), dict(table.attributes)
    done = {}
    for name, values in table.numbers.items():
        strategy = strategies.get(name, "indicator")
        # Imputing from what is already imputed would make it depend on the order of the names.
        others = _matrix(table, behavior, without=name) if strategy in GUESSING else behavior
        clipped, absurd = clip_absurd(values)
        filled = _fill_number(clipped, strategy, others, seed)
        done[name] = _put(numbers, numbers, name, values, filled, Filled(owner, strategy, len(values), 0, 0, absurd))
    for name, attribute in table.attributes.items():
        strategy = strategies.get(name, "indicator")
        others = _matrix(table, behavior, without=name) if strategy in GUESSING else behavior
        codes = _fill_codes(name, attribute, strategy, others, seed)
        gaps = np.where(attribute.codes < 0, np.nan, 0)
        done[name] = _put(attributes, numbers, name, gaps, codes, Filled(owner, strategy, len(gaps), 0, 0, 0))
    return replace(table, numbers=numbers, attributes=attributes), done


def _put(
    columns: dict[str, np.ndarray] | dict[str, Codes],
    numbers: dict[str, np.ndarray],
    name: str,
    before: np.ndarray,
    after: np.ndarray | Codes | None,
    report: Filled,
) -> Filled:
    """Stores ``after`` (None: dropped) and, where gaps were closed, the number that says so."""
    gap = ~np.isfinite(before)
    if after is None:
        del columns[name]
        return replace(report, missing=int(gap.sum()))
    columns[name] = after  # type: ignore[assignment]
    closed = gap & ((after.codes >= 0) if isinstance(after, Codes) else np.isfinite(after))
    if closed.any():
        numbers[name + MISSING] = gap.astype(np.float32)
    return replace(report, missing=int(gap.sum()), filled=int(closed.sum()))


def _fill_number(values: np.ndarray, strategy: str, others: np.ndarray, seed: int) -> np.ndarray | None:
    """float32 [n]; None: left out. A number that nobody has cannot be guessed."""
    if strategy == "drop":
        return None
    known = np.isfinite(values)
    if strategy == "indicator" or known.all() or not known.any():
        return values
    column = values.astype(np.float64)[:, None]
    if strategy in ("mean", "median", "most_frequent"):
        return SimpleImputer(strategy=strategy).fit_transform(column)[:, 0].astype(np.float32)
    middle, spread = column[known].mean(), max(float(column[known].std()), 1e-9)
    guess = _guess((column - middle) / spread, others, strategy, seed)[:, 0]
    return np.where(known, values, guess * spread + middle).astype(np.float32)


def _fill_codes(name: str, attribute: Codes, strategy: str, others: np.ndarray, seed: int) -> Codes | None:
    """Codes without gaps; None: left out."""
    if strategy == "drop":
        return None
    known = attribute.codes >= 0
    if strategy == "indicator" or known.all() or not known.any():
        return attribute
    rows = np.bincount(attribute.codes[known], minlength=attribute.size)
    if strategy == "most_frequent":
        return replace(attribute, codes=np.where(known, attribute.codes, rows.argmax()).astype(np.int32))
    if strategy in ("mean", "median"):
        return replace(attribute, codes=_middle_band(name, attribute, strategy))
    small = _keep_labels(attribute, np.argsort(-rows, kind="stable")[:MOST_LABELS])
    # → [n, labels], NaN where missing: what is guessed is how likely each label is
    one_hot = np.where(small.codes[:, None] < 0, np.nan, small.codes[:, None] == np.arange(small.size))
    likely = _guess(one_hot, others, strategy, seed).argmax(1)
    guessed = np.array([_label_code(attribute, label) for label in small.labels])[likely]
    # "other" is no label to give: such a row takes the most frequent one.
    guessed = np.where(guessed >= 0, guessed, rows.argmax())
    return replace(attribute, codes=np.where(known, attribute.codes, guessed).astype(np.int32))


def _label_code(attribute: Codes, label: str) -> int:
    return attribute.labels.index(label) if label in attribute.labels else -1


def _middle_band(name: str, attribute: Codes, strategy: str) -> np.ndarray:
    """The mean or median of bands such as "35-44" and "75K+", in the order of their first numbers."""
    first = [re.search(r"\d+(?:\.\d+)?", label) for label in attribute.labels]
    if not all(first):
        sensible = "drop, indicator, most_frequent, knn or iterative"
        raise UnknownStrategy(f"expected {sensible} for the category {name!r}, received {strategy!r}")
    numbers = [float(match.group()) for match in first if match]
    below = [("under" in label.lower() or label.startswith("<")) for label in attribute.labels]
    order = np.lexsort((~np.array(below), np.array(numbers)))
    place = np.argsort(order)
    known = attribute.codes >= 0
    middle = getattr(np, strategy)(place[attribute.codes[known]])
    return np.where(known, attribute.codes, order[round(float(middle))]).astype(np.int32)


def _keep_labels(attribute: Codes, kept: np.ndarray) -> Codes:
    if len(kept) == attribute.size:
        return attribute
    kept = np.sort(kept)
    # One more than the labels, so that −1 finds the last place.
    place = np.full(attribute.size + 1, len(kept), np.int32)
    place[kept], place[-1] = np.arange(len(kept), dtype=np.int32), -1
    return Codes(place[attribute.codes], (*(attribute.labels[code] for code in kept), OTHER))


# --- Guessing from everything else --------------------------------------------------------------


def _guess(target: np.ndarray, others: np.ndarray, strategy: str, seed: int) -> np.ndarray:
    """float64 [n, c]: ``target`` [n, c] with its NaN rows guessed from ``others`` [n, d]."""
    rng = np.random.default_rng(seed)
    # What is guessed must not outweigh what it is guessed from.
    joined = np.concatenate([target, others], axis=1)
    gap = np.isnan(target).any(1)
    donors = np.sort(rng.permutation(np.flatnonzero(~gap))[:DONORS])
    if strategy == "knn":
        return _by_neighbours(joined, gap, donors)[:, : target.shape[1]]
    draws = [_by_rounds(joined, gap, donors, seed + draw)[:, : target.shape[1]] for draw in range(DRAWS)]
    return np.asarray(np.mean(draws, axis=0))


def _by_neighbours(joined: np.ndarray, gap: np.ndarray, donors: np.ndarray) -> np.ndarray:
    imputer = KNNImputer(n_neighbors=min(NEIGHBOURS, len(donors)), weights="distance", keep_empty_features=True)
    imputer.fit(joined[donors])
    filled = joined.copy()
    filled[gap] = imputer.transform(joined[gap])
    return filled


def _by_rounds(joined: np.ndarray, gap: np.ndarray, donors: np.ndarray, seed: int) -> np.ndarray:
    """One draw; it learns from donors and from rows with gaps alike, at most DONORS of each."""
    imputer = IterativeImputer(
        max_iter=ROUNDS, sample_posterior=True, random_state=seed, keep_empty_features=True, n_nearest_features=20
    )
    rows = np.concatenate([donors, np.flatnonzero(gap)[:DONORS]])
    with warnings.catch_warnings():
        # A draw from the posterior moves every round: it has no point to converge to.
        warnings.simplefilter("ignore", ConvergenceWarning)
        imputer.fit(joined[rows])
        filled = joined.copy()
        filled[gap] = imputer.transform(joined[gap])
    return filled


def _matrix(table: Items | Shoppers, behavior: np.ndarray, *, without: str) -> np.ndarray:
    """float64 [n, d]: the other numbers standardised, the other small attributes one-hot (NaN where
    missing) and ``behavior``."""
    columns = [behavior]
    for name, values in table.numbers.items():
        if name != without and np.isfinite(values).any():
            columns.append(_standard(values)[:, None])
    for name, attribute in table.attributes.items():
        if name != without and 1 < attribute.size <= MOST_LABELS:
            hot = attribute.codes[:, None] == np.arange(attribute.size)
            columns.append(np.where(attribute.codes[:, None] < 0, np.nan, hot))
    return np.concatenate(columns, axis=1)


def _standard(values: np.ndarray) -> np.ndarray:
    spread = float(np.nanstd(values))
    return (values.astype(np.float64) - np.nanmean(values)) / (spread if spread > 0 else 1.0)


def _shopper_behavior(data: ShopData) -> np.ndarray:
    """float64 [n, 3]: log events, log distinct items, mean log price of what was had."""
    matrix = counts.count_matrix(data.interactions, data.kinds, data.shoppers.n, data.items.n)
    price = np.log1p(np.nan_to_num(np.maximum(data.items.price, 0), nan=0.0)).astype(np.float64)
    total = np.asarray(matrix.sum(1)).ravel()
    paid = matrix @ price / np.maximum(total, 1e-9)
    return np.stack([_standard(np.log1p(total)), _standard(np.log1p(np.diff(matrix.indptr))), _standard(paid)], axis=1)


def _item_behavior(data: ShopData) -> np.ndarray:
    """float64 [n, 2]: log events, log distinct shoppers."""
    weight = counts.event_weights(data.interactions, data.kinds)
    total = np.bincount(data.interactions.item, weight, minlength=data.items.n)
    buyers = counts.buyers(data.interactions, data.kinds, data.items.n)
    return np.stack([_standard(np.log1p(total)), _standard(np.log1p(buyers))], axis=1)
