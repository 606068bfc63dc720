"""Memory: brk, mmap and its relatives, on the one flat window of the lane."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ncpu.machine import memory
from ncpu.machine.linux import abi, mappings
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.inodes import File
from ncpu.machine.linux.node_files import DeviceOpen, RegularOpen
from ncpu.machine.linux.space import FileMap
from ncpu.machine.linux.table import syscall
from ncpu.machine.state import PAGE, READ, WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


@syscall("brk", "w")
def brk(k: Kernel, address: int) -> int:
    """brk(2) as the kernel has it: the new end, or the old one where that cannot be."""
    p = k.space
    if not p.brk_start <= address <= p.mmap_top:
        return p.brk
    old, new = mappings.round_up(p.brk), mappings.round_up(address)
    if new > old:
        if p.mapped[p.pages(old, new - old)].any():
            return p.brk
        mappings.map_pages(k, old, new - old, READ | WRITE)
    elif new < old:
        mappings.unmap_pages(k, new, old - new)
    p.brk = address
    return address


@syscall("mmap", "wwuuiw")
def mmap(k: Kernel, hint: int, length: int, protection: int, flags: int, fd: int, at: int) -> int:
    """mmap(2): anonymous memory, and copies of regular files."""
    perm = mappings.permissions(protection)
    if at % PAGE or length == 0:
        raise LinuxError(Errno.EINVAL)
    size = mappings.round_up(length)
    kind = flags & 0xF
    if kind not in (abi.MAP_SHARED, abi.MAP_PRIVATE, abi.MAP_SHARED_VALIDATE):
        raise LinuxError(Errno.EINVAL)
    shared = kind != abi.MAP_PRIVATE
    if flags & abi.MAP_ANONYMOUS:
        node = _nameless(k, size) if shared and k.tasks is not None else None
    else:
        node = _mappable(k, fd, perm, kind)
    if at + size > abi.MAX_FILE:
        raise LinuxError(Errno.EOVERFLOW)
    address = _place(k, hint, size, flags)
    mappings.map_pages(k, address, size, perm)
    if node is not None:
        mappings.before_read(k, node)
        writable = shared and (bool(flags & abi.MAP_ANONYMOUS) or k.file(fd).writable)
        m = FileMap(address, size, node, at, shared, writable)
        k.space.maps.append(m)
        mappings.fill(k, m)
        k.space.stale[k.space.pages(address, size)] = False
    return address


def _nameless(k: Kernel, size: int) -> File:
    """What shared anonymous memory shows: a file that only its maps know."""
    node = File(k.files.fs, 0o600)
    node.nlink = 0
    try:
        node.truncate(size)
    except LinuxError:
        raise LinuxError(Errno.ENOMEM) from None
    return node


def _mappable(k: Kernel, fd: int, perm: int, kind: int) -> File | None:
    """The file of a descriptor that may be mapped so; None for /dev/zero."""
    file = k.file(fd)
    if file.flags & abi.O_PATH:
        raise LinuxError(Errno.EBADF)
    if not file.readable or (kind != abi.MAP_PRIVATE and perm & WRITE and not file.writable):
        raise LinuxError(Errno.EACCES)
    if isinstance(file, DeviceOpen) and file.node.driver == "zero":
        return None
    if not isinstance(file, RegularOpen):
        raise LinuxError(Errno.ENODEV)
    return file.node


def _place(k: Kernel, hint: int, size: int, flags: int) -> int:
    """Where a mapping goes; the range is free afterwards."""
    p = k.space
    if flags & (abi.MAP_FIXED | abi.MAP_FIXED_NOREPLACE):
        if hint % PAGE:
            raise LinuxError(Errno.EINVAL)
        if not p.inside(hint, size):
            raise LinuxError(Errno.ENOMEM)
        if p.mapped[p.pages(hint, size)].any():
            if flags & abi.MAP_FIXED_NOREPLACE:
                raise LinuxError(Errno.EEXIST)
            mappings.unmap_pages(k, hint, size)
        return hint
    hint = hint // PAGE * PAGE
    if p.brk <= hint and hint + size <= p.mmap_top and not p.mapped[p.pages(hint, size)].any():
        return hint
    address = p.free_range(size)
    if address is None:
        raise LinuxError(Errno.ENOMEM)
    return address


@syscall("munmap", "ww")
def munmap(k: Kernel, address: int, length: int) -> int:
    """munmap(2); unmapped pages in the range do not matter."""
    p = k.space
    if address % PAGE or length == 0 or address + length >= 1 << 48:
        raise LinuxError(Errno.EINVAL)
    end = min(address + mappings.round_up(length), p.base + len(p.mapped) * PAGE)
    start = max(address, p.base)
    if start < end:
        mappings.unmap_pages(k, start, end - start)
    return 0


@syscall("mprotect pkey_mprotect", "wwu")
def mprotect(k: Kernel, address: int, length: int, protection: int) -> int:
    """mprotect(2)."""
    if address % PAGE:
        raise LinuxError(Errno.EINVAL)
    perm = mappings.permissions(protection)
    if length == 0:
        return 0
    size = mappings.existing(k, address, length)
    if perm & WRITE:
        maps = mappings.touching(k, address, size)
        if any(m.shared and not m.writable for m in maps):
            raise LinuxError(Errno.EACCES)
    mappings.set_permissions(k, address, size, perm)
    return 0


@syscall("mremap", "wwwuw")
def mremap(k: Kernel, old: int, old_size: int, new_size: int, flags: int, target: int) -> int:
    """mremap(2): shrink, grow in place, or move (MREMAP_MAYMOVE 1, MREMAP_FIXED 2)."""
    p = k.space
    if old % PAGE or new_size == 0 or old_size == 0 or flags & ~3 or flags == 2:
        raise LinuxError(Errno.EINVAL)
    have, want = mappings.round_up(old_size), mappings.round_up(new_size)
    if not p.inside(old, have) or not p.mapped[p.pages(old, have)].all():
        raise LinuxError(Errno.EFAULT)
    if flags & 2:
        if target % PAGE or not p.inside(target, want):
            raise LinuxError(Errno.EINVAL)
        if target < old + have and old < target + want:
            raise LinuxError(Errno.EINVAL)
        mappings.unmap_pages(k, target, want)
        return _move(k, old, have, target, want)
    if want <= have:
        if want < have:
            mappings.unmap_pages(k, old + want, have - want)
        return old
    end = old + have
    if end + want - have <= p.mmap_top and not p.mapped[p.pages(end, want - have)].any():
        _grow(k, old, have, want)
        return old
    if not flags & 1:
        raise LinuxError(Errno.ENOMEM)
    place = p.free_range(want)
    if place is None:
        raise LinuxError(Errno.ENOMEM)
    return _move(k, old, have, place, want)


def _grow(k: Kernel, address: int, have: int, want: int) -> None:
    """Extend a mapping over free pages; a file map shows more of its file."""
    perm = int(k.lane.perm[k.space.pages(address, PAGE)][0])
    mappings.map_pages(k, address + have, want - have, perm)
    for m in mappings.touching(k, address, have):
        if m.address + m.length == address + have:
            rest = replace(
                m, address=address + have, length=want - have, offset=m.offset + m.length
            )
            k.space.maps.append(rest)
            mappings.fill(k, rest)


def _move(k: Kernel, old: int, have: int, target: int, want: int) -> int:
    """Move a mapping to free pages, contents, permissions and file map with it."""
    keep = min(have, want)
    perm = int(k.lane.perm[k.space.pages(old, PAGE)][0])
    content = memory.read(k.lane.state, old, keep)
    moved = [
        replace(
            m,
            address=max(m.address, old) - old + target,
            offset=m.offset + max(old - m.address, 0),
            length=min(m.address + m.length, old + keep) - max(m.address, old),
        )
        for m in mappings.touching(k, old, keep)
    ]
    mappings.unmap_pages(k, old, have)
    mappings.map_pages(k, target, keep, perm)
    k.lane.poke(target, content)
    k.space.maps += moved
    if want > keep:
        _grow(k, target, keep, want)
    return target


@syscall("madvise", "wwi")
def madvise(k: Kernel, address: int, length: int, advice: int) -> int:
    """madvise(2): MADV_DONTNEED drops contents, the other hints change nothing."""
    if not (0 <= advice <= 25 or advice in (100, 101)) or address % PAGE:
        raise LinuxError(Errno.EINVAL)
    if length == 0:
        return 0
    size = mappings.existing(k, address, length)
    if advice == 4:  # MADV_DONTNEED
        pages = k.space.pages(address, size)
        maps = mappings.touching(k, address, size)
        mappings.write_back(k, maps)
        shared = [m for m in maps if m.shared]
        k.space.stale[pages] = True
        for m in shared:
            k.space.stale[k.space.pages(m.address, m.length)] = False
        mappings.zero(k, address, size)
        for m in maps:
            start = max(m.address, address)
            count = min(m.address + m.length, address + size) - start
            k.lane.poke(start, m.node.read(m.offset + start - m.address, count))
    return 0


@syscall("msync", "wwi")
def msync(k: Kernel, address: int, length: int, flags: int) -> int:
    """msync(2)."""
    if flags & ~7 or flags & 5 == 5:
        raise LinuxError(Errno.EINVAL)
    mappings.write_back(k, mappings.touching(k, address, mappings.existing(k, address, length)))
    return 0


@syscall("mlock mlock2 munlock", "ww")
def mlock(k: Kernel, address: int, length: int) -> int:
    """mlock(2), munlock(2): all memory is locked."""
    start = address // PAGE * PAGE
    if length:
        mappings.existing(k, start, length + address - start)
    return 0


@syscall("mlockall munlockall")
def mlockall(k: Kernel) -> int:
    """mlockall(2), munlockall(2): all memory is locked."""
    return 0


@syscall("mincore", "www")
def mincore(k: Kernel, address: int, length: int, vector: int) -> int:
    """mincore(2): everything mapped is resident."""
    size = mappings.existing(k, address, length)
    k.lane.write(vector, b"\1" * (size // PAGE))
    return 0


@syscall("membarrier", "iu")
def membarrier(k: Kernel, command: int, flags: int) -> int:
    """membarrier(2): one thread needs none; the query says that none is offered."""
    if command or flags:
        raise LinuxError(Errno.EINVAL)
    return 0
