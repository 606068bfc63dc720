"""What a loop can run over: sources with the terms an element offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np

from ncpu.synth.enumerate import Leaf
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import Expr, arg, call, const, local, loop, substitute
from ncpu.synth.mine import PLAIN, integers
from ncpu.synth.operators import TABLE, apply
from ncpu.synth.sketch.characters import CLASSES, CharacterClass
from ncpu.synth.spec import SynthesisSpec, batch
from ncpu.synth.types import Kind

X, INDEX, ACC = local("x0"), local("i0"), local("acc0")
INNER = local("x1")
_LONGEST = 4096  # elements of all examples together
ZERO, ONE, TWO = (const(v, Kind.I) for v in (0, 1, 2))


@dataclass(frozen=True)
class Form:
    """A source without values.

    Attributes:
      source: the array the loop runs over.
      terms: what an element offers, likeliest first.
      outer: the array of a loop around it, whose element and index the source may use.
    """

    source: Expr
    terms: tuple[Expr, ...] = (X, INDEX)
    outer: Expr | None = None


@dataclass(frozen=True)
class Stream:
    """A source over the examples that are short enough.

    Attributes:
      form: the source.
      chosen: examples used, `int[examples used]`.
      lengths: elements of each.
      leaves: what a body may use: terms of an element, arguments, constants; values
        `[elements]`, example after example.
      cost: of the source in the sketches' own order.
    """

    form: Form
    chosen: np.ndarray
    lengths: np.ndarray
    leaves: tuple[Leaf, ...]
    cost: float = 1.0

    @property
    def source(self) -> Expr:
        """The array the (inner) loop runs over."""
        return self.form.source

    @property
    def starts(self) -> np.ndarray:
        """Where each example's elements begin."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]])

    def fold(self, start: Expr, step: Callable[[Expr], Expr]) -> Expr:
        """The loop of an accumulator, given its start and its next value."""
        if self.form.outer is None:
            return loop("fold", self.source, start, step(local("acc0", start.kind)))
        stepped = step(local("acc1", start.kind))
        inner = loop("fold", self.source, local("acc0", start.kind), stepped, depth=1)
        return loop("fold", self.form.outer, start, inner)


def _i(value: int) -> Expr:
    return const(value, Kind.I)


def neighbours(a: Expr) -> list[Form]:
    """Elements with the one before, then with the two before."""
    after = call("add", INDEX, ONE)
    return [
        Form(call("drop", a, ONE), (X, call("get", a, INDEX))),
        Form(call("drop", a, TWO), (X, call("get", a, after), call("get", a, INDEX))),
    ]


def pairs(a: Expr) -> Form:
    """Every pair of elements in order."""
    return Form(call("drop", a, call("add", INDEX, ONE)), (INNER, X), a)


def _of_array(a: Expr, by: dict[Kind, list[Expr]]) -> list[Form]:
    last = call("sub", call("len", a), ONE)
    mirror = call("get", a, call("sub", last, INDEX))
    others = [call("get", b, INDEX) for b in by[Kind.A] if b is not a]
    found = [Form(a, (X, INDEX, *others)), *neighbours(a)]
    for n in by[Kind.I]:
        found += [Form(call(cut, a, n)) for cut in ("take", "drop")]
        found.append(Form(call("take", call("sort", a), n)))
    found.append(Form(a, (X, mirror, INDEX)))
    if by[Kind.A][-1] is not a:
        found.append(Form(by[Kind.A][-1], (X, INNER), a))
    found.append(pairs(a))
    found.append(Form(call("distinct", a)))
    unbound = local("x7")  # of a loop inside the terms of this one
    kept = loop("filter", a, call("not", call("eq", unbound, ZERO)), depth=7)
    found.append(neighbours(kept)[0])
    return found


