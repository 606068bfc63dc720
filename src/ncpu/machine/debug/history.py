"""History: a run live and recorded, gone through in both directions."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax.numpy as jnp

from ncpu.machine.debug.checkpoints import Instant
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.events import Before, Event, call_text, record
from ncpu.machine.debug.hunt import hunt
from ncpu.machine.debug.plan import FAULTS, Plan, Stop, stop_after
from ncpu.machine.debug.replay import Replay, Text
from ncpu.machine.hosted import run
from ncpu.machine.linux.run import retired_of, steps_allowed
from ncpu.machine.program import Program
from ncpu.machine.state import State, Status

Holds = Callable[[int | None], bool]


class History(Replay):
    """A run that can be gone through in both directions.

    The first time an instruction is reached it runs live, under the session's kernel, and
    what the kernel does is recorded; after that it is replayed and the kernel not asked.
    """

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
                if stop := stop_after(event, plan):
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
            self._texts.append(Text(Program.from_state(self.state)))
            index, kernel.code_changed = len(self._texts) - 1, False
        if self.status == Status.EXITED:
            kernel.close()
        if kind == "syscall":
            what = call_text(arguments, before, self.state)
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
        self.events.append(self.ledger.keep(event))
        self.now = self.end = Instant(self.now.retired, self.now.events + 1)

    # -- backward -----------------------------------------------------------------------------

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

    def _recover(self) -> None:
        """After an interrupt in the middle of anything: back to the last instant known."""
        checkpoint = self.checkpoints.before(self.now)
        target, self.state, self.now = self.now, checkpoint.state(), checkpoint.instant
        self._replay_near(target)
