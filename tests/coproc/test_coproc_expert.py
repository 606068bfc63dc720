"""The expert: exact results as text, gates, gradients, and what may be given in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ncpu.coproc import (
    CoprocessorConfig,
    Expert,
    ExpertInputError,
    ExpertOutput,
    Labels,
    Operands,
    Reading,
    Role,
    balance_loss,
    compute,
    derivatives,
    mix,
    read_losses,
    soft,
)
from ncpu.coproc import gate as gates
from ncpu.coproc.registers import initial_state
from ncpu.neural_alu.planes import from_word

OPS = (*CoprocessorConfig().ops, "CMP")
COUNT = len(OPS)
WIDTH = 6 + 10 + 2 * COUNT + 1  # one hidden unit for each logit
CONFIG = CoprocessorConfig(ops=OPS, confidence_aware=True, max_gate=0.8, residual_init_scale=1.0)
EDGES = [0, 1, 2, 9, 10, 31, 32, 33, 255, 65535, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]


def flags(a: int, b: int, bits: int) -> int:
    sign = 1 << bits - 1
    total, exact = (a - b) % 2**bits, ((a ^ sign) - sign) - ((b ^ sign) - sign)
    overflow = not -sign <= exact < sign
    return (total >= sign) << 3 | (total == 0) << 2 | (a >= b) << 1 | overflow


ORACLES: dict[str, Callable[[int, int, int], int]] = {
    "ADD": lambda a, b, n: a + b,
    "SUB": lambda a, b, n: a - b,
    "MUL": lambda a, b, n: a * b,
    "DIV": lambda a, b, n: a // b if b else 0,
    "AND": lambda a, b, n: a & b,
    "OR": lambda a, b, n: a | b,
    "XOR": lambda a, b, n: a ^ b,
    "SHL": lambda a, b, n: a << b % n,
    "CMP": flags,
}


def operands(bits: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of edge values, then random ones of every size."""
    rng = np.random.default_rng(bits)
    edges = [(a % 2**bits, b % 2**bits) for a in EDGES for b in EDGES]
    sizes = rng.integers(0, bits + 1, (count - len(edges), 2))
    random = rng.integers(0, 2**32, sizes.shape) % 2**sizes
    a, b = np.concatenate([np.array(edges), random]).T
    return a.astype(np.uint32), b.astype(np.uint32)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_operations_are_those_of_python(bits: int) -> None:
    a, b = operands(bits, 10_000)
    got = jax.jit(partial(compute.results, OPS, bits=bits))(a, b)
    for name, values in zip(OPS, np.asarray(got), strict=True):
        oracle = ORACLES[name]
        wanted = [oracle(int(x), int(y), bits) % 2**bits for x, y in zip(a, b, strict=True)]
        np.testing.assert_array_equal(values, wanted, err_msg=name)


def test_symbols_spell_the_number_and_end() -> None:
    numbers = np.array([*EDGES, *operands(32, 2_000)[0], *[10**k - 1 for k in range(1, 10)]])
    index = np.arange(-1, 13, dtype=np.int32)
    grid = np.broadcast_to(numbers.astype(np.uint32)[:, None], (len(numbers), len(index)))
    got = jax.jit(compute.symbol)(jnp.asarray(grid), jnp.broadcast_to(index, grid.shape))
    for number, symbols in zip(numbers, np.asarray(got), strict=True):
        text = [*map(int, str(number)), compute.END]
        assert symbols.tolist() == [-1, *text, *[-1] * (len(index) - 1 - len(text))]


@pytest.fixture(scope="module")
def expert() -> Expert:
    """An expert whose hidden units are its logits, up to a scale."""
    made = Expert(CONFIG, WIDTH, rngs=nnx.Rngs(0))
    made.reader.map.kernel[...] = 4.0 * jnp.eye(WIDTH)
    made.reader.map.bias = nnx.Param(jnp.zeros(WIDTH))
    return made


Call = Callable[..., tuple[ExpertOutput, Any]]


@pytest.fixture(scope="module")
def call(expert: Expert) -> Call:
    graph, weights = nnx.split(expert)

    @partial(jax.jit, static_argnames="exact")
    def called(hidden: jax.Array, state: Any = None, *, exact: bool = True, **given: Any) -> Any:
        return nnx.merge(graph, weights)(hidden, state, exact=exact, **given)

    return called


