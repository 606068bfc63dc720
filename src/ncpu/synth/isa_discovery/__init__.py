"""The smallest set of instruction forms that still solves a suite of problems.

Two ways to it.  `greedy` takes forms away, one after the other, as long as a search with what
is left solves every problem.  `gradient` gives each form a gate g in (0, 1), the probability
that the set has it, and minimises

    sum over problems of -log P(solved)  +  penalty * sum of g

where P(solved) = 1 - prod over known programs of (1 - prod of the gates of the program's
forms): the chance that at least one known program has all its forms, programs taken as
independent.  Programs are known from searches with the whole menu and with random parts of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ncpu.synth.isa_discovery.solve import Solver, Subset

__all__ = ["Discovery", "Solver", "collect", "gradient", "greedy", "relaxed_loss", "solved_by"]

RESTARTS = 64
STEPS = 1500
RATE = 0.05
SAMPLES = 10  # random parts of the menu
SHARE = 0.6  # of the forms in each


@dataclass(frozen=True)
class Discovery:
    """A subset of forms.

    Attributes:
      method: how it was found.
      forms: indices into the solver's forms.
      solved: problems that a search with these forms alone solves.
      seconds: to find it.
      searches: made on the way.
    """

    method: str
    forms: Subset
    solved: int
    seconds: float
    searches: int


def solved_by(solver: Solver, subset: Subset) -> list[int]:
    """The problems that searches with these forms solve."""
    return [p for p in range(len(solver.problems)) if solver.programs(p, subset)]


def greedy(
    solver: Solver, order: np.ndarray | None = None, start: Subset | None = None
) -> Discovery:
    """Take forms away as long as every problem solved at the start stays solved.

    Args:
      solver: the problems and forms.
      order: in which forms are tried; the last first when None.
      start: forms to begin with; all when None.
    """
    began, before = time.perf_counter(), solver.searches
    kept = set(range(len(solver.forms)) if start is None else start)
    uses = {p: solver.programs(p, kept) for p in range(len(solver.problems))}
    uses = {p: found[0] for p, found in uses.items() if found}
    for f in range(len(solver.forms))[::-1] if order is None else order.tolist():
        if f not in kept:
            continue
        again = {}
        for p in [p for p, used in uses.items() if f in used]:
            found = solver.programs(p, kept - {f})
            if not found:
                break
            again[p] = found[0]
        else:
            kept.remove(f)
            uses.update(again)
    spent = time.perf_counter() - began
    return Discovery("greedy", frozenset(kept), len(uses), spent, solver.searches - before)


def collect(solver: Solver, key: jax.Array, samples: int = SAMPLES) -> list[list[Subset]]:
    """For each problem the form sets of known programs, none containing another."""
    count = len(solver.forms)
    menus = [frozenset(range(count))]
    for sample in jax.random.split(key, samples):
        part = np.asarray(jax.random.uniform(sample, (count,))) < SHARE
        menus.append(frozenset(np.flatnonzero(part).tolist()))
    out = []
    for p in range(len(solver.problems)):
        known: set[Subset] = set()
        for menu in menus:
            known.update(solver.programs(p, menu, every=True))
        out.append([s for s in known if not any(other < s for other in known)])
    return out


def relaxed_loss(gates: jax.Array, uses: jax.Array, owner: jax.Array, problems: int) -> jax.Array:
    """Minus the log of the chance of each problem to be solved, added up.

    Args:
      gates: `f32[F]` in (0, 1).
      uses: `bool[S, F]`, the forms of each known program.
      owner: `i32[S]`, its problem.
      problems: how many problems have programs.
    """
    log_gates = jnp.log(jnp.clip(gates, 1e-6, 1.0))
    available = jnp.exp(jnp.where(uses, log_gates, 0.0).sum(-1))
    misses = jnp.log1p(-jnp.clip(available, 0.0, 1.0 - 1e-6))
    missed = jax.ops.segment_sum(misses, owner, problems)
    return -jnp.log(-jnp.expm1(jnp.minimum(missed, -1e-9))).sum()


def gradient(
    solver: Solver,
    key: jax.Array,
    *,
    known: list[list[Subset]] | None = None,
    penalty: float = 0.5,
    restarts: int = RESTARTS,
    steps: int = STEPS,
) -> Discovery:
    """Gates trained by Adam from many starts at once; those above one half are the set.

    Args:
      solver: the problems and forms.
      key: consumed.
      known: what `collect` gave; collected when None.
      penalty: of one form; it rises from 0 over the first half of the steps.
      restarts: trained together, in one `vmap`.
      steps: of each.
    """
    began, before = time.perf_counter(), solver.searches
    collecting, starting = jax.random.split(key)
    known = collect(solver, collecting) if known is None else known
    programs = [(p, s) for p, sets in enumerate(p for p in known if p) for s in sets]
    uses = np.zeros((len(programs), len(solver.forms)), bool)
    for row, (_, used) in zip(uses, programs, strict=True):
        row[list(used)] = True
    owner = np.array([p for p, _ in programs], np.int32)
    problems = sum(1 for p in known if p)
    gates = train_gates(starting, jnp.asarray(uses), jnp.asarray(owner), problems, penalty,
                        restarts, steps)  # fmt: skip
    hard = np.array(gates) > 0.5
    have = np.all(hard[:, None, :] | ~uses, axis=-1)  # [restarts, programs]
    done = np.stack([np.any(have[:, owner == p], axis=1) for p in range(problems)], 1).sum(1)
    # Most problems first, then fewest forms.
    ranked = zip((-done).tolist(), hard.sum(1).tolist(), range(restarts), strict=True)
    best = min(ranked)[2]
    subset = frozenset(np.flatnonzero(hard[best]).tolist())
    solved = len(solved_by(solver, subset))
    spent = time.perf_counter() - began
    return Discovery("gradient", subset, solved, spent, solver.searches - before)


def train_gates(
    key: jax.Array,
    uses: jax.Array,
    owner: jax.Array,
    problems: int,
    penalty: float,
    restarts: int,
    steps: int,
) -> jax.Array:
    """Gates `f32[restarts, F]` after training; see `gradient` and `relaxed_loss`."""
    optimizer = optax.adam(RATE)

    def loss(theta: jax.Array, weight: jax.Array) -> jax.Array:
        gates = jax.nn.sigmoid(theta)
        return relaxed_loss(gates, uses, owner, problems) + weight * gates.sum()

    def one(key: jax.Array) -> jax.Array:
        theta = 1.0 + jax.random.normal(key, uses.shape[1:])

        def step(carry: tuple, k: jax.Array) -> tuple[tuple, None]:
            theta, state = carry
            weight = penalty * jnp.minimum(2.0 * k / steps, 1.0)
            updates, state = optimizer.update(jax.grad(loss)(theta, weight), state)
            return (optax.apply_updates(theta, updates), state), None

        (theta, _), _ = jax.lax.scan(step, (theta, optimizer.init(theta)), jnp.arange(steps))
        return jax.nn.sigmoid(theta)

    return jax.jit(jax.vmap(one))(jax.random.split(key, restarts))
