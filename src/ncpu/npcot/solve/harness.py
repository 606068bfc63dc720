"""What runs inside the sandbox around a candidate, and the encoding of values; only stdlib.

It reads a JSON object (`source`, `entry`, `calls`: encoded argument lists) and writes one line for
each call: the encoded result, or the name of the exception.  Expected values are not sent here.
"""

# ruff: noqa: D103  - the text below is sent to another interpreter as it stands

import json
import sys

_PLAIN = (type(None), bool, int, str)
_ITERABLE = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}


def encode(value):
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return {"float": value.hex()}
    if kind is complex:
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind is dict:
        return {"dict": [[encode(k), encode(v)] for k, v in value.items()]}
    if kind.__name__ in _ITERABLE and kind is _ITERABLE[kind.__name__]:
        return {kind.__name__: [encode(v) for v in value]}
    raise TypeError("no literal: " + kind.__name__)


def decode(value):
    if type(value) in _PLAIN:
        return value
    ((kind, inside),) = value.items()
    if kind == "float":
        return float.fromhex(inside)
    if kind == "complex":
        return complex(*map(float.fromhex, inside))
    if kind == "bytes":
        return bytes.fromhex(inside)
    if kind == "dict":
        return {decode(k): decode(v) for k, v in inside}
    return _ITERABLE[kind](decode(v) for v in inside)


def main():
    import io
    import os

    order = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w")
    sys.stdout, sys.stdin = io.StringIO(), io.StringIO()
    space: dict = {"__name__": "candidate"}
    try:
        exec(compile(order["source"], "<candidate>", "exec"), space)
        function = space[order["entry"]]
    except BaseException as error:
        print(json.dumps({"error": type(error).__name__}), file=answers, flush=True)
        return
    for call in order["calls"]:
        try:
            line = json.dumps({"value": encode(function(*map(decode, call)))})
        except BaseException as error:
            line = json.dumps({"error": type(error).__name__})
        print(line, file=answers, flush=True)


if __name__ == "__main__":
    main()
