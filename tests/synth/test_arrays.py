"""Loops over arrays: each strategy alone, judged on inputs it did not see."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from ncpu.synth.bench import judge
from ncpu.synth.codegen_python import compiled
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import arg, call, const, loop
from ncpu.synth.sketch.streams import Form, X, pairs, streamed
from ncpu.synth.spec import Budget, SynthesisSpec, batch
from ncpu.synth.strategies.elementwise import Elementwise
from ncpu.synth.strategies.entries import Entries
from ncpu.synth.strategies.gathering import Gathering, carried
from ncpu.synth.strategies.pipeline import Pipelines
from ncpu.synth.strategies.positions import Positions
from ncpu.synth.strategies.reduction import Reduce
from ncpu.synth.strategies.sparse import SparsePolynomial
from ncpu.synth.suites import problem
from ncpu.synth.types import Example, Kind, Signature

CARRY = Gathering(carried, "carry")
SOLVES = [
    (Reduce(), "sum_positives count_peaks count_inversions two_sum_exists convolution_1d_sum"),
    (Reduce(), "gcd_all count_sign_changes matrix_diagonal_sum max_pair_diff is_sorted"),
    (CARRY, "longest_plateau sum_until_negative max_product_subarray alternating_sum"),
    (Pipelines(), "min_positive partition_parity dedup_adjacent zip_max remove_value"),
    (Elementwise(), "clamp_all prefix_sums map_square filter_multiple_of"),
    (Positions(), "rotate_left reverse_array"),
    (SparsePolynomial(), "mat2_mul_trace mat2_determinant"),
    (Entries(), "mat_vec_2"),
]
EACH = [(strategy, name) for strategy, names in SOLVES for name in names.split()]


@pytest.mark.parametrize(("strategy", "name"), EACH, ids=[n for _, n in EACH])
def test_solves_from_the_visible_examples(strategy, name):
    drawn = problem(name)
    spec = SynthesisSpec(drawn.visible(), drawn.signature)
    found = strategy.solve(spec, Budget(30))
    assert found is not None and found.solved and found.strategy == strategy.name
    assert judge(drawn, compiled(found.program, drawn.signature), hidden=300) == ""


def spec_of(function, signature, seed=5, count=12):
    """Examples of a Python function over random arrays, then small integers."""
    rng = Random(seed)
    kinds = Signature.parse(signature).arguments
    rows = []
    for length in range(count):
        numbers = tuple(rng.randint(-20, 20) for _ in range(length % 7))
        given = tuple(numbers if k is Kind.A else rng.randint(1, 9) for k in kinds)
        rows.append(Example(given, function(*given)))
    return SynthesisSpec(tuple(rows), Signature.parse(signature))


FUNCTIONS = [
    (Reduce(), "(A,I)->I", lambda a, k: sum(x * x for x in a if x > k)),
    (Reduce(), "(A)->I", lambda a: sum(y > x for x, y in pairwise(a))),
    (Reduce(), "(A)->I", lambda a: max((x * y for x, y in pairwise(a)), default=-(1 << 63))),
    (Pipelines(), "(A)->A", lambda a: tuple(sorted(abs(x) for x in a))),
    (Elementwise(), "(A,I)->A", lambda a, k: tuple(x - k if x > k else 0 for x in a)),
    (CARRY, "(A)->I", lambda a: sum(max(a[: k + 1]) for k in range(len(a)))),
]


@pytest.mark.parametrize(("strategy", "signature", "function"), FUNCTIONS)
def test_solves_functions_of_no_family(strategy, signature, function):
    found = strategy.solve(spec_of(function, signature), Budget(30))
    assert found is not None and found.solved
    program = compiled(found.program, found.signature)
    for example in spec_of(function, signature, seed=77, count=60).examples:
        assert program(*example.arguments) == example.result


def test_a_search_cut_short_goes_on():
    drawn = problem("count_peaks")
    spec = SynthesisSpec(drawn.visible(9), drawn.signature)
    strategy, found, turns = Reduce(), None, 0
    while found is None and turns < 14:
        found = strategy.solve(spec, Budget(0.01 * 2**turns))
        turns += 1
    whole = strategy.solve(SynthesisSpec(drawn.visible(9), drawn.signature, (77,)), Budget(30))
    assert turns > 1
    assert found is not None and whole is not None and found.program is whole.program


@pytest.mark.parametrize("strategy", [s for s, _ in SOLVES[2:]], ids=lambda s: s.name)
def test_other_kinds_are_left_alone(strategy):
    truths = SynthesisSpec((Example((True, False), True), Example((True, True), False)))
    found = strategy.solve(truths, Budget(0.2))
    assert found is None or found.matched < found.total


def given_arrays(*arrays):
    """A specification whose results do not matter."""
    return SynthesisSpec(tuple(Example((a,), 0) for a in arrays), Signature.parse("A->I"))


def test_streams_give_the_elements_of_nested_loops():
    a = arg(0, Kind.A)
    spec = given_arrays((1, 2, 3), (5,), (4, 6))
    stream = streamed(spec, pairs(a), 1.0, (0,))
    assert stream is not None
    inner, outer = stream.leaves[0], stream.leaves[1]
    assert list(zip(outer.values, inner.values, strict=True)) == [(1, 2), (1, 3), (2, 3), (4, 6)]
    assert stream.lengths.tolist() == [3, 0, 1]
    total = stream.fold(
        const(0, Kind.I), lambda acc: call("add", acc, call("mul", *inner_outer(stream)))
    )
    assert evaluate(total, [batch([(1, 2, 3), (5,)], Kind.A)]).tolist() == [11, 0]


def inner_outer(stream):
    return stream.leaves[0].expr, stream.leaves[1].expr


def test_a_loop_in_a_term_keeps_its_own_element():
    a = arg(0, Kind.A)
    spec = given_arrays((1, 0, 3), (0, 5))
    kept = loop("filter", a, call("not", call("eq", X, const(0, Kind.I))))
    stream = streamed(spec, Form(kept, (X,)), 1.0, ())
    assert stream is not None and stream.leaves[0].values.tolist() == [1, 3, 5]
