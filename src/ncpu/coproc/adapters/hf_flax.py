"""An expert beside the MLPs of Hugging Face's Flax models (transformers 4, Linen).

The model's Linen module is wrapped; its parameters stay where they are in the tree and the
experts' are beside them under the key `coprocessor`, as their registers are in the cache beside
keys and values.  So everything that moves those trees about works: gradients, dtype casts, beam
search, `generate`, `save_pretrained`.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import transformers
from flax import linen, nnx
from flax.traverse_util import flatten_dict
from transformers.modeling_flax_utils import FlaxPreTrainedModel

from ncpu.coproc.adapters import saving
from ncpu.coproc.adapters.observe import mixed, run_expert
from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.errors import AlreadyInjectedError, NotInjectedError, UnknownModelError
from ncpu.coproc.expert import Expert
from ncpu.coproc.registers import ExpertState, initial_state

KEY = "coprocessor"


@dataclass(frozen=True)
class Blocks:
    """Where a family of models keeps its MLPs: `<layers>/<number>/<reads>` in the module tree.

    Attributes:
      layers: the list of blocks.
      reads: the sub-module whose input the expert reads.
      writes: the one whose output is mixed with what the expert writes.
    """

    layers: str
    reads: str = "mlp"
    writes: str = "mlp"


FAMILIES = {
    "FlaxGPT2LMHeadModel": Blocks("h"),
    "FlaxGPT2Model": Blocks("h"),
    "FlaxGPTNeoForCausalLM": Blocks("h"),
    "FlaxGPTNeoModel": Blocks("h"),
    "FlaxGPTJForCausalLM": Blocks("h"),
    "FlaxGPTJModel": Blocks("h"),
    "FlaxLlamaForCausalLM": Blocks("layers"),
    "FlaxLlamaModel": Blocks("layers"),
    "FlaxMistralForCausalLM": Blocks("layers"),
    "FlaxMistralModel": Blocks("layers"),
    "FlaxGemmaForCausalLM": Blocks("layers"),
    "FlaxGemmaModel": Blocks("layers"),
    # OPT has no MLP module: its two maps are the block's own, on tokens without a batch axis.
    "FlaxOPTForCausalLM": Blocks("layers", "fc1", "fc2"),
    "FlaxOPTModel": Blocks("layers", "fc1", "fc2"),
}


class CoprocessedModule(linen.Module):
    """A Linen decoder with experts beside the MLPs of some of its blocks; called as it is.

    Attributes:
      inner: the decoder.
      blocks: where its MLPs are.
      config: of the coprocessor.
      width: of the hidden states.
      layers: the blocks' numbers.
    """

    inner: linen.Module
    blocks: Blocks
    config: CoprocessorConfig
    width: int
    layers: tuple[int, ...]

    def setup(self) -> None:
        """Take the inner module's place in the tree."""
        linen.share_scope(self, self.inner)

    @linen.compact
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As the inner module."""
        called = inspect.signature(type(self.inner).__call__).bind(self.inner, *args, **kwargs)
        batch, time = called.arguments["input_ids"].shape
        new = partial(new_weights, config=self.config, width=self.width, layers=self.layers)
        weights, memory = self.param(KEY, new), None
        if self.is_initializing() or self.has_variable("cache", KEY):
            memory = self.variable("cache", KEY, partial(_empty, self.layers, batch))
        if self.is_initializing():  # only shapes are wanted, of what is declared by now
            return self.inner(*args, **kwargs)
        mask = _mask(called.arguments.get("attention_mask"), time, memory)
        exact = bool(called.arguments.get("deterministic", True))
        beside = _Experts(self, weights, memory, (batch, time, self.width), mask, exact)
        with linen.intercept_methods(beside):
            out = self.inner(*args, **kwargs)
        if memory is not None:
            memory.value = {**memory.value, "seen": memory.value["seen"] + time}
        return out


@dataclass
class _Experts:
    """The experts in one forward pass: stands between the blocks and their MLPs.

    Attributes:
      module: whose experts they are.
      weights: layer to an expert's weights.
      memory: their registers in the cache, if there is one.
      shape: of the hidden states.
      mask: `bool[b, t]`, false at padding.
      exact: whether this is inference.
      read: layer to the MLP's input.
    """

    module: CoprocessedModule
    weights: dict[str, Any]
    memory: linen.Variable | None
    shape: tuple[int, int, int]
    mask: jax.Array | None
    exact: bool
    read: dict[int, jax.Array] = field(default_factory=dict)

    def __call__(self, call: Callable, args: tuple, kwargs: dict, context: Any) -> Any:
        """Flax's interceptor protocol."""
        blocks, path = self.module.blocks, context.module.path
        inside = context.method_name == "__call__" and path[-3:-2] == (blocks.layers,)
        layer = int(path[-2]) if inside and path[-2].isdecimal() else -1
        if layer not in self.module.layers:
            return call(*args, **kwargs)
        if path[-1] == blocks.reads:
            self.read[layer] = args[0].reshape(self.shape)
        out = call(*args, **kwargs)
        return self._mixed(layer, out) if path[-1] == blocks.writes else out

    def _mixed(self, layer: int, out: jax.Array) -> jax.Array:
        name, hidden = str(layer), self.read.pop(layer)
        graph, structure = expert_structure(self.module.config, self.module.width)
        weights = jax.tree.unflatten(structure, jax.tree.leaves(self.weights[name]))
        registers = (
            initial_state(self.shape[0])
            if self.memory is None
            else ExpertState(**self.memory.value[name])
        )
        output, registers = run_expert(
            graph, weights, layer, hidden, registers, self.mask, self.exact
        )
        if self.memory is not None:
            self.memory.value = {**self.memory.value, name: dict(vars(registers))}
        return mixed(self.module.config, out.reshape(self.shape), output).reshape(out.shape)


