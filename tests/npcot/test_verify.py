"""The verifier against brute force over the whole space at eight bits, and literal enumeration."""

from __future__ import annotations

import json
from itertools import product

import jax
import numpy as np
import pytest

from ncpu.npcot.domain import Domain
from ncpu.npcot.errors import DomainError, ProgramSpaceError
from ncpu.npcot.execute import execute_all
from ncpu.npcot.number import WORD8, WORD32
from ncpu.npcot.program import SPACE_SIZE, ArrayProgram, all_choices, all_programs
from ncpu.npcot.report import compliance, to_markdown
from ncpu.npcot.soundness import confusion_table, truths
from ncpu.npcot.text import parse_program
from ncpu.npcot.verify import Policy, verify

WHOLE = Domain(-126, 126, 4, format=WORD8)
QUICK = [WHOLE, Domain(0, 9, 4, 1, -2, 5, format=WORD8)]
MORE = [
    Domain(low, high, longest, least, format=WORD8)
    for low, high in [(-3, 3), (-126, -1), (1, 30), (7, 7), (0, 0), (-1, 1), (-12, 100), (2, 2)]
    for longest, least in [(4, 0), (4, 4), (3, 1), (0, 0)]
] + [Domain(-10, 10, 4, 0, a, b, format=WORD8) for a, b in [(-126, 126), (0, 1), (11, 12)]]


def _check(domains: list[Domain], offsets: tuple[int, ...]) -> None:
    found = confusion_table(domains, offsets)
    assert found["programs"] == SPACE_SIZE * len(domains) * len(offsets)
    assert found["unsound"] == 0, found["examples"]
    assert found["accepted"] >= 0.99, found["table"]


def test_no_unsound_verdict_over_the_whole_space() -> None:
    _check(QUICK, (0, 40))


@pytest.mark.slow
def test_no_unsound_verdict_on_many_domains() -> None:
    _check(MORE, (0, -7, 100))


@pytest.mark.parametrize(
    "domain",
    [Domain(-2, 1, 2, 0, format=WORD8), Domain(60, 62, 3, 1, 2, 3, format=WORD8)],
    ids=str,
)
def test_brute_force_sees_what_enumeration_sees(domain: Domain) -> None:
    xs, ys = range(domain.low, domain.high + 1), range(domain.second[0], domain.second[1] + 1)
    pairs = [
        p
        for n in range(domain.min_length, domain.max_length + 1)
        for p in product(product(xs, ys), repeat=n)
    ]
    arrays = np.zeros((2, len(pairs), 3), np.int32)
    for i, p in enumerate(pairs):
        arrays[:, i, : len(p)] = np.array(p, np.int32).reshape(-1, 2).T
    run = jax.jit(jax.vmap(lambda x, n, y: execute_all(x, n, y, fmt=WORD8)))
    results = np.asarray(run(arrays[0], np.array([len(p) for p in pairs]), arrays[1]))
    seen = {choice: truth.results for choice, _, truth in truths(domain, (0,), Policy())}
    for column, choice in zip(results.T, all_choices(), strict=True):
        assert set(column.tolist()) == seen[choice], choice


@pytest.mark.parametrize(
    ("text", "domain", "level", "reason"),
    [
        ("sum(x)", Domain(-1000, 1000, 64), "safe", ""),
        ("sum(x*x)", Domain(0, 46340, 1), "warn", "headroom"),
        ("sum(x*x)", Domain(-5000, 5000, 64), "warn", "headroom"),
        ("sum(x*x)", Domain(-6000, 6000, 64), "high", "after 60 elements"),
        ("product(x)", Domain(-9, 9, 64), "high", "at most 9 elements"),
        ("product(x)", Domain(-1, 1, 32767), "safe", ""),
        ("max(x)", Domain(-5, 5, 8), "high", "no elements"),
        ("max(x)", Domain(-5, 5, 8, 1), "safe", ""),
        ("max(x, init=0)", Domain(-5, 5, 8), "safe", ""),
        ("max(x, init=inf)", Domain(-5, 5, 8), "high", "starts at inf"),
        ("exp(sum(x))", Domain(0, 1, 8), "safe", ""),
        ("exp(sum(x))", Domain(0, 2, 8), "warn", "clamped"),
        ("sum(x)/len", Domain(0, 40000, 8), "high", "post"),
        ("sum(x) + 20000", Domain(0, 1, 8), "warn", "offset"),
        ("sum(x) + 2000000", Domain(0, 1, 8), "high", "offset"),
    ],
)
def test_verdicts_and_their_reasons(text: str, domain: Domain, level: str, reason: str) -> None:
    verdict = verify(parse_program(text), domain)
    assert verdict.level == level, verdict
    assert reason in " ".join(verdict.reasons)


def test_a_word32_verdict_is_attained() -> None:
    """The ends of the interval are results, so one step beyond the accepted range overflows."""
    program = parse_program("sum(x*x)")
    last = max(
        top for top in range(5000, 6000) if verify(program, Domain(-top, top, 64)).level != "high"
    )
    assert 64 * last * last < WORD32.infinity <= 64 * (last + 1) ** 2


def test_reports() -> None:
    domain = Domain(-9, 9, 16)
    programs = [parse_program(t) for t in ("sum(x)", "max(x)", "exp(sum(x))")]
    report = compliance(programs, domain)
    assert json.loads(json.dumps(report)) == report
    assert report["summary"]["levels"] == {"safe": 1, "warn": 1, "high": 1}
    text = to_markdown(report)
    for program in programs:
        assert str(program) in text.replace("\\|", "|")
    assert "Assumptions" in text and "a max of no elements is -inf" in text


@pytest.mark.parametrize(
    "arguments",
    [(3, 2, 4), (0, 1, -1), (0, 1, 3, 4), (0, 2**31 - 1, 4), (0, 1, 32768), (0, 1, 4, 0, 5, 2)],
)
def test_impossible_domains(arguments: tuple) -> None:
    with pytest.raises(DomainError, match="accepted"):
        Domain(*arguments)


def test_domains_survive_json() -> None:
    assert Domain.from_json(json.loads(json.dumps(WHOLE.to_json()))) == WHOLE
    for bad in ({}, {"low": 0}, {**WHOLE.to_json(), "high": "9"}, {**WHOLE.to_json(), "z": 1}):
        with pytest.raises(DomainError):
            Domain.from_json(bad)


def test_programs_outside_the_space_are_refused() -> None:
    program = all_programs()[0]
    wrong = ArrayProgram(**{**program.__dict__, "reduce": np.int32(6)})
    with pytest.raises(ProgramSpaceError, match="reduce is 6"):
        verify(wrong, Domain(0, 1, 1))