def hidden(tokens: list[tuple[Role, int, int]]) -> jax.Array:
    """States `[1, t, WIDTH]` of tokens (role, digit, operation), gates open."""
    role, digit, op = np.array(tokens, np.int32).T
    parts = [jax.nn.one_hot(x, n) for x, n in ((role, 6), (digit, 10), (op, 2 * COUNT))]
    return jnp.concatenate([*parts, jnp.ones((len(role), 1))], -1)[None]


def expression(a: int, op: int, b: int, answer: int = 11) -> list[tuple[Role, int, int]]:
    """`a op b =` and characters of an answer, padded to one length."""
    text = [(Role.DIGIT_A, int(d), 0) for d in str(a)] + [(Role.OPERATOR, 0, op)]
    text += [(Role.DIGIT_B, int(d), 0) for d in str(b)] + [(Role.BEGIN, 0, 0)]
    text += [(Role.INSIDE, 0, 0)] * answer
    return [*[(Role.OTHER, 0, 0)] * (33 - len(text)), *text]


def test_an_expression_read_computed_and_written(call: Call, expert: Expert) -> None:
    rng = np.random.default_rng(2)
    for op in range(2 * COUNT):
        a, b = (int(x) for x in rng.integers(0, 10**9, 2))
        states = hidden(expression(a, op, b))
        output, _ = call(states)
        x, y = (a, b) if op < COUNT else (b, a)
        text = str(ORACLES[OPS[op % COUNT]](x, y, 32) % 2**32)
        symbols = np.asarray(output.symbol)[0, -12:].tolist()
        wanted = [*map(int, text), compute.END]
        assert symbols == [*wanted, *[-1] * (12 - len(wanted))], (OPS[op % COUNT], x, y)
        # The gate is shut wherever there is nothing to write, and the value is the symbol's.
        np.testing.assert_array_equal(output.gate > 0, output.symbol >= 0)
        assert int(jnp.sum(output.gate > 0)) == len(wanted)
        vectors = expert.writer.vectors[...]
        np.testing.assert_array_equal(output.value[0, -12], vectors[wanted[0]])


def test_right_route_and_registers_leave_no_wrong_answer(call: Call) -> None:
    """P(answer right | route and registers right) is 1: on 9,000 of them, none is wrong."""
    a, b = operands(32, 1_000)
    op = np.arange(COUNT).repeat(1_000)
    a, b = np.tile(a, COUNT), np.tile(b, COUNT)
    given = Operands(a=a[:, None], b=b[:, None], op=op[:, None], index=np.arange(12)[None])
    output, _ = call(jnp.zeros((len(a), 12, WIDTH)), given=given)
    for row, symbols in enumerate(np.asarray(output.symbol)):
        oracle = ORACLES[OPS[op[row]]]
        text = str(oracle(int(a[row]), int(b[row]), 32) % 2**32)
        assert symbols.tolist()[: len(text) + 1] == [*map(int, text), compute.END]


def test_steps_are_the_whole(call: Call) -> None:
    states = hidden(expression(98_765_432, 2, 123_456_789))
    states = states + 0.1 * jax.random.normal(jax.random.key(0), states.shape)
    whole, after = call(states)
    state, outputs = initial_state(1), []
    for t in range(states.shape[1]):
        output, state = call(states[:, t : t + 1], state)
        outputs.append(output)
    joined = jax.tree.map(lambda *x: jnp.concatenate(x, 1), *outputs)
    for name in ("a", "b", "op", "index", "length_a", "length_b"):
        np.testing.assert_array_equal(
            getattr(joined.registers, name), getattr(whole.registers, name), err_msg=name
        )
    np.testing.assert_array_equal(joined.result, whole.result)
    np.testing.assert_array_equal(joined.symbol, whole.symbol)
    # Logits, and so gates and costs, differ as products of matrices of other sizes do.
    np.testing.assert_allclose(joined.gate, whole.gate, rtol=1e-5)
    np.testing.assert_array_equal(state.words[:, :7], after.words[:, :7])


