"""The record of a process: everything Linux remembers of it beside its machine state."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from ncpu.machine.elf import Image
from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.descriptors import Descriptor, OpenFile
from ncpu.machine.linux.files import EPOCH, Credentials
from ncpu.machine.linux.inodes import Directory, File
from ncpu.machine.state import PAGE

INFINITY = (1 << 64) - 1
RLIMIT_DATA, RLIMIT_STACK, RLIMIT_NOFILE, RLIMIT_AS = 2, 3, 7, 9


@dataclass(frozen=True)
class Action:
    """A signal's disposition: struct sigaction as the kernel keeps it."""

    handler: int = abi.SIG_DFL
    flags: int = 0
    restorer: int = 0
    mask: int = 0


@dataclass
class FileMap:
    """Pages that came from a file: [address, address + length) shows it from `offset`."""

    address: int
    length: int
    node: File
    offset: int
    shared: bool
    writable: bool


@dataclass
class Clock:
    """Virtual time: a fixed start, one nanosecond per retired instruction, and sleeps.

    The same program sees the same times on every run and every host.
    """

    epoch: int = EPOCH * abi.SECOND
    per_instruction: int = 1
    slept: int = 0
    retired: int = 0

    def cpu(self) -> int:
        """Nanoseconds spent running."""
        return self.retired * self.per_instruction

    def monotonic(self) -> int:
        """Nanoseconds since the machine started (a second before the program did)."""
        return abi.SECOND + self.cpu() + self.slept

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return self.epoch + self.monotonic()

    def sleep_until(self, moment: int) -> None:
        """Let time pass until `monotonic` reads `moment`; no sleep is longer than a century."""
        passed = min(max(moment - self.monotonic(), 0), 100 * 365 * 86400 * abi.SECOND)
        self.slept = min(self.slept + passed, 1 << 62)


def _limits(stack: int) -> dict[int, tuple[int, int]]:
    limits = {number: (INFINITY, INFINITY) for number in range(16)}
    limits[RLIMIT_STACK] = (stack, INFINITY)
    limits[RLIMIT_NOFILE] = (1024, 4096)
    limits[4] = (0, INFINITY)  # core files
    limits[13] = limits[14] = (0, 0)  # nice, real-time priority
    return limits


