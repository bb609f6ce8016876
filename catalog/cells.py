"""Columns of cells turned into typed columns, whole chunks at a time, with a reject per cell that cannot be.

An empty cell is unknown (null). How a number is spelled is never a reason to refuse it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.rejects import LineReject
from catalog.tabular import Chunk

MAX_ID = 128
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
UNKNOWN_WORDS = ("nan", "na", "n/a", "null", "none", "\\n")
ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
TRUE = ("true", "t", "yes", "y", "1", "1.0")
FALSE = ("false", "f", "no", "n", "0", "0.0")
#: Numbers from here on are milliseconds, then microseconds, then nanoseconds since 1970 (as seconds: year 5138).
MILLISECONDS, MICROSECONDS, NANOSECONDS = 1e11, 1e14, 1e17
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
#: Whole numbers between these are days spelled without dashes, not seconds of August 1970.
FIRST_DAY, LAST_DAY = 1990_01_01, 2099_12_31
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Cells:
    """The typed columns of one chunk while they are made; a row with a reject is left out at the end."""

    chunk: Chunk
    rejects: dict[int, LineReject] = field(default_factory=dict)  # by row: the first reason counts
    shortened: dict[str, int] = field(default_factory=dict)

    def refuse(self, rows: np.ndarray, code: str, field_name: str, message: Callable[[str], str]) -> None:
        """Refuse ``rows``; ``message`` gets the cell as it stood."""
        for row in map(int, rows):
            if row not in self.rejects:
                cell = self.chunk.columns[field_name][row].as_py()
                line = int(self.chunk.lines[row])
                shown = "" if cell is None else str(cell)
                self.rejects[row] = LineReject(line, code, field_name, message(_short(shown)), self.chunk.original(row))

    def accepted(self) -> np.ndarray:
        """bool [n]: rows without a reject."""
        keep = np.ones(len(self.chunk), bool)
        keep[list(self.rejects)] = False
        return keep

    def count(self, found: pa.BooleanArray) -> int:
        """How many of the rows without a reject so far are true in ``found``; null is not true."""
        return int(self.accepted()[_rows(found)].sum())

    def _column(self, name: str) -> pa.Array | None:
        return self.chunk.columns.get(name)

    def text(self, name: str, *, max_length: int | None = None) -> pa.Array:
        """Stripped text, null where empty; longer than ``max_length``: shortened and counted. Absent column: nulls."""
        column = self._column(name)
        if column is None:
            return pa.nulls(len(self.chunk), pa.string())
        column = self._without_nul(name, _stripped(_as_text(column)))
        if max_length is not None:
            long = pc.fill_null(pc.greater(pc.utf8_length(column), max_length), False)
            if count := long.true_count:
                self.shortened[name] = count
                column = pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(column, 0, max_length))
        return column

    def identity(self, name: str, *, required: bool = True, max_length: int = MAX_ID) -> pa.Array:
        """An id, taken literally: stripped, never empty where ``required``, never shortened."""
        column = self.text(name)
        if required:
            missing = _rows(pc.is_null(column))
            self.refuse(missing, "missing", name, lambda cell: f"expected an id; the cell {cell!r} is empty")
        long = _rows(pc.greater(pc.utf8_length(column), max_length))
        self.refuse(long, "too_long", name, lambda cell: f"expected at most {max_length} characters; received {cell!r}")
        return column

    def numbers(self, name: str, *, least: float | None = None, most: float | None = None) -> pa.Array:
        """float64, null where empty or a word for unknown. Refused: no number, not finite, outside [least, most]."""
        column = self._column(name)
        if column is None:
            return pa.nulls(len(self.chunk), pa.float64())
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
            numbers = pc.cast(column, pa.float64(), safe=False)
            numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
        else:
            numbers = self._parsed_numbers(name, _stripped(_as_text(column)))
        infinite = _rows(pc.is_inf(numbers))
        self.refuse(infinite, "not_finite", name, lambda cell: f"expected a finite number; received {cell!r}")
        if least is not None:
            low = _rows(pc.less(numbers, least))
            self.refuse(low, "out_of_range", name, lambda cell: f"expected at least {least:g}; received {cell!r}")
        if most is not None:
            high = _rows(pc.greater(numbers, most))
            self.refuse(high, "out_of_range", name, lambda cell: f"expected at most {most:g}; received {cell!r}")
        return numbers

    def whole_numbers(self, name: str, *, least: int = 0, most: int = 2**31 - 1) -> pa.Array:
        """int64 by dropping decimals (``5.0`` is 5), within [least, most]."""
        numbers = self.numbers(name, least=least, most=most)
        numbers = _null_where(numbers, self.rejects)
        return pc.cast(pc.trunc(numbers), pa.int64())

    def booleans(self, name: str) -> pa.Array:
        """bool; true/false, yes/no, 1/0 in any case."""
        column = self._column(name)
        if column is None:
            return pa.nulls(len(self.chunk), pa.bool_())
        if pa.types.is_boolean(column.type):
            return column
        words = pc.utf8_lower(_stripped(_as_text(column)))
        words = _null_words(words)
        yes, no = pc.is_in(words, pa.array(TRUE)), pc.is_in(words, pa.array(FALSE))
        neither = _rows(pc.and_(pc.is_valid(words), pc.invert(pc.or_(yes, no))))
        self.refuse(neither, "not_a_boolean", name, lambda cell: f"expected true or false; received {cell!r}")
        return pc.if_else(pc.is_null(words), None, yes)

    def times(self, name: str, *, latest: datetime) -> pa.Array:
        """timestamp[us, UTC]: RFC 3339, date with or without time (no zone: UTC), or unix time; ≤ ``latest``."""
        column = self._column(name)
        if column is None:
            return pa.nulls(len(self.chunk), pa.timestamp("us", "UTC"))
        if pa.types.is_timestamp(column.type):
            times = _from_timestamps(column)
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            times = self._from_unix(name, pc.cast(column, pa.float64(), safe=False))
        else:
            times = self._parsed_times(name, _stripped(_as_text(column)))
        late = _rows(pc.greater(times, pa.scalar(latest, pa.timestamp("us", "UTC"))))
        self.refuse(late, "in_the_future", name, lambda cell: f"expected a time that has come; received {cell!r}")
        return times

    def _without_nul(self, name: str, column: pa.Array) -> pa.Array:
        marked = pc.match_substring(column, "\0")
        if pc.any(marked).as_py():
            self.refuse(_rows(marked), "not_text", name, lambda cell: f"expected text without NUL; received {cell!r}")
            return pc.if_else(marked, None, column)
        return column

    def _parsed_numbers(self, name: str, column: pa.Array) -> pa.Array:
        try:
            numbers = pc.cast(column, pa.float64())
        except pa.ArrowInvalid:
            words = _null_words(column)
            fits = pc.match_substring_regex(words, NUMBER)
            infinite = pc.match_substring_regex(words, r"^[+-]?inf(inity)?$", ignore_case=True)
            neither = _rows(pc.and_(pc.is_valid(words), pc.invert(pc.or_(fits, infinite))))
            self.refuse(neither, "not_a_number", name, lambda cell: f"expected a number such as 2.5; received {cell!r}")
            self.refuse(
                _rows(infinite), "not_finite", name, lambda cell: f"expected a finite number; received {cell!r}"
            )
            plain = pc.if_else(fits, pc.utf8_ltrim(words, "+"), None)
            numbers = pc.cast(plain, pa.float64())
        return pc.if_else(pc.is_nan(numbers), None, numbers)

    def _from_unix(self, name: str, numbers: pa.Array) -> pa.Array:
        values = numbers.to_numpy(zero_copy_only=False).astype(float)
        size = np.abs(values)
        scale = np.select([size < MILLISECONDS, size < MICROSECONDS, size < NANOSECONDS], [1e6, 1e3, 1.0], 1e-3)
        micros = np.round(values * scale)
        days, at = _from_days(values)
        micros[days] = at
        earliest = (EARLIEST - EPOCH) / timedelta(microseconds=1)
        out = np.isfinite(micros) & ((micros < earliest) | (micros > 2.5e17))
        out |= np.isinf(values)
        self.refuse(np.flatnonzero(out), "not_a_time", name, _no_time)
        known = np.isfinite(micros) & ~out
        stamps = pa.array(np.where(known, micros, 0).astype(np.int64), mask=~known)
        return stamps.cast(pa.timestamp("us", "UTC"))

    def _parsed_times(self, name: str, column: pa.Array) -> pa.Array:
        words = pc.replace_substring_regex(_null_words(column), r" ?(UTC|GMT)$", "Z")
        if pc.all(pc.match_substring_regex(words, NUMBER)).as_py():  # all unix times, or nothing at all
            return self._from_unix(name, pc.cast(pc.utf8_ltrim(words, "+"), pa.float64()))
        zoned = pc.match_substring_regex(words, ZONE)
        try:
            if pc.all(zoned).as_py():
                return pc.cast(words, pa.timestamp("us", "UTC"))
            if not pc.any(zoned).as_py():
                return pc.cast(pc.cast(words, pa.timestamp("us")), pa.timestamp("us", "UTC"))
        except pa.ArrowInvalid:
            pass  # some cell is spelled otherwise: one by one below
        return self._times_one_by_one(name, words)

    def _times_one_by_one(self, name: str, words: pa.Array) -> pa.Array:
        known: dict[str, datetime | None] = {}
        out: list[datetime | None] = []
        bad: list[int] = []
        for row, word in enumerate(words.to_pylist()):
            if word is None:
                out.append(None)
                continue
            if word not in known:
                known[word] = read_time(word)
            out.append(known[word])
            if known[word] is None:
                bad.append(row)
        self.refuse(np.asarray(bad, int), "not_a_time", name, _no_time)
        return pa.array(out, pa.timestamp("us", "UTC"))


def read_time(word: str) -> datetime | None:
    """One time as imports take it: RFC 3339, without a zone UTC, a bare date, unix time; None when it is none."""
    try:
        if pc.match_substring_regex(pa.array([word]), NUMBER)[0].as_py():
            value = float(word)
            if len(day := _from_days(np.array([value]))[1]):
                return EPOCH + timedelta(microseconds=int(day[0]))
            size = abs(value)
            scale = 1 if size < MILLISECONDS else 1e3 if size < MICROSECONDS else 1e6 if size < NANOSECONDS else 1e9
            return EPOCH + timedelta(seconds=value / scale)
        at = datetime.fromisoformat(word.upper())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at >= EARLIEST else None


def _from_days(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose number is a day such as 20260331, and its midnight in microseconds since 1970."""
    rows = np.flatnonzero((values >= FIRST_DAY) & (values <= LAST_DAY) & (values == np.floor(values)))
    number = values[rows].astype(np.int64)
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    first = (year - 1970).astype("M8[Y]").astype("M8[M]") + (np.clip(month, 1, 12) - 1)
    at = first.astype("M8[D]") + (day - 1)
    real = (month >= 1) & (month <= 12) & (day >= 1) & (at.astype("M8[M]") == first)
    return rows[real], at[real].astype("M8[us]").astype(np.int64)


