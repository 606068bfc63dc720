"""Classes of characters, as tests of a code."""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.synth.expression import Expr, call, const
from ncpu.synth.types import Kind

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"


@dataclass(frozen=True)
class CharacterClass:
    """A set of characters.

    Attributes:
      characters: all of them, in order.
      size: what naming it costs.
    """

    characters: str
    size: int = 2

    @property
    def codes(self) -> tuple[int, ...]:
        """Their codes."""
        return tuple(map(ord, self.characters))

    def test(self, code: Expr) -> Expr:
        """Whether a code is of this class: by its ends where the class is an interval."""
        codes = self.codes
        if codes == tuple(range(codes[0], codes[-1] + 1)):
            if len(codes) == 1:
                return call("eq", code, const(codes[0], Kind.I))
            low, high = const(codes[0], Kind.I), const(codes[-1], Kind.I)
            return call("and", call("le", low, code), call("le", code, high))
        return call("lt", const(-1, Kind.I), call("index", const(codes, Kind.A), code))


CLASSES = (
    CharacterClass(DIGITS),
    CharacterClass(LOWER),
    CharacterClass(UPPER),
    CharacterClass(UPPER + LOWER),
    CharacterClass(" "),
    CharacterClass("AEIOUaeiou"),
    CharacterClass(DIGITS + UPPER + LOWER, 3),
)
