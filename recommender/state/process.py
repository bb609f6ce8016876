"""The state of this process, and how it is swapped."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from django.db import DatabaseError

from recommender import availability, pulse
from recommender.state import loading
from recommender.state.held import State
from recommender.state.loading import aligned, model_of, with_small
from recommender.state.starting import first
from recommender.store import Pointer, Reading

RETRY_SECONDS = 1.0  # between two tries to load what could not be loaded

_lock = threading.Lock()
_state: State | None = None
_loading: set[str] = set()
_next_try: dict[str, float] = {}


def current() -> State:
    """The process's state, loaded on first use."""
    global _state
    if _state is None:
        with _lock:
            if _state is None:
                _state = first()
    if _state.is_partial:
        _beside("whole", _complete)
    return _state


def forget() -> None:
    """Drop the process's state; the next request loads it anew."""
    global _state
    with _lock:
        _state = None
    loading.forget()


def sync(reading: Reading) -> State:
    """The state to answer by, after looking at what versions the round trip brought."""
    state = current()
    held, seen = state.versions, reading.versions
    moved = {name for name in ("rules", "placements", "availability") if name in seen and held.get(name) != seen[name]}
    if moved:
        state = _swap(lambda old: with_small(old, moved, seen))
    pointer = reading.pointer
    if pointer and (state.model is None or pointer != state.model.pointer):
        _beside("model", lambda: load_generation(pointer))
    if "catalogue" in seen and held.get("catalogue") != seen["catalogue"]:
        _beside("catalogue", _load_catalogue)
    return state


def load_generation(pointer: Pointer) -> State:
    """Let the process serve what the pointer names; a generation that cannot be loaded leaves the state as it is."""
    model = model_of(pointer)
    if model is None:
        return current()
    return _swap(lambda old: aligned(replace(old, model=model)))


def _load_catalogue() -> None:
    """Swap in the newest base of the catalogue, where one can be had without Postgres."""
    fresh = availability.load_base()
    if fresh is not None:
        version = availability.version_of(fresh)
        _swap(lambda old: aligned(replace(old, base=fresh, versions={**old.versions, "catalogue": version})))


def _complete() -> None:
    """Load the whole state once Postgres answers."""
    global _state
    with contextlib.suppress(DatabaseError):
        pulse.ask(pulse.feel)
        fresh = first()
        if not fresh.is_partial:
            with _lock:
                # Neither over a whole state nor for one that was dropped: those are newer than what was asked here.
                if _state is not None and _state.is_partial:
                    _state = fresh


def _swap(make: Callable[[State], State]) -> State:
    global _state
    with _lock:
        _state = make(_state or first())
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
