"""Commands that look at the machine here: registers, memory, stacks, source lines."""

from __future__ import annotations

import numpy as np

from ncpu.machine import display, memory
from ncpu.machine.debug import analysis
from ncpu.machine.debug.commands import Shell, command, integer, table
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.disasm import disassemble
from ncpu.machine.errors import MemoryRangeError

LOOK = "looking"


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
