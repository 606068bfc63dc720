"""Arithmetic function learning: inputs, targets and the threshold of success.

The task and its success criterion are those of Madsen and Johansen, "Measuring Arithmetic
Extrapolation Performance" (arXiv 1910.01888): an output is an operation on the sums of two
overlapping subsets of the inputs, trained on one range and tested on another.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine.errors import NcpuError

PERTURBATION = 1e-5  # weight error of the solution whose MSE is the threshold
THRESHOLD_SAMPLES = 100_000
OPERAND_UNIT = 256  # integer operands are fed in units of 1/256: an 8-bit one is in [0, 1)

OPERATIONS: dict[str, Callable] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
}


class TaskError(NcpuError, ValueError):
    """A task that does not exist, or sizes that do not fit each other."""


@dataclass(frozen=True)
class Task:
    """An operation on two sums of inputs.

    Attributes:
      name: what it is called in tables.
      operation: a key of `OPERATIONS`.
      size: inputs.
      subset: inputs in each of the two sums.
      overlap: inputs that are in both.
      interpolation, extrapolation: ranges of the uniform inputs in training and in test.
      grid: inputs are multiples of 1/grid; 0 leaves them continuous.
    """

    name: str
    operation: str
    size: int
    subset: int
    overlap: int
    interpolation: tuple[float, float]
    extrapolation: tuple[float, float]
    grid: int = 0

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises:
          TaskError: an unknown operation, or subsets that do not fit in the inputs.
        """
        if self.operation not in OPERATIONS:
            raise TaskError(f"no operation {self.operation!r}; there is: {', '.join(OPERATIONS)}")
        if not 0 <= self.overlap <= self.subset or self.span > self.size:
            raise TaskError(
                f"two subsets of {self.subset} overlapping in {self.overlap} need "
                f"{self.span} inputs, and there are {self.size}"
            )

    @property
    def span(self) -> int:
        """Inputs in either subset."""
        return 2 * self.subset - self.overlap

    def subsets(self, key: jax.Array) -> jax.Array:
        """Two windows at a random place, as indicators `f32[2, size]`; consumes `key`."""
        first = jax.random.randint(key, (), 0, self.size - self.span + 1)
        starts = first + jnp.array([0, self.subset - self.overlap])
        at = jnp.arange(self.size) - starts[:, None]
        return ((at >= 0) & (at < self.subset)).astype(jnp.float32)

    def draw(self, key: jax.Array, count: int, bounds: tuple[float, float]) -> jax.Array:
        """Inputs `f32[count, size]`, uniform in `bounds`; consumes `key`."""
        x = jax.random.uniform(key, (count, self.size), minval=bounds[0], maxval=bounds[1])
        return jnp.floor(x * self.grid) / self.grid if self.grid else x

    def target(self, x: jax.Array, subsets: jax.Array) -> jax.Array:
        """What is to be learnt, `f32[...]`, for inputs `f32[..., size]`."""
        a, b = jnp.moveaxis(jnp.matmul(x, subsets.T, precision="highest"), -1, 0)
        return OPERATIONS[self.operation](a, b)

    def threshold(self, seed: int = 0) -> float:
        """The extrapolation MSE below which a run is a success.

        That of a solution whose every weight to the inputs is wrong by 1e-5: ones are
        1 - 1e-5, zeros are 1e-5.  Where an input is an operand there are no such weights, and
        the results are wrong by 1e-5 of themselves.  Estimated in float64 on 100,000 samples;
        a quotient of two operands has no finite second moment, so that one is of the sample.
        """
        rng = np.random.default_rng(seed)
        x = rng.uniform(*self.extrapolation, (THRESHOLD_SAMPLES, self.size))
        subsets = np.asarray(self.subsets(jax.random.key(seed)), np.float64)
        apply = OPERATIONS[self.operation]
        exact = apply(*(subsets @ x.T))
        if self.subset == 1:
            error = PERTURBATION * exact
        else:
            near = np.where(subsets == 1, 1 - PERTURBATION, PERTURBATION)
            error = apply(*(near @ x.T)) - exact
        return float(np.mean(np.square(error)))


def subset_sums(operation: str) -> Task:
    """The published setting: 100 inputs, subsets of 25, 12 shared; U[1, 2] to U[2, 6]."""
    return Task("subset sums", operation, 100, 25, 12, (1.0, 2.0), (2.0, 6.0))


def operands(operation: str) -> Task:
    """Two integer operands: 8 bits in training, 32 bits in test, in units of 1/256.

    Zero is left out for the division.
    """
    low = 1 / OPERAND_UNIT if operation == "div" else 0.0
    wide = float(1 << 32) / OPERAND_UNIT
    return Task("two operands", operation, 2, 1, 0, (low, 1.0), (low, wide), OPERAND_UNIT)


def exact_match(predict: Callable[[np.ndarray], np.ndarray], operation: str, bits: int) -> float:
    """The fraction of integer results that a network gets right to the unit.

    All pairs of 8-bit operands, or 100,000 random pairs of wider ones (seed 0); the result is
    the unwrapped integer, for the division the quotient rounded down.

    Args:
      predict: real outputs `f64[n]` for operands `f64[n, 2]` in units of 1/256.
      operation: a key of `OPERATIONS`.
      bits: of each operand, 1 to 32.
    """
    low = 1 if operation == "div" else 0
    if bits <= 8:
        grid = np.arange(low, 1 << bits, dtype=np.int64)
        a, b = (part.ravel() for part in np.meshgrid(grid, grid))
    else:
        a, b = np.random.default_rng(0).integers(low, 1 << bits, (2, 100_000))
    scale = {"mul": OPERAND_UNIT**2, "div": 1}.get(operation, OPERAND_UNIT)
    found = predict(np.stack([a, b], -1) / OPERAND_UNIT) * scale
    if operation == "mul":  # a product of two 32-bit operands needs all of u64
        truth = a.astype(np.uint64) * b.astype(np.uint64)
        fits, word = (found > -0.5) & (found < 2.0**64), np.uint64
    else:
        apply = operator.floordiv if operation == "div" else OPERATIONS[operation]
        truth = apply(a, b)
        fits, word = np.abs(found) < 2.0**63, np.int64
    rounded = np.floor(found) if operation == "div" else np.rint(found)
    return float(np.mean(fits & (np.where(fits, rounded, 0).astype(word) == truth)))
