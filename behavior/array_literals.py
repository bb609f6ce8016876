"""Columns of a batch as Postgres writes arrays: ``{1,NULL,2}``.

psycopg writes arrays of anything, nested too, and looks at every element three times for that; for the fourteen columns
of a batch of twenty events that takes longer than Postgres takes to read them.
"""

from __future__ import annotations

from collections.abc import Iterable


def of_plain(values: Iterable[object]) -> str:
    """Numbers, booleans, UUIDs and words without any sign that means something in an array; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def of_texts(values: Iterable[str | None]) -> str:
    """Any text; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
