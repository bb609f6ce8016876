"""Rows → engine arrays: the only bridge between Postgres and ``recommender.engine``.

``read`` makes a snapshot of the whole shop for a training run; ``read_histories`` reads the events of a few
shoppers in the words of a run that is there already (a fresh list, an answer as of a past day). Both read events
by the same query and clean them by the same rules, and both cut a history at ``HISTORY_EVENTS``, so that a
score does not depend on the door its history came through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import orjson
from django.db import connection
from psycopg import sql

from behavior.models import EventType
from recommender import exposures
from recommender.copying import POSTGRES_EPOCH, copy_blocks
from recommender.engine.interactions import (
    Codes,
    Histories,
    Interactions,
    Items,
    Kinds,
    ShopData,
    Shoppers,
    Shown,
)
from recommender.packing import RecentEvent, StoredHistory
from recommender.vocabulary import Attribute, Vocabulary, as_codes, as_number

DAY = 86_400.0
#: Newest events of a shopper that are looked at: bounds the cost of one answer.
HISTORY_EVENTS = 4096
#: A price of zero says "no sale" only where it is rare; where it is common the column does not mean a price.
RARE = 0.05
#: Products known from events only are left out while they are this small a share of the events.
STUB_SHARE = 0.02
#: An attribute is worth a column with this many values.
VALUES = (2, 3000)

EVENT_COLUMNS = (
    ("shopper", "int8"),
    ("product", "int8"),
    ("at", "timestamptz"),
    ("kind", "int2"),
    ("quantity", "float4"),
    ("price", "float4"),
    ("value", "float4"),
    ("event_id", "uuid"),
    ("imported", "bool"),
)
EVENT_QUERY = """
SELECT e.shopper_id, e.product_id, e.at, (array_position({kinds}::varchar[], e.type) - 1)::int2,
       greatest(least(coalesce(e.quantity, 1), 3e38), -3e38)::float4,
       coalesce(least(e.price, 3e38), 'NaN')::float4,
       greatest(least(coalesce(e.value, 'NaN'), 3e38), -3e38)::float4,
       e.event_id, e.source = 'import'
FROM behavior_event e
WHERE e.product_id IS NOT NULL AND e.type = ANY({kinds}) AND e.consent IS DISTINCT FROM false AND {condition}
"""


@dataclass(frozen=True)
class Cleaning:
    """What was read and what was left out, and why."""

    read: int = 0
    no_sale: int = 0  # purchases with a quantity of 0 or less, or with a price of 0 where that is rare
    unknown_product: int = 0  # of a product whose row is gone
    stub_products: int = 0  # products known from events only that are not recommended

    def to_dict(self) -> dict[str, int]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class EventRows:
    """Events sorted by (shopper, at, id): engine columns with ``shopper`` as position in ``shopper_ids``."""

    events: Interactions
    hashes: np.ndarray  # uint64 [E], 0 for imported events
    shopper_ids: np.ndarray  # int64 [S], ascending


@dataclass(frozen=True)
class Snapshot:
    """A shop as of one moment, and which row each code stands for."""

    data: ShopData
    vocabulary: Vocabulary
    hashes: np.ndarray  # uint64 [E]
    shopper_ids: np.ndarray  # int64 [S]: Shopper.id by shopper code
    subjects: tuple[str, ...]  # the key of ``store`` by shopper code
    segments: tuple[str, ...]
    now: float  # days since 1970
    cleaning: Cleaning = field(default_factory=Cleaning)

    def __len__(self) -> int:
        return len(self.subjects)

    def window(self) -> dict[str, object]:
        """What the run's row says about its data."""
        at = self.data.interactions.at
        return {
            "first": None if not len(at) else _iso(float(at.min())),
            "last": None if not len(at) else _iso(float(at.max())),
            "as_of": _iso(self.now),
            "events": len(at),
            "shoppers": len(self.subjects),
            "products": self.data.items.n,
            "timed": self.vocabulary.timed,
            "cleaning": self.cleaning.to_dict(),
            "digest": self.digest(),
        }

    def digest(self) -> str:
        """SHA-256 over the events and the vocabulary: the same digest is the same data."""
        seal = hashlib.sha256(self.vocabulary.digest.encode())
        events = self.data.interactions
        for column in (events.shopper, events.item, events.at, events.kind, events.quantity):
            seal.update(memoryview(np.ascontiguousarray(column)))
        return seal.hexdigest()

    def histories(self, shoppers: np.ndarray) -> tuple[Histories, np.ndarray]:
        """The last HISTORY_EVENTS events of ``shoppers`` (int codes [S]), and each event's id hash."""
        events = self.data.interactions
        end = np.searchsorted(events.shopper, shoppers, "right")
        start = np.maximum(np.searchsorted(events.shopper, shoppers, "left"), end - HISTORY_EVENTS)
        attributes = {name: column.codes[shoppers] for name, column in self.data.shoppers.attributes.items()}
        return _ragged(events, start, end, attributes), self.hashes[_rows(start, end)]


