# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # Programs found from examples
# Hundreds of specifications in one go; gradient descent on distributions over A64 programs, its
# restarts made visible; the program it finds, run on 4,096 inputs at once, kept and found again.

# %%
import os
import random
import statistics
import tempfile
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import ncpu  # before jax does work: it sets XLA's flags
from ncpu.machine import word
from ncpu.synth.bench import judge
from ncpu.synth.codegen import checked, emit
from ncpu.synth.codegen_python import compiled
from ncpu.synth.gradient.candidate import Layout
from ncpu.synth.gradient.code import build
from ncpu.synth.gradient.frames import STRAIGHT
from ncpu.synth.gradient.strategy import Gradient
from ncpu.synth.gradient.tasks import prepare
from ncpu.synth.gradient.train import train
from ncpu.synth.library import Library
from ncpu.synth.portfolio import ProgramSynthesizer
from ncpu.synth.prove import prove_equal
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.suites import problems

# %% [markdown]
# ## Two hundred specifications
# Thirty small families, seven draws each: other examples, other constants. The synthesiser sees the
# examples and neither the name nor the family; a program counts when it is right on inputs that
# it was not found from.

# %%
DRAWS = int(os.environ.get("NCPU_NOTEBOOK_DRAWS", "7"))
drawn = list(problems("tiny", seeds=range(DRAWS)))
synthesizer = ProgramSynthesizer(budget=Budget(seconds=0.5))
found = [synthesizer.synthesize(SynthesisSpec(p.visible(), p.signature)) for p in drawn]


def right(problem, result) -> bool:
    if not result.solved:
        return False
    function = compiled(result.solution.program, problem.signature)
    return not judge(problem, function, 500)


verdicts = [right(p, r) for p, r in zip(drawn, found, strict=True)]
seconds = [r.seconds for r in found]
by = Counter(r.solution.strategy for r, ok in zip(found, verdicts, strict=True) if ok)
print(f"{sum(verdicts)} of {len(drawn)} right on unseen inputs; median "
      f"{1000 * statistics.median(seconds):.1f} ms, all {sum(seconds):.1f} s")  # fmt: skip

# %%
figure, (left, right_) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
left.bar(list(by), list(by.values()), color="tab:blue")
left.set(title="solved by", ylabel="specifications")
left.tick_params(axis="x", rotation=30)
right_.ecdf(np.array(seconds) * 1000)
right_.set(title="time to a program", xlabel="milliseconds", xscale="log", ylabel="share")
plt.show()

# %% [markdown]
# ## Gradient descent, restart by restart
# A candidate is a distribution over programs: over the instruction of each slot, and over the
# registers and constants each operand reads. 256 of them are trained in one `vmap` on
# $x(y + 3)$, from ten examples.

# %%
rng = random.Random(1)
inputs = [(rng.randint(-50, 50), rng.randint(-50, 50)) for _ in range(10)]
spec = SynthesisSpec(tuple(((x, y), x * (y + 3)) for x, y in inputs))
engine, layout, steps = Gradient(restarts=256), Layout(0, 3), 120
prepared = prepare(spec, STRAIGHT, layout)
restarts = engine.begin(prepared, layout, STRAIGHT, jax.random.key(0))
task = jax.tree.map(jnp.asarray, prepared.task)
missed = []
for chunk in range(steps // 10):
    restarts, _ = train(
        restarts, task, jax.random.key(100 + chunk), jnp.int32(10 * chunk), jnp.float32(steps),
        layout=layout, schedule=engine.schedule, steps=10,
    )  # fmt: skip
    missed.append(np.asarray(restarts.missed))
missed = np.stack(missed)
print(f"{np.mean(missed[-1] == 0):.1%} of the restarts met a program right on every example")

# %%
figure, (left, right_) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
order = np.lexsort(missed)  # by the end, then by the time it was reached
image = left.imshow(missed.T[order], aspect="auto", extent=(0, steps, 256, 0), vmin=0, vmax=1,
                    interpolation="nearest")  # fmt: skip
left.set(title="examples missed by the best program so far", xlabel="step", ylabel="restart")
figure.colorbar(image, ax=left)
right_.plot(10 * np.arange(1, len(missed) + 1), (missed == 0).mean(1), marker=".")
right_.set(title="restarts that succeeded", xlabel="step", ylim=(0, None))
plt.show()

# %% [markdown]
# ## The program it found
# A64 machine code. The exact machine confirms it, here on 4,096 new inputs, one lane each.

# %%
winners = np.flatnonzero(missed[-1] == 0)
codes = [
    build(jax.tree.map(lambda x, k=k: np.asarray(x[k]), restarts.best), layout, STRAIGHT,
          spec.signature, prepared.constants)
    for k in winners[:32]
]  # fmt: skip
code = min(codes, key=lambda c: c.size)
print(code)

# %%
fresh = np.random.default_rng(2).integers(-(1 << 40), 1 << 40, (4096, 2))
states = ncpu.broadcast(ncpu.new_state(size=4096), 4096)
states = states.replace(regs=states.regs.at[:, :2].set(word.to_limbs(fresh.view(np.uint64))))
done = jax.jit(jax.vmap(lambda s: ncpu.run(ncpu.Program.from_words(code.words), s, 100)))(states)
wanted = fresh[:, 0] * (fresh[:, 1] + 3)  # modulo 2**64, as NumPy wraps
assert np.array_equal(done.x[:, 0].view(np.int64), wanted)
print("4,096 of 4,096 lanes right")

# %% [markdown]
# ## The same from the portfolio, as code
# The strategies may well find another text for one function; a solver says whether it is one.

# %%
result = synthesizer.synthesize(spec)
print(result.solution.strategy, result.solution.program)
print(checked(result.solution.program, spec, "python"))
print(emit(result.solution.program, spec.signature, "jax"))
lifted = engine.solve(spec, Budget(seconds=60.0))
assert lifted is not None
print(prove_equal(result.solution.program, lifted.program, spec.signature))

# %% [markdown]
# ## Kept and found again
# A library is keyed by what was asked, whatever order the examples come in: a hit costs no search.

# %%
folder = Path(tempfile.mkdtemp()) / "programs"
library = Library(folder)
for problem, outcome in zip(drawn, found, strict=True):
    if outcome.solved and problem.seed == 0:
        library.put(SynthesisSpec(problem.visible(), problem.signature), outcome.solution)
library.put(spec, result.solution)
again = Library(folder)
shuffled = SynthesisSpec(tuple(reversed(spec.examples)))
assert again.get(shuffled).program == result.solution.program
print(f"{len(again)} programs; found again: {again.get(shuffled).program}")
