"""The decoder against itself: cached, padded, moved, generated; the delta rule in float64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import Array

from ncpu.coproc.decoder import (
    Cache,
    Decoder,
    DecoderConfig,
    LinearAttention,
    Rope,
    generate,
    left_pad,
    save_pretrained,
)
from ncpu.coproc.decoder.generate import Sampling, _generate, draw
from ncpu.coproc.decoder.linear_attention import gated_delta_rule
from ncpu.coproc.errors import DecoderConfigError, DecoderInputError, WeightsError

SEED = 20
VOCAB = 61
DENSE = DecoderConfig(
    vocab_size=VOCAB,
    width=32,
    depth=2,
    heads=4,
    kv_heads=2,
    mlp_width=48,
    layer_types=("sliding_attention", "full_attention"),
    window=6,
    qkv_bias=True,
    qk_norm=True,
)
HYBRID = DecoderConfig(
    vocab_size=VOCAB,
    width=32,
    depth=2,
    heads=4,
    kv_heads=2,
    head_dim=16,
    mlp_width=48,
    layer_types=("linear_attention", "full_attention"),
    linear=LinearAttention(key_heads=2, value_heads=4, key_dim=8, value_dim=12),
    rope=Rope(fraction=0.25),
    qk_norm=True,
    output_gate=True,
    centred_norm=True,
    tied=False,
    family="qwen3_5",
)


def random_decoder(config: DecoderConfig) -> Decoder:
    """Weights large enough that tokens look at each other."""
    decoder = Decoder(config, rngs=nnx.Rngs(SEED))
    state = nnx.state(decoder, nnx.Param)
    rng = np.random.default_rng(SEED)

    def noisy(x: Array) -> Array:
        return x + jnp.asarray(rng.normal(0, 0.2, x.shape), x.dtype)

    nnx.update(decoder, jax.tree.map(noisy, state))
    return decoder


@pytest.fixture(scope="module", params=[DENSE, HYBRID], ids=["dense", "hybrid"])
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return random_decoder(request.param)


@pytest.fixture(scope="module")
def dense() -> Decoder:
    return random_decoder(DENSE)


@pytest.fixture(scope="module")
def ids() -> Array:
    return jnp.asarray(np.random.default_rng(SEED).integers(0, VOCAB, (2, 13)), jnp.int32)


def close(one: Array, other: Array) -> None:
    np.testing.assert_allclose(one, other, atol=2e-5, rtol=0)


@nnx.jit
def forward(decoder: Decoder, ids: Array, positions: Array | None, mask: Array) -> Array:
    return decoder(ids, positions, mask=mask)[0]


@nnx.jit
def extend(
    decoder: Decoder, cache: Cache, ids: Array, positions: Array | None, mask: Array
) -> tuple[Array, Cache | None]:
    return decoder(ids, positions, cache, mask)


def whole(decoder: Decoder, ids: Array, positions: Any = None, mask: Any = None) -> Array:
    """Logits without a cache."""
    mask = np.ones(ids.shape, bool) if mask is None else mask
    return forward(decoder, ids, positions, jnp.asarray(mask))


def in_pieces(decoder: Decoder, ids: Array, positions: Any = None, mask: Any = None) -> Array:
    """Logits of six, one and six tokens, each after the ones before it by way of the cache."""
    cache = decoder.empty_cache(ids.shape[0], ids.shape[1] + 2)
    mask = jnp.ones(ids.shape, bool) if mask is None else jnp.asarray(mask)
    logits = []
    for part in (slice(0, 6), slice(6, 7), slice(7, 13)):
        given = None if positions is None else positions[:, part]
        out, cache = extend(decoder, cache, ids[:, part], given, mask[:, part])
        logits.append(out)
    assert cache is not None and int(cache.filled) == ids.shape[1] == 13
    return jnp.concatenate(logits, axis=1)


def test_cache_padding_and_positions(decoder: Decoder, ids: Array) -> None:
    plain = whole(decoder, ids)
    assert plain.dtype == jnp.float32
    close(in_pieces(decoder, ids), plain)

    mask = np.ones(ids.shape, bool)
    mask[1, :4] = False  # row 1 is shorter, padded on the left
    padded = whole(decoder, ids, mask=mask)
    close(padded[0], plain[0])
    moved = jnp.roll(ids, -4, axis=1)  # the short row from the first column on, no padding before
    close(padded[1, 4:], whole(decoder, moved)[1, :-4])
    other = jnp.where(mask, ids, 7)  # what stands in the padding does not matter
    close(whole(decoder, other, mask=mask)[mask], padded[mask])
    close(in_pieces(decoder, ids, mask=mask)[mask], padded[mask])

    rng = np.random.default_rng(SEED)
    spread = np.sort(rng.choice(200, ids.shape, replace=False), axis=1)
    spread = jnp.asarray(spread, jnp.int32)
    far = whole(decoder, ids, spread)
    assert jnp.abs(far - plain).max() > 1e-2
    close(whole(decoder, ids, spread + 50), far)  # rotary positions are relative
    close(in_pieces(decoder, ids, spread), far)


def test_a_sliding_layer_sees_its_window_only(ids: Array) -> None:
    config = DecoderConfig(
        vocab_size=VOCAB, width=32, depth=1, heads=2, layer_types=("sliding_attention",), window=6
    )
    decoder = random_decoder(config)
    plain, changed = whole(decoder, ids), whole(decoder, ids.at[:, 3].add(1) % VOCAB)
    moved = jnp.abs(plain - changed).max(axis=(0, 2)) > 0
    assert moved.tolist() == [3 <= t < 3 + 6 for t in range(ids.shape[1])]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 150])
def test_delta_rule_is_the_recurrence(count: int) -> None:
    rng = np.random.default_rng(SEED + count)
    shape = (2, count, 3)
    query, key = (rng.normal(size=(*shape, 8)) / 8**0.5 for _ in range(2))
    value, start = rng.normal(size=(*shape, 5)), rng.normal(size=(2, 3, 8, 5))
    log_decay = -np.array([0.01, 1.0, 16.0]) * rng.uniform(0, 2, shape)
    rate = rng.uniform(0, 1, shape)
    memory, expected = start, []
    for t in range(count):
        k, q = key[:, t, :, :, None], query[:, t, :, :, None]
        memory = memory * np.exp(log_decay[:, t])[..., None, None]
        read = (memory * k).sum(-2)
        memory = memory + k * (rate[:, t, :, None] * (value[:, t] - read))[..., None, :]
        expected.append((memory * q).sum(-2))
    given = (query, key, value, log_decay, rate, start)
    output, final = jax.jit(gated_delta_rule)(*(jnp.asarray(x, jnp.float32) for x in given))
    np.testing.assert_allclose(output, np.stack(expected, 1), atol=3e-6)
    np.testing.assert_allclose(final, memory, atol=3e-6)


def test_every_parameter_gets_a_gradient(ids: Array) -> None:
    decoder = random_decoder(HYBRID)

    @nnx.jit
    def gradients(decoder: Decoder, ids: Array) -> Any:
        def loss(decoder: Decoder) -> Array:
            likely = jax.nn.log_softmax(decoder(ids[:, :-1])[0])
            return -jnp.take_along_axis(likely, ids[:, 1:, None], axis=-1).mean()

        return nnx.grad(loss)(decoder)

    for path, gradient in nnx.to_flat_state(gradients(decoder, ids)):
        assert jnp.isfinite(gradient[...]).all() and jnp.abs(gradient[...]).max() > 0, path


def test_rows_generate_as_if_alone(decoder: Decoder) -> None:
    prompts = [[3, 1, 4, 1, 5, 9, 2, 6], [2, 7], [1, 8, 2, 8, 1]]
    tokens, mask = left_pad(prompts)
    together = generate(decoder, tokens, mask=mask, max_new_tokens=6)
    assert together.tokens.shape == (3, 6) and together.lengths.tolist() == [6, 6, 6]
    text = jnp.concatenate((tokens, together.tokens), axis=1)
    seen = np.concatenate((mask, np.ones((3, 6), bool)), axis=1)
    likeliest = whole(decoder, text, mask=seen)[:, tokens.shape[1] - 1 : -1].argmax(-1)
    assert np.array_equal(likeliest, together.tokens)


def test_prompts_share_a_compilation_and_end(dense: Decoder) -> None:
    def run(length: int, **options: Any) -> tuple[list[int], int]:
        prompt = np.arange(length)[None] % VOCAB
        made = generate(dense, prompt, max_new_tokens=6, **options)
        return made.tokens[0].tolist(), int(made.lengths[0])

    plain, _ = run(4)
    compiled = _generate._cache_size()
    for length in (1, 17, 32):
        run(length)
    end = plain[2]
    first = plain.index(end) + 1
    assert run(4, eos=end, pad=60) == (plain[:first] + [60] * (6 - first), first)
    assert run(4, eos=[end], pad=0)[1] == first
    run(4, eos=59)
    assert _generate._cache_size() - compiled <= 0

    key = jax.random.key(SEED)
    warm, _ = run(4, temperature=2.0, key=key, top_k=VOCAB)
    compiled = _generate._cache_size()
    assert run(4, temperature=2.0, key=key, top_k=VOCAB)[0] == warm
    assert run(4, temperature=2.0, key=jax.random.key(1), top_p=0.99)[0] != warm
    assert run(4, temperature=0.5, key=key, top_k=1)[0] == plain
    assert run(4, temperature=0.5, key=key, top_p=1e-6)[0] == plain
    assert _generate._cache_size() == compiled


def test_tokens_are_drawn_as_often_as_they_should_be() -> None:
    logits = np.log(np.array([0.4, 0.3, 0.15, 0.1, 0.05]))
    draws = 20_000

    def shares(temperature: float, top_k: int, top_p: float) -> np.ndarray:
        sampling = Sampling(*map(jnp.asarray, (temperature, top_k, top_p)))
        rows = jnp.broadcast_to(jnp.asarray(logits, jnp.float32), (draws, 5))
        drawn = draw(rows, sampling, jax.random.key(SEED), filtered=True)
        return np.bincount(np.asarray(drawn), minlength=5) / draws

    for temperature, top_k, top_p, kept in (
        (1.0, 5, 1.0, 5),
        (2.0, 5, 1.0, 5),
        (1.0, 3, 1.0, 3),
        (1.0, 5, 0.69, 2),  # 0.4 + 0.3 reaches it
        (1.0, 5, 0.71, 3),
        (1.0, 2, 0.5, 1),  # of the two kept, the first has 0.57
    ):
        expected = np.exp(logits / temperature) * (np.arange(5) < kept)
        expected /= expected.sum()
        tolerance = 5 * np.sqrt(expected * (1 - expected) / draws)
        assert (np.abs(shares(temperature, top_k, top_p) - expected) <= tolerance).all()


class Counting(nnx.Module):
    """An MLP's replacement that remembers: adds a multiple of the valid tokens so far."""

    def __init__(self, mlp: Any) -> None:
        self.mlp = mlp
        self.scale = nnx.Param(jnp.asarray(0.5))

    def initial_state(self, batch: int) -> Array:
        return jnp.zeros((batch,), jnp.int32)

    def __call__(self, hidden: Array, state: Array, valid: Array) -> tuple[Array, Array]:
        added, _ = self.mlp(hidden, (), valid)
        seen = state[:, None] + jnp.cumsum(valid, axis=1)
        return added * (1 + self.scale * jnp.sin(seen))[..., None], seen[:, -1]


