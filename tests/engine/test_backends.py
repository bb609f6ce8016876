"""TensorFlow and JAX train the same quality from the same code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

PROGRAM = """
import json, os
from dataclasses import replace
from recommender.engine.train import run_training
from tests.engine.planted import tastes
from tests.engine.small import QUICK, newest
data = tastes(n_items=120)
trained = run_training(data, replace(QUICK, horizon_days=10.0, steps=80), now=newest(data))
print(json.dumps([trained.device, trained.metrics["models"]["deep"]["ALL"]["ndcg@10"]]))
"""

TOWERS = """
import json
from tests.engine.test_towers import asked, recalled
from recommender.engine.network import device
split, fitted = asked()
_, hit, cold = recalled(split, fitted, each=25)
print(json.dumps([device(), hit[cold].mean()]))
"""


def trained_on(backend: str, program: str = PROGRAM) -> tuple[str, float]:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    device, ndcg = json.loads(done.stdout.strip().splitlines()[-1])
    return device, ndcg


class BackendsTest(unittest.TestCase):
    def test_both_backends_reach_the_same_quality(self) -> None:
        tensorflow, jax = trained_on("tensorflow"), trained_on("jax")
        self.assertTrue(tensorflow[0].startswith("tensorflow"))
        self.assertTrue(jax[0].startswith("jax"))
        self.assertAlmostEqual(tensorflow[1], jax[1], delta=0.04)

    def test_both_backends_train_towers_that_find_the_same_new_items(self) -> None:
        tensorflow, jax = trained_on("tensorflow", TOWERS), trained_on("jax", TOWERS)
        self.assertTrue(jax[0].startswith("jax"))
        self.assertGreater(tensorflow[1], 0.6)
        self.assertAlmostEqual(tensorflow[1], jax[1], delta=0.06)
