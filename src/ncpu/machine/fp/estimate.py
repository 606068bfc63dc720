"""Reciprocal and reciprocal square root estimates, and immediates."""

from __future__ import annotations

from math import isqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine.fp import core
from ncpu.machine.fp.core import (
    DZC,
    IOC,
    IXC,
    LIFT,
    OFC,
    UFC,
    ZERO,
    pick,
    raised,
    u64,
    unpack,
    with_sign,
)

_EIGHT = np.uint64(0xFF)  # an estimate's fraction


def _rsqrt_entry(a: int) -> int:
    """RecipSqrtEstimate of a fixed-point 0.25 <= a < 1 (128..511 of 512)."""
    a = 2 * a + 1 if a < 256 else 2 * (a >> 1 << 1) + 2
    # The largest b with a * b * b < 2**28.
    return (isqrt(((1 << 28) - 1) // a) + 1) // 2


_RECIP = np.array([((1 << 19) // (2 * a + 1) + 1) // 2 for a in range(256, 512)], np.uint32)
_RSQRT = np.array([_rsqrt_entry(a) for a in range(128, 512)], np.uint32)


def _recip(a: jax.Array) -> jax.Array:
    """RecipEstimate: 256..511 to 256..511 (other inputs are clamped)."""
    return u64(jnp.asarray(_RECIP)[jnp.clip(a.astype(jnp.int32) - 256, 0, 255)])


def _rsqrt(a: jax.Array) -> jax.Array:
    """RecipSqrtEstimate: 128..511 to 256..511 (other inputs are clamped)."""
    return u64(jnp.asarray(_RSQRT)[jnp.clip(a.astype(jnp.int32) - 128, 0, 383)])


def recip_estimate(fmt: jax.Array, a: jax.Array, fpcr: jax.Array) -> tuple[jax.Array, jax.Array]:
    """FRECPE; returns `(u64 bits, u32 exc)`.  Arm ARM FPRecipEstimate."""
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x = unpack(f, c, a)
    sig, exponent = core.normalize(f, x.mag)
    estimate = _recip(sig >> (core.TOP - 8))
    field = 2 * f.bias + (LIFT - 1) - exponent  # the result's exponent: -1, 0, 1, ...
    # Below the normal numbers the implicit bit appears and moves down.
    fraction = (np.uint64(0x100) | (estimate & _EIGHT)) << f.fraction >> 8
    mag = (field << f.fraction) + (fraction & (f.unit - 1))
    mag = pick(field == 0, fraction >> 1, mag)
    mag = pick(field + 1 == 0, fraction >> 2, mag)
    # 1 / x is beyond the largest number.
    over = (exponent < LIFT - 1) & ~x.zero
    to_inf = (c.mode == core.NEAREST) | (c.mode == x.negative + 1)
    tiny = c.flush & ((field == 0) | (field + 1 == 0))
    mag = pick(over, f.inf - u64(~to_inf), pick(tiny, ZERO, mag))
    exc = pick(over, OFC | IXC, raised(tiny, UFC))
    mag = pick(x.inf, ZERO, pick(x.zero, f.inf, mag))
    any_nan, nan, signaling = core.propagate(f, c, x)
    exc = pick(x.inf | x.zero | any_nan, raised(signaling, IOC) | raised(x.zero, DZC), exc)
    bits = pick(any_nan, nan, with_sign(f, x.negative, mag))
    return bits, exc | core.input_exc(c, x)


def rsqrt_estimate(fmt: jax.Array, a: jax.Array, fpcr: jax.Array) -> tuple[jax.Array, jax.Array]:
    """FRSQRTE; returns `(u64 bits, u32 exc)`.  Arm ARM FPRSqrtEstimate."""
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x = unpack(f, c, a)
    sig, exponent = core.normalize(f, x.mag)
    # An even biased exponent takes the significand in 0.5 <= x < 1, an odd one in half
    # of that.
    estimate = _rsqrt(sig >> (core.TOP - 8) >> (exponent & 1))
    field = (3 * f.bias + (LIFT - 1) - exponent) >> 1
    mag = (field << f.fraction) + ((estimate & _EIGHT) << f.fraction >> 8)
    mag = pick(x.inf, ZERO, pick(x.zero, f.inf, mag))
    any_nan, nan, signaling = core.propagate(f, c, x)
    invalid = (x.negative == 1) & ~x.zero & ~any_nan
    bits = pick(any_nan, nan, pick(invalid, f.nan, with_sign(f, x.negative, mag)))
    exc = raised(signaling | invalid, IOC) | raised(x.zero, DZC)
    return bits, exc | core.input_exc(c, x)


def recpx(fmt: jax.Array, a: jax.Array, fpcr: jax.Array) -> tuple[jax.Array, jax.Array]:
    """FRECPX; returns `(u64 bits, u32 exc)`.  Arm ARM FPRecpX."""
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x = unpack(f, c, a)
    exponents = x.mag & f.inf
    mag = pick(exponents == 0, f.inf - f.unit, exponents ^ f.inf)
    any_nan, nan, signaling = core.propagate(f, c, x)
    bits = pick(any_nan, nan, with_sign(f, x.negative, mag))
    return bits, raised(signaling, IOC) | core.input_exc(c, x)


def urecpe(a: jax.Array) -> jax.Array:
    """URECPE of the low 32 bits of `a`; `u64`.  Arm ARM UnsignedRecipEstimate."""
    a = a & np.uint64(0xFFFFFFFF)
    return pick(a >> 31 == 0, np.uint64(0xFFFFFFFF), _recip(a >> 23) << 23)


def ursqrte(a: jax.Array) -> jax.Array:
    """URSQRTE of the low 32 bits of `a`; `u64`.  Arm ARM UnsignedRSqrtEstimate."""
    a = a & np.uint64(0xFFFFFFFF)
    return pick(a >> 30 == 0, np.uint64(0xFFFFFFFF), _rsqrt(a >> 23) << 23)


def expand_imm8(fmt: Any, imm8: Any) -> Any:
    """The constant of an FMOV immediate, `u64`.  Arm ARM VFPExpandImm.

    Traced or jnp arrays, NumPy arrays and Python integers all give their own kind.
    """
    fmt, imm8 = (v.astype(np.uint64) if hasattr(v, "astype") else np.uint64(v) for v in (fmt, imm8))
    bits = np.uint64(8) << fmt
    fraction = bits - (fmt * 3 + 3)
    # The exponent NOT(b):b..b:cd starts at 10..0, or at 01..1 followed by cd's place.
    start = (core.ONE << (bits - 2)) - ((imm8 >> 6 & 1) << (fraction + 2))
    return (imm8 >> 7 & 1) << (bits - 1) | start + ((imm8 & 0x3F) << fraction >> 4)
