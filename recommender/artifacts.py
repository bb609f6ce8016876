"""A model on disk: a folder under MODEL_DIR with the ranker's files and the vocabulary of its codes, and how long it
stays there (``RULE``)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from recommender.engine import artifact, plain
from recommender.engine.interactions import Histories
from recommender.engine.plain import PlainRanker
from recommender.engine.ranker import Ranker
from recommender.models import Generation, Switch, TrainingPlan, TrainingRun
from recommender.vocabulary import Vocabulary

AnyRanker = Ranker | PlainRanker

KEPT_GENERATIONS = 2  # that served, the serving one included: what a roll-back goes to
KEPT_RUNS = 5
KEPT_FOR = timedelta(days=30)
RULE = (
    f"Kept: the model that serves, the last {KEPT_GENERATIONS} that served, one in shadow, and the last {KEPT_RUNS} "
    f"that passed the gate. The files of all others are deleted {KEPT_FOR.days} days after their run ended; what was "
    "measured stays."
)


def path(folder: str) -> Path:
    """Where ``folder`` (as rows name it) lies."""
    return Path(settings.MODEL_DIR) / folder


def save(ranker: AnyRanker, vocabulary: Vocabulary, folder: str, meta: Mapping[str, Any]) -> str:
    """Write model and vocabulary; returns the SHA-256 that :func:`load` demands."""
    target = path(folder)
    target.mkdir(parents=True, exist_ok=True)
    if isinstance(ranker, PlainRanker):
        ranker.save(target)
        sha256 = hashlib.sha256((target / plain.FILE).read_bytes()).hexdigest()
    else:
        named = {**meta, "items": list(vocabulary.item_ids), "vocabulary": vocabulary.digest}
        sha256 = artifact.save(ranker, target, named)
    vocabulary.save(target)
    return sha256


def load(folder: str, sha256: str | None) -> tuple[AnyRanker, Vocabulary]:
    """Raises :class:`artifact.ArtifactError` where the files are missing, cut or not those that were saved."""
    source = path(folder)
    try:
        if (source / plain.FILE).exists():
            found = hashlib.sha256((source / plain.FILE).read_bytes()).hexdigest()
            if sha256 and found != sha256:
                raise artifact.ArtifactError(expected=sha256, received=found)
            return PlainRanker.load(source), Vocabulary.load(source)
        return artifact.load(source, sha256=sha256), Vocabulary.load(source)
    except OSError as error:
        raise artifact.ArtifactError(expected=f"a model in {source}", received=str(error)) from error


def remove(folder: str) -> None:
    """Delete the files; nothing is there afterwards, whatever was before."""
    shutil.rmtree(path(folder), ignore_errors=True)


# --- How long it stays ---


def kept_generations() -> list[int]:
    """The last generations that served, the serving one first."""
    served = Switch.objects.order_by("-number").values_list("generation_id", flat=True)[:200]
    return list(dict.fromkeys(served))[:KEPT_GENERATIONS]


def needed_for(run: TrainingRun) -> str | None:
    """Why the run's files must stay, as the end of a sentence; None where they need not."""
    kept = kept_generations()
    owners = dict(Generation.objects.filter(pk__in=kept).values_list("pk", "run_id"))
    if kept and owners[kept[0]] == run.pk:
        return "serves"
    if run.pk in owners.values():
        return "is kept for a roll-back"
    if TrainingPlan.objects.filter(shadow_run=run).exists():
        return "is scored in shadow"
    if begun := TrainingRun.objects.filter(status__in=TrainingRun.ACTIVE, warm_start=run).first():
        return f"is what {begun} begins with"
    passed = TrainingRun.objects.filter(status=TrainingRun.Status.SUCCEEDED).exclude(artifact="")
    if run.status == TrainingRun.Status.SUCCEEDED and run.artifact and not passed.exclude(pk=run.pk).exists():
        return "is the only one that passed the gate"
    return None


def due(now: datetime) -> list[TrainingRun]:
    """The runs whose files go by ``RULE``, oldest first."""
    ended = TrainingRun.objects.exclude(status__in=TrainingRun.ACTIVE).filter(artifact_deleted_at=None)
    passed = TrainingRun.objects.filter(status=TrainingRun.Status.SUCCEEDED).order_by("-pk")
    recent = list(passed.values_list("pk", flat=True)[:KEPT_RUNS])
    old = ended.filter(finished_at__lt=now - KEPT_FOR).exclude(pk__in=recent).order_by("pk")
    return [run for run in old if needed_for(run) is None]


def scores_of(ranker: AnyRanker, histories: Histories, now: float, *, size: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Lists int32 [S, 10] and the scores of each shopper's first candidates: what the gate looks at."""
    lists, _ = ranker.recommend(histories, now, k=10)
    offsets, items = ranker.candidates(histories, now, size=size)
    return lists, ranker.score(histories, offsets, items, now)
