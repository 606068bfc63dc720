"""Examples that rule out small programs: what fits the visible examples should be the function.

All small terms over the visible inputs and a pool of others are enumerated at once; those right
on the visible alone are the programs that a search would be fooled by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ncpu.synth.enumerate import Bank, OutOfBudget
from ncpu.synth.evaluate import evaluate
from ncpu.synth.spec import SynthesisSpec, batch
from ncpu.synth.strategies.common import leaves_of, operators_of
from ncpu.synth.types import Example, Kind, Signature

TERMS = 60_000  # candidates enumerated
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
    wrong = _fooling(SynthesisSpec(tuple(shown), signature), arguments, every)[:, len(shown) :]
    added = []
    while len(wrong) and len(added) < most:
        caught = wrong.sum(axis=0)
        best = int(np.argmax(caught))
        if not caught[best]:
            break
        added.append(pool[best])
        wrong = wrong[~wrong[:, best]]
    return added


def _fooling(
    spec: SynthesisSpec, arguments: list[np.ndarray], every: Sequence[Example]
) -> np.ndarray:
    """Where programs that fit the specification are wrong, `bool[programs, examples]`."""
    kind, width = spec.signature.result, spec.signature.width
    given = [
        type(leaf)(leaf.expr, evaluate(leaf.expr, arguments, width), leaf.size)
        for leaf in leaves_of(spec)
    ]
    bank = Bank(given, operators_of(spec), len(every), width, memory=_MEMORY, most=TERMS)
    try:
        while bank.size < 12:
            bank.grow()
    except OutOfBudget:
        pass
    rows = bank.rows[kind]
    right = rows.values[: rows.count] == batch([e.result for e in every], kind)
    return ~right[right[:, : len(spec.examples)].all(axis=1)]
