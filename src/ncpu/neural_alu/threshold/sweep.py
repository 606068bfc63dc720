"""How far attention is from a memory: errors, and how long a program survives them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.neural_alu.threshold.gates import CircuitError
from ncpu.neural_alu.threshold.memory import Attention, attention, read, write
from ncpu.neural_alu.threshold.processor import build, start, trace

PROBES = 64  # addresses tried for each memory size


@dataclass(frozen=True)
class Errors:
    """What one read or write of a memory of random words gets wrong.

    Attributes:
      read: largest error of a bit, `f32[sizes, temperatures]`.
      wrong: share of words of which a bit is wrong after thresholding at one half, likewise.
      write: largest error of a bit of the memory after one write, likewise.
    """

    read: np.ndarray
    wrong: np.ndarray
    write: np.ndarray


def sweep(
    key: jax.Array,
    sizes: Sequence[int],
    temperatures: Sequence[float],
    kind: str,
    width: int = 16,
) -> Errors:
    """Errors of single reads and writes by memory size and temperature.

    Args:
      key: consumed; the words in memory, the words written, and which addresses are tried.
      sizes: words of memory, powers of two.
      temperatures: above 0.
      kind: attention, "softmax" or "sparsemax".
      width: bits of a word.

    Returns:
      The errors over `min(64, size)` addresses of each memory.
    """
    rows: list[Errors] = []
    for size in sizes:
        key, ours = jax.random.split(key)
        one = attention(kind, size, 1.0)
        rows.append(_errors(ours, one, jnp.asarray(temperatures, jnp.float32), width))
    fields = (field.name for field in dataclasses.fields(Errors))
    return Errors(*(np.stack([getattr(row, name) for row in rows]) for name in fields))


def _errors(key: jax.Array, one: Attention, temperatures: jax.Array, width: int) -> Errors:
    size = one.keys.shape[0]
    contents, words, places = jax.random.split(key, 3)
    memory = jax.random.bernoulli(contents, 0.5, (size, width)).astype(jnp.float32)
    rows = jax.random.permutation(places, size)[:PROBES]
    new = jax.random.bernoulli(words, 0.5, (len(rows), width)).astype(jnp.float32)

    def at(temperature: jax.Array) -> tuple[jax.Array, ...]:
        addressing = dataclasses.replace(one, temperature=temperature)

        def probe(row: jax.Array, word: jax.Array) -> tuple[jax.Array, ...]:
            weights = addressing(one.keys[row])
            got = read(memory, weights)
            written = write(memory, weights, word) - memory.at[row].set(word)
            wrong = jnp.any((got > 0.5) != (memory[row] > 0.5))
            return jnp.abs(got - memory[row]).max(), wrong, jnp.abs(written).max()

        got, wrong, written = jax.vmap(probe)(rows, new)
        return got.max(), wrong.mean(dtype=jnp.float32), written.max()

    return Errors(*(np.asarray(x) for x in jax.jit(lambda t: jax.lax.map(at, t))(temperatures)))


def correct_clocks(
    source: str,
    temperatures: Sequence[float],
    kind: str,
    snap: bool,
    words: int = 64,
    clocks: int = 2000,
) -> tuple[np.ndarray, int]:
    """How many clocks a program runs before its pc or a register (thresholded) is wrong.

    The reference is the same program with sparsemax at temperature 1, whose memory is exact.

    Args:
      source: a toy program that halts within `clocks`.
      temperatures: above 0.
      kind: attention, "softmax" or "sparsemax".
      snap: whether loaded bits are thresholded.
      words: of memory.
      clocks: how long to follow it.

    Returns:
      Correct clocks `i64[temperatures]`, and how many the whole program takes.

    Raises:
      CircuitError: the program does not halt within `clocks`.
    """
    exact = build(source, words=words)
    expected = trace(exact, start(exact), clocks)
    if not expected.halted[-1]:
        raise CircuitError(f"the program does not halt within {clocks} clocks")
    taken = clocks - int(expected.halted.sum()) + 1
    machine = dataclasses.replace(exact, addressing=attention(kind, words, 1.0), snap=snap)

    def survived(temperature: jax.Array) -> jax.Array:
        addressing = dataclasses.replace(machine.addressing, temperature=temperature)
        lane = dataclasses.replace(machine, addressing=addressing)
        states = trace(lane, start(lane), clocks)
        right = (states.pc == expected.pc).all(-1)
        right &= ((states.registers > 0.5) == (expected.registers > 0.5)).all((-2, -1))
        return jnp.cumprod(right).sum()

    lanes = jax.jit(jax.vmap(survived))(jnp.asarray(temperatures, jnp.float32))
    return np.minimum(np.asarray(lanes, np.int64), taken), taken
