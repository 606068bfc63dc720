"""A coprocessor in each Flax model of transformers: what changes, and all that must not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict

from ncpu import sealed
from ncpu.coproc import CoprocessorConfig, CoprocessorConfigError, Operands, Role
from ncpu.coproc.adapters import nnx_decoder, saving
from ncpu.coproc.adapters.observe import observe
from ncpu.coproc.decoder import Decoder, DecoderConfig
from ncpu.coproc.decoder.weights import load_pretrained as load_decoder
from ncpu.coproc.errors import (
    AlreadyInjectedError,
    CoprocessorFilesError,
    NotInjectedError,
    TokenizerError,
    UnknownModelError,
)
from ncpu.coproc.inject import (
    coprocessor_config,
    has_coprocessor,
    inject_coprocessor,
    load_coprocessor,
    only_trainable,
    remove_coprocessor,
    save_pretrained,
    trainable,
)

transformers = pytest.importorskip("transformers", minversion="4.57")
if not hasattr(transformers, "FlaxGPT2LMHeadModel"):
    pytest.skip("this transformers has no Flax models", allow_module_level=True)

WIDTH, DEPTH, BATCH, PROMPT, NEW = 32, 2, 2, 24, 4
CONFIG = CoprocessorConfig(layer_indices=(0,), gate_warmup_steps=1)
OPERANDS = slice(Role.DIGIT_A, Role.DIGIT_B + 1)
SHUT = -1.0  # the training step at which the warm-up allows a gate of 0
HUGGING = {"hidden_size": WIDTH, "num_hidden_layers": DEPTH, "num_attention_heads": 2}
SIZES = {"vocab_size": 48, "max_position_embeddings": 40}
GATED = {**HUGGING, **SIZES, "intermediate_size": 48, "num_key_value_heads": 1}
GPT = {"vocab_size": 48, "n_positions": 40, "n_embd": WIDTH, "n_layer": DEPTH, "n_head": 2}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "FlaxGPT2LMHeadModel": ("GPT2Config", GPT),
    "FlaxGPTJForCausalLM": ("GPTJConfig", {**GPT, "rotary_dim": 8}),
    "FlaxGPTNeoForCausalLM": (
        "GPTNeoConfig",
        {**SIZES, "hidden_size": WIDTH, "num_layers": DEPTH, "num_heads": 2, "window_size": 8}
        | {"attention_types": [[["global", "local"], 1]]},
    ),
    "FlaxLlamaForCausalLM": ("LlamaConfig", GATED),
    "FlaxMistralForCausalLM": ("MistralConfig", {**GATED, "sliding_window": 16}),
    "FlaxGemmaForCausalLM": ("GemmaConfig", {**GATED, "head_dim": 16}),
    "FlaxOPTForCausalLM": (
        "OPTConfig",
        {**HUGGING, **SIZES, "ffn_dim": 48, "word_embed_proj_dim": 32},
    ),
}


def made(name: str, seed: int = 0, **changes: Any) -> Any:
    """A model with random weights, drawn by NumPy: transformers would compile every draw."""
    kind, fields = MODELS[name]
    ends = {"bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    config = getattr(transformers, kind)(**{**fields, **ends, **changes})
    model = getattr(transformers, name)(config, _do_init=False)
    rng = np.random.default_rng(seed)
    shapes = flatten_dict(model.params_shape_tree)
    return with_params(
        model,
        unflatten_dict(
            {
                path: jnp.asarray(rng.normal(path[-1] == "scale", 0.2, leaf.shape), leaf.dtype)
                for path, leaf in sorted(shapes.items())
            }
        ),
    )


def with_params(model: Any, params: Any) -> Any:
    model._is_initialized = True
    model.params = params
    return model


def decided(model: Any) -> Any:
    """An injected model whose experts read digits here and there, with open gates."""
    params = jax.tree.map(lambda x: x, model.params)
    for weights in params["coprocessor"].values():
        reader = weights["reader"]["map"]
        reader["kernel"] = 3 * reader["kernel"]
        reader["bias"] = reader["bias"].at[-1].set(20.0).at[OPERANDS].add(2.0)
        weights["writer"]["vectors"] = 50 * weights["writer"]["vectors"]
    model.params = params
    return model


def first_digits(**told: Any) -> Any:
    """Experts write the first digit of the sum after every token, once they have operands."""
    return observe(given=Operands(op=jnp.int32(0), index=jnp.int32(0)), **told)


def tokens(seed: int = 1, length: int = PROMPT) -> np.ndarray:
    return np.random.default_rng(seed).integers(2, 48, (BATCH, length))


def forward(model: Any) -> Any:
    """`(params, tokens, step) -> (logits, first block's output, its gates)`, compiled."""

    @jax.jit
    def run(params: Any, ids: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array, Any]:
        with first_digits(step=step) as seen:
            out = model(ids, params=params, output_hidden_states=True)
        gate = seen.outputs[0].gate if seen.outputs else None
        return out.logits, out.hidden_states[1], gate

    return lambda params, ids, step=1e9: run(params, ids, jnp.float32(step))


# The others' blocks are built as one of these.
QUICK = ("FlaxGPT2LMHeadModel", "FlaxLlamaForCausalLM", "FlaxOPTForCausalLM")
CASES = [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in MODELS]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    """A plain model, the injected one, and what each computes."""
    plain = made(request.param)
    model = decided(inject_coprocessor(plain, CONFIG))
    return plain, model, forward(plain), forward(model)


def same(one: Any, other: Any) -> bool:
    """The same structure, types and bits."""
    return jax.tree.structure(one) == jax.tree.structure(other) and all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    )


def test_a_cap_of_zero_leaves_every_bit(case: Any) -> None:
    plain, _, run_plain, _ = case
    capped = decided(inject_coprocessor(plain, replace(CONFIG, max_gate=0.0)))
    logits, block, gate = forward(capped)(capped.params, tokens())
    assert same((logits, block), run_plain(plain.params, tokens())[:2])
    assert not gate.any()


def test_closed_gates_leave_what_the_layer_adds(case: Any) -> None:
    plain, model, run_plain, run_model = case
    before, block_before, _ = run_plain(plain.params, tokens())
    after, block_after, gate = run_model(model.params, tokens(), SHUT)
    assert not gate.any()
    assert same(block_before, block_after)
    # What follows is the same operations, which XLA may fuse and so round otherwise.
    np.testing.assert_allclose(before, after, rtol=0, atol=2e-5)


def test_open_gates_change_the_logits_from_the_first_of_them_on(case: Any) -> None:
    plain, model, run_plain, run_model = case
    before, _, _ = run_plain(plain.params, tokens())
    opened, _, gate = run_model(model.params, tokens())
    assert np.asarray(gate).any(axis=1).all()
    for row in range(BATCH):
        first = int(np.argmax(np.asarray(gate)[row] > 0))
        np.testing.assert_allclose(before[row, :first], opened[row, :first], atol=2e-5)
        assert not np.allclose(before[row, first], opened[row, first], atol=1e-3)


def test_cached_generation_is_what_full_forwards_give(case: Any) -> None:
    """The second row is padded on the left, which leaves no trace in its registers."""
    _, model, _, run_model = case
    mask = np.ones((BATCH, PROMPT), np.int32)
    mask[1, :5] = 0
    ids = np.where(mask, tokens(), 0)

    @jax.jit
    def generate(params: Any) -> jax.Array:
        with first_digits():
            return model.generate(
                jnp.asarray(ids),
                attention_mask=mask,
                params=params,
                max_new_tokens=NEW,
                eos_token_id=1000,  # which does not come
            ).sequences

    found = np.asarray(generate(model.params))
    for row, start in ((0, 0), (1, 5)):
        text = np.zeros((BATCH, PROMPT + NEW), int)
        text[:, : PROMPT + NEW - start] = found[row, start:]
        logits, _, _ = run_model(model.params, text)
        told = np.argmax(logits[0], -1)[PROMPT - start - 1 : -1 - start]
        np.testing.assert_array_equal(found[row, PROMPT:], told)


def test_removal_gives_back_the_model(case: Any) -> None:
    plain, model, _, _ = case
    back = remove_coprocessor(model)
    assert type(back) is type(plain) and back.module == plain.module
    assert same(back.params, plain.params)
    assert has_coprocessor(model) and not has_coprocessor(back) and not has_coprocessor(plain)
    assert back.required_params == plain.required_params
    assert isinstance(model, type(plain)) and type(model).__name__ == type(plain).__name__


def test_a_saved_model_comes_back(case: Any, tmp_path: Path) -> None:
    plain, model, _, _ = case
    model.save_pretrained(tmp_path)
    loaded, params = type(plain).from_pretrained(tmp_path, _do_init=False)
    loaded = with_params(loaded, params)
    assert same(loaded.params, plain.params)
    again = load_coprocessor(tmp_path, loaded)
    assert coprocessor_config(again) == CONFIG
    assert same(again.params, model.params)
    assert again.module.layers == model.module.layers


@pytest.fixture(scope="module")
def gpt2() -> Any:
    return made("FlaxGPT2LMHeadModel")


@pytest.mark.parametrize("name", MODELS)
def test_every_class_gets_its_expert(name: str) -> None:
    model = inject_coprocessor(made(name), CONFIG)

    def run(params: Any, ids: jax.Array) -> Any:
        with observe() as seen:
            logits = model(ids, params=params).logits
        return logits, seen.outputs

    logits, outputs = jax.eval_shape(run, model.params, jnp.asarray(tokens()))
    assert logits.shape == (BATCH, PROMPT, 48)
    assert set(outputs) == {0} and outputs[0].value.shape == (BATCH, PROMPT, WIDTH)
    cache = jax.eval_shape(lambda: model.init_cache(BATCH, PROMPT))
    assert cache["coprocessor"]["seen"].shape == ()
    assert set(cache["coprocessor"]) == {"0", "seen"}


def test_training_moves_what_may_move(gpt2: Any) -> None:
    model = decided(inject_coprocessor(gpt2, CONFIG))
    optimizer = only_trainable(optax.adam(1e-2), model)
    ids = jnp.asarray(tokens())

    @jax.jit
    def step(params: Any) -> tuple[Any, jax.Array]:
        def loss(params: Any) -> jax.Array:
            with first_digits(step=1e9):
                logits = model(ids, params=params, train=True, dropout_rng=jax.random.key(0)).logits
            logs = optax.softmax_cross_entropy_with_integer_labels(logits[:, :-1], ids[:, 1:])
            return logs.mean()

        value, gradients = jax.value_and_grad(loss)(params)
        updates, _ = optimizer.update(gradients, optimizer.init(params), params)
        return optax.apply_updates(params, updates), value

    after, first = step(model.params)
    _, second = step(after)
    assert second < first
    expert = after.pop("coprocessor")["0"]
    before = dict(model.params)
    own = before.pop("coprocessor")["0"]
    assert same(after, before) and same(expert["alu"], own["alu"])
    assert not same(expert["writer"], own["writer"])
    assert not same(expert["reader"], own["reader"])


def test_what_training_may_change(gpt2: Any) -> None:
    for backbone in (False, True):
        for alu in (False, True):
            config = replace(CONFIG, freeze_backbone=backbone, freeze_alu=alu)
            mask = trainable(inject_coprocessor(gpt2, config))
            expert = mask.pop("coprocessor")["0"]
            assert set(jax.tree.leaves(mask)) == {not backbone}
            assert set(jax.tree.leaves(expert.pop("alu"))) == {not alu}
            assert set(jax.tree.leaves(expert)) == {True}


def test_several_layers_in_a_model_without_a_head() -> None:
    headed = made("FlaxGPT2LMHeadModel")
    plain = with_params(
        transformers.FlaxGPT2Model(headed.config, _do_init=False), headed.params["transformer"]
    )
    model = inject_coprocessor(plain, replace(CONFIG, layer_indices=(0, -1)))
    assert set(model.params["coprocessor"]) == {"0", "1"}

    def run(ids: jax.Array) -> Any:
        with observe() as seen:
            model(ids)
        return seen.outputs

    assert set(jax.eval_shape(run, jnp.asarray(tokens()))) == {0, 1}


def test_refusals_leave_the_model_as_it_was(gpt2: Any) -> None:
    before = dict(gpt2.params), gpt2.module
    with pytest.raises(UnknownModelError, match=r"dict .*FlaxGPT2"):
        inject_coprocessor({"a": 1}, CONFIG)
    bert = transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    with pytest.raises(UnknownModelError, match=r"FlaxBertModel .*FlaxOPTForCausalLM"):
        inject_coprocessor(transformers.FlaxBertModel(bert, _do_init=False), CONFIG)
    empty = transformers.FlaxGPT2LMHeadModel(gpt2.config, _do_init=False)
    with pytest.raises(UnknownModelError, match="no parameters"):
        inject_coprocessor(empty, CONFIG)
    with pytest.raises(CoprocessorConfigError, match=r"layer_indices .*from -2 to 1"):
        inject_coprocessor(gpt2, replace(CONFIG, layer_indices=(2,)))
    with pytest.raises(CoprocessorConfigError, match="max_gate is nan; accepted"):
        inject_coprocessor(gpt2, replace(CONFIG, max_gate=float("nan")))
    with pytest.raises(CoprocessorConfigError, match="accepted: a CoprocessorConfig"):
        inject_coprocessor(gpt2, {"max_gate": 1.0})  # type: ignore[arg-type]
    with pytest.raises(NotInjectedError, match="FlaxGPT2LMHeadModel has no coprocessor"):
        remove_coprocessor(gpt2)
    for call in (trainable, coprocessor_config):
        with pytest.raises(NotInjectedError, match="inject_coprocessor"):
            call(gpt2)
    assert same(before[0], gpt2.params) and before[1] is gpt2.module


def test_one_coprocessor_is_enough(gpt2: Any) -> None:
    model = inject_coprocessor(gpt2, CONFIG)
    with pytest.raises(AlreadyInjectedError, match=r"layers 0 .*remove_coprocessor"):
        inject_coprocessor(model, CONFIG)


class Letters:
    """A tokenizer of digits with something amiss."""

    def __init__(self, offset: int = 4, pairs: bool = False, missing: str = "") -> None:
        self.offset, self.pairs, self.missing = offset, pairs, missing

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """With a first token that is no digit, unless told not to."""
        ids = [self.offset + int(c) for c in text for _ in range(1 + (c in self.missing))]
        if self.pairs and len(ids) > 1:
            ids[:2] = [3]
        return [1, *ids] if add_special_tokens else ids


def test_tokenizers_whose_digits_are_tokens(gpt2: Any) -> None:
    assert has_coprocessor(inject_coprocessor(gpt2, CONFIG, tokenizer=Letters()))
    for tokenizer, message in (
        (Letters(missing="7"), "digit 7 is 2 tokens; accepted: one each"),
        (Letters(offset=40), "digit 8 is token 48; accepted by this model: 0 to 47"),
        (Letters(pairs=True), "also side by side"),
    ):
        with pytest.raises(TokenizerError, match=message):
            inject_coprocessor(gpt2, CONFIG, tokenizer=tokenizer)


@pytest.fixture(scope="module")
def saved(gpt2: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    save_pretrained(inject_coprocessor(gpt2, CONFIG), folder)
    return folder


def test_saved_files_are_checked(gpt2: Any, saved: Path, tmp_path: Path) -> None:
    manifest = json.loads((saved / "coprocessor" / "manifest.json").read_text())
    assert manifest["model"] == "FlaxGPT2LMHeadModel"
    assert CoprocessorConfig.from_dict(manifest["config"]) == CONFIG
    with pytest.raises(CoprocessorFilesError, match=r"manifest\.json cannot be read"):
        load_coprocessor(tmp_path, gpt2)
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"width": 64}, "width is 64; accepted for this model: 32"),
        ({"model": "FlaxOPTForCausalLM"}, "model is 'FlaxOPTForCausalLM'"),
        ({"format": 2}, "its format is 2, not 1"),
        ({"depth": "2"}, "depth is '2'; accepted: a JSON int"),
        ({"config": {"max_gate": 2.0}}, r"config: max_gate is 2\.0"),
        ({"files": {"weights/none": "0"}}, "weights/none is missing"),
    )
    target = tmp_path / "coprocessor"
    shutil.copytree(saved / "coprocessor", target)
    for change, message in changes:
        changed = manifest | change
        changed["seal"] = sealed.seal(changed)
        (target / "manifest.json").write_text(json.dumps(changed))
        with pytest.raises(CoprocessorFilesError, match=message):
            load_coprocessor(tmp_path, gpt2)
    (target / "manifest.json").write_text(json.dumps(manifest | {"width": 64}))
    with pytest.raises(CoprocessorFilesError, match=r"manifest\.json was altered"):
        load_coprocessor(tmp_path, gpt2)
    (target / "manifest.json").write_text(json.dumps(manifest))
    name = next(iter(manifest["files"]))
    (target / name).write_bytes(b"")
    with pytest.raises(CoprocessorFilesError, match=f"{name} was altered"):
        load_coprocessor(tmp_path, gpt2)


def test_weights_of_another_shape_name_the_tensor(gpt2: Any, saved: Path, tmp_path: Path) -> None:
    identity = saving.read_identity(saved / "coprocessor")
    weights = jax.device_get(inject_coprocessor(gpt2, CONFIG).params["coprocessor"])
    weights["0"]["writer"]["vectors"] = weights["0"]["writer"]["vectors"][:, :3]
    saving.save(tmp_path / "coprocessor", identity, weights)
    with pytest.raises(
        CoprocessorFilesError,
        match=r"tensor 0/writer/vectors is float32\[11, 3\]; accepted: float32\[11, 32\]",
    ):
        load_coprocessor(tmp_path, gpt2)


def test_the_decoder_of_this_repository(tmp_path: Path) -> None:
    config = DecoderConfig(vocab_size=48, width=WIDTH, depth=DEPTH, heads=2, mlp_width=48)
    plain = Decoder(config, rngs=nnx.Rngs(0))
    model = inject_coprocessor(plain, CONFIG, tokenizer=Letters())
    assert isinstance(model, Decoder) and not has_coprocessor(plain)
    capped = inject_coprocessor(plain, replace(CONFIG, max_gate=0.0))

    @nnx.jit
    def run(model: Decoder, ids: jax.Array) -> jax.Array:
        with observe(given=Operands(a=12, b=30, op=0, index=0)):
            return model(ids)[0]

    ids = jnp.asarray(tokens())
    before = run(plain, ids)
    assert same(before, run(capped, ids))
    nnx_decoder.experts(model)[0].writer.vectors[...] *= 1000
    opened = run(model, ids)
    assert not np.allclose(before, opened, atol=1e-4)
    assert same(nnx.state(remove_coprocessor(model)), nnx.state(plain))
    assert set(jax.tree.leaves(trainable(model)["layers"][0]["mlp"]["expert"])) == {True}
    assert set(jax.tree.leaves(trainable(model)["embed"])) == {False}

    save_pretrained(model, tmp_path)
    again = load_coprocessor(tmp_path, load_decoder(tmp_path))
    assert same(run(again, ids), opened)
    with pytest.raises(AlreadyInjectedError, match="layers 0"):
        inject_coprocessor(model, CONFIG)
    with pytest.raises(NotInjectedError, match="Decoder"):
        remove_coprocessor(plain)
