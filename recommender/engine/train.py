"""A whole run: split by time, fit on the earlier days, measure on the later ones, refit up to now.

Cuts are shared: the tables and training lists of T−2H and T−3H serve the measured model as well as
the final one, so each is fitted once. A log without time is cut into folds instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recommender.engine import baselines, evaluate, exposure, lists, sampling, scorer, tables
from recommender.engine.architectures import LISTS, architecture
from recommender.engine.calibration import Calibration
from recommender.engine.calibration import fit as fit_calibration
from recommender.engine.config import Config
from recommender.engine.features import names
from recommender.engine.interactions import ShopData
from recommender.engine.metrics import pair_keys
from recommender.engine.network import (
    Epoch,
    Standard,
    Stopped,
    device,
    draw_lists,
    exported,
    predicted,
    train_network,
)
from recommender.engine.profile import weighing
from recommender.engine.ranker import ListModel, Ranker, best_of
from recommender.engine.sampling import Pool, chunk_size
from recommender.engine.scorer import Network, Scorer
from recommender.engine.splits import Split, split_at, split_fold
from recommender.engine.tables import Tables

__all__ = ["RIVAL", "Progress", "Stopped", "TooLittleData", "Trained", "choose_horizon", "run_training"]

#: Under this name the metrics hold what the rival of a run was measured at.
RIVAL = "serving"
#: Ranks another model for the shoppers of a split, knowing no more than the ranker that is measured; None: cannot.
Rival = Callable[[Ranker, Split], lists.Lists | None]

#: Below these a network learns nothing that popularity does not know.
LEAST_EVENTS, LEAST_SHOPPERS, LEAST_LISTS = 200, 20, 10
#: Shoppers of the later days whose pairs calibrate the probabilities.
CALIBRATED = 2_000
FOLDS = 5
#: Below this a training set is small (measured in docs/decisions/0001-ranking-engine.md).
FEW_LISTS = 1_000
#: How often each network is trained on a small set; the scores are averaged (docs/decisions/0002-small-shops.md).
FEW_TIMES = 2


class TooLittleData(Exception):
    """The log cannot be split into something to learn from and something to measure on."""


@dataclass(frozen=True)
class Progress:
    """Where a run is. ``step``: read, clean, features, train, measure, refit or save; ``fraction`` 0 … 1 of it all."""

    step: str
    fraction: float
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    validation_ndcg: float | None = None
    rows_per_second: float | None = None


@dataclass(frozen=True)
class Trained:
    """A finished run. ``metrics``: ``evaluate.Measured.to_dict()``; ``curves``: per net the lists ``epoch``, ``loss``,
    ``validation_loss``, ``validation_ndcg`` (later days); ``seconds`` by step; ``start``: what the networks began
    with, in a sentence."""

    ranker: Ranker
    metrics: dict[str, Any]
    curves: dict[str, Any]
    device: str
    seconds: dict[str, float]
    config: Config
    window: dict[str, float]
    start: str = "Cold start."


@dataclass
class Clock:
    """Tells progress in order and measures each step; raises :class:`Stopped` between pieces of work."""

    report: Callable[[Progress], None]
    stop: Callable[[], bool]
    seconds: dict[str, float]
    fraction: float = 0.0
    step: str = "read"
    began: float = 0.0

    def enter(self, step: str, fraction: float) -> None:
        now = time.perf_counter()
        if self.began:
            self.seconds[self.step] = self.seconds.get(self.step, 0.0) + now - self.began
        self.step, self.fraction, self.began = step, fraction, now
        self.report(Progress(step, fraction))
        if self.stop():
            raise Stopped("the run was asked to stop")

    def epoch(self, told: Epoch, start: float, end: float) -> None:
        done = (told.net + told.epoch / told.epochs) / told.nets
        self.report(
            Progress(
                self.step,
                start + (end - start) * done,
                told.net * told.epochs + told.epoch,
                told.nets * told.epochs,
                told.loss,
                told.validation_loss,
                told.validation_ndcg,
                told.rows_per_second,
            )
        )


def choose_horizon(data: ShopData, config: Config) -> float:
    """Days of a window: as configured, else an eighth of the log, between one day and four weeks."""
    return config.horizon_days or evaluate.horizon(data)


def run_training(
    data: ShopData,
    config: Config,
    *,
    now: float,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    warm: Ranker | None = None,
    rival: Rival | None = None,
) -> Trained:
    """Train ``config.architecture`` on the events before ``now`` (days) and measure it beside the baselines.

    ``warm``: an earlier ranker whose weights the networks begin with, if its features and layers are the same;
    ``rival``: another model to be measured on the same later days (``RIVAL`` in the metrics).
    Raises :class:`TooLittleData` and :class:`Stopped`.
    """
    clock = Clock(report, stop, {})
    clock.enter("read", 0.0)
    data = _known_at(data, now)
    _require_enough(data)
    plan = plan_of(data, config, now)
    if config.architecture in LISTS:
        return _run_list(data, config, plan, clock, now, rival)
    return _run_network(data, config, plan, clock, now, warm, rival)


def _known_at(data: ShopData, now: float) -> ShopData:
    """The newest event may carry the very time of ``now``."""
    if not data.interactions.timed:
        return data
    return data.before(float(np.nextafter(now, np.inf)))


def _require_enough(data: ShopData) -> None:
    events = data.interactions
    counted = events.select(weighing(events, data.kinds, {}).of(events) > 0) if len(events) else events
    several = int((np.bincount(counted.shopper, minlength=1) >= 2).sum())
    if len(counted) < LEAST_EVENTS:
        raise TooLittleData(f"expected at least {LEAST_EVENTS} events that count, received {len(counted)}")
    if several < LEAST_SHOPPERS:
        raise TooLittleData(f"expected at least {LEAST_SHOPPERS} shoppers with two events, received {several}")


# --- What is learned from what ---------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """``split``: what is measured. ``measured`` and ``final``: the training splits, newest first, of the model
    that is measured and of the one that serves; a split in both is fitted once."""

    split: Split
    measured: tuple[Split, ...]
    final: tuple[Split, ...]
    horizon: float


def plan_of(data: ShopData, config: Config, now: float) -> Plan:
    if not data.interactions.timed:
        return _folds(data, config)
    days = choose_horizon(data, config)
    events = data.interactions
    end = float(np.nextafter(min(now, float(events.at.max())), np.inf))
    # A cut needs a past to describe shoppers by: at least a horizon of it, half of one in a short log.
    room = int((end - float(events.at.min())) / days)
    cuts = max(min(config.cuts + 1, room - 1), 2)
    splits = [split_at(data, end - days * back, end - days * (back - 1)) for back in range(1, cuts + 1)]
    usable = [split for split in splits if len(split.shoppers) >= LEAST_LISTS]
    if len(usable) < 2 or usable[0] is not splits[0]:
        found = [len(split.shoppers) for split in splits]
        raise TooLittleData(
            f"expected at least {LEAST_LISTS} known shoppers in each of the last windows "
            f"of {days:.1f} days, received {found}"
        )
    return Plan(usable[0], tuple(usable[1:]), tuple(usable[: config.cuts]), days)


def _folds(data: ShopData, config: Config) -> Plan:
    """Measured: a fold of the pairs; learned from: smaller folds of what is left (and of all, for the final model)."""
    split = split_fold(data, np.random.default_rng(config.seed), fold=0, folds=FOLDS)
    measured = tuple(
        split_fold(split.known, np.random.default_rng(config.seed + 1), fold=f, folds=2 * FOLDS) for f in range(FOLDS)
    )
    final = tuple(
        split_fold(data, np.random.default_rng(config.seed + 2), fold=f, folds=2 * FOLDS) for f in range(FOLDS)
    )
    if len(split.shoppers) < LEAST_LISTS:
        raise TooLittleData(f"expected at least {LEAST_LISTS} shoppers to measure on, received {len(split.shoppers)}")
    return Plan(split, measured, final, 0.0)


def truth_of(split: Split, n_items: int) -> sampling.Truth:
    """The split's truth by shopper code, gains relative to the best."""
    key = pair_keys(split.shoppers[split.truth.shoppers], split.truth.items, n_items)
    order = np.argsort(key)
    gain = split.truth.gains[order].astype(np.float32)
    top = float(np.quantile(gain, 0.99)) if len(gain) else 1.0
    return sampling.Truth(key[order], np.clip(gain / max(top, 1e-9), 0.01, 1), n_items)


