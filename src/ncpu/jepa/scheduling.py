"""`PredictiveScheduler`: who runs next, by the work that early behaviour says is left.

Processes of one machine share it, a quantum of instructions at a time.  What is predicted is
the logarithm of the instructions still to come, by ridge regression from what a stretch of
the trace looks like; what is known without prediction (instructions so far) is among it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ncpu.jepa.errors import TraceError
from ncpu.jepa.transition import Transition
from ncpu.jepa.view import PC
from ncpu.machine import word
from ncpu.machine.instr import Unit, field

_LEVELS = 4  # queues of the multi-level feedback queue
_RIDGE = 3.0


@dataclass(frozen=True)
class Job:
    """A process to schedule.

    Attributes:
      name: of the program; sets are split by it.
      total: instructions until it ends.
      marks: instructions done when each stretch had been seen, ascending, `i64[m]`.
      features: what each stretch looked like, `f64[m, f]`.
    """

    name: str
    total: int
    marks: np.ndarray
    features: np.ndarray


def describe(stretch: Transition, executed: int) -> np.ndarray:
    """A stretch of ticks `[steps]` as `f64[f]`: what ran, how it loops, how long so far."""
    valid = np.asarray(stretch.valid)
    units = np.asarray(field(stretch.packed, "unit"))[valid]
    pcs = word.from_limbs(np.asarray(stretch.before.words)[valid, PC])
    after = word.from_limbs(np.asarray(stretch.written.pc)[valid])
    count = max(len(units), 1)
    shares = np.bincount(units, minlength=len(Unit)) / count
    _, visits = np.unique(pcs, return_counts=True)
    loops = [
        len(visits) / count,  # how much of it is new code
        visits.max(initial=0) / count,
        (after < pcs).sum() / count,  # jumps back
        np.log2(executed + 1),
        np.log2(count + 1),
    ]
    return np.concatenate([shares, loops])


class PredictiveScheduler:
    """Predicts the work that is left of a job."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Fitted on jobs whose end is known.

        Raises:
          TraceError: none of them was seen before its end.
        """
        rows = [
            (features, np.log2(job.total - mark + 1))
            for job in jobs
            for mark, features in zip(job.marks, job.features, strict=True)
            if mark < job.total
        ]
        if not rows:
            raise TraceError("no job was seen before its end: nothing to learn from")
        inputs = np.stack([x for x, _ in rows])
        target = np.array([y for _, y in rows])
        self.mean, self.scale = inputs.mean(0), inputs.std(0) + 1e-3
        known = (inputs - self.mean) / self.scale
        gram = known.T @ known + _RIDGE * np.eye(known.shape[1])
        self.offset = target.mean()
        self.weights = np.linalg.solve(gram, known.T @ (target - self.offset))

    def remaining(self, job: Job, executed: int) -> float:
        """Predicted instructions left of a job that has done `executed`.

        Before anything was seen of it, what jobs have left on average (geometric mean).
        """
        seen = int(np.searchsorted(job.marks, executed, side="right"))
        if not seen:
            return float(2**self.offset)
        known = (job.features[seen - 1] - self.mean) / self.scale
        return float(2 ** np.clip(self.offset + known @ self.weights, 0, 40))


Policy = Callable[[Sequence[Job], Sequence[int], int], np.ndarray]


def _by_priority(
    jobs: Sequence[Job],
    arrivals: Sequence[int],
    quantum: int,
    left: Callable[[Job, int], float],
) -> np.ndarray:
    """Least `left(job, executed)` first, looked at again after every quantum."""
    done = [0] * len(jobs)
    ends = np.zeros(len(jobs), np.int64)
    order = deque(sorted(range(len(jobs)), key=lambda k: arrivals[k]))
    ready: list[tuple[float, int]] = []
    now = 0
    while order or ready:
        if not ready:
            now = max(now, arrivals[order[0]])
        while order and arrivals[order[0]] <= now:
            k = order.popleft()
            heapq.heappush(ready, (left(jobs[k], 0), k))
        _, k = heapq.heappop(ready)
        slice_ = min(quantum, jobs[k].total - done[k])
        now, done[k] = now + slice_, done[k] + slice_
        if done[k] == jobs[k].total:
            ends[k] = now
        else:
            heapq.heappush(ready, (left(jobs[k], done[k]), k))
    return ends


def shortest_remaining(jobs: Sequence[Job], arrivals: Sequence[int], quantum: int) -> np.ndarray:
    """The optimum of the mean, which knows every length (SRPT)."""
    return _by_priority(jobs, arrivals, quantum, lambda job, done: job.total - done)


def predicted(scheduler: PredictiveScheduler) -> Policy:
    """Least predicted work first."""
    return lambda jobs, arrivals, quantum: _by_priority(
        jobs, arrivals, quantum, scheduler.remaining
    )


def feedback(jobs: Sequence[Job], arrivals: Sequence[int], quantum: int) -> np.ndarray:
    """A multi-level feedback queue: a job that uses its slice up sinks; slices double."""
    return _queues(jobs, arrivals, [quantum << k for k in range(_LEVELS)])


def round_robin(jobs: Sequence[Job], arrivals: Sequence[int], quantum: int) -> np.ndarray:
    """Everyone in turn."""
    return _queues(jobs, arrivals, [quantum])


def _queues(jobs: Sequence[Job], arrivals: Sequence[int], slices: list[int]) -> np.ndarray:
    done = [0] * len(jobs)
    ends = np.zeros(len(jobs), np.int64)
    order = deque(sorted(range(len(jobs)), key=lambda k: arrivals[k]))
    queues: list[deque[int]] = [deque() for _ in slices]
    now = 0
    while order or any(queues):
        if not any(queues):
            now = max(now, arrivals[order[0]])
        while order and arrivals[order[0]] <= now:
            queues[0].append(order.popleft())
        level = next(k for k, queue in enumerate(queues) if queue)
        k = queues[level].popleft()
        slice_ = min(slices[level], jobs[k].total - done[k])
        now, done[k] = now + slice_, done[k] + slice_
        while order and arrivals[order[0]] <= now:
            queues[0].append(order.popleft())
        if done[k] == jobs[k].total:
            ends[k] = now
        else:
            queues[min(level + 1, len(slices) - 1)].append(k)
    return ends


def compare(
    scheduler: PredictiveScheduler,
    jobs: Sequence[Job],
    *,
    quantum: int = 512,
    load: float = 0.9,
    rounds: int = 5,
    copies: int = 4,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Turnaround of every policy on the same arrivals.

    Args:
      scheduler: fitted on other programs.
      jobs: that arrive, each `copies` times a round, in random order.
      quantum: instructions of a slice.
      load: work that arrives over work that can be done.
      rounds: independent sequences of arrivals, averaged.
      copies: of each job in a round.
      seed: of the arrivals.

    Returns:
      For each policy: "mean" and "p99" turnaround in instructions, and "gap", how much of
      the way from round robin to the optimum of the mean it goes.
    """
    rng = np.random.default_rng(seed)
    policies: dict[str, Policy] = {
        "round robin": round_robin,
        "feedback queue": feedback,
        "predicted": predicted(scheduler),
        "shortest remaining": shortest_remaining,
    }
    found: dict[str, list] = {name: [] for name in policies}
    for _ in range(rounds):
        many = [jobs[k] for k in rng.permutation(np.repeat(np.arange(len(jobs)), copies))]
        mean = np.mean([job.total for job in many]) / load
        arrivals = np.cumsum(rng.exponential(mean, len(many))).astype(int).tolist()
        for name, policy in policies.items():
            taken = policy(many, arrivals, quantum) - np.array(arrivals)
            found[name].append((taken.mean(), np.quantile(taken, 0.99)))
    means = {name: np.mean(rows, axis=0) for name, rows in found.items()}
    worst, best = means["round robin"][0], means["shortest remaining"][0]
    return {
        name: {
            "mean": float(mean),
            "p99": float(tail),
            "gap": float((worst - mean) / max(worst - best, 1e-9)),
        }
        for name, (mean, tail) in means.items()
    }
