"""What loops over registers share: their names, the examples used, and batches of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncpu.synth.enumerate import Leaf, OutOfBudget
from ncpu.synth.expression import Expr, arg, const, local
from ncpu.synth.operators import TABLE
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind

REGISTERS = tuple(local(f"r{k}_0") for k in range(4))
R0, R1, R2, R3 = REGISTERS
I0 = local("i0")
ZERO, ONE, TWO = (const(v, Kind.I) for v in (0, 1, 2))
EXAMPLES = 6  # the smallest, which tell most candidates apart

Step = Callable[..., Any]

_SCOPE = {f"op_{name}".replace(".", "_"): row.batched for name, row in TABLE.items()}


def functions(exprs: Sequence[Expr], names: Sequence[str]) -> list[Step]:
    """Expressions of locals and arguments as functions over arrays, compiled together."""
    constants: dict[str, Any] = {}

    def text(node: Expr) -> str:
        if node.op == "const":
            name = f"c_{node.data}".replace("-", "m")
            constants[name] = np.int64(node.data)
            return name
        if node.op == "local":
            return node.data
        if node.op == "arg":
            return f"a{node.data}"
        operands = ", ".join(text(a) for a in node.args)
        return f"op_{node.op}(64, {operands})".replace(".", "_", 1)

    source = ", ".join(f"lambda {', '.join(names)}: {text(e)}" for e in exprs)
    return list(eval(f"[{source}]", {**_SCOPE, **constants}))


@dataclass(frozen=True)
class Machine:
    """The examples that register loops are run on.

    Attributes:
      arguments: all arguments, integers, with their values `[examples used]`.
      chosen: examples used.
    """

    arguments: tuple[Leaf, ...]
    chosen: np.ndarray

    @property
    def exprs(self) -> list[Expr]:
        """The arguments."""
        return [leaf.expr for leaf in self.arguments]

    @property
    def values(self) -> list[np.ndarray]:
        """Their values."""
        return [leaf.values for leaf in self.arguments]

    @property
    def count(self) -> int:
        """Examples used."""
        return len(self.chosen)

    @property
    def names(self) -> list[str]:
        """Parameters of a compiled step: four registers, the round, the arguments."""
        return [*(r.data for r in REGISTERS), "i0", *(f"a{e.data}" for e in self.exprs)]

    def compiled(self, exprs: Sequence[Expr]) -> list[Step]:
        """Steps as functions of `names`."""
        return functions(exprs, self.names)

    def column(self, expr: Expr) -> np.ndarray:
        """A start on all examples used."""
        made = functions([expr], self.names)[0](*[np.int64(0)] * 5, *self.values)
        return np.broadcast_to(np.asarray(made, np.int64), self.count)

    def on(self, places: np.ndarray) -> Machine:
        """The same on some of the examples."""
        leaves = tuple(Leaf(a.expr, a.values[places]) for a in self.arguments)
        return Machine(leaves, self.chosen[places])


def machine(spec: SynthesisSpec) -> Machine | None:
    """All examples of a function of integers; None for others."""
    kinds = spec.signature.arguments
    if not kinds or set(kinds) != {Kind.I}:
        return None
    leaves = tuple(Leaf(arg(p, Kind.I), values) for p, values in enumerate(spec.arguments))
    return Machine(leaves, np.arange(len(spec.examples)))


def check(deadline: float) -> None:
    """Raises `OutOfBudget` at the deadline."""
    if time.perf_counter() > deadline:
        raise OutOfBudget
