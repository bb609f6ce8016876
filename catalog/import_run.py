"""How any file comes into the shop: read, validate and stage it whole, then store it in one transaction.

1. The ``Import`` row is made, and kept up to date on a connection of its own, so that pages see the progress.
2. Chunks of the file are typed column by column; what cannot be typed is a reject with its line.
3. Accepted rows go by COPY into a temporary table. With a reject, unless rejects are allowed, it ends here.
4. The kind's own set-based SQL moves the staged rows into their tables.

``catalog.imports`` and ``behavior.imports`` say what is particular to products, shoppers and events.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from catalog.cells import Cells, is_blank
from catalog.health import HealthCount, ImportHealth
from catalog.models import Import
from catalog.processes import HOST, is_running
from catalog.rejects import LineReject, RejectFile
from catalog.tabular import Chunk, Columns, TableError, count_rows, read_table

JOURNAL_SECONDS = 0.5
READING = 0.4  # its share of the time, about
#: An import whose row says nothing for so long was ended from outside (killed, power cut).
SILENT = timedelta(minutes=10)
KILLED = "The process that imported it ended before it was done; nothing was stored."


class ImportRefusedError(Exception):
    """Nothing was stored. ``outcome`` counts the rejects and names their file."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class Progress:
    """Where an import is: ``step`` is reading, storing or tidying; ``rows`` were read; ``fraction`` is of the whole."""

    step: str
    rows: int
    fraction: float


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


Report = Callable[[Progress], None]


class Kind(Protocol):
    """What is particular to one kind of file."""

    @property
    def name(self) -> str:
        """An ``Import.Kind``."""

    @property
    def required(self) -> Sequence[str]:
        """Columns without which there is no import."""

    @property
    def known(self) -> Sequence[str]:
        """Every column that has a meaning."""

    @property
    def staging(self) -> str:
        """CREATE TEMP TABLE …"""

    @property
    def staged_name(self) -> str:
        """The name of that table."""

    def typed(self, cells: Cells, columns: Columns, health: HealthCount) -> pa.Table:
        """The staged columns of one chunk, every row; rows that ``cells`` refused are left out afterwards."""

    def store(self, cursor: CursorWrapper, columns: Columns, health: HealthCount, journal: Journal) -> Stored:
        """Move what is staged into its tables."""

    def tidy(self, cursor: CursorWrapper) -> None:
        """After the commit: what keeps the next queries quick."""


class Journal:
    """The import's row while its transaction runs.

    Inside somebody's transaction (tests) there is no row that a second connection could see: then it writes nothing,
    and ``side`` is the one connection there is.
    """

    def __init__(self, row: Import, report: Report | None) -> None:
        self.row, self.report = row, report
        self.alone = not connection.in_atomic_block
        self.side: BaseDatabaseWrapper = connection.copy() if self.alone else connection
        self.rows = self.bytes_read = 0
        self._written = 0.0

    def read(self, rows: int, bytes_read: int) -> None:
        """So many rows were read by now."""
        self.rows, self.bytes_read = rows, bytes_read
        self._tell("reading", READING * bytes_read / max(self.row.bytes_total, 1))

    def stored(self, part: float) -> None:
        """So much (0 … 1) of what was staged is in its tables."""
        self._tell("storing", READING + (1 - READING) * part)

    def tidying(self) -> None:
        """It is stored; the statistics follow."""
        if self.report:
            self.report(Progress("tidying", self.rows, 1.0))

    def _tell(self, step: str, fraction: float) -> None:
        if self.report:
            self.report(Progress(step, self.rows, fraction))
        if not self.alone or time.monotonic() - self._written < JOURNAL_SECONDS:
            return
        self._written = time.monotonic()
        total = self.row.rows_total or self.rows * self.row.bytes_total // max(self.bytes_read, 1)
        with self.side.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_import SET rows_read = %s, rows_total = %s, step = %s, progress = %s, "
                "updated_at = now() WHERE id = %s",
                [self.rows, max(total, self.rows), step, min(fraction, 1.0), self.row.pk],
            )

    def close(self) -> None:
        if self.alone:
            self.side.close()


