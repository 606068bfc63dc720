"""Advanced SIMD: copies, permutations, tables and modified immediates."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lanes as la
from ncpu.machine.isa.lanes import permutation, written
from ncpu.machine.isa.lowering import Columns, source, target, u, vector, where
from ncpu.machine.isa.rows import Row

Fields = SimpleNamespace
ROWS: list[Row] = []


def _add(group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid))


# -- copies -----------------------------------------------------------------------------


def _size(imm5: Columns) -> Columns:
    """Log2 of the element's bytes: the lowest set bit of imm5; 4 or more is reserved."""
    size = u(4)
    for bit in (3, 2, 1, 0):
        size = where((imm5 >> u(bit)) & u(1) == 1, bit, size)
    return size


def _element(reg: Columns, imm5: Columns) -> tuple[Columns, Columns]:
    """(row, first bit in it) of the element that imm5 names."""
    size = _size(imm5)
    byte = (imm5 >> (size + u(1))) << size
    return vector(reg) + (byte >> u(3)), (byte & u(7)) << u(3)


def _extract(imm5: Columns, row: Columns, place: Columns) -> dict[str, Any]:
    """The two-shift of row `row` that leaves its element at bit `place`."""
    unused = u(64) - (u(8) << _size(imm5))
    return {"rm": row, "left": unused - place, "right": unused}


def _replicated(f: Fields, row: Columns, place: Columns, everywhere: Any = 1) -> dict[str, Any]:
    size = _size(f.imm5)
    unused = u(64) - (u(8) << size)
    columns = {"unit": Unit.VECTOR_REPLICATE, "rn": row, "left": unused - place, "right": unused}
    ones = la.repeated(1, size) if everywhere else u(1)
    return {**columns, "imm": ones, "sf": getattr(f, "q", u(0)), **written(vector(f.rd))}


def _copies() -> None:
    group = "Vector copy"

    def allocated(f: Fields) -> Any:
        return _size(f.imm5) < 4

    def whole(f: Fields) -> Any:
        return (_size(f.imm5) < 3) | ((_size(f.imm5) == 3) & (f.q == 1))

    def dup_element(f: Fields) -> dict[str, Any]:
        return _replicated(f, *_element(f.rn, f.imm5))

    def dup_scalar(f: Fields) -> dict[str, Any]:
        return _replicated(f, *_element(f.rn, f.imm5), everywhere=0)

    def dup_general(f: Fields) -> dict[str, Any]:
        return _replicated(f, source(f.rn), u(0))

    _add(group, "dup", "0 q:1 0 01110000 imm5:5 0 0000 1 rn:5 rd:5", dup_element, whole)
    _add(group, "dup", "01 0 11110000 imm5:5 0 0000 1 rn:5 rd:5", dup_scalar, allocated)
    _add(group, "dup", "0 q:1 0 01110000 imm5:5 0 0001 1 rn:5 rd:5", dup_general, whole)

    def smov(f: Fields) -> dict[str, Any]:
        columns = {"unit": Unit.LOGIC, "op": 1, "sf": f.q, "signed": 1, "rd": target(f.rd)}
        return {**columns, **_extract(f.imm5, *_element(f.rn, f.imm5))}

    def umov(f: Fields) -> dict[str, Any]:
        columns = {"unit": Unit.LOGIC, "op": 1, "sf": f.q, "rd": target(f.rd)}
        return {**columns, **_extract(f.imm5, *_element(f.rn, f.imm5))}

    def signed_fits(f: Fields) -> Any:
        return _size(f.imm5) < u(2) + f.q

    def same_width(f: Fields) -> Any:
        return where(f.q == 1, _size(f.imm5) == 3, _size(f.imm5) < 3) == 1

    _add(group, "smov", "0 q:1 0 01110000 imm5:5 0 0101 1 rn:5 rd:5", smov, signed_fits)
    _add(group, "umov", "0 q:1 0 01110000 imm5:5 0 0111 1 rn:5 rd:5", umov, same_width)

    def ins_general(f: Fields) -> dict[str, Any]:
        row, place = _element(f.rd, f.imm5)
        unused = u(64) - (u(8) << _size(f.imm5))
        columns = {"unit": Unit.INSERT, "rm": source(f.rn), "ra": row, "rd": row}
        return {**columns, "left": unused, "right": unused - place}

    def ins_element(f: Fields) -> dict[str, Any]:
        # Bytes of the destination (operand n), and the element out of operand m.
        size = _size(f.imm5).astype(np.int64)[:, None]
        to = f.imm5.astype(np.int64)[:, None] >> (size + 1)
        taken = f.imm4.astype(np.int64)[:, None] >> size
        place = np.arange(16, dtype=np.int64)
        moved = 16 + (taken << size) + (place & ((1 << size) - 1))
        rows = {"rn": vector(f.rd), "rm": vector(f.rn), **written(vector(f.rd))}
        columns = permutation(np.where(place >> size == to, moved, place))
        return {"unit": Unit.VECTOR_PERMUTE, **columns, **rows}

    _add(group, "ins", "0 1 0 01110000 imm5:5 0 0011 1 rn:5 rd:5", ins_general, allocated)
    _add(group, "ins", "0 1 1 01110000 imm5:5 0 imm4:4 1 rn:5 rd:5", ins_element, allocated)


