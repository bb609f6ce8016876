"""The whole shop as of one moment, for a training run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from django.db import connection
from psycopg import sql

from behavior.models import EventType
from recommender import exposures
from recommender.dataset.events import DAY, Cleaning, EventRows, events_of, read_columns, simulated_or_not, until
from recommender.dataset.histories import HISTORY_EVENTS, histories_between, rows_between
from recommender.dataset.products import Products, items_of, read_products
from recommender.dataset.shoppers import read_shoppers, shoppers_of
from recommender.engine.interactions import Histories, Kinds, ShopData, Shown
from recommender.vocabulary import Vocabulary


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
            seal.update(np.ascontiguousarray(column).data)
        return seal.hexdigest()

    def histories(self, shoppers: np.ndarray) -> tuple[Histories, np.ndarray]:
        """The last HISTORY_EVENTS events of ``shoppers`` (int codes [S]), and each event's id hash."""
        events = self.data.interactions
        end = np.searchsorted(events.shopper, shoppers, "right")
        start = np.maximum(np.searchsorted(events.shopper, shoppers, "left"), end - HISTORY_EVENTS)
        attributes = {name: column.codes[shoppers] for name, column in self.data.shoppers.attributes.items()}
        return histories_between(events, start, end, attributes), self.hashes[rows_between(start, end)]


def read(*, as_of: datetime | None = None, simulated: bool = False, kind_weights: Mapping[str, float] = {}) -> Snapshot:
    """The whole shop as of ``as_of`` (None: the newest event), products without events included.

    ``kind_weights`` stand before the declared weights. Shoppers without any event are not in it.
    """
    kinds = read_kinds(kind_weights)
    moment = as_of or newest_event(simulated=simulated)
    condition = sql.SQL(
        "{simulated} AND {until}"
        " AND NOT EXISTS (SELECT FROM behavior_shopper s WHERE s.id = e.shopper_id AND s.consent = false)"
    ).format(simulated=simulated_or_not(simulated), until=until(moment))
    # Products after events, so that none of these is of an unknown one.
    columns = read_columns(kinds, condition)
    products = read_products()
    rows, cleaning = events_of(columns, products.product_ids, kinds)
    now = (moment.timestamp() if moment else 0.0) / DAY
    shown = exposures.read(rows.shopper_ids, products.product_ids, until=moment, simulated=simulated)
    return _snapshot(rows, cleaning, products, kinds, now, shown)


def _snapshot(
    rows: EventRows, cleaning: Cleaning, products: Products, kinds: Kinds, now: float, shown: Shown
) -> Snapshot:
    items, stubs = items_of(products, rows.events)
    people = read_shoppers(rows.shopper_ids.tolist())
    present = [people.get(shopper_id, {}) for shopper_id in rows.shopper_ids.tolist()]
    shoppers, attributes = shoppers_of(present)
    vocabulary = Vocabulary(products.product_ids, products.item_ids, kinds, attributes, rows.events.timed, now)
    return Snapshot(
        ShopData(rows.events, items, shoppers, kinds, shown),
        vocabulary,
        rows.hashes,
        rows.shopper_ids,
        tuple(str(values.get("#subject", f"s:{place}")) for place, values in enumerate(present)),
        tuple(str(values.get("#segment", "")) for values in present),
        now,
        replace(cleaning, stub_products=stubs),
    )


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
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(at) FROM behavior_event WHERE product_id IS NOT NULL AND (%s OR source <> 'simulator')",
            [simulated],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _iso(days: float) -> str:
    return datetime.fromtimestamp(days * DAY, UTC).isoformat()
