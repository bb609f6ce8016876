"""The catalogue as a serving process holds it: columns by item code, what may be sold, what is popular.

A *base* is made from Postgres now and then and travels as one packed value; what has changed since follows as a
short list of whole products (*changes*) that is laid over the base. So a new stock, price or title costs a web process
a few milliseconds, and it needs no SQL. Item codes are those of the serving run's vocabulary; products that came
later stand behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
from django.db import connection

from recommender.conditions import Shelf, Tags
from recommender.dataset.products import STUB_SHARE
from recommender.engine.interactions import Codes
from recommender.vocabulary import as_codes, as_number

POPULAR_DAYS, TREND_DAYS = 90, 14
RANKED = 2_000  # of a ranking that is the same for everybody


@dataclass(frozen=True)
class Catalogue:
    """``product_ids`` int64 [n] and ``titles`` by item code; ``sellable`` bool [n]: neither hidden nor retired nor
    sold out nor, where these are rare, a stub; ``popularity`` and ``trend`` float32 [n]: weighted events of the last
    90 and 14 days."""

    shelf: Shelf
    product_ids: np.ndarray
    titles: tuple[str, ...]
    sellable: np.ndarray
    popularity: np.ndarray
    trend: np.ndarray
    stamps: np.ndarray  # float64 [n]: when each row last changed, seconds since 1970
    made_at: float  # seconds since 1970; changes since then are laid over it
    without_stubs: bool = False  # whether products that only events mention were rare, and so not for sale

    def __len__(self) -> int:
        return len(self.product_ids)

    def codes(self, product_ids: np.ndarray) -> np.ndarray:
        """int64: the item code of each ``Product.id``, −1 where it is not here."""
        order = self._order
        ids = self.product_ids[order]
        if not len(ids):
            return np.full(len(product_ids), -1, np.int64)
        place = np.minimum(np.searchsorted(ids, product_ids), len(ids) - 1)
        return np.where(ids[place] == product_ids, order[place], -1)

    @property
    def _order(self) -> np.ndarray:
        cached = self.__dict__.get("_sorted")
        if cached is None:
            cached = self.__dict__["_sorted"] = np.argsort(self.product_ids, kind="stable")
        return cached

    def ranking(self, column: str) -> np.ndarray:
        """int64 [≤ RANKED]: the codes of the largest positive ``popularity`` or ``trend``, best first. Kept."""
        held: dict[str, np.ndarray] = self.__dict__.setdefault("_rankings", {})
        if column not in held:
            values = getattr(self, column)
            held[column] = self.best(values, RANKED, values > 0)
        return held[column]

    def best(self, values: np.ndarray, k: int, allowed: np.ndarray) -> np.ndarray:
        """int64 [≤ k]: the codes of the largest ``values`` among the ``allowed`` (bool [n])."""
        codes = np.flatnonzero(allowed)
        order = np.lexsort((codes, -values[codes]))[:k]
        return codes[order]


@dataclass(frozen=True)
class Change:
    """One product as it is now."""

    product_id: int
    external_id: str
    title: str
    path: str | None
    brand: str
    price: float | None
    stock: int | None
    tags: list[str]
    attributes: dict[str, Any]
    sellable: bool
    added: float
    stamp: float


GONE = Change(-1, "", "", None, "", None, None, [], {}, sellable=False, added=0.0, stamp=0.0)


COLUMNS = """p.id, p.external_id, p.title, c.path, p.brand, p.price::float8, p.stock, p.tags,
             CASE WHEN p.attributes <> '{}' THEN p.attributes::text END,
             NOT p.hidden AND p.retired_at IS NULL AND p.stock IS DISTINCT FROM 0 AND NOT (p.is_stub AND %s),
             extract(epoch FROM p.created_at)::float8, extract(epoch FROM p.updated_at)::float8"""


def are_stubs_rare() -> bool:
    """Whether products that only events mention are so few of the events that they stay out of lists, as
    ``dataset`` keeps them out of the lists that a run publishes. Reads the whole log: about 0.4 s for 1.5 M events."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM catalog_product WHERE is_stub)")
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(
            """SELECT count(*) FILTER (WHERE p.is_stub), count(*)
               FROM behavior_event e JOIN catalog_product p ON p.id = e.product_id WHERE e.source <> 'simulator'"""
        )
        stubs, events = cursor.fetchone()
    return 0 < stubs <= STUB_SHARE * events


