"""Trains a network on sampled lists with Keras 3 and ``keras.ops`` only: TensorFlow, JAX or Torch behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.engine.config import Config
from recommender.engine.losses import LOSSES
from recommender.engine.progress import Epoch, Stopped
from recommender.engine.sampling import Pool, batch_rows
from recommender.engine.scorer import CLIP, Network, Operation

if TYPE_CHECKING:
    import keras


def one_cycle(peak: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Up to ``peak`` over the first 30 % of the steps, down to a thousandth by a cosine (Smith 2018)."""
    import keras

    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 25,
        decay_steps=max(int(steps * 0.7), 1),
        alpha=1e-3,
        warmup_target=peak,
        warmup_steps=max(int(steps * 0.3), 1),
    )


def _ndcg(labels: np.ndarray, scores: np.ndarray, k: int = 10) -> float:
    """NDCG@k of sampled lists; padding sinks to the end."""
    order = np.argsort(-np.where(labels < 0, -np.inf, scores), axis=1)[:, :k]
    discount = 1 / np.log2(np.arange(2, order.shape[1] + 2))
    reached = (np.maximum(np.take_along_axis(labels, order, 1), 0) * discount).sum(axis=1)
    ideal = (np.sort(np.maximum(labels, 0), axis=1)[:, ::-1][:, :k] * discount).sum(axis=1)
    return float((reached / np.maximum(ideal, 1e-9)).mean())


@dataclass(frozen=True)
class Standard:
    """Mean and 1/std of the features; turns pool rows into what a network eats."""

    mean: np.ndarray
    scale: np.ndarray
    columns: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float16 [..., F] → float32 [..., f] standardised and clipped."""
        out = x.astype(np.float32)
        out -= self.mean
        out *= self.scale
        np.clip(out, -CLIP, CLIP, out=out)
        return out if len(self.columns) == out.shape[-1] else out[..., self.columns]


@dataclass(frozen=True)
class Validation:
    """Lists of held-out shoppers in a fixed draw: ``x`` float32 [V, L, f]; ``labels``, ``weights`` float32 [V, L]."""

    x: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def draw_lists(pool: Pool, standard: Standard, config: Config, rng: np.random.Generator) -> Validation:
    """One fixed draw of every list of ``pool``."""
    rows, labels = batch_rows(pool, np.arange(len(pool)), config, rng)
    return Validation(standard(pool.x[rows]), labels[..., 0], labels[..., 1])


def train_network(
    module: ModuleType,
    loss: str,
    pool: Pool,
    validation: Validation | None,
    standard: Standard,
    config: Config,
    *,
    seed: int,
    place: tuple[int, int],
    report: Callable[[Epoch], None],
    stop: Callable[[], bool],
    later: Validation | None = None,
    start: Network | None = None,
) -> keras.Model:
    """One network by one loss; the weights of the best epoch on ``validation`` stay.

    ``later``: lists of later days, whose loss is reported instead but chooses nothing; ``start``: weights to begin
    from (warm start; half the steps at half the rate). Raises :class:`Stopped` when ``stop()`` says so.
    """
    import keras

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    with precise(config.precision):
        model = module.build(len(standard.columns), config, seed)
    if start is not None:
        load_weights(model, start)
    batch = min(config.lists_per_step, max(len(pool), 1))
    per_pass = max(len(pool) // batch, 1)
    steps = min(getattr(module, "STEPS", config.steps), 60 * per_pass)
    epochs = min(config.epochs, steps)
    peak = getattr(module, "LEARNING_RATE", config.learning_rate)
    if start is not None:
        steps, peak = max(steps // 2, 1), peak / 2
    function = LOSSES[loss]
    _compile(model, function, config, peak=peak, steps=steps)
    best, best_weights, waited, turns = np.inf, None, 0, _turns(len(pool), batch, rng)
    for epoch in range(epochs):
        began, losses, rows_seen = time.perf_counter(), [], 0
        for _ in range(steps * epoch // epochs, steps * (epoch + 1) // epochs):
            if stop():
                raise Stopped("the training was asked to stop")
            rows, labels = batch_rows(pool, next(turns), config, rng)
            losses.append(model.train_on_batch(standard(pool.x[rows]), labels))
            rows_seen += rows.size
        told, ranked = _validate(model, validation, function)
        shown = _validate(model, later, function) if later is not None else (told, ranked)
        speed = rows_seen / max(time.perf_counter() - began, 1e-9)
        report(Epoch(*place, epoch + 1, epochs, float(np.mean([float(v) for v in losses])), *shown, speed))
        if told is None:
            continue
        # The schedule ends low: only a clearly worse second half is over-fitting, and then the best epoch stays.
        if told < best:
            best, best_weights, waited = told, model.get_weights(), 0
        elif (waited := waited + 1) >= config.patience and epoch * 2 >= epochs:
            break
    if best_weights is not None:
        model.set_weights(best_weights)
    return model


def _compile(
    model: keras.Model, loss: Callable[[Any, Any, Any], Any], config: Config, *, peak: float, steps: int
) -> None:
    """AdamW by one cycle that peaks at the rate ``peak``."""
    import keras

    model.compile(
        keras.optimizers.AdamW(one_cycle(peak, steps), weight_decay=config.weight_decay, global_clipnorm=5.0),
        # Losses are sums of thousands: in float32, whatever the network computes in.
        loss=lambda labels, scores: loss(labels[..., 0], keras.ops.cast(scores[..., 0], "float32"), labels[..., 1]),
        jit_compile=config.xla or keras.backend.backend() == "jax",
    )
    # Moments made within the first step would have TensorFlow trace the step a second time.
    model.optimizer.build(model.trainable_variables)


def _turns(lists: int, batch: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """int64 [batch] for ever: lists in random order, and in another one once too few are left for a step."""
    order = np.zeros(0, np.int64)
    while True:
        if len(order) < batch:
            order = rng.permutation(lists)
        yield order[:batch]
        order = order[batch:]


@contextmanager
def precise(name: str) -> Iterator[None]:
    """Keras' precision within the block; layers keep the one they were made in."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _validate(
    model: keras.Model, validation: Validation | None, loss: Callable[[Any, Any, Any], Any]
) -> tuple[float | None, float | None]:
    if validation is None:
        return None, None
    import keras

    scores = predicted(model, validation.x)
    tensors = (keras.ops.convert_to_tensor(values) for values in (validation.labels, scores, validation.weights))
    told = loss(*tensors)
    return float(keras.ops.convert_to_numpy(told)), _ndcg(validation.labels, scores)


