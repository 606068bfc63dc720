"""Arithmetic: the fused multiply-add behind every sum and product, quotient and root."""

from __future__ import annotations

from enum import IntFlag

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine.fp import core
from ncpu.machine.fp.core import (
    DZC,
    IOC,
    LIFT,
    ZERO,
    Control,
    Layout,
    Operand,
    pick,
    raised,
    u64,
    unpack,
    with_sign,
)
from ncpu.machine.fp.wide import Wide, add_signed, jam_right_wide, mul_wide, normalize_wide


class MulAdd(IntFlag):
    """What `muladd` computes, as flags; the names below them are the instructions."""

    ADD = 1  # a + b: the addend is a, the product b * 1
    MUL = 2  # a * b: the addend is a zero with the product's sign
    STEP = 4  # constant - a * b: an infinite * zero product counts as zero
    NEG_A = 8  # negate a first, NaN or not
    NEG_ADDEND = 16  # negate the addend first, NaN or not
    NEG_PRODUCT = 32  # negate the product, but not a NaN operand
    NEG_RESULT = 64
    ABS_RESULT = 128
    HALVE = 256  # halve before rounding; with STEP the constant is 3, not 2
    TWO = 512  # infinite * zero is 2 with the product's sign

    FADD = ADD
    FSUB = ADD | NEG_PRODUCT
    FABD = ADD | NEG_PRODUCT | ABS_RESULT
    FMUL = MUL
    FNMUL = MUL | NEG_RESULT
    FMULX = MUL | TWO
    FMADD = 0  # also FMLA
    FMSUB = NEG_A  # also FMLS
    FNMADD = NEG_A | NEG_ADDEND
    FNMSUB = NEG_ADDEND
    FRECPS = STEP | NEG_A
    FRSQRTS = STEP | NEG_A | HALVE


