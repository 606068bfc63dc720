"""Subsets of instruction forms: against exhaustive search on small menus, and known programs."""

from __future__ import annotations

from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.synth.isa_discovery import (
    Solver,
    collect,
    gradient,
    greedy,
    relaxed_loss,
    solved_by,
)
from ncpu.synth.isa_discovery.problems import PROBLEMS
from ncpu.synth.optimize.forms import form

MENU = ("add {d}, {a}, {b}", "sub {d}, {a}, {b}", "neg {d}, {a}", "mvn {d}, {a}",
        "and {d}, {a}, {b}", "bic {d}, {a}, {b}")  # fmt: skip
NAMES = ("sum", "negative", "difference", "x without y", "complement")


@pytest.fixture(scope="module")
def solver() -> Solver:
    """Five problems, seven forms, short programs."""
    problems = [p for p in PROBLEMS if p.name in NAMES]
    return Solver(MENU, problems, longest=3, work=2e4)


def test_subsets_are_as_small_as_exhaustive_search_finds(solver: Solver) -> None:
    """No smaller subset solves all; both ways give one that does, and the gradient a least one."""
    every = len(solver.problems)
    assert len(solved_by(solver, frozenset(range(len(MENU))))) == every

    def least() -> int:
        for size in range(len(MENU) + 1):
            for subset in combinations(range(len(MENU)), size):
                if all(solver.programs(p, subset) for p in range(every)):
                    return size
        raise AssertionError("the whole menu solves all")

    removed = greedy(solver)
    trained = gradient(solver, jax.random.key(3), restarts=16, steps=400)
    assert len(solved_by(solver, removed.forms)) == removed.solved == every
    assert trained.solved == every
    best = least()
    assert len(trained.forms) == best <= len(removed.forms)


def test_solutions_use_only_what_they_may(solver: Solver) -> None:
    """With no way to complement, nothing is solved that needs it."""
    sums = solver.programs(0, {0}, every=True)
    assert sums == [frozenset({0})]
    assert solver.programs(0, {4, 5}) == []
    assert all(s <= {1, 2} for p in range(5) for s in solver.programs(p, {1, 2}, every=True))


def test_known_programs_are_minimal(solver: Solver) -> None:
    """None of a problem's form sets contains another of them."""
    for sets in collect(solver, jax.random.key(0), samples=3):
        assert sets
        assert not any(a < b for a in sets for b in sets)


def test_relaxed_loss_is_the_noisy_or() -> None:
    """By hand: one problem by {0} or {1, 2}, one by {1}; and its gradient by differences."""
    uses = jnp.array([[1, 0, 0], [0, 1, 1], [0, 1, 0]], bool)
    owner = jnp.array([0, 0, 1])
    gates = jnp.array([0.3, 0.6, 0.9])
    expected = -np.log(1 - 0.7 * (1 - 0.54)) - np.log(0.6)
    assert np.isclose(relaxed_loss(gates, uses, owner, 2), expected, atol=1e-5)
    slope = jax.grad(relaxed_loss)(gates, uses, owner, 2)
    for k in range(3):
        step = np.eye(3)[k] * 1e-2
        there, back = (relaxed_loss(gates + s, uses, owner, 2) for s in (step, -step))
        assert np.isclose(slope[k], (there - back) / 2e-2, atol=2e-3)


def test_every_form_of_the_menu_exists() -> None:
    """The default menu is made of instructions; a line that is none is refused."""
    assert all(f.packed.shape == (8,) for f in Solver().forms)
    assert form("add {d}, {a}, #5000") is None
    with pytest.raises(ValueError, match="no form"):
        Solver(("nand {d}, {a}, {b}",))


def test_problems_are_distinct_functions() -> None:
    """No two problems of one arity agree on all of a few words."""
    words = [0, 1, 2, 5, 2**63 - 1, 2**63, 2**64 - 1, 0x123456789ABCDEF0]
    for a, b in combinations(PROBLEMS, 2):
        if a.arity != b.arity:
            continue
        rows = [(w, words[(3 * k + 1) % 8], words[(5 * k + 2) % 8]) for k, w in enumerate(words)]
        results = [[p.function(*r[: p.arity]) % 2**64 for r in rows] for p in (a, b)]
        assert results[0] != results[1], f"{a.name} and {b.name}"
