"""Adversarial hidden states: what a search reaches, and that only verified programs run."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.npcot.collide import collide, margin
from ncpu.npcot.domain import Domain
from ncpu.npcot.execute import execute
from ncpu.npcot.library import ProgramLibrary, empty_library, insert
from ncpu.npcot.program import ArrayProgram
from ncpu.npcot.retrieval import Lookup, consult

DOMAIN = Domain(-100, 100, 8, 1)
WIDTH, SLOTS, LENGTH = 16, 24, 10
POISON = 1_000_000_000
"""Offset of the programs that nobody verified: no verified one comes near it on the domain."""


@pytest.fixture(scope="module")
def library() -> ProgramLibrary:
    """Every third program is not verified; the last slots are empty."""
    rng = np.random.default_rng(8)
    library = empty_library(SLOTS + 4, WIDTH, DOMAIN)
    for slot in range(SLOTS):
        good = slot % 3 != 0
        program = ArrayProgram.of("sum", "x*x", offset=slot if good else POISON + slot)
        library, _ = insert(library, rng.normal(size=WIDTH), program, verified=good)
    return library


def starts(library, count, seed):
    """States at keys, near them, and anywhere; the slots that an attacker wants instead."""
    rng = np.random.default_rng(seed)
    keys = np.asarray(library.keys)[rng.integers(SLOTS, size=count)]
    spread = rng.choice([0.0, 0.3, 3.0], (count, 1)) / np.sqrt(WIDTH)
    hidden = (keys + spread * rng.normal(size=keys.shape)) * rng.uniform(0.1, 50, (count, 1))
    return hidden.astype(np.float32), rng.integers(SLOTS, size=count).astype(np.int32)


def test_the_margin_is_what_consult_decides(library):
    hidden, target = starts(library, 2000, 1)
    hidden[::2] = np.asarray(library.keys)[target[::2]]
    inside = np.asarray(jax.vmap(margin, (None, 0, 0))(library, hidden, target)) > 0
    x, n = np.zeros((2000, 1), np.int32), np.ones(2000, np.int32)
    answer = consult(library, hidden, x, n)
    accepted = np.isin(answer.status, (Lookup.HIT, Lookup.UNVERIFIED))
    np.testing.assert_array_equal(inside, accepted & (np.asarray(answer.slot) == target))


def test_the_search_stays_in_its_budget_and_finds_what_is_in_reach(library):
    hidden, target = starts(library, 400, 2)
    length = np.linalg.norm(hidden, axis=1)
    for budget in (0.0, 0.2, 2.5):
        found = np.asarray(collide(library, hidden, target, budget))
        moved = np.linalg.norm(found - hidden, axis=1)
        assert np.all(moved <= (budget + 1e-5) * length)
    # Two and a half lengths are enough to turn any state onto any key.
    x, n = np.zeros((400, 1), np.int32), np.ones(400, np.int32)
    answer = consult(library, found, x, n)
    assert np.mean(np.asarray(answer.slot) == target) > 0.95
    assert np.mean(np.isin(answer.status, (Lookup.HIT, Lookup.UNVERIFIED))) > 0.95


def test_nothing_unverified_is_executed_under_10000_adversarial_keys(library):
    """Searched collisions with all kinds of slots, unusable states, arrays outside the domain."""
    rng = np.random.default_rng(3)
    parts = []
    for seed, budget in enumerate((0.3, 0.8, 1.5, 2.5)):
        hidden, target = starts(library, 2250, seed + 10)
        target = np.where(rng.random(2250) < 0.6, target // 3 * 3, target)  # mostly unverified ones
        parts.append(np.asarray(collide(library, hidden, target, budget)))
    odd = np.asarray(library.keys)[rng.integers(SLOTS + 4, size=1000)]  # zeros among them
    odd[::3, rng.integers(WIDTH)] = np.nan
    odd[1::3] *= np.float32(3e38)
    hidden = np.concatenate([*parts, odd])
    count = len(hidden)
    assert count == 10_000
    x = rng.integers(-100, 101, (count, LENGTH), np.int32)
    x[::11, 0] = rng.choice([-(2**31), -101, 101, 2**31 - 1], len(x[::11]))
    length = rng.integers(1, 9, count).astype(np.int32)
    length[::7] = rng.choice([-5, 0, 9, 10, 2**31 - 1], len(length[::7]))
    answer = jax.tree.map(np.asarray, consult(library, hidden, x, length))

    hit = answer.status == Lookup.HIT
    verified = np.asarray(library.verified)
    low, high = (
        x.min(1, where=np.arange(LENGTH) < length[:, None], initial=0),
        x.max(1, where=np.arange(LENGTH) < length[:, None], initial=0),
    )
    inside = (length >= 1) & (length <= 8) & (low >= -100) & (high <= 100)
    assert np.all(verified[answer.slot[hit]]) and np.all(inside[hit])
    assert np.all(answer.value[~hit] == 0) and np.all(answer.value < POISON)
    programs = jax.tree.map(lambda leaf: leaf[answer.slot], library.programs)
    want = np.asarray(jax.jit(jax.vmap(execute))(programs, x, length, np.zeros_like(x)))
    np.testing.assert_array_equal(answer.value[hit], want[hit])
    counts = {v.name: int(np.sum(answer.status == v)) for v in Lookup}
    assert min(counts.values()) > 50, counts  # the attack reached every way to end
    assert counts["UNVERIFIED"] > 1000, counts


def test_a_forged_flag_is_needed_to_run_the_poison(library):
    """The control: with the flags set by hand the same states do run it, so the flag is why."""
    hidden, target = starts(library, 300, 4)
    found = collide(library, hidden, jnp.asarray(target // 3 * 3), 2.5)
    x, n = np.ones((300, 8), np.int32), np.full(300, 8, np.int32)
    forged = replace(library, verified=library.occupied)
    assert np.sum(np.asarray(consult(forged, found, x, n).value) > POISON) > 200
    assert np.sum(np.asarray(consult(library, found, x, n).value) > POISON) == 0
