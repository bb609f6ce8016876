"""A whole run: split by time, fit on the earlier days, measure on the later ones, refit up to now.

Cuts are shared: the tables and training lists of T−2H and T−3H serve the measured model as well as
the final one, so each is fitted once. A log without time is cut into folds instead.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender.engine import exposure, tables
from recommender.engine.architectures import LISTS, architecture
from recommender.engine.calibration import FLAT, Calibration
from recommender.engine.config import Config
from recommender.engine.features import names
from recommender.engine.fitting import fit_scorer
from recommender.engine.interactions import ShopData
from recommender.engine.measuring import Rival, measured
from recommender.engine.network import device
from recommender.engine.plan import LEAST_LISTS, Cut, Plan, TooLittleData, known_at, plan_of, require_enough
from recommender.engine.progress import Clock, Progress
from recommender.engine.ranker import ListModel, Ranker
from recommender.engine.sampling import Pool, lists_to_learn, weights_told
from recommender.engine.tables import Tables
from recommender.engine.warm import start_of


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


def run_training(
    data: ShopData,
    config: Config,
    *,
    now: float,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    warm: Ranker | None = None,
    rival: Rival | None = None,
    folder: Path | None = None,
) -> Trained:
    """Train ``config.architecture`` on the events before ``now`` (days) and measure it beside the baselines.

    ``warm``: an earlier ranker whose weights the networks begin with, if its features and layers are the same;
    ``rival``: another model to be measured on the same later days (``RIVAL`` in the metrics); ``folder``: where the
    features of the training lists lie meanwhile, in files without a name (None: where the system keeps such files).
    Raises :class:`TooLittleData` and :class:`Stopped`.
    """
    clock = Clock(report, stop, {})
    clock.enter("read", 0.0)
    data = known_at(data, now)
    require_enough(data)
    plan = plan_of(data, config, now)
    if config.architecture in LISTS:
        return _run_list(data, config, plan, clock, now, rival)
    return _run_network(data, config, plan, clock, now, warm, rival, folder)


def _run_network(
    data: ShopData,
    config: Config,
    plan: Plan,
    clock: Clock,
    now: float,
    warm: Ranker | None,
    rival: Rival | None,
    folder: Path | None,
) -> Trained:
    rng = np.random.default_rng(config.seed)
    pools: dict[Cut, Pool] = {}
    # The columns are the same at every cut: chosen once, from what the measured model may know.
    chosen = tables.telling_attributes(plan.split.known, plan.split.now, config)
    wanted = list(dict.fromkeys((*plan.measured, *plan.final, plan.newest)))
    seen = exposure.learned(data, plan.split.now, config)
    newest: Tables | None = None
    for number, cut in enumerate(wanted):
        clock.enter("features", 0.02 + 0.38 * number / len(wanted))
        split = cut()
        fitted = tables.fit(split.known, split.now, config, chosen)
        newest = fitted if cut is plan.newest else newest
        clock.enter("features", 0.02 + 0.38 * (number + 0.6) / len(wanted))
        pools[cut] = lists_to_learn(split, fitted, seen, config, rng, folder)
        del split, fitted  # the log up to the next cut is copied now
    assert newest is not None
    learned = [pools[cut] for cut in plan.measured]
    if sum(map(len, learned)) < LEAST_LISTS:
        raise TooLittleData(f"expected at least {LEAST_LISTS} lists to learn from, received {sum(map(len, learned))}")

    # The final tables need nothing of what is learned now, and a network leaves a processor free.
    later = ThreadPoolExecutor(1)
    final_tables = later.submit(tables.fit, data, now if data.interactions.timed else plan.split.now, config, chosen)
    later.shutdown(wait=False)
    clock.enter("train", 0.4)
    curves: dict[str, Any] = {}
    start = start_of(warm, newest, config, plan, now)
    columns = names(newest)
    nets = fit_scorer(
        learned, columns, config, clock, (0.4, 0.55), later=pools[plan.newest], curves=curves, start=start.earlier
    )
    clock.enter("measure", 0.55)
    candidate = Ranker(newest, nets, None, FLAT, config, plan.horizon)
    metrics, curve = measured(candidate, plan.split, config, clock, rival)
    metrics["exposure"] = seen.report(weights_told([pools[cut] for cut in plan.final]))

    clock.enter("refit", 0.78)
    del newest, candidate
    clock.enter("refit", 0.79)
    final = fit_scorer([pools[cut] for cut in plan.final], columns, config, clock, (0.79, 0.98), start=start.final)
    clock.enter("save", 0.99)
    ranker = Ranker(final_tables.result(), final, None, curve, config, plan.horizon, earlier=nets)
    return Trained(ranker, metrics, curves, device(), clock.seconds, config, _window(data, plan, now), start.words)


def _run_list(data: ShopData, config: Config, plan: Plan, clock: Clock, now: float, rival: Rival | None) -> Trained:
    """An architecture that scores the catalogue itself; the tables give it candidates and neighbours."""
    module = architecture(config.architecture)

    def ranker_at(known: ShopData, at: float, calibration: Calibration) -> Ranker:
        model: ListModel = module.fit(known, at, config, np.random.default_rng(config.seed))
        return Ranker(tables.fit(known, at, config), None, model, calibration, config, plan.horizon)

    clock.enter("train", 0.05)
    candidate = ranker_at(plan.split.known, plan.split.now, FLAT)
    clock.enter("measure", 0.4)
    metrics, calibration = measured(candidate, plan.split, config, clock, rival)
    clock.enter("refit", 0.78)
    ranker = ranker_at(data, now if data.interactions.timed else plan.split.now, calibration)
    clock.enter("save", 0.99)
    return Trained(ranker, metrics, {}, "cpu", clock.seconds, config, _window(data, plan, now))


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
