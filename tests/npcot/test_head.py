"""Heads: gradients against finite differences, temperature 0, and training to exact programs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ncpu.npcot.errors import HiddenStateError
from ncpu.npcot.execute import execute
from ncpu.npcot.head import (
    ArrayThoughtHead,
    Slots,
    check_hidden,
    most_likely,
    probabilities,
    program_weights,
    soft_execute,
)
from ncpu.npcot.program import ArrayProgram, all_programs
from ncpu.npcot.text import parse_program
from ncpu.npcot.train import Schedule, all_results, evidence, logits_of, new_heads, train

WIDTH = 8
X = np.array([3, -2, 5, 0, 1, 9], np.int32)
Y = np.array([1, -2, 4, 4, 1, 0], np.int32)


def _logits(seed: int = 0) -> tuple[ArrayThoughtHead, jax.Array]:
    head = ArrayThoughtHead(WIDTH, features=5, rngs=nnx.Rngs(seed))
    return head, jax.random.normal(jax.random.key(seed + 1), (WIDTH,))


def test_weights_are_a_distribution() -> None:
    head, hidden = _logits()
    w = program_weights(probabilities(head(hidden), 0.7))
    assert w.sum() == pytest.approx(1.0, abs=1e-5) and (w >= 0).all()


@pytest.mark.parametrize("length", [0, 1, 4, 6])
def test_temperature_zero_is_the_discrete_executor(length: int) -> None:
    run = jax.jit(lambda p, n: soft_execute(p, X, n, Y))
    for seed in range(16):
        head, hidden = _logits(seed)
        logits = head(hidden)
        small = jnp.where(jnp.arange(32) < 5, logits.offset, -jnp.abs(logits.offset) - 1)
        logits = Slots(**{**vars(logits), "offset": small})
        p = most_likely(logits)
        word = int(execute(p, X, length, Y))
        unit = 2.0**-16 if jax.device_get(p).choice.scaled else 1.0
        got = run(probabilities(logits, 0), length)
        if abs(word) < 2**31 - 1:
            assert got == np.float32(word * unit)
        else:  # an infinity counts as the clip, and the offset is added to that
            assert got == np.float32(np.sign(word) * 2.0**31 + int(p.offset) * unit)


def test_low_temperature_approaches_it() -> None:
    head, hidden = _logits(3)
    logits = head(hidden)
    hard = soft_execute(probabilities(logits, 0), X, 5, Y, clip=1000.0)
    gaps = [
        abs(soft_execute(probabilities(logits, t), X, 5, Y, clip=1000.0) - hard) for t in (1, 1e-4)
    ]
    assert gaps[1] <= 1e-2 * max(1.0, float(gaps[0]))


def test_gradients_are_finite_differences() -> None:
    """Through the head to the hidden state and to every logit, in double precision."""
    head, hidden = _logits(5)
    with jax.enable_x64(True):
        # Offset bits up to 2^31 would drown the rest; the low ones have the same formula.
        keep = jnp.where(jnp.arange(32) < 4, 1.0, 0.0)
        graph, state = nnx.split(head)
        wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), state)

        def value(h: jax.Array) -> jax.Array:
            p = probabilities(nnx.merge(graph, wide)(h), 0.8)
            p = Slots(**{**vars(p), "offset": p.offset * keep})
            return soft_execute(p, X, 5, Y, clip=100.0).astype(jnp.float64)

        h = hidden.astype(jnp.float64)
        got = jax.jit(jax.grad(value))(h)
        run, eps = jax.jit(value), 1e-2
        for i in range(WIDTH):
            step = jnp.zeros(WIDTH).at[i].set(eps)
            want = (run(h + step) - run(h - step)) / (2 * eps)  # the output itself is f32
            assert float(got[i]) == pytest.approx(float(want), rel=2e-2, abs=2e-3)
    assert np.abs(np.asarray(got)).max() > 1e-2


def test_straight_through_and_gumbel() -> None:
    head, hidden = _logits(1)
    logits = head(hidden)
    through = probabilities(logits, 0.5, straight_through=True)
    hard = probabilities(logits, 0)
    for name, value in vars(hard).items():
        np.testing.assert_allclose(getattr(through, name), value, atol=1e-6)
    slope = jax.grad(
        lambda t: probabilities(
            Slots(**{**vars(logits), "reduce": t}), 0.5, straight_through=True
        ).reduce[0]
    )(logits.reduce)
    soft = jax.grad(lambda t: jax.nn.softmax(t / 0.5)[0])(logits.reduce)
    np.testing.assert_allclose(slope, soft, rtol=1e-5)
    keys = jax.random.split(jax.random.key(2), 4000)
    draw = jax.vmap(lambda k: probabilities(logits, 0.5, gumbel=k, straight_through=True).reduce)(
        keys
    )
    np.testing.assert_allclose(draw.mean(0), jax.nn.softmax(logits.reduce), atol=0.04)


def test_bad_hidden_states() -> None:
    head, _ = _logits()
    with pytest.raises(HiddenStateError, match=r"accepted: \[\.\.\., 8\]"):
        head(jnp.ones(9))
    for bad in (np.ones(7), np.full(8, np.nan), np.full(8, -np.inf), np.array(["x"] * 8), 3.0):
        with pytest.raises(HiddenStateError):
            check_hidden(bad, WIDTH)


def _examples(programs: ArrayProgram, scaled: np.ndarray, seed: int):
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, (48, 6)).astype(np.int32)
    y = np.where(rng.random(x.shape) < 0.3, x, rng.integers(-9, 10, x.shape)).astype(np.int32)
    lengths = rng.integers(1, 7, 48)
    grid = jax.jit(jax.vmap(jax.vmap(execute, (None, 0, 0, 0)), (0, None, None, None)))
    target = grid(programs, x, lengths, y)
    return evidence(all_results(x, lengths, y), target, scaled), (x, lengths, y), target


def _tasks(texts: list[str]) -> tuple[ArrayProgram, np.ndarray]:
    programs = [parse_program(t) for t in texts]
    batch = jax.tree.map(lambda *leaves: np.stack(leaves), *programs)
    return batch, np.array([p.choice.scaled for p in programs])


TEXTS = ["sum(x*x) + 7", "max(|x| if x odd, init=0)", "sum(x if x>0)/len - 2.5", "sum(x*y) - 31"]


@pytest.mark.parametrize("stacked", [True, False])
def test_heads_learn_programs(stacked: bool) -> None:
    """Stacked heads one program each; a single head all of them, told apart by the hidden state."""
    programs, scaled = _tasks(TEXTS)
    seen, _, _ = _examples(programs, scaled, seed=0)
    _, (x, lengths, y), want = _examples(programs, scaled, seed=1)
    hidden = np.random.default_rng(2).normal(size=(len(TEXTS), 32))
    key = jax.random.key(0)
    head = new_heads(4, 32, key) if stacked else ArrayThoughtHead(32, rngs=nnx.Rngs(0))
    losses = train(head, hidden, [seen], Schedule(steps=200), stacked=stacked)
    assert losses[-1] < losses[0]
    logits = logits_of(head, jnp.asarray(hidden, jnp.float32), stacked=stacked)
    found = jax.device_get(most_likely(logits))
    got = jax.vmap(jax.vmap(execute, (None, 0, 0, 0)), (0, None, None, None))(found, x, lengths, y)
    np.testing.assert_array_equal(got, want)


def test_evidence_finds_program_and_offset() -> None:
    programs, scaled = _tasks(TEXTS)
    seen, _, _ = _examples(programs, scaled, seed=4)
    space = all_programs()
    for t in range(len(TEXTS)):
        fields = [int(getattr(programs, s)[t]) for s in vars(programs) if s != "offset"]
        shape = tuple(len(np.unique(getattr(space, s))) for s in vars(programs) if s != "offset")
        i = np.ravel_multi_index(fields, shape)
        assert seen.misfit[t, i] == 0 and seen.offset[t, i] == programs.offset[t]
