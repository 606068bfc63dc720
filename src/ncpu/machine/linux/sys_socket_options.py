"""Options of sockets: setsockopt and getsockopt."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.addresses import AF_INET, AF_UNIX
from ncpu.machine.linux.sockets import DGRAM, IPPROTO_IPV6, IPV6_V6ONLY, ROOM, STREAM
from ncpu.machine.linux.sys_socket import socket_of
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

SOL_SOCKET = 1


@syscall("setsockopt", "iiiwu")
def setsockopt(k: Kernel, fd: int, level: int, name: int, pointer: int, length: int) -> int:
    """setsockopt(2): remembered; SO_RCVTIMEO and IPV6_V6ONLY have an effect."""
    sock = socket_of(k, fd)
    if level not in (SOL_SOCKET, 0, 6, 17, IPPROTO_IPV6):
        raise LinuxError(Errno.ENOPROTOOPT)
    if level == IPPROTO_IPV6 and sock.domain == AF_INET:
        raise LinuxError(Errno.ENOPROTOOPT)
    if (level, name) == (IPPROTO_IPV6, IPV6_V6ONLY) and (length < 4 or sock.name):
        raise LinuxError(Errno.EINVAL)
    sock.options[level, name] = k.lane.read(pointer, min(length, 256))
    return 0


@syscall("getsockopt", "iiiww")
def getsockopt(k: Kernel, fd: int, level: int, name: int, pointer: int, length: int) -> int:
    """getsockopt(2)."""
    sock = socket_of(k, fd)
    (room,) = k.lane.unpack("i", length)
    known = {3: sock.kind, 4: 0, 7: ROOM, 8: ROOM, 30: int(sock.backlog is not None)}
    known |= {38: {STREAM: 6, DGRAM: 17}.get(sock.kind, 0), 39: sock.domain}
    if sock.domain == AF_UNIX:
        known[38] = 0
    if level == SOL_SOCKET and name == 17:
        value = struct.pack("<iII", *(sock.peer.credentials if sock.peer else (0, 0, 0)))
    elif level == SOL_SOCKET and name in known:
        value = struct.pack("<i", known[name])
    else:
        value = sock.options.get((level, name), bytes(4))
    k.lane.write(pointer, value[: max(room, 0)])
    k.lane.pack("i", length, min(len(value), max(room, 0)))
    return 0
