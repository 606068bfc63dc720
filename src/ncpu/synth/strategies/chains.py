"""Chains of invertible steps of one word: `x ^ x << k`, rotations, byte and bit reversal.

Chains from the argument forwards and from the result backwards are looked up in each other, so
that two steps from either side reach four.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ncpu.synth.expression import Expr, arg, call, const
from ncpu.synth.operators import TABLE, apply
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import Kind

_STEP = 2.5  # cost of one step
_MANY = 1 << 15  # chains kept on one side

Values = np.ndarray


@dataclass(frozen=True)
class Step:
    """An invertible function of words.

    Attributes:
      forward: its values on `u64[...]`.
      backward: those of its inverse.
      write: its expression over another.
    """

    forward: Callable[[Values], Values] = field(repr=False)
    backward: Callable[[Values], Values] = field(repr=False)
    write: Callable[[Expr], Expr] = field(repr=False)


@dataclass(frozen=True)
class Chains:
    """Steps one after the other.

    Attributes:
      name: what reports call it.
    """

    name: str = "chain"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The shortest chain from the only argument to the result."""
        start = time.perf_counter()
        if (*spec.signature.arguments, spec.signature.result) != (Kind.U, Kind.U):
            return None
        if spec.operators is not None:
            return None
        steps = list(steps_of(spec.signature.width))
        given, wanted = spec.arguments[0][None], spec.results[None]
        if len(np.unique(wanted)) < len(np.unique(given)):
            return None  # no chain is
        odd = np.random.default_rng(1).integers(1, 1 << 63, wanted.shape[1], np.uint64) | np.uint64(
            1
        )
        for ahead, back in ((0, 1), (1, 1), (1, 2)):
            if time.perf_counter() - start > budget.seconds:
                return None
            path = _meeting(steps, given, wanted, odd, ahead, back)
            if path is not None:
                program = arg(0, Kind.U)
                for step in path:
                    program = steps[step].write(program)
                return solution(self.name, spec, program, start, cost=1 + _STEP * len(path))
        return None


def steps_of(width: int) -> Iterator[Step]:
    """All steps at one width."""
    full = np.uint64((1 << width) - 1)
    for name in ("unot", "urbit", "urev"):
        row = TABLE[name]
        same = lambda v, row=row: apply(row, (v,), width)  # noqa: E731
        yield Step(same, same, lambda e, name=name: call(name, e))
    for op, left in (("ushl", True), ("ushr", False)):
        for k in range(1, width):
            one = lambda v, k=k, left=left: v ^ _shifted(v, k, left, full)  # noqa: E731
            whole = lambda v, k=k, left=left: _undone(v, k, left, width)  # noqa: E731
            yield Step(one, whole, lambda e, k=k, op=op: _mixed(e, op, k))
            yield Step(whole, one, lambda e, k=k, op=op: _unmixed(e, op, k, width))
    for k in range(1, width):
        turn = lambda v, k=k: _turned(v, k, width)  # noqa: E731
        turn_back = lambda v, k=k: _turned(v, width - k, width)  # noqa: E731
        yield Step(turn, turn_back, lambda e, k=k: call(
            "uor", _moved(e, "ushl", k), _moved(e, "ushr", width - k)))  # fmt: skip


def _shifted(v: Values, k: int, left: bool, full: np.uint64) -> Values:
    return v << np.uint64(k) & full if left else v >> np.uint64(k)


def _undone(v: Values, k: int, left: bool, width: int) -> Values:
    """The inverse of `v ^ v << k`: the same step with k, 2 k, 4 k, ..."""
    full = np.uint64((1 << width) - 1)
    while k < width:
        v, k = v ^ _shifted(v, k, left, full), 2 * k
    return v


def _turned(v: Values, k: int, width: int) -> Values:
    full = np.uint64((1 << width) - 1)
    return v << np.uint64(k) & full | v >> np.uint64(width - k)


def _moved(expr: Expr, op: str, k: int) -> Expr:
    return call(op, expr, const(k, Kind.U))


def _mixed(expr: Expr, op: str, k: int) -> Expr:
    return call("uxor", expr, _moved(expr, op, k))


def _unmixed(expr: Expr, op: str, k: int, width: int) -> Expr:
    while k < width:
        expr, k = _mixed(expr, op, k), 2 * k
    return expr


def _meeting(
    steps: list[Step], given: Values, wanted: Values, odd: Values, ahead: int, back: int
) -> list[int] | None:
    """Places of the steps of a chain that leads from one to the other."""
    forwards, forward_paths = _spread(given, [s.forward for s in steps], ahead)
    backwards, backward_paths = _spread(wanted, [s.backward for s in steps], back)
    known = {int(h): k for k, h in enumerate(forwards @ odd)}
    for k, value in enumerate((backwards @ odd).tolist()):
        other = known.get(value)
        if other is not None and np.array_equal(forwards[other], backwards[k]):
            return [*forward_paths[other], *reversed(backward_paths[k])]
    return None


def _spread(
    values: Values, functions: list[Callable[[Values], Values]], depth: int
) -> tuple[Values, list[list[int]]]:
    """What chains of this many steps make of one row, and their steps."""
    paths: list[list[int]] = [[]]
    for _ in range(depth):
        values = np.concatenate([function(values) for function in functions])
        paths = [[*path, k] for k in range(len(functions)) for path in paths]
    return values, paths