def test_donors_zeroes_and_nothing(call: Call) -> None:
    states = hidden(expression(12, 0, 30))

    def answer(**given: Any) -> tuple[str, ExpertOutput]:
        output, _ = call(states, given=Operands(**given))
        symbols = np.asarray(output.symbol)[0]
        return "".join(map(str, symbols[(symbols >= 0) & (symbols < 10)])), output

    assert answer()[0] == "42"
    assert answer(a=jnp.int32(1000), b=jnp.int32(1))[0] == "1001"
    assert answer(op=jnp.int32(1))[0] == str(2**32 - 18)
    assert answer(op=jnp.int32(1 + COUNT))[0] == "18"
    assert answer(result=jnp.int32(0))[0] == "0"
    text, nothing = answer(symbol=jnp.int32(-1))
    assert text == "" and not np.any(nothing.gate) and not np.any(nothing.value)
    # What is given costs no confidence.
    certain = answer(a=jnp.int32(1), b=jnp.int32(2), op=jnp.int32(0))[1]
    assert float(certain.registers.costs[0, -12, :3].max()) == 0


def test_training_has_the_same_forward_pass(call: Call) -> None:
    states = jnp.concatenate([hidden(expression(4321, op, 77)) for op in range(COUNT)])
    exact, after = call(states)
    training, then = call(states, exact=False)
    jax.tree.map(np.testing.assert_array_equal, (training, then), (exact, after))


def test_gradients_reach_everything() -> None:
    """Digits, roles and operations of the reading, the gate, the vectors; none is not finite."""
    config = replace(CONFIG, ops=("SUB", "MUL", "XOR"), n_bits=16)
    small = Expert(config, WIDTH, rngs=nnx.Rngs(0))
    columns = [*range(16), *range(16, 19), *range(16 + COUNT, 19 + COUNT), WIDTH - 1]
    small.reader.map.kernel[...] = 4.0 * jnp.eye(WIDTH)[:, columns]
    graph, weights, rest = nnx.split(small, nnx.Param, ...)
    states = jnp.concatenate([hidden(expression(4321, op, 77)) for op in (0, 1, 2, COUNT)])
    target = jax.random.normal(jax.random.key(1), states.shape)

    @jax.jit
    @jax.grad
    def gradient(weights: nnx.State, states: jax.Array, temperature: jax.Array) -> jax.Array:
        made = nnx.merge(graph, weights, rest)
        output, _ = made(states, exact=False, temperature=temperature)
        return jnp.sum((mix(jnp.zeros_like(states), output) - target) ** 2)

    grads = nnx.to_pure_dict(gradient(weights, states, jnp.float32(4.0)))
    assert "alu" not in grads  # freeze_alu
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(grads))
    bias = np.abs(grads["reader"]["map"]["bias"])
    roles, digits, ops, gate = np.split(bias, [6, 16, 22])
    assert roles.max() > 0 and (digits > 0).any() and (ops > 0).sum() >= 4 and gate[0] > 0
    assert np.any(grads["writer"]["vectors"] != 0)


@pytest.fixture(scope="module")
def trained() -> Any:
    return soft.cells(True)


@pytest.mark.parametrize("name", sorted(soft.SOFT))
def test_soft_arithmetic_against_finite_differences(name: str, trained: Any) -> None:
    rng = np.random.default_rng(4)
    a, b, da, db = (jnp.asarray(rng.uniform(0.1, 0.9, (8, 16)), jnp.float32) for _ in range(4))
    wires = soft.TruthTables(trained, temperature=3.0, hard=False)
    score = jax.jit(
        lambda a, b: jnp.sum(soft.operations((name,), wires, a, b, jnp.zeros((1, 16))), (0, 1))
    )
    _, along = jax.jvp(score, (a, b), (da, db))
    step = 2e-3
    apart = score(a + step * da, b + step * db) - score(a - step * da, b - step * db)
    np.testing.assert_allclose(along, apart / (2 * step), rtol=0.02, atol=5e-3)
    assert np.any(np.abs(along) > 0.05)


@pytest.mark.parametrize("name", ["ADD", "SUB", "AND", "OR", "XOR", "SHL"])
def test_derivatives_are_what_flipping_a_bit_changes(name: str, trained: Any) -> None:
    """Straight through at hard bits, cold tables: all bits of a, for random operands.

    A flipped bit of a changes the result along every path of carries at once; for the
    operations without carries the derivative is the difference itself.
    """
    bits, rng = 8, np.random.default_rng(6)
    a, b = (jnp.asarray(rng.integers(0, 256, 40), jnp.uint32) for _ in range(2))
    wires = soft.TruthTables(trained, temperature=0.3)
    weights = jnp.asarray(rng.normal(size=(bits, 1)), jnp.float32)
    exact = jnp.zeros((1, 40), jnp.uint32)

    def score(planes: jax.Array) -> jax.Array:
        found = soft.operations((name,), wires, planes, from_word(b, bits), exact)[0]
        return jnp.sum(weights * found)

    @jax.jit
    def derivative(a: jax.Array) -> jax.Array:
        return jax.grad(score)(from_word(a, bits))

    grad = np.asarray(derivative(a))

    def value(a: np.ndarray) -> np.ndarray:
        oracle = ORACLES[name]
        results = [
            oracle(int(x), int(y), bits) % 256 for x, y in zip(a, np.asarray(b), strict=True)
        ]
        planes = np.array(results) >> np.arange(bits)[:, None] & 1
        return np.sum(np.asarray(weights) * planes, 0)

    words = np.asarray(a).astype(int)
    change = np.stack([value(words | 1 << k) - value(words & ~(1 << k)) for k in range(bits)])
    if name in ("ADD", "SUB"):
        assert np.mean(np.sign(grad) == np.sign(change)) > 0.9
    else:
        np.testing.assert_allclose(grad, change, atol=1e-3)


