"""Preferred aliases: other spellings of table rows, as rows with more specific patterns.

The disassembler prints the first alias that a word matches (its condition included); the
assembler tries them before the base rows.  Conditions are those of the Arm manual's alias
tables.  Aliases in `ACCEPTED` are read and never printed.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from ncpu.machine.isa import lowering as lo
from ncpu.machine.isa.lowering import Columns, u
from ncpu.machine.isa.rows import Row
from ncpu.machine.isa.syntax import SUFFIXES

Fields = SimpleNamespace
ALIASES: list[Row] = []
ACCEPTED: list[Row] = []


def _not_lowered(f: Fields) -> dict[str, Any]:
    raise NotImplementedError("an alias is only text; its base row is what executes")


def _add(mnemonic: str, pattern: str, syntax: str, valid: Any = None) -> None:
    ALIASES.append(Row(mnemonic, pattern, _not_lowered, "Aliases", valid, syntax))


def _accept(mnemonic: str, pattern: str, syntax: str) -> None:
    ACCEPTED.append(Row(mnemonic, pattern, _not_lowered, "Aliases", None, syntax))


SHIFTED = "<, {shift:shift} #{n:imm6}>"
EXTENDED = "{rx:rm,option}{extended:option,imm3}"


def _arithmetic() -> None:
    immediate = "#{u:imm12}<, lsl #{n*12:sh}>"
    add_immediate = "sf:1 00 100010 0 000000000000 rn:5 rd:5"
    _add("mov", add_immediate, "{r|sp:rd}, {r|sp:rn}", lambda f: (f.rn == 31) | (f.rd == 31))
    for op, name in ((0, "cmn"), (1, "cmp")):
        head = f"sf:1 {op}1"
        _add(name, f"{head} 100010 sh:1 imm12:12 rn:5 11111", f"{{r|sp:rn}}, {immediate}")
        pattern = f"{head} 01011 shift:2 0 rm:5 imm6:6 rn:5 11111"
        _add(name, pattern, "{r:rn}, {r:rm}" + SHIFTED)
        pattern = f"{head} 01011 00 1 rm:5 option:3 imm3:3 rn:5 11111"
        _add(name, pattern, f"{{r|sp:rn}}, {EXTENDED}")
    for flags, name, carry in ((0, "neg", "ngc"), (1, "negs", "ngcs")):
        pattern = f"sf:1 1{flags} 01011 shift:2 0 rm:5 imm6:6 11111 rd:5"
        _add(name, pattern, "{r:rd}, {r:rm}" + SHIFTED)
        _add(carry, f"sf:1 1{flags} 11010000 rm:5 000000 11111 rd:5", "{r:rd}, {r:rm}")
    # A negative immediate is that of the opposite instruction; 12 zero bits are shifted out.
    for name, op, opposite in (
        ("add", "00", "10"),
        ("sub", "10", "00"),
        ("adds", "01", "11"),
        ("subs", "11", "01"),
        ("cmn", "01", "11"),
        ("cmp", "11", "01"),
    ):
        rd = "11111" if name[0] == "c" else "rd:5"
        to = "" if name[0] == "c" else "{r:rd}, " if op[1] == "1" else "{r|sp:rd}, "
        for bits, kind in ((op, "high"), (opposite, "minus")):
            syntax = f"{to}{{r|sp:rn}}, #{{{kind}:sh,imm12}}"
            _accept(name, f"sf:1 {bits} 100010 sh:1 imm12:12 rn:5 {rd}", syntax)


def _logic() -> None:
    mask = "{mask:n,immr,imms}"
    _add("tst", "sf:1 11 100100 n:1 immr:6 imms:6 rn:5 11111", "{r:rn}, #" + mask)
    for shift, amount in (("shift:2", SHIFTED), ("11", ", ror #{n:imm6}")):
        operands = "{r:rn}, {r:rm}" + amount
        _add("tst", f"sf:1 11 01010 {shift} 0 rm:5 imm6:6 rn:5 11111", operands)
        operands = "{r:rd}, {r:rm}" + amount
        _add("mvn", f"sf:1 01 01010 {shift} 1 rm:5 imm6:6 11111 rd:5", operands)
    _add("mov", "sf:1 01 01010 00 0 rm:5 000000 11111 rd:5", "{r:rd}, {r:rm}")
    for base, opc, to in (
        ("bic", 0, "r|sp"),
        ("orn", 1, "r|sp"),
        ("eon", 2, "r|sp"),
        ("bics", 3, "r"),
    ):
        pattern = f"sf:1 {opc:02b} 100100 n:1 immr:6 imms:6 rn:5 rd:5"
        _accept(base, pattern, f"{{{to}:rd}}, {{r:rn}}, #{{mask!:n,immr,imms}}")


def _move_wide(f: Fields) -> Columns:
    """MoveWidePreferred(): a logical immediate that MOVZ or MOVN makes as well."""
    value, _ = lo.bitmask_immediate(f.n, f.immr, f.imms)
    preferred = np.zeros(len(value), bool)
    for pattern in (value, ~value):
        kept = lo.where(f.sf == 1, pattern, pattern & u(0xFFFF_FFFF))
        for hw in range(4):
            preferred |= (kept & ~(u(0xFFFF) << u(16 * hw))) == 0
    return preferred


def _moves() -> None:
    zero = lambda f: (f.imm16 != 0) | (f.hw == 0)  # noqa: E731
    ones = lambda f: zero(f) & ((f.sf == 1) | (f.imm16 != 0xFFFF))  # noqa: E731
    _add("mov", "sf:1 10 100101 hw:2 imm16:16 rd:5", "{r:rd}, #{wide:imm16,hw}", zero)
    _add("mov", "sf:1 00 100101 hw:2 imm16:16 rd:5", "{r:rd}, #{widen:imm16,hw}", ones)
    _add(
        "mov",
        "sf:1 01 100100 n:1 immr:6 imms:6 11111 rd:5",
        "{r|sp:rd}, #{mask-:n,immr,imms}",
        lambda f: ~_move_wide(f),
    )


def _bitfields() -> None:
    def pattern(opc: int, immr: str = "immr:6", imms: str = "imms:6", rn: str = "rn:5") -> str:
        return f"sf:1 {opc:02b} 100110 n:1 {immr} {imms} {rn} rd:5"

    both = "{r:rd}, {r:rn}, "
    top = lambda f: f.imms == lo.where(f.sf == 1, 63, 31)  # noqa: E731
    below = lambda f: f.imms < f.immr  # noqa: E731
    for sign, name in ((0, "asr"), (2, "lsr")):
        _add(name, pattern(sign), both + "#{u:immr}{top:imms}{size:n}", top)
    lsl = lambda f: (f.imms + u(1) == f.immr) & ~top(f)  # noqa: E731
    _add("lsl", pattern(2), both + "#{lsl:immr,imms}{size:n}", lsl)
    _add("sxtw", "1 00 100110 1 000000 011111 rn:5 rd:5", "{x:rd}, {w:rn}")
    for bits, letter in ((7, "b"), (15, "h")):
        place = ("000000", f"{bits:06b}")
        _add(f"sxt{letter}", pattern(0, *place), "{r:rd}, {w:rn}{size:n}")
        _add(f"uxt{letter}", f"0 10 100110 0 {' '.join(place)} rn:5 rd:5", "{w:rd}, {w:rn}")
    _add("bfc", pattern(1, rn="11111"), "{r:rd}, #{neg:immr}, #{u+:imms}{size:n}", below)
    for opc, insert, extract in ((0, "sbfiz", "sbfx"), (1, "bfi", "bfxil"), (2, "ubfiz", "ubfx")):
        _add(insert, pattern(opc), both + "#{neg:immr}, #{u+:imms}{size:n}", below)
        _add(extract, pattern(opc), both + "#{u:immr}, #{width:imms}{size:n}")
    same = lambda f: f.rn == f.rm  # noqa: E731
    rotate = "{r:rd}, {r:rn}{same:rm}, #{u:imms}{size:n}"
    _add("ror", "sf:1 00 100111 n:1 0 rm:5 imms:6 rn:5 rd:5", rotate, same)


def _sources() -> None:
    for code, name in enumerate(("lsl", "lsr", "asr", "ror")):
        pattern = f"sf:1 0 0 11010110 rm:5 0010{code:02b} rn:5 rd:5"
        _add(name, pattern, "{r:rd}, {r:rn}, {r:rm}")
    for o0, name, long in ((0, "mul", "mull"), (1, "mneg", "mnegl")):
        pattern = f"sf:1 00 11011 000 rm:5 {o0} 11111 rn:5 rd:5"
        _add(name, pattern, "{r:rd}, {r:rn}, {r:rm}")
        for unsigned, letter in ((0, "s"), (1, "u")):
            pattern = f"1 00 11011 {unsigned}01 rm:5 {o0} 11111 rn:5 rd:5"
            _add(letter + long, pattern, "{x:rd}, {w:rn}, {w:rm}")
    _accept("rev64", "1 1 0 11010110 00000 000011 rn:5 rd:5", "{x:rd}, {x:rn}")


def _conditional() -> None:
    usual = lambda f: f.cond < 14  # noqa: E731
    same = lambda f: usual(f) & (f.rn == f.rm)  # noqa: E731
    for op, o2, one, none in ((0, 1, "cinc", "cset"), (1, 0, "cinv", "csetm"), (1, 1, "cneg", "")):
        head = f"sf:1 {op}0 11010100"
        if none:
            syntax = "{r:rd}, {cond!:cond}"
            _add(none, f"{head} 11111 cond:4 0{o2} 11111 rd:5", syntax, usual)
        other = (lambda f: same(f) & (f.rn != 31)) if none else same
        syntax = "{r:rd}, {r:rn}{same:rm}, {cond!:cond}"
        _add(one, f"{head} rm:5 cond:4 0{o2} rn:5 rd:5", syntax, other)


HINTS = {
    **dict(enumerate(("nop", "yield", "wfe", "wfi", "sev", "sevl", "dgh", "xpaclri"))),
    8: "pacia1716",
    10: "pacib1716",
    12: "autia1716",
    14: "autib1716",
    16: "esb",
    17: "psb csync",
    18: "tsb csync",
    20: "csdb",
    24: "paciaz",
    25: "paciasp",
    26: "pacibz",
    27: "pacibsp",
    28: "autiaz",
    29: "autiasp",
    30: "autibz",
    31: "autibsp",
    32: "bti",
    34: "bti c",
    36: "bti j",
    38: "bti jc",
}


def _hints() -> None:
    for code, name in HINTS.items():
        mnemonic, _, operand = name.partition(" ")
        pattern = f"11010101 00000011 0010 {code >> 3:04b} {code & 7:03b} 11111"
        _add(mnemonic, pattern, operand)
    for crm, name in ((0, "ssbb"), (4, "pssbb")):
        _add(name, f"11010101 00000011 0011 {crm:04b} 100 11111", "")


def _atomics() -> None:
    names = ("add", "clr", "eor", "set", "smax", "smin", "umax", "umin")
    for size, suffix in enumerate(("b", "h", "", "")):
        for release in (0, 1):
            for opc, name in enumerate(names):
                pattern = f"{size:02b} 111 0 00 0{release} 1 rs:5 0 {opc:03b} 00 rn:5 11111"
                syntax = f"{{{'wwwx'[size]}:rs}}, [{{x|sp:rn}}]"
                _add(f"st{name}{'l' * release}{suffix}", pattern, syntax)


def _unscaled() -> None:
    """LDR and STR whose offset only LDUR and STUR encode."""
    near = "[{x|sp:rn}, #{i:imm9}]"
    for v, size, opc, name, kind in (
        *((0, s, 0, "str" + "bh  "[s].strip(), "wwwx"[s]) for s in range(4)),
        *((0, s, 1, "ldr" + "bh  "[s].strip(), "wwwx"[s]) for s in range(4)),
        *((0, s, 2, "ldrs" + "bhw"[s], "x") for s in range(3)),
        *((0, s, 3, "ldrs" + "bh"[s], "w") for s in range(2)),
        *((1, s & 3, (s >> 2) * 2, "str", "bhsdq"[s]) for s in range(5)),
        *((1, s & 3, (s >> 2) * 2 + 1, "ldr", "bhsdq"[s]) for s in range(5)),
        (0, 3, 2, "prfm", "prfop"),
    ):
        pattern = f"{size:02b} 111 {v} 00 {opc:02b} 0 imm9:9 00 rn:5 rt:5"
        _accept(name, pattern, f"{{{kind}:rt}}, {near}")


def _vectors() -> None:
    same = lambda f: f.rn == f.rm  # noqa: E731
    rows = "rn:5 rd:5"
    _add("mov", f"0 q:1 0 01110 10 1 rm:5 00011 1 {rows}", "{v.0:rd}, {v.0:rn}{same:rm}", same)
    _add("mvn", f"0 q:1 1 01110 00 10000 00101 10 {rows}", "{v.0:rd}, {v.0:rn}")
    copy = "01110000 imm5:5 0"
    _add("mov", f"0 1 1 {copy} imm4:4 1 {rows}", "{e.imm5:rd}, {e.imm5:rn,imm4}")
    _add("mov", f"0 1 0 {copy} 0011 1 {rows}", "{e.imm5:rd}, {wx.imm5:rn}")
    _add("mov", f"01 0 11110000 imm5:5 0 0000 1 {rows}", "{f.imm5:rd}, {e.imm5:rn}")
    whole = lambda f: (f.imm5 & u(15) == 8) | ((f.imm5 & u(7) == 4) & (f.q == 0))  # noqa: E731
    _add("mov", f"0 q:1 0 {copy} 0111 1 {rows}", "{wx.q:rd}, {e.imm5:rn}", whole)
    for unsigned, name in ((0, "sxtl"), (1, "uxtl")):
        syntax = "{2:q} {v.immh+1!:rd}, {v.immh:rn}{element:immh}"
        _accept(name, f"0 q:1 {unsigned} 011110 immh:4 000 10100 1 {rows}", syntax)


def _branches() -> None:
    for name, code in SUFFIXES["cond"]:
        _accept(f"b{name}", f"0101010 0 imm19:19 0 {code:04b}", "{label*4:imm19}")


_arithmetic()
_logic()
_moves()
_bitfields()
_sources()
_conditional()
_hints()
_atomics()
_unscaled()
_vectors()
_branches()
