"""The debugger's commands as plain text: one table of name, arguments, help and function.

A command is given the `Shell` (the debugger and how to start the program again) and the rest
of its line, and gives text.  `help` is printed from the table, and so is the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.plan import Stop
from ncpu.machine.errors import NcpuError
from ncpu.machine.linux.abi import Signal
from ncpu.machine.linux.launch import Session

Start = Callable[[list[str] | None, bytes | None], Session]


@dataclass
class Shell:
    """What commands work on.

    Attributes:
      debugger: the process debugged.
      start: makes a fresh process of the same program: its arguments (None: the same) and its
        standard input (None: empty).
      ended: `quit` was given.
    """

    debugger: Debugger
    start: Start
    ended: bool = False

    def run(self, line: str) -> str:
        """One command line: what it prints; a mistake is text, too, and changes nothing."""
        name, _, rest = line.strip().partition(" ")
        if name.startswith("x/"):
            name, rest = "x", f"/{name[2:]} {rest}"
        if not name or name.startswith("#"):
            return ""
        try:
            command = find(name)
            return command.function(self, rest.strip())
        except (NcpuError, OSError) as error:
            return f"error: {error}"


@dataclass(frozen=True)
class Command:
    """One line of the table."""

    name: str
    short: tuple[str, ...]
    arguments: str
    help: str
    group: str
    function: Callable[[Shell, str], str]


TABLE: dict[str, Command] = {}
_SHORT: dict[str, str] = {}


def command(
    name: str, arguments: str = "", *, short: str = "", group: str
) -> Callable[[Callable[[Shell, str], str]], Callable[[Shell, str], str]]:
    """Enter a function into the table; its docstring's first line is the help."""

    def enter(function: Callable[[Shell, str], str]) -> Callable[[Shell, str], str]:
        text = (function.__doc__ or "").strip().split("\n")[0]
        TABLE[name] = Command(name, tuple(short.split()), arguments, text, group, function)
        for other in short.split():
            _SHORT[other] = name
        return function

    return enter


def find(name: str) -> Command:
    """The command of a name, a short name or an unambiguous beginning.

    Raises:
      DebugError: there is none, or several.
    """
    if name in TABLE:
        return TABLE[name]
    if name in _SHORT:
        return TABLE[_SHORT[name]]
    begun = [known for known in TABLE if known.startswith(name)]
    if len(begun) == 1:
        return TABLE[begun[0]]
    hint = f"; did you mean {', '.join(begun)}?" if begun else "; `help` lists them"
    raise DebugError(f"there is no command {name!r}{hint}")


def integer(shell: Shell, text: str, default: int | None = None) -> int:
    """An argument that is a number or an expression."""
    if not text:
        if default is None:
            raise DebugError("a number is missing")
        return default
    return shell.debugger.value(text)


def told(shell: Shell, stop: Stop) -> str:
    """A stop for people: why, where, and the instruction there."""
    debugger = shell.debugger
    history = debugger.history
    at = f"[{history.now.retired:,} instructions]"
    if stop.reason == "exited":
        code = history.kernel.process.exit_code
        how = f"killed by {Signal(stop.signal).name}" if stop.signal else f"exit code {code}"
        return f"{at} the program has ended: {how}; its history is all here"
    why = {
        "breakpoint": "breakpoint",
        "watch": f"access to {stop.address or 0:#x}",
        "signal": f"{Signal(stop.signal).name} comes next" if stop.signal else "signal",
        "syscall": "system call",
        "start": "the start of the history",
        "end": "the end of the recording",
        "interrupted": "interrupted",
    }.get(stop.reason, "")
    return "\n".join(filter(None, (f"{at} {why}".rstrip(), here(debugger))))


def here(debugger: Debugger) -> str:
    """Where the machine stands: place, instruction, and source line where it is known."""
    text = debugger.symbols.name(debugger.pc)
    try:
        return f"{text}\n   {debugger.instruction()}"
    except DebugError:
        return f"{text}\n   no code here"


def table(rows: list[tuple[Any, ...]]) -> str:
    """Rows as text columns; numbers to the right."""
    cells = [[f"{c:,}" if type(c) is int else str(c) for c in row] for row in rows]
    if not cells:
        return "nothing"
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    right = [type(c) is int for c in rows[-1]]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if r else cell.ljust(w)
            for cell, w, r in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    )


@command("help", "[COMMAND]", short="h ?", group="general")
def help_(shell: Shell, rest: str) -> str:
    """List the commands, or describe one."""
    if rest:
        found = find(rest)
        also = f" (also: {', '.join(found.short)})" if found.short else ""
        return f"{found.name} {found.arguments}".rstrip() + f"{also}\n  {found.help}"
    groups = dict.fromkeys(entry.group for entry in TABLE.values())
    parts = []
    for group in groups:
        rows = [(f"  {c.name} {c.arguments}", c.help) for c in TABLE.values() if c.group == group]
        parts.append(f"{group}\n{table(rows)}")
    return "\n".join(parts)


@command("quit", short="q exit", group="general")
def quit_(shell: Shell, rest: str) -> str:
    """Leave; the program is not run further."""
    shell.ended = True
    return ""


def markdown() -> str:
    """The table for the documentation."""
    lines = ["| command | also | what it does |", "| --- | --- | --- |"]
    for entry in TABLE.values():
        also = ", ".join(f"`{short}`" for short in entry.short) or "-"
        lines.append(f"| `{f'{entry.name} {entry.arguments}'.strip()}` | {also} | {entry.help} |")
    return "\n".join(lines)


def load() -> dict[str, Command]:
    """The whole table: the modules that fill it are imported."""
    from ncpu.machine.debug import (  # noqa: F401
        commands_ask,
        commands_count,
        commands_flow,
        commands_look,
        commands_run,
    )

    return TABLE
