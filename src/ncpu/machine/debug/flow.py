"""Reverse data flow: from a value back to the instructions and the input bytes it came from.

found = backward(history, [memory(0x4203f8, 8)])
found.inputs           # {"standard input": [3, 4]}: which bytes of what
found.steps            # the instructions that had a part, last first

Values are followed byte by byte through registers (X and V), memory and the flags; what merely
decided that an instruction was executed (a branch) is not followed, nor, unless asked for,
where a loaded value's address came from.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ncpu.machine.debug import flow_step
from ncpu.machine.debug.checkpoints import Instant
from ncpu.machine.debug.events import Event
from ncpu.machine.debug.flow_step import FLAGS, Place
from ncpu.machine.debug.history import History
from ncpu.machine.debug.origins import Origin, Origins
from ncpu.machine.state import ZR

_USED = ("retired", "pc", "word", "packed", "address", "size", "rd", "rd2", "wb")
WINDOW = 100_000  # instructions whose effects are held at a time
MOST = 200_000  # places followed


def register(row: int, mask: int = 0xFF) -> Place:
    """A row of the register file: X0-X30, SP, or `state.V + 2i` for a vector's low half."""
    return Place("register", row, mask)


def memory(address: int, length: int) -> list[Place]:
    """Bytes of memory."""
    return [Place("memory", address + k) for k in range(length)]


@dataclass(frozen=True)
class Step:
    """An instruction that had a part: instructions retired before it, address, encoding."""

    retired: int
    pc: int
    word: int


@dataclass
class Flow:
    """Where a value came from.

    Attributes:
      steps: the instructions it went through, last first.
      origins: where it began.
      complete: False when there were more than MOST places to follow.
    """

    steps: list[Step] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    complete: bool = True

    @property
    def inputs(self) -> dict[str, list[int]]:
        """Bytes of the program's input that it came from: name to offsets, ascending."""
        found: dict[str, set[int]] = {}
        for origin in self.origins:
            if origin.kind in ("input", "argument", "environment"):
                found.setdefault(origin.name, set()).add(origin.offset)
        return {name: sorted(offsets) for name, offsets in found.items()}


class _Window:
    """What happened between two instants, and what defined a place last before any of it."""

    def __init__(
        self, columns: dict[str, np.ndarray], events: list[tuple[int, Event]], first: int
    ) -> None:
        self.columns, self.first = columns, first
        self.count = len(columns["pc"])
        # Row k is at time 2k + 1; an event before row k is at time 2k.
        at = [(2 * int(np.searchsorted(columns["retired"], e.at, "left")), k, e) for k, e in events]
        self.events = sorted(at, key=lambda row: row[:2])
        self._rows: dict[int, np.ndarray] = {}
        self._flags: np.ndarray | None = None
        self._stores = self._index_stores()

    def _index_stores(self) -> tuple[np.ndarray, np.ndarray]:
        rows = np.flatnonzero(self.columns["stored"])
        address, size = self.columns["address"][rows], self.columns["stored"][rows]
        low, high = address >> np.uint64(3), (address + size - np.uint64(1)) >> np.uint64(3)
        more = high != low
        keys = np.concatenate([low, high[more]])
        rows = np.concatenate([rows, rows[more]])
        order = np.lexsort((rows, keys))
        return keys[order], rows[order]

    def _defining(self, place: Place, time: int) -> int | None:
        """The row that last defined a place before `time`."""
        last = (time - 1) // 2 if time % 2 else time // 2 - 1  # rows up to here are before
        if time % 2:
            last -= 1
        if place.kind == "memory":
            keys, rows = self._stores
            key = np.uint64(place.where >> 3)
            low, high = np.searchsorted(keys, key, "left"), np.searchsorted(keys, key, "right")
            high = low + np.searchsorted(rows[low:high], last, "right")
            for row in rows[low:high][::-1]:
                begin = int(self.columns["address"][row])
                if begin <= place.where < begin + int(self.columns["stored"][row]):
                    return int(row)
            return None
        if place.kind == FLAGS:
            if self._flags is None:
                self._flags = np.flatnonzero(flow_step.writes_flags(self.columns["packed"]))
            rows = self._flags
        else:
            if place.where not in self._rows:
                hit = np.zeros(self.count, bool)
                for name in ("rd", "rd2", "wb"):
                    hit |= self.columns[name] == place.where
                self._rows[place.where] = np.flatnonzero(hit)
            rows = self._rows[place.where]
        found = int(np.searchsorted(rows, last, "right")) - 1
        return int(rows[found]) if found >= 0 else None

    def before(self, place: Place, time: int) -> tuple[int, Event | None] | None:
        """When a place was last defined before `time`, and by which event if by one."""
        row = self._defining(place, time)
        best = None if row is None else 2 * row + 1
        for at, _, event in reversed(self.events):
            if at < time and (best is None or at > best) and flow_step.defines(event, place):
                return at, event
        return None if best is None else (best, None)


