"""New inputs from old ones, all lanes at once in NumPy, and words to put into them."""

from __future__ import annotations

import re

import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.state import EXEC, PAGE, State

_INTERESTING = np.array([0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 129, 254, 255])
TOKENS = 256  # words of a dictionary at most
TOKEN = 16  # bytes of a word at most


def dictionary(state: State, text: list[tuple[int, bytes]]) -> list[bytes]:
    """Words that a program may compare its input with: its constants and short strings.

    Args:
      state: the loaded program.
      text: its executable ranges.
    """
    words: dict[bytes, None] = {}
    for _, code in text:
        codes = np.frombuffer(code[: len(code) & ~3], "<u4")
        compared = (codes & 0x7F80001F) == 0x7100001F  # SUBS to the zero register: CMP
        for value in np.unique(codes[compared] >> 10 & 0xFFF).tolist():
            words[bytes([value & 255]) if value < 256 else value.to_bytes(2, "little")] = None
        for value in _constants(codes):
            size = 2 if value < 1 << 16 else 4 if value < 1 << 32 else 8
            words[value.to_bytes(size, "little")] = None
            words[value.to_bytes(size, "big")] = None
    perm = np.asarray(state.perm)
    base = int(word.from_limbs(np.asarray(state.base)))
    for page in np.flatnonzero((perm != 0) & (perm & EXEC == 0)).tolist()[:64]:
        data = memory.read(state, base + page * PAGE, PAGE)
        for found in re.findall(rb"[\x21-\x7e]{2,16}", data):
            words[found] = None
    for _, code in text:
        for found in re.findall(rb"[\x21-\x7e]{3,16}(?=\0)", code):
            words[found] = None
    return list(words)[:TOKENS]


def _constants(codes: np.ndarray) -> list[int]:
    """What MOVZ, and the MOVKs after it, build."""
    out, built = [], {}
    for code in codes.tolist():
        kind, register = code & 0x7F800000, code & 31
        value, shift = code >> 5 & 0xFFFF, 16 * (code >> 21 & 3)
        if kind == 0x52800000:
            built[register] = value << shift
            if value > 255 and not shift:
                out.append(value)
        elif kind == 0x72800000 and register in built:
            built[register] |= value << shift
            out.append(built[register])
    return out


class Mutator:
    """Makes candidates out of a corpus.

    Args:
      width: bytes of an input at most.
      words: a dictionary.
      seed: of all choices.
    """

    def __init__(self, width: int, words: list[bytes], seed: int) -> None:
        self.width, self.rng = width, np.random.default_rng(seed)
        kept = [w[:TOKEN] for w in words if w] or [b"\0"]
        self._words = np.zeros((len(kept), TOKEN), np.uint8)
        for row, one in zip(self._words, kept, strict=True):
            row[: len(one)] = np.frombuffer(one, np.uint8)
        self._sizes = np.array([len(one) for one in kept])

    def mutate(
        self, parents: np.ndarray, lengths: np.ndarray, others: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Change each row of `parents`, `u8[n, width]`, in one to sixteen places.

        Args:
          parents, lengths: the inputs to change.
          others: rows that pieces are taken from.
        """
        data, size = parents.copy(), lengths.astype(np.int64).copy()
        rounds = 2 ** self.rng.integers(0, 5, len(data))
        for turn in range(int(rounds.max())):
            rows = np.flatnonzero(rounds > turn)
            data[rows], size[rows] = self._once(data[rows], size[rows], others[rows])
        beyond = np.arange(self.width) >= size[:, None]
        data[beyond] = 0
        return data, size.astype(np.uint32)

    def _once(
        self, data: np.ndarray, size: np.ndarray, others: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        rng, n, rows = self.rng, len(data), np.arange(len(data))
        op = rng.integers(0, 12, n)
        at = (rng.random(n) * np.maximum(size, 1)).astype(np.int64)
        small = op < 4
        old = data[rows, at]
        change = np.stack(
            [
                old ^ (1 << rng.integers(0, 8, n)).astype(np.uint8),
                rng.integers(0, 256, n).astype(np.uint8),
                old + rng.integers(-16, 17, n).astype(np.uint8),
                rng.choice(_INTERESTING, n).astype(np.uint8),
            ]
        )
        data[rows[small], at[small]] = change[op[small], rows[small]]
        # Insertions and deletions: bytes from elsewhere in the row, or from a word.
        which = rng.integers(0, len(self._words), n)
        word_size = self._sizes[which]
        run = np.minimum(2 ** rng.integers(0, 5, n), self.width)
        grow = np.select([op == 4, op == 5, op == 6], [word_size, run, -run], 0)
        grow = np.where(grow < 0, -np.minimum(-grow, np.maximum(size - at - 1, 0)), grow)
        place = np.arange(self.width)[None]
        moved = np.where(place >= (at + np.maximum(grow, 0))[:, None], place - grow[:, None], place)
        inside = (grow > 0)[:, None] & (place >= at[:, None]) & (place < (at + grow)[:, None])
        moved = np.clip(np.where(inside, moved - at[:, None] // 2, moved), 0, self.width - 1)
        data = np.take_along_axis(data, moved, axis=1)
        size = np.clip(size + grow, 1, self.width)
        worded = ((op == 4) | (op == 7))[:, None] & (place >= at[:, None])
        worded &= place < (at + word_size)[:, None]
        from_word = self._words[which[:, None], np.clip(place - at[:, None], 0, TOKEN - 1)]
        data = np.where(worded, from_word, data)
        size = np.where(op == 7, np.clip(np.maximum(size, at + word_size), 1, self.width), size)
        spliced = (op == 8)[:, None] & (place >= at[:, None]) & (place < (at + run)[:, None])
        data = np.where(spliced, others, data)
        longer = op == 9
        size = np.where(longer, np.minimum(size + run, self.width), size)
        fresh = longer[:, None] & (place >= (size - run)[:, None])
        noise = rng.integers(0, 256, data.shape).astype(np.uint8)
        data = np.where(fresh, noise, data).astype(np.uint8)
        for which, exact in ((op == 10, True), (op == 11, False)):
            data[which] = self._number(data[which], size[which], at[which], exact=exact)
        return data, size

    def _number(
        self, data: np.ndarray, size: np.ndarray, at: np.ndarray, *, exact: bool
    ) -> np.ndarray:
        """A field of 2, 4 or 8 bytes, in either order: beside a power of two, or a little more."""
        rng, n = self.rng, len(data)
        length = 2 ** rng.integers(1, 4, n)
        length = np.where(length <= size, length, 1)
        at = np.minimum(at, size - length)
        k = np.arange(8)
        inside = k < length[:, None]
        big = (rng.integers(0, 2, n) == 1)[:, None]
        place = at[:, None] + np.where(big, length[:, None] - 1 - k, k)
        place = np.where(inside, place, at[:, None])
        power = np.int64(1) << rng.integers(0, 8 * length)
        held = np.take_along_axis(data, place, axis=1).astype(np.int64) * inside
        held = (held << 8 * k).sum(axis=1)
        more = rng.integers(-1, 2, n) if exact else rng.integers(-35, 36, n)
        value = (power if exact else held) + more
        for byte in range(8):
            rows = np.flatnonzero(inside[:, byte])
            data[rows, place[rows, byte]] = (value[rows] >> 8 * byte & 255).astype(np.uint8)
        return data
