"""Generated text: labels against an independent reading, splits that do not touch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from random import Random

import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.coproc.compute import results
from ncpu.coproc.experiment import compose, data, heldout, tokens
from ncpu.coproc.experiment.chatter import FAMILIES, chatter
from ncpu.coproc.experiment.data import label, one_each, pack, reversed_digits
from ncpu.coproc.experiment.problems import EDGES, OPS, Problem, draw, edge
from ncpu.coproc.experiment.text import TEMPLATES, Line, render
from ncpu.coproc.read import Role

MASK = 0xFFFFFFFF
PYTHON = {"+": "+", "-": "-", "*": "*", "/": "//", "&": "&", "|": "|", "^": "^", "<<": "<<"}


def numbers(line: Line, role: Role) -> list[int]:
    """The runs of a role, as Python reads them."""
    marks = "".join("#" if r == role else "." for r in line.roles)
    return [int(line.text[m.start() : m.end()]) for m in re.finditer("#+", marks)]


def every(seed: int, each: int = 30) -> list[Line]:
    rng = Random(seed)
    made = [(t, op) for t in (*TEMPLATES, *heldout.HELD_OUT.values()) for op in OPS]
    return [render(t, draw(rng, op, 1, 9), rng) for t, op in made for _ in range(each // 10)]


@pytest.mark.parametrize("sign", PYTHON)
def test_answers_are_pythons(sign: str) -> None:
    rng = Random(1)
    op = OPS[list(PYTHON).index(sign)]
    for _ in range(2000):
        problem = draw(rng, op, 1, 9)
        a, b = int(problem.a), int(problem.b)
        if sign == "/" and b == 0:
            assert problem.answer == 0
        else:
            assert problem.answer == eval(f"({a} {PYTHON[sign]} {b}) & {MASK}")


def test_answers_are_the_machines() -> None:
    rng = Random(2)
    problems = [draw(rng, op, 1, 9) for op in OPS for _ in range(300)]
    problems += [edge(rng, name) for name in EDGES for _ in range(50)]
    a = jnp.asarray(np.array([int(p.a) for p in problems], np.uint32))
    b = jnp.asarray(np.array([int(p.b) for p in problems], np.uint32))
    found = np.asarray(results(OPS, a, b, 32))
    expected = [p.answer for p in problems]
    assert [int(found[OPS.index(p.op), i]) for i, p in enumerate(problems)] == expected


def test_labels_say_what_the_text_says() -> None:
    for line in every(3):
        problem = line.problem
        assert problem is not None
        (a,), (b,), (answer,) = (
            numbers(line, r) for r in (Role.DIGIT_A, Role.DIGIT_B, Role.INSIDE)
        )
        first, second = (b, a) if line.exchanged else (a, b)
        assert (first, second) == (int(problem.a), int(problem.b)), line
        assert answer == problem.answer
        assert line.roles.count(Role.BEGIN) == 1 and line.roles.count(Role.OPERATOR) >= 1
        assert line.text[len(line.prompt) :] == f"{answer}\n"
        assert line.text.endswith("\n") and "\n" not in line.text[:-1]


def test_infix_lines_are_what_python_computes() -> None:
    found = 0
    for line in every(4):
        parts = re.search(r"(\d+) ?(<<|[-+*/&|^]) ?(\d+)", line.prompt)
        if parts is None or "{sym}" not in str(heldout.HELD_OUT.get(line.source, line.source)):
            continue
        a, sign, b = int(parts[1]), parts[2], int(parts[3])
        value = (
            0
            if sign == "/" and b == 0
            else eval(f"{a} {PYTHON[sign]} {b % 32 if '<' in sign else b}")
        )
        assert f"{value & MASK}\n" == line.text[len(line.prompt) :], line
        found += 1
    assert found > 200


def test_sizes_of_the_splits() -> None:
    assert len(TEMPLATES) >= 24 and len(set(TEMPLATES)) == len(TEMPLATES)
    assert len(heldout.HELD_OUT) >= 12
    rng = Random(11)
    trained = {*TEMPLATES, *(compose.template(rng) for _ in range(50_000))}
    assert not set(heldout.HELD_OUT.values()) & trained
    assert not set(heldout.NEGATIVES) & set(FAMILIES)


def test_no_held_out_line_is_a_training_line() -> None:
    source = data.lines(Random("coprocessor training 0"))
    trained = {next(source).text for _ in range(20_000)}
    lines = [x for op in OPS for n in heldout.LENGTHS for x in heldout.asked(op, n, 60)]
    assert not trained & {x.text for x in lines}


def test_training_does_not_import_the_test_set() -> None:
    code = (
        "import sys, ncpu.coproc.experiment.train, ncpu.coproc.experiment.checkpoint;"
        "assert 'ncpu.coproc.experiment.heldout' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_other_text_is_at_least_two_fifths() -> None:
    source = data.lines(Random(5))
    lines = [next(source) for _ in range(5000)]
    silent = sum(len(x.text) for x in lines if x.problem is None)
    assert silent >= 0.4 * sum(len(x.text) for x in lines)
    assert all(set(x.roles) == {Role.OTHER} for x in lines if x.problem is None)


def test_training_operands_have_at_most_four_digits() -> None:
    source = data.lines(Random(6))
    asked = [x.problem for x in (next(source) for _ in range(5000)) if x.problem is not None]
    assert max(len(x) for p in asked for x in (p.a, p.b)) == 4
    assert set(Counter(p.op for p in asked)) == set(OPS)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_other_text(family: str) -> None:
    rng = Random(7)
    texts = [chatter(rng, family).text for _ in range(50)]
    assert len(set(texts)) > 20 and all(t.endswith("\n") and t.count("\n") == 1 for t in texts)
    assert all(tokens.decode(tokens.encode(t)) == t for t in texts)


def test_negatives_ask_for_nothing() -> None:
    lines = heldout.negatives(3000)
    assert all(line.problem is None for line in lines)
    assert len({line.text for line in lines}) > 2900
    assert len({line.source for line in lines}) >= 20


@pytest.mark.parametrize("family", EDGES)
def test_edges_are_what_they_say(family: str) -> None:
    problems = [line.problem for line in heldout.edges(family, 40)]
    assert all(isinstance(p, Problem) for p in problems)
    holds = {
        "carry chain": lambda p: set(p.a) == {"9"} and len(str(p.answer)) > len(p.a),
        "borrow chain": lambda p: set(p.a[1:]) == {"0"},
        "shift by 0": lambda p: p.b == "0",
        "shift by 31": lambda p: p.b == "31",
        "divisor 1": lambda p: p.b == "1",
        "divisor 0": lambda p: p.answer == 0,
        "equal operands": lambda p: p.a == p.b,
        "leading zeros": lambda p: p.a[0] == "0" or len(p.a) == 9,
        "wraps": lambda p: int(p.a) <= int(p.b),
    }[family]
    assert all(holds(p) for p in problems if p is not None)


def test_reversing_digits_twice_is_the_line() -> None:
    for line in every(8, each=10):
        assert reversed_digits(reversed_digits(line)) == line


def test_packing_keeps_whole_lines() -> None:
    batch = pack(data.lines(Random(9)), 50, 96)
    for codes in batch.tokens:
        text = tokens.decode(codes)
        assert text[0] == "\n" and text[-1] == "\n"
    labelled = label(render("{a}{sym}{b} = ", Problem("ADD", "12", "7"), Random(0)))
    assert labelled.digit[0, :4].tolist() == [1, 2, -1, 7]
    assert labelled.op[0, :4].tolist() == [-1, -1, 0, -1]
    rows = one_each([render("{a}{sym}{b} = ", Problem("ADD", "12", "7"), Random(0))])
    assert rows.tokens.shape == (1, 32) and rows.role[0, 0] == Role.OTHER


def test_characters_that_are_no_tokens() -> None:
    with pytest.raises(tokens.TokenError, match="é"):
        tokens.encode("caf\u00e9")
    with pytest.raises(tokens.TokenError, match="t"):
        tokens.encode("a\tb")
