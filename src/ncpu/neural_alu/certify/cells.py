"""Every cell on every input it can have."""

from __future__ import annotations

from fractions import Fraction

import jax.numpy as jnp
import numpy as np

from ncpu.neural_alu.cells import BYTE, CELLS, Cell, ProductCell, product_truth
from ncpu.neural_alu.certify.certificate import CellCheck, CertificationError
from ncpu.neural_alu.planes import Networks

UNIT = Fraction(1, 1 << 24)  # half the distance from 1 to the next float32
FLUSHED = Fraction(1, 1 << 126)  # what is less becomes zero where subnormals are flushed


def check_cells(networks: Networks) -> tuple[CellCheck, ...]:
    """All cells.

    Raises:
      CertificationError: a cell is missing, or wrong or undecided on a row.
    """
    missing = {*CELLS, "product"} - networks.keys()
    if missing:
        raise CertificationError(f"there is no cell {', '.join(sorted(missing))}")
    return (*(check_cell(name, networks[name]) for name in CELLS), check_product(networks))


def check_cell(name: str, cell: Cell | ProductCell) -> CellCheck:
    """One perceptron: its logits in rational numbers, and as it runs.

    A logit has to be on the right side by more than any order of rounding its additions in
    float32 could move it, so that no compiler can change an answer.
    """
    spec = CELLS[name]
    if not isinstance(cell, Cell):
        raise CertificationError(f"the cell {name!r} is a {type(cell).__name__}, not a perceptron")
    truth = spec.truth() == 1
    ran = np.stack([np.asarray(x) for x in cell(*jnp.asarray(spec.domain().T))], -1)
    margins, errors = [], []
    for row, expected, found in zip(spec.domain(), truth, ran, strict=True):
        for logit, error, right, run in zip(*_logits(cell, row), expected, found, strict=True):
            distance = logit if right else -logit
            if distance <= error or (run > 0) != right:
                bits = ", ".join(f"{k}={int(x)}" for k, x in zip(spec.inputs, row, strict=True))
                raise CertificationError(
                    f"the cell {name!r} is not certain of {bits}: a logit is {float(logit):.3g}, "
                    f"{'positive' if right else 'negative'} by {float(error):.2g} is needed"
                )
            margins.append(distance)
            errors.append(error)
    # The smallest ratio over the rows, not the ratio of the extremes.
    ratio = min(float(m / e) for m, e in zip(margins, errors, strict=True))
    return CellCheck(name, len(truth), float(min(margins)), float(max(errors)), ratio)


def _logits(cell: Cell, row: np.ndarray) -> tuple[list[Fraction], list[Fraction]]:
    """Exact logits for one input, and how far float32 can be off (Higham 2002, section 3.1).

    A sum of n terms, each rounded once, is off by at most n u / (1 - n u) times the sum of
    their absolute values, whatever the order.
    """
    w1, b1, w2, b2 = (_rational(p[...]) for p in (cell.w1, cell.b1, cell.w2, cell.b2))
    hidden, off = [], []
    for h in range(w1.shape[1]):
        terms = [b1[h], *(w1[i, h] * int(x) for i, x in enumerate(row))]
        hidden.append(max(sum(terms), Fraction(0)))
        off.append(_rounding(len(terms)) * sum(map(abs, terms)) + FLUSHED)
    logits, errors = [], []
    for o in range(w2.shape[1]):
        weights = w2[:, o]
        terms = [b2[o], *weights * hidden]
        widest = [b2[o], *weights * (np.array(hidden) + np.array(off))]
        logits.append(sum(terms))
        moved = sum(abs(w) * e for w, e in zip(weights, off, strict=True))
        rounded = _rounding(len(terms) + 1) * sum(map(abs, widest))
        errors.append(moved + rounded + len(terms) * FLUSHED)
    return logits, errors


def _rational(weights: object) -> np.ndarray:
    """Weights exactly as they are."""
    return np.vectorize(lambda x: Fraction(float(x)), otypes=[object])(np.asarray(weights))


def _rounding(count: int) -> Fraction:
    return count * UNIT / (1 - count * UNIT)


def check_product(networks: Networks) -> CellCheck:
    """The byte product: integer logits, which nothing rounds."""
    cell = networks["product"]
    if not isinstance(cell, ProductCell):
        raise CertificationError("the cell 'product' is not a table of byte products")
    table, truth = np.asarray(cell.table[...]), product_truth()
    if table.shape != truth.shape or table.dtype != np.int8:
        raise CertificationError(f"the table of 'product' is {table.dtype}{table.shape}")
    wrong = np.argwhere(((table > 0) != truth) | (table == 0))
    if len(wrong):
        row, bit = wrong[0]
        raise CertificationError(
            f"the cell 'product' has {len(wrong)} wrong bits, the first bit {bit} of "
            f"{row >> BYTE} * {row & 0xFF}"
        )
    return CellCheck("product", len(table), float(np.abs(table.astype(int)).min()), 0.0, None)
