"""What every floating-point operation shares: formats, controls, unpacking, rounding.

A number on its way through an operation is a sign bit, a significand with its leading
bit at bit 62 (or zero), and a *lifted* exponent: the biased exponent that leading bit
would have in an unbounded range, plus `LIFT`, so that everything stays unsigned.
Half, single and double differ only in the numbers of a `Layout`.  All values are
`u64` except exception bits (`u32`) and predicates (`bool`); only under x64.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

# FPSR cumulative exception bits.
IOC, DZC, OFC, UFC, IXC, IDC = (np.uint32(1 << n) for n in (0, 1, 2, 3, 4, 7))
NO_EXC = np.uint32(0)

# Rounding modes: the first four are FPCR.RMode, the last is FCVTA's and FRINTA's.
NEAREST, UP, DOWN, TO_ZERO, TIES_AWAY = range(5)

# Above the magnitude of any unbounded exponent (about 3200) and a power of two.
LIFT = 1 << 14
TOP = 62  # the leading bit of a normalized significand

ZERO, ONE = np.uint64(0), np.uint64(1)


def u64(value: ArrayLike) -> jax.Array:
    """`value` as `u64`."""
    return jnp.asarray(value).astype(jnp.uint64)


def pick(condition: jax.Array, yes: ArrayLike, no: ArrayLike) -> jax.Array:
    """`jnp.where` as a single equation when the shapes already agree."""
    yes, no = jnp.asarray(yes), jnp.asarray(no)
    if not condition.shape == yes.shape == no.shape:
        condition, yes, no = jnp.broadcast_arrays(condition, yes, no)
    return lax.select_n(condition, no, yes)


def raised(condition: jax.Array, bits: np.uint32) -> jax.Array:
    """`bits` where `condition`, else no exception."""
    return pick(condition, bits, NO_EXC)


def low_bits(count: jax.Array) -> jax.Array:
    """A word with its lowest `count` (0..63) bits set."""
    return (ONE << count) - 1


class Layout(NamedTuple):
    """One format in numbers; every field `u64`."""

    fraction: jax.Array  # fraction bits: 10, 23, 52
    sign_at: jax.Array  # 15, 31, 63
    unit: jax.Array  # smallest normal number, and the implicit bit
    sign: jax.Array  # the sign bit
    inf: jax.Array  # +infinity
    quiet: jax.Array  # the bit that makes a NaN quiet
    bias: jax.Array  # 15, 127, 1023

    @property
    def nan(self) -> jax.Array:
        """The default NaN."""
        return self.inf | self.quiet

    @property
    def one(self) -> jax.Array:
        """1.0."""
        return self.two - self.unit

    @property
    def two(self) -> jax.Array:
        """2.0: only the top exponent bit is set."""
        return self.sign >> 1


def layout(fmt: jax.Array) -> Layout:
    """The `Layout` of format `fmt` (1 half, 2 single, 3 double)."""
    # Shift amounts are masked here and below although they are in range: so XLA's
    # native code needs no test for amounts of 64 and more.
    fmt = u64(fmt) & 3
    bits = np.uint64(8) << fmt
    fraction, sign_at = (bits - (fmt * 3 + 3)) & 63, (bits - 1) & 63
    unit = ONE << fraction
    sign = ONE << sign_at
    bias = (sign >> 1 >> fraction) - 1
    return Layout(fraction, sign_at, unit, sign, sign - unit, unit >> 1, bias)


class Control(NamedTuple):
    """What FPCR asks of one format."""

    mode: jax.Array  # u64 RMode
    flush: jax.Array  # bool: flush-to-zero, by FZ or FZ16
    default_nan: jax.Array  # bool
    idc: jax.Array  # u32: raised by a flushed input; nothing for half precision


def control(fmt: jax.Array, fpcr: jax.Array) -> Control:
    """FPCR's controls as they apply to format `fmt`."""
    half = fmt == 1
    fz_bit = pick(half, np.uint32(1 << 19), np.uint32(1 << 24))
    return Control(
        mode=u64((fpcr >> 22) & 3),
        flush=(fpcr & fz_bit) != 0,
        default_nan=(fpcr & (1 << 25)) != 0,
        idc=pick(half, NO_EXC, IDC),
    )


class Operand(NamedTuple):
    """FPUnpack's classification of one value, its subnormals flushed if asked."""

    bits: jax.Array  # u64 as given
    mag: jax.Array  # u64 without the sign, after flushing
    negative: jax.Array  # u64 0 or 1
    nan: jax.Array
    signaling: jax.Array
    inf: jax.Array
    zero: jax.Array
    flushed: jax.Array


