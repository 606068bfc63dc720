"""The portfolio: results, limits, interruption, progress, learned odds, and blindness to names."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from ncpu.synth import suites
from ncpu.synth.codegen_python import compiled
from ncpu.synth.errors import LibraryError, SpecError
from ncpu.synth.expression import Expr, arg, const
from ncpu.synth.odds import Odds
from ncpu.synth.portfolio import ProgramSynthesizer, Progress, evidence
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies import default_strategies
from ncpu.synth.strategies.enumeration import Enumeration
from ncpu.synth.strategies.polynomial import Polynomial
from ncpu.synth.types import Kind

SQUARES = SynthesisSpec(tuple(((n,), n * n) for n in range(-3, 9)))


@dataclass(frozen=True)
class Fixed:
    """A strategy that gives one program, or raises."""

    name: str
    program: Expr | None = None
    error: type[BaseException] | None = None

    def solve(self, spec, budget):
        if self.error is not None:
            raise self.error
        if self.program is None:
            return None
        function = compiled(self.program, spec.signature)
        matched = sum(function(*e.arguments) == e.result for e in spec.examples)
        return Solution(self.program, spec.signature, self.name, matched, len(spec.examples))


def test_a_square_is_found_and_right_elsewhere():
    result = ProgramSynthesizer().synthesize(SQUARES)
    assert result.solved and result.solution is not None
    function = compiled(result.solution.program, SQUARES.signature)
    assert all(function(n) == n * n for n in range(-1000, 1000))
    assert next(t.strategy for t in result.turns if t.solved) == result.solution.strategy


def test_unsolved_is_a_result_with_the_best_partial_program():
    rows = tuple(((n,), (n * 2654435761 >> 7) % 1009) for n in range(12))
    budget = Budget(0.5)
    result = ProgramSynthesizer([Polynomial(), Enumeration()], budget).synthesize(
        SynthesisSpec(rows)
    )
    assert not result.solved
    assert result.solution is not None and 0 < result.solution.matched < 12
    assert result.seconds < 5


def test_the_best_partial_program_is_the_one_that_matches_most():
    strategies = [Fixed("zero", const(0, Kind.I)), Fixed("same", arg(0, Kind.I))]
    spec = SynthesisSpec((((0,), 0), ((1,), 1), ((2,), 2), ((3,), 7)))
    result = ProgramSynthesizer(strategies).synthesize(spec)
    assert result.solution is not None
    assert (result.solution.strategy, result.solution.matched) == ("same", 3)


def test_interruption_keeps_what_was_found():
    strategies = [Fixed("same", arg(0, Kind.I)), Fixed("stop", error=KeyboardInterrupt)]
    spec = SynthesisSpec((((0,), 0), ((1,), 1), ((2,), 9)))
    result = ProgramSynthesizer(strategies).synthesize(spec)
    assert result.interrupted and not result.solved
    assert result.solution is not None and result.solution.matched == 2


def test_progress_tells_whose_turn_it_is_and_the_best_so_far():
    seen: list[Progress] = []
    ProgramSynthesizer([Polynomial(), Enumeration()], watch=seen.append).synthesize(SQUARES)
    assert seen[0].strategy == "polynomial" and not seen[0].turns
    assert len(seen[1].turns) == 1 and seen[1].best is not None and seen[1].best.solved
    assert all(p.spent <= q.spent for p, q in pairwise(seen))


def test_names_of_strategies_must_differ():
    with pytest.raises(SpecError, match="differ"):
        ProgramSynthesizer([Polynomial(), Polynomial()])


def test_the_search_does_not_see_names():
    """Problems under each other's names: the same programs, turn by turn."""
    names = ("max3", "sum_to_n", "is_even", "clamp_0_10", "det2", "hd05_smear_lowest_set")
    engine = ProgramSynthesizer([Polynomial(), Enumeration()], Budget(20))

    def outcome(problem):
        spec = SynthesisSpec(problem.visible(), problem.signature)
        result = engine.synthesize(spec)
        assert result.solved and result.solution is not None
        return str(result.solution.program), [(t.strategy, t.solved) for t in result.turns]

    shown = [suites.problem(name) for name in names]
    plain = [outcome(p) for p in shown]
    for problem, other in zip(shown, names[1:] + names[:1], strict=True):
        visible = problem.visible()
        renamed = replace(problem, name=other, family=replace(problem.family, name=other))
        renamed.__dict__["_visible"] = {12: visible}  # examples are drawn by name
        assert outcome(renamed) == plain[shown.index(problem)]


