"""May this run serve? Every check with what was expected and what was found, and the verdict in words.

A run is let through only if its numbers are finite, its lists are not all one and the same, its artifact reads
back and scores as it did, and on the same later days it is not worse than the baselines nor than what serves. "Worse"
means beyond both a margin of the other's figure and the noise of the paired difference: a good run is not
refused over luck, a bad one does not pass for it. What serves is not held to its old figures: it was asked again, on
the days of this run (``rescoring``). Beside the means, no group of shoppers may fall far behind what it has now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings

from recommender.models import TrainingPlan

#: Under this name a run's metrics hold what serves, asked again on the same later days (engine.train.RIVAL).
SERVING = "serving"
HEADLINE = "ndcg@10"
SIDES = {"ALL": "any item", "NEW": "new items"}


@dataclass(frozen=True)
class Margins:
    """How much worse is still not worse: shares of the other's figure, and standard errors of the difference."""

    all_share: float = 0.01
    new_share: float = 0.05
    errors: float = 1.5
    #: The same for a group of shoppers. There are many groups, but the errors of both sides are taken as if they were
    #: of different shoppers: two of these are three or more of the paired difference.
    slice_share: float = 0.10
    slice_errors: float = 2.0
    smallest_slice: int = 50
    #: At least this share of the sampled shoppers must have lists that differ.
    distinct: float = 0.05
    #: Against another window than its own a serving model is compared by its lead over its baselines.
    lead_share: float = 0.10


def margins() -> Margins:
    """The plan's, with what the setting GATE names beside them."""
    plan = TrainingPlan.objects.first() or TrainingPlan()
    given = {"all_share": plan.margin_all, "new_share": plan.margin_new, "slice_share": plan.margin_slices}
    return Margins(**{**given, **getattr(settings, "GATE", {})})


@dataclass(frozen=True)
class Check:
    """One condition: ``text`` says what was expected and what was found."""

    name: str
    passed: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """``passed`` if every check did; ``summary`` in a sentence; ``best_baseline`` serves instead where nothing does."""

    passed: bool
    summary: str
    checks: tuple[Check, ...]
    best_baseline: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What the run's row keeps."""
        return {
            "passed": self.passed,
            "summary": self.summary,
            "checks": [dict(check.__dict__) for check in self.checks],
            "best_baseline": self.best_baseline,
        }


@dataclass(frozen=True)
class Sample:
    """What the artifact, read back from the disk, does for some shoppers: ``scores`` float [pairs] now and as they
    were before it was written (``expected``), ``lists`` int [S, k]."""

    scores: np.ndarray
    expected: np.ndarray
    lists: np.ndarray


def judge(
    metrics: Mapping[str, Any],
    *,
    model: str,
    sample: Sample,
    serving: Mapping[str, Any] | None = None,
    serving_model: str = "",
    limits: Margins | None = None,
) -> Verdict:
    """The verdict on ``model`` of a run with these ``metrics`` (engine.evaluate).

    ``serving``: the old metrics of the run that serves, None where nothing does; they are looked at only where what
    serves could not be asked again.
    """
    limits = limits or margins()
    best = str(dict(metrics.get("best_baseline", {})).get("ALL", ""))
    checks = [_finite(sample), _same(sample), _distinct(sample, limits), _measured(metrics, model)]
    if checks[-1].passed:
        for side, share in (("ALL", limits.all_share), ("NEW", limits.new_share)):
            checks += _against_baselines(metrics, model, side, share, limits)
        if SERVING in dict(metrics.get("models", {})):
            checks += _against_again(metrics, model, limits)
        elif serving:
            checks += _against_serving(metrics, model, serving, serving_model, limits)
        checks += _slices(metrics, model, best, limits)
    failed = [check for check in checks if not check.passed]
    summary = failed[0].text if failed else _praise(metrics, model, best)
    return Verdict(not failed, summary, tuple(checks), best)


