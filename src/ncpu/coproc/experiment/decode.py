"""Many prompts continued at once, and what an expert makes of whole lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from ncpu.coproc.adapters.observe import observe
from ncpu.coproc.decoder import left_pad
from ncpu.coproc.experiment import data, tokens
from ncpu.coproc.experiment.model import TextDecoder
from ncpu.coproc.experiment.text import Line
from ncpu.coproc.expert import Operands

BATCH = 256
LONGEST = 11  # characters of an answer: ten digits and the end of the line
STEP = 80  # prompts are padded to a multiple of it, so that few shapes are compiled


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Seen:
    """What an expert made of lines, one row each; places behind a line's end are 0.

    Attributes:
      gate: `f32[n, t]`.
      a: `u32[n, t]`, the first operand's register.
      b: `u32[n, t]`.
      op: `i32[n, t]`.
      role: `i32[n, t]`, as read.
    """

    gate: Any
    a: Any
    b: Any
    op: Any
    role: Any


def continuations(
    model: TextDecoder, prompts: Sequence[str], given: Operands | None = None
) -> list[str]:
    """What a model writes after each prompt, up to the end of the line, by greedy decoding.

    Args:
      model: of any condition.
      prompts: each the beginning of a line.
      given: to the expert in place of what it reads, arrays `[len(prompts)]`; None is read.
    """
    graph, state = nnx.split(model)
    rows = given or Operands()

    texts = [tokens.encode(f"\n{prompt}").tolist() for prompt in prompts]

    def run(start: int, stop: int, take: np.ndarray) -> list[str]:
        codes, mask = left_pad([texts[i] for i in take])
        missing = -codes.shape[1] % STEP
        codes, mask = (np.pad(x, ((0, 0), (missing, 0))) for x in (codes, mask))
        part = jax.tree.map(lambda x: jnp.asarray(x)[take, None], rows)
        out = np.asarray(_greedy(graph, state, codes, mask, part))
        return [tokens.decode(row).split("\n")[0] for row in out[: stop - start]]

    return [text for part in _portions(len(prompts), run) for text in part]


def observations(model: TextDecoder, lines: Sequence[Line]) -> Seen:
    """What the expert in a model's last layer made of lines, each after a line feed."""
    graph, state = nnx.split(model)
    batch = data.one_each(lines)

    def run(start: int, stop: int, take: np.ndarray) -> Seen:
        seen = _observed(graph, state, batch.tokens[take])
        return jax.tree.map(lambda x: np.asarray(x)[: stop - start], seen)

    parts = _portions(len(lines), run)
    return jax.tree.map(lambda *x: np.concatenate(x), *parts)


def _portions(count: int, run: Callable[[int, int, np.ndarray], Any]) -> list[Any]:
    """Results for batches of one size: the last one repeats its last row."""
    out = []
    for start in range(0, count, BATCH):
        stop = min(start + BATCH, count)
        out.append(run(start, stop, np.minimum(np.arange(start, start + BATCH), stop - 1)))
    return out


@partial(jax.jit, static_argnames=("graph",))
def _greedy(graph: Any, state: Any, codes: Any, mask: Any, given: Operands) -> jax.Array:
    """`i32[b, LONGEST]`: the likeliest characters one after another."""

    def advance(codes: jax.Array, cache: Any, mask: jax.Array | None) -> tuple[jax.Array, Any]:
        model = nnx.merge(graph, state)
        with observe(given=given, exact=True):
            hidden, cache = model.hidden(codes, cache=cache, mask=mask)
        return jnp.argmax(model.logits(hidden[:, -1]), -1).astype(jnp.int32), cache

    def step(carry: tuple[jax.Array, Any], _: None) -> tuple[tuple[jax.Array, Any], jax.Array]:
        code, cache = carry
        return advance(code[:, None], cache, None), code

    cache = nnx.merge(graph, state).empty_cache(codes.shape[0], codes.shape[1] + LONGEST)
    _, out = lax.scan(step, advance(codes, cache, mask), None, length=LONGEST)
    return out.T


@partial(jax.jit, static_argnames=("graph",))
def _observed(graph: Any, state: Any, codes: jax.Array) -> Seen:
    model = nnx.merge(graph, state)
    mask = codes != tokens.PAD
    with observe(exact=True) as seen:
        model.hidden(codes, mask=mask)
    (output,) = seen.outputs.values()
    registers = output.registers
    return Seen(output.gate, registers.a, registers.b, registers.op, output.reading.role)
