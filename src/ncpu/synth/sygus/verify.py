"""Whether a program satisfies a task for all values of its variables, and where it does not."""

from __future__ import annotations

from typing import Any

from ncpu.synth.errors import ProofError
from ncpu.synth.sygus.points import Group, assigned, right
from ncpu.synth.sygus.problem import Task, python_value
from ncpu.synth.sygus.reader import unescaped
from ncpu.synth.sygus.term import Term, symbol
from ncpu.synth.types import Value


def script(task: Task, body: Term) -> str:
    """SMT-LIB text that is satisfiable exactly where the program breaks a constraint."""
    lines = [str(d) for d in task.functions.values()]
    lines.append(task.define_fun(body))
    lines += [f"(declare-const {symbol(n)} {sort})" for n, sort in task.variables.items()]
    lines.append(f"(assert (not (and true {' '.join(map(str, task.constraints))})))")
    return "\n".join(lines)


def counterexample(task: Task, body: Term, seconds: float) -> Group | bool:
    """What a program gets wrong.

    Args:
      task: what is asked.
      body: the program.
      seconds: limit of the solver.

    Returns:
      False if it is proved right; a group it does not satisfy; True if it is not right, or not
      shown to be, without a group that the search can learn from.

    Raises:
      ProofError: z3 is not installed.
    """
    try:
        import z3
    except ImportError as error:
        raise ProofError("constraints over variables need z3: pip install z3-solver") from error
    solver = z3.Solver()
    solver.set("timeout", max(1, int(1000 * seconds)))
    try:
        solver.from_string(script(task, body))
        answer = solver.check()
    except z3.Z3Exception:
        return True
    if answer == z3.unsat:
        return False
    if answer != z3.sat:
        return True
    model = {str(d): solver.model()[d] for d in solver.model().decls() if d.arity() == 0}
    found = {n: _value(model.get(n), sort) for n, sort in task.variables.items()}
    try:
        made = assigned(task, found)
    except ValueError:
        return True
    return True if right(task, body, [made])[0] else made


def _value(found: Any, sort: Any) -> Value:
    import z3

    if found is None:  # any will do
        return {"Bool": False, "String": ""}.get(sort.name, 0)
    if z3.is_string_value(found):
        return unescaped(found.as_string())
    if sort.name == "Bool":
        return bool(z3.is_true(found))
    return python_value(found.as_long(), sort)
