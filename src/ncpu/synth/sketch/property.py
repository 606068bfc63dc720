"""Properties of numbers: a loop over a number's divisors or digits, and what is made of it.

A property compares the value of such a loop with the number, or is divisibility by constants.
Its truth on all small numbers does not depend on the examples, so that it is made once; how many
of them have it below an argument, their sum, and the next one are then looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import Expr, arg, call, const, local, loop, substitute
from ncpu.synth.sketch.finish import Gathered, together
from ncpu.synth.sketch.registers import ONE, R0, TWO, ZERO, Machine, check, machine
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind

_COUNT = 1024  # numbers looked up, from 0
_DIVISORS = tuple(range(2, 10))
_N = arg(0, Kind.I)  # the number itself
_X, _ACC = local("x1"), local("acc1")  # of the loop inside
_OUTER, _TOTAL = local("x0"), local("acc0")
_MISSING = np.int64(-(1 << 40))  # no such number


@dataclass(frozen=True)
class _Table:
    """Functions of a number, with their values on all small numbers `[n, numbers]`."""

    exprs: tuple[Expr, ...]
    values: np.ndarray
    costs: np.ndarray


def properties(spec: SynthesisSpec, deadline: float) -> Iterator[Gathered]:
    """Loops over an argument's digits or divisors, then numbers gathered by their properties.

    Raises:
      OutOfBudget: at the deadline.
    """
    whole = machine(spec)
    if whole is None:
        return
    for place in range(len(whole.arguments)):
        check(deadline)
        yield _written(whole, place)
        within = np.flatnonzero(np.abs(whole.arguments[place].values) < _COUNT - 1)
        if len(within) < max(3, whole.count // 2):
            continue
        few = whole.on(within)
        yield _looked_up(few, place, _sums())
        if spec.signature.result is Kind.I:
            blocks = [*_accumulated(few, place), *_searched(few, place)]
            if (block := together(blocks)) is not None:
                yield block


def _digit_loops() -> list[Expr]:
    """Sum, sum of squares, product and reversal of the digits in a few bases."""
    found = []
    square = call("mul", _X, _X)
    for base in (const(10, Kind.I), TWO):
        shifted = call("add", call("mul", _ACC, base), _X)
        forms = [(ZERO, shifted), (ZERO, call("add", _ACC, _X)), (ZERO, call("add", _ACC, square))]
        for start, step in [*forms, (ONE, call("mul", _ACC, _X))]:
            found.append(loop("fold", call("digits", _N, base), start, step, depth=1))
    return found


@lru_cache(maxsize=1)
def _sums() -> _Table:
    """Count and sum of the divisors, and of the numbers coprime, up to the number or below it."""
    numbers, x = np.arange(_COUNT)[:, None], np.arange(1, _COUNT + 1)[None]
    tests = [
        (call("eq", call("mod", _N, _X), ZERO), numbers % x == 0),
        (call("eq", call("gcd", _N, _X), ONE), np.gcd(numbers, x) == 1),
    ]
    exprs, rows = [], []
    for end, inside in ((call("add", _N, ONE), x <= numbers), (_N, x < numbers)):
        for test, holds in tests:
            for value, size in ((ONE, 1), (_X, x)):
                step = call("ite_i", test, call("add", _ACC, value), _ACC)
                exprs.append(loop("fold", call("range", ONE, end), ZERO, step, depth=1))
                rows.append(np.where(holds & inside, size, 0).sum(axis=1))
    costs = 2 + np.arange(len(rows)) / 4
    return _Table(tuple(exprs), np.array(rows, np.int64), costs)


@lru_cache(maxsize=1)
def _tests() -> _Table:
    """Properties of a number: a loop's value compared, and divisibility by constants."""
    numbers = np.arange(_COUNT)
    sums = _sums()
    digits = _digit_loops()
    loops = [*zip(sums.exprs, sums.values, strict=True)]
    loops += [(e, evaluate(e, [numbers])) for e in digits]
    exprs, rows = [], []
    for made, values in loops:
        sides: list[tuple[Expr, Any]] = [(ONE, 1), (TWO, 2), (_N, numbers)]
        sides.append((call("add", _N, _N), 2 * numbers))
        for side, value in sides:
            exprs += [call("eq", made, side), call("lt", side, made)]
            rows += [values == value, value < values]
    plain = [call("eq", call("mod", _N, const(d, Kind.I)), ZERO) for d in _DIVISORS]
    truth = [numbers % d == 0 for d in _DIVISORS]
    joined = list(combinations(range(len(plain)), 2))
    for name, ufunc in (("or", np.logical_or), ("and", np.logical_and)):
        plain += [call(name, plain[a], plain[b]) for a, b in joined]
        truth += [ufunc(truth[a], truth[b]) for a, b in joined]
    costs = np.concatenate([4 + np.arange(len(rows)) / 32, 4 + np.arange(len(truth)) / 32])
    return _Table((*exprs, *plain), np.array([*rows, *truth]), costs)


