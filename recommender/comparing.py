"""Two runs side by side: figures, settings, and the lists that both made for the same shoppers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender import artifacts, generations, packing
from recommender.generations import StoredGeneration
from recommender.models import Generation, TrainingRun
from recommender.vocabulary import Vocabulary

FIGURES = ("ndcg@10", "map@10", "mrr@10", "recall@10", "hit_rate@10")
CATALOGUE = ("coverage@10", "novelty@10", "diversity@10", "popularity@10", "auc", "log_loss")
SAMPLE = 500
#: Where among the sampled shoppers, from the least alike lists to the most, the shown ones stand.
SHOWN = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Line:
    """One figure of both runs; None: not measured."""

    name: str
    left: float | str | None
    right: float | str | None


@dataclass(frozen=True)
class ListPair:
    """The ten first of both runs for one shopper (``store``'s subject): ``Product.id`` by position. ``at``: where the
    shopper stands among those sampled, 0 least alike … 1 most."""

    subject: str
    at: float
    left: tuple[int, ...]
    right: tuple[int, ...]
    share: float


@dataclass(frozen=True)
class Overlap:
    """``share``: of the ten first products those that both runs list for the same shopper, on average over
    ``shoppers``, with its standard error ``se``; ``moved``: by how many places a product in both moves (None: none
    is); ``same``: the share of shoppers whose two lists are the same, order too."""

    share: float
    se: float
    moved: float | None
    same: float
    shoppers: int
    shown: tuple[ListPair, ...]


@dataclass(frozen=True)
class Comparison:
    """``settings``: those in which the runs differ; ``overlap``: of their lists, None where one has no stored lists
    any more."""

    left: TrainingRun
    right: TrainingRun
    lines: tuple[Line, ...]
    same_days: bool
    settings: Mapping[str, tuple[Any, Any]]
    overlap: Overlap | None


def compare(left: TrainingRun, right: TrainingRun) -> Comparison:
    """Everything that can be said of both; missing parts are None."""
    names = sorted({*left.config, *right.config})
    both = {name: (left.config.get(name), right.config.get(name)) for name in names}
    return Comparison(
        left,
        right,
        (*_figures(left, right), *_costs(left, right)),
        bool(_window(left)) and _window(left) == _window(right),
        {name: pair for name, pair in both.items() if pair[0] != pair[1]},
        overlap(left, right),
    )


def _figures(left: TrainingRun, right: TrainingRun) -> list[Line]:
    lines = [
        Line(f"{side} {name}", _model(left, side).get(name), _model(right, side).get(name))
        for side in ("ALL", "NEW")
        for name in FIGURES
    ]
    return lines + [Line(name, _model(left).get(name), _model(right).get(name)) for name in CATALOGUE]


def _costs(left: TrainingRun, right: TrainingRun) -> list[Line]:
    return [
        Line("seconds", _seconds(left), _seconds(right)),
        Line("CPU seconds", left.cpu_seconds, right.cpu_seconds),
        Line("start", _start(left), _start(right)),
        Line("device", left.device or None, right.device or None),
    ]


def _start(run: TrainingRun) -> str | None:
    """Cold start or Warm start."""
    return " ".join(str(run.metrics.get("start", "")).split()[:2]).rstrip(".:") or None


def _model(run: TrainingRun, side: str | None = None) -> Mapping[str, Any]:
    table: Mapping[str, Any] = dict(run.metrics.get("models", {})).get(run.architecture, {})
    return table if side is None else dict(table.get(side, {}))


def _window(run: TrainingRun) -> Mapping[str, Any]:
    window = dict(run.metrics.get("window", {}))
    return {name: window.get(name) for name in ("start", "end", "shoppers", "truth")} if window else {}


def _seconds(run: TrainingRun) -> float | None:
    return (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None


# --- Lists ---


def overlap(left: TrainingRun, right: TrainingRun) -> Overlap | None:
    """How far the stored lists of both agree, over a sample of the shoppers that both have one for, without rules. None
    where one's lists are no longer kept or nobody has both."""
    try:
        one, other = _stored(left), _stored(right)
    except generations.NotStored:
        return None
    common = sorted(set(one[0].subjects) & set(other[0].subjects))
    chosen = common[:: max(1, len(common) // SAMPLE)]
    pairs = [(subject, _products(*one, subject), _products(*other, subject)) for subject in chosen]
    found = [(name, first, second) for name, first, second in pairs if first and second]
    if not found:
        return None
    shares = np.array([_share(first, second) for _, first, second in found])
    moves = [move for _, first, second in found for move in _moves(first, second)]
    return Overlap(
        share=float(shares.mean()),
        se=float(shares.std(ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else float("nan"),
        moved=float(np.mean(moves)) if moves else None,
        same=float(np.mean([first == second for _, first, second in found])),
        shoppers=len(found),
        shown=_shown(found, shares),
    )


def _shown(found: Sequence[tuple[str, tuple[int, ...], tuple[int, ...]]], shares: np.ndarray) -> tuple[ListPair, ...]:
    """One pair of lists at each of ``SHOWN``, no shopper twice."""
    order = np.argsort(shares, kind="stable")
    places = {int(order[round(at * (len(order) - 1))]): at for at in reversed(SHOWN)}
    return tuple(
        ListPair(found[place][0], at, found[place][1], found[place][2], float(shares[place]))
        for place, at in sorted(places.items(), key=lambda pair: pair[1])
    )


def _share(first: Sequence[int], second: Sequence[int]) -> float:
    return len(set(first) & set(second)) / max(len(first), len(second))


def _moves(first: Sequence[int], second: Sequence[int]) -> list[int]:
    place = {product: rank for rank, product in enumerate(first)}
    return [abs(place[product] - rank) for rank, product in enumerate(second) if product in place]


def _stored(run: TrainingRun) -> tuple[StoredGeneration, np.ndarray]:
    """The newest stored lists of ``run`` and the ``Product.id`` of each code. The ranker itself is not read."""
    generation = run.generations.filter(status=Generation.Status.READY).first()
    if generation is None:
        raise generations.NotStored(f"{run} has no stored lists any more")
    stored = StoredGeneration(generation.pk)
    try:
        vocabulary = Vocabulary.load(artifacts.path(stored.manifest.artifact))
    except OSError as error:
        raise generations.NotStored(f"expected the vocabulary of {run}, received: {error}") from error
    if vocabulary.digest != stored.manifest.vocabulary:
        raise generations.NotStored(f"the lists of {run} were written with another vocabulary")
    return stored, vocabulary.product_ids


def _products(stored: StoredGeneration, product_ids: np.ndarray, subject: str) -> tuple[int, ...]:
    """``Product.id`` of the first ten."""
    packed = packing.unpack_list(stored.of(subject)[0])
    return tuple(product_ids[packed.codes[:10]].tolist()) if packed is not None else ()
