"""MUXLEQ images: the `.dec` text format, and an image as a machine state and back."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.errors import ImageError
from ncpu.machine.muxleq.execute import IN_END, IN_NEXT, INPUT, OUT_NEXT, OUTPUT, WORDS
from ncpu.machine.state import State, new_state

_TOKEN = re.compile(r"[^\s,]+")
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_A_LINE = 12  # numbers a line of a written image


def parse(text: str) -> np.ndarray:
    """The words of a `.dec` image: signed decimals between blanks, commas or newlines.

    Returns:
      NumPy `u16[n]`, `n` from 1 to 65,536; numbers count modulo 2**16.

    Raises:
      ImageError: something that is no decimal (with its line), no number, or too many.

    >>> parse("1, -1\\n65537")
    array([    1, 65535,     1], dtype=uint16)
    """
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        for token in _TOKEN.findall(line):
            if not _NUMBER.fullmatch(token):
                raise ImageError(
                    f"line {number}: {token[:40]!r} is no signed decimal; an image is such "
                    "numbers between blanks, commas or newlines"
                )
            # The last digits decide: 10**16 is a multiple of 2**16.
            sign = -1 if token[0] == "-" else 1
            values.append(sign * int(token.lstrip("+-")[-16:]) & 0xFFFF)
    return checked(values)


def checked(values: Sequence[int] | np.ndarray) -> np.ndarray:
    """`values` as the words of an image, NumPy `u16[n]`.

    Raises:
      ImageError: none, or more than the memory holds.
    """
    if not 1 <= len(values) <= WORDS:
        raise ImageError(f"an image of {len(values):,} words: it has from 1 to {WORDS:,}")
    return np.asarray(values, np.int64).astype(np.uint16)


def text(words: np.ndarray) -> str:
    """Words as the text of a `.dec` image, as signed numbers."""
    signed = [str(value) for value in words.astype(np.uint16).view(np.int16).tolist()]
    rows = (signed[k : k + _A_LINE] for k in range(0, len(signed), _A_LINE))
    return "".join(" ".join(row) + "\n" for row in rows)


def load(image: str | Sequence[int] | np.ndarray) -> State:
    """A machine with an image in its memory from word 0, the rest zero, and pc 0.

    Args:
      image: the text of a `.dec` image, or its words (modulo 2**16).

    Raises:
      ImageError: see `parse` and `checked`.
    """
    words = parse(image) if isinstance(image, str) else checked(image)
    whole = np.zeros(WORDS, "<u2")
    whole[: len(words)] = words
    state = new_state(size=2 * WORDS)
    regs = np.array(state.regs)
    for row, first in ((IN_NEXT, INPUT), (IN_END, INPUT), (OUT_NEXT, OUTPUT)):
        regs[row] = word.to_limbs(first)
    return state.replace(
        regs=jnp.asarray(regs), mem=jnp.asarray(whole.view("<u4").reshape(-1, 2).astype(np.uint32))
    )


def memory(state: State) -> np.ndarray:
    """All words of a state's memory, NumPy `u16[..., 65536]`."""
    return np.ascontiguousarray(state.mem, "<u4").reshape(*state.mem.shape[:-2], -1).view("<u2")


def pc(state: State) -> int:
    """The next instruction's place in memory, in words."""
    return int(word.from_limbs(state.pc)) >> 1
