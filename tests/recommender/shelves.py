"""A small shelf of named goods for tests of rules, filters and reasons."""

from __future__ import annotations

import numpy as np

from recommender.conditions import Shelf, Tags
from recommender.engine.interactions import Codes

DAY = 86_400.0
NOW = 20_000 * DAY

#       id,        category,               brand,    price, stock, age, tags
GOODS = [
    ("milk", "Dairy > Milk", "Farm", 1.0, 5.0, 400.0, ("fresh",)),
    ("oat-milk", "Dairy > Milk > Plant", "Oaty", 2.0, np.nan, 10.0, ("vegan", "fresh")),
    ("butter", "Dairy > Butter", "Farm", 3.0, 7.0, 300.0, ()),
    ("bread", "Bakery > Bread", "Crust", 2.5, 9.0, 300.0, ("fresh",)),
    ("rolls", "Bakery > Rolls", "Crust", 1.5, 9.0, 3.0, ()),
    ("apples", "Produce > Fruit", "", 4.0, 100.0, 300.0, ("vegan",)),
    ("pears", "Produce > Fruit", "", np.nan, 1.0, np.nan, ("vegan",)),
    ("soap", "Household", "Suds", 5.0, 2.0, 300.0, ()),
]


def coded(values: list[str]) -> Codes:
    labels = tuple(dict.fromkeys(v for v in values if v))
    return Codes(np.array([labels.index(v) if v else -1 for v in values], dtype=np.int32), labels)


def goods() -> Shelf:
    labels = tuple(dict.fromkeys(tag for row in GOODS for tag in row[6]))
    offsets = np.concatenate([[0], np.cumsum([len(row[6]) for row in GOODS])]).astype(np.int64)
    codes = np.array([labels.index(tag) for row in GOODS for tag in row[6]], dtype=np.int32)
    return Shelf(
        external_ids=tuple(row[0] for row in GOODS),
        category=coded([row[1] for row in GOODS]),
        brand=coded([row[2] for row in GOODS]),
        price=np.array([row[3] for row in GOODS], dtype=np.float32),
        stock=np.array([row[4] for row in GOODS], dtype=np.float32),
        added=NOW - np.array([row[5] for row in GOODS]) * DAY,
        tags=Tags(offsets, codes, labels),
        attributes={"colour": coded(["white", "white", "yellow", "brown", "brown", "red", "green", ""])},
        numbers={"margin": np.array([0.1, 0.4, 0.2, 0.5, 0.5, 0.3, np.nan, 0.6], dtype=np.float32)},
    )
