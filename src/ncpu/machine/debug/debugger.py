"""`Debugger`: breakpoints, stepping, stacks and memory on top of a `History`.

debugger = Debugger(Session("program"))
debugger.break_at("sum", "x0 == 0")
debugger.cont()
debugger.who_wrote("total", 4)        # the instant of the last write before now
"""

from __future__ import annotations

import ast
import re
from contextlib import closing

import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.debug.checkpoints import Instant
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.expression import Evaluator, parse
from ncpu.machine.debug.history import History
from ncpu.machine.debug.hunt import ON_READ, ON_WRITE, Watch, row_of
from ncpu.machine.debug.plan import Plan, Stop
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.debug.traps import Access, Trap
from ncpu.machine.debug.unwind import Frame, Unwinder
from ncpu.machine.disasm import disassemble
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.instr import field
from ncpu.machine.linux.launch import Session
from ncpu.machine.state import READ, SP, State

_BL, _BLR = (0xFC000000, 0x94000000), (0xFFFFFC1F, 0xD63F0000)
_LINE = re.compile(r"(.+):(\d+)")


class Debugger:
    """One process under the debugger; every method works in a script or a notebook.

    Args:
      session: a process that has not run yet.
      budget: bytes that checkpoints may keep.

    Attributes:
      history: the run so far; `history.now` is the present instant.
      traps: the breakpoints and watchpoints, by number.
    """

    def __init__(self, session: Session, *, budget: int = 512 << 20) -> None:
        self.session = session
        self.history = History(session, budget=budget)
        self.symbols = Symbols(session.image.data, session.image.bias)
        self.evaluate = Evaluator(self.symbols)
        self.unwinder = Unwinder(self.symbols, session.image.trampoline)
        self.traps: dict[int, Trap] = {}
        self._next = 1

    # -- the machine here -----------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The machine at the present instant."""
        return self.history.state

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return int(word.from_limbs(np.asarray(self.state.pc)))

    def value(self, expression: str) -> int:
        """The value of an expression here (see `expression`)."""
        return self.evaluate(expression, self.state)

    def read(self, address: int, length: int) -> bytes:
        """Guest memory.

        Raises:
          DebugError: not all of it is mapped.
        """
        if not memory.permissions(self.state, address, length) & READ:
            raise DebugError(f"{length} bytes at {address:#x} cannot be read: not all are mapped")
        try:
            return memory.read(self.state, address, length)
        except MemoryRangeError as error:
            raise DebugError(str(error)) from None

    def instruction(self, address: int | None = None) -> str:
        """The instruction at an address, disassembled."""
        at = self.pc if address is None else address
        return disassemble(int.from_bytes(self.read(at, 4), "little"), at)

    def frames(self) -> list[Frame]:
        """The call stack, innermost first."""
        return self.unwinder.frames(self.state)

    def location(self, text: str) -> int:
        """An address: an expression, `*expression`, or `file.c:12`.

        Raises:
          DebugError: nothing is called so.
        """
        if (match := _LINE.fullmatch(text.strip())) and match[1] not in self.symbols.table:
            return self.symbols.line_address(match[1], int(match[2]))
        return self.value(text.strip().removeprefix("*"))

    # -- traps ------------------------------------------------------------------------------------

    def break_at(self, where: str, condition: str | None = None) -> Trap:
        """A breakpoint at a location, with a condition or without.

        Raises:
          DebugError: no instruction is there, or the condition is none.
        """
        address = self.location(where)
        if row_of(self.history.program, address) is None:
            raise DebugError(
                f"{self.symbols.name(address)} holds no instruction: breakpoints go to multiples "
                "of 4 in executable memory"
            )
        return self._add(Trap(0, where, address, None, condition))

    def watch(
        self,
        where: str,
        length: int = 8,
        kinds: int = ON_WRITE,
        condition: str | None = None,
    ) -> Trap:
        """A watchpoint on `length` bytes.

        Raises:
          DebugError: they are not in the guest's memory.
        """
        address = self.location(where)
        base = int(word.from_limbs(np.asarray(self.state.base)))
        if length < 1 or not base <= address <= base + self.state.mem.shape[0] * 8 - length:
            raise DebugError(
                f"{length} bytes at {address:#x} are not in the guest's memory, "
                f"{base:#x}-{base + self.state.mem.shape[0] * 8:#x}"
            )
        return self._add(
            Trap(0, where, address, Watch(address, address + length, kinds), condition)
        )

    def delete(self, number: int) -> None:
        """Remove a trap.

        Raises:
          DebugError: there is none of that number.
        """
        if number not in self.traps:
            known = ", ".join(map(str, self.traps)) or "none"
            raise DebugError(f"there is no breakpoint or watchpoint {number}; there is: {known}")
        del self.traps[number]

    def _add(self, trap: Trap) -> Trap:
        if trap.condition is not None:
            trap.syntax = parse(trap.condition)
            self.evaluate.check(trap.syntax)
        trap.number = self._next
        self._next += 1
        self.traps[trap.number] = trap
        return trap

    @property
    def plan(self) -> Plan:
        """What stops a run, all traps together."""
        points = frozenset(t.address for t in self.traps.values() if t.watch is None)
        return Plan(points, tuple(t.watch for t in self.traps.values() if t.watch is not None))

    def _matching(self, address: int | None) -> list[Trap]:
        """The traps that a hit here is of, conditions looked at."""
        found = []
        for trap in self.traps.values():
            if trap.watch is None:
                near = address is None and trap.address == self.pc
            else:
                near = address is not None and trap.watch.low - 16 < address < trap.watch.high
            if near and (trap.syntax is None or self._holds(trap.syntax)):
                found.append(trap)
        return found

    def _holds(self, condition: ast.expr) -> bool:
        try:
            return bool(self.evaluate(condition, self.state))
        except DebugError:
            return True  # a condition that cannot be told stops, as in gdb

    # -- going on ---------------------------------------------------------------------------------

    def cont(self) -> Stop:
        """Run on until something stops it."""
        while True:
            stop = self.history.forward(self.plan)
            if stop.reason not in ("breakpoint", "watch"):
                return stop
            traps = self._matching(stop.address)
            for trap in traps:
                trap.hits += 1
            if traps:
                return stop

    def step(self, steps: int = 1) -> Stop:
        """Execute `steps` instructions; breakpoints do not stop it."""
        return self.history.forward(steps=steps)

    def reverse_cont(self) -> Stop:
        """Go back to the last breakpoint or watched access before now, or to the start."""
        conditional = any(t.condition for t in self.traps.values())
        holds = (lambda address: bool(self._matching(address))) if conditional else None
        return self.history.backward(self.plan, holds)

    def reverse_step(self, steps: int = 1) -> Stop:
        """Undo `steps` instructions."""
        return self.history.step_back(steps)

    def over(self) -> Stop:
        """Step, running through a call until it returns."""
        code = int.from_bytes(self.read(self.pc, 4), "little")
        if code & _BL[0] != _BL[1] and code & _BLR[0] != _BLR[1]:
            return self.step()
        return self._until(self.pc + 4, int(self.state.sp))

    def finish(self) -> Stop:
        """Run until the present function returns.

        Raises:
          DebugError: nothing called it.
        """
        frames = self.frames()
        if len(frames) < 2:
            raise DebugError("the outermost function: there is no caller to return to")
        return self._until(frames[1].pc, frames[1].regs[SP])

    def _until(self, address: int, sp: int) -> Stop:
        """Run to `address` with the stack back at `sp`, or to another stop."""
        while True:
            plan = self.plan
            more = Plan(plan.breakpoints | {address}, plan.watches)
            stop = self.history.forward(more)
            if stop.reason not in ("breakpoint", "watch"):
                return stop
            if stop.address is None and self.pc == address and int(self.state.sp) >= sp:
                return Stop("step")
            if self._matching(stop.address):
                return stop

    # -- questions to history -----------------------------------------------------------

    def who_wrote(self, where: str, length: int = 1) -> Instant | None:
        """The instant before the last write to these bytes that was done by now.

        None when nothing has written them since the program was loaded.
        """
        address = self.location(where)
        found = self.history.last(Plan(watches=(Watch(address, address + length),)))
        return None if found is None else found[0]

    def accesses(
        self, where: str, length: int = 8, kinds: int = ON_READ | ON_WRITE, most: int = 1000
    ) -> list[Access]:
        """Every access to these bytes up to now, the first `most` of them."""
        address = self.location(where)
        plan = Plan(watches=(Watch(address, address + length, kinds),), early=True)
        seen: list[tuple[int, str, int, bytes]] = []
        final = memory.read(self.state, address, length)
        with closing(self.history.each(plan)) as walk:
            for instant, _ in walk:
                held = memory.read(self.state, address, length)
                kind, pc = self._accessor(instant)
                seen.append((instant.retired, kind, pc, held))
                if len(seen) > most:
                    break
        # What is there before an access is what the one before it left.
        after = [row[3] for row in seen[1:]] + [final]
        return [
            Access(retired, kind, pc, data)
            for (retired, kind, pc, _), data in zip(seen[:most], after, strict=False)
        ]

    def _accessor(self, instant: Instant) -> tuple[str, int]:
        """What kind of access is made at an instant where a walk has stopped, and its pc."""
        if self.history.now != instant:
            return "system call", self.pc - 4
        row = row_of(self.history.program, self.pc)
        rows = self.history.program.rows
        access = 0 if row is None else int(field(np.asarray(rows[row]), "access"))
        return {1: "read", 2: "write", 3: "read and write"}.get(access, "access"), self.pc

    def goto(self, retired: int) -> None:
        """Go to the instant at which `retired` instructions are done."""
        self.history.goto(self.history.instant(retired))
