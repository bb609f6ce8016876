"""What a run measured, in words: its figures beside the baselines', differences with their noise, what it is called.

Everything here reads the JSON of ``engine.evaluate`` as a run's row keeps it, and asks nothing of the database.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from recommender.models import TrainingRun
from recsite.dashboard import numbers
from recsite.dashboard.components import Delta

SIDES = {"ALL": "Any product", "NEW": "New to the shopper"}
CUTS = (5, 10, 20)
HEADLINE = "ndcg@10"
Z = 1.96  # standard errors on each side of a 95 % interval

#: What a shop would otherwise install, by the beginning of the baselines' names.
FAMILIES = {"Neighbours": ("item_knn", "ease"), "Buy again": ("own_",), "Best sellers": ("popularity",)}


@dataclass(frozen=True)
class Measure:
    """One figure. ``kind``: metric (0 … 1), percent, count or decimal. ``more_is_better`` None: neither is."""

    key: str
    label: str
    note: str = ""
    kind: str = "metric"
    more_is_better: bool | None = True
    of_side: bool = True  # stands under ALL and NEW, else beside them

    def text(self, value: float | None) -> str:
        if value is None:
            return numbers.NONE
        if self.kind == "percent":
            return numbers.percent(value, 1 if abs(value) >= 0.01 or not value else 2)
        if self.kind == "metric":
            return numbers.metric(value)
        return numbers.count(value) if self.kind == "count" and abs(value) >= 10 else numbers.decimal(value)

    def change(self, now: float | None, before: float | None, *, noise: float = 0.0) -> Delta:
        """From ``before`` to ``now``; ``noise``: half the width of the difference's interval."""
        if now is None or before is None:
            return Delta(numbers.NONE)
        difference = now - before
        if self.kind == "percent":
            text = numbers.points(difference)
        elif self.kind == "metric" and before:
            text = numbers.percent(abs(difference / before), 1)
        else:
            text = self.text(abs(difference))
        if abs(difference) <= noise or not difference:
            return Delta(text, "≈")
        better = None if self.more_is_better is None else (difference > 0) == self.more_is_better
        return Delta(text, "▲" if difference > 0 else "▼", better)


NDCG = Measure("ndcg@10", "NDCG@10", "right products near the top")


def ranking(cut: int = 10) -> list[Measure]:
    """How well the first ``cut`` places fit what was done later."""
    return [
        Measure(f"ndcg@{cut}", f"NDCG@{cut}", "right products near the top"),
        Measure(f"hit_rate@{cut}", f"Hit rate@{cut}", "lists with a later purchase", "percent"),
        Measure(f"mrr@{cut}", f"MRR@{cut}", "how early the first hit comes"),
        Measure(f"map@{cut}", f"MAP@{cut}", "precision at every hit"),
        Measure(f"recall@{cut}", f"Recall@{cut}", "share of later purchases found", "percent"),
    ]


#: What the lists are like, whoever they are for.
SHOWN = (
    Measure("coverage@10", "Coverage", "products shown at least once", "percent", True, False),
    Measure("categories@10", "Categories", "in a list of 10", "decimal", None, False),
    Measure("diversity@10", "Variety", "pairs of different categories", "percent", None, False),
    Measure("novelty@10", "Novelty", "bits of surprise", "decimal", None, False),
    Measure("popularity@10", "Popularity", "mean buyers of a shown product", "count", None, False),
    Measure("median_buyers@10", "Median buyers", "of a shown product", "count", None, False),
    Measure("gini@10", "Concentration", "Gini; 0: all shown alike", "metric", False, False),
)
#: Of the score as a probability.
PROBABILITY = (
    Measure("auc", "AUC", "a bought product above one that was not", of_side=False),
    Measure("pair_auc", "AUC over all pairs", "across shoppers", of_side=False),
    Measure("log_loss", "Log loss", "nats for each pair", "metric", False, False),
)


@dataclass(frozen=True)
class Difference:
    """Mean over shoppers of own figure minus the other's, with its standard error."""

    mean: float
    error: float | None

    @property
    def noise(self) -> float:
        return Z * (self.error or 0.0)

    def delta(self) -> Delta:
        """``▲ .0123 ± .0031``; ≈ where the interval holds 0."""
        text = numbers.metric(abs(self.mean), 4)
        if self.error is not None:
            text += f" ± {numbers.metric(self.noise, 4)}"
        if abs(self.mean) <= self.noise:
            return Delta(text, "≈")
        return Delta(text, "▲" if self.mean > 0 else "▼", self.mean > 0)


