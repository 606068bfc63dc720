"""The fuzzer finds every planted bug; lanes end as the same inputs do under qemu and the kernel."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from corpus import PROGRAMS, build, have_cross_gcc, have_qemu, qemu
from ncpu.cli import app
from ncpu.machine import word
from ncpu.machine.debug import DebugError
from ncpu.machine.debug.fuzz import Fuzzer, starter
from ncpu.machine.debug.fuzz_compared import substitutions
from ncpu.machine.debug.mutate import Mutator
from ncpu.machine.linux.launch import Session
from ncpu.machine.state import Status

SEED = 1
OPTIONS = {"memory_size": 128 << 10, "stack_size": 32 << 10}
TARGETS = sorted(path.stem for path in (PROGRAMS / "fuzz").glob("*.c"))
LANES, ROUNDS, FUEL = 1024, 400, 200_000

Make = Callable[..., Fuzzer]


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("fuzz")

    def built(name: str) -> Path:
        path = folder / name
        return path if path.exists() else build(PROGRAMS / "fuzz" / f"{name}.c", path, opt="-O1")

    return built


@pytest.fixture
def make(binary: Callable[[str], Path]) -> Make:
    def fuzzer(name: str, **options: object) -> Fuzzer:
        start = starter(binary(name).read_bytes(), [name], **OPTIONS)
        return Fuzzer(start, **{"lanes": LANES, "seed": SEED, **options})

    return fuzzer


SLOW = ("allocator", "brackets", "commands", "machine", "runs")


def test_there_are_a_dozen_targets() -> None:
    assert len(TARGETS) >= 12


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in TARGETS],
)
def test_a_planted_bug_is_found(make: Make, binary: Callable[[str], Path], name: str) -> None:
    print(f"seed {SEED}")
    fuzzer = make(name)
    fuzzer.run(rounds=ROUNDS, crashes=1)
    assert fuzzer.crashes, fuzzer.statistics
    crash = next(iter(fuzzer.crashes.values()))
    assert fuzzer.start(crash.data).run().signal is not None
    if reason := have_qemu():
        pytest.skip(reason)
    if name != "brackets":  # whose stack is larger there
        _, _, status = qemu(binary(name), stdin=crash.data)
        assert status > 128  # it ends by a signal there, too


def test_lanes_end_as_runs_under_the_kernel_do(make: Make, binary: Callable[[str], Path]) -> None:
    fuzzer = make("expression")
    texts = [b"1+2*3", b"-", b"", b"--5", b"9" * 64, b"1+-2*-", b"5*"]
    before = np.asarray(fuzzer._batch._mem).copy()
    lanes = fuzzer._batch.run(texts, FUEL)
    assert (np.asarray(fuzzer._batch._mem) == before).all()  # every store was put back
    begun = int(word.from_limbs(np.asarray(fuzzer._batch.state.retired)))
    for k, text in enumerate(texts):
        session = Session(binary("expression"), ["x"], stdin=io.BytesIO(text), **OPTIONS)
        result = session.run()
        crashed = Status(int(lanes.status[k])) != Status.EXITED
        assert crashed == (result.signal is not None), text
        if not crashed:
            assert int(lanes.code[k]) == result.exit_code
            assert int(lanes.retired[k]) + begun == result.retired
    same = fuzzer._batch.run(texts, FUEL)
    assert (same.path == lanes.path).all() and not same.new.any()


def test_comparisons_are_noted_and_put_into_inputs(make: Make) -> None:
    fuzzer = make("word")
    fuzzer._batch.run([b"x", b"AAAABBBB"], FUEL)
    seen = fuzzer._batch.compared()  # of the last lane
    assert (0x41414141, 0xDEADBEEF) in seen and (8, 7) in seen
    made = substitutions(b"AAAABBBB", seen, 64)
    assert b"\xef\xbe\xad\xdeBBBB" in made and b"\xf0\xbe\xad\xdeBBBB" in made
    assert b"AAAABBB" in made  # a length of 7
    short = substitutions(b"n=17;\xf0", [(17, 1000), (0xFFFFFFF0, 5), (0x3D6E, 1)], 8)
    assert {b"n=1001;\xf0", b"n=17;\x05", b"\x01\x0017;\xf0", b"n=17;\x04"} <= set(short)
    assert all(0 < len(data) <= 8 for data in short) and len(set(short)) == len(short)
    assert not substitutions(b"abc", [(1 << 40, 2)], 64)


def test_a_crash_is_made_small_and_its_stack_told(make: Make) -> None:
    fuzzer = make("expression")
    fuzzer.run(rounds=50, crashes=1)
    found = fuzzer.triage()
    assert len(found) == 1 and found[0].signal == "SIGSEGV"
    assert found[0].data == b"-" and found[0].stack[0].split()[1].startswith("value")
    assert found[0].json()["data"] == "2d"


def test_the_same_seed_is_the_same_run(make: Make) -> None:
    first, second = make("machine"), make("machine")
    for fuzzer in (first, second):
        fuzzer.run(rounds=3)
    assert first.corpus == second.corpus
    assert first.statistics.instructions == second.statistics.instructions


def test_candidates_keep_their_bounds() -> None:
    rng = np.random.default_rng(SEED)
    mutator = Mutator(20, [b"word", b"x" * 40], SEED)
    lengths = rng.integers(1, 21, 300)
    rows = rng.integers(0, 256, (300, 20)).astype(np.uint8)
    data, size = mutator.mutate(rows, lengths, rows[::-1])
    assert data.shape == rows.shape and data.dtype == np.uint8
    assert size.min() >= 1 and size.max() <= 20 and len(np.unique(size)) > 5
    assert not data[np.arange(20) >= size[:, None]].any()
    assert (data != rows).any(1).mean() > 0.8


def test_a_program_that_reads_nothing_is_refused(tmp_path: Path) -> None:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    path = build(PROGRAMS / "consttime" / "primitives.c", tmp_path / "primitives")
    with pytest.raises(DebugError, match="before it read its standard input"):
        Fuzzer(starter(path.read_bytes(), ["x"], **OPTIONS), lanes=LANES)


def test_the_command_line(
    binary: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncpu.xla.use_cache", lambda: None)
    options = ["--memory", "128K", "--stack", "32K", "--lanes", str(LANES), "--crashes", "1"]
    options += ["--out", str(tmp_path / "found"), "--json", str(tmp_path / "found.json")]
    done = CliRunner().invoke(app, ["debug", "fuzz", str(binary("expression")), *options])
    assert done.exit_code == 1, done.output
    assert "executions/s" in done.output and "SIGSEGV" in done.output
    assert list((tmp_path / "found" / "crashes").iterdir())
    assert list((tmp_path / "found" / "corpus").iterdir())
