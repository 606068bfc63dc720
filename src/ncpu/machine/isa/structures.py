"""Loads and stores of structures: LD1 to LD4, ST1 to ST4, one lane, and LD1R to LD4R.

An instruction is a chain of transfers from ascending addresses; the base changes in the
last, so that after a fault in any of them the whole may be executed again.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lanes as la
from ncpu.machine.isa.lanes import written
from ncpu.machine.isa.lowering import Columns, chain, u, vector
from ncpu.machine.isa.memory import LOAD, STORE
from ncpu.machine.isa.rows import Row

Fields = SimpleNamespace
ROWS: list[Row] = []
GROUP = "Load and store vector structures"


def _add(mnemonic: str, pattern: str, lower: Any, valid: Any = None) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, GROUP, valid))


# -- addresses --------------------------------------------------------------------------

PLAIN, IMMEDIATE, REGISTER = range(3)
# Bits 24-16 of each addressing mode: S tells one structure from several, L is 1 in loads,
# R is the lowest bit of the register count of a single one.
_MODES = {PLAIN: "S 0 L R 00000", IMMEDIATE: "S 1 L R 11111", REGISTER: "S 1 L R rm:5"}


def _modes(single: int, load: int, low: int = 0) -> list[tuple[int, str, Any]]:
    """(mode, bits 29-16, validity) of each addressing mode."""
    out = []
    for mode, bits in _MODES.items():
        for letter, bit in (("S", single), ("L", load), ("R", low)):
            bits = bits.replace(letter, str(bit))
        valid = _register_not_31 if mode == REGISTER else None
        out.append((mode, f"00110 {bits}", valid))
    return out


def _register_not_31(f: Fields) -> Any:
    return f.rm != 31


def _with_base(
    f: Fields, parts: list[dict[str, Any]], mode: int, step: int
) -> list[dict[str, Any]]:
    """The transfers, with the base moved by `step` or a register when all are done."""
    if mode == PLAIN:
        return chain(*parts)
    offset = {"imm": u(step), "use_imm": 1}
    if mode == REGISTER:
        offset = {"rm": f.rm, "use_imm": 0}
    if len(parts) == 1:  # it addresses the base alone and moves it
        return [{**parts[0], **offset, "left": 0, "right": 0, "post": 1, "wb": f.rn}]
    return chain(*parts, {"unit": Unit.ADD, "rn": f.rn, "rd": f.rn, **offset})


def _at(f: Fields, offset: int) -> dict[str, Any]:
    return {"rn": f.rn, "imm": u(offset), "use_imm": 1}


def _store_bytes(
    f: Fields, size: Any, offset: Any, byte: np.ndarray, register: np.ndarray
) -> dict[str, Any]:
    """Store 2**size bytes: number `byte[:, b]` of the register `register[:, b]` after Vt.

    The offset (below 64) shares `imm` with the register numbers: the two-shift cuts it out.
    """
    b = np.arange(8, dtype=np.uint64)
    numbers = ((byte.astype(np.uint64) & u(15)) << (u(4) * b)).sum(axis=1, dtype=np.uint64)
    chosen = (register.astype(np.uint64) << (u(2) * b)).sum(axis=1, dtype=np.uint64)
    columns = {"unit": Unit.STORE_BYTES, "size": size, "access": STORE, "ra": vector(f.rt)}
    columns |= {"arg": numbers, "imm": u(offset) | (chosen << u(16)), "use_imm": 1}
    return {**columns, "rn": f.rn, "left": 58, "right": 58}


# -- multiple structures ----------------------------------------------------------------


def _consecutive(load: bool, registers: int, q: int, mode: int) -> Any:
    """LD1 and ST1: registers one after the other."""

    def lower(f: Fields) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for offset in range(0, registers * (8 << q), 8 << q if load else 8):
            number, upper = divmod(offset, 8 << q)
            row = vector(f.rt + u(number)) + u(upper >> 3)
            if load:
                columns = {"unit": Unit.LOAD_WIDE, "size": 3 + q, "access": LOAD, **written(row)}
            else:
                columns = {"unit": Unit.STORE, "size": 3, "access": STORE, "ra": row}
            parts.append({**columns, **_at(f, offset)})
        return _with_base(f, parts, mode, registers * (8 << q))

    return lower


def _chunks(f: Fields, registers: int, q: int, load: bool) -> list[dict[str, Any]]:
    """The transfers of the form with this `q`."""
    total = registers * (8 << q)
    parts: list[dict[str, Any]] = []
    if load:
        for chunk in range(-(-total // 16)):
            for r in range(registers):
                row = vector(f.rt + u(r))
                numbers = f.size | u(registers << 4 | r << 8 | chunk << 12)
                size = 4 if total - 16 * chunk >= 16 else 3
                columns = {"unit": Unit.LOAD_STRUCTURE, "size": size, "access": LOAD, "sf": q}
                columns |= {"arg": numbers, "ra": row, **written(row)}
                parts.append({**columns, **_at(f, 16 * chunk)})
        return parts
    size = f.size.astype(np.int64)[:, None]
    for start in range(0, total, 8):
        place = start + np.arange(8, dtype=np.int64)
        element = place >> size
        byte = ((element // registers) << size) + (place & ((1 << size) - 1))
        parts.append(_store_bytes(f, 3, start, byte, element % registers))
    return parts


def _interleaved(load: bool, registers: int, q: int, mode: int) -> Any:
    def lower(f: Fields) -> list[dict[str, Any]]:
        return _with_base(f, _chunks(f, registers, q, load), mode, registers * (8 << q))

    return lower


def _multiple() -> None:
    for load, stem in ((0, "st"), (1, "ld")):
        for mode, head, valid in _modes(0, load):
            for q in (0, 1):
                for opcode, registers in ((0b0111, 1), (0b1010, 2), (0b0110, 3), (0b0010, 4)):
                    lower = _consecutive(bool(load), registers, q, mode)
                    _add(f"{stem}1", f"0 {q} {head} {opcode:04b} size:2 rn:5 rt:5", lower, valid)
                for opcode, registers in ((0b1000, 2), (0b0100, 3), (0b0000, 4)):
                    lower = _interleaved(bool(load), registers, q, mode)
                    allowed = _both(valid, None if q else _below_doubleword)
                    pattern = f"0 {q} {head} {opcode:04b} size:2 rn:5 rt:5"
                    _add(f"{stem}{registers}", pattern, lower, allowed)


def _below_doubleword(f: Fields) -> Any:
    return f.size < 3


def _both(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one or other
    return lambda f: one(f) & other(f)


# -- single structures ------------------------------------------------------------------


def _lane(load: bool, registers: int, size: int, index: Any, mode: int) -> Any:
    """One element of each register."""

    def lower(f: Fields) -> list[dict[str, Any]]:
        byte = index(f) << u(size)
        parts: list[dict[str, Any]] = []
        for r in range(registers):
            offset = r << size
            if load:
                row = vector(f.rt + u(r)) + (byte >> u(3))
                columns = {"unit": Unit.LOAD_ELEMENT, "op": la.ONE_LANE, "size": size}
                columns |= {"access": LOAD, "arg": (byte & u(7)) << u(3), "ra": row, "rd": row}
                parts.append({**columns, **_at(f, offset)})
                continue
            bytes_ = byte.astype(np.int64)[:, None] + np.arange(8)
            which = np.full(bytes_.shape, r, np.int64)
            parts.append(_store_bytes(f, size, offset, bytes_, which))
        return _with_base(f, parts, mode, registers << size)

    return lower


def _replicated(registers: int, size: int, mode: int) -> Any:
    """LD1R to LD4R: an element each, in every lane."""

    def lower(f: Fields) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for r in range(registers):
            columns = {"unit": Unit.LOAD_ELEMENT, "op": la.ALL_LANES, "size": size, "sf": f.q}
            columns |= {"access": LOAD, **written(vector(f.rt + u(r)))}
            parts.append({**columns, **_at(f, r << size)})
        return _with_base(f, parts, mode, registers << size)

    return lower


def _index(size: int) -> Any:
    """The element's number: q, s and what of `size` does not say which size it is."""

    def index(f: Fields) -> Columns:
        if size == 3:
            return f.q
        return ((f.q << u(3)) | (f.s << u(2)) | f.size) >> u(size)

    return index


def _even(f: Fields) -> Any:
    return f.size & u(1) == 0


def _zero(f: Fields) -> Any:
    return f.size == 0


# Element size, upper bits of opcode, bits 12-10, validity.
_LANES = (
    (0, "00", "s:1 size:2", None),
    (1, "01", "s:1 size:2", _even),
    (2, "10", "s:1 size:2", _zero),
    (3, "10", "0 01", None),
)


def _single() -> None:
    for load, stem in ((0, "st"), (1, "ld")):
        for registers in (1, 2, 3, 4):
            odd = (registers - 1) >> 1
            for mode, head, valid in _modes(1, load, (registers - 1) & 1):
                for size, opcode, places, allowed in _LANES:
                    lower = _lane(bool(load), registers, size, _index(size), mode)
                    pattern = f"0 q:1 {head} {opcode}{odd} {places} rn:5 rt:5"
                    _add(f"{stem}{registers}", pattern, lower, _both(valid, allowed))
                for size in range(4) if load else ():
                    pattern = f"0 q:1 {head} 11{odd} 0 {size:02b} rn:5 rt:5"
                    lower = _replicated(registers, size, mode)
                    _add(f"ld{registers}r", pattern, lower, valid)


_multiple()
_single()
