"""Operations of `ops` by name inside a traced function: by trained cells, or exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp

from ncpu.machine.alu import EXACT
from ncpu.machine.word import u64
from ncpu.neural_alu import ops
from ncpu.neural_alu.alu import Gates


class Compute(Protocol):
    """Operations of `ops` by name, on words `u64[...]` of a width; only under x64."""

    def __call__(self, name: str, a: jax.Array, b: jax.Array, width: int = 8) -> jax.Array:
        """The result, `u64[...]` (NZCV of "cmp")."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ByNetworks:
    """Operations by trained cells."""

    gates: Gates

    def __call__(self, name: str, a: jax.Array, b: jax.Array, width: int = 8) -> jax.Array:
        """See `Compute`."""
        a, b = (self.gates.enter(x, width) for x in jnp.broadcast_arrays(a, b))
        return self.gates.leave(ops.apply(name, self.gates.wires(), a, b))


def _compare(a: jax.Array, b: jax.Array, up: int) -> jax.Array:
    return EXACT.add(a << up, ~(b << up), u64(1), jnp.bool_(True))[1].astype(jnp.uint64)


_EXACTLY: dict[str, Callable[[jax.Array, jax.Array, int], jax.Array]] = {
    "add": lambda a, b, up: a + b,
    "sub": lambda a, b, up: a - b,
    "mul": lambda a, b, up: a * b,
    "cmp": _compare,
    "and": lambda a, b, up: a & b,
    "or": lambda a, b, up: a | b,
    "xor": lambda a, b, up: a ^ b,
    "bic": lambda a, b, up: a & ~b,
    "lsr": lambda a, b, up: a >> b,
}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Exactly:
    """The operations that ciphers use, by exact integers."""

    def __call__(self, name: str, a: jax.Array, b: jax.Array, width: int = 8) -> jax.Array:
        """See `Compute`."""
        return _EXACTLY[name](a, b, 64 - width) & u64((1 << width) - 1)
