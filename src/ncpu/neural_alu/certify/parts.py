"""The circuits that others are made of, and what may stand for them once they are proved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import z3

from ncpu.neural_alu import circuits
from ncpu.neural_alu.certify.lemmas import Lemma, Obligation, Setting
from ncpu.neural_alu.certify.straight import WIDTHS
from ncpu.neural_alu.circuits import Sum
from ncpu.neural_alu.symbolic import SymbolicWires, using

Word = Any  # a z3 bit-vector
CUT = "loops cut at an invariant"
MODULAR = "the circuit with proved circuits replaced by what was proved of them"


def carries(g: Word, p: Word) -> Word:
    """The word with c[i] = g[i] or (p[i] and c[i - 1]): what a sum carries out of each bit."""
    width = g.size()
    x, y = z3.ZeroExt(1, g | p), z3.ZeroExt(1, g)
    return z3.Extract(width, 1, x + y ^ x ^ y)


def exact_sum(a: Word, b: Word, carry: Word) -> Sum:
    """What an addition has to give; stands for `circuits.add` once that is proved."""
    width = a.size()
    total = z3.ZeroExt(1, a) + z3.ZeroExt(1, b) + z3.ZeroExt(width, carry)
    # A bit of a sum is that of its addends, turned over by the carry that comes in.
    into = z3.Extract(width - 1, 0, total) ^ a ^ b
    return Sum(
        z3.Extract(width - 1, 0, total),
        z3.Extract(width, width, total),
        z3.Extract(width - 1, width - 1, into),
    )


def proved_add(wires: SymbolicWires, a: Word, b: Word, carry: Word) -> Sum:
    """In place of `circuits.add`."""
    return exact_sum(a, b, carry)


def proved_negate_if(wires: SymbolicWires, condition: Word, x: Word) -> Word:
    """In place of `circuits.negate_if`."""
    return z3.If(condition == 1, -x, x)


def adder(width: int) -> Lemma:
    """Addition."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        def invariant(g: Word, p: Word):
            whole = carries(g, p)
            return lambda k, g, p: whole == g | p & whole << (1 << k)

        a, b = z3.BitVecs("a b", width)
        carry = z3.BitVec("carry", 1)
        wires = setting.kind.cut(setting.measured, invariant=invariant)
        total, wanted = circuits.add(wires, a, b, carry), exact_sum(a, b, carry)
        yield from wires.owe(z3.And(*(x == y for x, y in zip(total, wanted, strict=True))))

    statement = (
        "add = a + b + carry with the carries out of and into its top; after level k a position "
        "carries if it generates a carry or passes on that of 2**k positions below"
    )
    return Lemma("add by levels", statement, width, CUT, formulas, second=width == 64)


def negation(width: int) -> Lemma:
    """Conditional negation."""

    def formulas(setting: Setting) -> Iterable[Obligation]:
        x, condition = z3.BitVec("x", width), z3.BitVec("condition", 1)
        found = using(circuits.negate_if, add=proved_add)(setting.wires(), condition, x)
        yield Obligation(found == proved_negate_if(setting.wires(), condition, x))

    statement = "negate_if = -x where the condition holds, else x"
    return Lemma("negate_if", statement, width, MODULAR, formulas, uses=("add by levels",))


def lemmas() -> Iterable[Lemma]:
    """Addition at every width that circuits have, and negation."""
    yield from map(adder, (*WIDTHS, 128))
    yield from map(negation, WIDTHS)
