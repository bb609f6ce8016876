"""Whoever asks, as the ranker sees them: their events in its codes, up to this moment.

A history is the published snapshot plus what was posted since (by event id), so an event that was acknowledged
before a request is in that request's features: Redis knows it or, where it may not (``behind``), Postgres is asked. As
of a past day all of it comes from Postgres.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from django.db import DatabaseError

from behavior.models import Shopper
from recommender import behind, dataset, packing, posted, pulse, store
from recommender.dataset import DAY
from recommender.engine.interactions import UNTIMED, Histories
from recommender.packing import RecentEvent, StoredHistory, StoredList
from recommender.ranked import distinct
from recommender.state import Model, State
from recommender.store import Reading

NEIGHBOURS = 20  # of each product that was just touched
FOLLOWERS = 10  # of each: what comes next after it
NEAREST = 20  # by the towers, once something was touched
TOUCHED = 5
POOL = 300
SCORED = 320  # at most, of all of these


@dataclass(frozen=True)
class Subject:
    """Who asks: ``history`` in the codes of ``model``, ``pool`` of published candidates (None: there is none),
    ``recent`` events since, ``now`` in days."""

    name: str | None
    model: Model
    history: StoredHistory
    pool: StoredList | None
    recent: tuple[RecentEvent, ...]
    now: float

    @cached_property
    def histories(self) -> Histories:
        return dataset.as_histories([self.history], self.model.vocabulary)

    @property
    def known(self) -> bool:
        """Whether there is anything to go by."""
        return len(self.history.events) > 0

    @property
    def segment(self) -> str:
        return self.pool.segment if self.pool else ""

    def of_kind(self, *names: str) -> np.ndarray:
        """int64: the items of the events of these types, newest first, each once."""
        codes = [self.model.vocabulary.kind(name) for name in names]
        events = self.history.events
        wanted = events.kind == codes[0]
        for code in codes[1:]:
            wanted |= events.kind == code
        return distinct(events.item[wanted][::-1])

    @cached_property
    def dismissed(self) -> np.ndarray:
        return self.of_kind("dismiss")

    @cached_property
    def touched(self) -> np.ndarray:
        """int64: what was just looked at or bought, newest first."""
        if not self.recent:
            return np.zeros(0, np.int64)
        ids = np.array([event.product_id for event in reversed(self.recent) if event.type != "dismiss"], np.int64)
        codes = self.model.vocabulary.codes(ids)
        return distinct(codes[codes >= 0])[:TOUCHED]

    def candidates(self) -> np.ndarray:
        """int64, ascending, each once: what is worth scoring. What was just touched ∪ its neighbours ∪ what the towers
        now find nearest ∪ the pool, whose last places give way; without a pool the ranker looks through the whole
        catalogue, and none of what it finds, in no order, gives way."""
        ranker = self.model.ranker
        if self.pool is None:
            _, items = ranker.candidates(self.histories, self.now, size=POOL)
        else:
            items = self.pool.codes
        pool = np.asarray(items, np.int64)
        if not len(self.touched):
            return np.sort(pool)
        parts = [self.touched]
        for table, k in (("similar", NEIGHBOURS), ("bought_together", NEIGHBOURS), ("next", FOLLOWERS)):
            parts.append(ranker.neighbours(self.touched, k, table=table)[0].ravel().astype(np.int64))
        if self.pool is not None:
            parts.append(ranker.nearest(self.histories, self.now, beyond=pool, k=NEAREST))
        is_near = np.zeros(ranker.n_items + 1, bool)  # the last: no product
        is_near[np.concatenate(parts)] = True
        near, rest = np.flatnonzero(is_near[:-1]), pool[~is_near[pool]]
        room = len(rest) if self.pool is None else max(SCORED - len(near), 0)
        return np.sort(np.concatenate([near, rest[:room]]))

    def score(self, items: np.ndarray) -> np.ndarray:
        """float32: the ranker's score of each item it knows, NaN for those that came later."""
        known = np.flatnonzero(items < self.model.ranker.n_items)
        if len(known) == len(items) > 0:
            offsets = np.array([0, len(items)], np.int64)
            return self.model.ranker.score(self.histories, offsets, items, self.now)
        scores = np.full(len(items), np.nan, np.float32)
        if len(known):
            offsets = np.array([0, len(known)], np.int64)
            scores[known] = self.model.ranker.score(self.histories, offsets, items[known], self.now)
        return scores


def clock(model: Model, at: float) -> float:
    """Days: the real clock, except for data without time, which has no now but its own."""
    return at / DAY if model.vocabulary.timed else max(model.vocabulary.as_of, UNTIMED)


def subject_now(state: State, name: str | None, reading: Reading | None, at: float) -> Subject | None:
    """Whoever asks now; None where no model serves."""
    model = state.model
    if model is None:
        return None
    pool, history = None, None
    recent: tuple[RecentEvent, ...] = ()
    if name:
        pool = reading.list if reading else None
        history = reading.history if reading else None
        recent = reading.recent if reading else ()
        if reading is None or reading.pointer is None or behind.is_behind():
            recent = store.in_order((*recent, *_in_postgres(name, model)))
        if history is None:  # Redis is away or was emptied: the generation's own files
            stored_pool, stored_history = model.stored.of(name)
            pool, history = packing.unpack_list(stored_pool), packing.unpack_history(stored_history)
    history = history or dataset.empty_history(model.vocabulary)
    history = dataset.extend(history, recent, model.vocabulary)
    return Subject(name, model, history, pool, recent, clock(model, at))


Question = Callable[[], tuple[RecentEvent, ...]]


def ask_patiently(question: Question) -> tuple[RecentEvent, ...]:
    """The answer of Postgres; nothing where it does not answer either."""
    with suppress(DatabaseError):
        return pulse.ask(question)
    return ()


#: How Postgres is asked in the middle of a list. A web process puts in its own way, with connections that it keeps.
ask: Callable[[Question], tuple[RecentEvent, ...]] = ask_patiently


def _in_postgres(name: str, model: Model) -> tuple[RecentEvent, ...]:
    """The subject's events since shortly before the generation was made, where Redis may lack some of them."""
    return ask(lambda: posted.recent_of(name, since=model.stored.manifest.made_at - posted.BEFORE))


def subject_as_of(state: State, kind: str, external_id: str | None, at: datetime) -> Subject | None:
    """Whoever is named as they were at ``at``, out of Postgres."""
    model = state.model
    if model is None:
        return None
    history = None
    name = dataset.subject(kind, external_id) if external_id else None
    if external_id:
        row = Shopper.objects.filter(kind=kind, external_id=external_id).values_list("pk", "merged_into_id").first()
        if row:
            history = dataset.read_histories([row[1] or row[0]], model.vocabulary, until=at).get(row[1] or row[0])
    return Subject(
        name, model, history or dataset.empty_history(model.vocabulary), None, (), clock(model, at.timestamp())
    )


def read(name: str | None, generation: int | None) -> Reading | None:
    """The one round trip; None where Redis does not answer."""
    try:
        return store.read(name, generation)
    except store.StoreDown:
        return None
