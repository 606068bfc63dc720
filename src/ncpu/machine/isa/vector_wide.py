"""Advanced SIMD: products, long, wide and narrow operations, across lanes, by element."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ncpu.machine.instr import Unit
from ncpu.machine.isa import lanes as la
from ncpu.machine.isa.lanes import LATCHED, arg, count, written, written_part
from ncpu.machine.isa.lowering import Columns, chain, u, vector
from ncpu.machine.isa.rows import Row
from ncpu.machine.isa.vector_same import accumulate, arith
from ncpu.machine.state import LATCH

Fields = SimpleNamespace
ROWS: list[Row] = []


def _add(group: str, mnemonic: str, pattern: str, lower: Any, valid: Any = None) -> None:
    ROWS.append(Row(mnemonic, pattern, lower, group, valid))


def _q(f: Fields) -> Any:
    return getattr(f, "q", u(0))


def _small(f: Fields) -> Any:
    return f.size < 3


def _half_or_word(f: Fields) -> Any:
    return (f.size == 1) | (f.size == 2)


# -- one transfer -----------------------------------------------------------------------


def widen(row: Any, size: Any, signed: int, amount: Any = 0) -> dict[str, Any]:
    """The elements of one row, twice as wide, shifted left."""
    flags = arg(amount=amount, count=u(8) >> u(size), result=u(size) + u(1))
    columns = {"unit": Unit.VECTOR_SHIFT, "size": size, "signed": signed, "use_imm": 1}
    return {**columns, "arg": flags, "rn": row}


def narrow(
    row: Any,
    size: Any,
    scalar: bool = False,
    *,
    amount: Any = 0,
    signed: int = 0,
    saturate: int = 0,
    to_signed: int = 0,
    rounding: int = 0,
) -> dict[str, Any]:
    """A register's elements shifted right by `amount`, then cut to 2**size bytes."""
    lanes = count(size, 0, scalar)
    flags = arg(amount=u(0) - u(amount), count=lanes, result=size, round=rounding)
    flags = flags | arg(saturate=saturate, signed=to_signed)
    columns = {"unit": Unit.VECTOR_SHIFT, "size": u(size) + u(1), "signed": signed, "arg": flags}
    return {**columns, "imm": la.top_of_range(size, to_signed), "use_imm": 1, "rn": row}


def truncate(row: Any, size: Any, amount: Any) -> dict[str, Any]:
    """`narrow` without rounding or saturation, which a quicker unit does."""
    return {"unit": Unit.VECTOR_PAIRWISE, "op": la.NARROW, "size": size, "right": amount, "rn": row}


_PRODUCTS = {
    "mul": (la.PRODUCT, 0, 0),
    "smull": (la.PRODUCT, 1, 0),
    "umull": (la.PRODUCT, 0, 0),
    "sqdmulh": (la.DOUBLE_HIGH, 1, 0),
    "sqrdmulh": (la.DOUBLE_HIGH, 1, 1),
    "sqdmull": (la.DOUBLE, 1, 0),
}


def _product(name: str, f: Fields, size: Any, scalar: bool, m: dict[str, Any]) -> dict[str, Any]:
    """A product without its destination; `m` is `rm` and for one element `index`."""
    op, signed, rounding = _PRODUCTS[name]
    long, q = name.endswith("ll"), _q(f)
    lanes = count(size, u(0) if long else q, scalar)
    result = u(size) + u(long)
    flags = arg(count=lanes, result=result, round=rounding)
    rows = {"rn": vector(f.rn) + (q if long else u(0)), "rm": m["rm"]}
    if "index" in m:
        flags = flags | arg(index=m["index"], by_element=1)
    elif long:
        rows["rm"] = rows["rm"] + q
    columns = {"unit": Unit.VECTOR_MULTIPLY, "op": op, "signed": signed, "size": size}
    return {**columns, "arg": flags, "imm": la.top_of_range(result, 1), **rows}


def _multiplied(name: str, adds: str | None, scalar: bool, second: Any, fixed: Any = None) -> Any:
    """A product, or one added to (`adds` names how) the destination."""

    def lower(f: Fields) -> Any:
        size = f.size if fixed is None else u(fixed)
        product = _product(name, f, size, scalar, second(f))
        if adds is None:
            return {**product, **written(vector(f.rd))}
        long = name.endswith("ll")
        kept = la.width(u(size) + u(long), u(1) if long else _q(f), scalar)
        return chain({**product, **LATCHED}, accumulate(adds, f.rd, **kept))

    return lower


def _register(f: Fields) -> dict[str, Any]:
    return {"rm": vector(f.rm)}


