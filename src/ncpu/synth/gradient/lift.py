"""From a chosen program back to an expression, so that it joins the portfolio's other programs."""

from __future__ import annotations

from collections.abc import Sequence

from ncpu.synth.expression import Expr, arg, call, const, local, loop
from ncpu.synth.gradient import candidate as c
from ncpu.synth.gradient.candidate import Choice, Layout
from ncpu.synth.gradient.code import live
from ncpu.synth.gradient.forms import FORMS
from ncpu.synth.gradient.frames import Frame
from ncpu.synth.types import Kind, Signature

_ZERO, _ONE = const(0, Kind.I), const(1, Kind.I)


def _if(test: Expr, yes: Expr = _ONE, no: Expr = _ZERO) -> Expr:
    return call("ite_i", test, yes, no)


_LIFTS = {
    "madd": lambda a, b, x: call("add", call("mul", a, b), x),
    "sdiv": lambda a, b: call("quot", a, b),
    "srem": lambda a, b: call("rem", a, b),
    "and": lambda a, b: call("iand", a, b),
    "orr": lambda a, b: call("ior", a, b),
    "eor": lambda a, b: call("ixor", a, b),
    "lt": lambda a, b: _if(call("lt", a, b)),
    "le": lambda a, b: _if(call("le", a, b)),
    "eq": lambda a, b: _if(call("eq", a, b)),
    "inc_lt": lambda a, b, x: call("add", x, _if(call("lt", a, b))),
    "inc_eq": lambda a, b, x: call("add", x, _if(call("eq", a, b))),
    "select": lambda a, b, x: _if(call("eq", a, _ZERO), x, b),
}


def _apply(name: str, operands: Sequence[Expr]) -> Expr:
    return _LIFTS[name](*operands) if name in _LIFTS else call(name, *operands)


def lift(
    choice: Choice, layout: Layout, frame: Frame, signature: Signature, values: Sequence[int]
) -> Expr | None:
    """The program as an expression; None for loops that `repeat` does not say.

    Straight-line code, and the frames that count.  A result register of a truth value is
    compared with zero.
    """
    if Kind.U in signature.kinds or Kind.S in signature.arguments:
        return None
    if frame.loops and (frame.until is not None or frame.name in ("digits", "bits")):
        return None
    known: dict[int, Expr] = {}
    for place, kind in enumerate(signature.arguments):
        given = arg(place, kind)
        known[place] = call("len", given) if kind is Kind.A else given
        if kind is Kind.B:
            known[place] = _if(given)
    known |= {c.ARGUMENTS + k: const(v, Kind.I) for k, v in enumerate(values[: c.CONSTANTS])}
    slots, sums = live(choice, layout, frame.loops, False)

    def compute(first: int, last: int, known: dict[int, Expr]) -> None:
        for slot in range(first, last):
            if slot in slots:
                form = FORMS[int(choice.form[slot])]
                read = [int(x) for x in choice.operand[slot][: form.operands]]
                if any(x not in known for x in read):
                    raise KeyError
                known[c.TEMPORARY + slot] = _apply(form.name, [known[x] for x in read])

    try:
        if frame.loops:
            known |= _loop(choice, layout, frame, signature, known, sorted(sums), compute)
        compute(layout.body, layout.slots, known)
        result = known[int(choice.result)]
    except KeyError:  # a register of the loop other than an accumulator is read after it
        return None
    return call("not", call("eq", result, _ZERO)) if signature.result is Kind.B else result


def _loop(choice, layout, frame, signature, known, sums, compute) -> dict[int, Expr]:
    """The accumulators after the loop."""
    inner = dict(known)
    i = local("i0")
    if frame.name == "count":
        inner[c.STREAM] = call("add", i, _ONE)
        count = arg(int(frame.turn.split(", x")[1].split("\n")[0]), Kind.I)
    else:
        inner[c.STREAM] = i
        arrays = [arg(p, k) for p, k in enumerate(signature.arguments) if k is Kind.A]
        for place, array in enumerate(arrays[: 2 if frame.name == "pairs" else 1]):
            inner[c.STREAM + 1 + place] = call("get", array, i)
        lengths = [call("len", array) for array in arrays]
        count = lengths[0]
        if frame.name == "pairs":
            count = call("min", *lengths)
    inner |= {c.ACCUMULATOR + k: local(f"r{n}_0") for n, k in enumerate(sums)}
    compute(0, layout.body, inner)
    inits = [known[int(choice.start[k])] for k in sums]
    steps = [inner[int(choice.step[k])] for k in sums]
    return {
        c.ACCUMULATOR + k: loop("repeat", count, *inits, *steps, registers=len(sums), result=n)
        for n, k in enumerate(sums)
    }
