"""Recurrences: one, two or three registers stepped a number of times that an argument gives."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ncpu.synth.expression import Expr, call, const, loop
from ncpu.synth.sketch.carry import steps
from ncpu.synth.sketch.finish import Gathered
from ncpu.synth.sketch.registers import (
    EXAMPLES,
    I0,
    ONE,
    R0,
    R1,
    R2,
    TWO,
    ZERO,
    Machine,
    check,
    machine,
)
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind

_OPS = ["add", "sub", "mul", "mod", "div"]
_ONE, _PAIR = 900, 50  # steps tried of one register, and of each of two
_ROUNDS = 40
_FEW_ROUNDS = 14  # where enough examples need no more


@dataclass(frozen=True)
class _Count:
    """How often to step: an expression with its values, on the examples used."""

    expr: Expr
    rounds: np.ndarray
    machine: Machine


def _counts(whole: Machine) -> Iterator[_Count]:
    for counter in whole.arguments:
        for shift in (0, -1):
            rounds = np.maximum(counter.values + shift, 0)
            usable = np.flatnonzero(rounds <= _ROUNDS)
            few = np.flatnonzero(rounds <= _FEW_ROUNDS)
            places = few if len(few) >= EXAMPLES else usable
            places = places[np.argsort(rounds[places], kind="stable")][-EXAMPLES:]
            if len(places) >= 3 and rounds[places].max() > 1:
                expr = call("add", counter.expr, const(shift, Kind.I)) if shift else counter.expr
                yield _Count(expr, rounds[places], whole.on(places))


def recurrences(spec: SynthesisSpec, deadline: float) -> Iterator[Gathered]:
    """Values of register 0 after the last step, the shortest recurrences first.

    Raises:
      OutOfBudget: at the deadline.
    """
    whole = machine(spec)
    if whole is None:
        return
    counts = list(_counts(whole))
    args = whole.exprs
    one, two, three = (_linear(names) for names in ([R0], [R0, R1], [R0, R1, R2]))
    starts = [[s] for s in dict.fromkeys([ONE, ZERO, *args, TWO])]
    pairs = [list(p) for p in product([ZERO, ONE, TWO, *args][:4], repeat=2)]
    for count in counts:
        yield _stepped(count, [_products(args)], starts, deadline)
        yield _stepped(count, [[R1], two], pairs, deadline)
    yield from _around(counts, args, [*one, *(call("mul", R0, a) for a in args)], two, deadline)
    triples = [list(t) for t in product((ZERO, ONE, TWO), repeat=3)]
    for count in counts:
        yield _stepped(count, [_ratios(args)], starts[:1], deadline)
        yield _stepped(count, [[R1], [R2], three], triples, deadline)
    quick = min(deadline, time.perf_counter() + 0.4)
    single = steps([R0, I0, *args], (1, 2), _OPS, _ONE, R0, quick)
    for count in counts:
        yield _stepped(count, [single], starts, deadline)
    firsts = [R1, *steps([R0, R1, *args], (1, 2), _OPS, 24, R0, quick)]
    seconds = [R0, R1, *steps([R0, R1, I0, *args], (1, 2), _OPS, _PAIR, R1, quick)]
    for count in counts:
        yield _stepped(count, [firsts, seconds], pairs, deadline)


def _products(args: Sequence[Expr]) -> list[Expr]:
    """The shortest steps: the register times or plus an argument or the round, and one more."""
    found = [call(op, R0, x) for op in ("mul", "add") for x in (*args, TWO, call("add", I0, ONE))]
    found += [call("sub", x, R0) for x in (*args, I0)]
    return found + [call("add", e, ONE) for e in found]


def _around(
    counts: Sequence[_Count], args: Sequence[Expr], one: Sequence[Expr], two: Sequence[Expr],
    deadline: float,
) -> Iterator[Gathered]:  # fmt: skip
    """One register, and a shift register of two, modulo an argument."""
    for count, m in product(counts, args):
        if m is not count.expr:
            unit = call("mod", ONE, m)
            yield _stepped(count, [[call("mod", e, m) for e in one]], [[unit], [ZERO]], deadline)
            both = [[ZERO, unit], [unit, unit], [TWO, ONE]]
            yield _stepped(count, [[R1], [call("mod", e, m) for e in two]], both, deadline)


def _linear(registers: Sequence[Expr]) -> list[Expr]:
    """Sums and differences of small multiples of the registers, all or some of them."""
    found = []
    for factors in product((1, 0, 2, -1, 3), repeat=len(registers)):
        total: Expr | None = None
        pairs = zip(factors, registers, strict=True)
        for factor, register in sorted(pairs, key=lambda p: p[0] < 0):
            if factor:
                size = const(abs(factor), Kind.I)
                term = register if size is ONE else call("mul", size, register)
                positive = call("add", total, term) if total is not None else term
                negative = call("sub", total, term) if total is not None else call("neg", term)
                total = positive if factor > 0 else negative
        if total is not None:
            found += [total, call("add", total, ONE)]
    return sorted(found, key=lambda e: e.size)


def _ratios(args: Sequence[Expr]) -> list[Expr]:
    """Steps to the next hypergeometric term: times one linear term, over another."""
    above = call("add", I0, ONE)
    linear = [call("add", call("mul", const(k, Kind.I), I0), const(c, Kind.I))
              for k in (1, 2, 4) for c in (1, 2, 3, 6)]  # fmt: skip
    for a in args:
        linear += [call("sub", a, I0), call("add", a, I0), call("add", a, above)]
    pairs = [call("mul", TWO, term) for term in linear]
    below = [above, call("add", I0, TWO), *(call("add", a, ONE) for a in args)]
    return [call("div", call("mul", R0, top), bottom)
            for bottom in below for top in (*linear, *pairs) if top is not bottom]  # fmt: skip


def _stepped(
    count: _Count, holes: Sequence[Sequence[Expr]], starts: Sequence[Sequence[Expr]],
    deadline: float,
) -> Gathered:  # fmt: skip
    """All combinations of one step for each register, from all starts."""
    running, registers = count.machine, len(holes)
    compiled = [running.compiled(hole) for hole in holes]
    shape = (*(len(hole) for hole in holes), len(starts), running.count)
    begun = [np.stack([running.column(s[r]) for s in starts]) for r in range(registers)]
    state = [np.broadcast_to(b, shape).copy() for b in begun]
    final = state[0].copy()
    idle = [np.int64(0)] * (4 - registers)
    with np.errstate(all="ignore"):
        for i in range(int(count.rounds.max())):
            check(deadline)
            new = [np.empty_like(r) for r in state]
            for r, programs in enumerate(compiled):
                for k, step in enumerate(programs):
                    at = (slice(None),) * r + (k,)
                    seen = [s[at] for s in state]
                    new[r][at] = step(*seen, *idle, np.int64(i), *running.values)
            state = new
            now = count.rounds == i + 1
            final[..., now] = state[0][..., now]
    sizes = np.zeros(shape[:-1])
    for r, hole in enumerate(holes):
        along = [1] * (registers + 1)
        along[r] = len(hole)
        sizes = sizes + np.array([e.size for e in hole], float).reshape(along)
    costs = sizes + 1 + np.arange(len(starts)) / 8

    def make(place: int) -> Expr:
        *picked, start = (int(v) for v in np.unravel_index(place, shape[:-1]))
        stepped = [hole[k] for hole, k in zip(holes, picked, strict=True)]
        return loop("repeat", count.expr, *starts[start], *stepped, registers=registers)

    rows = final.reshape(-1, running.count)
    return Gathered(rows, costs.reshape(-1), make, running.chosen)
