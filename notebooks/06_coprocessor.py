# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # A calculator inside a language model
# A coprocessor is an expert beside the MLP of a layer: it reads operands from hidden states into
# 32-bit registers, lets the machine's exact arithmetic compute, and writes the answer's next digit
# into the residual stream, where a learned gate allows it. First into a FlaxGPT2, then at work in
# a small decoder that was trained from scratch with one.

# %%
import os
import warnings

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from ncpu.coproc import CoprocessorConfig
from ncpu.coproc.experiment import checkpoint, heldout, report, score
from ncpu.coproc.experiment.show import sentence, table
from ncpu.coproc.inject import inject_coprocessor, remove_coprocessor

# %% [markdown]
# ## Into a FlaxGPT2, and out of it
# Two layers of random weights; a real one goes the same way. Where the gate is 0 the logits are
# the model's own, bit for bit, and taking the coprocessor out gives the same parameters back.

# %%
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        from transformers import FlaxGPT2LMHeadModel, GPT2Config

        shape = GPT2Config(vocab_size=97, n_positions=64, n_embd=32, n_layer=2, n_head=2)
        gpt2 = FlaxGPT2LMHeadModel(shape, seed=0)
    except ImportError:
        gpt2 = None  # pip install 'ncpu[hf]'

if gpt2 is not None:
    ids = jnp.arange(20)[None]
    closed = inject_coprocessor(gpt2, CoprocessorConfig(max_gate=0.0, layer_indices=(1,)))
    opened = inject_coprocessor(gpt2, CoprocessorConfig(layer_indices=(1,)))
    plain = np.asarray(gpt2(ids).logits)
    print("gate 0, same bits:", np.array_equal(plain, np.asarray(closed(ids).logits)))
    back = remove_coprocessor(opened)
    same = jax.tree.map(lambda a, b: bool((a == b).all()), gpt2.params, back.params)
    print("taken out, same parameters:", all(jax.tree.leaves(same)), type(back).__name__)

# %% [markdown]
# ## A sentence, character by character
# The small decoder that comes with ncpu has read numbers of one to four digits in training. The
# rows are what its coprocessor takes each character for; the last one is the gate.

# %%
ours = checkpoint.load(checkpoint.folder("ours", 0)).model
found = sentence(ours, "On day 12, subtract 4809 from 70512983: ")
report.heat_map(found.text, found.role, found.gate)
plt.show()

# %%
table(ours, "7 divided into 123456789 is ")

# %% [markdown]
# ## Longer numbers than it was trained on, in templates that it has not seen

# %%
for op in heldout.OPS:
    lines = heldout.asked(op, "7-9", 24, seed=2)
    right = score.right(ours, lines)
    print(f"{op:4} {right.sum():3} of {len(lines)}   {lines[0].prompt!r}")

# %% [markdown]
# ## What the answer comes from
# The same prompts with the gate shut, with the result zeroed, and with another prompt's operands:
# the answer follows the operands that are in the registers.

# %%
lines = [line for op in heldout.OPS for line in heldout.asked(op, "5-6", 12, seed=3)]
donors = [*lines[1:], lines[0]]
lent = score.parsed(donors)
theirs = [score.problem(line) for line in donors]
rows = {
    "as it is": score.right(ours, lines),
    "gate 0": score.right(score.with_gate(ours, 0.0), lines),
    "result zeroed": score.right(ours, lines, given=score.zeroed(lines)),
    "a donor's operands": score.right(ours, lines, given=lent),
    "the same, donor's answer": score.right(ours, lines, given=lent, expected=theirs),
}
figure, axis = plt.subplots(figsize=(6, 2.2), layout="constrained")
axis.barh(list(rows), [100 * r.mean() for r in rows.values()], color="tab:blue")
axis.set(xlabel="exact match, %", xlim=(0, 100))
axis.invert_yaxis()
plt.show()
