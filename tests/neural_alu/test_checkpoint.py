"""A checkpoint that is missing, damaged or foreign is an error, never a fallback."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from ncpu import sealed
from ncpu.cli import main
from ncpu.neural_alu import checkpoint, ops
from ncpu.neural_alu.cells import CELLS, Cell, ProductCell
from ncpu.neural_alu.checkpoint import CheckpointError

COMMITTED = checkpoint.folder()
FILES = sorted(
    file.relative_to(COMMITTED).as_posix()
    for file in COMMITTED.rglob("*")
    if file.is_file() and file.name != checkpoint.CERTIFICATE
)
REPO = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The committed checkpoint without its certificate, in a folder of its own."""
    ignored = shutil.ignore_patterns(checkpoint.CERTIFICATE)
    return Path(shutil.copytree(COMMITTED, tmp_path / "neural_alu", ignore=ignored))


def small(seed: int, **changed: Cell) -> dict[str, Cell | ProductCell]:
    """Cells of the right shapes with random weights; `changed` ones instead."""
    rngs = nnx.Rngs(seed)
    cells: dict[str, Cell | ProductCell] = {
        name: Cell(len(spec.inputs), spec.hidden, len(spec.outputs), rngs=rngs)
        for name, spec in CELLS.items()
    }
    table = np.asarray(checkpoint.load()["product"].table[...])
    return {**cells, "product": ProductCell(jax.numpy.asarray(table)), **changed}


def equal(a: dict, b: dict) -> bool:
    same = jax.tree.map(np.array_equal, checkpoint.weights(a), checkpoint.weights(b))
    return jax.tree.all(same)


def refused(path: Path, what: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path)
    message = str(caught.value)
    assert what in message, message
    assert str(path) in message and "`ncpu train alu` makes it anew" in message


def test_a_copy_loads(copy: Path) -> None:
    assert equal(checkpoint.load(copy), checkpoint.load())


def test_what_is_loaded_is_the_callers_own() -> None:
    mine = checkpoint.load()["product"]
    mine.table[...] = mine.table[...] * 0
    assert int(ops.compute("mul", 6, 7)) == 42
    assert np.asarray(checkpoint.load()["product"].table[...]).any()


def test_missing_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "there is no such folder")


@pytest.mark.parametrize("name", FILES)
def test_missing_file(copy: Path, name: str) -> None:
    (copy / name).unlink()
    refused(copy, name.rsplit("/", 1)[-1])


@pytest.mark.parametrize("name", FILES)
def test_truncated_file(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    refused(copy, name)


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit(copy: Path, name: str) -> None:
    """At the front, at the end and at places in between."""
    data = (copy / name).read_bytes()
    rng = np.random.default_rng(len(data))
    printed = [k for k in range(len(data)) if not chr(data[k]).isspace()]
    for at in (printed[0], printed[-1], *rng.choice(printed, 4)):
        altered = bytearray(data)
        altered[at] ^= 1 << int(rng.integers(8))
        (copy / name).write_bytes(altered)
        refused(copy, "manifest.json" if name == sealed.MANIFEST else name)


def rewrite(path: Path, change: Callable[[dict], object]) -> None:
    manifest = json.loads((path / sealed.MANIFEST).read_text())
    change(manifest)
    (path / sealed.MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(digest="0" * 64), "manifest.json was altered"),
        (lambda m: m.update(seed=1), "manifest.json was altered"),
        (lambda m: m["cells"]["full"].update(margin=99.0), "manifest.json was altered"),
        (lambda m: m["files"].clear(), "manifest.json was altered"),
        (lambda m: m.pop("seal"), "manifest.json was altered"),
        (lambda m: m.update(format=2), "its format is 2, not 1"),
        (lambda m: m.clear(), "its format is None, not 1"),
    ],
)
def test_altered_manifest(copy: Path, change: Callable[[dict], object], message: str) -> None:
    rewrite(copy, change)
    refused(copy, message)


@pytest.mark.parametrize("text", ["[]", "", "{", "\xff"])
def test_manifest_that_is_none(copy: Path, text: str) -> None:
    (copy / sealed.MANIFEST).write_text(text, encoding="latin-1")
    refused(copy, "manifest.json")