def broken(reason: str) -> Verdict:
    """The verdict on a run whose artifact cannot be read back."""
    return Verdict(False, reason, (Check("artifact", False, reason),))


def _finite(sample: Sample) -> Check:
    bad = int((~np.isfinite(sample.scores)).sum())
    return Check("finite", bad == 0, f"Expected finite scores; found {bad:,} of {sample.scores.size:,} that are not.")


def _same(sample: Sample) -> Check:
    """The file is the model: what was read back scores as what was trained."""
    if sample.scores.shape != sample.expected.shape:
        return Check("artifact", False, "The stored model scores other pairs than the trained one.")
    error = float(np.nanmax(np.abs(sample.scores - sample.expected), initial=0.0))
    passed = error <= 1e-4 * max(1.0, float(np.nanmax(np.abs(sample.expected), initial=0.0)))
    return Check("artifact", passed, f"The stored model scores as the trained one up to {error:.1g}.")


def _distinct(sample: Sample, limits: Margins) -> Check:
    rows = len(sample.lists)
    different = len({tuple(row) for row in sample.lists.tolist()})
    passed = rows < 20 or different >= max(2, limits.distinct * rows)
    return Check("distinct", passed, f"{different:,} different lists among {rows:,} shoppers.")


def _measured(metrics: Mapping[str, Any], model: str) -> Check:
    value = _figure(metrics, model, "ALL")
    passed = value is not None and value > 0
    shown = "nothing" if value is None else f"{value:.4f}"
    return Check("measured", passed, f"Expected a measured NDCG@10 above 0; found {shown}.")


def _against_baselines(
    metrics: Mapping[str, Any], model: str, side: str, share: float, limits: Margins
) -> Sequence[Check]:
    paired = dict(metrics.get("paired", {})).get(model, {})
    worst: Check | None = None
    own = _figure(metrics, model, side)
    best_name, best_value = "", -math.inf
    for name, sides in paired.items():
        if name == SERVING:
            continue
        other, difference = _figure(metrics, name, side), dict(sides.get(side, {}))
        mean, error = difference.get("mean"), difference.get("se") or 0.0
        if own is None or other is None or mean is None:
            continue
        if other > best_value:
            best_name, best_value = name, other
        if mean < -share * other and mean < -limits.errors * error:
            worst = Check(f"baseline {side}", False, _worse(side, own, name, other))
    if worst:
        return [worst]
    if best_name and own is not None:
        text = f"On {SIDES[side]}: {own:.4f} beside {best_value:.4f} of the best baseline ({_words(best_name)})."
        return [Check(f"baseline {side}", True, text)]
    return []


def _against_again(metrics: Mapping[str, Any], model: str, limits: Margins) -> list[Check]:
    """Shopper by shopper against what serves, on the same later days."""
    checks = []
    pairs = dict(dict(metrics.get("paired", {})).get(model, {})).get(SERVING, {})
    for side, share in (("ALL", limits.all_share), ("NEW", limits.new_share)):
        ours, theirs = _figure(metrics, model, side), _figure(metrics, SERVING, side)
        mean, error = _number(pairs.get(side, {}), "mean"), _number(pairs.get(side, {}), "se") or 0.0
        if ours is None or theirs is None or mean is None:
            continue
        bad = mean < -share * theirs and mean < -limits.errors * error
        text = f"On {SIDES[side]} of the same later days: {ours:.4f}, what serves {theirs:.4f}."
        checks.append(Check(f"serving {side}", not bad, text))
    return checks


