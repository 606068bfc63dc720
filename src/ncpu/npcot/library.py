"""`ProgramLibrary`: verified array programs, found by the direction of a hidden state.

A fixed-capacity pytree, so that "find the program, decide whether the match is good enough, check
that it was verified, run it" is one compiled function over a batch of hidden states:

    library, slot = insert(library, hidden, program, verified=True)
    answer = consult(library, hidden, x, length)     # `retrieval.py`: pure, jitted
    library = record(library, answer)                # clocks and hit counts
    library = feedback(library, answer, right)       # moves each key's own threshold
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.npcot.domain import Domain
from ncpu.npcot.errors import HiddenStateError
from ncpu.npcot.program import ArrayProgram, canonical_bytes, validate

DEFAULT_THRESHOLD = 0.92
FINGERPRINT_WORDS = 8


@partial(
    jax.tree_util.register_dataclass,
    data_fields=[
        *("keys", "programs", "fingerprints", "order", "occupied", "verified"),
        *("right_low", "wrong_high", "hits", "last_used", "gap", "created", "clock", "threshold"),
    ],
    meta_fields=["domain"],
)
@dataclass(frozen=True)
class ProgramLibrary:
    """`N` slots for programs with keys of `d` numbers.

    Attributes:
      keys: `f32[N, d]`, unit rows; zero where empty.
      programs: batch `N` of programs.
      fingerprints: `u32[N, 8]`, SHA-256 of each program's canonical bytes, big-endian words.
      order: `i32[N]`, slots in ascending order of fingerprint, the empty ones last.
      occupied: `bool[N]`.
      verified: `bool[N]`, cleared by the static verifier for `domain`.
      right_low: `f32[N]`, lowest cosine at which this entry was said to be right.
      wrong_high: `f32[N]`, highest cosine at which it was said to be wrong.
      hits: `i32[N]`.
      last_used: `i32[N]`, the clock at the last hit or at insertion.
      gap: `f32[N]`, soft-discrete gap at crystallisation.
      created: `u32[N]`, seconds since 1970.
      clock: `i32[]`, consultations and insertions so far.
      threshold: `f32[]`, the cosine that a new key demands.
      domain: static; the arrays that may be asked about.
    """

    keys: Any
    programs: ArrayProgram
    fingerprints: Any
    order: Any
    occupied: Any
    verified: Any
    right_low: Any
    wrong_high: Any
    hits: Any
    last_used: Any
    gap: Any
    created: Any
    clock: Any
    threshold: Any
    domain: Domain

    @property
    def capacity(self) -> int:
        """Number of slots, `N`."""
        return self.keys.shape[0]

    @property
    def width(self) -> int:
        """Numbers in a key, `d`."""
        return self.keys.shape[1]

    @property
    def thresholds(self) -> jax.Array:
        """`f32[N]`, the cosine each key demands: halfway between wrong and right answers seen."""
        middle = self.wrong_high + 0.5 * (self.right_low - self.wrong_high)
        above = jnp.nextafter(self.wrong_high, jnp.float32(jnp.inf))
        return jnp.maximum(middle, above)


def empty_library(
    capacity: int, width: int, domain: Domain, threshold: float = DEFAULT_THRESHOLD
) -> ProgramLibrary:
    """A library without entries.

    Args:
      capacity: slots, at least 1.
      width: numbers in a hidden state, at least 1.
      domain: what its programs must be verified for.
      threshold: cosine that a new key demands, in (0, 1).

    Raises:
      HiddenStateError: sizes or threshold outside these ranges.
    """
    if capacity < 1 or width < 1 or not 0.0 < threshold < 1.0:
        raise HiddenStateError(
            f"capacity {capacity}, width {width}, threshold {threshold}; accepted: at least 1, at "
            "least 1, between 0 and 1"
        )

    def column(dtype, fill: float = 0):
        return jnp.full(capacity, fill, dtype)

    return ProgramLibrary(
        keys=jnp.zeros((capacity, width), jnp.float32),
        programs=jax.tree.map(
            lambda leaf: column(jnp.int32, int(leaf)), ArrayProgram.of("sum", "x")
        ),
        fingerprints=jnp.full((capacity, FINGERPRINT_WORDS), 0xFFFFFFFF, jnp.uint32),
        order=jnp.arange(capacity, dtype=jnp.int32),
        occupied=column(bool),
        verified=column(bool),
        right_low=column(jnp.float32, 1.0),
        wrong_high=column(jnp.float32, 2.0 * threshold - 1.0),
        hits=column(jnp.int32),
        last_used=column(jnp.int32),
        gap=column(jnp.float32),
        created=column(jnp.uint32),
        clock=jnp.int32(0),
        threshold=jnp.float32(threshold),
        domain=domain,
    )


def fingerprint(program: ArrayProgram) -> np.ndarray:
    """`u32[8]`, SHA-256 of a program's canonical bytes."""
    raw = hashlib.sha256(canonical_bytes(program)).digest()
    return np.frombuffer(raw, ">u4").astype(np.uint32)


