"""Where the instructions of a run went: by kind, by block, by page; all of it as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.debug import analysis
from ncpu.machine.debug.calls import calls
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.hunt import Counts, row_of
from ncpu.machine.disasm import disassemble
from ncpu.machine.instr import Unit, field

_BRANCHES = (Unit.BRANCH, Unit.BRANCH_COND, Unit.BRANCH_ZERO, Unit.BRANCH_BIT, Unit.BRANCH_REG)


@dataclass(frozen=True)
class Block:
    """Instructions that always run one after the other.

    Attributes:
      start, end: addresses, the end exclusive.
      count: how often it ran.
      name: where it is, for people.
    """

    start: int
    end: int
    count: int
    name: str

    @property
    def instructions(self) -> int:
        """Executed in it, in all."""
        return self.count * (self.end - self.start) // 4


def mix(debugger: Debugger, ran: dict[int, int]) -> Counter[str]:
    """How often each mnemonic was executed."""
    out: Counter[str] = Counter()
    for address, count in ran.items():
        out[_text(debugger, address).split(" ", 1)[0]] += count
    return out


def _text(debugger: Debugger, address: int) -> str:
    code = int.from_bytes(memory.read(debugger.state, address, 4), "little")
    return disassemble(code, address)


def blocks(debugger: Debugger, ran: dict[int, int]) -> list[Block]:
    """Basic blocks that ran, those of most instructions first."""
    program = debugger.history.program
    rows = np.asarray(program.rows)
    addresses = sorted(ran)
    if not addresses:
        return []
    starts = [addresses[0]]
    for before, address in pairwise(addresses):
        row = row_of(program, before)
        unit = Unit(int(field(rows[row or 0], "unit")))
        if address != before + 4 or ran[address] != ran[before] or unit in _BRANCHES:
            starts.append(address)
    ends = {start: end for start, end in pairwise([*starts, 1 << 64])}
    out = []
    for start in starts:
        last = start
        while last + 4 < ends[start] and last + 4 in ran:
            last += 4
        out.append(Block(start, last + 4, ran[start], debugger.symbols.name(start)))
    return sorted(out, key=lambda b: (-b.instructions, b.start))


def pages(debugger: Debugger, found: Counts) -> dict[int, int]:
    """Address of each page of memory that was accessed, to how often."""
    base = int(word.from_limbs(np.asarray(debugger.state.base)))
    counts = np.asarray(found.pages)[:-1]
    return {base + 4096 * int(k): int(counts[k]) for k in np.flatnonzero(counts)}


def report(debugger: Debugger) -> dict[str, Any]:
    """Everything that can be counted of a run up to now, for a file."""
    history = debugger.history
    found = analysis.counts(history)
    ran = analysis.ran(found)
    called = calls(history, debugger.symbols)
    regions = analysis.regions(history)
    return {
        "program": debugger.session.image.execfn.decode(errors="replace"),
        "instructions": sum(ran.values()),
        "mix": dict(mix(debugger, ran).most_common()),
        "functions": dict(analysis.functions(ran, debugger.symbols.function).most_common()),
        "blocks": [asdict(block) for block in blocks(debugger, ran)],
        "addresses": {f"{address:#x}": count for address, count in ran.items()},
        "pages": {f"{address:#x}": count for address, count in pages(debugger, found).items()},
        "calls": called.json(),
        "memory": [
            {
                **asdict(region),
                "flags": region.flags,
                "entropy": analysis.entropy(analysis.page_bytes(debugger.state, region)),
            }
            for region in regions
        ],
        "system calls": [
            {"at": event.at, "call": event.what}
            for event in history.events[: history.now.events]
            if event.kind == "syscall"
        ],
    }
