"""The protocol on trained models: everything that the report says, as JSON has it."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from ncpu.coproc.adapters import nnx_decoder
from ncpu.coproc.experiment import heldout, score
from ncpu.coproc.experiment.conditions import COPROCESSOR, condition
from ncpu.coproc.experiment.decode import continuations
from ncpu.coproc.experiment.heldout import HELD_OUT, LENGTHS
from ncpu.coproc.experiment.model import TextDecoder
from ncpu.coproc.experiment.problems import EDGES, OPS
from ncpu.coproc.experiment.text import TEMPLATES, Line
from ncpu.coproc.experiment.train import Trained

GATES = (0.0, 0.25, 0.5, 0.75, 1.0)

Count = list[int]  # right ones, of how many
Cells = dict[str, dict[str, Count]]  # operation, length


def versions() -> dict[str, str]:
    """Of what computed."""
    found = {name: version(name) for name in ("jax", "flax", "optax", "numpy")}
    return {"python": platform.python_version(), **found}


def cells(
    lines: dict[tuple[str, str], list[Line]], answer: Callable[[list[Line]], np.ndarray]
) -> Cells:
    """Right answers by operation and length."""
    flat = [line for group in lines.values() for line in group]
    marks = answer(flat)
    out: Cells = {op: {} for op in OPS}
    at = 0
    for (op, length), group in lines.items():
        out[op][length] = [int(marks[at : at + len(group)].sum()), len(group)]
        at += len(group)
    return out


def grid(each: int, **options: Any) -> dict[tuple[str, str], list[Line]]:
    """Held-out problems: `each` of every operation and length."""
    return {(o, n): heldout.asked(o, n, each, **options) for o in OPS for n in LENGTHS}


def edges(model: TextDecoder, each: int, reverse: bool) -> dict[str, Count]:
    """Right answers of the edge families."""
    out = {}
    for name in EDGES:
        lines = heldout.edges(name, each)
        out[name] = [int(score.right(model, lines, reverse=reverse).sum()), each]
    return out


def evaluate(
    trained: Trained,
    *,
    each: int = 90,
    report: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """A condition's row: answers by operation and length on held-out and known templates.

    Args:
      trained: the model.
      each: problems for every operation and length; a tenth as many are of training templates.
      report: told what is being done.
    """
    wanted = condition(trained.record["condition"])
    started = time.perf_counter()

    def answer(lines: list[Line]) -> np.ndarray:
        return score.right(trained.model, lines, reverse=wanted.reverse)

    report("held-out templates")
    out = {"training": trained.record, "read": cells(grid(each), answer)}
    report("training's templates")
    known = {name: name for name in TEMPLATES}
    out["training templates"] = cells(grid(max(each // 3, 1), templates=known), answer)
    report("edges")
    out["edges"] = edges(trained.model, each, wanted.reverse)
    out["seconds"] = round(time.perf_counter() - started, 1)
    return out


def mechanism(
    trained: Trained,
    *,
    each: int = 90,
    negatives: int = 10_000,
    report: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """What only a model with an expert has: tracks, ablations, routes, registers, gates.

    Args:
      trained: condition "ours".
      each: problems for every operation and length.
      negatives: lines in which nothing is to be computed.
      report: told what is being done.
    """
    model, lines = trained.model, grid(each)
    flat = [line for group in lines.values() for line in group]
    report("given operands")
    read = score.right(model, flat)
    given = cells(lines, lambda all_: score.right(model, all_, given=score.parsed(all_)))
    report("ablations")
    some = flat[:: max(len(flat) // 960, 1)]
    donors = [some[(i + 1) % len(some)] for i in range(len(some))]
    lent = score.parsed(donors)
    following = [score.problem(line) for line in donors]
    off = score.with_gate(model, 0.0)
    ablations = {
        "ours": _count(score.right(model, some)),
        "gate 0": _count(score.right(off, some)),
        "result zeroed": _count(score.right(model, some, given=score.zeroed(some))),
        "donor, own answer": _count(score.right(model, some, given=lent)),
        "donor, donor's answer": _count(score.right(model, some, given=lent, expected=following)),
    }
    report("gates")
    curve = {
        str(most): _count(score.right(score.with_gate(model, most), some[::2])) for most in GATES
    }
    report("routes and registers")
    routing = score.routing(model, flat, read)
    report("negatives")
    refused = score.false_routes(model, heldout.negatives(negatives))
    return {
        "coprocessor": COPROCESSOR.to_dict(),
        "given": given,
        "templates": _by_template(flat, read),
        "ablations": ablations,
        "max_gate": curve,
        "routing": routing,
        "negatives": refused,
        "gate off identical": score.gate_off_identical(model, flat[::17]),
        "latency": latency(model, some[:256]),
    }


def _count(marks: np.ndarray) -> Count:
    return [int(marks.sum()), len(marks)]


def _by_template(lines: list[Line], marks: np.ndarray) -> dict[str, Count]:
    out: dict[str, Count] = {name: [0, 0] for name in HELD_OUT}
    for line, mark in zip(lines, marks, strict=True):
        out[line.source][0] += int(mark)
        out[line.source][1] += 1
    return out


def latency(model: TextDecoder, lines: list[Line], rounds: int = 5) -> dict[str, float]:
    """Seconds to continue 256 prompts, with the expert and without; the best of some rounds."""
    prompts = [line.prompt for line in lines]
    best = {"with": float("inf"), "without": float("inf")}
    models = {"with": model, "without": nnx_decoder.remove(model)}
    for round_ in range(rounds + 1):
        for name, each in models.items():
            started = time.perf_counter()
            continuations(each, prompts)
            if round_:  # the first one compiles
                best[name] = min(best[name], time.perf_counter() - started)
    ratio = best["with"] / best["without"]
    return {name: round(value, 4) for name, value in best.items()} | {"ratio": round(ratio, 3)}
