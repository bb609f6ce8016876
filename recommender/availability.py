"""What changed in the catalogue reaches every serving process within seconds, whoever changed it.

A small loop in the worker looks at ``Product.updated_at`` (so imports, admin and API need no signals) and puts two
values into Redis: the packed *base* of the whole catalogue, also kept as a file for a start without Redis, and the
*changes* since then. Changes that grow beyond ``MANY`` become a new base.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from recommender import catalogue, catalogue_packing, store
from recommender.catalogue import Catalogue

MANY = 2_000
#: Seconds between two looks at the whole log for whether nameless products are still rare.
STUBS_LOOK = 600
#: A long import commits rows that it stamped at its start: the look goes back this far behind the base, and
#: what the base already has as it is (by its stamp) is left out.
LOOK_BACK = 1_800.0
FILE = "catalogue.bin"


def file() -> Path:
    return Path(settings.MODEL_DIR) / FILE


def publish_base() -> Catalogue:
    """Read the whole catalogue and publish it. Best effort towards Redis: the file is there in any case."""
    base = catalogue.read(time.time())
    _are_stubs_rare.cache_clear()
    body = catalogue_packing.pack(base)
    target = file()
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{FILE}")
    aside.write_bytes(body)
    aside.rename(target)
    try:
        store.put_shared("catalogue", body, version_of(base))
        store.put_shared("availability", catalogue_packing.pack_changes([]), _now())
    except store.StoreDown:
        pass  # publish_changes puts it there once Redis is back
    return base


def publish_changes() -> int:
    """Publish what has changed since the base; returns how many products. Raises ``store.StoreDown``."""
    version = store.versions().get("catalogue")
    base = _base(version) if version else None
    if base is None or base.without_stubs != _are_stubs_rare(int(time.time() // STUBS_LOOK)):
        return len(publish_base())
    ids, stamps = catalogue.read_stamps(datetime.fromtimestamp(base.made_at - LOOK_BACK, UTC))
    codes = base.codes(ids)
    known = codes >= 0
    same = np.zeros(len(ids), bool)
    same[known] = base.stamps[codes[known]] == stamps[known]
    fresh = ids[~same]
    if len(fresh) > MANY:
        return len(publish_base())
    body = catalogue_packing.pack_changes(_products(fresh, base) if len(fresh) else [])
    if store.shared("availability") != body:
        store.put_shared("availability", body, _now())
    return len(fresh)


def _products(ids: np.ndarray, base: Catalogue) -> list[catalogue.Change]:
    return catalogue.read_products(ids.tolist(), without_stubs=base.without_stubs)


@lru_cache(maxsize=1)
def _are_stubs_rare(look: int) -> bool:
    """As the log said at this look, the number of which is of no other use."""
    return catalogue.are_stubs_rare()


@lru_cache(maxsize=1)
def _base(version: int) -> Catalogue | None:
    """The base of this version, kept by the worker between two looks."""
    body = store.shared("catalogue")
    base = None if body is None else catalogue_packing.unpack(body)
    return base if base is not None and version_of(base) == version else None


def version_of(base: Catalogue) -> int:
    return int(base.made_at * 1e6)


def load_base() -> Catalogue | None:
    """The newest base that can be had without SQL: Redis, else the file."""
    try:
        body = store.shared("catalogue")
    except store.StoreDown:
        body = None
    if body is None and file().exists():
        body = file().read_bytes()
    return None if body is None else catalogue_packing.unpack(body)


def load_changes() -> list[catalogue.Change]:
    """What has changed since the base; empty where Redis cannot be asked."""
    try:
        body = store.shared("availability")
    except store.StoreDown:
        return []
    return [] if body is None else catalogue_packing.unpack_changes(body)


def _now() -> int:
    return int(time.time() * 1e6)
