"""Every knob of a training run, with the default that was measured (docs/ranking in the README)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


class UnknownSetting(ValueError):
    """A stored or posted configuration names a knob that is not there."""


@dataclass(frozen=True)
class Config:
    """Settings of one run; frozen, so that a run can be repeated from its row."""

    architecture: str = "deep"
    seed: int = 0
    # None: chosen from the span of the data (an eighth of it, between one day and four weeks).
    horizon_days: float | None = None
    cuts: int = 3
    # Event weights by kind name; what is not named here keeps the weight of the shop's own declaration.
    kind_weights: Mapping[str, float] = field(default_factory=dict)
    # Stretches every time constant of the features: 2 forgets half as fast.
    pace: float = 1.0
    # Where an attribute value is missing: "indicator" (a value of its own) or a strategy of impute.py.
    imputation: Mapping[str, str] = field(default_factory=dict)

    # Item-item tables.
    neighbours: int = 64
    ease_items: int = 4096
    ease_ridges: tuple[float, ...] = (50.0, 400.0)
    ease_neighbours: int = 64
    factors: int = 64
    spectrum: tuple[int, ...] = (6, 16, 40, 100)
    history_items: int = 400
    attribute_models: int = 2
    attributes: int = 4

    # Candidates per source and own items per shopper.
    candidates: int = 100
    own_candidates: int = 400
    # Nearest items by two towers, beyond what the other sources propose (0: no towers are trained), and the size of
    # their vectors (docs/decisions/0009-two-tower-candidates.md).
    tower_candidates: int = 0
    tower_size: int = 32

    # Training set.
    max_lists: int = 12_000
    positives: int = 30
    negatives: int = 60
    pool: int = 150

    # Lists that were shown: what a look at a product that was then passed over adds to its weight as a negative
    # (0: lists teach nothing), the days within which an event answers a list, the least that is believed of how often a
    # position is looked at, and how many passed-over products a training list holds at most.
    impressions: float = 0.0
    attribution_days: float = 1.0
    least_looked_at: float = 0.1
    passed_over: int = 30

    # Network.
    layers: tuple[int, ...] = (128, 64)
    dropout: float = 0.1
    learning_rate: float = 4e-3
    weight_decay: float = 1e-4
    lists_per_step: int = 32
    steps: int = 600
    epochs: int = 12
    patience: int = 4
    # Whether a linear model joins the networks where lists are few (docs/decisions/0016-small-shops-again.md).
    linear: bool = True
    # What the device computes in: float32, mixed_bfloat16 or mixed_float16 (weights stay float32), and whether XLA
    # compiles the step (JAX always does). Networks this small gain little: manage.py bench train.
    precision: str = "float32"
    xla: bool = False
    threads: int = 0
    # Events of simulated feedback stay out unless this is on (docs/data).
    simulated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; tuples become lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """The inverse of :meth:`to_dict`; raises :class:`UnknownSetting` on a name that is not a knob."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise UnknownSetting(f"expected settings among {', '.join(sorted(known))}; received {', '.join(unknown)}")
        given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**given)
