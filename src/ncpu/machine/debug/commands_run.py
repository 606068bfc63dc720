"""Commands that move through a run: breakpoints, stepping, time travel, recordings."""

from __future__ import annotations

import re
from pathlib import Path

from ncpu.machine.debug.commands import Shell, command, here, integer, table, told
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.hunt import ON_READ, ON_WRITE
from ncpu.machine.debug.recording import freeze, thaw

RUN = "running"
TIME = "time travel"
_CONDITION = re.compile(r"(.*?)\s+if\s+(.+)")
_KINDS = {ON_WRITE: "write", ON_READ: "read", ON_READ | ON_WRITE: "access"}


def _conditional(rest: str) -> tuple[str, str | None]:
    match = _CONDITION.fullmatch(rest)
    return (match[1], match[2]) if match else (rest, None)


@command("break", "[WHERE [if CONDITION]]", short="b", group=RUN)
def break_(shell: Shell, rest: str) -> str:
    """Stop before the instruction at a function, file:line or address; here without WHERE."""
    where, condition = _conditional(rest)
    trap = shell.debugger.break_at(where or "pc", condition)
    return f"breakpoint {trap.number} at {shell.debugger.symbols.name(trap.address)}"


def _watch(shell: Shell, rest: str, kinds: int) -> str:
    where, condition = _conditional(rest)
    if not where:
        raise DebugError("what to watch? for example: watch total 4")
    place, length = _place(shell, where)
    trap = shell.debugger.watch(place, length, kinds, condition)
    name = shell.debugger.symbols.name(trap.address)
    return f"watchpoint {trap.number} ({_KINDS[kinds]}) on {length} bytes at {name}"


def _place(shell: Shell, text: str) -> tuple[str, int]:
    """`WHERE [BYTES]`: a place and how many bytes; a symbol's own size by default."""
    words = text.split()
    if len(words) > 1 and words[-1].isdigit():
        return " ".join(words[:-1]), int(words[-1])
    size = shell.debugger.symbols.table.get(text, (0, 8))[1]
    return text, size or 8


@command("watch", "WHERE [BYTES] [if CONDITION]", group=RUN)
def watch(shell: Shell, rest: str) -> str:
    """Stop after these bytes are written, by the program or by a system call."""
    return _watch(shell, rest, ON_WRITE)


@command("rwatch", "WHERE [BYTES] [if CONDITION]", group=RUN)
def rwatch(shell: Shell, rest: str) -> str:
    """Stop after these bytes are read by the program."""
    return _watch(shell, rest, ON_READ)


@command("awatch", "WHERE [BYTES] [if CONDITION]", group=RUN)
def awatch(shell: Shell, rest: str) -> str:
    """Stop after these bytes are read or written."""
    return _watch(shell, rest, ON_READ | ON_WRITE)


@command("traps", short="info", group=RUN)
def traps(shell: Shell, rest: str) -> str:
    """List breakpoints and watchpoints, and how often each stopped the run."""
    rows = []
    for trap in shell.debugger.traps.values():
        kind = "breakpoint" if trap.watch is None else f"watch ({_KINDS[trap.watch.kinds]})"
        name = shell.debugger.symbols.name(trap.address)
        rows.append((str(trap.number), kind, name, f"if {trap.condition or 1}", trap.hits))
    return table(rows)


@command("delete", "[NUMBER]", short="d", group=RUN)
def delete(shell: Shell, rest: str) -> str:
    """Remove a breakpoint or watchpoint; all of them without a number."""
    if not rest:
        shell.debugger.traps.clear()
        return ""
    shell.debugger.delete(integer(shell, rest))
    return ""


@command("continue", short="c run r", group=RUN)
def continue_(shell: Shell, rest: str) -> str:
    """Run until a breakpoint, a watched access, a signal or the end."""
    return told(shell, shell.debugger.cont())


@command("step", "[N]", short="s si stepi", group=RUN)
def step(shell: Shell, rest: str) -> str:
    """Execute one instruction, or N."""
    return told(shell, shell.debugger.step(_count(shell, rest)))


@command("next", short="n ni nexti", group=RUN)
def next_(shell: Shell, rest: str) -> str:
    """Execute one instruction; a call with all it does counts as one."""
    return told(shell, shell.debugger.over())


@command("finish", short="fin", group=RUN)
def finish(shell: Shell, rest: str) -> str:
    """Run until the present function returns."""
    stop = shell.debugger.finish()
    value = f"\nx0 = {int(shell.debugger.state.x[0]):#x}" if stop.reason == "step" else ""
    return told(shell, stop) + value


def _count(shell: Shell, rest: str) -> int:
    count = integer(shell, rest, 1)
    if count < 1:
        raise DebugError(f"{count} steps: at least 1 is accepted")
    return count


@command("reverse-step", "[N]", short="rs rsi", group=TIME)
def reverse_step(shell: Shell, rest: str) -> str:
    """Undo one instruction, or N."""
    return told(shell, shell.debugger.reverse_step(_count(shell, rest)))


@command("reverse-continue", short="rc", group=TIME)
def reverse_continue(shell: Shell, rest: str) -> str:
    """Go back to before the last breakpoint or watched access, or to the start."""
    return told(shell, shell.debugger.reverse_cont())


@command("who-wrote", "WHERE [BYTES]", short="rw run-to-write", group=TIME)
def who_wrote(shell: Shell, rest: str) -> str:
    """Go back to the instruction that last wrote these bytes."""
    place, length = _place(shell, rest)
    debugger = shell.debugger
    instant = debugger.who_wrote(place, length)
    if instant is None:
        return "nothing has written there since the program was loaded"
    debugger.history.goto(instant)
    event = debugger.history.event
    by = f"\n   {event.what}" if event is not None else ""
    return f"[{instant.retired:,} instructions] the write comes next\n{here(debugger)}{by}"


@command("history", short="hist where", group=TIME)
def history(shell: Shell, rest: str) -> str:
    """Where in the run the machine stands, and what is recorded of it."""
    h = shell.debugger.history
    kept = h.checkpoints
    lines = [
        f"now at {h.now.retired:,} of {h.end.retired:,} instructions recorded"
        + ("" if h.live else " (a recording: it cannot go on past its end)"),
        f"{len(h.events):,} visits of the host, {h.ledger.held / 2**20:.1f} MiB of what they "
        f"stored and {h.ledger.spilled / 2**20:.1f} MiB in a file; {len(kept.kept)} checkpoints, "
        f"{kept.bytes / 2**20:.1f} MiB of pages",
        here(shell.debugger),
    ]
    return "\n".join(lines)


@command("goto", "N", group=TIME)
def goto(shell: Shell, rest: str) -> str:
    """Go to the instant when N instructions had been executed; `goto end` to the last."""
    h = shell.debugger.history
    if rest == "end":
        h.goto(h.end)
    else:
        shell.debugger.goto(integer(shell, rest))
    return f"[{h.now.retired:,} instructions]\n{here(shell.debugger)}"


@command("freeze", "FILE", group=TIME)
def freeze_(shell: Shell, rest: str) -> str:
    """Save the whole history; `thaw` replays it anywhere, without the program's inputs."""
    if not rest:
        raise DebugError("a file name is missing: freeze FILE")
    size = freeze(shell.debugger, Path(rest))
    return f"{shell.debugger.history.end.retired:,} instructions in {size:,} bytes"


@command("thaw", "FILE", group=TIME)
def thaw_(shell: Shell, rest: str) -> str:
    """Load a frozen history in place of this one."""
    if not rest:
        raise DebugError("a file name is missing: thaw FILE")
    shell.debugger = thaw(Path(rest))
    return history(shell, "")
