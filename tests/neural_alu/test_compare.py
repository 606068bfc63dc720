"""Comparing arithmetics on one program: equal when trained, found out when not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from flax import nnx
from typer.testing import CliRunner

from ncpu.cli import app
from ncpu.machine.errors import ElfError
from ncpu.machine.loader import executable
from ncpu.neural_alu import checkpoint
from ncpu.neural_alu.compare import Row, compare, modes, register_name
from ncpu.neural_alu.planes import Networks

ROOT = Path(__file__).resolve().parents[2]
FIB = ROOT / "programs/asm/fib.s"
MODES = ["exact", "neural", "tabulated", "soft"]
SMALL = {"memory_size": 16 << 20}


def random_networks(seed: int) -> Networks:
    """Cells of the trained ones' shapes with weights that nobody trained."""
    rng = np.random.default_rng(seed)
    networks = {}
    for name, cell in checkpoint.load().items():
        graph, state = nnx.split(nnx.clone(cell))
        for leaf in state.values():
            value = np.asarray(leaf[...])
            drawn = rng.normal(size=value.shape) * (100 if value.dtype == np.int8 else 1)
            leaf[...] = drawn.clip(-128, 127).astype(value.dtype)
        networks[name] = nnx.merge(graph, state)
    return networks


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return compare(executable(FIB), ["fib"], modes(checkpoint.load()), **SMALL)


def test_every_mode_ends_the_same(rows: list[Row]) -> None:
    numbers = [0, 1]
    while len(numbers) < 20:
        numbers.append(numbers[-1] + numbers[-2])
    assert [row.mode for row in rows] == MODES
    for row in rows:
        assert row.stdout == "".join(f"{n}\n" for n in numbers).encode()
        assert row.exit_code == 0 and row.retired == 694
        assert row.differing(rows[0]) == [] and row.explain(rows[0]) == []
        assert row.seconds > 0


def test_random_weights_are_found_out() -> None:
    alus = modes(random_networks(seed=1))
    wrong = compare(executable(FIB), ["fib"], alus, max_steps=5000, **SMALL)
    assert wrong[0].stdout.startswith(b"0\n1\n1\n2\n")
    for row in wrong[1:]:
        assert "output" in row.differing(wrong[0])
        assert row.explain(wrong[0])


def test_input_arguments_and_steps() -> None:
    source = executable(ROOT / "programs/asm/reverse.s")
    exact = {"exact": modes(checkpoint.load())["exact"]}
    seen: list[tuple[str, int | None]] = []
    (row,) = compare(
        source,
        ["reverse"],
        exact,
        stdin=b"stressed\n",
        report=lambda mode, retired: seen.append((mode, retired)),
        **SMALL,
    )
    assert b"desserts" in row.stdout
    assert seen == [("exact", None)]
    (short,) = compare(source, ["reverse"], exact, max_steps=7, **SMALL)
    assert short.exit_code is None and short.retired == 7
    assert short.ending() == "no exit after 7 instructions"


def test_long_runs_report(tmp_path: Path) -> None:
    source = tmp_path / "forever.s"
    source.write_text("_start: add x0, x0, #1\n b _start\n")
    exact = {"exact": modes(checkpoint.load())["exact"]}
    seen: list[int] = []
    (row,) = compare(
        executable(source),
        ["forever"],
        exact,
        max_steps=100_001,
        report=lambda mode, retired: seen.append(retired or 0),
        **SMALL,
    )
    assert row.retired == 100_001 and row.registers[0] == 50_001
    assert seen == sorted(seen) and len(seen) > 2


def test_differences_are_named(rows: list[Row]) -> None:
    row = rows[0]
    registers = row.registers.copy()
    registers[[3, 31, 34, 104]] ^= np.uint64(1)
    other = dataclasses.replace(
        row, registers=registers, flags=row.flags ^ 1 << 31, memory="0", stderr=b"oh"
    )
    assert other.differing(row) == ["registers", "memory", "flags", "output"]
    text = "\n".join(other.explain(row))
    for part in ("x3 is", "sp is", "v0.d[0] is", "pc is", "flags are", "memory", "stderr is b'oh'"):
        assert part in text
    assert dataclasses.replace(row, exit_code=1).differing(row) == ["end"]
    assert "exit 1 after" in dataclasses.replace(row, exit_code=1).explain(row)[0]


def test_register_names() -> None:
    assert [register_name(k) for k in (0, 30, 31, 35, 97, 102, 104)] == [
        *("x0", "x30", "sp", "v0.d[1]", "v31.d[1]", "the exclusive monitor", "pc")
    ]


def test_not_a_program() -> None:
    with pytest.raises(ElfError):
        compare(b"no ELF file", ["x"], modes(checkpoint.load()))


ONE = ["compare", "--memory", "16M", "--alu", "tabulated", str(FIB)]


def test_command() -> None:
    done = CliRunner().invoke(app, ONE)
    assert done.exit_code == 0, done.output
    assert "tabulated" in done.output and "694" in done.output
    assert done.output.count("nothing") == 2 and "neural" not in done.output


def test_command_fails_when_they_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    random = random_networks(seed=2)
    monkeypatch.setattr(checkpoint, "load", lambda: random)
    done = CliRunner().invoke(app, [*ONE[:-1], "--max-steps", "2000", ONE[-1]])
    assert done.exit_code == 1, done.output
    assert "tabulated: " in done.output


@pytest.mark.parametrize(
    "arguments, message",
    [(["--mount", ".:/x:rw"], "read-only"), (["--alu", "abacus"], "abacus")],
)
def test_command_refuses(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["compare", *arguments, str(FIB)])
    assert done.exit_code == 2 and message in done.output
