"""The commands, end to end, in one folder."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from ncpu.cli import app
from ncpu.npcot.errors import (
    ArrayInputError,
    HiddenStateError,
    KeyFileError,
    SignatureError,
    UnverifiedProgramError,
)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NCPU_KEYS", str(tmp_path / "keys"))
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        np.save(name, rng.normal(size=8))

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["npcot", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    run("keys", "keys")
    return run


def test_a_library_from_the_shell(shell, tmp_path):
    shell("create", "lib", "--width", "8")
    shell("insert", "lib", "sum(x*x if x>0) + 3", "--state", "a.npy", "--task", "energy")
    answer = json.loads(shell("ask", "lib", "--state", "a.npy", "--x", "1,-2,3"))
    assert answer == {"status": "hit", "score": answer["score"], "value": 13, "task": "energy"}
    assert json.loads(shell("ask", "lib", "--state", "b.npy", "--x", "1"))["status"] == "miss"
    long = " ".join("1" * 65)
    assert "out_of_domain" in shell("ask", "lib", "--state", "a.npy", "--x", long)
    assert "energy" in shell("show", "lib") and "**safe**" in shell("report", "lib")
    assert json.loads(shell("report", "lib", "--json"))["summary"]["programs"] == 1
    assert len(json.loads(shell("diff", "lib", "1", "2"))["added"]) == 1
    assert "inserted" in shell("audit", "lib")
    shell("export", "lib", "lib.shlo")
    shell("export", "lib", "lib.c", "--c")
    shell("export", "lib", "lib.s", "--format", "a64")
    assert "program_0:" in (tmp_path / "lib.s").read_text()
    assert "removed 1 snapshots" in shell("prune", "lib", "--keep", "1")
    assert (tmp_path / "lib.py").exists() and "KEYS" in (tmp_path / "lib.c").read_text()


def test_bad_input_is_named(shell, tmp_path):
    shell("create", "lib", "--width", "8")
    with pytest.raises(UnverifiedProgramError, match="product"):
        shell("insert", "lib", "product(x)", "--state", "a.npy", "--task", "p")
    (tmp_path / "bad.npy").write_bytes(b"not numbers")
    with pytest.raises(HiddenStateError):
        shell("ask", "lib", "--state", "bad.npy", "--x", "1")
    with pytest.raises(ArrayInputError):
        shell("ask", "lib", "--state", "a.npy", "--x", "1,2", "--y", "1")
    with pytest.raises(KeyFileError):
        shell("show", "lib", "--keys", "nowhere")


def test_two_owners_from_the_shell(shell, tmp_path):
    shell("keys", "bob")
    for library, owner in (("lib", "keys"), ("boblib", "bob")):
        shell("create", library, "--width", "8", "--keys", owner)
    shell("insert", "lib", "sum(x)", "--state", "a.npy", "--task", "sum")
    shell("pack", "lib", "out.bundle")
    with pytest.raises(SignatureError, match="not trusted"):
        shell("merge", "boblib", "out.bundle", "--keys", "bob")
    shutil.copy(tmp_path / "keys" / "share.pub", tmp_path / "bob" / "trusted" / "alice.pub")
    assert "1 entries" in shell("merge", "boblib", "out.bundle", "--keys", "bob")
    answer = shell("ask", "boblib", "--state", "a.npy", "--x", "1,2", "--keys", "bob")
    assert json.loads(answer)["value"] == 3


def test_solving_twice(shell, tmp_path):
    if shutil.which("bwrap") is None:
        pytest.skip("needs bubblewrap: apt-get install bubblewrap")
    assert "130 tasks in 13 families" in shell("tasks", "all.jsonl")
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    (tmp_path / "some.jsonl").write_text("\n".join(lines[:3]))
    words = ("solve", "some.jsonl", "--model", "compose", "--store", "st", "-k", "1")
    assert "3 calls of the proposer" in shell(*words)
    assert "0 calls of the proposer" in shell(*words, "-o", "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["all"]["reused"] == 3
