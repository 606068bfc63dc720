"""`Domain`: the inputs a verdict or a certificate speaks about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ncpu.npcot.errors import DomainError
from ncpu.npcot.number import WORD32, Format

MAX_LENGTH = 32767
"""The longest array; a remainder times 2^16 still fits the word then."""


@dataclass(frozen=True)
class Domain:
    """All arrays with `min_length` to `max_length` elements, each in `low`..`high`.

    The second array has the same length and elements in `low_y`..`high_y` (default: as the first).
    All ends are included.

    Raises:
      DomainError: an empty range, elements that are no finite words, or lengths outside
        0..`MAX_LENGTH`.
    """

    low: int
    high: int
    max_length: int
    min_length: int = 0
    low_y: int | None = None
    high_y: int | None = None
    format: Format = WORD32

    def __post_init__(self) -> None:
        limit = self.format.infinity - 1
        for low, high in ((self.low, self.high), self.second):
            if not -limit <= low <= high <= limit:
                raise DomainError(
                    f"elements {low}..{high}; accepted: a range within {-limit}..{limit}"
                )
        if not 0 <= self.min_length <= self.max_length <= MAX_LENGTH:
            raise DomainError(
                f"lengths {self.min_length}..{self.max_length}; "
                f"accepted: a range within 0..{MAX_LENGTH}"
            )

    @property
    def first(self) -> tuple[int, int]:
        """Range of the elements of x."""
        return self.low, self.high

    @property
    def second(self) -> tuple[int, int]:
        """Range of the elements of y."""
        low = self.low if self.low_y is None else self.low_y
        return low, self.high if self.high_y is None else self.high_y

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Domain:
        """The domain of a JSON object.

        Raises:
          DomainError: fields that are missing, unknown or no integers.
        """
        try:
            fmt = data["format"]
            fields = {k: v for k, v in data.items() if k != "format"}
            if not all(v is None or type(v) is int for v in (*fields.values(), *fmt.values())):
                raise TypeError("fields must be integers")
            return cls(**fields, format=Format(**fmt))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise DomainError(f"no domain: {error}") from error
