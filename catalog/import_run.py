"""How any file comes into the shop: read, validate and stage it whole, then store it in one transaction.

1. The ``Import`` row is made, and kept up to date on a connection of its own, so that pages see the progress.
2. Chunks of the file are typed column by column; what cannot be typed is a reject with its line.
3. Accepted rows go by COPY into a temporary table. With a reject, unless rejects are allowed, it ends here.
4. The kind's own set-based SQL moves the staged rows into their tables.

``catalog.imports`` and ``behavior.imports`` say what is particular to products, shoppers and events.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.cells import Cells, is_blank
from catalog.health import HealthCount
from catalog.import_journal import Journal, Report
from catalog.import_row import Outcome, Stored, close_row, give_up_dead, open_row
from catalog.models import Import
from catalog.rejects import RejectFile
from catalog.tabular import Columns, TableError, read_table


class ImportRefusedError(Exception):
    """Nothing was stored. ``outcome`` counts the rejects and names their file."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


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
    row = open_row(path, row or Import(kind=kind.name, file_name=path.name[:300], source=source))
    rejects = RejectFile(path, settings.DATA_DIR)
    journal = Journal(row, report)
    start = time.monotonic()
    try:
        outcome = _run(path, kind, row, rejects, journal, allow_rejects)
    except ImportRefusedError as refused:
        close_row(row, Import.Status.REFUSED, refused.outcome, str(refused))
        raise
    except BaseException as error:  # whatever ends it, Ctrl-C included, the row must say so
        words = str(error) or type(error).__name__
        close_row(row, Import.Status.FAILED, Outcome(row.pk, journal.rows), words)
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
    health.findings["unnamed_columns"] = columns.names.count("")
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
        close_row(row, Import.Status.STORED, outcome, "")
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
            _count(health, cells, len(table))
            read += len(chunk) + len(chunk.rejects)
            journal.read(read, chunk.bytes_read)


def as_csv(table: pa.Table) -> bytes:
    """The rows as COPY reads them: nothing between two commas is null, a quoted nothing is empty text."""
    out = io.BytesIO()
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
    pa_csv.write_csv(table, out, options)
    return out.getvalue()


def _count(health: HealthCount, cells: Cells, rows: int) -> None:
    health.rows += rows
    health.shortened.update(cells.shortened)
    for name, column in cells.chunk.columns.items():
        health.missing[name] += cells.count(is_blank(column))


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
    were = "was" if rejects.count == 1 else "were"
    first = rejects.samples[0]
    where = f", {first.field}" if first.field else ""
    return (
        f"nothing was stored: {rejects.count:,} of {rows:,} lines of {path.name} {were} rejected "
        f"(first: line {first.line}{where}: {first.message}). All of them: {rejects.path}. "
        "Mend them, or store the others with --allow-rejects."
    )
