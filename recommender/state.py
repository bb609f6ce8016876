"""What a serving process holds, so that an answer needs one round trip to Redis and no SQL.

The ranker with its vocabulary, the catalogue, placements and rules are immutable; ``State`` is swapped whole when a
version that rode in a request's round trip has moved. Small things (rules, placements, what changed in the
catalogue) are swapped before that very request is answered; large ones (a new generation, a new base) are loaded by a
thread beside, while the old state, whose lists are kept, goes on answering.

Where Redis is away, the newest state goes on; a process that starts then takes its state from files and Postgres. One
that starts while Postgres does not answer either waits for it no longer than ``pulse`` does, answers by what the files
say, and looks again until it has the rest.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import orjson
from django.db import DatabaseError
from threadpoolctl import threadpool_limits

from recommender import (
    artifacts,
    availability,
    catalogue,
    catalogue_changes,
    catalogue_packing,
    generations,
    publish,
    pulse,
    steering,
    store,
)
from recommender.artifacts import AnyRanker
from recommender.catalogue import Catalogue
from recommender.compiled_rules import CompiledRule
from recommender.engine.artifact import ArtifactError
from recommender.generations import StoredGeneration
from recommender.steering import Slot
from recommender.store import Pointer, Reading
from recommender.vocabulary import Vocabulary

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Model:
    """One generation, ready to score: its ranker, the codes it speaks, its stored lists."""

    pointer: Pointer
    ranker: AnyRanker
    vocabulary: Vocabulary
    stored: StoredGeneration

    def ranking(self, column: str) -> np.ndarray:
        """int64: the ranker's own ``trend`` or ``popularity``, best first. Kept."""
        held: dict[str, np.ndarray] = self.__dict__.setdefault("_rankings", {})
        if column not in held:
            make = self.ranker.trending if column == "trend" else self.ranker.popular
            held[column] = np.asarray(make(catalogue.RANKED), np.int64)
        return held[column]

    @property
    def version(self) -> str:
        """As the API names it."""
        return f"{self.stored.manifest.model}-{self.pointer.run}"


@dataclass(frozen=True)
class State:
    """``catalogue`` is in the codes of ``model`` with the changes laid over ``base``. ``is_partial``: Postgres was
    asked for something of it and did not answer."""

    model: Model | None
    base: Catalogue
    catalogue: Catalogue
    slots: dict[str, Slot]
    rules: tuple[CompiledRule, ...]
    versions: dict[str, int] = field(default_factory=dict)
    is_partial: bool = False

    @property
    def generation(self) -> int | None:
        return self.model.pointer.generation if self.model else None


_lock = threading.Lock()
_state: State | None = None
_loading: set[str] = set()
_next_try: dict[str, float] = {}
RETRY_SECONDS = 1.0  # between two tries to load what could not be loaded


def current() -> State:
    """The process's state, loaded on first use."""
    global _state
    if _state is None:
        with _lock:
            if _state is None:
                _state = _first()
    if _state.is_partial:
        _beside("whole", _complete)
    return _state


def forget() -> None:
    """Drop the process's state; the next request loads it anew."""
    global _state
    with _lock:
        _state = None
    load_model.cache_clear()


def sync(reading: Reading) -> State:
    """The state to answer by, after looking at what versions the round trip brought."""
    state = current()
    held, seen = state.versions, reading.versions
    moved = {name for name in ("rules", "placements", "availability") if name in seen and held.get(name) != seen[name]}
    if moved:
        state = _swap(lambda old: _with_small(old, moved, seen))
    if reading.pointer and (state.model is None or reading.pointer != state.model.pointer):
        _beside("model", lambda: load_into_state(pointer=reading.pointer))
    if "catalogue" in seen and held.get("catalogue") != seen["catalogue"]:
        _beside("catalogue", lambda: load_into_state(base=True))
    return state


def load_into_state(*, pointer: Pointer | None = None, base: bool = False) -> State:
    """Load a generation or the catalogue's base and swap it in; what cannot be loaded leaves the state as it is."""
    if pointer is not None:
        try:
            model = _with_pointer(load_model(pointer.generation), pointer)
        except (ArtifactError, generations.NotStored) as error:
            log.error("generation %s cannot serve here: %s", pointer.generation, error)
            return current()
        return _swap(lambda old: _aligned(replace(old, model=model)))
    fresh = availability.load_base() if base else None
    if fresh is None:
        return current()
    version = availability.version_of(fresh)
    return _swap(lambda old: _aligned(replace(old, base=fresh, versions={**old.versions, "catalogue": version})))


