"""Advanced SIMD: two vectors of the same elements, one vector, or a vector and zero."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lanes as la
from ncpu.machine.isa.lanes import LATCHED, arg, count, written
from ncpu.machine.isa.lowering import Columns, chain, u, vector, where
from ncpu.machine.isa.rows import Row
from ncpu.machine.state import LATCH

Fields = SimpleNamespace
ROWS: list[Row] = []


def _add(group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid))


SIGNED = {"signed": 1}
SUBTRACT = {"invert": 1, "carry": 1}
_LESS = {"op": la.MASK, **SUBTRACT}

# Columns of VECTOR_ARITH.
ARITH: dict[str, dict[str, Any]] = {
    "add": {"op": la.SUM},
    "sub": {"op": la.SUM, **SUBTRACT},
    "shadd": {"op": la.HALVE, **SIGNED},
    "uhadd": {"op": la.HALVE},
    "srhadd": {"op": la.HALVE, **SIGNED, "carry": 1},
    "urhadd": {"op": la.HALVE, "carry": 1},
    "shsub": {"op": la.HALVE, **SIGNED, **SUBTRACT},
    "uhsub": {"op": la.HALVE, **SUBTRACT},
    "sqadd": {"op": la.SATURATE, **SIGNED},
    "uqadd": {"op": la.SATURATE},
    "sqsub": {"op": la.SATURATE, **SIGNED, **SUBTRACT},
    "uqsub": {"op": la.SATURATE, **SUBTRACT},
    "cmgt": {**_LESS, **SIGNED, "arg": la.SWAP},
    "cmhi": {**_LESS, "arg": la.SWAP},
    "cmge": {**_LESS, **SIGNED, "arg": la.NEGATE},
    "cmhs": {**_LESS, "arg": la.NEGATE},
    "cmlt": {**_LESS, **SIGNED},
    "cmle": {**_LESS, **SIGNED, "arg": la.SWAP | la.NEGATE},
    "cmeq": {**_LESS, "arg": la.ZERO_TEST | la.NEGATE},
    "cmtst": {"op": la.MASK, "arg": la.ZERO_TEST | la.TEST_AND},
    "smax": {"op": la.CHOOSE, **SIGNED, **SUBTRACT},
    "umax": {"op": la.CHOOSE, **SUBTRACT},
    "smin": {"op": la.CHOOSE, **SIGNED, **SUBTRACT, "arg": la.NEGATE},
    "umin": {"op": la.CHOOSE, **SUBTRACT, "arg": la.NEGATE},
    "sabd": {"op": la.DISTANCE, **SIGNED, **SUBTRACT},
    "uabd": {"op": la.DISTANCE, **SUBTRACT},
    # One vector: abs is the distance from zero, neg is zero less the vector.
    "abs": {"op": la.DISTANCE, **SIGNED, **SUBTRACT},
    "neg": {"op": la.SUM, **SUBTRACT, "arg": la.SWAP},
    "sqneg": {"op": la.SATURATE, **SIGNED, **SUBTRACT, "arg": la.SWAP},
    # The accumulator's sign is inverted, so that both operands have one signedness.
    "suqadd": {"op": la.SATURATE, "arg": la.FLIP},
    "usqadd": {"op": la.SATURATE, **SIGNED, "arg": la.FLIP},
}
# Columns of VECTOR_SHIFT by a register.
_SHIFTS = {
    "shl": {},
    "qshl": {"saturate": 1},
    "rshl": {"round": 1},
    "qrshl": {"round": 1, "saturate": 1},
}
ZERO = {"imm": u(0), "use_imm": 1}


def arith(name: str, n: Any, m: Any = None, **rest: Any) -> dict[str, Any]:
    """A transfer of VECTOR_ARITH on registers given by rows; m is zero when left out."""
    second = ZERO if m is None else {"rm": m}
    return {"unit": Unit.VECTOR_ARITH, **ARITH[name], "rn": n, **second, **rest}


def accumulate(name: str, rd: Columns, **rest: Any) -> dict[str, Any]:
    """Add the latch to (or subtract it from) a register."""
    return arith(name, vector(rd), LATCH, **rest, **written(vector(rd)))


def shift_columns(size: Any, q: Any, scalar: bool, signed: int, /, **flags: Any) -> dict[str, Any]:
    """Columns of VECTOR_SHIFT with results of the operand's size."""
    flags = {"count": count(size, q, scalar), "result": size, "signed": signed, **flags}
    limit = la.top_of_range(size, signed)
    common = {"unit": Unit.VECTOR_SHIFT, "size": size, "signed": signed, "imm": limit}
    return {**common, "arg": arg(**flags)}


def _q(f: Fields) -> Any:
    return getattr(f, "q", u(0))


def _same(name: str, scalar: bool) -> Any:
    def lower(f: Fields) -> dict[str, Any]:
        kept = la.width(f.size, _q(f), scalar)
        return arith(name, vector(f.rn), vector(f.rm), **kept, **written(vector(f.rd)))

    return lower


