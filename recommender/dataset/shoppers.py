"""Shoppers' rows as the engine's attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import orjson
from django.db import connection

from recommender.dataset.products import VALUES, as_column
from recommender.engine.interactions import Codes, Shoppers
from recommender.vocabulary import Attribute


def read_shoppers(shopper_ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """Attributes by ``Shopper.id``; under ``#subject`` and ``#segment`` the key of the store and the segment."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT s.id, s.kind, s.external_id, s.age, s.gender, s.income,
                      CASE WHEN s.attributes <> '{}' THEN s.attributes::text END, p.segment
               FROM behavior_shopper s LEFT JOIN behavior_shopperprofile p ON p.shopper_id = s.id
               WHERE s.id = ANY(%s) ORDER BY s.id""",
            [list(shopper_ids)],
        )
        rows = cursor.fetchall()
    return {
        shopper_id: {
            **(orjson.loads(attributes) if attributes else {}),
            "age": age,
            "gender": gender,
            "income": income,
            "#subject": subject(kind, external_id),
            "#segment": segment or "",
        }
        for shopper_id, kind, external_id, age, gender, income, attributes, segment in rows
    }


def subject(kind: str, external_id: str) -> str:
    """The key of a shopper or visitor in ``store``."""
    return f"{kind[0]}:{external_id}"


def shoppers_of(people: Sequence[Mapping[str, object]]) -> tuple[Shoppers, dict[str, Attribute]]:
    """The engine's shoppers by the attributes that tell them apart, and what the vocabulary keeps of these."""
    attributes = _attributes(people)
    codes = {
        name: Codes(np.array([a.code(values.get(name)) for values in people], np.int32), a.labels)
        for name, a in attributes.items()
    }
    numbers = {name: as_column([values.get(name) for values in people]) for name, a in attributes.items() if a.edges}
    return Shoppers(len(people), codes, numbers), attributes


def _attributes(people: Sequence[Mapping[str, object]]) -> dict[str, Attribute]:
    names = sorted({name for values in people for name in values if not name.startswith("#")})
    learned = {name: Attribute.learn([_plain(values.get(name)) for values in people]) for name in names}
    return {name: a for name, a in learned.items() if VALUES[0] <= len(a.labels) <= VALUES[1]}


def _plain(value: object) -> object:
    return None if isinstance(value, list | dict) else value
