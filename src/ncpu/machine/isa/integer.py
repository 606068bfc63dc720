"""Integer processing: data-processing immediate and register, in the manual's order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lowering as lo
from ncpu.machine.isa.lowering import Columns, source, target, u
from ncpu.machine.isa.rows import Row

Fields = SimpleNamespace
ROWS: list[Row] = []

THREE = "{r:rd}, {r:rn}, {r:rm}"


def _add(
    group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None, syntax: str = ""
) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid, syntax))


def _narrow(field: str) -> Any:
    """A 32-bit operation may not use bit 5 of `field`."""
    return lambda f: (f.sf == 1) | (getattr(f, field) < 32)


# -- add and subtract -------------------------------------------------------------------


def _add_columns(subtract: int, flags: int, **rest: Any) -> dict[str, Any]:
    return {"unit": Unit.ADD, "invert": subtract, "carry": subtract, "set_flags": flags, **rest}


def _adders() -> None:
    group = "Add and subtract"
    for mnemonic, op, flags in (("add", 0, 0), ("adds", 0, 1), ("sub", 1, 0), ("subs", 1, 1)):

        def rd(f: Fields, flags: int = flags) -> Columns:
            return target(f.rd) if flags else f.rd  # without flags, 31 is SP

        def immediate(f: Fields, op: int = op, flags: int = flags, rd: Any = rd) -> dict[str, Any]:
            imm = f.imm12 << (f.sh * u(12))
            return _add_columns(op, flags, rd=rd(f), rn=f.rn, imm=imm, use_imm=1, sf=f.sf)

        def shifted(f: Fields, op: int = op, flags: int = flags) -> dict[str, Any]:
            move = lo.shifted(f.shift, f.imm6, f.sf)
            rows = {"rd": target(f.rd), "rn": source(f.rn), "rm": source(f.rm)}
            return _add_columns(op, flags, sf=f.sf, **rows, **move)

        def extended(f: Fields, op: int = op, flags: int = flags, rd: Any = rd) -> dict[str, Any]:
            move = lo.extended(f.option, f.imm3)
            rows = {"rd": rd(f), "rn": f.rn, "rm": source(f.rm)}
            return _add_columns(op, flags, sf=f.sf, **rows, **move)

        def carry(f: Fields, op: int = op, flags: int = flags) -> dict[str, Any]:
            rows = {"rd": target(f.rd), "rn": source(f.rn), "rm": source(f.rm)}
            return {**_add_columns(op, flags, sf=f.sf, **rows), "carry": 2}

        bits = f"{op}{flags}"
        to = "{r:rd}" if flags else "{r|sp:rd}"
        _add(
            group,
            mnemonic,
            f"sf:1 {bits} 100010 sh:1 imm12:12 rn:5 rd:5",
            immediate,
            syntax=f"{to}, {{r|sp:rn}}, #{{u:imm12}}<, lsl #{{n*12:sh}}>",
        )
        _add(
            group,
            mnemonic,
            f"sf:1 {bits} 01011 shift:2 0 rm:5 imm6:6 rn:5 rd:5",
            shifted,
            lambda f: (f.shift != 3) & _narrow("imm6")(f),
            THREE + "<, {shift:shift} #{n:imm6}>",
        )
        _add(
            group,
            mnemonic,
            f"sf:1 {bits} 01011 00 1 rm:5 option:3 imm3:3 rn:5 rd:5",
            extended,
            lambda f: f.imm3 <= 4,
            to + ", {r|sp:rn}, {rx:rm,option}{extended%s:option,imm3}" % ("" if flags else "|sp"),
        )
        name = {"add": "adc", "adds": "adcs", "sub": "sbc", "subs": "sbcs"}[mnemonic]
        _add(group, name, f"sf:1 {bits} 11010000 rm:5 000000 rn:5 rd:5", carry, syntax=THREE)


# -- logic, moves, bitfields ------------------------------------------------------------


def _logic() -> None:
    group = "Logical"
    for opc, (op, flags) in enumerate(((0, 0), (1, 0), (2, 0), (0, 1))):

        def immediate(f: Fields, op: int = op, flags: int = flags) -> dict[str, Any]:
            value, _ = lo.bitmask_immediate(f.n, f.immr, f.imms)
            rd = target(f.rd) if flags else f.rd
            columns = {"unit": Unit.LOGIC, "op": op, "set_flags": flags, "sf": f.sf}
            return {**columns, "rn": source(f.rn), "rd": rd, "imm": value, "use_imm": 1}

        _add(
            group,
            ("and", "orr", "eor", "ands")[opc],
            f"sf:1 {opc:02b} 100100 n:1 immr:6 imms:6 rn:5 rd:5",
            immediate,
            lambda f: ((f.sf == 1) | (f.n == 0)) & lo.bitmask_immediate(f.n, f.immr, f.imms)[1],
            ("{r:rd}" if flags else "{r|sp:rd}") + ", {r:rn}, #{mask:n,immr,imms}",
        )

        for invert in (0, 1):

            def combine(f: Fields, invert: int = invert, op: int = op, flags: int = flags) -> Any:
                columns = {"unit": Unit.LOGIC, "op": op, "set_flags": flags, "sf": f.sf}
                return {**columns, "invert": invert, "rd": target(f.rd), "rn": source(f.rn)}

            def register(f: Fields, combine: Any = combine) -> dict[str, Any]:
                move = lo.shifted(f.shift, f.imm6, f.sf)
                return {**combine(f), "rm": source(f.rm), **move}

            def rotated(f: Fields, combine: Any = combine) -> dict[str, Any]:
                columns = {"unit": Unit.LOGIC_ROTATED, "rm": source(f.rm), "arg": f.imm6}
                return {**combine(f), **columns}

            name = (("and", "orr", "eor", "ands"), ("bic", "orn", "eon", "bics"))[invert][opc]
            head = f"sf:1 {opc:02b} 01010"
            tail = f"{invert} rm:5 imm6:6 rn:5 rd:5"
            valid = _narrow("imm6")
            _add(
                group,
                name,
                f"{head} shift:2 {tail}",
                register,
                lambda f, valid=valid: (f.shift != 3) & valid(f),
                THREE + "<, {shift:shift} #{n:imm6}>",
            )
            _add(group, name, f"{head} 11 {tail}", rotated, valid, THREE + ", ror #{n:imm6}")


def _moves() -> None:
    group = "Move wide"

    def movn(f: Fields) -> dict[str, Any]:
        return _move(f, ~(f.imm16 << (f.hw * u(16))))

    def movz(f: Fields) -> dict[str, Any]:
        return _move(f, f.imm16 << (f.hw * u(16)))

    def _move(f: Fields, value: Columns) -> dict[str, Any]:
        return {
            "unit": Unit.LOGIC,
            "op": 1,
            "sf": f.sf,
            "imm": value,
            "use_imm": 1,
            "rd": target(f.rd),
        }

    def movk(f: Fields) -> dict[str, Any]:
        columns = {"unit": Unit.INSERT, "sf": f.sf, "imm": f.imm16, "use_imm": 1}
        shifts = {"left": 48, "right": u(48) - f.hw * u(16)}
        return {**columns, **shifts, "ra": source(f.rd), "rd": target(f.rd)}

    for opc, name, lower in (("00", "movn", movn), ("10", "movz", movz), ("11", "movk", movk)):
        pattern = f"sf:1 {opc} 100101 hw:2 imm16:16 rd:5"
        syntax = "{r:rd}, #{u:imm16}<, lsl #{n*16:hw}>"
        _add(group, name, pattern, lower, lambda f: (f.sf == 1) | (f.hw < 2), syntax)


def _bitfields() -> None:
    group = "Bitfield and extract"

    def valid(f: Fields) -> Columns:
        return (f.n == f.sf) & ((f.sf == 1) | ((f.immr < 32) & (f.imms < 32)))

    def extract(is_signed: int) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            columns = {"unit": Unit.LOGIC, "op": 1, "sf": f.sf, "signed": is_signed}
            rows = {"rm": source(f.rn), "rd": target(f.rd)}
            return {**columns, **rows, **lo.bitfield(f.immr, f.imms, f.sf)}

        return lower

    def insert(f: Fields) -> dict[str, Any]:
        rows = {"rm": source(f.rn), "ra": source(f.rd), "rd": target(f.rd)}
        return {"unit": Unit.INSERT, "sf": f.sf, **rows, **lo.bitfield(f.immr, f.imms, f.sf)}

    for opc, name, lower in (
        ("00", "sbfm", extract(1)),
        ("01", "bfm", insert),
        ("10", "ubfm", extract(0)),
    ):
        pattern = f"sf:1 {opc} 100110 n:1 immr:6 imms:6 rn:5 rd:5"
        _add(group, name, pattern, lower, valid, "{r:rd}, {r:rn}, #{u:immr}, #{u:imms}{size:n}")

    def extr(f: Fields) -> dict[str, Any]:
        rows = {"rn": source(f.rn), "rm": source(f.rm), "rd": target(f.rd)}
        return {"unit": Unit.EXTRACT, "sf": f.sf, "arg": f.imms, **rows}

    _add(
        group,
        "extr",
        "sf:1 00 100111 n:1 0 rm:5 imms:6 rn:5 rd:5",
        extr,
        lambda f: (f.n == f.sf) & _narrow("imms")(f),
        THREE + ", #{u:imms}{size:n}",
    )


# -- one, two and three sources ---------------------------------------------------------


def _sources() -> None:
    group = "Multiply, divide, shift by register"

    def rows(f: Fields) -> dict[str, Columns]:
        return {"rd": target(f.rd), "rn": source(f.rn), "rm": source(f.rm)}

    def two(unit: Unit, op: int) -> Any:
        return lambda f: {"unit": unit, "op": op, "sf": f.sf, **rows(f)}

    for opcode, name, unit, op in (
        (0b000010, "udiv", Unit.DIVIDE, 0),
        (0b000011, "sdiv", Unit.DIVIDE, 1),
        (0b001000, "lslv", Unit.SHIFT, 0),
        (0b001001, "lsrv", Unit.SHIFT, 1),
        (0b001010, "asrv", Unit.SHIFT, 2),
        (0b001011, "rorv", Unit.SHIFT, 3),
    ):
        pattern = f"sf:1 0 0 11010110 rm:5 {opcode:06b} rn:5 rd:5"
        _add(group, name, pattern, two(unit, op), syntax=THREE)

    for castagnoli in (0, 1):
        for size in range(4):
            name = ("crc32", "crc32c")[castagnoli] + "bhwx"[size]
            pattern = f"{int(size == 3)} 0 0 11010110 rm:5 010{castagnoli}{size:02b} rn:5 rd:5"

            def crc(f: Fields, op: int = castagnoli, size: int = size) -> dict[str, Any]:
                return {"unit": Unit.CRC, "op": op, "size": size, "sf": 0, **rows(f)}

            syntax = "{w:rd}, {w:rn}, {%s:rm}" % ("x" if size == 3 else "w")
            _add("CRC32", name, pattern, crc, syntax=syntax)

    def three(op: int, unit: Unit = Unit.MULTIPLY) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            sf = getattr(f, "sf", 1)
            return {"unit": unit, "op": op, "sf": sf, "ra": source(f.ra), **rows(f)}

        return lower

    for o0, name in ((0, "madd"), (1, "msub")):
        pattern = f"sf:1 00 11011 000 rm:5 {o0} ra:5 rn:5 rd:5"
        _add(group, name, pattern, three(o0), syntax=THREE + ", {r:ra}")
    for o0, op, name in (
        ("001", 0, "smaddl"),
        ("001", 1, "smsubl"),
        ("101", 0, "umaddl"),
        ("101", 1, "umsubl"),
    ):
        extension = 2 if o0 == "001" else 4
        pattern = f"1 00 11011 {o0} rm:5 {op} ra:5 rn:5 rd:5"
        syntax = "{x:rd}, {w:rn}, {w:rm}, {x:ra}"
        _add(group, name, pattern, three(op | extension), syntax=syntax)
    for o0, op, name in (("010", 1, "smulh"), ("110", 0, "umulh")):
        pattern = f"1 00 11011 {o0} rm:5 0 ra:5 rn:5 rd:5"
        syntax = "{x:rd}, {x:rn}, {x:rm}{hidden:ra=31}"
        _add(group, name, pattern, three(op, Unit.MULTIPLY_HIGH), syntax=syntax)

    def one(op: int) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            sf = getattr(f, "sf", 1)
            columns = {"unit": Unit.BITS, "op": op, "sf": sf}
            return {**columns, "rd": target(f.rd), "rn": source(f.rn)}

        return lower

    group = "Bit operations"
    for opcode, name, op in ((0, "rbit", 0), (1, "rev16", 1), (4, "clz", 4), (5, "cls", 5)):
        pattern = f"sf:1 1 0 11010110 00000 {opcode:06b} rn:5 rd:5"
        _add(group, name, pattern, one(op), syntax="{r:rd}, {r:rn}")
    tail = "1 0 11010110 00000 00001"
    narrow = lambda f: {**one(2)(f), "sf": 0}  # noqa: E731
    _add(group, "rev", f"0 {tail}0 rn:5 rd:5", narrow, syntax="{w:rd}, {w:rn}")
    _add(group, "rev32", f"1 {tail}0 rn:5 rd:5", one(2), syntax="{x:rd}, {x:rn}")
    _add(group, "rev", f"1 {tail}1 rn:5 rd:5", one(3), syntax="{x:rd}, {x:rn}")


# -- conditional ------------------------------------------------------------------------


def _conditional() -> None:
    group = "Conditional select and compare"
    for op, o2, name in ((0, 0, "csel"), (0, 1, "csinc"), (1, 0, "csinv"), (1, 1, "csneg")):

        def select(f: Fields, op: int = op, o2: int = o2) -> dict[str, Any]:
            rows = {"rd": target(f.rd), "rn": source(f.rn), "rm": source(f.rm)}
            columns = {"unit": Unit.SELECT, "invert": op, "carry": o2, "cond": f.cond}
            return {**columns, "sf": f.sf, **rows}

        pattern = f"sf:1 {op}0 11010100 rm:5 cond:4 0{o2} rn:5 rd:5"
        _add(group, name, pattern, select, syntax=THREE + ", {cond:cond}")
    for op, name in ((0, "ccmn"), (1, "ccmp")):

        def compare(f: Fields, op: int = op) -> dict[str, Any]:
            second = {"rm": source(f.rm)} if hasattr(f, "rm") else {"imm": f.imm5, "use_imm": u(1)}
            columns = {"unit": Unit.COMPARE, "invert": op, "carry": op, "cond": f.cond}
            columns |= {"arg": f.nzcv, "sf": f.sf, "rn": source(f.rn)}
            return {**columns, **second}

        head, rest = f"sf:1 {op}1 11010010", ", #{u:nzcv}, {cond:cond}"
        register, immediate = "{r:rn}, {r:rm}" + rest, "{r:rn}, #{u:imm5}" + rest
        _add(group, name, f"{head} rm:5 cond:4 00 rn:5 0 nzcv:4", compare, syntax=register)
        _add(group, name, f"{head} imm5:5 cond:4 10 rn:5 0 nzcv:4", compare, syntax=immediate)


# -- addresses --------------------------------------------------------------------------


def _addresses() -> None:
    group = "PC-relative address"

    def adr(f: Fields) -> dict[str, Any]:
        imm = lo.signed((f.immhi << u(2)) | f.immlo, 21)
        return {"unit": Unit.ADDRESS, "op": 0, "imm": imm, "rd": target(f.rd)}

    def adrp(f: Fields) -> dict[str, Any]:
        columns = adr(f)
        return {**columns, "op": 1, "imm": columns["imm"] << u(12)}

    tail = "immlo:2 10000 immhi:19 rd:5"
    _add(group, "adr", f"0 {tail}", adr, syntax="{x:rd}, {label:immhi,immlo}")
    _add(group, "adrp", f"1 {tail}", adrp, syntax="{x:rd}, {page:immhi,immlo}")


_adders()
_logic()
_moves()
_bitfields()
_sources()
_conditional()
_addresses()
