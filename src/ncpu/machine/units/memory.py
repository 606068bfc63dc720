"""Load, store, exclusive and atomic units; the transfer itself is done by execute and commit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.isa.memory import COMPARE_SWAP_PAIR
from ncpu.machine.state import LATCH, MONITOR, ZR
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.word import u64


def _bits(o: Operands) -> jax.Array:
    """Bits transferred."""
    return u64(8) << o.instr.size.astype(jnp.uint64)


def load(alu: Alu, o: Operands) -> Result:
    """Up to 8 bytes into an X register, sign-extended when op is 1."""
    unused = u64(64) - _bits(o)
    top = o.low << unused
    value = jnp.where(o.instr.op == 1, word.sar(top, unused), top >> unused)
    return result(o, o.narrow(value))


def load_pair(alu: Alu, o: Operands) -> Result:
    """Two words into two X registers (LDP W, LDPSW, LDXP W)."""
    signed = o.instr.op == 1

    def part(x: jax.Array) -> jax.Array:
        return jnp.where(signed, word.sar(x << 32, u64(32)), x & u64(0xFFFFFFFF))

    return result(o, part(o.low), part(o.low >> 32))


def load_wide(alu: Alu, o: Operands) -> Result:
    """Up to 16 bytes into two rows: a vector register or two X registers."""
    whole = o.instr.size == 4
    low = o.low & jnp.where(whole, u64(word.MASK64), word.low_mask(_bits(o)))
    return result(o, low, jnp.where(whole, o.high, u64(0)))


def store(alu: Alu, o: Operands) -> Result:
    """Row ra; with op 1 the low words of rows ra and arg (STP W)."""
    pair = (o.c & u64(0xFFFFFFFF)) | (o.row(o.instr.arg) << 32)
    return result(o, store=jnp.where(o.instr.op == 1, pair, o.c))


def store_exclusive(alu: Alu, o: Operands) -> Result:
    """STXR: store and 0 if the monitor holds the address, else 1 and memory as it was.

    op 1 stores a pair of words, op 2 is the second half of a pair of doublewords.
    """
    watched = o.row(MONITOR)
    passed = watched == o.a  # the base: the second half of a pair is 8 bytes further
    pair = (o.c & u64(0xFFFFFFFF)) | (o.row(o.instr.arg) << 32)
    wanted = jnp.where(o.instr.op == 1, pair, o.c)
    value = jnp.where(passed, u64(0), u64(1))
    return result(o, value, u64(word.MASK64), store=jnp.where(passed, wanted, o.low))


def atomic(alu: Alu, o: Operands) -> Result:
    """LD<op>, SWP, CAS and CASP: the old value to rd, the new one to memory."""
    bits = _bits(o)
    mask = word.low_mask(bits)
    old, operand = o.low & mask, o.c & mask
    # Compared at the top of the word, where N, C and V are those of the operand's width.
    unused = u64(64) - bits
    always = jnp.bool_(True)
    _, nzcv = alu.add(old << unused, alu.invert(operand << unused, always), u64(1), always)
    less = ((nzcv >> 3) ^ nzcv) & 1 == 1
    below = (nzcv >> 1) & 1 == 0
    added, _ = alu.add(old, operand, u64(0), always)
    zero = jnp.zeros_like(operand)
    op = o.instr.op
    swapped = o.row(o.instr.arg)
    new = lax.select_n(
        jnp.minimum(op, 9).astype(jnp.int32),
        added,
        alu.logic(zero, old, alu.invert(operand, always)),
        alu.logic(zero + u64(2), old, operand),
        alu.logic(zero + u64(1), old, operand),
        jnp.where(less, operand, old),
        jnp.where(less, old, operand),
        jnp.where(below, operand, old),
        jnp.where(below, old, operand),
        operand,
        jnp.where(old == operand, swapped, old),
    )
    # CASP: both halves were loaded into the latch; rs names a register pair.
    second = o.row(jnp.where(o.instr.ra == 30, jnp.uint32(ZR), o.instr.ra + 1))
    first_old, second_old = o.row(LATCH), o.row(LATCH + 1)
    equal = (first_old == o.c) & (second_old == second)
    pair = jnp.where(equal, swapped, jnp.where(o.instr.cond == 1, second_old, first_old))
    return result(o, old, store=jnp.where(op == COMPARE_SWAP_PAIR, pair, new))
