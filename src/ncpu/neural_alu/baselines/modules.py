"""Neural arithmetic units of the literature, and the plain networks they are compared with.

Every unit maps `f32[..., inputs]` to `f32[..., outputs]` and starts from its paper's random
distribution.  Trask et al. 2018 is "Neural Arithmetic Logic Units" (arXiv 1808.00508), Madsen
and Johansen 2020 is "Neural Arithmetic Units" (arXiv 2001.05016).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

LOG_EPSILON = 1e-7  # added before a logarithm, Trask et al. 2018 section 3


class Unit(nnx.Module):
    """What a layer of the benchmark is asked besides its output."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """The outputs `f32[..., outputs]` for inputs `f32[..., inputs]`."""
        raise NotImplementedError

    def weights(self) -> jax.Array | None:
        """The weights that an exact solution has in {-1, 0, 1}; None where none is meant."""
        return None

    def regularizer(self) -> jax.Array:
        """The sparsity term of the loss, `f32[]`; zero for units without one."""
        return jnp.zeros(())

    def project(self) -> None:
        """Move the parameters into their permitted range, after each optimiser step."""


def _product(x: jax.Array, w: jax.Array) -> jax.Array:
    """`x @ w.T` in full float32 on every backend."""
    return jnp.matmul(x, w.T, precision="highest")


def _uniform(rngs: nnx.Rngs, shape: tuple[int, int], low: float, high: float) -> nnx.Param:
    return nnx.Param(jax.random.uniform(rngs.params(), shape, minval=low, maxval=high))


def _clamp(w: jax.Array, low: float, high: float) -> jax.Array:
    """Clamped, with the whole gradient on the bounds (`jnp.clip` halves it there)."""
    return jnp.where(w < low, low, jnp.where(w > high, high, w))


def nac_range(inputs: int, outputs: int) -> float:
    """The r for which U[-r, r] parameters give a NAC weight Glorot's variance.

    Var(tanh(u) sigmoid(v)) = (1 - tanh(r) / r) (r - tanh(r / 2)) / (2 r) for u, v in U[-r, r];
    solved for 2 / (inputs + outputs) by bisection (Madsen and Johansen 2020, appendix).
    """
    goal = 2 / max(inputs + outputs, 5)  # beyond 2/5 no range up to 10 reaches the variance
    low, high = 1e-3, 10.0
    for _ in range(60):
        r = (low + high) / 2
        variance = (1 - math.tanh(r) / r) * (r - math.tanh(r / 2)) / (2 * r)
        low, high = (r, high) if variance < goal else (low, r)
    return (low + high) / 2


class NAC(Unit):
    """Neural accumulator, Trask et al. 2018: y = W x with W = tanh(W') sigmoid(M').

    Attributes:
      w, m: `f32[outputs, inputs]`, W' and M'.
    """

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        r = nac_range(inputs, outputs)
        self.w = _uniform(rngs, (outputs, inputs), -r, r)
        self.m = _uniform(rngs, (outputs, inputs), -r, r)

    def weights(self) -> jax.Array:
        """W, within (-1, 1)."""
        return jnp.tanh(self.w[...]) * jax.nn.sigmoid(self.m[...])

    def __call__(self, x: jax.Array) -> jax.Array:
        """W x."""
        return _product(x, self.weights())


class MultiplicativeNAC(NAC):
    """The NAC in log space, Trask et al. 2018 equation 2: y = exp(W log(|x| + epsilon))."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """exp(W log(|x| + epsilon))."""
        return jnp.exp(_product(jnp.log(jnp.abs(x) + LOG_EPSILON), self.weights()))


class NALU(NAC):
    """Neural arithmetic logic unit, Trask et al. 2018: a gate between the NAC and its log twin.

    y = g a + (1 - g) m with a = W x, m = exp(W log(|x| + epsilon)), g = sigmoid(G x).

    Attributes:
      gate: `f32[outputs, inputs]`, G.
    """

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        super().__init__(inputs, outputs, rngs=rngs)
        r = math.sqrt(6 / (inputs + outputs))
        self.gate = _uniform(rngs, (outputs, inputs), -r, r)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The gated sum of the additive and the multiplicative path."""
        w = self.weights()
        added = _product(x, w)
        multiplied = jnp.exp(_product(jnp.log(jnp.abs(x) + LOG_EPSILON), w))
        g = jax.nn.sigmoid(_product(x, self.gate[...]))
        return g * added + (1 - g) * multiplied


