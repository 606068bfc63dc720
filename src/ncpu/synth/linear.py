"""Integer polynomials through the examples, by exact elimination.

Fits `target = (sum c_k * monomial_k) / d` with the fewest monomials of the lowest degree; the
fit is over-determined by at least `SPARE` examples, so that it says something about the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from math import lcm, prod

import numpy as np

from ncpu.synth.expression import Expr, call, const
from ncpu.synth.types import Kind

SPARE = 2
_LARGEST = 1 << 24
_DENOMINATOR = 1000  # largest of a rounded quotient
_COEFFICIENT = 10_000
_CLOSE = 1e-6  # of a real fit that exact elimination is worth


def solve(rows: Sequence[Sequence[int]], target: Sequence[int]) -> list[Fraction] | None:
    """The one solution of `rows @ c = target`; None if there is none or more than one."""
    table = [[Fraction(v) for v in (*row, t)] for row, t in zip(rows, target, strict=True)]
    width = len(rows[0])
    rank = 0
    for column in range(width):
        pivot = next((r for r in range(rank, len(table)) if table[r][column]), None)
        if pivot is None:
            return None
        table[rank], table[pivot] = table[pivot], table[rank]
        head = table[rank]
        scale = head[column]
        table[rank] = head = [v / scale for v in head]
        for r in range(len(table)):
            factor = table[r][column]
            if r != rank and factor:
                table[r] = [v - factor * h for v, h in zip(table[r], head, strict=True)]
        rank += 1
    if any(row[-1] for row in table[rank:]):
        return None
    return [row[-1] for row in table[:rank]]


def fit(
    terms: Sequence[Expr],
    columns: Sequence[Sequence[int]],
    target: Sequence[int],
    degree: int = 4,
    spare: int = SPARE,
) -> Expr | None:
    """A polynomial in the terms with these values.

    Args:
      terms: integer expressions.
      columns: their values on the examples.
      target: the values wanted.
      degree: the highest total degree tried.
      spare: examples there must be beyond those that determine it.

    Returns:
      The polynomial of the lowest degree that fits, or None.
    """
    count = len(target)
    monomials: list[tuple[int, ...]] = [()]
    for order in range(1, degree + 1):
        monomials += combinations_with_replacement(range(len(terms)), order)
        if len(monomials) + spare > count:
            return None
        rows = [[prod(columns[k][e] for k in m) for m in monomials] for e in range(count)]
        found = solve(rows, target) if _residual(rows, target) < _CLOSE else None
        if found is not None:
            return _polynomial(terms, monomials, found)
    return None


def _residual(rows: Sequence[Sequence[int]], target: Sequence[int]) -> float:
    """Greatest distance of a real fit, by the size of what is fitted; a quick refusal."""
    design, wanted = np.array(rows, dtype=np.float64), np.array(target, dtype=np.float64)
    scale = np.abs(design).max(axis=0)
    design = design / np.where(scale == 0, 1, scale)
    found = np.linalg.lstsq(design, wanted, rcond=None)[0]
    return float(np.abs(design @ found - wanted).max() / max(np.abs(wanted).max(), 1.0))


def _polynomial(terms, monomials, coefficients) -> Expr | None:
    bottom = lcm(*(c.denominator for c in coefficients))
    scaled = [int(c * bottom) for c in coefficients]
    if max(map(abs, scaled)) > _LARGEST or bottom > 5040:
        return None
    total: Expr | None = None
    order = sorted(range(len(monomials)), key=lambda k: scaled[k] < 0)
    for k in order:
        factor = scaled[k]
        if not factor:
            continue
        term = None
        for t in monomials[k]:
            term = terms[t] if term is None else call("mul", term, terms[t])
        size = abs(factor)
        if term is None:
            term = const(factor if total is None else size, Kind.I)
        else:
            lead = factor if total is None else size
            if lead == -1:
                term = call("neg", term)
            elif lead != 1:
                term = call("mul", const(lead, Kind.I), term)
        total = term if total is None else call("add" if factor > 0 else "sub", total, term)
    total = total or const(0, Kind.I)
    return total if bottom == 1 else call("div", total, const(bottom, Kind.I))


def quotient(
    terms: Sequence[Expr],
    columns: Sequence[Sequence[int]],
    target: Sequence[int],
    degree: int = 3,
    bottoms: Sequence[int] = range(2, _DENOMINATOR + 1),
) -> Expr | None:
    """`(sum c_k * monomial_k + c) / d`, floored or truncated, plus a constant.

    Slopes are estimated by least squares and made fractions of one small denominator; the
    constant is then chosen from the interval that the examples leave, if they leave one.
    """
    table = np.array(columns, dtype=np.float64)
    wanted = np.array(target, dtype=np.int64)
    if len(wanted) < 5 or np.abs(table).max(initial=0) > 1 << 40:
        return None
    choices: list[list[tuple[int, ...]]] = [[(k,) for k in range(len(terms))]]
    for order in range(2, degree + 1):
        choices += [[m] for m in combinations_with_replacement(range(len(terms)), order)]
    zero = [t for t, row in zip(target, zip(*columns, strict=True), strict=True) if not any(row)]
    for monomials in choices:
        rows = np.stack([table[list(m)].prod(axis=0) for m in monomials])
        if np.abs(rows).max() > 1 << 44:
            continue
        found = _divided(rows, wanted, zero[0] if zero else 0, np.array(bottoms))
        if found is not None:
            coefficients, inside, bottom, op, outside = found
            factors = [Fraction(c) for c in (inside, *coefficients)]
            top = _polynomial(terms, [(), *monomials], factors)
            if top is not None:
                program = call(op, top, const(bottom, Kind.I))
                return call("add", program, const(outside, Kind.I)) if outside else program
    return None


def real_fit(rows: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """Real slopes of the rows whose rounded sum may be the target; None if none can be.

    Rounding moves a value by less than one, and a least-squares fit by at most as much again.
    """
    design = np.vstack([rows, np.ones(rows.shape[1])]).T
    line = np.linalg.lstsq(design, target.astype(np.float64), rcond=None)[0]
    return line[:-1] if np.abs(design @ line - target).max() < 2 else None


def _divided(rows: np.ndarray, target: np.ndarray, at_zero: int, bottoms: np.ndarray):
    """Coefficients, constant inside, denominator, operator, constant outside; or None."""
    slopes = real_fit(rows, target)
    if slopes is None:
        return None
    scaled = np.rint(slopes * bottoms[:, None]).astype(np.int64)
    usable = scaled.any(axis=1) & (np.abs(scaled).max(axis=1) <= _COEFFICIENT)
    usable &= (bottoms <= 12) | (np.gcd(np.gcd.reduce(scaled, axis=1), bottoms) == 1)
    bottoms, scaled = bottoms[usable, None], scaled[usable]
    top = scaled @ rows.astype(np.int64)
    fits = []
    for op, least, most in _intervals(target, bottoms):
        low, high = (least - top).max(axis=1), (most - top).min(axis=1)
        fits += [(int(k), op, int(low[k]), int(high[k])) for k in np.flatnonzero(low <= high)[:4]]
    truncated = np.sign(top) * (np.abs(top) // bottoms)
    for outside in {0, at_zero}:
        exact = np.flatnonzero((truncated + outside == target).all(axis=1))
        if len(exact) and (not fits or exact[0] < min(fits)[0]):
            k = int(exact[0])
            return scaled[k].tolist(), 0, int(bottoms[k, 0]), "quot", outside
    if not fits:
        return None
    k, op, low, high = min(fits)
    bottom = int(bottoms[k, 0])
    inside = next(c for c in (0, bottom // 2, low) if low <= c <= high)
    return scaled[k].tolist(), inside, bottom, op, 0


def _intervals(target: np.ndarray, bottom: np.ndarray):
    """For each rounding, the least and the greatest dividend that give the target."""
    yield "div", bottom * target, bottom * target + bottom - 1
    down, up = bottom * target - (bottom - 1), bottom * target + (bottom - 1)
    at_most = np.where(target < 0, bottom * target, up)
    yield "quot", np.where(target > 0, bottom * target, down), at_most
