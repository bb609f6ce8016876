"""How far an import is: told to whoever asked, and written to its row while its transaction runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from catalog.models import Import

JOURNAL_SECONDS = 0.5
READING = 0.4  # its share of the time, about


@dataclass(frozen=True)
class Progress:
    """Where an import is: ``step`` is reading, storing or tidying; ``rows`` were read; ``fraction`` is of the whole."""

    step: str
    rows: int
    fraction: float


Report = Callable[[Progress], None]


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
