"""Equality of loop-free programs: proofs by two solvers, counterexamples that were run."""

from __future__ import annotations

import random
import sys

import pytest

from ncpu.synth import prove
from ncpu.synth.codegen_python import compiled
from ncpu.synth.errors import ProofError, SpecError
from ncpu.synth.expression import Expr, arg, call, const, local, loop
from ncpu.synth.operators import TABLE
from ncpu.synth.prove import prove_equal
from ncpu.synth.smt import Script
from ncpu.synth.types import INT_MIN, Kind, Signature

I, U, B, P = Kind.I, Kind.U, Kind.B, Kind.P  # noqa: E741
a, b = arg(0, I), arg(1, I)
x, y = arg(0, U), arg(1, U)
zero, one, two = (const(k, I) for k in range(3))
INTEGERS = Signature.parse("(I,I)->I")
EQUAL = [
    (call("max", a, b), call("ite_i", call("lt", a, b), b, a), "(I,I)->I"),
    (call("sub", a, call("mul", two, call("div", a, two))), call("mod", a, two), "(I,I)->I"),
    (call("abs", a), call("max", a, call("neg", a)), "(I,I)->I"),
    (call("not", call("lt", a, b)), call("le", b, a), "(I,I)->B"),
    (call("uand", x, call("uneg", x)),
     call("uxor", call("uor", x, call("usub", x, const(1, U))), call("usub", x, const(1, U))),
     "(U32,U32)->U32"),
    (call("urev", x), call("urev", call("urbit", call("urbit", x))), "(U,U)->U"),
    (call("pair", a, b), call("pair", call("neg", call("neg", a)), b), "(I,I)->P"),
    (call("add", call("p.0", arg(0, P)), call("p.1", arg(0, P))),
     call("add", call("p.1", arg(0, P)), call("p.0", arg(0, P))), "(P)->I"),
]  # fmt: skip


@pytest.mark.parametrize(("p", "q", "signature"), EQUAL)
@pytest.mark.parametrize("solver", ["_z3", "_cvc5"])
def test_each_solver_proves_equal_programs_equal(p, q, signature, solver, monkeypatch):
    other = {"_z3": "_cvc5", "_cvc5": "_z3"}[solver]
    monkeypatch.setattr(prove, other, lambda script, seconds: None)
    found = prove_equal(p, q, Signature.parse(signature), 30)
    assert found.proved and found.counterexample is None
    assert found.by.startswith(solver[1:])


def test_programs_that_differ_at_one_input_are_told_apart_by_it(monkeypatch):
    monkeypatch.setattr(prove, "_TRIALS", 0)
    odd = call("ite_i", call("eq", a, const(123456789012345, I)), zero, a)
    edge = call("ite_i", call("lt", a, zero), call("neg", a), a)
    for p, q, where in ((odd, a, 123456789012345), (edge, call("max", edge, zero), INT_MIN)):
        for solver in (prove._z3, prove._cvc5):
            answer = solver(Script.unequal(p, q, INTEGERS), 20)
            assert answer is not None
            found = answer[1]
            assert isinstance(found, tuple) and found[0] == where
        made = prove_equal(p, q, INTEGERS, 20)
        assert made.verdict == "different" and made.counterexample is not None
        f, g = compiled(p, INTEGERS), compiled(q, INTEGERS)
        assert f(*made.counterexample) != g(*made.counterexample)


def _random(rng: random.Random, kind: Kind, depth: int) -> Expr:
    leaves = {I: [a, b, zero, one, const(-7, I)], B: [const(True, B)],
              U: [x, y, const(3, U), const(200, U)]}  # fmt: skip
    if depth == 0 and kind is not B:
        return rng.choice(leaves[kind])
    left_out = ("gcd", "pow", "word_of")
    rows = [r for r in TABLE.values() if r.result is kind and r.name not in left_out
            and set(r.arguments) <= {kind, B} | ({U} if kind is B else set())
            and not (kind is I and U in r.arguments)]  # fmt: skip
    if kind is B:
        rows = [r for r in rows if depth or B not in r.arguments]
    row = rng.choice(rows)
    if depth == 0:
        return call(row.name, *(rng.choice(leaves[k]) for k in row.arguments))
    return call(row.name, *(_random(rng, k, depth - 1) for k in row.arguments))


def test_the_solvers_meaning_is_what_runs():
    """A program differs from itself with its value fixed at an input only where it should."""
    rng = random.Random(4)
    for _ in range(25):
        program = _random(rng, U, 2)
        signature = Signature.parse(rng.choice(["(U8,U8)->U8", "(U32,U32)->U32"]))
        given = tuple(rng.getrandbits(signature.width) for _ in range(2))
        at = call("and", *(call("ueq", v, const(w, U)) for v, w in zip((x, y), given, strict=True)))
        value = compiled(program, signature)(*given)
        fixed = call("ite_u", at, const(value, U), program)
        assert prove_equal(program, fixed, signature, 20).proved, (program, given)
        wrong = call("ite_u", at, const(value ^ 1, U), program)
        assert prove_equal(program, wrong, signature, 20).counterexample == given
    for _ in range(15):
        program = _random(rng, I, 1)
        given = (rng.choice([INT_MIN, -1, 0, 5, 77]), rng.choice([-1, 0, 2, -9]))
        at = call("and", *(call("eq", v, const(w, I)) for v, w in zip((a, b), given, strict=True)))
        value = compiled(program, INTEGERS)(*given)
        fixed = call("ite_i", at, const(value, I), program)
        assert prove_equal(program, fixed, INTEGERS, 20).proved, (program, given)


def test_a_hard_question_is_undecided_in_time():
    c = arg(2, I)
    left = call("mul", a, call("mul", b, c))
    p = call("div", left, call("add", c, one))
    q = call("div", call("mul", call("mul", a, b), c), call("add", one, c))
    found = prove_equal(p, q, Signature.parse("(I,I,I)->I"), 0.3)
    assert found.verdict in ("undecided", "equal") and found.seconds < 30


def test_what_cannot_be_asked_is_refused(monkeypatch):
    looped = loop("repeat", a, zero, call("add", local("r0_0"), one), registers=1)
    with pytest.raises(ProofError, match="a loop"):
        prove_equal(looped, a, Signature.parse("(I)->I"))
    with pytest.raises(ProofError, match="kind S"):
        prove_equal(call("slen", arg(0, Kind.S)), zero, Signature.parse("(S)->I"))
    with pytest.raises(ProofError, match="kind A"):
        prove_equal(call("len", arg(0, Kind.A)), zero, Signature.parse("(A)->I"))
    with pytest.raises(SpecError, match="more than 0"):
        prove_equal(a, b, INTEGERS, 0)
    with pytest.raises(SpecError, match="kinds"):
        prove_equal(a, call("lt", a, b), INTEGERS)
    for name in ("z3", "cvc5"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ProofError, match="needs a solver"):
        prove_equal(call("add", a, b), call("add", b, call("add", a, zero)), INTEGERS)
