"""Specifications in the shapes of the soft mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncpu.machine import memory as guest
from ncpu.machine import word
from ncpu.machine.asm import assemble
from ncpu.machine.batch import lane
from ncpu.synth import mine
from ncpu.synth.gradient import candidate as c
from ncpu.synth.gradient.candidate import Layout
from ncpu.synth.gradient.code import encoded, execute
from ncpu.synth.gradient.frames import ELEMENT, INDEX, RECORD, SECOND, Frame
from ncpu.synth.gradient.soft import Task
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import INT_MAX, INT_MIN, Kind

EXAMPLES, ROUNDS = 12, 16
_FEWEST = 5  # examples short enough to be run softly
_STRIDE = 8 * c.STREAMS
_RECORD = "\n".join(f"str {r}, [{RECORD}], #8" for r in (INDEX, ELEMENT, SECOND))


def supported(spec: SynthesisSpec) -> bool:
    """Whether arguments and result have a form in registers."""
    kinds = spec.signature.arguments
    texts = (v for e in spec.examples for v in e.arguments if isinstance(v, str))
    return (
        spec.signature.result in (Kind.I, Kind.U, Kind.B)
        and not {Kind.P, Kind.Q} & set(kinds)
        and len(kinds) <= c.ARGUMENTS
        and sum(2 if k in (Kind.A, Kind.S) else 1 for k in kinds) <= 6
        and (Kind.U not in spec.signature.kinds or spec.signature.width == 64)
        and all(t.isascii() for t in texts)
    )


def constants(spec: SynthesisSpec) -> list[int]:
    """Integers a slot may read, mined from the examples, likeliest first."""
    if Kind.U in spec.signature.kinds:
        found = mine.words(spec)
    elif Kind.S in spec.signature.arguments:
        texts = "".join(v for e in spec.examples for v in e.arguments if isinstance(v, str))
        common = sorted(set(texts), key=lambda ch: (-texts.count(ch), ch))
        found = [0, 1, 2, -1, *(ord(ch) for ch in common)]
    elif spec.signature.result is Kind.I:
        found = mine.integers(spec)
        if Kind.A in spec.signature.arguments:  # where a largest or smallest element starts
            found = [*found[:6], INT_MIN, INT_MAX, *found[6:]]
    else:
        found = [0, 1, 2, -1, 3, 10, *(v for v in spec.constants if isinstance(v, int))]
    return list(dict.fromkeys(int(v) for v in found))[: c.CONSTANTS]


@dataclass(frozen=True)
class Prepared:
    """A specification within one frame.

    Attributes:
      task: what the soft mode reads.
      constants: values of the constant registers.
    """

    task: Task
    constants: list[int]


def prepare(spec: SynthesisSpec, frame: Frame, layout: Layout) -> Prepared | None:
    """The examples as a task; None where too few of them are short enough to be run softly."""
    mined = constants(spec)
    inputs = [e.arguments for e in spec.examples]
    streams, rounds = recorded(spec, frame) if frame.loops else (None, np.zeros(len(inputs), int))
    order = [k for k in np.argsort(rounds, kind="stable") if rounds[k] <= ROUNDS][:EXAMPLES]
    if len(order) < min(_FEWEST, len(inputs)):
        return None
    fixed = np.zeros((c.STREAM, EXAMPLES), np.uint64)
    wanted, weight = np.zeros(EXAMPLES, np.uint64), np.zeros(EXAMPLES, np.float32)
    turns = np.zeros((ROUNDS if frame.loops else 0, c.STREAMS, EXAMPLES), np.uint64)
    counts = np.zeros(EXAMPLES, np.int32)
    for place, k in enumerate(order):
        for number, value in enumerate(inputs[k]):
            known = len(value) if isinstance(value, str | tuple) else value
            fixed[number, place] = encoded(known)
        fixed[c.ARGUMENTS : c.ARGUMENTS + len(mined), place] = [encoded(v) for v in mined]
        result = spec.examples[k].result
        assert isinstance(result, int)
        wanted[place], weight[place], counts[place] = encoded(result), 1, rounds[k]
        if streams is not None:
            turns[..., place] = streams[k]
    valid = np.zeros(c.TEMPORARY, bool)
    valid[: len(spec.signature.arguments)] = True
    valid[c.ARGUMENTS : c.ARGUMENTS + len(mined)] = True
    valid[c.STREAM : c.ACCUMULATOR] = frame.streams
    valid[c.ACCUMULATOR :] = frame.loops
    task = Task(
        fixed=word.to_limbs(fixed),
        streams=word.to_limbs(turns),
        rounds=counts,
        until=word.to_limbs(frame.until or 0),
        guarded=np.bool_(frame.until is not None),
        wanted=word.to_limbs(wanted),
        weight=weight / weight.sum(),
        readable=layout.readable(valid),
    )
    return Prepared(task, mined)


def recorded(spec: SynthesisSpec, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """What a frame streams, `u64[examples, ROUNDS, STREAMS]`, and its rounds, `int[examples]`.

    The exact machine runs the frame around a body that records.  Rounds beyond `ROUNDS` are not
    counted on; a frame that ends by a candidate's own value records as many as there are.
    """
    inputs = [e.arguments for e in spec.examples]
    limit = ROUNDS + 1
    body = f"{_RECORD}\nsub x17, x17, #1\ncbz x17, out"
    words = assemble(frame.source("", body, "brk #0")).words
    spare = limit * _STRIDE
    never = {16: (1 << 64) - 1} if frame.until is not None else {}
    start = {int(RECORD[1:]): -1, 17: limit, **never}
    done = execute(words, spec.signature, inputs, 1 << 12, spare, start)
    turns = np.zeros((len(inputs), ROUNDS, c.STREAMS), np.uint64)
    rounds = np.zeros(len(inputs), int)
    for k in range(len(inputs)):
        one = lane(done, k)
        rounds[k] = limit - int(one.x[17])
        data = guest.read(
            one, int(one.x[int(RECORD[1:])]) - rounds[k] * _STRIDE, int(rounds[k]) * _STRIDE
        )
        seen = np.frombuffer(bytes(data), "<u8").reshape(-1, c.STREAMS)[:ROUNDS]
        turns[k, : len(seen)] = seen
    if frame.until is not None:
        rounds = np.full(len(inputs), ROUNDS)
    return turns, rounds
