"""The catalogue as a serving process holds it: columns by item code, what may be sold, what is popular.

A *base* is made from Postgres now and then and travels as one packed value; what has changed since follows as a
short list of whole products (*changes*) that is laid over the base. So a new stock, price or title costs a web process
a few milliseconds, and it needs no SQL. Item codes are those of the serving run's vocabulary; products that came
later stand behind them.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import orjson
from django.db import connection

from recommender.conditions import Shelf, Tags
from recommender.engine.interactions import Codes
from recommender.vocabulary import as_codes, as_number

POPULAR_DAYS, TREND_DAYS = 90, 14
RANKED = 2_000  # of a ranking that is the same for everybody


@dataclass(frozen=True)
class Catalogue:
    """``product_ids`` int64 [n] and ``titles`` by item code; ``sellable`` bool [n]: neither hidden nor retired nor
    sold out; ``popularity`` and ``trend`` float32 [n]: weighted events of the last 90 and 14 days."""

    shelf: Shelf
    product_ids: np.ndarray
    titles: tuple[str, ...]
    sellable: np.ndarray
    popularity: np.ndarray
    trend: np.ndarray
    stamps: np.ndarray  # float64 [n]: when each row last changed, seconds since 1970
    made_at: float  # seconds since 1970; changes since then are laid over it

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
             NOT p.hidden AND p.retired_at IS NULL AND p.stock IS DISTINCT FROM 0,
             extract(epoch FROM p.created_at)::float8, extract(epoch FROM p.updated_at)::float8"""


