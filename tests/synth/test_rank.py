"""Which of several programs: disagreement, confidence, and questions to an oracle."""

from __future__ import annotations

import pytest

from ncpu.synth.codegen_python import compiled
from ncpu.synth.expression import arg, call, const
from ncpu.synth.portfolio import ProgramSynthesizer
from ncpu.synth.rank import confidence, probes, synthesize
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.enumeration import Enumeration
from ncpu.synth.strategies.polynomial import Polynomial
from ncpu.synth.strategies.unification import Unification
from ncpu.synth.types import INT_MAX, INT_MIN, Kind

A = arg(0, Kind.I)
SPEC = SynthesisSpec((((2,), 4), ((0,), 0)))


def solution(program):
    return Solution(program, SPEC.signature, "given", 2, 2)


def test_programs_that_agree_leave_no_doubt():
    one = confidence(SPEC, [solution(call("add", A, A))])
    assert (one.rivals, one.agreement, one.distinguishing) == (0, 1.0, None)
    same = confidence(SPEC, [solution(call("add", A, A)),
                             solution(call("mul", const(2, Kind.I), A))])  # fmt: skip
    assert same.agreement == 1.0 and same.distinguishing is None


def test_programs_that_differ_give_an_input_to_ask_about():
    doubled, square = call("add", A, A), call("mul", A, A)
    found = confidence(SPEC, [solution(doubled), solution(square)])
    assert found.rivals == 1 and found.agreement < 1
    assert found.distinguishing is not None
    (asked,) = found.distinguishing
    assert isinstance(asked, int)
    assert asked + asked != asked * asked


@pytest.mark.parametrize("example", [
    ((3, -4), 0), (("ab", "c"), 0), (([1, 2, 3], 5), 0), (((1, 2), True), 0)])  # fmt: skip
def test_probes_are_of_the_kinds_of_the_examples(example):
    spec = SynthesisSpec((example,))
    found = probes(spec, 200, seed=1)
    assert found == probes(spec, 200, seed=1) and len(set(found)) == len(found)
    for row in found:
        assert len(row) == len(example[0])
        for value, given in zip(row, spec.examples[0].arguments, strict=True):
            assert type(value) is type(given)
            if type(value) is int:
                assert INT_MIN <= value <= INT_MAX


@pytest.mark.parametrize(
    "oracle",
    [
        lambda n: n * n,
        lambda n: max(n, 3),
        lambda n: n % 5 if n >= 0 else n,
        lambda n: abs(n) // 2,
    ],
)
def test_counterexamples_lead_from_two_examples_to_the_function(oracle):
    spec = SynthesisSpec(tuple(((n,), oracle(n)) for n in (0, 40)))
    engine = ProgramSynthesizer([Polynomial(), Enumeration(), Unification()], Budget(30))
    result = synthesize(spec, oracle, Budget(60), engine)
    assert result.solved and result.solution is not None
    function = compiled(result.solution.program, spec.signature)
    assert all(function(n) == oracle(n) for n in range(41))


def test_an_oracle_may_refuse_inputs_outside_its_domain():
    def factorial(n):
        if not 0 <= n <= 6:
            raise ValueError
        return [1, 1, 2, 6, 24, 120, 720][n]

    spec = SynthesisSpec(tuple(((n,), factorial(n)) for n in range(7)))
    result = synthesize(spec, factorial, Budget(20))
    assert result.solved
