"""SyGuS-IF, version 2: tasks read, solved within their grammar, and written.

from ncpu.synth import sygus
task = sygus.load(Path("max2.sl"))
print(sygus.solve(task).text)
"""

from __future__ import annotations

from pathlib import Path

from ncpu.synth.errors import SpecError
from ncpu.synth.sygus.answer import Answer, evaluated
from ncpu.synth.sygus.bridge import define_fun
from ncpu.synth.sygus.commands import parse
from ncpu.synth.sygus.problem import Task
from ncpu.synth.sygus.solve import recalled, solve

__all__ = ["Answer", "Task", "define_fun", "evaluated", "load", "parse", "recalled", "solve"]


def load(path: Path) -> Task:
    """The task of a file.

    Raises:
      SpecError: it cannot be read.
      SourceError: it does not parse; says where.
    """
    try:
        return parse(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: {error}") from error
