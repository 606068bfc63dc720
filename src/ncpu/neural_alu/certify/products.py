"""Products: Horner's scheme over bytes, by lemmas in integers.

A word is the integer that its bits stand for.  A full adder keeps the sum of three bits,
sum + 2 carry = a + b + c, so whatever rows of them do to words is linear and proved as such.
The product of two variables appears in identities of polynomials only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import z3

from ncpu.neural_alu import circuits
from ncpu.neural_alu.cells import BYTE, PAIRS
from ncpu.neural_alu.certify.integers import IntegerWires, Loop, Row, unknown, value
from ncpu.neural_alu.certify.lemmas import INTEGERS, Lemma, Obligation, Setting
from ncpu.neural_alu.certify.parts import MODULAR, proved_add
from ncpu.neural_alu.certify.straight import WIDTHS
from ncpu.neural_alu.circuits import Sum
from ncpu.neural_alu.symbolic import SymbolicWires, using

Word = Any  # a z3 bit-vector
SHAPES = tuple((size, width) for size in WIDTHS for width in (size, 2 * size))
LINEAR = "linear arithmetic of integers"
POLYNOMIALS = "identity of polynomials"
BASE = 1 << BYTE


@dataclass
class Final:
    """In place of the addition that ends a product: remembers what it was to add."""

    operands: tuple[Row, ...] = ()
    value: Row = field(default_factory=list)

    def __call__(self, wires: IntegerWires, a: Row, b: Row, carry: Row) -> Sum:
        """See `circuits.add`."""
        self.operands, self.value = (a, b, carry), unknown(len(a))
        return Sum(self.value, unknown(1), unknown(1))


@dataclass(frozen=True)
class Run:
    """`circuits.multiply` on unknown bits, taken apart."""

    a: Row
    b: Row
    loop: Loop
    multiplied: list[tuple[Row, Row, list[Row]]]
    final: Final
    result: Row


def run(setting: Setting, size: int, width: int) -> Run:
    """Multiply two unknown words of `size` bits."""
    wires, final = setting.kind.integers(setting.measured), Final()
    a, b = unknown(size), unknown(size)
    result = using(circuits.multiply, add=final)(wires, a, b, width)
    return Run(a, b, wires.loops[0], wires.multiplied, final, result)


def same(x: Any, y: Any, width: int) -> Any:
    """Equal modulo 2**width."""
    return (x - y) % (1 << width) == 0


def identical(x: Row, y: Row) -> Any:
    """Equal bit by bit."""
    return z3.And(*(a == b for a, b in zip(x, y, strict=True)))


def _rows() -> Lemma:
    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, b = np.divmod(np.arange(PAIRS), BASE)
        yield Obligation(z3.BoolVal(bool((setting.measured.product == a * b).all())))

    statement = "the product cell gives byte * byte, for all 65,536 pairs"
    return Lemma("product rows", statement, 2 * BYTE, "exhaustive", formulas)


def _distribution(size: int) -> Lemma:
    def formulas(setting: Setting) -> Iterable[Obligation]:
        byte = z3.Int("byte")
        parts = [z3.Int(f"b{j}") for j in range(size // BYTE)]
        products = z3.Sum([BASE**j * (byte * part) for j, part in enumerate(parts)])
        word = z3.Sum([BASE**j * part for j, part in enumerate(parts)])
        yield Obligation(products == byte * word)

    statement = "Σ (byte * b[j]) 256**j = byte * b for b = Σ b[j] 256**j"
    return Lemma("distribution", statement, size, POLYNOMIALS, formulas, INTEGERS)


def three_to_two(width: int) -> Lemma:
    """Carry-save addition."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        for carry in (0, 1):
            rows = [unknown(width) for _ in range(3)]
            wires = setting.kind.integers(setting.measured)
            found = circuits.three_to_two(wires, *rows, carry=carry)
            yield Obligation(same(_total(found), _total(rows) + carry, width))

    statement = "three_to_two: total + carries = a + b + c + carry"
    return Lemma("three to two", statement, width, LINEAR, formulas, INTEGERS, second=True)


def _total(rows: Iterable[Row]) -> Any:
    return z3.Sum([value(row) for row in rows])


