"""May this run serve? Every check with what was expected and what was found, and the verdict in words.

A run is let through only if its numbers are finite, its lists are not all one and the same, its artifact reads
back and scores as it did, and on the same later days it is not worse than the baselines nor than what serves, for
everybody and for each group of shoppers. "Worse" means beyond a margin of the other's figure and beyond the noise of
the difference (``significance``): a good run is not refused over luck, a bad one does not pass for it. What serves is
not held to its old figures: it was asked again, on the days of this run (``rescoring``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings

from recommender.model_names import baseline_name
from recommender.models import TrainingPlan
from recommender.significance import Comparison, behind, contenders, worst

#: Under this name a run's metrics hold what serves, asked again on the same later days (engine.measuring.RIVAL).
SERVING = "serving"
HEADLINE = "ndcg@10"
SIDES = {"ALL": "any item", "NEW": "new items"}
#: Baselines and what serves, each on any item and on new ones, and groups of shoppers: tested apart, each at its share.
FAMILIES = 5


@dataclass(frozen=True)
class Margins:
    """How much worse is still not worse: shares of the other's figure; and how often luck may refuse a good run."""

    all_share: float = 0.01
    new_share: float = 0.05
    slice_share: float = 0.10
    #: The chance that a run which is as good as all it is compared with is refused, over all comparisons together.
    false_refusals: float = 0.05
    smallest_slice: int = 50
    #: At least this share of the sampled shoppers must have lists that differ.
    distinct: float = 0.05
    #: Against another window than its own a serving model is compared by its lead over its baselines.
    lead_share: float = 0.10

    @property
    def level(self) -> float:
        """What each family of comparisons has of ``false_refusals``."""
        return self.false_refusals / FAMILIES


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


def _against_baselines(metrics: Mapping[str, Any], model: str, side: str, share: float, limits: Margins) -> list[Check]:
    """Against every baseline that the noise cannot tell from the best one."""
    table = dict(metrics.get("paired", {}))
    own = _figure(metrics, model, side)
    names = [name for name in dict(table.get(model, {})) if name != SERVING]
    found = [other for name in names if (other := _comparison(metrics, model, name, side, share)) is not None]
    if own is None or not found:
        return []
    best = max(found, key=lambda other: other.reference)
    known = dict(table.get(best.name, {}))
    gaps = {name: _pair(dict(known.get(name, {})).get(side)) for name in names}
    lost = worst(behind(contenders(found, best, gaps), limits.level))
    if lost is not None:
        return [Check(f"baseline {side}", False, _worse(side, own, lost.name, lost.reference))]
    text = f"On {SIDES[side]}: {own:.4f} beside {best.reference:.4f} of the best baseline ({baseline_name(best.name)})."
    return [Check(f"baseline {side}", True, text)]


def _comparison(metrics: Mapping[str, Any], model: str, other: str, side: str, share: float) -> Comparison | None:
    """The paired difference from ``other`` on the same later days; None where one of them was not measured."""
    mean, error = _pair(dict(dict(dict(metrics.get("paired", {})).get(model, {})).get(other, {})).get(side))
    reference = _figure(metrics, other, side)
    if mean is None or reference is None or _figure(metrics, model, side) is None:
        return None
    shoppers = _number(_side(metrics, model, side), "shoppers")
    return Comparison(other, mean, error, reference, share, shoppers)


