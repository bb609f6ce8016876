"""What was refused, and why: one shape for imports and for the API, and the file that lists them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

#: Spreadsheets run a cell that begins with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SAMPLES = 5


@dataclass(frozen=True)
class LineReject:
    """One line that could not be stored: ``line`` counts from 1 and the header is line 1."""

    line: int
    code: str
    field: str
    message: str
    original: tuple[str, ...] = ()


def harmless(cell: str) -> str:
    """``cell`` as a spreadsheet may open it: a leading ``'`` where it would run as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _as_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


@dataclass
class RejectFile:
    """The file of refused lines beside the imported one; it exists only once something was refused.

    ``fallback`` is the folder that takes it where the file's own folder cannot be written.
    """

    beside: Path
    fallback: Path
    count: int = 0
    samples: list[LineReject] = field(default_factory=list)
    path: Path | None = None
    _out: TextIO | None = None

    def add(self, rejects: Sequence[LineReject]) -> None:
        """Append ``rejects`` in the order of their lines."""
        if not rejects:
            return
        out = self._out or self._open()
        writer = csv.writer(out)
        for reject in rejects:
            row = [reject.code, reject.field, reject.message, _as_line(reject.original)]
            writer.writerow([reject.line, *map(harmless, row)])
        self.samples += rejects[: max(0, SAMPLES - len(self.samples))]
        self.count += len(rejects)

    def close(self) -> None:
        """Flush what was written; without a reject, an earlier run's file is removed: it would mislead."""
        if self._out is not None:
            self._out.close()
            return
        for path in self._places():
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue

    def _places(self) -> tuple[Path, Path]:
        name = f"{self.beside.name}.rejects.csv"
        return self.beside.with_name(name), self.fallback / "rejects" / name

    def _open(self) -> TextIO:
        first, second = self._places()
        try:
            out = first.open("w", newline="", encoding="utf-8", errors="backslashreplace")
            self.path = first
        except OSError:
            second.parent.mkdir(parents=True, exist_ok=True)
            out = second.open("w", newline="", encoding="utf-8", errors="backslashreplace")
            self.path = second
        csv.writer(out).writerow(["line", "code", "field", "message", "original"])
        self._out = out
        return out
