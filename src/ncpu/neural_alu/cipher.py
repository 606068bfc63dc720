"""A cipher machine: Caesar, Vigenère and a stream cipher by the trained networks.

All computing on bytes of text and key is operations of `ops`, on a block at once.  What is
not arithmetic is wiring: which key letter stands where, how bytes lie in a word.  It shows
the arithmetic at work; none of these ciphers keeps a secret.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine.errors import NcpuError
from ncpu.machine.word import join, split, to_limbs, u64, with_x64
from ncpu.neural_alu.compute import Compute

BLOCK = 4096  # bytes computed at once; a shorter text is filled up with zeros
LETTERS = 26
LONGEST_WORD = 128  # letters of a Vigenère key: two places in it add up to a byte
LONGEST_KEY = 256  # bytes of a stream cipher's key

# SplitMix64 (Steele, Lea & Flood 2014) and 64-bit FNV-1a (Fowler, Noll & Vo 1991).
GOLDEN = 0x9E3779B97F4A7C15
MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
LAST_SHIFT = 31
FNV_OFFSET, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


class CipherError(NcpuError, ValueError):
    """No such cipher, or not a key of it."""


def below(compute: Compute, a: jax.Array, b: jax.Array) -> jax.Array:
    """255 where a < b, else 0: from the carry of a - b, which is bit 1 of NZCV."""
    carry = compute("and", compute("lsr", compute("cmp", a, b), u64(1)), u64(1))
    return compute("sub", carry, u64(1))


def modulo(compute: Compute, a: jax.Array, n: jax.Array) -> jax.Array:
    """`a` modulo `n`, for a below 2n."""
    return compute("sub", a, compute("bic", n, below(compute, a, n)))


def place(compute: Compute, text: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Each byte's place in the alphabet, and 255 where it is an ASCII letter, else 0."""
    found = compute("sub", compute("or", text, u64(ord(" "))), u64(ord("a")))
    return found, below(compute, found, u64(LETTERS))


def rotate(compute: Compute, text: jax.Array, by: jax.Array) -> jax.Array:
    """Letters moved on in the alphabet by 0 to 25 places; other bytes as they are."""
    found, is_letter = place(compute, text)
    moved = modulo(compute, compute("add", found, by), u64(LETTERS))
    # The alphabet starts at "A" or, with the bit that a space has, at "a".
    first = compute("or", compute("and", text, u64(ord(" "))), u64(ord("A")))
    letters = compute("and", compute("add", first, moved), is_letter)
    return compute("or", letters, compute("bic", text, is_letter))


def back(compute: Compute, by: jax.Array) -> jax.Array:
    """The places that undo moving on by `by`."""
    return modulo(compute, compute("sub", u64(LETTERS), by), u64(LETTERS))


def count(compute: Compute, ones: jax.Array, n: jax.Array) -> jax.Array:
    """Prefix sums modulo n <= 128 of numbers below n, by doubling (Hillis & Steele 1986)."""
    position = jnp.arange(ones.shape[0])

    def level(k: jax.Array, sums: jax.Array) -> jax.Array:
        earlier = jnp.where(position >= 1 << k, jnp.roll(sums, 1 << k), u64(0))
        return modulo(compute, compute("add", sums, earlier), n)

    return lax.fori_loop(0, (ones.shape[0] - 1).bit_length(), level, ones)


@jax.jit
@with_x64
def _caesar(compute: Compute, text: jax.Array, by: jax.Array) -> jax.Array:
    """A block `u8[n]`, moved on by `by`."""
    return rotate(compute, text.astype(jnp.uint64), by.astype(jnp.uint64)).astype(jnp.uint8)


