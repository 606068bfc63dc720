"""Commands that follow values: where one came from, where one went, bad uses of memory."""

from __future__ import annotations

import re

from ncpu.machine.debug import flow, taint
from ncpu.machine.debug.commands import Shell, command, table
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.flow_step import Place
from ncpu.machine.debug.sanitize import Sanitizer
from ncpu.machine.disasm import disassemble
from ncpu.machine.state import SP, V

FLOW = "following values"
_REGISTER = re.compile(r"([xwvq])(\d{1,2})|sp|lr|fp|flags")
_SHOWN = 12


def _places(debugger: Debugger, words: list[str]) -> list[Place]:
    """What a person names: a register, or memory `WHERE [BYTES]`."""
    match = _REGISTER.fullmatch(words[0])
    if match and len(words) == 1:
        kind, number = match[1], int(match[2] or 0)
        if words[0] == "flags":
            return [Place("flags")]
        if kind in ("v", "q") and number < 32:
            return [flow.register(V + 2 * number + k) for k in (0, 1)]
        row = {"sp": SP, "lr": 30, "fp": 29}.get(words[0], number)
        if row <= SP:
            return [flow.register(row, 0x0F if kind == "w" else 0xFF)]
    length = 8
    if len(words) > 1 and words[-1].isdigit():
        length = int(words.pop())
    elif words[0] in debugger.symbols.table:
        length = debugger.symbols.table[words[0]][1] or 8
    if not 0 < length <= 4096:
        raise DebugError(f"{length} bytes: 1 to 4096 are accepted")
    return flow.memory(debugger.location(" ".join(words)), length)


def _ranges(numbers: list[int]) -> str:
    """0-3, 7, 9-12."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}-{b}" if b > a else f"{a}" for a, b in parts)


@command("origin", "REGISTER or WHERE [BYTES] [through addresses]", short="flow from", group=FLOW)
def origin(shell: Shell, rest: str) -> str:
    """Where a value came from: which bytes of the input, through which instructions."""
    debugger = shell.debugger
    text, addresses = rest.removesuffix("through addresses").strip(), "through addresses" in rest
    if not text:
        raise DebugError("whose origin? for example: origin x0, origin total 8")
    found = flow.backward(debugger.history, _places(debugger, text.split()), addresses=addresses)
    lines = [f"bytes {_ranges(at)} of {name}" for name, at in found.inputs.items()]
    others = {
        "program": "the program's data {name}",
        "call": "the result of {name}",
        "kernel": "what {name} stored",
        "start": "{name}, as the program found it",
    }
    for kind, template in others.items():
        names = dict.fromkeys(o.name for o in found.origins if o.kind == kind)
        lines += [template.format(name=name) for name in list(names)[:_SHOWN]]
    lines = lines or ["constants of the code"]
    if not found.complete:
        lines.append("... and more: the search was cut short")
    lines.append(f"through {len(found.steps):,} instructions, the last of them")
    rows = [
        (f"{s.retired:,}", debugger.symbols.name(s.pc), disassemble(s.word, s.pc))
        for s in found.steps[:_SHOWN]
    ]
    return "\n".join(lines) + ("\n" + table(rows) if rows else "")


@command("taint", "stdin or WHERE [BYTES]", group=FLOW)
def taint_(shell: Shell, rest: str) -> str:
    """Where input, or what these bytes held at the start, went: instructions, memory, registers."""
    debugger, words = shell.debugger, rest.split()
    if not words:
        raise DebugError("what to follow? for example: taint stdin, taint total 8")
    start = None
    if words[0] != "stdin":
        places = _places(debugger, words)
        if places[0].kind != "memory":
            raise DebugError("registers hold nothing at the start: taint follows input and memory")
        start = places[0].where, len(places)
    found = taint.forward(debugger, start)
    rows = [(n, debugger.symbols.name(at)) for at, n in found.instructions.most_common(_SHOWN)]
    lines = [
        f"{sum(found.instructions.values()):,} instructions at {len(found.instructions):,} places",
        *([table(rows)] if rows else []),
    ]
    lines += [f"now in {debugger.symbols.name(a)}, {n} bytes" for a, n in found.memory[:_SHOWN]]
    lines += [f"now in {', '.join(found.registers)}"] if found.registers else []
    return "\n".join(lines)


@command("sanitize", short="memory-sanitizer", group=FLOW)
def sanitize(shell: Shell, rest: str) -> str:
    """Bad uses of memory up to now: the heap's bounds, freed blocks, what was never set."""
    reports = Sanitizer(shell.debugger).run()
    return "\n\n".join(map(str, reports)) or "no bad use of memory up to now"
