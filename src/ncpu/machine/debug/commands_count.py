"""Commands that count: coverage, profiles, calls, pictures of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ncpu import files
from ncpu.machine import word
from ncpu.machine.debug import analysis
from ncpu.machine.debug import calls as calls_
from ncpu.machine.debug import profile as profile_
from ncpu.machine.debug.commands import Shell, command, table
from ncpu.machine.debug.errors import DebugError

COUNT = "counting"
_TOP = 20


@command("coverage", "[FUNCTION]", group=COUNT)
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


@command("profile", group=COUNT)
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


@command("heat", short="heat-map", group=COUNT)
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


@command("mix", group=COUNT)
def mix(shell: Shell, rest: str) -> str:
    """Instruction mix: how often each mnemonic was executed."""
    found = profile_.mix(shell.debugger, analysis.ran(analysis.counts(shell.debugger.history)))
    total = sum(found.values()) or 1
    rows = [(n, f"{100 * n / total:5.1f} %", name) for name, n in found.most_common(_TOP)]
    return f"{total:,} instructions, {len(found)} mnemonics\n{table(rows)}"


@command("blocks", short="hot", group=COUNT)
def blocks(shell: Shell, rest: str) -> str:
    """Hot blocks: straight pieces of code by the instructions executed in them."""
    ran = analysis.ran(analysis.counts(shell.debugger.history))
    total = sum(ran.values()) or 1
    rows = [
        (b.instructions, f"{100 * b.instructions / total:5.1f} %", b.count, b.name)
        for b in profile_.blocks(shell.debugger, ran)[:_TOP]
    ]
    return table(rows)


@command("calls", short="call-graph", group=COUNT)
def calls(shell: Shell, rest: str) -> str:
    """The call graph: instructions of each function with what it called, and who called whom."""
    found = calls_.calls(shell.debugger.history, shell.debugger.symbols)
    total, own = found.total or 1, found.own()
    rows: list[tuple[Any, ...]] = [
        (n, f"{100 * n / total:5.1f} %", own[name], name)
        for name, n in found.inclusive().most_common(_TOP)
    ]
    edges: list[tuple[Any, ...]] = [(n, a, "->", b) for (a, b), n in found.edges.most_common(_TOP)]
    return f"with what it called, itself\n{table(rows)}\n\ncalls\n{table(edges)}"


@command("flame", "FILE.svg", group=COUNT)
def flame(shell: Shell, rest: str) -> str:
    """Write a flame graph: width is instructions, each row is called by the one below."""
    if not rest:
        raise DebugError("a file name is missing: flame run.svg")
    found = calls_.calls(shell.debugger.history, shell.debugger.symbols)
    title = shell.debugger.session.image.execfn.decode(errors="replace")
    files.write(Path(rest), calls_.flame(found, title))
    return f"{len(found.stacks):,} different stacks, {found.total:,} instructions in {rest}"


@command("export", "FILE.json", group=COUNT)
def export(shell: Shell, rest: str) -> str:
    """Write all counts as JSON: mix, blocks, functions, calls, pages, memory map, entropy."""
    if not rest:
        raise DebugError("a file name is missing: export run.json")
    found = profile_.report(shell.debugger)
    files.write_json(Path(rest), found)
    return f"{found['instructions']:,} instructions in {rest}"
