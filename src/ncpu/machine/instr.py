"""`Instr`: one decoded instruction, the small integers that `execute` reads.

Decoding resolves everything that does not depend on the state: register numbers become
rows of the register file, immediates become 64-bit words, shifts, extensions and
bitfields become one two-shift, multi-register transfers become a chain of `Instr` linked
by `next`.  `pack` puts an `Instr` into eight 32-bit words so that a fetch is one load.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine.state import SINK, ZR


class Unit(IntEnum):
    """The part of `execute` that computes an instruction; `Instr.op` selects within it."""

    UNDEFINED = 0
    NO_CODE = 1  # a page that holds no code
    ADD = 2
    LOGIC = 3
    INSERT = 4
    SELECT = 5
    COMPARE = 6  # conditional compare
    MULTIPLY = 7
    MULTIPLY_HIGH = 8
    DIVIDE = 9
    SHIFT = 10
    BITS = 11
    CRC = 12
    ADDRESS = 13
    BRANCH = 14
    BRANCH_COND = 15
    BRANCH_ZERO = 16
    BRANCH_BIT = 17
    BRANCH_REG = 18
    LOAD = 19
    LOAD_PAIR = 20
    LOAD_WIDE = 21  # vector registers and pairs of X registers
    STORE = 22
    STORE_EXCLUSIVE = 23
    ATOMIC = 24
    SYSTEM = 25
    FP_MULADD = 26
    FP_DIVIDE = 27
    FP_COMPARE = 28
    FP_MINMAX = 29
    FP_ROUND = 30
    FP_TO_INT = 31
    FP_FROM_INT = 32
    FP_CONVERT = 33
    FP_ESTIMATE = 34
    VECTOR_LOGIC = 35
    VECTOR_ARITH = 36
    VECTOR_PAIRWISE = 37
    VECTOR_REPLICATE = 38
    VECTOR_PERMUTE = 39
    VECTOR_TABLE = 40
    VECTOR_SHIFT = 41
    VECTOR_MULTIPLY = 42
    VECTOR_POLYNOMIAL = 43
    VECTOR_BITS = 44
    VECTOR_REDUCE = 45
    VECTOR_ADD_PAIRS = 46
    LOAD_STRUCTURE = 47
    LOAD_ELEMENT = 48
    STORE_BYTES = 49
    VECTOR_AES = 50
    VECTOR_SHA1 = 51
    VECTOR_SHA256 = 52
    VECTOR_POLYNOMIAL_LONG = 53
    VECTOR_MULTIPLY_ADD = 54
    VECTOR_DOT = 55
    LOGIC_ROTATED = 56
    EXTRACT = 57


# Field: (word, lowest bit, width) in the packed form.
_LAYOUT = {
    "unit": (0, 0, 7),
    "rn": (0, 7, 7),
    "rm": (0, 14, 7),
    "ra": (0, 21, 7),
    "cond": (0, 28, 4),
    "rd": (1, 0, 7),
    "rd2": (1, 7, 7),
    "wb": (1, 14, 7),
    "left": (1, 21, 6),
    "signed": (1, 27, 1),
    "use_imm": (1, 28, 1),
    "invert": (1, 29, 1),
    "sf": (1, 30, 1),
    "set_flags": (1, 31, 1),
    "right": (2, 0, 6),
    "size": (2, 6, 3),
    "access": (2, 9, 2),
    "post": (2, 11, 1),
    "carry": (2, 12, 2),
    "aligned": (2, 14, 1),
    "op": (2, 15, 8),
    "last": (2, 23, 1),
    "arg": (3, 0, 32),
    "imm": (4, 0, 64),
    "word": (6, 0, 32),
    "next": (7, 0, 32),
}
PACKED_WORDS = 8

_DEFAULTS = {
    "rn": ZR,
    "rm": ZR,
    "ra": ZR,
    "rd": SINK,
    "rd2": SINK,
    "wb": SINK,
    "sf": 1,
    "size": 3,
    "last": 1,
}


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Instr:
    """Decoded fields, `u32[...]` each (`imm` is `u32[..., 2]`).

    Attributes:
      unit: a `Unit`.
      op: the operation within the unit.
      rn, rm, ra: register-file rows read as operands a, b, c.
      rd, rd2: rows that receive the first and second result.
      wb: row that receives the updated base address (or the exclusive monitor's).
      cond: A64 condition code.
      imm: immediate operand, branch offset or transfer offset.
      use_imm: operand b is `imm` instead of row rm.
      left, right, signed: operand b is shifted left, then right (arithmetically if
        signed): every LSL/LSR/ASR, extension and bitfield extract is such a pair.
      invert: operand b is complemented after the shifts.
      carry: carry into the adder: 0, 1, or 2 for the C flag.
      sf: 64-bit operation.
      set_flags: NZCV is written.
      size: log2 of the bytes transferred, or of the element for vectors.
      access: 0 none, 1 load, 2 store, 3 both.
      post: the address is operand a alone (post-index, exclusives).
      aligned: the address must be a multiple of the transfer.
      last: the instruction is complete after this one; otherwise `next` follows.
      arg: 32 bits whose meaning belongs to the unit.
      word: the encoding.
      next: row in the program of the instruction's next transfer.
    """

    unit: Any
    op: Any
    rn: Any
    rm: Any
    ra: Any
    rd: Any
    rd2: Any
    wb: Any
    cond: Any
    imm: Any
    use_imm: Any
    left: Any
    right: Any
    signed: Any
    invert: Any
    carry: Any
    sf: Any
    set_flags: Any
    size: Any
    access: Any
    post: Any
    aligned: Any
    last: Any
    arg: Any
    word: Any
    next: Any


FIELDS = tuple(f.name for f in fields(Instr))


NEXT = _LAYOUT["next"][0]  # which of the packed words `next` fills


def columns(count: int, **given: Any) -> dict[str, np.ndarray]:
    """`count` instructions' fields as NumPy u64 columns, defaults where not given."""
    table = dict(zip(FIELDS, np.zeros((len(FIELDS), count), np.uint64), strict=True))
    for name, value in {**_DEFAULTS, **given}.items():
        table[name][:] = np.asarray(value)
    return table


def pack_columns(table: dict[str, np.ndarray]) -> np.ndarray:
    """NumPy columns to the packed form `u32[count, 8]`."""
    out = np.zeros((len(table["unit"]), PACKED_WORDS), np.uint64)
    for name, (index, low, width) in _LAYOUT.items():
        value = table[name] & np.uint64((1 << width) - 1)
        if width == 64:
            out[:, index] = value & np.uint64(0xFFFFFFFF)
            out[:, index + 1] = value >> np.uint64(32)
        else:
            out[:, index] |= value << np.uint64(low)
    return out.astype(np.uint32)


def pack(instr: Instr) -> jax.Array:
    """An `Instr` of JAX fields to the packed form `u32[..., 8]`."""
    shape = jnp.shape(instr.unit)
    parts = [jnp.zeros(shape, jnp.uint32) for _ in range(PACKED_WORDS)]
    for name, (index, low, width) in _LAYOUT.items():
        value = jnp.asarray(getattr(instr, name), jnp.uint32)
        if width == 64:
            parts[index], parts[index + 1] = value[..., 0], value[..., 1]
        else:
            parts[index] = parts[index] | (value << low)
    return jnp.stack(parts, axis=-1)


def unpack(packed: Any) -> Instr:
    """Packed `u32[..., 8]` (NumPy or JAX) to an `Instr` of `u32[...]` fields."""
    return Instr(**{name: field(packed, name) for name in _LAYOUT})


def field(packed: Any, name: str) -> Any:
    """One field of packed `u32[..., 8]`; KeyError for a name that is none."""
    index, low, width = _LAYOUT[name]
    if width == 64:
        return packed[..., index : index + 2]
    if width == 32:
        return packed[..., index]
    return (packed[..., index] >> low) & ((1 << width) - 1)
