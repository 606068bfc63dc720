"""Each scalar strategy alone, on inputs it was not shown."""

from __future__ import annotations

import math
import random

import pytest

from ncpu.synth.codegen_python import compiled
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.strategies import default_strategies
from ncpu.synth.types import Kind, Signature

STRATEGIES = {s.name: s for s in default_strategies()}
LONG = Budget(40.0)


def fibonacci(n, modulus=1 << 62):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, (a + b) % modulus
    return a % modulus


def collatz(n):
    return 0 if n == 1 else 1 + collatz(n // 2 if n % 2 == 0 else 3 * n + 1)


def bezout(a, b):
    return (1, 0) if b == 0 else (lambda x, y: (y, x - a // b * y))(*bezout(b, a % b))


def divisors(n):
    return [d for d in range(1, n + 1) if n % d == 0]


CASES = [
    ("polynomial", lambda n: n * (n + 1) * (2 * n + 1) // 6, 1, (0, 12), (0, 200)),
    ("enumerate", lambda a, b: max(a, b) - min(a, b) * 2, 2, (-9, 9), (-99, 99)),
    ("enumerate", lambda a, b: math.lcm(a, b), 2, (0, 30), (0, 500)),
    ("symmetric", lambda a, b, c: sum(x > 2 for x in (a, b, c)), 3, (-5, 9), (-99, 99)),
    ("symmetric", lambda a, b, c: max(a, b, c) < a + b + c, 3, (-5, 9), (-99, 99)),
    ("segments", lambda x: (15 * x + 20 * max(x - 40, 0)) // 100, 1, (0, 90), (0, 999)),
    ("recurrence", fibonacci, 1, (0, 16), (0, 80)),
    ("recurrence", lambda n: math.comb(2 * n, n) // (n + 1), 1, (0, 14), (0, 28)),
    ("recurrence", lambda r, n: sum(r**k for k in range(n + 1)), 2, (0, 7), (0, 9)),
    ("while", collatz, 1, (1, 16), (1, 500)),
    ("while", math.isqrt, 1, (0, 16), (0, 3000)),
    ("while", lambda n: 1 << max(n - 1, 0).bit_length(), 1, (0, 16), (0, 3000)),
    ("inverse", lambda n: (math.isqrt(8 * n + 1) - 1) // 2, 1, (0, 30), (0, 9000)),
    ("inverse", lambda n: math.isqrt(n) ** 2 == n, 1, (0, 40), (0, 9000)),
    ("property", lambda n: str(n) == str(n)[::-1], 1, (0, 130), (0, 5000)),
    ("property", lambda n: 2 * n == sum(divisors(n)), 1, (1, 30), (1, 600)),
    ("property", lambda n: sum(len(divisors(k)) == 2 for k in range(n + 1)), 1, (0, 24), (0, 150)),
    (
        "property",
        lambda n: next(k for k in range(n + 1, 999) if len(divisors(k)) == 2),
        1,
        (0, 24),
        (0, 500),
    ),
    (
        "property",
        lambda n: sum(k for k in range(n) if k % 4 == 0 or k % 6 == 0),
        1,
        (0, 30),
        (0, 400),
    ),
    ("pair", lambda a, b: bezout(a, b)[0], 2, (0, 60), (0, 5000)),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_what_is_found_is_right_on_other_inputs(case):
    name, reference, arity, shown, hidden = CASES[case]
    rng = random.Random(case)
    if arity == 1:
        rows = [(n,) for n in range(shown[0], shown[1] + 1)]
    else:
        rows = [tuple(rng.randint(*shown) for _ in range(arity)) for _ in range(16)]
    spec = SynthesisSpec(tuple((row, reference(*row)) for row in rows))
    found = STRATEGIES[name].solve(spec, LONG)
    assert found is not None and found.solved and found.strategy == name
    function = compiled(found.program, spec.signature)
    for _ in range(200):
        row = tuple(rng.randint(*hidden) for _ in range(arity))
        assert function(*row) == reference(*row), (str(found.program), row)


def xorshift(x):
    x ^= x << 3 & 0xFFFFFFFF
    x ^= x >> 11
    return x ^ x << 7 & 0xFFFFFFFF


WORDS = [
    ("chain", xorshift, 1),
    ("chain", lambda x: (x << 9 | x >> 23) & 0xFFFFFFFF ^ 0xFFFFFFFF, 1),
    ("wiring", lambda x: int.from_bytes(x.to_bytes(4, "little")), 1),
    ("wiring", lambda x, y: x & 0xFFFF00FF | (y & 255) << 8, 2),
    ("wiring", lambda x, y: x & 0x55555555 | (y & 0x55555555) << 1, 2),
    ("enumerate", lambda x, y: x * y >> 32, 2),
]


@pytest.mark.parametrize("case", range(len(WORDS)))
def test_words_are_rewired_chained_and_multiplied(case):
    name, reference, arity = WORDS[case]
    rng = random.Random(case)
    rows = [tuple(rng.getrandbits(32) for _ in range(arity)) for _ in range(16)]
    signature = Signature((Kind.U,) * arity, Kind.U, 32)
    spec = SynthesisSpec(tuple((row, reference(*row)) for row in rows), signature)
    found = STRATEGIES[name].solve(spec, LONG)
    assert found is not None and found.solved
    function = compiled(found.program, signature)
    for _ in range(200):
        row = tuple(rng.getrandbits(32) for _ in range(arity))
        assert function(*row) == reference(*row), (str(found.program), row)


def test_records_are_solved_field_by_field():
    from ncpu.synth.portfolio import ProgramSynthesizer

    rows = tuple(((a, b), (a // b, a % b)) for a in range(-6, 9, 3) for b in (2, 3, 5))
    result = ProgramSynthesizer(budget=LONG).synthesize(SynthesisSpec(rows))
    assert result.solved and result.solution is not None
    function = compiled(result.solution.program, SynthesisSpec(rows).signature)
    assert function(-77, 9) == (-77 // 9, -77 % 9)


def test_a_grammar_of_few_operators_is_kept():
    rows = tuple(((a, b), a + b) for a in range(3) for b in range(4))
    spec = SynthesisSpec(rows, operators=frozenset(("sub",)))
    found = STRATEGIES["enumerate"].solve(spec, LONG)
    assert found is not None and found.solved
    assert set(str(found.program).replace("sub", "")) <= set("a01(), -")
