"""Whether two array programs agree on every input of a domain: a proof or a counterexample.

Tried in this order, cheapest first:

    identical     the same bytes
    constant      the interval analysis leaves each program one value on the whole domain
    trial         a counterexample among some thousand inputs, edges included
    enumeration   every input, if there are at most `MOST_INPUTS`
    induction     z3: from equal accumulators (and counts) one element leads to equal ones, and
                  equal accumulators finish equally; this holds for arrays of any length
    unrolled      z3: every length of the domain, element by element

"Agree" means the same number: a scaled and an integer program are compared as numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from ncpu.npcot.domain import Domain
from ncpu.npcot.enumerate import all_inputs, inputs_count
from ncpu.npcot.errors import NpcotError
from ncpu.npcot.execute import execute
from ncpu.npcot.interval import bounds, taking_part
from ncpu.npcot.number import Format
from ncpu.npcot.program import ArrayProgram, validate
from ncpu.npcot.smt import check

MOST_INPUTS = 1 << 19
LONGEST_UNROLLED = 8
METHODS = ("identical", "constant", "trial", "enumeration", "induction", "unrolled")
_TRIALS = 2048
_TRIAL_LENGTH = 16


class SolverMissingError(NpcotError, ImportError):
    """z3 is needed to decide this and is not installed."""


@dataclass(frozen=True)
class Equivalence:
    """The outcome of `equivalent`.

    Attributes:
      equal: the decision; None if the solver gave up within its time.
      method: the step that decided, as listed above.
      counterexample: `{"x": [...], "y": [...]}` on which the executor gives different numbers;
        y is empty if neither program reads it.
      solver: name and version of the solver, or "executor".
    """

    equal: bool | None
    method: str
    counterexample: dict[str, list[int]] | None = None
    solver: str = "executor"

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)


def equivalent(
    p: ArrayProgram,
    q: ArrayProgram,
    domain: Domain,
    *,
    seconds: float = 10.0,
    methods: tuple[str, ...] = METHODS,
) -> Equivalence:
    """Decide whether two programs give the same number on every input of `domain`.

    Args:
      p: one program.
      q: the other.
      domain: the inputs.
      seconds: for each query of the solver.
      methods: which steps to try.

    Raises:
      ProgramSpaceError: a program outside the space.
      SolverMissingError: no cheaper step decided, and z3 is not installed.
    """
    p, q = validate(p, domain.format), validate(q, domain.format)
    for method in methods:
        found = _METHODS[method](p, q, domain, seconds)
        if found is not None:
            return found
    return Equivalence(None, "undecided")


def _identical(p: ArrayProgram, q: ArrayProgram, domain: Domain, seconds: float) -> Any:
    same = p.choice == q.choice and int(p.offset) == int(q.offset)
    return Equivalence(True, "identical") if same else None


def _constant(p: ArrayProgram, q: ArrayProgram, domain: Domain, seconds: float) -> Any:
    """Bounds hold for every input, so a single value is the result of every input."""
    values = []
    for program in (p, q):
        found = bounds(program.choice, int(program.offset), domain).result
        if found is None or found.low != found.high:
            return None
        values.append(found.low * _scale(program.choice, domain.format))
    if values[0] == values[1]:
        return Equivalence(True, "constant")
    n = domain.min_length
    x, y = (np.full((1, max(n, 1)), low, np.int32) for low in (domain.low, domain.second[0]))
    witness = _difference(p, q, x, np.array([n], np.int32), y, domain.format)
    return Equivalence(False, "constant", witness)


def _trial(p: ArrayProgram, q: ArrayProgram, domain: Domain, seconds: float) -> Any:
    """Random inputs with a fixed seed: small numbers, edges of the ranges, equal pairs."""
    rng = np.random.default_rng(0)
    shortest = min(domain.min_length, _TRIAL_LENGTH)
    if shortest < domain.min_length:
        return None
    longest = min(domain.max_length, _TRIAL_LENGTH)
    shape = (_TRIALS, _TRIAL_LENGTH)

    def draw(low: int, high: int) -> np.ndarray:
        edges = [v for v in (low, high, -1, 0, 1, 2) if low <= v <= high]
        near = np.clip(rng.integers(-3, 4, shape), low, high)
        rows = [rng.integers(low, high + 1, shape), near, rng.choice(edges, shape)]
        return np.stack(rows)[rng.integers(0, 3, _TRIALS), np.arange(_TRIALS)]

    x, y = draw(*domain.first), draw(*domain.second)
    shared = np.clip(x, *domain.second)
    y = np.where(rng.random((_TRIALS, 1)) < 0.3, shared, y)
    lengths = rng.integers(shortest, longest + 1, _TRIALS)
    witness = _difference(p, q, x.astype(np.int32), lengths, y.astype(np.int32), domain.format)
    return Equivalence(False, "trial", witness) if witness else None


def _enumeration(p: ArrayProgram, q: ArrayProgram, domain: Domain, seconds: float) -> Any:
    second = p.choice.second or q.choice.second
    if inputs_count(domain, second) > MOST_INPUTS:
        return None
    for x, lengths, y in all_inputs(domain, second):
        witness = _difference(p, q, x, lengths, y, domain.format)
        if witness:
            return Equivalence(False, "enumeration", witness)
    return Equivalence(True, "enumeration")


def _induction(p: ArrayProgram, q: ArrayProgram, domain: Domain, seconds: float) -> Any:
    z3, symbolic = _solver()
    a, b, fmt = p.choice, q.choice, domain.format
    if a.reduce.startswith("arg") != b.reduce.startswith("arg") or a.log_scaled != b.log_scaled:
        return None
    x, y, i, length, acc, index, count = z3.Ints("x y i length acc index count")
    now = symbolic.Running(acc, index, count)
    always = [acc >= -fmt.infinity, acc <= fmt.infinity, index >= -1, count >= 0]
    always += _invariant(a, b, now, fmt)
    inside = [i >= 0, i < domain.max_length, z3.Or(index < i, index == fmt.infinity), count <= i]
    inside += _within(domain, x, y)
    before = [symbolic.start(c, fmt) for c in (a, b)]
    after = [symbolic.step(c, now, i, x, y, fmt) for c in (a, b)]
    counted = "acc/count" in (a.post, b.post)
    used = slice(0, 3) if counted else slice(0, 2)
    pairs = [
        *zip(*(s[used] for s in before), strict=True),
        *zip(*(s[used] for s in after), strict=True),
    ]
    steps = z3.Or(*(s != t for s, t in pairs))
    words = [
        symbolic.finish(c, int(o), now, length, fmt) for c, o in ((a, p.offset), (b, q.offset))
    ]
    ends = [w * _scale(c, fmt) for c, w in zip((a, b), words, strict=True)]
    all_take = not any(taking_part(c, domain)[1] for c in (a, b))
    counts = count == length if all_take else count <= length
    lengths = z3.And(length >= domain.min_length, length <= domain.max_length, counts)
    unequal = z3.And(lengths, _differ(z3, ends, words, fmt))
    for query in ([*always, *inside, steps], [*always, unequal]):
        if check(query, seconds)[0] != "unsat":
            return None
    return Equivalence(True, "induction", solver=f"z3 {z3.get_version_string()}")


def _invariant(a: Any, b: Any, now: Any, fmt: Format) -> list[Any]:
    """What every accumulator of either program satisfies: it never crosses where it started."""
    facts = []
    for choice in (a, b):
        start = {"0": 0, "1": 1 << (fmt.frac if choice.log_scaled else 0)}.get(choice.init)
        if start is not None and choice.reduce in ("max", "argmax"):
            facts.append(now.acc >= start)
        if start is not None and choice.reduce in ("min", "argmin"):
            facts.append(now.acc <= start)
    return facts


def _unrolled(p: ArrayProgram, q: ArrayProgram, domain: Domain, seconds: float) -> Any:
    if domain.max_length > LONGEST_UNROLLED:
        return None
    z3, symbolic = _solver()
    name = f"z3 {z3.get_version_string()}"
    fmt, states = domain.format, [symbolic.start(r.choice, domain.format) for r in (p, q)]
    xs, ys = z3.IntVector("x", domain.max_length), z3.IntVector("y", domain.max_length)
    within: list[Any] = []
    for n in range(domain.max_length + 1):
        if n >= domain.min_length:
            words = [
                symbolic.finish(r.choice, int(r.offset), s, z3.IntVal(n), fmt)
                for r, s in zip((p, q), states, strict=True)
            ]
            ends = [w * _scale(r.choice, fmt) for r, w in zip((p, q), words, strict=True)]
            answer, model = check([*within, _differ(z3, ends, words, fmt)], seconds)
            if answer == "sat":
                return _confirmed(p, q, model, n, domain, name)
            if answer != "unsat":
                return None
        if n < domain.max_length:
            within += _within(domain, xs[n], ys[n])
            states = [
                symbolic.step(r.choice, s, z3.IntVal(n), xs[n], ys[n], fmt)
                for r, s in zip((p, q), states, strict=True)
            ]
    return Equivalence(True, "unrolled", solver=name)


def _confirmed(
    p: ArrayProgram, q: ArrayProgram, model: dict[str, int], n: int, domain: Domain, name: str
) -> Equivalence | None:
    """The model as a counterexample, unless it rests on what the solver made up for log or exp."""
    ends = (("x", domain.low), ("y", domain.second[0]))
    x, y = (
        np.array([[model.get(f"{v}__{k}", low) for k in range(n)] + [0]], np.int32)
        for v, low in ends
    )
    witness = _difference(p, q, x, np.array([n], np.int32), y, domain.format)
    return Equivalence(False, "unrolled", witness, name) if witness else None


def _within(domain: Domain, x: Any, y: Any) -> list[Any]:
    return [
        x >= domain.low,
        x <= domain.high,
        y >= domain.second[0],
        y <= domain.second[1],
    ]


def _differ(z3: Any, ends: list[Any], words: list[Any], fmt: Format) -> Any:
    """Whether two results are different numbers; infinities are equal whatever their units."""
    inf = fmt.infinity
    sign = [z3.If(w >= inf, 1, z3.If(w <= -inf, -1, 0)) for w in words]
    return z3.Or(sign[0] != sign[1], z3.And(sign[0] == 0, ends[0] != ends[1]))


def _scale(choice: Any, fmt: Format) -> int:
    return 1 if choice.scaled else 1 << fmt.frac


@partial(jax.jit, static_argnames="fmt")
def _words(
    p: ArrayProgram, x: jax.Array, length: jax.Array, y: jax.Array, fmt: Format
) -> jax.Array:
    return jax.vmap(lambda a, n, b: execute(p, a, n, b, fmt=fmt))(x, length, y)


def _difference(
    p: ArrayProgram, q: ArrayProgram, x: np.ndarray, length: np.ndarray, y: np.ndarray, fmt: Format
) -> dict[str, list[int]] | None:
    """The first of some inputs on which two programs give different numbers."""
    a, b = (np.asarray(_words(r, x, length, y, fmt)).astype(np.int64) for r in (p, q))
    infinite = (abs(a) >= fmt.infinity) | (abs(b) >= fmt.infinity)
    scaled = [v * _scale(r.choice, fmt) for r, v in ((p, a), (q, b))]
    differ = np.flatnonzero(np.where(infinite, a != b, scaled[0] != scaled[1]))
    if not differ.size:
        return None
    i, n = differ[0], int(length[differ[0]])
    second = y[i, :n].tolist() if p.choice.second or q.choice.second else []
    return {"x": x[i, :n].tolist(), "y": second}


def _solver() -> tuple[Any, Any]:
    try:
        import z3
    except ImportError as error:
        raise SolverMissingError("deciding this needs z3: pip install z3-solver") from error
    from ncpu.npcot import symbolic

    return z3, symbolic


_METHODS = {
    "identical": _identical,
    "constant": _constant,
    "trial": _trial,
    "enumeration": _enumeration,
    "induction": _induction,
    "unrolled": _unrolled,
}