def test_a_registers_derivative_is_the_register_with_another_digit() -> None:
    number, time = 90_817, 7  # its digits at positions 1 to 5
    text = [0, *map(int, str(number)), 0]
    digits = jax.nn.one_hot(jnp.array([text]), 10)
    last = jnp.array([[-1, 1, 2, 3, 4, 5, 5]])
    length = jnp.array([[0, 1, 2, 3, 4, 5, 5]])
    value = jnp.array([[0, 9, 90, 908, 9081, number, number]], jnp.uint32)
    weights = jax.random.normal(jax.random.key(0), (32,))

    def score(digits: jax.Array) -> jax.Array:
        planes = jnp.asarray(derivatives.register_bits(digits, value, last, length, 32))
        return jnp.sum(planes[:, 0, time - 1] * weights)

    grad = np.asarray(jax.grad(score)(digits))[0]
    for position in range(1, 6):
        for k in range(10):
            other = int("".join(map(str, [*text[1:position], k, *text[position + 1 : 6]])))
            wanted = sum(float(w) for n, w in enumerate(weights) if other >> n & 1)
            assert grad[position, k] == pytest.approx(wanted, abs=1e-5)
    assert not grad[[0, 6]].any()


def test_a_symbols_derivative_is_the_symbol_with_another_bit() -> None:
    result, index = jnp.array([1999, 40], jnp.uint32), jnp.array([1, 2], jnp.int32)
    weights = jax.random.normal(jax.random.key(0), (2, 11))

    def score(planes: jax.Array) -> jax.Array:
        code = jnp.asarray(derivatives.symbol_weights(planes, result, index, 32))
        return jnp.sum(code * weights)

    grad = np.asarray(jax.grad(score)(from_word(result, 32)))
    for row in range(2):
        for bit in range(32):
            value = []
            for word in (int(result[row]) & ~(1 << bit), int(result[row]) | 1 << bit):
                text = [*map(int, str(word)), 10]
                at = int(index[row])
                value.append(float(weights[row, text[at]]) if at < len(text) else 0.0)
            assert grad[bit, row] == pytest.approx(value[1] - value[0], abs=1e-5)


def test_trained_cells_compute_the_same(trained: Any) -> None:
    """`deterministic_alu` off: the cells run, and agree."""
    a, b = (jnp.asarray(x) for x in operands(16, 400))
    exact = compute.results(OPS, a, b, 16)
    rounded = jax.jit(partial(soft.rounded, OPS, bits=16))(trained, a, b, exact)
    np.testing.assert_array_equal(rounded, exact)


def reading_of(gate_logits: jax.Array) -> Reading:
    shape = gate_logits.shape
    zeros = [jnp.zeros((*shape, n)) for n in (6, 10, 2 * COUNT)]
    return Reading(
        role_logits=zeros[0],
        digit_logits=zeros[1],
        op_logits=zeros[2],
        gate_logits=gate_logits,
        mask=jnp.ones(shape, bool),
    )


