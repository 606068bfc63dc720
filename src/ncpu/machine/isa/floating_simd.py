"""Floating point in Advanced SIMD: vectors element by element, and their scalar forms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from ncpu.machine.fp import MulAdd, expand_imm8
from ncpu.machine.instr import Unit
from ncpu.machine.isa import floating as fl
from ncpu.machine.isa.floating import MODES, muladd
from ncpu.machine.isa.lowering import Columns, chain, u, vector, where
from ncpu.machine.isa.rows import Row
from ncpu.machine.isa.transfers import (
    NOTHING,
    Element,
    arrangement,
    element,
    elementwise,
    reduction,
    rows,
    transfer,
)
from ncpu.machine.state import SINK

Fields = SimpleNamespace
Operands = dict[str, Element]
# Operands of element k, from the fields, the format and the element count.
Shape = Callable[[Fields, Columns, Columns, int], Operands]
ROWS: list[Row] = []


def _add(group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid))


def _whole(f: Fields) -> Any:
    """A vector of doubles has two of them."""
    return (f.sz == 0) | (f.q == 1)


# -- which elements ---------------------------------------------------------------------


def _n(f: Fields, fmt: Columns, count: Columns, k: int) -> Operands:
    return {"n": element(f.rn, k, fmt)}


def _m_is_rn(f: Fields, fmt: Columns, count: Columns, k: int) -> Operands:
    return {"m": element(f.rn, k, fmt)}


def _n_zero(f: Fields, fmt: Columns, count: Columns, k: int) -> Operands:
    return {"n": element(f.rn, k, fmt), "m": NOTHING}


def _zero_n(f: Fields, fmt: Columns, count: Columns, k: int) -> Operands:
    return {"n": NOTHING, "m": element(f.rn, k, fmt)}


def _nm(f: Fields, fmt: Columns, count: Columns, k: int) -> Operands:
    return {"n": element(f.rn, k, fmt), "m": element(f.rm, k, fmt)}


def _nma(f: Fields, fmt: Columns, count: Columns, k: int) -> Operands:
    return {**_nm(f, fmt, count, k), "a": element(f.rd, k, fmt)}


def _pair(f: Fields, fmt: Columns, count: Columns, k: int) -> Operands:
    """Neighbours in the elements of n followed by those of m."""
    index = np.broadcast_to(u(2 * k), np.shape(f.rn))
    second = index >= count
    reg = where(second, f.rm, f.rn)
    index = where(second, index - count, index)
    return {"n": element(reg, index, fmt), "m": element(reg, index + u(1), fmt)}


# -- one row for singles and doubles, one for halves; vectors and single elements -------


def _forms(
    mnemonic: str,
    kind: dict[str, Any],
    shape: Shape,
    bits: tuple[int, int],
    tails: tuple[str, str],
    *,
    vectors: bool = True,
    scalars: bool = False,
) -> None:
    """Rows of an instruction whose result elements are as large as its operands.

    `bits` are U and the size field's high bit, `tails` what follows that bit, for
    singles and doubles (after `sz`) and for halves.
    """
    high, size = bits

    def lower(f: Fields, fmt: Columns, count: Columns, most: int) -> list[dict[str, Any]]:
        def operands(k: int) -> Operands:
            return shape(f, fmt, count, k)

        return elementwise(kind, fmt, f.rd, count, operands, most=most)

    def wide(f: Fields) -> Columns:
        return u(2) + f.sz

    group = "Vector floating point"
    if vectors:
        _add(
            group,
            mnemonic,
            f"0 q:1 {high} 01110 {size} sz:1 {tails[0]}",
            lambda f: lower(f, wide(f), arrangement(wide(f), f.q), 4),
            _whole,
        )
        pattern = f"0 q:1 {high} 01110 {size} {tails[1]}"
        _add(group, mnemonic, pattern, lambda f: lower(f, u(1), arrangement(1, f.q), 8))
    group = "Scalar Advanced SIMD floating point"
    if scalars:
        pattern = f"01 {high} 11110 {size} sz:1 {tails[0]}"
        _add(group, mnemonic, pattern, lambda f: lower(f, wide(f), u(1), 1))
        pattern = f"01 {high} 11110 {size} {tails[1]}"
        _add(group, mnemonic, pattern, lambda f: lower(f, u(1), u(1), 1))


def mask(relation: int, absolute: int = 0) -> dict[str, Any]:
    """FCMEQ, FCMGE, FCMGT, and FACGE, FACGT of magnitudes."""
    op = relation | (fl.SIGNAL_ALL if relation != fl.EQ else 0) | absolute
    return {"unit": Unit.FP_COMPARE, "op": op}


def _three_same() -> None:
    """(name, U, size's high bit, low bits of opcode, kind, operands)."""
    f = MulAdd
    also_scalar = [
        ("fmulx", 0, 0, 3, muladd(f.FMULX), _nm),
        ("fcmeq", 0, 0, 4, mask(fl.EQ), _nm),
        ("frecps", 0, 0, 7, muladd(f.FRECPS), _nm),
        ("frsqrts", 0, 1, 7, muladd(f.FRSQRTS), _nm),
        ("fcmge", 1, 0, 4, mask(fl.GE), _nm),
        ("facge", 1, 0, 5, mask(fl.GE, fl.ABSOLUTE), _nm),
        ("fabd", 1, 1, 2, muladd(f.FABD), _nm),
        ("fcmgt", 1, 1, 4, mask(fl.GT), _nm),
        ("facgt", 1, 1, 5, mask(fl.GT, fl.ABSOLUTE), _nm),
    ]
    only_vectors = [
        ("fmla", 0, 0, 1, muladd(f.FMADD), _nma),
        ("fadd", 0, 0, 2, muladd(f.FADD), _nm),
        ("fmls", 0, 1, 1, muladd(f.FMSUB), _nma),
        ("fsub", 0, 1, 2, muladd(f.FSUB), _nm),
        ("faddp", 1, 0, 2, muladd(f.FADD), _pair),
        ("fmul", 1, 0, 3, muladd(f.FMUL), _nm),
        ("fdiv", 1, 0, 7, fl.divide(0), _nm),
    ]
    for name, opcode in (("nm", 0), ("", 6)):
        for size, which in enumerate(("fmax", "fmin")):
            kind = fl.minmax(which + name)
            only_vectors.append((which + name, 0, size, opcode, kind, _nm))
            only_vectors.append((which + name + "p", 1, size, opcode, kind, _pair))
    for table in (also_scalar, only_vectors):
        for name, high, size, opcode, kind, shape in table:
            end = f"{opcode:03b} 1 rn:5 rd:5"
            tails = f"1 rm:5 11{end}", f"10 rm:5 00{end}"
            _forms(name, kind, shape, (high, size), tails, scalars=table is also_scalar)


# (name, U, size's high bit, opcode, kind, operands, vectors, scalars) of a two-register row.
Entry = tuple[str, int, int, int, dict[str, Any], Shape, bool, bool]


def _by_mode() -> list[Entry]:
    """Rounding and conversion to integers, once for each rounding mode."""
    table: list[Entry] = []
    for letter, mode in MODES.items():
        # Bit 0 of the mode is the size bit, bit 1 the last of opcode; ties away is apart.
        size, frint, fcvt = mode & 1, 0b11000 + (mode >> 1), 0b11010 + (mode >> 1)
        away = int(mode == fl.TIES_AWAY)
        if away:
            size, frint, fcvt = 0, 0b11000, 0b11100
        kind = fl.rounding(mode)
        table.append(("frint" + letter, away, size, frint, kind, _n, True, False))
        for unsigned in (0, 1):
            kind, name = fl.to_int(mode, unsigned), f"fcvt{letter}{'su'[unsigned]}"
            table.append((name, unsigned, size, fcvt, kind, _n, True, True))
    return table


def _estimate(op: int) -> dict[str, Any]:
    return {"unit": Unit.FP_ESTIMATE, "op": op}


def _two_register() -> None:
    table: list[Entry] = [
        ("fcmgt", 0, 1, 0b01100, mask(fl.GT), _n_zero, True, True),
        ("fcmeq", 0, 1, 0b01101, mask(fl.EQ), _n_zero, True, True),
        ("fcmlt", 0, 1, 0b01110, mask(fl.GT), _zero_n, True, True),
        ("fcmge", 1, 1, 0b01100, mask(fl.GE), _n_zero, True, True),
        ("fcmle", 1, 1, 0b01101, mask(fl.GE), _zero_n, True, True),
        ("frintx", 1, 0, 0b11001, fl.rounding(fl.FPCR_MODE | fl.EXACT), _n, True, False),
        ("frinti", 1, 1, 0b11001, fl.rounding(fl.FPCR_MODE), _n, True, False),
        ("scvtf", 0, 0, 0b11101, fl.from_int(0), _n, True, True),
        ("ucvtf", 1, 0, 0b11101, fl.from_int(1), _n, True, True),
        ("fsqrt", 1, 1, 0b11111, fl.divide(1), _m_is_rn, True, False),
        ("frecpe", 0, 1, 0b11101, _estimate(fl.FRECPE), _n, True, True),
        ("frsqrte", 1, 1, 0b11101, _estimate(fl.FRSQRTE), _n, True, True),
        ("frecpx", 0, 1, 0b11111, _estimate(fl.FRECPX), _n, False, True),
    ]
    for name, high, size, opcode, kind, shape, vectors, scalars in (*table, *_by_mode()):
        end = f"{opcode:05b} 10 rn:5 rd:5"
        tails = f"10000 {end}", f"11 1100 {end}"
        _forms(name, kind, shape, (high, size), tails, vectors=vectors, scalars=scalars)


def _integer_estimates() -> None:
    for op, name, high in ((fl.URECPE, "urecpe", 0), (fl.URSQRTE, "ursqrte", 1)):

        def lower(f: Fields, op: int = op) -> list[dict[str, Any]]:
            operands = lambda k: _n(f, u(2), u(0), k)  # noqa: E731
            return elementwise(_estimate(op), 2, f.rd, arrangement(2, f.q), operands, most=4)

        pattern = f"0 q:1 {high} 01110 10 10000 11100 10 rn:5 rd:5"
        _add("Vector floating point", name, pattern, lower)


def _signs() -> None:
    """FABS, FNEG: one logical operation on each half."""
    group = "Vector floating point"
    for name, high, op in (("fabs", 0, 0), ("fneg", 1, 2)):

        def lower(f: Fields, fmt: Columns, op: int = op) -> list[dict[str, Any]]:
            signs = np.array([0, 0x8000800080008000, 0x8000000080000000, 1 << 63], np.uint64)[fmt]
            imm = ~signs if op == 0 else signs
            return _halves(f, {"unit": Unit.LOGIC, "op": op, "imm": imm, "use_imm": 1}, f.rn)

        pattern = f"0 q:1 {high} 01110 1 sz:1 10000 01111 10 rn:5 rd:5"
        _add(group, name, pattern, lambda f, lower=lower: lower(f, u(2) + f.sz), _whole)
        pattern = f"0 q:1 {high} 01110 1 11 1100 01111 10 rn:5 rd:5"
        _add(group, name, pattern, lambda f, lower=lower: lower(f, u(1)))


def _halves(f: Fields, columns: dict[str, Any], rn: Columns | None = None) -> list[dict[str, Any]]:
    """`columns` for the low half of Vd from that of `rn`, then for the high one if there is."""
    low, high = columns, columns
    if rn is not None:
        low, high = {**columns, "rn": vector(rn)}, {**columns, "rn": vector(rn) + u(1)}
    whole = rows(f.rd)
    low = {**low, "rd": whole["rd"], "rd2": where(f.q == 1, SINK, whole["rd2"])}
    return chain(low, {**high, "rd": whole["rd2"], "skip": f.q == 0})


def _immediate() -> None:
    for op, o2, fmt in ((0, 0, 2), (0, 1, 1), (1, 0, 3)):

        def lower(f: Fields, fmt: int = fmt) -> list[dict[str, Any]]:
            copies = u((0, 0x0001000100010001, 0x0000000100000001, 1)[fmt])
            value = expand_imm8(u(fmt), (f.abc << u(5)) | f.defgh) * copies
            return _halves(f, {"unit": Unit.LOGIC, "op": 1, "imm": value, "use_imm": 1})

        valid = (lambda f: f.q == 1) if fmt == 3 else None
        pattern = f"0 q:1 {op} 0111100000 abc:3 1111 {o2} 1 defgh:5 rd:5"
        _add("Vector floating point", "fmov", pattern, lower, valid)


def _precision() -> None:
    """FCVTL from the half of Vn that Q names, FCVTN and FCVTXN to that half of Vd."""
    group = "Vector floating point"

    def longer(f: Fields) -> list[dict[str, Any]]:
        fmt, count = u(1) + f.sz, u(4) >> f.sz
        operands = lambda k: {"n": element(f.rn, u(k) + count * f.q, fmt)}  # noqa: E731
        return elementwise(fl.convert(), fmt, f.rd, count, operands, most=4, result=fmt + u(1))

    def narrower(f: Fields, to_odd: int, sz: Any) -> list[dict[str, Any]]:
        fmt, count = u(1) + u(sz), u(4) >> u(sz)
        operands = lambda k: {"n": element(f.rn, k, fmt + u(1))}  # noqa: E731
        kind, most = fl.convert(to_odd), 2 if to_odd else 4
        return elementwise(
            kind, fmt + u(1), f.rd, count, operands, most=most, result=fmt, upper=f.q
        )

    def single(f: Fields) -> dict[str, Any]:
        part = transfer(fl.convert(1), 3, element(f.rn, 0, 3), result=2)
        return {**part, **rows(f.rd)}

    _add(group, "fcvtl", "0 q:1 0 01110 0 sz:1 10000 10111 10 rn:5 rd:5", longer)
    pattern = "0 q:1 0 01110 0 sz:1 10000 10110 10 rn:5 rd:5"
    _add(group, "fcvtn", pattern, lambda f: narrower(f, 0, f.sz))
    pattern = "0 q:1 1 01110 01 10000 10110 10 rn:5 rd:5"
    _add(group, "fcvtxn", pattern, lambda f: narrower(f, 1, 1))
    group = "Scalar Advanced SIMD floating point"
    _add(group, "fcvtxn", "01 1 11110 01 10000 10110 10 rn:5 rd:5", single)


def _vector_and_scalar(
    group: str,
    mnemonic: str,
    high: int,
    tail: str,
    fmt: int,
    lower: Callable[[Fields, Any, int], list[dict[str, Any]]],
) -> None:
    """Rows of one format; `lower` takes the fields, the elements and the most of them."""
    valid = (lambda f: f.q == 1) if fmt == 3 else None
    _add(
        group,
        mnemonic,
        f"0 q:1 {high} 01111 {tail}",
        lambda f: lower(f, arrangement(fmt, f.q), 16 >> fmt),
        valid,
    )
    _add(group, mnemonic, f"01 {high} 11111 {tail}", lambda f: lower(f, 1, 1))


def _fixed_point() -> None:
    """Conversions with fraction bits: immh:immb counts down from twice the element's size."""
    group = "Vector fixed-point conversion"
    outward = partial(fl.to_int, fl.TO_ZERO)
    for name, unsigned, opcode, kind in (
        ("scvtf", 0, "11100", fl.from_int),
        ("ucvtf", 1, "11100", fl.from_int),
        ("fcvtzs", 0, "11111", outward),
        ("fcvtzu", 1, "11111", outward),
    ):

        def lower(
            f: Fields, count: Any, most: int, *, fmt: int, make: Any = kind, to: int = unsigned
        ) -> list[dict[str, Any]]:
            operands = lambda k: _n(f, u(fmt), u(0), k)  # noqa: E731
            made = make(to, u(8 << fmt) - f.imm)
            return elementwise(made, fmt, f.rd, count, operands, most=most)

        for fmt, immediate in ((1, "0 001 imm:4"), (2, "0 01 imm:5"), (3, "0 1 imm:6")):
            tail = f"{immediate} {opcode} 1 rn:5 rd:5"
            _vector_and_scalar(group, name, unsigned, tail, fmt, partial(lower, fmt=fmt))


def _by_element() -> None:
    # From the size field to Rm, and the index these bits and H make; Rm has its fifth bit
    # where the index does not need M.
    formats: tuple[tuple[int, str, Any], ...] = (
        (1, "00 l:1 m:1 rm:4", lambda f: (f.h << u(2)) | (f.l << u(1)) | f.m),
        (2, "10 l:1 rm:5", lambda f: (f.h << u(1)) | f.l),
        (3, "11 0 rm:5", lambda f: f.h),
    )
    for name, high, opcode, flags, shape in (
        ("fmla", 0, "0001", MulAdd.FMADD, _nma),
        ("fmls", 0, "0101", MulAdd.FMSUB, _nma),
        ("fmul", 0, "1001", MulAdd.FMUL, _nm),
        ("fmulx", 1, "1001", MulAdd.FMULX, _nm),
    ):

        def lower(
            f: Fields,
            count: Any,
            most: int,
            *,
            fmt: int,
            index: Any,
            flags: MulAdd = flags,
            shape: Shape = shape,
        ) -> list[dict[str, Any]]:
            def operands(k: int) -> Operands:
                return {**shape(f, u(fmt), u(0), k), "m": element(f.rm, index(f), fmt)}

            return elementwise(muladd(flags), fmt, f.rd, count, operands, most=most)

        for fmt, middle, index in formats:
            tail = f"{middle} {opcode} h:1 0 rn:5 rd:5"
            one = partial(lower, fmt=fmt, index=index)
            _vector_and_scalar("Vector floating point by element", name, high, tail, fmt, one)


def _reductions() -> None:
    """Across lanes, and of a pair to a scalar."""
    group = "Vector floating point"
    for name, size, opcode in (
        ("fmaxnm", 0, "01100"),
        ("fmax", 0, "01111"),
        ("fminnm", 1, "01100"),
        ("fmin", 1, "01111"),
    ):
        for head, fmt, count in (
            (f"0 0 0 01110 {size} 0", 1, 4),
            (f"0 1 0 01110 {size} 0", 1, 8),
            (f"0 1 1 01110 {size} 0", 2, 4),
        ):

            def lower(
                f: Fields, fmt: int = fmt, count: int = count, name: str = name
            ) -> list[dict[str, Any]]:
                return reduction(fl.minmax(name), fmt, f.rd, f.rn, count)

            _add(group, name + "v", f"{head} 11000 {opcode} 10 rn:5 rd:5", lower)
        _scalar_pair(name + "p", size, opcode, fl.minmax(name))
    _scalar_pair("faddp", 0, "01101", muladd(MulAdd.FADD))


def _scalar_pair(name: str, size: int, opcode: str, kind: dict[str, Any]) -> None:
    def lower(f: Fields, fmt: Columns) -> dict[str, Any]:
        part = transfer(kind, fmt, element(f.rn, 0, fmt), element(f.rn, 1, fmt))
        return {**part, **rows(f.rd)}

    group = "Scalar Advanced SIMD floating point"
    tail = f"11000 {opcode} 10 rn:5 rd:5"
    _add(group, name, f"01 1 11110 {size} sz:1 {tail}", lambda f: lower(f, u(2) + f.sz))
    _add(group, name, f"01 0 11110 {size} 0 {tail}", lambda f: lower(f, u(1)))


_three_same()
_two_register()
_integer_estimates()
_signs()
_immediate()
_precision()
_fixed_point()
_by_element()
_reductions()
