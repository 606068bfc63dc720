"""Text from a decoder: prefill and decoding in one jitted loop, greedy or sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from ncpu.coproc.decoder.model import Decoder
from ncpu.coproc.errors import DecoderInputError

BUCKET = 32  # prompts are padded to a multiple of it, so that few lengths are compiled


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Generated:
    """What was generated.

    Attributes:
        tokens: i32[b, max_new_tokens], filled with the pad id behind each row's end.
        lengths: i32[b], tokens before the fill, the end token included.
    """

    tokens: Array
    lengths: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Sampling:
    """How a token is drawn from logits: all of it data, so that changing it compiles nothing.

    Attributes:
        temperature: f32[]; logits are divided by it.
        top_k: i32[]; only so many of the likeliest tokens may be drawn.
        top_p: f32[]; of these, only the fewest that together reach this probability.
    """

    temperature: Array
    top_k: Array
    top_p: Array


def left_pad(prompts: Sequence[Sequence[int]], *, pad: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Prompts of any lengths as one batch: tokens i32[b, t] and mask bool[b, t].

    Raises:
        DecoderInputError: no prompts, or an empty one.
    """
    if not prompts or not all(len(p) for p in prompts):
        raise DecoderInputError("prompts: at least one, each of at least one token")
    longest = max(len(p) for p in prompts)
    tokens = np.full((len(prompts), longest), pad, np.int32)
    mask = np.zeros((len(prompts), longest), bool)
    for row, prompt in enumerate(prompts):
        tokens[row, longest - len(prompt) :] = prompt
        mask[row, longest - len(prompt) :] = True
    return tokens, mask


def generate(
    decoder: Decoder,
    tokens: Any,
    *,
    max_new_tokens: int,
    mask: Any = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    key: Array | None = None,
    eos: int | Sequence[int] | None = None,
    pad: int | None = None,
) -> Generated:
    """Continue each row of `tokens`.

    One compilation serves all prompts whose length falls in the same bucket of 32, with the same
    batch and the same `max_new_tokens`; temperature, top_k, top_p, key, eos and pad are data.

    Args:
        decoder: the model.
        tokens: i32[b, t], padded on the left (see `left_pad`).
        max_new_tokens: how many at most; fewer if all rows reach an end token.
        mask: bool[b, t], False at padding; None is all True.
        temperature: 0 takes the likeliest token, the first of equals.
        top_k: draw among this many likeliest tokens only.
        top_p: draw among the fewest likeliest tokens whose probabilities reach this only.
        key: for sampling; consumed.
        eos: id or ids that end a row; None takes the config's.
        pad: fills rows that ended; None takes the config's, or 0.

    Raises:
        DecoderInputError: an argument out of range, or padding that is not on the left.
    """
    tokens, mask = _prompt(tokens, mask, decoder.config.vocab_size)
    sampling = _sampling(decoder, max_new_tokens, temperature, top_k, top_p)
    if temperature > 0 and key is None:
        raise DecoderInputError("key = None: sampling (temperature above 0) needs one")
    ends = decoder.config.eos if eos is None else (eos,) if isinstance(eos, int) else tuple(eos)
    fill = decoder.config.pad if pad is None else pad
    graph, state = nnx.split(decoder)
    return _generate(
        graph,
        state,
        jnp.asarray(tokens),
        jnp.asarray(mask),
        sampling,
        jax.random.key(0) if key is None else key,
        jnp.asarray(ends or (-1,), jnp.int32),
        jnp.asarray(fill or 0, jnp.int32),
        max_new_tokens=max_new_tokens,
        sampled=temperature > 0,
        filtered=top_k is not None or top_p is not None,
    )


def draw(logits: Array, sampling: Sampling, key: Array, *, filtered: bool) -> Array:
    """One token of each row of f32[b, vocab_size], i32[b]. `key` is consumed."""
    logits = logits / sampling.temperature
    if filtered:
        ordered = jnp.sort(logits, axis=-1, descending=True)
        place = jnp.arange(ordered.shape[-1])
        allowed = place < sampling.top_k
        share = jax.nn.softmax(jnp.where(allowed, ordered, -jnp.inf), axis=-1)
        before = jnp.cumsum(share, axis=-1) - share
        allowed &= before < sampling.top_p
        least = jnp.min(jnp.where(allowed, ordered, jnp.inf), axis=-1, keepdims=True)
        logits = jnp.where(logits >= least, logits, -jnp.inf)
    return jax.random.categorical(key, logits, axis=-1).astype(jnp.int32)


