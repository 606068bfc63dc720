"""A monitor beside a running program: stretches of its instructions are scored as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax
import numpy as np

from ncpu.jepa.anomaly import Anomaly
from ncpu.jepa.errors import TraceError
from ncpu.jepa.faults import Observed, clean, inject
from ncpu.jepa.programs import padded
from ncpu.jepa.trace import trace
from ncpu.jepa.transition import Transition, take
from ncpu.jepa.view import PC, View
from ncpu.machine import word
from ncpu.machine.disasm import disassemble
from ncpu.machine.instr import field
from ncpu.machine.linux.launch import Session
from ncpu.machine.program import Program
from ncpu.machine.state import Status


@dataclass(frozen=True)
class Stretch:
    """What a monitor saw of one stretch.

    Attributes:
      executed: instructions done before it.
      scores: of its covered instructions, `f64[n]`; above 1 is an alarm.
      pcs, words: where they are and what they are, `u64[n]` and `u32[n]`.
      faulty: index of the one that was tampered with, or None.
    """

    executed: int
    scores: np.ndarray
    pcs: np.ndarray
    words: np.ndarray
    faulty: int | None = None

    @property
    def alarms(self) -> np.ndarray:
        """Indices of the instructions that alarm."""
        return np.flatnonzero(self.scores > 1)

    def where(self, index: int) -> str:
        """Address and disassembly of an instruction."""
        pc = int(self.pcs[index])
        return f"{pc:#x}: {disassemble(int(self.words[index]), pc)}"


def watch(
    session: Session,
    monitor: Anomaly,
    *,
    stretches: int = 16,
    steps: int = 256,
    between: int = 10_000,
    fault: str | None = None,
    at: int = 0,
    seed: int = 0,
) -> Iterator[Stretch]:
    """Run a process, scoring `steps` instructions after every `between`.

    Args:
      session: the process; it runs as it would without.  Code that it makes for itself is
        not watched.
      monitor: calibrated.
      stretches: at most so many.
      steps: instructions of a stretch.
      between: instructions that run unwatched.
      fault: a fault of `ncpu.jepa.faults.FAULTS` that the monitor is shown once; the run
        itself is not harmed.
      at: in which stretch.
      seed: which instruction, and how.

    Yields:
      Each stretch as it has been scored.

    Raises:
      TraceError: a fault that nothing in that stretch can suffer.
    """
    rng = np.random.default_rng(seed)
    executed = 0
    program = padded(Program.from_state(session.state))
    for number in range(stretches):
        if number:
            executed += session.run(between).retired
        if int(session.state.status) not in (Status.RUNNING, Status.OUT_OF_FUEL):
            return
        ticks: Transition = jax.device_get(trace(program, session.state, steps))
        if not ticks.valid.any():
            continue
        # Filled up with repetitions, so that one size is compiled.
        count = int(ticks.valid.sum())
        seen = take(ticks, np.resize(np.flatnonzero(ticks.valid), steps))
        shown, faulty = _tampered(seen, count, fault, rng) if number == at else (clean(seen), None)
        yield Stretch(
            executed=executed,
            scores=monitor.score(shown)[:count],
            pcs=word.from_limbs(np.asarray(seen.before.words)[:count, PC]),
            words=np.asarray(field(seen.packed, "word"))[:count],
            faulty=faulty,
        )


def _tampered(
    seen: Transition, count: int, fault: str | None, rng: np.random.Generator
) -> tuple[Observed, int | None]:
    """The transitions, one of the first `count` with a fault that it can suffer."""
    shown = clean(seen)
    if fault is None:
        return shown, None
    made = inject(fault, seen, rng)
    able = np.flatnonzero(made.index < count)
    if not len(able):
        raise TraceError(f"no instruction of this stretch can suffer the fault {fault!r}")
    chosen = rng.choice(able)
    after, index = np.array(shown.after.words), int(made.index[chosen])
    after[index] = np.asarray(made.after.words)[chosen]
    return replace(shown, after=View(words=after)), index
