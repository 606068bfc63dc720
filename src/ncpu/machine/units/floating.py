"""Floating-point units: each works on one element, scalar or of a vector."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine import fp, word
from ncpu.machine.alu import Alu
from ncpu.machine.instr import Unit
from ncpu.machine.isa.floating import ABSOLUTE, COMPARE_FLAGS, EXACT, FPCR_MODE, SIGNAL_ALL
from ncpu.machine.isa.transfers import ARG
from ncpu.machine.state import FPCR, LATCH
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.word import u64


def _arg(o: Operands, name: str) -> jax.Array:
    """A field of `Instr.arg`."""
    lowest, width = ARG[name]
    return (o.instr.arg >> lowest) & ((1 << width) - 1)


def _cut(bits: jax.Array, size: jax.Array) -> jax.Array:
    """The lowest 2**size bytes of `bits`."""
    unused = (u64(64) - (u64(8) << size.astype(jnp.uint64))) & u64(63)
    return bits << unused >> unused


def _element(o: Operands, row: jax.Array, name: str) -> jax.Array:
    """The operand at place `name` of a row's value."""
    return _cut(row >> (_arg(o, name) * 16).astype(jnp.uint64), o.instr.size)


def _n(o: Operands) -> jax.Array:
    return _element(o, o.row(o.instr.rn), "n")


def _m(o: Operands) -> jax.Array:
    return _element(o, o.row(o.instr.rm), "m")


def _fpcr(o: Operands) -> jax.Array:
    return o.row(FPCR).astype(jnp.uint32)


def _done(o: Operands, computed: tuple[jax.Array, jax.Array]) -> Result:
    """Put (bits, exceptions) in the element's place, beside what the latch holds."""
    bits, exc = computed
    to = _arg(o, "to")
    placed = bits << ((to & 3) * 16).astype(jnp.uint64)
    fresh, upper = _arg(o, "first") == 1, to >> 2 == 1
    nothing = u64(0)
    low = jnp.where(fresh, nothing, o.row(LATCH)) | jnp.where(upper, nothing, placed)
    high = jnp.where(fresh, nothing, o.row(LATCH + 1)) | jnp.where(upper, placed, nothing)
    return result(o, low, high, flags=o.raising(exc))


def muladd(alu: Alu, o: Operands) -> Result:
    """Sums, products, fused multiply-adds and steps; the extra argument is a `MulAdd`."""
    addend = _element(o, o.c, "a")
    return _done(o, fp.muladd(o.instr.size, addend, _n(o), _m(o), _fpcr(o), _arg(o, "extra")))


def divide(alu: Alu, o: Operands) -> Result:
    """FDIV, and FSQRT of operand m (op 1)."""
    active = o.instr.unit == Unit.FP_DIVIDE  # in a batch every unit sees every lane
    is_sqrt = o.instr.op == 1
    return _done(o, fp.div_sqrt(o.instr.size, _n(o), _m(o), _fpcr(o), is_sqrt, active))


def compare(alu: Alu, o: Operands) -> Result:
    """FCMP and FCCMP set the flags, FCM<relation> and FAC<relation> a mask."""
    op = o.instr.op
    # A NaN stays one without its sign, and that sign does not matter here.
    drop = ((op & ABSOLUTE) != 0).astype(jnp.uint64)
    unused = drop << ((u64(8) << o.instr.size.astype(jnp.uint64)) - u64(1) & u64(63))
    keep = ~unused
    signal_all = (op & SIGNAL_ALL) != 0
    nzcv, exc = fp.compare(o.instr.size, _n(o) & keep, _m(o) & keep, _fpcr(o), signal_all)
    relation = (op & 3).astype(jnp.int32)
    ordered = nzcv & 1 == 0
    at_least = ordered & (nzcv & 8 == 0)
    equal = nzcv & 4 != 0
    holds = lax.select_n(relation, equal, at_least, at_least & ~equal, equal)
    mask = jnp.where(holds, _cut(u64(word.MASK64), o.instr.size), u64(0))
    masked = _done(o, (mask, exc))
    # The condition of a plain FCMP is "always".
    tested = o.with_nzcv(jnp.where(o.holds, nzcv, _arg(o, "extra")))
    tested = tested | jnp.where(o.holds, exc, jnp.uint32(0))
    return masked._replace(flags=jnp.where(relation == COMPARE_FLAGS, tested, masked.flags))


def minmax(alu: Alu, o: Operands) -> Result:
    """FMIN, FMAX (op bit 0), FMINNM and FMAXNM (op bit 1)."""
    is_max, is_nm = o.instr.op & 1 == 1, o.instr.op & 2 == 2
    return _done(o, fp.minmax(o.instr.size, _n(o), _m(o), _fpcr(o), is_max, is_nm))


def _mode(o: Operands) -> jax.Array:
    """The rounding mode that op names, possibly FPCR's."""
    mode = o.instr.op & 7
    return jnp.where(mode == FPCR_MODE, (_fpcr(o) >> 22) & 3, mode)


def round_int(alu: Alu, o: Operands) -> Result:
    """FRINT*: op is the mode, EXACT with it for FRINTX."""
    exact = (o.instr.op & EXACT) != 0
    return _done(o, fp.round_int(o.instr.size, _n(o), _fpcr(o), _mode(o), exact))


def to_int(alu: Alu, o: Operands) -> Result:
    """FCVT<mode>S (op bit 3) and FCVT<mode>U; the extra argument counts fraction bits."""
    is_signed = o.instr.op & 8 != 0
    width = jnp.uint32(8) << _arg(o, "result")
    fbits = _arg(o, "extra")
    return _done(o, fp.to_int(o.instr.size, _n(o), _fpcr(o), _mode(o), is_signed, width, fbits))


def from_int(alu: Alu, o: Operands) -> Result:
    """SCVTF (op 1) and UCVTF; the extra argument counts fraction bits."""
    width = jnp.uint32(8) << o.instr.size
    fmt, fbits = _arg(o, "result"), _arg(o, "extra")
    return _done(o, fp.from_int(fmt, _n(o), _fpcr(o), o.instr.op == 1, width, fbits))


def convert(alu: Alu, o: Operands) -> Result:
    """FCVT, FCVTL, FCVTN, and FCVTXN (op 1)."""
    to_odd = o.instr.op == 1
    return _done(o, fp.convert(o.instr.size, _arg(o, "result"), _n(o), _fpcr(o), to_odd))


def estimate(alu: Alu, o: Operands) -> Result:
    """FRECPE, FRSQRTE, FRECPX, URECPE, URSQRTE, in the order of op."""
    size, x, fpcr = o.instr.size, _n(o), _fpcr(o)
    nothing = jnp.uint32(0)
    found = (
        fp.recip_estimate(size, x, fpcr),
        fp.rsqrt_estimate(size, x, fpcr),
        fp.recpx(size, x, fpcr),
        (fp.urecpe(x), nothing),
        (fp.ursqrte(x), nothing),
    )
    op = jnp.minimum(o.instr.op, 4).astype(jnp.int32)
    bits, exc = (lax.select_n(op, *choices) for choices in zip(*found, strict=True))
    return _done(o, (bits, exc))


UNITS = {
    Unit.FP_MULADD: muladd,
    Unit.FP_DIVIDE: divide,
    Unit.FP_COMPARE: compare,
    Unit.FP_MINMAX: minmax,
    Unit.FP_ROUND: round_int,
    Unit.FP_TO_INT: to_int,
    Unit.FP_FROM_INT: from_int,
    Unit.FP_CONVERT: convert,
    Unit.FP_ESTIMATE: estimate,
}
