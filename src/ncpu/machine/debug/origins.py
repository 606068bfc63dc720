"""Where values begin: input that was read, arguments, the program's own data."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.debug.events import Event
from ncpu.machine.debug.flow_step import Place
from ncpu.machine.debug.history import History
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.state import SP, State

_CALL = re.compile(r"(\w+)\((-?\w+)(.*)\) = (-?\w+)")
_READS = ("read", "readv", "pread64", "preadv", "recvfrom", "getdents64")
_NAMES = {0: "standard input", 1: "standard output", 2: "standard error"}


@dataclass(frozen=True)
class Origin:
    """Where a value began.

    Attributes:
      kind: "input" (read by a system call), "argument", "environment", "program" (its data),
        "call" (a system call's result), "kernel" (something else that the host stored) or
        "start" (a register or memory that nothing had written).
      name: of the file, argument, symbol or call.
      offset: byte in it.
      retired: when it came in.
    """

    kind: str
    name: str
    offset: int = 0
    retired: int = 0


class Origins:
    """Names for where values begin in one history."""

    def __init__(self, history: History) -> None:
        self.history = history
        image = history.session.image
        self.symbols = Symbols(image.data, image.bias)

    @cached_property
    def _reads(self) -> dict[int, tuple[str, int]]:
        """Of each event that read input: the file's name and the offset of its first byte."""
        names, done = dict(_NAMES), defaultdict(int)
        found: dict[int, tuple[str, int]] = {}
        for event in self.history.events:
            match = _CALL.fullmatch(event.what) if event.kind == "syscall" else None
            if match is None or match[4].startswith("-"):
                continue
            call, first, rest = match[1], match[2], match[3]
            if call in ("openat", "open"):
                fd = int(match[4], 0)
                path = re.search(r'"(.*)"', rest)
                names[fd], done[fd] = (path[1] if path else f"descriptor {fd}"), 0
            elif call in ("dup", "dup3"):
                names[int(match[4], 0)] = names.get(int(first, 0), f"descriptor {first}")
            elif call in _READS:
                fd, at = int(first, 0), 0
                if call.startswith("pread"):
                    at = int(rest.split(", ")[3], 0)  # after the descriptor, buffer and count
                else:
                    at = done[fd]
                    done[fd] += int(match[4], 0)
                found[id(event)] = names.get(fd, f"descriptor {fd}"), at
        return found

    def of_event(self, event: Event, place: Place) -> Origin:
        """A place that a visit of the host defined."""
        if place.kind != "memory":
            return Origin("call", event.what, 0, event.at)
        # The last of its writes that covers the byte is the one that stayed.
        before = 0
        offset = 0
        for address, data in event.writes:
            if address <= place.where < address + len(data):
                offset = before + place.where - address
            before += len(data)
        if id(event) in self._reads:
            name, first = self._reads[id(event)]
            return Origin("input", name, first + offset, event.at)
        return Origin("kernel", event.what, offset, event.at)

    @cached_property
    def _first(self) -> State:
        return self.history.checkpoints.before(self.history.start).state()

    @cached_property
    def _strings(self) -> list[tuple[int, int, str, str]]:
        """(address, end, kind, name) of each argument and environment variable."""
        state = self._first
        sp = int(word.from_limbs(np.asarray(state.regs))[SP])
        out = []

        def pointer(at: int) -> int:
            return struct.unpack("<Q", memory.read(state, at, 8))[0]

        at, index = sp + 8, 0
        for kind in ("argument", "environment"):
            while address := pointer(at):
                text = memory.read_cstring(state, address, 1 << 17)
                name = f"argv[{index}]" if kind == "argument" else text.decode("latin-1")
                out.append((address, address + len(text) + 1, kind, name.partition("=")[0]))
                at, index = at + 8, index + 1
            at, index = at + 8, 0
        return out

    def at_start(self, place: Place) -> Origin:
        """A place that nothing had defined since the program was loaded."""
        if place.kind != "memory":
            name = f"register row {place.where}" if place.where > SP else f"x{place.where}"
            return Origin("start", "the flags" if place.kind == "flags" else name)
        for low, high, kind, name in self._strings:
            if low <= place.where < high:
                return Origin(kind, name, place.where - low)
        found = self.symbols.function(place.where)
        if found is not None:
            return Origin("program", found[0], found[1])
        return Origin("start", "memory", place.where)
