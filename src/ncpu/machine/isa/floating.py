"""Floating point: scalar instructions here, Advanced SIMD forms in `floating_simd`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from ncpu.machine.fp import MulAdd, expand_imm8
from ncpu.machine.instr import Unit
from ncpu.machine.isa.lowering import Columns, chain, source, target, u, vector, where
from ncpu.machine.isa.rows import Row
from ncpu.machine.isa.transfers import NOTHING, Element, low, rows, transfer
from ncpu.machine.state import LATCH

Fields = SimpleNamespace
ROWS: list[Row] = []

# `Instr.op` of Unit.FP_ROUND and FP_TO_INT: a rounding mode, 0 to 3 as FPCR.RMode has them.
NEAREST, UP, DOWN, TO_ZERO, TIES_AWAY, FPCR_MODE = range(6)
EXACT = 8  # FP_ROUND: raise Inexact
SIGNED = 8  # FP_TO_INT

# Of Unit.FP_COMPARE: a relation, or COMPARE_FLAGS to set NZCV, with these bits.
EQ, GE, GT, COMPARE_FLAGS = range(4)
SIGNAL_ALL = 4  # quiet NaNs are invalid too
ABSOLUTE = 8  # compare magnitudes

# Of Unit.FP_ESTIMATE.
FRECPE, FRSQRTE, FRECPX, URECPE, URSQRTE = range(5)

MODES = {"n": NEAREST, "p": UP, "m": DOWN, "z": TO_ZERO, "a": TIES_AWAY}
_FMT = np.array([2, 3, 0, 1], np.uint64)  # of the encoding's type: single, double, -, half


def _add(group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid))


def _typed(f: Fields) -> Any:
    """Type 2 is unallocated."""
    return f.type != 2


# -- kinds of operation: the columns of a transfer that say what it computes ------------


def muladd(kind: MulAdd) -> dict[str, Any]:
    """A `MulAdd`: operand a is the addend, n and m the factors."""
    return {"unit": Unit.FP_MULADD, "extra": int(kind)}


def divide(sqrt: int) -> dict[str, Any]:
    """FDIV, or FSQRT of operand m."""
    return {"unit": Unit.FP_DIVIDE, "op": sqrt}


def minmax(name: str) -> dict[str, Any]:
    """FMAX, FMIN, FMAXNM, FMINNM by name."""
    op = int(name.startswith("fmax")) | 2 * int("nm" in name)
    return {"unit": Unit.FP_MINMAX, "op": op}


def rounding(mode: int) -> dict[str, Any]:
    """FRINT*."""
    return {"unit": Unit.FP_ROUND, "op": mode}


def to_int(mode: int, unsigned: int, fbits: Any = 0) -> dict[str, Any]:
    """FCVT<mode>S and FCVT<mode>U."""
    op = mode | (0 if unsigned else SIGNED)
    return {"unit": Unit.FP_TO_INT, "op": op, "extra": fbits}


def from_int(unsigned: int, fbits: Any = 0) -> dict[str, Any]:
    """SCVTF and UCVTF."""
    return {"unit": Unit.FP_FROM_INT, "op": 1 - unsigned, "extra": fbits}


def convert(to_odd: int = 0) -> dict[str, Any]:
    """FCVT, FCVTXN."""
    return {"unit": Unit.FP_CONVERT, "op": to_odd}


# -- moves ------------------------------------------------------------------------------


def move(row: Any, fmt: Any) -> dict[str, Any]:
    """The low 2**fmt bytes of a row, zero-extended, without its destination."""
    unused = u(64) - (u(8) << u(fmt))
    return {"unit": Unit.LOGIC, "op": 1, "rm": row, "left": unused, "right": unused}


def _cut(columns: dict[str, Any], rd: Columns, fmt: Columns) -> list[dict[str, Any]]:
    """`columns` into Vd; what `sf` does not cut off a half-precision result is cut after."""
    half = fmt == 1
    whole = rows(rd)
    first = {**columns, "sf": u(fmt != 2)}
    first |= {"rd": where(half, LATCH, whole["rd"]), "rd2": where(half, LATCH + 1, whole["rd2"])}
    return chain(first, {**move(LATCH, 1), **whole, "skip": ~half})


def _moves() -> None:
    group = "Floating-point move"
    one = "0 0 0 11110 type:2 1 {} 10000 rn:5 rd:5"

    def copy(f: Fields) -> dict[str, Any]:
        return {**move(vector(f.rn), _FMT[f.type]), **rows(f.rd)}

    def absolute(f: Fields) -> dict[str, Any]:
        fmt = _FMT[f.type]
        mask = (u(1) << ((u(8) << fmt) - u(1))) - u(1)
        columns = {"unit": Unit.LOGIC, "op": 0, "rn": vector(f.rn), "imm": mask, "use_imm": 1}
        return {**columns, **rows(f.rd)}

    def negate(f: Fields) -> list[dict[str, Any]]:
        fmt = _FMT[f.type]
        sign = u(1) << ((u(8) << fmt) - u(1))
        columns = {"unit": Unit.LOGIC, "op": 2, "rn": vector(f.rn), "imm": sign, "use_imm": 1}
        return _cut(columns, f.rd, fmt)

    def select(f: Fields) -> list[dict[str, Any]]:
        sources = {"rn": vector(f.rn), "rm": vector(f.rm), "cond": f.cond}
        return _cut({"unit": Unit.SELECT, **sources}, f.rd, _FMT[f.type])

    def immediate(f: Fields) -> dict[str, Any]:
        value = expand_imm8(_FMT[f.type], f.imm8)
        return {"unit": Unit.LOGIC, "op": 1, "imm": value, "use_imm": 1, **rows(f.rd)}

    _add(group, "fmov", one.format("000000"), copy, _typed)
    _add(group, "fabs", one.format("000001"), absolute, _typed)
    _add(group, "fneg", one.format("000010"), negate, _typed)
    _add(group, "fcsel", "0 0 0 11110 type:2 1 rm:5 cond:4 11 rn:5 rd:5", select, _typed)
    _add(group, "fmov", "0 0 0 11110 type:2 1 imm8:8 100 00000 rd:5", immediate, _typed)


def _general_moves() -> None:
    group = "Floating-point move"
    for head, fmt in (("0 0 0 11110 00", 2), ("1 0 0 11110 01", 3), ("sf:1 0 0 11110 11", 1)):

        def out(f: Fields, fmt: int = fmt) -> dict[str, Any]:
            return {**move(vector(f.rn), fmt), "rd": target(f.rd)}

        def into(f: Fields, fmt: int = fmt) -> dict[str, Any]:
            return {**move(source(f.rn), fmt), **rows(f.rd)}

        _add(group, "fmov", f"{head} 1 00 110 000000 rn:5 rd:5", out)
        _add(group, "fmov", f"{head} 1 00 111 000000 rn:5 rd:5", into)

    def out_high(f: Fields) -> dict[str, Any]:
        return {**move(vector(f.rn) + u(1), 3), "rd": target(f.rd)}

    def into_high(f: Fields) -> dict[str, Any]:
        return {**move(source(f.rn), 3), "rd": vector(f.rd) + u(1)}

    _add(group, "fmov", "1 0 0 11110 10 1 01 110 000000 rn:5 rd:5", out_high)
    _add(group, "fmov", "1 0 0 11110 10 1 01 111 000000 rn:5 rd:5", into_high)


# -- arithmetic -------------------------------------------------------------------------


def _arithmetic() -> None:
    group = "Floating-point arithmetic"
    two = [("fmul", muladd(MulAdd.FMUL)), ("fdiv", divide(0)), ("fadd", muladd(MulAdd.FADD))]
    two += [("fsub", muladd(MulAdd.FSUB))]
    two += [(name, minmax(name)) for name in ("fmax", "fmin", "fmaxnm", "fminnm")]
    two += [("fnmul", muladd(MulAdd.FNMUL))]
    for opcode, (name, kind) in enumerate(two):

        def binary(f: Fields, kind: Any = kind) -> dict[str, Any]:
            return {**transfer(kind, _FMT[f.type], low(f.rn), low(f.rm)), **rows(f.rd)}

        pattern = f"0 0 0 11110 type:2 1 rm:5 {opcode:04b} 10 rn:5 rd:5"
        _add(group, name, pattern, binary, _typed)

    three = (("fmadd", MulAdd.FMADD), ("fmsub", MulAdd.FMSUB))
    three += (("fnmadd", MulAdd.FNMADD), ("fnmsub", MulAdd.FNMSUB))
    for code, (name, flags) in enumerate(three):

        def fused(f: Fields, flags: MulAdd = flags) -> dict[str, Any]:
            operands = low(f.rn), low(f.rm), low(f.ra)
            return {**transfer(muladd(flags), _FMT[f.type], *operands), **rows(f.rd)}

        pattern = f"0 0 0 11111 type:2 {code >> 1} rm:5 {code & 1} ra:5 rn:5 rd:5"
        _add(group, name, pattern, fused, _typed)

    def root(f: Fields) -> dict[str, Any]:
        return {**transfer(divide(1), _FMT[f.type], m=low(f.rn)), **rows(f.rd)}

    _add(group, "fsqrt", "0 0 0 11110 type:2 1 000011 10000 rn:5 rd:5", root, _typed)


def _rounding() -> None:
    group = "Floating-point rounding and conversion"
    kinds = [*enumerate(MODES.items()), (6, ("x", FPCR_MODE | EXACT)), (7, ("i", FPCR_MODE))]
    for opcode, (letter, mode) in kinds:

        def integral(f: Fields, mode: int = mode) -> dict[str, Any]:
            return {**transfer(rounding(mode), _FMT[f.type], low(f.rn)), **rows(f.rd)}

        pattern = f"0 0 0 11110 type:2 1 001 {opcode:03b} 10000 rn:5 rd:5"
        _add(group, "frint" + letter, pattern, integral, _typed)

    def precision(f: Fields) -> dict[str, Any]:
        part = transfer(convert(), _FMT[f.type], low(f.rn), result=_FMT[f.opc])
        return {**part, **rows(f.rd)}

    pattern = "0 0 0 11110 type:2 1 0001 opc:2 10000 rn:5 rd:5"
    valid = lambda f: (f.type != 2) & (f.opc != 2) & (f.opc != f.type)  # noqa: E731
    _add(group, "fcvt", pattern, precision, valid)


def _integers() -> None:
    group = "Floating-point and integer conversion"

    def outward(f: Fields, mode: int, unsigned: int, fbits: Any = 0) -> dict[str, Any]:
        kind = to_int(mode, unsigned, fbits)
        part = transfer(kind, _FMT[f.type], low(f.rn), result=u(2) + f.sf)
        return {**part, "rd": target(f.rd)}

    def inward(f: Fields, unsigned: int, fbits: Any = 0) -> dict[str, Any]:
        number = Element(source(f.rn), u(0))
        kind = from_int(unsigned, fbits)
        return {**transfer(kind, u(2) + f.sf, number, result=_FMT[f.type]), **rows(f.rd)}

    def fixed(f: Fields) -> Any:
        return _typed(f) & ((f.sf == 1) | (f.scale >= 32))

    whole = "sf:1 0 0 11110 type:2 1 {:02b} {:03b} 000000 rn:5 rd:5"
    part = "sf:1 0 0 11110 type:2 0 {:02b} {:03b} scale:6 rn:5 rd:5"
    for unsigned in (0, 1):
        sign = "su"[unsigned]
        for letter, mode in MODES.items():

            def fcvt(f: Fields, mode: int = mode, unsigned: int = unsigned) -> dict[str, Any]:
                return outward(f, mode, unsigned)

            code = (0, 4 + unsigned) if mode == TIES_AWAY else (mode, unsigned)
            _add(group, f"fcvt{letter}{sign}", whole.format(*code), fcvt, _typed)

        def cvtf(f: Fields, unsigned: int = unsigned) -> dict[str, Any]:
            return inward(f, unsigned)

        def cvtf_fixed(f: Fields, unsigned: int = unsigned) -> dict[str, Any]:
            return inward(f, unsigned, u(64) - f.scale)

        def fcvtz_fixed(f: Fields, unsigned: int = unsigned) -> dict[str, Any]:
            return outward(f, TO_ZERO, unsigned, u(64) - f.scale)

        _add(group, f"{sign}cvtf", whole.format(0, 2 + unsigned), cvtf, _typed)
        _add(group, f"{sign}cvtf", part.format(0, 2 + unsigned), cvtf_fixed, fixed)
        _add(group, f"fcvtz{sign}", part.format(3, unsigned), fcvtz_fixed, fixed)


def _comparisons() -> None:
    group = "Floating-point comparison"
    for signal, name in ((0, "fcmp"), (1, "fcmpe")):
        op = COMPARE_FLAGS | signal * SIGNAL_ALL
        always = {"unit": Unit.FP_COMPARE, "op": op, "cond": 14}

        def registers(f: Fields, kind: Any = always) -> dict[str, Any]:
            return transfer(kind, _FMT[f.type], low(f.rn), low(f.rm))

        def with_zero(f: Fields, kind: Any = always) -> dict[str, Any]:
            return transfer(kind, _FMT[f.type], low(f.rn), NOTHING)

        def conditional(f: Fields, op: int = op) -> dict[str, Any]:
            kind = {"unit": Unit.FP_COMPARE, "op": op, "cond": f.cond, "extra": f.nzcv}
            return transfer(kind, _FMT[f.type], low(f.rn), low(f.rm))

        head = "0 0 0 11110 type:2 1"
        _add(group, name, f"{head} rm:5 00 1000 rn:5 {signal}0 000", registers, _typed)
        _add(group, name, f"{head} sbz:5 00 1000 rn:5 {signal}1 000", with_zero, _typed)
        pattern = f"{head} rm:5 cond:4 01 rn:5 {signal} nzcv:4"
        _add(group, name.replace("fcmp", "fccmp"), pattern, conditional, _typed)


_moves()
_general_moves()
_arithmetic()
_rounding()
_integers()
_comparisons()
