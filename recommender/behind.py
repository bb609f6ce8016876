"""Whether Redis may lack events that were acknowledged.

An event is acknowledged once Postgres has it, whether or not Redis took the note. A process whose note was not taken
says so by a file under ``DATA_DIR/behind`` before anybody is told that the event is stored; while there is one, every
process of the host reads recent events from Postgres too (``live``). The file's time says since when Redis may lack
some. ``posted`` puts them there and takes the file away; what a killed process leaves is mended by the reconciler.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil
from django.conf import settings

FOLDER = "behind"


def folder() -> Path:
    return Path(settings.DATA_DIR) / FOLDER


def is_behind() -> bool:
    """Whether any process of this host is. Some microseconds: each list asks."""
    try:
        return bool(os.listdir(f"{settings.DATA_DIR}/{FOLDER}"))
    except FileNotFoundError:
        return False


def mark() -> Path:
    """Say that this process is; the first time counts."""
    file = folder() / _name(psutil.Process())
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return file


def left_behind() -> list[Path]:
    """The marks of processes that are gone."""
    with suppress(FileNotFoundError):
        return [file for file in folder().iterdir() if not _lives(file.name)]
    return []


def since(file: Path) -> float | None:
    """Seconds since 1970 of the first note that was not taken; None where the mark is gone."""
    with suppress(FileNotFoundError):
        return file.stat().st_mtime
    return None


def _name(process: psutil.Process) -> str:
    """Number and start: the number alone will be another's."""
    return f"{process.pid}-{process.create_time():.2f}"


def _lives(name: str) -> bool:
    number = name.partition("-")[0]
    with suppress(psutil.Error):
        return number.isdigit() and _name(psutil.Process(int(number))) == name
    return False
