"""What the processor can do: a product of large matrices, the yardstick of scoring and training."""

from __future__ import annotations

import time

import numpy as np

SIZE = 1024


def matrix_product(seconds: float = 1.0) -> float:
    """GFLOP/s of float32, with as many threads as the caller allows."""
    rng = np.random.default_rng(0)
    a, b = (rng.random((SIZE, SIZE), dtype=np.float32) for _ in range(2))
    a @ b
    products, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        a @ b
        products += 1
    return products * 2 * SIZE**3 / (time.perf_counter() - started) / 1e9
