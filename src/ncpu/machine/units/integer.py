"""Integer units: add, logic, insert, select, compare, multiply, divide, shift, bits, CRC."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.word import u64


def add(alu: Alu, o: Operands) -> Result:
    """ADD, SUB, ADC, SBC and their flag-setting forms."""
    carry_flag = (o.flags >> 29) & 1
    carry = jnp.where(o.instr.carry == 2, carry_flag, o.instr.carry).astype(jnp.uint64)
    value, nzcv = alu.add(o.a, o.inverted_b, carry, o.wide)
    return result(o, value, flags=jnp.where(o.instr.set_flags == 1, o.with_nzcv(nzcv), o.flags))


def logic(alu: Alu, o: Operands) -> Result:
    """AND, ORR, EOR, their inverted and flag-setting forms; moves; bitfield extracts."""
    return _logic(alu, o, o.inverted_b)


def logic_rotated(alu: Alu, o: Operands) -> Result:
    """The same with row rm rotated right by arg: the one shift that two shifts cannot do."""
    amount = o.instr.arg.astype(jnp.uint64)
    b = alu.shift(jnp.uint32(3), o.row(o.instr.rm), amount, o.wide)
    return _logic(alu, o, alu.invert(b, o.instr.invert == 1))


def _logic(alu: Alu, o: Operands, b: jax.Array) -> Result:
    value = o.narrow(alu.logic(o.instr.op, o.a, b))
    negative = jnp.where(o.wide, value >> 63, value >> 31).astype(jnp.uint32)
    nzcv = negative << 3 | alu.is_zero(value).astype(jnp.uint32) << 2
    return result(o, value, flags=jnp.where(o.instr.set_flags == 1, o.with_nzcv(nzcv), o.flags))


def insert(alu: Alu, o: Operands) -> Result:
    """BFM and MOVK: what the two-shift makes of all ones is the field replaced."""
    left, right = o.instr.left.astype(jnp.uint64), o.instr.right.astype(jnp.uint64)
    mask = (u64(word.MASK64) << left) >> right
    return result(o, o.narrow((o.c & ~mask) | o.b))


def select(alu: Alu, o: Operands) -> Result:
    """CSEL, CSINC, CSINV, CSNEG."""
    other, _ = alu.add(u64(0), o.inverted_b, o.instr.carry.astype(jnp.uint64), o.wide)
    return result(o, o.narrow(jnp.where(o.holds, o.a, other)))


def compare(alu: Alu, o: Operands) -> Result:
    """CCMP and CCMN."""
    _, nzcv = alu.add(o.a, o.inverted_b, o.instr.carry.astype(jnp.uint64), o.wide)
    return result(o, flags=o.with_nzcv(jnp.where(o.holds, nzcv, o.instr.arg)))


def multiply(alu: Alu, o: Operands) -> Result:
    """MADD, MSUB; bits 1 and 2 of op: sign- or zero-extend 32-bit factors first."""
    op = o.instr.op

    def factor(x: jax.Array) -> jax.Array:
        narrow = x & u64(0xFFFFFFFF)
        signed = word.sign_extend(x, u64(32))
        return jnp.where(op & 2 != 0, signed, jnp.where(op & 4 != 0, narrow, x))

    product = alu.multiply(factor(o.a), factor(o.b))
    subtract = op & 1
    value, _ = alu.add(
        o.c,
        alu.invert(product, subtract == 1),
        subtract.astype(jnp.uint64),
        jnp.bool_(True),
    )
    return result(o, o.narrow(value))


def multiply_high(alu: Alu, o: Operands) -> Result:
    """SMULH and UMULH."""
    return result(o, alu.multiply_high(o.a, o.b, o.instr.op == 1))


def divide(alu: Alu, o: Operands) -> Result:
    """SDIV and UDIV."""
    signed = o.instr.op == 1

    def operand(x: jax.Array) -> jax.Array:
        narrow = jnp.where(signed, word.sign_extend(x, u64(32)), x & u64(0xFFFFFFFF))
        return jnp.where(o.wide, x, narrow)

    return result(o, o.narrow(alu.divide(operand(o.a), operand(o.b), signed)))


def shift(alu: Alu, o: Operands) -> Result:
    """LSLV, LSRV, ASRV, RORV."""
    return result(o, o.narrow(alu.shift(o.instr.op, o.a, o.b, o.wide)))


def extract(alu: Alu, o: Operands) -> Result:
    """EXTR: two shifts of a register pair."""
    amount = o.instr.arg.astype(jnp.uint64)
    low = alu.shift(jnp.uint32(1), o.b, amount, o.wide)
    # The upper register moves up by what is left of the width, which is all of it for 0.
    high = alu.shift(jnp.uint32(0), o.a, u64(0) - amount, o.wide)
    either = alu.logic(jnp.uint32(1), low, jnp.where(amount == 0, u64(0), high))
    return result(o, o.narrow(either))


def bits(alu: Alu, o: Operands) -> Result:
    """RBIT, REV16, REV32, REV, CLZ, CLS."""
    x = o.narrow(o.a)
    # A 32-bit operand is handled at the top of the word.
    top = jnp.where(o.wide, x, x << 32)
    reversed_ = word.reverse_bits(x)
    rbit = jnp.where(o.wide, reversed_, reversed_ >> 32)
    bytes2 = ((x >> 8) & u64(0x00FF00FF00FF00FF)) | ((x & u64(0x00FF00FF00FF00FF)) << 8)
    bytes4 = ((bytes2 >> 16) & u64(0x0000FFFF0000FFFF)) | ((bytes2 & u64(0x0000FFFF0000FFFF)) << 16)
    bytes8 = (bytes4 >> 32) | (bytes4 << 32)
    width = jnp.where(o.wide, u64(64), u64(32))
    clz = jnp.minimum(lax.clz(top), width)
    # Leading bits equal to the sign, not counting it: zeros of x ^ (x >> 1).
    same = word.sar(top, u64(1)) ^ top
    cls = jnp.minimum(lax.clz(same), width) - u64(1)
    op = o.instr.op.astype(jnp.int32)
    value = lax.select_n(jnp.minimum(op, 5), rbit, bytes2, bytes4, bytes8, clz, cls)
    return result(o, o.narrow(value))


@cache
def _crc_table() -> np.ndarray:
    """CRC of each byte for CRC-32 and CRC-32C, reflected polynomials: `u32[2, 256]`."""
    table = np.zeros((2, 256), np.uint32)
    for row, polynomial in enumerate((0xEDB88320, 0x82F63B78)):
        for byte in range(256):
            crc = byte
            for _ in range(8):
                crc = (crc >> 1) ^ (polynomial if crc & 1 else 0)
            table[row, byte] = crc
    return table


def crc(alu: Alu, o: Operands) -> Result:
    """CRC32B..X and CRC32CB..CX: 2**size bytes of b into the checksum a."""
    table = jnp.asarray(_crc_table()).reshape(-1)
    start = (o.instr.op * 256).astype(jnp.int32)

    def step(k: jax.Array, crc: jax.Array) -> jax.Array:
        byte = (o.b >> (u64(8) * k.astype(jnp.uint64))).astype(jnp.uint32)
        index = start + ((crc ^ byte) & 255).astype(jnp.int32)
        return (crc >> 8) ^ lax.dynamic_index_in_dim(table, index, keepdims=False)

    count = (jnp.uint32(1) << o.instr.size).astype(jnp.int32)
    crc_ = lax.fori_loop(jnp.int32(0), count, step, o.a.astype(jnp.uint32))
    return result(o, crc_.astype(jnp.uint64))
