"""Call stacks: DWARF call frame information where it covers, frame pointers elsewhere.

Sources: DWARF 5 section 6.4; "DWARF for the Arm 64-bit Architecture" (register numbers);
AAPCS64 (the frame record at x29: the caller's x29, then the return address).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ncpu.machine import elf_file, memory, word
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.linux import signals
from ncpu.machine.state import READ, SP, State

LR, FP = 30, 29
DEPTH = 10_000


@dataclass(frozen=True)
class Frame:
    """One call: where it stands and the registers it knows, x0-x30 and sp (row 31)."""

    pc: int
    regs: tuple[int, ...]
    signal: bool = False  # interrupted by a signal rather than left by a call

    @property
    def sp(self) -> int:
        """The stack pointer."""
        return self.regs[SP]

    def caller(self, pc: int, changes: dict[int, int], *, signal: bool = False) -> Frame:
        """The frame with some registers put back."""
        regs = list(self.regs)
        for row, value in changes.items():
            regs[row] = value & word.MASK64
        return Frame(pc, tuple(regs), signal)


class Unwinder:
    """Finds callers.

    Args:
      symbols: of the program.
      trampoline: address of the code signal handlers return to.
    """

    def __init__(self, symbols: Symbols, trampoline: int) -> None:
        self.symbols, self.trampoline = symbols, trampoline

    @cached_property
    def _tables(self) -> tuple[list[int], list[tuple[int, Any]]]:
        """(first address of each covered range, its (end, entry))."""
        dwarf, bias = self.symbols.dwarf, self.symbols.bias
        rows: dict[int, tuple[int, Any]] = {}
        try:
            for has, read in (
                (dwarf and dwarf.has_EH_CFI(), "EH_CFI_entries"),
                (dwarf and dwarf.has_CFI(), "CFI_entries"),
            ):
                for entry in getattr(dwarf, read)() if has else ():
                    if hasattr(entry, "cie") and "initial_location" in entry.header:
                        start = entry["initial_location"] + bias
                        rows[start] = start + entry["address_range"], entry
        except elf_file.DAMAGE:
            pass  # what was read before the damage still helps
        starts = sorted(rows)
        return starts, [rows[start] for start in starts]

    def _rules(self, address: int) -> dict[Any, Any] | None:
        """The row of call frame information for an address."""
        starts, rows = self._tables
        at = bisect_right(starts, address) - 1
        if at < 0 or address >= rows[at][0]:
            return None
        try:
            table = rows[at][1].get_decoded().table
        except elf_file.DAMAGE:
            return None
        before = [row for row in table if row["pc"] + self.symbols.bias <= address]
        return before[-1] if before else None

    def frames(self, state: State, limit: int = DEPTH) -> list[Frame]:
        """The call stack, innermost first; it ends where nothing more can be told."""
        regs = word.from_limbs(np.asarray(state.regs))[:32]
        frame = Frame(int(word.from_limbs(np.asarray(state.pc))), tuple(int(r) for r in regs), True)
        out = [frame]
        while len(out) < limit:
            following = self._caller(state, frame)
            if following is None or not following.pc:
                break
            grows = following.sp > frame.sp or (following.sp == frame.sp and frame.signal)
            if not grows and frame.pc != self.trampoline:
                break  # callers are higher on the stack: this is none
            frame = following
            out.append(frame)
        return out

    def _caller(self, state: State, frame: Frame) -> Frame | None:
        if frame.pc == self.trampoline:
            return self._interrupted(state, frame)
        # A return address is after its call, which may be the last of its function.
        rules = self._rules(frame.pc if frame.signal else frame.pc - 1)
        if rules is not None:
            return self._by_rules(state, frame, rules)
        record = self._load(state, frame.regs[FP], 2)
        if record is None:
            return None
        return frame.caller(record[1], {FP: record[0], LR: record[1], SP: frame.regs[FP] + 16})

    def _by_rules(self, state: State, frame: Frame, rules: dict[Any, Any]) -> Frame | None:
        cfa = rules["cfa"]
        if cfa.expr is not None or cfa.reg > SP:
            return None
        base = frame.regs[cfa.reg] + cfa.offset
        changes = {SP: base}
        for row in range(19, 31):
            rule = rules.get(row)
            if rule is None or rule.type == "SAME_VALUE":
                continue
            if rule.type == "UNDEFINED":
                if row == LR:
                    return None  # the outermost frame
                continue
            if rule.type != "OFFSET":
                return None
            value = self._load(state, base + rule.arg, 1)
            if value is None:
                return None
            changes[row] = value[0]
        return frame.caller(changes.get(LR, frame.regs[LR]), changes)

    def _interrupted(self, state: State, frame: Frame) -> Frame | None:
        """The frame a signal interrupted, from the kernel's record on the stack."""
        values = self._load(state, frame.sp + signals.CONTEXT + 8, 33)
        if values is None:
            return None
        return Frame(values[32], values[:32], signal=True)

    @staticmethod
    def _load(state: State, address: int, count: int) -> tuple[int, ...] | None:
        if not memory.permissions(state, address, 8 * count) & READ:
            return None
        try:
            return struct.unpack(f"<{count}Q", memory.read(state, address, 8 * count))
        except MemoryRangeError:
            return None
