"""A coprocessor into a model, out of it, onto disk and back: one call each."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import jax
import optax

from ncpu.coproc.adapters import nnx_decoder, saving
from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.decoder import Decoder
from ncpu.coproc.errors import (
    CoprocessorConfigError,
    CoprocessorFilesError,
    NotInjectedError,
    TokenizerError,
    UnknownModelError,
)

DIGITS = "0123456789"
ALU = "alu"
"""The part of an expert's weights that is trained arithmetic."""

Model = TypeVar("Model")


class Tokenizer(Protocol):
    """What turns text into the model's tokens."""

    def encode(self, text: str) -> Sequence[int]:
        """The ids of a text."""
        ...


def inject_coprocessor(
    model: Model,
    config: CoprocessorConfig | None = None,
    *,
    tokenizer: Tokenizer | None = None,
    key: jax.Array | None = None,
) -> Model:
    """A model that computes exactly: experts beside the MLPs of some of its layers.

    Args:
      model: a `Decoder`, or one of transformers' FlaxGPT2, FlaxGPTNeo, FlaxGPTJ, FlaxLlama,
        FlaxMistral, FlaxGemma, FlaxOPT models, with or without its head. It stays as it is.
      config: of the coprocessor.
      tokenizer: the model's, if it is to be checked that each digit is a token of its own,
        which reading operands needs.
      key: of the experts' initial weights; consumed. None is `jax.random.key(0)`.

    Returns:
      A model of the same class, called, trained, saved and asked to generate as before; it
      shares the first one's arrays. With `max_gate` 0 its logits are the first one's bits; where
      a gate is 0 by itself, what the layer adds is, and the rest as exactly as XLA compiles the
      same operations in another program.

    Raises:
      UnknownModelError: no adapter for this model, or it has no parameters.
      AlreadyInjectedError: it has a coprocessor.
      CoprocessorConfigError: not a configuration, or a layer the model does not have.
      TokenizerError: digits are not single tokens, or the tokens are not this model's.
    """
    adapter = _adapter(model)
    config = CoprocessorConfig() if config is None else config
    if not isinstance(config, CoprocessorConfig):
        raise CoprocessorConfigError(
            f"config is a {type(config).__name__}; accepted: a CoprocessorConfig"
        )
    if tokenizer is not None:
        check_tokenizer(tokenizer, model.config.vocab_size)  # type: ignore[attr-defined]
    return adapter.inject(model, config, jax.random.key(0) if key is None else key)


def remove_coprocessor(model: Model) -> Model:
    """The model without its coprocessor: class, structure and parameters as before injection.

    Raises:
      NotInjectedError: it has none.
      UnknownModelError: no adapter for this model.
    """
    return _adapter(model).remove(model)


def has_coprocessor(model: Any) -> bool:
    """Whether a model has a coprocessor.

    Raises:
      UnknownModelError: no adapter for this model.
    """
    return _adapter(model).is_injected(model)


def coprocessor_config(model: Any) -> CoprocessorConfig:
    """The configuration of a model's coprocessor.

    Raises:
      NotInjectedError: it has none.
    """
    return _injected(model).identity(model).config


def trainable(model: Any) -> Any:
    """Which parameters training may change, by the configuration's `freeze_` fields.

    Returns:
      Booleans in the shape of `model.params`, or of `nnx.state(model, nnx.Param)`.

    Raises:
      NotInjectedError: it has no coprocessor.
    """
    config = coprocessor_config(model)

    def expert(path: tuple) -> bool:
        return not (config.freeze_alu and any(getattr(k, "key", None) == ALU for k in path))

    return _adapter(model).mask(model, expert, not config.freeze_backbone)


def only_trainable(
    optimizer: optax.GradientTransformation, model: Any
) -> optax.GradientTransformation:
    """That optimizer for the parameters that training may change, no update for the others.

    Raises:
      NotInjectedError: the model has no coprocessor.
    """
    labels = jax.tree.map(lambda free: "free" if free else "frozen", trainable(model))
    return optax.multi_transform({"free": optimizer, "frozen": optax.set_to_zero()}, labels)


