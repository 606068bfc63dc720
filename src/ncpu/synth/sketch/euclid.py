"""Two registers that control a loop together, as in Euclid's algorithm, and two that follow them.

The followers see the controlling registers and the quotient of these, but not the other way
round; so the few ways in which the pair runs are made first and all followers run beside them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from ncpu.synth.expression import Expr, call, local, loop, substitute
from ncpu.synth.sketch.carry import steps
from ncpu.synth.sketch.finish import Gathered
from ncpu.synth.sketch.registers import (
    EXAMPLES,
    ONE,
    R0,
    R1,
    R2,
    R3,
    ZERO,
    Machine,
    check,
    machine,
)
from ncpu.synth.spec import SynthesisSpec

_ROUNDS = 40
_FOLLOWERS = 160
_QUOTIENT = local("q")
_IDLE = [np.int64(0)] * 3


@dataclass(frozen=True)
class _Pair:
    """One way in which two registers run until a guard fails.

    Attributes:
      history: values before each round, of both registers `[2, rounds + 1, examples used]`.
      ends: rounds, `[examples used]`.
      parts: guard, starts and steps.
    """

    history: np.ndarray
    ends: np.ndarray
    parts: tuple[Expr, ...]

    @property
    def cost(self) -> float:
        guard, _, _, *steps = self.parts
        return float(guard.size + sum(s.size for s in steps))


def paired(spec: SynthesisSpec, deadline: float) -> Iterator[Gathered]:
    """Either register of a pair at the end, then those of followers.

    Raises:
      OutOfBudget: at the deadline.
    """
    whole = machine(spec)
    if whole is None or len(whole.arguments) < 2:
        return
    largest = np.max(np.abs(np.stack(whole.values)), axis=0)
    running = whole.on(np.sort(np.argsort(largest, kind="stable")[-EXAMPLES:]))
    pairs = sorted(_pairs(running, deadline), key=lambda p: p.cost)
    if not pairs:
        return
    yield _ended(running, pairs)
    yield from _followed(running, pairs, deadline)


def _pairs(running: Machine, deadline: float) -> Iterator[_Pair]:
    remainder, back = call("mod", R0, R1), call("mod", R1, R0)
    firsts = [R1, R0, call("sub", R0, R1), remainder]
    seconds = [remainder, back, R0, call("sub", R1, R0), call("sub", R0, R1)]
    guards = [call("not", call("eq", R1, ZERO)), call("lt", ZERO, R0),
              call("not", call("eq", R0, R1)), call("lt", R1, R0)]  # fmt: skip
    seen: set[bytes] = set()
    for starts in permutations(running.exprs, 2):
        for guard, first, second in product(guards, firsts, seconds):
            check(deadline)
            pair = _pair(running, (guard, *starts, first, second))
            if pair is not None and pair.history.tobytes() not in seen:
                seen.add(pair.history.tobytes())
                yield pair


def _pair(running: Machine, parts: tuple[Expr, ...]) -> _Pair | None:
    guard, *starts, first, second = parts
    holds, one, two = running.compiled([guard, first, second])
    history = np.zeros((2, _ROUNDS + 1, running.count), np.int64)
    history[:, 0] = [running.column(s) for s in starts]
    live = np.ones(running.count, bool)
    ends = np.zeros(running.count, np.int64)
    with np.errstate(all="ignore"):
        for i in range(_ROUNDS):
            given = [*history[:, i], *_IDLE, *running.values]
            live = live & holds(*given)
            if not live.any():
                return _Pair(history, ends, parts) if ends.max() > 1 else None
            ends += live
            history[0, i + 1] = np.where(live, one(*given), history[0, i])
            history[1, i + 1] = np.where(live, two(*given), history[1, i])
    return None


def _ended(running: Machine, pairs: Sequence[_Pair]) -> Gathered:
    everyone = np.arange(running.count)
    rows = np.concatenate([p.history[:, p.ends, everyone] for p in pairs])

    def make(place: int) -> Expr:
        return loop("while", *pairs[place // 2].parts, registers=2, result=place % 2)

    costs = np.repeat([p.cost for p in pairs], 2)
    return Gathered(rows, costs, make, running.chosen)


def _followed(running: Machine, pairs: Sequence[_Pair], deadline: float) -> Iterator[Gathered]:
    """Registers two and three beside a pair: the third a step of all, the second the old third."""
    quick = min(deadline, time.perf_counter() + 0.3)
    found = steps([R2, R3, _QUOTIENT], (1,), ["add", "sub", "mul"], _FOLLOWERS, R3, quick)
    quotient = call("div", R0, R1)
    programs = [substitute(e, {_QUOTIENT: quotient}) for e in found]
    starts = [(ONE, ZERO), (ZERO, ONE)]
    count = len(pairs)
    history = np.stack([p.history for p in pairs])
    ends = np.stack([p.ends for p in pairs])
    begun = np.array([[s.data for s in pair] for pair in starts], np.int64)
    for program, step in zip(programs, running.compiled(programs), strict=True):
        check(deadline)
        two = np.broadcast_to(begun[:, 0, None, None], (len(starts), *ends.shape))
        three = np.broadcast_to(begun[:, 1, None, None], (len(starts), *ends.shape))
        with np.errstate(all="ignore"):
            for i in range(int(ends.max())):
                given = [history[:, 0, i], history[:, 1, i]]
                new = step(*given, two, three, np.int64(i), *running.values)
                live = i < ends
                two, three = np.where(live, three, two), np.where(live, new, three)
        costs = np.tile([p.cost + program.size + 1.0 for p in pairs], len(starts))

        def make(place: int, program: Expr = program) -> Expr:
            which, k = divmod(place, count)
            guard, *rest = pairs[k].parts
            inits = [*rest[:2], *starts[which]]
            stepped = [*rest[2:], R3, program]
            return loop("while", guard, *inits, *stepped, registers=4, result=2)

        yield Gathered(two.reshape(-1, running.count), costs, make, running.chosen)
