"""Rows of machine words."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ncpu.synth.operators.operator import Operator, mask, plain, word
from ncpu.synth.types import Kind

I, U, B, S, A, P, Q = Kind  # noqa: E741


def _to_signed(w: int, a: Any) -> Any:
    shift = np.uint64(64 - w)
    return (a << shift).view(np.int64) >> np.int64(64 - w)


def _shift(w: int, a: Any, b: Any, left: bool) -> Any:
    amount = np.minimum(b, np.uint64(63))
    value = (a << amount) & mask(w) if left else a >> amount
    return np.where(b < np.uint64(w), value, np.uint64(0))


def _ashr(w: int, a: Any, b: Any) -> Any:
    amount = np.minimum(b, np.uint64(63)).astype(np.int64)
    return (_to_signed(w, a) >> amount).view(np.uint64) & mask(w)


def _clz(w: int, a: Any) -> Any:
    found = np.zeros(np.shape(a), np.uint64)
    rest = a.copy()
    for step in (32, 16, 8, 4, 2, 1):
        high = rest >> np.uint64(step)
        more = high != 0
        found = found + np.where(more, np.uint64(step), np.uint64(0))
        rest = np.where(more, high, rest)
    return np.where(a == 0, np.uint64(w), np.uint64(w - 1) - found)


_SWAPS = (
    (1, 0x5555555555555555),
    (2, 0x3333333333333333),
    (4, 0x0F0F0F0F0F0F0F0F),
    (8, 0x00FF00FF00FF00FF),
    (16, 0x0000FFFF0000FFFF),
    (32, 0x00000000FFFFFFFF),
)


def _reverse(w: int, a: Any, swaps: Any) -> Any:
    for step, low in swaps:
        low, by = np.uint64(low), np.uint64(step)
        a = ((a & low) << by) | ((a >> by) & low)
    return a >> np.uint64(64 - w)


def _udiv(w: int, a: Any, b: Any) -> Any:
    return np.where(b == 0, mask(w), a // np.where(b == 0, np.uint64(1), b))


def _urem(w: int, a: Any, b: Any) -> Any:
    return np.where(b == 0, a, a % np.where(b == 0, np.uint64(1), b))


def _umulh(w: int, a: Any, b: Any) -> Any:
    """The high half of the product, from those of 32-bit halves."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a = a << np.uint64(64 - w)  # the high 64 bits of this product are those above bit w
    first = (a & low) * (b & low) >> half
    middle = (a >> half) * (b & low) + first
    other = (a & low) * (b >> half) + (middle & low)
    return (a >> half) * (b >> half) + (middle >> half) + (other >> half)


