"""Jobs for the scheduler: how long programs run, and what their beginnings look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ncpu.jepa.programs import LANE, Traced, compile_c
from ncpu.jepa.scheduling import Job, describe
from ncpu.jepa.study import folder
from ncpu.jepa.transition import take
from ncpu.machine import corpus
from ncpu.machine.run import run
from ncpu.machine.word import from_limbs

_WINDOW = 64  # ticks of an assembly program's stretch
_LIMIT = 2_000_000  # instructions after which a program is taken to end


def jobs(programs: Iterable[Traced], report: Callable[[str], None]) -> list[Job]:
    """A job for each traced program of the repository that ends by itself.

    Args:
      programs: as `Study` has them; `NAME.c` are compiled, others are of the corpus.
      report: told of each program that is left out.
    """
    found = []
    for program in programs:
        job = _compiled(program) if program.name.endswith(".c") else _assembled(program)
        if job is None:
            report(f"without {program.name}: it runs for more than {_LIMIT:,} instructions")
        else:
            found.append(job)
    return found


def _assembled(program: Traced) -> Job | None:
    """A program of the corpus, seen in consecutive stretches from its start."""
    path = next(p for p in (folder() / "corpus").glob(f"{program.name}.*"))
    code, state = corpus.program(corpus.case(path))
    total = int(from_limbs(np.asarray(run(code, state, _LIMIT).retired)))
    if total >= _LIMIT:
        return None
    ticks = take(program.ticks, 0)
    starts = range(0, min(total, len(ticks.valid)) - _WINDOW + 1, _WINDOW)
    rows = [describe(take(ticks, np.s_[k : k + _WINDOW]), k + _WINDOW) for k in starts]
    marks = np.array([k + _WINDOW for k in starts], np.int64)
    return Job(program.name, total, marks, np.array(rows))


def _compiled(program: Traced) -> Job | None:
    """A C program, seen in the windows of its trace, which lie further and further apart."""
    from ncpu.machine.linux.launch import Session

    session = Session(compile_c(folder() / program.name), [program.name], memory_size=LANE)
    total = session.run(_LIMIT).retired
    if total >= _LIMIT:
        return None
    steps = program.ticks.valid.shape[1]
    starts = np.cumsum([500 << k for k in range(len(program.ticks.valid))])
    windows = [take(program.ticks, k) for k in range(len(starts))]
    rows = [
        describe(window, int(start) + steps) for window, start in zip(windows, starts, strict=True)
    ]
    return Job(program.name, total, starts + steps, np.array(rows))
