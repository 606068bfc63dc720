"""The trained cells: right on their whole domains, reproducible, small."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ncpu import sealed
from ncpu.neural_alu import checkpoint
from ncpu.neural_alu.cells import CELLS
from ncpu.neural_alu.planes import Networks
from ncpu.neural_alu.train import TrainingError, train, train_cell, train_product

# The truth tables once more, as arithmetic: the rows are the inputs in binary order.
TABLES = {
    "half": [(0, 0), (0, 1), (0, 1), (1, 0)],
    "carry": [
        (int(g or (p and g_low)), int(p and p_low))
        for g in (0, 1)
        for p in (0, 1)
        for g_low in (0, 1)
        for p_low in (0, 1)
    ],
    "sum": [(0,), (1,), (1,), (0,)],
    "full": [(n % 2, n // 2) for n in (0, 1, 1, 2, 1, 2, 2, 3)],
    "and": [(0,), (0,), (0,), (1,)],
    "or": [(0,), (1,), (1,), (1,)],
    "xor": [(0,), (1,), (1,), (0,)],
    "bic": [(0,), (0,), (1,), (0,)],
    "not": [(1,), (0,)],
    "route": [(0,), (0,), (1,), (1,), (0,), (1,), (0,), (1,)],
}


@pytest.fixture(scope="module")
def networks() -> Networks:
    return checkpoint.load()


def test_the_checkpoint_holds_every_cell(networks: Networks) -> None:
    assert set(networks) == {*CELLS, "product"} == {*TABLES, "product"}


def decisions(networks: Networks, name: str) -> np.ndarray:
    rows = np.arange(1 << len(CELLS[name].inputs))
    inputs = [rows >> k & 1 for k in reversed(range(len(CELLS[name].inputs)))]
    logits = networks[name](*(jnp.asarray(x, jnp.float32) for x in inputs))
    return np.stack([np.asarray(x) > 0 for x in logits], -1).astype(int)


@pytest.mark.parametrize("name", TABLES)
def test_right_on_the_whole_domain(name: str, networks: Networks) -> None:
    np.testing.assert_array_equal(decisions(networks, name), TABLES[name])


def test_every_product_of_two_bytes(networks: Networks) -> None:
    a, b = np.divmod(np.arange(1 << 16), 256)
    logits = np.asarray(networks["product"](jnp.arange(1 << 16, dtype=jnp.uint32)))
    got = ((logits > 0).astype(np.int64) << np.arange(16)).sum(-1)
    np.testing.assert_array_equal(got, a * b)


def test_margins_are_those_of_the_manifest(networks: Networks) -> None:
    """The smallest distance of a logit to the decision is what training reported."""
    manifest = sealed.read_manifest(checkpoint.folder())
    for name, spec in CELLS.items():
        logits = networks[name](*jnp.asarray(spec.domain().T))
        margin = min(float(jnp.min(jnp.abs(x))) for x in logits)
        assert margin == pytest.approx(manifest["cells"][name]["margin"], rel=1e-4)
        assert margin > 1
    logits = np.asarray(networks["product"].table[...]).astype(int)
    assert np.abs(logits).min() == manifest["cells"]["product"]["margin"] > 1


def test_size_on_disk() -> None:
    root = checkpoint.folder().parent
    assert sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) < 4 << 20


def test_training_a_cell_reproduces() -> None:
    spec = CELLS["sum"]
    first, progress = train_cell("sum", spec, jax.random.key(5), steps=400, restarts=16)
    again, _ = train_cell("sum", spec, jax.random.key(5), steps=400, restarts=16)
    for a, b in zip(*(jax.tree.leaves(nnx.state(cell)) for cell in (first, again)), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(decisions({"sum": first}, "sum"), TABLES["sum"])
    assert (progress.cell, progress.rows, progress.restarts) == ("sum", 4, 16)
    assert progress.parameters == 2 * 2 + 2 + 2 * 1 + 1
    assert 1 <= progress.exact <= 16 and progress.margin > 0
    other, _ = train_cell("sum", spec, jax.random.key(6), steps=400, restarts=16)
    assert not np.array_equal(other.w1[...], first.w1[...])


def test_too_little_training_is_an_error() -> None:
    with pytest.raises(TrainingError, match=r"none of 4 networks learnt the cell 'carry' in 1 st"):
        train_cell("carry", CELLS["carry"], jax.random.key(0), steps=1, restarts=4)
    with pytest.raises(TrainingError, match="the byte product was not learnt in 1 steps"):
        train_product(jax.random.key(0), steps=1)


@pytest.mark.slow
def test_the_checkpoint_is_what_its_command_makes(networks: Networks) -> None:
    """By decisions: another processor may round the weights differently."""
    manifest = sealed.read_manifest(checkpoint.folder())
    made = train(manifest["seed"], steps=manifest["steps"], restarts=manifest["restarts"])
    for name in CELLS:
        np.testing.assert_array_equal(decisions(made, name), decisions(networks, name))
    ours, theirs = (np.asarray(n["product"].table[...]) for n in (made, networks))
    np.testing.assert_array_equal(ours > 0, theirs > 0)
