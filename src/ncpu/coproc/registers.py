"""Operand registers: what a text has said so far, by a causal scan over its tokens.

Every register is an affine function, modulo 2**32, of what it was before a token: a digit d
takes x to 10 x + d, the first digit of a number to d, an operator replaces the operation, any
other token leaves it.  Affine functions compose to affine functions, so the scan is associative
and its result is the same bits in whatever portions the text arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.coproc.read import Reading, Role

COST_UNIT = 1 << 16  # fixed-point steps in one nat of a reading's improbability
COST_LIMIT = 16.0  # nats at most for one reading, so that sums of 4096 stay below 2**32


class Channel(IntEnum):
    """The words of a state."""

    A = 0  # the operands
    B = auto()
    OP = auto()  # the operation's number + 1, 0 for none
    COUNT = auto()  # characters of the answer up to here, the token that begins it included
    ANSWERING = auto()  # 1 from the beginning of an answer to the next operand or operator
    LENGTH_A = auto()  # digits read into the operands
    LENGTH_B = auto()
    COST_A = auto()  # -log probability of what each was read from, in fixed point
    COST_B = auto()
    COST_OP = auto()
    COST_COUNT = auto()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ExpertState:
    """What is carried from one call to the next, for each row of a batch.

    Attributes:
      words: `u32[b, len(Channel)]`.
      role: `i32[b]`, of the last token.
    """

    words: jax.Array
    role: jax.Array


def initial_state(batch: int) -> ExpertState:
    """Empty registers."""
    return ExpertState(jnp.zeros((batch, len(Channel)), jnp.uint32), jnp.zeros(batch, jnp.int32))


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Registers:
    """The registers after each token.

    Attributes:
      a, b: `u32[b, t]`, the operands, below 2**n_bits.
      op: `i32[b, t]`, from 0 to 2 * ops - 1 as in `Reading.op_logits`, -1 for none.
      index: `i32[b, t]`, which character of the answer comes after this token, -1 outside one.
      length_a, length_b: `i32[b, t]`, digits read into the operands, 0 for none.
      costs: `f32[b, t, 4]`, -log probability that a, b, op and index were read right.
    """

    a: jax.Array
    b: jax.Array
    op: jax.Array
    index: jax.Array
    length_a: jax.Array
    length_b: jax.Array
    costs: jax.Array

    @property
    def complete(self) -> jax.Array:
        """Whether there are two operands and an operation, `bool[b, t]`."""
        return (self.length_a > 0) & (self.length_b > 0) & (self.op >= 0)


@dataclass(frozen=True)
class _Tokens:
    """What a token does, each `bool[b, t]`; `fresh` tokens begin a new expression."""

    a: jax.Array
    b: jax.Array
    op: jax.Array
    begin: jax.Array
    inside: jax.Array
    starts_a: jax.Array
    starts_b: jax.Array
    fresh: jax.Array


def _affine(factor: jax.Array, term: jax.Array, state: jax.Array) -> jax.Array:
    """States `u32[b, t, n]` after each of the maps factor * x + term, from `state` `u32[b, n]`.

    An inclusive scan by doubling (Hillis & Steele 1986): after level k each map is the
    composition of the 2**k that end there.  A loop over the levels because
    `lax.associative_scan` takes seconds to compile, and texts come in many lengths.
    """
    time = factor.shape[1]

    def level(k: jax.Array, maps: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        factor, term = maps
        start = time - (jnp.int32(1) << k)

        def before(x: jax.Array, identity: int) -> jax.Array:
            padded = jnp.concatenate([jnp.full_like(x, identity), x], axis=1)
            return lax.dynamic_slice_in_dim(padded, start, time, axis=1)

        return factor * before(factor, 1), factor * before(term, 0) + term

    factor, term = lax.fori_loop(0, (time - 1).bit_length(), level, (factor, term))
    return factor * state[:, None] + term


def _shifted(first: jax.Array, x: jax.Array) -> jax.Array:
    """`x[b, t]` one token later, `first[b]` at the front."""
    return jnp.concatenate([first[:, None], x[:, :-1]], axis=1)


def _tokens(role: jax.Array, state: ExpertState) -> _Tokens:
    a, b, op = role == Role.DIGIT_A, role == Role.DIGIT_B, role == Role.OPERATOR
    begin, inside = role == Role.BEGIN, role == Role.INSIDE
    before = _shifted(state.role, role)
    part = a | b | op
    answering = state.words[:, Channel.ANSWERING]
    keeps, sets = ((x[..., None]).astype(jnp.uint32) for x in (~(begin | part), begin))
    after = _affine(keeps, sets, answering[:, None])[..., 0]
    fresh = part & (_shifted(answering, after) == 1)
    starts_a, starts_b = a & (before != Role.DIGIT_A), b & (before != Role.DIGIT_B)
    return _Tokens(a, b, op, begin, inside, starts_a, starts_b, fresh)


def read_costs(reading: Reading) -> jax.Array:
    """-log probability of what was read at each token, `f32[b, t]`.

    That is its role, and the digit of a digit or the operation of an operator.
    """
    role = reading.role

    def cost(logits: jax.Array, chosen: jax.Array) -> jax.Array:
        logs = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(logs, chosen[..., None], -1)[..., 0]

    digit = (role == Role.DIGIT_A) | (role == Role.DIGIT_B)
    total = cost(reading.role_logits, role)
    total += jnp.where(digit, cost(reading.digit_logits, reading.digit), 0.0)
    total += jnp.where(role == Role.OPERATOR, cost(reading.op_logits, reading.op), 0.0)
    return jnp.minimum(total, COST_LIMIT)


def _maps(
    tokens: _Tokens, digit: jax.Array, op: jax.Array, cost: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """(factor, term), `u32[b, t, len(Channel)]` each: what the tokens do to a state."""
    shape = digit.shape

    def word(x: jax.Array) -> jax.Array:
        return x.astype(jnp.uint32)

    def gather(starts: jax.Array, part: jax.Array, base: int, value: jax.Array) -> tuple:
        """A new value at the start, digits appended in that base, else nothing."""
        factor = jnp.where(starts, 0, jnp.where(part, base, 1))
        return word(factor), jnp.where(part, value, jnp.uint32(0))

    one = jnp.ones(shape, jnp.uint32)
    t, d, o = tokens, word(digit), word(op) + 1
    counted = t.begin | t.inside
    operand = t.a | t.b | t.op
    rows = {
        Channel.A: gather(t.starts_a, t.a, 10, d),
        Channel.B: gather(t.starts_b, t.b, 10, d),
        Channel.OP: gather(t.op, t.op, 1, o),
        Channel.COUNT: gather(t.begin, counted, 1, one),
        Channel.ANSWERING: gather(t.begin | operand, t.begin, 1, one),
        Channel.LENGTH_A: gather(t.starts_a, t.a, 1, one),
        Channel.LENGTH_B: gather(t.starts_b, t.b, 1, one),
        Channel.COST_A: gather(t.starts_a, t.a, 1, cost),
        Channel.COST_B: gather(t.starts_b, t.b, 1, cost),
        Channel.COST_OP: gather(t.op, t.op, 1, cost),
        Channel.COST_COUNT: gather(t.begin, counted, 1, cost),
    }
    factor = jnp.stack([rows[c][0] for c in Channel], -1)
    return factor * word(~t.fresh)[..., None], jnp.stack([rows[c][1] for c in Channel], -1)


def scan(
    reading: Reading, cost: jax.Array, state: ExpertState, bits: int
) -> tuple[Registers, ExpertState]:
    """The registers after each token, and the state to go on from.

    Args:
      reading: of the tokens; digit and operation count where the role says so.
      cost: `f32[b, t]`, -log probability of each token's reading.
      state: before the first token.
      bits: width of the registers.
    """
    role = reading.role
    tokens = _tokens(role, state)
    fixed = jnp.round(lax.stop_gradient(cost) * COST_UNIT).astype(jnp.uint32)
    words = _affine(*_maps(tokens, reading.digit, reading.op, fixed), state.words)
    of = {c: words[..., c] for c in Channel}
    mask = jnp.uint32((1 << bits) - 1)
    answering = (tokens.begin | tokens.inside) & (of[Channel.ANSWERING] == 1)
    registers = Registers(
        a=of[Channel.A] & mask,
        b=of[Channel.B] & mask,
        op=of[Channel.OP].astype(jnp.int32) - 1,
        index=jnp.where(answering, of[Channel.COUNT].astype(jnp.int32) - 1, -1),
        length_a=of[Channel.LENGTH_A].astype(jnp.int32),
        length_b=of[Channel.LENGTH_B].astype(jnp.int32),
        costs=words[..., Channel.COST_A :].astype(jnp.float32) / COST_UNIT,
    )
    return registers, ExpertState(words[:, -1], role[:, -1])