def _matrix(a: Expr, spec: SynthesisSpec) -> list[Form]:
    """Elements with their row and column, where all lengths are those of square matrices."""
    lengths = {len(e.arguments[a.data]) for e in spec.examples}  # type: ignore[arg-type]
    if max(lengths) < 4 or any(isqrt(n) ** 2 != n for n in lengths):
        return []
    x, size = local("x7"), call("len", a)
    below = loop("filter", call("range", ZERO, size), call("lt", call("mul", x, x), size), depth=7)
    side = call("len", below)
    return [Form(a, (X, call("div", INDEX, side), call("mod", INDEX, side)))]


def forms(spec: SynthesisSpec) -> list[Form]:
    """Sources with the terms of an element, most common first."""
    args = [arg(p, kind) for p, kind in enumerate(spec.signature.arguments)]
    by = {kind: [a for a in args if a.kind is kind] for kind in Kind}
    numbers = by[Kind.I]
    found = [form for a in by[Kind.A] for form in (*_of_array(a, by), *_matrix(a, spec))]
    digit = call("sub", X, _i(ord("0")))
    found += [Form(call("codes", s), (X, digit, INDEX)) for s in by[Kind.S]]
    found += [Form(call("bits", u)) for u in by[Kind.U]]
    if len(by[Kind.U]) == 2:
        found.append(Form(call("bits", call("uxor", *by[Kind.U]))))
    for n in numbers:
        others = [b for b in numbers if b is not n]
        # A number beside those below it is asked for remainders and common divisors.
        below = (X, INDEX, call("mod", n, X), call("gcd", n, X))
        found.append(Form(call("range", ONE, call("add", n, ONE)), below))
        found.append(Form(call("range", ZERO, n), below))
        for base in (_i(10), *others, TWO):
            written = call("digits", n, base)
            found.append(Form(written, (X, INDEX, call("pow", X, call("len", written)))))
        found.append(Form(call("range", TWO, n), below))
        found += [Form(call("range", n, call("add", b, ONE))) for b in others]
    return found


def carried_forms(spec: SynthesisSpec) -> list[Form]:
    """Sources for accumulators with a history: arrays either way round, then as `forms`."""
    arrays = [arg(p, k) for p, k in enumerate(spec.signature.arguments) if k is Kind.A]
    found = []
    for a in arrays:
        others = [call("get", b, INDEX) for b in arrays if b is not a]
        found.append(Form(a, (X, call("get", a, call("sub", INDEX, ONE)), *others)))
        found.append(Form(call("flip", a), (X,)))
        found.append(Form(call("sort", a), (X,)))
    for place, kind in enumerate(spec.signature.arguments):
        if kind is Kind.S:
            codes = call("codes", arg(place, kind))
            found.append(Form(codes, (X, call("sub", X, _i(ord(" "))))))
    return found or [Form(f.source) for f in forms(spec) if f.outer is None][:8]


