"""The default network: two hidden layers over the features of a (shopper, item) pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from recommender.engine.config import Config

LINEAR_JOINS = True


def gelu_tanh(x: Any) -> Any:
    """GELU by tanh: in NumPy the error function would cost more than the matrix product beside it."""
    import keras

    return keras.ops.gelu(x, approximate=True)


def build(n_features: int, config: Config, seed: int) -> keras.Model:
    """[..., n_features] standardised features → [..., 1] raw score."""
    import keras

    features = keras.Input((None, n_features), name="features")
    x = features
    for number, size in enumerate(config.layers):
        start = keras.initializers.GlorotUniform(seed=seed + number)
        # the last axis becomes `size`
        x = keras.layers.Dense(size, activation=gelu_tanh, kernel_initializer=start, name=f"hidden_{number}")(x)
        x = keras.layers.Dropout(config.dropout, seed=seed + 100 + number)(x)
    start = keras.initializers.GlorotUniform(seed=seed + 50)
    score = keras.layers.Dense(1, kernel_initializer=start, name="score")(x)
    return keras.Model(features, score, name="deep")
