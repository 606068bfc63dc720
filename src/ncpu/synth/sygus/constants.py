"""Values for a grammar's `(Constant S)`."""

from __future__ import annotations

from ncpu.synth.errors import SpecError
from ncpu.synth.mine import leaves
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.sygus.problem import Task
from ncpu.synth.sygus.term import walk
from ncpu.synth.sygus.theory import INT, STRING, Sort
from ncpu.synth.types import Kind, Value


def constants(task: Task) -> dict[Sort, list[Value]]:
    """Values for `(Constant S)`: those of the constraints, and those that examples suggest."""
    found: dict[Sort, list[Value]] = {INT: [0, 1, -1, 2], STRING: ["", " "]}
    for sort in task.grammar.sorts.values():
        if sort.width:
            top = 1 << sort.width
            found[sort] = [v for v in (0, 1, 2, top - 1, top >> 1, sort.width - 1) if v < top]
    if task.examples is None:
        terms = [t for c in task.constraints for t in walk(c)]
        terms += [t for d in task.functions.values() for t in walk(d.body)]
        for term in terms:
            if term.op == "const" and term.sort in found:
                found[term.sort].append(term.data)
    else:
        try:
            spec: SynthesisSpec = task.spec
        except SpecError:
            return found
        for kind, sort in ((Kind.I, INT), (Kind.S, STRING)):
            if kind in spec.signature.kinds or Kind.S in spec.signature.kinds:
                found[sort] += [e.data for e in leaves(spec, kind)]
        for sort in found:
            if sort.width == spec.signature.width:
                found[sort] += [e.data for e in leaves(spec, Kind.U)]
    return {sort: list(dict.fromkeys(values)) for sort, values in found.items()}