def unit_key(hidden: Any, width: int) -> np.ndarray:
    """`f32[d]` of length 1 from one hidden state.

    Raises:
      HiddenStateError: another width, NaN, infinity or zero.
    """
    key = np.asarray(hidden, np.float64)
    if key.shape != (width,):
        raise HiddenStateError(f"a key has shape ({width},), this has {key.shape}")
    norm = np.linalg.norm(key)
    if not np.isfinite(norm) or norm == 0:
        raise HiddenStateError("a key must be finite and not zero")
    return (key / norm).astype(np.float32)


def insert(
    library: ProgramLibrary,
    hidden: Any,
    program: ArrayProgram,
    *,
    verified: bool,
    gap: float = 0.0,
    created: int = 0,
) -> tuple[ProgramLibrary, int]:
    """Put one program under one key: over the same key, else a free slot, else the one least
    recently used.

    Args:
      library: left as it was.
      hidden: `f32[d]`, any length but 0.
      program: one program.
      verified: the verifier's word; without it the entry is stored and never executed.
      gap: of its crystallisation.
      created: seconds since 1970.

    Returns:
      the new library; the slot.

    Raises:
      HiddenStateError, ProgramSpaceError: a key or program that is none.
    """
    columns = {
        "keys": unit_key(hidden, library.width),
        "programs": validate(program),
        "fingerprints": fingerprint(program),
        "verified": np.bool_(verified),
        "gap": np.float32(gap),
        "created": np.uint32(created),
    }
    library, slot = _insert(library, columns)
    return library, int(slot)


@jax.jit
def _insert(library: ProgramLibrary, new: dict[str, Any]) -> tuple[ProgramLibrary, jax.Array]:
    same = library.occupied & jnp.all(library.keys == new["keys"], axis=1)
    age = jnp.where(library.occupied, library.last_used, -1)
    slot = jnp.where(jnp.any(same), jnp.argmax(same), jnp.argmin(age))
    now = library.clock + 1
    new |= {
        "occupied": True,
        "right_low": 1.0,
        "wrong_high": 2.0 * library.threshold - 1.0,
        "hits": 0,
        "last_used": now,
    }
    columns = {
        name: jax.tree.map(
            lambda old, value: old.at[slot].set(value), getattr(library, name), value
        )
        for name, value in new.items()
    }
    order = _order(columns["fingerprints"], columns["occupied"])
    return replace(library, **columns, order=order, clock=now), slot


def _order(prints: jax.Array, occupied: jax.Array) -> jax.Array:
    columns = [prints[:, i] for i in reversed(range(FINGERPRINT_WORDS))]
    return jnp.lexsort([*columns, ~occupied]).astype(jnp.int32)


def remove(library: ProgramLibrary, slot: int) -> ProgramLibrary:
    """Empty one slot."""
    occupied = library.occupied.at[slot].set(False)
    return replace(
        library,
        keys=library.keys.at[slot].set(0.0),
        occupied=occupied,
        verified=library.verified.at[slot].set(False),
        order=_order(library.fingerprints, occupied),
    )