def _empty(layers: Iterable[int], batch: int) -> dict[str, Any]:
    """What the cache holds before the first token: registers, and how many tokens were seen."""
    rows = {str(layer): dict(vars(initial_state(batch))) for layer in layers}
    return {**rows, "seen": jnp.zeros((), jnp.int32)}


def _mask(mask: jax.Array | None, time: int, memory: linen.Variable | None) -> jax.Array | None:
    """`bool[b, time]` of these tokens; with a cache the model's mask covers all its slots."""
    if mask is None:
        return None
    if memory is None or mask.shape[-1] == time:
        return mask != 0
    return jax.lax.dynamic_slice_in_dim(mask, memory.value["seen"], time, axis=1) != 0


@cache
def expert_structure(config: CoprocessorConfig, width: int) -> tuple[nnx.GraphDef, Any]:
    """An expert's graph and the structure of its weights, without computing weights."""
    graph, state = nnx.split(nnx.eval_shape(lambda: Expert(config, width, rngs=nnx.Rngs(params=0))))
    return graph, jax.tree.structure(state)


def new_weights(
    key: jax.Array, config: CoprocessorConfig, width: int, layers: Iterable[int]
) -> dict[str, Any]:
    """Layer to a new expert's weights, as dictionaries of arrays."""
    made = {}
    for number, layer in enumerate(layers):
        expert = Expert(config, width, rngs=nnx.Rngs(params=jax.random.fold_in(key, number)))
        made[str(layer)] = nnx.to_pure_dict(nnx.state(expert))
    return made


class Coprocessed(FlaxPreTrainedModel):
    """What a model's class is mixed with, so that `save_pretrained` saves the experts as well."""

    def save_pretrained(
        self,
        save_directory: Any,
        params: Any = None,
        push_to_hub: bool = False,
        max_shard_size: Any = "10GB",
        token: Any = None,
        safe_serialization: bool = False,
        **kwargs: Any,
    ) -> None:
        """Write the model's own files, and the experts into a folder `coprocessor` among them.

        `from_pretrained` reads the former, `load_coprocessor` puts the latter back.
        """
        params = self.params if params is None else params
        plain = {name: value for name, value in params.items() if name != KEY}
        super().save_pretrained(
            save_directory, plain, push_to_hub, max_shard_size, token, safe_serialization, **kwargs
        )
        saving.save(Path(save_directory) / saving.FOLDER, identity(self), params[KEY])


@cache
def _coprocessed(of: type[FlaxPreTrainedModel]) -> type[FlaxPreTrainedModel]:
    """The class of `of`'s models with experts, of the same name, which is saved with them."""
    return type(of.__name__, (Coprocessed, of), {"__module__": of.__module__})


