"""What is compared: models of the same size that differ in what stands beside the last MLP."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import nnx

from ncpu.coproc.adapters import nnx_decoder
from ncpu.coproc.adapters.observe import run_expert
from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.decoder import DecoderConfig, FeedForward, Rope
from ncpu.coproc.errors import CoprocessorError
from ncpu.coproc.experiment import tokens
from ncpu.coproc.experiment.model import ABACUS, NUMBERS, PLAIN, TextDecoder
from ncpu.coproc.expert import Expert, mix


@dataclass(frozen=True)
class Condition:
    """One row of the comparison that is trained.

    Attributes:
      name: as reports call it.
      numbering: of positions, see `TextDecoder`.
      unit: beside the last MLP: "", "adapter", "calculator" or "expert".
      reverse: whether numbers are written lowest digit first.
      mlp_width: inner size of every MLP, chosen so that all conditions have as many parameters.
      adapter_width: inner size of the adapter.
    """

    name: str
    numbering: str
    unit: str = ""
    reverse: bool = False
    mlp_width: int = 256
    adapter_width: int = 0


CONDITIONS = {
    c.name: c
    for c in (
        Condition("ours", NUMBERS, "expert"),
        Condition("plain", PLAIN, mlp_width=260),
        Condition("plain, reversed, Abacus", ABACUS, reverse=True, mlp_width=258),
        Condition("learned adapter", NUMBERS, "adapter", adapter_width=20),
        Condition("calculator", NUMBERS, "calculator"),
    )
}

WIDTH, DEPTH, HEADS = 96, 3, 4
WIDER = 1 / 0.02  # to a standard deviation of 1 from the decoder's
EMBEDDING = 0.1  # standard deviation
COPROCESSOR = CoprocessorConfig(
    layer_indices=(-1,), target_load=0.08, gate_warmup_steps=50, freeze_backbone=False
)


def condition(name: str) -> Condition:
    """The condition of a name.

    Raises:
      CoprocessorError: there is none.
    """
    if name not in CONDITIONS:
        raise CoprocessorError(f"no condition {name!r}; there are: {'; '.join(CONDITIONS)}")
    return CONDITIONS[name]


class Adapter(nnx.Module):
    """An MLP with a small learned map beside it, behind a gate as the expert's."""

    def __init__(
        self, mlp: FeedForward, width: int, inner: int, load: float, *, rngs: nnx.Rngs
    ) -> None:
        self.mlp: FeedForward = nnx.data(mlp)
        self.down = nnx.Linear(width, inner, rngs=rngs)
        self.up = nnx.Linear(inner, width, kernel_init=nnx.initializers.normal(0.02), rngs=rngs)
        start = jnp.log(load / (1 - load))
        self.gate = nnx.Linear(width, 1, bias_init=lambda *_: jnp.full(1, start), rngs=rngs)

    def initial_state(self, batch: int) -> Any:
        """See `FeedForward`."""
        return self.mlp.initial_state(batch)

    def __call__(self, hidden: jax.Array, state: Any, valid: jax.Array) -> tuple[jax.Array, Any]:
        """See `FeedForward`."""
        added, state = self.mlp(hidden, state, valid)
        g = jax.nn.sigmoid(self.gate(hidden))
        return (1 - g) * added + g * self.up(jax.nn.silu(self.down(hidden))), state


class Calculator(nnx.Module):
    """An expert without a learned gate: what it reads decides, yes or no.

    Only the auxiliary loss trains what it reads: no gradient of the text comes through.
    """

    def __init__(self, mlp: FeedForward, expert: Expert, layer: int) -> None:
        self.mlp: FeedForward = nnx.data(mlp)
        self.expert = expert
        self.layer = layer

    def initial_state(self, batch: int) -> Any:
        """See `FeedForward`."""
        return self.mlp.initial_state(batch), self.expert.initial_state(batch)

    def __call__(self, hidden: jax.Array, state: Any, valid: jax.Array) -> tuple[jax.Array, Any]:
        """See `FeedForward`."""
        added, remembered = self.mlp(hidden, state[0], valid)
        graph, weights = nnx.split(self.expert)
        output, registers = run_expert(graph, weights, self.layer, hidden, state[1], valid, True)
        routed = replace(output, gate=(output.gate > 0).astype(jnp.float32))
        return mix(added, routed), (remembered, registers)


def build(wanted: Condition, seed: int, *, width: int = WIDTH, depth: int = DEPTH) -> TextDecoder:
    """An untrained model of a condition.

    Args:
      wanted: the condition.
      seed: of the initial weights.
      width: of the residual stream; the MLPs shrink or grow with it.
      depth: number of layers.
    """
    config = DecoderConfig(
        vocab_size=tokens.VOCABULARY,
        width=width,
        depth=depth,
        heads=HEADS,
        mlp_width=wanted.mlp_width * width // WIDTH,
        qk_norm=True,
        rope=Rope(theta=1000.0),
        eos=(tokens.NEWLINE,),
        pad=tokens.PAD,
    )
    key = jax.random.key(seed)
    model = TextDecoder(config, wanted.numbering, rngs=nnx.Rngs(params=jax.random.fold_in(key, 0)))
    _widen(model)
    last = model.layers[-1]
    if wanted.unit == "expert":
        made = nnx_decoder.inject(model, COPROCESSOR, jax.random.fold_in(key, 1))
        return cast(TextDecoder, made)
    if wanted.unit == "calculator":
        expert = Expert(COPROCESSOR, width, rngs=nnx.Rngs(params=jax.random.fold_in(key, 1)))
        last.mlp = nnx.data(Calculator(last.mlp, expert, depth - 1))
    if wanted.unit == "adapter":
        rngs = nnx.Rngs(params=jax.random.fold_in(key, 1))
        load = COPROCESSOR.target_load
        last.mlp = nnx.data(Adapter(last.mlp, width, wanted.adapter_width, load, rngs=rngs))
    return model


def _widen(model: TextDecoder) -> None:
    """Initial weights of variance 1 / inputs: the decoder's own are for models ten times wider."""
    for path, leaf in nnx.to_flat_state(nnx.state(model.layers, nnx.Param)):
        if path[-1] == "kernel":
            leaf.set_value(leaf[...] * (WIDER * leaf.shape[0] ** -0.5))
    model.embed.embedding.set_value(model.embed.embedding[...] * (WIDER * EMBEDDING))


def parameters(model: nnx.Module) -> int:
    """How many trained numbers a model has."""
    return sum(x.size for x in jax.tree.leaves(nnx.state(model, nnx.Param)))
