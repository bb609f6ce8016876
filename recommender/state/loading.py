"""The parts of a state: a stored generation, the small shared values, the catalogue in the codes of the model."""

from __future__ import annotations

import logging
from collections.abc import Set
from dataclasses import replace
from functools import lru_cache

import numpy as np
import orjson

from recommender import artifacts, availability, catalogue_changes, catalogue_packing, generations, steering, store
from recommender.catalogue import Catalogue
from recommender.engine.artifact import ArtifactError
from recommender.generations import StoredGeneration
from recommender.state.held import Model, State
from recommender.store import Pointer

log = logging.getLogger(__name__)


@lru_cache(maxsize=3)
def load_model(generation: int) -> Model:
    """A stored generation; raises ``generations.NotStored`` or ``ArtifactError``. Preview asks for others too."""
    stored = StoredGeneration(generation)
    manifest = stored.manifest
    ranker, vocabulary = artifacts.load(manifest.artifact, manifest.sha256)
    if vocabulary.digest != manifest.vocabulary:
        raise ArtifactError(expected=f"vocabulary {manifest.vocabulary}", received=vocabulary.digest)
    return Model(Pointer(0, generation, manifest.run), ranker, vocabulary, stored)


def model_of(pointer: Pointer) -> Model | None:
    """The generation that the pointer names; None, and a line in the log, where it cannot serve here."""
    try:
        return replace(load_model(pointer.generation), pointer=pointer)
    except (ArtifactError, generations.NotStored) as error:
        log.error("generation %s cannot serve here: %s", pointer.generation, error)
        return None


def with_model(state: State, generation: int) -> State:
    """``state`` as if ``generation`` served: for the preview of another model."""
    if state.generation == generation:
        return state
    return aligned(replace(state, model=load_model(generation)))


def with_small(old: State, moved: Set[str], seen: dict[str, int]) -> State:
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


def aligned(state: State) -> State:
    """The catalogue in the codes of the model, with the newest changes."""
    return replace(state, catalogue=catalogue_changes.changed(_in_codes(state), availability.load_changes()))


def _in_codes(state: State) -> Catalogue:
    ids = state.model.vocabulary.product_ids if state.model else np.zeros(0, np.int64)
    return _align(state.base, ids)


_last: tuple[Catalogue, np.ndarray, Catalogue] | None = None


def _align(base: Catalogue, product_ids: np.ndarray) -> Catalogue:
    """``catalogue_changes.aligned``, remembered: changes come every few seconds, a base or a vocabulary seldom."""
    global _last
    if _last and _last[0] is base and _last[1] is product_ids:
        return _last[2]
    fresh = catalogue_changes.aligned(base, product_ids)
    _last = (base, product_ids, fresh)
    return fresh


def forget() -> None:
    """Drop what is remembered of earlier loads."""
    global _last
    _last = None
    load_model.cache_clear()
