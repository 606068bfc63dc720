"""Small tasks for candidates with a free pc, most of which are usually programmed as loops.

In the manner of the assembly-language tasks of the gradient-synthesis literature (Gaunt et al.
2016, arXiv:1608.04428), on registers; the selection is ours, so success is not comparable with
published figures.  The forms are richer than there: decrement, zero, sum, double, product and
parity have programs without a branch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.synth.gradient import pc
from ncpu.synth.gradient.code import MachineCode
from ncpu.synth.gradient.train import Schedule, begin, train
from ncpu.synth.types import Kind, Signature

CONSTANTS = [0, 1]
LAYOUT = pc.FreeLayout(slots=4, ticks=36, constants=len(CONSTANTS))
_EXAMPLES = 8
_JUDGED = 40  # programs of the restarts that hit which the exact machine judges


@dataclass(frozen=True)
class LoopTask:
    """One task.

    Attributes:
      name: what it is called.
      function: of one or two small natural numbers.
      arguments: how many.
    """

    name: str
    function: Callable[..., int]
    arguments: int = 1


TASKS = (
    LoopTask("decrement", lambda n: n - 1),
    LoopTask("to zero", lambda n: 0),
    LoopTask("count up", lambda a, b: b + a, 2),
    LoopTask("double", lambda n: 2 * n),
    LoopTask("triangle", lambda n: n * (n + 1) // 2),
    LoopTask("squares", lambda n: n * (n + 1) * (2 * n + 1) // 6),
    LoopTask("factorial", lambda n: int(np.prod(np.arange(1, n + 1)))),
    LoopTask("multiply", lambda a, b: a * b, 2),
    LoopTask("power", lambda a, b: b**a, 2),
    LoopTask("power of two", lambda n: 1 << n),
    LoopTask("gcd", lambda a, b: int(np.gcd(a, b)), 2),
    LoopTask("parity", lambda n: n % 2),
    LoopTask("bit length", lambda n: n.bit_length()),
)


def inputs_of(task: LoopTask, count: int, seed: int, most: int) -> list[tuple[int, ...]]:
    """Natural numbers from 1 to `most`."""
    rng = np.random.default_rng(seed)
    first = [(k + 1,) * task.arguments for k in range(min(3, count))]
    drawn = rng.integers(1, most + 1, (count - len(first), task.arguments))
    return [*first, *(tuple(int(x) for x in row) for row in drawn)]


def prepare(task: LoopTask) -> pc.FreeTask:
    """The examples a search sees."""
    inputs = inputs_of(task, _EXAMPLES, 0, 7)
    registers = np.zeros((pc.GENERAL + len(CONSTANTS), _EXAMPLES), np.uint64)
    for number in range(task.arguments):
        registers[number] = [given[number] for given in inputs]
    registers[pc.GENERAL :] = np.array(CONSTANTS, np.uint64)[:, None]
    wanted = np.array([task.function(*given) for given in inputs], np.int64).astype(np.uint64)
    return pc.FreeTask(
        registers=word.to_limbs(registers),
        wanted=word.to_limbs(wanted),
        weight=np.full(_EXAMPLES, 1 / _EXAMPLES, np.float32),
    )


def search(task: LoopTask, restarts: int, steps: int, seed: int) -> tuple[int, int]:
    """Restarts that fit all examples, and those right on unseen inputs on the exact machine.

    At most 40 of those that fit are judged, and the count scaled up.
    """
    schedule = Schedule(steps=steps)
    starts = jax.tree.map(lambda x: jnp.repeat(x[None], restarts, 0), pc.zeros(LAYOUT))
    state = begin(starts, schedule, LAYOUT, jax.random.key(seed))
    examples = jax.tree.map(jnp.asarray, prepare(task))
    state, _ = train(
        state, examples, jax.random.key(seed + 1), jnp.int32(0), jnp.float32(steps),
        layout=LAYOUT, schedule=schedule, steps=steps,
    )  # fmt: skip
    hits = np.flatnonzero(np.asarray(state.missed) == 0)
    best = jax.tree.map(np.asarray, state.best)
    unseen = inputs_of(task, 40, 1, 12)
    wanted = [task.function(*given) for given in unseen]
    signature = Signature((Kind.I,) * task.arguments, Kind.I)
    right = 0
    for k in hits[:_JUDGED]:
        choice = jax.tree.map(lambda leaf, k=k: leaf[k], best)
        text = pc.source(choice, LAYOUT, task.arguments, CONSTANTS)
        right += MachineCode(text, signature, "free").results(unseen) == wanted
    return len(hits), round(right * len(hits) / max(min(len(hits), _JUDGED), 1))
