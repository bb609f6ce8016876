"""Several architectures as one list: weighted reciprocal rank fusion (Cormack et al. 2009), the
weights fitted on the last known days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recommender.engine import metrics
from recommender.engine.architectures import content, ease, item_knn, own_history, popularity
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, ShopData
from recommender.engine.lists import ListModel, seen_pairs, top_k
from recommender.engine.metrics import Truth
from recommender.engine.splits import Split, split_at, split_fold

#: Places of a component's list that have a vote, and how quickly it fades: 1/(rank + FADE).
VOTES = 200
FADE = 10.0
#: Shoppers the weights are fitted on, and the weights each component may get.
VALIDATION_SHOPPERS = 800
WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
ROUNDS = 3

COMPONENTS: dict[str, Callable[..., ListModel]] = {
    "own_history": own_history.fit,
    "ease": ease.fit,
    "item_knn": item_knn.fit,
    "content": content.fit,
    "popularity": popularity.fit,
}


@dataclass(frozen=True)
class Hybrid:
    """``models`` by component name and ``weights`` float64 [components] in the same order."""

    models: dict[str, ListModel]
    weights: np.ndarray
    n_items: int

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]: Σ weight/(rank + FADE) over the components; −inf without a vote."""
        total = np.zeros((len(histories), self.n_items), np.float32)
        for weight, model in zip(self.weights, self.models.values(), strict=True):
            if weight:
                total += weight * votes(model, histories, now)
        total[total == 0] = -np.inf
        return total


def votes(model: ListModel, histories: Histories, now: float) -> np.ndarray:
    """float32 [S, n_items]: 1/(rank + FADE) of the items on the model's own list, else 0."""
    scores = model.score_all(histories, now)
    best = top_k(scores, min(VOTES, scores.shape[1]))
    row, place = np.nonzero(best >= 0)
    ballot = np.zeros(scores.shape, np.float32)
    ballot[row, best[row, place]] = 1 / (place + 1 + FADE)
    return ballot


def fit(data: ShopData, now: float, config: Config, rng: np.random.Generator) -> Hybrid:
    """Fits every component on what came before the last horizon, chooses the weights by that
    horizon's NDCG@10 (of ALL and of NEW alike), and fits the weighted ones again on everything."""
    weights = _fitted_weights(_validation(data, now, config, rng), config, rng)
    kept = {name: fit for (name, fit), weight in zip(COMPONENTS.items(), weights, strict=True) if weight}
    models = {name: fit(data, now, config, rng) for name, fit in kept.items()}
    return Hybrid(models, weights[weights > 0], data.items.n)


def _validation(data: ShopData, now: float, config: Config, rng: np.random.Generator) -> Split:
    if not data.interactions.timed:
        return split_fold(data, rng)
    span = float(np.ptp(data.interactions.at))
    days = config.horizon_days or float(np.clip(span / 8, 1, 28))
    return split_at(data, now - days, now)


def _fitted_weights(split: Split, config: Config, rng: np.random.Generator) -> np.ndarray:
    """float64 [components], by coordinate ascent from equal weights; equal when nothing is known."""
    equal = np.ones(len(COMPONENTS))
    if not len(split.shoppers):
        return equal
    some = np.sort(rng.permutation(len(split.shoppers))[:VALIDATION_SHOPPERS])
    objective = _objective(split.only(some), config, rng)
    weights, best = equal, objective(equal)
    for _ in range(ROUNDS):
        before = best
        for component in range(len(weights)):
            for weight in WEIGHTS:
                tried = weights.copy()
                tried[component] = weight
                quality = objective(tried)
                if quality > best:
                    weights, best = tried, quality
        if best == before:
            break
    return weights if weights.any() else equal


def _objective(split: Split, config: Config, rng: np.random.Generator) -> Callable[[np.ndarray], float]:
    """NDCG@10 of ALL plus that of NEW, each over what equal weights reach: own history decides the
    one and says nothing of the other, so neither may be fitted alone."""
    ballots = _ballots(split, config, rng)
    row, item = seen_pairs(split.histories(), split.known)
    seen = np.isin(
        metrics.pair_keys(np.arange(len(ballots.items))[:, None], ballots.items, split.truth.n_items),
        metrics.pair_keys(row, item, split.truth.n_items),
    )
    unseen = _Ballots(np.where(seen, -1, ballots.items), ballots.votes)
    sides = ((ballots, split.truth), (unseen, split.unseen))
    equal = [_quality(side, np.ones(len(COMPONENTS)), truth) for side, truth in sides]

    def quality(weights: np.ndarray) -> float:
        reached = [_quality(side, weights, truth) for side, truth in sides]
        return sum(value / base for value, base in zip(reached, equal, strict=True) if base > 0)

    return quality


@dataclass(frozen=True)
class _Ballots:
    """The union of all components' lists: ``items`` int32 [S, C] (−1 pad) and ``votes`` float32
    [S, C, components]."""

    items: np.ndarray
    votes: np.ndarray


def _ballots(split: Split, config: Config, rng: np.random.Generator) -> _Ballots:
    batch = split.histories()
    lists = []
    for fit_component in COMPONENTS.values():
        model = fit_component(split.known, split.now, config, rng)
        lists.append(_voting_list(model, batch, split))
    # [S, components·VOTES]: every list beside the others, each item once.
    joined = np.concatenate(lists, axis=1)
    items = np.sort(joined, axis=1)
    items[:, 1:][items[:, 1:] == items[:, :-1]] = -1
    ballots = np.zeros((*items.shape, len(lists)), np.float32)
    for component, one in enumerate(lists):
        ballots[:, :, component] = _votes_of(one, items, split.known.items.n)
    return _Ballots(items, ballots)


def _voting_list(model: ListModel, batch: Histories, split: Split) -> np.ndarray:
    return top_k(model.score_all(batch, split.now), min(VOTES, split.known.items.n))


def _votes_of(one: np.ndarray, items: np.ndarray, n_items: int) -> np.ndarray:
    """float32 [S, C]: 1/(rank + FADE) in list ``one`` [S, V] of each of ``items`` [S, C]."""
    row, place = np.nonzero(one >= 0)
    keys = metrics.pair_keys(row, one[row, place], n_items)
    order = np.argsort(keys)
    asked = metrics.pair_keys(np.arange(len(items))[:, None], items, n_items)
    if not len(keys):
        return np.zeros(items.shape, np.float32)
    at = np.minimum(np.searchsorted(keys[order], asked), len(keys) - 1)
    found = (keys[order][at] == asked) & (items >= 0)
    return np.where(found, 1 / (place[order][at] + 1 + FADE), 0).astype(np.float32)


def _quality(ballots: _Ballots, weights: np.ndarray, truth: Truth) -> float:
    total = ballots.votes @ weights.astype(np.float32)
    total[(ballots.items < 0) | (total == 0)] = -np.inf
    place = top_k(total, min(10, total.shape[1]))
    shown = np.where(place >= 0, np.take_along_axis(ballots.items, np.maximum(place, 0), 1), -1)
    return metrics.mean_and_error(metrics.ndcg_at(metrics.gains_of(shown, truth), truth, 10))[0]
