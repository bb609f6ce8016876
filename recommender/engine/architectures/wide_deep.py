"""Wide & deep (Cheng et al. 2016): a linear part and low-rank crosses of the features beside the
hidden layers, added up. The wide part memorises, the deep part generalises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from recommender.engine.config import Config

#: Rank of the crosses: each is the product of two linear readings of the features.
CROSSES = 16


def build(n_features: int, config: Config, seed: int) -> keras.Model:
    """[..., n_features] standardised features → [..., 1] raw score."""
    import keras

    def start(number: int) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=seed + number)

    features = keras.Input((None, n_features), name="features")
    wide = keras.layers.Dense(1, kernel_initializer=start(1), name="wide")(features)
    # [..., CROSSES] each
    left = keras.layers.Dense(CROSSES, kernel_initializer=start(2), name="cross_left")(features)
    right = keras.layers.Dense(CROSSES, kernel_initializer=start(3), name="cross_right")(features)
    crosses = keras.layers.Dense(1, kernel_initializer=start(4), name="crosses")(
        keras.layers.Multiply(name="cross")([left, right])
    )
    x = features
    for number, size in enumerate(config.layers):
        x = keras.layers.Dense(size, "relu", kernel_initializer=start(10 + number), name=f"hidden_{number}")(x)
        x = keras.layers.Dropout(config.dropout, seed=seed + 100 + number)(x)
    deep = keras.layers.Dense(1, kernel_initializer=start(50), name="deep")(x)
    return keras.Model(features, keras.layers.Add(name="score")([wide, crosses, deep]), name="wide_deep")
