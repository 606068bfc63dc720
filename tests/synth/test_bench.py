"""Judging: what is right on the visible examples alone does not count."""

from __future__ import annotations

from ncpu.synth import bench, suites
from ncpu.synth.portfolio import ProgramSynthesizer
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.strategies.enumeration import Enumeration
from ncpu.synth.strategies.polynomial import Polynomial
from ncpu.synth.suites.discriminate import telling


def test_judge_looks_at_hidden_inputs_edges_and_small_scope():
    problem = suites.problem("abs_value")
    assert bench.judge(problem, abs, 500) == ""
    assert bench.judge(problem, lambda x: x, 500)
    assert bench.judge(problem, lambda x: abs(x) if x != -3 else 0, 1)  # small scope alone
    assert bench.judge(problem, lambda x: 1 // 0, 10)


def test_verdicts_and_summary():
    engine = ProgramSynthesizer([Polynomial(), Enumeration()], Budget(5))
    rows = [bench.run(suites.problem(name), engine, 500) for name in ("add_two", "max2")]
    assert [row.verdict for row in rows] == ["solved", "solved"]
    blind = ProgramSynthesizer([Polynomial()], Budget(1))
    rows.append(bench.run(suites.problem("max2"), blind, 50))
    found = bench.summary(rows)
    assert (found["problems"], found["solved"], found["unsolved"]) == (3, 2, 1)
    assert found["solved by"] == {"polynomial": 1, "enumerate": 1}
    assert bench.summary([])["problems"] == 0


def test_visible_examples_rule_out_what_small_programs_would_pass_for():
    """No small program that fits is wrong on the pool searched, where examples were left to add."""
    for name in ("same_sign", "quadrant", "mod_5", "lcm", "hd06_set_lowest_clear"):
        problem = suites.problem(name)
        shown = problem.visible()
        pool = problem._unseen(shown)
        assert telling(shown, pool, problem.signature, 4) == [], name


def test_an_example_that_tells_is_one_that_a_small_program_gets_wrong():
    problem = suites.problem("max3")
    shown = [problem.example(a) for a in ((1, 2, 3), (0, 0, 9), (4, 4, 5))]  # the last fits too
    pool = [problem.example(a) for a in ((9, 1, 2), (1, 9, 2), (0, 0, 1))]
    assert set(telling(shown, pool, problem.signature, 2)) <= set(pool[:2])
    assert telling(shown, pool, problem.signature, 2)
    assert telling(shown, pool, problem.signature, 0) == []


def test_constants_may_be_kept_from_the_search():
    rows = tuple(((n,), n % 7) for n in range(-20, 40, 5))
    with_mining = Enumeration().solve(SynthesisSpec(rows), Budget(5))
    assert with_mining is not None and with_mining.solved
    without = SynthesisSpec(rows, mining=False)
    assert without == SynthesisSpec(rows)
    from ncpu.synth.mine import integers

    assert 7 in integers(SynthesisSpec(rows)) and 7 not in integers(without)
