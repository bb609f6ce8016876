"""How much each group of features moved a score: the ranker's own account, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

GROUP_WORDS = {
    "own": "Their own history with it",
    "popularity": "How it sells",
    "item": "The product itself",
    "collaborative": "What similar shoppers choose",
    "bank": "What similar shoppers choose, further views",
    "competition": "Its rivals of the same type",
    "affinity": "Their categories, brands and prices",
    "attributes": "People like them",
    "similarity": "Like what they touched last",
    "order": "What comes next after what they touched last",
    "activity": "How active they are",
}


@dataclass(frozen=True)
class Contribution:
    """What a group of features added to the score (negative: took away), in the score's own unit."""

    group: str
    words: str
    value: float


class Explanation(Protocol):
    """What ``Ranker.explain`` gives: ``contributions`` float [pairs, G] by the names in ``groups``."""

    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def contributions(self) -> np.ndarray: ...


def contributions(explanation: Explanation, row: int) -> list[Contribution]:
    """The groups of one pair, what lifted it first, what held it back last."""
    pairs = zip(explanation.groups, explanation.contributions[row].tolist(), strict=True)
    found = [
        Contribution(group, GROUP_WORDS.get(group, group.replace("_", " ").capitalize()), value)
        for group, value in pairs
    ]
    return sorted(found, key=lambda contribution: -contribution.value)
