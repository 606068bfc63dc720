"""Differential privacy for keys and for shared counts, and what it costs.

A key is a unit row, so replacing one person's hidden state moves it by up to 2: the Gaussian noise
that protects it at a small epsilon is longer than the key, and retrieval dies (`utility_curve`
shows it).  A budget of epsilon <= 10 on keys is therefore refused without `destroy_retrieval=True`.
Counts survive far better: use `private_counts` for what is shared between owners.

Sources: Balle and Wang 2018 (analytic Gaussian mechanism); Canonne, Kamath and Steinke 2020 (exact
sampling of the discrete Laplace distribution from coin flips); Mironov 2012 for why counts do not
use floating-point noise.  The noise on keys does: its guarantee is up to floating-point rounding.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ncpu.npcot.errors import PrivacyError

KEY_SENSITIVITY = 2.0
REFUSED_UP_TO = 10.0


@dataclass(frozen=True)
class Budget:
    """(epsilon, delta) for replacing one person's contribution.

    Raises:
      PrivacyError: epsilon or delta outside (0, inf) and (0, 1).
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        if not (0 < self.epsilon < math.inf and 0 < self.delta < 1):
            raise PrivacyError(
                f"epsilon {self.epsilon}, delta {self.delta}; accepted: positive, and 0 to 1"
            )


def gaussian_delta(sigma: float, epsilon: float, sensitivity: float) -> float:
    """The smallest delta of the Gaussian mechanism (Balle and Wang 2018, theorem 8)."""
    a = sensitivity / (2 * sigma)
    b = epsilon * sigma / sensitivity
    # exp(epsilon) * Phi(-a - b) in logarithms: the factors overflow where the product does not.
    tail = _log_phi(-a - b) + epsilon
    return max(0.0, _phi(a - b) - math.exp(min(tail, 0.0)))


def gaussian_sigma(
    budget: Budget, sensitivity: float = KEY_SENSITIVITY, releases: int = 1
) -> float:
    """The standard deviation that `releases` Gaussian releases under one budget need.

    Releases compose like one with the sensitivity times the square root of their number.
    """
    total = sensitivity * math.sqrt(releases)
    low, high = 0.0, total
    while gaussian_delta(high, budget.epsilon, total) > budget.delta:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        enough = middle > 0 and gaussian_delta(middle, budget.epsilon, total) <= budget.delta
        low, high = (low, middle) if enough else (middle, high)
    return high


def private_keys(
    keys: np.ndarray,
    budget: Budget,
    rng: np.random.Generator,
    *,
    releases: int = 1,
    destroy_retrieval: bool = False,
) -> np.ndarray:
    """Unit rows with Gaussian noise, made unit rows again (which costs no privacy).

    Args:
      keys: `f32[N, d]`, unit rows, each of one person; they are released together.
      budget: for each person.
      rng: `np.random.default_rng()`, which is seeded by the system; a known seed protects nothing.
      releases: how often keys of the same person will be released under this budget.
      destroy_retrieval: the flag without which an epsilon of 10 or less is refused.

    Raises:
      PrivacyError: an epsilon that small without the flag, or rows that are not of length 1.
    """
    if budget.epsilon <= REFUSED_UP_TO and not destroy_retrieval:
        raise PrivacyError(
            f"epsilon {budget.epsilon} on keys destroys retrieval (see the utility curve); pass "
            "destroy_retrieval=True to do it all the same, or use private_counts"
        )
    rows = np.asarray(keys, np.float64)
    if rows.ndim != 2 or not np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-3):
        raise PrivacyError("keys are unit rows: their sensitivity is 2 only then")
    sigma = gaussian_sigma(budget, releases=releases)
    noisy = rows + rng.normal(scale=sigma, size=rows.shape)
    return (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


def utility_curve(
    keys: np.ndarray,
    queries: np.ndarray,
    right: np.ndarray,
    epsilons: Iterable[float],
    delta: float,
    rng: np.random.Generator,
) -> list[dict[str, float]]:
    """What retrieval is left at each epsilon.

    Args:
      keys: `f32[N, d]`, unit rows.
      queries: `f32[Q, d]`.
      right: `i32[Q]`, the row each query should find.
      epsilons: infinity means no noise.
      delta: of every point.
      rng: of the noise.

    Returns:
      for each epsilon: sigma, top-1 rate, and mean cosine of noisy and true key.
    """
    curve = []
    for epsilon in epsilons:
        sigma, noisy = 0.0, np.asarray(keys)
        if math.isfinite(epsilon):
            budget = Budget(epsilon, delta)
            sigma = gaussian_sigma(budget)
            noisy = private_keys(keys, budget, rng, destroy_retrieval=True)
        top = np.argmax(np.asarray(queries) @ noisy.T, axis=1)
        cosine = float(np.mean(np.sum(noisy * keys, axis=1)))
        rate = float(np.mean(top == right))
        curve.append({"epsilon": epsilon, "sigma": sigma, "top1": rate, "cosine": cosine})
    return curve


def private_counts(
    counts: Sequence[int],
    epsilon: Fraction | int,
    *,
    per_person: int,
    below: Callable[[int], int] = secrets.randbelow,
) -> list[int]:
    """Counts with discrete Laplace noise: epsilon-differentially private, delta 0.

    Args:
      counts: integers.
      epsilon: rational, so that sampling is exact.
      per_person: by how much one person can change all counts together (the L1 sensitivity);
        bounding it is the caller's duty.
      below: uniform integers below its argument; the system's by default.

    Returns:
      the noisy counts; they may be negative.

    Raises:
      PrivacyError: an epsilon or a bound that is not positive, or counts that are no integers.
    """
    if epsilon <= 0 or per_person < 1 or not all(isinstance(c, int) for c in counts):
        raise PrivacyError("accepted: integer counts, a positive rational epsilon and bound")
    scale = Fraction(per_person) / Fraction(epsilon)
    return [count + _discrete_laplace(scale, below) for count in counts]


def _discrete_laplace(scale: Fraction, below: Callable[[int], int]) -> int:
    """P(x) proportional to exp(-|x| / scale); algorithm 2 of Canonne, Kamath and Steinke."""
    numerator, denominator = scale.numerator, scale.denominator
    while True:
        u = below(numerator)
        if not _bernoulli_exp(Fraction(u, numerator), below):
            continue
        v = 0
        while _bernoulli_exp(Fraction(1), below):
            v += 1
        magnitude = (u + numerator * v) // denominator
        negative = below(2) == 1
        if not (negative and magnitude == 0):
            return -magnitude if negative else magnitude


def _bernoulli_exp(gamma: Fraction, below: Callable[[int], int]) -> bool:
    """True with probability exp(-gamma), 0 <= gamma <= 1, from fair integers alone."""
    k = 1
    while below(gamma.denominator * k) < gamma.numerator:
        k += 1
    return k % 2 == 1


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _log_phi(x: float) -> float:
    """ln of the normal distribution function, also far in the lower tail."""
    if x > -30:
        return math.log(_phi(x))
    return -0.5 * x * x - math.log(-x * math.sqrt(2 * math.pi)) + math.log1p(-1 / (x * x))
