"""How fast networks train: the arithmetic is counted right, and each way really trains."""

from __future__ import annotations

from unittest import TestCase
from unittest.mock import patch

import numpy as np

from recommender.engine import speed
from recommender.engine.architectures import architecture
from recommender.engine.config import Config
from recommender.engine.network import precise


class Speed(TestCase):
    def test_the_operations_of_a_step(self) -> None:
        model = architecture("deep").build(100, Config(layers=(128, 64)), 0)
        forward = 2 * (100 * 128 + 128 * 64 + 64)
        backward = 2 * (100 * 128) + 2 * 2 * (128 * 64 + 64)
        self.assertEqual(speed.flops(model), forward + backward)

    def test_mixed_precision_and_xla_are_told_beside_the_yardstick(self) -> None:
        small = Config(layers=(8,), positives=2, negatives=4, pool=8, lists_per_step=8)
        with patch.object(speed, "SIDE_CPU", 64):
            found = list(speed.measure(small))
        self.assertEqual(
            [way.name for way in found], ["float32", "float32 + XLA", "mixed_bfloat16", "mixed_bfloat16 + XLA"]
        )
        for way in found:
            self.assertTrue(0 < way.share < 1, way)
            self.assertGreater(way.rows, 0)
            self.assertIn("rows/s", speed.lines(way))

    def test_in_mixed_precision_weights_stay_float32(self) -> None:
        with precise("mixed_bfloat16"):
            model = architecture("deep").build(10, Config(), 0)
        self.assertEqual({value.dtype for value in model.get_weights()}, {np.dtype("float32")})
        self.assertEqual(model.compute_dtype, "bfloat16")
        again = architecture("deep").build(10, Config(), 0)
        self.assertEqual(again.compute_dtype, "float32")
