"""What ``two_tower`` and ``sequence`` share: a shopper vector from the last events against learned
item vectors, trained by a softmax over the items of the batch (Yi et al. 2019, with its correction
for how often an item is drawn). They differ in the encoder of the events only.

Keras is used to train; the fitted model is plain arrays and scores in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, Interactions, Items, Kinds, ShopData

if TYPE_CHECKING:
    import keras

#: Events of a shopper that are read, the most recent ones.
LENGTH = 50
SIZE = 64
BATCH = 512
LEARNING_RATE = 2e-3
#: The training stops after this many steps, or passes over the events of a small shop.
STEPS = 1500
PASSES = 60
#: Share of a history's events that are hidden at each step, so that no single one is relied on.
HIDDEN_SHARE = 0.2
#: What two equal items of a batch are to each other instead of a negative.
NEVER = -1e9

#: (codes + 1 int32 [B, L], 0 = none) → shopper vectors [B, SIZE], as a graph of Keras layers.
Encoder = Callable[[Any, int], Any]
#: (codes + 1 int32 [S, L], weights by name) → float32 [S, SIZE], the same in NumPy.
Reader = Callable[[np.ndarray, dict[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Retrieval:
    """``vectors`` float32 [n_items, SIZE], ``bias`` float32 [n_items] and the encoder's ``weights``
    by name; ``read`` runs the encoder on the last LENGTH events."""

    vectors: np.ndarray
    bias: np.ndarray
    weights: dict[str, np.ndarray]
    kinds: Kinds
    read: Reader

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]: shopper vector · item vector + bias ≈ log P(next item)."""
        return self.encode(histories) @ self.vectors.T + self.bias

    def encode(self, histories: Histories) -> np.ndarray:
        """float32 [S, SIZE]; a shopper without events has the vector of an empty history."""
        return self.read(latest(histories, self.kinds), self.weights)


def latest(histories: Histories, kinds: Kinds) -> np.ndarray:
    """int32 [S, LENGTH]: item code + 1 of the last events of weight, the newest in the last column,
    0 before the first."""
    keep = counts.event_weights(histories.events, kinds) > 0
    shopper, item = histories.events.shopper[keep], histories.events.item[keep]
    end = np.searchsorted(shopper, np.arange(len(histories)), "right")
    start = np.searchsorted(shopper, np.arange(len(histories)), "left")
    return _windows(item, start, end)


