"""Tables filled by a recurrence: over two sequences, over items and a capacity, over all earlier.

Programs are made one after another, likeliest first, and run on the examples: the recurrences that
dynamic programming uses are few.

- grid: `new[j] = f(up, left, diagonal, x == y)`, rows over one sequence, columns over another;
- layers: `new[t] = old[t] (+) (row[t - x] and y)`, a row over 0 to a capacity for each item x (with
  its y), from the old row (each item once) or the new one (any number of times);
- history: `T[i] = reduction of g(T[j], x) for j < i where a[j] relates to a[i]`.

Source: Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", chapter 14.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import chain, combinations, product

from ncpu.synth.expression import Expr, arg, call, const, local, loop
from ncpu.synth.sketch.finish import Found
from ncpu.synth.sketch.streams import INDEX, ONE, ZERO, X
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind

X1, ACC1 = local("x1"), local("acc1")
ROW = local("acc0", Kind.A)
_NEVER = const(1 << 40, Kind.I)  # stands for infinity: sums of it do not wrap
_MINUS = const(-1, Kind.I)
_EMPTY = const((), Kind.A)


def _sequences(spec: SynthesisSpec) -> list[list[tuple[Expr, Expr]]]:
    """For each argument what a table can run along, with its length."""
    found = []
    for place, kind in enumerate(spec.signature.arguments):
        a = arg(place, kind)
        if kind is Kind.A:
            found.append([(a, call("len", a))])
        elif kind is Kind.S:
            found.append([(call("codes", a), call("slen", a))])
        elif kind is Kind.I:
            less = call("sub", a, ONE)
            found.append([(call("range", ZERO, a), a), (call("range", ONE, a), less)])
    return found


def grids(spec: SynthesisSpec) -> Iterator[Found]:
    """Tables over two arguments of one kind."""
    kinds = spec.signature.arguments
    if len(kinds) != 2 or kinds[0] is not kinds[1] or kinds[0] not in (Kind.A, Kind.S, Kind.I):
        return
    one, other = _sequences(spec)
    for (rows, _), (columns, width) in zip(one, other, strict=True):
        up, left = call("get", ROW, call("add", X1, ONE)), ACC1
        diagonal = call("get", ROW, X1)
        equal = call("eq", X, call("get", columns, X1))
        cells = list(_cells(up, left, diagonal, None if kinds[0] is Kind.I else equal))
        for first, cell in product((ZERO, call("add", INDEX, ONE), ONE), cells):
            border = X if first.args else first
            start = loop("map", call("range", ZERO, call("add", width, ONE)), border)
            scanned = loop("scan", call("range", ZERO, width), first, cell, depth=1)
            filled = loop("fold", rows, start, call("join", call("unit", first), scanned))
            yield Found(4.0 + cell.size / 4, call("get", filled, width))


def _cells(up: Expr, left: Expr, diagonal: Expr, equal: Expr | None) -> Iterator[Expr]:
    near = (up, left, diagonal)
    plain: list[Expr] = []
    for some in chain.from_iterable(combinations(near, n) for n in (2, 3, 1)):
        for op in ("min", "max", "add") if len(some) > 1 else ("add",):
            value = reduce(lambda a, b, op=op: call(op, a, b), some)
            plain += [value, call("add", value, ONE)]
    if equal is None:
        yield from plain
        return
    met = [diagonal, call("add", diagonal, ONE), ZERO, ONE, call("add", up, left)]
    for same, different in product(met, (*plain, ZERO)):
        if same is not different:
            yield call("ite_i", equal, same, different)
            yield call("ite_i", equal, different, same)


def layers(spec: SynthesisSpec) -> Iterator[Found]:
    """Rows over a capacity, once for each item."""
    kinds = spec.signature.arguments
    numbers = [arg(p, k) for p, k in enumerate(kinds) if k is Kind.I]
    arrays = [arg(p, k) for p, k in enumerate(kinds) if k is Kind.A]
    if len(arrays) in (1, 2) and len(numbers) == 1:
        sources = [(arrays[0], X, numbers[0])]
        gains = [call("get", b, INDEX) for b in arrays[1:]]
    elif not arrays and len(numbers) == 2 and len(kinds) == 2:
        sources, gains = [(call("range", ZERO, numbers[0]), ONE, numbers[1])], []
    else:
        return
    for source, size, capacity in sources:
        for op, begin, never in _STARTS:
            for gain in (None, *gains, ONE, size):
                for again in (False, True):
                    start = loop("map", _to(capacity), begin)
                    row = _layer(op, size, gain, capacity, again)
                    value = call("get", loop("fold", source, start, row), capacity)
                    yield Found(5.0, value)
                    if never:
                        known = call("lt", value, _NEVER)
                        yield Found(6.0, call("ite_i", known, value, _MINUS))


_ONLY = call("eq", X, ZERO)
_STARTS = (  # how old and new are joined, the first row, whether it holds infinity
    ("add", call("ite_i", _ONLY, ONE, ZERO), False),
    ("max", ZERO, False),
    ("min", call("ite_i", _ONLY, ZERO, _NEVER), True),
)


def _to(capacity: Expr) -> Expr:
    return call("range", ZERO, call("add", capacity, ONE))


def _layer(op: str, size: Expr, gain: Expr | None, capacity: Expr, again: bool) -> Expr:
    old = call("get", ROW, X1)
    made = local("acc1", Kind.A)
    before = call("get", made if again else ROW, call("sub", X1, size))
    taken = before if gain is None else call("add", before, gain)
    cell = call("ite_i", call("lt", X1, size), old, call(op, old, taken))
    if not again:
        return loop("map", _to(capacity), cell, depth=1)
    return loop("fold", _to(capacity), _EMPTY, call("join", made, call("unit", cell)), depth=1)


def histories(spec: SynthesisSpec) -> Iterator[Found]:
    """Tables along an array whose entries look back at all earlier ones."""
    for place, kind in enumerate(spec.signature.arguments):
        if kind is not Kind.A:
            continue
        a = arg(place, kind)
        earlier, other = call("get", ROW, X1), call("get", a, X1)
        tests = [call("lt", other, X), call("le", other, X), call("lt", X, other),
                 call("le", X, other), call("eq", call("mod", X, other), ZERO)]  # fmt: skip
        gains = [call("add", earlier, ONE), earlier, call("add", earlier, X)]
        starts = (ONE, ZERO, X)
        for test, gain, start in product(tests, gains, starts):
            for op in ("max", "min", "add"):
                step = call("ite_i", test, call(op, ACC1, gain), ACC1)
                entry = loop("fold", call("range", ZERO, INDEX), start, step, depth=1)
                table = loop("fold", a, _EMPTY, call("join", ROW, call("unit", entry)))
                for rank, end in enumerate(("largest", "total", "smallest")):
                    yield Found(6.0 + rank, call(end, table))
                last = call("sub", call("len", a), ONE)
                yield Found(9.0, call("get", table, last))
