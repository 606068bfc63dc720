"""Which of a program's inputs are secret, and the values that are tried for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.symbols import Symbols

EXHAUSTIVE_BITS = 16  # 65,536 values
_REGISTER = re.compile(r"(\*?)x(\d|[12]\d|30)(?::(\d+))?")
_NAMED = re.compile(r"([A-Za-z_.$][\w.$]*)(?::(\d+))?")
_ACCEPTED = (
    "accepted are SYMBOL[:BYTES], *x0:BYTES (what a register points at), x0[:BITS] and stdin:BYTES"
)


@dataclass(frozen=True)
class Secret:
    """A secret input.

    Attributes:
      kind: "memory", "pointer" (what register `where` points at), "register" or "stdin".
      where: an address, or the number of a register.
      bits: how many.
      name: as it was asked for.
    """

    kind: str
    where: int
    bits: int
    name: str

    @property
    def bytes(self) -> int:
        """Bytes that hold it."""
        return -(-self.bits // 8)


def parse(text: str, symbols: Symbols) -> Secret:
    """A secret as people write it.

    Raises:
      DebugError: it is none.
    """
    if match := _REGISTER.fullmatch(text):
        size = int(match[3] or 0)
        if match[1] and size:
            return Secret("pointer", int(match[2]), 8 * size, text)
        if not match[1] and size <= 64:
            return Secret("register", int(match[2]), size or 64, text)
    elif match := _NAMED.fullmatch(text):
        size = int(match[2] or 0)
        if match[1] == "stdin" and size:
            return Secret("stdin", 0, 8 * size, text)
        if match[1] in symbols.table:
            address, known = symbols.table[match[1]]
            if size or known:
                return Secret("memory", address, 8 * (size or known), text)
            raise DebugError(f"the size of {match[1]} is not known: write {match[1]}:BYTES")
    why = f" ({symbols.problem})" if symbols.problem else ""
    raise DebugError(f"{text!r} names no secret{why}; {_ACCEPTED}")


def draw(
    secrets: Sequence[Secret],
    count: int,
    seed: int,
    *,
    present: bytes = b"",
    exhaustive: bool = False,
) -> np.ndarray:
    """Values for the secrets, one row of bytes for each lane, `u8[lanes, bytes]`.

    The first are all zeros and all ones, then come values of one bit, then the ones that the
    program has with one byte changed, then random ones.  Where two secrets are of one size, every
    other random value has them equal up to some byte, as what is compared may be.  Every
    value there is when `exhaustive`, or when there are no more of them than `count`.

    Args:
      secrets: what is secret.
      count: values wanted.
      seed: of the random ones.
      present: the bytes that the program has in these places, if it is known.
      exhaustive: all there are.

    Raises:
      DebugError: too many bits to try them all.
    """
    bits = sum(secret.bits for secret in secrets)
    if exhaustive and bits > EXHAUSTIVE_BITS:
        raise DebugError(
            f"{bits} secret bits have 2**{bits} values: at most {EXHAUSTIVE_BITS} bits are tried "
            "exhaustively (name fewer: x0:8 is the low byte of a register)"
        )
    if exhaustive or (bits <= EXHAUSTIVE_BITS and 1 << bits <= count):
        values = np.arange(1 << bits, dtype=np.uint32)
        return _cut(((values[:, None] >> np.arange(bits)) & 1).astype(np.uint8), secrets)
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 256, (count, sum(s.bytes for s in secrets)), np.uint8)
    quarter = max(count // 4, 1)
    if len({s.bytes for s in secrets}) < len(secrets):
        _equal_parts(table[::2], secrets, rng)
    table[0], table[1:2] = 0, 255
    for k, row in enumerate(table[2 : 2 + quarter]):
        row[:] = 0
        bit = k * 8 * len(row) // quarter
        row[bit // 8] = 1 << bit % 8
    if len(present) == table.shape[1]:
        for k, row in enumerate(table[2 + quarter : 2 + 2 * quarter]):
            row[:] = np.frombuffer(present, np.uint8)
            row[k * len(row) // quarter] ^= rng.integers(1, 256, dtype=np.uint8) if k else 0
    at = 0
    for secret in secrets:
        at += secret.bytes
        table[:, at - 1] &= 0xFF >> (-secret.bits % 8)
    return table


def _equal_parts(table: np.ndarray, secrets: Sequence[Secret], rng: np.random.Generator) -> None:
    """Let secrets of one size begin alike, each row up to a byte of its own."""
    ends = np.cumsum([s.bytes for s in secrets])
    first = {}
    for secret, end in zip(secrets, ends, strict=True):
        start = first.setdefault(secret.bytes, end - secret.bytes)
        for row, length in zip(table, rng.integers(0, secret.bytes + 1, len(table)), strict=True):
            row[end - secret.bytes :][:length] = row[start:][:length]


def _cut(bits: np.ndarray, secrets: Sequence[Secret]) -> np.ndarray:
    """A table of bits to one of bytes, every secret in bytes of its own."""
    ends = np.cumsum([s.bits for s in secrets])
    parts = [bits[:, end - s.bits : end] for s, end in zip(secrets, ends, strict=True)]
    return np.concatenate([np.packbits(p, axis=1, bitorder="little") for p in parts], axis=1)
