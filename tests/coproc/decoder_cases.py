"""Tiny random models of each family, and what transformers' PyTorch classes make of them.

`python tests/coproc/decoder_cases.py` writes data/decoder_golden.npz anew for the families that the
installed transformers has (Qwen3.5: 5.2 or later) and keeps the others. Weights come from NumPy's
generator with the case's name as seed, so they are not stored.
"""

from __future__ import annotations

import json
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

GOLDEN = Path(__file__).parent / "data" / "decoder_golden.npz"
PROMPT, STEPS, EVERY = 20, 64, 7
VOCAB = 97

_BASE = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
    "tie_word_embeddings": False,
}
_LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
_HYBRID = {
    "head_dim": 16,
    "num_hidden_layers": 3,
    "layer_types": ["linear_attention", "full_attention", "linear_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 12,
}


@dataclass(frozen=True)
class Case:
    """A family's prefix in transformers and the fields that differ from the base."""

    prefix: str
    fields: dict[str, Any]

    @property
    def classes(self) -> tuple[Any, Any] | None:
        """transformers' config and model class, None where it has none."""
        import transformers

        kind = "TextConfig" if self.prefix == "Qwen3_5" else "Config"
        config = getattr(transformers, self.prefix + kind, None)
        model = getattr(transformers, self.prefix + "ForCausalLM", None)
        return None if config is None or model is None else (config, model)


CASES = {
    "llama": Case("Llama", {}),
    "llama_biases_llama3": Case(
        "Llama",
        {
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": True,
            "rope_scaling": _LLAMA3,
        },
    ),
    "llama_linear": Case("Llama", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
    "mistral": Case("Mistral", {"sliding_window": 9}),
    "qwen2": Case("Qwen2", {"tie_word_embeddings": True}),
    "qwen2_sliding": Case(
        "Qwen2", {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 1}
    ),
    "qwen3": Case("Qwen3", {"head_dim": 16}),
    "qwen3_next": Case("Qwen3Next", {"num_experts": 0, **_HYBRID}),
    "qwen3_5": Case("Qwen3_5", {"tie_word_embeddings": True, **_HYBRID}),
}


def weights(name: str, shapes: dict[str, list[int]]) -> dict[str, np.ndarray]:
    """Random tensors that keep activations and logits near 1, float32.

    Decay is slow and the delta rule's way out narrow: where fast decay leaves one key, nearly
    orthogonal to the query, the norm behind the rule magnifies rounding, and PyTorch's own float32
    logits were 4e-4 from the same class in float64 (this decoder's, 9e-5).
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    made = {}
    for tensor, shape in sorted(shapes.items()):
        x = rng.standard_normal(shape)
        if tensor.endswith("A_log"):
            x = np.log(rng.uniform(0.05, 1, shape))
        elif "norm" in tensor or tensor.endswith("dt_bias"):
            x = 1 + 0.2 * x
        elif len(shape) > 1:  # the embedding too, which may be the head
            x = x / np.sqrt(np.prod(shape[1:]))
            x = 0.3 * x if tensor.endswith("linear_attn.out_proj.weight") else x
        made[tensor] = x.astype(np.float32)
    return made


def tokens(name: str) -> np.ndarray:
    """i64[2, 70]; longer than one chunk of the delta rule."""
    return np.random.default_rng(zlib.crc32(name.encode()) + 1).integers(0, VOCAB, (2, 70))


def golden() -> dict[str, dict[str, Any]]:
    """Per case: config (dict), shapes (dict), logits (every 7th position), greedy, made_with."""
    with np.load(GOLDEN) as stored:
        records = {name: json.loads(str(stored[f"{name}/record"])) for name in _names(stored)}
        for name, record in records.items():
            record["logits"] = stored[f"{name}/logits"]
            record["greedy"] = stored[f"{name}/greedy"]
    return records


def folder_of(name: str, record: dict[str, Any], folder: Path) -> Path:
    """The case's model as a folder of config.json and model.safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(record["config"]))
    made = weights(name, record["shapes"])
    save_file(made, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def torch_model(name: str) -> Any:
    """The case's model in PyTorch."""
    import torch

    torch.set_num_threads(1)  # tiny models; threads that wait for each other only cost
    classes = CASES[name].classes
    assert classes is not None
    config, model = classes
    made = model(config(**{**_BASE, **CASES[name].fields})).float().eval()
    state = weights(name, shapes_of(made))
    made.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    made.tie_weights()
    return made


def shapes_of(model: Any) -> dict[str, list[int]]:
    """Names and shapes of what save_pretrained would write."""
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    return {k: list(v.shape) for k, v in model.state_dict().items() if k not in tied}


def torch_logits(model: Any, ids: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """f32[b, t, vocab]."""
    import torch

    given = None if mask is None else torch.from_numpy(mask.astype(np.int64))
    with torch.no_grad():
        return model(torch.from_numpy(ids), attention_mask=given).logits.numpy()


def torch_greedy(model: Any, prompt: np.ndarray) -> np.ndarray:
    """i64[b, STEPS]."""
    import torch

    ids = torch.from_numpy(prompt)
    made = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=STEPS
    )
    return made.numpy()[:, prompt.shape[1] :]


def _names(stored: Any) -> list[str]:
    return [key.removesuffix("/record") for key in stored if key.endswith("/record")]


def main() -> None:
    import torch
    import transformers

    arrays: dict[str, np.ndarray] = {}
    if GOLDEN.exists():
        with np.load(GOLDEN) as stored:
            arrays = {key: stored[key] for key in stored}
    for name, case in CASES.items():
        if case.classes is None or (case.prefix == "Qwen3_5") != (transformers.__version__ >= "5"):
            continue
        model = torch_model(name)
        record = {
            "config": json.loads(model.config.to_json_string(use_diff=False)),
            "shapes": shapes_of(model),
            "made_with": f"transformers {transformers.__version__}, torch {torch.__version__}",
        }
        ids = tokens(name)
        arrays[f"{name}/record"] = np.array(json.dumps(record))
        arrays[f"{name}/logits"] = torch_logits(model, ids)[:, ::EVERY].astype(np.float32)
        arrays[f"{name}/greedy"] = torch_greedy(model, ids[:, :PROMPT]).astype(np.int32)
        print(name, record["made_with"], file=sys.stderr)
    GOLDEN.parent.mkdir(exist_ok=True)
    np.savez_compressed(GOLDEN, **arrays)


if __name__ == "__main__":
    main()
