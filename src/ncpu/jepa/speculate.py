"""Speculation: roll k instructions in latent space, verify them exactly, roll back on a miss.

The model says where the pc goes and what registers hold, so that instructions are fetched
and addresses made from its own predictions; memory is as it was at the start, so that what a
stretch stores and loads again is a miss.  Nothing predicted is ever kept: a stretch counts as
right when exact execution agrees with it bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from ncpu.jepa.action import action
from ncpu.jepa.errors import TraceError
from ncpu.jepa.model import JEWorldModel
from ncpu.jepa.probe import Probe
from ncpu.jepa.trace import bus_at, trace
from ncpu.jepa.transition import covered
from ncpu.jepa.view import NZCV, PC, REGISTERS, View, from_bits
from ncpu.machine import word
from ncpu.machine.alu import EXACT
from ncpu.machine.execute import enter
from ncpu.machine.instr import field
from ncpu.machine.program import Program
from ncpu.machine.run import fetch_lane, run
from ncpu.machine.state import FLAGS, State
from ncpu.machine.state import PC as PC_ROW
from ncpu.machine.word import u64


@dataclass(frozen=True)
class Speculation:
    """What a stretch of speculation came to.

    Attributes:
      asked: instructions that were to be predicted.
      right: how many views in a row were predicted with every bit right.
      predicting, verifying, plain: seconds spent on predicting, on executing the stretch
        while every view is compared, and on executing it alone.
    """

    asked: int
    right: int
    predicting: float
    verifying: float
    plain: float

    @property
    def kept(self) -> bool:
        """Whether the whole stretch was right; else it is rolled back."""
        return self.right == self.asked


@partial(jax.jit, static_argnames=("graph", "steps"))
@word.with_x64
def _roll(
    graph: Any, params: Any, probe: tuple, program: Program, state: State, steps: int
) -> tuple[jax.Array, jax.Array]:
    model: JEWorldModel = nnx.merge(graph, params)
    start = enter(state)
    read = Probe(*probe)

    def step(carry: tuple, _: None) -> tuple[tuple, tuple]:
        z, words = carry
        regs = start.regs.at[:REGISTERS].set(words[:REGISTERS]).at[PC_ROW].set(words[PC])
        regs = regs.at[FLAGS, 0].set(words[NZCV, 0] << 28)
        lane = start._replace(regs=regs)
        packed = fetch_lane(program, lane)
        bus = bus_at(lane, packed, _address(lane, packed), jnp.bool_(True))
        act = jax.tree.map(lambda x: x[None], action(packed, bus))
        z = model.placed(z, model.outputs(model.operands(z, act), act), act)
        bits = read(z[0]).at[NZCV, 4:].set(False)
        words = from_bits(bits)
        return (z, words), (words, covered(packed))

    seen = jnp.concatenate(
        [start.regs[:REGISTERS], start.regs[PC_ROW][None], _nzcv(start.regs)[None]]
    )
    z = model.encode_state(View(words=seen[None]))
    return lax.scan(step, (z, seen), length=steps)[1]


def _nzcv(regs: jax.Array) -> jax.Array:
    return jnp.stack([regs[FLAGS, 0] >> 28, jnp.uint32(0)])


def _address(lane: Any, packed: jax.Array) -> jax.Array:
    """Where an instruction reads: its base and its shifted offset, as it says itself."""
    row = lane.row(field(packed, "rm"))
    b = jnp.where(field(packed, "use_imm") == 1, word.join(field(packed, "imm")), row)
    left, right = (field(packed, name).astype(jnp.uint64) for name in ("left", "right"))
    b = EXACT.two_shift(b, left, right, field(packed, "signed") == 1)
    base = lane.row(field(packed, "rn"))
    return jnp.where(field(packed, "post") == 1, base, base + b + u64(0))


def speculate(
    model: JEWorldModel, probe: Probe, program: Program, state: State, steps: int
) -> tuple[State, Speculation]:
    """Predict the next `steps` instructions of a lane, and execute them to see.

    Args:
      model: trained.
      probe: reads bits from its latents.
      program: the lane's text.
      state: the lane; it is consumed.
      steps: instructions.

    Returns:
      The lane after `steps` instructions, exact, and what speculation came to.

    Raises:
      TraceError: fewer than one step.
    """
    if steps < 1:
        raise TraceError(f"speculation over {steps} steps: at least 1 is needed")
    graph, params = nnx.split(model)
    fitted = (probe.weight, probe.bias)

    def predict() -> tuple:
        return _roll(graph, params, fitted, program, state, steps)

    (words, known), predicting = _timed(predict)
    ticks, verifying = _timed(lambda: trace(program, state, steps))
    exact = np.asarray(ticks.after.words)
    fine = (np.asarray(words) == exact).all((1, 2)) & np.asarray(known) & np.asarray(ticks.valid)
    right = steps if fine.all() else int(np.argmin(fine))
    after, plain = _timed(lambda: run(program, jax.tree.map(jnp.copy, state), steps))
    return after, Speculation(steps, right, predicting, verifying, plain)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    before = time.perf_counter()
    made = jax.block_until_ready(work())
    return made, time.perf_counter() - before


def summary(found: list[Speculation]) -> dict[str, float]:
    """Means over stretches of one length, the first left out: it compiled.

    Returns:
      "asked"; "kept", share of stretches right to the end; "right", mean of views in a row;
      "ratio", time of predicting and verifying over time of execution alone: below 1 would
      be a gain; and the three times in milliseconds.
    """
    rest = found[1:] or found
    times = {
        name: 1e3 * float(np.mean([getattr(s, name) for s in rest]))
        for name in ("predicting", "verifying", "plain")
    }
    return {
        "asked": float(rest[0].asked),
        "kept": float(np.mean([s.kept for s in rest])),
        "right": float(np.mean([s.right for s in rest])),
        "ratio": (times["predicting"] + times["verifying"]) / times["plain"],
        "stretches": float(len(rest)),
        **times,
    }
