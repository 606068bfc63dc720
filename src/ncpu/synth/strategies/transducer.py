"""Strings changed character by character, by class and by the character before."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ncpu.synth.enumerate import Leaf
from ncpu.synth.expression import arg, call, const, loop
from ncpu.synth.sketch.characters import CLASSES
from ncpu.synth.sketch.streams import INDEX, ONE, Form, X, streamed
from ncpu.synth.sketch.text import rotations
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import solution
from ncpu.synth.strategies.elementwise import mapped
from ncpu.synth.types import Kind

_CHANGED = 6


@dataclass(frozen=True)
class Transducer:
    """A map over characters whose body is a tree of tests of the character and the one before."""

    name: str = "transducer"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The map over the first string of the results' lengths."""
        start = time.perf_counter()
        if spec.signature.result is not Kind.S:
            return None
        for place, kind in enumerate(spec.signature.arguments):
            if kind is not Kind.S or not _same_lengths(spec, place):
                continue
            codes = call("codes", arg(place, kind))
            before = call("get", codes, call("sub", INDEX, ONE))
            stream = streamed(spec, Form(codes, (X, before)), 1.0, ())
            if stream is None or len(stream.chosen) < len(spec.examples):
                continue
            target = np.array([ord(c) for e in spec.examples for c in str(e.result)], np.int64)
            leaves = _leaves(spec, stream.leaves, target)
            body = mapped(leaves, target, start + budget.seconds)
            if body is not None:
                program = call("text", loop("map", codes, body))
                return solution(self.name, spec, program, start, cost=float(body.size))
        return None


def _same_lengths(spec: SynthesisSpec, place: int) -> bool:
    return all(len(str(e.arguments[place])) == len(str(e.result)) for e in spec.examples)


def _leaves(spec: SynthesisSpec, given: tuple[Leaf, ...], target: np.ndarray) -> list[Leaf]:
    x, before = given[0].values, given[1].values
    leaves = [leaf for leaf in given if leaf.expr.kind is Kind.B or leaf.expr.op != "const"]
    leaves += [Leaf(c.test(given[1].expr), np.isin(before, c.codes), c.size + 1) for c in CLASSES]
    changed = x != target
    pairs, counts = np.unique(np.stack([x[changed], target[changed]]), axis=1, return_counts=True)
    often = pairs[:, np.argsort(-counts)[:_CHANGED]].ravel().tolist()
    shifts, times = np.unique((target - x)[changed], return_counts=True)
    often += shifts[times > 1][:_CHANGED].tolist()
    for value in dict.fromkeys([*often, ord(" "), 0]):
        leaves.append(Leaf(const(value, Kind.I), np.full(len(x), value)))
    for chars, moved in rotations(X, spec):
        shift = moved.args[1].args[0].args[1]
        amount = next(leaf.values for leaf in given if leaf.expr is shift)
        first = chars.codes[0]
        leaves.append(Leaf(moved, first + (x - first + amount) % len(chars.codes), 2))
    return leaves
