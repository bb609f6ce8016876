"""Whether a difference is more than luck, where many are looked at together.

A model is compared with a dozen baselines and for two dozen groups of shoppers. Each at 5 % for itself, a good model
would be refused more often than not. So a family of comparisons shares one chance of a false alarm (Holm 1979: valid
however the comparisons depend on each other), and baselines that are clearly not the best take no part (Hansen 2005):
who is worse than one of those is far worse than the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scipy.special import stdtr

#: A baseline this many standard errors of the paired difference below the best one is not the best one.
CLEARLY = 3.0


@dataclass(frozen=True)
class Comparison:
    """The mean difference from ``name`` (negative: worse) and its standard error; ``reference``: the other's figure;
    ``share`` of it is the margin; ``shoppers``: how many pairs it is the mean of (None: many)."""

    name: str
    mean: float
    error: float | None
    reference: float
    share: float
    shoppers: float | None = None

    @property
    def chance(self) -> float:
        """P(a mean as low as this | not worse), by Student's t. Of one shopper nothing can be said: 1."""
        if self.error is None:
            return 1.0
        if self.error <= 0:
            return 0.0 if self.mean < 0 else 1.0
        freedom = max(self.shoppers - 1, 1) if self.shoppers else 1e6
        return float(stdtr(freedom, self.mean / self.error))

    @property
    def beyond_margin(self) -> bool:
        return self.mean < -self.share * self.reference

    @property
    def fall(self) -> float:
        """As a share of the other's figure."""
        return -self.mean / self.reference if self.reference else math.inf


def behind(family: Iterable[Comparison], level: float) -> list[Comparison]:
    """Those that are worse beyond their margin and beyond luck: at most ``level`` is the chance that any of them is
    not worse at all."""
    found = []
    ordered = sorted(family, key=lambda comparison: comparison.chance)
    for place, comparison in enumerate(ordered):
        if comparison.chance > level / (len(ordered) - place):
            break
        if comparison.beyond_margin:
            found.append(comparison)
    return found


def contenders(
    baselines: Iterable[Comparison],
    best: Comparison,
    leads: Mapping[str, tuple[float | None, float | None]],
) -> list[Comparison]:
    """The baselines that may be the best one. ``leads``: by name the mean and standard error of the best one's lead,
    None where it is not known."""

    def may_be(name: str) -> bool:
        mean, error = leads.get(name, (None, None))
        return mean is None or error is None or mean <= CLEARLY * error

    return [baseline for baseline in baselines if baseline is best or may_be(baseline.name)]


def worst(found: Iterable[Comparison]) -> Comparison | None:
    """The one that is furthest behind."""
    return max(found, key=lambda comparison: comparison.fall, default=None)
