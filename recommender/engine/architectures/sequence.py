"""A sequence encoder: the newest event attends to the last events by content and position (one
attention block in the manner of SASRec, Kang & McAuley 2018, and STAMP, Liu et al. 2018)."""

from __future__ import annotations

from typing import Any

import numpy as np

from recommender.engine.architectures import retrieval
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData

HIDDEN = 128
HEADS = 4


def fit(data: ShopData, now: float, config: Config, rng: np.random.Generator) -> retrieval.Retrieval:
    """Trains the encoder and the item vectors on what was known at ``now``."""
    return retrieval.fit(data, config, rng, encoder=encoder, reader=read)


def encoder(history: Any, n_items: int) -> Any:
    """[B, L] codes + 1, newest last → [B, SIZE]."""
    import keras
    from keras import ops

    size, length = retrieval.SIZE, retrieval.LENGTH
    small = keras.initializers.RandomNormal(stddev=0.05)
    known = ops.cast(history > 0, "float32")
    content = keras.layers.Embedding(n_items + 1, size, embeddings_initializer=small, name="event")(history)
    positions = ops.cumsum(ops.ones_like(history), axis=1) - 1
    place = keras.layers.Embedding(length, size, embeddings_initializer=small, name="position")(positions)
    # [B, L, SIZE]; an unknown event has no content, so that it attends to nothing.
    x = (content + place) * ops.expand_dims(known, -1)
    # What is asked: the newest events, fading by position.
    newest = ops.sum(x * ops.reshape(np.exp(np.arange(1 - length, 1) / 5.0).astype(np.float32), (1, length, 1)), axis=1)
    query = keras.layers.Dense(size, name="query")(newest)
    key = keras.layers.Dense(size, name="key")(x)
    value = keras.layers.Dense(size, use_bias=False, name="value")(x)
    # Heads: [B, L, H, SIZE/H] · [B, 1, H, SIZE/H] → [B, L, H]
    keys = ops.reshape(key, (-1, length, HEADS, size // HEADS))
    queries = ops.reshape(query, (-1, 1, HEADS, size // HEADS))
    match = ops.sum(keys * queries, axis=-1) / (size // HEADS) ** 0.5
    match = match + ops.expand_dims((known - 1) * 1e9, -1)
    share = ops.softmax(match, axis=1)
    values = ops.reshape(value, (-1, length, HEADS, size // HEADS))
    read_out = ops.reshape(ops.sum(ops.expand_dims(share, -1) * values, axis=1), (-1, size))
    u = newest + read_out * ops.sqrt(ops.maximum(ops.sum(known, axis=1, keepdims=True), 1.0))
    hidden = keras.layers.Dense(HIDDEN, "relu", name="shopper_hidden")(u)
    return u + keras.layers.Dense(size, name="shopper_out")(hidden)


def read(history: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """``encoder`` in NumPy."""
    size, length = retrieval.SIZE, retrieval.LENGTH
    known = (history > 0).astype(np.float32)
    # → [S, L, SIZE]
    x = (weights["event.0"][history] + weights["position.0"]) * known[..., None]
    newest = np.einsum("sld,l->sd", x, np.exp(np.arange(1 - length, 1) / 5.0).astype(np.float32))
    query = (newest @ weights["query.0"] + weights["query.1"]).reshape(-1, HEADS, size // HEADS)
    key = (x @ weights["key.0"] + weights["key.1"]).reshape(-1, length, HEADS, size // HEADS)
    value = (x @ weights["value.0"]).reshape(-1, length, HEADS, size // HEADS)
    match = np.einsum("slhd,shd->slh", key, query) / np.float32((size // HEADS) ** 0.5)
    match += ((known - 1) * np.float32(1e9))[..., None]
    share = np.exp(match - match.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    read_out = np.einsum("slh,slhd->shd", share, value).reshape(-1, size)
    u = newest + read_out * np.sqrt(np.maximum(known.sum(1, keepdims=True), 1))
    hidden = np.maximum(u @ weights["shopper_hidden.0"] + weights["shopper_hidden.1"], 0)
    return u + hidden @ weights["shopper_out.0"] + weights["shopper_out.1"]
