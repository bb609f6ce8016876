"""Asks memory for what a compiled loop will read in a moment.

A shopper's items lie anywhere in tables of many megabytes, so that a loop over them would spend most of its time
waiting for memory: read from the cache it takes a quarter of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

#: Steps ahead at which a row of a table is asked of memory: rows lie far apart, and waiting for each takes longer
#: than what is done with it.
_AHEAD = 12
_LINE = 16  # numbers of four bytes in a line of the processor's cache


@intrinsic
def _prefetch(context: Any, table: Any, row: Any, column: Any) -> Any:
    """Ask memory for the line of ``table`` [R, K] that holds this place; nothing waits for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        places = [context.cast(builder, given, kind, types.intp)
                  for given, kind in zip(arguments[1:], signature.args[1:], strict=True)]  # fmt: skip
        where = cgutils.get_item_pointer(context, builder, signature.args[0], array, places, wraparound=False)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        asked = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_read, keep, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(asked, [builder.bitcast(where, byte), to_read, keep, data])
        return context.get_dummy_value()

    return types.void(table, row, column), generate


@njit(cache=True, nogil=True)
def ask_ahead(table: np.ndarray, rows: np.ndarray, number: int) -> None:
    """Ask memory for the row of ``table`` that will be read ``_AHEAD`` steps after ``rows[number]``."""
    if number + _AHEAD < len(rows):
        for column in range(0, table.shape[1], _LINE):
            _prefetch(table, rows[number + _AHEAD], column)  # type: ignore[call-arg]  # the first is the compiler's
