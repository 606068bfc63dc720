"""Operations proved as they stand: the whole circuit against the bit-vector operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import z3

from ncpu.neural_alu import circuits, narrow, ops
from ncpu.neural_alu.certify.lemmas import Lemma, Obligation, Setting
from ncpu.neural_alu.circuits import Shift

WIDTHS = (8, 16, 32, 64)
WHOLE = "the whole circuit, loops unrolled, against the solver's own operation"
BY_AMOUNT = f"{WHOLE}, for each amount"
Word = Any  # a z3 bit-vector
KINDS = {
    "lsl": Shift(True, False, False),
    "lsr": Shift(False, False, False),
    "asr": Shift(False, True, False),
    "ror": Shift(False, False, True),
}


def symbols(width: int) -> tuple[Word, Word, Word]:
    """Two words and a carry."""
    return z3.BitVec("a", width), z3.BitVec("b", width), z3.BitVec("carry", 1)


def flag(condition: Any) -> Word:
    """One bit."""
    return z3.If(condition, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def sum_flags(a: Word, b: Word, carry: Word) -> Word:
    """NZCV of a + b + carry: AddWithCarry of the Arm manual, in integers wide enough."""
    width = a.size()
    unsigned = sum((z3.ZeroExt(2, x) for x in (a, b)), z3.ZeroExt(width + 1, carry))
    signed = sum((z3.SignExt(2, x) for x in (a, b)), z3.ZeroExt(width + 1, carry))
    result = z3.Extract(width - 1, 0, unsigned)
    return z3.Concat(
        flag(result < 0),
        flag(result == 0),
        flag(z3.ZeroExt(2, result) != unsigned),
        flag(z3.SignExt(2, result) != signed),
    )


def difference_flags(a: Word, b: Word) -> Word:
    """NZCV of a - b, from comparisons."""
    result = a - b
    overflow = z3.SignExt(1, a) - z3.SignExt(1, b) != z3.SignExt(1, result)
    return z3.Concat(flag(result < 0), flag(a == b), flag(z3.UGE(a, b)), flag(overflow))


def shifted(name: str, a: Word, amount: int) -> Word:
    """The solver's shift by a known amount below the width."""
    by: dict[str, Callable[[], Word]] = {
        "lsl": lambda: a << amount,
        "lsr": lambda: z3.LShR(a, amount),
        "asr": lambda: a >> amount,
        "ror": lambda: z3.RotateRight(a, amount),
    }
    return by[name]()


def _extend(carry: Word, like: Word) -> Word:
    return z3.ZeroExt(like.size() - 1, carry)


MEANING: dict[str, Callable[[Word, Word, Word], Word]] = {
    "add": lambda a, b, c: a + b,
    "adc": lambda a, b, c: a + b + _extend(c, a),
    "sub": lambda a, b, c: a - b,
    "sbc": lambda a, b, c: a - b - 1 + _extend(c, a),
    "cmn": lambda a, b, c: sum_flags(a, b, z3.BitVecVal(0, 1)),
    "cmp": lambda a, b, c: difference_flags(a, b),
    "and": lambda a, b, c: a & b,
    "or": lambda a, b, c: a | b,
    "xor": lambda a, b, c: a ^ b,
    "bic": lambda a, b, c: a & ~b,
    "not": lambda a, b, c: ~a,
}


# Differences as the sums that they are made by: found equal to these, and these to what is meant.
AS_SUM: dict[str, Callable[[Word, Word, Word], Word]] = {
    "sub": lambda a, b, c: a + ~b + 1,
    "sbc": lambda a, b, c: a + ~b + _extend(c, a),
}


def _operation(name: str, width: int) -> Lemma:
    def formulas(setting: Setting) -> Iterable[Obligation]:
        given = symbols(width)
        found, meant = ops.OPERATIONS[name].apply(setting.wires(), *given), MEANING[name](*given)
        between = AS_SUM.get(name, MEANING[name])(*given)
        yield Obligation(found == between)
        yield Obligation(between == meant)

    statement = f"{name} = {ops.OPERATIONS[name].summary}"
    return Lemma(name, statement, width, WHOLE, formulas, second=width == 32)


def _shift(name: str, width: int) -> Lemma:
    stages = width.bit_length() - 1

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, rest = z3.BitVec("a", width), z3.BitVec("rest", width - stages)
        for n in range(width):
            b = z3.Concat(rest, z3.BitVecVal(n, stages))
            found = ops.OPERATIONS[name].apply(setting.wires(), a, b, z3.BitVecVal(0, 1))
            yield Obligation(found == shifted(name, a, n))

    statement = f"{name} = {ops.OPERATIONS[name].summary}"
    return Lemma(name, statement, width, BY_AMOUNT, formulas)


def _flags(width: int) -> Lemma:
    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, b, carry = symbols(width)
        wires = setting.wires()
        total = circuits.add(wires, a, b, carry)
        zero = circuits.is_zero(wires, total.value)
        yield Obligation(circuits.nzcv(wires, total, zero) == sum_flags(a, b, carry))

    statement = "ADCS (and, with the complement of b, SBCS): NZCV of a + b + carry"
    return Lemma("flags", statement, width, WHOLE, formulas)


def _zero(width: int) -> Lemma:
    def formulas(setting: Setting) -> Iterable[Obligation]:
        a = z3.BitVec("a", width)
        yield Obligation(circuits.is_zero(setting.wires(), a) == flag(a == 0))
        yield Obligation(circuits.any_set(setting.wires(), a) == flag(a != 0))

    return Lemma("zero", "is_zero = (a = 0), any_set = (a ≠ 0)", width, WHOLE, formulas)


def _narrow_add(wide: bool) -> Lemma:
    width = 64 if wide else 32

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a, b, carry = symbols(64)
        value, flags = narrow.add(setting.wires(), a, b, carry, wide)
        x, y = (z3.Extract(width - 1, 0, word) for word in (a, b))
        total = x + y + _extend(carry, x)
        yield Obligation(value == (total if wide else z3.ZeroExt(32, total)))
        yield Obligation(flags == sum_flags(x, y, carry))

    statement = f"the machine's sum of {width} bits and its NZCV on 64 wires"
    return Lemma("machine add", statement, width, WHOLE, formulas)


def _narrow_shift(name: str, wide: bool) -> Lemma:
    width = 64 if wide else 32

    def formulas(setting: Setting) -> Iterable[Obligation]:
        a = z3.BitVec("a", 64)
        x = z3.Extract(width - 1, 0, a)
        for n in range(64):
            amount = z3.BitVecVal(n, 6)
            found = narrow.shift(setting.wires(), a, amount, KINDS[name], wide)
            yield Obligation(z3.Extract(width - 1, 0, found) == shifted(name, x, n % width))

    statement = f"the machine's {name} of {width} bits on 64 wires"
    return Lemma(f"machine {name}", statement, width, BY_AMOUNT, formulas)


def lemmas() -> Iterable[Lemma]:
    """Everything but products and quotients."""
    for width in WIDTHS:
        yield from (_operation(name, width) for name in MEANING)
        yield from (_shift(name, width) for name in KINDS)
        yield _flags(width)
        yield _zero(width)
    for wide in (False, True):
        yield _narrow_add(wide)
        yield from (_narrow_shift(name, wide) for name in KINDS)