class NAU(Unit):
    """Neural addition unit, Madsen and Johansen 2020: y = W x, W clamped to [-1, 1].

    Attributes:
      w: `f32[outputs, inputs]`.
    """

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        r = min(0.5, math.sqrt(6 / (inputs + outputs)))
        self.w = _uniform(rngs, (outputs, inputs), -r, r)

    def weights(self) -> jax.Array:
        """W."""
        return _clamp(self.w[...], -1, 1)

    def __call__(self, x: jax.Array) -> jax.Array:
        """W x."""
        return _product(x, self.weights())

    def regularizer(self) -> jax.Array:
        """The mean of min(|W|, 1 - |W|)."""
        w = jnp.abs(self.weights())
        return jnp.mean(jnp.minimum(w, 1 - w))

    def project(self) -> None:
        """Clamp the parameters."""
        self.w[...] = self.weights()


class NMU(Unit):
    """Neural multiplication unit, Madsen and Johansen 2020: y_o = prod_i (W_oi x_i + 1 - W_oi).

    Attributes:
      w: `f32[outputs, inputs]`, clamped to [0, 1].
    """

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        self.w = _uniform(rngs, (outputs, inputs), 0.25, 0.75)

    def weights(self) -> jax.Array:
        """W."""
        return _clamp(self.w[...], 0, 1)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The product of the inputs that W selects."""
        w = self.weights()
        return jnp.prod(w * x[..., None, :] + (1 - w), axis=-1)

    def regularizer(self) -> jax.Array:
        """The mean of min(W, 1 - W)."""
        w = self.weights()
        return jnp.mean(jnp.minimum(w, 1 - w))

    def project(self) -> None:
        """Clamp the parameters."""
        self.w[...] = self.weights()


class Linear(Unit):
    """y = W x, unconstrained, with Glorot's uniform start.

    Attributes:
      w: `f32[outputs, inputs]`.
    """

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        r = math.sqrt(6 / (inputs + outputs))
        self.w = _uniform(rngs, (outputs, inputs), -r, r)

    def weights(self) -> jax.Array:
        """W."""
        return self.w[...]

    def __call__(self, x: jax.Array) -> jax.Array:
        """W x."""
        return _product(x, self.w[...])


class MLP(Unit):
    """One hidden layer of 64 rectified units, with biases."""

    HIDDEN = 64

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(inputs, self.HIDDEN, rngs=rngs, precision="highest")
        self.out = nnx.Linear(self.HIDDEN, outputs, rngs=rngs, precision="highest")

    def __call__(self, x: jax.Array) -> jax.Array:
        """The network's outputs."""
        return self.out(jax.nn.relu(self.hidden(x)))


class Network(nnx.Module):
    """Units one after the other.

    Attributes:
      layers: the units, first to last.
    """

    def __init__(self, layers: Sequence[Unit]) -> None:
        self.layers = nnx.List(layers)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The last layer's single output, `f32[...]`."""
        for layer in self.layers:
            x = layer(x)
        return x[..., 0]

    def regularizer(self) -> jax.Array:
        """The sum of the layers' sparsity terms, `f32[]`."""
        return sum((layer.regularizer() for layer in self.layers), jnp.zeros(()))

    def project(self) -> None:
        """Project every layer."""
        for layer in self.layers:
            layer.project()

    def sparsity_error(self) -> jax.Array:
        """max over all weights of min(|w|, |1 - |w||), `f32[]`; nan without such weights."""
        errors = [
            jnp.max(jnp.minimum(jnp.abs(w), jnp.abs(1 - jnp.abs(w))))
            for w in (layer.weights() for layer in self.layers)
            if w is not None
        ]
        return jnp.max(jnp.stack(errors)) if errors else jnp.full((), jnp.nan)