def _shift(name: str, signed: int, scalar: bool) -> Any:
    def lower(f: Fields) -> dict[str, Any]:
        columns = shift_columns(f.size, _q(f), scalar, signed, **_SHIFTS[name])
        return {**columns, "rn": vector(f.rn), "rm": vector(f.rm), **written(vector(f.rd))}

    return lower


def whole(f: Fields) -> Any:
    """A vector of doublewords has two of them."""
    return (f.size < 3) | (f.q == 1)


def _small(f: Fields) -> Any:
    return f.size < 3


def _three(group: str, name: str, bits: tuple[int, int], lower: Any, valid: Any = whole) -> None:
    unsigned, opcode = bits
    _add(
        group, name, f"0 q:1 {unsigned} 01110 size:2 1 rm:5 {opcode:05b} 1 rn:5 rd:5", lower, valid
    )


def _three_scalar(group: str, name: str, bits: tuple[int, int], lower: Any, valid: Any) -> None:
    unsigned, opcode = bits
    pattern = f"01 {unsigned} 11110 size:2 1 rm:5 {opcode:05b} 1 rn:5 rd:5"
    _add(group, name, pattern, lower, valid)


def _doubleword(f: Fields) -> Any:
    return f.size == 3


def _arithmetic() -> None:
    group = "Vector arithmetic"
    for opcode, names, valid in (
        (0b00000, ("shadd", "uhadd"), _small),
        (0b00001, ("sqadd", "uqadd"), whole),
        (0b00010, ("srhadd", "urhadd"), _small),
        (0b00100, ("shsub", "uhsub"), _small),
        (0b00101, ("sqsub", "uqsub"), whole),
        (0b00110, ("cmgt", "cmhi"), whole),
        (0b00111, ("cmge", "cmhs"), whole),
        (0b01100, ("smax", "umax"), _small),
        (0b01101, ("smin", "umin"), _small),
        (0b01110, ("sabd", "uabd"), _small),
        (0b10000, ("add", "sub"), whole),
        (0b10001, ("cmtst", "cmeq"), whole),
    ):
        for unsigned, name in enumerate(names):
            bits = (unsigned, opcode)
            _three(group, name, bits, _same(name, False), valid)
            if valid is whole:
                allowed = None if "qadd" in name or "qsub" in name else _doubleword
                _three_scalar(group, name, bits, _same(name, True), allowed)

    for unsigned, name in enumerate(("saba", "uaba")):

        def accumulated(f: Fields, name: str = name) -> list[dict[str, Any]]:
            kept = la.width(f.size, f.q, False)
            distance = arith(name[0] + "abd", vector(f.rn), vector(f.rm), **kept, **LATCHED)
            return chain(distance, accumulate("add", f.rd, **kept))

        _three(group, name, (unsigned, 0b01111), accumulated, _small)


def _shifts() -> None:
    group = "Vector shift by register"
    for low, name in enumerate(_SHIFTS):
        for unsigned, prefix in enumerate("su"):
            bits = (unsigned, 0b01000 + low)
            _three(group, prefix + name, bits, _shift(name, 1 - unsigned, False))
            allowed = None if "q" in name else _doubleword
            _three_scalar(group, prefix + name, bits, _shift(name, 1 - unsigned, True), allowed)


def _pairwise() -> None:
    group = "Vector pairwise"

    def lower_as(like: str) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            columns = {"unit": Unit.VECTOR_PAIRWISE, **ARITH[like], "size": f.size, "sf": f.q}
            columns["right"] = where(f.size == 3, 0, u(8) << f.size)
            return {**columns, "rn": vector(f.rn), "rm": vector(f.rm), **written(vector(f.rd))}

        return lower

    for unsigned, opcode, name, valid in (
        (0, 0b10100, "smax", _small),
        (1, 0b10100, "umax", _small),
        (0, 0b10101, "smin", _small),
        (1, 0b10101, "umin", _small),
        (0, 0b10111, "add", whole),
    ):
        _three(group, name + "p", (unsigned, opcode), lower_as(name), valid)

    def scalar(f: Fields) -> dict[str, Any]:
        flags = arg(count=2, result=3)
        columns = {"unit": Unit.VECTOR_REDUCE, "op": la.TOTAL, "size": 3, "arg": flags}
        return {**columns, "rn": vector(f.rn), **written(vector(f.rd))}

    _add(group, "addp", "01 0 11110 11 11000 11011 10 rn:5 rd:5", scalar)


