# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # A leak, a broken list, a parser
# Three questions to programs that were not built for them: does a secret show in what is executed;
# who wrote the byte that broke the list; which input ends a parser badly. The programs are C and
# need a cross compiler (`apt-get install gcc-aarch64-linux-gnu`); without one only the last cell,
# a picture of nothing, has something to do.

# %%
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import ncpu  # noqa: F401  - before jax: it sets XLA's flags
from ncpu.machine.debug import Debugger
from ncpu.machine.debug.const_time import check
from ncpu.machine.debug.fuzz import Fuzzer, starter
from ncpu.machine.linux.launch import Session

LANES = int(os.environ.get("NCPU_NOTEBOOK_LANES", "4096"))
SMALL = {"memory_size": 128 << 10, "stack_size": 32 << 10}
START = r"""
static long call(long number, long a, const void *b, long c) {
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a;
    register const void *x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
__asm__(".globl _start\n_start: mov x29, #0\n mov x30, #0\n bl main\n mov x8, #94\n svc #0");
"""
compiler = shutil.which("aarch64-linux-gnu-gcc")
folder = Path(tempfile.mkdtemp())


def build(name: str, source: str) -> bytes:
    """A C program without a library, as an AArch64 executable."""
    (folder / f"{name}.c").write_text(source + START)
    flags = ["-g", "-O1", "-ffreestanding", "-fno-stack-protector", "-nostdlib", "-static"]
    flags += ["-Wl,-z,max-page-size=4096", f"{name}.c", "-o", name]
    subprocess.run([compiler, "-include", "start.h", *flags], cwd=folder, check=True)
    return (folder / name).read_bytes()


_ = (folder / "start.h").write_text("static long call(long, long, const void *, long);\n")

# %% [markdown]
# ## A leak
# Sixteen bytes are compared with a secret. Many secrets run as lanes of one batch, and where they
# go and what they access is held against the first.

# %%
COMPARE = """unsigned char secret[16] = "open, sesame!", guess[16];
__attribute__((noinline)) int early_exit(const unsigned char *a, const unsigned char *b) {
    for (int i = 0; i < 16; i++)
        if (a[i] != b[i]) return 1;
    return 0;
}
__attribute__((noinline)) int all_bytes(const unsigned char *a, const unsigned char *b) {
    unsigned unlike = 0;
    for (int i = 0; i < 16; i++) unlike |= a[i] ^ b[i];
    return unlike != 0;
}
int main(void) { return early_exit(secret, guess) + all_bytes(secret, guess); }
"""
if compiler:
    program = build("compare", COMPARE)
    for function in ("early_exit", "all_bytes"):
        session = Session(program, ["compare"], **SMALL)
        report = check(session, function, ["*x0:16", "*x1:16"])
        print(function, "is constant time" if report.constant else "leaks")
        for leak in report.leaks:
            print("   ", leak.kind, leak.where, leak.instruction)

# %% [markdown]
# ## The write that broke a list
# Walking the list ends with a fault. The pointer that was followed has been written over; the last
# write to it, before now, is one question, and going back there another.

# %%
LIST = """struct node { struct node *next; long value; } nodes[4];
char name[8];
struct node *last = nodes;
__attribute__((noinline)) void rename(char *to, const char *from) {
    while ((*to++ = *from++));
}
__attribute__((noinline)) long sum(struct node *list) {
    long total = 0;
    for (; list; list = list->next) total += list->value;
    return total;
}
int main(void) {
    for (int i = 0; i < 3; i++) nodes[i].next = &nodes[i + 1];
    rename((char *)&nodes[1] - 8, "too long a name");
    return (int)sum(nodes);
}
"""
if compiler:
    debugger = Debugger(Session(build("list", LIST), ["list"], **SMALL))
    stop = debugger.history.forward()
    print(stop.reason, stop.signal, "at", debugger.symbols.name(debugger.pc))
    instant = debugger.who_wrote("nodes + 16", 8)
    debugger.history.goto(instant)
    print("written at", instant)
    for frame in debugger.frames():
        print("   ", debugger.symbols.name(frame.pc))

# %% [markdown]
# ## A parser, fuzzed in lanes
# Every candidate is a lane, run from the moment before the program reads. What reaches a new edge
# is kept and changed further.

# %%
PARSER = """unsigned char in[64];
int main(void) {
    long n = call(63, 0, in, sizeof in), depth = 0;
    for (long i = 0; i < n; i++) {
        if (in[i] == '(') depth++;
        if (in[i] == ')') depth--;
        if (depth == 3 && in[i] == '!') return *(volatile int *)8;
    }
    return (int)depth;
}
"""
edges = []
if compiler:
    fuzzer = Fuzzer(starter(build("parser", PARSER), ["parser"], **SMALL), lanes=LANES)
    fuzzer.run(rounds=40, crashes=1, told=lambda f: edges.append(f.statistics.edges))
    crash = next(iter(fuzzer.crashes.values()), None)
    print(f"{fuzzer.statistics.executions:,} executions, {len(fuzzer.corpus)} inputs kept")
    if crash:
        print(crash.signal, "with", fuzzer.minimise(crash.data))

# %%
plt.figure(figsize=(5, 2.5))
plt.plot(edges)
plt.xlabel("batches")
plt.ylabel("edges reached")
plt.show()
