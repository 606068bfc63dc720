"""The commands as text: each one's screen, mistakes, recordings, the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import debug_screens
from corpus import have_cross_gcc
from ncpu.machine.debug import DebugError, Debugger
from ncpu.machine.debug.commands import Shell, find, load, markdown
from ncpu.machine.debug.recording import thaw
from ncpu.machine.linux.launch import Session
from ncpu.machine.loader import executable

TABLE = load()
# The commands a debugger of this machine had before, and what they are called here; the fuzzer
# and the constant-time check run a program many times: they are `ncpu debug fuzz` and `const-time`.
TWENTY_FOUR = """
xray replay compare freeze thaw timing strace trace break watch history coverage taint bisect step
profile call-stack heat diff-input disassemble memory-map entropy
memory-sanitizer origin
"""


@pytest.fixture
def shell(start: Callable[..., Session]) -> Shell:
    return Shell(Debugger(start()), start)


def test_the_table_has_every_command_with_help(shell: Shell) -> None:
    for name in TWENTY_FOUR.split():
        assert find(name).help
    text = shell.run("help")
    assert all(f"  {name}" in text for name in TABLE)
    assert "also: b" in shell.run("help break")


def test_the_documentation_shows_the_table() -> None:
    page = Path(__file__).parents[3] / "docs" / "debug.md"
    assert markdown() in page.read_text()


def test_a_walk_through_a_run(shell: Shell, tmp_path: Path) -> None:
    for line, pattern in (
        ("break sum if x0 == 0", r"breakpoint 1 at 0x\w+ sum \(list.c:\d+\)"),
        ("continue", r"breakpoint\n0x\w+ sum"),
        ("traps", r"1  breakpoint +0x\w+ sum.*if x0 == 0 +1"),
        ("bt", r"(?s)#0 .*sum.*#11 .*work.*#12 .*main.*#13 .*_start"),
        ("list", r"=> +\d+ +static long sum|\{|list.c:\d+"),
        ("xray total 16", r"(?s)x30 .*=> .*\n +\w+  00 00"),
        ("print head", r"<head>"),
        ("print greeting", r'"hello from the list\\n"'),
        ("x/s greeting", r'"hello from the list'),
        ("x/2g [head]", r": \w{16} 000000000000000a"),
        ("x/2i sum", r"(?s)sum:.*stp x29, x30"),
        ("disassemble push", r"(?s)push:.*ret"),
        ("rs 3", r"instructions\]"),
        ("delete", r"^$"),
        ("watch total", r"watchpoint 2 \(write\) on 8 bytes"),
        ("c", r"access to 0x\w+"),
        ("rwatch line 1", r"watchpoint 3 \(read\)"),
        ("awatch mean", r"watchpoint 4 \(access\)"),
        ("delete 3", r"^$"),
        ("rc", r"access to"),
        ("d", r"^$"),
        ("c", r"exit code 0; its history is all here"),
        ("who-wrote total", r"(?s)the write comes next.*str "),
        ("who-wrote line", r"(?s)svc #0.*read\(0, "),
        ("goto end", r"instructions\]"),
        ("history", r"now at ([\d,]+) of \1"),
        ("strace", r"(?s)read\(0.*= 16.*write\(1.*= 20.*exit_group\(0"),
        ("strace write", r"^ *[\d,]+  write"),
        ("accesses total 8", r"(?s)write +0x\w+ sum\+.*read +0x\w+ sum\+"),
        ("coverage", r"(?s)different instructions have run.*sum"),
        ("coverage sum", r" 33 .*stp x29"),
        ("profile", r"(?s)% +sum.*hottest"),
        ("heat", r"#{40}"),
        ("mix", r"(?s)mnemonics.*% +ldr"),
        ("blocks", r"% .* sum"),
        ("call-graph", r"(?s)_start.*calls\n.*sum +-> +sum"),
        (f"flame {tmp_path}/run.svg", r"different stacks"),
        (f"export {tmp_path}/run.json", r"instructions in"),
        (f"compare f > {tmp_path}/difference.json", r"in common"),
        ("origin total", r"(?s)constants of the code.*str x1"),
        ("origin line", r"bytes 0-15 of standard input"),
        ("maps", r"(?s)r-x.*\[trampoline\].*\[stack\]"),
        ("entropy", r"(?s)\[trampoline\].*\[stack\]"),
        ("entropy greeting 20", r"bits a byte over 20 bytes"),
        ("replay", r"the same bits every time"),
        ("timing 2", r"spread 0"),
        ("trace 5", r"(?s)mov x8.*"),
        ("compare f", r"(?s)in common, then.*this run.*main.*that run.*main"),
        ("bisect l", r"writes in common"),
        ("reverse-step", r"(?s)svc #0"),
    ):
        out = shell.run(line)
        assert re.search(pattern, out), f"{line}\n{out}"

    ElementTree.fromstring((tmp_path / "run.svg").read_text())
    exported = json.loads((tmp_path / "run.json").read_text())
    counted = exported["instructions"]
    assert sum(exported["mix"].values()) == sum(exported["functions"].values()) == counted
    assert sum(stack["instructions"] for stack in exported["calls"]["stacks"]) == counted
    assert sum(b["count"] * (b["end"] - b["start"]) // 4 for b in exported["blocks"]) == counted
    recursive = {(e["from"], e["to"]): e["calls"] for e in exported["calls"]["edges"]}
    assert recursive["sum", "sum"] == 30 and recursive["work", "sum"] == 3
    assert json.loads((tmp_path / "difference.json").read_text())["index"] > 0


def test_the_counts_are_those_of_the_trace(shell: Shell) -> None:
    shell.run("c")
    history = shell.debugger.history
    ran = sum(int(piece["retires"].sum()) for piece in history.trace(history.start))
    assert ran == history.now.retired
    total = sum(
        int(row.split()[0].replace(",", ""))
        for row in shell.run("profile").partition("\n\n")[0].splitlines()
    )
    assert total == ran


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("break 0x400001", "multiples of 4"),
        ("break total", "no instruction"),
        ("break nowhere", "no register or symbol 'nowhere'"),
        ("break sum if", "no register|no expression"),
        ("break sum if nothing > 1", "no register or symbol 'nothing'"),
        ("watch 0 8", "not in the guest's memory"),
        ("watch", "what to watch"),
        ("x/8g 0", "cannot be read"),
        ("x/9z sp", "format 'z'"),
        ("x/9999 sp", "1 to 4096"),
        ("x/s 0", "outside the lane"),
        ("goto 5", "from 0 to 0"),
        ("step 0", "at least 1"),
        ("finish", "outermost"),
        ("delete 7", "no breakpoint or watchpoint 7"),
        ("freeze /nowhere/file", "cannot write"),
        ("thaw /nowhere/file", "cannot read"),
        ("diff-input /nowhere/file", "No such file"),
        ("strace nothing", "no system call 'nothing'"),
        ("bogus", "no command 'bogus'"),
        ("re", "did you mean"),
    ],
)
def test_mistakes_are_explained_and_change_nothing(shell: Shell, line: str, why: str) -> None:
    before = shell.debugger.history.now
    out = shell.run(line)
    assert out.startswith("error: ") and re.search(why, out), out
    assert shell.debugger.history.now == before and not shell.debugger.traps


def test_a_frozen_history_thaws_to_the_same_bits(
    start: Callable[..., Session], tmp_path: Path
) -> None:
    shell = Shell(Debugger(start(["f"])), start)
    shell.run("c")
    fault = shell.run("xray")
    shell.run("c")
    shell.run("goto 40")
    screen, file = shell.run("xray"), tmp_path / "run.ncpu"
    assert "bytes" in shell.run(f"freeze {file}")
    other = Shell(thaw(file), start)
    assert other.run("xray") == screen
    assert "SIGSEGV comes next" in other.run("c")
    assert other.run("xray") == fault
    assert "exit code 11" in other.run("c")
    with pytest.raises(DebugError, match="cannot be changed"):
        other.debugger.history.edit(lambda state: (state, []))
    data = file.read_bytes()
    for broken in (
        b"",
        b"nothing",
        data[: len(data) // 2],
        data.replace(b"meta.json", b"mota.json"),
    ):
        file.write_bytes(broken)
        with pytest.raises(DebugError, match=r"no frozen history|damaged"):
            thaw(file)


FORKS = """
_start: mov x0, #17
    mov x1, #0
    mov x8, #220
    svc #0
    neg x0, x0
    mov x8, #94
    svc #0
