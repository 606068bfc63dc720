"""The neural arithmetic baselines against their papers' formulas, restated in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.flatten_util import ravel_pytree

from ncpu.neural_alu.baselines import (
    MLP,
    NAC,
    NALU,
    NAU,
    NMU,
    OPERATIONS,
    Budget,
    Linear,
    MultiplicativeNAC,
    Task,
    display,
    operands,
    subset_sums,
    table,
)
from ncpu.neural_alu.baselines.benchmark import LEAST_SQUARES, wilson
from ncpu.neural_alu.baselines.modules import Network, Unit, nac_range
from ncpu.neural_alu.baselines.tasks import TaskError, exact_match
from ncpu.neural_alu.baselines.training import ADDITION, MULTIPLICATION, build, train

Arrays = dict[str, np.ndarray]
INPUTS, OUTPUTS = 5, 3


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def nac_weights(p: Arrays) -> np.ndarray:
    return np.tanh(p["w"]) * sigmoid(p["m"])


def log_path(p: Arrays, x: np.ndarray) -> np.ndarray:
    return np.exp(np.log(np.abs(x) + 1e-7) @ nac_weights(p).T)


def nalu(p: Arrays, x: np.ndarray) -> np.ndarray:
    g = sigmoid(x @ p["gate"].T)
    return g * (x @ nac_weights(p).T) + (1 - g) * log_path(p, x)


def nmu(p: Arrays, x: np.ndarray) -> np.ndarray:
    w = np.clip(p["w"], 0, 1)
    rows = [[np.prod([w[o, i] * z[i] + 1 - w[o, i] for i in range(INPUTS)]) for o in range(OUTPUTS)]
            for z in x]  # fmt: skip
    return np.array(rows)


FORMULAS: dict[type[Unit], Callable[[Arrays, np.ndarray], np.ndarray]] = {
    NAC: lambda p, x: x @ nac_weights(p).T,
    MultiplicativeNAC: log_path,
    NALU: nalu,
    NAU: lambda p, x: x @ np.clip(p["w"], -1, 1).T,
    NMU: nmu,
    Linear: lambda p, x: x @ p["w"].T,
}
SAMPLES = np.random.default_rng(1).normal(size=(7, INPUTS)) * 3


def made(unit: type[Unit], seed: int = 0) -> Unit:
    """A unit, with some weights outside the permitted range."""
    module = unit(INPUTS, OUTPUTS, rngs=nnx.Rngs(seed))
    if isinstance(module, NAU | NMU):
        module.w[...] = 2 * module.w[...] - 0.3
    return module


@pytest.mark.parametrize("unit", FORMULAS)
def test_formula(unit: type[Unit]) -> None:
    module = made(unit)
    params = {k: np.asarray(v, np.float64) for k, v in nnx.to_pure_dict(nnx.state(module)).items()}
    expected = FORMULAS[unit](params, SAMPLES)
    with jax.enable_x64(True):
        found = np.asarray(module(jnp.asarray(SAMPLES)))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    found = np.asarray(module(jnp.asarray(SAMPLES, jnp.float32)))
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("unit", [*FORMULAS, MLP])
def test_gradients_against_finite_differences(unit: type[Unit]) -> None:
    graph, params = nnx.split(unit(INPUTS, OUTPUTS, rngs=nnx.Rngs(3)))
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
        x = jnp.asarray(SAMPLES)

        def loss(params: nnx.State) -> jax.Array:
            module = nnx.merge(graph, params)
            return jnp.mean(jnp.sin(module(x))) + module.regularizer()

        flat, restore = ravel_pytree(params)
        moved = 1e-6 * jnp.eye(flat.size)

        @jax.jit
        def differences(flat: jax.Array) -> tuple[jax.Array, jax.Array]:
            def at(flat: jax.Array) -> jax.Array:
                return loss(restore(flat))

            sides = jax.vmap(at)(flat + moved), jax.vmap(at)(flat - moved)
            return jax.grad(at)(flat), (sides[0] - sides[1]) / 2e-6

        exact, numeric = map(np.asarray, differences(flat))
    assert np.isfinite(exact).all()
    np.testing.assert_allclose(exact, numeric, atol=1e-6, rtol=1e-4)


def test_gradient_is_whole_on_the_bounds() -> None:
    unit = NAU(2, 1, rngs=nnx.Rngs(0))
    unit.w[...] = jnp.array([[1.0, -1.0]])
    gradient = nnx.grad(lambda u: u(jnp.array([3.0, 5.0]))[0])(unit)
    np.testing.assert_array_equal(np.asarray(jax.tree.leaves(gradient)[0]), [[3.0, 5.0]])


def test_regularizers_and_projection() -> None:
    nau, nmu_ = NAU(4, 1, rngs=nnx.Rngs(0)), NMU(4, 1, rngs=nnx.Rngs(0))
    nau.w[...] = jnp.array([[-1.5, -0.75, 0.25, 1.0]])
    nmu_.w[...] = jnp.array([[-0.5, 0.75, 0.25, 1.25]])
    assert float(nau.regularizer()) == pytest.approx((0 + 0.25 + 0.25 + 0) / 4)
    assert float(nmu_.regularizer()) == pytest.approx((0 + 0.25 + 0.25 + 0) / 4)
    nau.project()
    nmu_.project()
    assert np.asarray(nau.w[...]).tolist() == [[-1.0, -0.75, 0.25, 1.0]]
    assert np.asarray(nmu_.w[...]).tolist() == [[0.0, 0.75, 0.25, 1.0]]
    assert float(Network([nau, nmu_]).sparsity_error()) == 0.25
    schedule = [float(MULTIPLICATION.at(jnp.asarray(f))) for f in (0.0, 0.2, 0.3, 0.4, 1.0)]
    np.testing.assert_allclose(schedule, [0, 0, 5, 10, 10], rtol=1e-5, atol=1e-5)
    assert float(ADDITION.at(jnp.asarray(1.0))) == pytest.approx(0.01)


@pytest.mark.parametrize(("inputs", "outputs"), [(100, 2), (10, 10), (3, 2)])
def test_nac_starts_with_glorots_variance(inputs: int, outputs: int) -> None:
    r = nac_range(inputs, outputs)
    u, v = np.random.default_rng(2).uniform(-r, r, (2, 400_000))
    variance = np.var(np.tanh(u) * sigmoid(v))
    assert variance == pytest.approx(2 / (inputs + outputs), rel=0.02)


def perfect(task: Task, subsets: jax.Array) -> Network:
    """The NAU/NMU network at the exact solution."""
    network = build("NAU/NMU", task, nnx.Rngs(0))
    result = {"add": [[1, 1]], "sub": [[1, -1]], "mul": [[1, 1]]}[task.operation]
    exact = [subsets, jnp.array(result, jnp.float32)]
    for layer, w in zip(network.layers, exact[-len(network.layers) :], strict=True):
        assert isinstance(layer, NAU | NMU)
        layer.w[...] = w
    return network


@pytest.mark.parametrize("operation", ["add", "sub", "mul"])
@pytest.mark.parametrize("make", [subset_sums, operands])
def test_perfect_solution_has_no_extrapolation_error(
    make: Callable[[str], Task], operation: str
) -> None:
    task = make(operation)
    subsets = task.subsets(jax.random.key(5))
    network = perfect(task, subsets)
    x = task.draw(jax.random.key(6), 1000, task.extrapolation)
    np.testing.assert_array_equal(np.asarray(network(x)), np.asarray(task.target(x, subsets)))
    assert float(network.sparsity_error()) == 0 == float(network.regularizer())
    if not task.grid:
        return

    def predict(x: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(network(jnp.asarray(x)))

    rates = [exact_match(predict, operation, bits) for bits in (8, 16, 32)]
    # A 64-bit product has more digits than float64; nothing else is lost.
    assert rates[:2] == [1.0, 1.0]
    assert rates[2] < 0.1 if operation == "mul" else rates[2] == 1.0


def test_exact_match_counts_what_is_wrong() -> None:
    def by_integers(x: np.ndarray) -> np.ndarray:
        a, b = (x * 256).astype(np.int64).T
        return (a // b).astype(np.float64)

    assert exact_match(by_integers, "div", 8) == exact_match(by_integers, "div", 32) == 1.0
    odd = exact_match(lambda x: x.sum(1) - np.where(x[:, 0] * 256 % 2 == 1, 1 / 256, 0), "add", 8)
    assert odd == 0.5
    assert exact_match(lambda x: np.full(len(x), np.nan), "mul", 16) == 0.0
    assert exact_match(lambda x: np.full(len(x), -1e30), "sub", 8) == 0.0


@pytest.mark.parametrize("operation", OPERATIONS)
def test_subsets_and_threshold(operation: str) -> None:
    task = subset_sums(operation)
    a, b = np.asarray(task.subsets(jax.random.key(1)))
    assert a.sum() == b.sum() == 25 and (a * b).sum() == 12
    # The mean of a squared error of first order in 1e-5, from moments of U[2, 6].
    mean, variance = 4.0, 16 / 12
    if operation == "add":  # error = 1e-5 (sum over inputs of 2 - 2a - 2b)
        c = 2 - 2 * a - 2 * b
    elif operation == "sub":  # error = 1e-5 (2b - 2a) x
        c = 2 * b - 2 * a
    else:
        assert 0 < task.threshold() < {"mul": 1.0, "div": 1e-6}[operation]
        return
    expected = 1e-10 * ((c.sum() * mean) ** 2 + (c**2).sum() * variance)
    assert task.threshold() == pytest.approx(expected, rel=0.02)


def test_inputs_lie_in_their_ranges() -> None:
    x = np.asarray(operands("div").draw(jax.random.key(0), 5000, operands("div").interpolation))
    assert x.min() == 1 / 256 and x.max() == 255 / 256 and (x * 256 % 1 == 0).all()
    x = np.asarray(subset_sums("add").draw(jax.random.key(0), 500, (2.0, 6.0)))
    assert 2 <= x.min() < 2.01 and 5.99 < x.max() < 6


SHORT = Budget(steps=3_000, seeds=3, learning_rate=0.01, checkpoints=30, validation=1_000)


def test_nau_learns_addition() -> None:
    rows = {
        row.model: row
        for row in table(SHORT, tasks=[operands("add")], models=["NAU/NMU", "NALU", LEAST_SQUARES])
    }
    nau = rows["NAU/NMU"]
    assert nau.solved == 3 and nau.sparsity == 0 and nau.exact == {8: 1.0, 16: 1.0, 32: 1.0}
    assert nau.median_step is not None and 0 < nau.median_step <= 3_000
    assert rows[LEAST_SQUARES].solved == 3 and rows[LEAST_SQUARES].steps == 0
    assert rows["NALU"].seeds == 3 and np.isfinite(rows["NALU"].median_error)
    print(rows["NALU"])
    assert display(list(rows.values()), "two operands").row_count == 3


def test_batched_seeds_are_single_runs() -> None:
    task = Task("small", "add", 6, 2, 1, (1.0, 2.0), (2.0, 6.0))
    budget = Budget(steps=40, batch=16, checkpoints=4, validation=32)
    keys = jax.random.split(jax.random.key(8), 3)
    together = train("NAU/NMU", task, budget, keys)
    alone = train("NAU/NMU", task, budget, keys[1:2])
    for many, one in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(np.asarray(many)[1], np.asarray(one)[0], rtol=1e-3, atol=1e-5)


def test_wilson() -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=5e-5)


def test_errors_say_what_is_accepted() -> None:
    with pytest.raises(TaskError, match="add, sub, mul, div"):
        subset_sums("power")
    with pytest.raises(TaskError, match="need 38 inputs, and there are 30"):
        Task("small", "add", 30, 25, 12, (1.0, 2.0), (2.0, 6.0))
    with pytest.raises(TaskError, match="linear, MLP, NAC, NALU"):
        build("NAU/NMU", operands("div"), nnx.Rngs(0))
    with pytest.raises(TaskError, match="least squares, linear, MLP, NAC, NALU, NAU/NMU"):
        table(SHORT, tasks=[operands("add")], models=["GRU"])
    with pytest.raises(TaskError, match="too few"):
        Budget(steps=10)
