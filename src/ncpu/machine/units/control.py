"""Branches, addresses, exceptions and system registers."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ncpu.machine.alu import Alu
from ncpu.machine.isa.control import (
    BREAK,
    CODE_CHANGED,
    COUNTER,
    FPSR_BITS,
    READ_FPSR,
    READ_NZCV,
    SUPERVISOR_CALL,
    WRITE_FPSR,
    WRITE_NZCV,
)
from ncpu.machine.state import Status
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.word import u64

_NZCV_BITS = 0xF0000000


def undefined(alu: Alu, o: Operands) -> Result:
    """A word outside the table."""
    return result(o, status=Status.UNDEFINED)


def no_code(alu: Alu, o: Operands) -> Result:
    """A fetch from a page without code."""
    return result(o, status=Status.FETCH_FAULT)


def address(alu: Alu, o: Operands) -> Result:
    """ADR and ADRP."""
    base = jnp.where(o.instr.op == 1, o.pc & ~u64(4095), o.pc)
    value, _ = alu.add(base, o.instr.imm, u64(0), jnp.bool_(True))
    return result(o, value)


def _jump(o: Operands, taken: jax.Array) -> Result:
    there = jnp.where(taken, o.pc + o.instr.imm, o.pc + u64(4))
    return result(o, o.pc + u64(4), next_pc=there)


def branch(alu: Alu, o: Operands) -> Result:
    """B and BL."""
    return _jump(o, jnp.bool_(True))


def branch_cond(alu: Alu, o: Operands) -> Result:
    """B.cond."""
    return _jump(o, o.holds)


def branch_zero(alu: Alu, o: Operands) -> Result:
    """CBZ and CBNZ."""
    return _jump(o, alu.is_zero(o.narrow(o.c)) ^ (o.instr.op == 1))


def branch_bit(alu: Alu, o: Operands) -> Result:
    """TBZ and TBNZ."""
    clear = (o.c >> o.instr.arg.astype(jnp.uint64)) & u64(1) == 0
    return _jump(o, clear ^ (o.instr.op == 1))


def branch_reg(alu: Alu, o: Operands) -> Result:
    """BR, BLR and RET."""
    return result(o, o.pc + u64(4), next_pc=o.a)


def system(alu: Alu, o: Operands) -> Result:
    """SVC, BRK, HLT, IC IVAU, and the registers that live in the flags."""
    op = o.instr.op
    keep = jnp.where(op == WRITE_NZCV, jnp.uint32(_NZCV_BITS), jnp.uint32(FPSR_BITS))
    written = (o.flags & ~keep) | (o.a.astype(jnp.uint32) & keep)
    flags = jnp.where((op == WRITE_FPSR) | (op == WRITE_NZCV), written, o.flags)
    value = jnp.where(
        op == READ_FPSR,
        o.flags & jnp.uint32(FPSR_BITS),
        jnp.where(op == READ_NZCV, o.flags & jnp.uint32(_NZCV_BITS), jnp.uint32(0)),
    ).astype(jnp.uint64)
    value = jnp.where(op == COUNTER, o.retired, value)
    status = jnp.where(
        op == SUPERVISOR_CALL,
        Status.SYSCALL,
        jnp.where(
            op == BREAK,
            Status.BREAKPOINT,
            jnp.where(op == CODE_CHANGED, Status.CODE_CHANGED, Status.RUNNING),
        ),
    )
    return result(o, value, flags=flags, status=status)
