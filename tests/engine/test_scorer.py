"""The NumPy scorer is the Keras network to 1e-5."""

from __future__ import annotations

import unittest
from types import ModuleType

import numpy as np

from recommender.engine.architectures import NETWORKS, UnknownArchitecture, architecture
from recommender.engine.config import Config
from recommender.engine.network import exported
from recommender.engine.scorer import Operation, apply


def columns(module: ModuleType, n_features: int) -> int:
    return len(module.columns()) if hasattr(module, "columns") else n_features


class ParityTest(unittest.TestCase):
    def test_every_network_architecture(self) -> None:
        x = np.random.default_rng(0).normal(0, 2, (200, 37)).astype(np.float32)
        for name in NETWORKS:
            with self.subTest(name):
                model = architecture(name).build(37, Config(layers=(24, 12)), 5)
                expected = np.asarray(model.predict_on_batch(x[None]))[0, :, 0]
                network = exported(model, np.arange(37), centre=0.0, spread=1.0)
                np.testing.assert_allclose(network(x), expected, atol=1e-5)

    def test_every_activation_and_normalisation(self) -> None:
        import keras

        inputs = keras.Input((None, 8))
        x = inputs
        for seed, name in enumerate(("relu", "sigmoid", "tanh", "silu", "elu", "selu", "softplus", "gelu", "linear")):
            x = keras.layers.Dense(9, activation=name, kernel_initializer=keras.initializers.GlorotUniform(seed))(x)
        x = keras.layers.LayerNormalization()(x)
        x = keras.layers.BatchNormalization()(x)
        y = keras.layers.Dense(9, activation="relu")(inputs)
        x = keras.layers.Concatenate()([keras.layers.Add()([x, y]), keras.layers.Multiply()([x, y])])
        model = keras.Model(inputs, keras.layers.Dense(1)(x))
        given = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)
        expected = np.asarray(model.predict_on_batch(given[None]))[0, :, 0]
        network = exported(model, np.arange(8), centre=0.0, spread=1.0)
        np.testing.assert_allclose(network(given), expected, atol=1e-5)

    def test_a_layer_that_cannot_be_run_is_named(self) -> None:
        with self.assertRaisesRegex(ValueError, "received Conv1D"):
            apply(Operation("Conv1D", "c", ("x",), "linear", 0.0, ()), [np.zeros((1, 1), np.float32)])

    def test_unknown_architecture(self) -> None:
        with self.assertRaisesRegex(UnknownArchitecture, "received 'deeper'"):
            architecture("deeper")
