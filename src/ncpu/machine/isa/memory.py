"""Loads and stores of general and vector registers, in every addressing mode.

Each row becomes one transfer of at most 16 bytes loaded or 8 stored; wider ones, and
pairs of vector registers, become a chain.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lowering as lo
from ncpu.machine.isa.lowering import chain, source, target, u, vector
from ncpu.machine.isa.rows import Row
from ncpu.machine.state import LATCH, MONITOR, SINK

Fields = SimpleNamespace
ROWS: list[Row] = []

LOAD, STORE, BOTH = 1, 2, 3


def _add(
    group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None, syntax: str = ""
) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid, syntax))


OFFSET = "[{x|sp:rn}<, #{%s}>]"
PRE = "[{x|sp:rn}, #{%s}]!"
POST = "[{x|sp:rn}], #{%s}"
INDEX = "[{x|sp:rn}, {rx:rm,option}{index*%d:option,s}]"
BASE = "[{x|sp:rn}]"


# -- one transfer -----------------------------------------------------------------------
# `where` is the address: {"rn", "imm" or "rm" and its shifts, "post", "wb"}.


def load(size: int, extend: int, sf: int, rt: Any, where: dict[str, Any]) -> dict[str, Any]:
    """Load 2**size bytes into Xt, sign-extended to 32 (sf 0) or 64 bits if `extend`."""
    columns = {"unit": Unit.LOAD, "op": extend, "sf": sf, "size": size, "access": LOAD}
    return {**columns, "rd": target(rt), **where}


def store(size: int, row: Any, where: dict[str, Any]) -> dict[str, Any]:
    """Store the low 2**size (at most 8) bytes of a register-file row."""
    return {"unit": Unit.STORE, "size": size, "access": STORE, "ra": row, **where}


def moved(where: dict[str, Any], offset: int) -> dict[str, Any]:
    """The address `offset` bytes further; for immediate addressing only."""
    return {**where, "imm": where["imm"] + u(offset), "use_imm": 1}


def load_vector(size: int, vt: Any, where: dict[str, Any]) -> dict[str, Any]:
    """Load 2**size (at most 16) bytes into Vt, upper bytes zero."""
    columns = {"unit": Unit.LOAD_WIDE, "size": size, "access": LOAD}
    return {**columns, "rd": vector(vt), "rd2": vector(vt) + u(1), **where}


def store_vector(size: int, vt: Any, where: dict[str, Any]) -> list[dict[str, Any]]:
    """Store the low 2**size bytes of Vt; 16 bytes take two transfers."""
    row = vector(vt)
    if size < 4:
        return [store(size, row, where)]
    return store_two(row, row + u(1), where)


def store_two(first: Any, second: Any, where: dict[str, Any]) -> list[dict[str, Any]]:
    """Store two rows, 8 bytes each; the base is written back by the second."""
    if "rm" in where:  # base + register: the address is needed twice
        address = {"unit": Unit.ADD, **where, "rd": LATCH}
        there = {"rn": LATCH, "imm": u(0), "use_imm": 1}
        return [address, store(3, first, there), store(3, second, moved(there, 8))]
    if where.get("post"):  # the address is the base, the sum only written back
        here = {"rn": where["rn"], "imm": u(0), "use_imm": 1}
        # base + 8 is addressed, base + imm written back: finish with an addition.
        back = {"unit": Unit.ADD, "rn": where["rn"], "imm": where["imm"], "use_imm": 1}
        return [
            store(3, first, here),
            store(3, second, moved(here, 8)),
            {**back, "rd": where["wb"]},
        ]
    if "wb" in where:  # pre-index: the first transfer must not move the base
        plain = {"rn": where["rn"], "imm": where["imm"], "use_imm": 1}
        back = {"unit": Unit.ADD, **plain, "rd": where["wb"]}
        return [store(3, first, plain), store(3, second, moved(plain, 8)), back]
    return [store(3, first, where), store(3, second, moved(where, 8))]


# -- addressing modes -------------------------------------------------------------------


def _modes() -> list[tuple[str, str, Any, Any, Any]]:
    """(name suffix, pattern of the low 24 bits, address, validity, syntax by size)."""

    def unsigned(f: Fields, scale: int) -> dict[str, Any]:
        return {"rn": f.rn, "imm": f.imm12 << u(scale), "use_imm": 1}

    def unscaled(f: Fields, scale: int) -> dict[str, Any]:
        return {"rn": f.rn, "imm": lo.signed(f.imm9, 9), "use_imm": 1}

    def post(f: Fields, scale: int) -> dict[str, Any]:
        return {**unscaled(f, scale), "wb": f.rn, "post": 1}

    def pre(f: Fields, scale: int) -> dict[str, Any]:
        return {**unscaled(f, scale), "wb": f.rn}

    def register(f: Fields, scale: int) -> dict[str, Any]:
        return {"rn": f.rn, "rm": source(f.rm), **lo.extended(f.option, f.s * u(scale))}

    indexed = lambda f: f.option & u(2) != 0  # noqa: E731
    scaled = lambda size: OFFSET % f"u*{1 << size}:imm12"  # noqa: E731
    index = lambda size: INDEX % (1 << size)  # noqa: E731
    near = lambda text: lambda size: text % "i:imm9"  # noqa: E731
    return [
        ("", "01 opc imm12:12 rn:5 rt:5", unsigned, None, scaled),
        ("u", "00 opc 0 imm9:9 00 rn:5 rt:5", unscaled, None, near(OFFSET)),
        ("", "00 opc 0 imm9:9 01 rn:5 rt:5", post, None, near(POST)),
        ("", "00 opc 0 imm9:9 11 rn:5 rt:5", pre, None, near(PRE)),
        ("", "00 opc 1 rm:5 option:3 s:1 10 rn:5 rt:5", register, indexed, index),
        # Unprivileged: the same at EL0.
        ("t", "00 opc 0 imm9:9 10 rn:5 rt:5", unscaled, None, near(OFFSET)),
    ]


_SIGNED = {0: "sb", 1: "sh", 2: "sw"}
_PLAIN = {0: "b", 1: "h", 2: "", 3: ""}
_GENERAL = "wwwx"  # registers of each size
_VECTOR = "bhsdq"


def _single() -> None:
    for kind, low, address, valid, place in _modes():

        def add(name: str, size: int, opc: str, v: int, lower: Any, syntax: str) -> None:
            group = "Load and store register" if not v else "Load and store vector register"
            tail = low.replace("opc", opc)  # noqa: B023
            _add(group, name, f"{size:02b} 111 {v} {tail}", lower, valid, syntax)  # noqa: B023

        prefix = {"": ("str", "ldr"), "u": ("stur", "ldur"), "t": ("sttr", "ldtr")}[kind]
        for size in range(4):

            def put(f: Fields, size: int = size, address: Any = address) -> dict[str, Any]:
                return store(size, source(f.rt), address(f, size))

            where = "{%s:rt}, " + place(size)
            add(prefix[0] + _PLAIN[size], size, "00", 0, put, where % _GENERAL[size])
            for opc, extend, sf in (("01", 0, 1), ("10", 1, 1), ("11", 1, 0)):
                if (opc == "10" and size == 3) or (opc == "11" and size >= 2):
                    continue

                def get(
                    f: Fields,
                    size: int = size,
                    extend: int = extend,
                    sf: int = sf,
                    address: Any = address,
                ) -> dict[str, Any]:
                    return load(size, extend, sf, f.rt, address(f, size))

                suffix = _SIGNED[size] if extend else _PLAIN[size]
                wide = "x" if opc == "10" else "w"
                syntax = where % (wide if extend else _GENERAL[size])
                add(prefix[1] + suffix, size, opc, 0, get, syntax)
        if kind == "t":
            continue
        for size, field, opc in ((0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 0, 2)):

            def put_v(f: Fields, size: int = size, address: Any = address) -> list[dict[str, Any]]:
                return chain(*store_vector(size, f.rt, address(f, size)))

            def get_v(f: Fields, size: int = size, address: Any = address) -> dict[str, Any]:
                return load_vector(size, f.rt, address(f, size))

            syntax = f"{{{_VECTOR[size]}:rt}}, {place(size)}"
            add(prefix[0], field, f"{opc:02b}", 1, put_v, syntax)
            add(prefix[1], field, f"{opc + 1:02b}", 1, get_v, syntax)
        if kind in ("", "u"):
            tail = low.replace("opc", "10").replace("rt:5", "prfop:5")
            if "imm9:9 01" not in tail and "imm9:9 11" not in tail:
                name = "prfum" if kind == "u" else "prfm"
                nothing = lambda f: {"unit": Unit.LOGIC, "op": 1}  # noqa: E731
                syntax = "{prfop:prfop}, " + place(3)
                _add("Load and store register", name, f"11 111 0 {tail}", nothing, valid, syntax)


def _literal() -> None:
    """The address is pc-relative: compute it into the latch, then load."""

    def through_latch(f: Fields, transfer: dict[str, Any]) -> list[dict[str, Any]]:
        imm = lo.signed(f.imm19, 19) << u(2)
        return chain({"unit": Unit.ADDRESS, "op": 0, "imm": imm, "rd": LATCH}, transfer)

    here = {"rn": LATCH, "imm": u(0), "use_imm": 1}
    group = "Load register (literal)"
    for opc, name, size, extend in ((0, "ldr", 2, 0), (1, "ldr", 3, 0), (2, "ldrsw", 2, 1)):

        def general(f: Fields, size: int = size, extend: int = extend) -> list[dict[str, Any]]:
            return through_latch(f, load(size, extend, 1, f.rt, here))

        syntax = f"{{{'wxx'[opc]}:rt}}, {{label*4:imm19}}"
        _add(group, name, f"{opc:02b} 011 0 00 imm19:19 rt:5", general, syntax=syntax)
    for opc, size in ((0, 2), (1, 3), (2, 4)):

        def floating(f: Fields, size: int = size) -> list[dict[str, Any]]:
            return through_latch(f, load_vector(size, f.rt, here))

        syntax = f"{{{'sdq'[opc]}:rt}}, {{label*4:imm19}}"
        _add(group, "ldr", f"{opc:02b} 011 1 00 imm19:19 rt:5", floating, syntax=syntax)
    nothing = lambda f: {"unit": Unit.LOGIC, "op": 1}  # noqa: E731
    syntax = "{prfop:prfop}, {label*4:imm19}"
    _add(group, "prfm", "11 011 0 00 imm19:19 prfop:5", nothing, syntax=syntax)


def _pairs() -> None:
    def address(kind: int, scale: int) -> Any:
        def build(f: Fields) -> dict[str, Any]:
            where = {"rn": f.rn, "imm": lo.signed(f.imm7, 7) << u(scale), "use_imm": 1}
            if kind == 1:
                return {**where, "wb": f.rn, "post": 1}
            return {**where, "wb": f.rn} if kind == 3 else where

        return build

    for kind, names in (
        (0, ("stnp", "ldnp")),
        (1, ("stp", "ldp")),
        (2, ("stp", "ldp")),
        (3, ("stp", "ldp")),
    ):
        for opc, size in ((0, 2), (2, 3)):
            where = address(kind, size)

            def put(f: Fields, where: Any = where, size: int = size) -> list[dict[str, Any]]:
                first, second = source(f.rt), source(f.rt2)
                if size == 3:
                    return chain(*store_two(first, second, where(f)))
                columns = {"unit": Unit.STORE, "op": 1, "size": 3, "access": STORE}
                return [{**columns, "ra": first, "arg": second, **where(f)}]

            def get(f: Fields, where: Any = where, size: int = size) -> dict[str, Any]:
                unit = Unit.LOAD_WIDE if size == 3 else Unit.LOAD_PAIR
                columns = {"unit": unit, "size": size + 1, "access": LOAD}
                return {**columns, "rd": target(f.rt), "rd2": target(f.rt2), **where(f)}

            tail = f"0{kind:02b} L imm7:7 rt2:5 rn:5 rt:5"
            head = f"{opc:02b} 101 0"
            group, syntax = "Load and store pair", _pair_syntax(kind, "wx"[size - 2], size)
            _add(group, names[0], f"{head} {tail.replace('L', '0')}", put, syntax=syntax)
            _add(group, names[1], f"{head} {tail.replace('L', '1')}", get, syntax=syntax)
        if kind:
            where = address(kind, 2)

            def get_signed(f: Fields, where: Any = where) -> dict[str, Any]:
                columns = {"unit": Unit.LOAD_PAIR, "op": 1, "size": 3, "access": LOAD}
                return {**columns, "rd": target(f.rt), "rd2": target(f.rt2), **where(f)}

            pattern = f"01 101 0 0{kind:02b} 1 imm7:7 rt2:5 rn:5 rt:5"
            syntax = _pair_syntax(kind, "x", 2)
            _add("Load and store pair", "ldpsw", pattern, get_signed, syntax=syntax)
        for opc, size in ((0, 2), (1, 3), (2, 4)):
            where = address(kind, size)

            def put_v(f: Fields, where: Any = where, size: int = size) -> list[dict[str, Any]]:
                return _vector_pair(f, where(f), size, store=True)

            def get_v(f: Fields, where: Any = where, size: int = size) -> list[dict[str, Any]]:
                return _vector_pair(f, where(f), size, store=False)

            head, group = f"{opc:02b} 101 1", "Load and store vector pair"
            tail = f"0{kind:02b} L imm7:7 rt2:5 rn:5 rt:5"
            syntax = _pair_syntax(kind, _VECTOR[size], size)
            _add(group, names[0], f"{head} {tail.replace('L', '0')}", put_v, syntax=syntax)
            _add(group, names[1], f"{head} {tail.replace('L', '1')}", get_v, syntax=syntax)


def _pair_syntax(kind: int, register: str, size: int) -> str:
    where = {0: OFFSET, 1: POST, 2: OFFSET, 3: PRE}[kind] % f"i*{1 << size}:imm7"
    return f"{{{register}:rt}}, {{{register}:rt2}}, {where}"


def _vector_pair(f: Fields, where: dict[str, Any], size: int, store: bool) -> list[dict[str, Any]]:
    """Both registers one after the other; a changed base is written when all is done."""
    offset = u(0) if where.get("post") else where["imm"]
    here = {"rn": f.rn, "imm": offset, "use_imm": 1}
    parts: list[dict[str, Any]] = []
    for k, vt in enumerate((f.rt, f.rt2)):
        at = moved(here, k << size)
        parts += store_vector(size, vt, at) if store else [load_vector(size, vt, at)]
    if "wb" in where:
        back = {"unit": Unit.ADD, "rn": f.rn, "imm": where["imm"], "use_imm": 1}
        parts.append({**back, "rd": where["wb"]})
    return chain(*parts)


# -- exclusive, ordered and atomic ------------------------------------------------------


def _at_base(f: Fields) -> dict[str, Any]:
    return {"rn": f.rn, "post": 1, "aligned": 1, "imm": u(0), "use_imm": 1}


def _exclusives() -> None:
    group = "Exclusive and ordered"
    for size in range(4):
        suffix = _PLAIN[size]

        def put(f: Fields, size: int = size) -> dict[str, Any]:
            columns = {"unit": Unit.STORE_EXCLUSIVE, "size": size, "access": BOTH}
            rows = {"rd": target(f.rs), "rd2": MONITOR, "ra": source(f.rt)}
            return {**columns, **rows, **_at_base(f)}

        def get(f: Fields, size: int = size) -> dict[str, Any]:
            return load(size, 0, 1, f.rt, {**_at_base(f), "wb": MONITOR})

        def put_ordered(f: Fields, size: int = size) -> dict[str, Any]:
            return store(size, source(f.rt), _at_base(f))

        def get_ordered(f: Fields, size: int = size) -> dict[str, Any]:
            return load(size, 0, 1, f.rt, _at_base(f))

        head, one = f"{size:02b} 001000", f"{{{_GENERAL[size]}:rt}}, {BASE}"
        for o0, store_name, load_name in ((0, "stxr", "ldxr"), (1, "stlxr", "ldaxr")):
            name, syntax = store_name + suffix, "{w:rs}, " + one + "{hidden:rt2=31}"
            _add(group, name, f"{head} 0 0 0 rs:5 {o0} rt2:5 rn:5 rt:5", put, syntax=syntax)
            name, syntax = load_name + suffix, one + "{hidden:rs=31,rt2=31}"
            _add(group, name, f"{head} 0 1 0 rs:5 {o0} rt2:5 rn:5 rt:5", get, syntax=syntax)
        for o0, store_name, load_name in ((0, "stllr", "ldlar"), (1, "stlr", "ldar")):
            pattern = f"{head} 1 L 0 rs:5 {o0} rt2:5 rn:5 rt:5"
            name, syntax = store_name + suffix, one + "{hidden:rs=31,rt2=31}"
            _add(group, name, pattern.replace("L", "0"), put_ordered, syntax=syntax)
            name = load_name + suffix
            _add(group, name, pattern.replace("L", "1"), get_ordered, syntax=syntax)
        pattern = f"{size:02b} 111 0 00 1 0 1 11111 1 100 00 rn:5 rt:5"
        _add(group, "ldapr" + suffix, pattern, get_ordered, syntax=one)

    for size in (2, 3):

        def get_pair(f: Fields, size: int = size) -> dict[str, Any]:
            unit = Unit.LOAD_WIDE if size == 3 else Unit.LOAD_PAIR
            columns = {"unit": unit, "size": size + 1, "access": LOAD, "wb": MONITOR}
            return {**columns, "rd": target(f.rt), "rd2": target(f.rt2), **_at_base(f)}

        def put_pair(f: Fields, size: int = size) -> list[dict[str, Any]]:
            base = {"unit": Unit.STORE_EXCLUSIVE, "access": BOTH, **_at_base(f)}
            if size == 2:
                rows = {"ra": source(f.rt), "arg": source(f.rt2), "rd": target(f.rs)}
                return [{**base, "op": 1, "size": 3, "rd2": MONITOR, **rows}]
            # 16 bytes: check the alignment of all of them, store half, then the other half.
            probe = load_vector(4, u(0), _at_base(f)) | {"rd": SINK, "rd2": SINK, "access": BOTH}
            first = {**base, "size": 3, "ra": source(f.rt)}
            second = {**base, "op": 2, "size": 3, "ra": source(f.rt2), "imm": u(8), "post": 0}
            return chain(probe, first, {**second, "rd": target(f.rs), "rd2": MONITOR})

        for o0, store_name, load_name in ((0, "stxp", "ldxp"), (1, "stlxp", "ldaxp")):
            pattern = f"1{size - 2} 001000 0 L 1 rs:5 {o0} rt2:5 rn:5 rt:5"
            two = "{R:rt}, {R:rt2}, ".replace("R", _GENERAL[size]) + BASE
            _add(group, store_name, pattern.replace("L", "0"), put_pair, syntax="{w:rs}, " + two)
            syntax = two + "{hidden:rs=31}"
            _add(group, load_name, pattern.replace("L", "1"), get_pair, syntax=syntax)


# `Instr.op` of Unit.ATOMIC: the first eight are the opc field of LD<op>.
SWAP, COMPARE_SWAP, COMPARE_SWAP_PAIR = 8, 9, 10
_ATOMICS = ("ldadd", "ldclr", "ldeor", "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin")


def _atomics() -> None:
    group = "Atomics (LSE)"
    for size in range(4):
        operands = "{R:rs}, {R:rt}, ".replace("R", _GENERAL[size]) + BASE
        for order, letters in enumerate(("", "l", "a", "al")):
            for op, name in (*enumerate(_ATOMICS), (SWAP, "swp")):

                def modify(f: Fields, op: int = op, size: int = size) -> dict[str, Any]:
                    columns = {"unit": Unit.ATOMIC, "op": op, "size": size, "access": BOTH}
                    return {**columns, "ra": source(f.rs), "rd": target(f.rt), **_at_base(f)}

                o3, opc = (1, 0) if op == SWAP else (0, op)
                pattern = f"{size:02b} 111 0 00 {order:02b} 1 rs:5 {o3} {opc:03b} 00 rn:5 rt:5"
                _add(group, name + letters + _PLAIN[size], pattern, modify, syntax=operands)

            def swap(f: Fields, size: int = size) -> dict[str, Any]:
                columns = {"unit": Unit.ATOMIC, "op": COMPARE_SWAP, "size": size, "access": BOTH}
                rows = {"ra": source(f.rs), "arg": source(f.rt), "rd": target(f.rs)}
                return {**columns, **rows, **_at_base(f)}

            acquire, release = order >> 1, order & 1
            pattern = f"{size:02b} 001000 1 {acquire} 1 rs:5 {release} 11111 rn:5 rt:5"
            _add(group, "cas" + letters + _PLAIN[size], pattern, swap, syntax=operands)
            if size >= 2:
                pattern = f"0{size - 2} 001000 0 {acquire} 1 rs:5 {release} 11111 rn:5 rt:5"
                even = lambda f: (f.rs & u(1) == 0) & (f.rt & u(1) == 0)  # noqa: E731
                lower = _compare_swap_pair_x if size == 3 else _compare_swap_pair_w
                pairs = "{R:rs}, {R+:rs}, {R:rt}, {R+:rt}, ".replace("R", _GENERAL[size]) + BASE
                _add(group, "casp" + letters, pattern, lower, even, pairs)


def _compare_swap_pair_x(f: Fields) -> list[dict[str, Any]]:
    """Load all 16 bytes into the latch, decide twice from it, then hand it out."""
    here = _at_base(f)
    old = load_vector(4, u(0), here) | {"rd": LATCH, "rd2": LATCH + 1, "access": BOTH}
    columns = {"unit": Unit.ATOMIC, "op": COMPARE_SWAP_PAIR, "size": 3, "access": BOTH}
    first = {**columns, "ra": source(f.rs), "arg": source(f.rt), "cond": 0, **here}
    second = {**columns, "ra": source(f.rs), "arg": source(f.rt + u(1)), "cond": 1, **here}
    second |= {"imm": u(8), "post": 0}
    hand = {"unit": Unit.LOGIC, "op": 1}
    return chain(
        old,
        first,
        second,
        {**hand, "rm": LATCH, "rd": target(f.rs)},
        {**hand, "rm": LATCH + 1, "rd": target(f.rs + u(1))},
    )


def _compare_swap_pair_w(f: Fields) -> list[dict[str, Any]]:
    """Two words are one doubleword: gather both pairs, then compare and swap it."""

    def gather(first: Any, second: Any, row: int) -> list[dict[str, Any]]:
        low = {"unit": Unit.LOGIC, "op": 1, "sf": 0, "rm": first, "rd": row}
        high = {"unit": Unit.INSERT, "rm": second, "ra": row, "rd": row, "left": 32, "right": 0}
        return [low, high]

    columns = {"unit": Unit.ATOMIC, "op": COMPARE_SWAP, "size": 3, "access": BOTH}
    swap = {**columns, "ra": LATCH, "arg": LATCH + 1, "rd": LATCH, **_at_base(f)}
    hand = {"unit": Unit.LOGIC, "op": 1, "rm": LATCH}
    return chain(
        *gather(source(f.rs), source(f.rs + u(1)), LATCH),
        *gather(source(f.rt), source(f.rt + u(1)), LATCH + 1),
        swap,
        {**hand, "sf": 0, "rd": target(f.rs)},
        {**hand, "left": 0, "right": 32, "rd": target(f.rs + u(1))},
    )


_single()
_literal()
_pairs()
_exclusives()
_atomics()
