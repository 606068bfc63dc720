"""What every unit is given and what it gives back, as scalars under x64."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.instr import field
from ncpu.machine.state import FLAGS, PC, RETIRED, Status
from ncpu.machine.word import u64


class Fields:
    """The fields of a packed instruction, each unpacked when it is first asked for.

    Every unit is traced with an instruction of its own and uses a few of its 26 fields: to
    unpack them all took a third of the time to trace the machine.
    """

    def __init__(self, packed: jax.Array) -> None:
        """`packed` u32[8]."""
        self._packed = packed

    def __getattr__(self, name: str) -> jax.Array:
        """A field of `Instr`, `u32`; `imm` is `u64`."""
        value = field(self._packed, name)
        if name == "imm":
            value = word.join_anew(value)
        setattr(self, name, value)
        return value


class Operands:
    """One instruction with what it may read; each unit reads only what it uses.

    Everything comes out of two arrays, the packed instruction and the register file (which
    inside the tick also holds pc, flags and the count), because every separate operand of
    the switch over units is a buffer written on every tick, used or not.
    """

    def __init__(
        self, alu: Alu, packed: jax.Array, regs: jax.Array, low: jax.Array, high: jax.Array
    ) -> None:
        """`packed` u32[8], `regs` u32[112, 2], `low` and `high` the 16 bytes at the address."""
        self.alu = alu
        self.instr = Fields(packed)
        self.regs = regs
        self.low = low
        self.high = high

    def row(self, index: jax.Array | int) -> jax.Array:
        """A row of the register file, `u64`."""
        return word.join_anew(word.at(self.regs, index))

    @property
    def a(self) -> jax.Array:
        """Row rn."""
        return self.row(self.instr.rn)

    @property
    def b(self) -> jax.Array:
        """Row rm or the immediate, after the two-shift, before inversion."""
        i = self.instr
        b = jnp.where(i.use_imm == 1, i.imm, self.row(i.rm))
        left, right = i.left.astype(jnp.uint64), i.right.astype(jnp.uint64)
        return self.alu.two_shift(b, left, right, i.signed == 1)

    @property
    def c(self) -> jax.Array:
        """Row ra."""
        return self.row(self.instr.ra)

    @property
    def pc(self) -> jax.Array:
        """Address of the instruction."""
        return self.row(PC)

    @property
    def flags(self) -> jax.Array:
        """NZCV and FPSR, `u32`."""
        return self.regs[FLAGS, 0]

    @property
    def retired(self) -> jax.Array:
        """Instructions completed before this one."""
        return self.row(RETIRED)

    @property
    def wide(self) -> jax.Array:
        """Whether this is a 64-bit operation."""
        return self.instr.sf == 1

    def narrow(self, value: jax.Array) -> jax.Array:
        """`value` cut to 32 bits unless this is a 64-bit operation."""
        return jnp.where(self.wide, value, value & u64(0xFFFFFFFF))

    @property
    def inverted_b(self) -> jax.Array:
        """Operand b, complemented where the instruction says so."""
        return self.alu.invert(self.b, self.instr.invert == 1)

    @property
    def holds(self) -> jax.Array:
        """Whether the instruction's condition holds (ConditionHolds)."""
        n, z, c, v = ((self.flags >> k) & 1 for k in (31, 30, 29, 28))
        cond = self.instr.cond
        base = lax.select_n(
            (cond >> 1).astype(jnp.int32),
            *(z, c, n, v, c & (z ^ 1), (n ^ v) ^ 1, ((n ^ v) | z) ^ 1, jnp.ones_like(z)),
        )
        return (base ^ (cond & 1) & (cond != 15).astype(jnp.uint32)) == 1

    def with_nzcv(self, nzcv: jax.Array) -> jax.Array:
        """The flags with NZCV replaced."""
        return (self.flags & jnp.uint32(0x0FFFFFFF)) | (nzcv << 28)

    def raising(self, exceptions: jax.Array) -> jax.Array:
        """The flags with cumulative FPSR bits added."""
        return self.flags | exceptions


class Result(NamedTuple):
    """What a unit computes.

    Attributes:
      value, value2: for rows rd and rd2.
      store: the (at most 8) bytes for memory, when the instruction stores.
      flags: NZCV and FPSR afterwards.
      next_pc: where execution goes on.
      status: a `Status`; other than RUNNING stops the lane.
    """

    value: jax.Array
    value2: jax.Array
    store: jax.Array
    flags: jax.Array
    next_pc: jax.Array
    status: jax.Array


def read_row(regs: jax.Array, index: jax.Array | int) -> jax.Array:
    """Row `index` of a register file as `u64`."""
    return word.join(word.at(regs, index))


def result(
    o: Operands,
    value: jax.Array | None = None,
    value2: jax.Array | None = None,
    store: jax.Array | None = None,
    flags: jax.Array | None = None,
    next_pc: jax.Array | None = None,
    status: jax.Array | Status = Status.RUNNING,
) -> Result:
    """A `Result` with what a unit leaves out filled in."""
    zero = u64(0)
    return Result(
        value=zero if value is None else value,
        value2=zero if value2 is None else value2,
        store=zero if store is None else store,
        flags=o.flags if flags is None else flags,
        next_pc=o.pc + u64(4) if next_pc is None else next_pc,
        status=jnp.asarray(status, jnp.int32),
    )
