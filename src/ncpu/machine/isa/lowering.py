"""Helpers that turn encoded fields into `Instr` columns (NumPy u64 arrays throughout)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ncpu.machine.state import SINK, ZR, V

Columns = Any  # NumPy u64, an array or a scalar


def u(value: Any) -> Columns:
    """NumPy u64, two's complement for negative Python integers."""
    if isinstance(value, int):
        return np.uint64(value & 0xFFFF_FFFF_FFFF_FFFF)
    return np.asarray(value).astype(np.uint64)


def where(condition: Any, yes: Any, no: Any) -> Columns:
    """`np.where` that stays u64."""
    return np.where(condition, u(yes), u(no))


def signed(value: Columns, bits: int) -> Columns:
    """Sign-extend a `bits`-wide field to 64 bits."""
    shift = np.int64(64 - bits)
    return ((value.astype(np.int64) << shift) >> shift).astype(np.uint64)


def source(reg: Columns) -> Columns:
    """Row of a source register, 31 meaning XZR."""
    return where(reg == 31, ZR, reg)


def target(reg: Columns) -> Columns:
    """Row of a destination register, 31 meaning XZR (discarded)."""
    return where(reg == 31, SINK, reg)


def vector(reg: Columns) -> Columns:
    """Row of the low half of vector register `reg`."""
    return u(V) + u(2) * (reg % u(32))


def shifted(kind: Columns, amount: Columns, sf: Columns) -> dict[str, Columns]:
    """LSL (0), LSR (1) or ASR (2) of a register by `amount` as a two-shift."""
    low = where(sf == 1, 0, 32)  # a 32-bit operand is first moved to the top
    left = where(kind == 0, low + amount, low)
    right = where(kind == 0, low, low + amount)
    return {"left": left, "right": right, "signed": u(kind == 2)}


def extended(option: Columns, amount: Columns) -> dict[str, Columns]:
    """UXTB..SXTX (option) of a register, then LSL by `amount` (0-4), as a two-shift."""
    drop = u(64) - (u(8) << (option & u(3)))
    left = where(drop == 0, amount, drop)
    right = where(drop == 0, 0, drop - amount)
    return {"left": left, "right": right, "signed": option >> u(2)}


def bitfield(immr: Columns, imms: Columns, sf: Columns) -> dict[str, Columns]:
    """The field move of SBFM, UBFM and BFM as a two-shift."""
    size = where(sf == 1, 64, 32)
    left = u(63) - imms
    right = where(imms >= immr, left + immr, left - (size - immr))
    return {"left": left, "right": right & u(63)}


def bitmask_immediate(n: Columns, immr: Columns, imms: Columns) -> tuple[Columns, Columns]:
    """(value, allocated) of a logical immediate: DecodeBitMasks of the Arm manual."""
    key = (n << u(6)) | (~imms & u(0x3F))
    length = np.zeros_like(key)
    for bit in range(1, 7):  # highest set bit
        length = where(key >> u(bit) != 0, bit, length)
    size = u(1) << length
    levels = size - u(1)
    ones = imms & levels
    rotate = immr & levels
    allocated = (key > 1) & (ones != levels)
    element = np.where(ones >= 63, u(-1), (u(1) << ((ones + u(1)) & u(63))) - u(1))
    mask = np.where(size == 64, u(-1), (u(1) << (size & u(63))) - u(1))
    wrapped = where(rotate == 0, 0, element << ((size - rotate) & u(63)))
    value = ((element >> rotate) | wrapped) & mask
    for step in (2, 4, 8, 16, 32):
        value = where(size <= step, value | (value << u(step)), value)
    return value, allocated


def chain(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    """An instruction done in several transfers; all but the final one are marked."""
    return [{**part, "last": 0} for part in parts[:-1]] + [parts[-1]]
