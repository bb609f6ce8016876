"""The network of the introductions: features of shopper and item side by side through two small
sigmoid layers to a sigmoid, trained on squared error with Adam at 1e-3.

Here as the measure of what a first lesson gives; ``deep`` is what it grows into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from recommender.engine.config import Config

LOSSES = ("squared",)
LEARNING_RATE = 1e-3
#: Saturating units at this rate need more steps than the default network.
STEPS = 1500
HIDDEN = (10, 5)


def build(n_features: int, config: Config, seed: int) -> keras.Model:
    """[..., n_features] standardised features → [..., 1] in 0 … 1."""
    import keras

    features = keras.Input((None, n_features), name="features")
    x = features
    for number, size in enumerate(HIDDEN):
        start = keras.initializers.GlorotUniform(seed=seed + number)
        x = keras.layers.Dense(size, "sigmoid", kernel_initializer=start, name=f"hidden_{number}")(x)
    start = keras.initializers.GlorotUniform(seed=seed + 50)
    score = keras.layers.Dense(1, "sigmoid", kernel_initializer=start, name="score")(x)
    return keras.Model(features, score, name="textbook")