def test_an_mlp_that_remembers(ids: Array, tmp_path: Any) -> None:
    decoder = random_decoder(DENSE)
    plain = whole(decoder, ids)
    layer = decoder.layers[1]
    original, layer.mlp = layer.mlp, Counting(layer.mlp)
    counted = whole(decoder, ids)
    assert jnp.abs(counted - plain).max() > 1e-2
    close(in_pieces(decoder, ids), counted)
    made = generate(decoder, ids[:, :7], max_new_tokens=6)
    text = jnp.concatenate((ids[:, :7], made.tokens), axis=1)
    assert np.array_equal(whole(decoder, text)[:, 6:-1].argmax(-1), made.tokens)
    with pytest.raises(WeightsError, match=r"layers\.1\.mlp\.mlp\.down\.kernel is not part of"):
        save_pretrained(decoder, tmp_path)
    layer.mlp = original
    assert jnp.array_equal(whole(decoder, ids), plain)


def test_input_that_does_not_fit(dense: Decoder, ids: Array) -> None:
    cache = dense.empty_cache(2, 4)
    for message, call in (
        (r"tokens int32\[13\]: integers", lambda: dense(ids[0])),
        ("tokens float32", lambda: dense(ids.astype(jnp.float32))),
        (r"mask \[2, 3\]: the tokens' shape \[2, 13\]", lambda: dense(ids, mask=ids[:, :3] > 0)),
        (r"positions \[1, 13\]", lambda: dense(ids, ids[:1])),
        ("cache for 2 rows, tokens have 1", lambda: dense(ids[:1, :3], cache=cache)),
        ("13 tokens after 0: the cache has 4 slots", lambda: dense(ids, cache=cache)),
    ):
        with pytest.raises(DecoderInputError, match=message):
            call()
    gap = np.ones((2, 13), bool)
    gap[0, 5] = False
    for message, options in (
        ("max_new_tokens = 0: at least 1", {"max_new_tokens": 0}),
        ("temperature = nan", {"temperature": float("nan")}),
        ("key = None", {"temperature": 1.0}),
        ("top_k = 0", {"top_k": 0}),
        ("top_p = 1.5", {"top_p": 1.5}),
        ("on the left", {"mask": gap}),
        ("token 61: accepted are 0 to 60", {"tokens": [[61]]}),
        ("neither zero", {"tokens": np.zeros((1, 0), np.int32)}),
    ):
        given: dict[str, Any] = {"tokens": ids, "max_new_tokens": 2} | options
        with pytest.raises(DecoderInputError, match=message):
            generate(dense, **given)
    with pytest.raises(DecoderInputError, match="at least one token"):
        left_pad([[1], []])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"heads": 0}, "heads = 0: a whole number above 0"),
        ({"head_dim": 7}, "rotary size 7"),
        ({"dtype": "int8"}, "dtype = 'int8': accepted are float32"),
        ({"family": "gpt2"}, "family = 'gpt2'"),
        ({"window": None}, "window = None: sliding layers need one"),
    ],
)
def test_config_fields_that_do_not_fit(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DecoderConfigError, match=message):
        replace(DENSE, **fields)
    with pytest.raises(DecoderConfigError, match="4 value heads are no multiple of 3"):
        LinearAttention(key_heads=3, value_heads=4, key_dim=8, value_dim=8)
    for rope in ({"theta": -1.0}, {"fraction": 2.0}, {"kind": "yarn"}):
        with pytest.raises(DecoderConfigError, match="rope"):
            Rope(**rope)
