"""The peers, measured in the same run: Unicorn from Python and qemu-user."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np

from ncpu.machine import elf, memory, word
from ncpu.machine.state import PAGE

WRITE, EXIT, EXIT_GROUP, MMAP, MPROTECT = 64, 93, 94, 222, 226


def qemu_seconds(binary: Path, args: list[str]) -> float:
    """Wall-clock seconds of one run under qemu-user."""
    command = ["qemu-aarch64-static", "-cpu", "cortex-a53", str(binary), *args]
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env={})
    return time.perf_counter() - started


def unicorn_seconds(binary: Path, args: list[str]) -> float:
    """Seconds Unicorn takes for a static program, with just the system calls it needs."""
    import unicorn
    from unicorn import arm64_const as arm

    image = elf.load(binary, [binary.name, *args])
    base = int(word.from_limbs(image.state.base))
    size = image.state.mem.shape[0] * 8
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM64_A53)
    uc.mem_map(base, size)
    uc.mem_write(base, memory.read(image.state, base, size))
    uc.reg_write(arm.UC_ARM64_REG_SP, int(image.state.sp))
    access = uc.reg_read(arm.UC_ARM64_REG_CPACR_EL1)
    uc.reg_write(arm.UC_ARM64_REG_CPACR_EL1, access | 3 << 20)
    top, written = [image.mmap_top], [0]

    def interrupt(uc: unicorn.Uc, number: int, data: object) -> None:
        call = uc.reg_read(arm.UC_ARM64_REG_X8)
        answer = -38 & word.MASK64  # ENOSYS
        if call in (EXIT, EXIT_GROUP):
            uc.emu_stop()
        elif call == WRITE:
            answer = uc.reg_read(arm.UC_ARM64_REG_X2)
            written[0] += answer
        elif call == MPROTECT:
            answer = 0
        elif call == MMAP:
            top[0] -= -(-uc.reg_read(arm.UC_ARM64_REG_X1) // PAGE) * PAGE
            answer = top[0]
        uc.reg_write(arm.UC_ARM64_REG_X0, answer)

    uc.hook_add(unicorn.UC_HOOK_INTR, interrupt)
    started = time.perf_counter()
    uc.emu_start(image.entry, base + size)
    seconds = time.perf_counter() - started
    if not written[0]:
        raise RuntimeError(f"{binary.name} printed nothing under Unicorn")
    return seconds


def unicorn_programs(programs: list[np.ndarray], registers: np.ndarray) -> float:
    """Seconds for one reused Unicorn instance to run each program from its registers.

    `registers` is `u64[programs, k]`; k = 0 leaves them as the program before did.
    """
    import unicorn
    from unicorn import arm64_const as arm

    uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.mem_map(0, 1 << 26)
    names = [arm.UC_ARM64_REG_X0 + k for k in range(registers.shape[1])]
    texts = [p.astype("<u4").tobytes() for p in programs]
    started = time.perf_counter()
    at = 0
    for text, values in zip(texts, registers.tolist(), strict=True):
        uc.mem_write(at, text)
        for name, value in zip(names, values, strict=True):
            uc.reg_write(name, value)
        uc.emu_start(at, at + len(text))
        at += len(text)
    return time.perf_counter() - started
