"""Input to state: where an input holds one side of a comparison, the other side is put.

Most of what a program compares came from its input by few steps or none, so that the value can
be found in it.  A field of four bytes, which chance does not guess, is so found at once.

Source: Aschermann and others, "REDQUEEN: Fuzzing with Input-to-State Correspondence", NDSS 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.execute import Lane
from ncpu.machine.instr import Unit, field
from ncpu.machine.units.operands import Operands
from ncpu.machine.word import u64

COMPARED = 1 << 11  # comparisons of one lane that are kept: the first
_PLACES = 8  # where a value may be found in an input


class Compared(NamedTuple):
    """The comparisons of one lane.

    Attributes:
      rows: `u32[COMPARED + 1, 4]`, both sides of each; the first `used` count.
      used: `u32`.
    """

    rows: jax.Array
    used: jax.Array


def note(compared: Compared, lane: Lane, packed: jax.Array, alu: Alu) -> Compared:
    """The comparisons with that of this instruction, if it is one."""
    unit = field(packed, "unit")
    subtracts = (field(packed, "set_flags") == 1) & (field(packed, "invert") == 1)
    subtracts = (unit == int(Unit.ADD)) & subtracts | (unit == int(Unit.COMPARE))
    zero = unit == int(Unit.BRANCH_ZERO)

    def sides() -> jax.Array:
        o = Operands(alu, packed, lane.regs, u64(0), u64(0))
        a, b = jnp.where(zero, o.c, o.a), jnp.where(zero, u64(0), o.b)
        return jnp.concatenate([word.split(o.narrow(a)), word.split(o.narrow(b))])

    none = jnp.zeros(4, jnp.uint32)
    row = lax.cond(subtracts | zero, sides, lambda: none)
    used = jnp.minimum(compared.used + (subtracts | zero).astype(jnp.uint32), COMPARED)
    return Compared(word.put(compared.rows, compared.used, row), used)


def pairs(rows: np.ndarray) -> list[tuple[int, int]]:
    """Different comparisons of unequal values, in the order in which they were made."""
    both = word.from_limbs(rows.reshape(-1, 2, 2))
    return list(dict.fromkeys((int(a), int(b)) for a, b in both if a != b))


def substitutions(data: bytes, pairs: list[tuple[int, int]], width: int) -> list[bytes]:
    """Inputs in which a side of a comparison is as the other was, or one beside it.

    Args:
      data: the input that the comparisons were made with.
      pairs: the comparisons.
      width: bytes of an input at most.
    """
    found: dict[bytes, None] = {}
    for a, b in pairs:
        for held, wanted in ((a, b), (b, a)):
            for value in (wanted, wanted + 1, wanted - 1):
                for old, new in _encodings(held, value):
                    found.update(dict.fromkeys(_replaced(data, old, new)))
                if held == len(data) and 0 < value <= width:  # its length is a part of an input
                    found[data[:value].ljust(value, b"0")] = None
    return [each for each in found if 0 < len(each) <= width and each != data]


def _encodings(held: int, value: int) -> Iterator[tuple[bytes, bytes]]:
    """How both may be written: digits, or 8, 4, 2 or 1 bytes, with a sign or not."""
    if value >= 0:
        yield str(held).encode(), str(value).encode()
    for size in (8, 4, 2, 1):
        for bits in (64, 32):
            # A narrow field that was sign-extended is a number just below 2**bits.
            top, low = 1 << bits, 1 << 8 * size
            fits = [v < low or top - low // 2 <= v < top for v in (held, value % top)]
            if all(fits) and (bits == 64 or held < top):
                small = held % low, value % low
                yield small[0].to_bytes(size, "little"), small[1].to_bytes(size, "little")
                yield small[0].to_bytes(size, "big"), small[1].to_bytes(size, "big")


def _replaced(data: bytes, old: bytes, new: bytes) -> Iterator[bytes]:
    at = data.find(old)
    for _ in range(_PLACES):
        if at < 0:
            return
        yield data[:at] + new + data[at + len(old) :]
        at = data.find(old, at + 1)