@dataclass(frozen=True)
class _Level:
    """Elements of nested sources: the example each belongs to, and values of all in scope."""

    owner: np.ndarray
    columns: list[np.ndarray]
    scope: dict[Expr, Expr]

    def inside(self, source: Expr, depth: int, width: int) -> _Level:
        """The elements of a source evaluated at every element of this level."""
        lists = evaluate(substitute(source, self.scope), self.columns, width)
        lengths = np.array([len(v) for v in lists], np.int64)
        elements = np.array([v for found in lists for v in found], np.int64)
        owner = np.repeat(np.arange(len(lists)), lengths)
        index = np.arange(len(elements)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        columns = [*(column[owner] for column in self.columns), elements, index]
        names = (local(f"x{depth}"), local(f"i{depth}"))
        at = len(self.columns)
        scope = self.scope | {n: arg(at + k, Kind.I) for k, n in enumerate(names)}
        return _Level(self.owner[owner], columns, scope)

    def at(self, term: Expr, width: int) -> np.ndarray:
        """Values of a term at every element."""
        return evaluate(substitute(term, self.scope), self.columns, width)


def _member(chars: CharacterClass, level: _Level) -> Leaf:
    codes = level.columns[-2]
    return Leaf(chars.test(X), np.isin(codes, chars.codes), chars.size)


def streamed(spec: SynthesisSpec, form: Form, cost: float, consts: Sequence[int]) -> Stream | None:
    """A form with its values; None if it has no elements, or too many in most examples."""
    width, count = spec.signature.width, len(spec.examples)
    level = _Level(np.arange(count), list(spec.arguments), {})
    for depth, source in enumerate(filter(None, (form.outer, form.source))):
        level = level.inside(source, depth, width)
        if len(level.owner) > 64 * _LONGEST:
            return None
    sizes = np.bincount(level.owner, minlength=count)
    order = np.argsort(sizes, kind="stable")
    chosen = np.sort(order[np.cumsum(sizes[order]) <= _LONGEST])
    if len(chosen) < max(2, count // 2) or not sizes[chosen].any():
        return None
    kept = np.isin(level.owner, chosen)
    level = _Level(level.owner[kept], [c[kept] for c in level.columns], level.scope)
    leaves = [Leaf(term, level.at(term, width)) for term in form.terms]
    numbers = [p for p, kind in enumerate(spec.signature.arguments) if kind is Kind.I]
    leaves += [Leaf(arg(place, Kind.I), level.columns[place]) for place in numbers]
    elements = len(level.owner)
    parities = [leaf for leaf in leaves if leaf.expr in (X, INDEX)]
    leaves += [Leaf(_i(c), np.full(elements, c, np.int64), 1 if c in PLAIN else 2) for c in consts]
    leaves += [Leaf(call("mod", p.expr, TWO), p.values % 2, 2) for p in parities]
    for place in numbers if parities and Kind.A in spec.signature.arguments else ():
        rest = apply(TABLE["mod"], (parities[0].values, level.columns[place]))
        leaves.append(Leaf(call("mod", parities[0].expr, arg(place, Kind.I)), rest, 2))
    if form.source.op == "codes":
        leaves += [_member(c, level) for c in CLASSES]
        leaves += [Leaf(_i(ord(c)), np.full(elements, ord(c))) for c in _letters(spec)]
    return Stream(form, chosen, sizes[chosen], tuple(leaves), cost)


def streams(spec: SynthesisSpec, made_from: list[Form] | None = None) -> list[Stream]:
    """All sources of a specification that have an element in some example."""
    made_from = forms(spec) if made_from is None else made_from
    consts = list(dict.fromkeys([0, 1, 2, 10, *integers(spec, 3)]))[:10]
    made = (streamed(spec, f, 1 + rank / 4, consts) for rank, f in enumerate(made_from))
    return [stream for stream in made if stream is not None]


def _letters(spec: SynthesisSpec) -> Sequence[str]:
    texts = "".join(str(v) for e in spec.examples for v in e.arguments if isinstance(v, str))
    other = sorted({c for c in texts if not c.isalnum()})
    return [*other[:6], "0", "A", "a"]


def small_terms(spec: SynthesisSpec) -> list[Leaf]:
    """Integers an expression after the loop may use."""
    leaves = []
    for p, (kind, values) in enumerate(zip(spec.signature.arguments, spec.arguments, strict=True)):
        expr = arg(p, kind)
        if kind is Kind.I:
            leaves.append(Leaf(expr, values))
        elif kind in (Kind.A, Kind.S):
            size = call("len" if kind is Kind.A else "slen", expr)
            leaves.append(Leaf(size, evaluate(size, spec.arguments)))
            if kind is Kind.A:
                first = call("get", expr, ZERO)
                leaves.append(Leaf(first, evaluate(first, spec.arguments)))
    count = len(spec.examples)
    values = list(dict.fromkeys(integers(spec, 6)))
    leaves += [Leaf(_i(v), batch([v] * count, Kind.I)) for v in values]
    return leaves
