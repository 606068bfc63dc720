"""Arrays that are only looped over, removed: for languages in which a program reads arrays only.

A fold over `map` or `filter` becomes a fold over their source, and operators that look at every
element (`total`, `largest`, `index`, the length of a filter, ...) become folds.
"""

from __future__ import annotations

from ncpu.synth.expression import LOOPS, Expr, call, const, local, loop, substitute, walk
from ncpu.synth.types import Kind

_DEPTH = 9  # of the loops made here, which hold no other loop
_ACC, _X, _I = (local(f"{name}{_DEPTH}") for name in ("acc", "x", "i"))
_ZERO, _ONE = const(0, Kind.I), const(1, Kind.I)
_SCALARS = (Kind.I, Kind.U, Kind.B)


def _folded(source: Expr, start: Expr, step: Expr) -> Expr:
    return loop("fold", source, start, step, depth=_DEPTH)


def _extreme(source: Expr, op: str) -> Expr:
    first = call("eq", _I, _ZERO)
    return _folded(source, _ZERO, call("ite_i", first, _X, call(op, _ACC, _X)))


def _whole(node: Expr) -> Expr | None:
    """An operator over all elements as a fold."""
    source = node.args[0] if node.args else None
    if source is None or source.kind is not Kind.A:
        return None
    if node.op == "total":
        return _folded(source, _ZERO, call("add", _ACC, _X))
    if node.op == "largest":
        return _extreme(source, "max")
    if node.op == "smallest":
        return _extreme(source, "min")
    if node.op == "index":
        found = call("and", call("eq", _X, node.args[1]), call("lt", _ACC, _ZERO))
        return _folded(source, const(-1, Kind.I), call("ite_i", found, _I, _ACC))
    if node.op == "take":
        return call("slice", source, _ZERO, node.args[1])
    if node.op == "drop":
        return call("slice", source, node.args[1], call("len", source))
    if node.op == "len" and source.op == "map":
        return call("len", source.args[0])
    if node.op == "len" and source.op in ("filter", "digits", "bits", "range", "slice"):
        return _folded(source, _ZERO, call("add", _ACC, _ONE))
    return None


def _renamed(body: Expr, old: int, new: int) -> Expr:
    """A loop's body with the locals of another depth."""
    names = {local(f"{n}{old}"): local(f"{n}{new}") for n in ("x", "i")}
    return substitute(body, names) if old != new else body


def _fold(node: Expr) -> Expr | None:
    """A fold over `map` or `filter`, without the array between."""
    source, start, step = node.args
    depth = node.data[0]
    if source.op not in ("map", "filter"):
        return None
    body = _renamed(source.args[1], source.data[0], depth)
    if source.op == "map":
        new = substitute(step, {local(f"x{depth}"): body})
    else:
        counts = any(n.op == "local" and n.data == f"i{depth}" for n in walk(step))
        if counts or node.kind not in _SCALARS:
            return None
        acc = local(f"acc{depth}", node.kind)
        new = call(f"ite_{node.kind}".lower(), body, step, acc)
    return loop("fold", source.args[0], start, new, depth=depth)


def _rebuilt(node: Expr, args: tuple[Expr, ...]) -> Expr:
    if not args:
        return node
    if node.op in LOOPS:
        depth, registers, result = node.data
        return loop(node.op, *args, depth=depth, registers=registers, result=result)
    return call(node.op, *args)


def fused(expr: Expr) -> Expr:
    """The same program with as few arrays made as these rules allow."""
    done: dict[Expr, Expr] = {}
    for node in walk(expr):
        made = _rebuilt(node, tuple(done[a] for a in node.args))
        while True:
            new = _fold(made) if made.op == "fold" else _whole(made)
            if new is None:
                break
            made = new
        done[node] = made
    return done[expr]
