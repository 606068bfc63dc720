"""Parity with transformers' PyTorch classes, and folders that are not what they should be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import decoder_cases as cases
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import Array
from safetensors.numpy import load_file, save_file

from ncpu.coproc.decoder import (
    Decoder,
    DecoderConfig,
    generate,
    load_pretrained,
    save_pretrained,
)
from ncpu.coproc.errors import CoprocessorError, DecoderConfigError, WeightsError

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def golden() -> dict[str, dict[str, Any]]:
    return cases.golden()


@pytest.fixture(scope="module")
def folders(golden: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("decoders")
    return {name: cases.folder_of(name, golden[name], root / name) for name in cases.CASES}


LENGTH = cases.PROMPT + cases.STEPS  # one shape for all, so that each model compiles once


@nnx.jit
def forward(decoder: Decoder, ids: Array) -> Array:
    return decoder(ids)[0]


def logits_of(decoder: Decoder, ids: np.ndarray) -> np.ndarray:
    """f32[b, t, vocab]; what follows a token does not matter to it, so rows are filled up."""
    filled = np.pad(ids, ((0, 0), (0, LENGTH - ids.shape[1])))
    return np.asarray(forward(decoder, jnp.asarray(filled, jnp.int32)))[:, : ids.shape[1]]


@pytest.mark.parametrize("name", cases.CASES)
def test_same_logits_and_greedy_tokens_as_pytorch(
    name: str, golden: dict[str, Any], folders: dict[str, Path]
) -> None:
    decoder = load_pretrained(folders[name], dtype="float32")
    ids = cases.tokens(name)
    difference = np.abs(logits_of(decoder, ids)[:, :: cases.EVERY] - golden[name]["logits"])
    print(f"{name}: max |dlogits| {difference.max():.2e}, {golden[name]['made_with']}")
    assert difference.max() <= TOLERANCE
    greedy = golden[name]["greedy"]  # of each prefix of this text, the likeliest next token
    text = np.concatenate((ids[:, : cases.PROMPT], greedy), axis=1)
    likeliest = logits_of(decoder, text)[:, cases.PROMPT - 1 : -1].argmax(-1)
    assert np.array_equal(likeliest, greedy)


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("qwen2_sliding", "qwen3_5") else pytest.param(name, marks=pytest.mark.slow)
        for name in cases.CASES
    ],
)
def test_generates_what_pytorch_generates(
    name: str, golden: dict[str, Any], folders: dict[str, Path]
) -> None:
    decoder = load_pretrained(folders[name], dtype="float32")
    prompt = cases.tokens(name)[:, : cases.PROMPT]
    made = generate(decoder, prompt, max_new_tokens=cases.STEPS)
    assert np.array_equal(made.tokens, golden[name]["greedy"])


@pytest.mark.parametrize("name", cases.CASES)
def test_saved_folder_loads_in_pytorch(
    name: str, golden: dict[str, Any], folders: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    classes = cases.CASES[name].classes
    if classes is None:
        pytest.skip(f"the installed transformers has no {cases.CASES[name].prefix}")
    saved = save_pretrained(load_pretrained(folders[name], dtype="float32"), tmp_path / "saved")
    assert sorted(p.name for p in saved.iterdir()) == ["config.json", "model.safetensors"]
    model, report = classes[1].from_pretrained(saved, output_loading_info=True)
    assert not any(report.values()), report
    logits = cases.torch_logits(model.eval(), cases.tokens(name))
    assert np.abs(logits[:, :: cases.EVERY] - golden[name]["logits"]).max() <= 1e-5
    again = load_file(saved / "model.safetensors")
    for tensor, value in load_file(folders[name] / "model.safetensors").items():
        assert np.array_equal(again[tensor], value), tensor


def test_qwen3_5_is_qwen3_next_with_its_projections_apart(
    golden: dict[str, Any], folders: dict[str, Path], tmp_path: Path
) -> None:
    """Written in the other family's naming, the same parameters give the golden logits."""
    decoder = load_pretrained(folders["qwen3_5"], dtype="float32")
    decoder.config = replace(decoder.config, family="qwen3_next")
    saved = save_pretrained(decoder, tmp_path)
    assert "model.layers.0.linear_attn.in_proj_qkvz.weight" in load_file(
        saved / "model.safetensors"
    )
    decoder = load_pretrained(saved)
    logits = logits_of(decoder, cases.tokens("qwen3_5"))[:, :: cases.EVERY]
    assert np.abs(logits - golden["qwen3_5"]["logits"]).max() <= TOLERANCE


def test_a_model_that_also_sees_gives_its_language_model(
    golden: dict[str, Any], folders: dict[str, Path], tmp_path: Path
) -> None:
    text = json.loads((folders["qwen3_5"] / "config.json").read_text())
    whole = {"model_type": "qwen3_5", "text_config": text, "vision_config": {"depth": 1}}
    (tmp_path / "config.json").write_text(json.dumps(whole))
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [5, 7]}')
    tensors = load_file(folders["qwen3_5"] / "model.safetensors")
    tensors = {k.replace("model.", "model.language_model.", 1): v for k, v in tensors.items()}
    tensors["model.visual.patch_embed.weight"] = np.zeros((2, 2), np.float32)
    tensors["mtp.norm.weight"] = np.zeros(2, np.float32)
    save_file(tensors, tmp_path / "model.safetensors")
    seeing, plain = load_pretrained(tmp_path), load_pretrained(folders["qwen3_5"])
    assert seeing.config == replace(plain.config, eos=(5, 7))
    for one, other in zip(*(_leaves(x) for x in (seeing, plain)), strict=True):
        assert np.array_equal(one, other)