# Name, bit U, opcode by element, opcode of two vectors, product, how it is accumulated.
_LONG = (
    ("smull", 0, 0b1010, 0b1100, "smull", None),
    ("umull", 1, 0b1010, 0b1100, "umull", None),
    ("smlal", 0, 0b0010, 0b1000, "smull", "add"),
    ("umlal", 1, 0b0010, 0b1000, "umull", "add"),
    ("smlsl", 0, 0b0110, 0b1010, "smull", "sub"),
    ("umlsl", 1, 0b0110, 0b1010, "umull", "sub"),
    ("sqdmull", 0, 0b1011, 0b1101, "sqdmull", None),
    ("sqdmlal", 0, 0b0011, 0b1001, "sqdmull", "sqadd"),
    ("sqdmlsl", 0, 0b0111, 0b1011, "sqdmull", "sqsub"),
)
# Those by element whose results are of the operands' size, without the second opcode.
_SAME = (
    ("mul", 0, 0b1000, "mul", None),
    ("mla", 1, 0b0000, "mul", "add"),
    ("mls", 1, 0b0100, "mul", "sub"),
    ("sqdmulh", 0, 0b1100, "sqdmulh", None),
    ("sqrdmulh", 0, 0b1101, "sqrdmulh", None),
)


def _products() -> None:
    group = "Vector multiply"
    for unsigned, opcode, name, valid, product, adds in (
        (0, 0b10010, "mla", _small, "mul", "add"),
        (1, 0b10010, "mls", _small, "mul", "sub"),
        (0, 0b10011, "mul", _small, "mul", None),
        (0, 0b10110, "sqdmulh", _half_or_word, "sqdmulh", None),
        (1, 0b10110, "sqrdmulh", _half_or_word, "sqrdmulh", None),
    ):
        lower = _multiplied(product, adds, False, _register)
        pattern = f"0 q:1 {unsigned} 01110 size:2 1 rm:5 {opcode:05b} 1 rn:5 rd:5"
        _add(group, name, pattern, lower, valid)
        if name.startswith("sq"):
            pattern = f"01 {unsigned} 11110 size:2 1 rm:5 {opcode:05b} 1 rn:5 rd:5"
            _add(group, name, pattern, _multiplied(product, None, True, _register), valid)
    for name, unsigned, _, opcode, product, adds in _LONG:
        saturates = name.startswith("sq")
        pattern = f"0 q:1 {unsigned} 01110 size:2 1 rm:5 {opcode:04b} 00 rn:5 rd:5"
        valid = _half_or_word if saturates else _small
        _add(group, name, pattern, _multiplied(product, adds, False, _register), valid)
        if saturates:
            pattern = f"01 {unsigned} 11110 size:2 1 rm:5 {opcode:04b} 00 rn:5 rd:5"
            _add(group, name, pattern, _multiplied(product, adds, True, _register), valid)


def _halfword(f: Fields) -> dict[str, Any]:
    return {"rm": vector(f.rm), "index": (f.h << u(2)) | (f.l << u(1)) | f.m}


def _word(f: Fields) -> dict[str, Any]:
    return {"rm": vector(f.rm), "index": (f.h << u(1)) | f.l}


# Halfwords have three bits of index and sixteen registers, words two and all of them.
_ELEMENTS = ((1, "l:1 m:1 rm:4", _halfword), (2, "l:1 rm:5", _word))


def _by_element() -> None:
    group = "Vector multiply by element"
    rows = [*((n, s, o, p, a) for n, s, o, _, p, a in _LONG), *_SAME]
    for name, unsigned, opcode, product, adds in rows:
        for size, places, second in _ELEMENTS:
            tail = f"{size:02b} {places} {opcode:04b} h:1 0 rn:5 rd:5"
            lower = _multiplied(product, adds, False, second, size)
            _add(group, name, f"0 q:1 {unsigned} 01111 {tail}", lower)
            if name.startswith("sq"):
                lower = _multiplied(product, adds, True, second, size)
                _add(group, name, f"01 {unsigned} 11111 {tail}", lower)


def _rounded_sums() -> None:
    """SQRDMLAH and SQRDMLSH: `invert` subtracts the product."""

    def lower_as(invert: int, scalar: bool, second: Any, fixed: Any = None) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            size = f.size if fixed is None else u(fixed)
            product = _product("sqrdmulh", f, size, scalar, second(f))
            columns = {"unit": Unit.VECTOR_MULTIPLY_ADD, "invert": invert, "ra": vector(f.rd)}
            return {**product, **columns, **written(vector(f.rd))}

        return lower

    for invert, name in enumerate(("sqrdmlah", "sqrdmlsh")):
        for head, scalar in (("0 q:1 1 0111", False), ("01 1 1111", True)):
            pattern = f"{head}0 size:2 0 rm:5 1000{invert} 1 rn:5 rd:5"
            lower = lower_as(invert, scalar, _register)
            _add("Vector multiply", name, pattern, lower, _half_or_word)
            for size, places, second in _ELEMENTS:
                tail = f"{size:02b} {places} 11{invert}1 h:1 0 rn:5 rd:5"
                lower = lower_as(invert, scalar, second, size)
                _add("Vector multiply by element", name, f"{head}1 {tail}", lower)