def _pair(difference: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    return _number(difference or {}, "mean"), _number(difference or {}, "se")


def _against_again(metrics: Mapping[str, Any], model: str, limits: Margins) -> list[Check]:
    """Shopper by shopper against what serves, on the same later days."""
    checks = []
    for side, share in (("ALL", limits.all_share), ("NEW", limits.new_share)):
        ours, found = _figure(metrics, model, side), _comparison(metrics, model, SERVING, side, share)
        if ours is None or found is None:
            continue
        text = f"On {SIDES[side]} of the same later days: {ours:.4f}, what serves {found.reference:.4f}."
        checks.append(Check(f"serving {side}", not behind([found], limits.level), text))
    return checks


def _slices(metrics: Mapping[str, Any], model: str, best: str, limits: Margins) -> list[Check]:
    """No group of shoppers far behind what serves, or the best baseline where nothing could be asked."""
    tables = dict(dict(metrics.get("paired_slices", {})).get(model, {}))
    against = SERVING if SERVING in tables else best
    found = []
    for dimension, labels in dict(tables.get(against, {})).items():
        for label, group in labels.items():
            (mean, error), reference = _pair(group), _number(group, "reference")
            if mean is None or not reference or group["shoppers"] < limits.smallest_slice:
                continue
            name = f"{dimension} {label}"
            found.append(Comparison(name, mean, error, reference, limits.slice_share, group["shoppers"]))
    if (lost := worst(behind(found, limits.level))) is not None:
        whose = "what serves" if against == SERVING else baseline_name(against)
        figures = f"{lost.reference + lost.mean:.4f} against {lost.reference:.4f} of {whose}"
        return [Check("slices", False, f"Far worse for shoppers of {lost.name}: {figures}.")]
    return [Check("slices", True, f"None of {len(found)} groups of shoppers is far behind.")] if found else []


def _against_serving(
    metrics: Mapping[str, Any], model: str, serving: Mapping[str, Any], serving_model: str, limits: Margins
) -> list[Check]:
    """On the same later days figure against figure, else lead against lead (each over its own window's baselines);
    the errors of both sides count in full, for they are not of pairs."""
    ours, theirs = _figure(metrics, model, "ALL"), _figure(serving, serving_model, "ALL")
    if ours is None or theirs is None:
        return []
    if _same_days(metrics, serving):
        errors = (_number(_side(m, name, "ALL"), "se") for m, name in ((metrics, model), (serving, serving_model)))
        found = Comparison(SERVING, ours - theirs, _together(*errors), theirs, limits.all_share)
        text = f"On the same later days: {ours:.4f}, what serves {theirs:.4f}."
        return [Check("serving", not behind([found], limits.level), text)]
    lead, other = _lead(metrics, model), _lead(serving, serving_model)
    if lead is None or other is None:
        return []
    error = _together(_lead_error(metrics, model), _lead_error(serving, serving_model))
    found = Comparison(SERVING, lead - other, error, 1.0, limits.lead_share)
    text = f"Ahead of its best baseline by {lead:+.1%}; what serves was by {other:+.1%} on its own later days."
    return [Check("serving", not behind([found], limits.level), text)]


def _together(*errors: float | None) -> float:
    return math.hypot(*(error or 0.0 for error in errors))


def _same_days(metrics: Mapping[str, Any], serving: Mapping[str, Any]) -> bool:
    ours, theirs = dict(metrics.get("window", {})), dict(serving.get("window", {}))
    return bool(ours) and all(ours.get(name) == theirs.get(name) for name in ("start", "end", "shoppers", "truth"))


def _lead(metrics: Mapping[str, Any], model: str) -> float | None:
    best = dict(metrics.get("best_baseline", {})).get("ALL")
    ours, other = _figure(metrics, model, "ALL"), _figure(metrics, best, "ALL") if best else None
    return ours / other - 1 if ours is not None and other else None


def _lead_error(metrics: Mapping[str, Any], model: str) -> float | None:
    best = dict(metrics.get("best_baseline", {})).get("ALL")
    reference = _figure(metrics, best, "ALL") if best else None
    _, error = _pair(dict(dict(dict(metrics.get("paired", {})).get(model, {})).get(best, {})).get("ALL"))
    return error / reference if error is not None and reference else None


def _side(metrics: Mapping[str, Any], model: str, side: str) -> Mapping[str, Any]:
    return dict(dict(metrics.get("models", {})).get(model, {})).get(side, {})


def _figure(metrics: Mapping[str, Any], model: str, side: str) -> float | None:
    return _number(_side(metrics, model, side), HEADLINE)


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _worse(side: str, own: float, name: str, other: float) -> str:
    return f"Worse than {baseline_name(name)} on {SIDES[side]}: NDCG@10 {own:.4f} against {other:.4f}."


def _praise(metrics: Mapping[str, Any], model: str, best: str) -> str:
    own, other = _figure(metrics, model, "ALL"), _figure(metrics, best, "ALL")
    if own is None or other is None:
        return "Every check passed."
    if not other:
        return "Passed."
    return f"NDCG@10 {own:.4f} on later days, {own / other - 1:+.1%} beside {baseline_name(best)}."
