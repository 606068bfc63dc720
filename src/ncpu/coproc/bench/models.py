"""Language models in a local folder: text in, text out, in batches of fixed shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.coproc.adapters.observe import observe
from ncpu.coproc.decoder import Decoder, generate
from ncpu.coproc.decoder.config import FAMILIES
from ncpu.coproc.errors import BenchError, CoprocessorError
from ncpu.coproc.inject import has_coprocessor

BUCKET = 64  # prompts are padded to multiples, so that few shapes are compiled
DEFAULT_TOKENS = 64
NEVER = 1 << 30  # an end token that does not come, for models that have none


@dataclass(frozen=True)
class Options:
    """How text is generated.

    Attributes:
      max_new_tokens: at most, for each prompt; None is what the task needs.
      batch: prompts at a time.
      temperature: 0 takes the likeliest token each time.
      seed: of sampling; batches and tokens have keys of their own, the same for every model.
    """

    max_new_tokens: int | None = None
    batch: int = 8
    temperature: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.batch, 1 if self.max_new_tokens is None else self.max_new_tokens) < 1:
            raise BenchError(
                f"max_new_tokens is {self.max_new_tokens}, batch {self.batch}; accepted: from 1 up"
            )
        if not 0 <= self.temperature < float("inf"):
            raise BenchError(f"temperature is {self.temperature}; accepted: from 0 up")


@dataclass(frozen=True)
class Completion:
    """What a model made of a prompt.

    Attributes:
      text: new text.
      gates: `f32[layers, tokens]`, each expert's gate at each token of prompt and text; no
        layers without a coprocessor.
    """

    text: str
    gates: np.ndarray


@dataclass
class LanguageModel:
    """A model with its tokenizer.

    Args:
      model: a Flax model of transformers or a `Decoder`, with or without a coprocessor.
      tokenizer: transformers' for it.
    """

    model: Any
    tokenizer: Any
    _compiled: dict[Any, Callable] = field(default_factory=dict)

    def complete(self, prompts: Sequence[str], options: Options) -> list[Completion]:
        """Continue each prompt.

        Raises:
          BenchError: a prompt is empty or too long for the model; names it.
        """
        new = options.max_new_tokens or DEFAULT_TOKENS
        encoded = [self._encoded(prompt, new) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda i: len(encoded[i]))
        found: dict[int, Completion] = {}
        for number, start in enumerate(range(0, len(order), options.batch)):
            part = order[start : start + options.batch]
            rows = [encoded[i] for i in part]
            rows += [rows[-1]] * (options.batch - len(rows))  # one shape for the last batch too
            found |= zip(part, self._batch(rows, new, options, number), strict=False)
        return [found[i] for i in range(len(prompts))]

    def _encoded(self, prompt: str, new: int) -> list[int]:
        ids = list(self.tokenizer.encode(prompt))
        limit = _positions(self.model)
        if not ids or len(ids) + new > limit:
            raise BenchError(
                f"the prompt {prompt[:40]!r} is {len(ids)} tokens; accepted by this model with "
                f"{new} new ones: 1 to {limit - new}"
            )
        return ids

    def _batch(
        self, rows: list[list[int]], tokens: int, options: Options, number: int
    ) -> list[Completion]:
        longest = max(map(len, rows))
        length = min(-(-longest // BUCKET) * BUCKET, _positions(self.model) - tokens)
        ids, mask = np.zeros((len(rows), length), np.int32), np.zeros((len(rows), length), bool)
        for i, row in enumerate(rows):
            ids[i, length - len(row) :], mask[i, length - len(row) :] = row, True
        key = jax.random.fold_in(jax.random.key(options.seed), number)
        ends = self.tokenizer.eos_token_id
        last = NEVER if ends is None else ends
        new = np.asarray(self._generate(ids, mask, key, tokens, options.temperature, last))
        gates = self._gates(np.concatenate([ids, new], 1), mask)
        made = []
        for i, row in enumerate(rows):
            kept = new[i, : int(np.argmax(new[i] == ends))] if (new[i] == ends).any() else new[i]
            text = self.tokenizer.decode(kept.tolist(), skip_special_tokens=True)
            first = length - len(row)
            made.append(Completion(text, gates[:, i, first : length + len(kept)]))
        return made

    def _generate(
        self,
        ids: np.ndarray,
        mask: np.ndarray,
        key: jax.Array,
        new: int,
        temperature: float,
        ends: int,
    ) -> Any:
        """`i32[b, new]`, the new tokens."""
        if isinstance(self.model, Decoder):
            return generate(
                self.model, ids, mask=mask, max_new_tokens=new, temperature=temperature, key=key,
                eos=ends, pad=0,
            ).tokens  # fmt: skip
        sampling = {"do_sample": True, "temperature": temperature} if temperature else {}
        name = ("generate", ids.shape, new, temperature)
        if name not in self._compiled:

            def run(params: Any, ids: jax.Array, mask: jax.Array, key: jax.Array) -> jax.Array:
                return self.model.generate(
                    ids, attention_mask=mask, params=params, prng_key=key, max_new_tokens=new,
                    eos_token_id=ends, pad_token_id=0, num_beams=1,
                    **({"do_sample": False} | sampling),
                ).sequences  # fmt: skip

            self._compiled[name] = jax.jit(run)
        found = self._compiled[name](self.model.params, ids, mask.astype(np.int32), key)
        return found[:, ids.shape[1] :]

    def _gates(self, text: np.ndarray, prompt_mask: np.ndarray) -> np.ndarray:
        """`f32[layers, b, t]`, every expert's gate on a whole text."""
        if not has_coprocessor(self.model):
            return np.zeros((0, *text.shape), np.float32)
        mask = np.ones(text.shape, np.int32)
        mask[:, : prompt_mask.shape[1]] = prompt_mask
        if "gates" not in self._compiled:
            self._compiled["gates"] = _gates_of(self.model)
        return np.asarray(self._compiled["gates"](text, mask))


