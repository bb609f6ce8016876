"""Rolling-origin cross-validation of one configuration: trained anew at the start of each window, as it would have been
trained on that day, and measured on the window beside the baselines (Tashman 2000)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from recommender.engine import evaluate, exposure, tables
from recommender.engine.architectures import LISTS, architecture
from recommender.engine.baselines import BASELINES
from recommender.engine.calibration import FLAT
from recommender.engine.config import Config
from recommender.engine.features import names
from recommender.engine.fitting import fit_scorer
from recommender.engine.interactions import ShopData
from recommender.engine.lists import Lists
from recommender.engine.measuring import ranked_lists
from recommender.engine.plan import plan_of
from recommender.engine.progress import Clock, Progress
from recommender.engine.ranker import ListModel, Ranker
from recommender.engine.sampling import lists_to_learn
from recommender.engine.splits import Split


def cross_validate(
    data: ShopData,
    config: Config,
    windows: int = 3,
    *,
    baselines: Iterable[str] = BASELINES,
    report: Callable[[Split, Progress], None] = lambda split, progress: None,
    folder: Path | None = None,
) -> evaluate.Rolled:
    """``config.architecture`` on the last ``windows`` horizons beside ``baselines``; ``folder``: as in
    ``train.run_training``. Raises ``TooLittleData`` where the first window has too little before it."""

    def rank(split: Split) -> Mapping[str, Lists]:
        ranker = ranker_at(
            split.known, config, split.now, report=lambda progress: report(split, progress), folder=folder
        )
        return {config.architecture: ranked_lists(ranker, split)[0]}

    return evaluate.rolling_origin(data, config, windows, names=baselines, rank=rank)


def ranker_at(
    known: ShopData,
    config: Config,
    now: float,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    folder: Path | None = None,
) -> Ranker:
    """The ranker that a run at ``now`` would have published, without measuring it; ``known`` ends there."""
    rng = np.random.default_rng(config.seed)
    if config.architecture in LISTS:
        model: ListModel = architecture(config.architecture).fit(known, now, config, rng)
        return Ranker(tables.fit(known, now, config), None, model, FLAT, config, 0.0)
    clock = Clock(report, lambda: False, {})
    plan = plan_of(known, config, now)
    chosen = tables.telling_attributes(known, now, config)
    pools = []
    seen = exposure.learned(known, now, config)
    for number, cut in enumerate(plan.final):
        clock.enter("features", 0.6 * number / len(plan.final))
        split = cut()
        fitted = tables.fit(split.known, split.now, config, chosen)
        pools.append(lists_to_learn(split, fitted, seen, config, rng, folder))
        del split, fitted
    final = tables.fit(known, now, config, chosen)
    clock.enter("train", 0.6)
    scorer = fit_scorer(pools, names(final), config, clock, (0.6, 0.95))
    clock.enter("measure", 0.95)
    return Ranker(final, scorer, None, FLAT, config, plan.horizon)