def save_pretrained(model: Any, folder: str | Path) -> None:
    """Write a model's own files, as without a coprocessor, and `coprocessor/` beside them.

    Raises:
      NotInjectedError: it has no coprocessor; its own `save_pretrained` saves it then.
    """
    _injected(model).save(model, Path(folder))


def load_coprocessor(folder: str | Path, model: Model) -> Model:
    """A saved coprocessor back into its model.

    Args:
      folder: the model's folder, which has one named `coprocessor`, or that one itself.
      model: as loaded from the folder, without a coprocessor. It stays as it is.

    Raises:
      CoprocessorFilesError: files are missing or altered, or it is another model's; says which
        file, field or tensor, and what is accepted.
      AlreadyInjectedError, UnknownModelError: as `inject_coprocessor`.
    """
    path = Path(folder)
    path = path / saving.FOLDER if (path / saving.FOLDER).is_dir() else path
    identity = saving.read_identity(path)
    try:
        made: Any = inject_coprocessor(model, identity.config)
    except CoprocessorConfigError as error:
        raise CoprocessorFilesError(f"{path}: config: {error}") from error
    adapter = _adapter(made)
    own = adapter.identity(made)
    for name in ("model", "depth", "width"):
        if getattr(identity, name) != getattr(own, name):
            raise CoprocessorFilesError(
                f"{path}: {name} is {getattr(identity, name)!r}; accepted for this model: "
                f"{getattr(own, name)!r}"
            )
    return adapter.with_weights(made, saving.read_weights(path, adapter.weights(made)))


def check_tokenizer(tokenizer: Tokenizer, vocab_size: int) -> None:
    """Check that operands can be read from a text's tokens.

    Raises:
      TokenizerError: a digit is not one token, digits side by side are not one token each, or
        a token is not among the model's `vocab_size`.
    """
    options = {}
    if "add_special_tokens" in inspect.signature(tokenizer.encode).parameters:
        options = {"add_special_tokens": False}

    def ids(text: str) -> list[int]:
        return list(tokenizer.encode(text, **options))

    for digit in DIGITS:
        found = ids(digit)
        if len(found) != 1:
            raise TokenizerError(f"digit {digit} is {len(found)} tokens; accepted: one each")
        if not 0 <= found[0] < vocab_size:
            raise TokenizerError(
                f"digit {digit} is token {found[0]}; accepted by this model: 0 to {vocab_size - 1}"
            )
    together = ids(DIGITS)
    if together != [token for digit in DIGITS for token in ids(digit)]:
        raise TokenizerError(
            f"{DIGITS} is tokens {together}; accepted: a token for each digit, also side by side"
        )


def _adapter(model: Any) -> Any:
    """The module of functions for this kind of model."""
    if isinstance(model, Decoder):
        return nnx_decoder
    # Such a model exists only where transformers is loaded, which takes seconds.
    if "transformers.modeling_flax_utils" in sys.modules:
        from ncpu.coproc.adapters import hf_flax

        if isinstance(model, hf_flax.FlaxPreTrainedModel):
            return hf_flax
    raise UnknownModelError(
        f"{type(model).__module__}.{type(model).__qualname__} is no model that gets a coprocessor; "
        "accepted: ncpu.coproc.decoder.Decoder, or a Flax model of transformers 4 (FlaxGPT2, "
        "FlaxGPTNeo, FlaxGPTJ, FlaxLlama, FlaxMistral, FlaxGemma, FlaxOPT)"
    )


def _injected(model: Any) -> Any:
    adapter = _adapter(model)
    if not adapter.is_injected(model):
        raise NotInjectedError(
            f"this {type(model).__name__} has no coprocessor; inject_coprocessor puts one in"
        )
    return adapter
