"""What a user meets first: a light import, a helpful command line, named errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ncpu
from ncpu import xla

ROOT = Path(__file__).parents[1]


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=bare)


def test_import_is_light() -> None:
    done = run_python("import ncpu, sys; print(*[m for m in sys.modules if '.' not in m])")
    assert not {"jax", "numpy", "rich", "typer"} & set(done.stdout.split()), done.stderr


def test_every_public_name_resolves() -> None:
    for name in ncpu.__all__:
        assert getattr(ncpu, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ncpu.nothing


def test_warns_when_jax_was_started_before() -> None:
    done = run_python("import jax; jax.devices(); import ncpu")
    assert "import ncpu first" in done.stderr


@pytest.mark.parametrize(
    "given",
    ["", "--xla_dump_to=x", "--xla_backend_extra_options=a=b --other", "--xla_a=1 --xla_b=2"],
)
def test_flags_are_added_not_replaced(given: str) -> None:
    flags = xla._flags_with_option(given)
    for part in given.split():
        assert part in flags
    assert flags.count("xla_backend_extra_options") == 1
    assert xla._flags_with_option(flags) == flags


def cli(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from ncpu.cli import main; main()", *args]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=300)


def test_help_names_every_command() -> None:
    text = cli("--help").stdout
    names = "run batch busybox muxleq asm disasm isa doctor demo verify train certify compare text"
    for name in [*names.split(), "npcot"]:
        assert name in text


def test_run_assembly() -> None:
    done = cli("run", "--stats", str(ROOT / "programs/asm/sum.s"))
    assert done.returncode == 6, done.stderr
    assert "instructions" in done.stderr


def test_run_passes_arguments_and_input() -> None:
    done = cli("run", str(ROOT / "programs/asm/reverse.s"), stdin="stressed\n")
    assert "desserts" in done.stdout, done.stderr


def test_run_toy(tmp_path: Path) -> None:
    source = tmp_path / "six.toy"
    source.write_text("MOV R0, 2\nloop: ADD R0, 1\nCMP R0, 6\nJNZ loop\nHALT\n")
    assert cli("run", str(source)).returncode == 6


def test_out_of_steps(tmp_path: Path) -> None:
    source = tmp_path / "forever.s"
    source.write_text("_start: b _start\n")
    done = cli("run", "--max-steps", "1000", str(source))
    assert done.returncode == 124
    assert "out of steps at pc 0x400" in done.stderr


def test_batch(tmp_path: Path) -> None:
    inputs = tmp_path / "inputs"
    inputs.write_text("1\n2 3\n\n4\n")
    done = cli("batch", str(ROOT / "programs/asm/hello.s"), str(inputs))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ello") == 3


@pytest.mark.parametrize(
    "name, data, message",
    [
        ("a.out", b"not an ELF file at all", "ELF"),
        ("a.s", b"fmul everything\n", "line 1"),
        ("a.toy", b"FROB R0\n", "line 1"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    done = cli("run", str(path))
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


def test_asm_and_disasm(tmp_path: Path) -> None:
    source, binary = ROOT / "programs/asm/fib.s", tmp_path / "fib"
    listing = cli("asm", str(source)).stdout
    assert "svc" in listing
    assert cli("asm", str(source), "-o", str(binary)).returncode == 0
    assert "svc" in cli("disasm", str(binary)).stdout
    assert cli("run", str(binary)).returncode == cli("run", str(source)).returncode


def test_isa_and_doctor() -> None:
    assert "Add and subtract" in cli("isa").stdout
    assert "# Instructions" in cli("isa", "--markdown").stdout
    done = cli("doctor")
    assert done.returncode == 0 and "the machine" in done.stdout