def _gates_of(model: Any) -> Callable:
    """Compiled: a text and its mask to every expert's gates."""
    if isinstance(model, Decoder):
        graph, weights = nnx.split(model)

        def forward(weights: Any, text: jax.Array, mask: jax.Array) -> None:
            nnx.merge(graph, weights).hidden(text, mask=mask != 0)
    else:
        weights = model.params

        def forward(weights: Any, text: jax.Array, mask: jax.Array) -> None:
            places = jnp.maximum(jnp.cumsum(mask, 1) - 1, 0)
            model(text, attention_mask=mask, position_ids=places, params=weights)

    @jax.jit
    def run(weights: Any, text: jax.Array, mask: jax.Array) -> jax.Array:
        with observe() as seen:
            forward(weights, text, mask)
        return jnp.stack([out.gate for out in seen.outputs.values()])

    return partial(run, weights)


def _positions(model: Any) -> int:
    """How many tokens fit."""
    config = model.config
    return config.max_positions if isinstance(model, Decoder) else config.max_position_embeddings


def load(folder: Path) -> LanguageModel:
    """A model from its folder: our decoder for the families it covers, else transformers' Flax.

    Raises:
      BenchError: there is no model in it that can be loaded; says why.
    """
    try:
        import transformers
    except ImportError as error:
        raise BenchError(
            "reading a tokenizer needs transformers: pip install 'ncpu[hf]'"
        ) from error
    try:
        config = json.loads((folder / "config.json").read_bytes())
        family, names = config["model_type"], config.get("architectures") or []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(
            f"{folder / 'config.json'} cannot be used ({error!r}); accepted: a local folder as "
            "transformers' save_pretrained writes it"
        ) from error
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        if family in FAMILIES and any(folder.glob("*.safetensors")):
            from ncpu.coproc.decoder.weights import load_pretrained

            return LanguageModel(load_pretrained(folder), tokenizer)
        from ncpu.coproc.adapters.hf_flax import load_pretrained as load_flax

        return LanguageModel(load_flax(folder, names[0] if names else ""), tokenizer)
    except CoprocessorError:
        raise
    except (OSError, ValueError, ImportError) as error:
        raise BenchError(f"{folder} cannot be loaded: {error}") from error
