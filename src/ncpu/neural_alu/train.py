"""Training: every cell from random weights on its truth table, from one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from ncpu.machine.errors import NcpuError
from ncpu.neural_alu.cells import CELLS, PAIRS, Cell, CellSpec, ProductCell, product_truth

RESTARTS = 256  # networks trained at once for each cell; the widest margin is kept
STEPS = 3_000
PRODUCT_STEPS = 200
LEARNING_RATE = 0.02
DECAY = 1e-4


class TrainingError(NcpuError, RuntimeError):
    """A cell did not learn its truth table."""


@dataclass(frozen=True)
class Progress:
    """How one cell's training went.

    Attributes:
      cell: its name.
      rows: inputs in its whole domain.
      parameters: weights and biases.
      exact: how many of `restarts` networks ended with every row right.
      margin: smallest absolute logit of the one kept, over all rows and outputs.
    """

    cell: str
    rows: int
    parameters: int
    restarts: int
    exact: int
    margin: float


Networks = dict[str, Cell | ProductCell]


def train(
    seed: int = 0,
    *,
    steps: int = STEPS,
    restarts: int = RESTARTS,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Networks:
    """Train every cell from scratch.

    Args:
      seed: of all randomness.
      steps: gradient steps of each cell, on its whole domain each.
      restarts: networks trained at once for each cell.
      report: called after each cell.

    Returns:
      The networks by name: those of `CELLS` and "product".

    Raises:
      TrainingError: no restart of some cell learnt every row.
    """
    keys = jax.random.split(jax.random.key(seed), len(CELLS) + 1)
    networks: Networks = {}
    for key, (name, spec) in zip(keys, CELLS.items(), strict=False):
        networks[name], progress = train_cell(name, spec, key, steps, restarts)
        report(progress)
    networks["product"], progress = train_product(keys[-1])
    report(progress)
    return networks


def _margins(logits: jax.Array, truth: jax.Array) -> jax.Array:
    """How far each logit is on the right side of zero."""
    return jnp.where(truth == 1, logits, -logits)


def _fit(loss: Callable, params: Any, steps: int, rate: float) -> Any:
    """`params` after `steps` of AdamW on `loss`, the rate falling to nothing."""
    optimizer = optax.adamw(optax.cosine_decay_schedule(rate, steps), weight_decay=DECAY)

    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, optimizer.init(params)), length=steps)[0][0]


def train_cell(
    name: str, spec: CellSpec, key: jax.Array, steps: int = STEPS, restarts: int = RESTARTS
) -> tuple[Cell, Progress]:
    """`restarts` networks in one `vmap`, the one with the widest margin kept."""
    sizes = (len(spec.inputs), spec.hidden, len(spec.outputs))
    domain, truth = jnp.asarray(spec.domain()), jnp.asarray(spec.truth())
    graph = nnx.graphdef(Cell(*sizes, rngs=nnx.Rngs(0)))

    def margins(params: nnx.State) -> jax.Array:
        return _margins(jnp.stack(nnx.merge(graph, params)(*domain.T), -1), truth)

    def fitted(key: jax.Array) -> tuple[nnx.State, jax.Array]:
        start = nnx.state(Cell(*sizes, rngs=nnx.Rngs(key)))
        params = _fit(lambda p: jnp.mean(jax.nn.softplus(-margins(p))), start, steps, LEARNING_RATE)
        return params, jnp.min(margins(params))

    params, smallest = jax.jit(jax.vmap(fitted))(jax.random.split(key, restarts))
    best = int(jnp.argmax(smallest))
    margin = float(smallest[best])
    if not margin > 0:
        raise TrainingError(
            f"none of {restarts} networks learnt the cell {name!r} in {steps} steps: "
            "use more steps or restarts, or another seed"
        )
    cell = nnx.merge(graph, jax.tree.map(lambda leaf: leaf[best], params))
    count = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(cell)))
    exact = int(jnp.sum(smallest > 0))
    return cell, Progress(name, len(domain), count, restarts, exact, margin)


@partial(jax.jit, static_argnames="steps")
def _product_table(key: jax.Array, truth: jax.Array, steps: int) -> jax.Array:
    def loss(table: jax.Array) -> jax.Array:
        # A sum over the rows: each weight of a bilinear form in one-hot codes has its own.
        return jnp.sum(jax.nn.softplus(-_margins(table, truth)))

    return _fit(loss, 0.1 * jax.random.normal(key, truth.shape), steps, 0.1)


def train_product(key: jax.Array, steps: int = PRODUCT_STEPS) -> tuple[ProductCell, Progress]:
    """The byte product, trained in float32 on all pairs and kept in 8 bits."""
    truth = jnp.asarray(product_truth(), jnp.float32)
    table = _product_table(key, truth, steps)
    scale = 127 / jnp.max(jnp.abs(table))
    quantized = jnp.round(table * scale).astype(jnp.int8)
    margin = float(jnp.min(_margins(quantized.astype(jnp.float32), truth)))
    if not margin > 0:
        raise TrainingError(f"the byte product was not learnt in {steps} steps: use more")
    progress = Progress("product", PAIRS, int(table.size), 1, 1, margin)
    return ProductCell(quantized), progress
