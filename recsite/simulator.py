"""The demo's feedback: households shop again, and this time they are shown lists.

The demo data has purchases and nothing else. This module replays the weeks that were held back
through the public API, asks for lists as of each visit, and answers them by a stated click model:

    P(click | product, position p) = p^-0.7 · noise · 0.45  if the household bought it on this visit,
                                                     · 0.20  if it bought it on a later one,
                                                     · 0.012 otherwise;    noise ~ U(0.6, 1.4)

The position term is the usual power-law examination model (Joachims et al. 2017, section 4, η = 0.7).
Impressions, clicks, views and carts are posted with ``X-Recsite-Source: simulator``; the purchases are real
and carry no such mark.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import pandas as pd
import urllib3

EXAMINATION_POWER = 0.7
CLICK_NOW, CLICK_LATER, CLICK_OTHER = 0.45, 0.20, 0.012
NOISE = (0.6, 1.4)
LEAD = timedelta(minutes=12)  # how long before paying a visit begins
NAMESPACE = uuid.UUID("9d0ed3d4-5b0e-4c5e-9f1f-6f6f0d5a7c11")
EVENTS_PER_POST = 500
#: Placement → how likely a visit meets it.
SLOTS = {"home": 1.0, "buy-again": 0.4, "basket": 0.4, "trending": 0.15}
#: Placement → how likely a click (which opens a product page) meets it.
PRODUCT_PAGE_SLOTS = {"similar": 0.6, "bought-together": 0.4}


class ShopError(Exception):
    """The API answered with an error, or not at all."""


@dataclass(frozen=True)
class Line:
    """One bought product of a visit."""

    product: str
    quantity: float
    price: float


@dataclass(frozen=True)
class Visit:
    """One basket of one household. ``at``: when it paid."""

    shopper: str
    session: str
    at: datetime
    lines: tuple[Line, ...]

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(line.product for line in self.lines)


@dataclass(frozen=True)
class Shown:
    """A list as it was answered."""

    recommendation_id: str
    placement: str
    products: tuple[str, ...]


class Shop:
    """The shop's front end: the public API over one pool of kept-alive connections."""

    def __init__(self, url: str, key: str, *, timeout: float = 20.0) -> None:
        self.url = url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        retry = urllib3.Retry(total=6, backoff_factor=0.5, status_forcelist=(429, 503), allowed_methods=None)
        self.pool = urllib3.PoolManager(maxsize=4, retries=retry, timeout=timeout)

    def recommend(self, *, shopper: str, placement: str, as_of: datetime | None, products: Sequence[str] = ()) -> Shown:
        """The list of ``placement`` for ``shopper``, recorded as served at ``as_of`` (None: now)."""
        fields: list[tuple[str, str]] = [("shopper", shopper), ("placement", placement)]
        fields += [("product", product) for product in products]
        if as_of is not None:
            fields.append(("as_of", as_of.isoformat()))
        answer = self._call("GET", "/api/v1/recommendations", fields=fields, simulated=True)
        return Shown(answer["recommendation_id"], placement, tuple(item["product"] for item in answer["items"]))

    def post(self, events: Sequence[Mapping[str, object]], *, simulated: bool) -> None:
        """Post ``events`` in batches; a repeated post changes nothing, for ids come from the content."""
        for start in range(0, len(events), EVENTS_PER_POST):
            body = orjson.dumps({"events": list(events[start : start + EVENTS_PER_POST])})
            answer = self._call("POST", "/api/v1/events", body=body, simulated=simulated)
            if answer["rejected"]:
                raise ShopError(f"expected every event to be accepted, got {answer['rejected'][0]}")

    def _call(self, method: str, path: str, *, simulated: bool, **request: object) -> dict:
        headers = self.headers | ({"X-Recsite-Source": "simulator"} if simulated else {})
        try:
            answer = self.pool.request(method, self.url + path, headers=headers, **request)  # type: ignore[arg-type]
        except urllib3.exceptions.HTTPError as error:
            raise ShopError(f"{method} {path}: {error}") from error
        if answer.status != 200:
            raise ShopError(f"{method} {path}: expected 200, got {answer.status}: {answer.data[:300]!r}")
        return orjson.loads(answer.data)


def visits(held_back: pd.DataFrame) -> list[Visit]:
    """The baskets of ``held_back`` (shopper_id, product_id, at, quantity, price, session), oldest first."""
    frame = held_back.sort_values(["at", "session"], kind="stable")
    found = []
    for session, rows in frame.groupby("session", sort=False):
        lines = tuple(
            Line(str(p), float(q), float(price))
            for p, q, price in zip(rows["product_id"], rows["quantity"], rows["price"], strict=True)
        )
        at = pd.Timestamp(rows["at"].iloc[-1])
        at = at.tz_localize("UTC") if at.tzinfo is None else at.tz_convert("UTC")
        found.append(Visit(str(rows["shopper_id"].iloc[0]), str(session), at.to_pydatetime(), lines))
    return sorted(found, key=lambda visit: visit.at)


def later_products(all_visits: Iterable[Visit]) -> dict[str, set[str]]:
    """Session → what its household bought on later visits."""
    seen: dict[str, set[str]] = {}
    later = {}
    for visit in sorted(all_visits, key=lambda visit: visit.at, reverse=True):
        later[visit.session] = set(seen.get(visit.shopper, ()))
        seen.setdefault(visit.shopper, set()).update(visit.products)
    return later


