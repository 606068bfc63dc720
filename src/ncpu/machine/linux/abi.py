"""Constants and structures of the AArch64 Linux ABI (include/uapi of the kernel).

Numbers are the guest's, never the host's: `errno` and `os` of the host may differ.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Errno(IntEnum):
    """asm-generic/errno-base.h and errno.h."""

    EPERM = 1
    ENOENT = 2
    ESRCH = 3
    EINTR = 4
    EIO = 5
    ENXIO = 6
    E2BIG = 7
    ENOEXEC = 8
    EBADF = 9
    ECHILD = 10
    EAGAIN = 11
    ENOMEM = 12
    EACCES = 13
    EFAULT = 14
    EBUSY = 16
    EEXIST = 17
    EXDEV = 18
    ENODEV = 19
    ENOTDIR = 20
    EISDIR = 21
    EINVAL = 22
    ENFILE = 23
    EMFILE = 24
    ENOTTY = 25
    ETXTBSY = 26
    EFBIG = 27
    ENOSPC = 28
    ESPIPE = 29
    EROFS = 30
    EMLINK = 31
    EPIPE = 32
    ERANGE = 34
    EDEADLK = 35
    ENAMETOOLONG = 36
    ENOSYS = 38
    ENOTEMPTY = 39
    ELOOP = 40
    ENODATA = 61
    EOVERFLOW = 75
    ENOTSOCK = 88
    EDESTADDRREQ = 89
    EMSGSIZE = 90
    EPROTOTYPE = 91
    ENOPROTOOPT = 92
    EPROTONOSUPPORT = 93
    ESOCKTNOSUPPORT = 94
    EOPNOTSUPP = 95
    EPFNOSUPPORT = 96
    EAFNOSUPPORT = 97
    EADDRINUSE = 98
    EADDRNOTAVAIL = 99
    ENETUNREACH = 101
    ECONNABORTED = 103
    ECONNRESET = 104
    ENOBUFS = 105
    EISCONN = 106
    ENOTCONN = 107
    ETIMEDOUT = 110
    ECONNREFUSED = 111
    EALREADY = 114
    EINPROGRESS = 115


class LinuxError(Exception):
    """A system call fails with `errno`; the kernel turns it into x0 = -errno."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno


class WouldBlock(LinuxError):
    """EAGAIN from a file that a blocking call waits for instead."""

    def __init__(self) -> None:
        super().__init__(Errno.EAGAIN)


class Blocked(Exception):
    """The call has to wait; `wait` (a `process.Wait`) says for what."""

    def __init__(self, wait: Any) -> None:
        super().__init__("the call waits")
        self.wait = wait


# Signals (asm-generic/signal.h).
class Signal(IntEnum):
    """Numbers of the standard signals."""

    SIGHUP = 1
    SIGINT = 2
    SIGQUIT = 3
    SIGILL = 4
    SIGTRAP = 5
    SIGABRT = 6
    SIGBUS = 7
    SIGFPE = 8
    SIGKILL = 9
    SIGUSR1 = 10
    SIGSEGV = 11
    SIGUSR2 = 12
    SIGPIPE = 13
    SIGALRM = 14
    SIGTERM = 15
    SIGSTKFLT = 16
    SIGCHLD = 17
    SIGCONT = 18
    SIGSTOP = 19
    SIGTSTP = 20
    SIGTTIN = 21
    SIGTTOU = 22
    SIGURG = 23
    SIGXCPU = 24
    SIGXFSZ = 25
    SIGVTALRM = 26
    SIGPROF = 27
    SIGWINCH = 28
    SIGIO = 29
    SIGPWR = 30
    SIGSYS = 31


SIGNALS = 64
UNBLOCKABLE = 1 << (Signal.SIGKILL - 1) | 1 << (Signal.SIGSTOP - 1)
# Signals whose default action is to do nothing, and to stop the process.
IGNORED_BY_DEFAULT = frozenset(
    (Signal.SIGCHLD, Signal.SIGCONT, Signal.SIGURG, Signal.SIGWINCH),
)
STOPS = frozenset((Signal.SIGSTOP, Signal.SIGTSTP, Signal.SIGTTIN, Signal.SIGTTOU))
SIGRTMIN = 32
SIG_DFL, SIG_IGN = 0, 1
SA_NOCLDSTOP, SA_NOCLDWAIT = 1, 2
SA_SIGINFO, SA_RESTORER, SA_ONSTACK, SA_RESTART = 4, 0x04000000, 0x08000000, 0x10000000
SA_NODEFER, SA_RESETHAND = 0x40000000, 0x80000000
SS_ONSTACK, SS_DISABLE = 1, 2
MINSIGSTKSZ = 5120
SI_USER, SI_QUEUE, SI_TKILL, SI_KERNEL = 0, -1, -6, 0x80

# open(2) (arch/arm64/include/uapi/asm/fcntl.h differs from x86 in four of these).
O_ACCMODE, O_RDONLY, O_WRONLY, O_RDWR = 3, 0, 1, 2
O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC = 0o100, 0o200, 0o400, 0o1000
O_APPEND, O_NONBLOCK, O_DSYNC, O_DIRECTORY = 0o2000, 0o4000, 0o10000, 0o40000
O_NOFOLLOW, O_DIRECT, O_LARGEFILE, O_NOATIME = 0o100000, 0o200000, 0o400000, 0o1000000
O_CLOEXEC, O_PATH, O_TMPFILE = 0o2000000, 0o10000000, 0o20040000
AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR, AT_EACCESS = 0x100, 0x200, 0x200
AT_SYMLINK_FOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH = 0x400, 0x800, 0x1000

