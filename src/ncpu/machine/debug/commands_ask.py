"""Commands that look: registers, memory, stacks, traces, counts, comparisons."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ncpu.machine import display, memory, word
from ncpu.machine.debug import analysis
from ncpu.machine.debug.commands import Shell, command, integer, table
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.hunt import ON_READ, ON_WRITE
from ncpu.machine.disasm import disassemble
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.linux.numbers import NAME
from ncpu.machine.state import SINK, SP, ZR, Status, V

LOOK = "looking"
ASK = "asking the whole history"
_TOP = 20


@command("xray", "[ADDRESS [BYTES]]", short="registers regs", group=LOOK)
def xray(shell: Shell, rest: str) -> str:
    """Registers and memory: everything here, and a dump of the stack or of ADDRESS."""
    debugger = shell.debugger
    words = rest.split()
    length = integer(shell, words.pop()) if len(words) > 1 else 64
    at = debugger.location(" ".join(words)) if words else int(debugger.state.sp)
    here = debugger.state.replace(status=np.int32(debugger.history.status))
    head = display.text(here, debugger.history.program)
    return head + "\n" + _dump(debugger, at, min(length, 1 << 16))


def _dump(debugger: Debugger, at: int, length: int) -> str:
    lines = []
    for start in range(at, at + length, 16):
        data = debugger.read(start, min(16, at + length - start))
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in data)
        lines.append(f"{start:12x}  {data.hex(' '):47}  {shown}")
    return "\n".join(lines)


@command("print", "EXPRESSION", short="p", group=LOOK)
def print_(shell: Shell, rest: str) -> str:
    """The value of an expression, as number, place and, where it points at one, string."""
    debugger = shell.debugger
    value = debugger.value(rest)
    parts = [f"{value}", f"{value & (1 << 64) - 1:#x}"]
    if value >> 63 == 1:
        parts.append(str(value - (1 << 64)))
    if debugger.symbols.function(value):
        parts.append(f"<{debugger.symbols.name(value).partition(' ')[2]}>")
    if text := _string(debugger, value):
        parts.append(text)
    return " = ".join(parts)


def _string(debugger: Debugger, address: int, shortest: int = 3) -> str:
    """The C string at an address, quoted; empty where there is no plausible one."""
    if not memory.permissions(debugger.state, address, 1):
        return ""
    try:
        data = memory.read_cstring(debugger.state, address, 200)
    except MemoryRangeError:
        return ""
    plausible = len(data) >= shortest and all(32 <= b < 127 or b in b"\t\n\r\x1b" for b in data)
    return f'"{data.decode("ascii").encode("unicode_escape").decode()}"' if plausible else ""


@command("x", "[/COUNT FORMAT] ADDRESS", group=LOOK)
def examine(shell: Shell, rest: str) -> str:
    """Memory as bytes (x/16b), words (x/4w, x/4g), strings (x/s) or instructions (x/8i)."""
    how, _, where = rest.partition(" ") if rest.startswith("/") else ("/16b", "", rest)
    digits = "".join(c for c in how if c.isdigit())
    kind = "".join(c for c in how[1:] if c.isalpha()) or "b"
    count, debugger = int(digits or 1), shell.debugger
    at = debugger.location(where or "sp")
    if not 0 < count <= 4096:
        raise DebugError(f"{count} items: 1 to 4096 are accepted")
    if kind == "s":
        data = memory.read_cstring(debugger.state, at, 4096)
        return f'{at:#x}: "{data.decode("utf-8", "backslashreplace")}"'
    if kind == "i":
        return _listing(debugger, at, count)
    sizes = {"b": 1, "h": 2, "w": 4, "g": 8}
    if kind not in sizes:
        raise DebugError(f"format {kind!r}: b, h, w, g, i and s are accepted")
    size = sizes[kind]
    data = debugger.read(at, count * size)
    values = [int.from_bytes(data[k : k + size], "little") for k in range(0, len(data), size)]
    row = 16 // size
    return "\n".join(
        f"{at + k * size:#x}: " + " ".join(f"{v:0{2 * size}x}" for v in values[k : k + row])
        for k in range(0, count, row)
    )


def _listing(debugger: Debugger, at: int, count: int) -> str:
    lines = []
    for address in range(at, at + 4 * count, 4):
        found = debugger.symbols.function(address)
        if found and found[1] == 0:
            lines.append(f"{found[0]}:")
        code = int.from_bytes(debugger.read(address, 4), "little")
        mark = "=>" if address == debugger.pc else "  "
        lines.append(f"{mark} {address:12x}  {code:08x}  {disassemble(code, address)}")
    return "\n".join(lines)


@command("disassemble", "[WHERE [COUNT]]", short="disas", group=LOOK)
def disassemble_(shell: Shell, rest: str) -> str:
    """Instructions of a function, or from pc on."""
    debugger = shell.debugger
    words = rest.split()
    if not words:
        return _listing(debugger, debugger.pc, 10)
    count = int(words[1]) if len(words) > 1 and words[1].isdigit() else None
    at = debugger.location(words[0])
    size = debugger.symbols.table.get(words[0], (0, 40))[1]
    return _listing(debugger, at, count or max(min(size // 4, 400), 1))


@command("stack", short="bt backtrace call-stack", group=LOOK)
def stack(shell: Shell, rest: str) -> str:
    """The call stack: who called whom to get here."""
    debugger, lines = shell.debugger, []
    for index, frame in enumerate(debugger.frames()[:100]):
        how = "  <signal interrupted>" if frame.signal and index else ""
        if frame.pc == debugger.session.image.trampoline:
            lines.append(f"#{index:<3} {frame.pc:#x} <return from a signal handler>")
        else:
            lines.append(f"#{index:<3} {debugger.symbols.name(frame.pc)}{how}")
    return "\n".join(lines)


@command("list", "[FILE:LINE]", short="l", group=LOOK)
def list_(shell: Shell, rest: str) -> str:
    """Source lines around here, when the program has line numbers and the file is there."""
    debugger = shell.debugger
    line = debugger.symbols.line(debugger.location(rest) if rest else debugger.pc)
    if line is None:
        raise DebugError("no source line is known here: compile with -g; libraries often have none")
    path = debugger.symbols.source(line)
    if path is None:
        return f"{line.file}:{line.line} (the file is not here)"
    text = path.read_text(errors="replace").splitlines()
    rows = range(max(line.line - 6, 0), min(line.line + 5, len(text)))
    return "\n".join(f"{'=>' if k + 1 == line.line else '  '} {k + 1:4} {text[k]}" for k in rows)


@command("maps", short="memory-map", group=LOOK)
def maps(shell: Shell, rest: str) -> str:
    """The process's memory: addresses, permissions, what it is."""
    rows = [
        (f"{r.start:x}-{r.end:x}", r.flags, (r.end - r.start) // 1024, "KiB", r.name)
        for r in analysis.regions(shell.debugger.history)
    ]
    return table(rows)


@command("entropy", "[ADDRESS BYTES]", group=LOOK)
def entropy(shell: Shell, rest: str) -> str:
    """Bits of entropy a byte, of a range or of every region: 8 is random, 0 is constant."""
    debugger, words = shell.debugger, rest.split()
    if len(words) == 2:
        data = debugger.read(debugger.location(words[0]), integer(shell, words[1]))
        return f"{analysis.entropy(data):.3f} bits a byte over {len(data):,} bytes"
    rows = []
    for region in analysis.regions(debugger.history):
        value = analysis.entropy(analysis.page_bytes(debugger.state, region))
        rows.append((f"{region.start:x}-{region.end:x}", f"{value:.3f}", region.name))
    return table(rows)


# -- the whole history ----------------------------------------------------------------------


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


@command("accesses", "WHERE [BYTES]", short="taint", group=ASK)
def accesses(shell: Shell, rest: str) -> str:
    """Every read and write of these bytes up to now: when, by whom, what they held after."""
    debugger, words = shell.debugger, rest.split()
    if not words:
        raise DebugError("which bytes? for example: accesses total 4")
    length = integer(shell, words[1]) if len(words) > 1 else 8
    found = debugger.accesses(words[0], length, ON_READ | ON_WRITE)
    rows = [(f"{a.retired:,}", a.kind, debugger.symbols.name(a.pc), a.data.hex()) for a in found]
    return table(rows) if rows else "never accessed"


@command("coverage", "[FUNCTION]", group=ASK)
def coverage(shell: Shell, rest: str) -> str:
    """Which instructions have run: of a function line by line, else a share of each function."""
    debugger = shell.debugger
    ran = analysis.ran(analysis.counts(debugger.history))
    symbols = debugger.symbols
    if rest:
        start, size = symbols.table.get(rest, (debugger.location(rest), 40))
        return "\n".join(
            f"{ran.get(at, 0):10,}  {at:8x}  {debugger.instruction(at)}"
            for at in range(start, start + size, 4)
        )
    hit: Counter[str] = Counter()
    for address in ran:
        found = symbols.function(address)
        hit[found[0] if found else "?"] += 1
    rows = []
    for name, count in hit.most_common(_TOP):
        size = symbols.table.get(name, (0, 0))[1] // 4
        rows.append((count, f"of {size:,}" if size else "", name))
    return f"{len(ran):,} different instructions have run\n" + table(rows)


@command("profile", group=ASK)
def profile(shell: Shell, rest: str) -> str:
    """Where the instructions went: by function, and the hottest addresses."""
    debugger = shell.debugger
    ran = analysis.ran(analysis.counts(debugger.history))
    total = sum(ran.values()) or 1
    by_function = analysis.functions(ran, debugger.symbols.function)
    rows = [(n, f"{100 * n / total:5.1f} %", name) for name, n in by_function.most_common(_TOP)]
    hot: list[tuple[Any, ...]] = [
        (n, f"{100 * n / total:5.1f} %", debugger.symbols.name(at))
        for at, n in Counter(ran).most_common(8)
    ]
    return f"{table(rows)}\n\nhottest instructions\n{table(hot)}"


@command("heat", short="heat-map", group=ASK)
def heat(shell: Shell, rest: str) -> str:
    """Which pages of memory were accessed most."""
    history = shell.debugger.history
    pages = np.asarray(analysis.counts(history).pages)[:-1]
    base = int(word.from_limbs(np.asarray(history.state.base)))
    top = np.argsort(pages, kind="stable")[::-1][:_TOP]
    most = int(pages.max()) or 1
    rows = [
        (f"{base + int(k) * 4096:x}", int(pages[k]), "#" * -(-40 * int(pages[k]) // most))
        for k in top
        if pages[k]
    ]
    return table([(row[0], f"{row[1]:,}".rjust(14), row[2]) for row in rows])


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


@command("compare", "ARGUMENTS...", short="diff-runs", group=ASK)
def compare(shell: Shell, rest: str) -> str:
    """Run again with other arguments and show where the two runs first part."""
    return _compare(shell, shlex.split(rest), None, writes=False)


@command("diff-input", "FILE", group=ASK)
def diff_input(shell: Shell, rest: str) -> str:
    """Run again with another standard input and show where the two runs first part."""
    return _compare(shell, None, Path(rest).read_bytes(), writes=False)


@command("bisect", "ARGUMENTS...", group=ASK)
def bisect(shell: Shell, rest: str) -> str:
    """Run again with other arguments and show the first write to memory that differs."""
    return _compare(shell, shlex.split(rest), None, writes=True)


def _compare(
    shell: Shell, arguments: list[str] | None, stdin: bytes | None, *, writes: bool
) -> str:
    other = Debugger(shell.start(arguments, stdin))
    while other.history.status != Status.EXITED:  # signals are delivered on the way
        other.history.forward()
    found = analysis.difference(shell.debugger.history, other.history, writes=writes)
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
