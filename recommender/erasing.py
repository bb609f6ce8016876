"""Erasing a person from what is made for them: lists and histories in Redis and on disk, answered lists, experiments.

Files of a generation are mapped by every serving process, so bytes are overwritten in place and nothing moves. A
generation that is being made meanwhile knows them still: ``blank_late`` takes them out before it can serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from behavior import erasing
from behavior.models import Erasure
from recommender import generations, served, store
from recommender.models import ExperimentDay, Generation, ServedList, ShadowList
from recommender.posted import kind_and_id

COMMITTED_LATE = timedelta(seconds=10)  # a receipt says when it was written; its deletions are seen by others later
#: Generations whose lists lie somewhere, or will.
HELD = (Generation.Status.BUILDING, Generation.Status.READY)


def erase(subjects: Sequence[str], shopper_ids: Sequence[int]) -> dict[str, int]:
    """Remove what there is of them; returns how many of what. Doing it again finds nothing.

    Raises ``store.StoreDown`` where Redis does not answer; everything else is gone then.
    """
    erased = dict.fromkeys(("answered_lists", "shadow_lists", "experiment_days", "stored_lists"), 0)
    for generation in _held():
        erased["stored_lists"] += generations.blank(generation, subjects)
    served.store_all()
    for subject in subjects:
        kind, external_id = kind_and_id(subject)
        who = {"shopper_kind": kind, "shopper_external_id": external_id}
        erased["answered_lists"] += ServedList.objects.filter(**who).delete()[0]
        erased["experiment_days"] += ExperimentDay.objects.filter(**who).delete()[0]
    erased["shadow_lists"] = ShadowList.objects.filter(shopper_id__in=list(shopper_ids)).delete()[0]
    for subject in subjects:
        store.forget(subject, _held())
    store.forget_arrivals()
    return erased


def remaining(subjects: Sequence[str], shopper_ids: Sequence[int]) -> dict[str, int]:
    """What is still there of them, by the names of :func:`erase`. Raises ``store.StoreDown``."""
    answered = experiments = 0
    for subject in subjects:
        kind, external_id = kind_and_id(subject)
        who = {"shopper_kind": kind, "shopper_external_id": external_id}
        answered += ServedList.objects.filter(**who).count()
        experiments += ExperimentDay.objects.filter(**who).count()
    stored = sum(generations.holds(generation, subjects) for generation in _held())
    return {
        "answered_lists": answered,
        "shadow_lists": ShadowList.objects.filter(shopper_id__in=list(shopper_ids)).count(),
        "experiment_days": experiments,
        "stored_lists": stored,
        "in_redis": sum(store.traces(subject, _held()) for subject in subjects),
    }


def blank_late(generation: int, *, since: datetime) -> int:
    """Take out of a generation that was just made whoever was erased after its data was read; returns how many."""
    rows = Erasure.objects.filter(at__gte=since - COMMITTED_LATE)
    erased = {digest for row in rows for digest in row.digests}
    if not erased:
        return 0
    subjects = generations.StoredGeneration(generation).subjects
    late = [subject for subject in subjects if erasing.digest(subject) in erased]
    generations.blank(generation, late)
    for subject in late:
        store.forget(subject, [generation])
    return len(late)


def _held() -> list[int]:
    return list(Generation.objects.filter(status__in=HELD).values_list("pk", flat=True))