def lists_to_learn(
    split: Split, fitted: Tables, seen: exposure.Exposure, config: Config, rng: np.random.Generator
) -> Pool:
    """The training lists of a cut: what came after it, and what was shown after it and passed over."""
    later = truth_of(split, fitted.n)
    key, certainty = seen.certainty(split.now, split.end)
    if len(key):
        place = np.minimum(np.searchsorted(key, later.key), len(key) - 1)
        later = replace(later, gain=later.gain * np.where(key[place] == later.key, certainty[place], 1))
    passed = seen.passed(split.now, split.end)
    return sampling.training_lists(split.known, split.known.interactions, later, fitted, config, rng, passed)


def weights_told(pools: list[Pool]) -> dict[str, int]:
    """What the lists of a run hold, for its report."""
    used = sum(int((pool.weight > 1).sum()) for pool in pools)
    return {"negatives": used, "rows": sum(len(pool.weight) for pool in pools)}


# --- Networks ----------------------------------------------------------------------------------------


def _run_network(
    data: ShopData, config: Config, plan: Plan, clock: Clock, now: float, warm: Ranker | None, rival: Rival | None
) -> Trained:
    rng = np.random.default_rng(config.seed)
    pools: dict[int, Pool] = {}
    kept: dict[int, Tables] = {}
    # The columns are the same at every cut: chosen once, from what the measured model may know.
    chosen = tables.telling_attributes(plan.split.known, plan.split.now, config)
    wanted = {id(split): split for split in (*plan.measured, *plan.final, plan.split)}
    seen = exposure.learned(data, plan.split.now, config)
    for number, (name, split) in enumerate(wanted.items()):
        clock.enter("features", 0.02 + 0.38 * number / len(wanted))
        fitted = tables.fit(split.known, split.now, config, chosen)
        if split is plan.split:
            kept[name] = fitted
        clock.enter("features", 0.02 + 0.38 * (number + 0.6) / len(wanted))
        pools[name] = lists_to_learn(split, fitted, seen, config, rng)
    learned = [pools[id(split)] for split in plan.measured]
    if sum(map(len, learned)) < LEAST_LISTS:
        raise TooLittleData(f"expected at least {LEAST_LISTS} lists to learn from, received {sum(map(len, learned))}")

    clock.enter("train", 0.4)
    curves: dict[str, Any] = {}
    start = _start(warm, kept[id(plan.split)], config, plan, now)
    columns = names(kept[id(plan.split)])
    nets = fit_scorer(
        learned, columns, config, clock, (0.4, 0.55), later=pools[id(plan.split)], curves=curves, start=start.earlier
    )
    clock.enter("measure", 0.55)
    candidate = Ranker(kept[id(plan.split)], nets, None, _flat(), config, plan.horizon)
    metrics, calibration = _measured(candidate, plan.split, config, clock, rival)
    metrics["exposure"] = seen.report(weights_told([pools[id(split)] for split in plan.final]))

    clock.enter("refit", 0.78)
    del kept, candidate
    final_tables = tables.fit(data, now if data.interactions.timed else plan.split.now, config, chosen)
    clock.enter("refit", 0.85)
    final = fit_scorer(
        [pools[id(split)] for split in plan.final], columns, config, clock, (0.85, 0.99), start=start.final
    )
    clock.enter("save", 0.99)
    ranker = Ranker(final_tables, final, None, calibration, config, plan.horizon, earlier=nets)
    return Trained(ranker, metrics, curves, device(), clock.seconds, config, _window(data, plan, now), start.words)


