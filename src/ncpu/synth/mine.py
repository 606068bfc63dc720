"""Constants that the examples themselves suggest."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from itertools import combinations
from typing import Any

from ncpu.synth.expression import Expr, const
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind, word

_ALWAYS = (0, 1, 2, -1, 3, 10)
PLAIN = frozenset((0, 1, 2, -1, 10))  # integers that cost no more than a variable


def roundness(value: int) -> tuple[int, int]:
    """Sort key: fewer significant decimal digits first, then smaller."""
    return len(str(abs(value)).rstrip("0")), abs(value)


def integers(spec: SynthesisSpec, limit: int = 14) -> list[int]:
    """Integers worth a leaf, best first.

    Results that return, results at small inputs, the bound of a bounded result, and numerators
    and denominators of slopes between examples.
    """
    given = [v for v in spec.constants if type(v) is int]
    if not spec.mining:
        return [*given, *_ALWAYS]
    score: Counter[Any] = Counter()
    results = [e.result for e in spec.examples]
    if spec.signature.result is Kind.I:
        for value, count in Counter(results).items():
            if count > 1:
                score[value] += 4 * count
        for example in spec.examples:
            if all(value in (0, 1) for value in example.arguments):
                score[example.result] += 4  # type: ignore[index]
        least, most = min(results), max(results)  # type: ignore[type-var]
        score[most + 1] += 3  # type: ignore[operator]
        score[most] += 3  # type: ignore[index]
        score[least] += 3  # type: ignore[index]
        for slope, count in _slopes(spec).items():
            if count > 1:
                score[slope.numerator] += count
                score[slope.denominator] += count
    for place, kind in enumerate(spec.signature.arguments):
        if kind is Kind.I:
            for value, count in Counter(e.arguments[place] for e in spec.examples).items():
                score[value] += count  # type: ignore[index]
    ranked = sorted(score, key=lambda v: (-score[v], *roundness(v)))
    extra = [v for v in ranked if v not in _ALWAYS and abs(v) < 1 << 40]
    return [*given, *_ALWAYS, *extra[:limit]]


def _slopes(spec: SynthesisSpec) -> Counter[Fraction]:
    found: Counter[Fraction] = Counter()
    places = [p for p, kind in enumerate(spec.signature.arguments) if kind is Kind.I]
    for place in places:
        for left, right in combinations(spec.examples, 2):
            others = [p for p in range(len(left.arguments)) if p != place]
            run = right.arguments[place] - left.arguments[place]  # type: ignore[operator]
            if run and all(left.arguments[p] == right.arguments[p] for p in others):
                rise = right.result - left.result  # type: ignore[operator]
                found[Fraction(rise, run).limit_denominator(100)] += 1
    return found


def words(spec: SynthesisSpec) -> list[int]:
    """Words worth a leaf: small ones, the width and its half, sign bit and the halving masks."""
    width = spec.signature.width
    masks = [word(m, width) for m in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F)]
    given = [word(v, width) for v in spec.constants if type(v) is int]
    fixed = [0, 1, 2, 7, width - 1, word(-1, width), 1 << (width - 1), *masks]
    fixed += [0xFF, 4, 8, width // 2, 3, 5, 16]
    return list(dict.fromkeys(given + [v for v in fixed if v < 1 << width]))


def strings(spec: SynthesisSpec, limit: int = 8) -> list[str]:
    """Strings worth a leaf: separators that occur, and parts all results have in common."""
    texts = [v for e in spec.examples for v in e.arguments if isinstance(v, str)]
    score: Counter[str] = Counter()
    for text in texts:
        score.update(set(re.findall(r"[^A-Za-z0-9]", text)))
    results = [e.result for e in spec.examples if isinstance(e.result, str)]
    for text in results:
        score.update(dict.fromkeys(set(re.findall(r"[^A-Za-z0-9]", text)), 2))
    given = [v for v in spec.constants if isinstance(v, str)]
    found = [text for text, _ in score.most_common(limit)]
    if spec.signature.result is Kind.B:
        found += _telling(spec)
    return list(dict.fromkeys([*given, "", " ", *found, "0"]))


def _telling(spec: SynthesisSpec) -> list[str]:
    """Substrings of every accepted first string and of no rejected one, longest and shortest."""
    place = spec.signature.arguments.index(Kind.S)
    yes = [str(e.arguments[place]) for e in spec.examples if e.result]
    no = [str(e.arguments[place]) for e in spec.examples if not e.result]
    if not yes:
        return []
    shortest = min(yes, key=len)
    parts = {shortest[i:j] for i in range(len(shortest)) for j in range(i + 1, len(shortest) + 1)}
    common = {part for part in parts if all(part in text for text in yes)}
    telling = [part for part in common if not any(part in text for text in no)]
    edges = [
        part
        for part in common
        if all(t.startswith(part) for t in yes) or all(t.endswith(part) for t in yes)
    ]
    best = sorted(telling, key=len)
    return list(dict.fromkeys([*best[:2], *best[-2:], *sorted(edges, key=len)[-3:]]))


def leaves(spec: SynthesisSpec, kind: Kind) -> list[Expr]:
    """Constants of one kind as expressions."""
    if kind is Kind.I:
        return [const(v, kind) for v in dict.fromkeys(integers(spec))]
    if kind is Kind.U:
        return [const(v, kind) for v in words(spec)]
    if kind is Kind.S:
        return [const(v, kind) for v in strings(spec)]
    if kind is Kind.B:
        return [const(True, kind), const(False, kind)]
    if kind is Kind.A:
        return [const((), kind)]
    return []
