"""Frames: the fixed control flow around a candidate's slots, written once as A64.

A frame is assembly with a place for the body and for what comes after.  The machine runs it with a
body that writes the streamed registers to memory; so the streams that the soft mode is given come
from the very code that the finished program consists of.
"""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.synth.types import Kind, Signature

INDEX, ELEMENT, SECOND = "x9", "x10", "x11"
RECORD = "x15"  # where the recording body writes


@dataclass(frozen=True)
class Frame:
    """Control flow with room for slots.

    Attributes:
      name: in reports and banks.
      start: before the loop; empty for straight-line code.
      turn: at the beginning of each round; branches to `out`.
      streams: which of index, element and second element it gives.
      until: the value of the first accumulator that ends the loop; None where the frame counts.
    """

    name: str
    start: str = ""
    turn: str = ""
    streams: tuple[bool, bool, bool] = (False, False, False)
    until: int | None = None

    @property
    def loops(self) -> bool:
        """Whether there is a loop."""
        return bool(self.turn)

    def source(self, head: str, body: str, tail: str) -> str:
        """The whole program: constants and starts, the loop around `body`, the rest."""
        if not self.loops:
            return f"{head}\n{tail}\n"
        return (
            f"{head}\n{self.start}\nmov {INDEX}, #0\nagain:\n{self.turn}\n{body}\n"
            f"b again\nout:\n{tail}\n"
        )


STRAIGHT = Frame("straight")


def arguments(signature: Signature) -> list[tuple[Kind, str, str]]:
    """(kind, register, second register) of each argument: arrays and strings are an address and
    a length, everything else is one register."""
    out, place = [], 0
    for kind in signature.arguments:
        wide = kind in (Kind.A, Kind.S)
        out.append((kind, f"x{place}", f"x{place + 1}" if wide else ""))
        place += 2 if wide else 1
    return out


def _counted(register: str) -> Frame:
    turn = f"cmp {INDEX}, {register}\nb.ge out\nadd {INDEX}, {INDEX}, #1"
    return Frame("count", "", turn, (True, False, False))


def _digits(register: str, base: int, name: str) -> Frame:
    turn = (
        f"cbz x12, out\nadd {INDEX}, {INDEX}, #1\nmov x13, #{base}\nsdiv x14, x12, x13\n"
        f"msub {ELEMENT}, x14, x13, x12\nmov x12, x14"
    )
    return Frame(name, f"mov x12, {register}", turn, (True, True, False))


def _elements(kind: Kind, address: str, length: str) -> Frame:
    load = f"ldr {ELEMENT}, [x12], #8" if kind is Kind.A else f"ldrb w{ELEMENT[1:]}, [x12], #1"
    turn = f"cbz x13, out\nsub x13, x13, #1\nadd x14, x14, #1\nmov {INDEX}, x14\n{load}"
    start = f"mov x12, {address}\nmov x13, {length}\nmov x14, #-1"
    return Frame("elements", start, turn, (True, True, False))


def _pairs(first: tuple[Kind, str, str], second: tuple[Kind, str, str]) -> Frame:
    turn = (
        f"cbz x13, out\nsub x13, x13, #1\nadd x14, x14, #1\nmov {INDEX}, x14\n"
        f"lsl x8, {INDEX}, #3\nldr {ELEMENT}, [{first[1]}, x8]\nldr {SECOND}, [{second[1]}, x8]"
    )
    start = f"cmp {first[2]}, {second[2]}\ncsel x13, {first[2]}, {second[2]}, lt\nmov x14, #-1"
    return Frame("pairs", start, turn, (True, True, True))


def _until(value: int) -> Frame:
    turn = f"cmp x16, #{value}\nb.eq out\nadd {INDEX}, {INDEX}, #1"
    return Frame(f"until {value}", "", turn, (True, False, False), value)


def frames_of(signature: Signature) -> list[Frame]:
    """Every frame that arguments of these kinds allow."""
    given = arguments(signature)
    sequences = [a for a in given if a[0] in (Kind.A, Kind.S)]
    if len(sequences) == 2 and all(a[0] is Kind.A for a in sequences):
        return [_pairs(*sequences)]
    if sequences:
        return [_elements(*sequences[0])]
    scalars = [a[1] for a in given if a[0] in (Kind.I, Kind.U)]
    out = [STRAIGHT]
    out += [_counted(register) for register in reversed(scalars)]
    out += [_until(value) for value in (0, 1)]
    if scalars:
        out += [_digits(scalars[0], 10, "digits"), _digits(scalars[0], 2, "bits")]
    return out
