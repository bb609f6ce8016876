"""A model on disk: a folder under MODEL_DIR with the ranker's files and the vocabulary of its codes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from recommender.engine import artifact, plain
from recommender.engine.interactions import Histories
from recommender.engine.plain import PlainRanker
from recommender.engine.ranker import Ranker
from recommender.vocabulary import Vocabulary

AnyRanker = Ranker | PlainRanker


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


def scores_of(ranker: AnyRanker, histories: Histories, now: float, *, size: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Lists int32 [S, 10] and the scores of each shopper's first candidates: what the gate looks at."""
    lists, _ = ranker.recommend(histories, now, k=10)
    offsets, items = ranker.candidates(histories, now, size=size)
    return lists, ranker.score(histories, offsets, items, now)
