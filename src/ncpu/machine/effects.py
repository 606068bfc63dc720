"""`Effects`: everything one instruction does, before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Effects:
    """What `execute` found and `commit` will write.

    64-bit fields are `u64` scalars inside the tick and `u32[..., 2]` limbs outside.

    Attributes:
      rd, rd2, wb: `u32` register-file rows written (SINK when nothing is).
      value, value2, base: 64-bit values for those rows.
      address: 64-bit guest address accessed.
      size: `u32`, bytes transferred, 0 when memory is not accessed.
      stored: `u32`, bytes written to memory, 0 when none.
      store: 64-bit, those bytes, lowest address in the lowest bits.
      flags: `u32`, NZCV and FPSR afterwards.
      next_pc: 64-bit.
      beat: `u32`, row of the instruction's next transfer, 0 when it is complete.
      retires: `u32`, 1 when the instruction completes.
      status: `i32`, a `Status`.
    """

    rd: Any
    rd2: Any
    wb: Any
    value: Any
    value2: Any
    base: Any
    address: Any
    size: Any
    stored: Any
    store: Any
    flags: Any
    next_pc: Any
    beat: Any
    retires: Any
    status: Any


WIDE_FIELDS = ("value", "value2", "base", "address", "store", "next_pc")
