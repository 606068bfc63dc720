"""The bank of terms: values are those of Python, rows are distinct, and limits hold."""

from __future__ import annotations

import random

import numpy as np
import pytest

from ncpu.synth.codegen_python import compiled
from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import arg, call, const, from_json, substitute, to_json
from ncpu.synth.lower import lowered
from ncpu.synth.meet import halves
from ncpu.synth.operators import TABLE
from ncpu.synth.types import Kind, Signature

OPS = [
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "quot",
    "rem",
    "min",
    "max",
    "abs",
    "neg",
    "gcd",
    "lt",
    "le",
    "eq",
    "and",
    "or",
    "not",
]
A, B = arg(0, Kind.I), arg(1, Kind.I)
PAIR = Signature((Kind.I, Kind.I), Kind.I)


def bank(**limits) -> Bank:
    rng = np.random.default_rng(5)
    leaves = [Leaf(a, rng.integers(-9, 10, 12)) for a in (A, B)]
    leaves += [Leaf(const(c, Kind.I), np.full(12, c)) for c in (0, 1, 3)]
    return Bank(leaves, [TABLE[name] for name in OPS], 12, **limits)


def test_stored_values_are_what_the_emitted_program_gives():
    made = bank()
    for _ in range(4):
        made.grow()
    inputs = list(zip(*(leaf.values.tolist() for leaf in made.leaves[:2]), strict=True))
    for kind in (Kind.I, Kind.B):
        rows = made.rows[kind]
        for place in random.Random(1).sample(range(rows.count), min(150, rows.count)):
            function = compiled(made.expr(kind, place), PAIR)
            assert [function(*row) for row in inputs] == rows.values[place].tolist()


def test_no_two_stored_rows_agree_and_sizes_ascend():
    made = bank()
    for _ in range(4):
        made.grow()
    rows = made.rows[Kind.I]
    assert len({tuple(r) for r in rows.values[: rows.count].tolist()}) == rows.count
    assert (np.diff(made.sizes(Kind.I)) >= 0).all()
    for place in range(0, rows.count, 97):
        assert made.expr(Kind.I, place).size == made.sizes(Kind.I)[place]


def test_a_small_program_is_found_in_the_order_of_size():
    made = bank()
    x, y = (leaf.values for leaf in made.leaves[:2])
    target = np.maximum(x, y) - 3
    while made.match(Kind.I, target) is None:
        made.grow()
    found = made.match(Kind.I, target)
    assert found is not None and found.size == made.size == 5


@pytest.mark.parametrize(
    "reference",
    [
        lambda x, y: x * y + x - y * 3,
        lambda x, y: (x + y) * (x - 3),
        lambda x, y: np.maximum(x * 3, y - x),
        lambda x, y: np.abs(x - y) - np.abs(x + y),
    ],
)
def test_the_other_half_of_a_target_is_looked_up(reference):
    made = bank()
    target = reference(*(leaf.values for leaf in made.leaves[:2]))
    for _ in range(5):
        made.grow()
    found = list(halves(made, target, Kind.I))
    assert found
    for expr in found:
        values = evaluate(expr, [leaf.values for leaf in made.leaves[:2]])
        assert (values == target).all()


def test_halves_of_words():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 256, (2, 12), dtype=np.uint64)
    leaves = [Leaf(arg(0, Kind.U), x), Leaf(arg(1, Kind.U), y)]
    ops = [TABLE[n] for n in ("uand", "uor", "uxor", "uadd", "usub", "unot")]
    made = Bank(leaves, ops, 12, width=8)
    for _ in range(3):
        made.grow()
    for target in ((x & ~y & 255) | (y & ~x & 255), ((x & y) + (x ^ y)) & 255, (x | y) & 255):
        for expr in halves(made, target, Kind.U):
            assert (evaluate(expr, [x, y], 8) == target).all()


@pytest.mark.parametrize("limits", [{"memory": 200_000}, {"most": 5000}, {"deadline": 0.0}])
def test_limits_stop_growth_and_keep_what_is_stored(limits):
    made = bank(**limits)
    with pytest.raises(OutOfBudget):
        for _ in range(9):
            made.grow()
    rows = made.rows[Kind.I]
    if rows.count:
        assert made.match(Kind.I, rows.values[rows.count - 1]) is not None
    if "memory" in limits:
        assert sum(r.bytes for r in made.rows.values()) < 40 * limits["memory"]


def test_expressions_are_shared_and_survive_json():
    one = call("add", A, call("mul", B, const(3, Kind.I)))
    assert one is call("add", A, call("mul", B, const(3, Kind.I)))
    assert from_json(to_json(one)) is one
    assert substitute(one, {B: A}) is call("add", A, call("mul", A, const(3, Kind.I)))
    with pytest.raises(ValueError, match="not an expression"):
        from_json(["add", "I", None])
    with pytest.raises(TypeError, match="takes"):
        call("add", A, const(True, Kind.B))


def test_operators_that_are_loops_agree_with_the_loops():
    rng = random.Random(3)
    for op in ("gcd", "pow"):
        expr = call(op, A, B)
        plain, loops = compiled(expr, PAIR), compiled(lowered(expr), PAIR)
        assert lowered(expr) is not expr
        for x, y in [(0, 0), (0, 5), (-4, 6), *((rng.randint(-50, 50), rng.randint(-5, 40))
                                                for _ in range(60))]:  # fmt: skip
            batched = evaluate(expr, [np.array([x]), np.array([y])])[0]
            assert plain(x, y) == loops(x, y) == batched, (op, x, y)