def _no_time(cell: str) -> str:
    return f"expected a time such as 2026-03-31T17:05:00Z or unix seconds; received {cell!r}"


def _short(cell: str) -> str:
    return cell if len(cell) <= 80 else f"{cell[:77]}…"


def _as_text(column: pa.Array) -> pa.Array:
    """Text of any column; a float that holds whole numbers (pandas' integers with gaps) reads without ``.0``."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_floating(column.type):
        values = pc.if_else(pc.is_nan(column), None, column)
        whole = pc.all(pc.equal(pc.trunc(values), values)).as_py() and pc.max(pc.abs(values)).as_py() is not None
        if whole and pc.max(pc.abs(values)).as_py() < 2**53:
            return pc.cast(pc.cast(values, pa.int64()), pa.string())
        return pc.cast(values, pa.string())
    if pa.types.is_timestamp(column.type):
        return pc.strftime(pc.cast(column, pa.timestamp("s", column.type.tz), safe=False), "%Y-%m-%dT%H:%M:%S")
    return pc.cast(column, pa.string())


def _stripped(column: pa.Array) -> pa.Array:
    column = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(column, ""), None, column)


def _null_words(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_in(pc.utf8_lower(column), pa.array(UNKNOWN_WORDS)), None, column)


def _null_where(column: pa.Array, rows: dict[int, LineReject]) -> pa.Array:
    if not rows:
        return column
    mask = np.zeros(len(column), bool)
    mask[list(rows)] = True
    return pc.if_else(pa.array(mask), None, column)


def _from_timestamps(column: pa.Array) -> pa.Array:
    micros = pc.cast(column, pa.timestamp("us", column.type.tz), safe=False)
    return pc.cast(micros, pa.timestamp("us", "UTC"))


def _rows(mask: pa.BooleanArray) -> np.ndarray:
    """Positions where ``mask`` is true (null counts as false)."""
    return np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))


def is_blank(column: pa.Array) -> pa.BooleanArray:
    """bool [n]: nothing in the cell, or white space only."""
    if not pa.types.is_string(column.type):
        return pc.is_null(column, nan_is_null=True)
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)
