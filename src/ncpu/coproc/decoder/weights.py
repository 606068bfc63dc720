"""Folders as Hugging Face writes them, config.json and safetensors, read and written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ncpu.coproc.decoder.config import LINEAR, DecoderConfig, LinearAttention
from ncpu.coproc.decoder.model import Decoder
from ncpu.coproc.errors import DecoderConfigError, WeightsError

ONE_FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
STORED = ("F32", "F16", "BF16")

# Tensors of a family's files that are no part of the language model.
NOT_READ = {"qwen3_5": ("model.visual.", "mtp.")}
RENAMED = {"qwen3_5": (("model.language_model.", "model."),)}


@dataclass(frozen=True)
class Row:
    """One tensor on disk and the parameters it holds.

    Attributes:
        name: on disk; `{i}` stands for the layer's number.
        paths: of the parameters in the decoder, dots between the parts.
        read: from the tensor to the parameters.
        write: from the parameters to the tensor.
    """

    name: str
    paths: tuple[str, ...]
    read: Callable[[Array], tuple[Array, ...]] = lambda x: (x,)
    write: Callable[..., Array] = lambda x: x

    def at(self, layer: int) -> Row:
        """The row of one layer."""
        paths = tuple(f"layers.{layer}.{path}" for path in self.paths)
        return replace(self, name="model.layers." + self.name.format(i=layer), paths=paths)


def load_pretrained(folder: str | Path, *, dtype: str | None = None) -> Decoder:
    """The decoder of a local folder with config.json and safetensors, in one file or many.

    Args:
        folder: as `save_pretrained` of transformers leaves it.
        dtype: of parameters and activations; None takes config.json's.

    Raises:
        DecoderConfigError: config.json asks for what the decoder does not do.
        WeightsError: a file is absent or unreadable; a tensor is missing, unknown, of another shape
            or not of floats. Names the tensor and what is accepted.
    """
    folder = Path(folder)
    config = DecoderConfig.from_hf(_json(folder / "config.json"))
    generation = folder / "generation_config.json"
    if generation.exists() and (eos := _json(generation).get("eos_token_id")) is not None:
        config = replace(config, eos=tuple(eos) if isinstance(eos, list) else (eos,))
    if dtype is not None:
        config = replace(config, dtype=dtype, param_dtype=dtype)
    graph, state = nnx.split(nnx.eval_shape(lambda: Decoder(config, rngs=nnx.Rngs(0))))
    slots = _parameters(state)
    rows = {row.name: row for row in table(config)}
    with _Files(folder, config) as files:
        _check_names(set(files.where), set(rows), files, config)
        for name, row in rows.items():
            shapes = [jax.ShapeDtypeStruct(slots[p].shape, slots[p].dtype) for p in row.paths]
            tensor = files.read(name, jax.eval_shape(row.write, *shapes).shape)
            parts = row.read(jnp.asarray(tensor, config.jax_param_dtype))
            for path, part in zip(row.paths, parts, strict=True):
                slots[path].set_value(part)
    return nnx.merge(graph, state)


def save_pretrained(decoder: Decoder, folder: str | Path) -> Path:
    """Write config.json and model.safetensors so that transformers' class of the family loads them.

    Each file is written under a temporary name, then renamed.

    Raises:
        DecoderConfigError: the config's family cannot express it.
        WeightsError: the decoder has parameters of its own, such as an injected coprocessor's.
    """
    folder = Path(folder)
    config = decoder.config
    slots = _parameters(nnx.state(decoder, nnx.Param))
    rows = table(config)
    own = sorted(set(slots) - {path for row in rows for path in row.paths})
    lost = sorted({path for row in rows for path in row.paths} - set(slots))
    if own or lost:
        raise WeightsError(
            f"parameter {(own or lost)[0]} is {'not part' if own else 'lacking'} of a "
            f"{config.family} decoder: save it before modules are replaced, or put them back"
        )
    text = json.dumps(config.to_hf(), indent=2) + "\n"
    tensors = {
        row.name: np.ascontiguousarray(row.write(*(slots[path][...] for path in row.paths)))
        for row in rows
    }
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / ONE_FILE, lambda to: save_file(tensors, to, metadata={"format": "pt"}))
    _replace(folder / "config.json", lambda to: to.write_text(text))
    return folder


def table(config: DecoderConfig) -> list[Row]:
    """Every tensor of a decoder with this config."""
    rows = [Row("model.embed_tokens.weight", ("embed.embedding",))]
    for i, kind in enumerate(config.layer_types):
        mixer = _delta_rows(config) if kind == LINEAR else _attention_rows(config)
        rows += [row.at(i) for row in (*mixer, *_block_rows(config))]
    rows.append(Row("model.norm.weight", ("norm.scale",)))
    if not config.tied:
        rows.append(_kernel("lm_head.weight", "head"))
    return rows


def _kernel(name: str, path: str) -> Row:
    return Row(name, (f"{path}.kernel",), lambda x: (x.T,), lambda x: x.T)


def _linear(name: str, path: str, bias: bool) -> list[Row]:
    rows = [_kernel(f"{name}.weight", path)]
    return [*rows, Row(f"{name}.bias", (f"{path}.bias",))] if bias else rows


def _block_rows(config: DecoderConfig) -> list[Row]:
    return [
        Row("{i}.input_layernorm.weight", ("mixer_norm.scale",)),
        Row("{i}.post_attention_layernorm.weight", ("mlp_norm.scale",)),
        *_linear("{i}.mlp.gate_proj", "mlp.gate", config.mlp_bias),
        *_linear("{i}.mlp.up_proj", "mlp.up", config.mlp_bias),
        *_linear("{i}.mlp.down_proj", "mlp.down", config.mlp_bias),
    ]


def _attention_rows(config: DecoderConfig) -> list[Row]:
    rows = [
        *_linear("{i}.self_attn.q_proj", "mixer.query", config.qkv_bias),
        *_linear("{i}.self_attn.k_proj", "mixer.key", config.qkv_bias),
        *_linear("{i}.self_attn.v_proj", "mixer.value", config.qkv_bias),
        *_linear("{i}.self_attn.o_proj", "mixer.output", config.output_bias),
    ]
    if config.qk_norm:
        rows.append(Row("{i}.self_attn.q_norm.weight", ("mixer.query_norm.scale",)))
        rows.append(Row("{i}.self_attn.k_norm.weight", ("mixer.key_norm.scale",)))
    return rows


def _delta_rows(config: DecoderConfig) -> list[Row]:
    assert config.linear is not None
    fused = config.family == "qwen3_next"
    return [
        *(_fused_rows(config.linear) if fused else _separate_rows()),
        Row(
            "{i}.linear_attn.conv1d.weight",
            ("mixer.conv",),
            lambda x: (x[:, 0].T,),
            lambda x: x.T[:, None],
        ),
        Row("{i}.linear_attn.A_log", ("mixer.log_speed",)),
        Row("{i}.linear_attn.dt_bias", ("mixer.step_bias",)),
        Row("{i}.linear_attn.norm.weight", ("mixer.norm.scale",)),
        _kernel("{i}.linear_attn.out_proj.weight", "mixer.output"),
    ]


def _separate_rows() -> list[Row]:
    """Qwen3.5: one tensor a projection."""
    names = {"in_proj_qkv": "qkv", "in_proj_z": "z", "in_proj_b": "rate", "in_proj_a": "step"}
    return [
        _kernel(f"{{i}}.linear_attn.{theirs}.weight", f"mixer.{ours}")
        for theirs, ours in names.items()
    ]


def _fused_rows(sizes: LinearAttention) -> list[Row]:
    """Qwen3-Next: all of a key head's projections lie together, then the next head's."""
    share = sizes.value_heads // sizes.key_heads
    values = share * sizes.value_dim

    def split(x: Array, *parts: int) -> list[Array]:
        x = x.reshape(sizes.key_heads, sum(parts), -1)
        ends = np.cumsum(parts)[:-1].tolist()
        return [y.reshape(-1, x.shape[-1]) for y in jnp.split(x, ends, axis=1)]

    def join(*rows: Array) -> Array:
        heads = [x.reshape(sizes.key_heads, -1, x.shape[-1]) for x in rows]
        return jnp.concatenate(heads, axis=1).reshape(-1, rows[0].shape[-1])

    def read_qkvz(x: Array) -> tuple[Array, Array]:
        query, key, value, z = split(x, sizes.key_dim, sizes.key_dim, values, values)
        return jnp.concatenate((query, key, value)).T, z.T

    def write_qkvz(qkv: Array, z: Array) -> Array:
        keys = sizes.key_heads * sizes.key_dim
        return join(*jnp.split(qkv.T, (keys, 2 * keys)), z.T)

    def read_ba(x: Array) -> tuple[Array, ...]:
        return tuple(y.T for y in split(x, share, share))

    return [
        Row(
            "{i}.linear_attn.in_proj_qkvz.weight",
            ("mixer.qkv.kernel", "mixer.z.kernel"),
            read_qkvz,
            write_qkvz,
        ),
        Row(
            "{i}.linear_attn.in_proj_ba.weight",
            ("mixer.rate.kernel", "mixer.step.kernel"),
            read_ba,
            lambda rate, step: join(rate.T, step.T),
        ),
    ]


class _Files:
    """The safetensors of a folder, opened once each; `where` maps names we use to (file, name)."""

    def __init__(self, folder: Path, config: DecoderConfig) -> None:
        self.opened: dict[str, Any] = {}
        self.where: dict[str, tuple[str, str]] = {}
        for name, file in _locations(folder, self._open):
            ours = name
            for old, new in RENAMED.get(config.family, ()):
                ours = new + name.removeprefix(old) if name.startswith(old) else ours
            skipped = name.startswith(NOT_READ.get(config.family, ()))
            if not skipped and not name.endswith(".rotary_emb.inv_freq"):
                self.where[ours] = (file, name)

    def _open(self, path: Path) -> Any:
        if path.name not in self.opened:
            try:
                self.opened[path.name] = safe_open(path, framework="numpy").__enter__()
            except (OSError, SafetensorError) as error:
                raise WeightsError(f"{path}: not a readable safetensors file: {error}") from error
        return self.opened[path.name]

    def read(self, name: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """A tensor by our name, after a look at its shape and dtype."""
        file, stored = self.where[name]
        try:
            record = self.opened[file].get_slice(stored)
        except SafetensorError as error:
            raise WeightsError(
                f"{stored}: named by {INDEX}, not in {file}", tensor=stored
            ) from error
        found = tuple(record.get_shape())
        if shape is not None and found != shape:
            raise WeightsError(
                f"{stored}: shape {list(found)}, config.json asks for {list(shape)}", tensor=stored
            )
        if record.get_dtype() not in STORED:
            raise WeightsError(
                f"{stored}: stored as {record.get_dtype()}, accepted are {', '.join(STORED)}",
                tensor=stored,
            )
        return self.opened[file].get_tensor(stored)

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *reason: object) -> None:
        for file in self.opened.values():
            file.__exit__(*reason)


def _locations(folder: Path, opener: Callable[[Path], Any]) -> Iterator[tuple[str, str]]:
    """Pairs of a tensor's name and its file's."""
    if (folder / ONE_FILE).exists():
        for name in opener(folder / ONE_FILE).keys():  # noqa: SIM118 - not a mapping
            yield name, ONE_FILE
        return
    if not (folder / INDEX).exists():
        raise WeightsError(f"{folder}: neither {ONE_FILE} nor {INDEX} is there")
    weight_map = _json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise WeightsError(f"{folder / INDEX}: no weight_map of tensor names to files")
    for name, file in weight_map.items():
        if not isinstance(file, str) or Path(file).name != file:
            raise WeightsError(f"{name}: in {file!r}, a file of the same folder", tensor=name)
        opener(folder / file)
        yield name, file


def _check_names(found: set[str], wanted: set[str], files: _Files, config: DecoderConfig) -> None:
    missing, extra = sorted(wanted - found), sorted(found - wanted)
    if missing:
        raise WeightsError(
            f"{missing[0]}: missing, with {len(missing) - 1} more; a {config.family} decoder of "
            f"{config.depth} layers has {len(wanted)} tensors",
            tensor=missing[0],
        )
    if extra == ["lm_head.weight"] and config.tied:
        head, embedding = files.read("lm_head.weight"), files.read("model.embed_tokens.weight")
        if np.array_equal(head, embedding):
            return  # written although config.json ties it
        raise WeightsError(
            "lm_head.weight: differs from model.embed_tokens.weight, which config.json ties it to",
            tensor="lm_head.weight",
        )
    if extra:
        raise WeightsError(
            f"{extra[0]}: unknown, with {len(extra) - 1} more; a {config.family} decoder with this "
            "config.json has no such tensor",
            tensor=extra[0],
        )


def _parameters(state: Any) -> dict[str, Any]:
    """Path with dots -> variable."""
    return {".".join(map(str, path)): value for path, value in nnx.to_flat_state(state)}


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DecoderConfigError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DecoderConfigError(f"{path}: a JSON object is expected")
    return content


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    temporary = path.with_name(path.name + ".partial")
    write(temporary)
    os.replace(temporary, path)
