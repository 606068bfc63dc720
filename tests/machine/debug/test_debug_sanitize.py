"""The sanitizer: every mistake of a program is named with both stacks, and nothing else is."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpus import PROGRAMS, build, have_cross_gcc
from ncpu.cli import app
from ncpu.machine.debug import DebugError, Debugger, frame_bounds, sanitize, variables
from ncpu.machine.debug.commands import Shell, load
from ncpu.machine.debug.heap import Block, Heap
from ncpu.machine.debug.sanitize import Report
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.linux.launch import Session
from ncpu.machine.program import Program

MEMORY = 16 << 20
Look = Callable[..., list[Report]]

# mistake: kind, what the report says, function it is in
MISTAKES = {
    "write-after": ("heap-buffer-overflow", "writes 1 bytes, 0 bytes after", "main"),
    "write-before": ("heap-buffer-overflow", "writes 1 bytes, 1 bytes before", "main"),
    "read-after": ("heap-buffer-overflow", "reads 1 bytes, 3 bytes after", "main"),
    "copy-after": ("heap-buffer-overflow", "writes", "main"),
    "read-call": ("heap-buffer-overflow", "= 101 stores 0 bytes after", "main"),
    "unset-heap": ("uninitialised", "depends on what was never set", "main"),
    "unset-stack": ("uninitialised", "depends on what was never set", "main"),
    "unset-write": ("uninitialised", "8 bytes on that were never set", "main"),
    "gone-frame": ("below-stack", "that frame is gone", "main"),
    "smash": ("stack-overflow", "over a saved return address", "smash"),
    "free-inside": ("invalid-free", "16 bytes inside a block of 100", "main"),
    "use-freed": ("use-after-free", "a block of 100 bytes that was freed, at 50", "main"),
    "free-twice": ("double-free", "has been freed before", "drop"),
}


# mistake: what the report says, function it is in
OVERFLOWS = {
    "after": ("writes 1 bytes, 0 bytes after second, a variable of 16 bytes", "by_index"),
    "before": ("writes 4 bytes, 4 bytes before high, a variable of 16 bytes", "backwards"),
    "pointer": ("writes 1 bytes, 0 bytes after text, a variable of 12 bytes", "by_pointer"),
    "read": ("reads 2 bytes, 2 bytes after table, a variable of 12 bytes", "reads"),
}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    out = tmp_path_factory.mktemp("sanitize") / "heap"
    return build(PROGRAMS / "sanitize" / "heap.c", out, opt="-O1")


@pytest.fixture
def start(program: Path) -> Callable[[str], Session]:
    def session(mistake: str) -> Session:
        argv, feed = ["heap", mistake], io.BytesIO(b"x" * 200)
        return Session(program, argv, stdin=feed, memory_size=MEMORY)

    return session


def test_a_program_without_mistakes_has_none(start: Callable[[str], Session]) -> None:
    debugger = Debugger(start("none"))
    assert sanitize.sanitize(debugger) == []
    plain = Debugger(start("none"))
    while plain.history.forward().reason != "exited":
        pass
    assert sanitize.Sanitizer(plain).run() == []  # and blocks that are used again are no mistake


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(start: Callable[[str], Session], mistake: str) -> None:
    debugger = Debugger(start(mistake))
    reports = sanitize.sanitize(debugger)
    kind, what, function = MISTAKES[mistake]
    first = reports[0]
    assert first.kind == kind and what in first.what, first
    assert any(f" {function}" in frame and "heap.c:" in frame for frame in first.stack)
    assert len(reports) == 1 or mistake in ("smash", "copy-after"), reports
    # Going there shows the instruction.
    debugger.goto(first.retired)
    if "= " not in first.what and not kind.endswith("free"):
        assert debugger.pc == first.pc
    if kind in ("heap-buffer-overflow", "use-after-free", "double-free"):
        assert first.block is not None
        assert any("make" in frame for frame in first.block.stack)
        released = [frame for frame in first.block.freed_by if "drop" in frame]
        assert bool(released) == (kind != "heap-buffer-overflow")
    assert str(first).startswith(f"{kind}: ") and first.json()["kind"] == kind


@pytest.fixture(scope="module")
def overflowing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    out = tmp_path_factory.mktemp("locals") / "locals"
    return build(PROGRAMS / "sanitize" / "locals.c", out, opt="-O0")


@pytest.mark.parametrize("mistake", ["none", *OVERFLOWS])
def test_an_overflow_into_a_neighbour_in_the_frame_is_found(
    overflowing: Path, mistake: str
) -> None:
    debugger = Debugger(Session(overflowing, ["locals", mistake], memory_size=MEMORY))
    reports = sanitize.sanitize(debugger)
    if mistake == "none":
        assert reports == []
        return
    what, function = OVERFLOWS[mistake]
    assert [r.kind for r in reports] == ["stack-buffer-overflow"], reports
    assert reports[0].what == what and f" {function}" in reports[0].stack[0]
    assert "locals.c:" in reports[0].stack[0]


def test_variables_are_where_the_code_has_them(overflowing: Path, program: Path) -> None:
    session = Session(overflowing, memory_size=MEMORY)
    symbols = Symbols(session.image.data, session.image.bias)
    known = {symbols.name(f.start).split()[1]: f for f in variables.functions(symbols)}
    sizes = {v.name: v.high - v.low for v in known["inside"].variables}
    assert sizes == {"pairs": 24, "scalar": 4, "to": 8, "end": 8, "i": 4, "p": 8}
    # Each access through an array, and through the pointers that no address is taken of.
    text = Program.from_state(session.state)
    found = {
        name: sorted({b.variable.name for b in frame_bounds.bounds(text, f).values()})
        for name, f in known.items()
    }
    assert found["by_index"] == ["first", "second"] and found["by_pointer"] == ["text"]
    assert found["inside"] == ["pairs", "scalar"] and found["main"] == []
    # Optimised code makes addresses in other ways: nothing is said of it.
    optimised = Session(program, memory_size=MEMORY)
    assert variables.functions(Symbols(optimised.image.data, 0)) == []


def test_the_command_and_a_stripped_program(start: Callable[[str], Session], program: Path) -> None:
    load()
    shell = Shell(Debugger(start("read-after")), lambda a, b: start("none"))
    shell.run("c")
    assert "3 bytes after a block of 100 bytes" in shell.run("memory-sanitizer")
    stripped = program.with_name("stripped")
    strip = ["aarch64-linux-gnu-strip", "-o", str(stripped), str(program)]
    subprocess.run(strip, check=True)
    debugger = Debugger(Session(stripped, memory_size=MEMORY))
    with pytest.raises(DebugError, match=r"heap cannot be followed: .*stripped"):
        sanitize.Sanitizer(debugger).run()


def test_blocks_are_told_apart() -> None:
    heap = Heap()
    for start in (100, 200, 300):
        heap.add(Block(start, 50, 0, ()))
    assert heap.near(99) is heap.blocks[100] and heap.near(149) is heap.blocks[100]
    assert heap.near(170) is heap.blocks[100] and heap.near(190) is heap.blocks[200]
    heap.add(Block(140, 100, 1, ()))  # the two that lay there are gone
    assert sorted(heap.blocks) == [140, 300]
    assert Heap().near(5) is None


def test_the_command_line(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ncpu.xla.use_cache", lambda: None)
    command = ["debug", "sanitize", str(program), "write-after", "--memory", "16M"]
    done = CliRunner().invoke(app, [*command, "--json", str(tmp_path / "out.json")])
    assert done.exit_code == 1
    assert "allocated [" in done.stderr and "1 bad uses of memory" in done.stderr
    assert '"heap-buffer-overflow"' in (tmp_path / "out.json").read_text()
