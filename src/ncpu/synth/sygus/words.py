"""Operators of bit vectors; a batch of them is uint64."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ncpu.synth.operators import TABLE
from ncpu.synth.sygus.operation import (
    BOOL,
    WIDEST,
    Indices,
    Operation,
    Sort,
    Sorts,
    alike,
    bits,
)


def _row(name: str) -> Callable[..., Any]:
    row = TABLE[name].batched
    return lambda sorts, indices, *xs: reduce(lambda a, b: row(sorts[0].width, a, b), xs)


def _unary(name: str) -> Callable[..., Any]:
    return lambda sorts, indices, x: TABLE[name].batched(sorts[0].width, x)


def _flipped(name: str) -> Callable[..., Any]:
    return lambda sorts, indices, a, b: TABLE[name].batched(sorts[0].width, b, a)


def _inverted(name: str) -> Callable[..., Any]:
    row = _row(name)
    return lambda sorts, indices, *xs: TABLE["unot"].batched(
        sorts[0].width, row(sorts, indices, *xs)
    )


def _signed_division(name: str, sign: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Of magnitudes; the result is negated where `sign` of the operands' signs says so."""

    def batched(sorts: Sorts, indices: Indices, a: Any, b: Any) -> Any:
        width = sorts[0].width
        negate = TABLE["uneg"].batched
        minus = [x >> np.uint64(width - 1) != 0 for x in (a, b)]
        sizes = [np.where(m, negate(width, x), x) for m, x in zip(minus, (a, b), strict=True)]
        made = TABLE[name].batched(width, *sizes)
        return np.where(sign(*minus), negate(width, made), made)

    return batched


def _rotate(left: bool) -> Callable[..., Any]:
    def batched(sorts: Sorts, indices: Indices, x: Any) -> Any:
        width = sorts[0].width
        by = np.full_like(x, indices[0] % width if left else -indices[0] % width)
        up, down = TABLE["ushl"].batched, TABLE["ushr"].batched
        return up(width, x, by) | down(width, x, np.uint64(width) - by)

    return batched


def _extract(sorts: Sorts, indices: Indices) -> Sort | None:
    fits = len(sorts) == 1 and sorts[0].width and len(indices) == 2
    fits = fits and 0 <= indices[1] <= indices[0] < sorts[0].width
    return bits(indices[0] - indices[1] + 1) if fits else None


def _extend(sorts: Sorts, indices: Indices) -> Sort | None:
    fits = len(sorts) == 1 and sorts[0].width and len(indices) == 1
    fits = fits and 0 <= indices[0] <= WIDEST - sorts[0].width
    return bits(sorts[0].width + indices[0]) if fits else None


def _sign_extend(sorts: Sorts, indices: Indices, x: Any) -> Any:
    old = sorts[0].width
    high = np.uint64((1 << (old + indices[0])) - (1 << old))
    return np.where(x >> np.uint64(old - 1) != 0, x | high, x)


def _concat(sorts: Sorts, indices: Indices) -> Sort | None:
    total = sum(sort.width for sort in sorts)
    fits = len(sorts) == 2 and all(s.width for s in sorts) and total <= WIDEST and not indices
    return bits(total) if fits else None


def _rotation(sorts: Sorts, indices: Indices) -> Sort | None:
    return sorts[0] if len(sorts) == 1 and sorts[0].width and len(indices) == 1 else None


def word_operations() -> dict[str, Operation]:
    """The rows of this theory."""
    several, two, one = alike("BitVec", 2), alike("BitVec", 2, 2), alike("BitVec", 1, 1)
    compared = alike("BitVec", 2, 2, BOOL)
    same = {"bvadd": "uadd", "bvmul": "umul", "bvand": "uand", "bvor": "uor", "bvxor": "uxor"}
    pairs = {"bvsub": "usub", "bvshl": "ushl", "bvlshr": "ushr", "bvashr": "uashr",
             "bvudiv": "udiv", "bvurem": "urem"}  # fmt: skip
    made = {name: Operation(several, _row(row), True) for name, row in same.items()}
    made |= {name: Operation(two, _row(row)) for name, row in pairs.items()}
    for name, row in {"bvnand": "uand", "bvnor": "uor", "bvxnor": "uxor"}.items():
        made[name] = Operation(two, _inverted(row), True)
    for name, row in {"lt": "lt", "le": "le"}.items():
        for sign, prefix in (("u", "u"), ("s", "us")):
            made[f"bv{sign}{name}"] = Operation(compared, _row(prefix + row))
            other = {"lt": "gt", "le": "ge"}[name]
            made[f"bv{sign}{other}"] = Operation(compared, _flipped(prefix + row))
    return made | {
        "bvnot": Operation(one, _unary("unot")),
        "bvneg": Operation(one, _unary("uneg")),
        "bvsdiv": Operation(two, _signed_division("udiv", np.not_equal)),
        "bvsrem": Operation(two, _signed_division("urem", lambda a, b: a)),
        "extract": Operation(
            _extract,
            lambda s, k, x: (x >> np.uint64(k[1])) & np.uint64((1 << (k[0] - k[1] + 1)) - 1),
        ),
        "zero_extend": Operation(_extend, lambda s, k, x: x),
        "sign_extend": Operation(_extend, _sign_extend),
        "concat": Operation(_concat, lambda s, k, a, b: (a << np.uint64(s[1].width)) | b),
        "rotate_left": Operation(_rotation, _rotate(True)),
        "rotate_right": Operation(_rotation, _rotate(False)),
    }
