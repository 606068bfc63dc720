"""Operand syntax of floating-point and vector rows, derived from mnemonic and pattern.

These rows come in families that differ in nothing but opcode bits, so a rule for each
family says more than a string for each row.
"""

from __future__ import annotations

from ncpu.machine.isa.rows import Row

_ZERO = frozenset(
    ["fcmgt", "fcmge", "fcmeq", "fcmle", "fcmlt", "cmgt", "cmge", "cmeq", "cmle", "cmlt"]
)
_LEFT = frozenset(["shl", "sli", "sqshl", "uqshl", "sqshlu", "sshll", "ushll"])
_PAIRS = frozenset(["faddp", "fmaxp", "fminp", "fmaxnmp", "fminnmp", "addp"])
_LONG_SHIFTS = frozenset(("sshll", "ushll"))
_COUNTS = {0b0000: 4, 0b0010: 4, 0b0100: 3, 0b0110: 3, 0b0111: 1, 0b1000: 2, 0b1010: 2}


_TWO, _THREE = "{v.2!:rd}, {v.2!:rn}", "{v.2!:rd}, {v.2!:rn}, {v.2!:rm}"
_CRYPTOGRAPHY = {
    **dict.fromkeys(("aese", "aesd", "aesmc", "aesimc"), "{v.0!:rd}, {v.0!:rn}"),
    **dict.fromkeys(("sha1c", "sha1p", "sha1m"), "{q:rd}, {s:rn}, {v.2!:rm}"),
    **dict.fromkeys(("sha256h", "sha256h2"), "{q:rd}, {q:rn}, {v.2!:rm}"),
    **dict.fromkeys(("sha1su0", "sha256su1"), _THREE),
    **dict.fromkeys(("sha1su1", "sha256su0"), _TWO),
    "sha1h": "{s:rd}, {s:rn}",
}


def vector_syntax(row: Row) -> str:
    """The syntax of a row; "" where no rule knows it."""
    if row.mnemonic in _CRYPTOGRAPHY:
        return _CRYPTOGRAPHY[row.mnemonic]
    if row.mnemonic == "pmull":
        wide = _bits(row, 22, 2) == 3
        return "{2:q} " + (
            "{v.4!:rd}, {v.3:rn}, {v.3:rm}" if wide else "{v.1!:rd}, {v.0:rn}, {v.0:rm}"
        )
    if row.group == "Vector dot product":
        last = "v{n:rm}.4b[{u:h,l}]" if "h" in row.places else "{v.0:rm}"
        return "{v.2:rd}, {v.0:rn}, " + last
    if row.group.startswith("Floating-point"):
        return _floating(row)
    rule = {
        "Load and store vector structures": _structures,
        "Vector fixed-point conversion": _fixed_point,
        "Vector floating point by element": _by_element,
        "Vector multiply by element": _by_element,
        "Vector shift by immediate": _shifts,
        "Vector copy": _copies,
        "Vector permute": _permutes,
        "Vector immediate": _immediates,
        "Vector across lanes": _across,
        "Vector long and narrow": _long_narrow,
    }.get(row.group)
    if rule is not None:
        return rule(row)
    known = row.group.startswith("Vector") or row.group.startswith("Scalar Advanced SIMD")
    return _plain(row) if known else ""


def _bits(row: Row, low: int, width: int) -> int:
    return row.match >> low & (1 << width) - 1


def _scalar(row: Row) -> bool:
    return row.pattern.startswith("01 ")


def _floating_name(row: Row) -> bool:
    return row.mnemonic[0] == "f" or row.mnemonic in ("scvtf", "ucvtf")


def _element(row: Row) -> str:
    """The element size of rows whose operands all have the same."""
    if "sz" in row.places:
        return "sz+2"
    if "size" in row.places:
        return "size"
    if _floating_name(row):
        return "1"
    if row.group == "Vector logic" or row.mnemonic in ("cnt", "rbit", "pmul"):
        return "0"
    return str(_bits(row, 22, 2))


def _same(row: Row, spec: str, registers: str = "dnm") -> str:
    kind = "f" if _scalar(row) else "v"
    return ", ".join(f"{{{kind}.{spec}:r{letter}}}" for letter in registers)


# -- scalar floating point --------------------------------------------------------------


