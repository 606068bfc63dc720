"""Loops with given bodies as operators of arrays, so that enumeration composes them.

A body is any small expression of an element, its predecessor and the arguments: `map` and `filter`
of each, `scan` by each gathering operator, and two arrays joined element by element.

Source: Balog et al., "DeepCoder" (ICLR 2017), appendix F, for the kinds of pieces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from ncpu.synth.codegen_python import compiled
from ncpu.synth.enumerate import Bank, OutOfBudget
from ncpu.synth.expression import Expr, arg, call, const, loop
from ncpu.synth.operators import DTYPE, TABLE, Operator
from ncpu.synth.sketch.reduce import MONOIDS
from ncpu.synth.sketch.streams import ACC, INDEX, ONE, ZERO, Form, X, streamed
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Kind, Signature

_MAPS: list[str] = [
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "abs",
    "neg",
    "max",
    "min",
]
_TESTS: list[str] = ["lt", "eq"]
_BODIES = {Kind.I: 12, Kind.B: 20}
_ARRAYS: list[str] = [
    "len",
    "get",
    "take",
    "drop",
    "join",
    "unit",
    "flip",
    "sort",
    "distinct",
    "largest",
    "smallest",
    "index",
    "add",
    "sub",
]
_NUMBERS: list[str] = ["total", "mul", "div", "mod", "max", "min"]
_TRUTHS: list[str] = ["total", "same", "lt", "eq", "not"]


def pieces(spec: SynthesisSpec, deadline: float) -> list[Operator]:
    """Operators of the table and loops over an array of any origin, as rows of one bank."""
    more = {Kind.I: _NUMBERS, Kind.B: _TRUTHS}.get(spec.signature.result, [])
    made = [TABLE[name] for name in (*_ARRAYS, *more)]
    make = Maker(spec)
    place = next(p for p, k in enumerate(spec.signature.arguments) if k is Kind.A)
    array = arg(place, Kind.A)
    for body in _bodies(spec, Form(array, (X,)), Kind.I, deadline):
        made.append(make("map", lambda a, body=body: loop("map", a, body), _cost(body)))
    for test in _bodies(spec, Form(array, (X,)), Kind.B, deadline):
        made.append(make("filter", lambda a, test=test: loop("filter", a, test), _cost(test)))
    near = Form(call("drop", array, ONE), (X, call("get", array, INDEX)))
    for kind, form in ((Kind.I, "map"), (Kind.B, "filter")):
        for body in _beside(spec, near, kind, deadline):
            made.append(make(form, _neighbouring(form, body, array), 3))
    for monoid in MONOIDS[:4]:
        step, start = call(monoid.op, ACC, X), const(monoid.start, Kind.I)
        made.append(make("scan", lambda a, s=step, n=start: loop("scan", a, n, s), 2))
    if spec.signature.arguments.count(Kind.A) > 1:
        made += [
            make("zip", _zipped(op), 2, (Kind.A, Kind.A))
            for op in ("add", "mul", "sub", "max", "min")
        ]
    return made


def _neighbouring(form: str, body: Expr, array: Expr) -> Callable[[Expr], Expr]:
    from ncpu.synth.expression import substitute

    def build(a: Expr) -> Expr:
        return loop(form, call("drop", a, ONE), substitute(body, {array: a}))

    return build


def _zipped(op: str) -> Callable[[Expr, Expr], Expr]:
    def build(a: Expr, b: Expr) -> Expr:
        source = call("take", a, call("len", b))
        return loop("map", source, call(op, X, call("get", b, INDEX)))

    return build


class Maker:
    """Rows whose meaning is their own expression, compiled once."""

    def __init__(self, spec: SynthesisSpec):
        self.given = [column.astype(object) for column in spec.arguments]
        self.kinds = spec.signature.arguments
        self.count = 0

    def __call__(
        self,
        form: str,
        build: Callable[..., Expr],
        cost: int,
        taken: tuple[Kind, ...] = (Kind.A,),
    ) -> Operator:
        """A row that takes values of these kinds to its own expression of them."""
        self.count += 1
        body = build(*(arg(len(self.kinds) + k, kind) for k, kind in enumerate(taken)))
        function = compiled(body, Signature((*self.kinds, *taken), body.kind))
        ufunc = np.frompyfunc(function, len(self.given) + len(taken), 1)

        def batched(width: int, *operands: np.ndarray) -> np.ndarray:
            native = [a if a.dtype == object else a.astype(object) for a in operands]
            made = np.asarray(ufunc(*self.given, *native))
            return made.astype(DTYPE.get(body.kind, object))

        return Operator(f"{form} {self.count}", taken, body.kind, batched, "", cost, build=build)


def _cost(body: Expr) -> int:
    return 2 if body.size <= 4 else 3


def _bodies(spec: SynthesisSpec, form: Form, kind: Kind, deadline: float) -> list[Expr]:
    """Small expressions of an element that say something of it, distinct on the elements."""
    made = list(_small(spec, form, kind, deadline, (X,)))[: _BODIES[kind]]
    return made + [call("not", test) for test in made if test.op == "eq"]


def _beside(spec: SynthesisSpec, form: Form, kind: Kind, deadline: float) -> list[Expr]:
    """Small expressions of an element and the one before, without a third operand."""
    found = _small(spec, form, kind, deadline, form.terms)
    made = [body for body in found if set(body.args) == set(form.terms)]
    return made + [call("not", test) for test in made if test.op == "eq"]


def _small(
    spec: SynthesisSpec, form: Form, kind: Kind, deadline: float, must: tuple[Expr, ...]
) -> Iterator[Expr]:
    stream = streamed(spec, form, 1.0, (0, 1, 2))
    if stream is None:
        return
    ops = [TABLE[name] for name in (_MAPS if kind is Kind.I else _TESTS)]
    quick = min(deadline, time.perf_counter() + 0.2)
    bank = Bank(stream.leaves, ops, len(stream.leaves[0].values), deadline=quick)
    try:
        for _ in range(4):
            bank.grow()
    except OutOfBudget:
        pass
    for place in range(bank.rows[kind].count):
        body = bank.expr(kind, place)
        if body.args and all(_uses(body, term) for term in must):
            yield body


def _uses(body: Expr, term: Expr) -> bool:
    return body is term or any(_uses(child, term) for child in body.args)


def leaves(spec: SynthesisSpec) -> list[Expr]:
    """Constants that pipelines start from, besides the arguments."""
    return [ZERO, ONE, const(-1, Kind.I), const(2, Kind.I)]