def run_import(
    path: Path,
    kind: Kind,
    *,
    allow_rejects: bool = False,
    source: str = "import",
    report: Report | None = None,
    row: Import | None = None,
) -> Outcome:
    """Import one file; ``row`` is its row where there is one already (an upload).

    Raises :class:`catalog.tabular.TableError` for a file that is no such table and :class:`ImportRefusedError` for
    one with rejects (unless ``allow_rejects``); in both cases, and in any other failure, nothing is stored.
    """
    give_up_dead()
    row = _open_row(path, row or Import(kind=kind.name, file_name=path.name[:300], source=source))
    rejects = RejectFile(path, settings.DATA_DIR)
    journal = Journal(row, report)
    start = time.monotonic()
    try:
        outcome = _run(path, kind, row, rejects, journal, allow_rejects)
    except ImportRefusedError as refused:
        _close_row(row, Import.Status.REFUSED, refused.outcome, str(refused))
        raise
    except BaseException as error:  # whatever ends it, Ctrl-C included, the row must say so
        words = str(error) or type(error).__name__
        _close_row(row, Import.Status.FAILED, Outcome(row.pk, journal.rows), words)
        raise
    finally:
        rejects.close()
        journal.close()
    journal.tidying()
    with connection.cursor() as cursor:
        kind.tidy(cursor)
    return _timed(outcome, time.monotonic() - start)


def _run(path: Path, kind: Kind, row: Import, rejects: RejectFile, journal: Journal, allow_rejects: bool) -> Outcome:
    columns, chunks = read_table(path, required=kind.required, known=kind.known)
    health = HealthCount()
    with transaction.atomic(), connection.cursor() as cursor:
        # Two files of one kind at once would wait for each other row by row: the second waits here instead.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"import {kind.name}"])
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{kind.staged_name}")
        cursor.execute(kind.staging)
        _stage(cursor, kind, columns, chunks, health, rejects, journal)
        rows = health.rows + rejects.count
        if rejects.count and not allow_rejects:
            counted = _outcome(row, rows, rejects, health)
            raise ImportRefusedError(_refusal(path, rows, rejects), counted)
        if rows == 0:
            raise TableError(f"expected rows below the header; {path.name} has none")
        cursor.execute(f"ANALYZE pg_temp.{kind.staged_name}")
        journal.stored(0.0)
        stored = kind.store(cursor, columns, health, journal)
        cursor.execute(f"DROP TABLE pg_temp.{kind.staged_name}")
        outcome = _outcome(row, rows, rejects, health, stored)
        # In the same transaction: of an import that was killed, the row says truly whether anything was stored.
        _close_row(row, Import.Status.STORED, outcome, "")
    return outcome


def _stage(
    cursor: CursorWrapper,
    kind: Kind,
    columns: Columns,
    chunks: Any,
    health: HealthCount,
    rejects: RejectFile,
    journal: Journal,
) -> None:
    read = 0
    with cursor.copy(f"COPY pg_temp.{kind.staged_name} FROM STDIN (FORMAT csv)") as copy:
        for chunk in chunks:
            cells = Cells(chunk)
            table = kind.typed(cells, columns, health)
            keep = cells.accepted()
            rejects.add(sorted([*chunk.rejects, *cells.rejects.values()], key=lambda reject: reject.line))
            if not keep.all():
                table = table.filter(pa.array(keep))
            if len(table):
                copy.write(as_csv(table))
            _count(health, chunk, cells, len(table))
            read += len(chunk) + len(chunk.rejects)
            journal.read(read, chunk.bytes_read)


def as_csv(table: pa.Table) -> bytes:
    """The rows as COPY reads them: nothing between two commas is null, a quoted nothing is empty text."""
    out = io.BytesIO()
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
    pa_csv.write_csv(table, out, options)
    return out.getvalue()


def _count(health: HealthCount, chunk: Chunk, cells: Cells, rows: int) -> None:
    health.rows += rows
    health.shortened.update(cells.shortened)
    for name, column in chunk.columns.items():
        health.missing[name] += is_blank(column).true_count


def _outcome(row: Import, rows: int, rejects: RejectFile, health: HealthCount, stored: Stored | None = None) -> Outcome:
    stored = stored or Stored(0, 0, 0)
    return Outcome(
        import_id=row.pk,
        rows=rows,
        stored=stored.stored,
        changed=stored.changed,
        duplicate=stored.duplicate,
        rejected=rejects.count,
        rejects_file=rejects.path,
        samples=tuple(rejects.samples),
        health=health.done(),
    )


def _timed(outcome: Outcome, seconds: float) -> Outcome:
    return Outcome(**{**vars(outcome), "seconds": seconds})


def _refusal(path: Path, rows: int, rejects: RejectFile) -> str:
    lines = "line" if rejects.count == 1 else "lines"
    first = rejects.samples[0]
    where = f", {first.field}" if first.field else ""
    return (
        f"nothing was stored: {rejects.count:,} of {rows:,} {lines} of {path.name} were rejected "
        f"(first: line {first.line}{where}: {first.message}). All of them: {rejects.path}. "
        "Mend them, or store the others with --allow-rejects."
    )


def _open_row(path: Path, row: Import) -> Import:
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


def _close_row(row: Import, status: Import.Status, outcome: Outcome, error: str) -> None:
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
