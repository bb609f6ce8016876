"""Runs exported networks in NumPy: no training framework in any process that serves.

A network is a short list of operations in order of computation, read off the functional Keras
model by ``network.exported``; parity with Keras is tested to 1e-5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

#: Standard deviations beyond which a feature says nothing more.
CLIP = 8.0
#: Pairs run through the networks at once.
BLOCK = 2048
#: Columns whose mean and spread are taken at once.
COLUMNS = 16
#: Layers that do something in training only.
INACTIVE = ("Dropout", "GaussianNoise")


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    from recommender.engine import gelu

    out = np.array(x, np.float32, order="C")
    gelu.gelu_tanh(out.reshape(-1))
    return out


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return (0.5 * x * (1 + erf(x / np.float32(np.sqrt(2))))).astype(np.float32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "silu": lambda x: x * _sigmoid(x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(np.minimum(x, 0))),
    "softplus": lambda x: np.logaddexp(x, 0),
}


@dataclass(frozen=True)
class Operation:
    """One step: ``kind`` of layer, its ``name``, the names of its ``inputs``, its ``activation`` and
    ``arrays`` (the layer's weights, in the order Keras gives them); ``epsilon`` for normalisations."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    activation: str
    epsilon: float
    arrays: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Network:
    """Operations in order; the first is the input, the last gives [..., 1]. ``columns`` int [f]: the
    features it reads; ``centre`` and ``spread``: mean and in-list standard deviation of its raw scores."""

    operations: tuple[Operation, ...]
    columns: np.ndarray
    centre: float
    spread: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float32 [P] scores of standardised features [P, F], centred, in units of the spread."""
        values = {self.operations[0].name: x if len(self.columns) == x.shape[1] else x[:, self.columns]}
        for operation in self.operations[1:]:
            values[operation.name] = apply(operation, [values[name] for name in operation.inputs])
        return (values[self.operations[-1].name][:, 0] - np.float32(self.centre)) / np.float32(self.spread)

    @cached_property
    def is_chain(self) -> bool:
        """Whether it is dense layers one behind the other (and what does nothing after training), at least two."""
        before = [operation.name for operation in self.operations[:-1]]
        layers = self.operations[1:]
        return (
            all(operation.inputs == (name,) for operation, name in zip(layers, before, strict=True))
            and all(operation.kind in ("Dense", *INACTIVE) for operation in layers)
            and [operation.kind for operation in layers[:1]] == ["Dense"]
            and sum(operation.kind == "Dense" for operation in layers) > 1
        )

    def after_first(self, hidden: np.ndarray) -> np.ndarray:
        """float32 [P]: the score from the first layer's values [H, P] on, for a chain."""
        for operation in self.operations[2:]:
            if operation.kind == "Dense":
                weights, bias = operation.arrays
                hidden = weights.T @ hidden
                hidden += bias[:, None]
                hidden = ACTIVATIONS[operation.activation](hidden)
        return np.asarray((hidden[0] - np.float32(self.centre)) / np.float32(self.spread))


def apply(operation: Operation, inputs: list[np.ndarray]) -> np.ndarray:
    """One layer on float32 [P, f] inputs."""
    x, activation = inputs[0], ACTIVATIONS[operation.activation]
    match operation.kind:
        case "Dense":
            out = x @ operation.arrays[0]
            out += operation.arrays[1]
            return activation(out)
        case "Activation":
            return activation(x)
        case kind if kind in INACTIVE:
            return x
        case "LayerNormalization":
            mean, spread = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
            gamma, beta = operation.arrays
            return (x - mean) / np.sqrt(spread + np.float32(operation.epsilon)) * gamma + beta
        case "BatchNormalization":
            gamma, beta, moving_mean, moving_variance = operation.arrays
            return (x - moving_mean) / np.sqrt(moving_variance + np.float32(operation.epsilon)) * gamma + beta
        case "Concatenate":
            return np.concatenate(inputs, axis=-1)
        case "Add":
            return sum(inputs[1:], start=x)
        case "Multiply":
            return np.prod(np.stack(inputs), axis=0)
    raise ValueError(f"expected a layer that the scorer can run, received {operation.kind} ({operation.name})")


@dataclass(frozen=True)
class Scorer:
    """Standardise, run each network, add their scores in units of their spread inside a list.

    ``mean``, ``scale`` float32 [F]. The spread is fixed at training, so that the score of a pair does not
    depend on which other pairs are asked for.
    """

    mean: np.ndarray
    scale: np.ndarray
    networks: tuple[Network, ...]

    def standardised(self, x: np.ndarray) -> np.ndarray:
        """float32 [P, F] in units of standard deviations, clipped to ±8."""
        out = x - self.mean
        out *= self.scale
        return np.clip(out, -CLIP, CLIP, out=out)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float32 [P] scores of squashed features [P, F]; higher is better."""
        return self.of_rows(np.asarray(x, np.float32).T)

    def of_rows(self, x: np.ndarray) -> np.ndarray:
        """float32 [P] scores of squashed features, one a row: [F, P]."""
        scores = np.empty(x.shape[1], np.float32)
        mean, scale = self.mean[:, None], self.scale[:, None]
        # Blocks whose hidden layers stay in the processor's cache.
        for start in range(0, x.shape[1], BLOCK):
            standard = x[:, start : start + BLOCK] - mean
            standard *= scale
            np.clip(standard, -CLIP, CLIP, out=standard)
            scores[start : start + BLOCK] = self._sum(standard)
        return scores

    def _sum(self, standard: np.ndarray) -> np.ndarray:
        """float32 [P]: the networks' scores of standardised rows [F, P], added up."""
        if self._stacked is None:
            return np.asarray(np.sum([network(standard.T) for network in self.networks], axis=0, dtype=np.float32))
        weights, bias = self._stacked
        # The networks read the same features, so their first layers are one product.
        hidden = weights @ standard
        hidden += bias
        total = np.zeros(standard.shape[1], np.float32)
        start = 0
        for network in self.networks:
            first = network.operations[1]
            size = len(first.arrays[1])
            total += network.after_first(ACTIVATIONS[first.activation](hidden[start : start + size]))
            start += size
        return total

    @cached_property
    def _stacked(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The first layers of all networks as one: weights [H, F] and bias [H, 1]; None where a network is no plain
        chain of layers over all features."""
        if not all(network.is_chain and len(network.columns) == len(self.mean) for network in self.networks):
            return None
        first = [network.operations[1] for network in self.networks]
        weights = np.concatenate([operation.arrays[0] for operation in first], axis=1).T
        bias = np.concatenate([operation.arrays[1] for operation in first])[:, None]
        return np.ascontiguousarray(weights), bias


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and 1/std of each column (1/std = 0 for a constant one), both float32 [F]."""
    # A few columns at a time: of all of them the copies would take many times the room of ``x``.
    found = []
    for columns in np.array_split(x, -(-x.shape[1] // COLUMNS), axis=1):
        part = columns.astype(np.float32)
        found.append((part.mean(axis=0), part.std(axis=0)))
    mean, spread = (np.concatenate(values) for values in zip(*found, strict=True))
    return mean, np.where(spread > 1e-4, 1 / np.maximum(spread, 1e-4), 0).astype(np.float32)