@dataclass
class Process:
    """One process; `from_image` makes it for a loaded program.

    It runs as root in its own world unless told otherwise: nothing outside the tree of
    files it is given exists for it.

    Attributes:
      base: address of the first page of its memory.
      mapped: `bool[pages]`, which pages belong to it (PROT_NONE ones too).
      stale: `bool[pages]`, which unmapped pages may hold old bytes.
      exe: absolute path of its executable file, what /proc/self/exe names.
      brk_start, brk: the heap; mmap_top: exclusive end of where mappings go.
      entropy: source of getrandom, /dev/urandom.
    """

    base: int
    mapped: np.ndarray
    stale: np.ndarray
    brk_start: int
    brk: int
    mmap_top: int
    stack: tuple[int, int]
    trampoline: int
    argv: tuple[bytes, ...] = (b"program",)
    execfn: bytes = b"program"
    exe: bytes = b"/program"
    pid: int = 1000
    ppid: int = 1
    pgid: int = 1000
    sid: int = 1000
    uids: tuple[int, int, int] = (0, 0, 0)  # real, effective, saved
    gids: tuple[int, int, int] = (0, 0, 0)
    groups: tuple[int, ...] = ()
    umask: int = 0o022
    cwd: Directory | None = None
    fds: dict[int, Descriptor] = field(default_factory=dict)
    maps: list[FileMap] = field(default_factory=list)
    actions: dict[int, Action] = field(default_factory=dict)
    mask: int = 0
    saved_mask: int | None = None  # to go back to after sigsuspend's handler
    pending: dict[int, bytes] = field(default_factory=dict)
    altstack: tuple[int, int, int] = (0, abi.SS_DISABLE, 0)  # address, flags, size
    limits: dict[int, tuple[int, int]] = field(default_factory=lambda: _limits(8 << 20))
    clock: Clock = field(default_factory=Clock)
    entropy: random.Random = field(default_factory=lambda: random.Random(0))
    name: bytes = b"program"
    dumpable: int = 1
    no_new_privs: int = 0
    nice: int = 0
    personality: int = 0
    timer: tuple[int, int] | None = None  # ITIMER_REAL: monotonic deadline, interval
    clear_tid: int = 0
    robust_list: tuple[int, int] = (0, 0)
    exit_code: int | None = None
    exit_signal: int | None = None

    @classmethod
    def from_image(
        cls,
        image: Image,
        *,
        seed: int = 0,
        uid: int = 0,
        gid: int = 0,
        clock: Clock | None = None,
        exe: bytes | None = None,
    ) -> Process:
        """The process of a freshly loaded program; `exe` is made of `execfn` when left out."""
        mapped = np.asarray(image.state.perm) != 0
        low, high = image.stack
        return cls(
            base=image.trampoline - PAGE,
            mapped=mapped,
            stale=np.zeros_like(mapped),
            brk_start=image.brk,
            brk=image.brk,
            mmap_top=image.mmap_top,
            stack=image.stack,
            trampoline=image.trampoline,
            argv=image.argv,
            execfn=image.execfn,
            exe=b"/" + image.execfn.lstrip(b"/") if exe is None else exe,
            name=image.execfn.rpartition(b"/")[2][:15],
            uids=(uid, uid, uid),
            gids=(gid, gid, gid),
            limits=_limits(high - low),
            clock=clock or Clock(),
            entropy=random.Random(f"ncpu {seed}"),
        )

    @property
    def who(self) -> Credentials:
        """Whom permissions are checked for."""
        return Credentials(self.uids[1], self.gids[1], self.groups)

    # -- descriptors --------------------------------------------------------------------------

    def descriptor(self, fd: int) -> Descriptor:
        """The descriptor; EBADF where there is none."""
        if fd not in self.fds:
            raise LinuxError(Errno.EBADF)
        return self.fds[fd]

    def install(
        self, file: OpenFile, *, lowest: int = 0, cloexec: bool = False, fd: int | None = None
    ) -> int:
        """Enter an open file at `fd`, or at the lowest free number from `lowest` on."""
        limit = self.limits[RLIMIT_NOFILE][0]
        if fd is None:
            fd = lowest
            while fd in self.fds:
                fd += 1
            if fd >= limit:
                raise LinuxError(Errno.EMFILE)
        elif not 0 <= fd < limit:
            raise LinuxError(Errno.EBADF)
        file.users += 1
        if fd in self.fds:
            self.close(fd)
        self.fds[fd] = Descriptor(file, cloexec)
        return fd

    def close(self, fd: int) -> None:
        """Remove a descriptor, and with its last one the open file."""
        file = self.descriptor(fd).file
        del self.fds[fd]
        file.users -= 1
        if file.users == 0:
            file.closed()

    # -- pages --------------------------------------------------------------------------------

    def pages(self, address: int, length: int) -> slice:
        """The slice of `mapped` for a page-aligned range inside memory."""
        first = (address - self.base) // PAGE
        return slice(first, first + -(-length // PAGE))

    def inside(self, address: int, length: int) -> bool:
        """Whether the range lies in this process's memory."""
        end = self.base + len(self.mapped) * PAGE
        return self.base <= address and address + length <= end

    def free_range(self, length: int) -> int | None:
        """The highest free range of `length` bytes below `mmap_top`; None when full."""
        # The heap keeps what it has; mappings may come down to it, as on Linux.
        low = (-(-self.brk // PAGE) * PAGE - self.base) // PAGE
        high = (self.mmap_top - self.base) // PAGE
        need = length // PAGE
        used = np.flatnonzero(self.mapped[low:high]) + low
        edges = np.concatenate(([low - 1], used, [high]))
        fits = np.flatnonzero(np.diff(edges) - 1 >= need)
        if not len(fits):
            return None
        return self.base + (int(edges[fits[-1] + 1]) - need) * PAGE
