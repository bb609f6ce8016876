"""The state itself: a model ready to score, the catalogue in its codes, placements and rules. Immutable."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recommender import catalogue
from recommender.artifacts import AnyRanker
from recommender.catalogue import Catalogue
from recommender.compiled_rules import CompiledRule
from recommender.generations import StoredGeneration
from recommender.steering import Slot
from recommender.store import Pointer
from recommender.vocabulary import Vocabulary


@dataclass(frozen=True)
class Model:
    """One generation, ready to score: its ranker, the codes it speaks, its stored lists."""

    pointer: Pointer
    ranker: AnyRanker
    vocabulary: Vocabulary
    stored: StoredGeneration

    def ranking(self, column: str) -> np.ndarray:
        """int64: the ranker's own ``trend`` or ``popularity``, best first. Kept."""
        held: dict[str, np.ndarray] = self.__dict__.setdefault("_rankings", {})
        if column not in held:
            make = self.ranker.trending if column == "trend" else self.ranker.popular
            held[column] = np.asarray(make(catalogue.RANKED), np.int64)
        return held[column]

    @property
    def version(self) -> str:
        """As the API names it."""
        return f"{self.stored.manifest.model}-{self.pointer.run}"


@dataclass(frozen=True)
class State:
    """``catalogue`` is in the codes of ``model`` with the changes laid over ``base``. ``is_partial``: Postgres was
    asked for something of it and did not answer."""

    model: Model | None
    base: Catalogue
    catalogue: Catalogue
    slots: dict[str, Slot]
    rules: tuple[CompiledRule, ...]
    versions: dict[str, int] = field(default_factory=dict)
    is_partial: bool = False

    @property
    def generation(self) -> int | None:
        return self.model.pointer.generation if self.model else None
