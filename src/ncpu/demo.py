"""`ncpu demo`: the main job on real input, and what was measured while doing it."""

from __future__ import annotations

import io
import time

import numpy as np

LANES = 4096
POEM = b"""the quick brown fox
jumps over the lazy dog
pack my box with five
dozen liquor jugs
"""
# Applets and their arguments; a second item is standard input.
APPLETS = [
    (["echo", "Hello from an ARM64 Linux binary on a JAX function"], b""),
    (["sort"], POEM),
    (["awk", '{ n += NF } END { print n " words in " NR " lines" }'], POEM),
    (["sha256sum"], POEM),
    (["sed", "-n", "s/o/0/gp"], POEM),
    (
        ["sh", "-c", 'i=1; while [ $i -le 5 ]; do echo -n "$((i * i)) "; i=$((i + 1)); done; echo'],
        b"",
    ),
]
# x1 = how many steps Collatz's sequence from x0 takes to reach 1.
COLLATZ = """
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
"""


def programs() -> tuple[str, bytes, list[tuple[list[str], bytes]]]:
    """BusyBox when it can be had, else a program assembled here: (name, ELF, runs)."""
    from ncpu.machine.debian import DebianError, fetch

    try:
        binary = (fetch("busybox-static") / "bin" / "busybox").read_bytes()
        return "Debian's BusyBox (arm64, static)", binary, APPLETS
    except DebianError as error:
        from ncpu.machine.asm import assemble
        from ncpu.machine.loader import TEXT_BASE, elf_bytes

        source = (
            ".text\n_start: mov x0, #1\nadr x1, text\nmov x2, #15\nmov x8, #64\nsvc #0\n"
            'mov x0, #0\nmov x8, #93\nsvc #0\ntext: .ascii "Hello from A64\\n"\n'
        )
        name = f"a program assembled here (no BusyBox: {error})"
        return name, elf_bytes(assemble(source, TEXT_BASE)), [([], b"")]


def run_programs() -> None:
    """Real Linux programs, one after the other."""
    from rich import print as show

    from ncpu.machine.linux.launch import Session

    name, binary, runs = programs()
    show(f"[bold]1. {name}[/]")
    total, seconds = 0, 0.0
    for args, stdin in runs:
        out = io.BytesIO()
        session = Session(binary, ["busybox", *args], stdin=io.BytesIO(stdin), stdout=out)
        started = time.perf_counter()
        result = session.run()
        elapsed = time.perf_counter() - started
        total, seconds = total + result.retired, seconds + elapsed
        show(f"[dim]$ {' '.join(args)}[/]")
        print(out.getvalue().decode().rstrip())
        show(f"[dim]  exit {result.exit_code}, {result.retired:,} instructions, {elapsed:.2f} s[/]")
    show(f"{total:,} instructions in {seconds:.1f} s, compiling and system calls included\n")


def run_lanes() -> None:
    """The same short program on thousands of inputs at once."""
    import jax
    import jax.numpy as jnp
    from rich import print as show

    import ncpu
    from ncpu.machine import word

    show(f"[bold]2. {LANES:,} lanes: Collatz's sequence from 1 to {LANES:,}[/]")
    assembled = ncpu.assemble(COLLATZ)
    program = ncpu.Program.from_words(assembled.words)
    regs = np.array(ncpu.broadcast(ncpu.new_state(size=4096), LANES).regs)
    regs[:, 0] = word.to_limbs(np.arange(1, LANES + 1, dtype=np.uint64))
    for attempt in ("with compilation", "again"):
        states = ncpu.broadcast(ncpu.new_state(size=4096), LANES).replace(regs=jnp.asarray(regs))
        jax.block_until_ready(states)
        started = time.perf_counter()
        done = jax.block_until_ready(ncpu.run_batch(program, states))
        elapsed = time.perf_counter() - started
        retired = int(word.from_limbs(done.retired).sum())
        speed = f"{retired / elapsed / 1e6:.1f} M/s"
        show(f"  {attempt}: {retired:,} instructions, {elapsed:.3f} s, {speed}")
    steps = done.x[:, 1]
    best = int(np.argmax(steps))
    show(f"  the longest: {best + 1} takes {int(steps[best])} steps\n")


def main() -> int:
    """Both parts; 0."""
    from ncpu import xla

    xla.use_cache()
    run_programs()
    run_lanes()
    print("Next: README.md, `ncpu --help`, notebooks/.")
    return 0
