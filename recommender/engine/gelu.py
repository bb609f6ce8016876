"""The activation of the default network, compiled; see ``kernels.py`` for how."""

from __future__ import annotations

import numpy as np
from numba import njit, types

#: A rational function that is tanh to a few units of the last place (that of Eigen and XLA), odd over even powers;
#: unlike the library's, it is computed for many numbers at once.
_ODD = tuple(np.float32(c) for c in (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11,
             5.12229709037114e-08, 1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03))  # fmt: skip
_EVEN = tuple(np.float32(c) for c in (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03,
              4.89352518554385e-03))  # fmt: skip
_FLAT, _HALF, _ONE = np.float32(7.90531110763549805), np.float32(0.5), np.float32(1)
_INNER, _CUBE = np.float32(0.7978845608), np.float32(0.044715 * 0.7978845608)


@njit(
    types.void(types.float32[::1]),
    cache=True,
    nogil=True,
    error_model="numpy",
    fastmath={"contract", "nsz", "nnan", "ninf"},
)
def gelu_tanh(x: np.ndarray) -> None:
    """Written over ``x``: x · (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    for place in range(len(x)):
        value = x[place]
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
        x[place] = value * _HALF * (_ONE + inner * odd / even)
