"""`Program`: text decoded once, shared by all lanes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.decode import decode_table
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.instr import NEXT, PACKED_WORDS, Unit, columns, pack_columns
from ncpu.machine.state import EXEC, PAGE, State

PAGE_WORDS = 1024  # instructions in a 4 KiB page
# A process's text: rows and pages at least, enough for most static executables.
_ROWS, _SPAN = 1 << 18, 128


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Program:
    """Decoded text, looked up by page.

    Attributes:
      rows: `u32[R, 8]` packed instructions, a power of two of them; the first 1024 are
        the page that holds no code, pages of code follow, then further transfers.
      pages: `u32[P]`, index in `rows` of each 4 KiB page from `base`; the last is 0.
      base: `u32[2]`, guest address of the first page.
    """

    rows: jax.Array
    pages: jax.Array
    base: jax.Array

    @classmethod
    def from_words(cls, words: Sequence[int] | np.ndarray, base: int = 0) -> Program:
        """The program of 32-bit `words` placed at address `base`."""
        text = np.asarray(words, "<u4").tobytes()
        return cls.from_segments([(base, text)])

    @classmethod
    def many(
        cls, programs: Iterable[Sequence[int] | np.ndarray], base: int = 0
    ) -> tuple[Program, np.ndarray]:
        """Different programs in one text, each ended by an undefined word.

        Returns:
          The program, and the entry address of each as NumPy `u64[n]`: give lane i
          `pc = entries[i]`.  A64 code is pc-relative, so it runs the same anywhere.
        """
        texts = [np.asarray(p, np.uint32) for p in programs]
        lengths = np.array([len(t) + 1 for t in texts], np.uint64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.uint64)
        text = np.zeros(int(lengths.sum()), np.uint32)
        for start, one in zip(starts, texts, strict=True):
            text[int(start) : int(start) + len(one)] = one
        return cls.from_words(text, base), starts * np.uint64(4) + np.uint64(base)

    @classmethod
    def from_segments(cls, segments: Iterable[tuple[int, bytes]]) -> Program:
        """The program of executable ranges `(address, bytes)`, addresses multiples of 4.

        Raises:
          MemoryRangeError: no code at all, or an address that is not a multiple of 4.
        """
        pieces = sorted((a, bytes(b)[: len(b) & ~3]) for a, b in segments if len(b) >= 4)
        if not pieces:
            raise MemoryRangeError("a program needs at least one instruction")
        if any(address % 4 for address, _ in pieces):
            raise MemoryRangeError("instructions must be at multiples of 4")
        base = pieces[0][0] & ~4095
        end = max(address + len(text) for address, text in pieces)
        pages = np.zeros(-(-(end - base) // 4096) + 1, np.uint32)
        used: dict[int, int] = {}
        for address, text in pieces:
            for page in range((address - base) >> 12, (address + len(text) - 1 - base >> 12) + 1):
                used.setdefault(page, len(used))
        code = np.zeros((len(used), PAGE_WORDS), np.uint32)
        held = np.zeros((len(used), PAGE_WORDS), bool)
        for page, slot in used.items():
            pages[page] = PAGE_WORDS * (slot + 1)
        for address, text in pieces:
            _place(code, held, used, (address - base) // 4, np.frombuffer(text, "<u4"))
        return cls(
            rows=jnp.asarray(_padded_rows(code, held)),
            pages=jnp.asarray(pages),
            base=jnp.asarray(word.to_limbs(base)),
        )

    @classmethod
    def from_state(cls, state: State) -> Program:
        """Every executable page of a lane as it is now, for loops that do not stop to decode.

        The arrays have few sizes, so that a loop is compiled once for most programs.
        """
        base = int(word.from_limbs(np.asarray(state.base)))
        pages = np.flatnonzero(np.asarray(state.perm) & EXEC)
        runs = np.split(pages, np.flatnonzero(np.diff(pages) > 1) + 1)
        spans = [(base + int(run[0]) * PAGE, len(run) * PAGE) for run in runs if len(run)]
        exact = cls.from_segments([(at, memory.read(state, at, size)) for at, size in spans])
        rows = max(len(exact.rows), _ROWS)
        span = max(1 << (len(exact.pages) - 1).bit_length(), _SPAN)
        return replace(
            exact,
            rows=jnp.zeros((rows, PACKED_WORDS), jnp.uint32).at[: len(exact.rows)].set(exact.rows),
            pages=jnp.pad(exact.pages, (0, span - len(exact.pages))),
        )


def _place(
    code: np.ndarray, held: np.ndarray, used: dict[int, int], index: int, words: np.ndarray
) -> None:
    while len(words):
        slot, start = used[index // PAGE_WORDS], index % PAGE_WORDS
        part = words[: PAGE_WORDS - start]
        code[slot, start : start + len(part)] = part
        held[slot, start : start + len(part)] = True
        index, words = index + len(part), words[len(part) :]


def no_code() -> np.ndarray:
    """The page that holds no code, `u32[1024, 8]`: fetching from it is a fault."""
    return pack_columns(columns(PAGE_WORDS, unit=Unit.NO_CODE))


def packed_rows(words: np.ndarray, held: np.ndarray | None = None) -> np.ndarray:
    """Words decoded and packed, further transfers behind them, for rows from 0 on.

    Args:
      words: `u32[n]`.
      held: `bool[n]`, which words are code; all when left out.

    Returns:
      NumPy `u32[n + m, 8]`.
    """
    table = decode_table(words)
    if held is not None:
        table["unit"][: words.size][~held] = Unit.NO_CODE
    return pack_columns(table)


def relocated(rows: np.ndarray, start: int) -> np.ndarray:
    """A copy of `packed_rows` for rows from `start` on."""
    out = rows.copy()
    out[:, NEXT] += np.uint32(start)
    return out


def _padded_rows(code: np.ndarray, held: np.ndarray) -> np.ndarray:
    code_rows = packed_rows(code.reshape(-1), held.reshape(-1))
    packed = [no_code(), relocated(code_rows, PAGE_WORDS)]
    count = sum(map(len, packed))
    size = 1 << (count - 1).bit_length()  # few sizes, so that `run` compiles few times
    out = np.zeros((size, PACKED_WORDS), np.uint32)
    out[:count] = np.concatenate(packed)
    return out