def predicted(model: keras.Model, x: np.ndarray, batch: int = 64) -> np.ndarray:
    """float32 [V, L] scores of standardised lists [V, L, f], in batches of one shape."""
    parts = []
    for start in range(0, len(x), batch):
        part = x[start : start + batch]
        short = batch - len(part)
        padded = np.pad(part, ((0, short), (0, 0), (0, 0))) if short else part
        parts.append(np.asarray(model.predict_on_batch(padded), np.float32)[: len(part), :, 0])
    return np.concatenate(parts)


def exported(model: keras.Model, columns: np.ndarray, *, centre: float, spread: float) -> Network:
    """The functional ``model`` as plain arrays, in order of computation."""
    operations = []
    for layer in model.layers:
        node = layer._inbound_nodes[0]
        inputs = tuple(tensor._keras_history.operation.name for tensor in node.arguments.keras_tensors)
        arrays = [np.asarray(value, np.float32) for value in layer.get_weights()]
        if type(layer).__name__ == "Dropout":
            arrays = []
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        epsilon = float(getattr(layer, "epsilon", 0.0) or 0.0)
        operations.append(Operation(type(layer).__name__, layer.name, inputs, activation, epsilon, tuple(arrays)))
    return Network(tuple(operations), columns, centre, spread)


def load_weights(model: keras.Model, network: Network) -> None:
    """The inverse of :func:`exported`: put its arrays into a model of the same architecture.

    Raises ``ValueError`` (of Keras) where a shape differs.
    """
    arrays = {operation.name: operation.arrays for operation in network.operations}
    for layer in model.layers:
        if arrays.get(layer.name):
            layer.set_weights(list(arrays[layer.name]))


def device() -> str:
    """What the backend computes on, in words: "tensorflow GPU:0 (…)" or "tensorflow CPU"."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            return f"tensorflow GPU ({details.get('device_name', 'unnamed')})"
        return "tensorflow CPU"
    if backend == "jax":
        import jax

        first = jax.devices()[0]
        return f"jax {first.platform.upper()} ({first.device_kind})"
    return backend