def test_a_tiny_memory_limit_degrades_and_does_not_die():
    rows = tuple(((n, n * n % 17, 3 - n), n % 5 - n // 3) for n in range(14))
    budget = Budget(3.0, bytes=1 << 20)
    result = ProgramSynthesizer(budget=budget).synthesize(SynthesisSpec(rows))
    assert result.seconds < 30
    easy = ProgramSynthesizer([Enumeration()], budget).synthesize(SQUARES)
    assert easy.solved


def test_evidence_grows_with_examples_and_variety():
    truth = SynthesisSpec(tuple(((n,), n % 2 == 0) for n in range(16)))
    assert evidence(truth) == 16
    assert evidence(SQUARES) > 16
    assert evidence(SynthesisSpec((((1,), 2), ((2,), 2)))) == 0


def test_odds_put_what_solves_quickly_first(tmp_path):
    odds = Odds()
    for _ in range(5):
        odds.record("(I)->I", "slow", 2.0, True)
        odds.record("(I)->I", "quick", 0.1, True)
        odds.record("(I)->I", "vain", 0.1, False)
    rates = {name: odds.rate("(I)->I", name) for name in ("slow", "quick", "vain", "new")}
    assert rates["quick"] > rates["new"] > rates["vain"] and rates["quick"] > rates["slow"]
    assert odds.rate("(A)->I", "quick") == rates["new"]
    odds.save(tmp_path / "odds.json")
    assert Odds.load(tmp_path / "odds.json") == odds
    order = [Fixed("vain", const(0, Kind.I)), Fixed("quick", arg(0, Kind.I))]
    spec = SynthesisSpec((((5,), 5), ((1,), 1)))
    turns = ProgramSynthesizer(order, odds=odds).synthesize(spec).turns
    assert turns[0].strategy == "quick"
    assert odds.tallies["(I)->I"]["quick"].turns == 6


@pytest.mark.parametrize("text", ["", "[]", '{"form": "other"}', '{"form": 3', "{}"])
def test_foreign_odds_are_refused(tmp_path, text):
    path = tmp_path / "odds.json"
    path.write_text(text)
    with pytest.raises(LibraryError, match=r"odds\.json"):
        Odds.load(path)
    with pytest.raises(LibraryError, match="No such file"):
        Odds.load(tmp_path / "missing.json")


def test_every_strategy_has_a_name_of_its_own_and_survives_any_kind():
    strategies = default_strategies()
    assert len({s.name for s in strategies}) == len(strategies)
    specs = [
        SQUARES,
        SynthesisSpec((((True,), False), ((False,), True))),
        SynthesisSpec(((("ab",), "ba"), (("c",), "c"))),
        SynthesisSpec(((([1, 2],), [2, 1]), (([],), []))),
        SynthesisSpec(((((1, 2),), (2, 1)),)),
        SynthesisSpec((((3,), 252), ((0,), 255)), "(U8)->U8"),  # type: ignore[arg-type]
        SynthesisSpec((((), 7),)),
    ]
    for strategy in strategies:
        for spec in specs:
            found = strategy.solve(spec, Budget(0.2))
            assert found is None or 0 <= found.matched <= found.total, strategy.name
    json.dumps([s.name for s in strategies])
