"""A person's data: all of it in one document, and all of it gone, with a receipt that says what was looked for since.

What became part of a whole stays: counts of feedback, and the weights of a model that learned from many. Files that
somebody handed in are not searched; the receipt names those that lie there still, with the day on which they go.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from behavior import erasing as behavior
from behavior.models import Erasure
from catalog.models import Import
from recommender import erasing as recommender
from recommender import store
from recsite import uploads
from recsite.dashboard import audit

log = logging.getLogger(__name__)

ROUNDS = 2
#: Seconds between them: what was on its way when the first began (a list in a process, a refresh) has arrived by then.
ON_ITS_WAY = 0.5
UNFINISHED = timedelta(minutes=1)  # a receipt whose process died


def erase(*, kind: str, external_id: str, by: User | None, via: str) -> Erasure:
    """Erase a shopper with the visitors that they were, or a visitor, everywhere; ``via``: the door it was asked at.

    The receipt is complete unless Redis is away or something arrived just now; then a worker goes on (``go_on``).
    """
    with transaction.atomic():
        erasure = behavior.begin(kind=kind, external_id=external_id)
        detail = {"via": via, "erased": erasure.erased}
        audit.note(by=by, action="shopper.erase", subject=str(erasure.receipt), detail=detail)
    return finish(erasure)


def finish(erasure: Erasure) -> Erasure:
    """Two rounds everywhere, then a look at whether anything is left."""
    try:
        for round in range(ROUNDS):
            time.sleep(ON_ITS_WAY if round else 0)
            found = {"events": behavior.sweep(erasure), **recommender.erase(erasure.pending, erasure.shopper_ids)}
            for name, count in found.items():
                erasure.erased[name] = erasure.erased.get(name, 0) + count
        erasure.remaining = {
            **behavior.remaining(erasure), **recommender.remaining(erasure.pending, erasure.shopper_ids)
        }  # fmt: skip
        if not any(erasure.remaining.values()):
            erasure.pending, erasure.completed_at = [], timezone.now()
    except store.StoreDown as error:
        log.warning("erasure %s is not complete yet: %s", erasure.receipt, error)
    erasure.save(update_fields=["erased", "remaining", "pending", "completed_at"])
    return erasure


def go_on() -> int:
    """Finish what was left unfinished; returns how many receipts are complete now. Called by a worker."""
    waiting = Erasure.objects.exclude(pending=[]).filter(at__lt=timezone.now() - UNFINISHED)
    return sum(finish(erasure).completed_at is not None for erasure in waiting)


def receipt_of(erasure: Erasure) -> dict[str, Any]:
    """JSON-able, for whoever asked."""
    return {
        "receipt": str(erasure.receipt),
        "at": erasure.at.isoformat(),
        "complete": erasure.completed_at is not None,
        "erased": erasure.erased,
        "remaining": erasure.remaining,
        "files_not_searched": [
            {"file": row.file_name, "goes_at": ((row.finished_at or row.started_at) + uploads.KEPT).isoformat()}
            for row in Import.objects.exclude(upload="").exclude(kind=Import.Kind.PRODUCTS).order_by("pk")
        ],
    }


def receipts_of(kind: str, external_id: str) -> list[Erasure]:
    """Every receipt by which something of who bore this id was erased, newest first: the proof, for whoever knows
    the id."""
    found = Erasure.objects.filter(digests__contains=[behavior.digest(behavior.subject_of(kind, external_id))])
    return [erasure for erasure in found if any(erasure.erased.values())]