def _fused(
    f: Layout, c: Control, x: Operand, a: Operand, b: Operand, signs: Wide, halve: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Finite x + a * b, rounded once; `signs` are those of x and of the product."""
    (sig_x, exp_x), (sig_a, exp_a), (sig_b, exp_b) = (core.normalize(f, v.mag) for v in (x, a, b))
    # Both at bit 125 of 128: x exactly, the product there or one below.  A zero goes
    # far down so that the other is never shifted for it.
    nowhere = np.uint64(64)
    exp_x = pick(x.zero, nowhere, exp_x)
    exp_p = pick(a.zero | b.zero, nowhere, exp_a + exp_b - (f.bias + (LIFT - 1)))
    p_high, p_low = mul_wide(sig_a, sig_b)
    x_big = exp_x > exp_p
    x_high = sig_x >> 1
    big = pick(x_big, x_high, p_high), pick(x_big, ZERO, p_low)
    small = pick(x_big, p_high, x_high), pick(x_big, p_low, ZERO)
    exponent = jnp.maximum(exp_x, exp_p)
    small = jam_right_wide(*small, exponent - jnp.minimum(exp_x, exp_p))
    sign_x, sign_p = signs
    differ = sign_x ^ sign_p
    negated, total = add_signed(big, small, differ)
    sig, shift = normalize_wide(*total)
    # An exact zero from unlike signs is +0, or -0 when rounding down.
    cancelled = pick(differ == 1, u64(c.mode == core.DOWN), sign_p)
    negative = pick(sig == 0, cancelled, pick(x_big, sign_x, sign_p) ^ negated)
    return core.round_pack(f, c, negative, exponent + 1 - shift - halve, sig)


def _asks(kind: jax.Array, flag: MulAdd) -> jax.Array:
    return (kind & np.uint32(flag)) != 0


def _constant(f: Layout, kind: jax.Array) -> jax.Array:
    """The addend of a step: 2, or 3 if the result is halved."""
    return f.two | pick(_asks(kind, MulAdd.HALVE), f.quiet, ZERO)


def _route(
    f: Layout, addend: jax.Array, a: jax.Array, b: jax.Array, kind: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The addend and the two factors, negated where that comes before NaN handling."""
    add = _asks(kind, MulAdd.ADD)
    addend = pick(_asks(kind, MulAdd.MUL), ZERO, addend)
    addend = pick(_asks(kind, MulAdd.STEP), _constant(f, kind), addend)
    addend = pick(add, a, addend)
    a, b = pick(add, b, a), pick(add, f.one, b)
    return (
        addend ^ pick(_asks(kind, MulAdd.NEG_ADDEND), f.sign, ZERO),
        a ^ pick(_asks(kind, MulAdd.NEG_A), f.sign, ZERO),
        b,
    )


def _special(
    f: Layout,
    c: Control,
    x: Operand,
    y: Operand,
    z: Operand,
    signs: Wide,
    kind: jax.Array,
    finite: tuple[jax.Array, jax.Array],
) -> tuple[jax.Array, jax.Array]:
    """`finite` (bits, exceptions), or what NaNs and infinities make of x + y * z."""
    bits, exc = finite
    sign_x, sign_p = signs
    inf_p = y.inf | z.inf
    any_inf = x.inf | inf_p
    inf_zero = (y.inf & z.zero) | (y.zero & z.inf)
    replaced = _asks(kind, MulAdd.STEP | MulAdd.TWO)
    any_nan, nan, signaling = core.propagate(f, c, x, y, z)
    # An invalid product wins over a quiet addend; only a signaling one comes first.
    invalid = inf_zero & ~x.signaling & ~replaced
    invalid = invalid | (inf_p & x.inf & (sign_x != sign_p) & ~any_nan)
    bits = pick(any_inf, with_sign(f, pick(x.inf, sign_x, sign_p), f.inf), bits)
    # 2 for FRECPS, 3 / 2 for FRSQRTS, signed 2 for FMULX.
    instead = _constant(f, kind) - pick(_asks(kind, MulAdd.HALVE), f.unit, ZERO)
    instead = instead | (pick(_asks(kind, MulAdd.MUL), sign_p, ZERO) << f.sign_at)
    bits = pick(inf_zero & replaced, instead, bits)
    bits = pick(invalid, f.nan, pick(any_nan, nan, bits))
    return bits, pick(any_nan | any_inf, raised(signaling | invalid, IOC), exc)


def muladd(
    fmt: jax.Array,
    addend: jax.Array,
    a: jax.Array,
    b: jax.Array,
    fpcr: jax.Array,
    kind: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Sums, products and fused steps; `kind` a traced `MulAdd`, addend unused by ADD/MUL/STEP.

    Returns `(u64 bits, u32 exc)`.  Arm ARM FPAdd, FPSub, FPMul, FPMulX, FPMulAdd,
    FPRecipStepFused, FPRSqrtStepFused.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x, y, z = (unpack(f, c, bits) for bits in _route(f, addend, a, b, kind))
    sign_p = y.negative ^ z.negative ^ u64(_asks(kind, MulAdd.NEG_PRODUCT))
    signs = pick(_asks(kind, MulAdd.MUL), sign_p, x.negative), sign_p
    finite = _fused(f, c, x, y, z, signs, u64(_asks(kind, MulAdd.HALVE)))
    bits, exc = _special(f, c, x, y, z, signs, kind, finite)
    bits = bits ^ pick(_asks(kind, MulAdd.NEG_RESULT), f.sign, ZERO)
    bits = bits & ~pick(_asks(kind, MulAdd.ABS_RESULT), f.sign, ZERO)
    return bits, exc | core.input_exc(c, x, y, z)


_DIGITS = 4  # result bits per trip of the digit recurrence
_ROOM = 60  # bit of weight 1 in its registers, which stay below 8


def _digits(
    rest: jax.Array, divisor: jax.Array, is_sqrt: jax.Array, trips: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """(quotient or root in [1, 2), truncated, what remains) by restoring recurrence.

    Digit i asks for `divisor`, or for 2 * root + 2**-i, of what remains times 2**i; the
    second is itself kept by a recurrence so that no digit waits for the root.
    """
    one = jnp.zeros_like(rest) + np.uint64(1 << _ROOM)

    def trip(_: jax.Array, carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        rest, root, trial, step = carry
        for _digit in range(_DIGITS):
            fits = rest >= trial
            rest = pick(fits, rest - trial, rest) << 1
            root = (root << 1) | u64(fits)
            trial = trial + pick(fits, step + (step << 1), -step)
            step = step >> 1
        return rest, root, trial, step

    trial, step = pick(is_sqrt, one, divisor), pick(is_sqrt, one >> 1, ZERO)
    rest, root, _, _ = lax.fori_loop(0, trips, trip, (rest, jnp.zeros_like(one), trial, step))
    return root, rest


def div_sqrt(
    fmt: jax.Array,
    a: jax.Array,
    b: jax.Array,
    fpcr: jax.Array,
    is_sqrt: jax.Array,
    active: jax.Array | bool = True,
) -> tuple[jax.Array, jax.Array]:
    """`a / b`, or the square root of `b` where `is_sqrt` (bool), from one loop.

    Returns `(u64 bits, u32 exc)`; where not `active` (bool) no loop trip is spent and
    the result means nothing.  Arm ARM FPDiv, FPSqrt.
    """
    f, c = core.layout(fmt), core.control(fmt, fpcr)
    x, y = unpack(f, c, pick(is_sqrt, b, a)), unpack(f, c, b)
    (sig_x, exp_x), (sig_y, exp_y) = core.normalize(f, x.mag), core.normalize(f, y.mag)
    # Quotient: doubled if it would be below 1.  Root: of an even exponent, in [1, 4).
    unbiased = exp_x - f.bias
    small = pick(is_sqrt, unbiased & 1, u64(sig_x < sig_y))
    exp_q = exp_x - exp_y + (f.bias + LIFT) - small
    exp_q = pick(is_sqrt, ((unbiased - small) >> 1) + (f.bias + LIFT // 2), exp_q)
    drop = core.TOP - _ROOM
    count = ((f.fraction + 2 + _DIGITS) // _DIGITS).astype(jnp.int32)
    trips = jnp.max(pick(jnp.asarray(active), count, np.int32(0)))
    root, rest = _digits(sig_x >> (drop - small), sig_y >> drop, is_sqrt, trips)
    sig = (root << (core.TOP + 1 - u64(trips) * _DIGITS)) | u64(rest != 0)
    negative = pick(is_sqrt, x.negative, x.negative ^ y.negative)
    bits, exc = core.round_pack(f, c, negative, exp_q, sig)

    any_nan, nan, signaling = core.propagate(f, c, x, y)
    pole = y.zero & ~is_sqrt
    infinite = x.inf | pole
    nothing = x.zero | (y.inf & ~is_sqrt)
    invalid = pick(is_sqrt, (x.negative == 1) & ~x.zero, infinite & nothing) & ~any_nan
    bits = pick(nothing, with_sign(f, negative, u64(0)), bits)
    bits = pick(infinite, with_sign(f, negative, f.inf), bits)
    bits = pick(any_nan, nan, pick(invalid, f.nan, bits))
    ioc = signaling | invalid
    exc = pick(infinite | nothing | any_nan | invalid, raised(ioc, IOC), exc)
    exc = exc | raised(pole & ~(x.inf | any_nan | invalid), DZC)
    return bits, exc | core.input_exc(c, x, y)


def div(fmt: jax.Array, a: jax.Array, b: jax.Array, fpcr: jax.Array) -> tuple[jax.Array, jax.Array]:
    """FDIV `a / b`; returns `(u64 bits, u32 exc)`.  Arm ARM FPDiv."""
    return div_sqrt(fmt, a, b, fpcr, jnp.asarray(False))


def sqrt(fmt: jax.Array, a: jax.Array, fpcr: jax.Array) -> tuple[jax.Array, jax.Array]:
    """FSQRT of `a`; returns `(u64 bits, u32 exc)`.  Arm ARM FPSqrt."""
    return div_sqrt(fmt, a, a, fpcr, jnp.asarray(True))
