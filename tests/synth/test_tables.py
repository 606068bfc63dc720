"""Dynamic programs: found from examples, judged on inputs not seen and against brute force."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import pytest

from ncpu.synth.bench import judge
from ncpu.synth.codegen_python import compiled
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.strategies.tables import Tables
from ncpu.synth.suites import problem
from ncpu.synth.types import Example, Signature

NAMES = """lcs_length edit_distance grid_paths pascal_entry coin_change_ways min_coins
    knapsack_small longest_increasing_subseq"""


@pytest.mark.parametrize("name", NAMES.split())
def test_solves_from_the_visible_examples(name):
    drawn = problem(name)
    found = Tables().solve(SynthesisSpec(drawn.visible(), drawn.signature), Budget(40))
    assert found is not None and found.solved and found.strategy == "table"
    assert judge(drawn, compiled(found.program, drawn.signature), hidden=100) == ""


def subsets(numbers):
    return [c for n in range(len(numbers) + 1) for c in combinations(numbers, n)]


def subset_sums(numbers, total):
    """How many subsets have a sum, by trying all."""
    return sum(sum(chosen) == total for chosen in subsets(numbers))


def longest_falling(numbers):
    """Length of the longest strictly falling subsequence, by trying all."""
    falls = (s for s in subsets(numbers) if all(a > b for a, b in pairwise(s)))
    return max(map(len, falls))


def test_solves_functions_of_no_family():
    arrays = [a for n in (0, 1, 3, 4) for a in product((1, 2, 4), repeat=n)]
    shown = [Example((a, t), subset_sums(a, t)) for a in arrays[::9] for t in (0, 3, 6)]
    found = Tables().solve(SynthesisSpec(tuple(shown), Signature.parse("(A,I)->I")), Budget(30))
    assert found is not None
    program = compiled(found.program, found.signature)
    assert all(program(a, t) == subset_sums(a, t) for a in arrays for t in range(12))
    shown = [Example((a,), longest_falling(a)) for a in arrays[::7]]
    found = Tables().solve(SynthesisSpec(tuple(shown), Signature.parse("A->I")), Budget(30))
    assert found is not None
    program = compiled(found.program, found.signature)
    assert all(program(a) == longest_falling(a) for a in arrays)


def test_stops_at_its_limit_and_leaves_other_kinds_alone():
    drawn = problem("edit_distance")
    spec = SynthesisSpec(drawn.visible(), drawn.signature)
    assert Tables().solve(spec, Budget(1e-6)) is None
    words = SynthesisSpec((Example((1, 2), 3), Example((3, 5), 6)), Signature.parse("(U8,U8)->U8"))
    assert Tables().solve(words, Budget(1)) is None
