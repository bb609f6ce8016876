"""Making a generation: score every shopper in batches, write the lists aside, check a sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

import numpy as np
from django.utils import timezone

from recommender import erasing, packing, store
from recommender.artifacts import AnyRanker
from recommender.dataset import DAY, Snapshot
from recommender.engine.interactions import Histories
from recommender.generations import Manifest, StoredGeneration, Writer
from recommender.models import Generation, Switch, TrainingRun
from recommender.packing import StoredHistory, StoredList
from recommender.publish.keeping import retire_old
from recommender.publish.switching import switch_to
from recommender.vocabulary import Vocabulary

POOL = 300  # products of a stored list
BATCH = 256  # shoppers that are scored at once
SAMPLE = 50  # lists, about, that are read back
#: What a generation is taken to need in Redis before it is made: bytes of each shopper, of each event.
SHOPPER_BYTES, EVENT_BYTES = 2048, 6

Row = tuple[str, bytes, bytes]  # subject, packed list, packed history


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
        manifest = _build(
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
    # Whoever was erased since the data was read must not come back by it; from here on ``erasing.erase`` finds them.
    _reached(partial(erasing.blank_late, generation.pk, since=run.started_at or run.created_at))
    generation.refresh_from_db()
    return generation


def _build(
    generation: Generation,
    ranker: AnyRanker,
    snapshot: Snapshot,
    *,
    artifact: str,
    sha256: str,
    report: Callable[[float], None],
    in_redis: bool,
) -> Manifest:
    """Write everybody's list and history to disk and, as long as it listens, to Redis, and check a sample."""
    writer = Writer(generation.pk)
    made_at = time.time()
    total, reachable = 0, in_redis and _reached(store.require_memory, _bytes_of(snapshot))
    try:
        for rows in score(ranker, snapshot, made_at):
            for row in rows:
                writer.add(*row)
                total += len(row[1]) + len(row[2])
            reachable = reachable and _reached(store.write_lists, generation.pk, rows)
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
    sample = _check(generation.pk)
    if reachable and _reached(_check_in_redis, generation.pk, sample):
        _reached(store.put_manifest, generation.pk, manifest.to_dict())
    return manifest


def score(ranker: AnyRanker, snapshot: Snapshot, made_at: float) -> Iterator[list[Row]]:
    """Batches of rows for everyone in ``snapshot``."""
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


def _check(generation: int) -> dict[str, StoredList]:
    """A sample of the lists, read back from disk; raises :class:`BadGeneration`."""
    stored = StoredGeneration(generation)
    lists = {}
    for subject in stored.subjects[:: max(1, len(stored.subjects) // SAMPLE)]:
        found = packing.unpack_list(stored.of(subject)[0])
        if found is None or not np.isfinite(found.scores).all():
            raise BadGeneration(f"expected a readable list of {subject!r} on disk, found none")
        lists[subject] = found
    return lists


def _check_in_redis(generation: int, on_disk: Mapping[str, StoredList]) -> None:
    """Hold the sample against what Redis has of it; raises :class:`BadGeneration`."""
    held = store.read_many(list(on_disk), generation)
    for subject, stored in on_disk.items():
        found, _ = held[subject]
        if found is None or not np.array_equal(found.codes, stored.codes):
            raise BadGeneration(f"expected the list of {subject!r} in Redis as on disk, found another or none")


def _reached(ask: Callable[..., object], *values: object) -> bool:
    """Whether Redis answered. One that is full must not get a generation: raises ``store.StoreFull``."""
    try:
        ask(*values)
    except store.StoreFull:
        raise
    except store.StoreDown:
        return False
    return True


def _bytes_of(snapshot: Snapshot) -> int:
    return SHOPPER_BYTES * len(snapshot) + EVENT_BYTES * len(snapshot.data.interactions)


def _history(batch: Histories, hashes: np.ndarray, place: int, vocabulary: Vocabulary) -> StoredHistory:
    part = slice(int(batch.offsets[place]), int(batch.offsets[place + 1]))
    attributes = [int(batch.attributes[name][place]) for name in vocabulary.attributes]
    return StoredHistory(batch.events.select(part), hashes[part], np.array(attributes, np.int32))


def _moment(days: float) -> datetime:
    return datetime.fromtimestamp(days * DAY, UTC)
