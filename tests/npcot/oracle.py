"""Array programs in Python integers, straight from the words of `program.py`."""

from __future__ import annotations

from ncpu.npcot.number import Format, exp_raw, log_raw
from ncpu.npcot.program import ArrayProgram


def run(program: ArrayProgram, x, y, fmt: Format) -> int:
    c, inf = program.choice, fmt.infinity
    takes = {
        "all": lambda a: True,
        "x>0": lambda a: a > 0,
        "x<0": lambda a: a < 0,
        "x!=0": lambda a: a != 0,
        "x even": lambda a: a % 2 == 0,
        "x odd": lambda a: a % 2 == 1,
    }[c.predicate]
    transform = {
        "x": lambda a, b: a,
        "x*x": lambda a, b: a * a,
        "|x|": lambda a, b: abs(a),
        "1": lambda a, b: 1,
        "[x>0]": lambda a, b: int(a > 0),
        "log|x|": lambda a, b: log_raw(a, fmt),
        "x*y": lambda a, b: a * b,
        "[x==y]": lambda a, b: int(a == b),
        "|x-y|": lambda a, b: abs(a - b),
    }[c.transform]
    shift = fmt.frac if c.log_scaled else 0
    acc = {"0": 0, "1": 1 << shift, "-inf": -inf, "inf": inf}[c.init]
    index, count = -1, 0
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        a, b = fmt.clamp(a), fmt.clamp(b)
        if not takes(a):
            continue
        count += 1
        t = fmt.clamp(transform(a, b))
        if c.reduce in ("sum", "product"):
            exact = acc + t if c.reduce == "sum" else acc * t >> shift
            if abs(acc) < inf:
                acc = t if abs(t) == inf else fmt.clamp(exact)
        else:
            better = max(acc, t) if "max" in c.reduce else min(acc, t)
            if better != acc and index < inf:
                index = fmt.clamp(i)
            if abs(t) == inf:
                index = inf
            acc = better
    value = index if c.reduce.startswith("arg") else acc
    if abs(value) == inf:
        return value
    fixed = value << (0 if c.acc_scaled else fmt.frac)
    if c.post in ("acc/len", "acc/count"):
        by = max(1, len(x) if c.post == "acc/len" else count)
        value = fmt.clamp(abs(fixed) // by * (1 if fixed >= 0 else -1))
    elif c.post == "exp(acc)":
        value = exp_raw(fixed, fmt)
    return value if abs(value) == inf else fmt.clamp(value + int(program.offset))
