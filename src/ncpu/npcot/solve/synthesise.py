"""A proposer without a model: `ncpu.synth` on a task's visible examples, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ncpu.npcot.solve.propose import Request
from ncpu.npcot.solve.task import Case

_ADAPTED = """\
{source}

def {name}(*arguments):
    found = {inner}(*[tuple(v) if isinstance(v, list) else v for v in arguments])
    return list(found) if isinstance(found, tuple) and {gives_list} else found
"""


@dataclass
class SynthesisProposer:
    """Programs that the portfolio finds for the examples, the likeliest first.

    Tasks whose examples are not of its kinds (integers, truth values, strings, lists of integers,
    pairs and fours) get no candidate.

    Attributes:
      seconds: wall time of each search.
    """

    seconds: float = 5.0
    calls: int = field(default=0, init=False)

    def propose(self, request: Request) -> list[str]:
        """See `Proposer`; programs that differ somewhere follow the likeliest."""
        from ncpu.synth.errors import SynthError
        from ncpu.synth.portfolio import ProgramSynthesizer
        from ncpu.synth.spec import Budget, SynthesisSpec

        self.calls += 1
        task = request.task
        try:
            spec = SynthesisSpec(tuple(map(_example, task.visible)))
        except SynthError:
            return []
        budget = Budget(seconds=self.seconds, seed=request.seed)
        result = ProgramSynthesizer(budget=budget).synthesize(spec)
        found = [result.solution, *result.rivals] if result.solved else []
        gives_list = isinstance(task.visible[0].expected, list)
        sources = (
            _source(solution, task.entry_point, gives_list) for solution in found if solution
        )
        return list(dict.fromkeys(sources))[: request.count]


def _example(case: Case) -> tuple[tuple[Any, ...], Any]:
    return case.args, case.expected


def _source(solution: Any, name: str, gives_list: bool) -> str:
    from ncpu.synth.codegen_python import emit

    inner = f"_{name}"
    source = emit(solution.program, solution.signature, inner)
    return _ADAPTED.format(source=source.rstrip(), name=name, inner=inner, gives_list=gives_list)
