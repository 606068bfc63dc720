"""From a soft head to one discrete program, with the distance between the two decided.

The soft output is sum_p w_p (value_p(x) + unit_p E[offset]) in exact arithmetic, so its distance
to the chosen program p* on any input is at most

    sum over p of  w_p * max |value_p - value_p*|   +   |E[offset] * sum_p w_p unit_p - offset *
    unit_p*|

and the maxima over a domain come from `ncpu.npcot.interval`: a bound for all inputs, not a sample.
Where the domain has few inputs they are all run, which gives the distance itself.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import ncpu
from ncpu.npcot.domain import Domain
from ncpu.npcot.enumerate import all_inputs, inputs_count
from ncpu.npcot.errors import CrystallizeError
from ncpu.npcot.execute import execute_all
from ncpu.npcot.head import (
    CLIP,
    OFFSET_BITS,
    SCALED,
    ArrayThoughtHead,
    Slots,
    check_hidden,
    most_likely,
    probabilities,
)
from ncpu.npcot.interval import bounds
from ncpu.npcot.number import Format
from ncpu.npcot.program import SLOTS, SPACE_SIZE, ArrayProgram, all_choices, validate
from ncpu.npcot.text import format_program
from ncpu.npcot.verify import fingerprint

MAX_GAP = 0.15
"""Largest distance that `crystallize` accepts unless told otherwise."""

MOST_INPUTS = 1 << 12


@dataclass(frozen=True)
class Certificate:
    """What was decided about one crystallised program.

    Attributes:
      method: "enumeration" (every input was run) or "interval" (a bound for all of them).
      gap: largest distance between soft and discrete numbers on the domain; the exact maximum for
        enumeration, an upper bound for interval.  Infinite results count as ±`clip` plus offset.
      temperature: at which the soft output was taken; at 0 the gap is 0.
      weight: probability of the chosen program, offset included.
      clip: what an infinity counts as.
      program: text of the program.
      fingerprint: SHA-256 of its canonical bytes, hexadecimal.
      domain: the inputs.
      version: of ncpu.
    """

    method: str
    gap: float
    temperature: float
    weight: float
    clip: float
    program: str
    fingerprint: str
    domain: Domain
    version: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back."""
        return {**asdict(self), "domain": self.domain.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Certificate:
        """The certificate of a JSON object.

        Raises:
          CrystallizeError: fields that are missing or unknown.
          DomainError: a domain that is none.
        """
        try:
            return cls(**{**data, "domain": Domain.from_json(data["domain"])})
        except (KeyError, TypeError) as error:
            raise CrystallizeError(f"no certificate: {error}") from error


def crystallize(
    head: ArrayThoughtHead,
    hidden: Any,
    domain: Domain,
    *,
    temperature: float = 0.1,
    max_gap: float = MAX_GAP,
    clip: float = CLIP,
) -> tuple[ArrayProgram, Certificate]:
    """The discrete program of one hidden state, and the proof of how far the soft one is from it.

    Args:
      head: a trained head.
      hidden: `f32[width]`.
      domain: the inputs the certificate speaks about.
      temperature: of the soft output.
      max_gap: largest distance accepted.
      clip: what an infinite result counts as.

    Raises:
      HiddenStateError: a hidden state of another width or not finite.
      ProgramSpaceError: the offset bits spell no finite word.
      CrystallizeError: the distance cannot be shown to be at most `max_gap`.
    """
    state = check_hidden(hidden, head.width)
    if state.ndim != 1:
        raise CrystallizeError(f"one hidden state is needed, this is {list(state.shape)}")
    return crystallize_logits(
        jax.device_get(head(jnp.asarray(state))),
        domain,
        temperature=temperature,
        max_gap=max_gap,
        clip=clip,
    )


def crystallize_logits(
    logits: Slots,
    domain: Domain,
    *,
    temperature: float = 0.1,
    max_gap: float = MAX_GAP,
    clip: float = CLIP,
) -> tuple[ArrayProgram, Certificate]:
    """As `crystallize`, from the logits of one hidden state."""
    program = validate(jax.device_get(most_likely(logits)), domain.format)
    p = _exact_probabilities(logits, temperature)
    weights = np.asarray(_outer(p))
    best = int(np.ravel_multi_index([int(getattr(program, s)) for s in SLOTS], _SIZES))
    mean, bit_weight = _offset_moments(p, int(program.offset))
    units = np.where(SCALED, 1.0 / (1 << domain.format.frac), 1.0)
    added = mean * units
    wanted = int(program.offset) * units[best]
    if inputs_count(domain, second=True) <= MOST_INPUTS:
        method, gap = "enumeration", _largest_gap(weights, added, best, wanted, domain, clip)
    else:
        method, gap = "interval", _gap_bound(weights, added, best, wanted, domain, clip)
    text = format_program(program, domain.format)
    if not gap <= max_gap:
        raise CrystallizeError(
            f"{text} is within {gap:.6g} of the soft output at temperature {temperature} "
            f"({method}); accepted: {max_gap:g}"
        )
    certificate = Certificate(
        method=method,
        gap=gap,
        temperature=float(temperature),
        weight=float(weights[best] * bit_weight),
        clip=float(clip),
        program=text,
        fingerprint=fingerprint(program),
        domain=domain,
        version=ncpu.__version__,
    )
    return program, certificate


_SIZES = tuple(len(names) for names in SLOTS.values())
_ROUNDING = SPACE_SIZE * 2.0**-52  # of a sum of so many doubles, relative to the sum of magnitudes


def _exact_probabilities(logits: Slots, temperature: float) -> dict[str, np.ndarray]:
    """`probabilities` of one hidden state, in double precision."""
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), logits)
        return {k: np.asarray(v) for k, v in vars(probabilities(wide, temperature)).items()}


