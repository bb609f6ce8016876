"""Further columns of a file as attributes: numbers as numbers, true and false as such, everything else as text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa

from catalog.cells import NUMBER, Cells

_NUMBER = re.compile(NUMBER)
_CODE = re.compile(r"[+-]?0[0-9]")  # 007 is a code, not seven
MAX_DIGITS = 15  # more than a float holds exactly: an id, not an amount


def read_value(text: str) -> str | float | int | bool:
    """The value that ``text`` spells."""
    lower = text.lower()
    if lower in ("true", "false"):
        return lower == "true"
    if len(text) > MAX_DIGITS + 10 or not _NUMBER.match(text) or _CODE.match(text):
        return text
    if sum(sign.isdigit() for sign in text) > MAX_DIGITS and "." not in text:
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def attribute_objects(cells: Cells, names: Sequence[str]) -> pa.Array:
    """One JSON object a row, of the columns ``names``; an empty cell is left out."""
    if not names:
        return pa.repeat("{}", len(cells.chunk))
    objects: list[dict[str, Any]] = [{} for _ in range(len(cells.chunk))]
    for name in names:
        known: dict[str, Any] = {}
        for row, text in zip(objects, cells.text(name).to_pylist(), strict=True):
            if text is None:
                continue
            if text not in known:
                known[text] = read_value(text)
            row[name] = known[text]
    return pa.array([orjson.dumps(row).decode() for row in objects], pa.string())
