"""Operators that are loops written short, as the loops they stand for."""

from __future__ import annotations

from collections.abc import Callable

from ncpu.synth.expression import Expr, call, const, local, loop, substitute, walk
from ncpu.synth.types import Kind

_R0, _R1 = local("r0_0"), local("r1_0")
_ZERO, _ONE = const(0, Kind.I), const(1, Kind.I)
_MOST = const(100_000, Kind.I)


def _gcd(a: Expr, b: Expr) -> Expr:
    """Euclid's algorithm."""
    running = call("not", call("eq", _R1, _ZERO))
    step = call("mod", _R0, _R1)
    found = loop("while", running, call("abs", a), call("abs", b), _R1, step, registers=2)
    return call("abs", found)


def _pow(a: Expr, b: Expr) -> Expr:
    """Repeated multiplication; the base is a register, so that it is evaluated outside."""
    product = call("mul", _R0, _R1)
    return loop("repeat", call("min", b, _MOST), _ONE, a, product, _R1, registers=2)


DEFINITIONS: dict[str, Callable[..., Expr]] = {"gcd": _gcd, "pow": _pow}


def lowered(expr: Expr) -> Expr:
    """The same program without defined operators, for languages that have no word for them."""
    for node in list(walk(expr)):
        if node.op in DEFINITIONS:
            operands = (lowered(a) for a in node.args)
            return lowered(substitute(expr, {node: DEFINITIONS[node.op](*operands)}))
    return expr
