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
from ncpu.jepa.errors import ActionError, TraceError, ViewError
from ncpu.jepa.layers import barrel, carry_scan
from ncpu.jepa.programs import Random, split, together, trace_corpus
from ncpu.jepa.regularize import sigreg, vicreg
from ncpu.jepa.train import Recipe, Stream, _loss, train
from ncpu.jepa.transition import take
from ncpu.jepa.view import WORDS, from_bits, to_bits
from ncpu.machine import batch

CORPUS = Path(__file__).parents[2] / "programs" / "corpus"
SMALL = Config(encoder=8, width=16, carry=8, condition=16, blocks=1, pc_blocks=1)


def test_the_quickstart() -> None:
    model = JEWorldModel(SMALL)
    state = ncpu.new_state(size=4096)
    latent = model.encode_state(state)
    assert latent.shape == (WORDS, 64, 4)
    instr = ncpu.decode(0x8B020020)  # add x0, x1, x2
    ahead = model.predict_next_latent(latent, model.encode_action(instr))
    assert ahead.shape == latent.shape
    same = np.asarray((ahead == latent).all((1, 2)))
    # It writes x0 and pc; of the flags' word it may move what a flag reaches.
    assert same[1:32].all() and not same[0] and not same[32]
    two = batch.broadcast(state, 2)
    latents = model.encode_state(two)
    instrs = ncpu.decode(np.array([0x8B020020, 0xD65F03C0], np.uint32))
    both = model.predict_next_latent(latents, model.encode_action(instrs))
    np.testing.assert_allclose(both[0], ahead, atol=1e-5)


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


def test_the_carry_scan_adds() -> None:
    """With generate and propagate of an adder as its gates it computes the carries."""
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, 1 << 62, 16, dtype=np.uint64) for _ in range(2))
    x, y = (((v[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)) for v in (a, b))
    propagate, generate = (x ^ y)[..., None], (x & y)[..., None]
    carry = carry_scan(
        jnp.asarray(propagate, jnp.float32), jnp.asarray(generate, jnp.float32), jnp.zeros((16, 1))
    )
    carry_in = np.pad(np.asarray(carry[:, :-1, 0]), ((0, 0), (1, 0))).astype(np.uint64)
    total = (x ^ y ^ carry_in) << np.arange(64, dtype=np.uint64)
    assert (total.sum(1, dtype=np.uint64) == a + b).all()


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("amount", [0, 1, 7, 33, 63])
def test_open_gates_shift(left: bool, amount: int) -> None:
    x = jnp.arange(1.0, 129.0).reshape(1, 128, 1)
    gates = jnp.asarray([[(amount >> k) & 1 for k in range(6)]], jnp.float32)
    got = np.asarray(barrel(x, gates, left=left))[0, :, 0]
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


@pytest.mark.parametrize("target", ["vicreg", "sigreg", "ema", "none"])
def test_gradients_reach_every_weight(target: str) -> None:
    model = JEWorldModel(SMALL, seed=1)
    graph, params = nnx.split(model)
    given = jax.tree.map(jnp.asarray, Random(0).draw(64))
    recipe = Recipe(target=target)  # pyright: ignore[reportArgumentType]

    def loss(params: nnx.State) -> jax.Array:
        live = nnx.merge(graph, params)
        return _loss(live, params["encoder"], given, jax.random.key(0), recipe)[0]

    gradient = jax.jit(jax.grad(loss))(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        name = jax.tree_util.keystr(path)
        assert np.isfinite(leaf).all(), name
        assert np.abs(leaf).max() > 0, name


def test_the_target_of_ema_takes_no_gradient() -> None:
    model = JEWorldModel(SMALL, seed=1)
    graph, params = nnx.split(model)
    given = jax.tree.map(jnp.asarray, Random(0).draw(64))

    def loss(average: nnx.State) -> jax.Array:
        live = nnx.merge(graph, params)
        return _loss(live, average, given, jax.random.key(0), Recipe(target="ema"))[0]

    gradient = jax.jit(jax.grad(loss))(params["encoder"])
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(gradient))


def test_a_short_training_beats_copying_on_held_out_programs() -> None:
    train_set, test_set = split(trace_corpus(CORPUS))
    pool, test = together(train_set, 500), together(test_set, 60)
    recipe = Recipe(steps=STEPS, batch=64, chunk=50, real=1.0, seed=0)
    losses: list[float] = []
    model = train(pool, recipe, SMALL, lambda progress: losses.append(progress.loss))
    assert losses[-1] < losses[0]
    evaluator = evaluate.Evaluator(model, pool)
    found = evaluate.one_step(evaluator, test)
    control = evaluate.one_step(evaluator, test, control=True)
    own, copy = found["predicted"], found["copy"]
    assert copy.changed == 0 and own.changed > 0.7
    assert own.changed > control["predicted"].changed + 0.1
    assert found["true"].whole > 0.99
    assert found["latent_error"] < 0.7 * found["copy_error"]
    signs = evaluate.collapse(evaluator, test)
    assert signs["spread"] > 0.3 and signs["rank_bit"] > 2 and signs["sensitivity"] > 0.01


STEPS = 300


def test_the_linear_baseline_gets_moves_right() -> None:
    """A sanity check of the wiring: MOV is linear in bits, ADD is not."""
    made = Random(5).draw(8192)
    made = take(made, np.flatnonzero(made.valid))
    score = linear.Linear(take(made, np.s_[:6000])).score(take(made, np.s_[6000:]))
    assert 0.5 < score.changed < 1 and score.whole < 0.5


def test_an_action_of_the_table_is_total() -> None:
    act = action(jnp.asarray(Random(1).packed[:2000]))
    assert np.isfinite(act.features).all() and int(act.reads.max()) <= WORDS
