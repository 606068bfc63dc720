"""Consulting a library: search, acceptance, verified check and execution in one jitted function.

Nothing is executed where `Answer.status` is not `HIT`: the value is 0 there.  Ties between keys go
to the lowest slot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.npcot.errors import ArrayInputError, HiddenStateError
from ncpu.npcot.execute import execute
from ncpu.npcot.library import FINGERPRINT_WORDS, ProgramLibrary

CHUNK = 4096
"""Queries searched at once: bounds the `[chunk, N]` matrix of cosines."""

_PROBES = 4
"""Programs that share the first 32 bits of a fingerprint and are still found; more only miss."""

NO_SCORE = -2.0

_FIT = (np.int8, np.int16, np.int32, np.uint8, np.uint16)


class Lookup(IntEnum):
    """How a consultation ended, as data."""

    HIT = 0
    MISS = 1
    """No key is near enough, or the library has no such fingerprint."""
    UNVERIFIED = 2
    """The nearest program is not cleared by the verifier."""
    BAD_KEY = 3
    """The hidden state is zero or not finite."""
    OUT_OF_DOMAIN = 4
    """Length or elements outside the domain that the programs are verified for."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Answer:
    """What a consultation gives, for each of `B` queries.

    Attributes:
      value: `i32[B]`, the program's result; 0 unless a hit.
      status: `i32[B]`, a `Lookup`.
      slot: `i32[B]`, the nearest entry, whatever the status.
      score: `f32[B]`, its cosine; `NO_SCORE` where there is none.
    """

    value: Any
    status: Any
    slot: Any
    score: Any


def consult(library: ProgramLibrary, hidden: Any, x: Any, length: Any, y: Any = None) -> Answer:
    """Answer `B` hidden states from the library.

    Args:
      library: `N` entries with keys of width `d`.
      hidden: `f32[B, d]`, of any length but 0.
      x: `i32[B, L]`, one array each; elements past `length` are not read.
      length: `i32[B]`.
      y: `i32[B, L]`, second arrays, zeros unless given.

    Raises:
      HiddenStateError, ArrayInputError: shapes that do not fit.
    """
    if jnp.ndim(hidden) != 2 or jnp.shape(hidden)[1] != library.width:
        raise HiddenStateError(
            f"hidden states have shape (B, {library.width}), these {jnp.shape(hidden)}"
        )
    arrays = _checked_arrays(jnp.shape(hidden)[0], x, length, y)
    return consult_traced(library, jnp.asarray(hidden, jnp.float32), *arrays)


def consult_fingerprint(
    library: ProgramLibrary, prints: Any, x: Any, length: Any, y: Any = None
) -> Answer:
    """Run programs that the caller names exactly; no search, otherwise as `consult`.

    Args:
      library: `N` entries.
      prints: `u32[B, 8]`, fingerprints.
      x, length, y: as in `consult`.

    Returns:
      the answers; scores are 1 where the fingerprint was found.
    """
    if jnp.ndim(prints) != 2 or jnp.shape(prints)[1] != FINGERPRINT_WORDS:
        raise HiddenStateError(
            f"fingerprints have shape (B, {FINGERPRINT_WORDS}), these {jnp.shape(prints)}"
        )
    arrays = _checked_arrays(jnp.shape(prints)[0], x, length, y)
    return consult_fingerprint_traced(library, jnp.asarray(prints, jnp.uint32), *arrays)


@jax.jit
def consult_traced(
    library: ProgramLibrary, hidden: jax.Array, x: jax.Array, length: jax.Array, y: jax.Array
) -> Answer:
    """`consult` without its checks of shapes: for use inside other traced functions."""
    batch = hidden.shape[0]
    if not isinstance(batch, int) or batch <= CHUNK:  # a symbolic batch is exported unchunked
        slot, score, finite = search(library, hidden)
    else:
        slot, score, finite = jax.lax.map(
            lambda h: jax.tree.map(lambda leaf: leaf[0], search(library, h[None])),
            hidden,
            batch_size=CHUNK,
        )
    accepted = score >= library.thresholds[slot]
    miss = jnp.where(finite, Lookup.MISS, Lookup.BAD_KEY)
    return _run(library, slot, score, finite & accepted, miss, (x, length, y))


@jax.jit
def consult_fingerprint_traced(
    library: ProgramLibrary, prints: jax.Array, x: jax.Array, length: jax.Array, y: jax.Array
) -> Answer:
    """`consult_fingerprint` without its checks of shapes."""
    slot, found = locate(library, prints)
    score = jnp.where(found, jnp.float32(1.0), jnp.float32(NO_SCORE))
    return _run(library, slot, score, found, Lookup.MISS, (x, length, y))