@dataclass(frozen=True)
class Start:
    """What the networks begin with: ``earlier`` those that are measured, ``final`` those that serve; None: cold."""

    words: str
    earlier: Scorer | None = None
    final: Scorer | None = None


def _start(warm: Ranker | None, fitted: Tables, config: Config, plan: Plan, now: float) -> Start:
    """The weights of ``warm`` if it reads the same features through the same layers and knew nothing of what the
    new networks are asked.

    Weights that have learned from the later days would be measured on what they know, so the measured networks begin
    with those that ``warm`` was itself measured by.
    """
    if warm is None:
        return Start("Cold start.")
    layout = names(fitted)
    other = sorted(set(layout) ^ set(warm.feature_names))
    if warm.scorer is None or warm.config.architecture != config.architecture:
        reason = f"expected weights of {config.architecture}, received a model of {warm.config.architecture}"
    elif warm.config.layers != config.layers:
        reason = f"expected layers {list(config.layers)}, received {list(warm.config.layers)}"
    elif warm.feature_names != layout:
        named = f", among them {other[0]}" if other else " in another order"
        reason = f"expected the same features, received {len(other)} others{named}"
    elif not plan.horizon:
        reason = "expected events with times, received a log that is cut by folds, which differ from run to run"
    elif warm.earlier is None:
        reason = "expected weights that did not see the later days, received a model made before they were kept"
    elif warm.tables.now > now or warm.tables.now - warm.horizon > plan.split.now:
        reason = "expected a model of no later a time, received one that has seen the days it would be measured on"
    else:
        return Start("Warm start from the last weights.", warm.earlier, warm.scorer)
    return Start(f"Cold start: {reason}.")


