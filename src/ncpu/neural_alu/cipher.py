"""A cipher machine: Caesar, Vigenère and a stream cipher by the trained networks.

Every byte of text and key is computed on by operations of `ops` alone, a whole block at
once; what is not arithmetic is wiring: which key letter stands where, and how bytes lie in
a word.  A demonstration of the arithmetic: none of these ciphers keeps a secret today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine.alu import EXACT
from ncpu.machine.errors import NcpuError
from ncpu.machine.word import join, to_limbs, u64, with_x64
from ncpu.neural_alu import ops
from ncpu.neural_alu.alu import Gates

BLOCK = 4096  # bytes computed at once; a shorter text is filled up
LETTERS = 26
MAX_VIGENERE = 128  # letters of a key, so that two positions in it add up below 256
MAX_KEY = 256  # bytes of a stream cipher's key

# SplitMix64 (Steele, Lea & Flood 2014) and FNV-1a (Fowler, Noll & Vo).
GOLDEN = 0x9E3779B97F4A7C15
MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
LAST_SHIFT = 31
FNV_OFFSET, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


class CipherError(NcpuError, ValueError):
    """Not a cipher, or not a key of it."""


class Compute(Protocol):
    """An operation of `ops` by name on words `u64[...]` of a width; only under x64."""

    def __call__(self, name: str, a: jax.Array, b: jax.Array, width: int = 8) -> jax.Array:
        """The result, `u64[...]`."""
        ...


def by_networks(gates: Gates) -> Compute:
    """Operations by trained cells."""

    def compute(name: str, a: jax.Array, b: jax.Array, width: int = 8) -> jax.Array:
        a, b = jnp.broadcast_arrays(a, b)
        bits = ops.apply(name, gates.wires(), gates.enter(a, width), gates.enter(b, width))
        return gates.leave(bits)

    return compute


def _compare(a: jax.Array, b: jax.Array, up: int) -> jax.Array:
    return EXACT.add(a << up, ~(b << up), u64(1), jnp.bool_(True))[1].astype(jnp.uint64)


_EXACT: dict[str, Callable[[jax.Array, jax.Array, int], jax.Array]] = {
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


def exactly(name: str, a: jax.Array, b: jax.Array, width: int = 8) -> jax.Array:
    """A `Compute` by exact integers, of the operations that the ciphers use."""
    return _EXACT[name](a, b, 64 - width) & u64((1 << width) - 1)


def below(compute: Compute, a: jax.Array, b: jax.Array) -> jax.Array:
    """All ones (255) where a < b, else 0: no carry of a - b, which is bit 1 of NZCV."""
    carry = compute("and", compute("lsr", compute("cmp", a, b), u64(1)), u64(1))
    return compute("sub", carry, u64(1))


def modulo(compute: Compute, a: jax.Array, n: jax.Array) -> jax.Array:
    """`a` modulo `n` for a below 2n."""
    return compute("sub", a, compute("bic", n, below(compute, a, n)))


def letter(compute: Compute, text: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Each byte's place in the alphabet, and all ones where it is an ASCII letter."""
    place = compute("sub", compute("or", text, u64(ord(" "))), u64(ord("a")))
    return place, below(compute, place, u64(LETTERS))


def rotate(compute: Compute, text: jax.Array, by: jax.Array, decrypt: jax.Array) -> jax.Array:
    """Letters moved on by `by` (0 to 25) in the alphabet, or back; other bytes as they are."""
    place, is_letter = letter(compute, text)
    back = modulo(compute, compute("sub", u64(LETTERS), by), u64(LETTERS))
    moved = modulo(compute, compute("add", place, jnp.where(decrypt, back, by)), u64(LETTERS))
    # Lower case is bit 5, and neither "A" nor any letter's place after it touches that bit.
    case = compute("or", compute("and", text, u64(ord(" "))), u64(ord("A") - 1))
    after = compute("add", compute("add", case, u64(1)), moved)
    return compute("or", compute("and", after, is_letter), compute("bic", text, is_letter))


def count_letters(compute: Compute, is_letter: jax.Array, n: jax.Array) -> jax.Array:
    """How many letters each prefix has, itself included, modulo n <= 128: a parallel prefix sum."""
    size = is_letter.shape[0]
    position = jnp.arange(size)
    # One letter is 1 modulo n, which is 0 for n = 1.
    ones = modulo(compute, compute("and", is_letter, u64(1)), n)

    def level(k: jax.Array, sums: jax.Array) -> jax.Array:
        before = jnp.where(position >= 1 << k, jnp.roll(sums, 1 << k), u64(0))
        return modulo(compute, compute("add", sums, before), n)

    return lax.fori_loop(0, (size - 1).bit_length(), level, ones)


@dataclass(frozen=True)
class _Key:
    """What a cipher is given: its key's bytes, filled up, and how many there are."""

    data: np.ndarray
    length: int


def _rotating(
    compute: Compute,
    text: jax.Array,
    shifts: jax.Array,
    length: jax.Array,
    start: jax.Array,
    decrypt: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """A block of Vigenère's cipher, and the letters of the key used after each byte.

    The key moves on with each letter of the text, not with other bytes.
    """
    _, is_letter = letter(compute, text)
    within = count_letters(compute, is_letter, length)
    used = modulo(compute, compute("add", within, start), length)
    before = jnp.concatenate([start[None], used[:-1]])
    return rotate(compute, text, jnp.take(shifts, before, mode="clip"), decrypt), used


def seed(compute: Compute, key: jax.Array, length: jax.Array) -> jax.Array:
    """FNV-1a of the first `length` bytes of a key, a 64-bit word."""

    def absorb(k: jax.Array, state: jax.Array) -> jax.Array:
        return compute("mul", compute("xor", state, key[k], 64), u64(FNV_PRIME), 64)

    return lax.fori_loop(0, length, absorb, u64(FNV_OFFSET))


def splitmix(compute: Compute, seed: jax.Array, count: jax.Array) -> jax.Array:
    """Outputs number `count` (from 1) of SplitMix64 from a seed, `u64[...]`."""
    z = compute("add", compute("mul", count, u64(GOLDEN), 64), seed, 64)
    for shift, factor in MIX:
        z = compute("mul", compute("xor", z, compute("lsr", z, u64(shift), 64), 64), u64(factor), 64)
    return compute("xor", z, compute("lsr", z, u64(LAST_SHIFT), 64), 64)
