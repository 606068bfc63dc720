"""Pieces that strings are made with: characters kept or dropped by their class, and constants."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from ncpu.synth.expression import Expr, arg, call, const, local, loop
from ncpu.synth.mine import strings
from ncpu.synth.operators import TABLE, Operator
from ncpu.synth.sketch.characters import CLASSES, CharacterClass
from ncpu.synth.sketch.pipeline import Maker
from ncpu.synth.sketch.streams import ONE
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind

_OPERATORS: list[str] = [
    "at",
    "upper",
    "lower",
    "swapcase",
    "title",
    "capital",
    "strip",
    "backward",
    "word",
    "pad",
    "times",
]
_CODE, _PLACE = local("x7"), local("i7")
_CUT = (1, 2, 3)  # characters cut off or kept at an end


def pieces(spec: SynthesisSpec) -> list[Operator]:
    """Operators of the table, fields, ends and filters of characters, as rows of one bank."""
    make = Maker(spec)
    made = [TABLE[name] for name in _OPERATORS]
    for mark in _marks(spec):
        split = const(mark, Kind.S)
        made.append(
            make("field", lambda s, k, c=split: call("field", s, c, k), 1, (Kind.S, Kind.I))
        )
        made.append(make("has", lambda s, c=split: call("contains", s, c), 1, (Kind.S,)))
    made += [make("end", build, 2, (Kind.S,)) for build in _ends()]
    for chars in (*CLASSES, *_lost(spec)):
        for cost, build in _filters(chars):
            made.append(make("keep", build, cost, (Kind.S,)))
    return made


def _marks(spec: SynthesisSpec) -> list[str]:
    """Characters other than letters and digits that many of the arguments have."""
    texts = [v for e in spec.examples for v in e.arguments if isinstance(v, str)]
    found = Counter(c for text in texts for c in set(text) if not c.isalnum())
    return [c for c, _ in found.most_common(6)]


def _ends() -> Iterator[Callable[[Expr], Expr]]:
    """Some characters at the start or the end, and all but those."""
    for count in _CUT:
        k = const(count, Kind.I)

        def rest(s: Expr, k: Expr = k) -> Expr:
            return call("sub", call("slen", s), k)

        yield lambda s, k=k: call("substr", s, const(0, Kind.I), k)
        yield lambda s, k=k: call("substr", s, k, call("slen", s))
        yield lambda s, k=k, rest=rest: call("substr", s, rest(s), k)
        yield lambda s, rest=rest: call("substr", s, const(0, Kind.I), rest(s))


def _filters(chars: CharacterClass) -> Iterator[tuple[int, Callable[[Expr], Expr]]]:
    """The characters of a class, the others, and those that do not follow one of the class."""

    def kept(s: Expr, after: bool, inside: bool) -> Expr:
        codes = call("codes", s)
        code = call("get", codes, call("sub", _PLACE, ONE)) if after else _CODE
        test = chars.test(code)
        test = test if inside else call("not", test)
        return call("text", loop("filter", codes, test, depth=7))

    for cost, after, inside in ((3, False, True), (3, False, False), (3, True, False)):
        yield cost, lambda s, a=after, i=inside: kept(s, a, i)


def _lost(spec: SynthesisSpec) -> list[CharacterClass]:
    """Characters of the first string that no result has, and those that all results have."""
    texts = [v for e in spec.examples for v in e.arguments if isinstance(v, str)]
    results = [e.result for e in spec.examples if isinstance(e.result, str)]
    lost = Counter("".join(texts)).keys() - set("".join(results))
    return [CharacterClass("".join(sorted(lost)), 3)] if lost and results else []


def constants(spec: SynthesisSpec) -> list[Expr]:
    """Strings that occur in all results or arguments, and small integers."""
    results = [e.result for e in spec.examples if isinstance(e.result, str)]
    marks = {m for text in results for m in re.findall(r"[^A-Za-z0-9]+", text)}
    common = sorted(m for m in marks if all(m in text for text in results if text))
    found = list(dict.fromkeys([*common[:4], *strings(spec)]))
    numbers = [const(v, Kind.I) for v in (0, 1, -1, 2, 3)]
    return [*(const(v, Kind.S) for v in found if v), *numbers]


def rotations(code: Expr, spec: SynthesisSpec) -> list[tuple[CharacterClass, Expr]]:
    """A code moved cyclically within a class by an argument."""
    found = []
    for chars in CLASSES[:3]:
        first, size = const(chars.codes[0], Kind.I), const(len(chars.codes), Kind.I)
        for place, kind in enumerate(spec.signature.arguments):
            if kind is Kind.I:
                moved = call("add", call("sub", code, first), arg(place, kind))
                found.append((chars, call("add", first, call("mod", moved, size))))
    return found
