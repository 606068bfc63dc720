"""Sixty-four cases in a word: what sweeps and millions of vectors run on.

A position is an array of words of its own, and each bit of a word belongs to another case.
A truth table then costs a few instructions for 64 applications, and moving bits costs
nothing.  NumPy alone: arrays stay in the cache and nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ncpu.neural_alu.cells import BYTE
from ncpu.neural_alu.measured import Measured

CASES = 64  # in a word
ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
TRANSPOSE = ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0))


@dataclass(frozen=True)
class SlicedWires:
    """Wires whose bits are `u64[width, n]` for 64 n cases.

    Attributes:
      measured: the answers of the trained cells.
    """

    measured: Measured

    def cell(self, name: str, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """See `Wires.cell`."""
        return self.measured.apply(name, *inputs)

    def products(self, byte: np.ndarray, word: np.ndarray) -> list[np.ndarray]:
        """See `Wires.products`."""
        row = leave_byte(byte).astype(np.uint16) << BYTE
        out = []
        for start in range(0, len(word), BYTE):
            both = self.measured.product[row | leave_byte(word[start : start + BYTE])]
            out.append(enter(both, 2 * BYTE))
        return out

    def width(self, x: np.ndarray) -> int:
        """See `Wires.width`."""
        return len(x)

    def part(self, x: np.ndarray, start: int, stop: int) -> np.ndarray:
        """See `Wires.part`."""
        return x[start:stop]

    def join(self, *parts: np.ndarray) -> np.ndarray:
        """See `Wires.join`."""
        return np.concatenate(parts)

    def spread(self, bit: np.ndarray, width: int) -> np.ndarray:
        """See `Wires.spread`."""
        return np.broadcast_to(bit, (width, bit.shape[1]))

    def constant(self, bit: int, width: int, like: np.ndarray) -> np.ndarray:
        """See `Wires.constant`."""
        return np.full((width, like.shape[1]), ALL if bit else np.uint64(0))

    def choose(self, control: bool, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
        """See `Wires.choose`; the control is Python's."""
        return yes if control else no

    def reverse(self, x: np.ndarray) -> np.ndarray:
        """See `Wires.reverse`."""
        return x[::-1]

    def up(self, x: np.ndarray, n: int, fill: int) -> np.ndarray:
        """See `Wires.up`."""
        return np.concatenate([self.constant(fill, n, x), x])[: len(x)]

    def down(self, x: np.ndarray, n: int, above: np.ndarray) -> np.ndarray:
        """See `Wires.down`."""
        return np.concatenate([x, above])[n : n + len(x)]

    def repeat(self, count: int, body: Callable, *carry: np.ndarray) -> tuple:
        """See `Wires.repeat`."""
        for k in range(count):
            carry = body(k, *carry)
        return carry


def enter(words: np.ndarray, width: int) -> np.ndarray:
    """The lowest `width` bits of unsigned integers `[64 n]` as `u64[width, n]`."""
    raw = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), -1)
    count = -(-width // BYTE)
    return np.concatenate([_enter_byte(raw[:, k]) for k in range(count)])[:width]


def leave(bits: np.ndarray) -> np.ndarray:
    """`u64[width, n]`, width at most 64, as `u64[64 n]`."""
    out = np.zeros((bits.shape[1] * CASES, 8), np.uint8)
    for k in range(0, len(bits), BYTE):
        byte = bits[k : k + BYTE]
        if len(byte) < BYTE:
            byte = np.concatenate([byte, np.zeros((BYTE - len(byte), bits.shape[1]), np.uint64)])
        out[:, k // BYTE] = leave_byte(byte)
    return out.view("<u8")[:, 0]


def leave_byte(bits: np.ndarray) -> np.ndarray:
    """`u64[8, n]` as `u8[64 n]`."""
    rows = np.ascontiguousarray(bits).view(np.uint8)
    return _transposed(np.ascontiguousarray(rows.T).view("<u8")).view(np.uint8).reshape(-1)


def _enter_byte(values: np.ndarray) -> np.ndarray:
    """`u8[64 n]` as `u64[8, n]`."""
    eights = _transposed(np.ascontiguousarray(values).view("<u8"))
    return np.ascontiguousarray(eights.view(np.uint8).reshape(-1, BYTE).T).view("<u8")


def _transposed(x: np.ndarray) -> np.ndarray:
    """Each word as a matrix of 8 by 8 bits, transposed (Warren, Hacker's Delight, 7-3)."""
    for distance, mask in TRANSPOSE:
        by = np.uint64(distance)
        swap = (x ^ x >> by) & np.uint64(mask)
        x = x ^ swap ^ swap << by
    return x
