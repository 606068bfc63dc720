"""Advanced SIMD: shifts by an immediate."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lanes as la
from ncpu.machine.isa.lanes import LATCHED, written, written_part
from ncpu.machine.isa.lowering import Columns, chain, u, vector, where
from ncpu.machine.isa.rows import Row
from ncpu.machine.isa.vector_same import accumulate, shift_columns
from ncpu.machine.isa.vector_wide import narrow, truncate, widen
from ncpu.machine.state import LATCH

Fields = SimpleNamespace
ROWS: list[Row] = []
GROUP = "Vector shift by immediate"


def _add(mnemonic: str, pattern: str, lower: Any, valid: Any = None) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, GROUP, valid))


def _q(f: Fields) -> Any:
    return getattr(f, "q", u(0))


def _size(f: Fields) -> Columns:
    """Log2 of the element's bytes: the highest set bit of immh."""
    size = u(0)
    for bit in (1, 2, 3):
        size = where(f.immh >> u(bit) != 0, bit, size)
    return size


def _encoded(f: Fields) -> Columns:
    return (f.immh << u(3)) | f.immb


def _right(f: Fields) -> Columns:
    """A shift to the right by 1 to the element's bits."""
    return (u(16) << _size(f)) - _encoded(f)


def _left(f: Fields) -> Columns:
    """A shift to the left by 0 to the element's bits less one."""
    return _encoded(f) - (u(8) << _size(f))


def _shifted(
    f: Fields, scalar: bool, signed: int, amount: Columns, /, **flags: Any
) -> dict[str, Any]:
    columns = shift_columns(_size(f), _q(f), scalar, signed, amount=amount, **flags)
    return {**columns, "use_imm": 1, "rn": vector(f.rn)}


def _plain(scalar: bool, signed: int, to_left: bool, **flags: Any) -> Any:
    def lower(f: Fields) -> dict[str, Any]:
        amount = _left(f) if to_left else u(0) - _right(f)
        return {**_shifted(f, scalar, signed, amount, **flags), **written(vector(f.rd))}

    return lower


def _accumulated(scalar: bool, signed: int, rounding: int) -> Any:
    def lower(f: Fields) -> list[dict[str, Any]]:
        part = _shifted(f, scalar, signed, u(0) - _right(f), round=rounding)
        kept = la.width(_size(f), _q(f), scalar)
        return chain({**part, **LATCHED}, accumulate("add", f.rd, **kept))

    return lower


def _inserted(scalar: bool, to_left: bool) -> Any:
    """SLI and SRI: the bits that the shift leaves open are the destination's."""

    def lower(f: Fields) -> list[dict[str, Any]]:
        amount = _left(f) if to_left else u(0) - _right(f)
        part = {**_shifted(f, scalar, 0, amount), **LATCHED}
        ones = la.top_of_range(_size(f), 0)
        # A shift by all of the element's bits leaves none: in two steps for 64 of them.
        moved = (ones << _left(f)) & ones if to_left else (ones >> (_right(f) - u(1))) >> u(1)
        columns = {"unit": Unit.VECTOR_LOGIC, "op": la.BIT, "imm": la.repeated(moved, _size(f))}
        columns |= {"use_imm": 1, "sf": _q(f), "rn": LATCH, "ra": vector(f.rd)}
        return chain(part, {**columns, **written(vector(f.rd))})

    return lower


def _saturated_unsigned(scalar: bool) -> Any:
    """SQSHLU: negative elements become zero, then a saturating unsigned shift."""

    def lower(f: Fields) -> list[dict[str, Any]]:
        clamp = _shifted(f, scalar, 1, u(0), saturate=1, signed=0)
        # A positive doubleword is in range whatever it is: the limit is a signed number.
        clamp["imm"] = la.top_of_range(_size(f), u(_size(f) == 3))
        part = _shifted(f, scalar, 0, _left(f), saturate=1)
        return chain({**clamp, **LATCHED}, {**part, "rn": LATCH, **written(vector(f.rd))})

    return lower