@partial(jax.jit, static_argnames=("graph", "max_new_tokens", "sampled", "filtered"))
def _generate(
    graph: Any,
    state: Any,
    tokens: Array,
    mask: Array,
    sampling: Sampling,
    key: Array,
    ends: Array,
    pad: Array,
    *,
    max_new_tokens: int,
    sampled: bool,
    filtered: bool,
) -> Generated:
    batch, prompt = tokens.shape

    def choose(hidden: Array, number: Array | int) -> Array:
        logits = decoder.logits(hidden[:, -1])
        if not sampled:
            return jnp.argmax(logits, axis=-1).astype(jnp.int32)
        return draw(logits, sampling, jax.random.fold_in(key, number), filtered=filtered)

    def is_end(token: Array) -> Array:
        return jnp.any(token[..., None] == ends, axis=-1)

    decoder = nnx.merge(graph, state)
    cache = decoder.empty_cache(batch, prompt + max_new_tokens - 1)
    hidden, cache = decoder.hidden(tokens, cache=cache, mask=mask)
    token = choose(hidden, 0)
    out = jnp.full((batch, max_new_tokens), pad).at[:, 0].set(token)
    carry = (jnp.ones((), jnp.int32), out, is_end(token), token, cache)

    def going(carry: Any) -> Array:
        number, _, ended, _, _ = carry
        return (number < max_new_tokens) & ~jnp.all(ended)

    def step(carry: Any) -> Any:
        number, out, ended, token, cache = carry
        # merged here, so that whatever a module notes on itself stays within one step
        hidden, cache = nnx.merge(graph, state).hidden(token[:, None], cache=cache)
        token = choose(hidden, number)
        out = out.at[:, number].set(jnp.where(ended, pad, token))
        return number + 1, out, ended | is_end(token), token, cache

    _, out, _, _, _ = jax.lax.while_loop(going, step, carry)
    at_end = is_end(out)
    first = jnp.argmax(at_end, axis=1) + 1
    lengths = jnp.where(jnp.any(at_end, axis=1), first, max_new_tokens).astype(jnp.int32)
    return Generated(out, lengths)


def _prompt(tokens: Any, mask: Any, vocab_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and mask on the host, padded on the left to the bucket."""
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or not np.issubdtype(tokens.dtype, np.integer) or 0 in tokens.shape:
        raise DecoderInputError(
            f"tokens {tokens.dtype}{list(tokens.shape)}: integers [batch, time], neither zero"
        )
    mask = np.ones(tokens.shape, bool) if mask is None else np.asarray(mask).astype(bool)
    if mask.shape != tokens.shape:
        raise DecoderInputError(f"mask {list(mask.shape)}: the tokens' shape {list(tokens.shape)}")
    if not mask[:, -1].all() or (np.diff(mask.astype(np.int8), axis=1) < 0).any():
        raise DecoderInputError("mask: padding must be on the left of each row, and not all of it")
    wrong = tokens[mask & ((tokens < 0) | (tokens >= vocab_size))]
    if wrong.size:
        raise DecoderInputError(f"token {wrong[0]}: accepted are 0 to {vocab_size - 1}")
    missing = -tokens.shape[1] % BUCKET
    tokens = np.where(mask, tokens, 0).astype(np.int32)
    return np.pad(tokens, ((0, 0), (missing, 0))), np.pad(mask, ((0, 0), (missing, 0)))


def _sampling(
    decoder: Decoder,
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
) -> Sampling:
    if max_new_tokens < 1:
        raise DecoderInputError(f"max_new_tokens = {max_new_tokens}: at least 1")
    if not np.isfinite(temperature) or temperature < 0:
        raise DecoderInputError(f"temperature = {temperature}: a finite number from 0")
    if top_k is not None and top_k < 1:
        raise DecoderInputError(f"top_k = {top_k}: at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise DecoderInputError(f"top_p = {top_p}: above 0, at most 1")
    return Sampling(
        jnp.asarray(temperature or 1.0, jnp.float32),
        jnp.asarray(decoder.config.vocab_size if top_k is None else top_k, jnp.int32),
        jnp.asarray(1.0 if top_p is None else top_p, jnp.float32),
    )
