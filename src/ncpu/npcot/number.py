"""The numbers of array programs: saturating fixed-point words, with logarithm and exponential.

A word of `bits` bits is an integer in [-INF, INF], INF = 2^(bits-1) - 1; the two ends are
infinities. Every operation is done exactly and then clamped to that range, and an infinity stays
one under +, *, division and exp.  So a finite result is the result of exact arithmetic, an
infinite one says "out of range", and there is no NaN.  (The word -2^(bits-1) reads as minus
infinity.)

A *scaled* word r stands for r / 2^frac.  Logarithm and exponential are integer polynomials with 30
fraction bits, so that Python, JAX, C and A64 give the same bits with nothing but multiply, add and
shift; they are within one unit in the last place of the true function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Q = 30
"""Fraction bits inside `log_raw` and `exp_raw`."""

LN2 = round(math.log(2) * 2**Q)
LOG2E = round(math.log2(math.e) * 2**Q)

# Chebyshev interpolants on [0, 1] of ln(1 + u) and 2^u, ascending, times 2^30.
LOG_POLYNOMIAL = (
    0,
    1073734985,
    -536683543,
    355888133,
    -257089624,
    177165393,
    -99096081,
    36791334,
    -6449543,
)
EXP_POLYNOMIAL = (1 << Q, 744260852, 257945486, 59571873, 10398316, 1330509, 234782)


@dataclass(frozen=True)
class Format:
    """Width and fraction bits of the words; static, the same for all programs of a library.

    Attributes:
      bits: word width, 4 to 32.
      frac: fraction bits of scaled words, 0 to bits - 2 and at most 16.
    """

    bits: int = 32
    frac: int = 16

    def __post_init__(self) -> None:
        if not (4 <= self.bits <= 32 and 0 <= self.frac <= min(16, self.bits - 2)):
            raise ValueError(f"no such format: {self}; bits 4..32, frac 0..min(16, bits - 2)")

    @property
    def infinity(self) -> int:
        """The word that stands for +infinity; its negative stands for -infinity."""
        return (1 << (self.bits - 1)) - 1

    @property
    def exp_max(self) -> int:
        """Largest scaled argument of `exp_raw`; above it the argument is clamped."""
        return math.floor((self.bits - 1 - self.frac) * math.log(2) * (1 << self.frac)) - 1

    @property
    def exp_min(self) -> int:
        """Smallest scaled argument of `exp_raw`; there and below the result rounds to 0."""
        return -math.ceil((self.frac + 2) * math.log(2) * (1 << self.frac))

    def clamp(self, value: int) -> int:
        """`value` saturated to a word."""
        return max(-self.infinity, min(self.infinity, value))


WORD32 = Format(32, 16)
"""The format of everything that is stored or signed."""

WORD8 = Format(8, 2)
"""The reduced width at which whole program spaces are checked by brute force."""


def horner(coefficients: tuple[int, ...], u):
    """The polynomial at `u` (30 fraction bits), each product floored; any integer type."""
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = ((total * u) >> Q) + c
    return total


def log_raw(x: int, fmt: Format = WORD32) -> int:
    """ln(max(|x|, 2^-frac)) of the integer `x`, as a scaled word, rounded to nearest."""
    magnitude = abs(x)
    if magnitude == 0:
        exponent, mantissa = -fmt.frac, 0
    else:
        exponent = magnitude.bit_length() - 1
        mantissa = ((magnitude << Q) >> exponent) - (1 << Q)
    total = exponent * LN2 + horner(LOG_POLYNOMIAL, mantissa)
    shift = Q - fmt.frac
    return (total + (1 << (shift - 1))) >> shift


def exp_raw(v: int, fmt: Format = WORD32) -> int:
    """exp of the scaled word `v`, clamped to [exp_min, exp_max], as a scaled word, to nearest."""
    v = max(fmt.exp_min, min(fmt.exp_max, v))
    power = (v * LOG2E) >> fmt.frac  # 30 fraction bits of log2(result)
    fraction = horner(EXP_POLYNOMIAL, power & ((1 << Q) - 1))
    shift = Q - fmt.frac - (power >> Q)
    return (fraction + ((1 << shift) >> 1)) >> shift