def _flat() -> Calibration:
    return Calibration(np.array([-4.0, 4.0]), np.array([1e-4, 0.5]))


def _window(data: ShopData, plan: Plan, now: float) -> dict[str, float]:
    at = data.interactions.at
    return {
        "start": float(at.min()),
        "end": float(at.max()),
        "measured_from": plan.split.now,
        "measured_to": plan.split.end,
        "horizon_days": plan.horizon,
        "now": now,
        "cuts": float(len(plan.final)),
    }


def fit_scorer(
    pools: list[Pool],
    feature_names: tuple[str, ...],
    config: Config,
    clock: Clock,
    span: tuple[float, float],
    *,
    later: Pool | None = None,
    curves: dict[str, Any] | None = None,
    start: Scorer | None = None,
) -> Scorer:
    """Train the architecture's networks on ``pools`` (newest first) and export them.

    Held-out shoppers of the newest cut choose the best epoch; ``later`` days are only looked at, so that the
    curve shows over-fitting without taking part.
    """
    rng = np.random.default_rng(config.seed + 17)
    held, rest = _held_out(pools[0], rng)
    pool = sampling.joined([rest, *pools[1:]])
    config = _sized(config, len(pool))
    sample = rng.permutation(len(pool.x))[:200_000]
    # Old weights know the old scale.
    mean, scale = (start.mean, start.scale) if start is not None else scorer.moments(pool.x[sample])
    module = architecture(config.architecture)
    columns = module.columns(feature_names) if hasattr(module, "columns") else np.arange(len(mean))
    standard = Standard(mean, scale, columns)
    validation = draw_lists(held, standard, config, rng) if len(held) else None
    seen = draw_lists(later.take(np.arange(min(len(later), 500))), standard, config, rng) if later else None
    once = getattr(module, "LOSSES", ("binary", "softmax"))
    times = FEW_TIMES if len(pool) < FEW_LISTS else 1
    losses = once * times
    networks: list[Network] = []
    for number, loss in enumerate(losses):
        told: list[Epoch] = []

        def heard(epoch: Epoch, told: list[Epoch] = told) -> None:
            told.append(epoch)
            clock.epoch(epoch, *span)

        model = train_network(
            module, loss, pool, validation, standard, config,
            seed=config.seed * 10 + number, place=(number, len(losses)), report=heard, stop=clock.stop, later=seen,
            start=start.networks[number % len(start.networks)] if start is not None else None,
        )  # fmt: skip
        reference = validation or draw_lists(pool.take(np.arange(min(50, len(pool)))), standard, config, rng)
        centre, spread = _scale(predicted(model, reference.x), reference.labels)
        # A mean over the times keeps the unit, and with it the curve of probabilities.
        networks.append(exported(model, columns, centre=centre, spread=spread * times))
        if curves is not None and number < len(once):
            curves[loss] = _curve(told)
    return Scorer(mean, scale, tuple(networks))


def _sized(config: Config, n_lists: int) -> Config:
    """A few hundred lists are learned by heart in 600 steps: fewer steps and more dropout then."""
    if n_lists >= FEW_LISTS:
        return config
    return replace(config, dropout=max(config.dropout, 0.4), steps=min(config.steps, 300))