def test_sharded_bfloat16(folders: dict[str, Path], tmp_path: Path) -> None:
    config = json.loads((folders["qwen2"] / "config.json").read_text())
    config |= {"dtype": "bfloat16", "torch_dtype": "bfloat16"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    tensors = load_file(folders["qwen2"] / "model.safetensors")
    names = sorted(tensors)
    where = {}
    for shard, part in enumerate((names[::2], names[1::2])):
        file = f"model-{shard + 1:05d}-of-00002.safetensors"
        save_file({n: tensors[n].astype(jnp.bfloat16) for n in part}, tmp_path / file)
        where |= dict.fromkeys(part, file)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))

    decoder = load_pretrained(tmp_path)
    assert decoder.config.dtype == decoder.config.param_dtype == "bfloat16"
    assert {leaf.dtype for leaf in _leaves(decoder)} == {jnp.dtype(jnp.bfloat16)}
    narrow = logits_of(decoder, cases.tokens("qwen2"))
    assert narrow.dtype == np.float32
    exact = logits_of(load_pretrained(folders["qwen2"]), cases.tokens("qwen2"))
    assert 0 < np.abs(narrow - exact).max() < 0.3  # eight bits of mantissa

    saved = save_pretrained(decoder, tmp_path / "saved")
    for name, value in load_file(saved / "model.safetensors").items():
        assert np.array_equal(value, tensors[name].astype(jnp.bfloat16)), name

    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(WeightsError, match="model-00002-of-00002"):
        load_pretrained(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"model.norm.weight": "../model.safetensors"}})
    )
    with pytest.raises(WeightsError, match="same folder"):
        load_pretrained(tmp_path)


def test_tensors_that_do_not_fit(folders: dict[str, Path], tmp_path: Path) -> None:
    source = load_file(folders["qwen2"] / "model.safetensors")
    shutil.copy(folders["qwen2"] / "config.json", tmp_path)
    bias, embedding = "model.layers.1.self_attn.k_proj.bias", "model.embed_tokens.weight"

    def refuse(tensor: str, accepted: str, **changed: np.ndarray | None) -> None:
        tensors = {k: v for k, v in (source | changed).items() if v is not None}
        save_file(tensors, tmp_path / "model.safetensors")
        with pytest.raises(WeightsError, match=accepted) as caught:
            load_pretrained(tmp_path)
        assert caught.value.tensor == tensor and tensor in str(caught.value)
        assert isinstance(caught.value, CoprocessorError)

    refuse(bias, "missing.* has 26 tensors", **{bias: None})
    refuse(bias, r"shape \[17\].* asks for \[16\]", **{bias: np.zeros(17, np.float32)})
    refuse(bias, "stored as I32, accepted are F32", **{bias: np.zeros(16, np.int32)})
    refuse("model.extra", "unknown", **{"model.extra": np.zeros(1, np.float32)})
    refuse("lm_head.weight", "differs", **{"lm_head.weight": source[embedding] + 1})

    save_file(source | {"lm_head.weight": source[embedding]}, tmp_path / "model.safetensors")
    load_pretrained(tmp_path)  # written though tied: the same numbers
    (tmp_path / "model.safetensors").write_bytes(b"not a tensor in sight")
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="neither model"):
        load_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DecoderConfigError, match="not JSON"):
        load_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_pretrained(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "model_type 'gpt2': accepted are llama"),
        ({"hidden_act": "gelu"}, "accepted is silu"),
        ({"hidden_size": None}, "hidden_size = None"),
        ({"num_key_value_heads": 3}, "4 heads are no multiple of 3"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "rope kind 'yarn': accepted are default"),
        ({"rope_scaling": {"rope_type": "linear"}}, "lacks 'factor'"),
        ({"dtype": "float8"}, "dtype 'float8': accepted are float32"),
        ({"quantization_config": {}}, "unquantised"),
        ({"model_type": "qwen3_next", "num_experts": 4}, "only dense MLPs"),
        ({"layer_types": ["full_attention", "other"]}, "layer type 'other': accepted are full"),
        ({"layer_types": ["full_attention"]}, "names 1 layers, depth is 2"),
        ({"layer_types": ["sliding_attention"] * 2}, "window = None"),
        ({"layer_types": ["linear_attention"] * 2}, "linear = None"),
        ({"rms_norm_eps": float("nan")}, "norm_eps = nan"),
    ],
)
def test_configs_that_are_not_covered(change: dict[str, Any], message: str) -> None:
    hf = cases._BASE | {"model_type": "llama"} | change
    with pytest.raises(DecoderConfigError, match=message):
        DecoderConfig.from_hf(hf)


def test_a_family_says_only_what_it_can(golden: dict[str, Any], tmp_path: Path) -> None:
    for name in cases.CASES:
        config = DecoderConfig.from_hf(golden[name]["config"])
        assert DecoderConfig.from_hf(config.to_hf()) == config
    own = DecoderConfig(vocab_size=8, width=8, depth=1, heads=2, qk_norm=True)
    with pytest.raises(DecoderConfigError, match="qk_norm = True: a llama config"):
        save_pretrained(Decoder(own, rngs=nnx.Rngs(0)), tmp_path)
    assert not list(tmp_path.iterdir())


def _leaves(decoder: Decoder) -> list[Any]:
    return [value[...] for _, value in nnx.to_flat_state(nnx.state(decoder, nnx.Param))]