def unpack(f: Layout, c: Control, bits: jax.Array) -> Operand:
    """Classify `bits` (Arm ARM FPUnpack)."""
    raw = bits & (f.sign - 1)
    mag = pick(raw < pick(c.flush, f.unit, ZERO), ZERO, raw)
    return Operand(
        bits=bits,
        mag=mag,
        negative=bits >> f.sign_at,
        nan=mag > f.inf,
        # Between infinity and the first quiet NaN, in one wrapping comparison.
        signaling=(mag - (f.inf + 1)) < (f.quiet - 1),
        inf=mag == f.inf,
        zero=mag == 0,
        flushed=mag != raw,
    )


def normalize(f: Layout, mag: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(significand, lifted exponent) of a finite magnitude; significand 0 for zero."""
    # Subnormals share the exponent of the first normal binade, with no implicit bit:
    # taking all but one of the exponent off leaves that bit exactly in the normals.
    step = jnp.maximum(mag >> f.fraction, 1) - 1
    base = mag - (step << f.fraction)
    zeros = lax.clz(base)
    return base << ((zeros - 1) & 63), step + (64 + LIFT - f.fraction) - zeros


def with_sign(f: Layout, negative: jax.Array, mag: jax.Array) -> jax.Array:
    """`mag` with sign bit `negative` (`u64` 0 or 1)."""
    return (negative << f.sign_at) | mag


def propagate(f: Layout, c: Control, *operands: Operand) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(is any NaN, the NaN result, any signaling) in operand order.

    Arm ARM FPProcessNaNs / FPProcessNaNs3: the first signaling NaN, else the first
    quiet one, made quiet; the default NaN under FPCR.DN.
    """
    any_signaling, any_nan = operands[0].signaling, operands[0].nan
    for x in operands[1:]:
        any_signaling, any_nan = any_signaling | x.signaling, any_nan | x.nan
    chosen = operands[-1].bits
    for x in reversed(operands[:-1]):
        chosen = pick(pick(any_signaling, x.signaling, x.nan), x.bits, chosen)
    return any_nan, pick(c.default_nan, f.nan, chosen | f.quiet), any_signaling


def input_exc(c: Control, *operands: Operand) -> jax.Array:
    """IDC where any operand was flushed (never for half precision)."""
    flushed = operands[0].flushed
    for x in operands[1:]:
        flushed = flushed | x.flushed
    return pick(flushed, c.idc, NO_EXC)


def jam_right(word: jax.Array, amount: jax.Array) -> jax.Array:
    """`word >> amount` (0..63) with every lost bit ORed into bit 0."""
    return (word >> amount) | u64((word & low_bits(amount)) != 0)


def increment(
    mode: jax.Array, negative: jax.Array, odd_unit: jax.Array, at: jax.Array
) -> jax.Array:
    """What to add below bit `at` so that truncation there rounds by `mode`.

    `odd_unit` is the bit at `at`.  TIES_AWAY is not among the modes here.
    """
    below = low_bits(at)
    directed = pick(mode == negative + 1, below, ZERO)  # UP if positive, DOWN if negative
    return pick(mode == NEAREST, (below >> 1) + odd_unit, directed)


def round_pack(
    f: Layout,
    c: Control,
    negative: jax.Array,
    exponent: jax.Array,
    sig: jax.Array,
    to_odd: jax.Array | None = None,
    alternative: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Round to format `f`: (bits, exceptions) of Arm ARM FPRoundBase.

    `sig` is normalized (bit 0 sticky) or 0 for an exact zero, `exponent` lifted.
    `to_odd` overrides the mode; `alternative` is FPCR.AHP half precision.
    """
    floor = jnp.maximum(exponent, LIFT + 1)
    deficit = floor - exponent  # below the normal range, before rounding
    scaled = jam_right(sig, jnp.minimum(deficit, 63))
    at = (TOP - f.fraction) & 63
    inexact = (scaled & low_bits(at)) != 0
    inc = increment(c.mode, negative, (scaled >> at) & 1, at)
    if to_odd is not None:
        inc = pick(to_odd, ZERO, inc)
    integer = (scaled + inc) >> at
    if to_odd is not None:
        integer = integer | u64(inexact & to_odd)
    # The implicit bit, and a carry out of the fraction, add into the exponent field.
    packed = ((floor - (LIFT + 1)) << f.fraction) + integer
    nonzero = sig != 0
    tiny = (deficit != 0) & nonzero
    limit = f.inf if alternative is None else pick(alternative, f.sign, f.inf)
    over = (packed >= limit) & nonzero
    # Modes that never round this sign away from zero stop at the largest number.
    largest = f.inf - u64(inc == 0)
    over_exc = OFC | IXC
    if alternative is not None:
        largest = pick(alternative, f.sign - 1, largest)
        over_exc = pick(alternative, IOC, over_exc)
    flushed = tiny & c.flush
    packed = pick(over, largest, packed)
    packed = pick(nonzero & ~flushed, packed, ZERO)
    exc = raised(inexact, IXC) | raised(inexact & tiny, UFC)
    exc = pick(flushed, UFC, pick(over, over_exc, exc))
    return with_sign(f, negative, packed), exc
