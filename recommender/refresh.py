"""A fresh list of one shopper or visitor after a burst of events: the whole catalogue's candidates again."""

from __future__ import annotations

import time

from behavior.models import Shopper
from recommender import dataset, packing, publish, state, store
from recommender.live import clock
from recommender.posted import kind_and_id


def refresh(subject: str) -> bool:
    """Whether a list was written: not where no model serves, the subject is gone or may not be profiled."""
    store.start_refresh(subject)
    pointer = store.pointer()
    held = state.current()
    if pointer and held.generation != pointer.generation:
        held = state.load_generation(pointer)
    kind, external_id = kind_and_id(subject)
    person = (
        Shopper.objects.filter(kind=kind, external_id=external_id)
        .exclude(consent=False)
        .select_related("profile")
        .first()
    )
    if held.model is None or person is None:
        return False
    model = held.model
    history = dataset.read_histories([person.pk], model.vocabulary).get(person.pk)
    if history is None or not len(history.events):
        return False
    made_at = time.time()
    sellable = held.catalogue.sellable[: model.ranker.n_items]
    histories = dataset.as_histories([history], model.vocabulary)
    codes, scores = model.ranker.recommend(histories, clock(model, made_at), k=publish.POOL, sellable=sellable)
    segment = person.profile.segment if hasattr(person, "profile") else ""
    row = (subject, publish.pack_pool(codes[0], scores[0], made_at, segment), packing.pack_history(history))
    store.write_lists(model.pointer.generation, [row])
    return True
