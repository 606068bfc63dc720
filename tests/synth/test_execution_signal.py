"""Losses over exact executions: against runs of the machine, by hand, and by differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ncpu.machine.asm import assemble
from ncpu.synth.execution_signal.language import INSTRUCTIONS, LENGTH, draw_inputs, execute_all
from ncpu.synth.execution_signal.model import Inducer, shown
from ncpu.synth.execution_signal.train import (
    ARMS,
    Problems,
    World,
    execution_loss,
    make_world,
    score,
    split_problems,
    train,
)
from ncpu.synth.optimize.machine import run_codes

SEED = 5
COUNT = len(INSTRUCTIONS)


@pytest.fixture(scope="module")
def world() -> World:
    """All programs on three sets of inputs."""
    return make_world(SEED, sets=3)


def test_tables_are_what_the_machine_does() -> None:
    """Random programs, assembled and run by `run_batch`, give the entries of the table."""
    rng = np.random.default_rng(SEED)
    inputs = draw_inputs(rng, 16)
    table = execute_all(inputs)
    assert table.shape == (COUNT**LENGTH, 16)
    chosen = rng.integers(0, COUNT, (40, LENGTH))
    codes = [assemble("\n".join(INSTRUCTIONS[k] for k in row)).words.tolist() for row in chosen]
    regs = np.zeros((16, 31), np.uint64)
    regs[:, :2] = inputs
    x, _ = run_codes(codes, regs, np.zeros(16, np.uint32))
    entries = chosen @ (COUNT ** np.arange(LENGTH)[::-1])
    np.testing.assert_array_equal(x[:, :, 0], table[entries])


def test_the_model_gives_a_distribution_over_programs(world: World) -> None:
    """Probabilities add up to one, and follow the chain of the head."""
    references = world.references.shape[1]
    model = Inducer(references, COUNT, LENGTH, 16, nnx.Rngs(0))
    given = shown(jnp.asarray(world.outputs[0][:5]), jnp.asarray(world.references[0]))
    log_p = model(given).reshape(5, *(COUNT,) * LENGTH)
    np.testing.assert_allclose(jnp.exp(log_p).sum((1, 2, 3)), 1.0, rtol=1e-4)
    # A Markov chain: what follows j does not depend on what came before it.
    later = jax.nn.log_softmax(log_p, axis=-1)
    np.testing.assert_allclose(later[:, 0], later[:, 7], atol=1e-4)


def test_losses_are_expectations_over_executions(world: World) -> None:
    """Against NumPy, with a few programs and a distribution that is not uniform."""
    rng = np.random.default_rng(SEED)
    programs = rng.choice(COUNT**LENGTH, 30, replace=False)
    outputs, alike = world.outputs[0][programs], world.alike[0][programs]
    p = rng.dirichlet(np.ones(30), 2)
    wanted = np.array([3, 11])
    log_p = jnp.log(jnp.asarray(p, jnp.float32))
    rest = (jnp.asarray(alike), jnp.asarray(outputs), jnp.asarray(wanted))
    match = execution_loss("match", log_p, *rest)
    error = execution_loss("error", log_p, *rest)
    right = np.stack([alike == alike[w] for w in wanted])
    assert np.isclose(match, -np.log((p * right).sum(1)).mean(), rtol=1e-4)
    low = (outputs[..., None] >> np.arange(16, dtype=np.uint32)) & 1
    wrong = np.stack([(low != low[w]).mean((1, 2)) for w in wanted])
    assert np.isclose(error, (p * wrong).sum(1).mean(), rtol=1e-4)


@pytest.mark.parametrize("kind", ["match", "error"])
def test_gradients_by_differences(world: World, kind: str) -> None:
    """The gradient by the logits is the slope of the loss."""
    rng = np.random.default_rng(SEED)
    programs = rng.choice(COUNT**LENGTH, 12, replace=False)
    rest = (
        jnp.asarray(world.alike[0][programs]),
        jnp.asarray(world.outputs[0][programs]),
        jnp.array([4]),
    )

    def loss(logits: jax.Array) -> jax.Array:
        return execution_loss(kind, jax.nn.log_softmax(logits)[None], *rest)

    logits = jnp.asarray(rng.normal(size=12), jnp.float32)
    slope = jax.grad(loss)(logits)
    for k in range(0, 12, 3):
        step = jnp.zeros(12).at[k].set(1e-2)
        assert np.isclose(slope[k], (loss(logits + step) - loss(logits - step)) / 2e-2, atol=2e-3)


def test_no_function_is_in_two_parts(world: World) -> None:
    """Training and held-out problems differ as functions, not only as programs."""
    parts = split_problems(world, SEED, 100, 50)
    sets = [set(world.function[x].tolist()) for x in
            (parts.labelled, parts.unlabelled, parts.held_out)]  # fmt: skip
    assert [len(s) for s in sets[::2]] == [100, 50]
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])


def test_training_learns_the_problems_it_sees(world: World) -> None:
    """A handful of problems is learned, and the score is that of exact execution."""
    parts = split_problems(world, SEED, 4, 2)
    few = Problems(parts.labelled, parts.unlabelled, parts.labelled)
    model, flops = train(world, few, ARMS[2], jax.random.key(SEED), 60)
    assert flops > 0
    assert score(world, model, few.held_out)["tries"] >= 0.75
