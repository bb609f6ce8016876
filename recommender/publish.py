"""A generation: score every shopper in batches, write the lists aside, check them, switch.

1. the rows of ``Generation`` and, step by step, the files under MODEL_DIR and the keys in Redis (with a TTL);
2. a sample is read back and compared;
3. the manifest is written: from here on the generation is whole;
4. in one transaction, fenced by the run: ``Switch`` gets its next number;
5. the pointer in Redis moves to it by compare-and-set.

Killed before 4, the old generation serves on and the half-built one dies by its TTL. The pointer moves only once 4 is
committed, so nobody is served by a row that was rolled back; killed between 4 and 5, the reconciler moves the pointer.
A Redis that is down stops nothing: the lists are on disk and are put there later.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from recommender import artifacts, generations, packing, store
from recommender.artifacts import AnyRanker
from recommender.dataset import DAY, Snapshot
from recommender.engine.interactions import Histories
from recommender.generations import Manifest, StoredGeneration, Writer
from recommender.models import Generation, Switch, TrainingPlan, TrainingRun
from recommender.packing import StoredHistory, StoredList
from recommender.store import Pointer
from recommender.vocabulary import Vocabulary

log = logging.getLogger(__name__)

POOL = 300
BATCH = 256
SAMPLE = 50
#: One switch at a time, whatever process asks.
SWITCH_LOCK = 0x52535731


class StaleRun(Exception):
    """A run that is no longer allowed to switch: a newer one has, or somebody else works on it."""


class BadGeneration(Exception):
    """What was read back is not what was written."""


def publish(
    run: TrainingRun,
    ranker: AnyRanker,
    snapshot: Snapshot,
    *,
    model_name: str,
    artifact: str,
    sha256: str,
    report: Callable[[float], None] = lambda done: None,
) -> Switch:
    """Build a generation of ``ranker`` for everyone in ``snapshot`` and switch to it.

    Raises :class:`StaleRun`, :class:`BadGeneration` or ``store.StoreFull``; then the old generation serves on.
    """
    generation = make(
        run, ranker, snapshot, model_name=model_name, artifact=artifact, sha256=sha256, report=report, in_redis=True
    )
    switch = switch_to(generation, reason="published", fence=run.pk, attempts=run.attempts)
    retire_old()
    return switch


def make(
    run: TrainingRun,
    ranker: AnyRanker,
    snapshot: Snapshot,
    *,
    model_name: str,
    artifact: str,
    sha256: str,
    report: Callable[[float], None] = lambda done: None,
    in_redis: bool = False,
) -> Generation:
    """Build a whole generation and switch to nothing; on disk only, unless ``in_redis``.

    Raises :class:`BadGeneration` or ``store.StoreFull``.
    """
    generation = Generation.objects.create(
        run=run, model_name=model_name, as_of=_moment(snapshot.now), shoppers_total=len(snapshot)
    )
    try:
        manifest = build(
            generation, ranker, snapshot, artifact=artifact, sha256=sha256, report=report, in_redis=in_redis
        )
    except (BadGeneration, store.StoreFull) as error:
        Generation.objects.filter(pk=generation.pk).update(status=Generation.Status.FAILED, error=str(error))
        raise
    Generation.objects.filter(pk=generation.pk).update(
        status=Generation.Status.READY,
        manifest=manifest.to_dict(),
        folder=f"generations/{generation.pk}",
        shoppers_done=manifest.shoppers,
        ready_at=timezone.now(),
    )
    generation.refresh_from_db()
    return generation


def build(
    generation: Generation,
    ranker: AnyRanker,
    snapshot: Snapshot,
    *,
    artifact: str,
    sha256: str,
    report: Callable[[float], None] = lambda done: None,
    in_redis: bool = True,
) -> Manifest:
    """Write everybody's list and history to disk and to Redis under ``generation``, and check a sample."""
    writer = Writer(generation.pk)
    made_at = time.time()
    total, reachable = 0, in_redis and _has_room(snapshot)
    try:
        for rows in score(ranker, snapshot, made_at):
            for row in rows:
                writer.add(*row)
                total += len(row[1]) + len(row[2])
            reachable = reachable and _write(generation.pk, rows)
            report(len(writer.subjects) / max(len(snapshot), 1))
            Generation.objects.filter(pk=generation.pk).update(shoppers_done=len(writer.subjects))
        manifest = Manifest(
            generation=generation.pk,
            run=generation.run_id,
            model=generation.model_name,
            artifact=artifact,
            sha256=sha256,
            vocabulary=snapshot.vocabulary.digest,
            as_of=snapshot.now * DAY,
            made_at=made_at,
            shoppers=len(writer.subjects),
            bytes=total,
            pool=POOL,
        )
        writer.close(manifest)
    except BaseException:
        writer.discard()
        raise
    check(generation.pk, in_redis=reachable)
    if reachable:
        store.put_manifest(generation.pk, manifest.to_dict())
    return manifest