def _slices(metrics: Mapping[str, Any], model: str, best: str, limits: Margins) -> list[Check]:
    """No group of shoppers far behind what serves, or the best baseline where nothing could be asked."""
    tables = dict(metrics.get("slices", {}))
    against = SERVING if SERVING in tables else best
    ours, theirs = dict(tables.get(model, {})), dict(tables.get(against, {}))
    worst, looked_at = None, 0
    for dimension, labels in ours.items():
        for label, own in labels.items():
            other = dict(dict(theirs.get(dimension, {})).get(label, {}))
            fall = _fall(own, other, limits)
            if fall is None:
                continue
            looked_at += 1
            if fall > 0 and (worst is None or fall > worst[0]):
                worst = (fall, f"{dimension} {label}: {own['ALL']:.4f} against {other['ALL']:.4f} of {_words(against)}")
    if worst:
        return [Check("slices", False, f"Far worse for shoppers of {worst[1]}.")]
    return [Check("slices", True, f"None of {looked_at} groups of shoppers is far behind.")] if looked_at else []


def _fall(own: Mapping[str, Any], other: Mapping[str, Any], limits: Margins) -> float | None:
    """How far the group is below the other, as a share; 0 within margin and noise; None where it cannot be said."""
    value, reference = _number(own, "ALL"), _number(other, "ALL")
    errors = _number(own, "ALL_se"), _number(other, "ALL_se")
    if value is None or not reference or None in errors or own.get("shoppers", 0) < limits.smallest_slice:
        return None
    gap = reference - value
    noise = math.hypot(*(error or 0.0 for error in errors))
    return gap / reference if gap > limits.slice_share * reference and gap > limits.slice_errors * noise else 0.0


def _against_serving(
    metrics: Mapping[str, Any], model: str, serving: Mapping[str, Any], serving_model: str, limits: Margins
) -> Sequence[Check]:
    """On the same later days figure against figure, else lead against lead (each over its own window's baselines)."""
    ours, theirs = _figure(metrics, model, "ALL"), _figure(serving, serving_model, "ALL")
    if ours is None or theirs is None:
        return []
    if _same_days(metrics, serving):
        error = _number(_side(serving, serving_model, "ALL"), "se") or 0.0
        bad = ours < theirs * (1 - limits.all_share) and ours < theirs - limits.errors * error
        return [Check("serving", not bad, f"On the same later days: {ours:.4f}, what serves {theirs:.4f}.")]
    lead, other = _lead(metrics, model), _lead(serving, serving_model)
    if lead is None or other is None:
        return []
    bad = lead < other - limits.lead_share
    text = f"Ahead of its best baseline by {lead:+.1%}; what serves was by {other:+.1%} on its own later days."
    return [Check("serving", not bad, text)]


def _same_days(metrics: Mapping[str, Any], serving: Mapping[str, Any]) -> bool:
    ours, theirs = dict(metrics.get("window", {})), dict(serving.get("window", {}))
    return bool(ours) and all(ours.get(name) == theirs.get(name) for name in ("start", "end", "shoppers", "truth"))


def _lead(metrics: Mapping[str, Any], model: str) -> float | None:
    best = dict(metrics.get("best_baseline", {})).get("ALL")
    ours, other = _figure(metrics, model, "ALL"), _figure(metrics, best, "ALL") if best else None
    return ours / other - 1 if ours is not None and other else None


def _side(metrics: Mapping[str, Any], model: str, side: str) -> Mapping[str, Any]:
    return dict(dict(metrics.get("models", {})).get(model, {})).get(side, {})


def _figure(metrics: Mapping[str, Any], model: str, side: str) -> float | None:
    return _number(_side(metrics, model, side), HEADLINE)


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _worse(side: str, own: float, name: str, other: float) -> str:
    return f"Worse than {_words(name)} on {SIDES[side]}: NDCG@10 {own:.4f} against {other:.4f}."


def _words(name: str) -> str:
    return name.replace("_", " ")


def _praise(metrics: Mapping[str, Any], model: str, best: str) -> str:
    own, other = _figure(metrics, model, "ALL"), _figure(metrics, best, "ALL")
    if own is None or other is None:
        return "Every check passed."
    return f"NDCG@10 {own:.4f} on later days, {own / other - 1:+.1%} beside {_words(best)}." if other else "Passed."
