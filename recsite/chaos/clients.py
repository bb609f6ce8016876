"""Clients of the shop under drill: some post events and insist, some ask for lists and look at what they get."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from recsite.chaos.history import Asked, History

PATIENCE = 10.0  # s for one answer
PAUSE = 0.03  # s between two questions of one client
TYPES = ("view", "view", "view", "cart", "purchase")


@dataclass(frozen=True)
class Goods:
    """What may stand in a list: ``products`` for sale; ``lists``: of shoppers who post nothing, their lists by model
    version, taken while nothing was broken."""

    products: frozenset[str]
    lists: Mapping[str, Mapping[str, frozenset[str]]]


def poster(url: str, key: str, shoppers: Sequence[str], goods: Goods, history: History, over: threading.Event,
           seed: int) -> None:  # fmt: skip
    """Post batches until ``over``; each is sent again, byte for byte, until it is acknowledged or time is up."""
    rng, pool = random.Random(seed), _pool()
    products = sorted(goods.products)
    while not over.is_set():
        events = [_event(rng, shoppers, products) for _ in range(rng.randint(1, 20))]
        ids = [str(event["event_id"]) for event in events]
        history.note_sent(ids)
        body = orjson.dumps({"events": events})
        # Past the end a batch is still insisted on for a while, so that few have an unknown outcome.
        deadline = None
        while True:
            status, answer = _post(pool, f"{url}/api/v1/events", key, body)
            if status == 200:
                rejected = answer.get("rejected") or []
                refused = {ids[one["index"]] for one in rejected}
                history.note_post(200, set(ids) - refused, str(rejected[0]) if rejected else "")
                break
            wrong = 400 <= status < 500 and status != 429
            history.note_post(status, complaint=f"{status}: {answer}" if wrong else "")
            deadline = deadline or (time.monotonic() + PATIENCE if over.is_set() else None)
            if wrong or (deadline and time.monotonic() > deadline):
                break
            time.sleep(rng.uniform(0.05, 0.2))
        time.sleep(PAUSE)


def asker(url: str, key: str, shoppers: Sequence[str], goods: Goods, history: History, over: threading.Event,
          seed: int) -> None:  # fmt: skip
    """Ask for lists until ``over``: of those who post, of those who are still, and of a visitor nobody knows."""
    rng, pool = random.Random(seed), _pool()
    still = sorted(goods.lists)
    while not over.is_set():
        who = rng.choice([*still[: len(shoppers)], *shoppers]) if rng.random() < 0.9 else ""
        query = f"shopper={who}" if who else f"visitor=v{rng.randrange(10**6)}"
        began = time.monotonic()
        status, answer = _get(pool, f"{url}/api/v1/recommendations?{query}&n=10", key)
        seconds = time.monotonic() - began
        complaint = complain(answer, 10, who, goods) if status == 200 else ""
        history.note_asked(
            Asked(began, seconds, status, complaint, bool(answer.get("degraded")), bool(answer.get("fallback")))
        )
        time.sleep(PAUSE)


def complain(answer: Mapping[str, object], n: int, who: str, goods: Goods) -> str:
    """What is wrong with a list; empty where nothing is."""
    items = answer.get("items")
    if not isinstance(items, list) or len(items) != n:
        return f"expected {n} items, got {len(items) if isinstance(items, list) else items!r}"
    products = [item["product"] for item in items]
    if len(set(products)) != n:
        return f"a product stands twice: {products}"
    if strangers := set(products) - goods.products:
        return f"not for sale: {sorted(strangers)}"
    if [item["position"] for item in items] != list(range(1, n + 1)):
        return "positions are not 1 to n"
    return _of_another(products, str(answer.get("model_version")), goods.lists.get(who, {}))


def _of_another(products: Sequence[str], version: str, lists: Mapping[str, frozenset[str]]) -> str:
    """A list that says it is of one model must be nearer to that model's list than to any other's."""
    if version not in lists:
        return f"by {version}, which never served" if lists else ""
    shared = {name: len(kept & set(products)) for name, kept in lists.items()}
    nearest = max(shared.values())
    return "" if shared[version] == nearest else f"says {version} but shares with others {shared}"


def _event(rng: random.Random, shoppers: Sequence[str], products: Sequence[str]) -> dict[str, object]:
    at = datetime.now(UTC) - timedelta(seconds=rng.choice((0, 0, 0, 5, 86_400, 40 * 86_400)))
    return {
        "event_id": str(uuid.uuid4()),
        "type": rng.choice(TYPES),
        "at": at.isoformat(),
        "shopper": rng.choice(shoppers),
        "product": rng.choice(products),
        "quantity": 1,
    }


def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=1, retries=False, timeout=PATIENCE)


def _get(pool: urllib3.PoolManager, url: str, key: str) -> tuple[int, dict[str, object]]:
    try:
        answer = pool.request("GET", url, headers={"Authorization": f"Bearer {key}"})
    except HTTPError:
        return 0, {}
    return answer.status, _body(answer.data)


def _post(pool: urllib3.PoolManager, url: str, key: str, body: bytes) -> tuple[int, dict[str, list[dict[str, int]]]]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        answer = pool.request("POST", url, headers=headers, body=body)
    except HTTPError:
        return 0, {}
    return answer.status, _body(answer.data)


def _body(data: bytes) -> dict:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