def _logic() -> None:
    group = "Vector logic"
    for unsigned, size, name, op, invert in (
        (0, 0, "and", la.AND, 0),
        (0, 1, "bic", la.AND, 1),
        (0, 2, "orr", la.ORR, 0),
        (0, 3, "orn", la.ORR, 1),
        (1, 0, "eor", la.EOR, 0),
        (1, 1, "bsl", la.BSL, 0),
        (1, 2, "bit", la.BIT, 0),
        (1, 3, "bif", la.BIT, 1),
    ):

        def lower(f: Fields, op: int = op, invert: int = invert) -> dict[str, Any]:
            columns = {"unit": Unit.VECTOR_LOGIC, "op": op, "invert": invert, "sf": f.q}
            rows = {"rn": vector(f.rn), "rm": vector(f.rm), "ra": vector(f.rd)}
            return {**columns, **rows, **written(vector(f.rd))}

        pattern = f"0 q:1 {unsigned} 01110 {size:02b} 1 rm:5 00011 1 rn:5 rd:5"
        _add(group, name, pattern, lower)

    def complement(f: Fields) -> dict[str, Any]:
        columns = {"unit": Unit.VECTOR_LOGIC, "op": la.MOVE, "invert": 1, "sf": f.q}
        return {**columns, "rm": vector(f.rn), **written(vector(f.rd))}

    _add(group, "not", "0 q:1 1 01110 00 10000 00101 10 rn:5 rd:5", complement)


# -- one vector -------------------------------------------------------------------------


def _one(group: str, name: str, bits: tuple[int, int], lower: Any, valid: Any = whole) -> None:
    unsigned, opcode = bits
    pattern = f"0 q:1 {unsigned} 01110 size:2 10000 {opcode:05b} 10 rn:5 rd:5"
    _add(group, name, pattern, lower(False), valid)


def _one_scalar(group: str, name: str, bits: tuple[int, int], lower: Any, valid: Any) -> None:
    unsigned, opcode = bits
    pattern = f"01 {unsigned} 11110 size:2 10000 {opcode:05b} 10 rn:5 rd:5"
    _add(group, name, pattern, lower(True), valid)


def _with_zero(name: str) -> Any:
    def shape(scalar: bool) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            kept = la.width(f.size, _q(f), scalar)
            return arith(name, vector(f.rn), **kept, **written(vector(f.rd)))

        return lower

    return shape


def _onto(name: str) -> Any:
    """SUQADD and USQADD: the destination is the first operand."""

    def shape(scalar: bool) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            kept = la.width(f.size, _q(f), scalar)
            return arith(name, vector(f.rd), vector(f.rn), **kept, **written(vector(f.rd)))

        return lower

    return shape


def _saturating_abs(scalar: bool) -> Any:
    """The larger of the vector and its saturated negation."""

    def lower(f: Fields) -> list[dict[str, Any]]:
        kept = la.width(f.size, _q(f), scalar)
        negated = arith("sqneg", vector(f.rn), **kept, **LATCHED)
        return chain(negated, arith("smax", LATCH, vector(f.rn), **kept, **written(vector(f.rd))))

    return lower


def _one_operand() -> None:
    group = "Vector arithmetic"
    for unsigned, opcode, name, lower in (
        (0, 0b00011, "suqadd", _onto("suqadd")),
        (1, 0b00011, "usqadd", _onto("usqadd")),
        (0, 0b00111, "sqabs", _saturating_abs),
        (1, 0b00111, "sqneg", _with_zero("sqneg")),
        (0, 0b01000, "cmgt", _with_zero("cmgt")),
        (1, 0b01000, "cmge", _with_zero("cmge")),
        (0, 0b01001, "cmeq", _with_zero("cmeq")),
        (1, 0b01001, "cmle", _with_zero("cmle")),
        (0, 0b01010, "cmlt", _with_zero("cmlt")),
        (0, 0b01011, "abs", _with_zero("abs")),
        (1, 0b01011, "neg", _with_zero("neg")),
    ):
        _one(group, name, (unsigned, opcode), lower)
        allowed = None if "q" in name and name != "cmeq" else _doubleword
        _one_scalar(group, name, (unsigned, opcode), lower, allowed)


def _bits() -> None:
    group = "Vector bits"
    for unsigned, opcode, name, op, size in (
        (0, 0b00100, "cls", la.LEADING_SIGNS, None),
        (1, 0b00100, "clz", la.LEADING_ZEROS, None),
        (0, 0b00101, "cnt", la.COUNT_ONES, 0),
        (1, 0b00101, "rbit", la.REVERSE, 1),
    ):

        def lower(f: Fields, op: int = op) -> dict[str, Any]:
            # RBIT and CNT are on bytes, whatever the size field tells them apart by.
            size = getattr(f, "size", u(0))
            flags = arg(count=count(size, f.q, False), result=size)
            columns = {"unit": Unit.VECTOR_BITS, "op": op, "size": size, "arg": flags}
            columns["signed"] = int(op == la.LEADING_SIGNS)
            return {**columns, "rn": vector(f.rn), **written(vector(f.rd))}

        which = "size:2" if size is None else f"{size:02b}"
        pattern = f"0 q:1 {unsigned} 01110 {which} 10000 {opcode:05b} 10 rn:5 rd:5"
        _add(group, name, pattern, lower, _small if size is None else None)


_arithmetic()
_shifts()
_pairwise()
_logic()
_one_operand()
_bits()
