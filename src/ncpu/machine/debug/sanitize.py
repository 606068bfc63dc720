"""The sanitizer: bad uses of memory by a program that was not built for it.

A recorded run is gone through once more with labels beside it (`shadow_loop`).  The heap is known
from calls of the malloc family, found by their symbols; everything else of it is bad to touch.
Below the stack pointer nothing is defined, and a saved return address may not be written over.
Where DWARF says what lies in a frame, an access made from one variable stays within it.
"""

from __future__ import annotations

import re
from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.debug import heap as heap_
from ncpu.machine.debug import labels as labels_
from ncpu.machine.debug import shadow_loop as shadow
from ncpu.machine.debug.bad_use import Report
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.events import Event
from ncpu.machine.debug.frame_check import FrameCheck
from ncpu.machine.debug.heap import Block, Call, Heap
from ncpu.machine.debug.hunt import mark, row_of
from ncpu.machine.debug.quarantine import QUARANTINE, put_off_frees
from ncpu.machine.linux.run import retired_of
from ncpu.machine.program import Program
from ncpu.machine.state import SP, State

_CALL = re.compile(r"(\w+)\((.*)\) = (\w+)")
_FRAMES = 12
Stack = tuple[str, ...]


class Sanitizer:
    """Goes through the history of a debugger, from its start to now.

    Args:
      debugger: a process that has run.
      undefined: report uses of what was never set.

    Attributes:
      reports: what was found, one for each instruction.
    """

    def __init__(self, debugger: Debugger, *, undefined: bool = True) -> None:
        self.debugger, self.history, self.undefined = debugger, debugger.history, undefined
        self.heap, self.reports = Heap(), []
        self._seen: set[tuple[str, int]] = set()
        self._allocators = heap_.allocators(debugger.symbols)
        self._trusted = heap_.trusted(debugger.symbols)
        self._call: Call | None = None
        self._programs: dict[int, Program] = {}
        self._frame = FrameCheck(debugger.symbols)
        image = debugger.session.image
        self._stack, self._brk = image.stack, image.brk
        self._labels = labels_.Labels.none(self.history.program, self.history.state)

    def run(self) -> list[Report]:
        """Look at the whole of it; now stays.

        Raises:
          DebugError: the program's symbols name no `malloc` (it is stripped).
        """
        if not self.debugger.symbols.table:
            raise DebugError(f"the heap cannot be followed: {self.debugger.symbols.problem}")
        history, done = self.history, 0
        first = history.checkpoints.before(history.start).state()
        low, sp = self._stack[0], int(word.from_limbs(np.asarray(first.regs))[SP])
        self._put(low, bytes([labels_.UNDEFINED]) * (sp - low))
        self._labels = self._labels._replace(sp=jnp.array(np.asarray(first.regs)[SP]))
        for target in history.stretches(history.start):
            for event in history.events[done : history.now.events]:
                self._event(event)
            done = history.now.events
            self._stretch(target)
        return self.reports

    # -- one stretch --------------------------------------------------------------------------

    def _program(self) -> Program:
        """The text here, with marks on the malloc family and on what is trusted."""
        program = self.history.program
        if id(program) not in self._programs:
            marked = mark(program, list(self._allocators))
            rows = np.array(marked.rows)
            for address in self._trusted.tolist():
                if (row := row_of(program, address)) is not None:
                    rows[row, labels_.TRUSTED[0]] |= np.uint32(1 << labels_.TRUSTED[1])
            marked = replace(marked, rows=jnp.asarray(rows))
            self._programs[id(program)] = self._frame.mark(marked)
        return self._programs[id(program)]

    def _stretch(self, target: int) -> None:
        history, skip, program = self.history, None, self._program()
        until = self._until if self._call else (word.MASK64, 0)
        while True:
            history.state, self._labels, halt = shadow.run(
                *(program, history.state, self._labels, target),
                alu=history.session.alu,
                stack=self._stack,
                skip=skip,
                until=until,
                checks=self._call is None,
            )
            if halt.why == shadow.NOTHING:
                return
            skip = retired_of(history.state)
            if halt.why == shadow.END:
                self._returned()
                skip, until = None, (word.MASK64, 0)
            elif halt.why == shadow.MARKED:
                if self._call is None:
                    self._called()
                    until = self._until
            else:
                self._found(halt)

    def _called(self) -> None:
        state = self.history.state
        regs = word.from_limbs(np.asarray(state.regs))
        name = self._allocators[self.debugger.pc]
        given = int(regs[0]), int(regs[1]), int(regs[2])
        self._call = Call(name, given, retired_of(state), self._frames())
        self._until = int(regs[30]), int(regs[SP])
        if name in ("free", "realloc", "reallocarray") and given[0]:
            self._release(given[0], self._call.born, self._call.stack, freed=name == "free")

    def _release(self, start: int, now: int, stack: Stack, *, freed: bool) -> None:
        """A block is given back, or is about to be by `realloc`."""
        block = self.heap.blocks.get(start)
        pc = self.debugger.pc
        if block is not None and block.died is not None:
            what = f"{start:#x}, of {block.size:,} bytes, has been freed before"
            self._report("double-free", what, pc, start, stack, block)
        elif block is None:
            near = self.heap.near(start)
            inside = near is not None and near.holds(start)
            what = f"{start:#x} is no block's start"
            if near is not None and inside:
                what = f"{start:#x} is {start - near.start} bytes inside a block of {near.size:,}"
            self._report("invalid-free", what, pc, start, stack, near if inside else None)
        elif freed:
            self.heap.blocks[start] = replace(block, died=now, freed_by=stack)
            self._put(start, bytes([labels_.BAD]) * block.size)

    def _returned(self) -> None:
        """A call of the malloc family has come back."""
        call, self._call = self._call, None
        if call is None:
            return
        if call.size is None:
            block = self.heap.blocks.get(call.arguments[0])
            if block is not None:  # the allocator wrote into it
                self._put(block.start, bytes([labels_.BAD]) * block.size)
            return
        start = call.result(self.history.state)
        if not start:
            return
        old = self.heap.blocks.get(call.arguments[0]) if call.name.startswith("realloc") else None
        kept = b""
        if old is not None:
            kept = bytes(b & ~labels_.BAD for b in self._get(start, min(old.size, call.size)))
            self._put(old.start, bytes([labels_.BAD]) * old.size)
            self.heap.blocks[old.start] = replace(old, died=call.born, freed_by=call.stack)
        fresh = 0 if call.name == "calloc" else labels_.UNDEFINED
        tail = bytes([labels_.BAD]) * (-call.size % 16)
        self._put(start, kept + bytes([fresh]) * (call.size - len(kept)) + tail)
        self.heap.add(Block(start, call.size, call.born, call.stack))

    # -- visits of the host -------------------------------------------------------------------

    def _event(self, event: Event) -> None:
        if event.what == QUARANTINE:
            state = self.history.state
            self._release(int(state.x[0]), event.at, ("free", *self._frames()), freed=True)
            return
        for address, data in event.writes:
            if event.kind == "syscall":
                self._touched(event, address, len(data), "stores")
            self._put(address, bytes(len(data)))
        match = _CALL.fullmatch(event.what)
        if match is None:
            return
        name, result = match[1], int(match[3], 0) if match[3][0] != "-" else -1
        given = [int(v, 0) for v in match[2].split(", ") if v.lstrip("-")[:1].isdigit()]
        if name == "write" and len(given) > 2 and result > 0:
            self._touched(event, given[1], given[2], "reads")
        elif name == "brk" and result > self._brk:
            if self._call is not None:
                self._put(self._brk, bytes([labels_.BAD]) * (result - self._brk))
            self._brk = result
        elif name == "mmap" and self._call is not None and result > 0:
            self._put(result, bytes([labels_.BAD]) * given[1])

    def _touched(self, event: Event, address: int, length: int, how: str) -> None:
        """A system call accessed memory: is it there to be accessed?"""
        labels = np.frombuffer(self._get(address, length), np.uint8)
        bad = np.flatnonzero(labels & labels_.BAD)
        unset = np.flatnonzero(labels & labels_.UNDEFINED)
        pc = self.debugger.pc - 4
        if len(bad):
            at = address + int(bad[0])
            kind, what, block = self._about(at)
            self._report(kind, f"{event.what} {how} {what}", pc, at, self._frames(), block)
        elif how == "reads" and len(unset) and self.undefined:
            at = address + int(unset[0])
            what = f"{event.what} passes {len(unset):,} bytes on that were never set"
            self._report("uninitialised", what, pc, at, self._frames(), self._block(at))

    # -- findings -----------------------------------------------------------------------------

    def _block(self, address: int) -> Block | None:
        near = self.heap.near(address)
        return near if near is not None and near.holds(address) else None

    def _about(self, address: int) -> tuple[str, str, Block | None]:
        """What kind of mistake an access to a bad byte of the heap is."""
        near = self.heap.near(address)
        if near is None:
            return "heap-buffer-overflow", f"{address:#x}, in no block of the heap", None
        size = f"a block of {near.size:,} bytes"
        if near.holds(address):
            return "use-after-free", f"{size} that was freed, at {address - near.start}", near
        where = f"{address - near.start - near.size} bytes after"
        if address < near.start:
            where = f"{near.start - address} bytes before"
        return "heap-buffer-overflow", f"{where} {size}", near

    def _found(self, halt: shadow.Halt) -> None:
        pc, address = self.debugger.pc, halt.address
        if ("", pc) in self._seen:
            return
        packed = np.asarray(self.history.program.rows)[row_of(self.history.program, pc) or 0]
        size, store = 1 << int(packed[2] >> 6 & 7), int(packed[2] >> 9 & 3) == 2
        how = f"{'writes' if store else 'reads'} {size} bytes"
        if halt.why == shadow.BAD_ACCESS:
            labels = np.frombuffer(self._get(address, size), np.uint8)
            at = address + int(np.flatnonzero(labels & labels_.BAD)[0])
            kind, what, block = self._about(at)
            self._report(kind, f"{how}, {what}", pc, at, self._frames(), block)
        elif halt.why == shadow.BEYOND:
            sp = int(word.from_limbs(np.asarray(self.history.state.regs))[SP])
            what = f"{how}, {self._frame.told(pc, sp, address)}"
            self._report("stack-buffer-overflow", what, pc, address, self._frames())
        elif halt.why == shadow.OVER_RETURN:
            what = f"{how} over a saved return address, at {address:#x}"
            self._report("stack-overflow", what, pc, address, self._frames())
        elif halt.why == shadow.BELOW_SP:
            what = f"{how} below the stack pointer, at {address:#x}: that frame is gone"
            self._report("below-stack", what, pc, address, self._frames())
        elif self.undefined:
            what = "the program's way, or an address, depends on what was never set"
            self._report("uninitialised", what, pc, address, self._frames(), self._block(address))

    def _report(
        self, kind: str, what: str, pc: int, address: int, stack: Stack, block: Block | None = None
    ) -> None:
        key = kind, pc if kind not in ("double-free", "invalid-free") else hash(stack)
        if key not in self._seen:
            self._seen.add(key)
            now = retired_of(self.history.state)
            self.reports.append(Report(kind, what, now, pc, address, stack, block))

    def _frames(self) -> Stack:
        symbols = self.debugger.symbols
        return tuple(symbols.name(frame.pc) for frame in self.debugger.frames()[:_FRAMES])

    # -- labels -------------------------------------------------------------------------------

    def _view(self) -> State:
        return self.history.state.replace(mem=self._labels.mem)

    def _put(self, address: int, labels: bytes) -> None:
        if labels:
            mem = memory.write(self._view(), address, labels).mem
            self._labels = self._labels._replace(mem=mem)

    def _get(self, address: int, length: int) -> bytes:
        return memory.read(self._view(), address, length)


def sanitize(
    debugger: Debugger, *, quarantine: bool = True, undefined: bool = True
) -> list[Report]:
    """Run a program to its end and report its bad uses of memory.

    Args:
      debugger: a process that has not run yet.
      quarantine: keep freed blocks from being used again, so that every use after free shows.
      undefined: report uses of what was never set, too.
    """
    if quarantine:
        put_off_frees(debugger)
    while debugger.history.forward().reason not in ("exited", "interrupted", "end"):
        pass
    return Sanitizer(debugger, undefined=undefined).run()
