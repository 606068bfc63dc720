"""Hugging Face's config.json of each family, read into and written from one `DecoderConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ncpu.coproc.decoder.config import (
    DTYPES,
    FULL,
    LINEAR,
    SLIDING,
    DecoderConfig,
    LinearAttention,
    Rope,
)
from ncpu.coproc.errors import DecoderConfigError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """What one model type fixes, and what its config.json leaves out when it is the default.

    Attributes:
        architecture: transformers' class for text generation.
        fixed: fields of `DecoderConfig` that all its models share.
        head_dim: of a config.json that names none; None is width / heads.
        window: `never`; `switched` by use_sliding_window from layer max_window_layers on; `all`.
        bias: config.json has attention_bias, for query, key, value and output alike.
        hybrid: linear-attention layers, output gate, partly rotated heads.
        model_type: as written to config.json; None: the family's name.
    """

    architecture: str
    fixed: Json = field(default_factory=dict)
    head_dim: int | None = None
    window: str = "never"
    bias: bool = False
    hybrid: bool = False
    model_type: str | None = None


_GATED = {"qk_norm": True, "output_gate": True, "centred_norm": True}

FAMILIES: dict[str, Family] = {
    "llama": Family("LlamaForCausalLM", bias=True),
    "mistral": Family("MistralForCausalLM", window="all"),
    "qwen2": Family("Qwen2ForCausalLM", {"qkv_bias": True}, window="switched"),
    "qwen3": Family(
        "Qwen3ForCausalLM", {"qk_norm": True}, head_dim=128, window="switched", bias=True
    ),
    "qwen3_next": Family("Qwen3NextForCausalLM", _GATED, head_dim=256, bias=True, hybrid=True),
    "qwen3_5": Family(
        "Qwen3_5ForCausalLM",
        _GATED,
        head_dim=256,
        bias=True,
        hybrid=True,
        model_type="qwen3_5_text",
    ),
}
_BY_TYPE = {family.model_type or name: name for name, family in FAMILIES.items()}

_SIZES = {  # ours: theirs
    "vocab_size": "vocab_size",
    "width": "hidden_size",
    "depth": "num_hidden_layers",
    "heads": "num_attention_heads",
    "mlp_width": "intermediate_size",
}
_LINEAR = {
    "key_heads": "linear_num_key_heads",
    "value_heads": "linear_num_value_heads",
    "key_dim": "linear_key_head_dim",
    "value_dim": "linear_value_head_dim",
    "kernel": "linear_conv_kernel_dim",
}


def from_hf(hf: Json) -> DecoderConfig:
    """See `DecoderConfig.from_hf`."""
    kind = hf.get("model_type")
    if kind == "qwen3_5" and isinstance(hf.get("text_config"), Mapping):
        outer = {k: hf[k] for k in ("tie_word_embeddings", "dtype", "torch_dtype") if k in hf}
        hf = {**hf["text_config"], **outer}  # the language model of a model that also sees
        kind = "qwen3_5_text"
    if kind not in _BY_TYPE:
        raise DecoderConfigError(f"model_type {kind!r}: accepted are {', '.join(sorted(_BY_TYPE))}")
    name = _BY_TYPE[kind]
    family = FAMILIES[name]
    if hf.get("hidden_act", "silu") != "silu":
        raise DecoderConfigError(f"hidden_act {hf['hidden_act']!r}: accepted is silu")
    _dense_only(hf)
    depth = _whole(hf, "num_hidden_layers")
    window = hf.get("sliding_window", 4096 if family.window == "all" else None)
    if family.window == "never" or (
        family.window == "switched" and not hf.get("use_sliding_window", False)
    ):
        window = None
    bias = bool(family.bias and hf.get("attention_bias", False))
    eos, dtype = hf.get("eos_token_id"), _dtype(hf)
    options: dict[str, Any] = {
        **{ours: _whole(hf, theirs) for ours, theirs in _SIZES.items()},
        "kv_heads": hf.get("num_key_value_heads"),
        "head_dim": hf.get("head_dim", family.head_dim),
        "layer_types": _layer_types(hf, family, depth, window),
        "window": window,
        "rope": _rope(hf, family),
        "linear": _linear(hf) if family.hybrid else None,
        "norm_eps": hf.get("rms_norm_eps", 1e-6),
        "qkv_bias": bias,
        "output_bias": bias,
        "mlp_bias": bool(name == "llama" and hf.get("mlp_bias", False)),
        "tied": bool(hf.get("tie_word_embeddings", False)),
        "max_positions": hf.get("max_position_embeddings", 2048),
        "eos": () if eos is None else tuple(eos) if isinstance(eos, list | tuple) else (eos,),
        "pad": hf.get("pad_token_id"),
        "family": name,
        "dtype": dtype,
        "param_dtype": dtype,
    }
    return DecoderConfig(**(options | dict(family.fixed)))


def to_hf(config: DecoderConfig) -> dict[str, Any]:
    """See `DecoderConfig.to_hf`. Raises `DecoderConfigError` for what the family cannot say."""
    family = FAMILIES[config.family]
    hf: dict[str, Any] = {
        "architectures": [family.architecture],
        "model_type": family.model_type or config.family,
        **{theirs: getattr(config, ours) for ours, theirs in _SIZES.items()},
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tied,
        "max_position_embeddings": config.max_positions,
        "eos_token_id": list(config.eos) if len(config.eos) > 1 else next(iter(config.eos), None),
        "bos_token_id": None,
        "pad_token_id": config.pad,
        "dtype": config.param_dtype,
        "torch_dtype": config.param_dtype,
        **_rope_to_hf(config),
    }
    if family.bias:
        hf["attention_bias"] = config.qkv_bias
    if config.family == "llama":
        hf["mlp_bias"] = config.mlp_bias
    if family.window != "never":
        hf["sliding_window"] = config.window
        hf["layer_types"] = list(config.layer_types)
    if family.window == "switched":
        hf["use_sliding_window"] = config.window is not None
    if family.hybrid:
        hf["layer_types"] = list(config.layer_types)
        hf |= {theirs: getattr(config.linear, ours, None) for ours, theirs in _LINEAR.items()}
    if config.family == "qwen3_next":
        hf |= {"num_experts": 0, "mlp_only_layers": list(range(config.depth))}
    said, meant = asdict(from_hf(hf)), asdict(config) | {"dtype": config.param_dtype}
    for name, value in meant.items():
        if said[name] != value:
            raise DecoderConfigError(
                f"{name} = {value!r}: a {config.family} config.json can only say {said[name]!r} "
                "here; choose another family"
            )
    return hf


def _whole(hf: Json, name: str) -> int:
    value = hf.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DecoderConfigError(f"{name} = {value!r} in config.json: a whole number above 0")
    return value


def _dtype(hf: Json) -> str:
    value = hf.get("dtype") or hf.get("torch_dtype") or "float32"
    if value not in DTYPES:
        raise DecoderConfigError(f"dtype {value!r}: accepted are {', '.join(DTYPES)}")
    return value


def _dense_only(hf: Json) -> None:
    if hf.get("quantization_config") is not None:
        raise DecoderConfigError("quantization_config: only unquantised weights are read")
    every, plain = hf.get("decoder_sparse_step", 1), hf.get("mlp_only_layers") or ()
    experts = hf.get("num_experts") or (512 if hf.get("model_type") == "qwen3_next" else 0)
    if hf.get("num_experts") == 0 or not experts:
        return
    routed = [i for i in range(hf["num_hidden_layers"]) if i not in plain and (i + 1) % every == 0]
    if routed:
        raise DecoderConfigError(
            f"num_experts = {experts} at layer {routed[0]}: only dense MLPs are covered"
        )


def _layer_types(hf: Json, family: Family, depth: int, window: int | None) -> tuple[str, ...]:
    if hf.get("layer_types") is not None:
        return tuple(hf["layer_types"])
    if family.hybrid:
        every = hf.get("full_attention_interval", 4)
        return tuple(FULL if (i + 1) % every == 0 else LINEAR for i in range(depth))
    first = 0 if family.window == "all" else hf.get("max_window_layers", 28)
    return tuple(SLIDING if window is not None and i >= first else FULL for i in range(depth))


def _linear(hf: Json) -> LinearAttention:
    return LinearAttention(**{ours: _whole(hf, theirs) for ours, theirs in _LINEAR.items()})


def _rope(hf: Json, family: Family) -> Rope:
    said = {**(hf.get("rope_scaling") or {}), **(hf.get("rope_parameters") or {})}
    kind = said.get("rope_type", said.get("type", "default"))
    fraction = said.get("partial_rotary_factor", hf.get("partial_rotary_factor"))
    theta = said.get("rope_theta", hf.get("rope_theta", 10_000.0))
    options: dict[str, Any] = {"factor": "factor"} if kind in ("linear", "llama3") else {}
    if kind == "llama3":
        options |= {
            "low_factor": "low_freq_factor",
            "high_factor": "high_freq_factor",
            "original_length": "original_max_position_embeddings",
        }
    missing = [theirs for theirs in options.values() if theirs not in said]
    if missing:
        raise DecoderConfigError(f"rope_scaling of kind {kind!r} lacks {missing[0]!r}")
    return Rope(
        theta=float(theta),
        kind=kind,
        fraction=float(fraction if fraction is not None else 0.25 if family.hybrid else 1.0),
        **{ours: said[theirs] for ours, theirs in options.items()},
    )


def _rope_to_hf(config: DecoderConfig) -> dict[str, Any]:
    rope = config.rope
    said: dict[str, Any] = {"rope_type": rope.kind}
    if rope.kind != "default":
        said["factor"] = rope.factor
    if rope.kind == "llama3":
        said |= {
            "low_freq_factor": rope.low_factor,
            "high_freq_factor": rope.high_factor,
            "original_max_position_embeddings": rope.original_length,
        }
    if config.family == "qwen3_5":  # known to transformers 5 only, which has one record for it
        whole = {"rope_theta": rope.theta, "partial_rotary_factor": rope.fraction}
        return {"rope_parameters": said | whole}
    scaling = None if rope.kind == "default" else said
    return {
        "rope_theta": rope.theta,
        "rope_scaling": scaling,
        "partial_rotary_factor": rope.fraction,
    }
