"""Events out of Postgres as the engine's columns: read in blocks, cleaned and sorted by the same rules everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from psycopg import sql

from recommender.copying import POSTGRES_EPOCH, copy_blocks
from recommender.engine.interactions import Interactions, Kinds

DAY = 86_400.0
#: A price of zero says "no sale" only where it is rare; where it is common the column does not mean a price.
RARE = 0.05

COLUMNS = (
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
QUERY = """
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


def read_columns(kinds: Kinds, condition: sql.Composable) -> dict[str, np.ndarray]:
    """The events that ``condition`` lets through, as they lie on the disk: 46 bytes an event, and two blocks more.

    ``shopper`` and ``product`` int64: the ``id`` of the row; ``at`` float64: days; ``kind`` int8; ``quantity``,
    ``price`` and ``value`` float32; ``hash`` uint64: 64 bits of the event's id; ``imported`` bool.
    """
    query = sql.SQL(QUERY).format(kinds=sql.Literal(list(kinds.names)), condition=condition)
    parts: dict[str, list[np.ndarray]] = {}
    for block in copy_blocks(query, COLUMNS):
        for name, column in _compact(block).items():
            parts.setdefault(name, []).append(column)
    # One column after the other, so that no more than one of them is there twice.
    return {name: np.concatenate(parts.pop(name)) for name in list(parts)}


def _compact(block: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of one block at their working width."""
    seconds = block["at"].astype(np.int64) / 1e6 + POSTGRES_EPOCH
    halves = np.ascontiguousarray(block["event_id"]).view(">u8").reshape(-1, 2)
    hashes = np.maximum(halves[:, 1].astype(np.uint64), np.uint64(1))
    return {
        "shopper": block["shopper"].astype(np.int64),
        "product": block["product"].astype(np.int64),
        "at": seconds / DAY,
        "kind": block["kind"].astype(np.int8),
        "quantity": block["quantity"].astype(np.float32),
        "price": block["price"].astype(np.float32),
        "value": block["value"].astype(np.float32),
        "hash": hashes,
        "imported": block["imported"].copy(),
    }


def events_of(columns: dict[str, np.ndarray], product_ids: np.ndarray, kinds: Kinds) -> tuple[EventRows, Cleaning]:
    """Clean and sort ``columns``, which are used up; what is not of a known product or no sale goes, and is counted.

    ``product_ids``: int64 ascending.
    """
    item = _positions(columns.pop("product"), product_ids)
    shopper_ids = np.unique(columns["shopper"])
    shopper = _positions(columns.pop("shopper"), shopper_ids)
    unknown = item < 0
    no_sale = _no_sales(columns["kind"] == kinds.code("purchase"), columns["quantity"], columns["price"])
    cleaning = Cleaning(len(item), int((no_sale & ~unknown).sum()), int(unknown.sum()))
    keep = np.flatnonzero(~unknown & ~no_sale)
    # The id breaks ties, so that the order never depends on how rows lie on the disk.
    order = keep[np.lexsort((columns["hash"][keep], columns["at"][keep], shopper[keep]))]
    # Imported events never come through the door of recent ones: their ids need no room.
    hashes = np.where(columns.pop("imported")[order], np.uint64(0), columns.pop("hash")[order])
    rest = (columns.pop(name)[order] for name in ("at", "kind", "quantity", "price", "value"))
    return EventRows(Interactions(shopper[order], item[order], *rest), hashes, shopper_ids), cleaning


def _positions(values: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """int32: where each value is in ``ids`` (ascending), −1: nowhere."""
    if not len(ids):
        return np.full(len(values), -1, np.int32)
    place = np.minimum(np.searchsorted(ids, values), len(ids) - 1).astype(np.int32)
    place[ids[place] != values] = -1
    return place


def _no_sales(purchase: np.ndarray, quantity: np.ndarray, price: np.ndarray) -> np.ndarray:
    """bool [E]: purchases that sold nothing (returns, corrections, give-aways) by their own numbers."""
    nothing = purchase & (quantity <= 0)
    free = purchase & (price == 0)
    priced = purchase & ~np.isnan(price)
    return nothing | free if free.sum() <= RARE * max(priced.sum(), 1) else nothing


def simulated_or_not(wanted: bool) -> sql.Composable:
    """The condition that leaves simulated events out unless they are ``wanted``."""
    return sql.SQL("true") if wanted else sql.SQL("e.source <> 'simulator'")


def until(moment: datetime | None) -> sql.Composable:
    """The condition of what was known at ``moment`` (None: everything)."""
    return sql.SQL("true") if moment is None else sql.SQL("e.at <= {}").format(sql.Literal(moment))
