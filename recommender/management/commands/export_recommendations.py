"""``manage.py export_recommendations``: everybody's list in a file, by the API's own code path."""

from __future__ import annotations

import contextlib
import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from catalog.tables import ensure_tables
from recommender import availability, dataset, publish, serve, state, store
from recommender.live import Subject, clock
from recommender.management.commands.train import as_moment
from recommender.ranked import Ranked
from recommender.state import State

BATCH = 256
COLUMNS = ("shopper_id", "rank", "product_id", "score")


class Command(BaseCommand):
    help = "Write everybody's list as CSV: placement home without rules, for every shopper with at least one event."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", required=True, metavar="FILE", type=Path)
        parser.add_argument("--n", type=int, default=20, help="products a shopper, 1 to 100 (default 20)")
        parser.add_argument("--new-only", action="store_true", help="leave out what the shopper had an event with")
        parser.add_argument("--as-of", metavar="T|now", help="default: the newest event")

    def handle(self, *args: Any, out: Path, n: int, new_only: bool, as_of: str | None, **options: Any) -> None:
        if not 1 <= n <= 100:
            raise CommandError(f"--n: expected 1 to 100, received {n}")
        ensure_tables(self.stdout.write)
        moment = as_moment(as_of) or dataset.newest_event() or timezone.now()
        request = serve.Request(n=n, as_of=moment, record=False, rules=(), new_only=new_only)
        aside = out.with_name(f".{out.name}.part")
        with aside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            shoppers = 0
            for external_id, answer in answers(request, moment):
                shoppers += 1
                for item in answer.items:
                    score = "" if item.score is None else f"{item.score:.6f}"
                    # Ids as they are, also ``=1`` and ``-7``: who reads this file looks them up.
                    writer.writerow((external_id, item.position, item.product, score))
        aside.replace(out)
        self.stdout.write(f"{shoppers:,} shoppers' lists of {n} are in {out} (as of {moment.isoformat()}).")


def answers(request: serve.Request, moment: datetime) -> Iterator[tuple[str, serve.Answer]]:
    """(shopper's id, answer) for every shopper with an event up to ``moment``."""
    held = _state()
    at = moment.timestamp()
    people = _shoppers(moment)
    for start in range(0, len(people), BATCH):
        batch = people[start : start + BATCH]
        subjects = _subjects(held, batch, moment)
        lists = _personal(held, subjects, request.new_only)
        for (_, external_id), subject, personal in zip(batch, subjects, lists, strict=True):
            yield external_id, serve.answer_for(request, held, subject, at=at, personal=personal)


def _state() -> State:
    """By what Postgres says serves: the file must not lag behind a switch that Redis has not heard of."""
    with contextlib.suppress(store.StoreDown):
        availability.publish_changes()  # what was imported since, though no worker runs
    held = state.current()
    switch = publish.serving()
    if switch and held.generation != switch.generation_id:
        held = state.load_generation(publish.pointer_of(switch))
    return held


def _shoppers(moment: datetime) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT s.id, s.external_id FROM behavior_shopper s
               WHERE s.kind = 'shopper' AND s.consent IS DISTINCT FROM false AND s.merged_into_id IS NULL
                 AND EXISTS (SELECT FROM behavior_event e WHERE e.shopper_id = s.id AND e.at <= %s) ORDER BY s.id""",
            [moment],
        )
        return list(cursor.fetchall())


def _subjects(held: State, batch: list[tuple[int, str]], moment: datetime) -> list[Subject | None]:
    model = held.model
    if model is None:
        return [None] * len(batch)
    found = dataset.read_histories([pk for pk, _ in batch], model.vocabulary, until=moment)
    empty = dataset.empty_history(model.vocabulary)
    now = clock(model, moment.timestamp())
    return [Subject(f"s:{name}", model, found.get(pk, empty), None, (), now) for pk, name in batch]


def _personal(held: State, subjects: list[Subject | None], new_only: bool) -> list[Ranked | None]:
    """The rankings of a whole batch in one call of the ranker; None where there is nothing to rank by."""
    known = [subject for subject in subjects if subject and subject.known]
    lists: dict[int, Ranked] = {}
    if known:
        model = known[0].model
        histories = dataset.as_histories([subject.history for subject in known], model.vocabulary)
        sellable = held.catalogue.sellable[: model.ranker.n_items]
        codes, scores = model.ranker.recommend(
            histories, known[0].now, k=publish.POOL, new_only=new_only, sellable=sellable
        )
        for row, subject in enumerate(known):
            real = codes[row] >= 0
            lists[id(subject)] = Ranked(codes[row][real].astype(np.int64), scores[row][real])
    return [lists.get(id(subject)) for subject in subjects]
