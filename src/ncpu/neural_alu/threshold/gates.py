"""Threshold units, layers of them, and the netlist that lays gates out in layers.

A unit fires when the weighted sum of its inputs reaches its threshold (McCulloch and Pitts,
"A logical calculus of the ideas immanent in nervous activity", 1943).  All weights here are
integers written down by a construction; none is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine.errors import NcpuError

Term = tuple[float, int]  # weight, wire


class CircuitError(NcpuError, ValueError):
    """A circuit or machine asked for in a shape that cannot be built; says what can."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ThresholdLayer:
    """Units side by side: `heaviside(w @ x + b)`, where the step at 0 is 0.

    Weights and thresholds are integers and `b` is half way between two sums, so each unit
    has a margin of one half on inputs that are exactly 0 and 1.

    Attributes:
      w: `f32[out, in]`.
      b: `f32[out]`.
    """

    w: jax.Array
    b: jax.Array

    def __call__(self, x: jax.Array) -> jax.Array:
        """`f32[..., in]` to `f32[..., out]` of zeros and ones."""
        # Full f32: sums of weighted bits up to 2**17 must come out exact on every backend.
        total = jnp.matmul(x, self.w.T, precision=lax.Precision.HIGHEST) + self.b
        return (total > 0).astype(jnp.float32)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Circuit:
    """Layers in sequence.

    Attributes:
      layers: each feeds the next and nothing else.
    """

    layers: tuple[ThresholdLayer, ...]

    def __call__(self, x: jax.Array) -> jax.Array:
        """`f32[..., in]` to `f32[..., out]`."""
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def depth(self) -> int:
        """Layers."""
        return len(self.layers)

    @property
    def units(self) -> int:
        """Threshold units, relays included."""
        return sum(layer.b.size for layer in self.layers)

    @property
    def relays(self) -> int:
        """Units that only hand one value on to the next layer."""
        rows = [np.asarray(layer.w) for layer in self.layers]
        return sum(
            int(((np.count_nonzero(w, axis=1) == 1) & (w.sum(axis=1) == 1)).sum()) for w in rows
        )


class Netlist:
    """Gates under construction; a wire is an integer, wires 0 to `inputs - 1` are the inputs.

    Args:
      inputs: their number.
    """

    def __init__(self, inputs: int) -> None:
        self._inputs = inputs
        self._gates: list[tuple[dict[int, float], float]] = []
        self._levels = [0] * inputs
        self._constants: dict[int, int] = {}

    def constant(self, value: int) -> int:
        """The wire of a unit without inputs that always gives 0 or 1.

        Gates that read it take it into their threshold.
        """
        wire = self.gate([], 1 - value)
        self._constants[wire] = value
        return wire

    def gate(self, terms: Iterable[Term], threshold: float) -> int:
        """The wire of a new unit that fires where the weighted sum is at least `threshold`."""
        weights: dict[int, float] = {}
        for weight, wire in terms:
            if wire in self._constants:
                threshold -= weight * self._constants[wire]
                continue
            weights[wire] = weights.get(wire, 0.0) + weight
        self._gates.append((weights, threshold))
        self._levels.append(1 + max((self._levels[wire] for wire in weights), default=0))
        return len(self._levels) - 1

    def build(self, outputs: Sequence[int]) -> Circuit:
        """The layers that compute `outputs`, in their order, from the inputs.

        Each gate goes into the first layer after those it reads; a wire that is read further
        on is relayed through the layers between; gates that no output needs are left out.
        """
        depth = max(1, *(self._levels[wire] for wire in outputs))
        last = self._last_uses(outputs, depth)
        layers: list[ThresholdLayer] = []
        before = [*range(self._inputs)]
        for level in range(1, depth + 1):
            live = [w for w in last if self._levels[w] <= level < last[w]]
            after = live if level < depth else [*outputs]
            layers.append(self._layer(level, before, after))
            before = after
        return Circuit(tuple(layers))

    def _last_uses(self, outputs: Sequence[int], depth: int) -> dict[int, int]:
        """The last layer that reads each wire that is needed, in the wires' order."""
        last = dict.fromkeys(outputs, depth + 1)
        for wire in range(len(self._levels) - 1, self._inputs - 1, -1):
            if wire in last:
                for read in self._gates[wire - self._inputs][0]:
                    last[read] = max(last.get(read, 0), self._levels[wire])
        return dict(sorted(last.items()))

    def _layer(self, level: int, before: list[int], after: list[int]) -> ThresholdLayer:
        place = {wire: k for k, wire in enumerate(before)}
        w = np.zeros((len(after), len(before)), np.float32)
        b = np.zeros(len(after), np.float32)
        for row, wire in enumerate(after):
            fresh = self._levels[wire] == level
            weights, threshold = self._gates[wire - self._inputs] if fresh else ({wire: 1.0}, 1.0)
            for read, weight in weights.items():
                w[row, place[read]] = weight
            b[row] = 0.5 - threshold
        return ThresholdLayer(jnp.asarray(w), jnp.asarray(b))