def horner_step(size: int, width: int) -> Lemma:
    """Every turn of the loop, from any state and with any products."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        found = run(setting, size, width)
        for (before, after), (_, _, rows) in zip(found.loop.turns, found.multiplied, strict=True):
            products = z3.Sum([BASE**j * value(row) for j, row in enumerate(rows)])
            yield Obligation(same(_total(after[1:]), BASE * _total(before[1:]) + products, width))

    statement = (
        f"a turn of multiply ({size}-bit factors): total + carry becomes 256 (total + carry)"
    )
    statement += " + Σ p[j] 256**j, for any p[j] from the product cell"
    return Lemma(f"horner step {size}", statement, width, LINEAR, formulas, INTEGERS)


def _bytes(size: int, width: int) -> Lemma:
    def formulas(setting: Setting) -> Iterable[Obligation]:
        found = run(setting, size, width)
        rest, taken = found.loop.start[0], z3.IntVal(0)
        for (before, after), (byte, word, _) in zip(
            found.loop.turns, found.multiplied, strict=True
        ):
            # What a turn does to its unknown `rest`, done to the true one.
            true = [*zip(before[0], rest, strict=True)]
            taken = BASE * taken + z3.substitute(value(byte), *true)
            rest = [z3.substitute(bit, *true) for bit in after[0]]
            yield Obligation(identical(word, found.b))
        yield Obligation(taken == value(found.a))

    statement = f"the bytes that the turns of multiply ({size}-bit factors) take, A becoming "
    statement += "256 A + byte, make up a; each is multiplied by all of b"
    return Lemma(f"bytes {size}", statement, width, LINEAR, formulas, INTEGERS)


def multiply(size: int, width: int) -> Lemma:
    """The product, by induction over the turns."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        found = run(setting, size, width)
        yield Obligation(_total(found.loop.start[1:]) == 0)
        # From total + carry = A b (mod M) to (256 A + byte) b, the multiples of M named.
        old, new, taken, byte, b, m, n = z3.Ints("old new A byte b m n")
        modulus = 1 << width
        yield Obligation(
            new == (BASE * taken + byte) * b + modulus * (BASE * m + n),
            (old == taken * b + modulus * m, new == BASE * old + byte * b + modulus * n),
        )
        yield Obligation(_total(found.final.operands) == _total(found.loop.end[1:]))
        yield Obligation(identical(found.result, found.final.value))

    statement = f"multiply ({size}-bit factors) = a * b: total + carry = A b in every turn, and A "
    statement += "is a after the last"
    uses = ("product rows", "distribution", f"horner step {size}", f"bytes {size}", "add by levels")
    method = "induction over the turns"
    return Lemma(f"multiply {size}", statement, width, method, formulas, INTEGERS, uses)


def correction(width: int) -> Lemma:
    """What signs do to an upper half."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, b, p, q, high, low = z3.Ints("a b sign_a sign_b high low")
        m = z3.IntVal(1 << width)
        yield Obligation(
            (a - m * p) * (b - m * q) == m * (high - p * b - q * a + m * p * q) + low,
            (a * b == high * m + low,),
        )

    statement = "for a b = high M + low, M = 2**width, and factors a - M if signed negative: the "
    statement += "product is low + M (high - (b if a < 0) - (a if b < 0)), modulo M²"
    return Lemma("signed product", statement, width, POLYNOMIALS, formulas, INTEGERS)


class _Proved:
    """In place of the circuits that an upper half is made of."""

    def __init__(self, a: Word, b: Word) -> None:
        self.a, self.b = a, b
        self.product = z3.BitVec("product", 2 * a.size())
        self.known: list[Any] = []
        self.owed: list[Obligation] = []

    def multiply(self, wires: SymbolicWires, a: Word, b: Word, width: int) -> Word:
        """All bits of the product: of these factors and no others."""
        self.owed.append(Obligation(z3.And(a == self.a, b == self.b)))
        self.owed.append(Obligation(z3.BoolVal(width == self.product.size())))
        return self.product

    def three_to_two(
        self, wires: SymbolicWires, a: Word, b: Word, c: Word, carry: int = 0
    ) -> tuple[Word, Word]:
        """Two words of which no more than their sum is known."""
        total, carries = (z3.FreshConst(a.sort()) for _ in range(2))
        self.known.append(total + carries == a + b + c + carry)
        return total, carries


def multiply_high(width: int) -> Lemma:
    """The circuit of the upper half."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, b, zero = *z3.BitVecs("a b", width), z3.BitVecVal(0, width)
        for signed in (False, True):
            proved = _Proved(a, b)
            circuit = using(
                circuits.multiply_high,
                multiply=proved.multiply,
                three_to_two=proved.three_to_two,
                add=proved_add,
            )
            found = circuit(setting.wires(), a, b, signed)
            wanted = z3.Extract(2 * width - 1, width, proved.product)
            if signed:
                wanted -= z3.If(a < 0, b, zero) + z3.If(b < 0, a, zero)
            yield from proved.owed
            yield Obligation(found == wanted, tuple(proved.known))

    statement = "multiply_high = the upper half of the product, less (b if a < 0) and (a if b < 0) "
    statement += "when signed: by 'signed product' the upper half of the signed product"
    uses = (f"multiply {width}", "three to two", "add by levels", "signed product")
    return Lemma("multiply_high", statement, width, MODULAR, formulas, uses=uses)


def lemmas() -> Iterable[Lemma]:
    """The chain up to both halves of products, signed and not."""
    yield _rows()
    yield from map(_distribution, WIDTHS)
    yield from map(three_to_two, WIDTHS)
    for shape in SHAPES:
        yield horner_step(*shape)
        yield _bytes(*shape)
        yield multiply(*shape)
    yield from map(correction, WIDTHS)
    yield from map(multiply_high, WIDTHS)
