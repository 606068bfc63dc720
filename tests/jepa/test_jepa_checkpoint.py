"""Checkpoints that are missing, altered or foreign are errors; commands answer."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

import ncpu
from ncpu import sealed
from ncpu.cli import main
from ncpu.jepa import Config, JEWorldModel, checkpoint
from ncpu.jepa.errors import CheckpointError
from ncpu.neural_alu import checkpoint as foreign

SMALL = Config(hidden=8, code=8)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jepa") / "model"
    checkpoint.save(JEWorldModel(SMALL, seed=7), path, {"seconds": 1})
    return path


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(original, tmp_path / "model"))


def refused(path: Path, what: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path)
    message = str(caught.value)
    assert what in message, message
    assert str(path) in message and "`ncpu train jepa` makes it anew" in message


def test_what_was_saved_is_loaded(copy: Path) -> None:
    first, second = JEWorldModel(SMALL, seed=7), checkpoint.load(copy)
    assert second.config == SMALL
    same = jax.tree.map(np.array_equal, nnx.state(first), nnx.state(second))
    assert jax.tree.all(same)


def test_saving_again_replaces(copy: Path) -> None:
    checkpoint.save(JEWorldModel(SMALL, seed=8), copy, {"seconds": 2})
    assert checkpoint.manifest(copy)["seconds"] == 2
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]


def test_missing(tmp_path: Path, copy: Path) -> None:
    refused(tmp_path / "nothing", "there is no such folder")
    (copy / sealed.MANIFEST).unlink()
    refused(copy, "cannot be read")


def test_every_file_of_the_weights_is_checked(copy: Path) -> None:
    for name in checkpoint.manifest(copy)["files"]:
        data = (copy / name).read_bytes()
        (copy / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if data else b"x")
        refused(copy, "was altered")
        (copy / name).unlink()
        refused(copy, "is missing")
        (copy / name).write_bytes(data)
    checkpoint.load(copy)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [("format", 2, "its format is 2"), ("features", 3, "was altered"), ("seconds", 5, "altered")],
)
def test_an_altered_manifest(copy: Path, key: str, value: int, what: str) -> None:
    said = json.loads((copy / sealed.MANIFEST).read_text())
    (copy / sealed.MANIFEST).write_text(json.dumps({**said, key: value}))
    refused(copy, what)


def test_another_schema(copy: Path) -> None:
    said = {**json.loads((copy / sealed.MANIFEST).read_text()), "features": 3}
    (copy / sealed.MANIFEST).write_text(json.dumps({**said, "seal": sealed.seal(said)}))
    refused(copy, "its schema says {'features': 3}")


def test_a_manifest_that_is_none(copy: Path) -> None:
    (copy / sealed.MANIFEST).write_text("[]")
    refused(copy, "is not a JSON object")


def test_the_checkpoint_of_another_part() -> None:
    refused(foreign.folder(), "its schema says")


def test_the_one_that_comes_with_ncpu_predicts() -> None:
    model = checkpoint.load()
    latent = model.encode_state(ncpu.new_state(size=4096))
    ahead = model.predict_next_latent(latent, model.encode_action(ncpu.decode(0x8B020020)))
    assert ahead.shape == latent.shape and np.isfinite(ahead).all()
    assert checkpoint.manifest()["training"]["target"] == "vicreg"


ROW = dict.fromkeys(("changed", "destination", "registers", "flags", "pc", "whole"), 0.5)
ONE = {"predicted": ROW, "true": ROW, "copy": ROW, "latent_error": 0.4, "copy_error": 0.8}
PANEL = {
    "rank": {"first": 0.3, "copy": 0.2, "mean": 4.0},
    "one_step": {**ONE, "units": {"ADD": [10, 0.5]}},
    "shuffled": {**ONE, "units": {}},
    "linear": ROW,
    "rollout": {"1": {"predicted": ROW, "copy": ROW}},
    "collapse": {"rank_bit": 3.0},
}


def test_the_report_that_a_checkpoint_holds(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["jepa", "report", "--stored", "--checkpoint", str(copy)]
    with pytest.raises(SystemExit) as done:
        main(command)
    assert done.value.code == 2 and "holds no figures" in capsys.readouterr().err
    checkpoint.save(JEWorldModel(SMALL, seed=7), copy, {"panel": PANEL})
    with pytest.raises(SystemExit) as done:
        main(command)
    assert done.value.code == 0
    out = capsys.readouterr().out
    for title in ("One instruction ahead", "Rollouts", "By unit", "Collapse panel"):
        assert title in out


def test_a_command_refuses_what_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["jepa", "report", "--stored", "--checkpoint", str(tmp_path / "no")])
    assert done.value.code == 2
    assert "there is no such folder" in capsys.readouterr().err
