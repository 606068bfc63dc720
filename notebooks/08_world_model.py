# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # A world model of the machine
# A joint-embedding predictive architecture encodes a state and an instruction, and predicts the
# latent of the next state. The machine gives it as much exact ground truth as anyone wants. Here:
# train one small, look at latents, see a rollout drift, catch injected faults.

# %%
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import ncpu  # before jax does work: it sets XLA's flags
from ncpu.jepa import Config, checkpoint
from ncpu.jepa.action import action
from ncpu.jepa.anomaly import Anomaly, auroc
from ncpu.jepa.faults import clean, inject
from ncpu.jepa.probe import fit_probe
from ncpu.jepa.programs import Random
from ncpu.jepa.train import Recipe, train
from ncpu.jepa.transition import take, transitions
from ncpu.jepa.view import View, to_bits
from ncpu.machine.instr import Unit, field

# %% [markdown]
# ## One step
# A view of a state is 34 words (X0–X30, SP, pc, NZCV), its latent a small vector for each bit.
# The instruction below adds x1 and x2 into x0.

# %%
model = checkpoint.load()
source = Random(0)
batch = source.draw(256)
batch = take(batch, np.resize(np.flatnonzero(batch.valid), 256))
probe = fit_probe(model, View(words=jnp.asarray(batch.before.words)))

words = np.array(batch.before.words[0])
words[1], words[2] = (1234567, 0), (7654321, 0)
latent = model.encode_state(View(words=jnp.asarray(words)))
ahead = model.predict_next_latent(latent, model.encode_action(ncpu.decode(0x8B020020)))
read = np.asarray(probe(ahead[0]))
print("x0 read from the predicted latent:", sum(1 << k for k in np.flatnonzero(read)))
print("exactly:", 1234567 + 7654321)

# %% [markdown]
# ## Train one from nothing
# On instructions drawn from the table and executed on random views, for a few seconds. The loss
# is the error of predicted latents; VICReg keeps them from all becoming the same.

# %%
losses = []
recipe = Recipe(steps=60, batch=32, chunk=10, real=0.0, rate=3e-3)
small = train(None, recipe, Config(hidden=16, code=16), lambda at: losses.append(at.loss))
plt.figure(figsize=(6, 2.5))
plt.plot(np.arange(1, 7) * 10, losses, "o-")
plt.xlabel("step")
plt.ylabel("latent error")
plt.show()

# %% [markdown]
# ## Look at latents
# Latents of what instructions write, on their two main axes, coloured by the kind of instruction.

# %%
rows = np.asarray(batch.written.rows)[:, 0]
some = take(batch, np.flatnonzero(rows < 32))
flat = np.asarray(model.encoder(to_bits(jnp.asarray(some.written.values[:, 0]))))
flat = flat.reshape(len(flat), -1) - flat.reshape(len(flat), -1).mean(0)
place = flat @ np.linalg.svd(flat, full_matrices=False)[2][:2].T
units = np.asarray(field(some.packed, "unit"))
names, counts = np.unique(units, return_counts=True)
plt.figure(figsize=(6, 4))
for unit in names[np.argsort(-counts)][:6]:
    plt.scatter(*place[units == unit].T, s=14, label=Unit(unit).name.lower())
plt.legend()
plt.show()

# %% [markdown]
# ## See a rollout drift
# Predictions fed back, a different instruction at each step and in each of 256 lanes, beside the
# machine: a bit that was wrong once stays wrong or spreads.

# %%
z = model.encode_state(View(words=jnp.asarray(batch.before.words)))
here, right = batch.before, []
for step in range(8):
    order = np.random.default_rng(step).permutation(256)
    packed, bus = jnp.asarray(batch.packed[order]), take(batch.bus, order)
    made = transitions(here, packed, bus)
    z = model.predict_next_latent(z, action(packed, bus))
    here = made.after
    bits = np.array(probe(z))
    bits[:, 33, 4:] = False
    right.append(float((bits == (np.asarray(to_bits(here.words)) == 1)).all((1, 2)).mean()))
plt.figure(figsize=(6, 2.5))
plt.plot(range(1, 9), right, "o-")
plt.ylim(0, 1)
plt.xlabel("instructions ahead")
plt.ylabel("views with every bit right")
plt.show()

# %% [markdown]
# ## Catch a fault
# A monitor scores each transition by the largest error of any bit's latent, against a threshold
# for each kind of instruction. It is calibrated on clean transitions and shown faulty ones.

# %%
monitor = Anomaly.calibrated(model, batch, 0.02)
calm = monitor.score(clean(batch))
found = {}
for fault in ("flip in any register", "flip in pc", "skipped instruction", "replaced instruction"):
    seen = inject(fault, batch, np.random.default_rng(1))
    found[fault] = auroc(calm, monitor.score(seen))
    print(f"{fault:24} AUROC {found[fault]:.3f} over {len(seen.index)}")
assert all(value > 0.5 for value in found.values())

# %% [markdown]
# `ncpu jepa watch programs/corpus/quicksort.s --fault "flip in pc"` does this beside a real
# program (an executable, `.s` or `.toy`), and `ncpu jepa report` prints every table.