def read_products(product_ids: Sequence[int] | None = None) -> list[Change]:
    """The products of these ids (None: all) as they are now, by id."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {COLUMNS} FROM catalog_product p LEFT JOIN catalog_category c ON c.id = p.category_id
                WHERE %s OR p.id = ANY(%s) ORDER BY p.id""",
            [product_ids is None, list(product_ids or ())],
        )
        rows = cursor.fetchall()
    return [
        Change(*row[:7], list(row[7] or ()), orjson.loads(row[8]) if row[8] else {}, bool(row[9]), *row[10:])
        for row in rows
    ]


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
    rows = read_products()
    product_ids = np.array([row.product_id for row in rows], np.int64)
    return Catalogue(
        shelf=Shelf(
            external_ids=tuple(row.external_id for row in rows),
            category=as_codes([row.path for row in rows]),
            brand=as_codes([row.brand for row in rows]),
            price=_floats([row.price for row in rows]),
            stock=_floats([row.stock for row in rows]),
            added=np.array([row.added for row in rows], np.float64),
            tags=_tags([row.tags for row in rows]),
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
    )


def aligned(base: Catalogue, product_ids: np.ndarray) -> Catalogue:
    """``base`` in the order of a vocabulary's ``product_ids``, the rest behind. A product whose row is gone keeps
    its code and is not for sale."""
    place = base.codes(product_ids)
    rest = np.setdiff1d(np.arange(len(base)), place)
    order = np.concatenate([place, rest]).astype(np.int64)
    if len(order) == len(base) and np.array_equal(order, np.arange(len(base))):
        return base
    gone = order < 0
    safe = np.maximum(order, 0)
    # An empty shop (a process that loaded before the first import) has no row to take in the place of one that is gone.
    taken = _taken(base if len(base) else _grown(base, [GONE]), safe)
    ids = np.concatenate([product_ids, base.product_ids[rest]])
    if not gone.any():
        return replace(taken, product_ids=ids)
    # What stands in the place of one that is gone must not answer to its name, or a lookup finds the wrong product.
    names = tuple("" if lost else name for name, lost in zip(taken.shelf.external_ids, gone.tolist(), strict=True))
    return replace(
        taken,
        shelf=replace(taken.shelf, external_ids=names),
        product_ids=ids,
        sellable=taken.sellable & ~gone,
        popularity=np.where(gone, np.float32(0), taken.popularity),
        trend=np.where(gone, np.float32(0), taken.trend),
    )


def changed(base: Catalogue, changes: Sequence[Change]) -> Catalogue:
    """``base`` with ``changes`` laid over it; new products get the next codes."""
    if not changes:
        return base
    codes = base.codes(np.array([change.product_id for change in changes], np.int64))
    new = [change for change, code in zip(changes, codes, strict=True) if code < 0]
    grown = _grown(base, new)
    codes = np.where(codes >= 0, codes, len(base) + np.cumsum(codes < 0) - 1)
    shelf = grown.shelf
    price, stock, sellable, added = shelf.price.copy(), shelf.stock.copy(), grown.sellable.copy(), shelf.added.copy()
    titles, names = list(grown.titles), list(shelf.external_ids)
    for code, change in zip(codes.tolist(), changes, strict=True):
        price[code] = np.nan if change.price is None else change.price
        stock[code] = np.nan if change.stock is None else change.stock
        sellable[code], added[code], titles[code] = change.sellable, change.added, change.title
        names[code] = change.external_id
    patched = Shelf(
        external_ids=tuple(names),
        category=_patched(shelf.category, codes, [change.path for change in changes]),
        brand=_patched(shelf.brand, codes, [change.brand for change in changes]),
        price=price,
        stock=stock,
        added=added,
        tags=_patched_tags(shelf.tags, codes, [change.tags for change in changes]),
        attributes={
            name: _patched(column, codes, [_text(change.attributes.get(name)) for change in changes])
            for name, column in shelf.attributes.items()
        },
        numbers={
            name: _patched_numbers(column, codes, [as_number(change.attributes.get(name)) for change in changes])
            for name, column in shelf.numbers.items()
        },
    )
    if patched.external_ids == shelf.external_ids and not new:  # what was indexed stays so
        patched.__dict__["index"] = shelf.index
    return replace(grown, shelf=patched, titles=tuple(titles), sellable=sellable)


# --- Packing ---


def pack(catalogue: Catalogue) -> bytes:
    """Arrays without pickles and one JSON of texts, deflated."""
    shelf = catalogue.shelf
    arrays = {
        "product_ids": catalogue.product_ids,
        "sellable": catalogue.sellable,
        "popularity": catalogue.popularity,
        "trend": catalogue.trend,
        "stamps": catalogue.stamps,
        "price": shelf.price,
        "stock": shelf.stock,
        "added": shelf.added,
        "category": shelf.category.codes,
        "brand": shelf.brand.codes,
        "tag_offsets": shelf.tags.offsets,
        "tag_codes": shelf.tags.codes,
    }
    arrays |= {f"attribute {place}": column.codes for place, column in enumerate(shelf.attributes.values())}
    arrays |= {f"number {place}": column for place, column in enumerate(shelf.numbers.values())}
    out = io.BytesIO()
    np.savez(out, **arrays)
    texts = {
        "made_at": catalogue.made_at,
        "external_ids": shelf.external_ids,
        "titles": catalogue.titles,
        "category": shelf.category.labels,
        "brand": shelf.brand.labels,
        "tags": shelf.tags.labels,
        "attributes": {name: column.labels for name, column in shelf.attributes.items()},
        "numbers": list(shelf.numbers),
    }
    words = orjson.dumps(texts)
    return zlib.compress(len(words).to_bytes(8, "big") + words + out.getvalue(), 1)


def unpack(body: bytes) -> Catalogue:
    """The inverse of :func:`pack`."""
    raw = zlib.decompress(body)
    size = int.from_bytes(raw[:8], "big")
    texts: Mapping[str, Any] = orjson.loads(raw[8 : 8 + size])
    with np.load(io.BytesIO(raw[8 + size :]), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Catalogue(
        shelf=Shelf(
            external_ids=tuple(texts["external_ids"]),
            category=Codes(arrays["category"], tuple(texts["category"])),
            brand=Codes(arrays["brand"], tuple(texts["brand"])),
            price=arrays["price"],
            stock=arrays["stock"],
            added=arrays["added"],
            tags=Tags(arrays["tag_offsets"], arrays["tag_codes"], tuple(texts["tags"])),
            attributes={
                name: Codes(arrays[f"attribute {place}"], tuple(labels))
                for place, (name, labels) in enumerate(texts["attributes"].items())
            },
            numbers={name: arrays[f"number {place}"] for place, name in enumerate(texts["numbers"])},
        ),
        product_ids=arrays["product_ids"],
        titles=tuple(texts["titles"]),
        sellable=arrays["sellable"],
        popularity=arrays["popularity"],
        trend=arrays["trend"],
        stamps=arrays["stamps"],
        made_at=texts["made_at"],
    )


def pack_changes(changes: Sequence[Change]) -> bytes:
    return orjson.dumps([list(change.__dict__.values()) for change in changes])


def unpack_changes(body: bytes) -> list[Change]:
    return [Change(*row) for row in orjson.loads(body)]


def empty() -> Catalogue:
    """A shop without products."""
    none, whole = np.zeros(0, np.float32), np.zeros(0, np.int32)
    shelf = Shelf(
        (), Codes(whole, ()), Codes(whole, ()), none, none, np.zeros(0), Tags(np.zeros(1, np.int64), whole, ())
    )
    return Catalogue(shelf, np.zeros(0, np.int64), (), np.zeros(0, bool), none, none, np.zeros(0), 0.0)


# --- Columns ---


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


def _taken(base: Catalogue, order: np.ndarray) -> Catalogue:
    shelf = base.shelf
    return Catalogue(
        shelf=Shelf(
            external_ids=tuple(shelf.external_ids[code] for code in order.tolist()),
            category=Codes(shelf.category.codes[order], shelf.category.labels),
            brand=Codes(shelf.brand.codes[order], shelf.brand.labels),
            price=shelf.price[order],
            stock=shelf.stock[order],
            added=shelf.added[order],
            tags=_taken_tags(shelf.tags, order),
            attributes={name: Codes(c.codes[order], c.labels) for name, c in shelf.attributes.items()},
            numbers={name: column[order] for name, column in shelf.numbers.items()},
        ),
        product_ids=base.product_ids[order],
        titles=tuple(base.titles[code] for code in order.tolist()),
        sellable=base.sellable[order],
        popularity=base.popularity[order],
        trend=base.trend[order],
        stamps=base.stamps[order],
        made_at=base.made_at,
    )


def _grown(base: Catalogue, new: Sequence[Change]) -> Catalogue:
    """Room for ``new`` products behind the others, still without their values."""
    if not new:
        return base
    more, shelf = len(new), base.shelf
    missing, blank = np.full(more, -1, np.int32), np.full(more, np.nan, np.float32)
    tags = Tags(
        np.concatenate([shelf.tags.offsets, np.full(more, shelf.tags.offsets[-1])]), shelf.tags.codes, shelf.tags.labels
    )
    grown = Shelf(
        external_ids=(*shelf.external_ids, *(change.external_id for change in new)),
        category=Codes(np.concatenate([shelf.category.codes, missing]), shelf.category.labels),
        brand=Codes(np.concatenate([shelf.brand.codes, missing]), shelf.brand.labels),
        price=np.concatenate([shelf.price, blank]),
        stock=np.concatenate([shelf.stock, blank]),
        added=np.concatenate([shelf.added, blank.astype(np.float64)]),
        tags=tags,
        attributes={n: Codes(np.concatenate([c.codes, missing]), c.labels) for n, c in shelf.attributes.items()},
        numbers={name: np.concatenate([column, blank]) for name, column in shelf.numbers.items()},
    )
    zero = np.zeros(more, np.float32)
    return replace(
        base,
        shelf=grown,
        product_ids=np.concatenate([base.product_ids, [change.product_id for change in new]]).astype(np.int64),
        titles=(*base.titles, *(change.title for change in new)),
        sellable=np.concatenate([base.sellable, np.zeros(more, bool)]),
        popularity=np.concatenate([base.popularity, zero]),
        trend=np.concatenate([base.trend, zero]),
        stamps=np.concatenate([base.stamps, [change.stamp for change in new]]),
    )


def _patched(column: Codes, codes: np.ndarray, values: Sequence[str | None]) -> Codes:
    place = {label: code for code, label in enumerate(column.labels)}
    for value in values:
        if value:
            place.setdefault(value, len(place))
    wanted = np.array([place[value] if value else -1 for value in values], np.int32)
    if np.array_equal(column.codes[codes], wanted):
        return column
    patched = column.codes.copy()
    patched[codes] = wanted
    return Codes(patched, tuple(place))


def _patched_numbers(column: np.ndarray, codes: np.ndarray, values: Sequence[float | None]) -> np.ndarray:
    patched = column.copy()
    patched[codes] = [np.nan if value is None else value for value in values]
    return patched


def _patched_tags(tags: Tags, codes: np.ndarray, values: Sequence[Sequence[str]]) -> Tags:
    labels = dict(enumerate(tags.labels))
    now = {
        code: [labels[tag] for tag in tags.codes[tags.offsets[code] : tags.offsets[code + 1]].tolist()]
        for code in codes.tolist()
    }
    if all(now[code] == list(value) for code, value in zip(codes.tolist(), values, strict=True)):
        return tags
    rows = [
        [labels[tag] for tag in tags.codes[start:end].tolist()]
        for start, end in zip(tags.offsets[:-1].tolist(), tags.offsets[1:].tolist(), strict=True)
    ]
    for code, value in zip(codes.tolist(), values, strict=True):
        rows[code] = list(value)
    return _tags(rows)


def _tags(rows: Sequence[Sequence[str]]) -> Tags:
    flat = as_codes([tag for row in rows for tag in row])
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Tags(offsets, flat.codes, flat.labels)


def _taken_tags(tags: Tags, order: np.ndarray) -> Tags:
    start, size = tags.offsets[order], np.diff(tags.offsets)[order]
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    rows = np.repeat(start - offsets[:-1], size) + np.arange(offsets[-1])
    return Tags(offsets, tags.codes[rows], tags.labels)


def _label_columns(rows: Sequence[Change]) -> dict[str, Codes]:
    columns = {name: [_text(row.attributes.get(name)) for row in rows] for name in _names(rows)}
    return {name: as_codes(values) for name, values in columns.items() if any(values)}


def _number_columns(rows: Sequence[Change]) -> dict[str, np.ndarray]:
    columns = {name: _floats([_amount(row.attributes.get(name)) for row in rows]) for name in _names(rows)}
    return {name: column for name, column in columns.items() if not np.isnan(column).all()}


def _names(rows: Sequence[Change]) -> Iterator[str]:
    yield from sorted({name for row in rows for name in row.attributes})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else None


def _amount(value: object) -> float | None:
    return None if isinstance(value, bool | str) else as_number(value)


def _floats(values: Sequence[float | int | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float32)
