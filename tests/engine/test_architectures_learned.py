"""The architectures that Keras trains, on shops whose answer is known."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from unittest import TestCase

import numpy as np
from numpy.testing import assert_allclose

from recommender.engine import metrics, network
from recommender.engine.architectures import deep, retrieval, sequence, textbook, two_tower, wide_deep
from recommender.engine.config import Config
from recommender.engine.interactions import histories
from tests.engine import planted
from tests.engine.test_architectures import fit, share_of_own_colour, share_of_own_taste

RETRIEVAL = {"two_tower": two_tower, "sequence": sequence}
NETWORKS = {"deep": deep, "wide_deep": wide_deep, "textbook": textbook}


def train(module: ModuleType, x: np.ndarray, labels: np.ndarray, *, steps: int, batch: int = 256) -> object:
    """The network ``module`` builds over pair features ``x`` [pairs, F], by its own loss and rate."""
    import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = module.build(x.shape[1], Config(dropout=0.0), 0)
    loss = network.LOSSES[getattr(module, "LOSSES", ("binary",))[0]]
    model.compile(
        keras.optimizers.Adam(getattr(module, "LEARNING_RATE", 4e-3)),
        loss=lambda labels, scores: loss(labels[..., 0], scores[..., 0], keras.ops.ones_like(scores[..., 0])),
    )
    for _ in range(steps):
        rows = rng.integers(len(x), size=batch)
        # [1, batch, F]: one list
        model.train_on_batch(x[rows][None], labels[rows][None, :, None].astype(np.float32))
    return model


def scores(model: object, x: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict_on_batch(x[None]))[0, :, 0]  # type: ignore[attr-defined]


class RetrievalTest(TestCase):
    def test_chequerboard(self) -> None:
        for name, module in RETRIEVAL.items():
            with self.subTest(name):
                self.assertGreater(share_of_own_colour(module), 0.95)

    def test_unseen_items_are_of_the_own_taste(self) -> None:
        for name, module in RETRIEVAL.items():
            with self.subTest(name):
                self.assertGreater(share_of_own_taste(module), 0.8)

    def test_numpy_reads_as_keras_does(self) -> None:
        import keras

        data = planted.tastes(n_shoppers=40, n_items=20)
        batch = histories(data.interactions, np.arange(40), {})
        for name, module in RETRIEVAL.items():
            model = fit(module, data, 60.0)
            history = keras.Input((retrieval.LENGTH,), dtype="int32")
            graph = keras.Model(history, module.encoder(history, 20))
            for layer in graph.layers:
                arrays = [model.weights[key] for key in model.weights if key.rsplit(".", 1)[0] == layer.name]
                if arrays:
                    layer.set_weights(arrays)
            expected = np.asarray(graph.predict_on_batch(retrieval.latest(batch, data.kinds)))
            with self.subTest(name):
                assert_allclose(model.encode(batch), expected, atol=1e-5)

    def test_what_is_read_ends_before_the_day_of_the_answer(self) -> None:
        log = planted.events(np.zeros(4), np.array([5, 6, 7, 8]), np.array([1.0, 2.1, 2.9, 3.5]))
        known = retrieval.examples(log, planted.PURCHASES)
        spans = [(known.item[t], known.item[a:b].tolist()) for t, a, b in zip(known.target, known.start, known.end)]  # noqa: B905
        self.assertEqual(spans, [(6, [5]), (7, [5]), (8, [5, 6, 7])])

    def test_two_baskets_of_one_shopper_are_no_shop_to_learn_from(self) -> None:
        log = planted.events(np.array([0, 0]), np.array([0, 1]), np.array([1.0, 2.0]))
        model = fit(two_tower, planted.shop(log, 1, 3), 3.0)
        self.assertTrue(np.isfinite(model.score_all(histories(log, np.array([0]), {}), 3.0)).all())


class NetworkTest(TestCase):
    def test_chequerboard_of_two_features(self) -> None:
        """Colour of the shopper and of the item: alone each says nothing, together everything."""
        rng = np.random.default_rng(1)
        x = rng.choice([-1.0, 1.0], size=(4000, 2)).astype(np.float32)
        labels = x[:, 0] == x[:, 1]
        for name, module in NETWORKS.items():
            with self.subTest(name):
                model = train(module, x, labels, steps=6000 if name == "textbook" else 200)
                self.assertGreater(metrics.auc(scores(model, x[:400]), labels[:400]), 0.99)

    def test_scorer_runs_every_network_as_keras_does(self) -> None:
        x = np.random.default_rng(2).normal(size=(50, 7)).astype(np.float32)
        for name, module in NETWORKS.items():
            model = module.build(7, Config(), 3)
            with self.subTest(name):
                assert_allclose(
                    network.exported(model, np.arange(7), centre=0.0, spread=1.0)(x), scores(model, x), atol=1e-5
                )

    def test_naming_them_loads_no_training_framework(self) -> None:
        code = (
            "import sys; from recommender.engine import architectures as a; [a.architecture(n) for n in a.NAMES];"
            "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'jax', 'torch')))"
        )
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)


class IntroductionsTest(TestCase):
    """1,000 shoppers (age, gender, income, clicked, bought), 100 products (price, brand, category);
    a purchase depends on what suits whom, and the network sees the eight numbers side by side."""

    @staticmethod
    def shop() -> tuple[np.ndarray, np.ndarray]:
        """Features float32 [100,000, 8] standardised, and whether it was bought."""
        rng = np.random.default_rng(7)
        age, gender = rng.uniform(18, 80, 1000), rng.integers(2, size=1000)
        income, clicked = rng.lognormal(10.3, 0.5, 1000), rng.poisson(20, 1000)
        bought = rng.binomial(clicked, 0.2)
        price, brand, category = rng.lognormal(3, 0.8, 100), rng.integers(5, size=100), rng.integers(4, size=100)
        u = np.stack([age, gender, np.log(income), clicked, bought], axis=1)
        v = np.stack([np.log(price), brand, category], axis=1)
        u, v = (u - u.mean(0)) / u.std(0), (v - v.mean(0)) / v.std(0)
        x = np.concatenate([np.repeat(u, 100, axis=0), np.tile(v, (1000, 1))], axis=1).astype(np.float32)
        # The old take to high categories, the rich to high prices; who bought often buys again.
        logit = 1.5 * x[:, 0] * x[:, 7] + x[:, 2] * x[:, 5] + 0.7 * x[:, 4] - 0.8 * x[:, 5] - 1.5
        return x, rng.random(len(x)) < 1 / (1 + np.exp(-logit))

    def test_textbook_network_learns_it(self) -> None:
        x, labels = self.shop()
        # Later shoppers are those it has never seen.
        known = 80_000
        model = train(textbook, x[:known], labels[:known], steps=4000, batch=512)
        predicted = scores(model, x[known:])
        self.assertGreater(metrics.auc(predicted, labels[known:]), 0.75)
        self.assertGreaterEqual(predicted.min(), 0)
        self.assertLessEqual(predicted.max(), 1)
        self.assertLess(metrics.calibration(predicted, labels[known:]).error, 0.05)
