# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # Arithmetic out of trained networks
# Eleven small networks learn one truth table each. Wired together they are the machine's adder,
# multiplier, divider and shifter, and programs run on them to the same bits. This notebook trains
# one, looks inside, computes with all of them, runs a program on them and takes them away again.
# It takes about a minute.

# %%
import os

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from flax import nnx

import ncpu
from ncpu import xla
from ncpu.machine.loader import TEXT_BASE, elf_bytes
from ncpu.neural_alu import checkpoint, ops
from ncpu.neural_alu.cells import CELLS, Cell
from ncpu.neural_alu.certify import CertificationError, straight
from ncpu.neural_alu.certify.cells import check_cells
from ncpu.neural_alu.certify.lemmas import Setting, prove
from ncpu.neural_alu.compare import compare, modes
from ncpu.neural_alu.measured import measure
from ncpu.neural_alu.planes import from_word, soft_wires
from ncpu.neural_alu.train import train_cell

xla.use_cache()

# %% [markdown]
# ## One cell
# `xor` is a perceptron with two hidden units. Sixteen of them start from random weights at once;
# the one with the widest margin, the smallest distance of any logit from zero, is kept.

# %%
cell, progress = train_cell("xor", CELLS["xor"], jax.random.key(1), steps=1500, restarts=16)
print(f"{progress.exact} of {progress.restarts} learnt all {progress.rows} rows")
print(f"margin {progress.margin:.2f} with {progress.parameters} parameters")
for row, expected in zip(CELLS["xor"].domain(), CELLS["xor"].truth(), strict=True):
    print(row.astype(int), "logit", f"{float(cell(*row)[0]):+.2f}", "is", int(expected[0]))

# %% [markdown]
# ## All of them
# The checkpoint holds every cell as `ncpu train alu` left it. Each is shown below on the square
# between its inputs' corners: a bit is 1 where the logit is positive. The corners are all that
# ever occurs, and the margin says how far the nearest of them is from being decided otherwise.

# %%
networks = checkpoint.load()
print("weights", checkpoint.digest(networks)[:16])

grid = np.linspace(-0.25, 1.25, 121, dtype=np.float32)
a, b = np.meshgrid(grid, grid)
PAIRS = ("and", "or", "xor", "bic", "sum")
figure, axes = plt.subplots(1, len(PAIRS), figsize=(12, 2.9), sharey=True, layout="constrained")
for ax, name in zip(axes, PAIRS, strict=True):
    logits = np.asarray(networks[name](a, b)[0])
    shade = ax.contourf(a, b, logits, np.linspace(-16, 16, 17), cmap="RdBu", extend="both")
    ax.contour(a, b, logits, [0], colors="k")
    domain, truth = CELLS[name].domain(), CELLS[name].truth()[:, 0]
    ax.scatter(*domain.T, c=np.where(truth == 1, "w", "k"), edgecolors="k", s=60, zorder=2)
    ax.set(title=name, xlabel=CELLS[name].inputs[0], xticks=(0, 1), yticks=(0, 1), aspect="equal")
    ax.set_ylabel(CELLS[name].inputs[1])
figure.colorbar(shade, label="logit", ticks=(-16, -8, 0, 8, 16))
plt.show()

# %%
figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for place, (name, spec) in enumerate(CELLS.items()):
    logits = np.stack(networks[name](*spec.domain().T), -1)
    truth = spec.truth() == 1
    assert ((logits > 0) == truth).all()
    for bit, color in ((True, "tab:blue"), (False, "tab:red")):
        values = logits[truth == bit]
        ax.scatter(np.full(values.size, place), values, s=14, color=color, label=f"bit {int(bit)}")
    ax.text(place, 1, f"{np.abs(logits).min():.1f}", ha="center", fontsize=8)
ax.axhline(0, color="k", lw=0.8)
ax.set_xticks(range(len(CELLS)), list(CELLS))
ax.set(ylabel="logit", title="Every logit of every cell, and the margin")
handles, labels = ax.get_legend_handles_labels()
ax.legend(handles[:2], labels[:2], loc="upper right", ncols=2)
plt.show()

# %% [markdown]
# ## Computing
# `ops.compute` gives integers to the networks and takes integers back.

# %%
print("12,345 * 6,789 =", ops.compute("mul", 12_345, 6_789, width=32))
print("-100 / 7 =", ops.compute("sdiv", [-100], [7], width=16).astype(np.int16))
print("0x80000001 rotated right by 4 =", hex(ops.compute("ror", 0x80000001, 4, width=32)))

every_a, every_b = np.divmod(np.arange(1 << 16), 256)
wrong = np.count_nonzero(ops.compute("add", every_a, every_b, width=8) != (every_a + every_b) % 256)
print(f"all {1 << 16:,} additions of two bytes: {wrong} wrong")

# %% [markdown]
# ## Certifying
# Two numbers of 64 bits cannot all be tried. Instead every cell is asked every input it can have,
# in exact rational numbers; then a solver is given those answers and the circuit that runs, on
# symbols for bits, and looks for operands on which it is wrong. Here for six operations;
# `ncpu certify alu` does this for all, at every width, and checks the proofs a second time.

# %%
cells = check_cells(networks)
closest = min((cell for cell in cells if cell.ratio), key=lambda cell: cell.ratio)
print(f"{len(cells)} cells right on {sum(cell.rows for cell in cells):,} rows; the least sure is")
print(f"{closest.cell}: margin {closest.margin:.2f}, {closest.ratio:,.0f} times float32's rounding")

SIX = ("add", "sub", "cmp", "xor", "lsl", "ror")
lemmas = [lemma for lemma in straight.lemmas() if lemma.width == 64 and lemma.name in SIX]
for lemma in lemmas:
    proof = prove(lemma, Setting(measure(networks)))
    print(f"{proof.statement}: proved for all 64-bit words in {proof.seconds:.2f} s")

