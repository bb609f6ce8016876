"""The row of an import: opened, closed with what became of the file, and closed for those that were killed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from catalog.health import ImportHealth
from catalog.models import Import
from catalog.processes import HOST, is_running
from catalog.rejects import LineReject
from catalog.tabular import count_rows

#: An import whose row says nothing for so long was ended from outside (killed, power cut).
SILENT = timedelta(minutes=10)
KILLED = "The process that imported it ended before it was done; nothing was stored."


@dataclass(frozen=True)
class Stored:
    """Rows that were new, rows that were there and now differ, and rows that were there already."""

    stored: int
    changed: int
    duplicate: int


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    import_id: int
    rows: int = 0
    stored: int = 0
    changed: int = 0
    duplicate: int = 0
    rejected: int = 0
    rejects_file: Path | None = None
    samples: tuple[LineReject, ...] = ()
    health: ImportHealth = field(default_factory=ImportHealth)
    seconds: float = 0.0


def open_row(path: Path, row: Import) -> Import:
    """``row`` as that of an import of ``path`` that this process begins now."""
    size = path.stat().st_size if path.is_file() else 0
    row.status = Import.Status.RUNNING
    row.host, row.process_id = HOST, os.getpid()
    row.bytes_total = size
    row.rows_total = count_rows(path) if size else None
    row.sha256 = digest(path) if size else ""
    row.save()
    return row


def digest(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def close_row(row: Import, status: Import.Status, outcome: Outcome, error: str) -> None:
    """Write how it ended."""
    row.status = status
    row.rows_read = row.rows_total = outcome.rows
    row.step, row.progress = "", 1.0 if status == Import.Status.STORED else 0.0
    row.stored, row.changed, row.duplicate = outcome.stored, outcome.changed, outcome.duplicate
    row.rejected = outcome.rejected
    row.rejects_file = str(outcome.rejects_file or "")[:1000]
    row.health = outcome.health.to_dict()
    row.error = error.replace("\0", "␀")
    row.finished_at = timezone.now()
    row.save()


def give_up_dead() -> int:
    """Imports that were killed stay "running" for ever otherwise; returns how many were found.

    On this host the process is asked for. Of another host there is only the silence: ten minutes of it.
    """
    found = 0
    for row in Import.objects.filter(status=Import.Status.RUNNING):
        alive = is_running(row.process_id, row.host)
        if alive or (alive is None and row.updated_at > timezone.now() - SILENT):
            continue
        mine = Import.objects.filter(pk=row.pk, status=Import.Status.RUNNING, process_id=row.process_id)
        found += mine.update(status=Import.Status.FAILED, error=KILLED, step="", finished_at=timezone.now())
    return found