def _dots() -> None:
    group = "Vector dot product"

    def lower_as(signed: int) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            flags = arg(count=u(2) << f.q, result=2)
            if hasattr(f, "h"):
                flags = flags | arg(index=(f.h << u(1)) | f.l, by_element=1)
            rows = {"rn": vector(f.rn), "rm": vector(f.rm), "ra": vector(f.rd)}
            columns = {"unit": Unit.VECTOR_DOT, "signed": signed, "size": 0, "arg": flags}
            return {**columns, **rows, **written(vector(f.rd))}

        return lower

    for unsigned, name in enumerate(("sdot", "udot")):
        lower = lower_as(1 - unsigned)
        _add(group, name, f"0 q:1 {unsigned} 01110 10 0 rm:5 10010 1 rn:5 rd:5", lower)
        pattern = f"0 q:1 {unsigned} 01111 10 l:1 rm:5 1110 h:1 0 rn:5 rd:5"
        _add(group, name, pattern, lower)


def _polynomial() -> None:
    group = "Vector multiply"

    def lower(f: Fields) -> dict[str, Any]:
        flags = arg(count=u(8) << f.q)
        rows = {"rn": vector(f.rn), "rm": vector(f.rm), **written(vector(f.rd))}
        return {"unit": Unit.VECTOR_POLYNOMIAL, "size": 0, "arg": flags, **rows}

    def long(f: Fields) -> dict[str, Any]:
        rows = {"rn": vector(f.rn) + f.q, "rm": vector(f.rm) + f.q, **written(vector(f.rd))}
        return {"unit": Unit.VECTOR_POLYNOMIAL, "size": 0, "arg": arg(count=8, result=1), **rows}

    _add(group, "pmul", "0 q:1 1 01110 00 1 rm:5 10011 1 rn:5 rd:5", lower)
    _add(group, "pmull", "0 q:1 0 01110 00 1 rm:5 1110 00 rn:5 rd:5", long)


# -- long, wide and narrow sums ---------------------------------------------------------


def _sums() -> None:
    group = "Vector long and narrow"

    def long(f: Fields, signed: int, name: str) -> list[dict[str, Any]]:
        kept = la.width(f.size + u(1), 1, False)
        target = written(vector(f.rd))
        # Vd may be a source: it holds the widened Vn only once Vm has been read.
        second = {**widen(vector(f.rm) + f.q, f.size, signed), **LATCHED}
        first = {**widen(vector(f.rn) + f.q, f.size, signed), **target}
        return chain(second, first, arith(name, vector(f.rd), LATCH, **kept, **target))

    def wide(f: Fields, signed: int, name: str) -> list[dict[str, Any]]:
        kept = la.width(f.size + u(1), 1, False)
        second = {**widen(vector(f.rm) + f.q, f.size, signed), **LATCHED}
        return chain(second, arith(name, vector(f.rn), LATCH, **kept, **written(vector(f.rd))))

    def high(f: Fields, rounding: int, name: str) -> list[dict[str, Any]]:
        kept = la.width(f.size + u(1), 1, False)
        total = arith(name, vector(f.rn), vector(f.rm), **kept, **LATCHED)
        amount = u(8) << f.size
        half = truncate(LATCH, f.size, amount)
        if rounding:
            half = narrow(LATCH, f.size, amount=amount, rounding=1)
        return chain(total, {**half, **written_part(f.rd, f.q)})

    def distance(f: Fields, signed: int, name: str) -> list[dict[str, Any]]:
        prefix = "s" if signed else "u"
        kept = la.width(f.size, 1, False)
        part = arith(prefix + "abd", vector(f.rn), vector(f.rm), **kept, **LATCHED)
        wider = widen(u(LATCH) + f.q, f.size, 0)
        if not name:
            return chain(part, {**wider, **written(vector(f.rd))})
        kept = la.width(f.size + u(1), 1, False)
        return chain(part, {**wider, **LATCHED}, accumulate(name, f.rd, **kept))

    for opcode, names, build, adds in (
        (0b0000, ("saddl", "uaddl"), long, "add"),
        (0b0001, ("saddw", "uaddw"), wide, "add"),
        (0b0010, ("ssubl", "usubl"), long, "sub"),
        (0b0011, ("ssubw", "usubw"), wide, "sub"),
        (0b0100, ("addhn", "raddhn"), high, "add"),
        (0b0101, ("sabal", "uabal"), distance, "add"),
        (0b0110, ("subhn", "rsubhn"), high, "sub"),
        (0b0111, ("sabdl", "uabdl"), distance, ""),
    ):
        for unsigned, name in enumerate(names):
            choice = unsigned if build is high else 1 - unsigned

            def lower(f: Fields, build: Any = build, choice: int = choice, adds: str = adds) -> Any:
                return build(f, choice, adds)

            pattern = f"0 q:1 {unsigned} 01110 size:2 1 rm:5 {opcode:04b} 00 rn:5 rd:5"
            _add(group, name, pattern, lower, _small)