def read(*, as_of: datetime | None = None, simulated: bool = False, kind_weights: Mapping[str, float] = {}) -> Snapshot:
    """The whole shop as of ``as_of`` (None: the newest event), products without events included.

    ``kind_weights`` stand before the declared weights. Shoppers without any event are not in it.
    """
    kinds = read_kinds(kind_weights)
    moment = as_of or newest_event(simulated=simulated)
    condition = sql.SQL("{simulated} AND {until}").format(simulated=_simulated(simulated), until=_until(moment))
    consenting = sql.SQL("NOT EXISTS (SELECT FROM behavior_shopper s WHERE s.id = e.shopper_id AND s.consent = false)")
    blocks = _event_blocks(kinds, sql.SQL("{} AND {}").format(condition, consenting))
    items = _read_products()
    rows, cleaning = _event_rows(blocks, items.product_ids, kinds)
    now = (moment.timestamp() if moment else 0.0) / DAY
    shown = exposures.read(rows.shopper_ids, items.product_ids, until=moment, simulated=simulated)
    return _snapshot(rows, cleaning, items, kinds, now, shown)


def imputed(snapshot: Snapshot, strategies: Mapping[str, str], *, seed: int = 0) -> Snapshot:
    """``snapshot`` with the gaps of the named attributes filled (``engine.impute``).

    The vocabulary remembers what fills a shopper's gap, for those who come later: where a strategy guesses each
    shopper's value, that is the value it guessed most often. Raises ``impute.UnknownStrategy``.
    """
    from recommender.engine import impute  # scikit-learn, which no web process needs

    if not strategies:
        return snapshot
    data, done = impute.apply(snapshot.data, strategies, seed=seed)
    before, attributes = snapshot.data.shoppers.attributes, {}
    for name, attribute in snapshot.vocabulary.attributes.items():
        if name in data.shoppers.attributes:
            filled = data.shoppers.attributes[name].codes[before[name].codes < 0]
            fill = int(np.bincount(filled).argmax()) if done[name].filled else -1
            attributes[name] = replace(attribute, fill=fill)
    return replace(snapshot, data=data, vocabulary=replace(snapshot.vocabulary, attributes=attributes))


def read_kinds(kind_weights: Mapping[str, float] = {}) -> Kinds:
    """The declared event types by position; at most 127, the range of a code."""
    rows = list(EventType.objects.order_by("position", "name").values_list("name", "weight", "is_target")[:127])
    return Kinds(
        tuple(name for name, _, _ in rows),
        np.array([kind_weights.get(name, weight) for name, weight, _ in rows], np.float32),
        np.array([target for _, _, target in rows], bool),
    )


