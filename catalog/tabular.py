"""Table files, CSV and Parquet, as chunks of Arrow columns with the line each row stood on.

CSV is read by the standard library's reader: it is exact about quotes, knows the line of every
record, and costs about a microsecond a row; all checks after it run on whole columns.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.rejects import LineReject

if TYPE_CHECKING:
    from _csv import Reader

CHUNK_ROWS = 50_000
MAX_COLUMNS = 500
MAX_COLUMN_NAME = 100
csv.field_size_limit(16 * 2**20)  # characters of one cell: a description may be a whole page

AS_THEY_ARE = (
    pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string, pa.types.is_timestamp
)  # fmt: skip
#: Files that people take for CSV, by their first bytes.
NO_CSV = {
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"PK\x03\x04": "an archive or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
}


class TableError(ValueError):
    """The file as a whole cannot be read: not a table, a wrong header, nothing in it."""


@dataclass(frozen=True)
class Columns:
    """The header: names as the product spells them, known ones in lower case, and the two groups. A column without a
    name (a spreadsheet's empty ones, the row numbers of pandas) is among ``names`` only, and is not read."""

    names: tuple[str, ...]
    known: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Chunk:
    """``lines`` int64 [n]; ``columns`` one Arrow array of n values a name; ``rejects`` that reading found."""

    lines: np.ndarray
    columns: dict[str, pa.Array]
    rejects: list[LineReject] = field(default_factory=list)
    bytes_read: int = 0

    def __len__(self) -> int:
        return len(self.lines)

    def original(self, row: int) -> tuple[str, ...]:
        """The cells of ``row`` as they stood in the file."""
        cells = (column[row].as_py() for column in self.columns.values())
        return tuple("" if cell is None else str(cell) for cell in cells)


def check_header(names: Sequence[str], *, required: Sequence[str], known: Sequence[str]) -> Columns:
    """Match a file's header against the columns that are expected; raises :class:`TableError`."""
    found = [name.strip() for name in names]
    found = [name.lower() if name.lower() in known else name for name in found]
    listing = ", ".join(repr(name) for name in found[:30]) + (" …" if len(found) > 30 else "")
    if missing := [name for name in required if name not in found]:
        hint = _separator_hint(names) or _kind_hint(found, required)
        raise TableError(f"expected a column {' and '.join(map(repr, missing))} in the header; found {listing}{hint}")
    if len(found) > MAX_COLUMNS:
        raise TableError(f"expected at most {MAX_COLUMNS} columns; found {len(found)}")
    if doubled := sorted({name for name in found if name and found.count(name) > 1}):
        raise TableError(f"expected every column once; found {', '.join(map(repr, doubled))} more than once")
    if strange := [name for name in found if "\0" in name or not _decodes(name)]:
        raise TableError(f"expected column names in UTF-8; found {strange[0]!r}")
    if long := [name for name in found if len(name) > MAX_COLUMN_NAME]:
        raise TableError(f"expected column names of at most {MAX_COLUMN_NAME} characters; found {long[0][:60]!r}…")
    unknown = tuple(name for name in found if name and name not in known)
    return Columns(tuple(found), tuple(name for name in found if name in known), unknown)


def _separator_hint(names: Sequence[str]) -> str:
    for sign, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) == 1 and sign in names[0]:
            return f" – cells are to be separated by commas, this header has {word}"
    return ""


def _kind_hint(found: Sequence[str], required: Sequence[str]) -> str:
    for ids, kind in (
        (("shopper_id", "product_id"), "events"),
        (("product_id",), "products"),
        (("shopper_id",), "shoppers"),
    ):
        if set(ids) <= set(found) and ids != tuple(required):
            return f" – it looks like a file of {kind}"
    return ""


