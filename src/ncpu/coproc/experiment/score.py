"""Measures of one model: right answers, routes, registers, and what happens without the expert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.coproc.adapters import nnx_decoder
from ncpu.coproc.adapters.nnx_decoder import Coprocessed
from ncpu.coproc.experiment import data
from ncpu.coproc.experiment.data import reversed_digits
from ncpu.coproc.experiment.decode import Seen, continuations, observations
from ncpu.coproc.experiment.model import TextDecoder
from ncpu.coproc.experiment.problems import OPS, Problem
from ncpu.coproc.experiment.text import Line
from ncpu.coproc.expert import Operands
from ncpu.coproc.read import Role

OPEN = 0.5  # a gate above it lets the expert decide


def right(
    model: TextDecoder,
    lines: Sequence[Line],
    *,
    given: Operands | None = None,
    reverse: bool = False,
    expected: Sequence[Problem] | None = None,
) -> np.ndarray:
    """Which lines are continued with exactly the answer and the end of the line, `bool[n]`.

    Args:
      model: of any condition.
      lines: each asks for a problem.
      given: to the expert in place of what it reads, `[n]`.
      reverse: whether the model reads and writes numbers lowest digit first.
      expected: whose answers count; by default the lines' own.
    """
    shown = [reversed_digits(line) for line in lines] if reverse else list(lines)
    written = continuations(model, [line.prompt for line in shown], given)
    wanted = expected or [problem(line) for line in lines]
    answers = [str(p.answer)[:: -1 if reverse else 1] for p in wanted]
    return np.array([w == a for w, a in zip(written, answers, strict=True)])


def problem(line: Line) -> Problem:
    """What a line asks for."""
    assert line.problem is not None
    return line.problem


def parsed(lines: Sequence[Line]) -> Operands:
    """The operands and operations of lines as a parser gives them, `[n]`."""
    problems = [problem(line) for line in lines]
    return Operands(
        a=np.array([int(p.a) for p in problems], np.uint32),
        b=np.array([int(p.b) for p in problems], np.uint32),
        op=np.array([OPS.index(p.op) for p in problems], np.int32),
    )


def zeroed(lines: Sequence[Line]) -> Operands:
    """A result of 0 whatever was read."""
    return Operands(result=np.zeros(len(lines), np.uint32))


def registers_right(seen: Seen, lines: Sequence[Line]) -> np.ndarray:
    """Where the answer begins, both registers and the operation are what was asked, `bool[n]`."""
    begin = [1 + line.roles.index(Role.BEGIN) for line in lines]
    row = np.arange(len(lines))
    op = seen.op[row, begin]
    a, b = seen.a[row, begin], seen.b[row, begin]
    exchanged = op >= len(OPS)
    first, second = np.where(exchanged, b, a), np.where(exchanged, a, b)
    wanted = parsed(lines)
    found = (first == wanted.a) & (second == wanted.b) & (op % len(OPS) == wanted.op) & (op >= 0)
    return np.asarray(found)


def routes(seen: Seen, lines: Sequence[Line]) -> tuple[np.ndarray, np.ndarray]:
    """Where the gate is open and where it should be, `bool[n, t]` each."""
    batch = data.one_each(lines)
    return seen.gate > OPEN, batch.role >= Role.BEGIN


def routing(model: TextDecoder, lines: Sequence[Line], answered: np.ndarray) -> dict[str, Any]:
    """Routes and registers on lines that ask, and how often the answer is right given both.

    Args:
      model: with an expert.
      lines: asked.
      answered: `bool[n]`, of `right`.
    """
    seen = observations(model, lines)
    is_open, wanted = routes(seen, lines)
    both = int((is_open & wanted).sum())
    route = (is_open == wanted).all(axis=1)
    registers = registers_right(seen, lines)
    good = route & registers
    return {
        "open and wanted": both,
        "open": int(is_open.sum()),
        "wanted": int(wanted.sum()),
        "registers": [int(registers.sum()), len(lines)],
        "route": [int(route.sum()), len(lines)],
        "right given both": [int((answered & good).sum()), int(good.sum())],
        "gate where wanted": round(float(seen.gate[wanted].mean()), 5),
        "least gate where wanted": round(float(seen.gate[wanted].min()), 5),
        "gate elsewhere": float(seen.gate[~wanted].mean()),
    }


def false_routes(model: TextDecoder, lines: Sequence[Line]) -> dict[str, Any]:
    """Lines that ask for nothing in which the gate opens anywhere, in all and by family."""
    seen = observations(model, lines)
    opened = (seen.gate > OPEN).any(axis=1)
    by: dict[str, list[int]] = {}
    for line, wrong in zip(lines, opened, strict=True):
        count = by.setdefault(line.source, [0, 0])
        count[0] += int(wrong)
        count[1] += 1
    examples = [line.text.strip() for line, wrong in zip(lines, opened, strict=True) if wrong]
    return {
        "lines": [int(opened.sum()), len(lines)],
        "highest gate": round(float(seen.gate.max()), 5),
        "families": by,
        "examples": examples[:10],
    }


def with_gate(model: TextDecoder, most: float) -> TextDecoder:
    """The same weights with another `max_gate`."""
    made = nnx.clone(model)
    for layer in made.layers:
        if isinstance(layer.mlp, Coprocessed):
            expert = layer.mlp.expert
            expert.config = replace(expert.config, max_gate=most)
            expert.gate.config = expert.config
    return made


def gate_off_identical(model: TextDecoder, lines: Sequence[Line]) -> bool:
    """Whether with `max_gate` 0 every logit has the bits that it has without the expert."""
    codes = jnp.asarray(data.one_each(lines).tokens)
    call = jax.jit(lambda m, x: m(x, mask=x != 0)[0])
    off = call(with_gate(model, 0.0), codes)
    without = call(nnx_decoder.remove(model), codes)
    return bool(np.array_equal(np.asarray(off), np.asarray(without)))
