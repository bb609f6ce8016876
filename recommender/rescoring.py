"""The model that serves, asked again on a new run's later days, knowing no more than the new model knows.

Its old figures are of other days, and the files that serve were fitted on the very days that are asked about. So what
it has learned is put onto the tables of the new run's cut:

* networks that read the same features: with the weights that never saw the later days (``Ranker.earlier``);
* architectures without weights, and baselines: fitted anew, by their own settings, on what was known at the cut;
* networks that read other features (the code or the shop's attributes have changed) cannot be asked: None, and the
  gate compares leads over the baselines instead.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from recommender import artifacts, publish
from recommender.engine import baselines, lists, plain
from recommender.engine.architectures import LISTS, architecture
from recommender.engine.artifact import ArtifactError
from recommender.engine.config import Config
from recommender.engine.measuring import Rival, ranked_lists
from recommender.engine.plain import PlainRanker
from recommender.engine.ranker import ListModel, Ranker
from recommender.engine.splits import Split
from recommender.models import Switch

log = logging.getLogger(__name__)


def rival() -> Rival | None:
    """The model that serves, as ``train.run_training`` asks it; None where nothing serves."""
    switch = publish.serving()
    return None if switch is None else lambda ranker, split: serving_lists(switch, ranker, split)


def serving_lists(switch: Switch, ranker: Ranker, split: Split) -> lists.Lists | None:
    """What the model of ``switch`` would have shown to the shoppers of ``split``; ``ranker`` knows the cut."""
    held: Any = switch.generation.manifest
    try:
        served, _ = artifacts.load(str(held.get("artifact", "")), held.get("sha256"))
    except ArtifactError as error:
        log.warning("what serves is not asked again, for it cannot be read: %s", error)
        return None
    if isinstance(served, PlainRanker):
        return _plain(split)
    if served.scorer is not None:
        return network_lists(served, ranker, split)
    return ranked_lists(replace(ranker, scorer=None, model=_fitted(switch, served.config, split)), split)[0]


def network_lists(served: Ranker, ranker: Ranker, split: Split) -> lists.Lists | None:
    """What the networks of ``served`` would have shown on the tables of ``ranker``; None where these are other
    features."""
    if served.feature_names != ranker.feature_names:
        return None
    return ranked_lists(replace(ranker, scorer=served.earlier or served.scorer, model=None), split)[0]


def _fitted(switch: Switch, config: Config, split: Split) -> ListModel:
    name, rng = switch.generation.model_name, np.random.default_rng(config.seed)
    if name in LISTS and name == switch.generation.run.architecture:
        model: ListModel = architecture(name).fit(split.known, split.now, config, rng)
        return model
    return baselines.fit(name, split.known, split.now, config, rng)


def _plain(split: Split) -> lists.Lists:
    ranker = plain.fit(split.known, split.now)
    sides = []
    for new_only in (False, True):
        codes, _ = ranker.recommend(split.histories(), split.now, k=lists.LIST_SIZE, new_only=new_only)
        sides.append(codes)
    return lists.Lists(*sides)
