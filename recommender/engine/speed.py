"""How fast networks train here, beside what the device can do: no shop is needed, only NumPy, SciPy and Keras.

    KERAS_BACKEND=jax python -m recommender.engine.speed

Each way (float32 or mixed precision, as the framework runs it or compiled by XLA) trains the default network by the
very loop of a run, on random lists of a run's size. The yardstick is a product of large matrices of the same type
on the same device, a moment before. A network this small is far from it: most of a step is drawing lists and
starting kernels, so the share is told, not judged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.engine.architectures import architecture
from recommender.engine.config import Config
from recommender.engine.network import Standard, device, train_network
from recommender.engine.progress import Epoch
from recommender.engine.sampling import Pool, batch_rows

if TYPE_CHECKING:
    import keras

#: Side of the yardstick's matrices: large enough to fill the device.
SIDE_CPU, SIDE_GPU = 1_536, 8_192
FEATURES, LISTS = 100, 2_048
EPOCHS = 4
FLOAT32, MIXED = "float32", "mixed_bfloat16"


@dataclass(frozen=True)
class Speed:
    """One way of training. ``step`` and ``drawing`` in seconds, the latter the part of a step that draws its lists;
    ``rows``: pairs a second; ``gflops`` of forward and backward passes, ``peak`` of the yardstick."""

    precision: str
    xla: bool
    device: str
    step: float
    drawing: float
    rows: float
    gflops: float
    peak: float

    @property
    def name(self) -> str:
        return f"{self.precision}{' + XLA' if self.xla else ''}"

    @property
    def share(self) -> float:
        """Of the device's matrix product."""
        return self.gflops / self.peak


def measure(config: Config | None = None) -> Iterator[Speed]:
    """Every way in turn; JAX always compiles by XLA."""
    import keras

    config = replace(config or Config(), steps=120, epochs=EPOCHS)
    ways = (True,) if keras.backend.backend() == "jax" else (False, True)
    for precision in (FLOAT32, MIXED):
        peak = matrix_product("bfloat16" if precision == MIXED else precision)
        for xla in ways:
            yield _trained(replace(config, precision=precision, xla=xla), peak)


def _trained(config: Config, peak: float) -> Speed:
    pool = random_lists(config)
    standard = Standard(np.zeros(FEATURES, np.float32), np.ones(FEATURES, np.float32), np.arange(FEATURES))
    module, told = architecture(config.architecture), list[Epoch]()
    model = train_network(
        module, "softmax", pool, None, standard, config,
        seed=0, place=(0, 1), report=told.append, stop=lambda: False,
    )  # fmt: skip
    # The first epoch compiles.
    rows = max(epoch.rows_per_second for epoch in told[1:])
    a_step = config.lists_per_step * (config.positives + config.negatives)
    gflops = rows * flops(model) / 1e9
    drawing = _seconds(lambda: _drawn(pool, standard, config), 0.5)
    return Speed(config.precision, config.xla, device(), a_step / rows, drawing, rows, gflops, peak)


def random_lists(config: Config) -> Pool:
    """A pool of ``LISTS`` lists as large as a run's, of features that say nothing."""
    rng = np.random.default_rng(0)
    size = config.positives + config.pool
    rows = LISTS * size
    gain = np.tile((np.arange(size) < config.positives).astype(np.float32), LISTS)
    x = rng.standard_normal((rows, FEATURES), np.float32).astype(np.float16)
    each = np.full(LISTS, config.positives), np.full(LISTS, config.pool)
    weight = np.ones(rows, np.float32)
    return Pool(x=x, gain=gain, weight=weight, start=np.arange(LISTS) * size, positives=each[0], negatives=each[1])


def _drawn(pool: Pool, standard: Standard, config: Config) -> None:
    rng = np.random.default_rng(0)
    rows, _ = batch_rows(pool, np.arange(config.lists_per_step), config, rng)
    standard(pool.x[rows])


def flops(model: keras.Model) -> float:
    """Floating-point operations of a training step for one pair: 2·in·out of each matrix forward, as much again for
    the gradient of its weights, and again for that of its inputs, which the first layer does not need."""
    entrances = {layer.name for layer in model.layers if not _inputs(layer)}
    matrices = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    passes = [2 if _inputs(layer) <= entrances else 3 for layer in matrices]
    return sum(2.0 * n * float(np.prod(layer.kernel.shape)) for n, layer in zip(passes, matrices, strict=True))


def _inputs(layer: Any) -> set[str]:
    return {tensor._keras_history.operation.name for tensor in layer._inbound_nodes[0].arguments.keras_tensors}


def matrix_product(dtype: str, *, seconds: float = 1.0) -> float:
    """GFLOP/s of a product of large matrices on the backend's device."""
    import keras
    from keras import ops

    side = SIDE_CPU if "CPU" in device() else SIDE_GPU
    rng = np.random.default_rng(0)
    a, b = (ops.cast(ops.convert_to_tensor(rng.random((side, side), np.float32)), dtype) for _ in range(2))

    def product() -> None:
        # Reading one number waits for the device.
        float(keras.ops.convert_to_numpy(ops.cast(ops.matmul(a, b)[0, 0], "float32")))

    return 2 * side**3 / _seconds(product, seconds) / 1e9


def _seconds(work: Callable[[], None], least: float) -> float:
    """Seconds of one piece of work: the quickest within ``least`` seconds, after a first that does not count."""
    work()
    spent: list[float] = []
    until = time.perf_counter() + least
    while not spent or time.perf_counter() < until:
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def lines(found: Speed) -> str:
    """One way, in a line."""
    return (
        f"{found.name:<22} {found.step * 1e3:8.2f} ms/step (drawing {found.drawing * 1e3:.2f})"
        f"  {found.rows:12,.0f} rows/s  {found.gflops:8.1f} GFLOP/s = {found.share:6.1%} of {found.peak:,.0f}"
        f"  {found.device}"
    )


if __name__ == "__main__":
    for way in measure():
        print(lines(way), flush=True)