def _vector_allowed(f: Fields) -> Any:
    return (f.immh != 0) & ((f.immh < 8) | (f.q == 1))


def _doubleword(f: Fields) -> Any:
    return f.immh >= 8


def _any_size(f: Fields) -> Any:
    return f.immh != 0


def _below_doubleword(f: Fields) -> Any:
    return (f.immh != 0) & (f.immh < 8)


def _vector(name: str, unsigned: int, opcode: int, lower: Any, valid: Any) -> None:
    pattern = f"0 q:1 {unsigned} 011110 immh:4 immb:3 {opcode:05b} 1 rn:5 rd:5"
    _add(name, pattern, lower, valid)


def _scalar(name: str, unsigned: int, opcode: int, lower: Any, valid: Any) -> None:
    pattern = f"01 {unsigned} 111110 immh:4 immb:3 {opcode:05b} 1 rn:5 rd:5"
    _add(name, pattern, lower, valid)


def _same_size() -> None:
    def both(name: str, unsigned: int, opcode: int, make: Any, scalars: Any = _doubleword) -> None:
        _vector(name, unsigned, opcode, make(False), _vector_allowed)
        _scalar(name, unsigned, opcode, make(True), scalars)

    for unsigned, prefix in enumerate("su"):
        signed = 1 - unsigned
        for opcode, rounding, letter in ((0b00000, 0, ""), (0b00100, 1, "r")):

            def plain(scalar: bool, signed: int = signed, rounding: int = rounding) -> Any:
                return _plain(scalar, signed, False, round=rounding)

            def added(scalar: bool, signed: int = signed, rounding: int = rounding) -> Any:
                return _accumulated(scalar, signed, rounding)

            both(f"{prefix}{letter}shr", unsigned, opcode, plain)
            both(f"{prefix}{letter}sra", unsigned, opcode | 0b00010, added)

        def saturated(scalar: bool, signed: int = signed) -> Any:
            return _plain(scalar, signed, True, saturate=1)

        both(f"{prefix}qshl", unsigned, 0b01110, saturated, _any_size)
    both("sri", 1, 0b01000, lambda scalar: _inserted(scalar, False))
    both("shl", 0, 0b01010, lambda scalar: _plain(scalar, 0, True))
    both("sli", 1, 0b01010, lambda scalar: _inserted(scalar, True))
    both("sqshlu", 1, 0b01100, _saturated_unsigned, _any_size)


def _narrowing() -> None:
    def lower_as(scalar: bool, flags: dict[str, int]) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            part = written(vector(f.rd)) if scalar else written_part(f.rd, f.q)
            size = _size(f)
            if not flags:
                return {**truncate(vector(f.rn), size, _right(f)), **part}
            return {**narrow(vector(f.rn), size, scalar, amount=_right(f), **flags), **part}

        return lower

    plain: dict[str, int] = {}
    to_unsigned = {"signed": 1, "saturate": 1}
    signed = {"signed": 1, "saturate": 1, "to_signed": 1}
    unsigned = {"saturate": 1}
    for u_bit, opcode, stem, flags in (
        (0, 0b10000, "{}shrn", plain),
        (1, 0b10000, "sq{}shrun", to_unsigned),
        (0, 0b10010, "sq{}shrn", signed),
        (1, 0b10010, "uq{}shrn", unsigned),
    ):
        for rounding, letter in enumerate(("", "r")):
            full = {**flags, "rounding": 1} if rounding else flags
            name, bits = stem.format(letter), opcode | rounding
            _vector(name, u_bit, bits, lower_as(False, full), _below_doubleword)
            if flags is not plain:
                _scalar(name, u_bit, bits, lower_as(True, full), _below_doubleword)


def _widening() -> None:
    for unsigned, name in enumerate(("sshll", "ushll")):

        def lower(f: Fields, signed: int = 1 - unsigned) -> dict[str, Any]:
            part = widen(vector(f.rn) + f.q, _size(f), signed, _left(f))
            return {**part, **written(vector(f.rd))}

        _vector(name, unsigned, 0b10100, lower, _below_doubleword)


_same_size()
_narrowing()
_widening()
