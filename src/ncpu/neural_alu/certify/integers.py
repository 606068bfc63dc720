"""Bits as integer expressions: what rows of full adders do to words is linear in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import z3

from ncpu.neural_alu.cells import BYTE, CELLS
from ncpu.neural_alu.certify.certificate import CertificationError
from ncpu.neural_alu.measured import Measured

Row = list[Any]  # an integer expression for each bit, the lowest first


def value(row: Row) -> Any:
    """The integer that bits stand for."""
    return z3.Sum([(1 << k) * bit for k, bit in enumerate(row)])


def unknown(width: int) -> Row:
    """Bits that could be anything."""
    return [z3.FreshInt("bit") for _ in range(width)]


@dataclass(frozen=True)
class Loop:
    """A loop taken apart.

    Attributes:
      start: the values it starts from.
      turns: unknown values before each turn, and those after it.
      end: unknown values after it.
    """

    start: tuple[Row, ...]
    turns: list[tuple[tuple[Row, ...], tuple[Row, ...]]]
    end: tuple[Row, ...]


@dataclass(frozen=True)
class IntegerWires:
    """Wires whose bits are integer expressions; their one cell is the full adder.

    Attributes:
      measured: the answers of the cells.
      multiplied: operands of `products` and the unknown bits given for them.
      loops: every `repeat`.
    """

    measured: Measured
    multiplied: list[tuple[Row, Row, list[Row]]] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)

    def cell(self, name: str, *inputs: Row) -> tuple[Row, ...]:
        """See `Wires.cell`: a full adder's sum is what its carry leaves of its inputs."""
        if name != "full":
            raise TypeError(f"the cell {name!r} is not linear: a lemma stands for it")
        kept = self.measured.cells["full"] @ np.array([1, 2])
        if (CELLS["full"].domain().sum(1) != kept).any():
            raise CertificationError("the cell 'full' does not keep the sum of three bits")
        carry = unknown(len(inputs[0]))
        bits = zip(*inputs, carry, strict=True)
        return [a + b + c - 2 * k for a, b, c, k in bits], carry

    def products(self, byte: Row, word: Row) -> list[Row]:
        """See `Wires.products`: 16 unknown bits each."""
        found = [unknown(2 * BYTE) for _ in range(0, len(word), BYTE)]
        self.multiplied.append((byte, word, found))
        return found

    def width(self, x: Row) -> int:
        """See `Wires.width`."""
        return len(x)

    def part(self, x: Row, start: int, stop: int) -> Row:
        """See `Wires.part`."""
        return x[start:stop]

    def join(self, *parts: Row) -> Row:
        """See `Wires.join`."""
        return [bit for part in parts for bit in part]

    def spread(self, bit: Row, width: int) -> Row:
        """See `Wires.spread`."""
        return bit * width

    def constant(self, bit: int, width: int, like: Row) -> Row:
        """See `Wires.constant`."""
        return [z3.IntVal(bit)] * width

    def choose(self, control: bool, yes: Row, no: Row) -> Row:
        """See `Wires.choose`."""
        return yes if control else no

    def reverse(self, x: Row) -> Row:
        """See `Wires.reverse`."""
        return x[::-1]

    def up(self, x: Row, n: int, fill: int) -> Row:
        """See `Wires.up`."""
        return ([z3.IntVal(fill)] * n + x)[: len(x)]

    def down(self, x: Row, n: int, above: Row) -> Row:
        """See `Wires.down`."""
        return (x + above)[n : n + len(x)]

    def repeat(self, count: int, body: Callable[..., tuple[Row, ...]], *carry: Row) -> tuple:
        """See `Wires.repeat`: each turn starts from unknown bits."""

        def anything() -> tuple[Row, ...]:
            return tuple(unknown(len(x)) for x in carry)

        before = [anything() for _ in range(count)]
        turns = [(values, body(k, *values)) for k, values in enumerate(before)]
        self.loops.append(Loop(carry, turns, anything()))
        return self.loops[-1].end
