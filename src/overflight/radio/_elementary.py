"""Elementary functions for compiled loops that must vectorise: no calls, no branches, IEEE 754 in the order written.

Each is within a few units in the last place over the range that it states.
"""
# mypy: disable-error-code="untyped-decorator,call-arg,unreachable,var-annotated"
# ruff: noqa: FURB136 - comparisons compile to one select each; min and max do not

import math
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

_TO_INTEGER = 6755399441055744.0
"""1.5 · 2^52: a number of up to 2^51 added to it stands in its low bits as an integer."""

_TO_INTEGER_BITS = 0x4338000000000000
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_LOG2_E = 1.4426950408889634
_LN_2_HIGH, _LN_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
_LN_2 = 0.6931471805599453
_PI_4, _SQRT_HALF = math.pi / 4.0, math.sqrt(0.5)


@intrinsic
def _bits_of(_context: Any, _value: Any) -> Any:
    """The bits of a float64 as an int64."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _float_of(_context: Any, _bits: Any) -> Any:
    """The float64 of bits given as an int64."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@njit(inline="always", **OPTIONS)
def exp(x: Any) -> Any:
    """Exponential; arguments beyond ±700 count as ±700."""
    x = x if x > -700.0 else -700.0
    x = x if x < 700.0 else 700.0
    shifted = x * _LOG2_E + _TO_INTEGER
    n = shifted - _TO_INTEGER
    r = x - n * _LN_2_HIGH - n * _LN_2_LOW
    p = 1.0 / 39916800.0 + r * (1.0 / 479001600.0)
    p = 1.0 / 3628800.0 + r * p
    p = 1.0 / 362880.0 + r * p
    p = 1.0 / 40320.0 + r * p
    p = 1.0 / 5040.0 + r * p
    p = 1.0 / 720.0 + r * p
    p = 1.0 / 120.0 + r * p
    p = 1.0 / 24.0 + r * p
    p = 1.0 / 6.0 + r * p
    p = 0.5 + r * p
    p = 1.0 + r * (1.0 + r * p)
    return p * _float_of((_bits_of(shifted) + 1023) << 52)


@njit(inline="always", **OPTIONS)
def log(x: Any) -> Any:
    """Natural logarithm of a normal positive number."""
    bits = _bits_of(x)
    exponent = (bits - _SQRT_HALF_BITS) >> 52
    mantissa = _float_of(bits - (exponent << 52))
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    p = 1.0 / 19.0 + z * (1.0 / 21.0)
    p = 1.0 / 17.0 + z * p
    p = 1.0 / 15.0 + z * p
    p = 1.0 / 13.0 + z * p
    p = 1.0 / 11.0 + z * p
    p = 1.0 / 9.0 + z * p
    p = 1.0 / 7.0 + z * p
    p = 1.0 / 5.0 + z * p
    p = 1.0 / 3.0 + z * p
    whole = _float_of(exponent + _TO_INTEGER_BITS) - _TO_INTEGER
    return whole * _LN_2 + (2.0 * s + 2.0 * s * z * p)


@njit(inline="always", **OPTIONS)
def sine_cosine(angle: Any) -> Any:
    """Sine and cosine of an angle from 0 to π/2."""
    x = angle - _PI_4
    z = x * x
    s = 1.0 - z * (1.0 / 272.0)
    s = 1.0 - z * (1.0 / 210.0) * s
    s = 1.0 - z * (1.0 / 156.0) * s
    s = 1.0 - z * (1.0 / 110.0) * s
    s = 1.0 - z * (1.0 / 72.0) * s
    s = 1.0 - z * (1.0 / 42.0) * s
    s = 1.0 - z * (1.0 / 20.0) * s
    s = x * (1.0 - z * (1.0 / 6.0) * s)
    c = 1.0 - z * (1.0 / 240.0)
    c = 1.0 - z * (1.0 / 182.0) * c
    c = 1.0 - z * (1.0 / 132.0) * c
    c = 1.0 - z * (1.0 / 90.0) * c
    c = 1.0 - z * (1.0 / 56.0) * c
    c = 1.0 - z * (1.0 / 30.0) * c
    c = 1.0 - z * (1.0 / 12.0) * c
    c = 1.0 - z * (1.0 / 2.0) * c
    cosine = (c - s) * _SQRT_HALF
    return (c + s) * _SQRT_HALF, cosine if cosine > 0.0 else 0.0


@njit(inline="always", **OPTIONS)
def cosine_to_half_turn(angle: Any) -> Any:
    """Cosine of an angle from -π/2 to π/2, as a Taylor series to order 22."""
    z = angle * angle
    c = 1.0 - z * (1.0 / 462.0)
    c = 1.0 - z * (1.0 / 380.0) * c
    c = 1.0 - z * (1.0 / 306.0) * c
    c = 1.0 - z * (1.0 / 240.0) * c
    c = 1.0 - z * (1.0 / 182.0) * c
    c = 1.0 - z * (1.0 / 132.0) * c
    c = 1.0 - z * (1.0 / 90.0) * c
    c = 1.0 - z * (1.0 / 56.0) * c
    c = 1.0 - z * (1.0 / 30.0) * c
    c = 1.0 - z * (1.0 / 12.0) * c
    return 1.0 - z * (1.0 / 2.0) * c


@njit(inline="always", **OPTIONS)
def arctangent(x: Any) -> Any:
    """Arc tangent of a number from 0 up: the angle halved three times, then a series (argument below 0.2)."""
    x = x / (1.0 + math.sqrt(1.0 + x * x))
    x = x / (1.0 + math.sqrt(1.0 + x * x))
    x = x / (1.0 + math.sqrt(1.0 + x * x))
    z = x * x
    p = 1.0 / 19.0 - z * (1.0 / 21.0)
    p = 1.0 / 17.0 - z * p
    p = 1.0 / 15.0 - z * p
    p = 1.0 / 13.0 - z * p
    p = 1.0 / 11.0 - z * p
    p = 1.0 / 9.0 - z * p
    p = 1.0 / 7.0 - z * p
    p = 1.0 / 5.0 - z * p
    p = 1.0 / 3.0 - z * p
    return 8.0 * (x - x * z * p)
