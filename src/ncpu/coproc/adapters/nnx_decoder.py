"""An expert beside the MLPs of `ncpu.coproc.decoder.Decoder`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
from flax import nnx

from ncpu.coproc.adapters import saving
from ncpu.coproc.adapters.observe import mixed, run_expert
from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.decoder import Decoder, FeedForward
from ncpu.coproc.errors import AlreadyInjectedError, NotInjectedError
from ncpu.coproc.expert import Expert


class Coprocessed(nnx.Module):
    """An MLP with an expert beside it; follows `FeedForward`.

    Args:
      mlp: what was there.
      expert: what is beside it.
      layer: its number, for `observe`.

    Attributes:
      deterministic: false while training (`model.train()`), when gradients reach the readings.
    """

    def __init__(self, mlp: FeedForward, expert: Expert, layer: int) -> None:
        self.mlp: FeedForward = nnx.data(mlp)
        self.expert = expert
        self.layer = layer
        self.deterministic = True

    def initial_state(self, batch: int) -> Any:
        """What both remember before the first token."""
        return self.mlp.initial_state(batch), self.expert.initial_state(batch)

    def __call__(self, hidden: jax.Array, state: Any, valid: jax.Array) -> tuple[jax.Array, Any]:
        """See `FeedForward`."""
        added, remembered = self.mlp(hidden, state[0], valid)
        graph, weights = nnx.split(self.expert)
        output, registers = run_expert(
            graph, weights, self.layer, hidden, state[1], valid, self.deterministic
        )
        return mixed(self.expert.config, added, output), (remembered, registers)


def inject(model: Decoder, config: CoprocessorConfig, key: jax.Array) -> Decoder:
    """A decoder with experts; the one given stays as it is, and they share its arrays."""
    if experts(model):
        raise AlreadyInjectedError(
            f"layers {', '.join(map(str, experts(model)))} have a coprocessor; "
            "remove_coprocessor takes it out"
        )
    layers = config.layers(model.config.depth)
    made = nnx.clone(model)
    for number, index in enumerate(layers):
        rngs = nnx.Rngs(params=jax.random.fold_in(key, number))
        expert = Expert(config, model.config.width, rngs=rngs)
        layer = made.layers[index]
        layer.mlp = nnx.data(Coprocessed(layer.mlp, expert, index))
    return made


def remove(model: Decoder) -> Decoder:
    """The decoder without its experts, its weights as they are now."""
    if not experts(model):
        raise NotInjectedError("this Decoder has no coprocessor; inject_coprocessor puts one in")
    made = nnx.clone(model)
    for layer in made.layers:
        if isinstance(layer.mlp, Coprocessed):
            layer.mlp = nnx.data(layer.mlp.mlp)
    return made


def experts(model: Decoder) -> dict[int, Expert]:
    """Layer to its expert."""
    return {
        i: layer.mlp.expert
        for i, layer in enumerate(model.layers)
        if isinstance(layer.mlp, Coprocessed)
    }


def is_injected(model: Decoder) -> bool:
    """Whether it has experts."""
    return bool(experts(model))


def identity(model: Decoder) -> saving.Identity:
    """What an injected decoder's coprocessor fits."""
    config = next(iter(experts(model).values())).config
    return saving.Identity(type(model).__name__, model.config.depth, model.config.width, config)


def weights(model: Decoder) -> dict[str, Any]:
    """Layer to its expert's weights."""
    return {str(i): nnx.to_pure_dict(nnx.state(e)) for i, e in experts(model).items()}


def with_weights(model: Decoder, weights: dict[str, Any]) -> Decoder:
    """An injected decoder with other weights of its experts."""
    made = nnx.clone(model)
    for layer, expert in experts(made).items():
        state = nnx.state(expert)
        nnx.replace_by_pure_dict(state, weights[str(layer)])
        nnx.update(expert, state)
    return made


def mask(model: Decoder, expert: Callable[[tuple], bool], backbone: bool) -> Any:
    """Booleans in the shape of `nnx.state(model, nnx.Param)`: `expert(path)` in the experts."""

    def decide(path: tuple, _: jax.Array) -> bool:
        inside = any(getattr(key, "key", None) == "expert" for key in path)
        return expert(path) if inside else backbone

    return jax.tree.map_with_path(decide, nnx.state(model, nnx.Param))


def save(model: Decoder, folder: Path) -> None:
    """The decoder's own files and its experts'."""
    from ncpu.coproc.decoder.weights import save_pretrained

    save_pretrained(remove(model), folder)
    saving.save(folder / saving.FOLDER, identity(model), weights(model))
