"""Levels above the instruction, speculation, the watcher and the plots, on untrained models."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.jepa import Config, JEWorldModel, blocks, plots, tasks
from ncpu.jepa.anomaly import Anomaly
from ncpu.jepa.errors import TraceError
from ncpu.jepa.evaluate import sequences
from ncpu.jepa.ngram import Ngram
from ncpu.jepa.probe import fit_probe
from ncpu.jepa.programs import Traced, trace_corpus
from ncpu.jepa.speculate import speculate, summary
from ncpu.jepa.transition import take
from ncpu.jepa.view import View, view
from ncpu.jepa.watch import watch
from ncpu.machine import corpus, word
from ncpu.machine.instr import Unit
from ncpu.machine.linux.launch import Session
from ncpu.machine.loader import executable

CORPUS = Path(__file__).parents[2] / "programs" / "corpus"
MODEL = JEWorldModel(Config(hidden=8, code=8))


@pytest.fixture(scope="module")
def traced() -> list[Traced]:
    return trace_corpus(CORPUS, 128)


@pytest.mark.slow
def test_a_block_level_is_trained_and_compared(traced: list[Traced]) -> None:
    stretches = sequences(traced, 8, 64)
    level = blocks.train_blocks(MODEL, stretches, blocks.BlockRecipe(steps=3, batch=64))
    found = blocks.panel(MODEL, level, stretches)
    assert found["stretches"] == 64 and 1 <= found["equal_steps"] <= 8
    assert all(np.isfinite(value) for value in found.values())
    assert all(0 <= found[key] <= 1 for key in found if key.endswith("rank"))


@pytest.mark.slow
def test_tasks_are_what_the_machine_does_and_are_retrieved() -> None:
    known = tasks.draw(128, 4, seed=0)
    again = tasks.draw(128, 4, seed=0)
    assert (known.packed == again.packed).all() and len(known) > 64
    assert (known.outputs != known.outputs[:, :1]).any((1, 2)).all()
    level = tasks.train_tasks(known, steps=2, batch=32)
    found = tasks.panel(level, known, known)
    assert found["programs"] == len(known) and 0 <= found["first"] <= found["ten"] <= 1
    table = np.asarray(level.encode_program(jnp.asarray(known.packed)))
    order = tasks.retrieve(level, table, known.inputs[:3], known.outputs[:3])
    assert (np.sort(order) == np.arange(len(known))).all()


@pytest.mark.slow
def test_speculation_never_changes_what_is_computed() -> None:
    """An untrained model predicts nothing right, and the lane goes on exactly all the same."""
    program, state = corpus.program(corpus.case(CORPUS / "quicksort.s"))
    probe = fit_probe(MODEL, View(words=np.asarray(view(state).words)[None]))
    found = []
    for _ in range(2):
        state, said = speculate(MODEL, probe, program, state, 4)
        found.append(said)
    assert int(word.from_limbs(np.asarray(state.retired))) == 8
    assert all(0 <= said.right <= 4 and said.kept == (said.right == 4) for said in found)
    assert summary(found)["asked"] == 4
    with pytest.raises(TraceError, match="at least 1"):
        speculate(MODEL, probe, program, state, 0)


@pytest.mark.slow
def test_a_watched_run_is_scored_and_a_flip_is_found() -> None:
    monitor = Anomaly(MODEL, np.full(len(Unit), 1e9), 0.0)
    session = Session(executable(CORPUS / "quicksort.s"), ["quicksort"], memory_size=16 << 20)
    seen = list(watch(session, monitor, stretches=2, steps=16, between=20, fault="flip in pc"))
    assert [stretch.executed for stretch in seen] == [0, 20]
    assert seen[0].faulty is not None and seen[1].faulty is None
    assert not len(seen[0].alarms) and "0x" in seen[0].where(0)
    assert all(0 < len(stretch.scores) <= 16 for stretch in seen)


def test_opcode_pairs(traced: list[Traced]) -> None:
    found = Ngram(traced[:60]).table(traced[:60], traced[60:])
    assert found["replaced instruction"] > 0.5
    assert all(0 <= value <= 1 for value in found.values())


def test_plots_are_drawn(traced: list[Traced], tmp_path: Path) -> None:
    row = {"changed": 0.5, "whole": 0.25}
    panel = {
        "rank": {"first": 0.9, "copy": 0.1, "candidates": 15.5},
        "rollout": {"1": {"predicted": row, "copy": row}, "8": {"predicted": row, "copy": row}},
        "faults": {"flip in pc": {"model": 1.0, "blind": 0.9, "linear": 0.8, "copy": 0.5}},
    }
    flat = take(traced[0].flat(), np.s_[:20])
    made = plots.draw(panel, tmp_path / "new", MODEL, flat)
    assert [path.name for path in made] == [
        "rank.png",
        "rollout.png",
        "faults.png",
        "latents.png",
    ]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in made)
