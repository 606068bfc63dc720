"""What the rows of vector instructions and the vector units agree on: fields of `Instr`.

Everywhere: `size` is log2 of the source element's bytes; `sf` is 1 for 128-bit results,
0 when the upper half is zero; rn, rm, ra name the low half of a register.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ncpu.machine.isa.lowering import Columns, u, vector, where
from ncpu.machine.state import LATCH, SINK

# `Instr.op` of VECTOR_LOGIC.
AND, ORR, EOR, BSL, BIT, MOVE = range(6)
# `Instr.op` of VECTOR_ARITH and VECTOR_PAIRWISE: what becomes of a + b or a - b.
SUM, HALVE, SATURATE, MASK, CHOOSE, DISTANCE = range(6)
NARROW = 6  # VECTOR_PAIRWISE alone: the lower half of each element of n, shifted right
# Bits of `Instr.arg` of VECTOR_ARITH.
SWAP = 1  # b is operand n, a is operand m
ZERO_TEST = 2  # the condition is "not zero" instead of "negative"
TEST_AND = 4  # of a & b instead of the sum
NEGATE = 8  # the condition is inverted
FLIP = 16  # the top bit of a and of the result is inverted: signed as unsigned and back
# `Instr.op` of VECTOR_MULTIPLY.
PRODUCT, DOUBLE_HIGH, DOUBLE = range(3)
# `Instr.op` of VECTOR_BITS.
COUNT_ONES, LEADING_ZEROS, LEADING_SIGNS, REVERSE = range(4)
# `Instr.op` of VECTOR_REDUCE.
TOTAL, MAXIMUM, MINIMUM = range(3)
# `Instr.op` of VECTOR_AES.
ENCRYPT, DECRYPT, MIX, UNMIX = range(4)
# `Instr.op` of VECTOR_SHA1.
CHOICE, PARITY, MAJORITY, SCHEDULE_0, SCHEDULE_1, ROTATE = range(6)
# `Instr.op` of VECTOR_SHA256.
HASH_0, HASH_1, UPDATE_0, UPDATE_1 = range(4)
# `Instr.op` of LOAD_ELEMENT.
ONE_LANE, ALL_LANES = range(2)

# `Instr.arg` of the units that work lane by lane: (lowest bit, width).
ARG = {
    "amount": (0, 8),  # of an immediate shift to the left, negative to the right
    "index": (0, 8),  # element of operand m that every lane is multiplied by
    "result": (8, 2),  # log2 of the result's bytes
    "count": (10, 5),  # lanes that count; the others give zero
    "round": (15, 1),
    "saturate": (16, 1),
    "signed": (17, 1),  # the range saturated to is signed
    "by_element": (18, 1),
}


def arg(**values: Any) -> Columns:
    """`Instr.arg` of these fields."""
    total = u(0)
    for name, value in values.items():
        lowest, width = ARG[name]
        total = total | ((u(value) & u((1 << width) - 1)) << u(lowest))
    return total


def width(size: Any, q: Any, scalar: bool) -> dict[str, Any]:
    """Columns that say which bits of the result are kept."""
    size = u(size)
    if scalar:
        return {"size": size, "sf": 0, "right": u(64) - (u(8) << size)}
    return {"size": size, "sf": q}


def count(size: Any, q: Any, scalar: bool) -> Columns:
    """Elements of 2**size bytes in an operand."""
    return u(1) if scalar else (u(8) << u(q)) >> u(size)


def written(row: Any) -> dict[str, Any]:
    """A register as destination, by the row of its low half."""
    return {"rd": u(row), "rd2": u(row) + u(1)}


def written_part(reg: Columns, upper: Columns) -> dict[str, Any]:
    """A 64-bit result: the low half and zero above, or the upper half alone."""
    row = vector(reg)
    return {"rd": row + upper, "rd2": where(upper == 1, SINK, row + u(1))}


LATCHED = written(LATCH)


def permutation(index: np.ndarray) -> dict[str, Any]:
    """Columns of VECTOR_PERMUTE for `index[n, 16]`.

    Byte d of the result is byte `index[:, d]` of operand n (0-15) or m (16-31), or zero
    where that is negative.
    """
    places = np.arange(16, dtype=np.uint64)
    kept = index >= 0
    number = np.where(kept, index, 0).astype(np.uint64)
    low = ((number & u(15)) << (u(4) * places)).sum(axis=1, dtype=np.uint64)
    high = ((number >> u(4)) << places).sum(axis=1, dtype=np.uint64)
    keep = (kept.astype(np.uint64) << places).sum(axis=1, dtype=np.uint64)
    return {"imm": low, "arg": high | (keep << u(16))}


def top_of_range(size: Any, is_signed: Any) -> Columns:
    """The largest integer of 2**size bytes."""
    return u(0xFFFF_FFFF_FFFF_FFFF) >> (u(64) - (u(8) << u(size)) + u(is_signed))


def repeated(value: Any, size: Any) -> Columns:
    """A value of 2**size bytes in every element of 64 bits."""
    out = u(value)
    for step in (0, 1, 2):
        out = where(u(size) <= step, out | (out << u(8 << step)), out)
    return out
