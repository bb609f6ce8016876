"""Two towers (Covington et al. 2016; Yi et al. 2019): the shopper is the mean of the embeddings of
what was had, through one hidden layer; the item is its own embedding and those of its attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from recommender.engine.architectures import retrieval
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData

HIDDEN = 128


def fit(data: ShopData, now: float, config: Config, rng: np.random.Generator) -> retrieval.Retrieval:
    """Trains both towers on what was known at ``now``."""
    return retrieval.fit(data, config, rng, encoder=encoder, reader=read)


def encoder(history: Any, n_items: int) -> Any:
    """[B, L] codes + 1 → [B, SIZE]."""
    import keras
    from keras import ops

    small = keras.initializers.RandomNormal(stddev=0.05)
    events = keras.layers.Embedding(n_items + 1, retrieval.SIZE, embeddings_initializer=small, name="event")(history)
    known = ops.expand_dims(ops.cast(history > 0, "float32"), -1)
    # [B, SIZE], divided by √n: a long history is more certain than a short one.
    mean = ops.sum(events * known, axis=1) / ops.sqrt(ops.maximum(ops.sum(known, axis=1), 1.0))
    hidden = keras.layers.Dense(HIDDEN, "relu", name="shopper_hidden")(mean)
    return mean + keras.layers.Dense(retrieval.SIZE, name="shopper_out")(hidden)


def read(history: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """``encoder`` in NumPy."""
    known = (history > 0)[..., None].astype(np.float32)
    mean = (weights["event.0"][history] * known).sum(1) / np.sqrt(np.maximum(known.sum(1), 1))
    hidden = np.maximum(mean @ weights["shopper_hidden.0"] + weights["shopper_hidden.1"], 0)
    return mean + hidden @ weights["shopper_out.0"] + weights["shopper_out.1"]
