"""Executables: an AArch64 ELF file, its arguments and environment become a `State`.

One flat window of memory holds everything, lowest address first: a guard page, the page
with the signal trampoline, the program's segments, the heap (brk) growing up, mappings
growing down from the program's interpreter (its dynamic linker, where it asks for one), a
guard page, the stack.

Sources: the ELF-64 gABI; "ELF for the Arm 64-bit Architecture" (AAELF64);
`fs/binfmt_elf.c` of Linux for the auxiliary vector and the stack's initial contents.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax.numpy as jnp
import numpy as np

from ncpu.machine import elf_file
from ncpu.machine.elf_file import PF_R, PF_W, PF_X, Header
from ncpu.machine.errors import ElfError
from ncpu.machine.state import EXEC, PAGE, READ, WRITE, State, new_state

MMAP_MIN = 0x10000  # vm.mmap_min_addr: nothing is loaded below
PIE_BASE = 0x55_0000_0000  # where a position-independent executable goes
ADDRESS_LIMIT = 1 << 48
STRING_LIMIT = 128 * 1024  # MAX_ARG_STRLEN
CLOCK_TICKS = 100
HWCAP = 0b11  # FP and ASIMD, nothing optional

# mov x8, #139 (rt_sigreturn); svc #0: what the vDSO offers to return from a handler.
TRAMPOLINE = struct.pack("<II", 0xD2801168, 0xD4000001)

Text = str | bytes
Environment = (
    Mapping[str, str] | Mapping[bytes, bytes] | Mapping[str | bytes, str | bytes] | Sequence[Text]
)


@dataclass(frozen=True)
class Image:
    """A program ready to run.

    Attributes:
      state: pc at the entry, sp on the initial stack, memory and permissions set.
      text: the executable ranges as (address, bytes), for decoding.
      entry: address of the first instruction: the interpreter's, where there is one.
      brk: page-aligned end of the program's data, where the heap starts.
      mmap_top: end of the area for mappings, exclusive.
      stack: (lowest, highest) address of the stack.
      trampoline: address of the code that calls rt_sigreturn.
      bias: what was added to the file's addresses (0 unless position-independent).
      interpreter: where the interpreter was loaded (AT_BASE), 0 for a static program.
      execfn: the path the program was started by.
      argv: its arguments.
      data: the file.
    """

    state: State
    text: tuple[tuple[int, bytes], ...]
    entry: int
    brk: int
    mmap_top: int
    stack: tuple[int, int]
    trampoline: int
    bias: int
    interpreter: int
    execfn: bytes
    argv: tuple[bytes, ...]
    data: bytes

    @cached_property
    def symbols(self) -> dict[str, tuple[int, int]]:
        """Named functions and objects: name to (address, size); empty when stripped.

        Raises:
          ElfError: the file's symbol tables are damaged.
        """
        return elf_file.symbols(self.data, self.bias)


def load(
    source: str | os.PathLike[str] | bytes,
    argv: Sequence[Text] = (),
    env: Environment = (),
    *,
    memory: int = 64 << 20,
    stack: int = 8 << 20,
    seed: int = 0,
    execfn: Text | None = None,
    uid: int = 0,
    gid: int = 0,
    interpreter: Callable[[bytes], bytes] | None = None,
) -> Image:
    """An AArch64 Linux executable as a machine about to run it.

    Args:
      source: path of the file, or its bytes.
      argv: the arguments, the program's name first; the name alone when empty.
      env: environment, a mapping or `NAME=value` strings.
      memory: bytes of guest memory, a multiple of 4096.
      stack: bytes of it for the stack, a multiple of 4096.
      seed: determines the 16 bytes of AT_RANDOM.
      execfn: AT_EXECFN; `argv[0]` when left out.
      uid, gid: what AT_UID, AT_EUID, AT_GID and AT_EGID say.
      interpreter: the content of the file at a path, for a program that asks for a dynamic
        linker; without it only static programs are accepted.

    Raises:
      ElfError: not a file this machine runs, or it does not fit; the message says
        what is accepted.
    """
    data = source if isinstance(source, bytes) else _read(source)
    header = elf_file.parse(data)
    arguments = tuple(_encode(a, "argument") for a in argv)
    name = _encode(execfn, "execfn") if execfn is not None else b""
    name = name or (arguments[0] if arguments else b"program")
    arguments = arguments or (name,)
    _check_sizes(memory, stack)

    own = _Object(data, header, _bias(header))
    base = own.lowest - 2 * PAGE
    top = base + memory
    mmap_top = top - stack - PAGE
    end = -(-own.highest // PAGE) * PAGE
    if end > mmap_top or top > ADDRESS_LIMIT:
        raise ElfError(
            f"segments span {own.highest - own.lowest} bytes from {own.lowest:#x}; {memory} bytes "
            f"of memory with {stack} of stack hold at most {memory - stack - 3 * PAGE}: "
            "give more memory"
        )
    linker = _linker(header, interpreter, end, mmap_top)
    objects = [own, linker] if linker else [own]

    image = np.zeros(memory, np.uint8)
    perm = np.zeros(memory // PAGE, np.uint8)
    _put(image, PAGE, TRAMPOLINE)
    perm[1] = READ | EXEC
    text = [(base + PAGE, TRAMPOLINE)]
    for loaded in objects:
        text += loaded.place(image, perm, base)
    perm[(mmap_top - base) // PAGE + 1 :] = READ | WRITE

    auxv = _auxv(own, linker.lowest if linker else 0, uid, gid)
    environment = _environment(env)
    sp = _initial_stack(image, base, stack, arguments, environment, auxv, name, seed)
    entry = objects[-1].entry
    small = new_state(size=PAGE, base=base, pc=entry, sp=sp)
    state = small.replace(
        mem=jnp.array(image.view("<u4").reshape(-1, 2)),
        perm=jnp.array(perm),
    )
    return Image(
        state=state,
        text=tuple(text),
        entry=entry,
        brk=end,
        mmap_top=mmap_top,
        stack=(top - stack, top),
        trampoline=base + PAGE,
        bias=own.bias,
        interpreter=linker.lowest if linker else 0,
        execfn=name,
        argv=arguments,
        data=data,
    )


@dataclass(frozen=True)
class _Object:
    """A file and where it goes: `bias` is added to the addresses it was linked for."""

    data: bytes
    header: Header
    bias: int

    @property
    def lowest(self) -> int:
        """Address of its first page."""
        return self.header.segments[0].address // PAGE * PAGE + self.bias

    @property
    def highest(self) -> int:
        """Address after its last byte."""
        return max(s.address + s.memory_size for s in self.header.segments) + self.bias

    @property
    def entry(self) -> int:
        """Address of its first instruction."""
        return self.header.entry + self.bias

    def place(self, image: np.ndarray, perm: np.ndarray, base: int) -> list[tuple[int, bytes]]:
        """Put the segments into memory from `base`; its executable ranges."""
        text = []
        for segment in self.header.segments:
            start = segment.address + self.bias - base
            _put(image, start, self.data[segment.offset : segment.offset + segment.file_size])
            end = start + segment.memory_size
            perm[start // PAGE : -(-end // PAGE)] |= _permissions(segment.flags)
        for segment in self.header.segments:
            if segment.flags & PF_X:
                start = segment.address + self.bias - base
                content = image[start : start + segment.memory_size].tobytes()
                text.append((start + base, content))
        return text


def _linker(
    header: Header, interpreter: Callable[[bytes], bytes] | None, low: int, high: int
) -> _Object | None:
    """The interpreter that a program asks for, at the top of what is free, as mmap places it."""
    if header.interpreter is None:
        return None
    path = os.fsdecode(header.interpreter)
    if interpreter is None:
        raise ElfError(
            f"the program asks for the dynamic linker {path}, and there is no file system to "
            "find it in: a static or static-PIE executable is accepted"
        )
    data = interpreter(header.interpreter)
    try:
        found = elf_file.parse(data)
    except ElfError as error:
        raise ElfError(f"the interpreter {path}: {error}") from error
    bias = 0
    if found.position_independent:
        at = _Object(data, found, 0)
        alignment = max(s.alignment for s in found.segments)
        bias = (high - at.highest) // alignment * alignment
    linker = _Object(data, found, bias)
    if not low <= linker.lowest or not linker.highest <= high:
        raise ElfError(
            f"the interpreter {path} spans {linker.highest - linker.lowest} bytes, which do not "
            f"fit from {low:#x} to {high:#x}: give more memory"
        )
    return linker


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise ElfError(f"cannot read the executable: {error}") from error


def _encode(text: Text, what: str) -> bytes:
    data = os.fsencode(text) if isinstance(text, str) else bytes(text)
    if b"\0" in data:
        raise ElfError(f"{what} {data[:40]!r} contains a NUL byte; C strings cannot")
    if len(data) >= STRING_LIMIT:
        raise ElfError(f"{what} of {len(data)} bytes: at most {STRING_LIMIT - 1} are accepted")
    return data


def _environment(env: Environment) -> list[bytes]:
    if isinstance(env, Mapping):
        pairs = env.items()
        return [_encode(k, "variable") + b"=" + _encode(v, "variable") for k, v in pairs]
    return [_encode(entry, "variable") for entry in env]


def _check_sizes(memory: int, stack: int) -> None:
    if memory % PAGE or stack % PAGE or stack < 4 * PAGE or not stack < memory < 1 << 34:
        raise ElfError(
            f"memory of {memory} bytes with a stack of {stack}: both must be multiples of {PAGE}, "
            f"the stack at least {4 * PAGE} and smaller than memory, memory below 2**34"
        )


def _bias(header: Header) -> int:
    """What to add to the file's addresses: 0, or a place that keeps their alignment."""
    lowest = header.segments[0].address // PAGE * PAGE
    if not header.position_independent:
        if lowest < MMAP_MIN:
            raise ElfError(
                f"segment at {lowest:#x}: addresses below {MMAP_MIN:#x} are never mapped"
            )
        return 0
    alignment = max(s.alignment for s in header.segments)
    # A file linked high already stays where it is, as far as that is possible.
    wanted = PIE_BASE if lowest < PIE_BASE else 0
    return -(-wanted // alignment) * alignment


def _permissions(flags: int) -> int:
    """Page permissions of a segment; as in the kernel's map, W or X brings R along."""
    perm = (READ if flags & PF_R else 0) | (WRITE if flags & PF_W else 0)
    perm |= EXEC if flags & PF_X else 0
    return perm | READ if perm else 0


def _put(image: np.ndarray, start: int, data: bytes) -> None:
    image[start : start + len(data)] = np.frombuffer(data, np.uint8)


def _auxv(own: _Object, interpreter: int, uid: int, gid: int) -> list[tuple[int, int]]:
    header = own.header
    return [
        (16, HWCAP),
        (6, PAGE),
        (17, CLOCK_TICKS),
        (3, header.program_headers + own.bias if header.program_headers else 0),
        (4, elf_file.PHDR_SIZE),
        (5, header.program_header_count),
        (7, interpreter),  # AT_BASE
        (8, 0),  # AT_FLAGS
        (9, own.entry),  # AT_ENTRY
        (11, uid),
        (12, uid),
        (13, gid),
        (14, gid),
        (23, 0),  # AT_SECURE
        (26, 0),  # AT_HWCAP2
    ]


def _initial_stack(
    image: np.ndarray,
    base: int,
    stack: int,
    argv: Sequence[bytes],
    env: Sequence[bytes],
    auxv: Sequence[tuple[int, int]],
    execfn: bytes,
    seed: int,
) -> int:
    """Write strings, vectors and argc below the end of `image`; the stack pointer."""
    entropy = random.Random(seed).randbytes(16)
    strings = [b"aarch64\0", entropy, *(s + b"\0" for s in (*argv, *env, execfn))]
    block = b"".join(strings)
    words = 1 + len(argv) + 1 + len(env) + 1 + 2 * (len(auxv) + 4)
    # As in the kernel, a quarter of the stack at most goes to arguments.
    if len(block) + 8 * words > stack // 4:
        raise ElfError(
            f"arguments and environment take {len(block) + 8 * words} bytes; a stack of "
            f"{stack} bytes accepts {stack // 4}"
        )
    top = base + len(image)
    at = (top - 8 - len(block)) & ~15
    addresses = []
    for string in strings:
        addresses.append(at)
        at += len(string)
    first = addresses[0]
    vector = [len(argv), *addresses[2 : 2 + len(argv)], 0]
    vector += [*addresses[2 + len(argv) : -1], 0]
    final = [(15, addresses[0]), (25, addresses[1]), (31, addresses[-1]), (0, 0)]
    for key, value in (*auxv, *final):
        vector += [key, value]
    sp = (first - 8 * len(vector)) & ~15
    _put(image, first - base, block)
    _put(image, sp - base, struct.pack(f"<{len(vector)}Q", *vector))
    return sp
