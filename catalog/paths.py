"""Category paths: ``Dairy > Milk > White milk``."""

from __future__ import annotations

SEPARATOR = " > "
MAX_PATH = 600
MAX_NAME = 200


def tidy_path(path: str | None) -> str:
    """``path`` in the one spelling that is stored: levels stripped, empty levels left out."""
    levels = (" ".join(level.split())[:MAX_NAME] for level in (path or "").split(">"))
    return SEPARATOR.join(level for level in levels if level)


def ancestors(path: str) -> list[str]:
    """The path itself and every path above it, the root first."""
    levels = path.split(SEPARATOR)
    return [SEPARATOR.join(levels[: depth + 1]) for depth in range(len(levels))]


def name_of(path: str) -> str:
    """The last level."""
    return path.rsplit(SEPARATOR, 1)[-1]
