"""Rules of a test, and a ranked list that they run over: the eight goods of ``shelves``, best first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, Unpack

import numpy as np

from recommender.compiled_rules import CompiledRule, Context, Schedule
from recommender.conditions import Condition
from recommender.ranked import Ranked
from tests.recommender.shelves import GOODS, NOW, goods

SHELF = goods()
NAMES = [row[0] for row in GOODS]
CONTEXT = Context(SHELF, "home", NOW)


def ranked(*names: str) -> Ranked:
    codes = SHELF.codes_of(names or NAMES)
    return Ranked(codes, np.linspace(1, 0, len(codes), dtype=np.float32))


def names(result: Ranked) -> list[str]:
    return [SHELF.external_ids[code] for code in result.items]


class Fields(TypedDict, total=False):
    """What a rule of a test may say beside its verb and condition."""

    position: int
    factor: float
    limit: int
    by: str
    level: int
    placements: frozenset[str]
    segments: frozenset[str]
    starts_at: float | None
    ends_at: float | None
    schedule: Schedule | None
    priority: int


def rule(
    verb: str, *, id: int = 1, condition: Mapping[str, object] | None = None, **fields: Unpack[Fields]
) -> CompiledRule:
    return CompiledRule(id=id, verb=verb, name=f"rule {id}", condition=Condition.from_dict(condition or {}), **fields)
