# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # The machine, by hand and by the ten thousand
# A CPU state is a pytree, one tick is a pure function. This notebook steps one, runs a compiled C
# program, and maps 10,000 inputs over a short program. It takes about half a minute.

# %%
import os

import jax
import jax.numpy as jnp
import numpy as np

import ncpu  # before jax: it sets XLA's flags

LANES = int(os.environ.get("NCPU_NOTEBOOK_LANES", "10000"))

# %% [markdown]
# ## One step
# `step(state, instr) = commit(state, execute(state, instr))`. States display themselves.

# %%
code = ncpu.assemble("""
        mov     x0, #40
        add     x0, x0, #2
        subs    x1, x0, #42
        brk     #0
""")
program = ncpu.Program.from_words(code.words)
state = ncpu.new_state(size=4096)
for _ in range(3):
    state = ncpu.step(state, ncpu.fetch(program, state))
state

# %% [markdown]
# `execute` says what will change before anything does: this is what a tracer, a debugger or a
# world model reads.

# %%
state = ncpu.new_state(size=4096)
effects = ncpu.execute(state, ncpu.fetch(program, state))
print(
    "row",
    int(effects.rd),
    "gets",
    np.asarray(effects.value),
    "- next pc",
    np.asarray(effects.next_pc),
)

# %% [markdown]
# ## A compiled C program
# With a cross compiler at hand (`apt-get install gcc-aarch64-linux-gnu`) any static Linux program
# runs; without one, the same text from assembly.

# %%
import shutil
import subprocess
import tempfile
from pathlib import Path

from ncpu.machine.linux.launch import launch
from ncpu.machine.loader import elf_bytes

SOURCE = """
#include <math.h>
#include <stdio.h>
int main(void) {
    for (int i = 1; i <= 5; i++) printf("sqrt(%d) = %.15f\\n", i, sqrt((double)i));
    return 7;
}
"""
HELLO = """
_start: mov x0, #1
        adr x1, text
        mov x2, #6
        mov x8, #64
        svc #0
        mov x0, #7
        mov x8, #93
        svc #0
text:   .ascii "hello\\n"
"""
compiler = shutil.which("aarch64-linux-gnu-gcc")
if compiler:
    folder = Path(tempfile.mkdtemp())
    (folder / "roots.c").write_text(SOURCE)
    command = [compiler, "-O2", "-static", "roots.c", "-o", "roots", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    binary = (folder / "roots").read_bytes()
else:
    binary = elf_bytes(ncpu.assemble(HELLO, 0x400000))

# %%
import io

out = io.BytesIO()
result = launch(binary, stdout=out)
print(out.getvalue().decode())
print("exit", result.exit_code, "after", f"{result.retired:,}", "instructions")

# %% [markdown]
# ## Ten thousand lanes
# A batch is the same pytree with a leading axis. Each lane counts the steps of Collatz's sequence
# from its own number.

# %%
collatz = ncpu.assemble("""
loop:   cmp     x0, #1
        b.eq    done
        add     x1, x1, #1
        tbnz    x0, #0, odd
        lsr     x0, x0, #1
        b       loop
odd:    add     x2, x0, x0, lsl #1
        add     x0, x2, #1
        b       loop
done:   brk     #0
""")
program = ncpu.Program.from_words(collatz.words)
states = ncpu.broadcast(ncpu.new_state(size=4096), LANES)
start = jnp.arange(1, LANES + 1, dtype=jnp.uint32)
states = states.replace(regs=states.regs.at[:, 0, 0].set(start))
done = ncpu.run_batch(program, states)
done

# %%
import matplotlib.pyplot as plt

steps = done.x[:, 1]
plt.figure(figsize=(8, 3))
plt.plot(np.arange(1, LANES + 1), steps, ",")
plt.xlabel("start")
plt.ylabel("steps to reach 1")
plt.title(f"{LANES:,} lanes, {int(jnp.sum(done.retired[:, 0])):,} instructions")
plt.tight_layout()
plt.show()

# %% [markdown]
# `jax.vmap` of `run` gives the same bits.

# %%
few = ncpu.broadcast(ncpu.new_state(size=4096), 8)
few = few.replace(regs=few.regs.at[:, 0, 0].set(start[:8]))
print(jax.vmap(lambda s: ncpu.run(program, s))(few).x[:, 1], steps[:8])
