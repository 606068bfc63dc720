"""Branches, exceptions, hints, barriers and the system registers user code may touch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lowering as lo
from ncpu.machine.isa.lowering import source, target, u
from ncpu.machine.isa.rows import Row
from ncpu.machine.state import FPCR, MONITOR, SINK, TPIDR

Fields = SimpleNamespace
ROWS: list[Row] = []

# `Instr.op` of Unit.SYSTEM.
SUPERVISOR_CALL, BREAK, CODE_CHANGED, READ_FPSR, WRITE_FPSR, READ_NZCV, WRITE_NZCV, COUNTER = range(
    8
)

FPSR_BITS = 0x0800009F
FPCR_BITS = 0x07F80000  # AHP, DN, FZ, RMode, Stride (read as zero), FZ16


def _add(
    group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None, syntax: str = ""
) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid, syntax))


def _branches() -> None:
    group = "Branches"

    def direct(f: Fields) -> dict[str, Any]:
        return {"unit": Unit.BRANCH, "imm": lo.signed(f.imm26, 26) << u(2)}

    _add(group, "b", "0 00101 imm26:26", direct, syntax="{label*4:imm26}")
    linked = lambda f: {**direct(f), "rd": 30}  # noqa: E731
    _add(group, "bl", "1 00101 imm26:26", linked, syntax="{label*4:imm26}")

    def conditional(f: Fields) -> dict[str, Any]:
        imm = lo.signed(f.imm19, 19) << u(2)
        return {"unit": Unit.BRANCH_COND, "imm": imm, "cond": f.cond}

    syntax = "{cond:cond} {label*4:imm19}"
    _add(group, "b.cond", "0101010 0 imm19:19 0 cond:4", conditional, syntax=syntax)

    for op, name in ((0, "cbz"), (1, "cbnz")):

        def zero(f: Fields, op: int = op) -> dict[str, Any]:
            columns = {"unit": Unit.BRANCH_ZERO, "op": op, "sf": f.sf, "ra": source(f.rt)}
            return {**columns, "imm": lo.signed(f.imm19, 19) << u(2)}

        pattern = f"sf:1 011010 {op} imm19:19 rt:5"
        _add(group, name, pattern, zero, syntax="{r:rt}, {label*4:imm19}")
    for op, name in ((0, "tbz"), (1, "tbnz")):

        def bit(f: Fields, op: int = op) -> dict[str, Any]:
            columns = {"unit": Unit.BRANCH_BIT, "op": op, "ra": source(f.rt)}
            position = (f.b5 << u(5)) | f.b40
            return {**columns, "arg": position, "imm": lo.signed(f.imm14, 14) << u(2)}

        pattern = f"b5:1 011011 {op} b40:5 imm14:14 rt:5"
        _add(group, name, pattern, bit, syntax="{rb:rt}, #{u:b5,b40}, {label*4:imm14}")
    for opc, name, link in (("00", "br", SINK), ("01", "blr", 30), ("10", "ret", SINK)):

        def register(f: Fields, link: int = link) -> dict[str, Any]:
            return {"unit": Unit.BRANCH_REG, "rn": source(f.rn), "rd": link}

        syntax = "<{x:rn=30}>" if name == "ret" else "{x:rn}"
        pattern = f"1101011 00 {opc} 11111 000000 rn:5 00000"
        _add(group, name, pattern, register, syntax=syntax)


def _system(op: int, **rest: Any) -> Any:
    return lambda f: {"unit": Unit.SYSTEM, "op": op, **rest}


def _nothing(f: Fields) -> dict[str, Any]:
    return {"unit": Unit.LOGIC, "op": 1}


def _constant(value: int) -> Any:
    def lower(f: Fields) -> dict[str, Any]:
        return {"unit": Unit.LOGIC, "op": 1, "imm": u(value), "use_imm": 1, "rd": target(f.rt)}

    return lower


def _copy(row_read: int | None, row_written: int | None, bits: int | None = None) -> Any:
    """Move between Xt and a register-file row, keeping only `bits`."""

    def lower(f: Fields) -> dict[str, Any]:
        rm = source(f.rt) if row_read is None else row_read
        rd = target(f.rt) if row_written is None else row_written
        if bits is None:
            return {"unit": Unit.LOGIC, "op": 1, "rm": rm, "rd": rd}
        columns = {"unit": Unit.LOGIC, "op": 0, "rn": rm, "rd": rd}
        return {**columns, "imm": u(bits), "use_imm": 1}

    return lower


def _exceptions() -> None:
    group, number = "Exceptions, hints, barriers", "#{u:imm16}"
    _add(group, "svc", "11010100 000 imm16:16 000 01", _system(SUPERVISOR_CALL), syntax=number)
    _add(group, "brk", "11010100 001 imm16:16 000 00", _system(BREAK), syntax=number)
    _add(group, "hlt", "11010100 010 imm16:16 000 00", _system(BREAK), syntax=number)
    # Every hint executes as NOP: the allocated ones user code sees are NOP, YIELD, BTI, PAC*.
    _add(group, "hint", "11010101 00000011 0010 crm:4 op2:3 11111", _nothing, syntax="#{u:crm,op2}")
    for op2, name in ((4, "dsb"), (5, "dmb"), (6, "isb")):
        pattern = f"11010101 00000011 0011 crm:4 {op2:03b} 11111"
        syntax = "<{sy:crm=15}>" if name == "isb" else "{barrier:crm}"
        _add(group, name, pattern, _nothing, syntax=syntax)
    _add(
        group,
        "clrex",
        "11010101 00000011 0011 crm:4 010 11111",
        lambda f: {"unit": Unit.LOGIC, "op": 1, "imm": u(-1), "use_imm": 1, "rd": MONITOR},
        syntax="<#{u:crm=15}>",
    )


def _cache() -> None:
    group = "Cache maintenance"
    prefix = "1101010100 0 01 011 0111"
    pattern = f"{prefix} 0101 001 rt:5"
    _add(group, "ic ivau", pattern, _system(CODE_CHANGED), syntax="ivau, {x:rt}")
    for crm, op2, name in (
        ("1010", "001", "dc cvac"),
        ("1011", "001", "dc cvau"),
        ("1100", "001", "dc cvap"),
        ("1110", "001", "dc civac"),
    ):
        syntax = name.split()[1] + ", {x:rt}"
        _add(group, name, f"{prefix} {crm} {op2} rt:5", _nothing, syntax=syntax)


def _registers() -> None:
    group = "System registers"

    def register(encoding: str, name: str, read: Any, write: Any = None) -> None:
        syntax = f"{{x:rt}}, {name}"
        _add(group, f"mrs {name}", f"1101010100 1 {encoding} rt:5", read, syntax=syntax)
        if write is not None:
            syntax = f"{name}, {{x:rt}}"
            _add(group, f"msr {name}", f"1101010100 0 {encoding} rt:5", write, syntax=syntax)

    register("11 011 1101 0000 010", "tpidr_el0", _copy(TPIDR, None), _copy(None, TPIDR))
    register("11 011 1101 0000 011", "tpidrro_el0", _constant(0))
    register("11 011 0100 0100 000", "fpcr", _copy(FPCR, None), _copy(None, FPCR, FPCR_BITS))

    def reader(op: int) -> Any:
        return lambda f: {"unit": Unit.SYSTEM, "op": op, "rd": target(f.rt)}

    def writer(op: int) -> Any:
        return lambda f: {"unit": Unit.SYSTEM, "op": op, "rn": source(f.rt)}

    register("11 011 0100 0100 001", "fpsr", reader(READ_FPSR), writer(WRITE_FPSR))
    register("11 011 0100 0010 000", "nzcv", reader(READ_NZCV), writer(WRITE_NZCV))
    # DZP = 1: DC ZVA is not permitted, so memset does not use it; 64-byte blocks.
    register("11 011 0000 0000 111", "dczid_el0", _constant(0x14))
    register("11 011 0000 0000 001", "ctr_el0", _constant(0x84448004))
    register("11 011 1110 0000 000", "cntfrq_el0", _constant(1_000_000_000))
    register("11 011 1110 0000 010", "cntvct_el0", reader(COUNTER))


_branches()
_exceptions()
_cache()
_registers()
