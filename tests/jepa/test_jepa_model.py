"""The model's interface, its gradients, and a short training on programs."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import ncpu
from ncpu.jepa import Config, JEWorldModel, evaluate, linear
from ncpu.jepa.action import action
from ncpu.jepa.arithmetic import computed
from ncpu.jepa.errors import ActionError, TraceError, ViewError
from ncpu.jepa.layers import Cells, barrel, walsh
from ncpu.jepa.predictor import SIGNS
from ncpu.jepa.programs import Random, split, together, trace_corpus
from ncpu.jepa.regularize import sigreg, vicreg
from ncpu.jepa.train import Recipe, Stream, train
from ncpu.jepa.transition import Transition, take
from ncpu.jepa.view import WORDS, from_bits, to_bits
from ncpu.machine import batch

CORPUS = Path(__file__).parents[2] / "programs" / "corpus"
SMALL = Config(hidden=32, code=32)
MASK = (1 << 32) - 1


def test_the_quickstart() -> None:
    model = JEWorldModel(SMALL)
    state = ncpu.new_state(size=4096)
    latent = model.encode_state(state)
    assert latent.shape == (WORDS, 64, 4)
    instr = ncpu.decode(0x8B020020)  # add x0, x1, x2
    ahead = model.predict_next_latent(latent, model.encode_action(instr))
    assert ahead.shape == latent.shape
    same = np.asarray((ahead == latent).all((1, 2)))
    # It writes x0, pc and flags.
    assert same[1:32].all() and not same[0] and not same[32]
    latents = model.encode_state(batch.broadcast(state, 1))
    instrs = ncpu.decode(np.array([0x8B020020], np.uint32))
    batched = model.predict_next_latent(latents, model.encode_action(instrs))
    np.testing.assert_allclose(batched[0], ahead, atol=1e-5)


def test_bad_input() -> None:
    model = JEWorldModel(SMALL)
    with pytest.raises(ActionError, match=r"0x9e660020 \(unit"):
        model.encode_action(ncpu.decode(0x9E660020))  # fmov x0, d1
    with pytest.raises(ActionError, match="UNDEFINED"):
        model.encode_action(ncpu.decode(0))
    with pytest.raises(ActionError, match="packed"):
        model.encode_action(np.zeros(8, np.int32))
    with pytest.raises(ViewError, match="no view"):
        model.encode_state(np.zeros((34, 2)))  # pyright: ignore[reportArgumentType]
    add = model.encode_action(ncpu.decode(0x8B020020))
    with pytest.raises(ViewError, match="batch"):
        model.predict_next_latent(jnp.zeros((2, 34, 64, 4)), add)
    with pytest.raises(ValueError, match="none of"):
        Recipe(target="other")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TraceError, match="at least one"):
        Stream(None, Recipe(real=1.0))


def test_words_and_bits() -> None:
    rng = np.random.default_rng(0)
    words = jnp.asarray(rng.integers(0, 1 << 32, (5, 2), dtype=np.uint32))
    bits = to_bits(words)
    value = [sum(int(b) << k for k, b in enumerate(row)) for row in np.asarray(bits)]
    assert value == [int(low) | int(high) << 32 for low, high in np.asarray(words)]
    assert (from_bits(bits == 1) == words).all()


def test_truth_tables_are_sums_of_walsh_terms() -> None:
    """Any function of three bits is fitted exactly, here a random one of every output."""
    rng = np.random.default_rng(1)
    rows = (np.arange(8)[:, None] >> np.arange(3)) & 1
    basis = np.stack(walsh([jnp.asarray(x, jnp.float32) for x in (rows * 2 - 1).T]), -1)
    truth = rng.choice([-1.0, 1.0], (8, 5))
    np.testing.assert_allclose(basis @ np.linalg.solve(basis, truth), truth, atol=1e-5)


def test_a_cell_can_add() -> None:
    """With the tables of a full adder, a cell's sums are those of Python."""
    rng = np.random.default_rng(2)
    numbers = rng.integers(0, 1 << 64, (3, 16), dtype=np.uint64)
    bits = (numbers[:, None] >> np.arange(64, dtype=np.uint64)[:, None]) & np.uint64(1)
    words = jnp.asarray(bits.astype(np.float32) * 2 - 1)
    cells = Cells(1, 3, 1, rngs=nnx.Rngs(0))
    tables = np.zeros((4, 8, 7, 1), np.float32)
    tables[:, 6, 0] = -20  # a carry is passed on where the first two bits differ
    tables[:, 4, 2] = tables[:, 2, 2] = 10  # else it is what they both are
    tables[:, 6, 5] = 20  # the sum is the product of both and the carry in, as signs
    values = {
        "select": np.eye(3).reshape(3, 1, 3) * 20,
        "sign": np.full((3, 1), 20.0),
        "tables": tables,
        "start": np.array([[-20.0], [0.0]]),
    }
    for name, value in values.items():
        layer = getattr(cells, name)
        layer.kernel[...] = jnp.zeros_like(layer.kernel[...])
        layer.bias[...] = jnp.asarray(value, jnp.float32).reshape(-1)
    out, carries, _ = jax.jit(cells)(words, jnp.zeros((16, 1)))
    got = (np.asarray(out[:, 0]) > 0).astype(np.uint64) << np.arange(64, dtype=np.uint64)[:, None]
    assert (got.sum(0, dtype=np.uint64) == numbers[0] + numbers[1]).all()
    assert ((np.asarray(carries[-1, 0, 0]) > 0) == (numbers[0] + numbers[1] < numbers[0])).all()


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("amount", [0, 1, 7, 33, 63])
def test_open_gates_shift(left: bool, amount: int) -> None:
    x = jnp.arange(1.0, 129.0).reshape(128, 1)
    gates = jnp.asarray([[(amount >> k) & 1] for k in range(6)], jnp.float32)
    got = np.asarray(barrel(x, gates, left=left))[:, 0]
    place = np.arange(128) + (-amount if left else amount)
    assert (got == np.clip(place, 0, 127) + 1).all()