S_IFMT, S_IFSOCK, S_IFLNK, S_IFREG = 0o170000, 0o140000, 0o120000, 0o100000
S_IFBLK, S_IFDIR, S_IFCHR, S_IFIFO = 0o060000, 0o040000, 0o020000, 0o010000
NAME_MAX, PATH_MAX, IOV_MAX, PIPE_BUF = 255, 4096, 1024, 4096
MAX_RW = 0x7FFFF000  # the most one read or write transfers
MAX_FILE = (1 << 63) - 1

PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE = 1, 2, 3
MAP_FIXED, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE = 0x10, 0x20, 0x100000

SECOND = 1_000_000_000


def timespec(nanoseconds: int) -> bytes:
    """struct timespec."""
    return struct.pack("<qq", *divmod(nanoseconds, SECOND))


def timeval(nanoseconds: int) -> bytes:
    """struct timeval."""
    return struct.pack("<qq", nanoseconds // SECOND, nanoseconds % SECOND // 1000)


def device(major: int, minor: int) -> int:
    """dev_t as stat(2) shows it (new_encode_dev)."""
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)


@dataclass(frozen=True)
class Stat:
    """What stat(2) tells of a file; times in nanoseconds since 1970."""

    ino: int
    mode: int
    nlink: int
    uid: int
    gid: int
    size: int
    dev: int = 1
    rdev: int = 0
    atime: int = 0
    mtime: int = 0
    ctime: int = 0
    blksize: int = 4096

    @property
    def blocks(self) -> int:
        """Size in 512-byte units, as whole pages."""
        return -(-self.size // 4096) * 8 if self.mode & S_IFMT == S_IFREG else 0

    def pack(self) -> bytes:
        """struct stat (asm-generic/stat.h), 128 bytes."""
        times = (t for ns in (self.atime, self.mtime, self.ctime) for t in divmod(ns, SECOND))
        return struct.pack(
            "<QQIIIIQQqiiqqqqqqqII",
            *(self.dev, self.ino, self.mode, self.nlink, self.uid, self.gid, self.rdev, 0),
            *(self.size, self.blksize, 0, self.blocks, *times, 0, 0),
        )

    def pack_statx(self) -> bytes:
        """struct statx, 256 bytes, with STATX_BASIC_STATS."""
        head = struct.pack(
            "<IIQIIIHHQQQQ",
            *(0x7FF, self.blksize, 0, self.nlink, self.uid, self.gid, self.mode, 0),
            *(self.ino, self.size, self.blocks, 0),
        )
        stamps = (self.atime, 0, self.ctime, self.mtime)
        times = b"".join(struct.pack("<qII", *divmod(ns, SECOND), 0) for ns in stamps)
        devices = struct.pack("<IIII", *_split(self.rdev), *_split(self.dev))
        return (head + times + devices).ljust(256, b"\0")


def _split(dev: int) -> tuple[int, int]:
    return (dev >> 8) & 0xFFF, (dev & 0xFF) | (dev >> 12 & 0xFFF00)


def statfs(magic: int, *, blocks: int, free: int, files: int, read_only: bool) -> bytes:
    """struct statfs (asm-generic/statfs.h), 120 bytes."""
    head = (magic, 4096, blocks, free, free, files, files // 2)
    return struct.pack("<7Q2iQQQ4Q", *head, 0, 0, NAME_MAX, 4096, 0x20 | read_only, 0, 0, 0, 0)


def dirent64(ino: int, offset: int, kind: int, name: bytes) -> bytes:
    """struct linux_dirent64; `kind` is a mode's S_IFMT bits."""
    length = (19 + len(name) + 1 + 7) & ~7
    return struct.pack("<QqHB", ino, offset, length, kind >> 12) + name.ljust(length - 19, b"\0")


def utsname(nodename: bytes) -> bytes:
    """struct new_utsname, 6 fields of 65 bytes."""
    fields = (b"Linux", nodename, b"6.1.0-ncpu", b"#1 SMP", b"aarch64", b"(none)")
    return b"".join(field[:64].ljust(65, b"\0") for field in fields)


def siginfo_kill(signal: int, code: int, pid: int, uid: int, value: int = 0) -> bytes:
    """siginfo_t of a signal sent by a process, 128 bytes."""
    return struct.pack("<iiiiiIQ", signal, 0, code, 0, pid, uid, value).ljust(128, b"\0")


def siginfo_fault(signal: int, code: int, address: int) -> bytes:
    """siginfo_t of a fault at `address`, 128 bytes."""
    return struct.pack("<iiiiQ", signal, 0, code, 0, address).ljust(128, b"\0")


def siginfo_child(code: int, pid: int, uid: int, status: int, cpu: int) -> bytes:
    """siginfo_t of SIGCHLD: CLD_EXITED 1, KILLED 2, STOPPED 5, CONTINUED 6; `cpu` in ticks."""
    fields = (Signal.SIGCHLD, 0, code, 0, pid, uid, status, 0, cpu, 0)
    return struct.pack("<iiiiiIiiqq", *fields).ljust(128, b"\0")
