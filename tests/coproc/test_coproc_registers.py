"""The registers' scan against a plain loop over the tokens, whole and token by token."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncpu.coproc import Reading, Role
from ncpu.coproc.registers import ExpertState, Registers, initial_state, read_costs, scan

OPS = 8
TIME = 40
EDGES = [0, 1, 9, 10, 2**31 - 1, 2**31, 999_999_999, 2**32 - 1, 123_456_789, 4_000_000_005]

Token = tuple[Role, int, int]  # role, digit, operation
whole = jax.jit(partial(scan, bits=32))
costs_of = jax.jit(read_costs)


def reading(rows: list[list[Token]], sure: float = 30.0) -> Reading:
    """Logits that say what the tokens are."""
    array = np.array(rows, np.int32)

    def logits(values: np.ndarray, size: int) -> jax.Array:
        return sure * jax.nn.one_hot(values, size)

    return Reading(
        role_logits=logits(array[..., 0], len(Role)),
        digit_logits=logits(array[..., 1], 10),
        op_logits=logits(array[..., 2], 2 * OPS),
        gate_logits=jnp.zeros(array.shape[:2]),
        mask=jnp.ones(array.shape[:2], bool),
    )


def plainly(tokens: list[Token]) -> list[tuple[int, int, int, int, int, int]]:
    """(a, b, op, index, length_a, length_b) after each token."""
    number, length = {Role.DIGIT_A: 0, Role.DIGIT_B: 0}, {Role.DIGIT_A: 0, Role.DIGIT_B: 0}
    op, count, answering, before, out = -1, 0, False, Role.OTHER, []
    for role, digit, which in tokens:
        if answering and role in (Role.DIGIT_A, Role.DIGIT_B, Role.OPERATOR):
            number, length = dict.fromkeys(number, 0), dict.fromkeys(length, 0)
            op, count, answering = -1, 0, False
        if role in number:
            kept = before == role
            number[role] = (10 * number[role] * kept + digit) % 2**32
            length[role] = length[role] * kept + 1
        elif role == Role.OPERATOR:
            op = which
        elif role == Role.BEGIN:
            count, answering = 1, True
        elif role == Role.INSIDE:
            count += 1
        index = count - 1 if answering and role in (Role.BEGIN, Role.INSIDE) else -1
        out.append((*number.values(), op, index, *length.values()))
        before = role
    return out


def rows_of(registers: Registers) -> np.ndarray:
    r = registers
    parts = (r.a, r.b, r.op, r.index, r.length_a, r.length_b)
    return np.stack([np.asarray(x).astype(np.int64) for x in parts], -1)


def expression(a: str, op: int, b: str, answer: int) -> list[Token]:
    """Digits of a, an operator, digits of b, the sign that begins an answer, its characters."""
    other = (Role.OTHER, 7, 3)
    text: list[Token] = [other, *((Role.DIGIT_A, int(d), 0) for d in a), other]
    text += [(Role.OPERATOR, 5, op), *((Role.DIGIT_B, int(d), 1) for d in b), other]
    return [*text, (Role.BEGIN, 0, 0), *[(Role.INSIDE, 4, 2)] * answer, other]


def padded(tokens: list[Token]) -> list[Token]:
    return [*tokens, *[(Role.OTHER, 0, 0)] * TIME][:TIME]


tokens_strategy = st.lists(
    st.tuples(
        # Runs of digits are what matters: most tokens are of them.
        st.sampled_from([*Role, *[Role.DIGIT_A] * 5, *[Role.DIGIT_B] * 5, Role.INSIDE]),
        st.integers(0, 9),
        st.integers(0, 2 * OPS - 1),
    ),
    min_size=1,
    max_size=TIME,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tokens_strategy)
def test_scan_is_the_plain_loop(tokens: list[Token]) -> None:
    read = reading([padded(tokens)])
    registers, _ = whole(read, costs_of(read), initial_state(1))
    np.testing.assert_array_equal(rows_of(registers)[0], plainly(padded(tokens)))


@pytest.mark.parametrize("value", EDGES)
def test_operands_at_the_edges(value: int) -> None:
    """Also with leading zeros, and modulo 2**32 beyond."""
    texts = [(str(value), str(value)), ("000" + str(value), "1" + str(value))]
    for a, b in texts:
        tokens = padded(expression(a, 11, b, 3))
        read = reading([tokens])
        registers, _ = whole(read, costs_of(read), initial_state(1))
        at = [role for role, _, _ in tokens].index(Role.BEGIN)
        got = rows_of(registers)[0, at]
        assert got.tolist() == [int(a) % 2**32, int(b) % 2**32, 11, 0, len(a), len(b)]


def test_a_new_expression_forgets_the_last() -> None:
    tokens = padded([*expression("123", 4, "45", 2), *expression("6", 1, "789", 1)])
    read = reading([tokens])
    registers, _ = whole(read, costs_of(read), initial_state(1))
    got = rows_of(registers)[0]
    np.testing.assert_array_equal(got, plainly(tokens))
    second = len(expression("123", 4, "45", 2)) + 1
    assert got[second].tolist() == [6, 0, -1, -1, 1, 0]
    assert not np.asarray(registers.complete)[0, second]


def random_rows(seed: int, rows: int) -> list[list[Token]]:
    rng = np.random.default_rng(seed)
    roles = rng.choice(6, (rows, TIME), p=[0.1, 0.35, 0.3, 0.1, 0.05, 0.1])
    digits, ops = rng.integers(0, 10, (rows, TIME)), rng.integers(0, 2 * OPS, (rows, TIME))
    return [
        [(Role(r), int(d), int(o)) for r, d, o in zip(*row, strict=True)]
        for row in zip(roles, digits, ops, strict=True)
    ]


def stepwise(read: Reading, cost: jax.Array) -> tuple[list[Registers], ExpertState]:
    state, out = initial_state(cost.shape[0]), []
    for t in range(cost.shape[1]):
        one = jax.tree.map(lambda x, t=t: x[:, t : t + 1], (read, cost))
        registers, state = whole(*one, state)
        out.append(registers)
    return out, state


def test_token_by_token_is_the_whole_to_the_bit() -> None:
    """Registers, state and the costs of readings that are far from sure."""
    rows = random_rows(seed=11, rows=16)
    read = reading(rows, sure=1.5)
    noise = jax.random.normal(jax.random.key(3), read.digit_logits.shape)
    read = Reading(
        role_logits=read.role_logits,
        digit_logits=read.digit_logits + noise,
        op_logits=read.op_logits,
        gate_logits=read.gate_logits,
        mask=read.mask,
    )
    cost = costs_of(read)
    together, after = whole(read, cost, initial_state(16))
    apart, last = stepwise(read, cost)
    joined = jax.tree.map(lambda *xs: jnp.concatenate(xs, axis=1), *apart)
    jax.tree.map(np.testing.assert_array_equal, joined, together)
    jax.tree.map(np.testing.assert_array_equal, last, after)


def test_costs_add_up() -> None:
    """-log probability of digits of both operands with their roles, operator, answer."""
    tokens = padded(expression("12", 3, "4", 1))
    read = reading([tokens], sure=2.0)
    cost = np.asarray(costs_of(read))[0]
    registers, _ = whole(read, costs_of(read), initial_state(1))
    roles = [role for role, _, _ in tokens]
    at = roles.index(Role.INSIDE)
    wanted = [
        sum(c for c, role in zip(cost[: at + 1], roles, strict=False) if role in which)
        for which in ({Role.DIGIT_A}, {Role.DIGIT_B}, {Role.OPERATOR}, {Role.BEGIN, Role.INSIDE})
    ]
    assert min(wanted) > 0.1
    np.testing.assert_allclose(np.asarray(registers.costs)[0, at], wanted, atol=1e-4)


def test_padding_changes_nothing() -> None:
    rows = random_rows(seed=5, rows=4)
    read = reading(rows)
    _, after = whole(read, costs_of(read), initial_state(4))
    nothing = Reading(
        role_logits=read.role_logits,
        digit_logits=read.digit_logits,
        op_logits=read.op_logits,
        gate_logits=read.gate_logits,
        mask=jnp.zeros_like(read.mask),
    )
    _, still = whole(nothing, costs_of(nothing), after)
    np.testing.assert_array_equal(still.words, after.words)


def test_narrow_registers_are_taken_modulo_their_width() -> None:
    read = reading([padded(expression("70001", 0, "300", 0))])
    registers, _ = jax.jit(partial(scan, bits=16))(read, costs_of(read), initial_state(1))
    assert (int(registers.a[0, -1]), int(registers.b[0, -1])) == (70001 % 2**16, 300)
