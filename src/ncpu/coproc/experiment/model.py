"""Decoders of characters that know where numbers begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

from ncpu.coproc.decoder import Decoder, DecoderConfig
from ncpu.coproc.experiment import tokens as characters

PLAIN, NUMBERS, ABACUS = "plain", "numbers", "abacus"
PLACES = 20  # of digits that Abacus has embeddings for
LARGEST_SHIFT = 8  # that training moves them by, so that later ones are trained as well


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NumberedCache:
    """A decoder's cache, and `place` i32[b]: how many digits stand at the end of each row."""

    inner: Any
    place: Array


def places(tokens: Array, before: Array) -> Array:
    """Which digit of its number each token is, from 1; 0 for other characters.

    Args:
      tokens: `i32[b, t]`.
      before: `i32[b]`, digits directly in front of them.
    """
    digit = (tokens >= characters.DIGIT) & (tokens < characters.DIGIT + 10)
    at = jnp.arange(tokens.shape[1], dtype=jnp.int32)
    other = lax.cummax(jnp.where(digit, -1, at), axis=1)
    run = at - other + jnp.where(other < 0, before[:, None], 0)
    return jnp.where(digit, run, 0)


class PlacedEmbed(nnx.Module):
    """Embeddings of characters plus those of digits' places; called with id + size * place."""

    def __init__(self, size: int, width: int, *, rngs: nnx.Rngs) -> None:
        self.size = size
        draw = nnx.initializers.normal(0.02)
        self.embedding = nnx.Param(draw(rngs.params(), (size, width)))
        self.places = nnx.Param(draw(rngs.params(), (PLACES, width)))

    def __call__(self, numbered: Array) -> Array:
        """`i32[b, t]` to `f32[b, t, width]`."""
        found = jnp.take(self.embedding[...], numbered % self.size, axis=0)
        place = numbered // self.size
        return found + jnp.where((place > 0)[..., None], self.places[...][place], 0.0)


class TextDecoder(Decoder):
    """A decoder whose positions may depend on the text.

    Args:
      config: of the decoder.
      numbering: what positions count.  "plain": characters.  "numbers": all digits of a number
        have one position, so that what stands around a number is as near to its ninth digit as
        to its first.  "abacus": characters, and each digit has besides the embedding of its
        place in its number (McLeish et al., arXiv:2405.17399).
      rngs: keys of the initial weights, stream `params`.
    """

    def __init__(self, config: DecoderConfig, numbering: str, *, rngs: nnx.Rngs) -> None:
        super().__init__(config, rngs=rngs)
        self.numbering = numbering
        if numbering == ABACUS:
            self.embed = PlacedEmbed(config.vocab_size, config.width, rngs=rngs)

    def empty_cache(self, batch: int, slots: int) -> NumberedCache:  # pyright: ignore
        """See `Decoder.empty_cache`."""
        return NumberedCache(super().empty_cache(batch, slots), jnp.zeros(batch, jnp.int32))

    def hidden(  # pyright: ignore
        self,
        tokens: Array,
        positions: Array | None = None,
        cache: NumberedCache | None = None,
        mask: Array | None = None,
        shift: Array | None = None,
    ) -> tuple[Array, NumberedCache | None]:
        """See `Decoder.hidden`.

        Args:
          tokens: `i32[b, t]`.
          positions: as there.
          cache: as there.
          mask: as there.
          shift: `i32[b]`, places that Abacus's digits are moved by; 0 if left out.
        """
        batch = tokens.shape[0]
        place = places(tokens, jnp.zeros(batch, jnp.int32) if cache is None else cache.place)
        if positions is None and self.numbering == NUMBERS:
            start = 0 if cache is None else cache.inner.position[:, None]
            valid = jnp.ones(tokens.shape, bool) if mask is None else mask.astype(bool)
            advance = jnp.cumsum(((place < 2) & valid).astype(jnp.int32), axis=1)
            positions = jnp.maximum(start + advance - 1, 0)
        if self.numbering == ABACUS:
            moved = place if shift is None else jnp.where(place > 0, place + shift[:, None], 0)
            tokens = tokens + self.config.vocab_size * jnp.minimum(moved, PLACES - 1)
        inner = None if cache is None else cache.inner
        hidden, inner = super().hidden(tokens, positions, inner, mask)
        return hidden, None if inner is None else NumberedCache(inner, place[:, -1])
