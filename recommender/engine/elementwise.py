"""What features and hidden layers go through number by number, compiled; see ``kernels.py`` for how."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

#: A rational function that is tanh to a few units of the last place (that of Eigen and XLA), odd over even powers;
#: unlike the library's, it is computed for many numbers at once.
_ODD = tuple(np.float32(c) for c in (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11,
             5.12229709037114e-08, 1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03))  # fmt: skip
_EVEN = tuple(np.float32(c) for c in (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03,
              4.89352518554385e-03))  # fmt: skip
_FLAT, _HALF, _ONE = np.float32(7.90531110763549805), np.float32(0.5), np.float32(1)
_INNER, _CUBE = np.float32(0.7978845608), np.float32(0.044715 * 0.7978845608)
_SETTINGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_QUICK: dict[str, Any] = {**_SETTINGS, "fastmath": {"contract", "nsz", "nnan", "ninf"}}
_NUMBERS = types.Array(types.float32, 1, "C", readonly=True)
_PLACES = types.Array(types.int64, 1, "C", readonly=True)


@njit(types.float32(types.float32), inline="always", **_QUICK)
def _gelu_tanh(value: np.float32) -> np.float32:
    inner = min(max(value * (_INNER + _CUBE * value * value), -_FLAT), _FLAT)
    square = inner * inner
    odd, even = _ODD[0], _EVEN[0]
    odd = odd * square + _ODD[1]
    odd = odd * square + _ODD[2]
    odd = odd * square + _ODD[3]
    odd = odd * square + _ODD[4]
    odd = odd * square + _ODD[5]
    odd = odd * square + _ODD[6]
    even = even * square + _EVEN[1]
    even = even * square + _EVEN[2]
    even = even * square + _EVEN[3]
    return value * _HALF * (_ONE + inner * odd / even)


@njit(types.void(types.float32[::1]), **_QUICK)
def gelu_tanh(x: np.ndarray) -> None:
    """Written over ``x``: x · (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    for place in range(len(x)):
        x[place] = _gelu_tanh(x[place])


@njit(types.void(types.float32[:, ::1], _NUMBERS), **_QUICK)
def biased_gelu_tanh(x: np.ndarray, bias: np.ndarray) -> None:
    """:func:`gelu_tanh` of ``x`` [H, P] with ``bias`` [H] added to its rows, written over it."""
    for row in range(len(x)):
        line, offset = x[row], bias[row]
        for place in range(len(line)):
            line[place] = _gelu_tanh(line[place] + offset)


@njit(types.void(types.Array(types.float32, 2, "A", readonly=True), _PLACES, _NUMBERS, _NUMBERS, types.float32,
                 types.float32[:, ::1]), **_SETTINGS)  # fmt: skip
def standardise(
    x: np.ndarray, rows: np.ndarray, mean: np.ndarray, scale: np.ndarray, limit: float, out: np.ndarray
) -> None:
    """Write ``rows`` of ``x`` [F, P] to ``out`` [len(rows), P]: less ``mean``, times ``scale`` (both by row), within
    ±``limit``; what is not a number stays so."""
    for place in range(len(rows)):
        line, given, centre, factor = out[place], x[rows[place]], mean[place], scale[place]
        for pair in range(len(line)):
            value = (given[pair] - centre) * factor
            value = limit if value > limit else value
            line[pair] = -limit if value < -limit else value


def _as_bits(context: Any, number: Any) -> Any:
    """The bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


def _as_number(context: Any, bits: Any) -> Any:
    """The float32 of these bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


_bits: Any = intrinsic(_as_bits)
_number: Any = intrinsic(_as_number)

#: log(1 + f) = f − f²/2 + f³ · polynomial for √½ − 1 ≤ f ≤ √2 − 1, and log 2 in two parts (Cephes, ``logf``).
_LOG = tuple(np.float32(c) for c in (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
             1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1))  # fmt: skip
_LOG_2, _LOG_2_REST = np.float32(0.693359375), np.float32(-2.12194440e-4)
_ROOT, _ENDLESS = np.float32(2**0.5), np.float32(np.inf)
_BIAS, _FRACTION, _FRACTION_BITS = np.int32(127), np.int32(0x7FFFFF), np.int32(23)


@njit(types.void(types.float32[::1]), **{**_SETTINGS, "fastmath": {"contract"}})
def squash(x: np.ndarray) -> None:
    """Written over ``x``: sign · log(1 + |x|), to a unit of the last place; for many numbers at once, unlike the
    library's."""
    for place in range(len(x)):
        size = abs(x[place]) + _ONE
        bits = _bits(size)
        power = (bits >> _FRACTION_BITS) - _BIAS
        part = _number((bits & _FRACTION) | (_BIAS << _FRACTION_BITS))
        above = part > _ROOT
        f = (part * _HALF if above else part) - _ONE
        powers = np.float32(power + np.int32(1)) if above else np.float32(power)
        square, series = f * f, _LOG[0]
        series = series * f + _LOG[1]
        series = series * f + _LOG[2]
        series = series * f + _LOG[3]
        series = series * f + _LOG[4]
        series = series * f + _LOG[5]
        series = series * f + _LOG[6]
        series = series * f + _LOG[7]
        series = series * f + _LOG[8]
        found = series * f * square + powers * _LOG_2_REST - _HALF * square + f + powers * _LOG_2
        found = found if size < _ENDLESS else size  # also what is not a number
        x[place] = -found if x[place] < 0 else found
