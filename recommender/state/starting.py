"""The first state of a process: out of Redis, else out of Postgres, else out of files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from django.db import DatabaseError
from threadpoolctl import threadpool_limits

from recommender import availability, catalogue, publish, pulse, steering, store
from recommender.catalogue import Catalogue
from recommender.state.held import Model, State
from recommender.state.loading import aligned, model_of
from recommender.store import Pointer

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


def first() -> State:
    """Whatever can be had; ``is_partial`` where Postgres was asked for some of it in vain."""
    # Many small products: one thread each is fastest, and leaves the other cores to other requests.
    threadpool_limits(1, user_api="blas")
    postgres = _Postgres()
    base = _first_base(postgres)
    state = State(
        model=_first_model(postgres),
        base=base,
        catalogue=base,
        slots=steering.as_slots(_rows("placements", postgres, steering.placement_rows)),
        rules=steering.as_rules(_rows("rules", postgres, steering.rule_rows)),
        versions={**_versions(), "catalogue": availability.version_of(base)},
        is_partial=postgres.is_lost,
    )
    return aligned(state)


class _Postgres:
    """Asked by a process that starts; once it did not answer, it is not asked again."""

    def __init__(self) -> None:
        self.is_lost = False

    def ask(self, question: Callable[[], Answer], *, otherwise: Callable[[], Answer]) -> Answer:
        if not self.is_lost:
            try:
                return pulse.ask(question)
            except DatabaseError as error:
                log.warning("starting without Postgres: %s", error)
                self.is_lost = True
        return otherwise()


def _first_base(postgres: _Postgres) -> Catalogue:
    base = availability.load_base()
    return base if base is not None else postgres.ask(availability.publish_base, otherwise=catalogue.empty)


def _first_model(postgres: _Postgres) -> Model | None:
    pointer = _first_pointer(postgres)
    return model_of(pointer) if pointer else None


def _first_pointer(postgres: _Postgres) -> Pointer | None:
    """Redis knows, else Postgres, else the file."""
    try:
        if pointer := store.pointer():
            return pointer
    except store.StoreDown:
        pass
    return postgres.ask(_pointer_of_newest, otherwise=publish.written_pointer)


def _pointer_of_newest() -> Pointer | None:
    switch = publish.serving()
    return publish.pointer_of(switch) if switch else None


def _rows(name: str, postgres: _Postgres, from_rows: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """A small shared value: Redis, else Postgres, else nothing."""
    try:
        body = store.shared(name)
    except store.StoreDown:
        body = None
    return postgres.ask(from_rows, otherwise=list) if body is None else list(orjson.loads(body))


def _versions() -> dict[str, int]:
    """Of the shared values; without Redis none, so that the first round trip brings them all."""
    try:
        return store.versions()
    except store.StoreDown:
        return {}
