"""What is known of files: stat and statx, modes, owners, times, file systems, xattrs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, mappings
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.access import W
from ncpu.machine.linux.inodes import File, Node, Symlink
from ncpu.machine.linux.table import int32, syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

UTIME_NOW, UTIME_OMIT = 0x3FFFFFFF, 0x3FFFFFFE


@syscall("fstat", "iw")
def fstat(k: Kernel, fd: int, buffer: int) -> int:
    """fstat(2)."""
    node = k.file(fd).node
    mappings.before_read(k, node)
    k.lane.write(buffer, node.stat().pack())
    return 0


@syscall("newfstatat", "iwwi")
def newfstatat(k: Kernel, dirfd: int, path: int, buffer: int, flags: int) -> int:
    """fstatat(2)."""
    if flags & ~(abi.AT_SYMLINK_NOFOLLOW | abi.AT_NO_AUTOMOUNT | abi.AT_EMPTY_PATH):
        raise LinuxError(Errno.EINVAL)
    k.lane.write(buffer, k.node(dirfd, path, flags).stat().pack())
    return 0


@syscall("statx", "iwiuw")
def statx(k: Kernel, dirfd: int, path: int, flags: int, mask: int, buffer: int) -> int:
    """statx(2): always the basic fields."""
    allowed = abi.AT_SYMLINK_NOFOLLOW | abi.AT_NO_AUTOMOUNT | abi.AT_EMPTY_PATH | 0x6000
    if flags & ~allowed or flags & 0x6000 == 0x6000 or mask >> 31:
        raise LinuxError(Errno.EINVAL)
    k.lane.write(buffer, k.node(dirfd, path, flags).stat().pack_statx())
    return 0


def _owned(k: Kernel, node: Node) -> Node:
    """The node, if its mode and times may be set: EPERM for others than owner and root."""
    k.files.writable(node)
    if k.process.who.uid not in (0, node.uid):
        raise LinuxError(Errno.EPERM)
    return node


def _chmod(k: Kernel, node: Node, mode: int) -> int:
    _owned(k, node)
    if isinstance(node, Symlink):
        raise LinuxError(Errno.EOPNOTSUPP)
    node.chmod(mode)
    return 0


@syscall("fchmodat", "iwu")
def fchmodat(k: Kernel, dirfd: int, path: int, mode: int) -> int:
    """fchmodat(2)."""
    return _chmod(k, k.node(dirfd, path, 0), mode)


@syscall("fchmod", "iu")
def fchmod(k: Kernel, fd: int, mode: int) -> int:
    """fchmod(2)."""
    file = k.file(fd)
    if file.flags & abi.O_PATH:
        raise LinuxError(Errno.EBADF)
    return _chmod(k, file.node, mode)


def _chown(k: Kernel, node: Node, uid: int, gid: int) -> int:
    k.files.writable(node)
    who = k.process.who
    keeps = uid in (-1, node.uid) and gid in (-1, node.gid, who.gid, *who.groups)
    if who.uid and not (who.uid == node.uid and keeps):
        raise LinuxError(Errno.EPERM)
    node.chown(uid if uid == -1 else uid & 0xFFFFFFFF, gid if gid == -1 else gid & 0xFFFFFFFF)
    return 0


@syscall("fchownat", "iwiii")
def fchownat(k: Kernel, dirfd: int, path: int, uid: int, gid: int, flags: int) -> int:
    """fchownat(2)."""
    if flags & ~(abi.AT_SYMLINK_NOFOLLOW | abi.AT_EMPTY_PATH):
        raise LinuxError(Errno.EINVAL)
    return _chown(k, k.node(dirfd, path, flags), uid, gid)


@syscall("fchown", "iii")
def fchown(k: Kernel, fd: int, uid: int, gid: int) -> int:
    """fchown(2)."""
    file = k.file(fd)
    if file.flags & abi.O_PATH:
        raise LinuxError(Errno.EBADF)
    return _chown(k, file.node, uid, gid)


def _stamp(k: Kernel, seconds: int, nanoseconds: int) -> int | None:
    if nanoseconds == UTIME_OMIT:
        return None
    if nanoseconds == UTIME_NOW:
        return k.process.clock.now()
    if not 0 <= nanoseconds < abi.SECOND or abs(seconds) > 1 << 33:
        raise LinuxError(Errno.EINVAL)
    return seconds * abi.SECOND + nanoseconds


@syscall("utimensat", "iwwi")
def utimensat(k: Kernel, dirfd: int, path: int, times: int, flags: int) -> int:
    """utimensat(2); with a NULL path the file of `dirfd` itself."""
    if flags & ~(abi.AT_SYMLINK_NOFOLLOW | abi.AT_EMPTY_PATH):
        raise LinuxError(Errno.EINVAL)
    fields = k.lane.unpack("qqqq", times) if times else (0, UTIME_NOW, 0, UTIME_NOW)
    atime, mtime = _stamp(k, *fields[:2]), _stamp(k, *fields[2:])
    node = k.node(dirfd, path, flags) if path else k.file(dirfd).node
    if atime is None and mtime is None:
        return 0
    k.files.writable(node)
    now = fields[1] == fields[3] == UTIME_NOW
    if not (now and k.process.who.may(node, W)):
        _owned(k, node)
    node.utimes(atime, mtime)
    return 0


@syscall("umask", "u")
def umask(k: Kernel, mask: int) -> int:
    """umask(2): the mask before."""
    old, k.process.umask = k.process.umask, mask & 0o777
    return old


def _statfs(node: Node) -> bytes:
    fs = node.fs
    capacity = min(fs.capacity, 1 << 40)
    free = max(capacity - fs.used, 0) // 4096
    blocks = capacity // 4096
    return abi.statfs(
        fs.magic, blocks=blocks, free=free, files=fs.max_nodes, read_only=fs.read_only
    )


@syscall("statfs", "ww")
def statfs(k: Kernel, path: int, buffer: int) -> int:
    """statfs(2)."""
    k.lane.write(buffer, _statfs(k.find(abi.AT_FDCWD, path).existing()))
    return 0


@syscall("fstatfs", "iw")
def fstatfs(k: Kernel, fd: int, buffer: int) -> int:
    """fstatfs(2)."""
    k.lane.write(buffer, _statfs(k.file(fd).node))
    return 0


# Extended attributes: no file has any and none can be set, as on a tmpfs without them.


@syscall("getxattr lgetxattr", "wwww")
def getxattr(k: Kernel, path: int, name: int, value: int, size: int) -> int:
    """getxattr(2), lgetxattr(2): ENODATA."""
    k.node(abi.AT_FDCWD, path, abi.AT_SYMLINK_NOFOLLOW if k.lane.x(8) == 9 else 0)
    k.lane.cstring(name)
    raise LinuxError(Errno.ENODATA)


@syscall("fgetxattr fremovexattr", "iw")
def fgetxattr(k: Kernel, fd: int, name: int) -> int:
    """fgetxattr(2), fremovexattr(2): ENODATA."""
    k.file(fd)
    k.lane.cstring(name)
    raise LinuxError(Errno.ENODATA)


@syscall("removexattr lremovexattr", "ww")
def removexattr(k: Kernel, path: int, name: int) -> int:
    """removexattr(2), lremovexattr(2): ENODATA."""
    return getxattr(k, path, name, 0, 0) or 0


@syscall("listxattr", "www")
def listxattr(k: Kernel, path: int, buffer: int, size: int) -> int:
    """listxattr(2): none."""
    k.node(abi.AT_FDCWD, path, 0)
    return 0


@syscall("llistxattr", "www")
def llistxattr(k: Kernel, path: int, buffer: int, size: int) -> int:
    """llistxattr(2): none."""
    k.node(abi.AT_FDCWD, path, abi.AT_SYMLINK_NOFOLLOW)
    return 0


@syscall("flistxattr", "iww")
def flistxattr(k: Kernel, fd: int, buffer: int, size: int) -> int:
    """flistxattr(2): none."""
    k.file(fd)
    return 0


@syscall("setxattr lsetxattr fsetxattr", "w")
def setxattr(k: Kernel, where: int) -> int:
    """setxattr(2), lsetxattr(2), fsetxattr(2): EOPNOTSUPP."""
    if k.lane.x(8) == 7:
        k.file(int32(where))
    raise LinuxError(Errno.EOPNOTSUPP)


@syscall("fadvise64", "illi")
def fadvise64(k: Kernel, fd: int, offset: int, length: int, advice: int) -> int:
    """posix_fadvise(2): a hint that changes nothing."""
    file = k.file(fd)
    if not 0 <= advice <= 5 or length < 0:
        raise LinuxError(Errno.EINVAL)
    if not isinstance(file.node, File):
        raise LinuxError(Errno.ESPIPE)
    return 0


@syscall("readahead", "ilw")
def readahead(k: Kernel, fd: int, offset: int, count: int) -> int:
    """readahead(2): a hint that changes nothing."""
    return fadvise64(k, fd, offset, 0, 0) or 0