"""


def test_a_program_that_makes_processes_is_told_that_it_is_alone(tmp_path: Path) -> None:
    source, said = tmp_path / "forks.s", []
    source.write_text(FORKS)

    def start(arguments: list[str] | None, data: bytes | None) -> Session:
        return Session(executable(source), ["forks"], memory_size=16 << 20, warn=said.append)

    shell = Shell(Debugger(start(None, None)), start)
    assert "exit code 38" in shell.run("continue")  # ENOSYS
    assert len(said) == 1 and "clone makes no process or thread here" in said[0]
    assert "clone(17, 0" in shell.run("strace clone")
    shell.run("goto 0")
    shell.run("continue")
    assert len(said) == 1  # what is recorded is not asked for again


def test_the_command_line(binary: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("# where it calls itself\nbreak sum\ncontinue\nbt\nbogus\nquit\nnever\n")
    call = "from ncpu.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", call, "debug", "--memory", "16M", "--script", script, binary, "x"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1  # bogus
    assert "(ncpu) break sum\nbreakpoint 1" in done.stdout
    assert "error: there is no command 'bogus'" in done.stdout and "never" not in done.stdout
    piped = subprocess.run(
        [sys.executable, "-c", call, "debug", "--memory", "16M", binary],
        input="c\nhistory\n",
        capture_output=True,
        text=True,
    )
    assert piped.returncode == 0 and "hello from the list" in piped.stdout
    assert "its history is all here" in piped.stdout


@pytest.mark.slow
def test_the_screens_of_the_documentation_are_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    gcc = subprocess.run(["aarch64-linux-gnu-gcc", "-dumpversion"], capture_output=True, text=True)
    if gcc.stdout.strip().split(".")[0] != "12":
        pytest.skip(f"the addresses of the page are those of gcc 12, here is {gcc.stdout.strip()}")
    monkeypatch.setattr("ncpu.xla.use_cache", lambda: None)
    page = debug_screens.PAGE.read_text()
    assert debug_screens.rendered(page, tmp_path) == page