def search(library: ProgramLibrary, hidden: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The nearest key of each hidden state.

    Returns:
      slot `i32[B]`; cosine `f32[B]`; whether the hidden state was usable, `bool[B]`.
    """
    # Not read off the maximum: on some backends it does not see a NaN among other numbers.
    finite = jnp.all(jnp.isfinite(hidden), axis=1) & jnp.any(hidden != 0, axis=1)
    hidden = jnp.where(finite[:, None], hidden, 1.0)
    scaled = hidden / jnp.max(jnp.abs(hidden), axis=1, keepdims=True)  # squares cannot overflow
    norm = jnp.sqrt(jnp.sum(scaled * scaled, axis=1))
    products = jnp.matmul(scaled, library.keys.T, precision=jax.lax.Precision.HIGHEST)
    products = jnp.where(library.occupied, products, NO_SCORE * jnp.float32(library.width))
    slot = jnp.argmax(products, axis=1).astype(jnp.int32)
    best = jnp.take_along_axis(products, slot[:, None], axis=1)[:, 0]
    usable = finite & library.occupied[slot]
    cosine = jnp.clip(best / jnp.maximum(norm, 1e-30), -1.0, 1.0)
    return slot, jnp.where(usable, cosine, NO_SCORE), finite


def locate(library: ProgramLibrary, prints: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The slots of fingerprints, by bisection.

    Returns:
      slot `i32[B]`; whether it was found, `bool[B]`.
    """
    first = jnp.where(library.occupied, library.fingerprints[:, 0], jnp.uint32(0xFFFFFFFF))
    start = jnp.searchsorted(first[library.order], prints[:, 0])
    at = jnp.minimum(start[:, None] + jnp.arange(_PROBES), library.capacity - 1)
    slots = library.order[at]
    same = jnp.all(library.fingerprints[slots] == prints[:, None, :], axis=2)
    same &= library.occupied[slots]
    which = jnp.argmax(same, axis=1)
    slot = jnp.take_along_axis(slots, which[:, None], axis=1)[:, 0]
    return slot, jnp.any(same, axis=1)


def _run(library, slot, score, accepted, otherwise, arrays) -> Answer:
    x, length, y = arrays
    domain = library.domain
    status = jnp.where(accepted, Lookup.HIT, otherwise)
    status = jnp.where(accepted & ~library.verified[slot], Lookup.UNVERIFIED, status)
    inside = (length >= domain.min_length) & (length <= min(domain.max_length, x.shape[1]))
    read = jnp.arange(x.shape[1]) < length[:, None]
    for array, (low, high) in ((x, domain.first), (y, domain.second)):
        inside &= jnp.all(~read | ((array >= low) & (array <= high)), axis=1)
    status = jnp.where((status == Lookup.HIT) & ~inside, Lookup.OUT_OF_DOMAIN, status)
    hit = status == Lookup.HIT
    run = jax.vmap(partial(execute, fmt=domain.format))
    value = run(library.programs[slot], x, jnp.where(hit, length, 0), y)
    return Answer(jnp.where(hit, value, 0), status.astype(jnp.int32), slot, score)


@jax.jit
def record(library: ProgramLibrary, answer: Answer) -> ProgramLibrary:
    """Count the hits of a consultation and mark the entries as used."""
    hit = answer.status == Lookup.HIT
    slot = jnp.where(hit, answer.slot, library.capacity)
    now = library.clock + 1
    return replace(
        library,
        hits=library.hits.at[slot].add(1, mode="drop"),
        last_used=library.last_used.at[slot].set(now, mode="drop"),
        clock=now,
    )


@jax.jit
def feedback(library: ProgramLibrary, answer: Answer, right: Any) -> ProgramLibrary:
    """Move thresholds by what turned out right and wrong.

    An entry's threshold is halfway between the highest cosine at which it was wrong and the lowest
    at which it was right, and always above the former.  Misses count too: an entry that would have
    been right becomes easier to reach.

    Args:
      library: left as it was.
      answer: of `consult`, `B` queries.
      right: `bool[B]`, whether the nearest entry's program was the right one.
    """
    seen = answer.score > NO_SCORE
    good = jnp.where(seen & right, answer.slot, library.capacity)
    bad = jnp.where(seen & ~right, answer.slot, library.capacity)
    return replace(
        library,
        right_low=library.right_low.at[good].min(answer.score, mode="drop"),
        wrong_high=library.wrong_high.at[bad].max(answer.score, mode="drop"),
    )


def _checked_arrays(batch: int, x: Any, length: Any, y: Any) -> tuple[Any, Any, Any]:
    shape = jnp.shape(x)
    if len(shape) != 2 or shape[0] != batch or jnp.shape(length) != (batch,):
        raise ArrayInputError(
            f"arrays {shape} and lengths {jnp.shape(length)}; accepted: ({batch}, L) and ({batch},)"
        )
    second = np.zeros(shape, np.int32) if y is None else y
    if jnp.shape(second) != shape:
        raise ArrayInputError(f"second arrays {jnp.shape(second)}; accepted: {shape}")
    return _words(x), _words(length), _words(second)


def _words(array: Any) -> jax.Array:
    """`i32` of any integers that fit; values are looked at only where the type allows others."""
    if isinstance(array, jax.Array | np.ndarray) and array.dtype in _FIT:
        return jnp.asarray(array, jnp.int32)
    host = np.asarray(array)
    if host.dtype.kind not in "iu":
        raise ArrayInputError(f"arrays of {host.dtype}; accepted: integers")
    if host.size and not -(2**31) <= int(host.min()) <= int(host.max()) < 2**31:
        raise ArrayInputError("an element does not fit 32 bits")
    return jnp.asarray(host.astype(np.int32))