def backward(
    history: History,
    places: Iterable[Place | list[Place]],
    *,
    addresses: bool = False,
    most: int = MOST,
) -> Flow:
    """Where the values in these places, as they are now, came from; now stays.

    Args:
      history: a run.
      places: of `register`, `memory`.
      addresses: follow the addresses of loads as well: what chose an element of a table.
      most: places followed at most.
    """
    wanted = [p for each in places for p in (each if isinstance(each, list) else [each])]
    flow, origins, origin_instant = Flow(), Origins(history), history.now
    steps: dict[tuple[int, int, int], None] = {}
    seen: set[tuple[int, Place]] = set()
    high = origin_instant
    try:
        while wanted and high > history.start:
            low = max(history.start, history.instant(max(high.retired - WINDOW, 0)))
            if low >= high:
                low = history.start
            window = _load(history, low, high)
            wanted = _through(window, wanted, origins, flow, steps, seen, addresses, most)
            high = low
            if not flow.complete:
                break
    finally:
        history.goto(origin_instant)
    flow.origins += [origins.at_start(place) for place in wanted if flow.complete]
    flow.origins = list(dict.fromkeys(flow.origins))
    flow.steps = [Step(*key) for key in sorted(steps, reverse=True)]
    return flow


def _load(history: History, low: Instant, high: Instant) -> _Window:
    history.goto(high)
    pieces = list(history.trace(low))
    names = pieces[0] if pieces else ()
    columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in names}
    if not pieces:
        wide = {name: np.zeros(0, np.uint64) for name in ("pc", "retired", "address", "word")}
        small = ("rd", "rd2", "wb", "stored", "size")
        columns = {**wide, **{name: np.zeros(0, np.uint32) for name in small}}
        columns["packed"] = np.zeros((0, 8), np.uint32)
    events = list(enumerate(history.events))[low.events : high.events]
    return _Window(columns, events, low.retired)


def _through(
    window: _Window,
    wanted: list[Place],
    origins: Origins,
    flow: Flow,
    steps: dict[tuple[int, int, int], None],
    seen: set[tuple[int, Place]],
    addresses: bool,
    most: int,
) -> list[Place]:
    """Follow places back through a window; those that come from before it."""
    end = 2 * window.count + 2
    heap: list[tuple[int, int, Place]] = []
    earlier: dict[Place, None] = {}
    number = 0

    def push(time: int, place: Place) -> None:
        nonlocal number
        if place.kind == "register" and (place.where == ZR or not place.mask):
            return
        found = window.before(place, time)
        if found is None:
            earlier[place] = None
            return
        at, event = found
        if event is not None:
            flow.origins.append(origins.of_event(event, place))
            return
        key = window.first * 2 + at, place
        if key not in seen:
            seen.add(key)
            number += 1
            heapq.heappush(heap, (-at, number, place))

    for place in wanted:
        push(end, place)
    while heap:
        if len(seen) > most:
            flow.complete = False
            return []
        at, _, place = heapq.heappop(heap)
        row = (-at - 1) // 2
        columns = {name: window.columns[name][row] for name in _USED}
        steps[int(columns["retired"]), int(columns["pc"]), int(columns["word"])] = None
        for source in flow_step.sources(columns, place, addresses=addresses):
            push(-at, source)
    return list(earlier)
