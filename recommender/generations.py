"""Generations on disk: each shopper's packed list and history, in one file each, with an index beside them.

The same bytes that go to Redis. From here an emptied Redis is filled again without scoring anything, and from
here a web process answers while Redis is down: the files are mapped, so processes share their pages.
"""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from django.conf import settings

LISTS, HISTORIES, INDEX, MANIFEST = "lists.bin", "histories.bin", "index.npz", "manifest.json"
SUBJECTS = "subjects.json"  # by row; empty: erased


@dataclass(frozen=True)
class Manifest:
    """What a complete generation holds, and the model that made it (``artifact``: folder under MODEL_DIR)."""

    generation: int
    run: int
    model: str
    artifact: str
    sha256: str
    vocabulary: str  # digest of the vocabulary that the codes are of
    as_of: float  # seconds since 1970
    made_at: float
    shoppers: int
    bytes: int
    pool: int

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Manifest:
        return cls(**values)


class NotStored(Exception):
    """The files of a generation are missing or not whole."""


def folder_of(generation: int) -> Path:
    return Path(settings.MODEL_DIR) / "generations" / str(generation)


@dataclass
class Writer:
    """Writes a generation aside; ``close`` puts it in place. Rows come in any order, each subject once."""

    generation: int
    subjects: list[str] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.aside = folder_of(self.generation).with_name(f".{self.generation}")
        shutil.rmtree(self.aside, ignore_errors=True)
        self.aside.mkdir(parents=True)
        self._lists = (self.aside / LISTS).open("wb")
        self._histories = (self.aside / HISTORIES).open("wb")

    def add(self, subject: str, pool: bytes, history: bytes) -> None:
        self._lists.write(pool)
        self._histories.write(history)
        self.subjects.append(subject)
        self.ends.append((self._lists.tell(), self._histories.tell()))

    def close(self, manifest: Manifest) -> Path:
        """Seal and rename: from here on the generation exists on disk, whole."""
        for file in (self._lists, self._histories):
            file.flush()
            file.close()
        ends = np.array([(0, 0), *self.ends], np.int64)
        np.savez(self.aside / INDEX, ends=ends)
        (self.aside / SUBJECTS).write_bytes(orjson.dumps(self.subjects))
        (self.aside / MANIFEST).write_bytes(orjson.dumps(manifest.to_dict(), option=orjson.OPT_INDENT_2))
        target = folder_of(self.generation)
        shutil.rmtree(target, ignore_errors=True)
        self.aside.rename(target)
        return target

    def discard(self) -> None:
        """Leave nothing of a generation that was not finished."""
        self._lists.close()
        self._histories.close()
        shutil.rmtree(self.aside, ignore_errors=True)


class StoredGeneration:
    """Reads one; raises :class:`NotStored` where files are missing."""

    def __init__(self, generation: int) -> None:
        folder = folder_of(generation)
        try:
            self.manifest = Manifest.from_dict(orjson.loads((folder / MANIFEST).read_bytes()))
            self._names: list[str] = orjson.loads((folder / SUBJECTS).read_bytes())
            with np.load(folder / INDEX) as index:
                self._ends = index["ends"]
            self._lists, self._histories = _map(folder / LISTS), _map(folder / HISTORIES)
        except (OSError, ValueError, TypeError) as error:
            raise NotStored(f"generation {generation}: expected its files in {folder}, found {error}") from error

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {subject: row for row, subject in enumerate(self._names) if subject}

    @property
    def subjects(self) -> list[str]:
        """Everybody who is in it, in the order of the files."""
        return list(self._rows)

    def of(self, subject: str) -> tuple[bytes | None, bytes | None]:
        """The packed list and history of ``subject``, None where it is not in this generation."""
        row = self._rows.get(subject)
        return (None, None) if row is None else self._at(row)

    def rows(self) -> Iterator[tuple[str, bytes, bytes]]:
        """(subject, packed list, packed history), as ``store.write_lists`` takes them."""
        for subject, row in self._rows.items():
            yield subject, *self._at(row)

    def places(self, subjects: Iterable[str]) -> list[tuple[int, tuple[int, int], tuple[int, int]]]:
        """Row, and from where to where its list and its history go, of those ``subjects`` that are in it."""
        rows = [self._rows[subject] for subject in subjects if subject in self._rows]
        found = []
        for row in rows:
            (list_start, history_start), (list_end, history_end) = self._ends[row : row + 2].tolist()
            found.append((row, (list_start, list_end), (history_start, history_end)))
        return found

    def _at(self, row: int) -> tuple[bytes, bytes]:
        (list_start, history_start), (list_end, history_end) = self._ends[row : row + 2].tolist()
        return self._lists[list_start:list_end], self._histories[history_start:history_end]


def blank(generation: int, subjects: Sequence[str]) -> int:
    """Overwrite what is stored of ``subjects`` with zeros, and their names; returns how many were there. Nothing
    moves: processes that have the files mapped find nothing readable at once. No files: nothing is there."""
    try:
        stored = StoredGeneration(generation)
    except NotStored:
        return 0
    places = stored.places(subjects)
    if not places:
        return 0
    folder = folder_of(generation)
    with (folder / LISTS).open("r+b") as lists, (folder / HISTORIES).open("r+b") as histories:
        for _, *ranges in places:
            for file, (start, end) in zip((lists, histories), ranges, strict=True):
                file.seek(start)
                file.write(bytes(end - start))
        for file in (lists, histories):
            file.flush()
            os.fsync(file.fileno())
    names = list(stored._names)
    for row, *_ in places:
        names[row] = ""
    aside = folder / f".{SUBJECTS}"
    aside.write_bytes(orjson.dumps(names))
    aside.replace(folder / SUBJECTS)
    return len(places)


def holds(generation: int, subjects: Sequence[str]) -> int:
    """How many of ``subjects`` are in a generation's files."""
    try:
        return len(StoredGeneration(generation).places(subjects))
    except NotStored:
        return 0


def remove(generation: int) -> None:
    """Delete the files of a retired generation."""
    shutil.rmtree(folder_of(generation), ignore_errors=True)


def _map(path: Path) -> mmap.mmap | bytes:
    """The file's bytes, mapped; an empty file cannot be."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