# -- permutations -----------------------------------------------------------------------


def _zip(part: int, e: np.ndarray, elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (elements // 2) * part + e // 2, e % 2


def _uzp(part: int, e: np.ndarray, elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    taken = 2 * e + part
    return taken % elements, taken // elements


def _trn(part: int, e: np.ndarray, elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return e // 2 * 2 + part, e % 2


def _interleave(chosen: Any, part: int) -> Any:
    """`chosen` gives for result element e the (element, operand) that it comes from."""

    def lower(f: Fields) -> dict[str, Any]:
        size = f.size.astype(np.int64)[:, None]
        total = 8 << f.q.astype(np.int64)[:, None]
        place = np.arange(16, dtype=np.int64)
        element, operand = chosen(part, place >> size, total >> size)
        index = (element << size) + (place & ((1 << size) - 1)) + 16 * operand
        rows = {"rn": vector(f.rn), "rm": vector(f.rm), **written(vector(f.rd))}
        columns = permutation(np.where(place < total, index, -1))
        return {"unit": Unit.VECTOR_PERMUTE, **columns, **rows}

    return lower


def _reversed(container: int) -> Any:
    """The elements of every 2**container bytes in opposite order."""

    def lower(f: Fields) -> dict[str, Any]:
        place = np.arange(16, dtype=np.int64)
        element = 1 << f.size.astype(np.int64)[:, None]
        index = place ^ ((1 << container) - element)
        kept = place < 8 << f.q.astype(np.int64)[:, None]
        rows = {"rn": vector(f.rn), **written(vector(f.rd))}
        return {"unit": Unit.VECTOR_PERMUTE, **permutation(np.where(kept, index, -1)), **rows}

    return lower


def _permutations() -> None:
    group = "Vector permute"
    for low, name, chosen in ((0b01, "uzp", _uzp), (0b10, "trn", _trn), (0b11, "zip", _zip)):
        for part in (0, 1):
            pattern = f"0 q:1 001110 size:2 0 rm:5 0 {part}{low:02b} 10 rn:5 rd:5"
            valid = lambda f: (f.size < 3) | (f.q == 1)  # noqa: E731
            _add(group, f"{name}{part + 1}", pattern, _interleave(chosen, part), valid)

    def ext(f: Fields) -> dict[str, Any]:
        total = 8 << f.q.astype(np.int64)[:, None]
        place = np.arange(16, dtype=np.int64)
        taken = place + f.imm4.astype(np.int64)[:, None]
        index = np.where(taken < total, taken, taken - total + 16)
        rows = {"rn": vector(f.rn), "rm": vector(f.rm), **written(vector(f.rd))}
        columns = permutation(np.where(place < total, index, -1))
        return {"unit": Unit.VECTOR_PERMUTE, **columns, **rows}

    pattern = "0 q:1 101110 00 0 rm:5 0 imm4:4 0 rn:5 rd:5"
    _add(group, "ext", pattern, ext, lambda f: (f.q == 1) | (f.imm4 < 8))
    for unsigned, opcode, name, container in (
        (0, 0, "rev64", 3),
        (1, 0, "rev32", 2),
        (0, 1, "rev16", 1),
    ):
        pattern = f"0 q:1 {unsigned} 01110 size:2 10000 {opcode:05b} 10 rn:5 rd:5"
        valid = lambda f, container=container: f.size < container  # noqa: E731
        _add(group, name, pattern, _reversed(container), valid)

    for op, name in enumerate(("tbl", "tbx")):
        for registers in (1, 2, 3, 4):

            def table(f: Fields, op: int = op, registers: int = registers) -> dict[str, Any]:
                columns = {"unit": Unit.VECTOR_TABLE, "op": op, "sf": f.q, "arg": 16 * registers}
                rows = {"rn": vector(f.rn), "rm": vector(f.rm), "ra": vector(f.rd)}
                return {**columns, **rows, **written(vector(f.rd))}

            pattern = f"0 q:1 001110 000 rm:5 0 {registers - 1:02b} {op} 00 rn:5 rd:5"
            _add(group, name, pattern, table)


# -- modified immediates ----------------------------------------------------------------


def _imm8(f: Fields) -> Columns:
    return (f.abc << u(5)) | f.defgh


def _immediate(op: int, invert: int, value: Any) -> Any:
    """VECTOR_LOGIC of Vd and an immediate in both halves."""

    def lower(f: Fields) -> dict[str, Any]:
        columns = {"unit": Unit.VECTOR_LOGIC, "op": op, "invert": invert}
        columns |= {"imm": value(f), "use_imm": 1, "sf": getattr(f, "q", u(0))}
        return {**columns, "rn": vector(f.rd), **written(vector(f.rd))}

    return lower


def _words(f: Fields) -> Columns:
    return la.repeated(_imm8(f) << (f.shift * u(8)), 2)


def _halfwords(f: Fields) -> Columns:
    return la.repeated(_imm8(f) << (f.shift * u(8)), 1)


def _ones_below(f: Fields) -> Columns:
    """MSL: shifted left by 8 or 16, ones moving in."""
    amount = u(8) << f.shift
    return la.repeated((_imm8(f) << amount) | ((u(1) << amount) - u(1)), 2)


def _bytes(f: Fields) -> Columns:
    return la.repeated(_imm8(f), 0)


def _byte_mask(f: Fields) -> Columns:
    """Each bit of the immediate as a byte of ones or zeros."""
    value = u(0)
    for bit in range(8):
        value = value | (((_imm8(f) >> u(bit)) & u(1)) * u(0xFF << 8 * bit))
    return value


def _immediates() -> None:
    group = "Vector immediate"
    for op, move, combine in ((0, "movi", "orr"), (1, "mvni", "bic")):
        logic = la.AND if op else la.ORR
        for name, what, cmode, value in (
            (move, la.MOVE, "0 shift:2 0", _words),
            (combine, logic, "0 shift:2 1", _words),
            (move, la.MOVE, "10 shift:1 0", _halfwords),
            (combine, logic, "10 shift:1 1", _halfwords),
            (move, la.MOVE, "110 shift:1", _ones_below),
        ):
            pattern = f"0 q:1 {op} 0111100000 abc:3 {cmode} 01 defgh:5 rd:5"
            _add(group, name, pattern, _immediate(what, op, value))
    tail = "0111100000 abc:3 1110 01 defgh:5 rd:5"
    _add(group, "movi", f"0 q:1 0 {tail}", _immediate(la.MOVE, 0, _bytes))
    _add(group, "movi", f"0 q:1 1 {tail}", _immediate(la.MOVE, 0, _byte_mask))


_copies()
_permutations()
_immediates()