def newest_event(*, simulated: bool = False) -> datetime | None:
    """The time of the newest event, None in an empty shop: batch work is as of it unless told otherwise."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(at) FROM behavior_event WHERE product_id IS NOT NULL AND (%s OR source <> 'simulator')",
            [simulated],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def read_histories(
    shopper_ids: Sequence[int], vocabulary: Vocabulary, *, until: datetime | None = None
) -> dict[int, StoredHistory]:
    """Events of a few shoppers (``Shopper.id``) in the codes of ``vocabulary``, as of ``until`` (None: all of them).

    A shopper without events has an empty history; one that does not exist is absent.
    """
    condition = sql.SQL("e.shopper_id = ANY({ids}) AND {simulated} AND {until}").format(
        ids=sql.Literal(list(shopper_ids)), simulated=_simulated(False), until=_until(until)
    )
    blocks = _event_blocks(vocabulary.kinds, condition)
    rows, _ = _event_rows(blocks, vocabulary.product_ids, vocabulary.kinds)
    people = _read_shoppers(shopper_ids)
    found: dict[int, StoredHistory] = {}
    for shopper_id, values in people.items():
        place = int(np.searchsorted(rows.shopper_ids, shopper_id))
        start, end = np.searchsorted(rows.events.shopper, [place, place + 1])
        if place >= len(rows.shopper_ids) or rows.shopper_ids[place] != shopper_id:
            start = end = 0
        part = slice(max(start, end - HISTORY_EVENTS), end)
        own = rows.events.select(part)
        own = Interactions(np.zeros(len(own), np.int32), *_columns(own)[1:])
        found[shopper_id] = StoredHistory(own, rows.hashes[part], vocabulary.shopper_codes(values))
    return found


def as_histories(stored: Sequence[StoredHistory], vocabulary: Vocabulary) -> Histories:
    """The engine's form of many shoppers' histories."""
    size = [len(history.events) for history in stored]
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    local = np.repeat(np.arange(len(stored), dtype=np.int32), size)
    columns = [np.concatenate(parts) for parts in zip(*(_columns(h.events)[1:] for h in stored), strict=True)]
    attributes = {
        name: np.array([history.attributes[place] for history in stored], np.int32)
        for place, name in enumerate(vocabulary.attributes)
    }
    return Histories(offsets, Interactions(local, *columns), attributes)


def empty_history(vocabulary: Vocabulary) -> StoredHistory:
    """Of somebody of whom nothing is known."""
    return StoredHistory(no_events(), np.zeros(0, np.uint64), np.full(len(vocabulary.attributes), -1, np.int32))


def no_events() -> Interactions:
    zero = np.zeros(0, np.float32)
    whole = np.zeros(0, np.int32)
    return Interactions(whole, whole, np.zeros(0), np.zeros(0, np.int8), zero, zero, zero)


def extend(history: StoredHistory, recent: Sequence[RecentEvent], vocabulary: Vocabulary) -> StoredHistory:
    """``history`` with the events posted since: those it holds already (by id) are not counted twice.

    Unknown types and products are left out, and so are purchases of nothing.
    """
    known = set(history.hashes.tolist())
    fresh = [event for event in recent if event.id_hash not in known and not _is_no_sale(event)]
    items = vocabulary.codes(np.array([event.product_id for event in fresh], np.int64))
    kinds = [vocabulary.kind(event.type) for event in fresh]
    kept = [place for place, kind in enumerate(kinds) if kind >= 0 and items[place] >= 0]
    if not kept:
        return history
    fresh = [fresh[place] for place in kept]
    added = Interactions(
        np.zeros(len(fresh), np.int32),
        items[kept],
        np.array([event.at / DAY for event in fresh]),
        np.array([kinds[place] for place in kept], np.int8),
        np.array([1.0 if np.isnan(event.quantity) else event.quantity for event in fresh], np.float32),
        np.array([event.price for event in fresh], np.float32),
        np.array([event.value for event in fresh], np.float32),
    )
    hashes = np.concatenate([history.hashes, np.array([event.id_hash for event in fresh], np.uint64)])
    both = [np.concatenate(pair) for pair in zip(_columns(history.events), _columns(added), strict=True)]
    events = Interactions(*both)
    order = np.lexsort((hashes, events.at))[-HISTORY_EVENTS:]
    return StoredHistory(events.select(order), hashes[order], history.attributes)


def id_hash(event_id: bytes) -> int:
    """The last 64 bits of an event's UUID (random in versions 4 and 7), never 0."""
    return int.from_bytes(event_id[8:], "big") or 1


# --- Events ---


def _event_blocks(kinds: Kinds, condition: sql.Composable) -> list[np.ndarray]:
    names = sql.Literal(list(kinds.names))
    query = sql.SQL(EVENT_QUERY).format(kinds=names, condition=condition)
    return list(copy_blocks(query, EVENT_COLUMNS))


def _simulated(wanted: bool) -> sql.Composable:
    return sql.SQL("true") if wanted else sql.SQL("e.source <> 'simulator'")


def _until(moment: datetime | None) -> sql.Composable:
    return sql.SQL("true") if moment is None else sql.SQL("e.at <= {}").format(sql.Literal(moment))


def _event_rows(blocks: list[np.ndarray], product_ids: np.ndarray, kinds: Kinds) -> tuple[EventRows, Cleaning]:
    """Compact, clean and sort the ``blocks``; what is not of a known product or no sale goes, and is counted."""
    compact = [_compact(block, product_ids) for block in blocks]
    shopper, item, at, kind, quantity, price, value, hashes, imported = (
        np.concatenate([part[column] for part in compact]) for column in range(9)
    )
    shopper_ids, shopper = np.unique(shopper, return_inverse=True)
    unknown = item < 0
    no_sale = _no_sales(kind == kinds.code("purchase"), quantity, price)
    keep = np.flatnonzero(~unknown & ~no_sale)
    # The id breaks ties, so that the order never depends on how rows lie on the disk.
    order = keep[np.lexsort((hashes[keep], at[keep], shopper[keep]))]
    events = Interactions(
        shopper[order].astype(np.int32),
        item[order],
        at[order],
        kind[order],
        quantity[order],
        price[order],
        value[order],
    )
    # Imported events never come through the door of recent ones: their ids need no room.
    ids = np.where(imported[order], np.uint64(0), hashes[order])
    cleaning = Cleaning(len(item), int((no_sale & ~unknown).sum()), int(unknown.sum()))
    return EventRows(events, ids, shopper_ids), cleaning


