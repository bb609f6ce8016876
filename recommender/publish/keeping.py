"""The lists of generations that have served: put into Redis again, removed when nobody will read them."""

from __future__ import annotations

import contextlib

from recommender import artifacts, generations, store
from recommender.generations import StoredGeneration
from recommender.models import Generation, TrainingPlan


def republish(generation: Generation) -> int:
    """Fill Redis from the stored files; returns how many shoppers. Raises ``generations.NotStored``."""
    stored = StoredGeneration(generation.pk)
    store.require_memory(stored.manifest.bytes)
    written = store.write_lists(generation.pk, stored.rows())
    store.put_manifest(generation.pk, stored.manifest.to_dict())
    return written


def retire_old() -> list[int]:
    """Remove the lists, in Redis and on disk, of all generations but the last that served and the newest that has
    not served yet (a run that was to be kept or is in shadow)."""
    ready = Generation.objects.filter(status=Generation.Status.READY)
    kept = [*artifacts.kept_generations(), *ready.filter(switches=None).values_list("pk", flat=True)[:1]]
    retired = []
    for generation in ready.exclude(pk__in=kept).exclude(run__in=_in_shadow()):
        Generation.objects.filter(pk=generation.pk).update(status=Generation.Status.RETIRED)
        remove_lists(generation)
        retired.append(generation.pk)
    return retired


def remove_lists(generation: Generation) -> None:
    """The files and keys of a generation that nobody will read again."""
    generations.remove(generation.pk)
    with contextlib.suppress(store.StoreDown):  # they have a TTL
        store.drop_generation(generation.pk)


def _in_shadow() -> list[int]:
    return list(TrainingPlan.objects.exclude(shadow_run=None).values_list("shadow_run", flat=True))
