"""Staged rows into a table that has the shop's own ids: new ones inserted, differing ones changed, the rest left.

A column that the file has overwrites, with an empty cell too (it clears); a column that the file lacks stays as it is.
A target may say otherwise of a column (``changed``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.backends.utils import CursorWrapper

from catalog.import_row import Stored


@dataclass(frozen=True)
class Target:
    """Where staged rows go. The names are the code's own, never a file's.

    ``values``: SQL of the new value by table column, over ``staged`` (and ``joins``), for columns that the file has;
    ``defaults``: SQL by column for a new row, for the columns without a default in the database.
    """

    table: str
    staged: str
    identity: str  # the staged column with the shop's id
    values: Mapping[str, str]
    defaults: Mapping[str, str]
    joins: str = ""
    changed: Mapping[str, str] = field(default_factory=dict)  # values that differ for a row that is there, over ``old``
    fixed: Mapping[str, str] = field(default_factory=dict)  # further parts of the key, such as kind = 'shopper'


def drop_repeated(cursor: CursorWrapper, staged: str, identity: str) -> int:
    """Of lines with the same id only the last stays; returns how many were dropped."""
    cursor.execute(f"""
        DELETE FROM pg_temp.{staged} WHERE line NOT IN (SELECT max(line) FROM pg_temp.{staged} GROUP BY {identity})
    """)
    return cursor.rowcount


def upsert(cursor: CursorWrapper, target: Target, attributes: Sequence[str]) -> Stored:
    """Store what is staged; ``attributes`` are the file's further columns, kept in the table's ``attributes``."""
    changed = _update(cursor, target, attributes)
    stored = _insert(cursor, target)
    cursor.execute(f"SELECT count(*) FROM pg_temp.{target.staged}")
    (rows,) = cursor.fetchone()
    return Stored(stored, changed, rows - stored - changed)


def _same(target: Target) -> str:
    parts = [f"old.external_id = staged.{target.identity}"]
    return " AND ".join(parts + [f"old.{name} = {value}" for name, value in target.fixed.items()])


def _update(cursor: CursorWrapper, target: Target, attributes: Sequence[str]) -> int:
    values = {**target.values, **{name: target.changed[name] for name in target.changed if name in target.values}}
    parameters: list[list[str]] = []
    if attributes:
        values["attributes"] = "(old.attributes - %s::text[]) || staged.attributes"
        parameters = [list(attributes)]
    values["is_stub"] = "false"
    names = ", ".join(f"old.{name}" for name in values)
    # The expressions stand twice in the statement; Postgres computes them twice, which is cheaper than a third table.
    cursor.execute(
        f"""
        UPDATE {target.table} AS old
        SET {", ".join(f"{name} = {value}" for name, value in values.items())}, updated_at = now()
        FROM pg_temp.{target.staged} AS staged {target.joins}
        WHERE {_same(target)} AND ROW({names}) IS DISTINCT FROM ROW({", ".join(values.values())})
        """,
        parameters * 2,
    )
    return cursor.rowcount


def _insert(cursor: CursorWrapper, target: Target) -> int:
    values = {
        **target.defaults,
        **target.values,
        **target.fixed,
        "external_id": f"staged.{target.identity}",
        "attributes": "staged.attributes",
        "is_stub": "false",
        "created_at": "now()",
        "updated_at": "now()",
    }
    cursor.execute(f"""
        INSERT INTO {target.table} ({", ".join(values)})
        SELECT {", ".join(values.values())}
        FROM pg_temp.{target.staged} AS staged {target.joins}
        WHERE NOT EXISTS (SELECT FROM {target.table} AS old WHERE {_same(target)})
        ORDER BY staged.{target.identity}
        ON CONFLICT DO NOTHING
    """)
    return cursor.rowcount
