"""Comparisons, minimum and maximum."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine.fp import core
from ncpu.machine.fp.core import IOC, Control, Layout, Operand, pick, raised, unpack, with_sign

# Relations of `compare_mask`.
EQ, GE, GT = range(3)


class _Order(NamedTuple):
    less: jax.Array
    equal: jax.Array
    unordered: jax.Array
    signaling: jax.Array


def _signed(x: Operand, negative: jax.Array) -> jax.Array:
    """An `i64` in the order of the numbers: both zeros are 0."""
    value = lax.bitcast_convert_type(x.mag, jnp.int64)
    return pick(negative == 1, -value, value)


def _order(x: Operand, y: Operand, x_negative: jax.Array, y_negative: jax.Array) -> _Order:
    left, right = _signed(x, x_negative), _signed(y, y_negative)
    return _Order(left < right, left == right, x.nan | y.nan, x.signaling | y.signaling)


def compare(
    fmt: jax.Array, a: jax.Array, b: jax.Array, fpcr: jax.Array, signal_all: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """FCMP, or FCMPE where `signal_all` (bool).

    Returns `(u32 NZCV with N = 8, u32 exc)`.  Arm ARM FPCompare.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x, y = unpack(f, c, a), unpack(f, c, b)
    less, equal, unordered, signaling = _order(x, y, x.negative, y.negative)
    flags = pick(less, np.uint32(8), pick(equal, np.uint32(6), np.uint32(2)))
    flags = pick(unordered, np.uint32(3), flags)
    exc = raised(signaling | (unordered & signal_all), IOC)
    return flags, exc | core.input_exc(c, x, y)


def compare_mask(
    fmt: jax.Array,
    a: jax.Array,
    b: jax.Array,
    fpcr: jax.Array,
    relation: jax.Array,
    absolute: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Whether `a` EQ (0), GE (1) or GT (2) `b`, of magnitudes where `absolute` (bool).

    Returns `(bool, u32 exc)`.  Arm ARM FPCompareEQ, FPCompareGE, FPCompareGT.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x, y = unpack(f, c, a), unpack(f, c, b)
    keep = core.u64(~absolute)
    less, equal, unordered, signaling = _order(x, y, x.negative & keep, y.negative & keep)
    # FP comparisons for equality stay quiet on a quiet NaN, orderings do not.
    is_equality = relation == EQ
    holds = (~is_equality & ~(less | equal)) | ((relation != GT) & equal)
    exc = raised(pick(is_equality, signaling, unordered), IOC)
    return holds & ~unordered, exc | core.input_exc(c, x, y)


def _number_of(f: Layout, c: Control, x: Operand, filler: jax.Array, asked: jax.Array) -> Operand:
    """`x`, or `filler` in place of a quiet NaN where `asked`."""
    replace = asked & x.nan & ~x.signaling
    filled = unpack(f, c, pick(replace, filler, x.bits))
    return filled._replace(flushed=x.flushed)


def minmax(
    fmt: jax.Array,
    a: jax.Array,
    b: jax.Array,
    fpcr: jax.Array,
    is_max: jax.Array,
    is_nm: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """FMAX or FMIN, FMAXNM or FMINNM where `is_nm` (both bool).

    Returns `(u64 bits, u32 exc)`.  Arm ARM FPMax, FPMin, FPMaxNum, FPMinNum.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x, y = unpack(f, c, a), unpack(f, c, b)
    # One quiet NaN against a number: the number, as if against the farthest infinity.
    filler = f.inf | pick(is_max, f.sign, core.ZERO)
    x, y = (
        _number_of(f, c, x, filler, is_nm & ~y.nan),
        _number_of(f, c, y, filler, is_nm & ~x.nan),
    )
    less, equal, _, _ = _order(x, y, x.negative, y.negative)
    # Equal magnitudes differ at most in a zero's sign: maximum is the positive one.
    first = pick(equal, (x.negative == 0) == is_max, ~less == is_max)
    bits = pick(first, with_sign(f, x.negative, x.mag), with_sign(f, y.negative, y.mag))
    any_nan, nan, signaling = core.propagate(f, c, x, y)
    return pick(any_nan, nan, bits), raised(signaling, IOC) | core.input_exc(c, x, y)
