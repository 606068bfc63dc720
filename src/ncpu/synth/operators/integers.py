"""Rows of integers and truth values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ncpu.synth.operators.operator import Operator, plain
from ncpu.synth.types import Kind

I, U, B, S, A, P, Q = Kind  # noqa: E741


def _nonzero(b: Any) -> Any:
    return np.where(b == 0, 1, b)


def _floor(b: Any, value: Any, otherwise: Any) -> Any:
    return np.where(b == 0, otherwise, value)


def _quot(a: Any, b: Any) -> Any:
    d = _nonzero(b)
    q = a // d
    return _floor(b, q + ((a - q * d != 0) & ((a < 0) != (d < 0))), 0)


def integer_rows() -> list[Operator]:
    """Arithmetic, order and bits of integers."""

    def ring(name: str, sign: str, call: str, a64: str, commutes: bool) -> Operator:
        ufunc = {"+": np.add, "-": np.subtract, "*": np.multiply}[sign]
        return Operator(
            name, (I, I), I, plain(ufunc), f"({{0}} {sign} {{1}})", 1, True, commutes,
            f"(int64_t)((uint64_t){{0}} {sign} (uint64_t){{1}})",
            f"{{0}}.wrapping_{call}({{1}})", f"({{0}} {sign} {{1}})", (a64,),
        )  # fmt: skip

    def compare(name: str, sign: str, ufunc: Any, condition: str, commutes: bool) -> Operator:
        text = f"({{0}} {sign} {{1}})"
        return Operator(
            name, (I, I), B, plain(ufunc), text, 1, False, commutes, text, text, text,
            ("cmp {0}, {1}", f"cset {{d}}, {condition}"),
        )  # fmt: skip

    def bits(name: str, sign: str, ufunc: Any, a64: str) -> Operator:
        text = f"({{0}} {sign} {{1}})"
        return Operator(
            name, (I, I), I, plain(ufunc), text, 2, False, True, text, text, text,
            (f"{a64} {{d}}, {{0}}, {{1}}",),
        )  # fmt: skip

    return [
        ring("add", "+", "add", "add {d}, {0}, {1}", True),
        ring("sub", "-", "sub", "sub {d}, {0}, {1}", False),
        ring("mul", "*", "mul", "mul {d}, {0}, {1}", True),
        Operator("neg", (I,), I, plain(np.negative), "(-{0})", 1, True, False,
                 "(int64_t)(0 - (uint64_t){0})", "{0}.wrapping_neg()", "(-{0})",
                 ("neg {d}, {0}",)),
        Operator("div", (I, I), I, lambda w, a, b: _floor(b, a // _nonzero(b), 0),
                 "_div({0}, {1})", 2, c="_div({0}, {1})", rust="_div({0}, {1})",
                 jax="_div({0}, {1})",
                 a64=("sdiv {d}, {0}, {1}", "msub {t}, {d}, {1}, {0}", "eor {u}, {t}, {1}",
                      "cmp {t}, #0", "ccmp {u}, #0, #0, ne", "cset {u}, lt", "cmp {1}, #0",
                      "csel {u}, {u}, xzr, ne", "sub {d}, {d}, {u}")),
        Operator("mod", (I, I), I, lambda w, a, b: _floor(b, a % _nonzero(b), a),
                 "_mod({0}, {1})", 2, c="_mod({0}, {1})", rust="_mod({0}, {1})",
                 jax="_mod({0}, {1})",
                 a64=("sdiv {d}, {0}, {1}", "msub {d}, {d}, {1}, {0}", "eor {u}, {d}, {1}",
                      "cmp {d}, #0", "ccmp {u}, #0, #0, ne", "csel {u}, {1}, xzr, lt",
                      "add {d}, {d}, {u}")),
        Operator("quot", (I, I), I, lambda w, a, b: _quot(a, b), "_quot({0}, {1})", 2,
                 c="_quot({0}, {1})", rust="_quot({0}, {1})", jax="_quot({0}, {1})",
                 a64=("sdiv {d}, {0}, {1}",)),
        Operator("rem", (I, I), I, lambda w, a, b: a - _quot(a, b) * b, "_rem({0}, {1})", 2,
                 c="_rem({0}, {1})", rust="_rem({0}, {1})", jax="_rem({0}, {1})",
                 a64=("sdiv {d}, {0}, {1}", "msub {d}, {d}, {1}, {0}")),
        Operator("min", (I, I), I, plain(np.minimum), "min({0}, {1})", 1, commutes=True,
                 c="_min({0}, {1})", rust="{0}.min({1})", jax="jnp.minimum({0}, {1})",
                 a64=("cmp {0}, {1}", "csel {d}, {0}, {1}, le")),
        Operator("max", (I, I), I, plain(np.maximum), "max({0}, {1})", 1, commutes=True,
                 c="_max({0}, {1})", rust="{0}.max({1})", jax="jnp.maximum({0}, {1})",
                 a64=("cmp {0}, {1}", "csel {d}, {0}, {1}, ge")),
        Operator("abs", (I,), I, plain(np.abs), "_i64(abs({0}))", 1, c="_abs({0})",
                 rust="{0}.wrapping_abs()", jax="jnp.abs({0})",
                 a64=("cmp {0}, #0", "cneg {d}, {0}, lt")),
        Operator("gcd", (I, I), I, lambda w, a, b: np.gcd(a, b), "_gcd({0}, {1})",
                 commutes=True),
        Operator("pow", (I, I), I, lambda w, a, b: a ** np.clip(b, 0, 100_000), "_pow({0}, {1})",
                 2),
        bits("iand", "&", np.bitwise_and, "and"),
        bits("ior", "|", np.bitwise_or, "orr"),
        bits("ixor", "^", np.bitwise_xor, "eor"),
        compare("lt", "<", np.less, "lt", False),
        compare("le", "<=", np.less_equal, "le", False),
        compare("eq", "==", np.equal, "eq", True),
    ]  # fmt: skip


def truth_rows() -> list[Operator]:
    """Logic, and conditionals of every kind."""

    def row(name: str, ufunc: Any, py: str, c: str, a64: str) -> Operator:
        return Operator(
            name, (B, B), B, plain(ufunc), f"({{0}} {py} {{1}})", 1, False, True,
            f"({{0}} {c} {{1}})", f"({{0}} {c} {{1}})", f"({{0}} {c[0]} {{1}})",
            (f"{a64} {{d}}, {{0}}, {{1}}",),
        )  # fmt: skip

    rows = [
        row("and", np.logical_and, "and", "&&", "and"),
        row("or", np.logical_or, "or", "||", "orr"),
        row("xor", np.logical_xor, "!=", "!=", "eor"),
        Operator("not", (B,), B, plain(np.logical_not), "(not {0})", 1, c="!({0})", rust="!({0})",
                 jax="(~{0})", a64=("eor {d}, {0}, #1",)),
    ]  # fmt: skip
    for kind in (I, U, B, S, A):
        rows.append(
            Operator(
                f"ite_{kind}".lower(), (B, kind, kind), kind,
                plain(lambda p, a, b: np.where(p, a, b)), "({1} if {0} else {2})", 1,
                c="({0} ? {1} : {2})" if kind in (I, U, B) else "",
                rust="if {0} {{ {1} }} else {{ {2} }}" if kind in (I, U, B) else "",
                jax="jnp.where({0}, {1}, {2})" if kind in (I, U, B) else "",
                a64=("cmp {0}, #0", "csel {d}, {1}, {2}, ne") if kind in (I, U, B) else (),
            )
        )  # fmt: skip
    return rows
