"""Transfers of the floating-point units: which elements one reads and where its result goes.

A vector instruction is one transfer an element.  Each reads its elements from rows of
the register file, adds its result to what LATCH holds, and the final one writes Vd, so
that Vd may be a source as well.  A scalar instruction is the case of one element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ncpu.machine.isa.lowering import Columns, chain, u, vector, where
from ncpu.machine.state import LATCH, SINK, ZR

# Fields of `Instr.arg`: (lowest bit, width).  Places are in units of 16 bits.
ARG = {
    "n": (0, 2),  # place of the first operand in row rn
    "m": (2, 2),  # of the second in row rm
    "a": (4, 2),  # of the addend in row ra
    "to": (6, 3),  # place of the result in 128 bits
    "first": (9, 1),  # nothing is in LATCH yet
    "result": (10, 2),  # log2 of the result's bytes
    "extra": (12, 20),  # the unit's own
}


class Element(NamedTuple):
    """Where a transfer finds an operand."""

    row: Any
    place: Any


NOTHING = Element(u(ZR), u(0))


def element(reg: Columns, index: Any, fmt: Any) -> Element:
    """Element `index` of a vector register, of 2**fmt bytes."""
    place = u(index) << (u(fmt) - u(1))
    return Element(vector(reg) + (place >> u(2)), place & u(3))


def low(reg: Columns) -> Element:
    """The scalar in a vector register."""
    return Element(vector(reg), u(0))


def rows(reg: Columns) -> dict[str, Any]:
    """Vector register `reg` as destination of both halves of a result."""
    return {"rd": vector(reg), "rd2": vector(reg) + u(1)}


def transfer(
    kind: dict[str, Any],
    fmt: Any,
    n: Element = NOTHING,
    m: Element = NOTHING,
    a: Element = NOTHING,
    *,
    to: Any = 0,
    first: bool = True,
    result: Any = None,
) -> dict[str, Any]:
    """One operation on one element, without its destination.

    Args:
      kind: `unit` and, as the unit needs, `op`, `cond` and `extra`.
      fmt: log2 of the operands' bytes.
      n, m, a: operands.
      to: index of the result among elements of its size.
      first: start a new result instead of adding to the one in LATCH.
      result: log2 of the result's bytes, `fmt` when left out.
    """
    columns = {name: value for name, value in kind.items() if name != "extra"}
    result = u(fmt if result is None else result)
    values = {
        "n": n.place,
        "m": m.place,
        "a": a.place,
        "to": u(to) << (result - u(1)),
        "first": int(first),
        "result": result,
        "extra": kind.get("extra", 0),
    }
    arg = u(0)
    for name, (lowest, _) in ARG.items():
        arg = arg | (u(values[name]) << u(lowest))
    return {**columns, "size": u(fmt), "arg": arg, "rn": n.row, "rm": m.row, "ra": a.row}


def elementwise(
    kind: dict[str, Any],
    fmt: Any,
    rd: Columns,
    count: Any,
    operands: Callable[[int], dict[str, Element]],
    *,
    most: int,
    result: Any = None,
    upper: Any = 0,
) -> list[dict[str, Any]]:
    """One operation on each of `count` (at most `most`) elements, into vector register `rd`.

    Args:
      kind, fmt, result: as for `transfer`.
      rd: destination register.
      count: elements of the result.
      operands: `n`, `m` and `a` of element k.
      most: the largest `count` of the row.
      upper: 1 where the result is the register's upper half and the lower stays as it is.
    """
    count, upper = u(count), u(upper)
    parts = []
    for k in range(most):
        final = count == k + 1
        part = transfer(
            kind, fmt, **operands(k), to=u(k) + count * upper, first=k == 0, result=result
        )
        whole = rows(rd)
        part["rd"] = where(final, where(upper == 1, SINK, whole["rd"]), LATCH)
        part["rd2"] = where(final, whole["rd2"], LATCH + 1)
        parts.append({**part, "skip": count <= k})
    return chain(*parts)


def reduction(
    kind: dict[str, Any], fmt: int, rd: Columns, rn: Columns, count: int
) -> list[dict[str, Any]]:
    """Elements of `rn` combined in pairs, then the results in pairs, down to one (Reduce()).

    Intermediate results are elements of LATCH, each level behind the one before.
    """
    level = [element(rn, k, fmt) for k in range(count)]
    parts: list[dict[str, Any]] = []
    while len(level) > 1:
        results = []
        for left, right in zip(level[::2], level[1::2], strict=True):
            final = len(level) == 2
            to = 0 if final else len(parts)
            part = transfer(kind, fmt, left, right, to=to, first=final or not parts)
            place = to << (fmt - 1)
            results.append(Element(u(LATCH + (place >> 2)), u(place & 3)))
            parts.append({**part, **(rows(rd) if final else {"rd": LATCH, "rd2": LATCH + 1})})
        level = results
    return chain(*parts)


def arrangement(fmt: Any, q: Any) -> Columns:
    """Elements of 2**fmt bytes in a vector of 8 (q = 0) or 16 bytes."""
    return np.asarray((u(8) << u(q)) >> u(fmt))