@dataclass(frozen=True)
class Measured:
    """A run's figures; ``model`` is the name under which its own stand."""

    values: Mapping[str, Any] = field(repr=False)
    model: str

    @classmethod
    def of(cls, run: TrainingRun) -> Measured:
        return cls(run.metrics or {}, run.architecture)

    def __bool__(self) -> bool:
        return bool(self._table(self.model))

    @property
    def baselines(self) -> list[str]:
        """By NDCG@10 on any product, best first."""
        names = list(dict(self.values.get("paired", {})).get(self.model, {}))
        return sorted(names, key=lambda name: -(self.figure(name, NDCG) or 0.0))

    def figure(self, name: str, measure: Measure, side: str = "ALL") -> float | None:
        table = self._table(name)
        return _number((dict(table.get(side, {})) if measure.of_side else table).get(measure.key))

    def own(self, measure: Measure, side: str = "ALL") -> float | None:
        return self.figure(self.model, measure, side)

    def error(self, name: str, side: str) -> float | None:
        """The standard error of NDCG@10."""
        return _number(dict(self._table(name).get(side, {})).get("se"))

    def best(self, side: str = "ALL") -> str:
        """The best baseline's name, "" without one."""
        return str(dict(self.values.get("best_baseline", {})).get(side) or "")

    def difference(self, baseline: str, side: str) -> Difference | None:
        """Paired, shopper by shopper, as the run counted it."""
        sides = dict(dict(self.values.get("paired", {})).get(self.model, {})).get(baseline, {})
        found = dict(dict(sides).get(side, {}))
        mean = _number(found.get("mean"))
        return None if mean is None else Difference(mean, _number(found.get("se")))

    def lead(self, side: str = "ALL") -> float | None:
        """How far ahead of its best baseline, as a share of that one's figure."""
        own, other = self.own(NDCG, side), self.figure(self.best(side), NDCG, side)
        return own / other - 1 if own is not None and other else None

    def families(self) -> dict[str, str]:
        """The best baseline of each of ``FAMILIES`` that was measured."""
        found = {}
        for words, starts in FAMILIES.items():
            name = next((name for name in self.baselines if name.startswith(starts)), "")
            if name:
                found[words] = name
        return found

    def slices(self, dimension: str, name: str = "") -> dict[str, dict[str, Any]]:
        """By label: ``shoppers`` (``items`` for categories), ``ALL``, ``NEW`` and, for shoppers, their errors."""
        return dict(dict(dict(self.values.get("slices", {})).get(name or self.model, {})).get(dimension, {}))

    def slice_differences(self, dimension: str, other: str) -> dict[str, Difference]:
        """By label: NDCG@10 on any product less the other's, paired, shopper by shopper. Empty in runs from before it
        was counted, and for categories, whose figures are shares of purchases."""
        tables = dict(dict(self.values.get("paired_slices", {})).get(self.model, {})).get(other, {})
        found = dict(dict(tables).get(dimension, {}))
        means = {label: (_number(group.get("mean")), _number(group.get("se"))) for label, group in found.items()}
        return {label: Difference(mean, error) for label, (mean, error) in means.items() if mean is not None}

    @property
    def dimensions(self) -> list[str]:
        found = dict(dict(self.values.get("slices", {})).get(self.model, {}))
        first = [name for name in ("history", "segment", "category") if name in found]
        return [name for name in (*first, *(name for name in found if name not in first)) if found[name]]

    @property
    def calibration(self) -> Mapping[str, Any]:
        return dict(self._table(self.model).get("calibration") or {})

    @property
    def window(self) -> Mapping[str, Any]:
        return dict(self.values.get("window", {}))

    def days(self) -> tuple[date, date] | None:
        """First and last of the later days, None for a log without time."""
        start, end = _number(self.window.get("start")), _number(self.window.get("end"))
        if start is None or end is None or end - start < 0.01:
            return None
        first = _day(start + 0.01)  # a window that begins with a day's last seconds begins with the next day
        return first, max(first, _day(end - 1e-6))

    def same_days(self, other: Measured) -> bool:
        """Whether both were measured on the same later days of the same shoppers."""
        names = ("start", "end", "shoppers", "truth")
        return bool(self.window) and all(self.window.get(name) == other.window.get(name) for name in names)

    def _table(self, name: str) -> Mapping[str, Any]:
        return dict(dict(self.values.get("models", {})).get(name, {}))


def tested_on(measured: Measured) -> str:
    """``test: 25 – 31 Dec 2017, 1,612 shoppers``."""
    days, shoppers = measured.days(), measured.window.get("shoppers")
    where = numbers.date_range(*days) if days else "a fifth of what each shopper did"
    return f"test: {where}" + (f", {numbers.plural(int(shoppers), 'shopper')}" if shoppers else "")


def errors_together(*errors: float | None) -> float:
    """The standard error of the difference of two means whose pairing is not known: never too small for lists of the
    same shoppers, whose figures rise and fall together."""
    known: Sequence[float] = [error for error in errors if error is not None]
    return math.sqrt(sum(error * error for error in known))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _day(days: float) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).date()
