"""The machine's own step over SMT bit-vectors: its jaxpr, read with other values.

JAX traces `commit(execute(...))` once into a jaxpr of some thirty kinds of operation.  Here
each is given a meaning for cells that are Python integers or z3 bit-vectors, so that what is
proved about a program is proved about the machine that runs it, not about a second description
of A64.  A decoded instruction is known, so whatever depends on it alone (which unit, which
rows) is computed in integers and only register values become terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import z3

Cell: TypeAlias = "int | z3.BitVecRef"  # an element of an array; a truth value is one bit


class UnreadableError(TypeError):
    """An operation of the step that has no meaning for symbols here; names it."""


def width(dtype: Any) -> int:
    """Bits of an element; a truth value has one."""
    return 1 if dtype == np.bool_ else 8 * np.dtype(dtype).itemsize


def _signed(x: int, bits: int) -> int:
    return x - (1 << bits) if x >> (bits - 1) else x


def _truth(x: z3.BoolRef) -> z3.BitVecRef:
    return z3.If(x, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def _shift_integer(x: int, n: int, bits: int, kind: str) -> int:
    if kind == "left":
        return x << n if n < bits else 0
    if kind == "right":
        return x >> n if n < bits else 0
    return _signed(x, bits) >> min(n, bits - 1)


def _clz(x: Any) -> Any:
    bits = x.size()
    out = z3.BitVecVal(bits, bits)
    for k in range(bits):
        out = z3.If(z3.Extract(k, k, x) == 1, z3.BitVecVal(bits - 1 - k, bits), out)
    return out


def _ordered(integer: Callable, unsigned: Callable, signed: Callable) -> tuple:
    """A comparison: (integers, unsigned terms, signed terms)."""
    return (
        lambda x, y, bits, neg: integer(*((_signed(v, bits) if neg else v) for v in (x, y))),
        lambda x, y, neg: _truth(signed(x, y) if neg else unsigned(x, y)),
    )


def _chosen(smallest: bool) -> tuple:
    def integers(x: int, y: int, bits: int, neg: bool) -> int:
        def key(v: int) -> int:
            return _signed(v, bits) if neg else v

        return min(x, y, key=key) if smallest else max(x, y, key=key)

    def terms(x: Any, y: Any, neg: bool) -> Any:
        less = x < y if neg else z3.ULT(x, y)
        return z3.If(less, x, y) if smallest else z3.If(less, y, x)

    return integers, terms


# Elementwise operations: (on integers x, y, bits, signed; on terms x, y, signed).
BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "and": (lambda x, y, b, s: x & y, lambda x, y, s: x & y),
    "or": (lambda x, y, b, s: x | y, lambda x, y, s: x | y),
    "xor": (lambda x, y, b, s: x ^ y, lambda x, y, s: x ^ y),
    "add": (lambda x, y, b, s: x + y, lambda x, y, s: x + y),
    "sub": (lambda x, y, b, s: x - y, lambda x, y, s: x - y),
    "mul": (lambda x, y, b, s: x * y, lambda x, y, s: x * y),
    "shift_left": (lambda x, y, b, s: _shift_integer(x, y, b, "left"), lambda x, y, s: x << y),
    "shift_right_logical": (
        lambda x, y, b, s: _shift_integer(x, y, b, "right"),
        lambda x, y, s: z3.LShR(x, y),
    ),
    "shift_right_arithmetic": (
        lambda x, y, b, s: _shift_integer(x, y, b, "sign"),
        lambda x, y, s: x >> y,
    ),
    "eq": (lambda x, y, b, s: int(x == y), lambda x, y, s: _truth(x == y)),
    "ne": (lambda x, y, b, s: int(x != y), lambda x, y, s: _truth(x != y)),
    "lt": _ordered(lambda x, y: int(x < y), z3.ULT, lambda x, y: x < y),
    "le": _ordered(lambda x, y: int(x <= y), z3.ULE, lambda x, y: x <= y),
    "gt": _ordered(lambda x, y: int(x > y), z3.UGT, lambda x, y: x > y),
    "ge": _ordered(lambda x, y: int(x >= y), z3.UGE, lambda x, y: x >= y),
    "min": _chosen(True),
    "max": _chosen(False),
    "div": (lambda x, y, b, s: x // y if y else -1, lambda x, y, s: z3.UDiv(x, y)),
}
UNARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "not": (lambda x, b: ~x, lambda x: ~x),
    "neg": (lambda x, b: -x, lambda x: -x),
    "clz": (lambda x, b: b - x.bit_length(), _clz),
}


def binary(name: str, x: Cell, y: Cell, dtype: Any) -> Cell:
    """An elementwise operation on two cells of `dtype`; comparisons give one bit."""
    bits, signed = width(dtype), np.dtype(dtype).kind == "i"
    if name == "div" and signed:
        raise UnreadableError("division of signed elements")
    on_integers, on_terms = BINARY[name]
    if isinstance(x, int) and isinstance(y, int):
        return on_integers(x, y, bits, signed) & ((1 << bits) - 1)
    # Whatever the other operand is, these are known; without them no index would be.
    if name in ("and", "mul") and 0 in (_number(x), _number(y)):
        return 0
    if name == "or":
        limbs = _limbs(x, y, bits)
        if limbs is not None:
            return join(limbs, bits // 2)
    return on_terms(term(x, bits), term(y, bits), signed)


def _limbs(low: Cell, high: Cell, bits: int) -> list[Cell] | None:
    """The halves of a word put together as `low | high << bits // 2` (`word.join_anew`)."""
    half = bits // 2
    extended = z3.Z3_OP_ZERO_EXT
    if isinstance(low, int) or isinstance(high, int) or not z3.is_app_of(high, z3.Z3_OP_BSHL):
        return None
    upper, amount = high.children()
    if not (z3.is_bv_value(amount) and amount.as_long() == half):
        return None
    if not (z3.is_app_of(low, extended) and z3.is_app_of(upper, extended)):
        return None
    parts: list[Cell] = [low.arg(0), upper.arg(0)]
    return parts if all(part.size() == half for part in (low.arg(0), upper.arg(0))) else None


def _number(x: Cell) -> int | None:
    return x if isinstance(x, int) else None


def unary(name: str, x: Cell, dtype: Any) -> Cell:
    """An elementwise operation on one cell of `dtype`."""
    bits = width(dtype)
    on_integers, on_terms = UNARY[name]
    return on_integers(x, bits) & ((1 << bits) - 1) if isinstance(x, int) else on_terms(x)


def term(x: Cell, bits: int) -> z3.BitVecRef:
    """A cell as a bit-vector."""
    return z3.BitVecVal(x, bits) if isinstance(x, int) else x


def select(which: Cell, *cases: Cell, bits: int) -> Cell:
    """`cases[which]`."""
    if isinstance(which, int):
        return cases[which]
    out = term(cases[-1], bits)
    for k in reversed(range(len(cases) - 1)):
        out = z3.If(which == k, term(cases[k], bits), out)
    return out


def convert(x: Cell, source: Any, target: Any) -> Cell:
    """An element of another integer type: cut, or extended by its own sign."""
    before, after = width(source), width(target)
    signed = np.dtype(source).kind == "i"
    if target == np.bool_ and source != np.bool_:
        return binary("ne", x, 0, source)
    if isinstance(x, int):
        return (_signed(x, before) if signed else x) & ((1 << after) - 1)
    if after <= before:
        return z3.Extract(after - 1, 0, x) if after < before else x
    return (z3.SignExt if signed else z3.ZeroExt)(after - before, x)


def split(x: Cell, parts: int, bits: int) -> list[Cell]:
    """A cell as `parts` of `bits`, the lowest first."""
    if isinstance(x, int):
        return [(x >> (bits * k)) & ((1 << bits) - 1) for k in range(parts)]
    return [z3.Extract(bits * (k + 1) - 1, bits * k, x) for k in range(parts)]


def join(cells: list[Cell], bits: int) -> Cell:
    """Cells of `bits`, the lowest first, as one."""
    if all(isinstance(cell, int) for cell in cells):
        return sum(cell << (bits * k) for k, cell in enumerate(cells))  # type: ignore[operator]
    whole = _whole(cells, bits)
    if whole is not None:
        return whole
    return z3.simplify(z3.Concat(*(term(cell, bits) for cell in reversed(cells))))


def _whole(cells: list[Cell], bits: int) -> z3.BitVecRef | None:
    """The term that the cells are all the parts of: limbs of one word, stored and read again.

    Terms that stay whole are what the solver sees through; two half products are not.
    """
    source = None
    for k, cell in enumerate(cells):
        if isinstance(cell, int) or not z3.is_app_of(cell, z3.Z3_OP_EXTRACT):
            return None
        if cell.params() != [bits * (k + 1) - 1, bits * k]:
            return None
        if source is not None and not source.eq(cell.arg(0)):
            return None
        source = cell.arg(0)
    return source if source is not None and source.size() == bits * len(cells) else None
