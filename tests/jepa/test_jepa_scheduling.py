"""Policies against brute force and known cases; prediction on jobs that tell their length."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ncpu.jepa.errors import TraceError
from ncpu.jepa.scheduling import (
    Job,
    PredictiveScheduler,
    compare,
    feedback,
    predicted,
    round_robin,
    shortest_remaining,
)

POLICIES = (round_robin, feedback, shortest_remaining)


def job(total: int, hint: float = 0.0) -> Job:
    return Job(f"j{total}", total, np.array([8]), np.array([[hint, 1.0]]))


def test_everyone_is_done_and_no_one_before_the_work_is(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    jobs = [job(int(n)) for n in rng.integers(1, 500, 30)]
    arrivals = np.sort(rng.integers(0, 3000, 30)).tolist()
    for policy in POLICIES:
        ends = policy(jobs, arrivals, 16)
        assert (ends - np.array(arrivals) >= [j.total for j in jobs]).all()
        assert len(set(ends.tolist())) == 30 and ends.max() >= sum(j.total for j in jobs)


def test_the_optimum_of_jobs_that_are_all_there_is_the_best_order() -> None:
    jobs = [job(n) for n in (70, 10, 40, 20)]
    orders = itertools.permutations([j.total for j in jobs])
    best = min(np.cumsum(order).mean() for order in orders)
    assert shortest_remaining(jobs, [0] * 4, 10).mean() == best


def test_round_robin_by_hand() -> None:
    assert round_robin([job(3), job(5)], [0, 0], 2).tolist() == [5, 8]


def test_a_telling_hint_closes_most_of_the_gap() -> None:
    rng = np.random.default_rng(1)
    lengths = np.exp(rng.uniform(3, 9, 120)).astype(int) + 10
    jobs = [job(int(n), float(np.log2(n))) for n in lengths]
    scheduler = PredictiveScheduler(jobs[:60])
    found = compare(scheduler, jobs[60:], quantum=8, rounds=2, copies=1)
    assert found["shortest remaining"]["gap"] == pytest.approx(1.0)
    assert found["round robin"]["gap"] == 0.0
    assert found["predicted"]["gap"] > 0.7
    assert len(predicted(scheduler)(jobs[:3], [0, 0, 0], 8)) == 3


def test_nothing_to_learn_from() -> None:
    with pytest.raises(TraceError, match="nothing to learn"):
        PredictiveScheduler([job(8)])
