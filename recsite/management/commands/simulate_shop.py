"""``manage.py simulate_shop``: the demo's shop front, through the public API."""

from __future__ import annotations

import json
import random
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pandas as pd
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.progress import track

from recsite import simulator

#: Two requests at a time: the demo's own pages must stay quick beside it.
THREADS = 2


class Command(BaseCommand):
    help = "Replay the demo's held-back weeks as shoppers who see lists, then go on at the clock's pace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        folder = settings.DATA_DIR
        parser.add_argument("--url", help="the shop's address (default: that of demo.json)")
        parser.add_argument("--key", help="a secret key with scope admin (default: that of demo.json)")
        parser.add_argument("--held-back", type=Path, default=folder / "completejourney" / "held_back.parquet")
        parser.add_argument("--share", type=float, default=0.5, help="part of the visits that meet lists (0 … 1)")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--backfill-only", action="store_true", help="stop when the held-back weeks are played")
        parser.add_argument("--limit-visits", type=int, help="play only the first so many visits")

    def handle(self, **options: object) -> None:
        held_back = Path(str(options["held_back"]))
        if not held_back.exists():
            raise CommandError(f"{held_back} does not exist: run manage.py import_completejourney first")
        url, key = _address(options)
        visits = simulator.visits(pd.read_parquet(held_back))
        limit = options["limit_visits"]
        shop = simulator.Shop(url, key)
        replay = simulator.Replay(
            shop, simulator.later_products(visits), seed=int(str(options["seed"])), share=float(str(options["share"]))
        )
        try:
            self._backfill(replay, visits[: int(str(limit))] if limit else visits, held_back.with_name("played.json"))
            if not options["backfill_only"]:
                self._follow_the_clock(replay, visits)
        except simulator.ShopError as error:
            raise CommandError(str(error)) from error

    def _backfill(self, replay: simulator.Replay, visits: Sequence[simulator.Visit], state: Path) -> None:
        """Day by day; what was played is remembered, so a restart goes on where it stopped."""
        played = datetime.fromisoformat(json.loads(state.read_text())["until"]) if state.exists() else None
        waiting = [visit for visit in visits if played is None or visit.at > played]
        if not waiting:
            return
        shown = 0
        with ThreadPoolExecutor(THREADS) as pool:
            for households in track(list(_hours(waiting)), "Replaying the held-back weeks", console=None):
                shown += sum(pool.map(lambda of_one: sum(replay.play(visit) for visit in of_one), households))
                until = max(visit.at for of_one in households for visit in of_one)
                state.write_text(json.dumps({"until": until.isoformat()}))
        self.stdout.write(f"{len(waiting):,} visits replayed, {shown:,} lists shown (simulated).")

    def _follow_the_clock(self, replay: simulator.Replay, visits: Sequence[simulator.Visit]) -> None:
        self.stdout.write("Visits go on at the clock's pace (simulated). Ctrl-C stops them.")
        while True:
            now = datetime.now(UTC)
            for visit in simulator.todays_visits(visits, now, random.Random(f"{now:%Y%m%d}")):
                time.sleep(max(0.0, (visit.at - datetime.now(UTC)).total_seconds()))
                replay.play(visit, live=True)
            tomorrow = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
            time.sleep((tomorrow - datetime.now(UTC)).total_seconds() + 1)


def _hours(visits: Sequence[simulator.Visit]) -> Iterator[list[list[simulator.Visit]]]:
    """Hour by hour, the visits of each household together and in order: threads never mix one household's."""
    for _, of_hour in groupby(visits, key=lambda visit: (visit.at.date(), visit.at.hour)):
        households: dict[str, list[simulator.Visit]] = {}
        for visit in of_hour:
            households.setdefault(visit.shopper, []).append(visit)
        yield list(households.values())


def _address(options: dict) -> tuple[str, str]:
    file = settings.DATA_DIR / "demo.json"
    made = json.loads(file.read_text()) if file.exists() else {}
    url = options["url"] or made.get("url")
    key = options["key"] or made.get("keys", {}).get("secret")
    if not url or not key:
        raise CommandError(f"expected --url and --key, or a demo's {file}: found neither")
    return str(url), str(key)