def _compact(block: np.ndarray, product_ids: np.ndarray) -> tuple[np.ndarray, ...]:
    """The columns of one block at their working width."""
    place = np.minimum(np.searchsorted(product_ids, block["product"]), max(len(product_ids) - 1, 0))
    known = product_ids[place] == block["product"] if len(product_ids) else np.zeros(len(block), bool)
    item = np.where(known, place, -1).astype(np.int32)
    seconds = block["at"].astype(np.int64) / 1e6 + POSTGRES_EPOCH
    halves = np.ascontiguousarray(block["event_id"]).view(">u8").reshape(-1, 2)
    return (
        block["shopper"].astype(np.int64),
        item,
        seconds / DAY,
        block["kind"].astype(np.int8),
        block["quantity"].astype(np.float32),
        block["price"].astype(np.float32),
        block["value"].astype(np.float32),
        np.maximum(halves[:, 1].astype(np.uint64), np.uint64(1)),
        block["imported"],
    )


def _no_sales(purchase: np.ndarray, quantity: np.ndarray, price: np.ndarray) -> np.ndarray:
    """bool [E]: purchases that sold nothing (returns, corrections, give-aways) by their own numbers."""
    nothing = purchase & (quantity <= 0)
    free = purchase & (price == 0)
    priced = purchase & ~np.isnan(price)
    return nothing | free if free.sum() <= RARE * max(priced.sum(), 1) else nothing


def _is_no_sale(event: RecentEvent) -> bool:
    return event.type == "purchase" and event.quantity <= 0


def _columns(events: Interactions) -> list[np.ndarray]:
    return [getattr(events, name) for name in events.__dataclass_fields__]