def test_regularisers_tell_collapse_from_a_normal_cloud() -> None:
    key = jax.random.key(0)
    good = jax.random.normal(key, (4096, 4))
    flat = jnp.zeros((4096, 4))
    line = good[:, :1] * jnp.ones((1, 4))
    assert float(vicreg(flat)[0]) > 0.9 and float(vicreg(good)[0]) < 0.05
    assert float(vicreg(line)[1]) > 2 and float(vicreg(good)[1]) < 0.05
    assert float(sigreg(flat, key)) > 20 * float(sigreg(good, key))
    assert float(sigreg(line, key)) > 5 * float(sigreg(good, key))


@pytest.fixture(scope="module")
def trained() -> tuple[JEWorldModel, Transition, Transition, list[float]]:
    """A small model after a short training on programs, its data, held-out data, its losses."""
    train_set, test_set = split(trace_corpus(CORPUS, 256))
    pool, test = together(train_set, 200), together(test_set, 40)
    losses: list[float] = []
    recipe = Recipe(steps=STEPS, batch=64, chunk=50, real=1.0, rate=3e-3)
    model = train(pool, recipe, SMALL, lambda progress: losses.append(progress.loss))
    return model, pool, test, losses


STEPS = 250


@pytest.mark.slow
def test_training_reaches_every_weight(trained: tuple) -> None:
    model, _, _, losses = trained
    assert losses[-1] < losses[0]
    before = nnx.state(JEWorldModel(SMALL, seed=0))
    after = nnx.state(model)
    for path, leaf in jax.tree_util.tree_leaves_with_path(
        jax.tree.map(lambda a, b: np.abs(a - b).max(), before, after)
    ):
        # More than what the decay of weights alone does to them.
        assert np.isfinite(leaf) and leaf > 1e-3, jax.tree_util.keystr(path)


@pytest.mark.slow
def test_a_short_training_beats_copying_and_the_shuffled_control(trained: tuple) -> None:
    model, pool, test, _ = trained
    evaluator = evaluate.Evaluator(model, pool)
    found = evaluate.one_step(evaluator, test)
    own, copy = found["predicted"], found["copy"]
    control = evaluate.one_step(evaluator, test, control=True)["predicted"]
    for other in (copy, control):
        assert own.changed > other.changed and own.pc > other.pc
    assert found["true"].whole > 0.999
    assert found["latent_error"] < found["copy_error"]
    signs = evaluate.collapse(evaluator, test)
    assert signs["spread"] > 0.1 and signs["rank_bit"] > 1.2 and signs["sensitivity"] > 0.01


@pytest.mark.slow
def test_the_linear_baseline_gets_moves_right() -> None:
    """A sanity check of the wiring: MOV is linear in bits, ADD is not."""
    made = Random(5).draw(8192)
    made = take(made, np.flatnonzero(made.valid))
    score = linear.Linear(take(made, np.s_[:6000])).score(take(made, np.s_[6000:]))
    assert 0.5 < score.changed < 1 and score.whole < 0.5


def test_an_action_of_the_table_is_total() -> None:
    act = action(jnp.asarray(Random(1).packed[:2000]))
    assert np.isfinite(act.features).all() and int(act.reads.max()) <= WORDS


@pytest.mark.parametrize("seed", range(4))
def test_a_new_model_reads_and_writes_its_encoders_latents(seed: int) -> None:
    model = JEWorldModel(seed=seed)
    table = np.asarray(model.encoder.table())
    read = np.asarray(model.predictor.reader(jnp.asarray(table)))[:, 0]
    assert ((read > 0) == (SIGNS[:, 1] > 0)).all()
    written = model.predictor.writer(jnp.stack(walsh(list(jnp.asarray(SIGNS.T))), -1))
    np.testing.assert_allclose(np.asarray(written), table, atol=1e-5)


def test_what_is_given_is_arithmetic() -> None:
    """Products and quotients of 64 and 32 bits, by Python's integers."""
    rng = np.random.default_rng(3)
    edges = [0, 1, 7, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1]
    pairs = [(a, b) for a in edges for b in edges]
    pairs += [tuple(int(x) for x in row) for row in rng.integers(0, 1 << 64, (64, 2), np.uint64)]
    columns = zip(*pairs, strict=True)
    first, second = (jnp.asarray([[x & MASK, x >> 32] for x in c], jnp.uint32) for c in columns)
    got = np.asarray(computed(first, second)).astype(object)
    for (a, b), row in zip(pairs, (got[..., 0] | got[..., 1] << 32).T, strict=True):
        low = [x & MASK for x in (a, b)]
        wide, half = [_signed(x, 64) for x in (a, b)], [_signed(x, 32) for x in low]
        expected = [a * b, low[0] * low[1], half[0] * half[1], a * b >> 64, wide[0] * wide[1] >> 64]
        expected += [_quotient(*p) for p in ((a, b), low, wide, half)]
        assert [x & (1 << 64) - 1 for x in expected] == list(row), (a, b)


def _signed(x: int, bits: int) -> int:
    return x - (1 << bits) if x >> bits - 1 else x


def _quotient(a: int, b: int) -> int:
    """Towards zero; nothing by zero, as the manual has it."""
    return 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
