"""`View`: the part of a `State` that the world model sees, as 34 words of 64 bits.

Memory stays outside: what an instruction reads from it reaches the model as the *bus*, the
16 bytes at the address accessed, given with the instruction as a memory gives them to a core.
Vector registers and system registers are outside too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ncpu.jepa.errors import ViewError
from ncpu.machine.state import ROWS, State

REGISTERS = 32  # X0-X30 and SP, rows of the register file
PC, NZCV = 32, 33  # the words after them
WORDS = 34
BITS = 64


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class View:
    """What is seen of a state.

    Attributes:
      words: `u32[..., 34, 2]` limbs: X0-X30, SP, pc, and NZCV in the lowest four bits.
    """

    words: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Bus:
    """What an instruction finds in memory.

    Attributes:
      words: `u32[..., 2, 2]`, the 16 bytes at the address it reads (lower half first), zero
        when it reads none.
    """

    words: Any


def view(state: State) -> View:
    """The view of a lane or of a batch of lanes.

    Raises:
      ViewError: a register file of another machine.
    """
    if state.regs.shape[-2:] != (ROWS, 2):
        raise ViewError(
            f"a register file of shape {state.regs.shape}: the model takes states of this "
            f"machine, u32[..., {ROWS}, 2]"
        )
    nzcv = jnp.stack([state.flags >> 28, jnp.zeros_like(state.flags)], axis=-1)
    parts = [state.regs[..., :REGISTERS, :], state.pc[..., None, :], nzcv[..., None, :]]
    return View(words=jnp.concatenate(parts, axis=-2))


def to_bits(words: jax.Array) -> jax.Array:
    """Limbs `u32[..., 2]` to bits `f32[..., 64]` of 0 and 1, lowest first."""
    bits = (words[..., None] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return bits.reshape(*words.shape[:-1], BITS).astype(jnp.float32)


def from_bits(bits: jax.Array) -> jax.Array:
    """Boolean `[..., 64]` to limbs `u32[..., 2]`."""
    limbs = bits.reshape(*bits.shape[:-1], 2, 32).astype(jnp.uint32)
    return jnp.sum(limbs << jnp.arange(32, dtype=jnp.uint32), axis=-1, dtype=jnp.uint32)