@lru_cache(maxsize=3)
def load_model(generation: int) -> Model:
    """A stored generation; raises ``generations.NotStored`` or ``ArtifactError``. Preview asks for others too."""
    stored = StoredGeneration(generation)
    manifest = stored.manifest
    ranker, vocabulary = artifacts.load(manifest.artifact, manifest.sha256)
    if vocabulary.digest != manifest.vocabulary:
        raise ArtifactError(expected=f"vocabulary {manifest.vocabulary}", received=vocabulary.digest)
    return Model(Pointer(0, generation, manifest.run), ranker, vocabulary, stored)


def with_model(state: State, generation: int) -> State:
    """``state`` as if ``generation`` served: for the preview of another model."""
    if state.generation == generation:
        return state
    return _aligned(replace(state, model=load_model(generation)))


# --- Loading ---


def _first() -> State:
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
    return _aligned(state)


def _complete() -> None:
    """Load the whole state once Postgres answers."""
    global _state
    with contextlib.suppress(DatabaseError):
        pulse.ask(pulse.feel)
        fresh = _first()
        if not fresh.is_partial:
            with _lock:
                # Neither over a whole state nor for one that was dropped: those are newer than what was asked here.
                if _state is not None and _state.is_partial:
                    _state = fresh


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
    if pointer is None:
        return None
    try:
        return _with_pointer(load_model(pointer.generation), pointer)
    except (ArtifactError, generations.NotStored) as error:
        log.error("generation %s cannot serve here: %s", pointer.generation, error)
        return None


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
    try:
        return store.versions()
    except store.StoreDown:
        return {}


def _with_small(old: State, moved: Set[str], seen: dict[str, int]) -> State:
    """The state with the moved small values; one that cannot be read keeps its old value and its old version."""
    state = old
    for name in sorted(moved):
        try:
            body = store.shared(name)
        except store.StoreDown:
            continue
        if body is None:
            continue
        if name == "rules":
            state = replace(state, rules=steering.as_rules(orjson.loads(body)))
        elif name == "placements":
            state = replace(state, slots=steering.as_slots(orjson.loads(body)))
        else:
            changes = catalogue_packing.unpack_changes(body)
            state = replace(state, catalogue=catalogue_changes.changed(_in_codes(state), changes))
        state = replace(state, versions={**state.versions, name: seen[name]})
    return state


def _aligned(state: State) -> State:
    """The catalogue in the codes of the model, with the newest changes."""
    return replace(state, catalogue=catalogue_changes.changed(_in_codes(state), availability.load_changes()))


def _in_codes(state: State) -> Catalogue:
    ids = state.model.vocabulary.product_ids if state.model else np.zeros(0, np.int64)
    return _align(state.base, ids)


_last_aligned: tuple[Catalogue, np.ndarray, Catalogue] | None = None


def _align(base: Catalogue, product_ids: np.ndarray) -> Catalogue:
    """``catalogue.aligned``, remembered: changes come every few seconds, a base or a vocabulary seldom."""
    global _last_aligned
    if _last_aligned and _last_aligned[0] is base and _last_aligned[1] is product_ids:
        return _last_aligned[2]
    fresh = catalogue_changes.aligned(base, product_ids)
    _last_aligned = (base, product_ids, fresh)
    return fresh


def _with_pointer(model: Model, pointer: Pointer) -> Model:
    return replace(model, pointer=pointer)


def _swap(make: Callable[[State], State]) -> State:
    global _state
    with _lock:
        _state = make(_state or _first())
        return _state


def _beside(name: str, load: Callable[[], object]) -> None:
    """Run ``load`` in a thread, one of each name at a time."""
    with _lock:
        if name in _loading or time.monotonic() < _next_try.get(name, 0.0):
            return
        _loading.add(name)

    def run() -> None:
        try:
            load()
        finally:
            with _lock:
                _loading.discard(name)
                _next_try[name] = time.monotonic() + RETRY_SECONDS

    threading.Thread(target=run, daemon=True, name=f"load-{name}").start()
