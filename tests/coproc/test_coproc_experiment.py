"""The experiment: positions, decoding, a little training, the model that comes with ncpu."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ncpu import sealed
from ncpu.coproc.errors import CoprocessorError
from ncpu.coproc.experiment import checkpoint, heldout, report, score, tokens
from ncpu.coproc.experiment.conditions import CONDITIONS, build, condition, parameters
from ncpu.coproc.experiment.decode import LONGEST, continuations
from ncpu.coproc.experiment.model import places
from ncpu.coproc.experiment.problems import draw
from ncpu.coproc.experiment.show import sentence
from ncpu.coproc.experiment.text import TEMPLATES, Line, render
from ncpu.coproc.experiment.train import Schedule, Trained, train
from ncpu.coproc.read import Role

FLOOR, NEW_TEMPLATES = 0.95, 0.8
TINY = {"width": 32, "depth": 1}


@pytest.fixture(scope="module")
def ours() -> Trained:
    return checkpoint.load(checkpoint.folder("ours", 0))


CELLS = [(op, n) for op in heldout.OPS for n in heldout.LENGTHS]


@pytest.fixture(scope="module")
def asked() -> list[Line]:
    """New problems, most of them longer than any in training, in templates of training."""
    rng = Random(0)
    return [
        render(rng.choice(TEMPLATES), draw(rng, op, *heldout.LENGTHS[n]), rng)
        for op, n in CELLS
        for _ in range(10)
    ]


def test_conditions_have_as_many_parameters() -> None:
    counts = [parameters(build(c, 0)) for c in CONDITIONS.values()]
    assert max(counts) <= 1.01 * min(counts)
    assert min(counts) >= 300_000 and max(counts) <= 800_000
    with pytest.raises(CoprocessorError, match="ours; plain"):
        condition("magic")


def test_places_are_counted_across_calls() -> None:
    codes = tokens.encode("a12 305x99999 7")
    expected = [0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 0, 1]
    whole = places(jnp.asarray(codes)[None], jnp.zeros(1, jnp.int32))[0]
    assert whole.tolist() == expected
    place, out = jnp.zeros(1, jnp.int32), []
    for code in codes:
        place = places(jnp.full((1, 1), code), place)[:, 0]
        out.append(int(place[0]))
    assert out == expected


@pytest.mark.parametrize("name", ["ours", "plain, reversed, Abacus"])
def test_cached_decoding_is_the_whole_sequence(name: str) -> None:
    model = build(condition(name), 0, **TINY)
    prompts = ["12 + 345 = ", "What is 7 minus 88888? A: "]
    written = continuations(model, prompts)
    call = jax.jit(lambda m, x: m(x)[0])
    for prompt, text in zip(prompts, written, strict=True):
        codes = tokens.encode("\n" + prompt + text)
        padded = np.zeros((1, 64), np.int32)  # padding behind changes nothing before it
        padded[0, : len(codes)] = codes
        logits = np.asarray(call(model, jnp.asarray(padded)))[0]
        best = logits.argmax(-1)[len(prompt) : len(prompt) + len(text)]
        assert tokens.decode(best) == text
        assert len(text) <= LONGEST


def test_training_lowers_every_loss() -> None:
    seen: list[dict[str, float]] = []
    schedule = Schedule(steps=40, batch=8, length=64, warmup=3, learning_rate=1e-2)
    trained = train(
        condition("ours"), 0, schedule, report=lambda _, m: seen.append(m), every=10, **TINY
    )
    assert trained.record["parameters"] == parameters(trained.model)
    for name in ("text", "role", "digit"):
        assert seen[-1][name] < 0.9 * seen[0][name], (name, seen)
    assert seen[-1]["op"] < seen[0]["op"]


def test_checkpoint_round_trip_and_damage(tmp_path: Path) -> None:
    schedule = Schedule(steps=1, batch=2, length=64)
    trained = train(condition("ours"), 3, schedule, **TINY)
    path = checkpoint.folder("ours", 3, tmp_path)
    checkpoint.save(trained, path)
    again = checkpoint.load(path)
    pairs = zip(*(checkpoint.arrays(t.model).items() for t in (trained, again)), strict=True)
    assert all(a[0] == b[0] and np.array_equal(a[1], b[1]) for a, b in pairs)
    assert again.record == json.loads(json.dumps(trained.record))

    file = next(f for f in (path / "weights").rglob("*") if f.is_file() and f.stat().st_size > 500)
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(checkpoint.CheckpointError, match=r"altered.*ncpu coproc train .*--seed 3"):
        checkpoint.load(path)
    manifest = path / sealed.MANIFEST
    manifest.write_text(manifest.read_text().replace('"seed": 3', '"seed": 4'))
    with pytest.raises(checkpoint.CheckpointError, match=r"manifest.json was altered"):
        checkpoint.load(path)
    shutil.rmtree(path)
    with pytest.raises(checkpoint.CheckpointError, match="ncpu coproc train"):
        checkpoint.load(path)


def test_committed_model_answers_in_held_out_templates(ours: Trained) -> None:
    lines = [line for op, n in CELLS for line in heldout.asked(op, n, 10, seed=1)]
    assert score.right(ours.model, lines).mean() >= NEW_TEMPLATES


def test_committed_model_answers_longer_problems(ours: Trained, asked: list[Line]) -> None:
    right = score.right(ours.model, asked)
    long = np.array([len(line.problem.a) > 4 for line in asked if line.problem])
    assert right.mean() >= FLOOR and right[long].mean() >= FLOOR
    assert score.right(ours.model, asked, given=score.parsed(asked)).mean() >= FLOOR
    found = score.routing(ours.model, asked, right)
    both, good = found["right given both"]
    assert both == good > 0


def test_committed_model_needs_its_coprocessor(ours: Trained, asked: list[Line]) -> None:
    some = asked[:120]
    assert score.right(score.with_gate(ours.model, 0.0), some).mean() < 0.3
    donors = [*some[1:], some[0]]
    lent = score.parsed(donors)
    expected = [score.problem(line) for line in donors]
    assert score.right(ours.model, some, given=lent, expected=expected).mean() >= FLOOR
    assert score.gate_off_identical(ours.model, some[:8])


def test_committed_model_leaves_other_text_alone(ours: Trained) -> None:
    assert score.false_routes(ours.model, heldout.negatives(512, seed=1))["lines"][0] <= 5


def test_a_sentence_character_by_character(ours: Trained) -> None:
    found = sentence(ours.model, "subtract 4809 from 70512983: ")
    assert found.answer == str(70512983 - 4809)
    assert found.text == f"subtract 4809 from 70512983: {found.answer}\n"
    begin = found.text.index(": ") + 1
    assert (found.a[begin], found.b[begin], found.op[begin]) == (70512983, 4809, 1)
    assert found.role[begin] == Role.BEGIN and found.gate[begin] > 0.5
    assert not found.gate[: begin - 1].any()


def test_intervals_and_report(tmp_path: Path) -> None:
    low, high = report.interval(99, 100)
    assert low == pytest.approx(0.9455, abs=1e-3) and high == pytest.approx(0.9982, abs=1e-3)
    assert report.bound(0, 10_000) == pytest.approx(3e-4, rel=0.01)
    path = tmp_path / "r.json"
    with pytest.raises(report.ResultsError, match="coproc eval"):
        report.read(path)
    report.write({"conditions": {}}, path)
    assert report.read(path) == {"conditions": {}}


def test_committed_results_are_of_the_committed_model(ours: Trained) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "results" / "coproc.json"
    results = report.read(path)
    assert results["conditions"]["ours"][0]["training"] == ours.record
    assert report.tables(results)
