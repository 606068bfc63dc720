"""What a search can do next: forms with operands chosen among the values it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ncpu.machine.instr import Unit
from ncpu.synth.optimize.forms import Form


@dataclass(frozen=True)
class Step:
    """One instruction of a sequence: its form and which values it works on."""

    form: Form
    slots: tuple[int, ...]


@dataclass
class Actions:
    """Forms with operands chosen among the values of a node, one unit after the other."""

    steps: list[Step]
    packed: np.ndarray  # u32[A, 8]
    slots: np.ndarray  # i32[A, 3]
    traits: np.ndarray  # bool[A, 3]
    units: list[tuple[Unit, int, int]]  # (unit, first, end)


def choices(form: Form, width: int, newest: int) -> Iterator[tuple[int, ...]]:
    """Operand tuples of a form among `width` values that use one from `newest` on."""
    for slots in np.ndindex(*(width,) * form.operands):
        if form.commutes and slots[0] > slots[1]:
            continue
        if newest and not form.reads_flags and not any(s >= newest for s in slots):
            continue
        yield slots


def choice_count(form: Form, width: int, newest: int) -> float:
    """About how many `choices` there are, without making them."""
    every = float(width**form.operands)
    if newest and not form.reads_flags:
        every -= float(newest**form.operands)
    return (every + width) / 2 if form.commutes else every


def actions_of(forms: Sequence[Form], width: int, newest: int) -> Actions:
    """The actions on `width` values that use one from `newest` on.

    Args:
      forms: sorted by unit.
      width: values there are.
      newest: see `choices`.
    """
    steps = [Step(f, s) for f in forms for s in choices(f, width, newest)]
    slots = np.full((len(steps), 3), -1, np.int32)
    for row, step in zip(slots, steps, strict=True):
        row[: len(step.slots)] = step.slots
    units, first = [], 0
    for k in range(1, len(steps) + 1):
        if k == len(steps) or steps[k].form.unit != steps[first].form.unit:
            units.append((steps[first].form.unit, first, k))
            first = k
    traits = [(s.form.valued, s.form.sets_flags, s.form.reads_flags) for s in steps]
    packed = np.array([s.form.packed for s in steps], np.uint32).reshape(-1, 8)
    return Actions(steps, packed, slots, np.array(traits, bool).reshape(-1, 3), units)
