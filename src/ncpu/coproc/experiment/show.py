"""What the coprocessor does to one sentence, token by token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ncpu.coproc.experiment.decode import continuations, observations
from ncpu.coproc.experiment.model import TextDecoder
from ncpu.coproc.experiment.problems import OPS
from ncpu.coproc.experiment.text import Line
from ncpu.coproc.read import Role


@dataclass(frozen=True)
class Sentence:
    """A prompt, its continuation, and what was read at each character of both.

    Attributes:
      text: ends with the line feed.
      answer: what the model wrote of it.
      role: `i32[len(text)]`, see `Role`.
      a, b: `u32[len(text)]`, the registers after each character.
      op: `i32[len(text)]`, `len(OPS)` more where operands are exchanged, -1 for none.
      gate: `f32[len(text)]`.
    """

    text: str
    answer: str
    role: np.ndarray
    a: np.ndarray
    b: np.ndarray
    op: np.ndarray
    gate: np.ndarray


def sentence(model: TextDecoder, prompt: str) -> Sentence:
    """Continue a prompt and look at what the expert made of it."""
    answer = continuations(model, [prompt])[0]
    text = prompt + answer + "\n"
    seen = observations(model, [Line(text, (Role.OTHER,) * len(text), None, "")])
    part = slice(1, len(text) + 1)
    role, a, b, op, gate = (x[0, part] for x in (seen.role, seen.a, seen.b, seen.op, seen.gate))
    return Sentence(text, answer, role, a, b, op, gate)


def table(model: TextDecoder, prompt: str) -> Any:
    """`sentence` as a rich table."""
    from rich.table import Table

    found = sentence(model, prompt)
    out = Table("character", "role", "A", "op", "B", "gate", title=repr(found.text))
    for at, character in enumerate(found.text):
        op = int(found.op[at])
        name = "" if op < 0 else OPS[op % len(OPS)] + (", exchanged" if op >= len(OPS) else "")
        gate = found.gate[at]
        out.add_row(
            repr(character)[1:-1],
            Role(int(found.role[at])).name.lower().replace("_", " "),
            str(found.a[at]),
            name,
            str(found.b[at]),
            f"{gate:.3f}" if gate else "0",
        )
    return out
