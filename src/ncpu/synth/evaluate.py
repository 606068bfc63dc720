"""Programs over batches of inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ncpu.synth.codegen_python import compiled
from ncpu.synth.expression import LOOPS, Expr, walk
from ncpu.synth.operators import TABLE, apply
from ncpu.synth.spec import SynthesisSpec, batch
from ncpu.synth.types import Kind, Signature


def evaluate(expr: Expr, arguments: Sequence[np.ndarray], width: int = 64) -> np.ndarray:
    """A program over a batch of inputs.

    Args:
      expr: the program; one with loops runs input by input, the others operator by operator.
      arguments: one batch per argument, `[n]`: int64, uint64, bool or object.
      width: bits of a word.

    Returns:
      The batch of results `[n]`.
    """
    count = len(arguments[0]) if arguments else 1
    if any(node.op in LOOPS for node in walk(expr)):
        kinds = {n.data: n.kind for n in walk(expr) if n.op == "arg"}
        signature = Signature(
            tuple(kinds.get(k, Kind.I) for k in range(len(arguments))), expr.kind, width
        )
        function = compiled(expr, signature)
        rows = zip(*(column.tolist() for column in arguments), strict=True)
        return batch([function(*row) for row in rows], expr.kind)
    values: dict[Expr, np.ndarray] = {}
    for node in walk(expr):
        if node.op == "arg":
            values[node] = arguments[node.data]
        elif node.op == "const":
            values[node] = batch([node.data] * count, node.kind)
        else:
            operands = tuple(values[a] for a in node.args)
            values[node] = apply(TABLE[node.op], operands, width)
    return values[expr]


def matches(expr: Expr, spec: SynthesisSpec) -> int:
    """How many examples a program satisfies."""
    function = compiled(expr, spec.signature)
    return sum(_same(function, e.arguments, e.result) for e in spec.examples)


def satisfies(expr: Expr, spec: SynthesisSpec) -> bool:
    """Whether a program is right on every example."""
    function = compiled(expr, spec.signature)
    return all(_same(function, e.arguments, e.result) for e in spec.examples)


def _same(function, arguments, wanted) -> bool:
    try:
        result = function(*arguments)
    except (ArithmeticError, ValueError, TypeError, IndexError, MemoryError):
        return False
    return type(result) is type(wanted) and result == wanted
