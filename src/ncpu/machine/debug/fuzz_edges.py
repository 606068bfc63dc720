"""Edges that a lane took: counted while it runs, then held against what was seen before."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine import word
from ncpu.machine.word import u64

EDGES = 1 << 13  # counters of edges, one byte's worth each


class Edges(NamedTuple):
    """The edges of one lane so far.

    Attributes:
      counts: `u8[EDGES]`, how often each was taken.
      touched: `u32[EDGES + 1]`, the first `hit` are the counters that are not zero.
      hit: `u32`.
    """

    counts: jax.Array
    touched: jax.Array
    hit: jax.Array


def take(edges: Edges, pc: jax.Array, target: jax.Array, branch: jax.Array) -> Edges:
    """Count the edge from `pc` to `target` where the instruction is a branch."""
    counts, touched, hit = edges
    edge = (pc >> 2) * u64(0x9E3779B97F4A7C15) ^ (target >> 2) * u64(0xC2B2AE3D27D4EB4F)
    edge = ((edge ^ edge >> 29) * u64(0xBF58476D1CE4E5B9) >> 51).astype(jnp.uint32)
    edge = edge & jnp.uint32(EDGES - 1)
    old = word.at(counts, edge)
    more = (branch & (old < 255)).astype(jnp.uint8)
    counts = word.put(counts, edge, old + more)
    touched = word.put(touched, hit, edge)
    return Edges(counts, touched, hit + (branch & (old == 0)).astype(jnp.uint32))


def judge(edges: Edges, seen: jax.Array, finished: jax.Array) -> tuple[jax.Array, ...]:
    """Hold a lane's edges against all before it, and clear them for the next.

    Looking, learning and clearing are loops of their own: one that read a table for something
    else than its new entry would copy it.

    Args:
      edges: of the lane.
      seen: `u8[EDGES]`, the classes of counts seen so far.
      finished: `bool`: a lane that was cut short teaches nothing.

    Returns:
      How many counters are of a class not seen before, a hash of edges and classes (`u64`),
      `seen` with what is new, and the counters, all zero.
    """
    counts, touched, hit = edges

    def look(k: jax.Array, c: tuple) -> tuple:
        new, path = c
        edge = touched[k]
        kind = _class(word.at(counts, edge))
        new = new + (finished & (kind & ~word.at(seen, edge) != 0)).astype(jnp.uint32)
        mixed = (edge.astype(jnp.uint64) << 8 | kind.astype(jnp.uint64)) + u64(1)
        mixed = mixed * u64(0x9E3779B97F4A7C15)
        return new, path + (mixed ^ mixed >> 31)

    def learn(k: jax.Array, seen: jax.Array) -> jax.Array:
        kind = jnp.where(finished, _class(word.at(counts, touched[k])), jnp.uint8(0))
        return word.put(seen, touched[k], word.at(seen, touched[k]) | kind)

    def clear(k: jax.Array, counts: jax.Array) -> jax.Array:
        return word.put(counts, touched[k], jnp.uint8(0))

    zero = jnp.uint32(0)
    new, path = lax.fori_loop(zero, hit, look, (zero, u64(0)))
    learned = lax.fori_loop(zero, hit, learn, seen)
    return new, path, learned, lax.fori_loop(zero, hit, clear, counts)


def _class(counts: jax.Array) -> jax.Array:
    """A count as one of eight classes, a bit each: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more."""
    c = counts.astype(jnp.uint32)
    out = jnp.zeros_like(c)
    for bit, least in enumerate((1, 2, 3, 4, 8, 16, 32, 128)):
        out = jnp.where(c >= least, jnp.uint32(1 << bit), out)
    return out.astype(jnp.uint8)
