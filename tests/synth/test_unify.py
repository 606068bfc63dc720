"""Conditionals and fits: trees equal their references on inputs they were not made from."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from ncpu.synth.codegen_python import compiled
from ncpu.synth.expression import arg
from ncpu.synth.linear import fit, quotient, solve
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.strategies.unification import Unification
from ncpu.synth.types import Kind, Signature


def examples(reference, inputs):
    return tuple((row, reference(*row)) for row in inputs)


def unified(reference, inputs, seconds=20.0):
    spec = SynthesisSpec(examples(reference, inputs))
    found = Unification().solve(spec, Budget(seconds))
    assert found is not None and found.solved
    return compiled(found.program, spec.signature)


@pytest.mark.parametrize(
    ("reference", "shown", "hidden"),
    [
        (lambda n: 3 * n + 1 if n % 2 else n // 2, range(1, 17), range(1, 300)),
        (lambda n: (n >= 10) + (n >= 25) + (n >= 60), (1, 9, 10, 11, 24, 25, 26, 59, 60, 61, 90, 4),
         range(100)),
        (lambda n: 5 * n - 7 if n < 3 else 40 - 2 * n, (-9, -4, 0, 1, 2, 3, 4, 8, 20, 33),
         range(-50, 50)),
        (lambda n: n % 4 == 0 and (n % 100 != 0 or n % 400 == 0),
         (1900, 2000, 2023, 2024, 2100, 400, 2, 3, 88, 495, 800, 900, 68, 1000, 160, 1200),
         range(1, 2500)),
    ],
)  # fmt: skip
def test_one_argument(reference, shown, hidden):
    function = unified(reference, [(n,) for n in shown])
    assert all(function(n) == reference(n) for n in hidden)


def test_a_condition_between_two_arguments():
    rng = random.Random(4)
    rows = [(rng.randint(-9, 9), rng.randint(-9, 9)) for _ in range(16)]

    def reference(a, b):
        return a + b if a < b else 2 * a

    function = unified(reference, rows)
    for _ in range(500):
        a, b = rng.randint(-99, 99), rng.randint(-99, 99)
        assert function(a, b) == reference(a, b)


def test_exact_elimination():
    assert solve([[1, 0], [1, 1], [1, 2]], [3, 5, 7]) == [Fraction(3), Fraction(2)]
    assert solve([[1, 0], [1, 1], [1, 2]], [3, 5, 8]) is None
    assert solve([[1, 1], [2, 2]], [1, 2]) is None  # more than one solution


@pytest.mark.parametrize(
    "reference",
    [
        lambda x, y: 3 * x * x - x * y + 7,
        lambda x, y: x * y * y,
        lambda x, y: (x * x + x) // 2 - y,
        lambda x, y: 0,
    ],
)
def test_polynomials_are_recovered(reference):
    rng = random.Random(6)
    rows = [(rng.randint(-20, 20), rng.randint(-20, 20)) for _ in range(16)]
    terms = [arg(0, Kind.I), arg(1, Kind.I)]
    program = fit(terms, list(zip(*rows, strict=True)), [reference(*row) for row in rows])
    assert program is not None
    function = compiled(program, Signature((Kind.I, Kind.I), Kind.I))
    for _ in range(200):
        x, y = rng.randint(-999, 999), rng.randint(-999, 999)
        assert function(x, y) == reference(x, y)


@pytest.mark.parametrize(
    "reference",
    [lambda x: (9 * x) // 5 + 32, lambda x: x // 7, lambda x: int(x / 3), lambda x: (x + 5) // 10],
)
def test_rounded_quotients_are_recovered(reference):
    rows = [-95, -41, -17, -6, -3, -1, 0, 2, 3, 5, 8, 21, 44, 63, 80, 99]
    program = quotient([arg(0, Kind.I)], [rows], [reference(x) for x in rows])
    assert program is not None
    function = compiled(program, Signature((Kind.I,), Kind.I))
    assert all(function(x) == reference(x) for x in range(-99, 100))