def inject(
    model: FlaxPreTrainedModel, config: CoprocessorConfig, key: jax.Array
) -> FlaxPreTrainedModel:
    """A model with experts; the one given stays as it is, and they share its arrays."""
    if isinstance(model, Coprocessed):
        raise AlreadyInjectedError(
            f"layers {', '.join(sorted(model.params[KEY]))} of this {type(model).__name__} have "
            "a coprocessor; remove_coprocessor takes it out"
        )
    blocks = next(
        (FAMILIES[c.__name__] for c in type(model).__mro__ if c.__name__ in FAMILIES), None
    )
    if blocks is None:
        raise UnknownModelError(
            f"{type(model).__name__} is not among the Flax models that get a coprocessor: "
            f"{', '.join(FAMILIES)}"
        )
    if not model._is_initialized:
        raise UnknownModelError(
            f"this {type(model).__name__} has no parameters (it was made with _do_init=False); "
            "a model with its parameters in it is accepted"
        )
    width = model.config.hidden_size
    layers = config.layers(model.config.num_hidden_layers)
    weights = new_weights(key, config, width, layers)
    made = copy.copy(model)
    made.__class__ = _coprocessed(type(model))
    made._module = CoprocessedModule(model.module, blocks, config, width, layers)
    return _with_params(made, {**model.params, KEY: weights})


def remove(model: FlaxPreTrainedModel) -> FlaxPreTrainedModel:
    """The model without its experts, its parameters as they are now."""
    if not isinstance(model, Coprocessed):
        raise NotInjectedError(
            f"this {type(model).__name__} has no coprocessor; inject_coprocessor puts one in"
        )
    made = copy.copy(model)
    made.__class__ = type(model).__mro__[2]
    made._module = model.module.inner
    return _with_params(made, {k: v for k, v in model.params.items() if k != KEY})


def _with_params(model: FlaxPreTrainedModel, params: dict[str, Any]) -> FlaxPreTrainedModel:
    """That model with these parameters, which are all it wants."""
    model._params_shape_tree = jax.eval_shape(lambda: params)
    model._required_params = set(flatten_dict(params))
    model.params = params
    return model


def identity(model: FlaxPreTrainedModel) -> saving.Identity:
    """What an injected model's coprocessor fits."""
    module = model.module
    return saving.Identity(
        type(model).__name__, model.config.num_hidden_layers, module.width, module.config
    )


def is_injected(model: FlaxPreTrainedModel) -> bool:
    """Whether it has experts."""
    return isinstance(model, Coprocessed)


def weights(model: FlaxPreTrainedModel) -> dict[str, Any]:
    """Layer to its expert's weights."""
    return dict(model.params[KEY])


def with_weights(model: FlaxPreTrainedModel, weights: dict[str, Any]) -> FlaxPreTrainedModel:
    """That injected model with other weights of its experts."""
    return _with_params(model, {**model.params, KEY: weights})


def mask(model: FlaxPreTrainedModel, expert: Callable[[tuple], bool], backbone: bool) -> Any:
    """Booleans in the shape of the parameters' tree: `expert(path)` in the experts."""
    own = jax.tree.map_with_path(lambda path, _: expert(path), model.params[KEY])
    rest = {k: jax.tree.map(lambda _: backbone, v) for k, v in model.params.items() if k != KEY}
    return {**rest, KEY: own}


def save(model: FlaxPreTrainedModel, folder: Path) -> None:
    """The model's own files and its experts'."""
    model.save_pretrained(folder)


def load_pretrained(folder: Path, architecture: str) -> FlaxPreTrainedModel:
    """A model from a local folder, without drawing random weights first.

    Args:
      folder: as transformers' `save_pretrained` writes it.
      architecture: its class's name in config.json, such as GPT2LMHeadModel.

    Raises:
      UnknownModelError: not a class that gets a coprocessor, or parameters are missing.
    """
    name = f"Flax{architecture}"
    if name not in FAMILIES:
        accepted = ", ".join(known.removeprefix("Flax") for known in FAMILIES)
        raise UnknownModelError(f"architecture {architecture!r}; accepted: {accepted}")
    kind = getattr(transformers, name)
    model, params = kind.from_pretrained(folder, local_files_only=True, _do_init=False)
    missing = sorted("/".join(path) for path in model.required_params - set(flatten_dict(params)))
    if missing:
        raise UnknownModelError(f"{folder}: parameters are missing: {', '.join(missing)}")
    model._is_initialized = True
    model.params = jax.tree.map(jnp.asarray, params)
    return model
