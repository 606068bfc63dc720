"""A family of synthesis problems as data: a reference, what it draws, and where it is defined."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ncpu.synth.errors import SpecError
from ncpu.synth.suites.domains import (
    Arguments,
    Arrays,
    Booleans,
    Domain,
    Integers,
    Parameters,
    Records,
    Words,
)
from ncpu.synth.suites.text import SENTENCES
from ncpu.synth.types import WIDTHS, Kind, Signature, word

TRIES = 10_000  # samples that may miss a family's domain before its table is at fault

DEFAULTS: dict[Kind, Domain] = {
    Kind.I: Integers(),
    Kind.U: Words(),
    Kind.B: Booleans(),
    Kind.S: SENTENCES,
    Kind.A: Arrays(),
    Kind.P: Records((Integers(-100, 100), Integers(-100, 100))),
}


@dataclass(frozen=True)
class Family:
    """One family: every draw of constants makes it a function to be found.

    Attributes:
      name: unique, never shown to a solver.
      group: of the table it stands in.
      kinds: signature, without the width of its words.
      function: called with the arguments, then the parameters; of exact integers.
      domains: one per argument.
      constants: draws what varies between variants, from generator and word width.
      cases: inputs to be seen in every variant, as a list or made from the parameters.
      where: further condition on the arguments (and parameters).
      special: arguments that `domains` would rarely meet; makes half of all samples.
      widths: at which it runs, of those with words.
      note: meaning, where the name leaves it open; how a division rounds.
    """

    name: str
    group: str
    kinds: Signature
    function: Callable[..., Any]
    domains: tuple[Domain, ...]
    constants: Callable[[Random, int], Parameters]
    cases: Callable[..., Iterable[Arguments]]
    where: Callable[..., bool] | None
    special: Callable[[Random, Parameters], Arguments] | None
    widths: tuple[int, ...]
    note: str

    def signature(self, width: int = 64) -> Signature:
        """Kinds of arguments and result, words having `width` bits.

        Raises:
          SpecError: the family does not run at that width.
        """
        if not self.has_words:
            return self.kinds
        if width not in self.widths:
            raise SpecError(f"{self.name} at {width} bits: accepted are {list(self.widths)}")
        return dataclasses.replace(self.kinds, width=width)

    @property
    def has_words(self) -> bool:
        """Whether words are among its arguments, so that it depends on their width."""
        return Kind.U in self.kinds.arguments

    def draw(self, rng: Random, width: int = 64) -> Parameters:
        """Parameters of one variant: the width if it has words, then the constants drawn."""
        signature = self.signature(width)
        return ((width,) if self.has_words else ()) + self.constants(rng, signature.width)

    def reference(self, parameters: Parameters) -> Callable[..., Any]:
        """The function meant: exact on integers, words wrap at their width."""
        function = self.function
        if self.kinds.result is Kind.U:
            return lambda *args: word(function(*args, *parameters), parameters[0])
        return lambda *args: function(*args, *parameters)

    def contains(self, arguments: Arguments, parameters: Parameters) -> bool:
        """Whether the reference is defined there."""
        return all(
            domain.contains(value, arguments[:index], parameters)
            for index, (domain, value) in enumerate(zip(self.domains, arguments, strict=True))
        ) and (self.where is None or self.where(*arguments, *parameters))

    def sample(self, rng: Random, parameters: Parameters) -> Arguments:
        """Random arguments in the domain; now and then two are equal."""
        for _ in range(TRIES):
            if self.special is not None and rng.random() < 0.5:
                arguments = self.special(rng, parameters)
            else:
                arguments = self._independent(rng, parameters)
            if self.where is None or self.where(*arguments, *parameters):
                return arguments
        raise SpecError(f"{self.name}: {TRIES} samples outside its domain")

    def _independent(self, rng: Random, parameters: Parameters) -> Arguments:
        arguments: Arguments = ()
        for domain in self.domains:
            value = domain.sample(rng, arguments, parameters)
            if arguments and type(arguments[-1]) is type(value) and rng.random() < 0.1:
                copied = rng.choice([a for a in arguments if type(a) is type(value)])
                value = copied if domain.contains(copied, arguments, parameters) else value
            arguments += (value,)
        return arguments

    def edges(self, parameters: Parameters) -> list[Arguments]:
        """The family's own cases in the domain, then the products of its domains' edges."""
        own = [a for a in self.cases(*parameters) if self.contains(a, parameters)]
        made = self._products(parameters, lambda domain, earlier: domain.edges(earlier, parameters))
        return list(dict.fromkeys([*own, *made]))

    def scope(self, parameters: Parameters) -> Iterator[Arguments]:
        """All small arguments in the domain."""
        kinds = self.kinds.arguments
        return self._products(
            parameters, lambda domain, earlier: domain.scope(kinds, earlier, parameters)
        )

    def _products(
        self,
        parameters: Parameters,
        values: Callable[[Domain, Arguments], Sequence[Any]],
    ) -> Iterator[Arguments]:
        def extend(arguments: Arguments) -> Iterator[Arguments]:
            if len(arguments) == len(self.domains):
                if self.where is None or self.where(*arguments, *parameters):
                    yield arguments
                return
            for value in values(self.domains[len(arguments)], arguments):
                yield from extend((*arguments, value))

        return extend(())


def row(
    signature: str,
    function: Callable[..., Any],
    *domains: Domain,
    draw: Callable[[Random], Parameters] | None = None,
    draw_at: Callable[[Random, int], Parameters] | None = None,
    cases: Callable[..., Iterable[Arguments]] | Iterable[Arguments] = (),
    where: Callable[..., bool] | None = None,
    special: Callable[[Random, Parameters], Arguments] | None = None,
    widths: tuple[int, ...] = WIDTHS,
    note: str = "",
) -> Family:
    """A family still without a name; arguments without a domain get that of their kind.

    Args:
      signature: such as `(I,A)->I`.
      function: see `Family`; a family with words gets their width before its constants.
      *domains: of the first arguments.
      draw: the constants of a variant.
      draw_at: the same, where they depend on the width.
      cases: see `Family`.
      where: see `Family`.
      special: see `Family`.
      widths: see `Family`.
      note: see `Family`.
    """
    kinds = Signature.parse(signature)
    rest = tuple(DEFAULTS[kind] for kind in kinds.arguments[len(domains) :])
    constants = draw_at or (lambda rng, _: draw(rng) if draw else ())
    made = cases if callable(cases) else (lambda *_, fixed=tuple(cases): fixed)
    return Family(
        "", "", kinds, function, domains + rest, constants, made, where, special, widths, note
    )


def families(group: str, **rows: Family) -> dict[str, Family]:
    """The families of one table, under their names."""
    return {name: dataclasses.replace(made, name=name, group=group) for name, made in rows.items()}


def each(*values: Any) -> list[Arguments]:
    """Cases of a family of one argument."""
    return [(value,) for value in values]
