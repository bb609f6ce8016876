"""The newest posted events with what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from recsite.api import sight
from recsite.api.sight import Arrival
from recsite.dashboard import names, numbers
from recsite.dashboard.addresses import page
from recsite.dashboard.components import SIMULATED, Action, Badge, Nothing, State
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table

STREAM_SHOWN = 12
_OUTCOMES = {"accepted": "good", "unjoined": "warn", "duplicate": "neutral", "rejected": "bad"}


@dataclass(frozen=True)
class Stream:
    """The newest posted events. ``url`` is asked for this same fragment every two seconds, unless ``paused``."""

    template: ClassVar[str] = "partials/stream.html"
    table: Table
    rate: State
    url: str
    paused: bool


def stream(params: Mapping[str, str], shop: Shop) -> Stream:
    """The newest posted events with what became of them: from Redis, and one query for their products."""
    paused = params.get("paused") == "1"
    found = sight.arrivals(STREAM_SHOWN)
    return Stream(_stream_table(found or [], shop, down=found is None), _rate(), page("data-stream"), paused)


def _rate() -> State:
    lately = sight.lately(1)
    if lately is None:
        return State("Redis does not answer", "bad")
    per_second = lately.events / 60
    if not lately.events:
        return State("nothing in the last minute", "neutral")
    return State(f"{numbers.decimal(per_second, 1 if per_second < 100 else 0)} per second", "good")


def _stream_table(found: Sequence[Arrival], shop: Shop, *, down: bool) -> Table:
    columns = [Column("Came"), Column("Outcome"), Column("Type", wide=True), Column("What")]
    known = product_queries.by_external_ids({one.product for one in found if one.product})
    empty = Nothing(
        "Redis does not answer" if down else "No event was posted in the last 24 hours",
        "What is posted is stored all the same." if down else "Post one with POST /api/v1/events: it shows up here.",
        [Action("How to post events", page("docs"), small=True)],
    )
    return Table(
        "Posted events, the newest first", columns, [_arrival_row(one, known, shop) for one in found], None, empty
    )


def _arrival_row(one: Arrival, known: Mapping[str, product_queries.Product], shop: Shop) -> Row:
    came = datetime.fromtimestamp(one.at, UTC).astimezone(shop.zone)
    simulated = SIMULATED if one.source == "simulator" else None
    what = _rejected(one) if one.outcome == "rejected" else _arrived(one, known, shop)
    return Row(
        [
            Cell(f"{came:%H:%M:%S}", tone="muted"),
            Cell(Badge(one.outcome, _OUTCOMES.get(one.outcome, "neutral"))),
            Cell(one.type or numbers.NONE, badge=simulated),
            what,
        ]
    )


def _rejected(one: Arrival) -> Cell:
    return Cell(one.message, note=f"{one.code}{f', field {one.field}' if one.field else ''}")


def _arrived(one: Arrival, known: Mapping[str, product_queries.Product], shop: Shop) -> Cell:
    product = known.get(one.product)
    parts = [f"{one.kind} {one.who}"]
    if product is not None and not product.is_stub:
        parts.append(names.full_name(product))
    elif one.product:
        parts.append(f"product № {one.product} is not in the catalogue yet")
    if one.price is not None:
        parts.append(numbers.price(one.price, shop.currency))
    if one.quantity is not None and one.quantity != 1:
        parts.append(f"{one.quantity:g} units")
    if one.placement:
        parts.append(f"{one.placement}{f', position {one.position}' if one.position else ''}")
    return Cell(" · ".join(parts))
