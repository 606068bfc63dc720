"""Free control flow: candidates whose slots may branch, run with a program counter of their own.

A slot has a form or a branch (`cbz`, `cbnz`), operands, a register it writes, and a slot it
branches to, each a distribution: before anything is drawn, where the program counter is after a
tick is a distribution over slots.  As in `soft`, a program is drawn and executed exactly, each
example at its own pc, and the gradient is that of the expected loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.synth.gradient import candidate as c
from ncpu.synth.gradient import forms
from ncpu.synth.gradient.code import load
from ncpu.synth.gradient.forms import FORMS, LATCHES
from ncpu.synth.gradient.soft import READS, Judged, judge

GENERAL = 4  # registers a slot may write
BRANCHES = ("cbz", "cbnz")
KINDS = len(FORMS) + len(BRANCHES)
_READS = np.concatenate([READS, [[True, False, False]] * len(BRANCHES)]).astype(np.float32)
_WRITES = np.array([1.0] * len(FORMS) + [0.0] * len(BRANCHES), np.float32)


@dataclass(frozen=True)
class FreeLayout:
    """Slots, and ticks after which a program that has not ended counts as it stands.

    Attributes:
      slots: instructions; the program ends after the last.
      ticks: executed at most.
      constants: registers besides the general ones, which hold constants.
    """

    slots: int
    ticks: int
    constants: int

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the uniform numbers that one drawing takes."""
        return {
            "form": (self.slots, KINDS),
            "operand": (self.slots, LATCHES),
            "place": (self.slots,),
            "target": (self.slots,),
        }


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Free:
    """Logits, or with integers in their place a program.

    Attributes:
      form: `f32[..., slots, KINDS]`.
      operand: `f32[..., slots, 3, GENERAL + constants]`.
      place: `f32[..., slots, GENERAL]`, the register written.
      target: `f32[..., slots, slots + 1]`, where a branch goes; the last is the end.
    """

    form: Any
    operand: Any
    place: Any
    target: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class FreeTask:
    """Examples.

    Attributes:
      registers: `u32[GENERAL + constants, examples, 2]` at the start.
      wanted: `u32[examples, 2]`.
      weight: `f32[examples]`, their sum is 1.
    """

    registers: Any
    wanted: Any
    weight: Any


class FreeChoice(NamedTuple):
    """A drawn program with the register that holds its result."""

    program: Free
    result: jax.Array


def zeros(layout: FreeLayout) -> Free:
    """Uniform distributions."""
    shape = {
        "form": (layout.slots, KINDS),
        "operand": (layout.slots, LATCHES, GENERAL + layout.constants),
        "place": (layout.slots, GENERAL),
        "target": (layout.slots, layout.slots + 1),
    }
    return Free(**{name: np.zeros(size, np.float32) for name, size in shape.items()})


def nothing(layout: FreeLayout, count: int) -> FreeChoice:
    """Programs of zeros to begin with."""
    sizes = {"form": (), "operand": (LATCHES,), "place": (), "target": ()}
    program = {n: jnp.zeros((count, layout.slots, *s), jnp.int32) for n, s in sizes.items()}
    return FreeChoice(Free(**program), jnp.zeros(count, jnp.int32))


def masked(candidate: Free, task: FreeTask) -> Free:
    """Everything may be chosen."""
    return candidate


def draw(logits: Free, layout: FreeLayout, uniform: dict[str, jax.Array]) -> Free:
    """One program."""
    return Free(
        form=c.gumbel(uniform["form"], logits.form),
        operand=c.inverse(uniform["operand"], logits.operand),
        place=c.inverse(uniform["place"], logits.place),
        target=c.inverse(uniform["target"], logits.target),
    )


