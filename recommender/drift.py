"""Whether the shoppers are still those that the serving model was trained on: the population stability index.

    PSI = Σ over bins (now − then) · ln(now / then)

of each profile feature, by the deciles (or labels) of the time of training. Below 0.1 nothing has changed, above
0.25 the population is another one (Siddiqi, Credit Risk Scorecards, 2006, ch. 8). Features that grow by
themselves with the log – events, spend, first visit – would always drift; so rates are compared, not totals. Without
any drift PSI is near (bins − 1)·(1/n + 1/m) (Yurdakul, 2018), which is what the least number of shoppers is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

LEAST_SHOPPERS = 200
#: Read at most about this many profiles, spread evenly over the ids.
MOST_SHOPPERS = 50_000
BINS = 10
LABELS = 20
#: A share of nothing would make one empty bin infinite.
LEAST_SHARE = 1e-4

NUMBERS = {
    "events a basket": "p.events::float8 / nullif(p.baskets, 0)",
    "spend a basket": "p.spend / nullif(p.baskets, 0)",
    "days between baskets": "extract(epoch FROM p.last_at - p.first_at) / 86400 / nullif(p.baskets - 1, 0)",
    "days since the last visit": "extract(epoch FROM p.as_of - p.last_at) / 86400",
    "share of different products": "p.products::float8 / nullif(p.events, 0)",
}
LABELLED = {"segment": "p.segment", "age": "s.age", "gender": "s.gender", "income": "s.income"}


@dataclass(frozen=True)
class Feature:
    """One feature's distribution: ``shares`` [bins + 1], the last of them the unknown. Bins of a number lie between
    ``edges`` (float [bins − 1]); those of a text are ``labels`` [bins − 1] and "other"."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Reference:
    """What the shoppers were like when a run read them."""

    shoppers: int
    features: Mapping[str, Feature]

    def to_dict(self) -> dict[str, Any]:
        """As the run's ``data_window["profiles"]`` keeps it."""
        features = {name: {k: list(v) for k, v in f.__dict__.items()} for name, f in self.features.items()}
        return {"shoppers": self.shoppers, "features": features}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reference:
        features = {name: Feature(**{k: tuple(v) for k, v in f.items()}) for name, f in values["features"].items()}
        return cls(values["shoppers"], features)


@dataclass(frozen=True)
class Shift:
    """``value``: the largest index of any feature, None where there are too few shoppers."""

    value: float | None
    words: str


def reference() -> Reference:
    """The shoppers as their profiles are now."""
    numbers, labels = _read()
    features = {name: _number(values) for name, values in numbers.items()}
    features |= {name: _label(values) for name, values in labels.items()}
    return Reference(len(next(iter(numbers.values()))), features)


def compare(then: Reference) -> Shift:
    """How far the shoppers of now are from those of ``then``."""
    numbers, labels = _read()
    now = len(next(iter(numbers.values())))
    if min(now, then.shoppers) < LEAST_SHOPPERS:
        return Shift(None, f"{min(now, then.shoppers):,} profiles: fewer than the {LEAST_SHOPPERS} it takes.")
    found = {
        name: psi(np.array(feature.shares), _shares(feature, (numbers | labels)[name]))
        for name, feature in then.features.items()
        if name in numbers or name in labels
    }
    worst = max(found, key=lambda name: found[name])
    return Shift(found[worst], f"{worst.capitalize()} moved most: {found[worst]:.2f}.")


def psi(then: np.ndarray, now: np.ndarray) -> float:
    """The index of two distributions float [bins] over the same bins."""
    then, now = np.maximum(then, LEAST_SHARE), np.maximum(now, LEAST_SHARE)
    return float(((now - then) * np.log(now / then)).sum())


def _read() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """float64 [S] by number (NaN: unknown) and text [S] by label, of shoppers with a profile."""
    columns = ", ".join([*NUMBERS.values(), *LABELLED.values()])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM behavior_shopperprofile")
        step = max(cursor.fetchone()[0] // MOST_SHOPPERS, 1)
        cursor.execute(
            f"""SELECT {columns} FROM behavior_shopperprofile p JOIN behavior_shopper s ON s.id = p.shopper_id
                WHERE s.consent IS DISTINCT FROM false AND p.shopper_id %% %s = 0""",
            [step],
        )
        rows = cursor.fetchall()
    table = list(zip(*rows, strict=True)) or [()] * (len(NUMBERS) + len(LABELLED))
    numbers = {name: np.array(column, np.float64) for name, column in zip(NUMBERS, table, strict=False)}
    texts = table[len(NUMBERS) :]
    return numbers, {name: np.array(column, object) for name, column in zip(LABELLED, texts, strict=True)}


def _number(values: np.ndarray) -> Feature:
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    feature = Feature(tuple(edges.tolist()), (), ())
    return Feature(feature.edges, (), tuple(_shares(feature, values).tolist()))


def _label(values: np.ndarray) -> Feature:
    names, sizes = np.unique(values[values != ""].astype(str), return_counts=True)
    labels = tuple(names[np.argsort(-sizes, kind="stable")][:LABELS].tolist())
    feature = Feature((), labels, ())
    return Feature((), labels, tuple(_shares(feature, values).tolist()))


def _shares(feature: Feature, values: np.ndarray) -> np.ndarray:
    """float64 [bins + 1] of ``values`` over the bins of ``feature``; the last is the unknown."""
    if values.dtype == object:
        place = {label: number for number, label in enumerate(feature.labels)}
        unknown = len(place) + 1
        codes = np.array([place.get(str(v), len(place)) if v else unknown for v in values], np.int64)
        size = unknown + 1
    else:
        size = len(feature.edges) + 2
        codes = np.where(np.isnan(values), size - 1, np.searchsorted(feature.edges, values, "right"))
    return np.bincount(codes, minlength=size) / max(len(values), 1)
