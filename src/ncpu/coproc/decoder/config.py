"""What a decoder is made of: a frozen record, read from and written to config.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from ncpu.coproc.errors import DecoderConfigError

FULL, SLIDING, LINEAR = "full_attention", "sliding_attention", "linear_attention"
LAYER_TYPES = (FULL, SLIDING, LINEAR)
ROPE_KINDS = ("default", "linear", "llama3")
DTYPES = ("float32", "bfloat16", "float16")
FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "qwen3_next", "qwen3_5")


@dataclass(frozen=True)
class Rope:
    """Rotary position embedding (Su et al., arXiv:2104.09864) and its scalings to longer text.

    Attributes:
        theta: base of the geometric series of wavelengths.
        kind: `default`; `linear`, positions divided by `factor`; `llama3`, only wavelengths longer
            than `original_length / low_factor` divided by `factor`, those shorter than
            `original_length / high_factor` kept, and a ramp between (Llama 3.1).
        fraction: share of a head's dimensions, from the first, that is rotated.
    """

    theta: float = 10_000.0
    kind: str = "default"
    factor: float = 1.0
    low_factor: float = 1.0
    high_factor: float = 4.0
    original_length: int = 8192
    fraction: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ROPE_KINDS:
            raise DecoderConfigError(
                f"rope kind {self.kind!r}: accepted are {', '.join(ROPE_KINDS)}"
            )
        for name in ("theta", "factor", "low_factor", "high_factor", "fraction"):
            value = getattr(self, name)
            if not math.isfinite(value) or value <= 0:
                raise DecoderConfigError(f"rope {name} = {value}: a finite number above 0")
        if self.fraction > 1:
            raise DecoderConfigError(f"rope fraction = {self.fraction}: at most 1")


@dataclass(frozen=True)
class LinearAttention:
    """Sizes of the gated delta rule's layers (Yang et al., arXiv:2412.06464)."""

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int = 4

    def __post_init__(self) -> None:
        _positive(self, "key_heads", "value_heads", "key_dim", "value_dim", "kernel")
        if self.value_heads % self.key_heads:
            raise DecoderConfigError(
                f"linear attention: {self.value_heads} value heads are no multiple of "
                f"{self.key_heads} key heads"
            )


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes and switches of a decoder-only transformer, Llama to Qwen3.5.

    Attributes:
        vocab_size: rows of the embedding.
        width: size of the residual stream.
        depth: number of layers.
        heads: query heads; `kv_heads` (None: as many) key and value heads are shared among them.
        head_dim: size of one head; None is `width // heads`.
        mlp_width: inner size of the gated MLP; None is `4 * width`.
        layer_types: one of `LAYER_TYPES` per layer; empty: all full attention.
        window: tokens a sliding layer looks back on, itself included.
        rope: rotary embedding of the attention layers.
        linear: sizes of the linear-attention layers, where there are any.
        norm_eps: added to the mean square in every RMS norm.
        centred_norm: norm weights are stored as their distance from one.
        qkv_bias: biases on query, key and value; `output_bias` on attention's output,
            `mlp_bias` on the MLP's three.
        qk_norm: RMS norm over each query and key head.
        output_gate: attention's output times a sigmoid gate from the same hidden state.
        tied: the head is the embedding's transpose.
        max_positions: what the model was made for; not enforced here.
        eos: ids that end a text; `pad`: the id that fills, if there is one.
        family: the naming of tensors and config fields on disk, one of `FAMILIES`.
        dtype: of activations; `param_dtype`: of the parameters. Norms, softmax, rotary angles, the
            delta rule's state and the logits are float32 whatever they are.
    """

    vocab_size: int
    width: int
    depth: int
    heads: int
    kv_heads: int | None = None
    head_dim: int | None = None
    mlp_width: int | None = None
    layer_types: tuple[str, ...] = ()
    window: int | None = None
    rope: Rope = Rope()
    linear: LinearAttention | None = None
    norm_eps: float = 1e-6
    centred_norm: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    output_gate: bool = False
    tied: bool = True
    max_positions: int = 2048
    eos: tuple[int, ...] = ()
    pad: int | None = None
    family: str = "llama"
    dtype: str = "float32"
    param_dtype: str = "float32"

    def __post_init__(self) -> None:
        fill = {
            "kv_heads": self.heads if self.kv_heads is None else self.kv_heads,
            "head_dim": self.width // max(self.heads, 1)
            if self.head_dim is None
            else self.head_dim,
            "mlp_width": 4 * self.width if self.mlp_width is None else self.mlp_width,
            "layer_types": tuple(self.layer_types) or (FULL,) * self.depth,
            "eos": tuple(self.eos),
        }
        for name, value in fill.items():
            object.__setattr__(self, name, value)
        _positive(
            self, "vocab_size", "width", "depth", "heads", "kv_heads", "head_dim", "mlp_width"
        )
        self._check()

    def _check(self) -> None:
        if self.heads % self.kv_size:
            raise DecoderConfigError(
                f"{self.heads} heads are no multiple of {self.kv_size} kv_heads"
            )
        if self.rotary_dim % 2 or self.rotary_dim == 0:
            raise DecoderConfigError(
                f"rotary size {self.rotary_dim} (head_dim {self.head_dim} times rope fraction "
                f"{self.rope.fraction}): an even number above 0"
            )
        if len(self.layer_types) != self.depth:
            raise DecoderConfigError(
                f"layer_types names {len(self.layer_types)} layers, depth is {self.depth}"
            )
        unknown = sorted(set(self.layer_types) - set(LAYER_TYPES))
        if unknown:
            raise DecoderConfigError(
                f"layer type {unknown[0]!r}: accepted are {', '.join(LAYER_TYPES)}"
            )
        if SLIDING in self.layer_types and (self.window is None or self.window < 1):
            raise DecoderConfigError(f"window = {self.window}: sliding layers need one above 0")
        if LINEAR in self.layer_types and self.linear is None:
            raise DecoderConfigError("linear = None: linear-attention layers need their sizes")
        if not math.isfinite(self.norm_eps) or self.norm_eps <= 0:
            raise DecoderConfigError(f"norm_eps = {self.norm_eps}: a finite number above 0")
        for name, accepted in (("dtype", DTYPES), ("param_dtype", DTYPES), ("family", FAMILIES)):
            if getattr(self, name) not in accepted:
                raise DecoderConfigError(
                    f"{name} = {getattr(self, name)!r}: accepted are {', '.join(accepted)}"
                )

    @property
    def kv_size(self) -> int:
        """Number of key and value heads, resolved."""
        return self.kv_heads or self.heads

    @property
    def head_size(self) -> int:
        """Size of one attention head, resolved."""
        return self.head_dim or self.width // self.heads

    @property
    def mlp_size(self) -> int:
        """Inner size of the MLP, resolved."""
        return self.mlp_width or 4 * self.width

    @property
    def rotary_dim(self) -> int:
        """Dimensions of a head that are rotated."""
        return int(self.head_size * self.rope.fraction)

    @property
    def jax_dtype(self) -> Any:
        """`dtype` as JAX's."""
        return jnp.dtype(self.dtype)

    @property
    def jax_param_dtype(self) -> Any:
        """`param_dtype` as JAX's."""
        return jnp.dtype(self.param_dtype)

    @classmethod
    def from_hf(cls, hf: Mapping[str, Any]) -> DecoderConfig:
        """A config.json's content. Raises `DecoderConfigError` for what the decoder does not do."""
        from ncpu.coproc.decoder.families import from_hf

        return from_hf(hf)

    def to_hf(self) -> dict[str, Any]:
        """A config.json's content that transformers reads as the same model."""
        from ncpu.coproc.decoder.families import to_hf

        return to_hf(self)


def _positive(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise DecoderConfigError(f"{name} = {value!r}: a whole number above 0")