def is_parquet(path: Path) -> bool:
    """Whether the file is Parquet, by its first four bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def read_table(
    path: Path, *, required: Sequence[str], known: Sequence[str], chunk_rows: int = CHUNK_ROWS
) -> tuple[Columns, Iterator[Chunk]]:
    """Open ``path`` (.csv, .csv.gz or Parquet) and read its header; the chunks are read as they are asked for.

    Raises :class:`TableError` for what spoils the whole file; a broken line is a reject of its chunk.
    """
    if not path.is_file():
        raise TableError(f"expected a file; there is none at {path}")
    if path.stat().st_size == 0:
        raise TableError(f"expected a header line; {path.name} is empty")
    if is_parquet(path):
        return _read_parquet(path, required=required, known=known, chunk_rows=chunk_rows)
    return _read_csv(path, required=required, known=known, chunk_rows=chunk_rows)


def _read_csv(
    path: Path, *, required: Sequence[str], known: Sequence[str], chunk_rows: int
) -> tuple[Columns, Iterator[Chunk]]:
    with path.open("rb") as probe:
        start = probe.read(8)
    packed = start.startswith(b"\x1f\x8b")
    if wrong := next((words for begin, words in NO_CSV.items() if start.startswith(begin)), None):
        raise TableError(f"expected CSV in UTF-8 (or Parquet); {path.name} is {wrong}")
    raw = path.open("rb")  # closed by the last chunk, or below
    # surrogateescape keeps undecodable bytes apart, so that they are a reject of their own line and not of the file.
    binary = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
    text = _decoded(binary)
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, [])
    except (csv.Error, OSError, EOFError) as error:
        raw.close()
        raise TableError(f"expected a CSV file with a header; {path.name} cannot be read: {error}") from error
    try:
        columns = check_header(header, required=required, known=known)
    except TableError:
        raw.close()
        raise
    return columns, _csv_chunks(reader, text, columns, raw, chunk_rows)


def _decoded(binary: IO[bytes]) -> TextIO:
    return io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _csv_chunks(reader: Reader, text: TextIO, columns: Columns, raw: IO[bytes], chunk_rows: int) -> Iterator[Chunk]:
    width = len(columns.names)
    with text:
        ended = False
        while not ended:
            lines: list[int] = []
            rows: list[list[str]] = []
            rejects: list[LineReject] = []
            while len(rows) < chunk_rows:
                line = reader.line_num + 1
                try:
                    row = next(reader)
                except StopIteration:
                    ended = True
                    break
                except csv.Error as error:
                    message = f"expected a line of comma-separated cells: {error}"
                    rejects.append(LineReject(line, "broken_line", "", message))
                    continue
                except (EOFError, OSError) as error:
                    raise TableError(f"the file ends too early or is damaged after line {line}: {error}") from error
                if len(row) == width:
                    lines.append(line)
                    rows.append(row)
                elif row:  # a blank line is nothing
                    message = f"expected {width} cells, as the header has; found {len(row)}"
                    rejects.append(LineReject(line, "cell_count", "", message, tuple(row)))
            if rows or rejects:
                yield _chunk(lines, rows, rejects, columns, raw.tell())


def _chunk(
    lines: list[int], rows: list[list[str]], rejects: list[LineReject], columns: Columns, position: int
) -> Chunk:
    try:
        arrays = _columns(rows, len(columns.names))
    except UnicodeEncodeError:
        lines, rows, broken = _without_undecodable(lines, rows, columns)
        rejects = sorted([*rejects, *broken], key=lambda reject: reject.line)
        arrays = _columns(rows, len(columns.names))
    named = _named(columns, arrays)
    return Chunk(np.asarray(lines, np.int64), named, rejects, position)


def _named(columns: Columns, arrays: Iterable[pa.Array]) -> dict[str, pa.Array]:
    return {name: array for name, array in zip(columns.names, arrays, strict=True) if name}


def _columns(rows: list[list[str]], width: int) -> list[pa.Array]:
    if not rows:
        return [pa.array([], pa.string())] * width
    return [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]


def _without_undecodable(
    lines: list[int], rows: list[list[str]], columns: Columns
) -> tuple[list[int], list[list[str]], list[LineReject]]:
    kept_lines, kept_rows, rejects = [], [], []
    for line, row in zip(lines, rows, strict=True):
        bad = next((name for name, cell in zip(columns.names, row, strict=True) if not _decodes(cell)), None)
        if bad is None:
            kept_lines.append(line)
            kept_rows.append(row)
        else:
            rejects.append(LineReject(line, "not_utf8", bad, "expected UTF-8 text; found other bytes", tuple(row)))
    return kept_lines, kept_rows, rejects


def _decodes(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_parquet(
    path: Path, *, required: Sequence[str], known: Sequence[str], chunk_rows: int
) -> tuple[Columns, Iterator[Chunk]]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise TableError(f"expected a Parquet file; {path.name} cannot be read: {error}") from error
    # What pandas adds for its index is no column of the shop's.
    names = [name for name in file.schema_arrow.names if not name.startswith("__index_level_")]
    columns = check_header(names, required=required, known=known)
    return columns, _parquet_chunks(file, names, columns, path.stat().st_size, chunk_rows)


def _parquet_chunks(
    file: pq.ParquetFile, names: list[str], columns: Columns, size: int, chunk_rows: int
) -> Iterator[Chunk]:
    total = max(file.metadata.num_rows, 1)
    read = 0
    with file:
        for batch in file.iter_batches(batch_size=chunk_rows, columns=names):
            if len(batch) == 0:
                continue
            lines = np.arange(read + 1, read + 1 + len(batch), dtype=np.int64) + 1  # as if a header were line 1
            read += len(batch)
            arrays = (_plain(batch.column(name)) for name in names)
            named = _named(columns, arrays)
            yield Chunk(lines, named, bytes_read=size * read // total)


def _plain(column: pa.Array) -> pa.Array:
    """Parquet's nested and encoded types as text; numbers, booleans, times and text stay as they are."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        joined = (None if cell is None else "|".join(map(str, cell)) for cell in column.to_pylist())
        return pa.array(joined, pa.string())
    if pa.types.is_decimal(kind):
        return pc.cast(column, pa.float64())
    if pa.types.is_date(kind):
        return pc.cast(column, pa.timestamp("us"))
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_float16(kind):
        return pc.cast(column, pa.float64())
    if any(test(kind) for test in AS_THEY_ARE):
        return column
    return pa.array((None if cell is None else str(cell) for cell in column.to_pylist()), pa.string())


def count_rows(path: Path) -> int | None:
    """How many rows a Parquet file holds; None for CSV, where only reading tells, and for a file that is damaged."""
    try:
        return pq.ParquetFile(path).metadata.num_rows if is_parquet(path) else None
    except pa.ArrowException:
        return None  # read_table says what is wrong with it
