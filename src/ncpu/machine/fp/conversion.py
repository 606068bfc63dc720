"""Between formats and to, from and within the integers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine.fp import core
from ncpu.machine.fp.core import IOC, IXC, LIFT, ONE, ZERO, pick, raised, u64, unpack, with_sign


def _rounds_up(
    mode: jax.Array, negative: jax.Array, odd: jax.Array, rest: jax.Array, half: jax.Array
) -> jax.Array:
    """Whether a magnitude with fraction `rest` (`half` is one half) rounds away from zero."""
    nearest = (rest > half) | ((rest == half) & ((odd == 1) | (mode == core.TIES_AWAY)))
    directed = mode == negative + 1  # UP if positive, DOWN if negative
    to_nearest = (mode == core.NEAREST) | (mode == core.TIES_AWAY)
    return pick(to_nearest, nearest, directed) & (rest != 0)


def round_int(
    fmt: jax.Array, a: jax.Array, fpcr: jax.Array, mode: jax.Array, exact: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Round `a` to an integral value by `mode` (0-3 as FPCR, 4 ties away).

    `exact` (bool) raises IXC.  Returns `(u64 bits, u32 exc)`.  Arm ARM FPRoundInt.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x = unpack(f, c, a)
    # In 1 <= |x| the encoding itself rounds as an integer at its last integral bit
    # (in the binade of 1 that bit is the exponent's lowest, and is 1 as it should be).
    small = x.mag < f.one
    places = f.bias + f.fraction - (x.mag >> f.fraction)
    places = pick(places > f.fraction, ZERO, places)  # integral already, or small
    step = ONE << places
    odd = pick(small, ZERO, (x.mag >> places) & 1)
    rest = pick(small, x.mag, x.mag & (step - 1))
    half = pick(small, f.one - f.unit, step >> 1)
    up = _rounds_up(u64(mode), x.negative, odd, rest, half)
    mag = x.mag - rest + pick(up, pick(small, f.one, step), ZERO)
    any_nan, nan, signaling = core.propagate(f, c, x)
    special = any_nan | x.inf
    bits = pick(x.inf, f.inf, mag)
    bits = pick(any_nan, nan, with_sign(f, x.negative, bits))
    exc = raised(exact & (rest != 0) & ~special, IXC) | raised(signaling, IOC)
    return bits, exc | core.input_exc(c, x)


def to_int(
    fmt: jax.Array,
    a: jax.Array,
    fpcr: jax.Array,
    mode: jax.Array,
    is_signed: jax.Array,
    width: jax.Array,
    fbits: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """`a * 2**fbits` as an integer of `width` (16, 32, 64) bits, saturating.

    `mode` as in `round_int`; returns `(u64 zero-extended, u32 exc)`.  Arm ARM FPToFixed.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    width = u64(width)
    x = unpack(f, c, a)
    sig, exponent = core.normalize(f, x.mag)
    sig = sig << 1  # leading bit at 63
    # The integer part is `whole` bits long; lifted so that it stays unsigned.
    whole = exponent - f.bias + (1 + u64(fbits))
    huge = whole > LIFT + 64
    # Below a half it does not matter by how much.
    faint = whole < LIFT
    length = jnp.minimum(whole - pick(faint, whole, np.uint64(LIFT)), 64)
    full = length == 64
    integer = pick(full, sig, sig >> 1 >> ((63 - length) & 63))
    rest = pick(full, ZERO, sig << (length & 63))
    rest = pick(faint, u64(~x.zero), rest)
    up = _rounds_up(u64(mode), x.negative, integer & 1, rest, u64(np.uint64(1 << 63)))
    integer = integer + u64(up)
    top = ONE << (width - 1)
    limit = pick(is_signed, top - 1 + x.negative, pick(x.negative == 1, ZERO, top - 1 + top))
    special = x.nan | x.inf
    over = (huge | x.inf | (integer > limit)) & ~x.nan
    mag = pick(x.nan, ZERO, pick(over, limit, integer))
    exc = pick(over | x.nan, IOC, raised((rest != 0) & ~special, IXC))
    value = pick(x.negative == 1, -mag, mag) & (top - 1 + top)
    return value, exc | core.input_exc(c, x)


def from_int(
    fmt: jax.Array,
    x: jax.Array,
    fpcr: jax.Array,
    is_signed: jax.Array,
    width: jax.Array,
    fbits: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """The low `width` (16, 32, 64) bits of `x`, times `2**-fbits`, rounded by FPCR.

    Returns `(u64 bits, u32 exc)`.  Arm ARM FixedToFP.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    lead = 64 - u64(width)
    high = x << lead  # drops what is above the operand, its sign now at 63
    negative = (high >> 63) & u64(is_signed)
    mag = pick(negative == 1, -high, high)  # the operand's magnitude times 2**lead
    zeros = lax.clz(mag)
    sig = core.jam_right(mag << (zeros & 63), u64(1))
    exponent = f.bias + (LIFT + 63) - zeros - lead - u64(fbits)
    return core.round_pack(f, c, negative, exponent, sig)


def convert(
    src_fmt: jax.Array, dst_fmt: jax.Array, a: jax.Array, fpcr: jax.Array, to_odd: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """FCVT between formats, half precision by FPCR.AHP; `to_odd` (bool) for FCVTXN.

    Returns `(u64 bits, u32 exc)`.  Arm ARM FPConvert, FPUnpackCV, FPRoundCV.
    """
    fpcr = fpcr & ~np.uint32(1 << 19)  # FZ16 has no say in conversions
    ahp = (fpcr & (1 << 26)) != 0
    s, d = core.layout(src_fmt), core.layout(dst_fmt)
    c = core.control(src_fmt, fpcr)
    x = unpack(s, c, a)
    # Alternative half precision has neither: its top exponent is one more binade.
    plain, alternative = ~(ahp & (src_fmt == 1)), ahp & (dst_fmt == 1)
    nan, inf = x.nan & plain, x.inf & plain
    sig, exponent = core.normalize(s, x.mag)
    exponent = exponent + d.bias - s.bias
    bits, exc = core.round_pack(
        d, core.control(dst_fmt, fpcr), x.negative, exponent, sig, to_odd, alternative
    )
    payload = (x.mag & (s.quiet - 1)) << (52 - s.fraction) >> (52 - d.fraction)
    moved = pick(c.default_nan, d.nan, with_sign(d, x.negative, d.nan | payload))
    nothing = with_sign(d, x.negative, u64(0))
    bits = pick(nan, pick(alternative, nothing, moved), bits)
    bits = pick(inf, nothing | pick(alternative, d.sign - 1, d.inf), bits)
    ioc = (nan & (x.signaling | alternative)) | (inf & alternative)
    exc = pick(nan | inf, raised(ioc, IOC), exc)
    return bits, exc | core.input_exc(c, x)
