"""What is answered, and its shape in the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from recommender.explain import Contribution, Reason
from recommender.ranked import Step

METHOD = "leave a group of features out: how much lower the score is without it"


class Item(NamedTuple):
    """One place of a list. ``score``: calibrated chance, None for a product the model does not know."""

    product: str
    product_id: int
    position: int
    score: float | None
    reason: Reason
    rule: int | None = None
    contributions: tuple[Contribution, ...] = ()
    trace: tuple[Step, ...] = ()

    def to_dict(self, *, explained: bool) -> dict[str, Any]:
        """As the API answers it; ``explained``: with what each group of features added and what each rule did."""
        shown: dict[str, Any] = {
            "product": self.product,
            "position": self.position,
            "score": None if self.score is None else round(self.score, 4),
            "reason": self.reason.to_dict(),
            "rule": self.rule,
        }
        if explained:
            shown["contributions"] = [
                {"group": c.group, "words": c.words, "value": round(c.value, 4)} for c in self.contributions
            ]
            shown["trace"] = [step.to_dict() for step in self.trace]
        return shown


@dataclass(frozen=True)
class Answer:
    """A list as the API answers it (``to_dict``), and what feedback and the preview need beside it."""

    recommendation_id: str
    placement: str
    model_version: str | None
    fallback: str | None
    degraded: bool
    as_of: datetime
    items: tuple[Item, ...]
    empty_because: str | None = None
    generation: int | None = None
    run: int | None = None
    segment: str = ""
    candidates: int = 0
    removed: dict[str, int] = field(default_factory=dict)  # product → the rule that removed it
    explained: bool = False
    experiment: str | None = None  # ``name:arm``

    def to_dict(self) -> dict[str, Any]:
        """As the API answers it."""
        shown: dict[str, Any] = {
            "recommendation_id": self.recommendation_id,
            "placement": self.placement,
            "model_version": self.model_version,
            "experiment": self.experiment,
            "fallback": self.fallback,
            "degraded": self.degraded,
            "as_of": self.as_of.isoformat().replace("+00:00", "Z"),
            "items": [item.to_dict(explained=self.explained) for item in self.items],
        }
        if self.empty_because:
            shown["empty_because"] = self.empty_because
        if self.explained:
            shown["method"] = METHOD
        return shown
