"""From scores to probabilities: a monotone curve measured on later days (Zadrozny & Elkan 2002)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KNOTS = 64


@dataclass(frozen=True)
class Calibration:
    """A rising curve through ``score`` float64 [m] (ascending) and ``probability`` float64 [m]."""

    score: np.ndarray
    probability: np.ndarray

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """float64, strictly inside (0, 1) and never falling with the score."""
        return np.interp(scores, self.score, self.probability)


#: Before anything is measured: some curve that rises.
FLAT = Calibration(np.array([-4.0, 4.0]), np.array([1e-4, 0.5]))


def fit(scores: np.ndarray, happened: np.ndarray) -> Calibration:
    """Isotonic means over bins of equal size at the top and everywhere else; ``happened`` bool [P]."""
    from sklearn.isotonic import IsotonicRegression

    finite = np.isfinite(scores)
    scores, happened = scores[finite], happened[finite].astype(float)
    if len(scores) < 10 or happened.sum() == 0:
        return FLAT
    # Half of the knots lie in the top twentieth, where lists are made.
    levels = np.unique(np.concatenate([np.linspace(0, 0.95, KNOTS // 2), 1 - np.geomspace(0.05, 1e-4, KNOTS // 2)]))
    edges = np.unique(np.quantile(scores, levels))
    place = np.searchsorted(edges, scores, "right")
    size = np.bincount(place, minlength=len(edges) + 1)
    used = size > 0
    mean = np.bincount(place, scores, len(edges) + 1)[used] / size[used]
    share = (np.bincount(place, happened, len(edges) + 1)[used] + 0.05) / (size[used] + 1)
    rising = IsotonicRegression(out_of_bounds="clip").fit(mean, share, sample_weight=size[used]).predict(mean)
    # A trace of slope keeps different scores different.
    rising = np.clip(rising + 1e-6 * np.arange(len(rising)), 1e-6, 1 - 1e-6)
    return Calibration(mean, rising)