def word_rows() -> list[Operator]:
    """Arithmetic, logic, shifts and order of words."""

    def two(name, ufunc, sign, c, rust, a64, commutes, cost=1) -> Operator:
        return Operator(
            name, (U, U), U, word(ufunc), f"(({{0}} {sign} {{1}}) & {{m}})", cost, False,
            commutes, f"({{u}})({{0}} {c} {{1}})", rust, f"(({{0}} {sign} {{1}}) & {{m}})",
            (f"{a64} {{d}}, {{0}}, {{1}}",),
        )  # fmt: skip

    def compare(name, batched, python, c, rust, condition, commutes=False) -> Operator:
        return Operator(
            name, (U, U), B, batched, python, 1, False, commutes, c, rust, python,
            ("cmp {0}, {1}", f"cset {{d}}, {condition}"),
        )  # fmt: skip

    def ordered(name, sign, ufunc, condition) -> Operator:
        text = f"(_signed({{0}}, {{w}}) {sign} _signed({{1}}, {{w}}))"
        c = f"(({{s}}){{0}} {sign} ({{s}}){{1}})"
        rust = f"(({{0}} as {{s}}) {sign} ({{1}} as {{s}}))"
        batched = lambda w, a, b: ufunc(_to_signed(w, a), _to_signed(w, b))  # noqa: E731
        made = compare(name, batched, text, c, rust, condition)
        shifted = ("lsl {t}, {0}, #{z}", "lsl {u}, {1}, #{z}", "cmp {t}, {u}")
        return replace(made, a64=(*shifted, made.a64[1]))

    infix = "({0} %s {1})"
    return [
        two("uadd", np.add, "+", "+", "{0}.wrapping_add({1})", "add", True),
        two("usub", np.subtract, "-", "-", "{0}.wrapping_sub({1})", "sub", False),
        two("umul", np.multiply, "*", "* 1ull *", "{0}.wrapping_mul({1})", "mul", True),
        Operator("umulh", (U, U), U, _umulh, "({0} * {1} >> {w})", 2, commutes=True,
                 c="({u})((unsigned __int128){0} * {1} >> {w})",
                 rust="(((({0} as u128) * ({1} as u128)) >> {w}) as {u})",
                 a64=("lsl {t}, {0}, #{z}", "umulh {d}, {t}, {1}")),
        two("uand", np.bitwise_and, "&", "&", "({0} & {1})", "and", True),
        two("uor", np.bitwise_or, "|", "|", "({0} | {1})", "orr", True),
        two("uxor", np.bitwise_xor, "^", "^", "({0} ^ {1})", "eor", True),
        Operator("unot", (U,), U, word(np.invert), "({0} ^ {m})", c="({u})~{0}", rust="(!{0})",
                 jax="({0} ^ {m})", a64=("mvn {d}, {0}",)),
        Operator("uneg", (U,), U, word(np.negative), "(-{0} & {m})", c="({u})-{0}",
                 rust="{0}.wrapping_neg()", jax="(-{0} & {m})", a64=("neg {d}, {0}",)),
        Operator("ushl", (U, U), U, partial(_shift, left=True),
                 "(({0} << {1}) & {m} if {1} < {w} else 0)",
                 c="({1} < {w} ? ({u})((uint64_t){0} << {1}) : 0)",
                 rust="if {1} < {w} {{ {0} << {1} }} else {{ 0 }}",
                 jax="jnp.where({1} < {w}, ({0} << ({1} & 63)) & {m}, 0)",
                 a64=("lsl {d}, {0}, {1}", "cmp {1}, #{w}", "csel {d}, {d}, xzr, lo")),
        Operator("ushr", (U, U), U, partial(_shift, left=False),
                 "({0} >> {1} if {1} < {w} else 0)",
                 c="({1} < {w} ? ({u})({0} >> {1}) : 0)",
                 rust="if {1} < {w} {{ {0} >> {1} }} else {{ 0 }}",
                 jax="jnp.where({1} < {w}, {0} >> ({1} & 63), 0)",
                 a64=("lsr {d}, {0}, {1}", "cmp {1}, #{w}", "csel {d}, {d}, xzr, lo")),
        Operator("uashr", (U, U), U, _ashr,
                 "(_signed({0}, {w}) >> min({1}, {w} - 1) & {m})",
                 c="({u})(({s}){0} >> ({1} < {w} ? {1} : {w} - 1))",
                 rust="((({0} as {s}) >> ({1}.min({w} - 1))) as {u})",
                 jax="(_signed({0}, {w}) >> jnp.minimum({1}, {w} - 1) & {m})",
                 a64=("mov {u}, #{v}", "cmp {1}, {u}", "csel {u}, {1}, {u}, lo",
                      "lsl {t}, {0}, #{z}", "asr {t}, {t}, {u}", "lsr {d}, {t}, #{z}")),
        Operator("udiv", (U, U), U, _udiv, "({0} // {1} if {1} else {m})", 2,
                 c="({1} ? {0} / {1} : ({u})-1)", rust="{0}.checked_div({1}).unwrap_or({u}::MAX)",
                 a64=("udiv {d}, {0}, {1}", "cmp {1}, #0", "csinv {d}, {d}, xzr, ne")),
        Operator("urem", (U, U), U, _urem, "({0} % {1} if {1} else {0})", 2,
                 c="({1} ? {0} % {1} : {0})", rust="{0}.checked_rem({1}).unwrap_or({0})",
                 a64=("udiv {d}, {0}, {1}", "msub {d}, {d}, {1}, {0}")),
        Operator("uclz", (U,), U, _clz, "_clz({0}, {w})", c="_clz({0}, {w})",
                 rust="({0}.leading_zeros() as {u})", a64=("clz {d}, {0}", "sub {d}, {d}, #{z}")),
        Operator("urbit", (U,), U, partial(_reverse, swaps=_SWAPS), "_rbit({0}, {w})", 2,
                 c="({u})_rbit({0}, {w})", rust="{0}.reverse_bits()",
                 a64=("rbit {d}, {0}", "lsr {d}, {d}, #{z}")),
        Operator("urev", (U,), U, partial(_reverse, swaps=_SWAPS[3:]), "_rev({0}, {w})", 2,
                 c="({u})(_rbit(_swap({0}), {w}))", rust="{0}.swap_bytes()",
                 a64=("rev {d}, {0}", "lsr {d}, {d}, #{z}")),
        compare("ult", plain(np.less), infix % "<", infix % "<", infix % "<", "lo"),
        compare("ule", plain(np.less_equal), infix % "<=", infix % "<=", infix % "<=", "ls"),
        compare("ueq", plain(np.equal), infix % "==", infix % "==", infix % "==", "eq", True),
        ordered("uslt", "<", np.less, "lt"),
        ordered("usle", "<=", np.less_equal, "le"),
    ]  # fmt: skip
