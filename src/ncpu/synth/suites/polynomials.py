"""A2: polynomials, forms and figurate numbers."""

from __future__ import annotations

from random import Random

from ncpu.synth.suites.arithmetic import constants
from ncpu.synth.suites.domains import Integers, Parameters
from ncpu.synth.suites.family import families, row

SMALL = Integers(-100, 100)
INDEX = Integers(0, 1000)
EXACT = "The division leaves no remainder."


def _coefficients(rng: Random) -> Parameters:
    """Of degree 2 to 4, the constant term first; the leading one is not zero."""
    degree = rng.randint(2, 4)
    leading = rng.choice([n for n in range(-5, 6) if n])
    return (*(rng.randint(-9, 9) for _ in range(degree)), leading)


def _evaluate(x: int, *coefficients: int) -> int:
    return sum(c * x**power for power, c in enumerate(coefficients))


FAMILIES = families(
    "A2",
    square=row("I->I", lambda x: x * x, Integers(-100_000, 100_000)),
    cube=row("I->I", lambda x: x**3),
    fourth_power=row("I->I", lambda x: x**4),
    square_plus_n=row("I->I", lambda x: x * x + x, note="n² + n"),
    quadratic_monic=row("I->I", lambda x, b, c: x * x + b * x + c, draw=constants(2, -9, 9)),
    quadratic_general=row(
        "I->I", lambda x, a, b, c: a * x * x + b * x + c, draw=constants(3, 2, 12)
    ),
    quadratic_neg_lead=row(
        "I->I", lambda x, a, b, c: -a * x * x + b * x + c, draw=constants(3, 1, 9)
    ),
    polynomial=row(
        "I->I", _evaluate, SMALL, draw=_coefficients, note="Degree and coefficients are drawn."
    ),
    cubic_monic=row(
        "I->I", lambda x, a, b, c: x**3 + a * x * x + b * x + c, draw=constants(3, -9, 9)
    ),
    cubic_general=row(
        "I->I",
        lambda x, a, b, c, d: a * x**3 + b * x * x + c * x + d,
        SMALL,
        draw=constants(4, 2, 9),
    ),
    quartic_even=row("I->I", lambda x, a, b: x**4 + a * x * x + b, SMALL, draw=constants(2, -9, 9)),
    quintic_monic=row(
        "I->I",
        lambda x, *lower: _evaluate(x, *lower, 1),
        SMALL,
        draw=constants(5, -9, 9),
        note="x⁵ and five drawn lower coefficients.",
    ),
    poly_eval3=row("(I,I,I,I)->I", lambda a, b, c, x: a * x * x + b * x + c),
    sum_of_squares2=row("(I,I)->I", lambda a, b: a * a + b * b),
    diff_of_squares=row("(I,I)->I", lambda a, b: a * a - b * b),
    square_of_sum=row("(I,I)->I", lambda a, b: (a + b) ** 2),
    square_of_diff=row("(I,I)->I", lambda a, b: (a - b) ** 2),
    quadratic_form2=row("(I,I)->I", lambda a, b: a * a + a * b + b * b),
    bilinear3=row("(I,I,I)->I", lambda a, b, c: a * b + b * c + c * a),
    discriminant=row("(I,I,I)->I", lambda a, b, c: b * b - 4 * a * c),
    det2=row("(I,I,I,I)->I", lambda a, b, c, d: a * d - b * c),
    dot2=row("(I,I,I,I)->I", lambda a, b, c, d: a * c + b * d, note="(a, b) · (c, d)"),
    norm_sq3=row("(I,I,I)->I", lambda a, b, c: a * a + b * b + c * c),
    sum_of_cubes2=row("(I,I)->I", lambda a, b: a**3 + b**3),
    choose2=row("I->I", lambda n: n * (n - 1) // 2, INDEX, note=EXACT),
    choose3=row("I->I", lambda n: n * (n - 1) * (n - 2) // 6, INDEX, note=EXACT),
    pentagonal=row("I->I", lambda n: n * (3 * n - 1) // 2, INDEX, note=EXACT),
    hexagonal=row("I->I", lambda n: n * (2 * n - 1), INDEX),
    octagonal=row("I->I", lambda n: n * (3 * n - 2), INDEX),
    tetrahedral=row("I->I", lambda n: n * (n + 1) * (n + 2) // 6, INDEX, note=EXACT),
    square_pyramidal=row("I->I", lambda n: n * (n + 1) * (2 * n + 1) // 6, INDEX, note=EXACT),
    centered_square=row(
        "I->I", lambda n: n * n + (n + 1) ** 2, INDEX, note="n² + (n + 1)²: 1, 5, 13, ..."
    ),
)