def _outer(p: dict[str, np.ndarray]) -> np.ndarray:
    weights = np.ones(1)
    for name in SLOTS:
        weights = np.multiply.outer(weights, p[name]).reshape(-1)
    return weights


def _offset_moments(p: dict[str, np.ndarray], offset: int) -> tuple[float, float]:
    """The expected offset, and the probability of this one."""
    place = 2.0 ** np.arange(OFFSET_BITS)
    place[-1] = -place[-1]
    bits = (offset >> np.arange(OFFSET_BITS)) & 1
    return float(p["offset"] @ place), float(np.prod(np.where(bits, p["offset"], 1 - p["offset"])))


@lru_cache(maxsize=16)
def value_ranges(domain: Domain, clip: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest number of each program (offset 0) on the domain, infinities as ±`clip`."""
    ends = np.empty((2, SPACE_SIZE))
    for i, choice in enumerate(all_choices()):
        found = bounds(choice, 0, domain)
        if found.infinite:  # then nothing is known but that words are clipped
            ends[:, i] = -clip, clip
        else:
            assert found.result is not None
            unit = 1.0 / (1 << domain.format.frac) if choice.scaled else 1.0
            ends[:, i] = [end * unit for end in found.result]
    return tuple(np.clip(ends, -clip, clip))


def _gap_bound(
    weights: np.ndarray, added: np.ndarray, best: int, wanted: float, domain: Domain, clip: float
) -> float:
    low, high = value_ranges(domain, clip)
    apart = np.maximum(high - low[best], high[best] - low)
    apart[best] = 0.0
    drift = abs(math.fsum(weights * added) - wanted)
    size = math.fsum(weights * (np.maximum(abs(low), abs(high)) + abs(added)))
    return math.fsum(weights * apart) + drift + _ROUNDING * size


def _largest_gap(
    weights: np.ndarray, added: np.ndarray, best: int, wanted: float, domain: Domain, clip: float
) -> float:
    worst = 0.0
    for x, length, y in all_inputs(domain, second=True, batch=512):
        words = np.asarray(_results(x, length, y, fmt=domain.format)).astype(np.float64)
        unit = np.where(SCALED, 1.0 / (1 << domain.format.frac), 1.0)
        infinite = np.abs(words) >= domain.format.infinity
        values = np.clip(np.where(infinite, np.sign(words) * clip, words * unit), -clip, clip)
        gaps = (values - values[:, best : best + 1] + added) @ weights - wanted
        worst = max(worst, float(np.abs(gaps).max()))
    return worst


@partial(jax.jit, static_argnames="fmt")
def _results(x: jax.Array, length: jax.Array, y: jax.Array, *, fmt: Format) -> jax.Array:
    return jax.vmap(lambda a, n, b: execute_all(a, n, b, fmt=fmt))(x, length, y)
