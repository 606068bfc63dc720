"""The synthesis suites as data: families by name, suites of problems, and what solvers may see.

| suite | problems |
| --- | --- |
| `a`, `b` | 326 and 105 families, no two of them listed twice |
| `u63` | 63 families, usually drawn five times each |
| `u95` | 95 families |
| `additions` | ten more |
| `tiny` | 30 small ones, most of them families of `a` |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from random import Random

from ncpu.synth.errors import SpecError
from ncpu.synth.suites import (
    additions,
    arithmetic,
    arrays,
    bitwise,
    comparisons,
    conditionals,
    loops,
    polynomials,
    records,
    reductions,
    strings,
    tensors,
    tiny,
)
from ncpu.synth.suites.family import Family
from ncpu.synth.suites.lists import LIST_ALIASES, U63, U95
from ncpu.synth.suites.problem import Problem
from ncpu.synth.types import Kind

__all__ = ["ALIASES", "FAMILIES", "SUITES", "Family", "Problem", "family", "problem", "problems"]

_A = (arithmetic, polynomials, bitwise, comparisons, conditionals, loops, reductions)
_B = (arrays, strings, records, tensors)

FAMILIES: dict[str, Family] = {
    name: made for module in (*_A, *_B, tiny, additions) for name, made in module.FAMILIES.items()
}
ALIASES: dict[str, str] = LIST_ALIASES | tiny.ALIASES

SUITES: dict[str, tuple[str, ...]] = {
    "a": tuple(name for module in _A for name in module.FAMILIES),
    "b": tuple(name for module in _B for name in module.FAMILIES),
    "u63": U63,
    "u95": U95,
    "additions": tuple(additions.FAMILIES),
    "tiny": tiny.NAMES,
}
DRAWS = {"u63": 5}  # of each family, where it is not one

_BY_KINDS: dict[tuple[tuple[Kind, ...], Kind], list[Family]] = defaultdict(list)
for _made in FAMILIES.values():
    _BY_KINDS[_made.kinds.arguments, _made.kinds.result].append(_made)


def family(name: str) -> Family:
    """The family of a name or alias.

    Raises:
      SpecError: there is none.
    """
    found = FAMILIES.get(ALIASES.get(name, name))
    if found is None:
        raise SpecError(f"{name!r} is no family of problems; ncpu.synth.suites.FAMILIES lists them")
    return found


def problem(name: str, seed: int = 0, width: int = 64) -> Problem:
    """A draw of a family.

    Args:
      name: of the family, or an alias.
      seed: of the draw.
      width: bits of words, 8, 32 or 64; of no effect where there are none.

    Raises:
      SpecError: no such family, or it does not run at that width.
    """
    drawn = family(name)
    parameters = drawn.draw(Random(f"{drawn.name} draw {seed}"), width)
    kinds = drawn.kinds
    rivals = tuple(r for r in _BY_KINDS[kinds.arguments, kinds.result] if r is not drawn)
    return Problem(name, drawn, parameters, seed, width if drawn.has_words else 64, rivals)


def problems(
    suite: str, seeds: Iterable[int] | None = None, widths: Iterable[int] = (64,)
) -> Iterator[Problem]:
    """The problems of a suite, family by family.

    Args:
      suite: a key of `SUITES`.
      seeds: of the draws of each; 0 to 4 for `u63` and 0 for the others if not given.
      widths: of families with words; a family skips those at which it does not run.

    Raises:
      SpecError: no such suite.
    """
    if suite not in SUITES:
        raise SpecError(f"suite {suite!r}: accepted are {', '.join(SUITES)}")
    seeds = tuple(range(DRAWS.get(suite, 1)) if seeds is None else seeds)
    widths = tuple(widths)
    for name in SUITES[suite]:
        made = family(name)
        for width in widths if made.has_words else (64,):
            if width in made.widths:
                yield from (problem(name, seed, width) for seed in seeds)
