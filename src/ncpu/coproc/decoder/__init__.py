"""A decoder-only transformer in Flax NNX: Llama, Mistral, Qwen2, Qwen3, Qwen3-Next and Qwen3.5."""

from ncpu.coproc.decoder.cache import Cache
from ncpu.coproc.decoder.config import DecoderConfig, LinearAttention, Rope
from ncpu.coproc.decoder.generate import Generated, generate, left_pad
from ncpu.coproc.decoder.mlp import FeedForward, Mlp
from ncpu.coproc.decoder.model import Decoder, Layer
from ncpu.coproc.decoder.weights import load_pretrained, save_pretrained

__all__ = [
    "Cache",
    "Decoder",
    "DecoderConfig",
    "FeedForward",
    "Generated",
    "Layer",
    "LinearAttention",
    "Mlp",
    "Rope",
    "generate",
    "left_pad",
    "load_pretrained",
    "save_pretrained",
]
