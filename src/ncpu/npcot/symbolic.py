"""One step of an array program as a z3 term over the integers, saturation included.

Logarithm and exponential are uninterpreted functions: what is proved holds whatever they are, and a
counterexample is believed only after the executor has confirmed it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import z3

from ncpu.npcot.number import Format
from ncpu.npcot.program import Choice


class Running(NamedTuple):
    """What a program carries from element to element."""

    acc: Any
    index: Any
    count: Any


_LOG = z3.Function("log", z3.IntSort(), z3.IntSort())
_EXP = z3.Function("exp", z3.IntSort(), z3.IntSort())


def start(choice: Choice, fmt: Format) -> Running:
    """Before the first element."""
    inf, one = fmt.infinity, 1 << (fmt.frac if choice.log_scaled else 0)
    acc = {"0": 0, "1": one, "-inf": -inf, "inf": inf}[choice.init]
    return Running(z3.IntVal(acc), z3.IntVal(-1), z3.IntVal(0))


def takes_part(choice: Choice, x: Any) -> Any:
    """Whether element `x` satisfies the predicate."""
    return {
        "all": lambda: z3.BoolVal(True),
        "x>0": lambda: x > 0,
        "x<0": lambda: x < 0,
        "x!=0": lambda: x != 0,
        "x even": lambda: x % 2 == 0,
        "x odd": lambda: x % 2 == 1,
    }[choice.predicate]()


def transform(choice: Choice, x: Any, y: Any, fmt: Format) -> Any:
    """The transformed element, clamped."""
    exact = {
        "x": lambda: x,
        "x*x": lambda: x * x,
        "|x|": lambda: _abs(x),
        "1": lambda: z3.IntVal(1),
        "[x>0]": lambda: z3.If(x > 0, 1, 0),
        "log|x|": lambda: _LOG(_abs(x)),
        "x*y": lambda: x * y,
        "[x==y]": lambda: z3.If(x == y, 1, 0),
        "|x-y|": lambda: _abs(x - y),
    }[choice.transform]()
    return _clamp(exact, fmt)


def step(choice: Choice, now: Running, i: Any, x: Any, y: Any, fmt: Format) -> Running:
    """After element number `i`."""
    t, inf = transform(choice, x, y, fmt), fmt.infinity
    infinite = z3.Or(t >= inf, t <= -inf)
    larger, smaller = t > now.acc, t < now.acc
    index = now.index
    match choice.reduce:
        case "sum":
            acc = _absorb(now.acc, t, now.acc + t, fmt)
        case "product":
            exact = now.acc * t
            acc = _absorb(now.acc, t, exact / (1 << fmt.frac) if choice.log_scaled else exact, fmt)
        case _:
            beats = larger if choice.reduce.endswith("max") else smaller
            acc = z3.If(beats, t, now.acc)
            if choice.reduce.startswith("arg"):
                moved = z3.If(beats, z3.If(i < inf, i, inf), index)
                index = z3.If(z3.Or(infinite, index >= inf), inf, moved)
    takes = takes_part(choice, x)
    after = Running(acc, index, now.count + 1)
    return Running(*(z3.If(takes, a, b) for a, b in zip(after, now, strict=True)))


def finish(choice: Choice, offset: int, now: Running, length: Any, fmt: Format) -> Any:
    """The result word."""
    value = now.index if choice.reduce.startswith("arg") else now.acc
    raised = value * (1 if choice.acc_scaled else 1 << fmt.frac)
    match choice.post:
        case "acc":
            out = value
        case "exp(acc)":
            out = _EXP(raised)
        case _:
            by = length if choice.post == "acc/len" else now.count
            by = z3.If(by > 1, by, 1)
            out = z3.If(raised >= 0, raised / by, -((-raised) / by))
    infinite = z3.Or(value >= fmt.infinity, value <= -fmt.infinity)
    out = z3.If(infinite, value, _clamp(out, fmt))
    return _absorb(out, z3.IntVal(offset), out + offset, fmt)


def _abs(x: Any) -> Any:
    return z3.If(x >= 0, x, -x)


def _clamp(x: Any, fmt: Format) -> Any:
    inf = fmt.infinity
    return z3.If(x > inf, inf, z3.If(x < -inf, -inf, x))


def _absorb(acc: Any, t: Any, exact: Any, fmt: Format) -> Any:
    inf = fmt.infinity
    result = z3.If(z3.Or(t >= inf, t <= -inf), t, _clamp(exact, fmt))
    return z3.If(z3.Or(acc >= inf, acc <= -inf), acc, result)
