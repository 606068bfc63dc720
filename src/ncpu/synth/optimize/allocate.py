"""Registers for a found sequence: results go where they are wanted, nothing live is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ncpu.synth.optimize.actions import Step


@dataclass(frozen=True)
class Place:
    """The registers around a piece of code.

    Attributes:
      inputs: the register of each given value, in the order of the slots.
      outputs: register to the slot that has to be in it at the end; a register of an input
        that must keep it is an output too.
      free: registers that the code may change.
    """

    inputs: tuple[int, ...]
    outputs: Mapping[int, int]
    free: tuple[int, ...]


MOST_MOVES = 3


def allocate(steps: Sequence[Step], place: Place) -> list[str] | None:
    """The code of a sequence with the fewest moves; None where the registers do not suffice."""
    start = {row: slot for slot, row in enumerate(place.inputs)}
    for moves in range(MOST_MOVES + 1):
        for code in _from(0, start, steps, place, moves):
            return code
    return None


def _from(
    k: int, held: dict[int, int], steps: Sequence[Step], place: Place, moves: int
) -> Iterator[list[str]]:
    """Code for steps k, k + 1, ... with exactly `moves` moves in it; `held` is row to slot."""
    if k == len(steps):
        if all(held.get(row) == slot for row, slot in place.outputs.items()):
            if moves == 0:
                yield []
            return
    else:
        yield from _placed(k, held, steps, place, moves)
    if moves:
        yield from _moved(k, held, steps, place, moves)


def _placed(
    k: int, held: dict[int, int], steps: Sequence[Step], place: Place, moves: int
) -> Iterator[list[str]]:
    step, slot = steps[k], len(place.inputs) + k
    rows = _rows(held, step.slots)
    if rows is None:
        return
    if not step.form.valued:
        for rest in _from(k + 1, held, steps, place, moves):
            yield [step.form.fill(0, rows), *rest]
        return
    for row in _destinations(k, slot, held, steps, place):
        if step.form.tied and held.get(row) != step.slots[-1]:
            continue
        for rest in _from(k + 1, {**held, row: slot}, steps, place, moves):
            yield [step.form.fill(row, rows), *rest]


def _rows(held: dict[int, int], slots: Sequence[int]) -> list[int] | None:
    where = {slot: row for row, slot in held.items()}
    return [where[s] for s in slots] if all(s in where for s in slots) else None


def _later(k: int, steps: Sequence[Step], place: Place) -> set[int]:
    """Slots that steps from k on, or the outputs, still need."""
    return {s for step in steps[k:] for s in step.slots} | set(place.outputs.values())


def _destinations(
    k: int, slot: int, held: dict[int, int], steps: Sequence[Step], place: Place
) -> list[int]:
    """Registers that step k may write: the one its result is wanted in comes first."""
    later = _later(k + 1, steps, place)
    wanted = [row for row, s in place.outputs.items() if s == slot]
    out = []
    for row in dict.fromkeys([*wanted, *place.free]):
        kept = held.get(row)
        copies = sum(s == kept for s in held.values())
        if kept is None or kept not in later or copies > 1:
            out.append(row)
    return out


def _moved(
    k: int, held: dict[int, int], steps: Sequence[Step], place: Place, moves: int
) -> Iterator[list[str]]:
    later = _later(k, steps, place)
    for source, slot in held.items():
        if slot not in later:
            continue
        for row in place.free:
            lost = held.get(row)
            copied = sum(s == lost for s in held.values()) > 1
            if row == source or lost == slot or (lost in later and not copied):
                continue
            for rest in _from(k, {**held, row: slot}, steps, place, moves - 1):
                yield [f"mov x{row}, x{source}", *rest]
