"""Who the process acts for: users and groups; the system's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

Ids = tuple[int, int, int]


@syscall("getuid")
def getuid(k: Kernel) -> int:
    """getuid(2)."""
    return k.process.uids[0]


@syscall("geteuid")
def geteuid(k: Kernel) -> int:
    """geteuid(2)."""
    return k.process.uids[1]


@syscall("getgid")
def getgid(k: Kernel) -> int:
    """getgid(2)."""
    return k.process.gids[0]


@syscall("getegid")
def getegid(k: Kernel) -> int:
    """getegid(2)."""
    return k.process.gids[1]


@syscall("getresuid", "www")
def getresuid(k: Kernel, real: int, effective: int, saved: int) -> int:
    """getresuid(2)."""
    for pointer, value in zip((real, effective, saved), k.process.uids, strict=True):
        k.lane.pack("I", pointer, value)
    return 0


@syscall("getresgid", "www")
def getresgid(k: Kernel, real: int, effective: int, saved: int) -> int:
    """getresgid(2)."""
    for pointer, value in zip((real, effective, saved), k.process.gids, strict=True):
        k.lane.pack("I", pointer, value)
    return 0


def _change(k: Kernel, ids: Ids, wanted: tuple[int, ...]) -> Ids:
    """New ids, -1 keeping; EPERM when not root and not among the present ones."""
    new = [old if want == -1 else want & 0xFFFFFFFF for old, want in zip(ids, wanted, strict=True)]
    if k.process.uids[1] != 0 and any(value not in ids for value in new):
        raise LinuxError(Errno.EPERM)
    return new[0], new[1], new[2]


@syscall("setresuid", "iii")
def setresuid(k: Kernel, real: int, effective: int, saved: int) -> int:
    """setresuid(2)."""
    k.process.uids = _change(k, k.process.uids, (real, effective, saved))
    return 0


@syscall("setresgid", "iii")
def setresgid(k: Kernel, real: int, effective: int, saved: int) -> int:
    """setresgid(2)."""
    k.process.gids = _change(k, k.process.gids, (real, effective, saved))
    return 0


@syscall("setreuid", "ii")
def setreuid(k: Kernel, real: int, effective: int) -> int:
    """setreuid(2): the saved id follows a new effective one."""
    ids = _change(k, k.process.uids, (real, effective, -1))
    follows = real != -1 or (effective != -1 and effective != k.process.uids[0])
    k.process.uids = (ids[0], ids[1], ids[1] if follows else ids[2])
    return 0


@syscall("setregid", "ii")
def setregid(k: Kernel, real: int, effective: int) -> int:
    """setregid(2)."""
    ids = _change(k, k.process.gids, (real, effective, -1))
    follows = real != -1 or (effective != -1 and effective != k.process.gids[0])
    k.process.gids = (ids[0], ids[1], ids[1] if follows else ids[2])
    return 0


@syscall("setuid", "i")
def setuid(k: Kernel, uid: int) -> int:
    """setuid(2): all three for root, the effective one for others."""
    keep = -1 if k.process.uids[1] else uid
    k.process.uids = _change(k, k.process.uids, (keep, uid, keep))
    return 0


@syscall("setgid", "i")
def setgid(k: Kernel, gid: int) -> int:
    """setgid(2)."""
    keep = -1 if k.process.uids[1] else gid
    k.process.gids = _change(k, k.process.gids, (keep, gid, keep))
    return 0


@syscall("setfsuid", "i")
def setfsuid(k: Kernel, uid: int) -> int:
    """setfsuid(2): follows the effective id here; returns it, as when refused."""
    return k.process.uids[1]


@syscall("setfsgid", "i")
def setfsgid(k: Kernel, gid: int) -> int:
    """setfsgid(2), likewise."""
    return k.process.gids[1]


@syscall("getgroups", "iw")
def getgroups(k: Kernel, size: int, pointer: int) -> int:
    """getgroups(2)."""
    groups = k.process.groups
    if size < 0 or 0 < size < len(groups):
        raise LinuxError(Errno.EINVAL)
    if size:
        k.lane.pack(f"{len(groups)}I", pointer, *groups)
    return len(groups)


@syscall("setgroups", "uw")
def setgroups(k: Kernel, size: int, pointer: int) -> int:
    """setgroups(2)."""
    if k.process.uids[1] != 0:
        raise LinuxError(Errno.EPERM)
    if size > 65536:
        raise LinuxError(Errno.EINVAL)
    k.process.groups = k.lane.unpack(f"{size}I", pointer)
    return 0


@syscall("uname", "w")
def uname(k: Kernel, pointer: int) -> int:
    """uname(2)."""
    k.lane.write(pointer, abi.utsname(b"ncpu"))
    return 0


@syscall("sethostname setdomainname", "ww")
def sethostname(k: Kernel, pointer: int, size: int) -> int:
    """sethostname(2), setdomainname(2): EPERM."""
    raise LinuxError(Errno.EPERM)
