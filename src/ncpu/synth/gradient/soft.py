"""The soft mode: the expected loss of a candidate, computed by exact execution.

The value of a candidate is an expectation over the programs it is a distribution of,

    J = E[ -tau log sum over outputs o of  w_o exp(-loss_o / tau) ].

A program is drawn slot by slot (`draw`) and executed by the machine's semantics on every example
(`run`).  Its outputs are every form at every finishing slot, weighted by its probability, so that
opcodes are marginalised there and not sampled, and the registers of the loop.  There is no relaxed
arithmetic that could disagree with the machine: when every distribution is one-hot, J is the loss
of that program.

`surrogate` has the value of one sample of J and the gradient of the usual estimator of J's: a
score function with a baseline for what was sampled (Williams 1992; Mohamed et al. 2020, section
4), the derivative itself for what was not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.synth.gradient import candidate as c
from ncpu.synth.gradient import forms
from ncpu.synth.gradient.candidate import Candidate, Choice, Layout

_LOOP_OUTPUT = -3.0  # log weight of a register of the loop as output
_EQUAL = forms.FORMS[forms.NAMES.index("eq")]
# Operands that a form does not read are drawn in vain and have no part in the gradient.
READS = np.array([[n < form.operands for n in range(forms.LATCHES)] for form in forms.FORMS])


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Task:
    """Examples in the shapes of a layout.

    Attributes:
      fixed: `u32[STREAM, examples, 2]`, arguments and constants.
      streams: `u32[rounds, STREAMS, examples, 2]`, what the frame gives each round.
      rounds: `i32[examples]`, rounds of the loop.
      until: `u32[2]`, value of the first accumulator that ends the loop, if `guarded`.
      guarded: `bool`.
      wanted: `u32[examples, 2]`.
      weight: `f32[examples]`, their sum is 1; 0 for padding.
      readable: what the distributions may choose, as `Layout.readable` gives it.
    """

    fixed: Any
    streams: Any
    rounds: Any
    until: Any
    guarded: Any
    wanted: Any
    weight: Any
    readable: Any


class Drawn(NamedTuple):
    """What is sampled: one program, and operands for every form of its finishing slots.

    Attributes:
      form: `i32[slots]`.
      body: `i32[body, 3]`, operands of the body's slots.
      finish: `i32[finish, forms, 3]`, operands of each form at each finishing slot.
      start, step: `i32[accumulators]`.
    """

    form: jax.Array
    body: jax.Array
    finish: jax.Array
    start: jax.Array
    step: jax.Array


class Judged(NamedTuple):
    """How every output did.

    Attributes:
      loss: `f32[outputs]`, 0..1; 0 where every example is matched.
      missed: `f32[outputs]`, weight of the examples that are not.
    """

    loss: jax.Array
    missed: jax.Array


def uniforms(layout: Any, count: int, key: jax.Array) -> dict[str, jax.Array]:
    """Numbers for `draw`, `f32[count, ...]` in (0, 1); the key is consumed."""
    sizes = {name: int(np.prod(shape)) for name, shape in layout.parts.items()}
    least = float(np.finfo(np.float32).tiny)
    block = jax.random.uniform(key, (count, sum(sizes.values())), jnp.float32, least)
    pieces = jnp.split(block, np.cumsum(list(sizes.values()))[:-1], axis=1)
    return {
        name: piece.reshape(count, *shape)
        for (name, shape), piece in zip(layout.parts.items(), pieces, strict=True)
    }


def masked(candidate: Candidate, task: Task) -> Candidate:
    """Logits with what may not be chosen out of reach."""
    return c.masked(candidate, task.readable)


def nothing(layout: Layout, count: int) -> Choice:
    """Programs of zeros to begin with."""
    slots, sums = (count, layout.slots), (count, c.ACCUMULATORS)
    none = partial(jnp.zeros, dtype=jnp.int32)
    return Choice(form=none(slots), operand=none((*slots, forms.LATCHES)), start=none(sums),
                  step=none(sums), result=none(count))  # fmt: skip


def draw(logits: Candidate, layout: Layout, uniform: dict[str, jax.Array]) -> Drawn:
    """One sample; `logits` are masked and divided by the temperature."""
    body = layout.body
    return Drawn(
        form=c.gumbel(uniform["form"], logits.form),
        body=c.inverse(uniform["body"], logits.operand[:body]),
        finish=jnp.moveaxis(c.inverse(uniform["finish"], logits.operand[body:]), 0, 1),
        start=c.inverse(uniform["start"], logits.start),
        step=c.inverse(uniform["step"], logits.step),
    )


def scale(words: jax.Array) -> jax.Array:
    """Words read as signed on a logarithmic scale, `f32[...]`."""
    x = words.astype(jnp.int64).astype(jnp.float32)
    return jnp.sign(x) * jnp.log1p(jnp.abs(x))


def judge(found: jax.Array, task: Any) -> Judged:
    """Loss of results `u64[..., examples]`; only under x64."""
    wanted = lax.bitcast_convert_type(task.wanted, jnp.uint64)
    miss = (found != wanted).astype(jnp.float32)
    distance = jnp.tanh(jnp.abs(scale(found) - scale(wanted)) / 2)
    return Judged(((miss + distance) / 2 * task.weight).sum(-1), (miss * task.weight).sum(-1))


def run(drawn: Drawn, task: Task, layout: Layout) -> Judged:
    """Executes what was drawn on every example and judges every output; only under x64.

    Outputs are, of a loop, its accumulators and slots; then every form at each finishing slot.
    """
    fixed = lax.bitcast_convert_type(task.fixed, jnp.uint64)
    spare = jnp.zeros((layout.registers - c.STREAM, fixed.shape[1]), jnp.uint64)
    registers = jnp.concatenate([fixed, spare])
    parts = []
    if layout.body:
        registers = registers.at[c.ACCUMULATOR : c.TEMPORARY].set(registers[drawn.start])
        registers = _loop(drawn, registers, task, layout)
        parts.append(judge(registers[c.ACCUMULATOR : c.TEMPORARY + layout.body], task))

    def finish(registers: jax.Array, slot: tuple) -> tuple[jax.Array, Judged]:
        place, form, operand = slot
        words = registers[operand]  # [forms, 3, examples]
        made = forms.values(words[:, 0], words[:, 1], words[:, 2])
        return registers.at[place].set(made[form]), judge(made, task)

    places = c.TEMPORARY + jnp.arange(layout.body, layout.slots, dtype=jnp.int32)
    judged = lax.scan(finish, registers, (places, drawn.form[layout.body :], drawn.finish))[1]
    parts.append(Judged(judged.loss.reshape(-1), judged.missed.reshape(-1)))
    return jax.tree.map(lambda *x: jnp.concatenate(x), *parts)


def _loop(drawn: Drawn, registers: jax.Array, task: Task, layout: Layout) -> jax.Array:
    """Registers after the loop, `u64[registers, examples]`."""
    until = lax.bitcast_convert_type(task.until, jnp.uint64)
    wide = (len(forms.FORMS), registers.shape[1])

    def slot(registers: jax.Array, slot: tuple) -> tuple[jax.Array, None]:
        place, form, operand = slot
        a, b, x = (jnp.broadcast_to(registers[operand[n]], wide) for n in range(forms.LATCHES))
        made = forms.values(a, b, x)
        return registers.at[place].set(made[form]), None

    def turn(registers: jax.Array, given: tuple) -> tuple[jax.Array, None]:
        streams, number = given
        ended = forms.value(_EQUAL, registers[c.ACCUMULATOR], until, until) == 1
        words = lax.bitcast_convert_type(streams, jnp.uint64)
        new = registers.at[c.STREAM : c.ACCUMULATOR].set(words)
        new = lax.scan(slot, new, (places, drawn.form[: layout.body], drawn.body))[0]
        new = new.at[c.ACCUMULATOR : c.TEMPORARY].set(new[drawn.step])
        return jnp.where((number < task.rounds) & ~(ended & task.guarded), new, registers), None

    places = c.TEMPORARY + jnp.arange(layout.body, dtype=jnp.int32)
    numbers = jnp.arange(task.streams.shape[0], dtype=jnp.int32)
    return lax.scan(turn, registers, (task.streams, numbers))[0]


def evaluate(
    logits: Candidate, drawn: Drawn, judged: Judged, layout: Layout, tau: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """A sample of J and the log probability of what was sampled for it, differentiable."""
    body, sampled, weights = layout.body, jnp.float32(0), []
    reads = jnp.asarray(READS, jnp.float32)
    forms_ = jax.nn.log_softmax(logits.form)
    if body:
        attended = c.log_probability(logits.operand[:body], drawn.body)
        sampled += (attended * reads[drawn.form[:body]]).sum()
        sampled += c.log_probability(logits.form[:body], drawn.form[:body]).sum()
        sampled += c.log_probability(logits.start, drawn.start).sum()
        sampled += c.log_probability(logits.step, drawn.step).sum()
        weights.append(jnp.full(c.ACCUMULATORS + body, _LOOP_OUTPUT, jnp.float32))
    for k in range(layout.finish):
        log = (c.log_probability(logits.operand[body + k], drawn.finish[k]) * reads).sum(-1)
        # Operands were sampled: their weight is 1, its derivative that of their probability.
        weights.append(forms_[body + k] + log - lax.stop_gradient(log))
        if k + 1 < layout.finish:
            form = drawn.form[body + k]
            sampled += forms_[body + k, form] + log[form]
    value = -tau * jax.nn.logsumexp(jnp.concatenate(weights) - judged.loss / tau)
    return value, sampled


def surrogate(value: jax.Array, sampled: jax.Array, baseline: jax.Array) -> jax.Array:
    """A number with the sample's value and the gradient of the estimator."""
    score = lax.stop_gradient(value - baseline) * sampled
    return value + score - lax.stop_gradient(score)


def best(drawn: Drawn, judged: Judged, layout: Layout) -> tuple[jax.Array, Choice]:
    """The output that misses least, then the nearest: what it misses, and its program."""
    chosen = lax.argmin(judged.missed * 4 + judged.loss, 0, jnp.int32)
    loop = c.ACCUMULATORS + layout.body if layout.body else 0
    kinds = len(forms.FORMS)
    slot = jnp.where(chosen < loop, layout.slots, layout.body + (chosen - loop) // kinds)
    here = jnp.arange(layout.slots, dtype=jnp.int32) == slot
    form = jnp.where(here, (chosen - loop) % kinds, drawn.form)
    last = jnp.take_along_axis(drawn.finish, form[layout.body :, None, None], 1, mode="clip")
    choice = Choice(
        form=form,
        operand=jnp.concatenate([drawn.body, last[:, 0]]),
        start=drawn.start,
        step=drawn.step,
        result=jnp.where(chosen < loop, c.ACCUMULATOR + chosen, c.TEMPORARY + slot),
    )
    return judged.missed[chosen], choice
