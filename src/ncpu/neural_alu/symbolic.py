"""Bits as symbols of an SMT solver: what is proved of a circuit holds for every input.

The circuits are the ones that run; only the wires differ.  A loop may be unrolled
(`SymbolicWires`) or cut at an invariant (`CutWires`), and a circuit that a proof has been
given for may be replaced by what was proved (`using`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import z3

from ncpu.neural_alu.cells import BYTE
from ncpu.neural_alu.measured import Measured

Word = Any  # a z3 bit-vector; None where there are no bits, which SMT-LIB has no sort for


def constant_product(measured: Measured, a: Word, b: Word) -> Word:
    """The product cell on two bytes that are known."""
    row = z3.simplify(z3.Concat(a, b))
    if not isinstance(row, z3.BitVecNumRef):
        raise TypeError("the product cell is not expanded for symbols: a lemma stands for it")
    return z3.BitVecVal(int(measured.product[row.as_long()]), 2 * BYTE)


@dataclass(frozen=True)
class SymbolicWires:
    """Wires whose bits are z3 bit-vectors; every loop is unrolled.

    Attributes:
      measured: the answers of the trained cells.
      product: (measured, byte, byte) to the 16 bits of the product cell.
    """

    measured: Measured
    product: Callable[[Measured, Word, Word], Word] = constant_product

    def cell(self, name: str, *inputs: Word) -> tuple[Word, ...]:
        """See `Wires.cell`: the measured truth table, bitwise."""
        return self.measured.apply(name, *inputs)

    def products(self, byte: Word, word: Word) -> list[Word]:
        """See `Wires.products`."""
        others = [self.part(word, k, k + BYTE) for k in range(0, word.size(), BYTE)]
        return [self.product(self.measured, byte, other) for other in others]

    def width(self, x: Word) -> int:
        """See `Wires.width`."""
        return 0 if x is None else x.size()

    def part(self, x: Word, start: int, stop: int) -> Word:
        """See `Wires.part`."""
        return z3.Extract(stop - 1, start, x) if stop > start else None

    def join(self, *parts: Word) -> Word:
        """See `Wires.join`."""
        some = [part for part in reversed(parts) if part is not None]
        return z3.Concat(*some) if len(some) > 1 else some[0]

    def spread(self, bit: Word, width: int) -> Word:
        """See `Wires.spread`."""
        return z3.SignExt(width - 1, bit)

    def constant(self, bit: int, width: int, like: Word) -> Word:
        """See `Wires.constant`."""
        return z3.BitVecVal(-bit, width)

    def choose(self, control: Any, yes: Word, no: Word) -> Word:
        """See `Wires.choose`; the control is Python's or a z3 boolean."""
        return (yes if control else no) if isinstance(control, bool) else z3.If(control, yes, no)

    def reverse(self, x: Word) -> Word:
        """See `Wires.reverse`."""
        return self.join(*(self.part(x, k, k + 1) for k in reversed(range(x.size()))))

    def up(self, x: Word, n: int, fill: int) -> Word:
        """See `Wires.up`."""
        return self.part(self.join(self.constant(fill, n, x), x), 0, x.size())

    def down(self, x: Word, n: int, above: Word) -> Word:
        """See `Wires.down`."""
        return self.part(self.join(x, above), n, n + x.size())

    def repeat(self, count: int, body: Callable, *carry: Word) -> tuple:
        """See `Wires.repeat`."""
        for k in range(count):
            carry = body(k, *carry)
        return carry


@dataclass(frozen=True)
class Obligation:
    """A formula that has to hold whatever its symbols are.

    Attributes:
      claim: the formula.
      given: what may be assumed.
    """

    claim: z3.BoolRef
    given: tuple[z3.BoolRef, ...] = ()


Invariant = Callable[..., z3.BoolRef]


@dataclass(frozen=True)
class CutWires(SymbolicWires):
    """Wires whose loops are cut at an invariant (Floyd 1967, Hoare 1969).

    `repeat` asks for proof that the invariant holds at the start and that each turn keeps
    it, and goes on with unknown values of which it holds at the end.

    Attributes:
      invariant: called with the values at the start of the loop; gives the formula for
        (k, *values) after k turns.
      owed: the proofs asked for.
      known: what may be assumed after the loops.
    """

    invariant: Callable[..., Invariant] = field(kw_only=True)
    owed: list[Obligation] = field(default_factory=list, kw_only=True)
    known: list[z3.BoolRef] = field(default_factory=list, kw_only=True)

    def repeat(self, count: int, body: Callable, *carry: Word) -> tuple:
        """See `Wires.repeat`."""
        holds = self.invariant(*carry)
        self.owed.append(Obligation(holds(0, *carry)))
        for k in range(count):
            before = _unknown(k, carry)
            self.owed.append(Obligation(holds(k + 1, *body(k, *before)), (holds(k, *before),)))
        end = _unknown(count, carry)
        self.known.append(holds(count, *end))
        return end

    def owe(self, claim: z3.BoolRef, *given: z3.BoolRef) -> list[Obligation]:
        """Everything to prove so that `claim` holds after the loops."""
        return [*self.owed, Obligation(claim, (*self.known, *given))]


def _unknown(k: int, like: tuple[Word, ...]) -> tuple[Word, ...]:
    return tuple(z3.FreshConst(x.sort(), f"turn{k}") for x in like)


def using(circuit: Callable, **proved: Callable) -> Callable:
    """The same code, calling what was `proved` of other circuits in place of them."""
    if not isinstance(circuit, FunctionType) or not proved.keys() <= circuit.__globals__.keys():
        raise TypeError(f"{circuit!r} is no function that could call {', '.join(proved)}")
    scope = {**circuit.__globals__, **proved}
    return FunctionType(circuit.__code__, scope, circuit.__name__, circuit.__defaults__)
