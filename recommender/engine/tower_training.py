"""Trains the towers with Keras 3 and ``keras.ops`` only; what comes out is plain arrays (``towers.py``).

A softmax over the whole catalogue, estimated from items drawn for all shoppers of a step: log of how often an item is
expected among the draws is taken off its score (Bengio and Senécal 2008; Yi et al. 2019), so that popular items, which
are drawn most, are not held down for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.engine import splits, tower_lists
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData
from recommender.engine.profile import Profile, Weighing
from recommender.engine.tower_lists import ANSWERS, Catalogue, Lists
from recommender.engine.towers import LENGTH, SCHEMA, Towers

if TYPE_CHECKING:
    import keras

HIDDEN, BIAS_HIDDEN = 64, 16
LEARNING_RATE = 5e-3
#: The training stops after this many steps, or passes over the lists of a small shop.
STEPS, PASSES = 200, 60
#: Fewer lists than this teach nothing.
LEAST_LISTS = 10


def fit(data: ShopData, now: float, weigh: Weighing, p: Profile, config: Config) -> Towers | None:
    """Towers of what was known at ``now``; ``p``: the fold of all of ``data``. None where they are switched off
    (``tower_candidates`` 0) or where too few shoppers took up anything new."""
    if not config.tower_candidates:
        return None
    horizon = config.horizon_days or splits.horizon(data)
    rng = np.random.default_rng(config.seed)
    lists = tower_lists.gather(data, now, weigh, p, horizon, rng)
    if lists is None or lists.asked < LEAST_LISTS:
        return None
    model = network(lists.catalogue, lists.today.columns.shape[1], config.tower_size, config.seed)
    _train(model, lists, rng)
    return exported(model, lists, config.tower_candidates)


def exported(model: keras.Model, lists: Lists, nearest: int) -> Towers:
    """The item side of ``model`` computed for the items of today, and the weights of the shopper's."""
    weights = {layer.name: [np.asarray(array, np.float32) for array in layer.get_weights()] for layer in model.layers}
    codes, side = lists.catalogue.codes, lists.today
    vectors = weights["own"][0][side.row] + weights["shared"][0][codes].sum(axis=1)
    crowd = np.maximum(side.columns @ weights["bias_hidden"][0] + weights["bias_hidden"][1], 0)
    bias = (crowd @ weights["bias_out"][0] + weights["bias_out"][1])[:, 0]
    hidden, out = (tuple(weights[name]) for name in ("hidden", "out"))
    return Towers(SCHEMA, nearest, vectors, bias, (hidden[0], hidden[1]), (out[0], out[1]))


def _train(model: keras.Model, lists: Lists, rng: np.random.Generator) -> None:
    import keras

    steps = int(np.clip(PASSES * lists.asked // tower_lists.SHOPPERS, 1, STEPS))
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=0.02)
    model.compile(keras.optimizers.Adam(rate), loss=sampled_softmax, jit_compile=keras.backend.backend() == "jax")
    # Moments made within the first step would have TensorFlow trace the step a second time.
    model.optimizer.build(model.trainable_variables)
    for _ in range(steps):
        model.train_on_batch(*lists.batch(rng))


def network(catalogue: Catalogue, n_columns: int, size: int, seed: int = 0) -> keras.Model:
    """Histories [B, L], answers [B, ANSWERS] and drawn items [DRAWN] → scores [B, ANSWERS + DRAWN].

    An item's vector is its own row plus one for each of its attribute values; its bias is read off its popularity.
    A step's drawn items are shared by its shoppers, so the rows of their inputs are items, not shoppers.
    """
    import keras
    from keras import ops

    keras.utils.set_random_seed(seed)
    width = catalogue.codes.shape[1]
    held = _inputs("held", (LENGTH,), width)
    weight = keras.Input((LENGTH, 2), name="held_weight")
    answer, drawn = _inputs("answer", (ANSWERS,), width), _inputs("drawn", (), width)
    answer_columns = keras.Input((ANSWERS, n_columns), name="answer_columns")
    drawn_columns = keras.Input((n_columns,), name="drawn_columns")
    small = keras.initializers.RandomNormal(stddev=0.05)
    own = keras.layers.Embedding(catalogue.rows, size, embeddings_initializer=small, name="own")
    shared = keras.layers.Embedding(catalogue.values, size, embeddings_initializer=small, name="shared")
    crowd = keras.layers.Dense(BIAS_HIDDEN, "relu", name="bias_hidden")
    bias = keras.layers.Dense(1, name="bias_out")

    def vector(row: Any, codes: Any) -> Any:
        return own(row) + ops.sum(shared(codes), axis=-2)

    # [B, L, d] → [B, d], by the weight of all time and by that of late
    events = vector(*held)
    means = [ops.sum(events * weight[..., k : k + 1], axis=1) for k in (0, 1)]
    hidden = keras.layers.Dense(HIDDEN, "relu", name="hidden")(ops.concatenate(means, axis=-1))
    shopper = means[1] + keras.layers.Dense(size, name="out")(hidden)
    # → [B, ANSWERS] and [B, DRAWN]
    wanted = ops.sum(vector(*answer) * ops.expand_dims(shopper, 1), axis=-1) + bias(crowd(answer_columns))[..., 0]
    others = ops.matmul(shopper, ops.transpose(vector(*drawn))) + ops.transpose(bias(crowd(drawn_columns)))
    inputs = [*held, weight, *answer, answer_columns, *drawn, drawn_columns]
    return keras.Model(inputs, ops.concatenate([wanted, others], axis=1), name="towers")


def _inputs(name: str, shape: tuple[int, ...], width: int) -> tuple[Any, Any]:
    """Own rows and attribute codes of items."""
    import keras

    return (
        keras.Input(shape, dtype="int32", name=f"{name}_row"),
        keras.Input((*shape, width), dtype="int32", name=f"{name}_codes"),
    )


def sampled_softmax(labels: Any, scores: Any) -> Any:
    """[B]: mean over a shopper's answers of −log of its share among itself and the drawn items, ``labels`` as
    ``tower_lists.Lists.batch`` gives them."""
    from keras import ops

    real, correction = labels[:, :ANSWERS], labels[:, ANSWERS:]
    rest = ops.logsumexp(scores[:, ANSWERS:] - correction, axis=1)
    each = ops.softplus(ops.expand_dims(rest, 1) - scores[:, :ANSWERS]) * real
    return ops.sum(each, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
