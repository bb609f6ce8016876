"""How sure one may be that two arms of an experiment differ, however often one looks.

People watch an experiment while it runs. An interval that is right for one look is wrong for many: who stops at the
first day that looks good is fooled far more often than one time in twenty. So the intervals here hold at all times
at once (a confidence sequence), which makes them about half as wide again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEVEL = 0.05
#: The number of subjects for which the sequence is narrowest; elsewhere it is little wider.
TUNED_FOR = 2_000
#: A share of subjects that chance gives less often than this is a fault in the experiment, not chance
#: (the usual alarm of sample-ratio checks: Fabijan et al. 2019, "Diagnosing sample ratio mismatch").
MISMATCH = 0.001
#: Subjects in each arm below which nothing is said: a mean of so few is not yet near a normal distribution.
LEAST = 50


@dataclass(frozen=True)
class Estimate:
    """A mean or a ratio of means over ``n`` subjects with its standard error; value None: of nothing."""

    value: float | None
    error: float
    n: int


@dataclass(frozen=True)
class Difference:
    """B − A with its 95 % interval at all times, and the same as shares of A (None where A is 0)."""

    value: float
    low: float
    high: float
    base: float

    @property
    def is_told(self) -> bool:
        """Whether it is more than chance."""
        return self.low > 0 or self.high < 0

    @property
    def relative(self) -> tuple[float, float, float] | None:
        if self.base <= 0:
            return None
        return self.value / self.base, self.low / self.base, self.high / self.base


def mean_of(n: int, total: float, squares: float) -> Estimate:
    """Of n values from their sum and their sum of squares."""
    if n <= 0:
        return Estimate(None, 0.0, 0)
    mean = total / n
    variance = max(squares / n - mean**2, 0.0) * n / max(n - 1, 1)
    return Estimate(mean, math.sqrt(variance / n), n)


def ratio_of(n: int, top: float, bottom: float, squares: tuple[float, float, float]) -> Estimate:
    """Σ top / Σ bottom over n subjects, each of whom may count several times; ``squares``: Σ top², Σ bottom²,
    Σ top · bottom. The error is the delta method's (Deng et al. 2018, "Applying the delta method in metric analytics"):
    what one subject does several times is not several pieces of evidence."""
    if n <= 0 or bottom <= 0:
        return Estimate(None, 0.0, n)
    ratio, tops, bottoms, both = top / bottom, *squares
    residual = max(tops - 2 * ratio * both + ratio**2 * bottoms, 0.0)  # Σ (top − ratio · bottom)², whose mean is 0
    return Estimate(ratio, math.sqrt(residual * n / max(n - 1, 1)) / bottom, n)


def widening(n: int, level: float = LEVEL) -> float:
    """How many standard errors to either side hold at all times: Robbins' mixture for an asymptotic confidence sequence
    (Waudby-Smith et al. 2021, "Time-uniform central limit theory", eq. 9), narrowest at ``TUNED_FOR``."""
    tail = -2 * math.log(level)
    spread = (tail + math.log(tail + 1)) / TUNED_FOR * max(n, 1)
    return math.sqrt((spread + 1) / spread * (2 * math.log(1 / level) + math.log(spread + 1)))


def difference(a: Estimate, b: Estimate) -> Difference | None:
    """B − A; None while an arm has fewer than ``LEAST`` subjects or nothing to go by."""
    if a.value is None or b.value is None or min(a.n, b.n) < LEAST:
        return None
    half = widening(a.n + b.n) * math.hypot(a.error, b.error)
    change = b.value - a.value
    return Difference(change, change - half, change + half, a.value)


def mismatch(a: int, b: int, share: int) -> float:
    """P(arms as unequal as this | ``share`` percent of the subjects get B): a χ² of one degree of freedom."""
    n = a + b
    if not n:
        return 1.0
    wanted = n * share / 100
    square = (b - wanted) ** 2 * (1 / wanted + 1 / (n - wanted))
    return math.erfc(math.sqrt(square / 2))
