"""History: every instant of a run, reached by replay from checkpoints on the one machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.debug.checkpoints import Checkpoints, Instant
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.events import Before, Event, apply, record
from ncpu.machine.debug.hunt import ON_WRITE, Watch, hunt, mark, trace
from ncpu.machine.linux.abi import Signal
from ncpu.machine.linux.launch import Session
from ncpu.machine.linux.run import retired_of, steps_allowed
from ncpu.machine.program import Program
from ncpu.machine.run import run
from ncpu.machine.state import State, Status

SPACING = 4_000_000  # instructions between checkpoints: a fraction of a second of replay
Holds = Callable[[int | None], bool]
CLOSE = 2_048  # and before an instant that was gone back to
FAULTS = {
    Status.BREAKPOINT: Signal.SIGTRAP,
    Status.UNDEFINED: Signal.SIGILL,
    Status.DATA_FAULT: Signal.SIGSEGV,
    Status.FETCH_FAULT: Signal.SIGSEGV,
    Status.ALIGNMENT: Signal.SIGBUS,
}


@dataclass(frozen=True)
class Plan:
    """What stops a run: breakpoints, watched ranges, system calls.

    `early` stops before a watched access rather than after it.
    """

    breakpoints: frozenset[int] = frozenset()
    watches: tuple[Watch, ...] = ()
    calls: bool = False
    early: bool = False

    @property
    def empty(self) -> bool:
        """Nothing does."""
        return not (self.breakpoints or self.watches)


@dataclass(frozen=True)
class Stop:
    """Why a run stopped.

    Attributes:
      reason: "breakpoint", "watch", "step", "signal", "syscall", "exited", "start",
        "interrupted" or "end" (of a recording that cannot go on).
      address: the watched access, or None.
      signal: the signal about to be delivered, or that ended the process.
    """

    reason: str
    address: int | None = None
    signal: int | None = None


@dataclass
class _Text:
    """Decoded text, and with the present breakpoints marked in it."""

    program: Program
    marked: dict[frozenset[int], Program] = field(default_factory=dict)

    def with_marks(self, breakpoints: frozenset[int]) -> Program:
        if breakpoints not in self.marked:
            self.marked = {breakpoints: mark(self.program, sorted(breakpoints))}
        return self.marked[breakpoints]


class History:
    """A run that can be gone through in both directions.

    The first time an instruction is reached it runs live, under the session's kernel, and
    what the kernel does is recorded; after that it is replayed and the kernel not asked.

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
        self.now = self.end = self.start = Instant(retired_of(self.state), 0)
        self.checkpoints.add(self.now, self.state)
        self.poll: Callable[[], bool] = lambda: False  # asked now and then: stop the run?
        self._wanted = False  # Ctrl-C came
        self.live = True  # False for a recording: nothing happens after its end
        self._texts = [_Text(Program.from_state(self.state))]
        self.faults: set[Instant] = set()  # where the next instruction faults

    # -- what is here -----------------------------------------------------------------------

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

    # -- forward ------------------------------------------------------------------------------

    def forward(self, plan: Plan | None = None, steps: int | None = None) -> Stop:
        """Run on until the plan, `steps` instructions, a signal or the end stop it."""
        plan = plan or Plan()
        limit = None if steps is None else self.now.retired + steps
        try:
            with self._deferred():
                return self._forward(plan, limit)
        except KeyboardInterrupt:
            self._recover()
            return Stop("interrupted")

    def _forward(self, plan: Plan, limit: int | None) -> Stop:
        skip: int | None = self.now.retired
        while True:
            status = self.status
            if status == Status.EXITED:
                return Stop("exited", signal=self.kernel.process.exit_signal)
            if status != Status.RUNNING or self._due():
                if not self._may_visit():
                    return Stop("end")
                event = self._visit(status)
                if stop := _stop_after(event, plan):
                    return stop
                if event.kind == "signal":
                    skip = None
                    if limit is not None:
                        return Stop("step")  # at the handler's first instruction
                continue
            if limit is not None and self.now.retired >= limit:
                return Stop("step")
            if self.poll() or self._wanted:
                return Stop("interrupted")
            target = self._boundary(limit)
            if target is None:
                return Stop("end")
            hit = self._run(plan, target, skip)
            if hit is not None:
                return Stop("watch" if hit.address is not None else "breakpoint", hit.address)
            if self.now.retired != skip:
                skip = None
            if self.status in FAULTS:
                self.faults.add(self.now)
                return Stop("signal", signal=FAULTS[self.status])

    def _boundary(self, limit: int | None) -> int | None:
        """The retired count to run to: the next event, checkpoint or the limit."""
        done = self.now.retired
        target = done + self.spacing
        if self.now.events < len(self.events):
            event = self.events[self.now.events]
            # One more than a fault's count: the instruction has to be tried.
            target = min(target, event.at + (event.kind == "signal"))
        elif self.live:
            target = min(target, done + steps_allowed(self.kernel, self.state, done, None))
        elif done >= self.end.retired:
            return None
        else:
            target = min(target, self.end.retired)
        return target if limit is None else min(target, limit)

    def _due(self) -> bool:
        """Whether the host comes now, though the lane could run on: a timer, an edit."""
        if self.now.events < len(self.events):
            event = self.events[self.now.events]
            return event.at == self.now.retired and event.kind in ("timer", "edit")
        process = self.kernel.process
        if not self.live or process.timer is None:
            return False
        process.clock.retired = self.now.retired
        return process.clock.monotonic() >= process.timer[0]

    def _may_visit(self) -> bool:
        return self.live or self.now.events < len(self.events)

    def _run(self, plan: Plan, target: int, skip: int | None):
        """Run to `target`; the hit that stopped it before, if any."""
        alu, text = self.session.alu, self._texts[self._text]
        if plan.empty:
            hit = None
            self.state = run(text.program, self.state, target - self.now.retired, alu=alu)
        else:
            self.state, found = hunt(
                text.with_marks(plan.breakpoints),
                self.state,
                target,
                plan.watches,
                alu=alu,
                skip=skip,
                early=plan.early,
            )
            hit = found if found.count else None
        self._arrived()
        return hit

    def _arrived(self) -> None:
        self.now = Instant(retired_of(self.state), self.now.events)
        self.end = max(self.end, self.now)
        last = self.checkpoints.before(self.now).instant
        if self.now.retired - last.retired >= self.spacing and self.status == Status.RUNNING:
            self.checkpoints.add(self.now, self.state)

    # -- visits of the host -------------------------------------------------------------------

    def _visit(self, status: Status) -> Event:
        """What the host does here: done again when recorded, else done and recorded."""
        if self.now.events < len(self.events):
            event = self.events[self.now.events]
            self.state = apply(event, self.state)
            if event.program == len(self._texts):  # the first time, in a recording
                self._texts.append(_Text(Program.from_state(self.state)))
        else:
            event = self._visit_live(status)
            self.events.append(event)
        self.now = Instant(self.now.retired, self.now.events + 1)
        self.end = max(self.end, self.now)
        return event

    def _visit_live(self, status: Status) -> Event:
        before, kernel = Before.of(self.state), self.kernel
        kind, what, arguments = "timer", "timer", ()
        if status == Status.SYSCALL:
            kind, arguments = "syscall", tuple(int(v) for v in before.regs[[8, 0, 1, 2, 3, 4, 5]])
            self.state = kernel.serve(self.state)
        elif status == Status.CODE_CHANGED:
            kind, what = "code", "code changed"
            kernel.code_changed = True
            self.state = self.state.replace(status=jnp.int32(Status.RUNNING))
        elif status in FAULTS:
            kind, what = "signal", FAULTS[status].name
            self.state = kernel.fault(self.state)
        else:
            self.state = kernel.tick(self.state)
        writes = [] if kind == "code" else kernel.lane.written
        index = self._text
        if kernel.code_changed and self.status == Status.RUNNING:
            self._texts.append(_Text(Program.from_state(self.state)))
            index, kernel.code_changed = len(self._texts) - 1, False
        if self.status == Status.EXITED:
            kernel.close()
        if kind == "syscall":
            what = _call_text(arguments, before, self.state)
        return record(before, self.state, writes, kind=kind, what=what, program=index)

    def edit(
        self, change: Callable[[State], tuple[State, list[tuple[int, bytes]]]], what: str = "edit"
    ) -> None:
        """Let a person change the machine at the end of its history; recorded as an event.

        Args:
          change: makes the new state of the old, and says what it stored.
          what: what it is, for people.

        Raises:
          DebugError: not at the end: what happened afterwards would no longer follow.
        """
        if not self.at_end or not self.live or self.status == Status.EXITED:
            raise DebugError(
                "the past cannot be changed: what is recorded after it would not follow from it; "
                "go to the end of the history (`continue`) and change the machine there"
            )
        before = Before.of(self.state)
        self.state, writes = change(self.state)
        self.faults.discard(self.now)
        self.state = self.state.replace(status=jnp.int32(Status.RUNNING))
        index = self._text
        event = record(before, self.state, writes, kind="edit", what=what, program=index)
        self.events.append(event)
        self.now = self.end = Instant(self.now.retired, self.now.events + 1)

    # -- anywhere -----------------------------------------------------------------------------

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

    # -- backward -----------------------------------------------------------------------------

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

    def step_back(self, steps: int = 1) -> Stop:
        """Undo `steps` instructions (a signal's delivery counts as one)."""
        target = self.now
        if steps > 1 and not any(e.kind != "syscall" for e in self.events):
            retired = target.retired - steps
            target = max(self.start, self.instant(retired))
        else:
            for _ in range(steps):
                target = self.previous(target)
        if target == self.now:
            return Stop("start")
        self.goto(target)
        return Stop("step")

    def backward(self, plan: Plan, holds: Holds | None = None) -> Stop:
        """Go back to the last instant before now that the plan stops at; else to the start.

        Args:
          plan: what to look for.
          holds: whether a hit counts, given the accessed address; the machine stands there.
        """
        found = self._search(plan, holds)
        if found is None:
            self.goto(self.start)
            return Stop("start")
        instant, address = found
        self.goto(instant)
        return Stop("breakpoint" if address is None else "watch", address)

    def last(self, plan: Plan, holds: Holds | None = None) -> tuple[Instant, int | None] | None:
        """The last hit before now: (instant before it, accessed address); now stays."""
        origin = self.now
        found = self._search(plan, holds)
        self.goto(origin)
        return found

    def _search(self, plan: Plan, holds: Holds | None) -> tuple[Instant, int | None] | None:
        """`last`, leaving the machine anywhere; where it was when interrupted."""
        origin = self.now
        try:
            with self._deferred():
                return self._search_before(origin, plan, holds)
        except KeyboardInterrupt:
            self.now = origin
            self._recover()
            raise DebugError("interrupted before anything was found; still where it was") from None

    def _search_before(
        self, origin: Instant, plan: Plan, holds: Holds | None
    ) -> tuple[Instant, int | None] | None:
        upper = origin
        while upper > self.start:
            checkpoint = self.checkpoints.before(self.previous(upper))
            self.state, self.now = checkpoint.state(), checkpoint.instant
            best = None
            for instant, address in self._segments(upper, plan, every=holds is not None):
                if self.poll() or self._wanted:
                    raise KeyboardInterrupt
                if instant < origin and (holds is None or holds(address)):
                    best = instant, address
            if best is not None:
                return best
            upper = checkpoint.instant
        return None

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

    # -- interruption ---------------------------------------------------------------------------

    @contextmanager
    def _deferred(self) -> Iterator[None]:
        """Hear Ctrl-C between two pieces of work; a second one at once, wherever it is.

        A system call that has been served must be recorded, or its effects would be lost.
        """
        self._wanted = False
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def hear(number: int, frame: object) -> None:
            if self._wanted:
                raise KeyboardInterrupt
            self._wanted = True

        signal.signal(signal.SIGINT, hear)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _lost(self) -> bool:
        return bool(self.state.mem.is_deleted())

    def _recover(self) -> None:
        """After an interrupt in the middle of anything: back to the last instant known."""
        checkpoint = self.checkpoints.before(self.now)
        target, self.state, self.now = self.now, checkpoint.state(), checkpoint.instant
        self._replay_near(target)


def _stop_after(event: Event, plan: Plan) -> Stop | None:
    for watch in plan.watches:
        if watch.kinds & ON_WRITE and event.touches(watch.low, watch.high):
            return Stop("watch", watch.low)
    return Stop("syscall") if plan.calls and event.kind == "syscall" else None


def _call_text(arguments: tuple[int, ...], before: Before, after: State) -> str:
    """A system call as strace shows it: name(arguments) = result."""
    from ncpu.machine.linux.numbers import NAME

    number, *values = arguments
    shown = ", ".join(str(v) if v < 4096 else f"{v:#x}" for v in values)
    result = int(word.from_limbs(np.asarray(after.regs[0])))
    if Status(int(after.status)) == Status.EXITED:
        return f"{NAME.get(number, number)}({shown}) = ?"
    signed = result - (1 << 64) if result >> 63 else result
    text = str(signed) if abs(signed) < 4096 else f"{result:#x}"
    return f"{NAME.get(number, number)}({shown}) = {text}"
