"""A warm start: whose weights a run's networks begin with, and why not."""

from __future__ import annotations

from dataclasses import dataclass

from recommender.engine.config import Config
from recommender.engine.features import names
from recommender.engine.plan import Plan
from recommender.engine.ranker import Ranker
from recommender.engine.scorer import Scorer
from recommender.engine.tables import Tables


@dataclass(frozen=True)
class Start:
    """What the networks begin with: ``earlier`` those that are measured, ``final`` those that serve; None: cold."""

    words: str
    earlier: Scorer | None = None
    final: Scorer | None = None


def start_of(warm: Ranker | None, fitted: Tables, config: Config, plan: Plan, now: float) -> Start:
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
