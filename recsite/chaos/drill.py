"""The drill: clients, faults and switches of the model at once, then the books are checked."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil
import urllib3
from django.db import DatabaseError, connection, connections

from catalog.models import Product
from recommender import services, store
from recommender.models import Generation, TrainingRun
from recsite import supervisor
from recsite.chaos import clients, faults, shop
from recsite.chaos.clients import Goods
from recsite.chaos.faults import Shop
from recsite.chaos.history import History, Verdict, judge, percentile

POSTERS, ASKERS = 4, 4
HEALS_IN = 60.0  # s
STARTERS, STARTS = 20, 200
STEPS = ("read", "features", "train", "measure", "refit", "publish")
KILLS = 2  # of one training, each in another step: one more and it gives up
SWITCH_EVERY = 7.0  # s


@dataclass(frozen=True)
class Outcome:
    """Every promise with what was found, and figures beside them."""

    verdicts: list[Verdict]
    figures: dict[str, object]

    @property
    def kept(self) -> bool:
        return all(verdict.kept for verdict in self.verdicts)


def run(*, seed: int, seconds: float, say: Callable[[str], None]) -> Outcome:
    """Furnish a shop, open it, break it for ``seconds``, check it; then the same of trainings."""
    shop.furnish(seed, say)
    key, port = shop.make_key(), supervisor.free_port("127.0.0.1", 18_900)
    url = f"http://127.0.0.1:{port}"
    with shop.opened(port) as running:
        moving, still = shop.shoppers()
        goods = _goods(url, key, still)
        say(f"breaking it for {seconds:.0f} s, {POSTERS} posting, {ASKERS} asking")
        history = _storm(running, url, key, moving, goods, seed=seed, seconds=seconds, say=say)
        healed = Verdict(
            f"the shop is ready again within {HEALS_IN:.0f} s",
            shop.wait_until(lambda: _is_ready(url), seconds=HEALS_IN),
            "nothing degraded" if _is_ready(url) else "still degraded",
        )
        found = [*judge(history, _stored(history)), healed]
        say("starting 200 trainings at once")
        found.append(start_many())
        found.append(_trainings_killed(running, random.Random(seed), say))
    return Outcome(found, _figures(history))


# --- The storm ---


def _storm(running: Shop, url: str, key: str, moving: Sequence[str], goods: Goods, *, seed: int, seconds: float,
           say: Callable[[str], None]) -> History:  # fmt: skip
    history, over = History(), threading.Event()
    threads = [
        threading.Thread(target=work, args=(url, key, moving, goods, history, over, seed + number))
        for work, count in ((clients.poster, POSTERS), (clients.asker, ASKERS))
        for number in range(count)
    ]
    threads.append(threading.Thread(target=_switch_models, args=(over,)))
    for thread in threads:
        thread.start()
    try:
        faults.break_things(faults.known(running), history, seed=seed, seconds=seconds, over=over, say=say)
        time.sleep(3)  # a time of peace, so that what is slow to come back is seen too
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return history


def _switch_models(over: threading.Event) -> None:
    """Promote one model, then the other: lists of two generations must never mix."""
    turn = 0
    while not over.wait(SWITCH_EVERY):
        turn += 1
        try:
            shop.switch_to(("popularity", "deep")[turn % 2])
        except (DatabaseError, store.StoreDown, services.CannotServe):
            connection.close()  # it is down just now; the next turn comes
    connections.close_all()


def _goods(url: str, key: str, still: Sequence[str]) -> Goods:
    """What lists may hold, and the lists of still shoppers by both models, for those whom the models tell apart."""
    lists: dict[str, dict[str, frozenset[str]]] = {who: {} for who in still}
    pool = urllib3.PoolManager()
    for architecture in ("popularity", "deep"):
        shop.switch_to(architecture)
        shop.wait_until(lambda name=architecture: _version(pool, url, key).startswith(name), seconds=30)  # type: ignore[misc]
        time.sleep(1)  # the other web process loads it too
        for who in still:
            answer = _ask(pool, url, key, who)
            products = frozenset(item["product"] for item in answer["items"])
            lists[who][str(answer["model_version"])] = products
    told_apart = {who: kept for who, kept in lists.items() if len(kept) == 2 and _differ(list(kept.values()))}
    for_sale = Product.objects.filter(hidden=False, retired_at=None).values_list("external_id", flat=True)
    return Goods(frozenset(for_sale), told_apart)


def _differ(lists: Sequence[frozenset[str]]) -> bool:
    return len(lists[0] & lists[1]) <= len(lists[0]) // 2


def _ask(pool: urllib3.PoolManager, url: str, key: str, who: str) -> dict:
    address = f"{url}/api/v1/recommendations?shopper={who}&n=10"
    return dict(pool.request("GET", address, headers={"Authorization": f"Bearer {key}"}).json())


def _version(pool: urllib3.PoolManager, url: str, key: str) -> str:
    return str(_ask(pool, url, key, "s0").get("model_version"))


def _is_ready(url: str) -> bool:
    try:
        answer = urllib3.request("GET", f"{url}/api/v1/health/ready", retries=False, timeout=5)
        return answer.status == 200 and bool(answer.json()["status"] == "ready")
    except (urllib3.exceptions.HTTPError, ValueError, KeyError):
        return False


def _stored(history: History) -> dict[str, int]:
    """How often each event that the API took is in the log, whatever its month."""
    connection.close()  # the database was killed under it
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id::text, count(*) FROM behavior_event WHERE source = 'api' GROUP BY 1")
        return dict(cursor.fetchall())


def _figures(history: History) -> dict[str, object]:
    answers = [asked for asked in history.asked if asked.status]
    seconds = [asked.seconds for asked in answers]
    return {
        "faults": len(history.struck),
        "events sent": len(history.sent),
        "events acknowledged": len(history.acknowledged),
        "posts by status": dict(sorted(history.posts.items())),
        "GETs answered": len(answers),
        "GETs degraded": sum(asked.degraded for asked in answers),
        "GETs by fallback": sum(asked.fallback for asked in answers),
        "p50 of a GET, ms": round(1000 * (percentile(seconds, 0.5) or 0), 1),
        "p99 of a GET, ms": round(1000 * (percentile(seconds, 0.99) or 0), 1),
        "slowest GET, ms": round(1000 * max(seconds, default=0), 1),
        "slowest GET by fault, ms": _slowest(history),
    }


def _slowest(history: History) -> dict[str, float]:
    """Of the GETs that began during each kind of fault."""
    worst: dict[str, float] = {}
    for struck in history.struck:
        during = [a.seconds for a in history.asked if a.status and struck.began <= a.began <= struck.ended]
        worst[struck.name] = max(worst.get(struck.name, 0.0), round(1000 * max(during, default=0), 1))
    return worst


# --- Trainings ---


def start_many() -> Verdict:
    """Of 200 starts at once, one."""
    gate = threading.Barrier(STARTERS)

    def start(_number: int) -> int:
        gate.wait()
        begun = 0
        for _ in range(STARTS // STARTERS):
            try:
                services.request_training(architecture="deep")
                begun += 1
            except services.AlreadyActive:
                pass
        connections.close_all()
        return begun

    with ThreadPoolExecutor(STARTERS) as pool:
        begun = sum(pool.map(start, range(STARTERS)))
    active = TrainingRun.objects.filter(status__in=TrainingRun.ACTIVE).count()
    return Verdict(f"of {STARTS} trainings started at once one runs", (begun, active) == (1, 1), f"{begun} started")


def _trainings_killed(running: Shop, rng: random.Random, say: Callable[[str], None]) -> Verdict:
    """The run of before, its child killed at random moments: it ends, with its reason, and publishes whole or not."""
    run = TrainingRun.objects.filter(status__in=TrainingRun.ACTIVE).latest("pk")
    left = rng.sample(STEPS, KILLS)
    end = time.monotonic() + shop.TRAINS_IN
    while time.monotonic() < end and run.is_active:
        if run.step in left and (children := running.training()):
            time.sleep(rng.uniform(0, 1))  # anywhere in the step
            say(f"killing the training in its step {run.step}")
            for child in children:
                with contextlib.suppress(psutil.Error):
                    child.kill()
            left.remove(run.step)
        time.sleep(0.2)
        run.refresh_from_db()
    kills = KILLS - len(left)
    halves = [
        generation.pk
        for generation in Generation.objects.filter(status=Generation.Status.READY)
        if generation.shoppers_done != generation.shoppers_total
    ]
    explained = run.status == TrainingRun.Status.SUCCEEDED or bool(run.error or run.verdict)
    found = f"{run} {run.status} after {kills} kills and {run.attempts} attempts"
    return Verdict(
        "a killed training goes on or fails with its reason, and publishes nothing half",
        not run.is_active and explained and not halves and kills > 0,
        found + (f"; half published: {halves}" if halves else ""),
    )
