# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # A CPU of threshold units
# A recurrent network of McCulloch-Pitts units whose weights are written down, not trained, and one
# forward pass of it is a clock: the pc is one-hot, a register is read by a matrix product and
# written by an outer product, and memory is attention over address keys. This notebook runs
# programs on it and asks when attention is a memory. It takes about a minute.

# %%
import time

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import ncpu
from ncpu.machine.toy import assemble_toy
from ncpu.neural_alu.threshold import processor
from ncpu.neural_alu.threshold.memory import attention
from ncpu.neural_alu.threshold.sweep import correct_clocks, sweep

# %% [markdown]
# ## The same program on both machines
# It fills 16 words of memory with a congruential sequence, sorts them by insertion, and adds them
# up by place, so that a word in the wrong place shows.

# %%
SORT = """
        MOV R1, 12345
fill:   MUL R1, 25
        ADD R1, 7
        SHR R2, R1, 4
        STORE [R0], R2
        INC R0
        CMP R0, 16
        JNZ fill
        MOV R0, 1
outer:  LOAD R2, [R0]
        MOV R1, R0
inner:  SUB R3, R1, 1
        LOAD R4, [R3]
        CMP R4, R2
        JS place
        STORE [R1], R4
        DEC R1
        JNZ inner
place:  STORE [R1], R2
        INC R0
        CMP R0, 16
        JNZ outer
        MOV R0, 0
sum:    LOAD R2, [R0]
        MUL R5, 3
        ADD R5, R2
        INC R0
        CMP R0, 16
        JNZ sum
        LOAD R6, [0]
        LOAD R7, [15]
        HALT
"""
machine = processor.build(SORT)
state, clocks = processor.run(machine, processor.start(machine), 1000)
print("threshold units", state.r, f"after {int(clocks):,} clocks")

# %% [markdown]
# On the A64 machine words have 64 bits, so here the sequence is cut to 16 on the way.

# %%
cut = SORT.replace("ADD R1, 7", "ADD R1, 7\nAND R1, 0xFFFF").replace(
    "ADD R5, R2", "ADD R5, R2\nAND R5, 0xFFFF"
)
made = assemble_toy(cut)
print("A64            ", ncpu.run(made.program(), made.state()).x[:8])

# %% [markdown]
# ## What it is made of
# Units are those of the circuits unrolled; relays are the units among them that only hand a value
# on to the next layer.

# %%
for width in (8, 16, 32):
    parts = processor.build("HALT", width=width).units
    print(f"{width} bits: {sum(units for units, _, _ in parts.values()):,} units")
    print("  unit      units  relays  depth")
    for name, (units, relays, depth) in parts.items():
        print(f"  {name:9} {units:>6,} {relays:>6,} {depth:>6}")

# %%
endless = processor.build("loop: ADD R0, 3\nDIV R1, R0, 7\nJMP loop")
processor.run(endless, processor.start(endless), 1)[1].block_until_ready()
begin = time.perf_counter()
processor.run(endless, processor.start(endless), 3000)[1].block_until_ready()
print(f"{3000 / (time.perf_counter() - begin):,.0f} clocks a second at 16 bits, one lane")

# %% [markdown]
# ## Attention as memory
# Keys are the address's bits as +1 and -1, so the row meant leads by 2 before the temperature
# divides. Sparsemax is exactly one-hot as long as the lead is at least 1: up to temperature 2,
# whatever the size. Softmax always shares some weight out: $1 - (1 + e^{-2/T})^{-\log_2 M}$ of it.

# %%
SIZES = (16, 64, 256, 1024)
TEMPERATURES = 2.0 ** (np.arange(-13, 9) / 3)


def last_good(good):
    """The temperature before the first that is not good."""
    return TEMPERATURES[: int(np.argmin([*good, False]))].max(initial=0)


errors = {
    kind: sweep(jax.random.key(0), SIZES, TEMPERATURES, kind) for kind in ("softmax", "sparsemax")
}
for kind, error in errors.items():
    exact = last_good((error.read == 0).all(0) & (error.write == 0).all(0))
    print(f"{kind}: exact up to T = {exact:.2f}; with bits thresholded, words are right up to")
    for size, wrong in zip(SIZES, error.wrong, strict=True):
        print(f"  T = {last_good(wrong == 0):.2f} with {size:,} words")

# %%
clear = attention("softmax", 1024, 0.5)
leak = 1 - float(clear(clear.keys[7])[7])
print(f"softmax at T = 0.5, 1,024 words: {leak:.4f}, {1 - (1 + np.exp(-4)) ** -10:.4f} by formula")

# %% [markdown]
# ## Where execution breaks
# A word that is read slightly wrong need not matter: with `snap` its bits are thresholded again.
# But what is stored drifts with every write nearby, and that no threshold on the way out undoes.
# Without it, the arithmetic weighs the error of the lowest bit against the carry of the highest.

