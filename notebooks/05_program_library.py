# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # Hidden states that call verified programs
# A head is trained from examples, made discrete with a proof of how far the two are apart,
# verified, and kept in a signed library under the hidden state that should find it.

# %%
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from flax import nnx

import ncpu  # noqa: F401  - before jax does work: it sets XLA's flags
from ncpu.npcot.canonical import canonical, digest
from ncpu.npcot.contents import diff
from ncpu.npcot.crystallize import crystallize
from ncpu.npcot.domain import Domain
from ncpu.npcot.errors import RollbackError, UnverifiedProgramError
from ncpu.npcot.head import ArrayThoughtHead
from ncpu.npcot.merge import Rules, merge_libraries, pack_entries, unpack_entries
from ncpu.npcot.owner import Owner
from ncpu.npcot.privacy import utility_curve
from ncpu.npcot.program import ArrayProgram
from ncpu.npcot.retrieval import Lookup
from ncpu.npcot.session import ProgramLibrarySession
from ncpu.npcot.text import format_program
from ncpu.npcot.train import Schedule, all_results, evidence, train

WIDTH = 64
domain = Domain(-20, 20, 8)
folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## States from a language model
# With transformers 4 installed they come from a (randomly initialised) GPT-2 in Flax; else from
# a seed.

# %%
try:
    from transformers import FlaxGPT2LMHeadModel, GPT2Config

    config = GPT2Config(vocab_size=64, n_positions=16, n_embd=WIDTH, n_layer=2, n_head=2)
    gpt = FlaxGPT2LMHeadModel(config, seed=0)
    tokens = np.arange(12).reshape(3, 4) % 64
    hidden = np.asarray(gpt(tokens, output_hidden_states=True).hidden_states[-1][:, -1])
except ImportError:
    hidden = np.asarray(jax.random.normal(jax.random.key(0), (3, WIDTH)))
hidden.shape

# %% [markdown]
# ## Train and crystallise
# Three tasks, known only by examples.

# %%
rng = np.random.default_rng(0)
x = rng.integers(-20, 21, (64, 8)).astype(np.int32)
length = rng.integers(1, 9, 64).astype(np.int32)
rows = [row[:n] for row, n in zip(x.tolist(), length, strict=True)]
targets = {
    "energy of the positive ones": [sum(v * v for v in r if v > 0) for r in rows],
    "total distance": [sum(map(abs, r)) for r in rows],
    "how many are odd": [sum(v % 2 for v in r) for r in rows],
}
other = rng.integers(-20, 21, x.shape)  # programs of two arrays must not fit by luck
results = all_results(*map(jnp.asarray, (x, length, other.astype(np.int32))))
target = jnp.asarray(list(targets.values()), jnp.int32)
seen = evidence(results, target, jnp.zeros(3, bool))
head = ArrayThoughtHead(WIDTH, rngs=nnx.Rngs(0))
loss = train(head, hidden, [seen], Schedule(steps=300))
found = [crystallize(head, state, domain, temperature=0.01) for state in hidden]
for (program, certificate), name in zip(found, targets, strict=True):
    print(f"{name}: {format_program(program)}  gap {certificate.gap:.2g} ({certificate.method})")

# %%
plt.figure(figsize=(5, 2.5))
plt.plot(loss)
plt.xlabel("step")
plt.ylabel("loss")
plt.tight_layout()
plt.show()

# %% [markdown]
# ## Keep and consult
# Insertion verifies: a product of eight numbers can leave 32 bits, and is refused with the reason.

# %%
owner = Owner.create(folder / "keys")
session = ProgramLibrarySession.create(
    folder / "library", owner, capacity=16, width=WIDTH, domain=domain
)
for state, (program, certificate), name in zip(hidden, found, targets, strict=True):
    proof = digest(canonical(certificate.to_json()))
    session.insert(state, program, task=name, gap=certificate.gap, certificate=proof)
try:
    session.insert(-hidden[0], ArrayProgram.of("product"), task="product")
except UnverifiedProgramError as error:
    print(error)
before = session.contents
session.save()

arrays = np.array([[3, -4, 5, 0, 0, 0, 0, 0]] * 4, np.int32)
states = np.concatenate([2 * hidden, -hidden[:1]])
answer = session.consult(states, arrays, np.full(4, 3))
for status, value, score in zip(answer.status, answer.value, answer.score, strict=True):
    print(Lookup(int(status)).name, int(value), f"{float(score):.3f}")

# %% [markdown]
# Feedback moves the threshold of the entry it is about.

# %%
session.feedback(answer, np.array([True, True, True, False]))
print(diff(before, session.contents).hits)
session.save()
session.close()

# %% [markdown]
# ## Another owner
# Bob takes over Alice's entries if he trusts her key; each entry carries her signature.

# %%
bob = Owner.create(folder / "bob")
with ProgramLibrarySession.open(folder / "library", owner) as session:
    bundle = pack_entries(session.contents.entries.values(), owner.share)
bob = Owner(bob.folder, bob.own, bob.share, others=(owner.share.public,))
rules = Rules(bob.entry_trust, domain, WIDTH, capacity=16)
received = unpack_entries(bundle, bob.entry_trust)
merged = merge_libraries(received, received, rules=rules)
print(len(merged.entries), "entries,", len(merged.refused), "refused")

# %% [markdown]
# ## The log, and an old snapshot put back

# %%
with ProgramLibrarySession.open(folder / "library", owner) as session:
    print([record.event for record in session.records])
    newest = session.version
(folder / "library" / "snapshots" / f"{newest:08d}").rename(folder / "hidden")
try:
    ProgramLibrarySession.open(folder / "library", owner)
except RollbackError as error:
    print(error)

# %% [markdown]
# ## What privacy costs
# Noise on keys that protects a person at a small epsilon leaves no retrieval.

# %%
keys = rng.normal(size=(128, WIDTH))
keys = (keys / np.linalg.norm(keys, axis=1, keepdims=True)).astype(np.float32)
right = rng.integers(0, 128, 500)
epsilons = [1, 3, 10, 30, 100, 300, 1000]
curve = utility_curve(keys, keys[right], right, epsilons, 1e-5, rng)
plt.figure(figsize=(5, 2.5))
plt.semilogx(epsilons, [point["top1"] for point in curve], "o-")
plt.xlabel("epsilon")
plt.ylabel("top-1")
plt.tight_layout()
plt.show()
