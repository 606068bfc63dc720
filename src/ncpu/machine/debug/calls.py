"""Calls of a run: who called whom, how often, and how many instructions each took."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from ncpu.machine.debug.history import History
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.instr import Unit
from ncpu.machine.instr import field as packed_field

DEPTH = 200  # of a stack in the picture
_LR = 30


@dataclass
class Calls:
    """What the calls of a run add up to.

    Attributes:
      edges: (caller, callee) to the number of calls.
      stacks: calls from the outermost in, to the instructions executed with just these.
    """

    edges: Counter[tuple[str, str]] = field(default_factory=Counter)
    stacks: Counter[tuple[str, ...]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Instructions in all."""
        return sum(self.stacks.values())

    def own(self) -> Counter[str]:
        """Instructions of each function itself."""
        out: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            out[stack[-1]] += count
        return out

    def inclusive(self) -> Counter[str]:
        """Instructions of each function and what it called."""
        out: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            for name in set(stack):
                out[name] += count
        return out

    def json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "total": self.total,
            "edges": [{"from": a, "to": b, "calls": n} for (a, b), n in self.edges.items()],
            "stacks": [{"calls": list(s), "instructions": n} for s, n in self.stacks.items()],
        }


def calls(history: History, symbols: Symbols) -> Calls:
    """The calls from the start of a history to now; now stays.

    A function is entered by a branch that sets the link register, and left when the stack
    pointer and the place are those of its return; a branch into another function's start takes
    its place (a tail call).
    """
    found, stack = Calls(), _Stack(symbols)
    for piece in history.trace(history.start):
        packed = piece["packed"]
        unit = packed_field(packed, "unit")
        done = piece["retires"] != 0
        linked = (piece["rd"] == _LR) & ((unit == Unit.BRANCH) | (unit == Unit.BRANCH_REG))
        returns = (unit == Unit.BRANCH_REG) & (piece["rd"] != _LR)
        jumps = (unit == Unit.BRANCH) & (piece["rd"] != _LR)
        outside = stack.outside(piece["pc"], piece["next_pc"], jumps)
        upto = np.cumsum(done)
        before = 0
        for k in np.flatnonzero((linked | returns | outside) & done).tolist():
            if not stack.names:
                stack.enter(int(piece["pc"][0]), 0)
            found.stacks[tuple(stack.names)] += int(upto[k]) - before
            before = int(upto[k])
            pc, to = int(piece["pc"][k]), int(piece["next_pc"][k])
            if linked[k]:
                caller = stack.names[-1]
                stack.enter(to, pc + 4)
                found.edges[caller, stack.names[-1]] += 1
            elif not stack.leave(to) or outside[k]:
                stack.replace(to)
        if len(upto):
            if not stack.names:
                stack.enter(int(piece["pc"][0]), 0)
            found.stacks[tuple(stack.names)] += int(upto[-1]) - before
    found.stacks = +found.stacks
    return found


class _Stack:
    """The functions entered and not left, and where each returns to."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols
        self._known: dict[int, str] = {}
        self.names: list[str] = []
        self._returns: list[int] = []

    def name(self, address: int) -> str:
        if address not in self._known:
            found = self._symbols.function(address)
            self._known[address] = found[0] if found else f"{address & ~0xFFF:#x}..."
        return self._known[address]

    def outside(self, pc: np.ndarray, to: np.ndarray, jumps: np.ndarray) -> np.ndarray:
        """Which of these branches leave their function."""
        out = np.zeros(len(pc), bool)
        for k in np.flatnonzero(jumps).tolist():
            out[k] = self.name(int(pc[k])) != self.name(int(to[k]))
        return out

    def enter(self, to: int, back: int) -> None:
        if len(self.names) < DEPTH:
            self.names.append(self.name(to))
            self._returns.append(back)

    def leave(self, to: int) -> bool:
        """Return to `to`: the innermost call that returns there and all inside it are over."""
        for k in range(len(self._returns) - 1, 0, -1):
            if self._returns[k] == to:
                del self.names[k:], self._returns[k:]
                return True
        return False

    def replace(self, to: int) -> None:
        if self.names:
            self.names[-1] = self.name(to)


# -- the flame graph ------------------------------------------------------------------------

_WIDTH, _ROW, _LEAST = 1200, 18, 0.4
_COLOURS = ("#e4572e", "#e8743b", "#f0a202", "#f2b134", "#d95d39", "#c8553d")


def flame(found: Calls, title: str) -> str:
    """A flame graph as SVG: width is instructions, each row is called by the one below."""
    tree: dict[str, Any] = {"count": 0, "children": {}}
    for stack, count in found.stacks.items():
        node = tree
        node["count"] += count
        for name in stack:
            node = node["children"].setdefault(name, {"count": 0, "children": {}})
            node["count"] += count
    boxes: list[tuple[str, int, float, float, int]] = []

    def place(node: dict[str, Any], left: float, depth: int) -> None:
        for name, child in sorted(node["children"].items()):
            width = _WIDTH * child["count"] / max(found.total, 1)
            if width >= _LEAST:
                boxes.append((name, child["count"], left, width, depth))
                place(child, left, depth + 1)
            left += width

    place(tree, 0.0, 0)
    height = _ROW * (2 + max((box[4] for box in boxes), default=0)) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="monospace" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="6" y="16">{escape(title)}: {found.total:,} instructions</text>',
    ]
    for name, count, left, width, depth in boxes:
        y = height - _ROW * (depth + 1) - 4
        share = 100 * count / max(found.total, 1)
        colour = _COLOURS[sum(name.encode()) % len(_COLOURS)]
        shown = name if len(name) * 6.7 < width - 4 else name[: int((width - 4) / 6.7)]
        text = f'<text x="{left + 3:.1f}" y="{y + 13}">{escape(shown)}</text>' if shown else ""
        parts.append(
            f"<g><title>{escape(name)}: {count:,} instructions, {share:.1f} %</title>"
            f'<rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 1}" '
            f'fill="{colour}" rx="2"/>{text}</g>'
        )
    return "\n".join([*parts, "</svg>\n"])
