"""Feature rows on disk, of which memory holds a shard: however many lists a run draws, and from however many events.

The rows of a run are written as they are computed and read again a few lists at a time, some dozen times over. They lie
in files without a name, which are gone with the last array that reads them, however the process ends, even if it is
killed. Reading goes through the system's cache, which is memory that it takes back where somebody else needs it.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

#: Rows of features that are held at once while they are read or copied: at 200 columns 6.5 MB.
SHARD_ROWS = 16_384


class Mapped:
    """float16 [R, F] of a file. What was read of it does not stay in this process's memory."""

    def __init__(self, file: IO[bytes], width: int) -> None:
        file.flush()
        size = file.seek(0, 2)  # an empty file cannot be mapped
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else None
        flat = np.frombuffer(self._map, np.float16) if self._map else np.empty(0, np.float16)
        self._rows = flat.reshape(-1, width)
        self.shape = self._rows.shape

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        found = self._rows[places]
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)
        return found


class Rows:
    """float16 [R, F], read like an array: ``rows[places]`` is float16 [..., F] of ``places`` int [...].

    ``parts`` follow one another; each is an array in memory or the mapping of a file.
    """

    def __init__(self, parts: Sequence[np.ndarray | Mapped]) -> None:
        self.parts = tuple(part for part in parts if len(part)) or tuple(parts[:1])
        self._bounds = np.cumsum([0, *map(len, self.parts)])

    def __len__(self) -> int:
        return int(self._bounds[-1])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.parts[0].shape[1])

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        flat = places.ravel()
        found = np.empty((len(flat), self.width), np.float16)
        if len(flat) <= SHARD_ROWS:
            self._read(flat, found)
        else:
            # In the order of the files, so that a shard of a random sample lies close together.
            order = np.argsort(flat, kind="stable")
            for shard in np.split(order, np.arange(SHARD_ROWS, len(flat), SHARD_ROWS)):
                found[shard] = self[flat[shard]]
        return found.reshape(*places.shape, self.width)

    def _read(self, flat: np.ndarray, found: np.ndarray) -> None:
        part_of = np.searchsorted(self._bounds, flat, "right") - 1
        for number, part in enumerate(self.parts):
            mine = np.flatnonzero(part_of == number)
            if len(mine):
                found[mine] = part[flat[mine] - self._bounds[number]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of them, in memory."""
        return self[np.arange(len(self))].astype(dtype or np.float16, copy=False)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Shard by shard."""
        for start in range(0, len(self), SHARD_ROWS):
            yield self[np.arange(start, min(start + SHARD_ROWS, len(self)))]


def joined(many: Sequence[np.ndarray | Rows]) -> Rows:
    """One after the other; nothing is copied."""
    return Rows([part for rows in many for part in (rows.parts if isinstance(rows, Rows) else (rows,))])


class Writer:
    """Takes rows as they are computed, into ``file``."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._width = 1

    def add(self, rows: np.ndarray | Rows) -> None:
        """float16 [rows, F]. Raises ``OSError`` where the disk is full."""
        for shard in joined([rows]):
            self._width = shard.shape[1]
            self._file.write(shard.data)

    def rows(self) -> Rows:
        """All that was added; they outlive the writer."""
        return Rows([Mapped(self._file, self._width)])


@contextmanager
def writer(folder: Path | None) -> Iterator[Writer]:
    """Writes into a file without a name in ``folder`` (None: where the system keeps temporary files, which may be
    memory)."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        yield Writer(file)


def save(rows: np.ndarray | Rows, file: Path) -> None:
    """Into a file of that name, a shard at a time."""
    with file.open("wb") as target:
        for shard in joined([rows]):
            target.write(shard.data)


def load(file: Path, width: int) -> Rows:
    """The inverse of :func:`save`, which does not remember the ``width``."""
    with file.open("rb") as source:
        return Rows([Mapped(source, width)])
