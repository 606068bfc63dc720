"""One problem: a draw of a family, the examples a solver sees, and what it is judged on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from random import Random
from typing import Any

from ncpu.synth.errors import SpecError
from ncpu.synth.suites.discriminate import telling
from ncpu.synth.suites.domains import Arguments, Parameters
from ncpu.synth.suites.family import Family
from ncpu.synth.types import Example, Signature

FEWEST, MOST = 8, 16  # visible examples
RIVAL_DRAWS = 3  # variants of every other family that must not fit by chance
POOL = 200  # samples among which visible examples are chosen
OTHERS = 48  # of each kind, searched for what small programs get wrong
WITNESSES = 1500  # samples and small arguments searched for a difference from a rival


@dataclass(frozen=True)
class Problem:
    """A draw of a family.

    A solver gets `signature` and `visible()` alone.

    Attributes:
      name: under which the suite lists it, perhaps an alias of the family's.
      family: what was drawn from.
      parameters: drawn.
      seed: of the draw and of the visible examples.
      width: bits of its words.
      rivals: families of the same signature, none of which may fit by chance.
    """

    name: str
    family: Family
    parameters: Parameters
    seed: int
    width: int
    rivals: tuple[Family, ...] = field(default=(), repr=False, compare=False)

    @property
    def signature(self) -> Signature:
        """Kinds of arguments and result."""
        return self.family.signature(self.width)

    @cached_property
    def reference(self) -> Callable[..., Any]:
        """The function to be found."""
        return self.family.reference(self.parameters)

    def example(self, arguments: Arguments) -> Example:
        """An input of the domain with its result."""
        return Example(arguments, self.reference(*arguments))

    def visible(self, count: int = 12) -> tuple[Example, ...]:
        """What a solver sees: edges, samples with varied results, and what rules others out.

        Others are the families of the same signature and, where all values are numbers, the
        small programs of the enumeration.

        Args:
          count: how many to begin with, 8 to 16; the rest of 16 is for ruling out others, and
            a domain with fewer inputs is shown whole.

        Raises:
          SpecError: `count` is not in 8..16, or some rival cannot be ruled out with 16.
        """
        if not FEWEST <= count <= MOST:
            raise SpecError(f"{count} visible examples: accepted are {FEWEST} to {MOST}")
        if count not in self._visible:
            self._visible[count] = self._distinguished(count)
        return self._visible[count]

    @cached_property
    def _visible(self) -> dict[int, tuple[Example, ...]]:
        return {}

    def hidden(self, count: int = 10_000) -> tuple[Example, ...]:
        """Fresh random examples from a seed of their own; the same for equal parameters."""
        return _hidden(self.family, self.parameters, count)

    def edges(self) -> Iterator[Example]:
        """All edges of the domain."""
        return map(self.example, self.family.edges(self.parameters))

    def small_scope(self) -> Iterator[Example]:
        """All small inputs: see `Domain.scope`."""
        return map(self.example, self.family.scope(self.parameters))

    def counterexample(
        self, program: Callable[..., Any], examples: Iterable[Example]
    ) -> Example | None:
        """The first example that a program gets wrong; an exception is wrong."""
        for example in examples:
            try:
                right = program(*example.arguments) == example.result
            except Exception:
                right = False
            if not right:
                return example
        return None

    def _distinguished(self, count: int) -> tuple[Example, ...]:
        """The initial examples and, for each rival that fits them, one that it gets wrong."""
        cases, others = self._initial(count)
        added: list[Example] = []
        rivals = [(rival, p) for rival in self.rivals for p in self._variants(rival)]
        near = [(self.family, p) for p in self._neighbours()]
        while True:
            seen = [*added, *cases, *others]
            foreign = self._witness(rivals, seen)
            witness = foreign or self._witness(near, seen)
            if witness is None:
                break
            if len(seen) >= MOST and not others:
                if foreign is None:
                    break  # constants that close would take more examples than are shown
                raise SpecError(f"{self.name}: {MOST} examples do not tell it from its rivals")
            added.append(witness)
            if len(seen) >= MOST:
                others.pop()
        shown = (*cases, *others, *added)
        unseen = self._unseen(shown)
        chosen = telling(shown, unseen, self.signature, MOST - len(shown))
        rest = [example for example in unseen if example not in chosen]
        return (*shown, *chosen, *_varied(rest, [*shown, *chosen], MOST - len(shown) - len(chosen)))

    def _unseen(self, shown: tuple[Example, ...]) -> list[Example]:
        """Examples that may be shown besides: edges, small arguments and samples."""
        rng = _rng(self.family, "unseen", self.name, self.seed, self.width)
        known = {example.arguments for example in shown}
        edges = self.family.edges(self.parameters)[:OTHERS]
        small = list(islice(self.family.scope(self.parameters), 40 * OTHERS))
        sampled = [self.family.sample(rng, self.parameters) for _ in range(2 * OTHERS)]
        pool = [*edges, *rng.sample(small, min(len(small), OTHERS))]
        return [self.example(a) for a in dict.fromkeys([*sampled, *pool]) if a not in known]

    def _initial(self, count: int) -> tuple[list[Example], list[Example]]:
        """The family's own cases, then edges and samples of as many results as possible."""
        family, parameters = self.family, self.parameters
        rng = _rng(family, "visible", self.name, self.seed, self.width)
        own = [a for a in family.cases(*parameters) if family.contains(a, parameters)]
        cases = [self.example(a) for a in dict.fromkeys(own)][: count - 2]
        edges = [a for a in family.edges(parameters) if a not in own]
        chosen = rng.sample(edges, min(len(edges), max((count - len(cases)) // 3, 1)))
        pool = [*chosen, *(family.sample(rng, parameters) for _ in range(POOL)), *edges]
        rest = [self.example(a) for a in dict.fromkeys(pool)]
        others = rest[: len(chosen)]
        shown = {example.arguments for example in [*cases, *others]}
        rest = [example for example in rest if example.arguments not in shown]
        more = _varied(rest, [*cases, *others], count - len(cases) - len(others))
        return cases, [*others, *more]

    def _witness(
        self, rivals: list[tuple[Family, Parameters]], shown: list[Example]
    ) -> Example | None:
        """An example that a rival, fitting all that is shown, gets wrong; None if there is none."""
        for rival, parameters in rivals:
            if self._fits(rival, parameters, shown):
                difference = self._difference(rival, parameters)
                if difference is not None:
                    return difference
        return None

    def _neighbours(self) -> list[Parameters]:
        """The family's own constants with one of them off by one, where that is defined."""
        found = []
        for place in range(int(self.family.has_words), len(self.parameters)):
            value = self.parameters[place]
            for near in (value - 1, value + 1) if type(value) is int else ():
                parameters = (*self.parameters[:place], near, *self.parameters[place + 1 :])
                if self._runs(parameters):
                    found.append(parameters)
        return found

    def _runs(self, parameters: Parameters) -> bool:
        """Whether the reference is defined with these constants."""
        program = self.family.reference(parameters)
        try:
            for arguments in self._pool:
                program(*arguments)
        except (ArithmeticError, ValueError, LookupError):
            return False
        return True

    def _variants(self, rival: Family) -> list[Parameters]:
        if self.width not in rival.widths:
            return []
        rng = Random(f"{rival.name} variants {self.width}")
        drawn = (rival.draw(rng, self.width) for _ in range(RIVAL_DRAWS))
        return list(dict.fromkeys(drawn))

    def _fits(self, rival: Family, parameters: Parameters, shown: list[Example]) -> bool:
        program = rival.reference(parameters)
        return all(
            rival.contains(example.arguments, parameters)
            and program(*example.arguments) == example.result
            for example in shown
        )

    def _difference(self, rival: Family, parameters: Parameters) -> Example | None:
        program = rival.reference(parameters)
        for arguments in self._pool:
            if rival.contains(arguments, parameters):
                example = self.example(arguments)
                if program(*arguments) != example.result:
                    return example
        return None

    @cached_property
    def _pool(self) -> list[Arguments]:
        rng = _rng(self.family, "witnesses")
        sampled = (self.family.sample(rng, self.parameters) for _ in range(WITNESSES))
        return [*sampled, *islice(self.family.scope(self.parameters), WITNESSES)]


def _varied(pool: list[Example], shown: list[Example], most: int) -> list[Example]:
    """Of a pool, as many as wanted, those first whose results were shown least."""
    seen = Counter(example.result for example in shown)
    rest, found = list(pool), []
    while rest and len(found) < most:
        rarest = min(range(len(rest)), key=lambda i: seen[rest[i].result])
        found.append(rest.pop(rarest))
        seen[found[-1].result] += 1
    return found


def _rng(family: Family, purpose: str, *more: Any) -> Random:
    return Random(f"{family.name} {purpose} {more}")


@lru_cache(maxsize=8)  # draws of a family without constants differ in what they show alone
def _hidden(family: Family, parameters: Parameters, count: int) -> tuple[Example, ...]:
    rng, function = _rng(family, "hidden", parameters), family.reference(parameters)
    known: dict[Arguments, Example] = {}  # small domains repeat
    found = []
    for _ in range(count):
        arguments = family.sample(rng, parameters)
        if arguments not in known:
            known[arguments] = Example(arguments, function(*arguments))
        found.append(known[arguments])
    return tuple(found)
