"""One instruction, backwards: of what was read is this place made?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ncpu.machine.debug import reads
from ncpu.machine.debug.events import Event
from ncpu.machine.instr import Unit, field
from ncpu.machine.state import ZR, V

FLAGS = "flags"
writes_flags = reads.writes_flags
_ALL = (1 << 64) - 1


@dataclass(frozen=True)
class Place:
    """Where a value is.

    Attributes:
      kind: "register", "memory" (one byte) or "flags".
      where: row of the register file, or address.
      mask: which of a register's bytes, bit k for byte k.
    """

    kind: str
    where: int = 0
    mask: int = 0xFF


def defines(event: Event, place: Place) -> bool:
    """Whether a visit of the host changed a place."""
    if place.kind == "memory":
        return event.touches(place.where, place.where + 1)
    return place.kind == "register" and bool((event.rows == place.where).any())


@dataclass(frozen=True)
class _Instruction:
    """What the search asks of an encoding, as Python integers."""

    unit: int
    access: int
    rn: int
    rm: int
    ra: int
    arg: int
    op: int
    sf: int
    left: int
    right: int
    signed: int
    invert: int
    use_imm: int
    imm: int
    address: tuple[int, ...]
    data: tuple[int, ...]
    flags: bool


_SMALL = ("unit", "access", "rn", "rm", "ra", "arg", "op", "sf", "left", "right", "signed")
_SMALL += ("invert", "use_imm")


@lru_cache(1 << 14)
def _instruction(packed: bytes) -> _Instruction:
    words = np.frombuffer(packed, np.uint32)[None]
    low, high = (int(v) for v in field(words, "imm")[0])
    return _Instruction(
        **{name: int(field(words, name)[0]) for name in _SMALL},
        imm=low | high << 32,
        address=_rows(reads.address_rows(words)[0]),
        data=_rows(reads.data_rows(words)[0]),
        flags=bool(reads.reads_flags(words)[0]),
    )


def _rows(rows: np.ndarray) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(row) for row in rows if row != ZR))


def sources(columns: dict[str, Any], place: Place, *, addresses: bool) -> list[Place]:
    """The places that an instruction made `place` of.

    Args:
      columns: one row of a trace.
      place: what it defined.
      addresses: count the registers of a load's address, too.
    """
    i = _instruction(columns["packed"].tobytes())
    from_address = [Place("register", row) for row in i.address]
    if place.kind == "register" and int(columns["wb"]) == place.where:
        named = place.where in (int(columns["rd"]), int(columns["rd2"]))
        if not named:
            return from_address
    out = from_address if addresses and i.access else []
    if place.kind == "memory":
        return out + _stored(columns, i, place)
    if place.kind == "register" and i.unit in (Unit.LOAD, Unit.LOAD_PAIR, Unit.LOAD_WIDE):
        return out + _loaded(columns, i, place)
    if place.kind == "register" and i.unit == Unit.LOGIC:
        return out + _logic(i, place)
    if place.kind == "register" and i.unit == Unit.INSERT:
        return out + _insert(i, place)
    return out + _all(columns, i)


def _all(columns: dict[str, Any], i: _Instruction) -> list[Place]:
    """Everything it reads."""
    mask = 0x0F if not i.sf and i.unit < Unit.FP_MULADD else 0xFF
    out = [Place("register", row, mask) for row in i.data]
    if i.flags:
        out.append(Place(FLAGS))
    if i.access & 1:
        address = int(columns["address"])
        out += [Place("memory", address + k) for k in range(int(columns["size"]))]
    return out


def _stored(columns: dict[str, Any], i: _Instruction, place: Place) -> list[Place]:
    """A byte of memory: a byte of the register stored."""
    byte = place.where - int(columns["address"])
    if i.unit == Unit.STORE:
        if i.op == 1 and byte >= 4:
            return [Place("register", i.arg, 1 << byte - 4)]
        return [Place("register", i.ra, 1 << byte)]
    if i.unit == Unit.STORE_BYTES:
        at = i.arg >> 4 * byte & 15
        register = i.imm >> 16 + 2 * byte & 3
        row = V + ((i.ra - V + register * 2 + (at >> 3)) & 63)
        return [Place("register", row, 1 << (at & 7))]
    return _all(columns, i)


def _loaded(columns: dict[str, Any], i: _Instruction, place: Place) -> list[Place]:
    """A register's bytes: bytes of memory; a sign is of the last."""
    address, size = int(columns["address"]), int(columns["size"])
    first, length = 0, size
    if i.unit == Unit.LOAD_PAIR or size == 16:
        length = size // 2
        first = length if place.where == int(columns["rd2"]) else 0
    if i.op == 1 and i.unit != Unit.LOAD_WIDE:
        bytes_ = {min(k, length - 1) for k in range(8) if place.mask >> k & 1}
    else:
        bytes_ = {k for k in range(length) if place.mask >> k & 1}
    return [Place("memory", address + first + k) for k in sorted(bytes_)]


def _moved(i: _Instruction, mask: int) -> int:
    """Which bytes of an operand that is shifted left, then right, are these bytes of it."""
    if i.left % 8 or i.right % 8 or i.signed:
        return 0xFF
    by = (i.right - i.left) // 8
    return (mask << by if by >= 0 else mask >> -by) & 0xFF >> i.left // 8


def _logic(i: _Instruction, place: Place) -> list[Place]:
    """AND, ORR, EOR work byte by byte; moves and extensions are among them."""
    mask, out = place.mask if i.sf else place.mask & 0x0F, []
    if i.use_imm:
        constant = i.imm ^ _ALL if i.invert else i.imm
        if i.op == 0:  # AND
            mask &= sum(1 << k for k in range(8) if constant >> 8 * k & 255)
    else:
        out.append(Place("register", i.rm, _moved(i, mask)))
    return [Place("register", i.rn, mask), *out]


def _insert(i: _Instruction, place: Place) -> list[Place]:
    """MOVK and BFM: some bytes are of the operand, the others stay."""
    new = (_ALL << i.left & _ALL) >> i.right
    touched = sum(1 << k for k in range(8) if new >> 8 * k & 255)
    kept = sum(1 << k for k in range(8) if new >> 8 * k & 255 != 255)
    out = [Place("register", i.ra, place.mask & kept)]
    if not i.use_imm and place.mask & touched:
        out.append(Place("register", i.rm, _moved(i, place.mask & touched)))
    return out
