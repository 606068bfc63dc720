"""Where restarts begin: a general prior, and a bank of programs found before.

Programs of a bank are kept in terms that hold in every problem: registers by role (argument 1,
constant 10, element, accumulator 0, slot 2 before the end ...).  A restart that starts from one
has its choices as a bias of the logits, so training goes on from there: what was learned for one
problem is transferred to the next as an initialisation and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ncpu.files import write_json
from ncpu.synth.errors import LibraryError
from ncpu.synth.gradient import candidate as c
from ncpu.synth.gradient.candidate import Candidate, Choice, Layout, zeros
from ncpu.synth.gradient.forms import FORMS, NAMES

VERSION = 1
BIAS = 4.0  # added to the logits of a bank program's choices
_SHARE = 0.5  # of restarts that start from the bank, where it has something
_MOST = 256  # programs kept, the latest


def prior(layout: Layout, values: Sequence[int]) -> Candidate:
    """Logits for any problem: near results are read, common constants are likelier.

    Args:
      layout: how many slots.
      values: of the constant registers, likeliest first.
    """
    out = zeros(layout)
    rank = np.arange(c.CONSTANTS, dtype=np.float32)
    constants = slice(c.ARGUMENTS, c.STREAM)
    out.operand[..., constants] -= 1 + rank / 8
    for slot in range(1, layout.slots):
        out.operand[slot, :, c.TEMPORARY + slot - 1] += 1
    if layout.body:
        out.operand[: layout.body, :, c.ACCUMULATOR : c.TEMPORARY] += 1
        out.start[:, constants] -= rank / 4
        out.step[:, constants] -= 3
        out.step[0, c.TEMPORARY + layout.body - 1] += 2
        out.step[1, c.TEMPORARY : c.TEMPORARY + layout.body] += 1
    return out


def _role(register: int, values: Sequence[int], layout: Layout) -> str:
    if c.ARGUMENTS <= register < c.STREAM:
        return f"constant {values[register - c.ARGUMENTS]}"
    if register < c.TEMPORARY + layout.body:
        return f"register {register}"
    return f"finish {register - c.TEMPORARY - layout.body}"


def _register(role: str, values: Sequence[int], layout: Layout) -> int | None:
    kind, _, number = role.partition(" ")
    if kind == "constant":
        known = list(values[: c.CONSTANTS])
        return c.ARGUMENTS + known.index(int(number)) if int(number) in known else None
    if kind == "finish":
        place = c.TEMPORARY + layout.body + int(number)
        return place if place < layout.registers else None
    return int(number)


@dataclass
class Bank:
    """Programs found, and starts made of them.

    Attributes:
      programs: as JSON, the latest last.
    """

    programs: list[dict[str, Any]] = field(default_factory=list)

    def add(self, choice: Choice, layout: Layout, frame: str, values: Sequence[int]) -> None:
        """Keeps a program (NumPy integers)."""

        def roles(array: np.ndarray) -> Any:
            if array.ndim:
                return [roles(row) for row in array]
            return _role(int(array), values, layout)

        entry = {
            "frame": frame,
            "body": layout.body,
            "finish": layout.finish,
            "form": [NAMES[k] for k in np.asarray(choice.form)],
            "operand": roles(np.asarray(choice.operand)),
            "start": roles(np.asarray(choice.start)),
            "step": roles(np.asarray(choice.step)),
        }
        if entry not in self.programs:
            self.programs = [*self.programs, entry][-_MOST:]

    def starts(
        self, layout: Layout, frame: str, values: Sequence[int], count: int, key: int
    ) -> Candidate:
        """Logits of `count` restarts, `f32[count, ...]`: the prior, some biased by programs."""
        base = prior(layout, values)
        fitting = [
            p for p in self.programs
            if (p["frame"] == frame or layout.body == 0 == p["body"])
            and p["body"] <= layout.body and p["finish"] <= layout.finish
        ]  # fmt: skip
        out = jax.tree.map(lambda x: np.repeat(x[None], count, 0), base)
        rng = np.random.default_rng(key)
        for restart in range(int(count * _SHARE) if fitting else 0):
            _bias(out, restart, fitting[rng.integers(len(fitting))], values, layout)
        return out

    def save(self, path: Path) -> None:
        """Writes JSON, to a temporary name first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"version": VERSION, "programs": self.programs}, indent=None)

    @classmethod
    def load(cls, path: Path) -> Bank:
        """Reads what `save` wrote.

        Raises:
          LibraryError: no such file, not a bank, or of another version.
        """
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise LibraryError(f"{path} is not a restart bank: {error}") from error
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise LibraryError(f"{path}: a restart bank of version {VERSION} is accepted")
        programs = data.get("programs")
        if not isinstance(programs, list) or not all(map(_well_formed, programs)):
            raise LibraryError(f"{path}: its programs are not those of a restart bank")
        return cls(programs)


def _well_formed(program: Any) -> bool:
    fields = {"frame", "body", "finish", "form", "operand", "start", "step"}
    return (
        isinstance(program, dict)
        and set(program) == fields
        and all(name in NAMES for name in program["form"])
        and len(program["form"]) == len(program["operand"]) == program["body"] + program["finish"]
    )


def _bias(
    out: Candidate, restart: int, program: dict[str, Any], values: Sequence[int], layout: Layout
) -> None:
    """Adds a program's choices to one restart's logits; slots keep their place in their part."""

    def add(logits: np.ndarray, role: str) -> None:
        register = _register(role, values, layout)
        if register is not None:
            logits[register] += BIAS

    for k, name in enumerate(program["form"]):
        slot = k if k < program["body"] else k - program["body"] + layout.body
        out.form[restart, slot, NAMES.index(name)] += BIAS
        for n in range(FORMS[NAMES.index(name)].operands):
            add(out.operand[restart, slot, n], program["operand"][k][n])
    for k in range(c.ACCUMULATORS):
        add(out.start[restart, k], program["start"][k])
        add(out.step[restart, k], program["step"][k])