def _written(whole: Machine, place: int) -> Gathered:
    """Loops over the digits of an argument."""
    argument = whole.arguments[place]
    loops = _digit_loops()
    rows = np.stack([evaluate(e, [np.maximum(argument.values, 0)]) for e in loops])

    def make(k: int) -> Expr:
        return substitute(loops[k], {_N: argument.expr})

    return Gathered(rows, 2 + np.arange(len(loops)) / 4, make, whole.chosen)


def _looked_up(whole: Machine, place: int, table: _Table) -> Gathered:
    """A table's functions of an argument."""
    argument = whole.arguments[place]
    rows = table.values[:, np.maximum(argument.values, 0)]

    def make(k: int) -> Expr:
        return substitute(table.exprs[k], {_N: argument.expr})

    return Gathered(rows, table.costs, make, whole.chosen)


def _accumulated(whole: Machine, place: int) -> Iterator[Gathered]:
    """How many numbers have a property, up to an argument or below it, and their sum."""
    argument, table = whole.arguments[place], _tests()
    numbers = np.arange(_COUNT)
    limits = ((0, call("add", argument.expr, ONE)), (-1, argument.expr))
    for value, size in ((ONE, np.ones_like(numbers)), (_OUTER, numbers)):
        counted = np.where(table.values, size, 0)
        counted[:, 0] = 0
        counted = counted.cumsum(axis=1)
        for shift, end in limits:
            rows = counted[:, np.maximum(argument.values + shift, 0)]

            def make(k: int, end: Expr = end, value: Expr = value) -> Expr:
                test = substitute(table.exprs[k], {_N: _OUTER})
                step = call("ite_i", test, call("add", _TOTAL, value), _TOTAL)
                return loop("fold", call("range", ONE, end), ZERO, step)

            yield Gathered(rows, table.costs + 2, make, whole.chosen)


def _searched(whole: Machine, place: int) -> Iterator[Gathered]:
    """The next number, or the last before, that has a property."""
    argument, table = whole.arguments[place], _tests()
    following = np.where(table.values, np.arange(_COUNT), _COUNT)
    following = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    before = np.maximum.accumulate(np.where(table.values, np.arange(_COUNT), -1), axis=1)
    for op, found, none in (("add", following, _COUNT), ("sub", before, -1)):
        found = np.where(found == none, _MISSING, found)
        step = call(op, R0, ONE)
        for shift in (0, 1):
            start = call(op, argument.expr, ONE) if shift else argument.expr
            begun = argument.values + (shift if op == "add" else -shift)
            rows = np.where(begun < 0, _MISSING, found[:, np.maximum(begun, 0)])

            def make(k: int, start: Expr = start, step: Expr = step) -> Expr:
                missing = call("not", substitute(table.exprs[k], {_N: R0}))
                return loop("while", missing, start, step, registers=1)

            yield Gathered(rows, table.costs + 2, make, whole.chosen)
