"""Commands that ask the whole history: traces, calls, accesses, comparisons of runs."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ncpu import files
from ncpu.machine.debug import analysis
from ncpu.machine.debug.commands import Shell, command, integer, table
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.hunt import ON_READ, ON_WRITE
from ncpu.machine.disasm import disassemble
from ncpu.machine.linux.numbers import NAME
from ncpu.machine.state import SINK, SP, ZR, Status, V

ASK = "asking the whole history"


@command("trace", "[N]", group=ASK)
def trace(shell: Shell, rest: str) -> str:
    """The last N instructions before now, and what each did."""
    history = shell.debugger.history
    count = min(integer(shell, rest, 10), 10_000)
    start = max(history.start, history.instant(max(history.now.retired - count, 0)))
    return "\n".join(
        _effect(piece, k) for piece in history.trace(start) for k in range(len(piece["pc"]))
    )


def _effect(piece: dict[str, np.ndarray], k: int) -> str:
    row = {name: int(column[k]) for name, column in piece.items() if column.ndim == 1}
    changes = [
        f"{_register(row[where])}={row[value]:#x}"
        for where, value in (("rd", "value"), ("rd2", "value2"), ("wb", "base"))
        if row[where] not in (SINK, ZR)
    ]
    if row["stored"]:
        mask = (1 << 8 * row["stored"]) - 1
        changes.append(f"[{row['address']:#x}]={row['store'] & mask:#x}")
    elif row["size"]:
        changes.append(f"from [{row['address']:#x}]")
    text = disassemble(row["word"], row["pc"])
    return f"{row['retired']:10,}  {row['pc']:8x}  {text:36} {' '.join(changes)}".rstrip()


def _register(row: int) -> str:
    if row < SP:
        return f"x{row}"
    if row == SP:
        return "sp"
    if V <= row < V + 64:
        return f"v{(row - V) // 2}.{'hi' if (row - V) % 2 else 'lo'}"
    return f"row{row}"


@command("strace", "[NAME]", group=ASK)
def strace(shell: Shell, rest: str) -> str:
    """Every system call and signal up to now: when, what, its result."""
    history = shell.debugger.history
    if rest and rest not in NAME.values():
        raise DebugError(f"there is no system call {rest!r}")
    shown = [
        f"{event.at:12,}  {event.what if event.kind == 'syscall' else f'-- {event.what} --'}"
        for event in history.events[: history.now.events]
        if not rest or event.what.startswith(f"{rest}(")
    ]
    return "\n".join(shown) or "none yet"


@command("accesses", "WHERE [BYTES]", group=ASK)
def accesses(shell: Shell, rest: str) -> str:
    """Every read and write of these bytes up to now: when, by whom, what they held after."""
    debugger, words = shell.debugger, rest.split()
    if not words:
        raise DebugError("which bytes? for example: accesses total 4")
    length = integer(shell, words[1]) if len(words) > 1 else 8
    found = debugger.accesses(words[0], length, ON_READ | ON_WRITE)
    rows = [(f"{a.retired:,}", a.kind, debugger.symbols.name(a.pc), a.data.hex()) for a in found]
    return table(rows) if rows else "never accessed"


@command("replay", "[TIMES]", group=ASK)
def replay(shell: Shell, rest: str) -> str:
    """Replay from the start to now, twice by default, and compare every bit of the state."""
    history = shell.debugger.history
    times, now = integer(shell, rest, 2), history.now
    seen = {analysis.digest(history.state)}
    for _ in range(min(times, 100)):
        history.replay()
        seen.add(analysis.digest(history.state))
    verdict = "the same bits every time" if len(seen) == 1 else "THE REPLAYS DIFFER"
    return f"{now.retired:,} instructions replayed {times} times: {verdict} ({min(seen)})"


@command("timing", "[RUNS]", group=ASK)
def timing(shell: Shell, rest: str) -> str:
    """Run the program afresh with the same input: the same count of instructions each time?"""
    runs = min(max(integer(shell, rest, 5), 2), 100)
    counts = Counter(shell.start(None, None).run().retired for _ in range(runs))
    spread = max(counts) - min(counts)
    return f"{runs} runs: {min(counts):,} to {max(counts):,} instructions, spread {spread}; " + (
        "the same each time for this input (says nothing of others)"
        if not spread
        else "NOT the same"
    )


@command("compare", "ARGUMENTS... [< FILE] [> FILE.json]", short="diff-runs", group=ASK)
def compare(shell: Shell, rest: str) -> str:
    """Run again with other arguments (and input) and show where the two runs first part."""
    return _compare(shell, rest, writes=False)


@command("diff-input", "FILE [> FILE.json]", group=ASK)
def diff_input(shell: Shell, rest: str) -> str:
    """Run again with another standard input and show where the two runs first part."""
    return _compare(shell, f"< {rest}", writes=False)


@command("bisect", "ARGUMENTS... [< FILE] [> FILE.json]", group=ASK)
def bisect(shell: Shell, rest: str) -> str:
    """Run again with other arguments (and input): the first write to memory that differs."""
    return _compare(shell, rest, writes=True)


def _redirected(words: list[str], sign: str) -> Path | None:
    """Take `sign FILE` out of the words of a command."""
    if sign not in words:
        return None
    at = words.index(sign)
    if at + 1 == len(words):
        raise DebugError(f"a file name is missing after {sign}")
    name = words[at + 1]
    del words[at : at + 2]
    return Path(name)


def _compare(shell: Shell, rest: str, *, writes: bool) -> str:
    words = shlex.split(rest)
    output, feed = _redirected(words, ">"), _redirected(words, "<")
    data = feed.read_bytes() if feed else None
    other = Debugger(shell.start(words or None, data))
    while other.history.status != Status.EXITED:  # signals are delivered on the way
        other.history.forward()
    found = analysis.difference(shell.debugger.history, other.history, writes=writes)
    if output:
        files.write_json(output, None if found is None else asdict(found))
    what = "write" if writes else "instruction"
    if found is None:
        return f"no {what} differs, up to now in this run"
    lines = [f"{found.index:,} {what}s in common, then"]
    for title, row in (("this run ", found.first), ("that run ", found.second)):
        if row is None:
            lines.append(f"  {title} has ended")
            continue
        mask = (1 << 8 * row["stored"]) - 1
        stored = f"  [{row['address']:#x}]={row['store'] & mask:#x}" if writes else ""
        lines.append(
            f"  {title} {row['retired']:,}: {shell.debugger.symbols.name(row['pc'])}: "
            f"{disassemble(row['word'], row['pc'])}{stored}"
        )
    return "\n".join(lines)
