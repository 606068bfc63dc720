"""`ncpu apps` itself: what it lists, and what it says when something is missing."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import corpus
from app_runs import built
from ncpu.cli import app
from ncpu.machine import apps, debian
from ncpu.machine.errors import NcpuError
from ncpu.machine.linux.launch import Session


def test_every_source_has_an_entry_and_every_entry_a_source() -> None:
    sources = {path.stem for path in apps.folder().glob("*.c")}
    assert sources == set(apps.OURS)
    assert not set(apps.OURS) & set(apps.DEBIAN)
    for ours in apps.OURS.values():
        assert ours.source.read_text().startswith("// ")


@pytest.mark.parametrize("name", sorted(apps.OURS))
def test_every_application_compiles_without_a_warning(name: str) -> None:
    if reason := corpus.have_cross_gcc():
        pytest.skip(reason)
    strict = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    source = str(apps.OURS[name].source)
    done = subprocess.run([apps.compiler(), *strict, source], capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_list_names_all() -> None:
    result = CliRunner().invoke(app, ["apps"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    for name in [*apps.OURS, *apps.DEBIAN]:
        assert name in result.stdout


def test_an_application_that_does_not_exist_is_refused() -> None:
    with pytest.raises(apps.AppError, match=r"no application 'doom'; there is: tetris, snake"):
        apps.find("doom")


def test_without_a_compiler_its_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NcpuError, match="gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"):
        apps.build(apps.OURS["snake"])


def test_a_program_that_does_not_compile_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if reason := corpus.have_cross_gcc():
        pytest.skip(reason)
    (tmp_path / "wrong.c").write_text("int main(void) { return no; }\n")
    monkeypatch.setattr(apps, "folder", lambda: tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(apps.AppError, match=r"wrong cannot be built.*\n.*undeclared"):
        apps.build(apps.App("wrong", "", ""))
    assert list((tmp_path / "cache" / "ncpu" / "apps").iterdir()) == []


def test_an_application_sees_its_folder_alone(tmp_path: Path) -> None:
    built("sha256")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("abc")
    (tmp_path / "out").write_text("abc")
    arguments = ["apps", "run", "--folder", str(tmp_path / "in"), "sha256", "file", "../out"]
    out, err = io.BytesIO(), io.BytesIO()
    session = Session(
        *(built("sha256"), ["sha256", "file", "../out", str(tmp_path / "out")]),
        mounts=[(tmp_path / "in", "/work", True)],
        cwd="/work",
        stdout=out,
        stderr=err,
    )
    assert session.run(50_000_000).exit_code == 1
    assert out.getvalue() == (
        b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  file\n"
    )
    assert err.getvalue().count(b"No such file") == 2
    assert CliRunner().invoke(app, [*arguments[:3], "/nowhere", *arguments[4:]]).exit_code == 2


DEBIAN_RUNS = [
    ("lua", ["-e", "t={} for i=1,9 do t[i]=i*i end print(table.concat(t, ' '))"], b""),
    (
        "sqlite3",
        [
            ":memory:",
            "create table t(a); insert into t values(7),(5);select sum(a), group_concat(a) from t;",
        ],
        b"",
    ),
    ("bc", ["-l"], b"scale=30\n4*a(1)\n2^200\n"),
    ("awk", ['{ n[$1] += $2 } END { print n["a"], n["b"] }'], b"a 1\nb 2\na 3\n"),
    ("python", ["-S", "-c", "print(2**100, sorted('ncpu'), {1: [2, 3]})"], b""),
]


@pytest.mark.parametrize(
    ("name", "args", "stdin"),
    [
        pytest.param(*run, id=run[0], marks=[] if run[0] in ("lua", "awk") else pytest.mark.slow)
        for run in DEBIAN_RUNS
    ],
)
def test_debians_programs_print_what_they_print_under_qemu(
    name: str, args: list[str], stdin: bytes
) -> None:
    if reason := corpus.have_qemu():
        pytest.skip(reason)
    program = apps.DEBIAN[name]
    try:
        root = apps.root_of(program)
    except debian.DebianError as error:
        pytest.skip(str(error))
    out = io.BytesIO()
    session = Session(
        *(program.command, [program.command, *args]),
        root=root,
        stdin=io.BytesIO(stdin),
        stdout=out,
        memory_size=program.memory,
    )
    code = session.run(300_000_000).exit_code
    emulator = ["qemu-aarch64-static", "-cpu", corpus.DEFAULT_CPU, "-L", str(root)]
    expected = subprocess.run(
        [*emulator, str(root) + program.command, *args],
        input=stdin,
        capture_output=True,
        env={},
        timeout=120,
    )
    assert (out.getvalue(), code) == (expected.stdout, expected.returncode)
    assert out.getvalue()
