"""Quotients: one step of restoring division, its bookkeeping, and induction over the bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import z3

from ncpu.neural_alu import circuits
from ncpu.neural_alu.certify.lemmas import INTEGERS, Lemma, Obligation, Setting
from ncpu.neural_alu.certify.parts import MODULAR, proved_add, proved_negate_if
from ncpu.neural_alu.certify.straight import WIDTHS
from ncpu.neural_alu.symbolic import SymbolicWires, using

Word = Any  # a z3 bit-vector


def step(width: int) -> Lemma:
    """One bit of a quotient."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        r, d = z3.BitVecs("r d", width)
        bit = z3.BitVec("bit", 1)
        wires = setting.wires()
        circuit = using(circuits.division_step, add=proved_add)
        left, fits = circuit(wires, r, bit, circuits.logic(wires, "not", d))
        # Two bits more than a word: room for 2 r + bit, and for d + r'.
        doubled = z3.Concat(z3.BitVecVal(0, 1), r, bit)
        taken = z3.If(fits == 1, z3.ZeroExt(2, d), z3.BitVecVal(0, width + 2))
        below = (z3.ULT(r, d),)
        yield Obligation(doubled == taken + z3.ZeroExt(2, left), below)
        yield Obligation(z3.ULT(left, d), below)

    statement = "division_step, r < d: 2 r + bit = f d + r' without overflow, and r' < d"
    return Lemma("division step", statement, width, MODULAR, formulas, uses=("add by levels",))


def bookkeeping(width: int) -> Lemma:
    """What each turn of the loop does with the register, whatever its step gives."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, b = z3.BitVecs("a b", width)
        wires = setting.wires()
        steps: list[tuple[Word, ...]] = []

        def any_step(wires: SymbolicWires, r: Word, bit: Word, complement: Word) -> tuple:
            given = z3.FreshConst(r.sort(), "left"), z3.FreshConst(bit.sort(), "fits")
            steps.append((r, bit, complement, *given))
            return given

        found = using(circuits.divide_unsigned, division_step=any_step)(wires, a, b)
        remainder = z3.BitVecVal(0, width)
        for k, (r, bit, complement, left, _) in enumerate(steps):
            top = width - 1 - k
            yield Obligation(z3.And(r == remainder, bit == z3.Extract(top, top, a)))
            yield Obligation(complement == ~b)
            remainder = left
        yield Obligation(found == z3.Concat(*(fits for *_, fits in steps)))

    statement = "divide_unsigned: step k gets bit width - 1 - k of a, the remainder of the step "
    statement += "before (first 0) and the complement of b; the bits f make up the result"
    return Lemma("division register", statement, width, "loops unrolled, any steps", formulas)


def divide_unsigned(width: int) -> Lemma:
    """The quotient, by induction over the bits of the dividend."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, q, d, r, bit, f, left = z3.Ints("A Q d r bit f left")
        yield Obligation(
            2 * a + bit == (2 * q + f) * d + left, (a == q * d + r, 2 * r + bit == f * d + left)
        )
        yield Obligation(a == q * d + r, (a == 0, q == 0, r == 0))
        other, rest = z3.Ints("other rest")
        yield Obligation(
            q == other,
            (q * d + r == other * d + rest, r >= 0, r < d, rest >= 0, rest < d),
        )

    statement = (
        "divide_unsigned = a div b for b > 0: with A and Q the bits of a and of the quotient "
    )
    statement += "so far, A = Q b + r and r < b in every turn; there is one such quotient"
    uses = ("division step", "division register")
    method = "induction over the turns"
    return Lemma("divide_unsigned", statement, width, method, formulas, INTEGERS, uses)


def divide(width: int) -> Lemma:
    """Signs and the divisor zero."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, b, zero = *z3.BitVecs("a b", width), z3.BitVecVal(0, width)
        quotient = z3.Function("quotient", *[z3.BitVecSort(width)] * 3)
        circuit = using(
            circuits.divide,
            divide_unsigned=lambda wires, x, y: quotient(x, y),
            negate_if=proved_negate_if,
        )
        for signed in (False, True):
            size = quotient(*(z3.If(x < 0, -x, x) for x in (a, b))) if signed else quotient(a, b)
            wanted = z3.If((a < 0) != (b < 0), -size, size) if signed else size
            found = circuit(setting.wires(), a, b, signed)
            yield Obligation(found == z3.If(b == 0, zero, wanted))

    statement = "divide = 0 for b = 0, else |a| div |b| with the sign of a b when signed, a div b "
    statement += "when not"
    uses = ("divide_unsigned", "negate_if")
    return Lemma("divide", statement, width, MODULAR, formulas, uses=uses)


def toward_zero(width: int) -> Lemma:
    """That the sign of magnitudes' quotients is how Arm rounds."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        m, n, q, r = z3.Ints("size_a size_b quotient rest")
        given = (m == q * n + r, r >= 0, r < n)
        for x in (1, -1):
            for y in (1, -1):
                # a = x m, b = y n: the rest a - (x y q) b has the sign of a, less than |b|.
                rest = x * m - (x * y * q) * (y * n)
                yield Obligation(z3.And(x * rest >= 0, x * rest < n), given)

    statement = "a - q b has the sign of a and is smaller than |b| for q = ± (|a| div |b|): q is "
    statement += "rounded to zero"
    return Lemma("rounding", statement, width, "identity of polynomials", formulas, INTEGERS)


def lemmas() -> Iterable[Lemma]:
    """The chain up to quotients, signed and not."""
    for width in WIDTHS:
        yield step(width)
        yield bookkeeping(width)
        yield divide_unsigned(width)
        yield divide(width)
        yield toward_zero(width)
