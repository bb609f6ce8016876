"""A made-up shop in a folder of its own: households with habits, two generations to switch between."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from behavior.models import Shopper
from recommender import schedule, services
from recommender.models import Generation, TrainingRun
from recsite import supervisor
from recsite.api import keys
from recsite.api.models import ApiKey
from recsite.chaos.faults import Shop
from recsite.local_services import processes
from recsite.local_services.state import Folder

PRODUCTS, SHOPPERS, DAYS, KINDS = 240, 300, 120, 12
TOUCHED = 200  # shoppers who post events; the others are still
OPENS_IN = 90.0  # s
TRAINS_IN = 600.0


def furnish(seed: int, say: Callable[[str], None]) -> None:
    """Import the shop and train two models that rank differently; the second serves."""
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in _files(random.Random(seed)).items():
            file = Path(folder) / f"{name}.csv"
            with file.open("w", newline="") as out:
                csv.writer(out).writerows(lines)
            call_command(f"import_{name}", str(file), verbosity=0)
    call_command("build_profiles", verbosity=0)
    # How well a model ranks this made-up shop is not the drill's business: both must serve.
    schedule.save(plan=replace(schedule.read(), margin_all=0.99, margin_new=0.99, margin_slices=0.99))
    for architecture in ("popularity", "deep"):
        say(f"training {architecture}")
        subprocess.run(
            [*supervisor.MANAGE, "train", "--architecture", architecture, "--seed", str(seed)],
            check=False, capture_output=True, timeout=TRAINS_IN,
        )  # fmt: skip
        run = TrainingRun.objects.filter(architecture=architecture).first()
        if run is None or not run.generations.filter(status=Generation.Status.READY).exists():
            sys.exit(f"chaos: the {architecture} model was not published: {run and (run.error or run.verdict)}")


def make_key() -> str:
    return keys.create(name="Chaos", kind=ApiKey.Kind.SECRET, scopes=list(ApiKey.Scope.values)).secret


@contextmanager
def opened(port: int) -> Iterator[Shop]:
    """The shop as ``manage.py up`` runs it, on ``port``."""
    folder = Folder(settings.DATA_DIR)
    environment = {**os.environ, "PORT": str(port), "ADMIN_PASSWORD": "a breaking wave at dawn"}
    with folder.log("up") as log:
        process = subprocess.Popen(
            [*supervisor.MANAGE, "up"], cwd=supervisor.BASE_DIR, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        ready = f"http://127.0.0.1:{port}/api/v1/health/live"
        if not processes.wait(lambda: supervisor.answers(ready), seconds=OPENS_IN, every=0.5):
            sys.exit(f"chaos: the shop did not open within {OPENS_IN:.0f} s: see {folder.path}/log")
        yield Shop(process.pid, folder)
    finally:
        processes.stop_process(process, supervisor.signal.SIGTERM, seconds=60)


def switch_to(architecture: str) -> None:
    """Let the newest generation of that architecture serve."""
    services.promote(
        run=TrainingRun.objects.filter(architecture=architecture, generations__status="ready").latest("pk")
    )


def shoppers() -> tuple[list[str], list[str]]:
    """Ids of those who will post, and of those who are still."""
    ids = list(Shopper.objects.filter(kind=Shopper.Kind.SHOPPER).order_by("pk").values_list("external_id", flat=True))
    return ids[:TOUCHED], ids[TOUCHED:]


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """As ``processes.wait``, with a pause that leaves the shop its processor."""
    return processes.wait(condition, seconds=seconds, every=0.5)


def _files(rng: random.Random) -> dict[str, list[list[object]]]:
    """Everybody buys a handful of products again and again and now and then another of their favourite kind."""
    start = datetime.now(UTC) - timedelta(days=DAYS)
    products: list[list[object]] = [["product_id", "title", "category", "price"]]
    products += [
        [f"p{n}", f"Product {n}", f"Kind {n % KINDS}", round(rng.lognormvariate(1.5, 0.6), 2)] for n in range(PRODUCTS)
    ]
    events: list[list[object]] = [["shopper_id", "product_id", "type", "at"]]
    for shopper in range(SHOPPERS):
        kind = rng.randrange(KINDS)
        own = rng.sample(range(kind, PRODUCTS, KINDS), 5) + rng.sample(range(PRODUCTS), 2)
        every = rng.uniform(4, 12)
        day = rng.uniform(0, every)
        while day < DAYS:
            basket = rng.sample(own, rng.randint(1, 4))
            if rng.random() < 0.4:
                basket.append(rng.randrange(kind, PRODUCTS, KINDS))
            at = (start + timedelta(days=day)).isoformat()
            events += [[f"s{shopper}", f"p{product}", "purchase", at] for product in set(basket)]
            day += rng.gauss(every, every / 5)
    people: list[list[object]] = [["shopper_id", "age"], *([f"s{n}", 20 + n % 60] for n in range(SHOPPERS))]
    return {"products": products, "shoppers": people, "events": events}
