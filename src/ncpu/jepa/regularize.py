"""What keeps a joint embedding from collapsing, on tokens `f32[n, d]`."""

from __future__ import annotations

import jax
import jax.numpy as jnp

_POINTS = 17  # of the quadrature over frequencies
_LIMIT = 4.0


def vicreg(tokens: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Variance and covariance terms of Bardes et al., "VICReg" (2022), equations 1 and 3."""
    centred = tokens - tokens.mean(0)
    deviation = jnp.sqrt(centred.var(0) + 1e-4)
    covariance = centred.T @ centred / (len(tokens) - 1)
    off = covariance - jnp.diag(jnp.diag(covariance))
    return jnp.mean(jax.nn.relu(1 - deviation)), jnp.sum(off**2) / tokens.shape[1]


def sigreg(tokens: jax.Array, key: jax.Array, directions: int = 16) -> jax.Array:
    """How far random projections are from a standard normal distribution.

    The statistic of Epps and Pulley (1983) on random directions, as in Balestriero and
    LeCun, "LeJEPA" (2025): the squared distance of characteristic functions, weighted by
    the normal density, not scaled by the number of samples.
    """
    way = jax.random.normal(key, (tokens.shape[1], directions))
    projected = tokens @ (way / jnp.linalg.norm(way, axis=0))
    points = jnp.linspace(-_LIMIT, _LIMIT, _POINTS)
    angle = projected[..., None] * points
    normal = jnp.exp(-(points**2) / 2)
    apart = (jnp.cos(angle).mean(0) - normal) ** 2 + jnp.sin(angle).mean(0) ** 2
    return jnp.mean(jnp.sum(apart * normal, -1) * (2 * _LIMIT / (_POINTS - 1)))