def _windows(item: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """int32 [N, LENGTH]: item[end − LENGTH : end] + 1, 0 where that is before ``start``."""
    place = end[:, None] - np.arange(LENGTH, 0, -1)[None, :]
    if not len(item):
        return np.zeros(place.shape, np.int32)
    return np.where(place >= start[:, None], item[np.maximum(place, 0)] + 1, 0).astype(np.int32)


@dataclass(frozen=True)
class Examples:
    """Where the training examples are: example e has the item ``item[target[e]]`` for an answer and
    the events ``start[e] … end[e]−1`` of the same shopper to be read."""

    item: np.ndarray
    target: np.ndarray
    start: np.ndarray
    end: np.ndarray
    ordered: bool

    def __len__(self) -> int:
        return len(self.target)

    def batch(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """int32 [B, LENGTH] history (code + 1, 0: none) and int32 [B] answers."""
        answer = self.item[self.target[rows]]
        history = self._in_order(rows) if self.ordered else self._any_order(rows, rng)
        # The answer itself stays readable where it was bought before: coming back is a taste too.
        history[rng.random(history.shape) < HIDDEN_SHARE] = 0
        return history, answer.astype(np.int32)

    def _in_order(self, rows: np.ndarray) -> np.ndarray:
        return _windows(self.item, self.start[rows], self.end[rows])

    def _any_order(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Events drawn from the whole list of the shopper, the answer's own left out."""
        start, size = self.start[rows], self.end[rows] - self.start[rows]
        place = start[:, None] + (rng.random((len(rows), LENGTH)) * size[:, None]).astype(np.int64)
        same = self.item[place] == self.item[self.target[rows]][:, None]
        return np.where(same, 0, self.item[place] + 1).astype(np.int32)


def examples(events: Interactions, kinds: Kinds) -> Examples:
    """In a timed log what is read ends with the day before the answer: the rest of the same basket
    would not be known when the list is made. Without time it is all the other events."""
    counted = events.select(counts.event_weights(events, kinds) > 0)
    every = np.arange(len(counted))
    start = np.searchsorted(counted.shopper, counted.shopper, "left")
    if events.timed:
        day = np.floor(counted.at).astype(np.int64)
        new = np.ones(len(counted), bool)
        new[1:] = (day[1:] != day[:-1]) | (counted.shopper[1:] != counted.shopper[:-1])
        end = np.maximum.accumulate(np.where(new, every, 0))
    else:
        end = np.searchsorted(counted.shopper, counted.shopper, "right")
    usable = end - start >= (1 if events.timed else 2)
    return Examples(counted.item, every[usable], start[usable], end[usable], events.timed)


def fit(data: ShopData, config: Config, rng: np.random.Generator, *, encoder: Encoder, reader: Reader) -> Retrieval:
    """Trains ``encoder`` and the item vectors. An item's vector is its own embedding plus one for
    each of its attribute values, so that an item without buyers has a place too."""
    import keras

    keras.utils.set_random_seed(int(rng.integers(2**31)))
    known = examples(data.interactions, data.kinds)
    answers = np.bincount(known.item[known.target], minlength=data.items.n)
    log_share = np.log((answers + 0.5) / (answers.sum() + 0.5 * data.items.n)).astype(np.float32)
    codes = _attribute_codes(data.items)
    model = _model(data.items, codes.shape[1], encoder)
    model.get_layer("item_bias").set_weights([log_share[:, None]])
    _train(model, known, codes, log_share, rng)
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    named = {f"{name}.{number}": array for name, arrays in weights.items() for number, array in enumerate(arrays)}
    return Retrieval(*_item_side(named, codes), named, data.kinds, reader)


def _attribute_codes(items: Items) -> np.ndarray:
    """int32 [n_items, A]: codes of all attributes in one numbering, 0 where missing."""
    columns, used = [], 1
    for attribute in items.attributes.values():
        columns.append(np.where(attribute.codes >= 0, attribute.codes + used, 0))
        used += attribute.size
    return np.stack(columns, axis=1).astype(np.int32) if columns else np.zeros((items.n, 1), np.int32)


def _model(items: Items, n_attributes: int, encoder: Encoder) -> keras.Model:
    """history [B, L], item [B], attributes [B, A], log_share [B] → logits [B, B]."""
    import keras
    from keras import ops

    history = keras.Input((LENGTH,), dtype="int32", name="history")
    item = keras.Input((), dtype="int32", name="item")
    attributes = keras.Input((n_attributes,), dtype="int32", name="attributes")
    log_share = keras.Input((), dtype="float32", name="log_share")
    values = 1 + sum(attribute.size for attribute in items.attributes.values())
    small = keras.initializers.RandomNormal(stddev=0.05)
    own = keras.layers.Embedding(items.n, SIZE, embeddings_initializer=small, name="item_vector")(item)
    shared = keras.layers.Embedding(values, SIZE, embeddings_initializer=small, name="attribute_vector")(attributes)
    # → [B, SIZE]
    vector = own + ops.sum(shared, axis=1)
    bias = keras.layers.Embedding(items.n, 1, name="item_bias")(item)
    # [B, B]: every shopper of the batch against every item of the batch
    logits = ops.matmul(encoder(history, items.n), ops.transpose(vector)) + ops.transpose(bias)
    # Popular items are negatives more often than chance; taking log(share) off undoes it.
    logits = logits - ops.expand_dims(log_share, 0)
    same = ops.equal(ops.expand_dims(item, 0), ops.expand_dims(item, 1))
    number = ops.cumsum(ops.ones_like(item))
    itself = ops.equal(ops.expand_dims(number, 0), ops.expand_dims(number, 1))
    twin = ops.logical_and(same, ops.logical_not(itself))
    return keras.Model([history, item, attributes, log_share], ops.where(twin, NEVER, logits), name="retrieval")


def _train(
    model: keras.Model, known: Examples, codes: np.ndarray, log_share: np.ndarray, rng: np.random.Generator
) -> None:
    import keras

    batch = min(BATCH, len(known) // 2)
    if batch < 2:
        return
    steps = int(np.clip(PASSES * len(known) // batch, 1, STEPS))
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=0.05)
    model.compile(
        keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=keras.backend.backend() == "jax",
    )
    order = np.zeros(0, np.int64)
    for _ in range(steps):
        if len(order) < batch:
            order = rng.permutation(len(known))
        rows, order = order[:batch], order[batch:]
        history, item = known.batch(rows, rng)
        model.train_on_batch([history, item, codes[item], log_share[item]], np.arange(batch))


def _item_side(weights: dict[str, np.ndarray], codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vectors = weights["item_vector.0"] + weights["attribute_vector.0"][codes].sum(1)
    return vectors.astype(np.float32), weights["item_bias.0"][:, 0].astype(np.float32)
