"""Records by their fields, in the whole portfolio, judged on inputs not seen."""

from __future__ import annotations

import pytest

from ncpu.synth.bench import judge
from ncpu.synth.codegen_python import compiled
from ncpu.synth.portfolio import ProgramSynthesizer
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.suites import problem
from ncpu.synth.types import Example

NAMES = """point_swap point_scale complex_mul divmod_pair minmax_pair dual_tally paired_extrema
    running_correlation fraction_add_numer"""


@pytest.mark.parametrize("name", NAMES.split())
def test_solves_from_the_visible_examples(name):
    drawn = problem(name)
    result = ProgramSynthesizer(budget=Budget(60)).synthesize(
        SynthesisSpec(drawn.visible(), drawn.signature)
    )
    assert result.solved and result.solution is not None
    assert judge(drawn, compiled(result.solution.program, drawn.signature), hidden=300) == ""


def test_a_record_with_an_unsolvable_field_is_not_solved():
    drawn = problem("minmax_pair")
    shown = drawn.visible()
    rows = [Example(e.arguments, (0, hash(e.arguments) % 10_007)) for e in shown]
    spec = SynthesisSpec(tuple(rows), drawn.signature)
    result = ProgramSynthesizer(budget=Budget(0.5)).synthesize(spec)
    assert not result.solved