def _held_out(pool: Pool, rng: np.random.Generator) -> tuple[Pool, Pool]:
    """A tenth of the lists (at most 400) and the others; nothing is held out of fewer than 40."""
    order = rng.permutation(len(pool))
    size = min(len(pool) // 10, 400) if len(pool) >= 40 else 0
    return pool.take(np.sort(order[:size])), pool.take(np.sort(order[size:]))


def _scale(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean of all scores and mean over lists of the standard deviation within them."""
    known = np.where(labels >= 0, scores, np.nan)
    spread = float(np.nanmean(np.nanstd(known, axis=1)))
    return float(np.nanmean(known)), spread if np.isfinite(spread) and spread > 1e-6 else 1.0


def _curve(told: list[Epoch]) -> dict[str, list[float | None]]:
    names = ("epoch", "loss", "validation_loss", "validation_ndcg")
    return {name: [getattr(epoch, name) for epoch in told] for name in names}


# --- Lists ---------------------------------------------------------------------------------------------


def _run_list(data: ShopData, config: Config, plan: Plan, clock: Clock, now: float, rival: Rival | None) -> Trained:
    """An architecture that scores the catalogue itself; the tables give it candidates and neighbours."""
    module = architecture(config.architecture)

    def ranker_at(known: ShopData, at: float, calibration: Calibration) -> Ranker:
        model: ListModel = module.fit(known, at, config, np.random.default_rng(config.seed))
        return Ranker(tables.fit(known, at, config), None, model, calibration, config, plan.horizon)

    clock.enter("train", 0.05)
    candidate = ranker_at(plan.split.known, plan.split.now, _flat())
    clock.enter("measure", 0.4)
    metrics, calibration = _measured(candidate, plan.split, config, clock, rival)
    clock.enter("refit", 0.78)
    ranker = ranker_at(data, now if data.interactions.timed else plan.split.now, calibration)
    clock.enter("save", 0.99)
    return Trained(ranker, metrics, {}, "cpu", clock.seconds, config, _window(data, plan, now))


# --- Measuring -----------------------------------------------------------------------------------------


def _measured(
    ranker: Ranker, split: Split, config: Config, clock: Clock, rival: Rival | None
) -> tuple[dict[str, Any], Calibration]:
    """The ranker beside every baseline and the rival on the later days, and the curve of its probabilities."""
    shown, scores, happened, owner = ranked_lists(ranker, split)
    # One half of the shoppers draws the curve that the other half judges.
    half = owner % 2 == 0
    curve = fit_calibration(scores[half], happened[half])
    pairs = evaluate.Pairs(curve(scores[~half]), happened[~half])
    clock.enter("measure", 0.62)
    done = 0

    def told(name: str) -> None:
        nonlocal done
        done += 1
        clock.enter("measure", 0.62 + 0.16 * min(done / len(baselines.BASELINES), 1))

    # A baseline of the run's own name is the run itself: its figures are those of the lists that would serve.
    others = [name for name in baselines.BASELINES if name != config.architecture]
    found = baselines.baseline_lists(split, config, np.random.default_rng(config.seed), names=others, report=told)
    other = rival(ranker, split) if rival else None
    measured = evaluate.measure(
        {config.architecture: shown, **found, **({RIVAL: other} if other else {})},
        split,
        baselines=others,
        rivals=(RIVAL,),
        probabilities={config.architecture: pairs} if len(scores) else None,
    )
    return measured.to_dict(), fit_calibration(scores, happened)


def ranked_lists(ranker: Ranker, split: Split) -> tuple[lists.Lists, np.ndarray, np.ndarray, np.ndarray]:
    """ALL and NEW lists of the split's shoppers; scores, outcomes and shopper of the candidates of some."""
    step, everything = chunk_size(ranker.n_items), np.ones(ranker.n_items, bool)
    truth = truth_of(split, ranker.n_items)
    kept: list[tuple[np.ndarray, ...]] = []
    all_lists, new_lists = [], []
    for start in range(0, len(split.shoppers), step):
        rows = slice(start, start + step)
        part = split.histories(rows)
        profile, offsets, items, scores = ranker.scored(part, split.now, everything)
        owner = np.repeat(np.arange(len(part)), np.diff(offsets))
        unseen = profile.find(owner, items) == len(profile.key)
        all_lists.append(_best(offsets, items, scores))
        new_lists.append(_best(offsets, items, np.where(unseen, scores, -np.inf)))
        if start < CALIBRATED:
            key = pair_keys(split.shoppers[rows][owner], items, ranker.n_items)
            kept.append((scores, np.isin(key, truth.key), owner + start))
    scores, happened, owner = (np.concatenate(column) for column in zip(*kept, strict=True))
    return lists.Lists(np.concatenate(all_lists), np.concatenate(new_lists)), scores, happened, owner


def _best(offsets: np.ndarray, items: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return best_of(offsets, items, scores, lists.LIST_SIZE)[0]
