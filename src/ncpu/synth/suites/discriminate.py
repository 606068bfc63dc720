"""Examples that rule out small programs: what fits the visible examples should be the function.

All small terms over the visible inputs and a pool of others are enumerated at once; those right
on the visible alone are the programs that a search would be fooled by, as are pairs of terms that
the enumeration would join.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import Expr
from ncpu.synth.meet import halves
from ncpu.synth.spec import SynthesisSpec, batch
from ncpu.synth.strategies.common import leaves_of, operators_of
from ncpu.synth.types import Example, Kind, Signature

TERMS = 60_000  # candidates enumerated
TESTS = 250  # shortest tests of which two are joined
_MEMORY = 1 << 28
NUMBERS = frozenset((Kind.I, Kind.U, Kind.B))


def telling(
    shown: Sequence[Example], pool: Sequence[Example], signature: Signature, most: int
) -> list[Example]:
    """Examples of the pool on which small programs that fit all shown ones are wrong.

    Args:
      shown: what a solver sees so far; constants are mined from it alone.
      pool: what may be added.
      signature: of all of them; functions of numbers only, others get no examples.
      most: examples to add at most.

    Returns:
      Those that rule out most programs first, until none is left or there are `most`.
    """
    if not {*signature.arguments, signature.result} <= NUMBERS or most < 1 or not pool:
        return []
    every = [*shown, *pool]
    columns = zip(*(e.arguments for e in every), strict=True)
    arguments = [
        batch(column, kind) for column, kind in zip(columns, signature.arguments, strict=True)
    ]
    target = batch([e.result for e in every], signature.result)
    added: list[Example] = []
    for fooling in (_enumerated, _met):
        while len(added) < most:
            spec = SynthesisSpec((*shown, *added), signature)
            wrong = fooling(spec, arguments, target, [every.index(e) for e in spec.examples])
            caught = _catching(wrong, most - len(added))
            if not caught:
                break
            added += [every[place] for place in caught]
    return added


def _catching(wrong: np.ndarray, most: int) -> list[int]:
    """Places that catch wrong programs, `bool[programs, places]`, the most first."""
    found: list[int] = []
    while len(wrong) and len(found) < most:
        caught = wrong.sum(axis=0)
        best = int(np.argmax(caught))
        if not caught[best]:
            break
        found.append(best)
        wrong = wrong[~wrong[:, best]]
    return found


def _banks(spec: SynthesisSpec, arguments: list[np.ndarray]) -> Iterator[Bank]:
    """Banks grown over all mined constants and over none, while candidates last."""
    width = spec.signature.width
    given = [
        Leaf(leaf.expr, evaluate(leaf.expr, arguments, width), leaf.size)
        for leaf in leaves_of(spec)
    ]
    lean = [leaf for leaf in given if leaf.expr.op != "const" or leaf.expr.data in (0, 1)]
    for leaves in (lean, given):
        count = len(arguments[0])
        bank = Bank(leaves, operators_of(spec), count, width, memory=_MEMORY, most=TERMS)
        with suppress(OutOfBudget):
            while bank.size < 12:
                bank.grow()
        yield bank


def _enumerated(
    spec: SynthesisSpec, arguments: list[np.ndarray], target: np.ndarray, shown: list[int]
) -> np.ndarray:
    """Where terms that fit the specification are wrong, `bool[programs, examples]`."""
    kind = spec.signature.result
    found = []
    for bank in _banks(spec, arguments):
        values = bank.rows[kind].values[: bank.rows[kind].count]
        right = values == target
        found.append(~right[right[:, shown].all(axis=1)])
        if kind is Kind.B:
            found += _joined(values[:TESTS], target, shown)
    return np.concatenate(found)


def _met(
    spec: SynthesisSpec, arguments: list[np.ndarray], target: np.ndarray, shown: list[int]
) -> np.ndarray:
    """Where pairs of terms that fit the specification are wrong, `bool[programs, examples]`."""
    kind, width = spec.signature.result, spec.signature.width
    programs: dict[Expr, None] = {}
    for bank in _banks(spec, [column[shown] for column in arguments]):
        programs |= dict.fromkeys(halves(bank, spec.results, kind))
    wrong = [evaluate(program, arguments, width) != target for program in programs]
    return np.stack(wrong) if wrong else np.zeros((0, len(target)), bool)


def _joined(tests: np.ndarray, target: np.ndarray, shown: list[int]) -> list[np.ndarray]:
    """Where pairs of tests that fit what is shown are wrong."""
    found = []
    for place, one in enumerate(tests):
        for join in (np.logical_and, np.logical_or, np.logical_xor):
            right = join(one[shown], tests[:place, shown]) == target[shown]
            fitting = tests[:place][right.all(axis=1)]
            found.append(join(one, fitting) != target)
    return found