def _floating(row: Row) -> str:
    """The groups of scalar floating point."""
    name, places = row.mnemonic, row.places
    one, two = "{f.type:rd}, {f.type:rn}", "{f.type:rn}, {f.type:rm}"
    if name.startswith("fccmp"):
        return two + ", #{u:nzcv}, {cond:cond}"
    if name.startswith("fcmp"):
        return two if "rm" in places else "{f.type:rn}, #0.0{hidden:sbz}"
    if name == "fcvt":
        return "{f.opc:rd}, {f.type:rn}"
    if name == "fcsel":
        return one + ", {f.type:rm}, {cond:cond}"
    if "imm8" in places:
        return "{f.type:rd}, #{fp8:imm8}"
    if name == "fmov" and "type" not in places:
        return _move(row)
    if "sf" in places:
        pair = "{f.type:rd}, {r:rn}" if name.endswith("cvtf") else "{r:rd}, {f.type:rn}"
        return pair + (", #{fbits:scale}" if "scale" in places else "")
    more = [f"{{f.type:{field}}}" for field in ("rm", "ra") if field in places]
    return ", ".join([one, *more])


def _move(row: Row) -> str:
    """FMOV between general and floating-point registers."""
    kind = _bits(row, 22, 2)
    general = "r" if "sf" in row.places else "x" if row.match >> 31 else "w"
    inner = {0: "{s:R}", 1: "{d:R}", 2: "v{n:R}.d[1]", 3: "{h:R}"}[kind]
    if _bits(row, 16, 1):  # general to floating point
        return f"{inner.replace('R', 'rd')}, {{{general}:rn}}"
    return f"{{{general}:rd}}, {inner.replace('R', 'rn')}"


# -- vectors ----------------------------------------------------------------------------


def _plain(row: Row) -> str:
    """Three or two registers alike, and the few exceptions among their groups."""
    name, places = row.mnemonic, row.places
    special = {
        "fcvtl": "{2:q} {v.sz+2!:rd}, {v.sz+1:rn}",
        "fcvtn": "{2:q} {v.sz+1:rd}, {v.sz+2!:rn}",
        "fcvtxn": "{s:rd}, {d:rn}" if _scalar(row) else "{2:q} {v.2:rd}, {v.3!:rn}",
        "urecpe": "{v.2:rd}, {v.2:rn}",
        "ursqrte": "{v.2:rd}, {v.2:rn}",
    }
    if name in special:
        return special[name]
    if "abc" in places:
        element = 3 if _bits(row, 29, 1) else 1 if _bits(row, 11, 1) else 2
        return f"{{v.{element}:rd}}, #{{fp8:abc,defgh}}"
    if "rm" in places:
        if (
            name[-1] != "h"
            and name.startswith(("sm", "um", "sqdm"))
            and row.group == "Vector multiply"
        ):
            return _long(row, "size")
        return _same(row, _element(row))
    if row.group == "Vector pairwise" and not _scalar(row):
        return "{v.size+1:rd}, {v.size:rn}"  # SADDLP and its kin
    if name.endswith("v") or name in _PAIRS:
        return _reduced(row)
    zero = ("#0.0" if name[0] == "f" else "#0") if name in _ZERO else ""
    return _same(row, _element(row), "dn") + (f", {zero}" if zero else "")


def _reduced(row: Row) -> str:
    """One number out of a vector: FMAXV and pairwise scalars."""
    if row.mnemonic == "addp":
        return "{d:rd}, {v.3!:rn}"
    if _scalar(row):
        spec = _element(row)
        return f"{{f.{spec}:rd}}, {{v.{spec}p:rn}}"
    if _bits(row, 29, 1):
        return "{s:rd}, {v.2!:rn}"
    return "{h:rd}, {v.1%s:rn}" % ("!" if _bits(row, 30, 1) else "-")


def _long(row: Row, spec: str) -> str:
    """A result of elements twice as wide: SMULL."""
    wide = f"{spec}+1" if not spec.isdigit() else str(int(spec) + 1)
    if _scalar(row):
        return f"{{f.{wide}:rd}}, {{f.{spec}:rn}}, {{f.{spec}:rm}}"
    return f"{{2:q}} {{v.{wide}!:rd}}, {{v.{spec}:rn}}, {{v.{spec}:rm}}"


def _long_narrow(row: Row) -> str:
    """SADDL, SADDW, ADDHN, XTN, SHLL."""
    name = row.mnemonic
    if "rm" in row.places:
        if name.endswith("w"):
            return "{2:q} {v.size+1!:rd}, {v.size+1!:rn}, {v.size:rm}"
        if name.endswith("hn"):
            return "{2:q} {v.size:rd}, {v.size+1!:rn}, {v.size+1!:rm}"
        return _long(row, "size")
    if name == "shll":
        return "{2:q} {v.size+1!:rd}, {v.size:rn}, #{esize:size}"
    return "{f.size:rd}, {f.size+1:rn}" if _scalar(row) else "{2:q} {v.size:rd}, {v.size+1!:rn}"


