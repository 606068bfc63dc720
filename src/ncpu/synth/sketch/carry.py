"""Accumulators whose step is any small expression of the accumulator and the element.

A candidate's accumulator has its own history, so that steps are told apart on random states first
and then run over all examples, all starts at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import Expr, call, const, local, loop, substitute, walk
from ncpu.synth.operators import TABLE
from ncpu.synth.sketch.finish import Gathered
from ncpu.synth.sketch.streams import ACC, Stream, X
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import INT_MAX, INT_MIN, Kind

_STEP_OPS: list[str] = ["add", "sub", "mul", "max", "min", "ite_i", "lt", "eq", "mod", "div", "abs"]
_STEPS = 1200
_FIRST = 150  # of them in the first round
_BLOCK = 256  # steps run side by side
_LONGEST = 600  # elements of one sequence
_SUFFIXES = 400  # of all examples together
_SAMPLES = 24
_STARTS = (0, 1, -1, INT_MIN, INT_MAX)


def function(expr: Expr, names: list[str]) -> Callable[..., Any]:
    """An expression of locals and constants as a function over arrays, in the order of `names`."""
    constants: dict[str, Any] = {}

    def text(node: Expr) -> str:
        if node.op == "const":
            name = f"c{len(constants)}"
            constants[name] = np.asarray(node.data)
            return name
        if node.op == "local":
            return node.data
        if node.op == "arg":
            return f"a{node.data}"
        return f"{node.op.replace('.', '_')}(64, {', '.join(text(a) for a in node.args)})"

    source = f"lambda {', '.join(names)}: {text(expr)}"
    scope = {name.replace(".", "_"): row.batched for name, row in TABLE.items()}
    return eval(source, {**scope, **constants})


_MADE: dict[tuple[Any, ...], list[Expr]] = {}  # they do not depend on the examples


def steps(names: list[Expr], constants: tuple[int, ...], ops: list[str], most: int,
          must: Expr, deadline: float) -> list[Expr]:  # fmt: skip
    """Distinct expressions that use `must`, told apart on random states."""
    key = (tuple(names), constants, tuple(ops), most, must)
    if key in _MADE:
        return _MADE[key]
    rng = np.random.default_rng(7)
    leaves = [Leaf(n, rng.integers(-6, 30, _SAMPLES)) for n in names]
    leaves += [Leaf(const(c, Kind.I), np.full(_SAMPLES, c, np.int64)) for c in constants]
    bank = Bank(leaves, [TABLE[n] for n in ops], _SAMPLES, deadline=deadline, memory=1 << 27)
    whole = True
    try:
        while bank.size < 7 and bank.rows[Kind.I].count < most:
            bank.grow()
    except OutOfBudget:
        whole = False
    found: list[Expr] = []
    for place in range(min(bank.rows[Kind.I].count, 3 * most)):
        made = bank.expr(Kind.I, place)
        if any(node is must for node in walk(made)):
            found.append(made)
            if len(found) == most:
                break
    if whole:
        _MADE[key] = found
    return found


@dataclass(frozen=True)
class Branches:
    """Steps with a condition: any of the tests with any pair of sides.

    Attributes:
      tests: conditions on the accumulator and the element.
      sides: next accumulators where the test holds and where it does not.
    """

    tests: list[Expr]
    sides: list[tuple[Expr, Expr]]

    @classmethod
    def over(cls, names: list[Expr]) -> Branches:
        """Small ones over the accumulator, the first of the names, and terms of the element."""
        acc, zero, one = names[0], const(0, Kind.I), const(1, Kind.I)
        plain = [*names[1:], zero, one]
        terms = [*plain, acc]
        differ = [(a, b) for a, b in combinations(terms, 2) if {a, b} != {zero, one}]
        tests = [call("lt", *pair) for a, b in differ for pair in ((a, b), (b, a))]
        tests += [call("eq", *pair) for pair in differ]
        tests.append(call("eq", call("mod", X, const(2, Kind.I)), one))
        moved = [call("add", acc, term) for term in (*names[1:], one)]
        moved += [call(op, acc, term) for op in ("max", "min") for term in names[1:]]
        sides = [(acc, other) for other in (*plain, *moved)]
        sides += [(m, p) for m in moved for p in plain]
        return cls(tests, sides + [(other, one) for one, other in sides])

    @property
    def programs(self) -> list[Expr]:
        """All of them, test by test."""
        return [call("ite_i", t, *pair) for t in self.tests for pair in self.sides]

    def stepper(self, names: list[str]) -> Callable[..., np.ndarray]:
        """The step of all of them at once: accumulators `[programs, starts, sequences]`."""
        tests = [function(t, names) for t in self.tests]
        sides = [(function(a, names), function(b, names)) for a, b in self.sides]

        def step(acc: np.ndarray, *terms: np.ndarray) -> np.ndarray:
            acc = acc.reshape(len(tests), len(sides), *acc.shape[1:])
            holds = np.stack(
                [np.broadcast_to(f(acc[k], *terms), acc.shape[1:]) for k, f in enumerate(tests)]
            )
            new = np.empty_like(acc)
            for k, (one, other) in enumerate(sides):
                here = acc[:, k]
                new[:, k] = np.where(holds[:, k], one(here, *terms), other(here, *terms))
            return new.reshape(-1, *acc.shape[2:])

        return step


def _stepper(programs: Sequence[Expr], names: list[str]) -> Callable[..., np.ndarray]:
    functions = [function(p, names) for p in programs]

    def step(acc: np.ndarray, *terms: np.ndarray) -> np.ndarray:
        new = np.empty_like(acc)
        for k, program in enumerate(functions):
            new[k] = program(acc[k], *terms)
        return new

    return step


_ENDS = ("", "largest", "smallest", "total")  # of the accumulators on the way; the last if empty


@dataclass(frozen=True)
class _Runs:
    """Sequences of elements side by side: `[terms, longest, sequences]`, and which are real."""

    padded: np.ndarray
    valid: np.ndarray

    def ends(self, step: Callable[..., np.ndarray], count: int, deadline: float) -> np.ndarray:
        """Last, largest, smallest and total accumulator: `[count, 4, starts, sequences]`.

        Args:
          step: takes all accumulators `[count, starts, sequences]` one element further.
          count: how many programs it runs.
          deadline: `time.perf_counter()` at which `OutOfBudget` is raised.
        """
        starts = np.array(_STARTS)
        shape = (count, len(starts), self.valid.shape[1])
        last = np.broadcast_to(starts[:, None], shape)
        total = np.zeros(shape, np.int64)
        largest, smallest = np.full(shape, INT_MIN), np.full(shape, INT_MAX)
        for t, live in enumerate(self.valid):
            if time.perf_counter() > deadline:
                raise OutOfBudget
            last = np.where(live, step(last, *self.padded[:, t]), last)
            largest = np.where(live, np.maximum(largest, last), largest)
            smallest = np.where(live, np.minimum(smallest, last), smallest)
            total = np.where(live, total + last, total)
        some = self.valid[0]
        largest, smallest = np.where(some, largest, 0), np.where(some, smallest, 0)
        return np.stack([last, largest, smallest, total], axis=1)


def _runs(columns: Sequence[np.ndarray], lengths: np.ndarray) -> _Runs:
    valid = np.arange(int(lengths.max()))[:, None] < lengths
    padded = np.zeros((len(columns), *valid.shape), np.int64)
    for k, column in enumerate(columns):
        padded[k].T[valid.T] = column
    return _Runs(padded, valid)


@dataclass
class Carry:
    """This sketch over one stream, in rounds of steps: small ones, branches, larger ones.

    Attributes:
      stream: the source.
      deadline: `time.perf_counter()` at which `OutOfBudget` is raised.
    """

    stream: Stream
    deadline: float

    def __post_init__(self) -> None:
        leaves = self.stream.leaves
        used = [leaf for leaf in leaves if leaf.expr.args or leaf.expr is X][:3]
        names = [X, *(local(f"s{k}") for k in range(len(used) - 1))]
        self.names = [ACC, *names]
        self.back = {name: leaf.expr for name, leaf in zip(names, used, strict=True)}
        self.runs = _runs([leaf.values for leaf in used], self.stream.lengths)

    def round(self, number: int) -> Iterator[Gathered]:
        """Loop values of one round's steps: the last accumulator, extremes and sum on the way.

        Raises:
          OutOfBudget: at the deadline.
        """
        if len(self.runs.valid) > _LONGEST:
            return
        texts = [n.data for n in self.names]
        with np.errstate(all="ignore"):
            if number == 1:
                branches = Branches.over(self.names[:3])
                programs = branches.programs
                rows = self.runs.ends(branches.stepper(texts), len(programs), self.deadline)
            else:
                programs = self._plain(number)
                rows = _ends_of(programs, self.runs, texts, self.deadline)
        if not programs:
            return
        shape = rows.shape[:-1]

        def make(place: int) -> Expr:
            rank, end, start = np.unravel_index(place, shape)
            step = substitute(programs[rank], self.back)
            init = const(_STARTS[start], Kind.I)
            if not end:
                return loop("fold", self.stream.source, init, step)
            return call(_ENDS[end], loop("scan", self.stream.source, init, step))

        costs = _costs(programs, self.stream.cost)
        yield Gathered(rows.reshape(-1, rows.shape[-1]), costs, make, self.stream.chosen)

    def _plain(self, number: int) -> list[Expr]:
        quick = min(self.deadline, time.perf_counter() + 0.5)
        most = _FIRST if number == 0 else _STEPS
        programs = steps(self.names, (0, 1, 2, 10), _STEP_OPS, most, ACC, quick)
        return programs if number == 0 else programs[_FIRST:]


def _ends_of(programs, runs: _Runs, names: list[str], deadline: float) -> np.ndarray:
    blocks = [programs[k : k + _BLOCK] for k in range(0, len(programs), _BLOCK)]
    made = [runs.ends(_stepper(block, names), len(block), deadline) for block in blocks]
    return np.concatenate(made) if made else np.zeros((0, len(_ENDS), len(_STARTS), 0), np.int64)


def _costs(programs: list[Expr], source: float) -> np.ndarray:
    sizes = np.array([p.size for p in programs], float)[:, None, None]
    ends = np.array([0, 1.5, 1.5, 1.5])[:, None]
    return (source + sizes + ends + np.arange(len(_STARTS)) / 8).reshape(-1)


def over_suffixes(array: Expr, spec: SynthesisSpec, deadline: float) -> Iterator[Gathered]:
    """Small steps over every suffix of an array, then the extremes or the sum over the suffixes.

    Raises:
      OutOfBudget: at the deadline.
    """
    lists = evaluate(array, spec.arguments, spec.signature.width)
    suffixes = [(e, a[i:]) for e, a in enumerate(lists) for i in range(len(a))]
    if not suffixes or len(suffixes) > _SUFFIXES:
        return
    owner = np.array([e for e, _ in suffixes])
    lengths = np.array([len(a) for _, a in suffixes])
    runs = _runs([np.array([x for _, a in suffixes for x in a], np.int64)], lengths)
    quick = min(deadline, time.perf_counter() + 0.3)
    programs = steps([ACC, X], (0, 1, 2), _STEP_OPS, _FIRST, ACC, quick)
    with np.errstate(all="ignore"):
        rows = _ends_of(programs, runs, [ACC.data, X.data], deadline)
    costs = _costs(programs, 2.0)
    everyone = np.arange(len(lists))
    for rank, (op, ufunc) in enumerate((("max", np.maximum), ("min", np.minimum), ("add", np.add))):
        begun = {"max": INT_MIN, "min": INT_MAX, "add": 0}[op]
        over = np.full((len(lists), rows[..., 0].size), begun)
        ufunc.at(over, owner, rows.reshape(-1, len(owner)).T)
        over = over.T

        def make(place: int, op: str = op, begun: int = begun) -> Expr:
            k, end, start = np.unravel_index(place, (len(programs), len(_ENDS), len(_STARTS)))
            inner = substitute(programs[k], {ACC: local("acc1"), X: local("x1")})
            init = const(_STARTS[start], Kind.I)
            form = "scan" if end else "fold"
            value = loop(form, call("drop", array, local("i0")), init, inner, depth=1)
            value = call(_ENDS[end], value) if end else value
            return loop("fold", array, const(begun, Kind.I), call(op, ACC, value))

        yield Gathered(over, costs + rank / 2, make, everyone)