def run(drawn: Free, task: FreeTask, layout: FreeLayout) -> Judged:
    """Executes a program on every example at its own pc; judges the general registers."""
    registers = lax.bitcast_convert_type(task.registers, jnp.uint64)
    lanes = jnp.arange(registers.shape[1], dtype=jnp.int32)

    def tick(carry: tuple, _: None) -> tuple[tuple, None]:
        registers, pc = carry
        at = jnp.minimum(pc, layout.slots - 1)
        form, operand = drawn.form[at], drawn.operand[at]  # [examples], [examples, 3]
        read = registers[operand.T, lanes]  # [3, examples]
        a, b, x = jnp.broadcast_to(read[:, None], (LATCHES, len(FORMS), len(lanes)))
        made = forms.values(a, b, x)
        value = made[jnp.minimum(form, len(FORMS) - 1), lanes]
        nonzero = forms.taken("cbnz", read[0])
        branch = form - len(FORMS)  # negative: no branch
        jumps = (branch >= 0) & (nonzero == (branch == 1))
        runs = pc < layout.slots
        place = drawn.place[at]
        old = registers[place, lanes]
        registers = registers.at[place, lanes].set(jnp.where(runs & (branch < 0), value, old))
        return (registers, jnp.where(runs, jnp.where(jumps, drawn.target[at], pc + 1), pc)), None

    start = (registers, jnp.zeros(len(lanes), jnp.int32))
    (registers, pc), _ = lax.scan(tick, start, None, length=layout.ticks)
    judged = judge(registers[:GENERAL], task)
    late = ((pc < layout.slots) * task.weight).sum()  # has not come to an end
    return Judged(jnp.maximum(judged.loss, late), jnp.maximum(judged.missed, late))


def evaluate(
    logits: Free, drawn: Free, judged: Judged, layout: FreeLayout, tau: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """A sample of J and the log probability of its program, differentiable."""
    reads = jnp.asarray(_READS)[drawn.form]
    writes = jnp.asarray(_WRITES)[drawn.form]
    sampled = c.log_probability(logits.form, drawn.form).sum()
    sampled += (c.log_probability(logits.operand, drawn.operand) * reads).sum()
    sampled += (c.log_probability(logits.place, drawn.place) * writes).sum()
    sampled += (c.log_probability(logits.target, drawn.target) * (1 - writes)).sum()
    value = -tau * jax.nn.logsumexp(-judged.loss / tau - jnp.log(jnp.float32(GENERAL)))
    return value, sampled


def best(drawn: Free, judged: Judged, layout: FreeLayout) -> tuple[jax.Array, FreeChoice]:
    """The register that misses least."""
    result = lax.argmin(judged.missed * 4 + judged.loss, 0, jnp.int32)
    return judged.missed[result], FreeChoice(drawn, result)


def source(choice: FreeChoice, layout: FreeLayout, arguments: int, constants: list[int]) -> str:
    """The program as A64: arguments in x0 up, the result in x0 (NumPy integers)."""
    names = [f"x{9 + k}" for k in range(GENERAL)] + [f"x{19 + k}" for k in range(len(constants))]
    lines = [f"mov x{9 + k}, " + (f"x{k}" if k < arguments else "#0") for k in range(GENERAL)]
    for k, value in enumerate(constants):
        lines += load(f"x{19 + k}", value)
    program = choice.program
    for slot in range(layout.slots):
        kind, read = int(program.form[slot]), [names[int(x)] for x in program.operand[slot]]
        lines.append(f"slot{slot}:")
        if kind >= len(FORMS):
            target = int(program.target[slot])
            lines.append(f"{BRANCHES[kind - len(FORMS)]} {read[0]}, slot{target}")
        else:
            place = names[int(program.place[slot])]
            lines += _written(FORMS[kind], read, place)
    return "\n".join([*lines, f"slot{layout.slots}:", f"mov x0, {names[int(choice.result)]}",
                      "brk #0", ""])  # fmt: skip


def _written(form: forms.Form, read: list[str], place: str) -> list[str]:
    text = form.text.format(**dict(zip("abc", read, strict=True)), d=place, t="x8")
    return text.split("; ")
