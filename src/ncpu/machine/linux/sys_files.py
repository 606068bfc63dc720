"""Names and contents of files: openat, mkdirat, unlinkat, renameat, links, truncate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, mappings
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.access import R, W, X
from ncpu.machine.linux.conditions import OpenedAgain, Unopened
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import File, Node, Pipe, Symlink
from ncpu.machine.linux.open_file import OpenFile
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


@syscall("openat", "iwiu")
def openat(k: Kernel, dirfd: int, path: int, flags: int, mode: int) -> int:
    """openat(2)."""
    cloexec = bool(flags & abi.O_CLOEXEC)
    if k.resumed is not None:
        return _install_fifo(k, k.resumed.data, cloexec=cloexec)
    k.process.require_room()
    name = k.lane.cstring(path)
    start, who = k.start(dirfd, name), k.process.who
    mode &= 0o7777 & ~k.process.umask
    if flags & abi.O_PATH:
        flags &= abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW | abi.O_CLOEXEC
    if flags & abi.O_TMPFILE == abi.O_TMPFILE:
        node = _unnamed(k, start, name, flags, mode)
    else:
        if flags & abi.O_CREAT and flags & abi.O_DIRECTORY:
            raise LinuxError(Errno.EINVAL)
        node = k.files.open(start, name, flags, mode, who)
    if flags & abi.O_DIRECTORY and not isinstance(node, Directory | File):
        raise LinuxError(Errno.ENOTDIR)
    if isinstance(node, Pipe) and not flags & abi.O_PATH:
        return k.process.install(_open_fifo(k, node, flags), cloexec=cloexec)
    file = k.open_file(node, flags)
    if flags & abi.O_TRUNC:
        mappings.after_write(k, node)
    return k.process.install(file, cloexec=cloexec)


def _install_fifo(k: Kernel, file: OpenFile, *, cloexec: bool) -> int:
    """Enter an end of a FIFO that was waited for; the table may have filled since."""
    try:
        return k.process.install(file, cloexec=cloexec)
    except LinuxError:
        file.closed()
        raise


def _unnamed(k: Kernel, start: Directory, name: bytes, flags: int, mode: int) -> Node:
    """O_TMPFILE: a file without a name, in memory only."""
    parent = k.files.walk(start, name, who=k.process.who).existing()
    if not isinstance(parent, Directory):
        raise LinuxError(Errno.ENOTDIR)
    if flags & abi.O_ACCMODE == abi.O_RDONLY:
        raise LinuxError(Errno.EINVAL)
    if parent.fs is not k.files.fs:
        raise LinuxError(Errno.EOPNOTSUPP)
    k.process.who.require(parent, W | X)
    node = File(parent.fs, mode, k.process.uids[1], k.process.gids[1])
    node.nlink = 0
    return node


def _open_fifo(k: Kernel, node: Pipe, flags: int) -> OpenFile:
    """One end of a FIFO; the call waits until somebody has opened the other one."""
    access = flags & abi.O_ACCMODE
    there = node.writers if access == abi.O_RDONLY else node.readers
    if access == abi.O_WRONLY and flags & abi.O_NONBLOCK and not there:
        raise LinuxError(Errno.ENXIO)
    file = k.open_file(node, flags)
    if access == abi.O_RDWR or there or flags & abi.O_NONBLOCK:
        return file
    other = 1 if access == abi.O_RDONLY else 0
    ready = OpenedAgain(node, other, node.opened[other])
    k.block(Wait(ready, interrupted=Unopened(file), data=file))


@syscall("mkdirat", "iwu")
def mkdirat(k: Kernel, dirfd: int, path: int, mode: int) -> int:
    """mkdirat(2)."""
    name, who = k.lane.cstring(path), k.process.who
    mode &= 0o1777 & ~k.process.umask

    def make(parent: Directory, entry: bytes) -> None:
        parent.mkdir(entry, mode, who.uid, who.gid)

    k.files.new_entry(k.start(dirfd, name), name, make, who, directory=True)
    return 0


@syscall("mknodat", "iwuu")
def mknodat(k: Kernel, dirfd: int, path: int, mode: int, _: int) -> int:
    """mknodat(2) for regular files and FIFOs; devices are EPERM."""
    name, who = k.lane.cstring(path), k.process.who
    kind, bits = mode & abi.S_IFMT, mode & 0o7777 & ~k.process.umask
    if kind not in (0, abi.S_IFREG, abi.S_IFIFO):
        raise LinuxError(Errno.EPERM)

    def make(parent: Directory, entry: bytes) -> None:
        create = parent.mkfifo if kind == abi.S_IFIFO else parent.create
        create(entry, bits, who.uid, who.gid)

    k.files.new_entry(k.start(dirfd, name), name, make, who)
    return 0


@syscall("symlinkat", "wiw")
def symlinkat(k: Kernel, target: int, dirfd: int, path: int) -> int:
    """symlinkat(2)."""
    text, name, who = k.lane.cstring(target), k.lane.cstring(path), k.process.who
    if not text:
        raise LinuxError(Errno.ENOENT)

    def make(parent: Directory, entry: bytes) -> None:
        parent.symlink(entry, text, who.uid, who.gid)

    k.files.new_entry(k.start(dirfd, name), name, make, who)
    return 0


@syscall("linkat", "iwiwi")
def linkat(k: Kernel, olddir: int, old: int, newdir: int, new: int, flags: int) -> int:
    """linkat(2); AT_EMPTY_PATH is not offered."""
    if flags & ~abi.AT_SYMLINK_FOLLOW:
        raise LinuxError(Errno.EINVAL)
    source = k.find(olddir, old, follow=bool(flags & abi.AT_SYMLINK_FOLLOW))
    name = k.lane.cstring(new)
    k.files.link(source, k.start(newdir, name), name, k.process.who)
    return 0


@syscall("unlinkat", "iwi")
def unlinkat(k: Kernel, dirfd: int, path: int, flags: int) -> int:
    """unlinkat(2)."""
    if flags & ~abi.AT_REMOVEDIR:
        raise LinuxError(Errno.EINVAL)
    name = k.lane.cstring(path)
    remove = k.files.rmdir if flags else k.files.unlink
    remove(k.start(dirfd, name), name, k.process.who)
    return 0


@syscall("renameat2", "iwiwu")
def renameat2(k: Kernel, olddir: int, old: int, newdir: int, new: int, flags: int) -> int:
    """renameat2(2); RENAME_WHITEOUT is EINVAL."""
    if flags not in (0, 1, 2):
        raise LinuxError(Errno.EINVAL)
    source = k.find(olddir, old, follow=False)
    k.files.rename(source, k.find(newdir, new, follow=False), k.process.who, flags=flags)
    return 0


@syscall("renameat", "iwiw")
def renameat(k: Kernel, olddir: int, old: int, newdir: int, new: int) -> int:
    """renameat(2)."""
    return renameat2(k, olddir, old, newdir, new, 0) or 0


@syscall("readlinkat", "iwwi")
def readlinkat(k: Kernel, dirfd: int, path: int, buffer: int, size: int) -> int:
    """readlinkat(2)."""
    if size <= 0:
        raise LinuxError(Errno.EINVAL)
    node = k.node(dirfd, path, abi.AT_SYMLINK_NOFOLLOW | abi.AT_EMPTY_PATH)
    if not isinstance(node, Symlink):
        raise LinuxError(Errno.EINVAL)
    k.lane.write(buffer, node.target[:size])
    return min(len(node.target), size)


@syscall("getcwd", "ww")
def getcwd(k: Kernel, buffer: int, size: int) -> int:
    """getcwd(2): the length with its NUL."""
    path = k.files.path_of(k.cwd) + b"\0"
    if len(path) > size:
        raise LinuxError(Errno.ERANGE)
    k.lane.write(buffer, path)
    return len(path)


def _enter(k: Kernel, node: Node) -> int:
    if not isinstance(node, Directory):
        raise LinuxError(Errno.ENOTDIR)
    k.process.who.require(node, X)
    k.process.cwd = node
    return 0


@syscall("chdir", "w")
def chdir(k: Kernel, path: int) -> int:
    """chdir(2)."""
    return _enter(k, k.find(abi.AT_FDCWD, path).existing())


@syscall("fchdir", "i")
def fchdir(k: Kernel, fd: int) -> int:
    """fchdir(2)."""
    return _enter(k, k.file(fd).node)


@syscall("faccessat faccessat2", "iwii")
def faccessat(k: Kernel, dirfd: int, path: int, mode: int, flags: int) -> int:
    """faccessat2(2), and faccessat, which takes no flags (x3 is whatever it is)."""
    if k.lane.x(8) == 48:
        flags = 0
    if mode & ~7 or flags & ~(abi.AT_EACCESS | abi.AT_SYMLINK_NOFOLLOW | abi.AT_EMPTY_PATH):
        raise LinuxError(Errno.EINVAL)
    node = k.node(dirfd, path, flags)
    if mode & W and isinstance(node, File | Directory):
        k.files.writable(node)
    k.process.who.require(node, mode & (R | W | X))
    return 0


def _resize(k: Kernel, node: Node, size: int) -> int:
    if size < 0:
        raise LinuxError(Errno.EINVAL)
    if isinstance(node, Directory):
        raise LinuxError(Errno.EISDIR)
    if not isinstance(node, File):
        raise LinuxError(Errno.EINVAL)
    k.files.writable(node)
    mappings.before_read(k, node)
    node.truncate(size)
    mappings.after_write(k, node)
    return 0


@syscall("truncate", "wl")
def truncate(k: Kernel, path: int, size: int) -> int:
    """truncate(2)."""
    node = k.find(abi.AT_FDCWD, path).existing()
    k.process.who.require(node, W)
    return _resize(k, node, size)


@syscall("ftruncate", "il")
def ftruncate(k: Kernel, fd: int, size: int) -> int:
    """ftruncate(2)."""
    file = k.file(fd)
    if not file.writable:
        raise LinuxError(Errno.EBADF if file.flags & abi.O_PATH else Errno.EINVAL)
    if isinstance(file.node, Directory):
        raise LinuxError(Errno.EINVAL)
    return _resize(k, file.node, size)


@syscall("fallocate", "iill")
def fallocate(k: Kernel, fd: int, mode: int, offset: int, length: int) -> int:
    """fallocate(2): growing, keeping the size, punching holes; the rest is EOPNOTSUPP."""
    file = k.file(fd)
    if not file.writable:
        raise LinuxError(Errno.EBADF)
    if offset < 0 or length <= 0:
        raise LinuxError(Errno.EINVAL)
    if not isinstance(file.node, File):
        raise LinuxError(Errno.ENODEV)
    if offset + length > abi.MAX_FILE:
        raise LinuxError(Errno.EFBIG)
    node = file.node
    if mode == 0 and offset + length > node.size:
        return _resize(k, node, offset + length)
    if mode == 3:  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        node.write(offset, bytes(max(min(length, node.size - offset), 0)))
        mappings.after_write(k, node)
    elif mode not in (0, 1):
        raise LinuxError(Errno.EOPNOTSUPP)
    return 0
