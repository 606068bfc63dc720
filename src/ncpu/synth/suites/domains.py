"""Where the arguments of a family come from: sampling, membership, edges, a small exhaustive scope.

A domain sees the arguments before its own (`earlier`) and the drawn `parameters`, so "an index into
the first argument" and "a shift below the width" are domains like any other.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any, TypeAlias

from ncpu.synth.types import Kind

Arguments: TypeAlias = "tuple[Any, ...]"
Parameters: TypeAlias = "tuple[Any, ...]"
Bound: TypeAlias = "int | Callable[[Arguments, Parameters], int]"
Kinds: TypeAlias = "tuple[Kind, ...]"


class Domain(ABC):
    """The values one argument may take."""

    @abstractmethod
    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> Any:
        """A random value."""

    @abstractmethod
    def contains(self, value: Any, earlier: Arguments, parameters: Parameters) -> bool:
        """Whether the argument may have this value."""

    @abstractmethod
    def edges(self, earlier: Arguments, parameters: Parameters) -> list[Any]:
        """Values at which programs tend to go wrong."""

    @abstractmethod
    def scope(self, kinds: Kinds, earlier: Arguments, parameters: Parameters) -> list[Any]:
        """All small values, fewer the more arguments (of these `kinds`) the family has."""


def _at(bound: Bound, earlier: Arguments, parameters: Parameters) -> int:
    return bound if isinstance(bound, int) else bound(earlier, parameters)


def last_index(earlier: Arguments, _: Parameters) -> int:
    """Bound: the last valid index of the first argument."""
    return len(earlier[0]) - 1


def length(earlier: Arguments, _: Parameters) -> int:
    """Bound: the length of the first argument."""
    return len(earlier[0])


def previous(earlier: Arguments, _: Parameters) -> int:
    """Bound: the argument just before."""
    return earlier[-1]


@dataclass(frozen=True)
class Integers(Domain):
    """Integers from `low` to `high`, both included; half the samples favour small magnitudes.

    Attributes:
      low: smallest value.
      high: largest value.
    """

    low: Bound = -1000
    high: Bound = 1000

    def _range(self, earlier: Arguments, parameters: Parameters) -> tuple[int, int]:
        return _at(self.low, earlier, parameters), _at(self.high, earlier, parameters)

    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> int:
        """A random value."""
        low, high = self._range(earlier, parameters)
        if rng.random() < 0.5:
            size = 1 << rng.randrange(1, max(high - low, 2).bit_length() + 1)
            centre = min(max(0, low), high)
            return rng.randint(max(low, centre - size), min(high, centre + size))
        return rng.randint(low, high)

    def contains(self, value: int, earlier: Arguments, parameters: Parameters) -> bool:
        """Whether the argument may have this value."""
        low, high = self._range(earlier, parameters)
        return low <= value <= high

    def edges(self, earlier: Arguments, parameters: Parameters) -> list[int]:
        """The bounds and the values about zero."""
        low, high = self._range(earlier, parameters)
        return [n for n in dict.fromkeys((0, 1, -1, low, high, 2, 3)) if low <= n <= high]

    def scope(self, kinds: Kinds, earlier: Arguments, parameters: Parameters) -> list[int]:
        """The values nearest to zero."""
        low, high = self._range(earlier, parameters)
        radius = (256, 16, 5, 3)[len(kinds) - 1]
        if Kind.A in kinds:
            radius = 4 if len(kinds) == 2 else 2
        first = min(max(low, -radius), high)
        return list(range(first, min(high, max(first, 0) + radius) + 1))


@dataclass(frozen=True)
class Members(Domain):
    """Integers, half of them an element of the first argument, an array."""

    values: Integers = Integers(-1000, 1000)

    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> int:
        """A random value."""
        if earlier[0] and rng.random() < 0.5:
            return rng.choice(earlier[0])
        return self.values.sample(rng, earlier, parameters)

    def contains(self, value: int, earlier: Arguments, parameters: Parameters) -> bool:
        """Whether the argument may have this value."""
        return self.values.contains(value, earlier, parameters)

    def edges(self, earlier: Arguments, parameters: Parameters) -> list[int]:
        """The first and last element, and values about zero."""
        ends = [earlier[0][0], earlier[0][-1]] if earlier[0] else []
        return list(dict.fromkeys([*ends, *self.values.edges(earlier, parameters)[:3]]))

    def scope(self, kinds: Kinds, earlier: Arguments, parameters: Parameters) -> list[int]:
        """The values nearest to zero."""
        return self.values.scope(kinds, earlier, parameters)


@dataclass(frozen=True)
class Words(Domain):
    """Machine words of the width that stands first in the parameters, `low` and above."""

    low: int = 0

    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> int:
        """A word: uniform, sparse, dense, a run of ones, small or a power of two."""
        width = parameters[0]
        mask = (1 << width) - 1
        uniform = rng.getrandbits(width)
        run = mask >> rng.randrange(width) << rng.randrange(width) & mask
        match rng.randrange(8):
            case 0:
                value = uniform & rng.getrandbits(width)
            case 1:
                value = uniform | rng.getrandbits(width)
            case 2:
                value = run
            case 3:
                value = uniform & mask << rng.randrange(width) & mask
            case 4:
                value = uniform >> rng.randrange(width)
            case 5:
                value = 1 << rng.randrange(width)
            case _:
                value = uniform
        return max(value, self.low)

    def contains(self, value: int, earlier: Arguments, parameters: Parameters) -> bool:
        """Whether the argument may have this value."""
        return self.low <= value < 1 << parameters[0]

    def edges(self, earlier: Arguments, parameters: Parameters) -> list[int]:
        """No ones, all ones, the sign bit alone and its neighbours, alternating bits."""
        top = 1 << parameters[0] - 1
        alternating = 2 * top // 3
        words = (0, 1, 2 * top - 1, top, top - 1, alternating, 2 * alternating, 6, 0x80)
        return [word for word in words if self.contains(word, earlier, parameters)]

    def scope(self, kinds: Kinds, earlier: Arguments, parameters: Parameters) -> list[int]:
        """Every 8-bit word (one argument: and its complement); for three, four words only some."""
        mask = (1 << parameters[0]) - 1
        words = range(256) if len(kinds) < 3 else (0, 1, 2, 3, 5, 6, 8, 15, 127, 128, 170, 255)
        small = list(words if len(kinds) < 4 else words[::2])
        if len(kinds) == 1:
            small = list(dict.fromkeys([*small, *(mask ^ word for word in small)]))
        return [word for word in small if self.contains(word, earlier, parameters)]


@dataclass(frozen=True)
class Booleans(Domain):
    """False and true."""

    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> bool:
        """A random value."""
        return rng.random() < 0.5

    def contains(self, value: bool, earlier: Arguments, parameters: Parameters) -> bool:
        """Always."""
        return True

    def edges(self, earlier: Arguments, parameters: Parameters) -> list[bool]:
        """Both."""
        return [False, True]

    def scope(self, kinds: Kinds, earlier: Arguments, parameters: Parameters) -> list[bool]:
        """Both."""
        return [False, True]


def anyhow(values: Iterable[int]) -> tuple[int, ...]:
    """Order of an array: as it comes."""
    return tuple(values)


def ascending(values: Iterable[int]) -> tuple[int, ...]:
    """Order of an array: ascending."""
    return tuple(sorted(values))


def strictly_ascending(values: Iterable[int]) -> tuple[int, ...]:
    """Order of an array: ascending, each value once."""
    return tuple(sorted(set(values)))


@dataclass(frozen=True)
class Arrays(Domain):
    """Arrays of integers.

    Attributes:
      lengths: that they may have.
      low: smallest element.
      high: largest element.
      order: idempotent map onto the arrays meant, such as `ascending`.
      like: index of the earlier argument whose length it shares.
    """

    lengths: Sequence[int] = range(11)
    low: int = -1000
    high: int = 1000
    order: Callable[[Iterable[int]], tuple[int, ...]] = anyhow
    like: int | None = None

    def _lengths(self, earlier: Arguments) -> Sequence[int]:
        return self.lengths if self.like is None else (len(earlier[self.like]),)

    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> tuple[int, ...]:
        """A random array whose elements spread over 3, 20 or all of the range."""
        count = rng.choice(self._lengths(earlier))
        spread = rng.choice((3, 20, 20, 1000))
        centre = min(max(0, self.low), self.high)
        values = range(max(self.low, centre - spread), min(self.high, centre + spread) + 1)
        return self.order(rng.choices(values, k=count))

    def contains(self, value: Any, earlier: Arguments, parameters: Parameters) -> bool:
        """Whether the argument may have this value."""
        return (
            len(value) in self._lengths(earlier)
            and all(self.low <= item <= self.high for item in value)
            and self.order(value) == value
        )

    def edges(self, earlier: Arguments, parameters: Parameters) -> list[tuple[int, ...]]:
        """The shortest and the middling: constant, rising, falling, of mixed signs."""
        lengths = self._lengths(earlier)
        counts = dict.fromkeys(
            (lengths[0], lengths[min(1, len(lengths) - 1)], lengths[-1] // 2 + 1)
        )
        patterns = ([3, -1, 2, -3], [1, 2, 3, 4, 5, 6], [0], [-2, -1, -5], [6, 5, 4, 1], [2])
        made = (self.order((pattern * count)[:count]) for count in counts for pattern in patterns)
        fitting = (value for value in made if self.contains(value, earlier, parameters))
        return list(dict.fromkeys(fitting))

    def scope(
        self, kinds: Kinds, earlier: Arguments, parameters: Parameters
    ) -> list[tuple[int, ...]]:
        """Every array up to length 4 over -3..3; with two arrays, up to 2, or 4 over -1..1."""
        lengths = self._lengths(earlier)
        two = kinds.count(Kind.A) > 1
        longest = 2 if two else 4
        reach = 3
        if min(lengths) > longest:
            longest, reach = min(lengths), 1
        if longest > 6:
            return []
        values = [n for n in range(-reach, reach + 1) if self.low <= n <= self.high]
        values = values or list(range(self.low, self.low + 2 * reach + 1))
        every = (a for n in range(longest + 1) if n in lengths for a in product(values, repeat=n))
        return [value for value in every if self.order(value) == value]


@dataclass(frozen=True)
class Strings(Domain):
    """ASCII strings.

    Attributes:
      make: a random one, from generator and parameters.
      pattern: regular expression that all of them match as a whole.
      letters: three letters for the small scope; those of the parameters if empty.
    """

    make: Callable[[Random, Parameters], str]
    pattern: str = "[ -~]*"
    letters: str = "ab "

    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> str:
        """A random string."""
        return self.make(rng, parameters)

    def contains(self, value: str, earlier: Arguments, parameters: Parameters) -> bool:
        """Whether the argument may have this value."""
        return re.fullmatch(self.pattern, value) is not None

    def edges(self, earlier: Arguments, parameters: Parameters) -> list[str]:
        """The shortest strings of the small scope."""
        return self.scope((), earlier, parameters)[:4]

    def scope(self, kinds: Kinds, earlier: Arguments, parameters: Parameters) -> list[str]:
        """Every string up to length 4 over three letters."""
        drawn = "".join(item for item in parameters if isinstance(item, str))
        letters = "".join(dict.fromkeys(self.letters or drawn + "xy"))[:3]
        every = ("".join(some) for count in range(5) for some in product(letters, repeat=count))
        return [value for value in every if self.contains(value, earlier, parameters)]


@dataclass(frozen=True)
class Records(Domain):
    """Records; the domain of a field sees the fields before it as `earlier`."""

    fields: tuple[Integers, ...]

    def sample(self, rng: Random, earlier: Arguments, parameters: Parameters) -> tuple[int, ...]:
        """A random record."""
        value: tuple[int, ...] = ()
        for domain in self.fields:
            value += (domain.sample(rng, value, parameters),)
        return value

    def contains(self, value: Any, earlier: Arguments, parameters: Parameters) -> bool:
        """Whether the argument may have this value."""
        return all(
            domain.contains(item, value[:index], parameters)
            for index, (domain, item) in enumerate(zip(self.fields, value, strict=True))
        )

    def edges(self, earlier: Arguments, parameters: Parameters) -> list[tuple[int, ...]]:
        """Edges of the first field, each with two of the others."""
        values: list[tuple[int, ...]] = [()]
        for domain in self.fields:
            values = [(*v, item) for v in values for item in domain.edges(v, parameters)[:3]]
        return values

    def scope(
        self, kinds: Kinds, earlier: Arguments, parameters: Parameters
    ) -> list[tuple[int, ...]]:
        """All records of small fields."""
        values: list[tuple[int, ...]] = [()]
        field_kinds = (Kind.I,) * 3
        for domain in self.fields:
            values = [(*v, n) for v in values for n in domain.scope(field_kinds, v, parameters)]
        return values
