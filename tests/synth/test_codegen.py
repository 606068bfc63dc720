"""Emitted code: compiled or interpreted afresh, and right on inputs that it was not shown."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys

import pytest

from ncpu.synth import codegen, codegen_run
from ncpu.synth.codegen_python import compiled
from ncpu.synth.errors import CodegenError
from ncpu.synth.expression import Expr, arg, call, const, local, loop
from ncpu.synth.operators import TABLE
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.suites import problem
from ncpu.synth.types import INT_MAX, INT_MIN, Example, Kind, Signature

I, U, B, A, P = Kind.I, Kind.U, Kind.B, Kind.A, Kind.P  # noqa: E741
LANGUAGES = ("python", "c", "rust", "jax", "a64")


def n(value: int) -> Expr:
    return const(value, I)


a, b = arg(0, I), arg(1, I)
word, other = arg(0, U), arg(1, U)
items = arg(0, A)
r0, r1, x0, i0, acc0 = (local(name) for name in ("r0_0", "r1_0", "x0", "i0", "acc0"))
PROGRAMS = {
    "hd03_isolate_lowest_set": call("uand", word, call("uneg", word)),
    "hd14_floor_average": call("uadd", call("uand", word, other),
                               call("ushr", call("uxor", word, other), const(1, U))),
    "max3": call("max", call("max", a, b), arg(2, I)),
    "halve_trunc": call("quot", a, n(2)),
    "floor_mod": call("mod", a, b),
    "fibonacci": loop("repeat", a, n(0), n(1), r1, call("add", r0, r1), registers=2),
    "digit_sum": loop("fold", call("digits", a, n(10)), n(0), call("add", acc0, x0)),
    "sum_squares": loop("fold", call("range", n(1), call("add", a, n(1))), n(0),
                        call("add", acc0, call("mul", x0, x0))),
    "gcd": call("gcd", a, b),
    "array_max": call("largest", items),
    "count_positive": call("len", loop("filter", items, call("lt", n(0), x0))),
    "arr_sum_squares": call("total", loop("map", items, call("mul", x0, x0))),
    "index_of": call("index", items, b),
    "prefix_sum_k": call("total", call("take", items, b)),
    "weighted_index_sum": loop("fold", items, n(0), call("add", acc0, call("mul", i0, x0))),
    "rectangle_perimeter": call("mul", n(2), call("add", call("p.0", arg(0, P)),
                                                  call("p.1", arg(0, P)))),
    "popcount": loop("fold", call("digits", a, n(2)), n(0), call("add", acc0, x0)),
    "point_swap": call("pair", call("p.1", arg(0, P)), call("p.0", arg(0, P))),
}  # fmt: skip
SOME_JAX = {"hd14_floor_average", "digit_sum", "count_positive", "point_swap"}


def unseen(name: str, count: int = 200) -> SynthesisSpec:
    """Hidden inputs of a suite's problem with its reference's results."""
    made = problem(name)
    return SynthesisSpec(tuple(made.hidden(count)), made.signature)


def needs(language: str) -> None:
    tool = {"c": "cc", "rust": "rustc"}.get(language)
    if tool is not None and shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


@pytest.mark.parametrize("language", ["c", "rust"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled_code_equals_the_reference_on_unseen_inputs(name, language):
    needs(language)
    assert name in codegen.checked(PROGRAMS[name], unseen(name), language, name)


@pytest.mark.parametrize("name", sorted(SOME_JAX))
def test_jax_code_equals_the_reference_on_unseen_inputs(name):
    source = codegen.checked(PROGRAMS[name], unseen(name, 12), "jax", name)
    assert "ncpu" not in source


@pytest.mark.parametrize("name", PROGRAMS)
def test_a64_code_equals_the_reference_on_the_exact_machine(name):
    source = codegen.checked(PROGRAMS[name], unseen(name, 60), "a64", name)
    assert f"{name}:" in source and "// 0x0000:" in source and "ret" in source


@pytest.mark.parametrize("name", PROGRAMS)
def test_python_code_in_a_fresh_interpreter_agrees_with_the_library(name):
    spec = unseen(name)
    source = codegen.emit(PROGRAMS[name], spec.signature, "python", name)
    rows = [[list(v) if isinstance(v, tuple) else v for v in e.arguments] for e in spec.examples]
    driver = (f"\nimport json\nrows = json.loads({json.dumps(rows)!r})\n"
              "rows = [[tuple(v) if isinstance(v, list) else v for v in row] for row in rows]\n"
              f"print(json.dumps([{name}(*row) for row in rows]))\n")  # fmt: skip
    done = subprocess.run([sys.executable, "-I", "-c", source + driver], capture_output=True,
                          text=True, timeout=60, check=True)  # fmt: skip
    found = [tuple(v) if isinstance(v, list) else v for v in json.loads(done.stdout)]
    function = compiled(PROGRAMS[name], spec.signature)
    assert found == [e.result for e in spec.examples]
    assert found == [function(*e.arguments) for e in spec.examples]


def _all_of(kind: Kind, language: str) -> Expr:
    """Every operator over two values of a kind, each weighted, in one program."""
    first, second = arg(0, kind), arg(1, kind)
    prefix = "" if kind is I else "u"
    total = first
    for rank, row in enumerate(TABLE.values()):
        form = {"c": row.c, "rust": row.rust, "a64": row.a64}.get(language, row.python)
        if not form or set(row.arguments) != {kind} or row.result not in (kind, B):
            continue
        value = call(row.name, *(first, second)[: len(row.arguments)])
        if row.result is B:
            value = call(f"ite_{kind}".lower(), value, const(1, kind), const(2, kind))
        weight = const(2 * rank + 3, kind)
        total = call(f"{prefix}add", call(f"{prefix}mul", value, weight), total)
    return total


@pytest.mark.parametrize("language", ["python", "c", "rust", "a64", "jax"])
@pytest.mark.parametrize("signature", ["(I,I)->I", "(U8,U8)->U8", "(U32,U32)->U32", "(U,U)->U"])
def test_every_operator_means_the_same_in_every_language(signature, language):
    needs(language)
    made = Signature.parse(signature)
    kind, rng = made.result, random.Random(3)
    top = 1 << made.width
    edges = (
        [0, 1, 2, -1, -2, 7, 63, INT_MIN, INT_MAX]
        if kind is I
        else [0, 1, 5, 31, top - 1, top >> 1]
    )
    drawn = [rng.getrandbits(rng.randint(1, made.width)) for _ in range(30)]
    wide = [(v + (1 << 63)) % (1 << 64) - (1 << 63) if kind is I else v % top for v in drawn]
    rows = [(x, y) for x in edges for y in edges] + list(zip(wide, reversed(wide), strict=True))
    program = _all_of(kind, language)
    function = compiled(program, made)
    spec = SynthesisSpec(tuple(Example(row, function(*row)) for row in rows), made)
    assert codegen.checked(program, spec, language)


def test_the_sygus_form_divides_as_the_library_does():
    rows = [(x, y) for x in (-9, -8, -1, 0, 1, 7, 12) for y in (-4, -1, 0, 1, 3)]
    for name in ("div", "mod", "quot", "rem", "min", "max"):
        for right in (b, n(3), n(-4)):
            program = call(name, a, right)
            function = compiled(program, Signature.parse("(I,I)->I"))
            spec = SynthesisSpec(tuple(Example(row, function(*row)) for row in rows))
            assert codegen.checked(program, spec, "sygus").startswith("(define-fun f ((a0 Int)")


def test_code_that_fails_an_example_is_not_shown(monkeypatch):
    spec = SynthesisSpec((((2,), 4), ((3,), 9)))  # type: ignore[arg-type]
    for language in ("python", "a64", "sygus"):
        with pytest.raises(CodegenError, match=r"gave 6 for \(3,\), not 9"):
            codegen.checked(call("mul", n(2), a), spec, language)


@pytest.mark.parametrize(("language", "tool"), [("c", "cc"), ("rust", "rustc")])
def test_a_missing_compiler_is_named(language, tool, monkeypatch):
    monkeypatch.setattr(codegen_run.shutil, "which", lambda name: None)
    spec = SynthesisSpec((((2,), 4),))  # type: ignore[arg-type]
    with pytest.raises(CodegenError, match=f"{tool} was not found"):
        codegen.checked(call("add", a, a), spec, language)


def test_what_a_language_cannot_say_is_refused():
    text = call("upper", arg(0, Kind.S))
    for language in ("c", "rust", "jax", "a64", "sygus"):
        with pytest.raises(CodegenError):
            codegen.emit(text, Signature.parse("(S)->S"), language)
    with pytest.raises(CodegenError, match="accepted are python, c, rust"):
        codegen.emit(a, Signature.parse("(I)->I"), "cobol")
    loops = PROGRAMS["fibonacci"]
    with pytest.raises(CodegenError, match="no form in SyGuS"):
        codegen.emit(loops, Signature.parse("(I)->I"), "sygus")
    many = a
    for k in range(1, 9):
        many = call("add", many, arg(k, I))
    with pytest.raises(CodegenError, match="eight"):
        codegen.emit(many, Signature.parse("(I,I,I,I,I,I,I,I,I)->I"), "a64")


@pytest.mark.parametrize("name", ["double", "max-2", "while", "x0", "_i64", "fn", "2nd", "", "é"])
def test_any_name_is_made_a_function_in_every_language(name):
    spec = SynthesisSpec((((2,), 4), ((-3,), -6)))  # type: ignore[arg-type]
    for language in ("python", "c", "a64", "sygus"):
        if language == "c":
            needs("c")
        assert codegen.checked(call("add", a, a), spec, language, name)
