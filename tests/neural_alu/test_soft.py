"""Soft bits: gradients against finite differences, and the hard results in the limit."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ncpu.neural_alu import checkpoint, ops
from ncpu.neural_alu.planes import Networks, from_word, soft_wires, to_word

WIDTH = 8
WARM = 3.0  # a temperature of about half of the smallest margin


@pytest.fixture(scope="module")
def networks() -> Networks:
    return checkpoint.load()


def bits(values: object, width: int = WIDTH) -> jax.Array:
    return from_word(jnp.asarray(values, jnp.uint32), width)


def operation(
    networks: Networks, name: str, temperature: float, through: bool = False
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    wires = soft_wires(networks, temperature, through)
    return jax.jit(lambda a, b: ops.apply(name, wires, a, b))


GRADIENTS = ["add", "sub", "mul", "and", "or", "xor", "bic", "lsl", "lsr", "asr", "ror"]


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_against_finite_differences(name: str, networks: Networks) -> None:
    """At random soft operands, along random directions in both of them at once."""
    rng = np.random.default_rng(7)
    count, step = 24, 2e-3
    a, b = (jnp.asarray(rng.uniform(0.05, 0.95, (WIDTH, count)), jnp.float32) for _ in range(2))
    da, db = (jnp.asarray(rng.choice([-1.0, 1.0], (WIDTH, count)), jnp.float32) for _ in range(2))
    weights = jnp.asarray(rng.normal(size=(WIDTH, 1)), jnp.float32)
    apply = operation(networks, name, WARM)

    def score(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.sum(weights * apply(a, b), axis=0)

    grads = jax.grad(lambda a, b: jnp.sum(score(a, b)), argnums=(0, 1))(a, b)
    along = jnp.sum(grads[0] * da + grads[1] * db, axis=0)
    difference = (score(a + step * da, b + step * db) - score(a - step * da, b - step * db)) / (
        2 * step
    )
    # Not along a direction that crosses a kink of a rectified unit: the median, and most.
    error = np.abs(np.asarray(along - difference)) / (0.02 + np.abs(np.asarray(difference)))
    assert np.median(error) < 0.01 and np.mean(error < 0.05) > 0.8, np.sort(error)
    assert np.any(np.abs(along) > 1e-3)


@pytest.mark.parametrize("name", ["add", "mul", "xor", "lsr", "udiv"])
def test_straight_through_is_hard_forwards(name: str, networks: Networks) -> None:
    rng = np.random.default_rng(8)
    a, b = (bits(rng.integers(0, 256, 200)) for _ in range(2))
    hard = operation(networks, name, 0.0)(a, b)
    through = operation(networks, name, 1.0, through=True)
    np.testing.assert_array_equal(through(a, b), hard)
    grad = jax.grad(lambda a: jnp.sum(through(a, b)))(a)
    assert np.isfinite(grad).all() and np.any(np.asarray(grad) != 0)


@pytest.mark.parametrize("name", ["add", "cmp", "mul", "xor", "ror", "sdiv"])
def test_temperature_zero_is_exact_arithmetic(name: str, networks: Networks) -> None:
    a, b = np.divmod(np.arange(1 << 16), 256)
    wires = soft_wires(networks, 0.0)
    result = jax.jit(lambda a, b: to_word(ops.apply(name, wires, a, b), jnp.uint32))
    got = np.asarray(result(bits(a), bits(b)))
    sign_a, sign_b = ((x ^ 128) - 128 for x in (a, b))
    total, n = a - b, b % 8
    exact = {
        "add": a + b & 255,
        "cmp": ((total & 255) >> 7 << 3)
        | (total == 0) << 2
        | (a >= b) << 1
        | (sign_a - sign_b != ((total & 255) ^ 128) - 128),
        "mul": a * b & 255,
        "xor": a ^ b,
        "ror": (a >> n | a << 8 - n) & 255,
        "sdiv": np.where(b == 0, 0, np.trunc(sign_a / np.where(b == 0, 1, sign_b))).astype(int)
        & 255,
    }
    np.testing.assert_array_equal(got, exact[name])


@pytest.mark.parametrize("name", ["add", "mul", "lsl", "udiv"])
def test_cooling_approaches_the_hard_result(name: str, networks: Networks) -> None:
    rng = np.random.default_rng(9)
    a, b = (bits(rng.integers(0, 256, 100)) for _ in range(2))
    hard = operation(networks, name, 0.0)(a, b)
    errors = [
        float(jnp.max(jnp.abs(operation(networks, name, t)(a, b) - hard)))
        for t in (2.0, 1.0, 0.5, 0.25)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3, errors


def test_soft_bits_are_probabilities(networks: Networks) -> None:
    """Between 0 and 1, and about 1/2 for a sum with a bit of which nothing is known."""
    a, b = bits(0).at[3].set(0.5), bits(4)
    total = operation(networks, "add", 1.0)(a, b)
    assert float(total.min()) >= 0 and float(total.max()) <= 1
    hard = np.asarray(operation(networks, "add", 0.0)(bits(0), b))
    others = np.delete(np.arange(WIDTH), [3, 4, 5, 6, 7])
    np.testing.assert_allclose(np.asarray(total)[others], hard[others], atol=0.02)


@pytest.mark.parametrize(("name", "known", "target"), [("add", 77, 200), ("sub", 201, 45)])
def test_descent_finds_the_operand(name: str, known: int, target: int, networks: Networks) -> None:
    """x with `known op x = target`, by gradients through the carries: one x of 256 will do."""
    starts = 64
    wanted, apply = bits(target)[:, None], operation(networks, name, 1.0)
    given = jnp.broadcast_to(bits(known)[:, None], (WIDTH, starts))
    optimizer = optax.adam(0.3)

    def losses(logits: jax.Array) -> jax.Array:
        result = jnp.clip(apply(given, jax.nn.sigmoid(logits)), 1e-6, 1 - 1e-6)
        return -jnp.sum(wanted * jnp.log(result) + (1 - wanted) * jnp.log(1 - result), axis=0)

    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        logits, state = carry
        grads = jax.grad(lambda x: jnp.sum(losses(x)))(logits)
        updates, state = optimizer.update(grads, state)
        return (optax.apply_updates(logits, updates), state), None

    start = jax.random.normal(jax.random.key(0), (WIDTH, starts))
    (logits, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), length=300)
    found = np.asarray(to_word(jax.nn.sigmoid(logits), jnp.uint32))
    right = (target - known if name == "add" else known - target) % 256
    # By chance one start in 256 would be right.
    assert np.mean(found == right) > 0.1
    best = found[int(jnp.argmin(losses(logits)))]
    result = operation(networks, name, 0.0)(bits(known), bits(best))
    assert best == right and int(to_word(result, jnp.uint32)) == target
