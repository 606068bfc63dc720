"""What a coprocessor costs: time and memory of one decoding step, beside the plain model.

    python benchmarks/coproc.py --output benchmarks/results/coproc_speed.json

One layer of twelve has an expert.  A step decodes one token of each row with a cache of `--slots`
tokens; plain and injected steps alternate, and the ratio is the median of the ratios of
neighbours, so that what else the machine does falls on both; where that is much, the ratio of
processor time says more.  Memory is what XLA allocates for a
step besides parameters and cache, and what the expert adds to these.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import ncpu
from ncpu.coproc import CoprocessorConfig
from ncpu.coproc.bench.run import write
from ncpu.coproc.decoder import Decoder, DecoderConfig
from ncpu.coproc.inject import inject_coprocessor

VOCABULARY = 50257


def gpt2(width: int, depth: int, positions: int) -> Any:
    """A FlaxGPT2LMHeadModel with random weights."""
    import transformers

    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_embd=width, n_layer=depth, n_head=width // 64,
        n_positions=positions,
    )  # fmt: skip
    model = transformers.FlaxGPT2LMHeadModel(config, _do_init=False)
    rng = np.random.default_rng(0)
    model._is_initialized = True
    model.params = jax.tree.map(
        lambda leaf: jnp.asarray(0.02 * rng.standard_normal(leaf.shape, np.float32)),
        model.params_shape_tree,
    )
    return model


def decoder(width: int, depth: int, positions: int) -> Decoder:
    """A `Decoder` of Llama's kind with random weights."""
    config = DecoderConfig(
        vocab_size=VOCABULARY, width=width, depth=depth, heads=width // 64,
        max_positions=positions,
    )  # fmt: skip
    return Decoder(config, rngs=nnx.Rngs(0))


def stepper(model: Any, batch: int, slots: int) -> tuple[Any, Any, Any]:
    """A compiled step `(weights, carry) -> carry`, its weights, and the first carry."""
    tokens = jnp.ones((batch, 1), jnp.int32)
    if isinstance(model, Decoder):
        graph, weights = nnx.split(model)
        cache = model.empty_cache(batch, slots)

        def step(weights: Any, carry: Any) -> Any:
            logits, cache = nnx.merge(graph, weights)(carry[0], cache=carry[1])
            return jnp.argmax(logits, -1).astype(jnp.int32), cache
    else:
        weights = model.params
        shapes = jax.eval_shape(lambda: model.init_cache(batch, slots))
        cache = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        mask = jnp.ones((batch, slots), jnp.int32)

        def step(weights: Any, carry: Any) -> Any:
            place = jnp.zeros((batch, 1), jnp.int32)
            out = model(
                carry[0], attention_mask=mask, position_ids=place, params=weights,
                past_key_values=carry[1],
            )  # fmt: skip
            return jnp.argmax(out.logits, -1).astype(jnp.int32), out.past_key_values

    carry = (tokens, cache)
    compiled = jax.jit(step, donate_argnums=1).lower(weights, carry).compile()
    return compiled, weights, carry


def compare(plain: Any, injected: Any, batch: int, slots: int, rounds: int) -> dict[str, Any]:
    """One row of the table."""
    sides = {}
    for name, model in (("plain", plain), ("injected", injected)):
        compiled, weights, carry = stepper(model, batch, slots)
        sides[name] = {"compiled": compiled, "weights": weights, "carry": carry}
        sides[name] |= {"seconds": [], "cpu": []}
    memory = {
        name: {
            "step": side["compiled"].memory_analysis().temp_size_in_bytes,
            "parameters": sum(x.nbytes for x in jax.tree.leaves(side["weights"])),
            "cache": sum(x.nbytes for x in jax.tree.leaves(side["carry"][1])),
        }
        for name, side in sides.items()
    }
    warm = 2
    for turn in range(warm + min(rounds, slots - warm)):
        for name in ("plain", "injected") if turn % 2 else ("injected", "plain"):
            side = sides[name]
            started, cpu = time.perf_counter(), time.process_time()
            side["carry"] = jax.block_until_ready(side["compiled"](side["weights"], side["carry"]))
            if turn >= warm:
                side["seconds"].append(time.perf_counter() - started)
                side["cpu"].append(time.process_time() - cpu)
    seconds = {name: np.array(side["seconds"]) for name, side in sides.items()}
    ratios = seconds["injected"] / seconds["plain"]
    cpu = {name: float(np.median(side["cpu"])) for name, side in sides.items()}
    return {
        "class": type(plain).__name__,
        "batch": batch,
        "microseconds_per_token": {
            name: round(float(np.median(s)) * 1e6 / batch, 1) for name, s in seconds.items()
        },
        "ratio": round(float(np.median(ratios)), 4),
        "ratio_quartiles": [round(float(np.quantile(ratios, q)), 4) for q in (0.25, 0.75)],
        "ratio_of_fastest": round(float(seconds["injected"].min() / seconds["plain"].min()), 4),
        "ratio_of_cpu_time": round(cpu["injected"] / cpu["plain"], 4),
        "memory_bytes": memory,
        "memory_ratio": round(sum(memory["injected"].values()) / sum(memory["plain"].values()), 5),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--slots", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--models", nargs="+", default=["gpt2", "decoder"])
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    rows = []
    for name in args.models:
        plain = {"gpt2": gpt2, "decoder": decoder}[name](args.width, args.depth, args.slots)
        injected = inject_coprocessor(plain, CoprocessorConfig())
        for batch in args.batches:
            rows.append(compare(plain, injected, batch, args.slots, args.rounds))
            print(json.dumps(rows[-1]), flush=True)
        del plain, injected
    result = {
        "command": "python benchmarks/coproc.py",
        "settings": {k: v for k, v in vars(args).items() if k != "output"},
        "rows": rows,
        "backend": jax.default_backend(),
        "versions": {"ncpu": ncpu.__version__, "jax": jax.__version__},
    }
    if args.output:
        write(result, args.output)


if __name__ == "__main__":
    main()
