"""Runs exported networks in NumPy: no training framework in any process that serves.

A network is a short list of operations in order of computation, read off the functional Keras
model by ``network.exported``; parity with Keras is tested to 1e-5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from recommender.engine.compiled import elementwise

#: Standard deviations beyond which a feature says nothing more.
CLIP = 8.0
#: Pairs run through the networks at once.
BLOCK = 2048
#: Columns whose mean and spread are taken at once.
COLUMNS = 16
#: Layers that do something in training only.
INACTIVE = ("Dropout", "GaussianNoise")


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    out = np.array(x, np.float32, order="C")
    elementwise().gelu_tanh(out.reshape(-1))
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
                hidden = activated(weights.T @ hidden, bias, operation.activation)
        return np.asarray((hidden[0] - np.float32(self.centre)) / np.float32(self.spread))


def activated(x: np.ndarray, bias: np.ndarray, activation: str) -> np.ndarray:
    """``activation`` of ``x`` float32 [H, P] with ``bias`` [H] added to its rows; may be written over it."""
    if activation == "gelu_tanh" and x.flags.c_contiguous:
        elementwise().biased_gelu_tanh(x, bias)
        return x
    x += bias[:, None]
    return ACTIVATIONS[activation](x)


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


class _First(NamedTuple):
    """The first layers of several networks as one: ``weights`` float32 [H, f] and ``bias`` [H] over the features
    ``told`` int64 [f], those that differ at all, with their ``mean`` and ``scale``."""

    told: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray


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
        # Blocks whose hidden layers stay in the processor's cache.
        for start in range(0, x.shape[1], BLOCK):
            part = x[:, start : start + BLOCK]
            scores[start : start + BLOCK] = self._sum(part) if self._stacked else self._one_by_one(part)
        return scores

    def _one_by_one(self, x: np.ndarray) -> np.ndarray:
        """float32 [P]: the networks' scores of squashed rows [F, P], added up."""
        standard = self.standardised(x.T)
        return np.asarray(np.sum([network(standard) for network in self.networks], axis=0, dtype=np.float32))

    def _sum(self, x: np.ndarray) -> np.ndarray:
        """:meth:`_one_by_one` where the networks read the same features, so that their first layers are one product."""
        assert self._stacked is not None
        first = self._stacked
        standard = np.empty((len(first.told), x.shape[1]), np.float32)
        elementwise().standardise(x, first.told, first.mean, first.scale, CLIP, standard)
        hidden = first.weights @ standard
        total = np.zeros(x.shape[1], np.float32)
        start = 0
        for network in self.networks:
            stop = start + len(network.operations[1].arrays[1])
            own = activated(hidden[start:stop], first.bias[start:stop], network.operations[1].activation)
            total += network.after_first(own)
            start = stop
        return total

    @cached_property
    def _stacked(self) -> _First | None:
        """None where a network is no plain chain of layers over all features."""
        if not all(network.is_chain and len(network.columns) == len(self.mean) for network in self.networks):
            return None
        layers = [network.operations[1].arrays for network in self.networks]
        told = np.flatnonzero(self.scale)  # a constant is 0 once it is standardised
        weights = np.concatenate([weights[told] for weights, _ in layers], axis=1).T
        bias = np.concatenate([bias for _, bias in layers])
        return _First(told, self.mean[told], self.scale[told], np.ascontiguousarray(weights), bias)


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and 1/std of each column (1/std = 0 for a constant one), both float32 [F]."""
    # A few columns at a time: of all of them the copies would take many times the room of ``x``.
    found = []
    for columns in np.array_split(x, -(-x.shape[1] // COLUMNS), axis=1):
        part = columns.astype(np.float32)
        found.append((part.mean(axis=0), part.std(axis=0)))
    mean, spread = (np.concatenate(values) for values in zip(*found, strict=True))
    return mean, np.where(spread > 1e-4, 1 / np.maximum(spread, 1e-4), 0).astype(np.float32)
