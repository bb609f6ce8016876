"""A linear model over all features, which joins the networks where lists are few (docs/decisions/0016).

A conditional logit (McFadden 1974) with a ridge: one convex problem with one answer, whatever the seed. It has
too few numbers to learn the items of a small shop by heart, which is what networks do there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from recommender.engine.sampling import Pool
from recommender.engine.scorer import Network, Operation

#: Half of it times the squared length of the weights is added to the mean loss of a list; .01 to .3 do the same.
RIDGE = 0.03
#: The loss is flat long before.
ITERATIONS = 100


@dataclass(frozen=True)
class Rows:
    """All rows of L lists, one list behind the other: ``x`` float32 [R, f] standardised; ``gain`` and ``weight``
    float32 [R]; ``starts`` int64 [L]: where each list begins; ``owner`` int64 [R]: the list of each row."""

    x: np.ndarray
    gain: np.ndarray
    weight: np.ndarray
    starts: np.ndarray
    owner: np.ndarray


def rows_of(pool: Pool) -> np.ndarray:
    """int64 [R]: the rows of every list of ``pool``, in the order of the lists."""
    size = pool.positives + pool.negatives
    first = np.cumsum(size) - size
    return np.asarray(np.repeat(pool.start - first, size) + np.arange(int(size.sum())))


def lists_of(pool: Pool, x: np.ndarray) -> Rows:
    """``x`` float32 [R, f]: the standardised features of :func:`rows_of`."""
    rows, size = rows_of(pool), pool.positives + pool.negatives
    return Rows(x, pool.gain[rows], pool.weight[rows], np.cumsum(size) - size, np.repeat(np.arange(len(size)), size))


def fit(lists: Rows, ridge: float = RIDGE, *, least: float | None = None) -> np.ndarray:
    """float32 [f]: the weights of lowest :func:`loss`, none below ``least``, by L-BFGS from zero."""
    size = lists.x.shape[1]
    found = minimize(
        loss, np.zeros(size), (lists, ridge), "L-BFGS-B", jac=True, bounds=[(least, None)] * size,
        options={"maxiter": ITERATIONS},
    )  # fmt: skip
    return np.asarray(found.x, np.float32)


def loss(weights: np.ndarray, lists: Rows, ridge: float) -> tuple[float, np.ndarray]:
    """``losses.softmax`` over all rows of all lists plus the ridge, and its gradient float64 [f]."""
    scores = (lists.x @ weights.astype(np.float32)).astype(np.float64)
    owner, gain = lists.owner, lists.gain.astype(np.float64)
    # 1. Each score against its list's best one, so that no exponential overflows.
    power = np.exp(scores - np.maximum.reduceat(scores, lists.starts)[owner])
    rest = np.where(gain == 0, lists.weight * power, 0)
    total = np.add.reduceat(rest, lists.starts)
    # 2. A list counts by the square root of its gain, so its rows share that.
    size = np.sqrt(np.add.reduceat(gain, lists.starts))
    share = gain / (np.maximum(size, 1e-3) * size.sum())[owner]
    wanted = np.flatnonzero(gain > 0)
    among = power[wanted] + total[owner[wanted]]
    chance = np.maximum(power[wanted], 1e-300) / among
    value = -float(share[wanted] @ np.log(chance))
    # 3. By score: a positive lacks 1 − chance; the list's negatives share what its positives lack.
    lack = np.bincount(owner[wanted], share[wanted] / among, len(lists.starts))
    slope = rest * lack[owner]
    slope[wanted] -= share[wanted] * (1 - chance)
    gradient = (slope.astype(np.float32) @ lists.x).astype(np.float64) + ridge * weights
    return value + ridge / 2 * float(weights @ weights), gradient


def as_network(weights: np.ndarray, columns: np.ndarray, *, centre: float, spread: float) -> Network:
    """The scores ``x @ weights`` as one more network of a ``Scorer``.

    A second layer that changes nothing makes it a chain, so that its product is done with the others' first layers.
    """
    nothing = np.zeros(1, np.float32)
    operations = (
        Operation("InputLayer", "features", (), "linear", 0.0, ()),
        Operation("Dense", "linear", ("features",), "linear", 0.0, (weights[:, None], nothing)),
        Operation("Dense", "score", ("linear",), "linear", 0.0, (np.ones((1, 1), np.float32), nothing)),
    )
    return Network(operations, columns, centre, spread)