def click_probability(position: int, *, bought_now: bool, bought_later: bool, noise: float) -> float:
    """The click model of this module; ``position`` from 1."""
    taste = CLICK_NOW if bought_now else CLICK_LATER if bought_later else CLICK_OTHER
    return float(min(1.0, position**-EXAMINATION_POWER * taste * noise))


def clicked_positions(products: Sequence[str], now: set[str], later: set[str], rng: random.Random) -> list[int]:
    """Positions (from 1) of a list that the household clicks."""
    return [
        position
        for position, product in enumerate(products, 1)
        if rng.random()
        < click_probability(
            position, bought_now=product in now, bought_later=product in later, noise=rng.uniform(*NOISE)
        )
    ]


class Replay:
    """Plays visits against a shop. ``share``: which part of the visits meets lists at all (the rest only buys)."""

    def __init__(self, shop: Shop, later: Mapping[str, set[str]], *, seed: int = 0, share: float = 1.0) -> None:
        self.shop, self.later, self.seed, self.share = shop, later, seed, share

    def play(self, visit: Visit, *, live: bool = False) -> int:
        """One visit: lists, impressions, clicks, carts, then its purchases. Returns how many lists were shown."""
        rng = random.Random(f"{self.seed}:{visit.session}")
        feedback: list[dict] = []
        shown = 0
        if rng.random() < self.share:
            shown = self._browse(visit, rng, feedback, live=live)
        self.shop.post(feedback, simulated=True)
        self.shop.post(list(purchases(visit)), simulated=False)
        return shown

    def _browse(self, visit: Visit, rng: random.Random, feedback: list[dict], *, live: bool) -> int:
        clock = visit.at - LEAD
        slots = [slot for slot, chance in SLOTS.items() if rng.random() < chance]
        shown, clicks = 0, []
        for slot in slots:
            clock += timedelta(seconds=rng.uniform(15, 60))
            # The basket is built in the order of its lines: the first few are in it when its list is shown.
            anchors = visit.products[:3] if slot == "basket" else ()
            clicks += self._show(visit, slot, anchors, clock, rng, feedback, live=live)
            shown += 1
        for product, at in clicks[:3]:
            for slot, chance in PRODUCT_PAGE_SLOTS.items():
                if rng.random() < chance:
                    at += timedelta(seconds=rng.uniform(5, 20))
                    self._show(visit, slot, (product,), at, rng, feedback, live=live)
                    shown += 1
        return shown

    def _show(
        self,
        visit: Visit,
        slot: str,
        anchors: Sequence[str],
        at: datetime,
        rng: random.Random,
        feedback: list[dict],
        *,
        live: bool,
    ) -> list[tuple[str, datetime]]:
        """One list: ask, report it as seen, click. Returns (product, time) of the clicks."""
        answer = self.shop.recommend(
            shopper=visit.shopper, placement=slot, as_of=None if live else at, products=anchors
        )
        if not answer.products:
            return []
        bought = set(visit.products)
        base = {"recommendation_id": answer.recommendation_id, "placement": slot}
        serial = len(feedback)
        feedback.append(_event(visit, f"{serial}:impression", "impression", at, **base))
        clicks = []
        for position in clicked_positions(answer.products, bought, self.later.get(visit.session, set()), rng):
            product = answer.products[position - 1]
            moment = min(at + timedelta(seconds=rng.uniform(2, 25)), visit.at - timedelta(seconds=60))
            more = base | {"product": product, "position": position}
            feedback.append(_event(visit, f"{serial}:click:{product}", "click", moment, **more))
            feedback.append(_event(visit, f"{serial}:view:{product}", "view", moment, product=product))
            if product in bought:
                at_cart = moment + timedelta(seconds=rng.uniform(5, 40))
                feedback.append(_event(visit, f"{serial}:cart:{product}", "cart", at_cart, **more))
            clicks.append((product, moment))
        return clicks


def purchases(visit: Visit) -> Iterator[dict]:
    """The visit's real lines as purchase events."""
    for number, line in enumerate(visit.lines):
        more = {"product": line.product, "quantity": line.quantity, "price": line.price}
        yield _event(visit, f"purchase:{number}", "purchase", visit.at, **more)


def _event(visit: Visit, name: str, kind: str, at: datetime, **more: object) -> dict:
    identity = {"event_id": str(uuid.uuid5(NAMESPACE, f"{visit.session}:{visit.at.isoformat()}:{name}"))}
    return identity | {"type": kind, "at": at.isoformat(), "shopper": visit.shopper, "session": visit.session} | more


def todays_visits(all_visits: Sequence[Visit], now: datetime, rng: random.Random) -> list[Visit]:
    """What is still to come today: the visits of one held-back day of the same weekday, moved to today."""
    days = sorted({visit.at.date() for visit in all_visits if visit.at.weekday() == now.weekday()})
    if not days:
        return []
    day = rng.choice(days)
    shift = now.date() - day
    moved = [
        Visit(visit.shopper, f"{visit.session}-{now:%Y%m%d}", visit.at + shift, visit.lines)
        for visit in all_visits
        if visit.at.date() == day
    ]
    return [visit for visit in moved if visit.at - LEAD >= now.astimezone(UTC)]
