"""What trained cells were measured to say on their whole domains, as bitwise expressions.

The sliced wires (`sliced.py`) and the symbols of the proofs (`symbolic.py`) compute with
these answers and never with the rules that the cells were to learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from ncpu.neural_alu.cells import BYTE, CELLS
from ncpu.neural_alu.planes import Networks, product_cell


@dataclass(frozen=True)
class Measured:
    """The answers of trained cells.

    Attributes:
      cells: by name `bool[rows, outputs]`, rows in the order of `CellSpec.domain`.
      product: `u16[65536]`, row a * 256 + b.
    """

    cells: Mapping[str, np.ndarray]
    product: np.ndarray

    def apply(self, name: str, *inputs: Any) -> tuple[Any, ...]:
        """The cell `name` at every position of anything that has `& | ^ ~`."""
        columns = self.cells[name].T.tolist()
        return tuple(bitwise(column, inputs) for column in columns)


def measure(networks: Networks) -> Measured:
    """A forward pass of every cell on every input of its domain."""
    cells = {}
    for name, spec in CELLS.items():
        logits = networks[name](*jnp.asarray(spec.domain().T))
        cells[name] = np.stack([np.asarray(logit) > 0 for logit in logits], -1)
    bits = np.asarray(product_cell(networks).table[...]) > 0
    return Measured(cells, bits @ (1 << np.arange(2 * BYTE)).astype(np.uint16))


def bitwise(answers: Sequence[bool], inputs: Sequence[Any]) -> Any:
    """A truth table as an expression in its inputs.

    Args:
      answers: one for each row; the first input is the highest bit of a row's number.
      inputs: as many as the table has.
    """
    found = _expression(list(answers), list(inputs))
    if isinstance(found, bool):
        nothing = inputs[0] ^ inputs[0]
        return ~nothing if found else nothing
    return found


def _expression(answers: list[bool], inputs: list[Any]) -> Any:
    """A boolean where the table is constant, else its Shannon expansion, equal parts merged."""
    if len(set(answers)) == 1:
        return answers[0]
    x, rest, half = inputs[0], inputs[1:], len(answers) // 2
    no, yes = answers[:half], answers[half:]
    if no == yes:
        return _expression(no, rest)
    if all(a != b for a, b in zip(no, yes, strict=True)):
        low = _expression(no, rest)
        return (~x if low else x) if isinstance(low, bool) else x ^ low
    low, high = _expression(no, rest), _expression(yes, rest)
    if isinstance(low, bool):
        return ~x | high if low else x & high
    if isinstance(high, bool):
        return x | low if high else ~x & low
    return low ^ ((low ^ high) & x)
