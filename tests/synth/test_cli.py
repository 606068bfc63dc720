"""`ncpu synth`: examples, files and SyGuS in; code that ran, tables and typed errors out."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ncpu.cli import app, synth, synth_live
from ncpu.synth import spec as specification
from ncpu.synth.errors import (
    ContradictionError,
    LibraryError,
    SourceError,
    SpecError,
    SynthError,
    UnsupportedError,
)
from ncpu.synth.expression import arg, call
from ncpu.synth.portfolio import ProgramSynthesizer, Progress, Result, Turn
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.types import Kind

SQUARES = "[[[2], 4], [[3], 9], [[5], 25], [[-4], 16]]"
MAXIMUM = """(set-logic LIA)
(synth-fun maximum ((x Int) (y Int)) Int)
(declare-var x Int) (declare-var y Int)
(constraint (>= (maximum x y) x)) (constraint (>= (maximum x y) y))
(constraint (or (= x (maximum x y)) (= y (maximum x y)))) (check-synth)
"""
TWICE = """(set-logic LIA)
(synth-fun f ((x Int)) Int ((I Int)) ((I Int (x (+ I I)))))
(constraint (= (f 3) 12)) (constraint (= (f 1) 4)) (check-synth)
"""


def run(*words: str, code: int = 0, given: str | None = None):
    """A command's result; our own errors are raised."""
    result = CliRunner().invoke(app, ["synth", *words], input=given)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_examples_of_the_command_line_become_python_that_runs():
    for words in ((SQUARES,), ("solve", SQUARES)):
        result = run(*words)
        code = result.stdout + "\nprint([f(x) for x in (0, 7, -11, 1000)])"
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True,
                              check=True)  # fmt: skip
        assert done.stdout == "[0, 49, 121, 1000000]\n"
        assert "4 examples satisfied" in result.stderr


def test_files_standard_input_and_signatures(folder):
    (folder / "e.json").write_text(json.dumps({"signature": "(U8)->U8", "examples": [
        [[255], 0], [[0], 1], [[7], 8], [[100], 101]]}))  # fmt: skip
    assert "0xff" in run("e.json", "--quiet").stdout
    assert "def g(a0)" in run("-", "--name", "g", given=SQUARES).stdout
    records = "[[[[1, 2]], 3], [[[5, 9]], 14], [[[-3, 1]], -2]]"
    assert "def f(a0)" in run(records, "--signature", "(P)->I").stdout


def test_sygus_files_are_answered_in_kind_and_in_other_languages(folder):
    (folder / "m.sl").write_text(MAXIMUM)
    result = run("m.sl")
    assert result.stdout.startswith("(define-fun maximum ((x Int) (y Int)) Int")
    assert "proved by z3" in result.stderr
    assert "def maximum(a0, a1)" in run("m.sl", "--lang", "python").stdout
    (folder / "n.sl").write_text(TWICE.replace("12", "13"))
    result = run("n.sl", "--limit", "1", code=1)
    assert result.stdout == "fail\n" and "unsolved" in result.stderr


def test_a_library_spares_the_search(folder, monkeypatch):
    (folder / "t.sl").write_text(TWICE)
    first = run(SQUARES, "--library", "lib"), run("t.sl", "--library", "lib")
    monkeypatch.setattr(synth, "_searched", None)
    second = run(SQUARES, "--library", "lib"), run("t.sl", "--library", "lib")
    assert [r.stdout for r in first] == [r.stdout for r in second]
    assert "without a search" in second[0].stderr and "library:" in second[1].stderr


def test_rivals_are_compared(monkeypatch):
    result = run(SQUARES, "--prove")
    assert (
        "equal" in result.stderr or "nothing to compare" in result.stderr or "loop" in result.stderr
    )
    spec = SynthesisSpec.from_json(SQUARES)
    a = arg(0, Kind.I)
    made = [Solution(p, spec.signature, n, 4, 4) for n, p in (
        ("one", call("mul", a, a)), ("two", call("mul", call("neg", a), call("neg", a))),
        ("three", call("abs", call("mul", a, a))))]  # fmt: skip
    said: list[str] = []
    monkeypatch.setattr(synth, "_say", said.append)
    rivals = Result(made[0], (), 0.1, tuple(made[1:]))
    synth._prove(made[0], rivals, Budget(10))
    assert "equal (z3" in said[0] and "different at" in said[1]


def test_what_is_unsolved_is_a_result_with_the_best_program():
    mixed = json.dumps([[[k], random.Random(k).getrandbits(60)] for k in range(12)])
    result = run(mixed, "--limit", "0.5", code=1)
    assert "unsolved: the best program satisfies" in result.stderr


def search(op: str, matched: int) -> tuple[Solution, Turn]:
    a = arg(0, Kind.I)
    signature = SynthesisSpec.from_json(SQUARES).signature
    found = Solution(call(op, a, a), signature, "finds", matched, 4, 0.1, 1234, 3.0)
    return found, Turn("finds", 0.1, matched == 4, 3.0, 1234, found)


