"""The system calls a sandboxed Python may make, as a classic BPF program for seccomp.

Everything that is not listed answers EPERM: no sockets, no new processes or threads, no
namespaces, mounts, tracing, keys, BPF, io_uring, shared memory or signals.  Numbers are of the
kernel's own tables (`arch/x86/entry/syscalls/syscall_64.tbl`, `include/uapi/asm-generic/unistd.h`),
constants of `linux/seccomp.h`, `linux/audit.h` and `linux/bpf_common.h`.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping

# name: (x86-64, aarch64); None where the architecture never had the call.
ALLOWED: Mapping[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "open": (2, None),
    "close": (3, 57),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "poll": (7, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, None),
    "select": (23, None),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "dup": (32, 23),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "execve": (59, 221),  # the interpreter is started after the filter is on
    "exit": (60, 93),
    "wait4": (61, 260),  # bubblewrap's own init, under the same filter
    "uname": (63, 160),
    "fcntl": (72, 25),
    "ftruncate": (77, 46),
    "getcwd": (79, 17),
    "rename": (82, None),
    "mkdir": (83, None),
    "rmdir": (84, None),
    "unlink": (87, None),
    "readlink": (89, None),
    "umask": (95, 166),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "getppid": (110, 173),
    "sigaltstack": (131, 132),
    "arch_prctl": (158, None),
    "gettid": (186, 178),
    "time": (201, None),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "getdents64": (217, 61),
    "set_tid_address": (218, 96),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "openat": (257, 56),
    "mkdirat": (258, 34),
    "newfstatat": (262, 79),
    "unlinkat": (263, 35),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "pselect6": (270, 72),
    "ppoll": (271, 73),
    "set_robust_list": (273, 99),
    "renameat2": (316, 276),
    "getrandom": (318, 278),
    "statx": (332, 291),
    "rseq": (334, 293),
    "faccessat2": (439, 439),
}
# ioctl only to ask whether a descriptor is a terminal and to set close-on-exec.
_IOCTL = (16, 29)
_IOCTL_REQUESTS = (0x5401, 0x5450, 0x5451)  # TCGETS, FIONCLEX, FIOCLEX

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LD_ABS, _JEQ, _JGE, _RET = 0x20, 0x15, 0x35, 0x06
_ARCH_OFFSET, _NUMBER_OFFSET, _ARGUMENT_1_OFFSET = 4, 0, 24
_KILL_PROCESS, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_X32_BIT = 0x40000000

ARCHITECTURES = tuple(_AUDIT_ARCH)


def filter_program(machine: str) -> bytes:
    """The filter as an array of `struct sock_filter`, little-endian.

    Args:
      machine: `platform.machine()`, one of `ARCHITECTURES`.
    """
    column = ARCHITECTURES.index(machine)
    numbers = [row[column] for row in ALLOWED.values() if row[column] is not None]
    code: list[tuple[int, int, int, int]] = [
        (_LD_ABS, 0, 0, _ARCH_OFFSET),
        (_JEQ, 1, 0, _AUDIT_ARCH[machine]),
        (_RET, 0, 0, _KILL_PROCESS),
        (_LD_ABS, 0, 0, _NUMBER_OFFSET),
        (_JGE, 0, 1, _X32_BIT),
        (_RET, 0, 0, _ERRNO | errno.ENOSYS),
        (_JEQ, 0, 2 + len(_IOCTL_REQUESTS), _IOCTL[column]),
        (_LD_ABS, 0, 0, _ARGUMENT_1_OFFSET),
    ]
    tests = [*_IOCTL_REQUESTS, None, *numbers]
    for index, value in enumerate(tests):
        to_allow = len(tests) - index  # past the remaining tests and the refusal
        if value is None:
            code.append((_RET, 0, 0, _ERRNO | errno.EPERM))
        else:
            code.append((_JEQ, to_allow, 0, value))
    code += [(_RET, 0, 0, _ERRNO | errno.EPERM), (_RET, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *line) for line in code)
