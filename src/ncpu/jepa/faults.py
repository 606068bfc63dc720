"""Faults put into transitions: what a monitor sees instead of what should have happened.

A monitor is shown the view before, the instruction that the program holds, what memory
holds where it reads, and the view afterwards.  A fault alters the last of these; those that
leave it as it should have been are no faults and are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from ncpu.jepa.errors import TraceError
from ncpu.jepa.transition import Transition, apply, take, transitions
from ncpu.jepa.view import PC, REGISTERS, Bus, View
from ncpu.machine import word
from ncpu.machine.decode import decode_table
from ncpu.machine.instr import Unit, field, pack_columns

_STUCK = 7  # the bit that is stuck
_TEXT = 1 << 20  # bytes around the pc that a hijacked return may go to


@dataclass(frozen=True)
class Observed:
    """What a monitor is shown, `[n]`.

    Attributes:
      shown: views before, instructions and bus; `written` is what should have happened.
      after: views afterwards.
      index: which of the transitions given these are, `i64[n]`.
    """

    shown: Transition
    after: View
    index: np.ndarray


def clean(batch: Transition) -> Observed:
    """Valid transitions as they happened."""
    after = np.asarray(batch.after.words)
    return Observed(batch, View(words=after), np.arange(len(after)))


def inject(name: str, batch: Transition, rng: np.random.Generator) -> Observed:
    """Valid transitions with one fault each, those where it would change something.

    Args:
      name: one of `FAULTS`.
      batch: transitions of shape `[n]`, NumPy leaves.
      rng: decides where.

    Raises:
      TraceError: no fault of that name; none of these transitions can suffer it.
    """
    if name not in FAULTS:
        raise TraceError(f"no fault {name!r}: there are {', '.join(FAULTS)}")
    after, possible = FAULTS[name](batch, rng)
    right = np.asarray(batch.after.words)
    keep = np.flatnonzero(possible & (after != right).any((1, 2)))
    if not len(keep):
        raise TraceError(f"none of {len(right)} transitions can suffer the fault {name!r}")
    return Observed(take(batch, keep), View(words=after[keep]), keep)


Made = tuple[np.ndarray, np.ndarray]


def _flipped(words: np.ndarray, rows: np.ndarray, bits: np.ndarray) -> np.ndarray:
    out = np.array(words)
    at = np.arange(len(out))
    out[at, rows, bits // 32] ^= np.uint32(1) << (bits % 32).astype(np.uint32)
    return out


def _redone(batch: Transition, packed: np.ndarray | None = None, bus: Bus | None = None) -> Made:
    """What another instruction, or another content of memory, leads to."""
    given = jnp.asarray(batch.packed if packed is None else packed)
    made = transitions(batch.before, given, batch.bus if bus is None else bus)
    return np.asarray(made.after.words), np.asarray(made.valid)


def _register(batch: Transition, rng: np.random.Generator) -> Made:
    n = len(batch.valid)
    rows, bits = rng.integers(0, REGISTERS, n), rng.integers(0, 64, n)
    return _flipped(np.asarray(batch.after.words), rows, bits), np.ones(n, bool)


def _destination(batch: Transition, rng: np.random.Generator) -> Made:
    rows = np.asarray(batch.written.rows)[:, 0].astype(int)
    bits = rng.integers(0, 64, len(rows))
    known = rows < REGISTERS
    return _flipped(np.asarray(batch.after.words), np.where(known, rows, 0), bits), known


def _memory(batch: Transition, rng: np.random.Generator) -> Made:
    bits = rng.integers(0, 64, len(batch.valid))
    bus = _flipped(np.asarray(batch.bus.words), np.zeros(len(bits), int), bits)
    after, valid = _redone(batch, bus=Bus(words=jnp.asarray(bus)))
    return after, valid & (field(batch.packed, "access") & 1 == 1)


def _pc(batch: Transition, rng: np.random.Generator) -> Made:
    n = len(batch.valid)
    bits = rng.integers(2, 20, n)
    return _flipped(np.asarray(batch.after.words), np.full(n, PC), bits), np.ones(n, bool)


def _skipped(batch: Transition, rng: np.random.Generator) -> Made:
    after = np.array(batch.before.words)
    after[:, PC] = word.to_limbs(word.from_limbs(after[:, PC]) + np.uint64(4))
    return after, field(batch.packed, "last") == 1


def _replaced(batch: Transition, rng: np.random.Generator) -> Made:
    return _redone(batch, np.asarray(batch.packed)[rng.permutation(len(batch.valid))])


def _corrupted(batch: Transition, rng: np.random.Generator) -> Made:
    flip = np.uint32(1) << rng.integers(0, 32, len(batch.valid)).astype(np.uint32)
    packed = pack_columns(decode_table(field(np.asarray(batch.packed), "word") ^ flip))
    fine = field(np.asarray(batch.packed), "last") == 1
    after, valid = _redone(batch, packed[: len(flip)])
    return after, valid & fine


def _elsewhere(batch: Transition, rng: np.random.Generator) -> Made:
    rows = np.array(batch.written.rows)
    known = rows[:, 0] < REGISTERS
    rows[:, 0] = (rows[:, 0] + rng.integers(1, REGISTERS, len(rows))) % REGISTERS
    wrong = replace(batch.written, rows=np.where(known[:, None], rows, REGISTERS + 1))
    return np.asarray(apply(batch.before, wrong).words), known


def _source(batch: Transition, rng: np.random.Generator) -> Made:
    packed = np.array(batch.packed)
    reads = (field(packed, "rn") < REGISTERS) & (field(packed, "unit") != Unit.ADDRESS)
    others = rng.integers(0, REGISTERS - 1, len(packed)).astype(np.uint32)
    packed[:, 0] = (packed[:, 0] & ~np.uint32(0x7F << 7)) | (others << 7)
    after, valid = _redone(batch, packed)
    return after, valid & reads


def _stuck(batch: Transition, rng: np.random.Generator) -> Made:
    rows = np.asarray(batch.written.rows)[:, 0].astype(int)
    known = rows < REGISTERS
    after = np.array(batch.after.words)
    after[np.arange(len(after)), np.where(known, rows, 0), 0] |= np.uint32(1 << _STUCK)
    return after, known


def _hijacked(batch: Transition, rng: np.random.Generator) -> Made:
    after = np.array(batch.after.words)
    away = 4 * rng.integers(1, _TEXT // 4, len(after)).astype(np.uint64)
    after[:, PC] = word.to_limbs(word.from_limbs(after[:, PC]) ^ away)
    return after, field(batch.packed, "unit") == Unit.BRANCH_REG


FAULTS: dict[str, Callable[[Transition, np.random.Generator], Made]] = {
    "flip in the destination": _destination,
    "flip in any register": _register,
    "flip on the way from memory": _memory,
    "flip in pc": _pc,
    "skipped instruction": _skipped,
    "replaced instruction": _replaced,
    "corrupted word": _corrupted,
    "wrong destination": _elsewhere,
    "wrong source": _source,
    "stuck-at-1 in results": _stuck,
    "hijacked return": _hijacked,
}

__all__ = ["FAULTS", "Observed", "clean", "inject"]