def _rows(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """int64: the positions start[0] … end[0]−1, start[1] … end[1]−1 and so on."""
    size = end - start
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    return np.repeat(start - offsets[:-1], size) + np.arange(offsets[-1])


def _ragged(events: Interactions, start: np.ndarray, end: np.ndarray, attributes: dict[str, np.ndarray]) -> Histories:
    size = end - start
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    picked = events.select(_rows(start, end))
    local = np.repeat(np.arange(len(start), dtype=np.int32), size)
    return Histories(offsets, Interactions(local, *_columns(picked)[1:]), attributes)


# --- Products and shoppers ---


@dataclass(frozen=True)
class _Products:
    product_ids: np.ndarray
    item_ids: tuple[str, ...]
    price: np.ndarray
    sellable: np.ndarray
    stub: np.ndarray
    paths: list[str | None]
    brands: list[str | None]
    texts: list[str]
    ratings: np.ndarray
    rating_counts: np.ndarray
    attributes: list[dict[str, object] | None]


def _read_products() -> _Products:
    """Every product by ``Product.id``; retired ones too, for they are in histories."""
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.id, p.external_id, p.price::float8, NOT p.hidden AND p.retired_at IS NULL,
                      p.is_stub, c.path, p.brand,
                      trim(concat_ws(' ', p.title, array_to_string(p.tags, ' '), p.description)),
                      p.rating, p.rating_count, CASE WHEN p.attributes <> '{}' THEN p.attributes::text END
               FROM catalog_product p LEFT JOIN catalog_category c ON c.id = p.category_id ORDER BY p.id"""
        )
        rows = cursor.fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * 11
    return _Products(
        np.array(columns[0], np.int64),
        tuple(columns[1]),
        np.array(columns[2], np.float32),
        np.array(columns[3], bool),
        np.array(columns[4], bool),
        list(columns[5]),
        list(columns[6]),
        list(columns[7]),
        np.array(columns[8], np.float32),
        np.array(columns[9], np.float32),
        [None if value is None else orjson.loads(value) for value in columns[10]],
    )


def _read_shoppers(shopper_ids: Sequence[int]) -> dict[int, dict[str, object]]:
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


def _snapshot(
    rows: EventRows, cleaning: Cleaning, products: _Products, kinds: Kinds, now: float, shown: Shown
) -> Snapshot:
    sellable, stubs = _worth_recommending(rows.events, products)
    items = Items(
        n=len(products.item_ids),
        price=_prices(rows.events, products),
        sellable=sellable,
        attributes=_item_attributes(products),
        numbers=_item_numbers(products),
        texts=tuple(products.texts) if any(products.texts) else None,
    )
    people = _read_shoppers(rows.shopper_ids.tolist())
    present = [people.get(shopper_id, {}) for shopper_id in rows.shopper_ids.tolist()]
    attributes = _shopper_attributes(present)
    shoppers = Shoppers(
        n=len(present),
        attributes={
            name: Codes(np.array([a.code(values.get(name)) for values in present], np.int32), a.labels)
            for name, a in attributes.items()
        },
        numbers={
            name: np.array([_nan(as_number(values.get(name))) for values in present], np.float32)
            for name, a in attributes.items()
            if a.edges
        },
    )
    vocabulary = Vocabulary(products.product_ids, products.item_ids, kinds, attributes, rows.events.timed, now)
    return Snapshot(
        ShopData(rows.events, items, shoppers, kinds, shown),
        vocabulary,
        rows.hashes,
        rows.shopper_ids,
        tuple(str(values.get("#subject", f"s:{place}")) for place, values in enumerate(present)),
        tuple(str(values.get("#segment", "")) for values in present),
        now,
        Cleaning(**{**cleaning.to_dict(), "stub_products": stubs}),
    )


def _worth_recommending(events: Interactions, products: _Products) -> tuple[np.ndarray, int]:
    """bool [n] of products that may be recommended, and how many stubs are not.

    A product that is known from events only has no name to show; while such products are rare they stay out,
    where they are many the catalogue simply has not arrived yet.
    """
    share = products.stub[events.item].mean() if len(events) else 0.0
    if 0 < share <= STUB_SHARE:
        return products.sellable & ~products.stub, int(products.stub.sum())
    return products.sellable, 0


def _prices(events: Interactions, products: _Products) -> np.ndarray:
    """float32 [n]: the catalogue's price; where it has none, the mean of what was paid."""
    paid = ~np.isnan(events.price) & (events.price > 0)
    n = len(products.item_ids)
    total = np.bincount(events.item[paid], events.price[paid].astype(np.float64), minlength=n)
    count = np.bincount(events.item[paid], minlength=n)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.where(np.isnan(products.price), mean, products.price).astype(np.float32)


def _item_attributes(products: _Products) -> dict[str, Codes]:
    """The category path and its levels, the brand, and every further text column with a useful number of values."""
    columns: dict[str, Codes] = {}
    if any(products.paths):
        columns["category"] = as_codes(products.paths)
        columns |= _levels(products.paths)
    columns["brand"] = as_codes(products.brands)
    names = sorted({name for values in products.attributes if values for name in values})
    for name in names:
        values = [_label(row.get(name)) if row else None for row in products.attributes]
        columns.setdefault(name, as_codes(values))
    return {
        name: codes for name, codes in columns.items() if name == "category" or VALUES[0] <= codes.size <= VALUES[1]
    }


def _levels(paths: list[str | None]) -> dict[str, Codes]:
    """``category_1`` … by depth; a level that says the same as the whole path is left out."""
    distinct = len({path for path in paths if path})
    levels: dict[str, Codes] = {}
    depth = max(path.count(" > ") for path in paths if path)
    for level in range(1, depth + 1):
        codes = as_codes([" > ".join(path.split(" > ")[:level]) if path else None for path in paths])
        if codes.size < distinct:
            levels[f"category_{level}"] = codes
    return levels


def _item_numbers(products: _Products) -> dict[str, np.ndarray]:
    numbers = {"rating": products.ratings, "rating_count": products.rating_counts}
    names = sorted({name for values in products.attributes if values for name in values})
    for name in names:
        values = [row.get(name) if row else None for row in products.attributes]
        if any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            numbers.setdefault(name, np.array([_nan(as_number(value)) for value in values], np.float32))
    return {name: column for name, column in numbers.items() if not np.isnan(column).all()}


def _label(value: object) -> str | None:
    """Texts, truths and whole numbers can be labels (many shops number their groups); fractions are amounts."""
    if value is None or value == "" or isinstance(value, list | dict):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return str(int(value)) if isinstance(value, float) else str(value)


def _shopper_attributes(people: list[dict[str, object]]) -> dict[str, Attribute]:
    names = sorted({name for values in people for name in values if not name.startswith("#")})
    learned = {name: Attribute.learn([_plain(values.get(name)) for values in people]) for name in names}
    return {name: a for name, a in learned.items() if VALUES[0] <= len(a.labels) <= VALUES[1]}


def _plain(value: object) -> object:
    return None if isinstance(value, list | dict) else value


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _iso(days: float) -> str:
    return datetime.fromtimestamp(days * DAY, UTC).isoformat()
