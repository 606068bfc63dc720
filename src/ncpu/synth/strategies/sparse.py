"""Sums of a few products of entries of short arrays and records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from ncpu.synth.enumerate import Leaf
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import Expr, call, const
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import leaves_of, solution
from ncpu.synth.types import Kind

_ENTRIES = 12
_ODD = np.random.default_rng(5).integers(-(1 << 62), 1 << 62, 4096) | 1

Terms = tuple[tuple[int, int], ...]  # signs and places


@dataclass(frozen=True)
class SparsePolynomial:
    """Up to four products of at most two entries, added or subtracted.

    Sums are looked up by a hash that is linear modulo 2**64: pairs among pairs.

    Attributes:
      name: what reports call it.
    """

    name: str = "sparse"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The sum of the fewest products."""
        start = time.perf_counter()
        entries = _entries(spec) if spec.signature.result is Kind.I else []
        if not 1 < len(entries) <= _ENTRIES:
            return None
        products = [
            Leaf(call("mul", a.expr, b.expr), a.values * b.values)
            for a, b in combinations_with_replacement(entries, 2)
        ]
        terms = [*entries, *products]
        rows = np.stack([t.values for t in terms])
        for found in _sums(rows, spec.results):
            signs = np.array([sign for sign, _ in found])
            total = signs @ rows[[place for _, place in found]]
            if np.array_equal(total, spec.results):
                program = _written(found, [t.expr for t in terms])
                return solution(self.name, spec, program, start)
        return None


def _entries(spec: SynthesisSpec) -> list[Leaf]:
    found = [leaf for leaf in leaves_of(spec, constants=False) if leaf.expr.kind is Kind.I]
    for leaf in leaves_of(spec, constants=False):
        if leaf.expr.kind is Kind.A:
            lengths = {len(v) for v in leaf.values}
            for place in range(lengths.pop() if len(lengths) == 1 else 0):
                entry = call("get", leaf.expr, const(place, Kind.I))
                found.append(Leaf(entry, evaluate(entry, spec.arguments)))
    return found


def _sums(rows: np.ndarray, target: np.ndarray) -> Iterator[Terms]:
    """Signed terms whose sum hashes as the target, the fewest first."""
    odd = _ODD[: rows.shape[1]]
    hashes, wanted = (rows @ odd).tolist(), int(target @ odd)
    signed = [(sign, k) for sign in (1, -1) for k in range(len(rows))]
    one = {_hash(sign * hashes[k]): ((sign, k),) for sign, k in reversed(signed)}
    two = {
        _hash(s * hashes[j] + t * hashes[k]): ((s, j), (t, k))
        for s, j in reversed(signed)
        for t, k in reversed(signed)
        if j < k
    }
    for known, rest in (({0: ()}, one), ({0: ()}, two), (one, two), (two, two)):
        for value, terms in known.items():
            other = rest.get(_hash(wanted - value))
            if other is not None:
                yield tuple(sorted((*terms, *other), key=lambda t: -t[0]))


def _hash(value: int) -> int:
    return value & ((1 << 64) - 1)


def _written(terms: Terms, exprs: list[Expr]) -> Expr:
    (sign, first), *rest = terms
    total = exprs[first] if sign > 0 else call("neg", exprs[first])
    for sign, place in rest:
        total = call("add" if sign > 0 else "sub", total, exprs[place])
    return total