@pytest.mark.parametrize(("op", "matched"), [("mul", 4), ("add", 1)])
def test_a_stop_keeps_and_prints_what_was_found(op, matched, monkeypatch):
    found, turn = search(op, matched)

    class Strategy:
        name = "finds"

        def solve(self, spec, budget):
            raise KeyboardInterrupt

    def stopped(self, spec):
        assert ProgramSynthesizer([Strategy()], Budget(1)).run(spec, Budget(1)).interrupted
        return Result(found, (turn,), 0.1, (), True)

    monkeypatch.setattr("ncpu.synth.portfolio.ProgramSynthesizer.synthesize", stopped)
    result = run(SQUARES, code=130)
    if matched == 4:
        assert "a0 * a0" in result.stdout and "4 examples satisfied" in result.stderr
    else:
        assert result.stdout == "" and "stopped" in result.stderr and "1 of 4" in result.stderr


def test_the_board_shows_who_is_in_charge():
    from rich.console import Console

    board = synth_live.Board("squares")
    board.table()
    found, turn = search("mul", 4)
    board.take(Progress("unify", 0.5, 10.0, (turn,), found))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(board.table())
    text = console.export_text()
    assert "1,234 candidates" in text and "4 of 4 examples" in text and "found, cost 3.0" in text
    assert "unify" in text and "in charge" in text


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("[[[2], 4], [[2], 9]]",), ContradictionError),
        (("[[[2], 4], [[2, 3], 9]]",), SpecError),
        (('[[[2], 4], [["a"], 9]]',), SpecError),
        (("[]",), SpecError),
        (("[[[2], 4]",), SourceError),
        (("[[[2], 4]]", "--limit", "0"), SpecError),
        (("[[[2], 4]]", "--signature", "(I)"), SpecError),
        (("[[[2], 4]]", "--signature", "(I,I)->I"), SpecError),
        (('{"examples": [[[1], 2]], "seed": 3}',), SpecError),
        (("none.json",), SpecError),
        (("none.sl",), SpecError),
        (("bad.sl",), UnsupportedError),
        (("[[[2], 4]]", "--library", "foreign"), LibraryError),
    ],
)
def test_bad_input_is_a_typed_error(folder, words, error):
    (folder / "bad.sl").write_text("(set-logic UF)")
    (folder / "foreign").mkdir()
    (folder / "foreign" / "x").write_text("x")
    with pytest.raises(error):
        run(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("solve", SQUARES, "--lang", "cobol"),
        ("frob",),
        ("solve", SQUARES, "--memory", "many"),
        ("bench", "--seeds", "a"),
        ("bench", "--output", "no/x.json"),
    ],
)
def test_bad_options_are_named(words):
    assert run(*words, code=2).stderr


def test_our_errors_are_one_line_and_exit_code_2():
    script = "from ncpu.cli import main; main(['synth', '[[[2], 4], [[2], 9]]'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "ncpu: (2,) gives both 4 and 9\n"


def test_bench_prints_a_table_and_writes_json(folder, monkeypatch):
    from ncpu.synth import suites

    names = ("add_two", "double")
    monkeypatch.setattr(suites, "problems", lambda suite, seeds: (
        suites.problem(n, s) for n in names for s in seeds or [0]))  # fmt: skip
    out = run("bench", "--suite", "tiny", "--seeds", "0,1", "--hidden", "50", "--output", "t.json")
    assert "2 problems" not in out.stdout and out.stdout.count("solved") >= 4
    found = json.loads((folder / "t.json").read_text())
    assert (found["suite"], found["problems"], found["solved"]) == ("tiny", 4, 4)
    assert [p.name for p in folder.iterdir()] == ["t.json"]
    with pytest.raises(SpecError, match="accepted are"):
        monkeypatch.undo()
        run("bench", "--suite", "everything")


def test_a_stopped_bench_prints_what_was_run(folder, monkeypatch):
    real, calls = ProgramSynthesizer.synthesize, []

    def stops(self, spec):
        calls.append(spec)
        return real(self, spec) if len(calls) < 3 else Result(None, (), 0.1, (), True)

    monkeypatch.setattr("ncpu.synth.portfolio.ProgramSynthesizer.synthesize", stops)
    out = run("bench", "--suite", "tiny", "--hidden", "50", "--output", "t.json", code=130)
    assert "stopped" in out.stderr
    assert json.loads((folder / "t.json").read_text())["problems"] == 2


def test_mutated_json_ends_in_a_typed_error_or_a_specification():
    rng = random.Random(8)
    texts = [SQUARES, json.dumps({"signature": "(S,I)->S", "examples": [[["ab", 1], "b"]],
                                  "constants": ["x", 3], "operators": ["at", "cat"]})]  # fmt: skip
    letters = '[]{},:"0123456789e.-truefalsn \\\x00é'
    made = 0
    for _ in range(3000):
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(text))
            if rng.random() < 0.5:
                text[place : place + 1] = rng.choice(letters)
            else:
                other = rng.randrange(len(text))
                text[place:place] = text[other : other + rng.randint(1, 12)]
        try:
            specification.SynthesisSpec.from_json("".join(text))
            made += 1
        except SynthError as error:
            assert str(error)
    assert made > 50
    with pytest.raises(SynthError):
        SynthesisSpec.from_json("[" * 100_000)
    with pytest.raises(SynthError):
        SynthesisSpec.from_json(f"[[[1], {'9' * 5000}]]")
