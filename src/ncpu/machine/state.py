"""What the machine remembers: `State`, one lane of it, as arrays only.

A batch is the same pytree with a leading axis, a process is a lane with a kernel
record beside it, fork copies the pytree, a snapshot saves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.errors import MemoryRangeError

PAGE = 4096

# Rows of the register file.  Everything an instruction may read or write besides pc,
# flags and memory is a row, so one tick needs one kind of read and three writes.
SP = 31
ZR = 32  # reads as zero, never written
SINK = 33  # where discarded results go; kept at zero between runs
V = 34  # V[i] is rows V + 2i (low half) and V + 2i + 1 (high half)
LATCH = 98  # a half-built vector result, rows LATCH and LATCH + 1
FPCR = 100
TPIDR = 101  # TPIDR_EL0
MONITOR = 102  # address of the exclusive monitor, all ones when open
ROWS = 104

# Inside the tick the file has further rows, for what `State` keeps in fields of its own.
PC, FLAGS, RETIRED, BASE = 104, 105, 106, 107
TICK_ROWS = 112

READ, WRITE, EXEC = 1, 2, 4


class Status(IntEnum):
    """Why a lane is not running; `State.status` holds one of these."""

    RUNNING = 0
    SYSCALL = 1  # SVC retired: the kernel's turn
    EXITED = 2  # the program ended; x0 holds its exit code
    BREAKPOINT = 3  # BRK or HLT; pc is at it
    UNDEFINED = 4  # a word outside the table; pc is at it
    DATA_FAULT = 5  # a load or store outside its permissions; `fault` is the address
    FETCH_FAULT = 6  # pc is unaligned, unmapped or not executable
    ALIGNMENT = 7  # an exclusive, atomic or acquire/release access off its alignment
    CODE_CHANGED = 8  # IC IVAU retired: decode again before going on
    OUT_OF_FUEL = 9  # max_steps retired; running again goes on


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class State:
    """One lane of the machine; a batch has a leading axis on every field.

    Attributes:
      regs: `u32[104, 2]`, the register file in limbs: rows 0-30 X0-X30, then SP, XZR
        and the rows named above.
      pc: `u32[2]`, address of the next instruction.
      flags: `u32`, NZCV in bits 31-28 and FPSR (QC, cumulative exceptions) below.
      beat: `u32`, which transfer of a multi-register instruction comes next.
      mem: `u32[D, 2]`, memory as D little-endian doublewords.
      base: `u32[2]`, guest address of `mem[0]`, a multiple of 4096.
      perm: `u8[D // 512]`, READ | WRITE | EXEC per 4 KiB page.
      status: `i32`, a `Status`.
      fault: `u32[2]`, address of the access that faulted.
      retired: `u32[2]`, instructions completed.
    """

    regs: jax.Array
    pc: jax.Array
    flags: jax.Array
    beat: jax.Array
    mem: jax.Array
    base: jax.Array
    perm: jax.Array
    status: jax.Array
    fault: jax.Array
    retired: jax.Array

    def replace(self, **changes: Any) -> State:
        """A copy with some fields changed."""
        # `dataclasses.replace` sets and checks field by field: a tenth of a short system call.
        unknown = changes.keys() - self.__dict__.keys()
        if unknown:
            raise TypeError(f"a State has no field {min(unknown)!r}")
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(changes)
        return copy

    # Host-side views: NumPy, 64-bit words joined, a leading axis kept where there is one.
    @property
    def x(self) -> np.ndarray:
        """X0-X30, NumPy `u64[..., 31]`."""
        return word.from_limbs(self.regs)[..., :31]

    @property
    def sp(self) -> np.ndarray:
        """The stack pointer, NumPy `u64[...]`."""
        return word.from_limbs(self.regs)[..., SP]

    @property
    def v(self) -> np.ndarray:
        """V0-V31, NumPy `u64[..., 32, 2]` (low, high half)."""
        rows = word.from_limbs(self.regs)[..., V : V + 64]
        return rows.reshape(*rows.shape[:-1], 32, 2)

    @property
    def nzcv(self) -> np.ndarray:
        """The condition flags as four bits, N highest."""
        return np.asarray(self.flags) >> 28

    def __repr__(self) -> str:
        from ncpu.machine import display

        return display.text(self)

    def _repr_html_(self) -> str:
        from ncpu.machine import display

        return display.html(self)


def new_state(
    *,
    size: int,
    base: int = 0,
    pc: int = 0,
    sp: int | None = None,
    perm: int = READ | WRITE,
) -> State:
    """A lane at rest: all registers zero, `size` bytes of zeroed memory from `base`.

    Args:
      size: bytes of memory, a positive multiple of 4096.
      base: guest address of the first byte, a multiple of 4096.
      pc: address of the first instruction.
      sp: stack pointer; the end of memory when left out.
      perm: permissions of every page, `READ | WRITE | EXEC` bits.

    Raises:
      MemoryRangeError: `size` or `base` is not a multiple of 4096, or does not fit.
    """
    if size <= 0 or size % PAGE or base % PAGE or base < 0 or base + size > 1 << 48:
        raise MemoryRangeError(
            f"memory of {size} bytes at {base:#x}: size and base must be multiples of {PAGE}, "
            "size positive and the end at most 2**48"
        )
    if size >= 1 << 34:
        raise MemoryRangeError(
            f"memory of {size} bytes: at most {(1 << 34) - PAGE} are addressable"
        )
    regs = np.zeros((ROWS, 2), np.uint32)
    regs[SP] = word.to_limbs(base + size if sp is None else sp)
    regs[MONITOR] = 0xFFFFFFFF
    return State(
        regs=jnp.asarray(regs),
        pc=jnp.asarray(word.to_limbs(pc)),
        flags=jnp.uint32(0),
        beat=jnp.uint32(0),
        mem=jnp.zeros((size // 8, 2), jnp.uint32),
        base=jnp.asarray(word.to_limbs(base)),
        perm=jnp.full(size // PAGE, perm, jnp.uint8),
        status=jnp.int32(Status.RUNNING),
        fault=jnp.zeros(2, jnp.uint32),
        retired=jnp.zeros(2, jnp.uint32),
    )