# %%
lives = {}
for kind in ("softmax", "sparsemax"):
    for snap, words in ((True, 32), (True, 256), (False, 32)):
        kept, whole = correct_clocks(SORT, TEMPERATURES, kind, snap, words, clocks=1000)
        lives[kind, snap, words] = kept
        name = f"{kind}, {'thresholded' if snap else 'as read'}, {words} words"
        print(f"{name:35} all {whole:,} clocks right up to T = {last_good(kept == whole):.2f}")

# %%
from matplotlib.lines import Line2D

FLOOR = 1e-9  # less is drawn as this, 0 too
ERROR_TICKS = ([1e-9, 1e-6, 1e-3, 1], ["$\\leq 10^{-9}$", "$10^{-6}$", "$10^{-3}$", "1"])
TICKS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5]
COLORS = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(SIZES)))
plt.rcParams["svg.fonttype"] = "none"
figure, ((reads, writes), (grows, runs)) = plt.subplots(2, 2, figsize=(10, 7.2))

for axes, which in ((reads, "read"), (writes, "write")):
    for row, (size, color) in enumerate(zip(SIZES, COLORS, strict=True)):
        soft = np.maximum(getattr(errors["softmax"], which)[row], FLOOR)
        axes.loglog(TEMPERATURES, soft, color=color, label=f"softmax, {size:,} words")
    for row, style in ((0, ("--", "crimson")), (len(SIZES) - 1, (":", "darkorange"))):
        sparse = np.maximum(getattr(errors["sparsemax"], which)[row], FLOOR)
        label = f"sparsemax, {SIZES[row]:,} words"
        axes.loglog(TEMPERATURES, sparse, style[0], color=style[1], lw=2, label=label)
    axes.axvline(2, color="0.8", lw=0.8, zorder=0)
    axes.set_title(f"one {which}, by temperature")
figure.legend(*reads.get_legend_handles_labels(), ncol=6, fontsize=8, loc="upper center")

near = [int(np.argmin(np.abs(TEMPERATURES - t))) for t in (0.2, 0.4, 0.8, 1.6)]
for at, color in zip(near, COLORS, strict=True):
    label = f"softmax, T = {TEMPERATURES[at]:.2f}"
    soft = np.maximum(errors["softmax"].read[:, at], FLOOR)
    grows.loglog(SIZES, soft, "o-", color=color, label=label)
sparse = np.maximum(errors["sparsemax"].read[:, near[-1]], FLOOR)
label = f"sparsemax, T = {TEMPERATURES[near[-1]]:.2f}"
grows.loglog(SIZES, sparse, "s--", color="crimson", label=label)
grows.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
grows.set_xlabel("words of memory")
grows.set_title("one read, by size of memory")
grows.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.08))

for (kind, snap, words), kept in lives.items():
    color = {"softmax": COLORS[1], "sparsemax": "crimson"}[kind]
    runs.semilogx(TEMPERATURES, kept, "-" if snap else "--", color=color, lw=words / 100 + 0.5)
runs.set_title(f"where a sort of {whole} clocks breaks")
runs.set_ylabel("correct clocks")
runs.set_ylim(bottom=0)
keys = {
    "softmax": {"color": COLORS[1]},
    "sparsemax": {"color": "crimson"},
    "bits thresholded": {"color": "0.3"},
    "as read": {"color": "0.3", "ls": "--"},
    "32 words": {"color": "0.3", "lw": 0.8},
    "256 words": {"color": "0.3", "lw": 3},
}
handles = [Line2D([], [], label=label, **style) for label, style in keys.items()]
runs.legend(handles=handles, fontsize=8, loc="lower left")

for axes in (reads, writes, grows):
    axes.set_yticks(*ERROR_TICKS)
    axes.set_ylabel("largest error of a bit")
    axes.minorticks_off()
for axes in (reads, writes, runs):
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_xlabel("temperature")
figure.tight_layout(rect=(0, 0, 1, 0.97))
figure.savefig("threshold.svg")
plt.show()

# %% [markdown]
# The break without `snap` is one of arithmetic: the unit of a carry weighs all bits below it, the
# last one of 15 by 16,384, and its threshold leaves half of the lowest bit for all errors together.

# %%
total = machine.arithmetic["add"]
for error in (1e-6, 1e-5, 1e-4):
    word = jnp.asarray(np.r_[np.ones(15), 0, np.zeros(16)], jnp.float32)  # 0x7FFF + 0
    leaky = word.at[16:31].set(error)  # the other word's zeros, as read
    wrong = int(np.sum(np.asarray(total(leaky) != total(word))))
    print(f"0x7FFF + 0 with zeros read as {error:g}: {wrong} of 16 bits wrong")