def test_gates_cap_warm_up_and_confidence() -> None:
    reading = reading_of(jnp.full((1, 4), 50.0))
    ready, cost = jnp.array([[True, True, True, False]]), jnp.array([[0.0, 1.0, 20.0, 0.0]])
    config = CoprocessorConfig(max_gate=0.5, gate_warmup_steps=9)
    gate = gates.Gate(config)(reading, ready, cost)
    np.testing.assert_allclose(gate, [[0.5, 0.5, 0.5, 0.0]])
    sure = gates.Gate(replace(config, confidence_aware=True))(reading, ready, cost)
    np.testing.assert_allclose(sure, 0.5 * np.exp(-cost) * ready, rtol=1e-6)
    rising = [float(gates.warmup(config, step)) for step in (0, 4, 9, 500)]
    np.testing.assert_allclose(rising, [0.1, 0.5, 1.0, 1.0])
    shut = gates.Gate(replace(config, max_gate=0.0))(reading, ready, cost)
    assert not shut.any()
    learned = gates.Gate(replace(config, layer_gate_strategy="learned"))
    assert 0 < float(learned(reading, ready, cost)[0, 0]) < 0.5
    assert len(jax.tree.leaves(nnx.state(learned, nnx.Param))) == 1


def test_balance_loss_pulls_to_the_load() -> None:
    config = CoprocessorConfig(target_load=0.25, balance_coeff=2.0)

    def loss(logits: jax.Array) -> jax.Array:
        return balance_loss(config, reading_of(logits))

    at_load = jnp.full((2, 3), jnp.log(1 / 3))
    assert float(loss(at_load)) == pytest.approx(0, abs=1e-12)
    assert float(loss(at_load + 50)) == pytest.approx(2 * 0.75**2)
    assert np.all(jax.grad(loss)(at_load + 1) > 0) and np.all(jax.grad(loss)(at_load - 1) < 0)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_gate_of_zero_changes_no_bit(dtype: Any, call: Call) -> None:
    output, _ = call(hidden(expression(5, 0, 6)))
    rng = np.random.default_rng(0)
    mlp = jnp.asarray(rng.normal(size=output.value.shape), dtype).at[0, 0, :3].set(-0.0)
    odd = {jnp.dtype("float32"): jnp.uint32, jnp.dtype("bfloat16"): jnp.uint16}[mlp.dtype]
    bits = partial(jax.lax.bitcast_convert_type, new_dtype=odd)
    mixed = mix(mlp, output)
    shut = np.asarray(output.gate) == 0
    assert mixed.dtype == mlp.dtype and 0 < shut.sum() < shut.size
    np.testing.assert_array_equal(bits(mixed)[shut], bits(mlp)[shut])
    assert np.all(np.any(np.asarray(mixed != mlp)[~shut], -1))


def test_read_losses_fall_as_readings_get_right(call: Call) -> None:
    tokens = expression(12, 3, 4)
    output, _ = call(hidden(tokens))
    role, digit, op = (jnp.asarray(x)[None] for x in np.array(tokens, np.int32).T)
    right = Labels(role=role, digit=digit, op=op)
    wrong = Labels(role=(role + 1) % 6, digit=(digit + 1) % 10, op=op + 1)
    nothing = Labels(role=role * 0 - 1, digit=digit * 0 - 1, op=op * 0 - 1)
    losses = [read_losses(output.reading, x) for x in (right, wrong, nothing)]
    assert losses[0].keys() == {"role", "digit", "op"}
    for name in losses[0]:
        assert 0 < float(losses[0][name]) < float(losses[1][name]) and losses[2][name] == 0


def test_inputs_that_do_not_fit(expert: Expert) -> None:
    states = jnp.zeros((2, 3, WIDTH))
    for bad, message in (
        ({"hidden": states[..., 1:]}, "hidden"),
        ({"hidden": states.astype(jnp.int32)}, "hidden"),
        ({"hidden": states[:, :0]}, "hidden"),
        ({"state": expert.initial_state(3)}, "state"),
        ({"mask": jnp.ones((2, 3))}, "mask"),
        ({"given": Operands(a=jnp.zeros(5, jnp.int32))}, "a is"),
        ({"given": Operands(op=jnp.zeros((2, 3)))}, "op is"),
    ):
        with pytest.raises(ExpertInputError, match=message):
            expert(**{"hidden": states, "exact": True, **bad})


def test_frozen_and_trainable_arithmetic() -> None:
    frozen = Expert(CONFIG, 8, rngs=nnx.Rngs(0))
    free = Expert(replace(CONFIG, freeze_alu=False), 8, rngs=nnx.Rngs(0))
    assert "alu" not in nnx.to_pure_dict(nnx.state(frozen, nnx.Param))
    assert "alu" in nnx.to_pure_dict(nnx.state(free, nnx.Param))
    shapes = [jax.tree.map(jnp.shape, nnx.to_pure_dict(nnx.state(e))) for e in (frozen, free)]
    assert shapes[0] == shapes[1]
