"""What strategies share: leaves and operators of a specification, and judged programs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf
from ncpu.synth.evaluate import evaluate, matches, satisfies
from ncpu.synth.expression import LOOPS, Expr, arg, call, walk
from ncpu.synth.mine import PLAIN, leaves
from ncpu.synth.operators import TABLE, Operator
from ncpu.synth.sketch.finish import Finisher, Found
from ncpu.synth.sketch.streams import small_terms
from ncpu.synth.spec import Budget, Solution, Strategy, SynthesisSpec, batch
from ncpu.synth.types import Kind

_LOOP = 2.5  # what a program with a loop costs besides
_CORE = {
    Kind.I: "add sub mul div mod quot rem min max abs neg lt le eq gcd and or not xor",
    Kind.U: "uadd usub umul umulh uand uor uxor unot uneg ushl ushr uashr ult ueq uslt ule "
    "uclz urev urbit and or not xor",
    Kind.B: "and or not xor ite_b",
    Kind.S: "slen cat substr at find replace replace1 contains prefix suffix seq str to_int upper "
    "lower swapcase title capital strip backward field word words count times pad add sub lt eq "
    "not div codes text sort largest total distinct len",
    Kind.A: "len get slice take drop join unit flip sort distinct total largest smallest index "
    "same add sub mul div mod abs min max lt le eq not and or",
    Kind.P: "p.0 p.1 add sub mul div mod quot rem min max abs neg lt le eq and or not",
    Kind.Q: "q.0 q.1 q.2 q.3 add sub mul div mod min max abs neg lt le eq",
}


def operators_of(spec: SynthesisSpec) -> list[Operator]:
    """Rows of the table that a specification's kinds make usable."""
    if spec.operators is not None:
        return [row for row in TABLE.values() if row.name in spec.operators]
    kinds = {*spec.signature.arguments, spec.signature.result}
    names = dict.fromkeys(n for kind in kinds for n in _CORE[kind].split())
    if Kind.U in kinds and Kind.I in kinds:
        names |= dict.fromkeys(("int", "word_of"))
    return [TABLE[name] for name in names]


def leaves_of(spec: SynthesisSpec, constants: bool = True) -> list[Leaf]:
    """Arguments (records by field) and mined constants."""
    found = []
    for p, (kind, values) in enumerate(zip(spec.signature.arguments, spec.arguments, strict=True)):
        found.append(Leaf(arg(p, kind), values))
        for place in range({Kind.P: 2, Kind.Q: 4}.get(kind, 0)):
            field = call(f"{kind}.{place}".lower(), arg(p, kind))
            found.append(Leaf(field, evaluate(field, spec.arguments)))
    if constants:
        found += _ordered(found) if spec.operators is None else []
        kinds = {*spec.signature.arguments, spec.signature.result}
        kinds |= {Kind.I} if kinds & {Kind.S, Kind.A, Kind.P, Kind.Q} else set()
        count = len(spec.examples)
        for kind in sorted(kinds):
            for expr in leaves(spec, kind):
                plain = kind is not Kind.I or expr.data in PLAIN or expr.data in spec.constants
                found.append(Leaf(expr, batch([expr.data] * count, kind), 1 if plain else 2))
    return found


def _ordered(arguments: list[Leaf]) -> list[Leaf]:
    """The least, middle and greatest of three integers, for functions that ignore their order."""
    if [leaf.expr.kind for leaf in arguments] != [Kind.I] * 3:
        return []
    (a, x), (b, y), (c, z) = ((leaf.expr, leaf.values) for leaf in arguments)
    low, high = call("min", a, call("min", b, c)), call("max", a, call("max", b, c))
    middle = call("max", call("min", a, b), call("min", call("max", a, b), c))
    values = np.sort(np.stack([x, y, z]), axis=0)
    return [Leaf(e, row, 2) for e, row in zip((low, middle, high), values, strict=True)]


def solution(name: str, spec: SynthesisSpec, program: Expr, start: float, **more: Any) -> Solution:
    """A program with how many examples it satisfies; costs its size unless told otherwise.

    Sketches count a loop as one symbol; it pays for its form here.
    """
    more.setdefault("cost", float(program.size))
    more["cost"] += _LOOP if any(node.op in LOOPS for node in walk(program)) else 0
    matched = matches(program, spec)
    spent = time.perf_counter() - start
    return Solution(program, spec.signature, name, matched, len(spec.examples), spent, **more)


def solved_by(
    strategies: Sequence[Strategy], spec: SynthesisSpec, seconds: float
) -> Solution | None:
    """The first full solution of a part of a problem, each strategy having its share of time."""
    for strategy in strategies:
        found = strategy.solve(spec, Budget(seconds / len(strategies)))
        if found is not None and found.solved:
            return found
    return None


def partial(bank: Bank, spec: SynthesisSpec) -> Expr | None:
    """The stored term that satisfies most examples."""
    rows = bank.rows[spec.signature.result]
    if not rows.count:
        return None
    fits = (rows.values[: rows.count] == spec.results).sum(axis=1)
    return bank.expr(spec.signature.result, int(np.argmax(fits)))


def chosen(found: Iterable[Found], spec: SynthesisSpec, seen: int = 120) -> Found | None:
    """The cheapest that satisfies all examples, those left out of the search included."""
    ranked = sorted(found, key=lambda f: f.cost)
    return next((f for f in ranked[:seen] if satisfies(f.program, spec)), None)


def finisher_of(spec: SynthesisSpec) -> Finisher | None:
    """What turns loop values into programs for these examples; None for results not numbers."""
    kind = spec.signature.result
    if kind not in (Kind.I, Kind.U, Kind.B):
        return None
    target = spec.results.view("int64") if kind is Kind.U else spec.results
    return Finisher(target, kind, tuple(small_terms(spec)))