def _across(row: Row) -> str:
    """ADDV, SADDLV."""
    if _floating_name(row):
        return _reduced(row)
    return (
        "{f.size+1:rd}, {v.size:rn}" if row.mnemonic.endswith("lv") else "{f.size:rd}, {v.size:rn}"
    )


def _by_element(row: Row) -> str:
    """Multiplications whose second operand is one element."""
    spec = "1" if "m" in row.places else "2" if "l" in row.places else "3"
    last = f"{{e.{spec}:rm}}"
    name = row.mnemonic
    if name[0] in "su" and not name.endswith("h"):
        return _long(row, spec).rpartition("{")[0] + last
    return f"{_same(row, spec, 'dn')}, {last}"


def _shifts(row: Row) -> str:
    """Shifts by an immediate; SHRN narrows, SSHLL widens."""
    name, kind = row.mnemonic, "f" if _scalar(row) else "v"
    shift = "#{left:immh,immb}" if name in _LEFT else "#{right:immh,immb}"
    if name in _LONG_SHIFTS:
        return f"{{2:q}} {{v.immh+1!:rd}}, {{v.immh:rn}}, {shift}"
    if name.endswith("n"):
        if kind == "f":
            return f"{{f.immh:rd}}, {{f.immh+1:rn}}, {shift}"
        return f"{{2:q}} {{v.immh:rd}}, {{v.immh+1!:rn}}, {shift}"
    return f"{{{kind}.immh:rd}}, {{{kind}.immh:rn}}, {shift}"


def _fixed_point(row: Row) -> str:
    """SCVTF and FCVTZS with a number of fraction bits."""
    spec = str(row.places["imm"][1] - 3)
    return f"{_same(row, spec, 'dn')}, #{{fbits:imm}}"


def _copies(row: Row) -> str:
    """DUP, INS, SMOV, UMOV."""
    name = row.mnemonic
    if name == "ins":
        second = "{e.imm5:rn,imm4}" if "imm4" in row.places else "{wx.imm5:rn}"
        return "{e.imm5:rd}, " + second
    if name in ("smov", "umov"):
        return "{wx.q:rd}, {e.imm5:rn}"
    if _scalar(row):
        return "{f.imm5:rd}, {e.imm5:rn}"
    return "{v.imm5:rd}, " + ("{wx.imm5:rn}" if _bits(row, 11, 1) else "{e.imm5:rn}")


def _permutes(row: Row) -> str:
    """ZIP, UZP, TRN, REV, EXT, TBL."""
    name = row.mnemonic
    if name == "ext":
        return "{v.0:rd}, {v.0:rn}, {v.0:rm}, #{u:imm4}"
    if name in ("tbl", "tbx"):
        return f"{{v.0:rd}}, {{list{_bits(row, 13, 2) + 1}.0!:rn}}, {{v.0:rm}}"
    return _same(row, "size", "dn" if name.startswith("rev") else "dnm")


def _immediates(row: Row) -> str:
    """MOVI, MVNI, ORR, BIC."""
    value = "#{u:abc,defgh}"
    if "shift" not in row.places:
        if _bits(row, 29, 1):
            return "{dv:rd}, #{bytes:abc,defgh}"
        return f"{{v.0:rd}}, {value}"
    if _bits(row, 13, 3) == 0b110:
        return f"{{v.2:rd}}, {value}, msl #{{msl:shift}}"
    spec = "1" if row.places["shift"][1] == 1 else "2"
    return f"{{v.{spec}:rd}}, {value}<, lsl #{{n*8:shift}}>"


def _structures(row: Row) -> str:
    """LD1-LD4 and ST1-ST4: whole registers, one element, one element to all."""
    address, post = "[{x|sp:rn}]", _bits(row, 23, 1)
    count = int(row.mnemonic[2])
    opcode = _bits(row, 12, 4)
    if not _bits(row, 24, 1):
        count = _COUNTS[opcode]
        full = _bits(row, 30, 1)
        registers = f"{{list{count}.size{'!' if full else '-'}:rt}}"
        size = 8 * count << full
    elif row.mnemonic.endswith("r"):
        element = _bits(row, 10, 2)
        registers, size = f"{{list{count}.{element}:rt}}", count << element
    else:
        element = opcode >> 2 & 3
        element = 3 if element == 2 and "size" not in row.places else element
        registers, size = f"{{lane{count}.{element}:rt}}", count << element
    if not post:
        return f"{registers}, {address}"
    return f"{registers}, {address}, " + ("{x:rm}" if "rm" in row.places else f"#{size}")