def test_another_checkpoints_weights(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    checkpoint.save(small(1), other, {})
    shutil.rmtree(copy / sealed.WEIGHTS)
    shutil.copytree(other / sealed.WEIGHTS, copy / sealed.WEIGHTS)
    refused(copy, "weights/")


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(Cell(2, 5, 1, rngs=nnx.Rngs(0)), id="shape"),
        pytest.param(
            jax.tree.map(lambda x: x.astype(jax.numpy.bfloat16), Cell(2, 2, 1, rngs=nnx.Rngs(0))),
            id="dtype",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_weights_of_other_shapes_or_dtypes(tmp_path: Path, cell: Cell) -> None:
    """Saved as well as any: what is wrong is what it holds."""
    checkpoint.save(small(1, sum=cell), tmp_path / "other", {})
    refused(tmp_path / "other", "its weights")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_foreign_checkpoint(tmp_path: Path) -> None:
    """Of other cells altogether."""
    foreign: dict = {"other": Cell(2, 2, 1, rngs=nnx.Rngs(0))}
    checkpoint.save(foreign, tmp_path / "other", {})
    refused(tmp_path / "other", "its weights")


def test_a_certificate_for_other_weights(copy: Path) -> None:
    digest = checkpoint.digest(checkpoint.load())
    certificate = copy / checkpoint.CERTIFICATE
    certificate.write_text(json.dumps({"digest": digest}))
    checkpoint.load(copy)
    shutil.copytree(copy, copy.with_name("second"))
    second = copy.with_name("second")
    (second / checkpoint.CERTIFICATE).write_text(json.dumps({"digest": "0" * 64}))
    with pytest.raises(CheckpointError, match=r"certifies other weights.*run `ncpu certify alu`"):
        checkpoint.load(second)
    checkpoint.load(second, certified=False)


def test_a_certificate_that_cannot_be_read(copy: Path) -> None:
    (copy / checkpoint.CERTIFICATE).write_text("{")
    refused(copy, "certificate.json cannot be read")


def test_the_digest_is_of_every_weight() -> None:
    networks = small(2)
    digests = {checkpoint.digest(networks)}
    for name in CELLS:
        changed = nnx.clone(networks[name])
        changed.b2[...] += 1e-6
        digests.add(checkpoint.digest({**networks, name: changed}))
    table = np.asarray(networks["product"].table[...]).copy()
    table[4711, 3] += 1
    digests.add(checkpoint.digest({**networks, "product": ProductCell(jax.numpy.asarray(table))}))
    assert len(digests) == len(CELLS) + 2


def test_a_save_replaces(tmp_path: Path) -> None:
    path = tmp_path / "cells"
    for seed in (3, 4):
        digest = checkpoint.save(small(seed), path, {"seed": seed})
        assert equal(checkpoint.load(path), small(seed))
        assert checkpoint.digest(checkpoint.load(path)) == digest
        assert json.loads((path / sealed.MANIFEST).read_text())["seed"] == seed
    assert [file.name for file in tmp_path.iterdir()] == ["cells"]


@pytest.mark.parametrize("step", ["weights", "manifest", "first rename", "second rename"])
def test_a_save_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "cells"
    checkpoint.save(small(3), path, {})
    rename, failed = os.rename, False

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    def renaming(old: Path, new: Path) -> None:
        nonlocal failed
        if path in ((old,) if step == "first rename" else (new,)) and not failed:
            failed = True
            full()
        rename(old, new)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="the disk is full"):
        match step:
            case "weights":
                patched.setattr(checkpoint, "weights", full)
            case "manifest":
                patched.setattr(sealed, "seal", full)
            case _:
                patched.setattr(os, "rename", renaming)
        checkpoint.save(small(4), path, {})
    assert equal(checkpoint.load(path), small(3))
    assert [file.name for file in tmp_path.iterdir()] == ["cells"]


@pytest.mark.parametrize("alu", ["neural", "tabulated", "soft"])
def test_the_command_line_says_so(
    alu: str, copy: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (copy / sealed.MANIFEST).unlink()
    monkeypatch.setattr(checkpoint, "folder", lambda: copy)
    program = REPO / "programs" / "asm" / "hello.s"
    monkeypatch.setattr(sys, "argv", ["ncpu"])
    with pytest.raises(SystemExit) as ended:
        main(["run", "--alu", alu, str(program)])
    assert ended.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "`ncpu train alu` makes it anew" in err


def test_unknown_arithmetic(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "--alu", "fuzzy", str(REPO / "programs" / "asm" / "hello.s")])
    assert ended.value.code == 2
    assert "'fuzzy' is not an arithmetic" in capfd.readouterr().err
