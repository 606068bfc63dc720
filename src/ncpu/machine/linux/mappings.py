"""The pages of a process: which exist, what they may do, and which show a file.

Page permissions live in `state.perm`; which pages exist, and which show a file, in the
process record.  File mappings are copies: a shared one is written back by msync, munmap,
exit, and before the file is read by a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ncpu.machine import memory
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.inodes import Node
from ncpu.machine.linux.space import FileMap
from ncpu.machine.state import EXEC, PAGE, READ, WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


def round_up(length: int) -> int:
    """`length` in whole pages."""
    return -(-length // PAGE) * PAGE


def permissions(protection: int) -> int:
    """Page permissions of PROT bits; W or X brings R along, as in the arm64 page tables."""
    if protection & ~0x17:  # READ, WRITE, EXEC, BTI
        raise LinuxError(Errno.EINVAL)
    perm = protection & (READ | WRITE | EXEC)
    return perm | READ if perm else 0


# -- pages ------------------------------------------------------------------------------------


def zero(k: Kernel, address: int, length: int) -> None:
    """Clear what old bytes the pages may hold."""
    pages = k.space.pages(address, length)
    stale = np.flatnonzero(k.space.stale[pages])
    for run in np.split(stale, np.flatnonzero(np.diff(stale) > 1) + 1):
        if len(run):
            k.lane.poke(address + int(run[0]) * PAGE, bytes(len(run) * PAGE))
    k.space.stale[pages] = False


def set_permissions(k: Kernel, address: int, length: int, perm: int) -> None:
    """Set what pages may do; code that comes or goes is noted in `k.code_changed`."""
    pages = k.space.pages(address, length)
    before = k.lane.perm[pages]
    if (((before ^ perm) & EXEC) != 0).any():
        k.code_changed = True
    if (before != perm).any():
        k.lane.protect(address, length, perm)


def map_pages(k: Kernel, address: int, length: int, perm: int) -> None:
    """Make free pages exist, zero-filled."""
    zero(k, address, length)
    k.space.mapped[k.space.pages(address, length)] = True
    set_permissions(k, address, length, perm)


def unmap_pages(k: Kernel, address: int, length: int) -> None:
    """Make pages cease to exist, whatever they are."""
    pages = k.space.pages(address, length)
    write_back(k, touching(k, address, length))
    _cut_maps(k, address, length)
    set_permissions(k, address, length, 0)
    k.space.stale[pages] |= k.space.mapped[pages]
    k.space.mapped[pages] = False


def existing(k: Kernel, address: int, length: int) -> int:
    """The rounded length of a range of existing pages; EINVAL unaligned, ENOMEM otherwise."""
    if address % PAGE:
        raise LinuxError(Errno.EINVAL)
    size = round_up(length)
    if not k.space.inside(address, size):
        raise LinuxError(Errno.ENOMEM)
    if not k.space.mapped[k.space.pages(address, size)].all():
        raise LinuxError(Errno.ENOMEM)
    return size


# -- files in memory --------------------------------------------------------------------------


def touching(k: Kernel, address: int, length: int) -> list[FileMap]:
    """The file maps that overlap a range."""
    end = address + length
    return [m for m in k.space.maps if m.address < end and address < m.address + m.length]


def _cut_maps(k: Kernel, address: int, length: int) -> None:
    """Take a range out of the file maps, keeping what lies before and after it."""
    end = address + length
    for m in touching(k, address, length):
        k.space.maps.remove(m)
        if m.address < address:
            k.space.maps.append(replace(m, length=address - m.address))
        if m.address + m.length > end:
            moved, rest = end - m.address, m.address + m.length - end
            k.space.maps.append(replace(m, address=end, length=rest, offset=m.offset + moved))


def fill(k: Kernel, m: FileMap) -> None:
    """Show the file's present content in the pages of a map."""
    k.lane.poke(m.address, m.node.read(m.offset, m.length))


def write_back(k: Kernel, maps: Iterable[FileMap]) -> None:
    """Store shared maps into their files, which keep their size."""
    for m in maps:
        length = min(m.length, m.node.size - m.offset)
        if m.shared and m.writable and length > 0:
            data = memory.read(k.lane.state, m.address, length)
            if data != m.node.read(m.offset, length):
                m.node.write(m.offset, data)


def publish(k: Kernel) -> None:
    """Store what the space being served has changed of shared pages into their files."""
    write_back(k, k.space.maps)


def show(k: Kernel) -> None:
    """Bring shared pages up to date with their files, which others may have changed."""
    for m in k.space.maps:
        length = min(m.length, m.node.size - m.offset)
        if m.shared and length > 0:
            data = m.node.read(m.offset, length)
            if memory.read(k.lane.state, m.address, length) != data:
                k.lane.poke(m.address, data)


def before_read(k: Kernel, node: Node) -> None:
    """Bring a file up to date with what was stored through its shared maps."""
    if k.space.maps:
        write_back(k, [m for m in k.space.maps if _same(m.node, node)])


def after_write(k: Kernel, node: Node) -> None:
    """Bring shared maps up to date with their file."""
    for m in k.space.maps:
        if m.shared and _same(m.node, node):
            fill(k, m)


def _same(a: Node, b: Node) -> bool:
    return a is b or (a.fs is b.fs and a.ino == b.ino)
