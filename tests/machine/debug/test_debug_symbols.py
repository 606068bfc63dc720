"""Names, lines and stacks against binutils; programs without them."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus import PROGRAMS, have_cross_gcc
from ncpu.machine.debug import DebugError, Debugger
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.linux.launch import Session

TOOLS = "aarch64-linux-gnu-"


def _tool(name: str, *arguments: str) -> list[str]:
    if shutil.which(TOOLS + name) is None:
        pytest.skip(f"{TOOLS}{name} is missing (Debian package binutils-aarch64-linux-gnu)")
    done = subprocess.run([TOOLS + name, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_every_address_has_the_line_addr2line_gives(binary: Path) -> None:
    symbols = Symbols(binary.read_bytes(), 0)
    start = symbols.table["call"][0]
    addresses = list(range(start, symbols.table["_start"][0] + 32, 4))
    found = _tool("addr2line", "-e", str(binary), *map(hex, addresses))
    for address, text in zip(addresses, found, strict=True):
        line = symbols.line(address)
        path, _, number = text.partition(" ")[0].rpartition(":")
        assert line is not None and (line.path, str(line.line)) == (path, number), hex(address)


def test_functions_are_those_of_nm(binary: Path) -> None:
    symbols = Symbols(binary.read_bytes(), 0)
    for row in _tool("nm", "-S", "--defined-only", str(binary)):
        parts = row.split()
        if len(parts) == 4 and parts[2] in "tTbBdD":
            address, size, name = int(parts[0], 16), int(parts[1], 16), parts[3]
            assert symbols.table[name] == (address, size)
            assert symbols.function(address + size - 1) == (name, size - 1)
    assert symbols.function(0x10) is None and symbols.line(0x10) is None


def test_lines_lead_to_addresses(debugger: Debugger) -> None:
    lines = (PROGRAMS / "debug" / "list.c").read_text().splitlines()
    number = next(k for k, text in enumerate(lines, 1) if "rest + list->value" in text)
    trap = debugger.break_at(f"list.c:{number}")
    assert debugger.cont().reason == "breakpoint"
    assert debugger.symbols.name(trap.address).endswith(f"(list.c:{number})")
    assert len(debugger.frames()) == 13  # ten of sum, work, main, _start
    with pytest.raises(DebugError, match="no code came from line 1"):
        debugger.break_at("list.c:1")
    with pytest.raises(DebugError, match=r"no lines of 'other.c'; it has list.c"):
        debugger.break_at("other.c:1")


@pytest.mark.parametrize("flags", [[], ["--strip-debug"], ["--strip-all"]])
def test_programs_without_names_are_debugged_by_address(
    binary: Path, tmp_path: Path, flags: list[str]
) -> None:
    out = tmp_path / "stripped"
    _tool("strip", *flags, "-o", str(out), str(binary)) if flags else shutil.copy(binary, out)
    debugger = Debugger(Session(str(out), ["list"], memory_size=16 << 20))
    address = Symbols(binary.read_bytes(), 0).table["sum"][0]
    debugger.break_at(f"{address:#x}")
    assert debugger.cont().reason == "breakpoint" and debugger.pc == address
    debugger.step(2)
    assert len(debugger.frames()) >= 3  # frame pointers need no names
    if "--strip-all" in flags:
        with pytest.raises(DebugError, match="stripped"):
            debugger.break_at("sum")


def test_position_independent_programs(tmp_path: Path) -> None:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    source, out = PROGRAMS / "debug" / "list.c", tmp_path / "pie"
    flags = ["-g", "-O1", "-ffreestanding", "-fno-stack-protector", "-nostdlib", "-static-pie"]
    _tool("gcc", *flags, "-fPIE", "-fno-inline", str(source), "-o", str(out))
    debugger = Debugger(Session(str(out), ["list"], memory_size=16 << 20))
    debugger.break_at("work")
    assert debugger.cont().reason == "breakpoint"
    assert debugger.pc > 0x55_0000_0000
    assert debugger.symbols.name(debugger.pc).partition(" ")[2].startswith("work (list.c:")
    names = [debugger.symbols.function(frame.pc) for frame in debugger.frames()]
    assert [name[0] for name in names if name][:2] == ["work", "main"]


def test_damaged_files_have_no_names_but_never_break(binary: Path) -> None:
    data, rng = binary.read_bytes(), random.Random(2)
    for _ in range(40):
        broken = bytearray(data)
        for _ in range(30):
            broken[rng.randrange(64, len(broken))] = rng.randrange(256)
        symbols = Symbols(bytes(broken[: rng.randrange(1000, len(broken))]), 0)
        symbols.line(0x400200)
        symbols.name(0x400200)


def test_stacks_through_frames_without_frame_pointers(tmp_path: Path) -> None:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    source, out = PROGRAMS / "debug" / "list.c", tmp_path / "omit"
    flags = ["-g", "-O1", "-fomit-frame-pointer", "-fno-optimize-sibling-calls", "-fno-inline"]
    more = ["-ffreestanding", "-fno-stack-protector", "-nostdlib", "-static"]
    _tool("gcc", *flags, *more, str(source), "-o", str(out))
    debugger = Debugger(Session(str(out), ["list"], memory_size=16 << 20))
    debugger.break_at("sum", "x0 == 0")
    debugger.cont()
    names = [debugger.symbols.function(frame.pc) for frame in debugger.frames()]
    found = [name[0] for name in names if name]
    assert found[:13] == ["sum"] * 11 + ["work", "main"]


def test_values_of_expressions(start: Callable[..., Session]) -> None:
    debugger = Debugger(start())
    debugger.break_at("sum")
    debugger.cont()
    pool = debugger.symbols.table["pool"][0]
    for text, value in (
        ("1 + 2 * 3", 7),
        ("x0", pool + 9 * 16),
        ("[x0 + 8]", 10),
        ("u8[x0 + 8] == 10 && !(1 > 2)", 1),
        ("s64[x0] - $x0", -16),
        ("w0", pool + 9 * 16),
        ("signed(0 - 1)", -1),
        ("pool != head || 0", 1),
        ("pc == sum", 1),
    ):
        assert debugger.value(text) == value, text
    for text, why in (
        ("x31", "no register or symbol 'x31'"),
        ("1 +", "no expression"),
        ("[0]", "not mapped"),
        ("1 / 0", "division by zero"),
        ("__import__('os')", "cannot stand"),
        ("'a'", "cannot stand"),
        ("(lambda: 1)()", "cannot stand"),
        ("1 << 9**9**9", "cannot stand"),
        ("", "1 to 400"),
        ("x" * 401, "1 to 400"),
    ):
        with pytest.raises(DebugError, match=why):
            debugger.value(text)
