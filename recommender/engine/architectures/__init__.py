"""Architectures by name. Two families, one registry.

**Networks** score the features of (shopper, item) pairs. ``architectures/<name>.py`` offers

    build(n_features: int, config: Config, seed: int) -> keras.Model

a *functional* Keras 3 model from float32 [..., n_features] (standardised features) to
[..., 1] (a raw score; never a softmax over the list). Layers that ``scorer.py`` can run
without Keras: Dense (any of its activations), Dropout, Activation, LayerNormalization,
BatchNormalization, Concatenate, Add, Multiply. Optionally it offers

    LOSSES: tuple[str, ...]      # one trained net each, z-scored in the list and added; default ("binary", "softmax")
    LEARNING_RATE: float         # instead of Config.learning_rate
    STEPS: int                   # instead of Config.steps
    LINEAR_JOINS: bool           # whether a linear model is added where lists are few (engine/linear.py); default False
    columns(names: tuple[str, ...]) -> np.ndarray   # positions of the features it reads; default all

where a loss is one of ``network.LOSSES``: "binary", "softmax", "squared".

**Lists** score whole catalogues without pair features:

    fit(data: ShopData, now: float, config: Config, rng: np.random.Generator) -> model
    model.score_all(histories: Histories, now: float) -> float32 [S, n_items]

Keras is imported inside the functions of a network module only, so that naming an
architecture never loads a training framework.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

NETWORKS = ("deep", "textbook", "wide_deep")
LISTS = ("popularity", "own_history", "item_knn", "als", "ease", "content", "hybrid", "two_tower", "sequence")
NAMES = NETWORKS + LISTS


class UnknownArchitecture(ValueError):
    """The configuration names an architecture that is not there."""


def architecture(name: str) -> ModuleType:
    """The module of ``name``; raises :class:`UnknownArchitecture` naming what there is."""
    if name not in NAMES:
        raise UnknownArchitecture(f"expected one of {', '.join(NAMES)}, received {name!r}")
    return import_module(f"{__name__}.{name}")
