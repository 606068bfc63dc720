"""Rows of arrays, strings, records and conversions."""

from __future__ import annotations

import numpy as np

from ncpu.synth import codegen_runtime as rt
from ncpu.synth.operators.operator import Operator, each, mask
from ncpu.synth.types import Kind

I, U, B, S, A, P, Q = Kind  # noqa: E741


def object_rows() -> list[Operator]:
    """Arrays, strings, records, and what joins them to numbers."""

    def row(name, arguments, result, function, python, cost=1, **more) -> Operator:
        batched = each(function, len(arguments), result)
        return Operator(name, arguments, result, batched, python, cost, **more)

    arrays = [
        row("len", (A,), I, len, "len({0})"),
        row("get", (A, I), I, rt._get, "_get({0}, {1})"),
        row("slice", (A, I, I), A, rt._slice, "_slice({0}, {1}, {2})"),
        row("take", (A, I), A, lambda a, n: a[: max(n, 0)], "{0}[:max({1}, 0)]"),
        row("drop", (A, I), A, lambda a, n: a[max(n, 0) :], "{0}[max({1}, 0):]"),
        row("join", (A, A), A, lambda a, b: a + b, "({0} + {1})"),
        row("unit", (I,), A, lambda a: (a,), "({0},)"),
        row("flip", (A,), A, lambda a: a[::-1], "{0}[::-1]"),
        row("sort", (A,), A, lambda a: tuple(sorted(a)), "tuple(sorted({0}))"),
        row("distinct", (A,), A, rt._distinct, "_distinct({0})"),
        row("total", (A,), I, rt._sum, "_sum({0})"),
        row("largest", (A,), I, rt._largest, "_largest({0})"),
        row("smallest", (A,), I, rt._smallest, "_smallest({0})"),
        row("index", (A, I), I, rt._index, "_index({0}, {1})"),
        row("same", (A, A), B, lambda a, b: a == b, "({0} == {1})", commutes=True),
        row("range", (I, I), A, rt._range, "_range({0}, {1})"),
        row("digits", (I, I), A, rt._digits, "_digits({0}, {1})"),
        row("codes", (S,), A, lambda s: tuple(map(ord, s)), "tuple(map(ord, {0}))"),
        Operator("bits", (U,), A, lambda w, a: each(lambda v: rt._bits(v, w), 1, A)(w, a),
                 "_bits({0}, {w})", 2),
    ]  # fmt: skip
    strings = [
        row("slen", (S,), I, len, "len({0})"),
        row("cat", (S, S), S, lambda a, b: a + b, "({0} + {1})"),
        row("substr", (S, I, I), S, rt._substr, "_substr({0}, {1}, {2})"),
        row("at", (S, I), S, lambda s, i: rt._substr(s, i, 1), "_substr({0}, {1}, 1)"),
        row("find", (S, S, I), I, rt._find, "_find({0}, {1}, {2})"),
        row("replace", (S, S, S), S, rt._replace, "_replace({0}, {1}, {2})"),
        row("replace1", (S, S, S), S, rt._replace_first, "_replace_first({0}, {1}, {2})"),
        row("contains", (S, S), B, lambda a, b: b in a, "({1} in {0})"),
        row("prefix", (S, S), B, lambda a, b: b.startswith(a), "{1}.startswith({0})"),
        row("suffix", (S, S), B, lambda a, b: b.endswith(a), "{1}.endswith({0})"),
        row("seq", (S, S), B, lambda a, b: a == b, "({0} == {1})", commutes=True),
        row("str", (I,), S, str, "str({0})"),
        row("from_int", (I,), S, lambda i: str(i) if i >= 0 else "",
            "(str({0}) if {0} >= 0 else '')"),
        row("to_int", (S,), I, rt._to_int, "_to_int({0})"),
        row("upper", (S,), S, str.upper, "{0}.upper()"),
        row("lower", (S,), S, str.lower, "{0}.lower()"),
        row("swapcase", (S,), S, str.swapcase, "{0}.swapcase()"),
        row("title", (S,), S, str.title, "{0}.title()"),
        row("capital", (S,), S, str.capitalize, "{0}.capitalize()"),
        row("strip", (S,), S, str.strip, "{0}.strip()"),
        row("backward", (S,), S, lambda s: s[::-1], "{0}[::-1]"),
        row("field", (S, S, I), S, rt._field, "_field({0}, {1}, {2})"),
        row("word", (S, I), S, lambda s, i: rt._field(" ".join(s.split()), " ", i),
            "_field(' '.join({0}.split()), ' ', {1})"),
        row("words", (S,), I, lambda s: len(s.split()), "len({0}.split())"),
        row("count", (S, S), I, lambda s, t: s.count(t) if t else 0,
            "({0}.count({1}) if {1} else 0)"),
        row("times", (S, I), S, rt._repeat, "_repeat({0}, {1})"),
        row("pad", (S, S, I), S, rt._pad_left, "_pad_left({0}, {1}, {2})"),
        row("text", (A,), S, rt._from_codes, "_from_codes({0})"),
    ]  # fmt: skip
    records = [
        row("pair", (I, I), P, lambda a, b: (a, b), "({0}, {1})"),
        row("quad", (I, I, I, I), Q, lambda a, b, c, d: (a, b, c, d), "({0}, {1}, {2}, {3})"),
    ]
    for kind, count in ((P, 2), (Q, 4)):
        for place in range(count):
            project = lambda r, place=place: r[place]  # noqa: E731
            records.append(row(f"{kind}.{place}".lower(), (kind,), I, project, f"{{0}}[{place}]",
                               0, c=f"{{0}}[{place}]", rust=f"{{0}}[{place}]",
                               jax=f"{{0}}[..., {place}]"))  # fmt: skip
    convert = [
        Operator("int", (U,), I, lambda w, a: a.view(np.int64), "_i64({0})", c="(int64_t){0}",
                 rust="({0} as i64)", jax="{0}.astype(jnp.int64)"),
        Operator("word_of", (I,), U, lambda w, a: a.astype(np.int64).view(np.uint64) & mask(w),
                 "({0} & {m})", c="({u}){0}", rust="({0} as {u})"),
    ]  # fmt: skip
    return arrays + strings + records + convert
