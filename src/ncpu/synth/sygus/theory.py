"""The theories: sorts, and every operator's typing rule with its meaning over batches.

Meanings are SMT-LIB's: `div` and `mod` leave a remainder of at least 0 and are not defined at a
divisor of 0 (the value here is then 0, and `Term.evaluate` tells); bit-vector division by zero is
all ones; `str.to_int` of anything but digits is -1.  A batch of `Int` is int64, which wraps, while
searching, and object (Python's integers, exact) while checking; `BitVec` is uint64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np

from ncpu.synth import codegen_runtime as rt
from ncpu.synth.sygus.operation import (
    BOOL,
    INT,
    LOGICS,
    STRING,
    WIDEST,
    Indices,
    Operation,
    Sort,
    Sorts,
    alike,
    any_alike,
    bits,
    chain,
    choice,
    each,
    exactly,
    left,
    plain,
    right,
)
from ncpu.synth.sygus.words import word_operations

__all__ = ["BOOL", "INT", "LOGICS", "OPERATIONS", "STRING", "WIDEST", "Sort", "bits"]


def _minus(sorts: Sorts, indices: Indices, *xs: Any) -> Any:
    return -xs[0] if len(xs) == 1 else reduce(lambda a, b: a - b, xs)


def _divide(a: Any, b: Any) -> Any:
    by = np.where(b == 0, 1, b)
    return np.where(b == 0, 0, np.where(by > 0, 1, -1) * (a // np.abs(by)))


def _remainder(a: Any, b: Any) -> Any:
    return np.where(b == 0, 0, a % np.abs(np.where(b == 0, 1, b)))


def _distinct(sorts: Sorts, indices: Indices, *xs: Any) -> Any:
    return reduce(np.logical_and, (a != b for a, b in combinations(xs, 2)))


def _integers() -> dict[str, Operation]:
    several, compared = alike("Int", 2), alike("Int", 2, result=BOOL)
    return {
        "+": Operation(several, left(lambda a, b: a + b), True),
        "-": Operation(alike("Int", 1), _minus),
        "*": Operation(several, left(lambda a, b: a * b), True),
        "div": Operation(several, left(_divide)),
        "mod": Operation(alike("Int", 2, 2), plain(_remainder)),
        "abs": Operation(alike("Int", 1, 1), plain(np.abs)),
        "<": Operation(compared, chain(lambda a, b: a < b)),
        "<=": Operation(compared, chain(lambda a, b: a <= b)),
        ">": Operation(compared, chain(lambda a, b: a > b)),
        ">=": Operation(compared, chain(lambda a, b: a >= b)),
    }


def _truth() -> dict[str, Operation]:
    several = alike("Bool", 2)
    return {
        "not": Operation(alike("Bool", 1, 1), plain(np.logical_not)),
        "and": Operation(several, left(np.logical_and), True),
        "or": Operation(several, left(np.logical_or), True),
        "xor": Operation(several, left(np.logical_xor), True),
        "=>": Operation(several, right(lambda a, b: np.logical_or(~a, b))),
        "=": Operation(any_alike, chain(lambda a, b: a == b), True),
        "distinct": Operation(any_alike, _distinct, True),
        "ite": Operation(choice, plain(np.where)),
    }


def _to_int(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


def _strings() -> dict[str, Operation]:
    i, b, s = INT, BOOL, STRING
    rows: dict[str, tuple[Sort, tuple[Sort, ...], Callable[..., Any]]] = {
        "str.len": (i, (s,), len),
        "str.at": (s, (s, i), lambda t, k: rt._substr(t, k, 1)),
        "str.substr": (s, (s, i, i), rt._substr),
        "str.indexof": (i, (s, s, i), rt._find),
        "str.replace": (s, (s, s, s), rt._replace_first),
        "str.replace_all": (s, (s, s, s), rt._replace),
        "str.contains": (b, (s, s), lambda t, part: part in t),
        "str.prefixof": (b, (s, s), lambda part, t: t.startswith(part)),
        "str.suffixof": (b, (s, s), lambda part, t: t.endswith(part)),
        "str.to_int": (i, (s,), _to_int),
        "str.from_int": (s, (i,), lambda k: str(k) if k >= 0 else ""),
        "str.to_code": (i, (s,), lambda t: ord(t) if len(t) == 1 else -1),
        "str.from_code": (s, (i,), lambda k: chr(k) if 0 <= k < 0x30000 else ""),
        "str.is_digit": (b, (s,), lambda t: len(t) == 1 and "0" <= t <= "9"),
        "str.<": (b, (s, s), lambda t, u: t < u),
        "str.<=": (b, (s, s), lambda t, u: t <= u),
    }
    made = {
        name: Operation(exactly(result, *given), each(f, len(given), bool if result == b else None))
        for name, (result, given, f) in rows.items()
    }
    made["str.++"] = Operation(alike("String", 2), left(lambda a, b: a + b))
    for old, new in (("str.to.int", "str.to_int"), ("int.to.str", "str.from_int")):
        made[old] = made[new]  # names of the first version of the format
    return made


OPERATIONS: dict[str, Operation] = _integers() | _truth() | word_operations() | _strings()
