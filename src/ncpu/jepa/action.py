"""What an instruction is to the model: the fields that the table decodes it to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.jepa.errors import ActionError
from ncpu.jepa.transition import covered
from ncpu.jepa.view import NZCV, REGISTERS, WORDS, Bus
from ncpu.machine.instr import PACKED_WORDS, Instr, Unit, field, pack
from ncpu.machine.state import ZR

NONE = WORDS  # the word that reads as zero
_ONE_HOT = {"unit": len(Unit), "op": 16, "cond": 16, "size": 8, "carry": 4, "access": 4}
_BITS = {"left": 6, "right": 6, "arg": 6}
_SWITCHES = ("signed", "use_imm", "invert", "sf", "set_flags", "post", "aligned", "last")
_ROWS = ("rn", "rm", "ra", "rd", "rd2", "wb")


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Action:
    """An instruction with what it reads from memory.

    Attributes:
      features: `f32[..., f]`: its unit, operation, condition, sizes and switches.
      amounts: `f32[..., 3, 6]`, bits of `left`, `right` and `arg` as +-1.
      reads: `i32[..., 3]`, words of the view that are its operands a, b, c; `NONE` reads zero.
      writes: `i32[..., 3]`, registers that receive result, second result and base; `NONE`
        discards.
      words: `u32[..., 3, 2]`: the immediate and the two halves of the bus.
      immediate: `bool[...]`: operand b is the immediate.
    """

    features: Any
    amounts: Any
    reads: Any
    writes: Any
    words: Any
    immediate: Any


def action(packed: Any, bus: Bus | None = None) -> Action:
    """The action of packed instructions `u32[..., 8]`; traced, and total."""
    packed = jnp.asarray(packed)
    value = {name: field(packed, name) for name in (*_ONE_HOT, *_BITS, *_SWITCHES, *_ROWS)}
    parts = [
        jax.nn.one_hot(jnp.minimum(value[name], count - 1), count)
        for name, count in _ONE_HOT.items()
    ]
    parts += [value[name][..., None].astype(jnp.float32) for name in _SWITCHES]
    inside = jnp.stack([value[name] < REGISTERS for name in _ROWS], axis=-1)
    amounts = jnp.stack([_signs(value[name], count) for name, count in _BITS.items()], axis=-2)
    parts += [inside.astype(jnp.float32), amounts.reshape(*amounts.shape[:-2], -1)]
    rows = jnp.stack([value[name] for name in _ROWS], axis=-1).astype(jnp.int32)
    rows = jnp.where(inside, rows, NONE)
    memory = jnp.zeros((*packed.shape[:-1], 2, 2), jnp.uint32) if bus is None else bus.words
    return Action(
        features=jnp.concatenate(parts, axis=-1),
        amounts=amounts,
        reads=rows[..., :3],
        writes=rows[..., 3:],
        words=jnp.concatenate([field(packed, "imm")[..., None, :], memory], axis=-2),
        immediate=value["use_imm"] == 1,
    )


FEATURES = sum(_ONE_HOT.values()) + len(_SWITCHES) + len(_ROWS) + sum(_BITS.values())


def _signs(value: Any, count: int) -> jax.Array:
    bits = (value[..., None] >> jnp.arange(count, dtype=jnp.uint32)) & 1
    return bits.astype(jnp.float32) * 2 - 1


def checked(instr: Instr | Any) -> jax.Array:
    """Packed instructions that the model covers.

    Args:
      instr: decoded instructions, or packed ones, `u32[..., 8]`.

    Raises:
      ActionError: not instructions, or ones outside the model's units and registers.
    """
    packed = pack(instr) if isinstance(instr, Instr) else jnp.asarray(instr)
    if packed.shape[-1:] != (PACKED_WORDS,) or packed.dtype != jnp.uint32:
        raise ActionError(
            f"an instruction of shape {packed.shape} and type {packed.dtype}: an Instr or "
            f"packed u32[..., {PACKED_WORDS}] is taken"
        )
    fine = np.asarray(covered(packed))
    if not fine.all():
        flat = np.asarray(packed).reshape(-1, PACKED_WORDS)[~fine.reshape(-1)]
        number = int(field(flat[0], "unit"))
        name = Unit(number).name if number in set(Unit) else str(number)
        raise ActionError(
            f"{int(field(flat[0], 'word')):#010x} (unit {name}) is outside the model: it covers "
            f"integer instructions, branches, loads and stores on registers 0 to {ZR}"
        )
    return packed


__all__ = ["FEATURES", "NONE", "NZCV", "Action", "action", "checked"]