@jax.jit
@with_x64
def _vigenere(
    compute: Compute, text: jax.Array, key: jax.Array, length: jax.Array, start: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """A block `u8[n]` and where the key goes on after it: only letters of the text use it up."""
    words, length, start = (x.astype(jnp.uint64) for x in (text, length, start))
    ones = compute("and", place(compute, words)[1], u64(1))
    used = count(compute, modulo(compute, ones, length), length)
    used = modulo(compute, compute("add", used, start), length)
    before = jnp.concatenate([start[None], used[:-1]])
    by = jnp.take(key.astype(jnp.uint64), before.astype(jnp.uint32), mode="clip")
    return rotate(compute, words, by).astype(jnp.uint8), used[-1].astype(jnp.uint8)


@jax.jit
@with_x64
def _places(compute: Compute, key: jax.Array, decrypt: jax.Array) -> jax.Array:
    """What each letter of a key `u8[n]` moves by, `u8[n]`."""
    by, _ = place(compute, key.astype(jnp.uint64))
    return jnp.where(decrypt, back(compute, by), by).astype(jnp.uint8)


@jax.jit
@with_x64
def _seed(compute: Compute, key: jax.Array, length: jax.Array) -> jax.Array:
    """FNV-1a of the first `length` bytes of a key, in limbs."""

    def absorb(k: jax.Array, state: jax.Array) -> jax.Array:
        byte = key[k].astype(jnp.uint64)
        return compute("mul", compute("xor", state, byte, 64), u64(FNV_PRIME), 64)

    return split(lax.fori_loop(jnp.int32(0), length, absorb, u64(FNV_OFFSET)))


@jax.jit
@with_x64
def _stream(
    compute: Compute, text: jax.Array, seed: jax.Array, first: jax.Array, skip: jax.Array
) -> jax.Array:
    """A block `u8[n]` with outputs of SplitMix64 from number `first` on, less `skip` bytes."""
    size = text.shape[0]
    number = join(first) + jnp.arange(1, size // 8 + 2, dtype=jnp.uint64)
    z = compute("add", join(seed), compute("mul", number, u64(GOLDEN), 64), 64)
    for shift, factor in MIX:
        z = compute("xor", z, compute("lsr", z, u64(shift), 64), 64)
        z = compute("mul", z, u64(factor), 64)
    z = compute("xor", z, compute("lsr", z, u64(LAST_SHIFT), 64), 64)
    stream = (z[:, None] >> np.arange(0, 64, 8, dtype=np.uint64) & u64(255)).reshape(-1)
    stream = lax.dynamic_slice_in_dim(stream, skip, size)
    return compute("xor", text.astype(jnp.uint64), stream).astype(jnp.uint8)


class Cipher(ABC):
    """A message being encrypted or decrypted; each call goes on where the last one ended."""

    def __call__(self, text: bytes) -> bytes:
        """The next bytes, as many as are given."""
        out = []
        for start in range(0, len(text), BLOCK):
            block = text[start : start + BLOCK]
            done = np.asarray(self._block(_filled(block, BLOCK), len(block)))
            out.append(done[: len(block)].tobytes())
        return b"".join(out)

    @abstractmethod
    def _block(self, text: np.ndarray, size: int) -> jax.Array:
        """`u8[BLOCK]` of which `size` count."""


class Caesar(Cipher):
    """Each ASCII letter moved on by the same number of places; other bytes stay."""

    def __init__(self, compute: Compute, key: str, decrypt: bool) -> None:
        """`key` is a number from 0 to 25."""
        if not (key.isascii() and key.isdigit() and int(key) < LETTERS):
            raise CipherError(f"{key!r} is no key of Caesar's cipher: a number from 0 to 25 is")
        self.compute = compute
        letter = np.array([ord("A") + int(key)], np.uint8)
        self.by = _places(compute, letter, decrypt)

    def _block(self, text: np.ndarray, size: int) -> jax.Array:
        return _caesar(self.compute, text, self.by)


class Vigenere(Cipher):
    """Each ASCII letter moved on by the next letter of the key; other bytes stay."""

    def __init__(self, compute: Compute, key: str, decrypt: bool) -> None:
        """`key` is 1 to 128 ASCII letters, A moving by 0."""
        if not (key.isascii() and key.isalpha() and len(key) <= LONGEST_WORD):
            raise CipherError(
                f"{key!r} is no key of Vigenère's cipher: 1 to {LONGEST_WORD} letters A to Z are"
            )
        self.compute = compute
        self.length = np.uint8(len(key))
        self.key = _places(compute, _filled(key.encode(), LONGEST_WORD), decrypt)
        self.start = np.uint8(0)

    def _block(self, text: np.ndarray, size: int) -> jax.Array:
        # The zeros that fill a block up are no letters: they do not use up the key.
        out, self.start = _vigenere(self.compute, text, self.key, self.length, self.start)
        return out


class Xor(Cipher):
    """Exclusive or with the bytes (lowest first) of SplitMix64, seeded with FNV-1a of the key."""

    def __init__(self, compute: Compute, key: str, decrypt: bool) -> None:
        """`key` is 1 to 256 bytes of UTF-8; decrypting is encrypting again."""
        data = key.encode(errors="surrogateescape")
        if not 1 <= len(data) <= LONGEST_KEY:
            raise CipherError(
                f"a key of {len(data)} bytes is none of the stream cipher: 1 to {LONGEST_KEY} are"
            )
        self.compute = compute
        self.seed = _seed(compute, _filled(data, LONGEST_KEY), np.int32(len(data)))
        self.offset = 0

    def _block(self, text: np.ndarray, size: int) -> jax.Array:
        first, skip = divmod(self.offset, 8)
        self.offset += size
        return _stream(self.compute, text, self.seed, to_limbs(first), np.int32(skip))


def _filled(data: bytes, size: int) -> np.ndarray:
    return np.frombuffer(data.ljust(size, b"\0"), np.uint8)


CIPHERS: dict[str, Callable[[Compute, str, bool], Cipher]] = {
    "caesar": Caesar,
    "vigenere": Vigenere,
    "xor": Xor,
}


def cipher(name: str, key: str, compute: Compute, *, decrypt: bool = False) -> Cipher:
    """A cipher at the start of a message.

    Args:
      name: of `CIPHERS`.
      key: see the cipher.
      compute: the arithmetic.
      decrypt: the other way.

    Raises:
      CipherError: no such cipher, or not a key of it.
    """
    if name not in CIPHERS:
        raise CipherError(f"{name!r} is no cipher; there is: {', '.join(CIPHERS)}")
    return CIPHERS[name](compute, key, decrypt)
