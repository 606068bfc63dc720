"""Inverses of growing functions: the first register at which a term reaches an argument."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np

from ncpu.synth.expression import Expr, call, loop, substitute
from ncpu.synth.sketch.finish import Gathered, together
from ncpu.synth.sketch.registers import ONE, R0, TWO, ZERO, Machine, check, functions, machine
from ncpu.synth.spec import SynthesisSpec

_LAST = 2048  # registers tried; no term overflows there


def inverses(spec: SynthesisSpec, deadline: float) -> Iterator[Gathered]:
    """Where a growing term reaches an argument, or exceeds it, and the term there.

    Raises:
      OutOfBudget: at the deadline.
    """
    whole = machine(spec)
    if whole is None:
        return
    blocks: dict[bytes, list[Gathered]] = {}
    terms = _terms()
    for rank, (term, value) in enumerate(zip(terms, functions(terms, [R0.data]), strict=True)):
        check(deadline)
        values = value(np.arange(_LAST))
        for place in range(len(whole.arguments)):
            for guard in ("lt", "le"):
                block = _reached(whole, place, guard, term, values, 2 + rank / 4)
                if block is not None:
                    blocks.setdefault(block.chosen.tobytes(), []).append(block)
    for group in blocks.values():
        if (block := together(group)) is not None:
            yield block


def _terms() -> list[Expr]:
    """Products of two or three linear terms of the register, those of two also halved."""
    linear = (R0, call("add", R0, ONE), call("add", call("add", R0, R0), ONE))
    two = [call("mul", *pair) for pair in combinations_with_replacement(linear, 2)]
    three = [call("mul", call("mul", a, b), c)
             for a, b, c in combinations_with_replacement(linear, 3)]  # fmt: skip
    return sorted([*two, *three, *(call("div", e, TWO) for e in two)], key=lambda e: e.size)


def _reached(
    whole: Machine, place: int, guard: str, term: Expr, values: np.ndarray, cost: float
) -> Gathered | None:
    """One term against one argument; None if few examples' arguments are reached."""
    bound = whole.arguments[place]
    ends = np.searchsorted(values, bound.values, side="left" if guard == "lt" else "right")
    chosen = np.flatnonzero(ends < _LAST)
    if len(chosen) < max(3, whole.count // 2) or not ends[chosen].any():
        return None
    ends = ends[chosen]
    held = call(guard, term, bound.expr)
    found = loop("while", held, ZERO, call("add", R0, ONE), registers=1)

    def make(place: int) -> Expr:
        return substitute(term, {R0: found}) if place else found

    rows = np.stack([ends, values[ends]])
    return Gathered(rows, np.array([cost, cost + 0.5]), make, whole.chosen[chosen])
