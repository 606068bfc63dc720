"""Replay: any recorded instant of a run, from checkpoints and what the host did."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import numpy as np

from ncpu.machine.debug.checkpoints import Checkpoints, Instant
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.events import Event, apply
from ncpu.machine.debug.hunt import ON_WRITE, hunt, mark, trace
from ncpu.machine.debug.ledger import Ledger
from ncpu.machine.debug.plan import FAULTS, Plan
from ncpu.machine.hosted import run
from ncpu.machine.linux.launch import Session
from ncpu.machine.linux.run import retired_of
from ncpu.machine.program import Program
from ncpu.machine.state import State, Status

SPACING = 4_000_000  # instructions between checkpoints: a fraction of a second of replay
CLOSE = 2_048  # and before an instant that was gone back to


@dataclass
class Text:
    """Decoded text, and with the present breakpoints marked in it."""

    program: Program
    marked: dict[frozenset[int], Program] = field(default_factory=dict)

    def with_marks(self, breakpoints: frozenset[int]) -> Program:
        """The text with marks at these addresses."""
        if breakpoints not in self.marked:
            self.marked = {breakpoints: mark(self.program, sorted(breakpoints))}
        return self.marked[breakpoints]


class Replay:
    """A recorded run: every instant of it can be gone to, and the whole of it looked at.

    Args:
      session: a process that has not run yet; it belongs to the history from now on.
      budget: bytes of pages that checkpoints may keep.
      spacing: instructions between checkpoints.

    Attributes:
      now: the present instant; `state` is the machine there.
      end: the last instant recorded.
      events: the visits of the host, in order.
    """

    def __init__(
        self, session: Session, *, budget: int = 512 << 20, spacing: int = SPACING
    ) -> None:
        self.session = session
        self.kernel = session.kernel
        self.state: State = session.state
        self.spacing = spacing
        self.events: list[Event] = []
        self.checkpoints = Checkpoints(budget)
        self.ledger = Ledger()
        self.now = self.end = self.start = Instant(retired_of(self.state), 0)
        self.checkpoints.add(self.now, self.state)
        self.poll: Callable[[], bool] = lambda: False  # asked now and then: stop the run?
        self._wanted = False  # Ctrl-C came
        self.live = True  # False for a recording: nothing happens after its end
        self._texts = [Text(Program.from_state(self.state))]
        self.faults: set[Instant] = set()  # where the next instruction faults

    @property
    def program(self) -> Program:
        """The decoded text at the present instant."""
        return self._texts[self._text].program

    @property
    def _text(self) -> int:
        return self.events[self.now.events - 1].program if self.now.events else 0

    @property
    def status(self) -> Status:
        """Why the lane is not running, RUNNING where it could go on."""
        status = Status(int(self.state.status))
        return Status.RUNNING if status == Status.OUT_OF_FUEL else status

    @property
    def at_end(self) -> bool:
        """Nothing is recorded after now."""
        return self.now == self.end

    def goto(self, instant: Instant) -> None:
        """Make `instant` the present.

        Raises:
          DebugError: it is not within the recorded history.
        """
        if not self.start <= instant <= self.end:
            raise DebugError(
                f"instruction {instant.retired:,} is outside the history, which goes from "
                f"{self.start.retired:,} to {self.end.retired:,}"
            )
        checkpoint = self.checkpoints.before(instant)
        if not checkpoint.instant <= self.now < instant or self._lost():
            self.state, self.now = checkpoint.state(), checkpoint.instant
        self._replay_near(instant)

    def replay(self) -> None:
        """From the start to now again."""
        origin, first = self.now, self.checkpoints.before(self.start)
        self.state, self.now = first.state(), first.instant
        self._replay_near(origin)

    @property
    def event(self) -> Event | None:
        """The visit of the host that the next step brings, None when it is none's."""
        if self.now.events == len(self.events):
            return None
        event = self.events[self.now.events]
        late = event.kind in ("syscall", "code")
        return event if event.at == self.now.retired + late else None

    def _replay_near(self, instant: Instant) -> None:
        """Replay forward to `instant`, with a checkpoint shortly before it if it is far."""
        close = instant.retired - CLOSE
        if close - self.now.retired > CLOSE:
            for _ in self._segments(Instant(close, self._events_at(close)), Plan()):
                pass
            if self.status == Status.RUNNING:
                self.checkpoints.add(self.now, self.state)
        for _ in self._segments(instant, Plan()):
            pass
        if instant in self.faults and self.status == Status.RUNNING:
            self.state = run(self.program, self.state, 1, alu=self.session.alu)

    def instant(self, retired: int) -> Instant:
        """The instant at which `retired` instructions are done, all events of it included."""
        return Instant(retired, self._events_at(retired))

    def _events_at(self, retired: int) -> int:
        """How many events have happened once `retired` instructions are done."""
        low, high = 0, len(self.events)
        while low < high:
            middle = (low + high) // 2
            if self.events[middle].at <= retired:
                low = middle + 1
            else:
                high = middle
        return low

    def _segments(
        self, until: Instant, plan: Plan, *, every: bool = False
    ) -> Iterator[tuple[Instant, int | None]]:
        """Replay to `until`, looking for hits.

        Yields (instant before it, accessed address) of the last hit of each stretch; with
        `every`, of each hit, the machine standing there.
        """
        while self.now < until:
            target = until.retired
            if self.now.events < until.events:
                event = self.events[self.now.events]
                tried = event.kind == "signal"
                if self.now.retired == event.at and (not tried or self.status in FAULTS):
                    yield from self._visit_again(plan)
                    continue
                target = event.at + tried
            elif self.now.retired >= target:
                break
            yield from self._stretch(target, plan, every)

    def _visit_again(self, plan: Plan) -> Iterator[tuple[Instant, int | None]]:
        event = self._visit(self.status)
        for watch in plan.watches:
            if watch.kinds & ON_WRITE and event.touches(watch.low, watch.high):
                # Seen from behind: before the call's own instruction.
                yield self.previous(self.now), watch.low
                return

    def _stretch(
        self, target: int, plan: Plan, every: bool
    ) -> Iterator[tuple[Instant, int | None]]:
        """Replay to `target` retired instructions, or to a fault on the way."""
        text, alu, events = self._texts[self._text], self.session.alu, self.now.events
        skip = None
        while True:
            if plan.empty:
                steps = target - self.now.retired
                self.state, count, hit = run(text.program, self.state, steps, alu=alu), 0, None
            else:
                program = text.with_marks(plan.breakpoints)
                self.state, hit = hunt(
                    program,
                    self.state,
                    target,
                    plan.watches,
                    alu=alu,
                    skip=skip,
                    stop=every,
                    early=plan.early,
                )
                count = hit.count
            self.now = Instant(retired_of(self.state), events)
            if hit is not None and count:
                yield Instant(hit.at, events), hit.address
                if every:
                    before = hit.address is None or plan.early
                    skip = self.now.retired if before else None
                    continue
            break
        if self.now.retired < target and self.status not in FAULTS:
            raise DebugError(
                f"the replay stopped at {self.now.retired}, short of {target}: {self.status.name}"
            )

    def _undone(self, after: Instant, before: Instant) -> Instant:
        event = self.events[after.events - 1]
        if event.kind in ("signal", "timer", "edit"):
            return before
        retired = after.retired - 1
        return max(self.start, self.instant(retired))

    def previous(self, instant: Instant) -> Instant:
        """The instant one step before; the start's is itself."""
        if instant.events and self.events[instant.events - 1].at == instant.retired:
            return self._undone(instant, Instant(instant.retired, instant.events - 1))
        retired = instant.retired - 1
        return max(self.start, self.instant(retired))

    def each(self, plan: Plan) -> Generator[tuple[Instant, int | None], None, None]:
        """Every hit from the start to now, in order; now stays.

        Yields (instant before it, accessed address), the machine standing at the hit.
        """
        origin = self.now
        checkpoint = self.checkpoints.before(self.start)
        self.state, self.now = checkpoint.state(), checkpoint.instant
        try:
            yield from self._segments(origin, plan, every=True)
        finally:
            self.goto(origin)

    def stretches(self, start: Instant) -> Iterator[int]:
        """From `start` to now in stretches without a visit of the host; now stays.

        Yields the retired count where a stretch ends; the caller runs `state` there, in
        whatever way it watches.
        """
        origin = self.now
        self.goto(start)
        try:
            while self.now < origin:
                target = origin.retired
                if self.now.events < origin.events:
                    event = self.events[self.now.events]
                    tried = event.kind == "signal"
                    if self.now.retired == event.at and (not tried or self.status in FAULTS):
                        self._visit(self.status)
                        continue
                    target = event.at + tried
                elif self.now.retired >= target:
                    break
                yield target
                self.now = Instant(retired_of(self.state), self.now.events)
        finally:
            self.goto(origin)

    def trace(self, start: Instant) -> Iterator[dict[str, np.ndarray]]:
        """What every instruction from `start` to now did; now stays.

        Yields columns as of `hunt.trace`, a piece at a time.
        """
        for target in self.stretches(start):
            while True:
                self.state, columns = trace(self.program, self.state, target, alu=self.session.alu)
                if len(columns["pc"]):
                    yield columns
                if self.status != Status.RUNNING or retired_of(self.state) >= target:
                    break

    def _visit(self, status: Status) -> Event:
        """What the host does here: done again when recorded, else done and recorded."""
        if self.now.events < len(self.events):
            event = self.events[self.now.events]
            self.state = apply(event, self.state)
            if event.program == len(self._texts):  # the first time, in a recording
                self._texts.append(Text(Program.from_state(self.state)))
        else:
            event = self.ledger.keep(self._visit_live(status))
            self.events.append(event)
        self.now = Instant(self.now.retired, self.now.events + 1)
        self.end = max(self.end, self.now)
        return event

    def _lost(self) -> bool:
        return bool(self.state.mem.is_deleted())

    def _visit_live(self, status: Status) -> Event:
        raise NotImplementedError("only a `History` goes on after what is recorded")
