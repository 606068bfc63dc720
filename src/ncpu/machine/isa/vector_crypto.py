"""Cryptography: AES, SHA-1, SHA-256 and the polynomial product of doublewords."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lanes as la
from ncpu.machine.isa.lanes import written
from ncpu.machine.isa.lowering import vector
from ncpu.machine.isa.rows import Row

Fields = SimpleNamespace
ROWS: list[Row] = []
GROUP = "Vector cryptography"


def _lowered(unit: Unit, op: int) -> Any:
    """Operand n is Vn, m is Vm where there is one, c is the destination's old value."""

    def lower(f: Fields) -> dict[str, Any]:
        second = {"rm": vector(f.rm)} if hasattr(f, "rm") else {}
        rows = {"rn": vector(f.rn), "ra": vector(f.rd), **second, **written(vector(f.rd))}
        return {"unit": unit, "op": op, **rows}

    return lower


def _two(name: str, head: str, opcode: int, unit: Unit, op: int) -> None:
    pattern = f"{head} 00 10100 {opcode:05b} 10 rn:5 rd:5"
    ROWS.append(Row(name, pattern, _lowered(unit, op), GROUP))


def _three(name: str, opcode: int, unit: Unit, op: int) -> None:
    pattern = f"01011110 00 0 rm:5 0 {opcode:03b} 00 rn:5 rd:5"
    ROWS.append(Row(name, pattern, _lowered(unit, op), GROUP))


def _aes() -> None:
    for opcode, name, op in (
        (0b00100, "aese", la.ENCRYPT),
        (0b00101, "aesd", la.DECRYPT),
        (0b00110, "aesmc", la.MIX),
        (0b00111, "aesimc", la.UNMIX),
    ):
        _two(name, "01001110", opcode, Unit.VECTOR_AES, op)


def _sha() -> None:
    _three("sha1c", 0b000, Unit.VECTOR_SHA1, la.CHOICE)
    _three("sha1p", 0b001, Unit.VECTOR_SHA1, la.PARITY)
    _three("sha1m", 0b010, Unit.VECTOR_SHA1, la.MAJORITY)
    _three("sha1su0", 0b011, Unit.VECTOR_SHA1, la.SCHEDULE_0)
    _two("sha1su1", "01011110", 0b00001, Unit.VECTOR_SHA1, la.SCHEDULE_1)
    _two("sha1h", "01011110", 0b00000, Unit.VECTOR_SHA1, la.ROTATE)
    _three("sha256h", 0b100, Unit.VECTOR_SHA256, la.HASH_0)
    _three("sha256h2", 0b101, Unit.VECTOR_SHA256, la.HASH_1)
    _two("sha256su0", "01011110", 0b00010, Unit.VECTOR_SHA256, la.UPDATE_0)
    _three("sha256su1", 0b110, Unit.VECTOR_SHA256, la.UPDATE_1)


def _polynomial() -> None:
    def lower(f: Fields) -> dict[str, Any]:
        rows = {"rn": vector(f.rn) + f.q, "rm": vector(f.rm) + f.q, **written(vector(f.rd))}
        return {"unit": Unit.VECTOR_POLYNOMIAL_LONG, **rows}

    ROWS.append(Row("pmull", "0 q:1 0 01110 11 1 rm:5 1110 00 rn:5 rd:5", lower, GROUP))


_aes()
_sha()
_polynomial()