def _long_pairs() -> None:
    group = "Vector pairwise"
    for unsigned, prefix in enumerate("su"):

        def pairs(f: Fields, signed: int = 1 - unsigned) -> dict[str, Any]:
            flags = arg(count=(u(4) << f.q) >> f.size, result=f.size + u(1))
            columns = {"unit": Unit.VECTOR_ADD_PAIRS, "size": f.size, "signed": signed}
            return {**columns, "arg": flags, "rn": vector(f.rn)}

        def lower(f: Fields, pairs: Any = pairs) -> dict[str, Any]:
            return {**pairs(f), **written(vector(f.rd))}

        def added(f: Fields, pairs: Any = pairs) -> list[dict[str, Any]]:
            kept = la.width(f.size + u(1), f.q, False)
            return chain({**pairs(f), **LATCHED}, accumulate("add", f.rd, **kept))

        head = f"0 q:1 {unsigned} 01110 size:2 10000"
        _add(group, prefix + "addlp", f"{head} 00010 10 rn:5 rd:5", lower, _small)
        _add(group, prefix + "adalp", f"{head} 00110 10 rn:5 rd:5", added, _small)


def _narrowing() -> None:
    group = "Vector long and narrow"

    def cut(f: Fields) -> dict[str, Any]:
        return {**truncate(vector(f.rn), f.size, 0), **written_part(f.rd, f.q)}

    _add(group, "xtn", "0 q:1 0 01110 size:2 10000 10010 10 rn:5 rd:5", cut, _small)

    def saturating(scalar: bool, signed: int, to_signed: int) -> Any:
        flags = {"signed": signed, "saturate": 1, "to_signed": to_signed}

        def lower(f: Fields) -> dict[str, Any]:
            part = written(vector(f.rd)) if scalar else written_part(f.rd, f.q)
            return {**narrow(vector(f.rn), f.size, scalar, **flags), **part}

        return lower

    for unsigned, opcode, name, signed, to_signed in (
        (1, 0b10010, "sqxtun", 1, 0),
        (0, 0b10100, "sqxtn", 1, 1),
        (1, 0b10100, "uqxtn", 0, 0),
    ):
        tail = f"size:2 10000 {opcode:05b} 10 rn:5 rd:5"
        lower = saturating(False, signed, to_signed)
        _add(group, name, f"0 q:1 {unsigned} 01110 {tail}", lower, _small)
        lower = saturating(True, signed, to_signed)
        _add(group, name, f"01 {unsigned} 11110 {tail}", lower, _small)

    def left(f: Fields) -> dict[str, Any]:
        amount = u(8) << f.size
        return {**widen(vector(f.rn) + f.q, f.size, 0, amount), **written(vector(f.rd))}

    _add(group, "shll", "0 q:1 1 01110 size:2 10000 10011 10 rn:5 rd:5", left, _small)


# -- across lanes -----------------------------------------------------------------------


def _across() -> None:
    group = "Vector across lanes"

    def lower_as(op: int, signed: int, long: int) -> Any:
        def lower(f: Fields) -> dict[str, Any]:
            lanes: Columns = count(f.size, f.q, False)
            flags = arg(count=lanes, result=f.size + u(long))
            columns = {"unit": Unit.VECTOR_REDUCE, "op": op, "signed": signed, "size": f.size}
            return {**columns, "arg": flags, "rn": vector(f.rn), **written(vector(f.rd))}

        return lower

    for unsigned, opcode, name, op, long in (
        (0, 0b00011, "saddlv", la.TOTAL, 1),
        (1, 0b00011, "uaddlv", la.TOTAL, 1),
        (0, 0b01010, "smaxv", la.MAXIMUM, 0),
        (1, 0b01010, "umaxv", la.MAXIMUM, 0),
        (0, 0b11010, "sminv", la.MINIMUM, 0),
        (1, 0b11010, "uminv", la.MINIMUM, 0),
        (0, 0b11011, "addv", la.TOTAL, 0),
    ):
        pattern = f"0 q:1 {unsigned} 01110 size:2 11000 {opcode:05b} 10 rn:5 rd:5"
        lower = lower_as(op, 1 - unsigned, long)
        _add(group, name, pattern, lower, lambda f: (f.size < 2) | ((f.size == 2) & (f.q == 1)))


_products()
_by_element()
_rounded_sums()
_dots()
_polynomial()
_sums()
_long_pairs()
_narrowing()
_across()
