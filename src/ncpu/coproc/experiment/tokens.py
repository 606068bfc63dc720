"""Characters as tokens: the printable ones of ASCII and the end of a line."""

from __future__ import annotations

import numpy as np

from ncpu.coproc.errors import CoprocessorError

PAD = 0
FIRST, LAST = 32, 126  # codes of the printable characters
NEWLINE = 1
OFFSET = 2 - FIRST
VOCABULARY = LAST + OFFSET + 1
DIGIT = ord("0") + OFFSET  # the token of 0; those of 1..9 follow


class TokenError(CoprocessorError, ValueError):
    """A text has a character that is no token."""


def encode(text: str) -> np.ndarray:
    """The tokens of a text, `i32[len(text)]`.

    Raises:
      TokenError: a character is neither printable ASCII nor a line feed.
    """
    try:
        codes = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int32)
    except UnicodeEncodeError as error:
        raise _error(text[error.start]) from error
    wrong = (codes != ord("\n")) & ((codes < FIRST) | (codes > LAST))
    if wrong.any():
        raise _error(chr(codes[wrong][0]))
    return np.where(codes == ord("\n"), NEWLINE, codes + OFFSET).astype(np.int32)


def decode(tokens: np.ndarray) -> str:
    """The text of `i32[n]`; padding is dropped."""
    return "".join(
        "\n" if token == NEWLINE else chr(token - OFFSET) for token in tokens if token != PAD
    )


def _error(character: str) -> TokenError:
    return TokenError(
        f"{character!r} is no token: printable ASCII characters and line feeds are accepted"
    )
