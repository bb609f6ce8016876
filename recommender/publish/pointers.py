"""What serves: by Postgres, which is the truth, by the pointer in Redis and by a file, which follow it."""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings

from recommender import store
from recommender.models import Switch
from recommender.queries import serving
from recommender.store import Pointer

log = logging.getLogger(__name__)


def pointer_of(switch: Switch) -> Pointer:
    """What Redis is to say while ``switch`` is the newest."""
    return Pointer(switch.number, switch.generation_id, switch.generation.run_id)


def move_pointer(switch: Switch) -> bool:
    """Tell Redis of a committed switch; whether it listened. The reconciler repeats this until it did."""
    pointer = pointer_of(switch)
    _write_down(pointer)
    try:
        return store.move_pointer(pointer)
    except store.StoreDown:
        return False


def mend_pointer() -> bool:
    """Let Redis point to what Postgres says; whether it had to be moved. Raises ``store.StoreDown``.

    A pointer behind the row missed its switch. One ahead of it is of a row that Postgres does not have (any more: it
    was restored from a copy); the pointer is read first, for the row of a sound one is committed by then.
    """
    seen = store.pointer()
    switch = serving()
    if switch is None or seen == pointer_of(switch):
        return False
    if seen is None or seen.switch < switch.number:
        return move_pointer(switch)
    log.warning("the pointer %s is of no switch in Postgres: set back to %s", seen, pointer_of(switch))
    _write_down(pointer_of(switch), even_back=True)
    return store.set_pointer_back(pointer_of(switch), seen=seen)


def written_pointer() -> Pointer | None:
    """What served last by the file, for a process that starts while neither Redis nor Postgres answers."""
    file = _pointer_file()
    return Pointer.parse(file.read_bytes()) if file.exists() else None


def _write_down(pointer: Pointer, *, even_back: bool = False) -> None:
    """Best effort: the switch is committed, and a full disk must not keep Redis from hearing of it."""
    file = _pointer_file()
    try:
        known = written_pointer()
        if known is not None and known.switch >= pointer.switch and not even_back:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}-{pointer.switch}")
        aside.write_text(str(pointer))
        aside.rename(file)
    except OSError as error:
        log.warning("what serves could not be written to %s: %s", file, error)


def _pointer_file() -> Path:
    return Path(settings.MODEL_DIR) / "serving"