# %% [markdown]
# With another `carry` cell the solver finds a counterexample.

# %%
spec = CELLS["carry"]
other = Cell(len(spec.inputs), spec.hidden, len(spec.outputs), rngs=nnx.Rngs(0))
try:
    prove(lemmas[0], Setting(measure({**networks, "carry": other})))
except CertificationError as error:
    print(error)

# %% [markdown]
# ## A program on three arithmetics
# The same A64 instructions, once with integers, once with a forward pass of the cells at every bit
# position, once with the answers that they gave to each of their inputs.

# %%
SOURCE = """
_start: mov     x19, #0                 // sum of gcd(a, 360) over a = 1 to 200
        mov     x20, #200
next:   mov     x0, x20
        mov     x1, #360
gcd:    udiv    x2, x0, x1
        msub    x2, x2, x1, x0
        mov     x0, x1
        mov     x1, x2
        cbnz    x1, gcd
        add     x19, x19, x0
        subs    x20, x20, #1
        b.ne    next
        and     x0, x19, #127
        mov     x8, #93                 // exit
        svc     #0
"""
program = elf_bytes(ncpu.assemble(SOURCE, TEXT_BASE))
THREE = ("exact", "neural", "tabulated")


def on_three(networks, **options):
    """Rows of the program in three modes."""
    alus = modes(networks)
    return compare(
        program, ["gcds"], {name: alus[name] for name in THREE}, memory_size=16 << 20, **options
    )


def show(rows):
    """A line for each mode."""
    for row in rows:
        speed = f"{row.retired / row.seconds:11,.0f} instr/s"
        differs = ", ".join(row.differing(rows[0])) or "nothing"
        print(f"{row.mode:9} {row.ending()}, {speed}, differs in {differs}")


rows = on_three(networks)
show(rows)
print("sum of the gcds:", rows[1].registers[19], "NumPy's:", np.gcd(np.arange(1, 201), 360).sum())

# %% [markdown]
# ## Without the networks
# Give one cell random weights and the program ends otherwise, or not at all: nothing stands in
# for what was learnt. Only `bic` is not missed: the machine's BIC is `not`, then `and`.

# %%
SOME = int(os.environ.get("NCPU_NOTEBOOK_CELLS", len(CELLS)))
for index, name in enumerate(list(CELLS)[:SOME]):
    spec = CELLS[name]
    cell = Cell(len(spec.inputs), spec.hidden, len(spec.outputs), rngs=nnx.Rngs(index))
    exact, neural, tabulated = on_three({**networks, name: cell}, max_steps=1000)
    ending = tabulated.ending() if tabulated.differing(exact) else "as before"
    assert neural.differing(exact) == tabulated.differing(exact)
    print(f"{name:6} random: {ending}")

# %% [markdown]
# ## Gradients
# At a temperature above zero cells pass probabilities on, and a sum is a differentiable function of
# the bits added. Here gradient descent looks for what to add to a number to get another, 64 times.

# %%
WIDTH = 8


def summand(temperature, start, goal, steps=200):
    """Bits that are found to give `goal` when added to `start`, and the loss at each step."""
    wires = soft_wires(networks, temperature)

    def loss(logits):
        total = ops.apply("add", wires, start, jax.nn.sigmoid(logits))
        total = jnp.clip(total, 1e-6, 1 - 1e-6)
        return -jnp.mean(goal * jnp.log(total) + (1 - goal) * jnp.log(1 - total))

    def step(logits, _):
        value, slope = jax.value_and_grad(loss)(logits)
        return logits - 4 * slope, value

    logits, losses = jax.lax.scan(step, jnp.zeros(WIDTH), length=steps)
    return logits > 0, losses, loss


TEMPERATURES = (1.0, 2.0, 4.0, 8.0)
starts, goals = np.random.default_rng(0).integers(0, 256, (2, 64)).astype(np.uint32)
bits = [from_word(jnp.asarray(x), WIDTH).T for x in (starts, goals)]
search = jax.vmap(lambda t, x, y: summand(t, x, y)[:2], in_axes=(None, 0, 0))
added, losses = jax.jit(jax.vmap(search, in_axes=(0, None, None)))(jnp.array(TEMPERATURES), *bits)
found, curves = [], np.mean(losses, axis=1)
for temperature, numbers in zip(
    TEMPERATURES, np.asarray(added) @ (1 << np.arange(WIDTH)), strict=True
):
    found.append(np.mean(ops.compute("add", starts, numbers, width=WIDTH) == goals))
    print(f"temperature {temperature:g}: {found[-1]:.0%} of 64 found")

# %% [markdown]
# Cold cells leave little gradient, warm ones blur carries: the best is in between. The gradient is
# that of the soft sum, as finite differences show.

# %%
loss = summand(4.0, bits[0][0], bits[1][0], steps=1)[2]
for place in (0, 3, 7):
    shift = jnp.zeros(WIDTH).at[place].set(0.05)
    difference = (loss(shift) - loss(-shift)) / 0.1
    print(f"bit {place}: {jax.grad(loss)(jnp.zeros(WIDTH))[place]:+.4f} {difference:+.4f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for temperature, curve in zip(TEMPERATURES, curves, strict=True):
    left.semilogy(curve, label=f"T = {temperature:g}")
left.set(xlabel="step", ylabel="cross entropy of the sum's bits", ylim=(0.2, 4))
left.legend(ncols=2, loc="upper right")
right.bar([f"{t:g}" for t in TEMPERATURES], found)
right.set(xlabel="temperature", ylabel="share found", ylim=(0, 1))
plt.show()