def score(ranker: AnyRanker, snapshot: Snapshot, made_at: float) -> Iterator[list[tuple[str, bytes, bytes]]]:
    """Batches of (subject, packed list, packed history) for everyone in ``snapshot``."""
    sellable = snapshot.data.items.sellable
    for start in range(0, len(snapshot), BATCH):
        shoppers = np.arange(start, min(start + BATCH, len(snapshot)))
        batch, hashes = snapshot.histories(shoppers)
        codes, scores = ranker.recommend(batch, snapshot.now, k=POOL, sellable=sellable)
        rows = []
        for place, shopper in enumerate(shoppers.tolist()):
            subject = snapshot.subjects[shopper]
            pool = pack_pool(codes[place], scores[place], made_at, snapshot.segments[shopper])
            history = _history(batch, hashes, place, snapshot.vocabulary)
            rows.append((subject, pool, packing.pack_history(history)))
        yield rows


def pack_pool(codes: np.ndarray, scores: np.ndarray, made_at: float, segment: str) -> bytes:
    """One shopper's row of ``Ranker.recommend``, without its padding."""
    real = codes >= 0
    return packing.pack_list(StoredList(codes[real], scores[real], made_at, segment))


def check(generation: int, *, in_redis: bool) -> None:
    """Read a sample back from disk and Redis; raises :class:`BadGeneration`."""
    stored = StoredGeneration(generation)
    step = max(1, len(stored.subjects) // SAMPLE)
    chosen = stored.subjects[::step]
    held = store.read_many(chosen, generation) if in_redis else {}
    for subject in chosen:
        on_disk = packing.unpack_list(stored.of(subject)[0])
        if on_disk is None or not np.isfinite(on_disk.scores).all():
            raise BadGeneration(f"expected a readable list of {subject!r} on disk, found none")
        in_memory = held[subject][0] if in_redis else on_disk
        if in_memory is None or not np.array_equal(in_memory.codes, on_disk.codes):
            raise BadGeneration(f"expected the list of {subject!r} in Redis as on disk, found another or none")


def switch_to(
    generation: Generation, *, reason: str, fence: int, attempts: int | None = None, by: User | None = None
) -> Switch:
    """Let ``generation`` serve: the next switch number in Postgres and, after its commit, the pointer in Redis. Inside
    a caller's transaction that is when the caller's commits; one that is rolled back leaves the pointer where it was.

    With ``attempts`` the caller is a training run and must still be the one that works on it; ``fence`` keeps a
    run that was overtaken by a newer one from switching back. Raises :class:`StaleRun`.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SWITCH_LOCK])
        if attempts is not None:
            _require_current(generation.run_id, attempts, fence)
        switch = Switch.objects.create(generation=generation, reason=reason, by=by, fence=fence)
        transaction.on_commit(lambda: move_pointer(switch))
    return switch


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


def serving() -> Switch | None:
    """The newest switch: what serves, by the only truth."""
    return Switch.objects.select_related("generation__run").first()


def republish(generation: Generation, *, report: Callable[[float], None] = lambda done: None) -> int:
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


def _require_current(run_id: int, attempts: int, fence: int) -> None:
    run = TrainingRun.objects.select_for_update().get(pk=run_id)
    if run.status != TrainingRun.Status.RUNNING or run.attempts != attempts:
        raise StaleRun(f"run {run_id}: expected attempt {attempts} to be running, found {run.status} {run.attempts}")
    newest = Switch.objects.filter(reason="published").order_by("-fence").values_list("fence", flat=True).first() or 0
    if fence < newest:
        raise StaleRun(f"run {run_id}: run {newest} has published since")


def _has_room(snapshot: Snapshot) -> bool:
    """Whether to write to Redis at all; raises ``StoreFull`` where it would not fit."""
    try:
        store.require_memory(2048 * len(snapshot) + 6 * len(snapshot.data.interactions))
    except store.StoreFull:
        raise
    except store.StoreDown:
        return False
    return True


def _write(generation: int, rows: list[tuple[str, bytes, bytes]]) -> bool:
    try:
        store.write_lists(generation, iter(rows))
    except store.StoreFull:
        raise
    except store.StoreDown:
        return False
    return True


def _history(batch: Histories, hashes: np.ndarray, place: int, vocabulary: Vocabulary) -> StoredHistory:
    part = slice(int(batch.offsets[place]), int(batch.offsets[place + 1]))
    attributes = [int(batch.attributes[name][place]) for name in vocabulary.attributes]
    return StoredHistory(batch.events.select(part), hashes[part], np.array(attributes, np.int32))


def _moment(days: float) -> datetime:
    return datetime.fromtimestamp(days * DAY, UTC)


def model_dir_free_bytes() -> int:
    """What is left on the disk of MODEL_DIR."""
    return shutil.disk_usage(settings.MODEL_DIR).free