def read_products(product_ids: Sequence[int] | None = None, *, without_stubs: bool = False) -> list[Change]:
    """The products of these ids (None: all) as they are now, by id; ``without_stubs``: these are not for sale."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {COLUMNS} FROM catalog_product p LEFT JOIN catalog_category c ON c.id = p.category_id
                WHERE %s OR p.id = ANY(%s) ORDER BY p.id""",
            [without_stubs, product_ids is None, list(product_ids or ())],
        )
        rows = cursor.fetchall()
    return [_change(*row) for row in rows]


def _change(
    product_id: int,
    external_id: str,
    title: str,
    path: str | None,
    brand: str,
    price: float | None,
    stock: int | None,
    tags: list[str] | None,
    attributes: str | None,
    sellable: bool,
    added: float,
    stamp: float,
) -> Change:
    """A row of ``COLUMNS``."""
    facts = orjson.loads(attributes) if attributes else {}
    return Change(product_id, external_id, title, path, brand, price, stock, tags or [], facts, sellable, added, stamp)


def read_stamps(since: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Ids int64 and stamps float64 of the products that changed after ``since``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, extract(epoch FROM updated_at)::float8 FROM catalog_product WHERE updated_at > %s", [since]
        )
        rows = cursor.fetchall()
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64)


def read(made_at: float) -> Catalogue:
    """The whole catalogue from Postgres, by ``Product.id``."""
    without_stubs = are_stubs_rare()
    rows = read_products(without_stubs=without_stubs)
    product_ids = np.array([row.product_id for row in rows], np.int64)
    return Catalogue(
        shelf=Shelf(
            external_ids=tuple(row.external_id for row in rows),
            category=as_codes([row.path for row in rows]),
            brand=as_codes([row.brand for row in rows]),
            price=_floats([row.price for row in rows]),
            stock=_floats([row.stock for row in rows]),
            added=np.array([row.added for row in rows], np.float64),
            tags=as_tags([row.tags for row in rows]),
            attributes=_label_columns(rows),
            numbers=_number_columns(rows),
        ),
        product_ids=product_ids,
        titles=tuple(row.title for row in rows),
        sellable=np.array([row.sellable for row in rows], bool),
        popularity=_weights(product_ids, POPULAR_DAYS),
        trend=_weights(product_ids, TREND_DAYS),
        stamps=np.array([row.stamp for row in rows], np.float64),
        made_at=made_at,
        without_stubs=without_stubs,
    )


def empty() -> Catalogue:
    """A shop without products."""
    none, whole = np.zeros(0, np.float32), np.zeros(0, np.int32)
    shelf = Shelf(
        (), Codes(whole, ()), Codes(whole, ()), none, none, np.zeros(0), Tags(np.zeros(1, np.int64), whole, ())
    )
    return Catalogue(shelf, np.zeros(0, np.int64), (), np.zeros(0, bool), none, none, np.zeros(0), 0.0)


def _weights(product_ids: np.ndarray, days: int) -> np.ndarray:
    """float32 [n]: weighted events of the last ``days`` before the newest one; a log without time counts whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.product_id, sum(greatest(t.weight, 0))
               FROM behavior_event e JOIN behavior_eventtype t ON t.name = e.type
               WHERE e.product_id IS NOT NULL AND e.source <> 'simulator'
                 AND e.at > (SELECT max(at) FROM behavior_event WHERE source <> 'simulator') - make_interval(days => %s)
               GROUP BY e.product_id""",
            [days],
        )
        rows = cursor.fetchall()
    values = np.zeros(len(product_ids), np.float32)
    if rows and len(product_ids):
        ids = np.array([row[0] for row in rows], np.int64)
        place = np.minimum(np.searchsorted(product_ids, ids), len(product_ids) - 1)
        known = product_ids[place] == ids
        values[place[known]] = np.array([row[1] for row in rows], np.float32)[known]
    return values


def as_tags(rows: Sequence[Sequence[str]]) -> Tags:
    flat = as_codes([tag for row in rows for tag in row])
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Tags(offsets, flat.codes, flat.labels)


def _label_columns(rows: Sequence[Change]) -> dict[str, Codes]:
    columns = {name: [label_of(row.attributes.get(name)) for row in rows] for name in _names(rows)}
    return {name: as_codes(values) for name, values in columns.items() if any(values)}


def _number_columns(rows: Sequence[Change]) -> dict[str, np.ndarray]:
    columns = {name: _floats([_amount(row.attributes.get(name)) for row in rows]) for name in _names(rows)}
    return {name: column for name, column in columns.items() if not np.isnan(column).all()}


def _names(rows: Sequence[Change]) -> Iterator[str]:
    yield from sorted({name for row in rows for name in row.attributes})


def label_of(value: object) -> str | None:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else None


def _amount(value: object) -> float | None:
    return None if isinstance(value, bool | str) else as_number(value)


def _floats(values: Sequence[float | int | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float32)
