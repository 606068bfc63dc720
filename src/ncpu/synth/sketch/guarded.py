"""Loops with a guard: one register runs until it fails, another gathers on the way.

The first register does not see the second, so its whole history is made once for every step and
start; guards only say where it ends, and the second register is run over what is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.expression import Expr, call, const, loop, walk
from ncpu.synth.operators import TABLE
from ncpu.synth.sketch.carry import steps
from ncpu.synth.sketch.finish import Gathered
from ncpu.synth.sketch.registers import EXAMPLES, ONE, R0, R1, TWO, ZERO, Machine, check, machine
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind

_OPS = ["add", "sub", "mul", "mod", "div"]
_STEPS, _GATHERED = 60, 36
_ROUNDS = 48
_FAR = 128
_GUARDS = 700  # enumerated, of searches that count up or down
_FEW = 60  # of them joined with a bound
_MOST = 3000  # ways to run the first register that others run beside
_SAMPLES = 24


@dataclass(frozen=True)
class _Runs:
    """Histories of the first register until a guard fails.

    Attributes:
      history: `[n, rounds + 1, examples used]`.
      ends: rounds until the guard fails, `[n, examples used]`.
      costs: `[n]`.
      parts: guard, start and step of each.
    """

    history: np.ndarray
    ends: np.ndarray
    costs: np.ndarray
    parts: list[tuple[Expr, Expr, Expr]]


def guarded(spec: SynthesisSpec, deadline: float) -> Iterator[Gathered]:
    """Where the first register ends, how long it takes, and what is gathered on the way.

    Raises:
      OutOfBudget: at the deadline.
    """
    whole = machine(spec)
    if whole is None:
        return
    largest = np.max(np.abs(np.stack(whole.values)), axis=0)
    number = spec.signature.result is Kind.I
    # A truth value says little: more examples, and more rounds to count through them.
    rounds = _ROUNDS if number else _FAR
    used = EXAMPLES if number else max(EXAMPLES, int((largest < _FAR).sum()))
    running = whole.on(np.sort(np.argsort(largest, kind="stable")[:used]))
    args = running.exprs
    quick = min(deadline, time.perf_counter() + 0.3)
    starts = list(dict.fromkeys([*args, ONE, ZERO, TWO, *(call("add", a, ONE) for a in args)]))
    plain = steps([R0, *args], (1, 2, 10), _OPS, _STEPS, R0, quick)
    guards = _guards(args)
    gather = [call("add", R1, ONE), call("add", R1, R0), call("max", R1, R0), call("mul", R1, R0)]
    gather += [g for g in steps([R1, R0, *args], (1, 2, 10), _OPS, _GATHERED, R1, quick)
               if g not in gather]  # fmt: skip
    first = _run(running, guards, starts, plain, deadline)
    yield _ended(running, first)
    yield from _gathered(running, first, gather[:4], deadline)
    up = [call("add", R0, ONE), call("sub", R0, ONE)]
    tests = _tests(args, min(deadline, time.perf_counter() + 0.3))
    bounded = [call("and", call("lt", R0, a), t) for a in args for t in tests[:_FEW]]
    searched = [*bounded, *(tests if number else tests[:_FEW])]
    yield _ended(running, _run(running, searched, starts, up, deadline, rounds))
    branching = _run(running, guards[:4], args, _branching(), deadline)
    yield from _gathered(running, branching, gather[:4], deadline)
    yield from _gathered(running, first, gather[4:], deadline)


def _guards(args: Sequence[Expr]) -> list[Expr]:
    """Conditions of a loop, the usual first."""
    found = [call("lt", ONE, R0), call("lt", ZERO, R0), call("not", call("eq", R0, ZERO))]
    found += [call("not", call("eq", R0, ONE)), call("lt", const(9, Kind.I), R0)]
    for a in args:
        found += [call("lt", R0, a), call("le", R0, a), call("le", a, R0)]
        found += [call("le", call("mul", R0, R0), a)]
    return found


def _tests(args: Sequence[Expr], deadline: float) -> list[Expr]:
    """Distinct conditions on the register and the arguments, told apart on random states."""
    rng = np.random.default_rng(11)
    leaves = [Leaf(n, rng.integers(-3, 40, _SAMPLES)) for n in (R0, *args)]
    leaves += [Leaf(const(c, Kind.I), np.full(_SAMPLES, c, np.int64)) for c in (0, 1, 2)]
    names = [*_OPS, "lt", "le", "eq", "not"]
    bank = Bank(leaves, [TABLE[n] for n in names], _SAMPLES, deadline=deadline, memory=1 << 27)
    try:
        while bank.size < 9 and bank.rows[Kind.B].count < 2 * _GUARDS:
            bank.grow()
    except OutOfBudget:
        pass
    found = (bank.expr(Kind.B, k) for k in range(min(bank.rows[Kind.B].count, 3 * _GUARDS)))
    return [e for e in found if any(n is R0 for n in walk(e))][:_GUARDS]


def _branching() -> list[Expr]:
    """Steps with a condition: a part of the register, or a multiple of it and one more."""
    tests = [call("eq", call("mod", R0, const(m, Kind.I)), ZERO) for m in (2, 3)]
    down = [call("div", R0, const(d, Kind.I)) for d in (2, 3)] + [call("sub", R0, ONE)]
    up = [call("mul", const(m, Kind.I), R0) for m in (2, 3, 5)] + [call("add", R0, ONE)]
    up += [call("add", u, ONE) for u in up[:3]] + [call("sub", u, ONE) for u in up[:3]]
    sides = [(a, b) for a in (*down, *up) for b in (*up, *down) if a is not b]
    return [call("ite_i", t, a, b) for t in tests for a, b in sides]


def _run(
    running: Machine, guards: Sequence[Expr], starts: Sequence[Expr], plain: Sequence[Expr],
    deadline: float, rounds: int = _ROUNDS,
) -> _Runs:  # fmt: skip
    """Histories of all steps and starts, ended by every guard that fails in time."""
    begun = np.stack([running.column(s) for s in starts])
    shape = (len(plain), len(starts), rounds + 1, running.count)
    history = np.empty(shape, np.int64)
    history[:, :, 0] = begun
    idle = [np.int64(0)] * 4
    with np.errstate(all="ignore"):
        for k, step in enumerate(running.compiled(plain)):
            check(deadline)
            for i in range(rounds):
                history[k, :, i + 1] = step(history[k, :, i], *idle, *running.values)
    kept, ends, costs, parts = [], [], [], []
    order = np.array([e.size for e in plain], float)[:, None] + np.arange(len(starts)) / 4
    with np.errstate(all="ignore"):
        for guard, holds in zip(guards, running.compiled(guards), strict=True):
            check(deadline)
            held = np.broadcast_to(holds(history, *idle, *running.values), shape)
            over = ~held
            stops = over.argmax(axis=2)
            usable = over.any(axis=2).all(axis=-1) & (stops.max(axis=-1) > 0)
            for k, s in np.argwhere(usable):
                kept.append(history[k, s])
                ends.append(stops[k, s])
                costs.append(order[k, s] + guard.size)
                parts.append((guard, starts[s], plain[k]))
    if not kept:
        empty = np.zeros((0, rounds + 1, running.count), np.int64)
        return _Runs(empty, np.zeros((0, running.count), np.int64), np.zeros(0), [])
    best = np.argsort(np.array(costs), kind="stable")[:_MOST]
    return _Runs(np.array(kept)[best], np.array(ends)[best], np.array(costs)[best],
                 [parts[k] for k in best])  # fmt: skip


def _ended(running: Machine, runs: _Runs) -> Gathered:
    """The first register where its guard fails."""
    rows = np.take_along_axis(runs.history, runs.ends[:, None], axis=1)[:, 0]

    def make(place: int) -> Expr:
        guard, start, step = runs.parts[place]
        return loop("while", guard, start, step, registers=1)

    return Gathered(rows.reshape(-1, running.count), runs.costs, make, running.chosen)


def _gathered(
    running: Machine, runs: _Runs, gather: Sequence[Expr], deadline: float
) -> Iterator[Gathered]:
    """The second register when the first has ended."""
    if not runs.parts:
        return
    starts = [ZERO, ONE, running.exprs[0]]
    begun = np.stack([running.column(s) for s in starts])[:, None]
    idle = [np.int64(0)] * 2
    for expr, step in zip(gather, running.compiled(gather), strict=True):
        check(deadline)
        value = np.broadcast_to(begun, (len(starts), *runs.ends.shape))
        with np.errstate(all="ignore"):
            for i in range(int(runs.ends.max())):
                new = step(runs.history[:, i], value, *idle, np.int64(i), *running.values)
                value = np.where(i < runs.ends, new, value)
        costs = runs.costs + expr.size + np.arange(len(starts))[:, None] / 4

        def make(place: int, expr: Expr = expr) -> Expr:
            start, k = divmod(place, len(runs.parts))
            guard, begin, step = runs.parts[k]
            return loop("while", guard, begin, starts[start], step, expr, registers=2, result=1)

        rows = value.reshape(-1, running.count)
        yield Gathered(rows, costs.reshape(-1), make, running.chosen)
