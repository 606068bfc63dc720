"""z3 in a process of its own: a time limit that holds, the same starting state each time."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_CHILD = """
import json, sys, z3
solver = z3.Solver()
solver.from_string(sys.stdin.read())
answer = solver.check()
model = solver.model() if answer == z3.sat else []
values = {str(d): model[d].as_long() for d in model if z3.is_int_value(model[d])}
print(json.dumps([str(answer), values]))
"""


def check(assertions: list[Any], seconds: float) -> tuple[str, dict[str, int]]:
    """Whether z3 terms can hold together: "sat" (with integers of a model), "unsat", "unknown"."""
    import z3

    solver = z3.Solver()
    solver.add(*assertions)
    command = [sys.executable, "-I", "-c", _CHILD]
    try:
        done = subprocess.run(
            command, input=solver.to_smt2(), capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return "unknown", {}
    if done.returncode:
        return "unknown", {}
    answer, values = json.loads(done.stdout.splitlines()[-1])
    return answer, values
