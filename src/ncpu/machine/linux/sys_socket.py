"""Sockets by call: making, naming, connecting, options."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, sys_io
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.conditions import RoomToConnect
from ncpu.machine.linux.inodes import Directory
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.sockets import (
    AF_INET,
    AF_UNIX,
    DGRAM,
    ROOM,
    SEQPACKET,
    STREAM,
    SocketNode,
    SocketOpen,
)
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

SOL_SOCKET = 1


def _make(k: Kernel, domain: int, kind: int, protocol: int) -> SocketOpen:
    if k.tasks is None or domain not in (AF_UNIX, AF_INET):
        raise LinuxError(Errno.EAFNOSUPPORT)
    flags, kind = kind & ~0xF, kind & 0xF
    if flags & ~(abi.O_NONBLOCK | abi.O_CLOEXEC):
        raise LinuxError(Errno.EINVAL)
    if kind not in (STREAM, DGRAM, *((SEQPACKET,) if domain == AF_UNIX else ())):
        raise LinuxError(Errno.ESOCKTNOSUPPORT)
    accepted = {STREAM: (0, 6), DGRAM: (0, 17)}.get(kind, (0,)) if domain == AF_INET else (0, 1)
    if protocol not in accepted:
        raise LinuxError(Errno.EPROTONOSUPPORT)
    made = SocketOpen(k.network, domain, kind, flags & abi.O_NONBLOCK)
    made.credentials = (k.process.pid, k.process.uids[1], k.process.gids[1])
    return made


@syscall("socket", "iii")
def socket(k: Kernel, domain: int, kind: int, protocol: int) -> int:
    """socket(2): AF_UNIX and AF_INET, the loopback of the machine."""
    return k.process.install(_make(k, domain, kind, protocol), cloexec=bool(kind & abi.O_CLOEXEC))


@syscall("socketpair", "iiiw")
def socketpair(k: Kernel, domain: int, kind: int, protocol: int, pointer: int) -> int:
    """socketpair(2)."""
    ends = [_make(k, domain, kind, protocol) for _ in range(2)]
    if domain != AF_UNIX:
        raise LinuxError(Errno.EOPNOTSUPP)
    k.lane.require(pointer, 8, 2)
    ends[0].pair_with(ends[1])
    cloexec = bool(kind & abi.O_CLOEXEC)
    first = k.process.install(ends[0], cloexec=cloexec)
    try:
        second = k.process.install(ends[1], cloexec=cloexec)
    except LinuxError:
        k.process.close(first)
        raise
    k.lane.pack("ii", pointer, first, second)
    return 0


def socket_of(k: Kernel, fd: int) -> SocketOpen:
    """The socket of a descriptor; ENOTSOCK."""
    file = k.file(fd)
    if not isinstance(file, SocketOpen):
        raise LinuxError(Errno.ENOTSOCK)
    return file


def _address(k: Kernel, pointer: int, length: int, domain: int) -> tuple[int, bytes]:
    """(port, IPv4 address) or (0, name) of a sockaddr; an abstract name starts with NUL."""
    if not 2 <= length <= 128:
        raise LinuxError(Errno.EINVAL)
    raw = k.lane.read(pointer, length)
    if int.from_bytes(raw[:2], "little") != domain:
        raise LinuxError(Errno.EAFNOSUPPORT if domain == AF_INET else Errno.EINVAL)
    if domain == AF_INET:
        if length < 16:
            raise LinuxError(Errno.EINVAL)
        return int.from_bytes(raw[2:4], "big"), raw[4:8]
    name = raw[2:]
    return 0, name if name[:1] == b"\0" else name.split(b"\0")[0]


def find(k: Kernel, sock: SocketOpen, pointer: int, length: int) -> SocketOpen:
    """The socket at an address."""
    port, where = _address(k, pointer, length, sock.domain)
    if sock.domain == AF_INET:
        if where[0] not in (0, 127):
            raise LinuxError(Errno.ENETUNREACH)
        return k.network.at_port(sock.kind, port)
    if where[:1] == b"\0":
        found = k.network.at_name(where[1:])
    else:
        if not where:
            raise LinuxError(Errno.EINVAL)
        node = k.files.walk(k.cwd, where, who=k.process.who).existing()
        if not isinstance(node, SocketNode) or node.bound is None:
            raise LinuxError(Errno.ECONNREFUSED)
        k.process.who.require(node, 2)
        found = node.bound
    if found.kind != sock.kind:
        raise LinuxError(Errno.EPROTOTYPE)
    return found


def _exists(k: Kernel, path: bytes) -> bool:
    return k.files.walk(k.cwd, path, who=k.process.who).node is not None


@syscall("bind", "iwu")
def bind(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """bind(2)."""
    sock = socket_of(k, fd)
    port, where = _address(k, pointer, length, sock.domain)
    named = sock.domain == AF_UNIX and where[:1] not in (b"", b"\0")
    if sock.name and not named:
        raise LinuxError(Errno.EINVAL)
    if sock.domain == AF_INET:
        k.network.bind_port(sock, port, where)
    elif where[:1] == b"\0" or not where:
        k.network.bind_abstract(sock, where[1:])
    else:
        who, mode = k.process.who, 0o777 & ~k.process.umask

        def make(parent: Directory, name: bytes) -> None:
            node = SocketNode(parent.fs, mode, who.uid, who.gid)
            node.bound = sock
            parent.attach(name, node)
            sock.node = node

        if sock.name:
            raise LinuxError(Errno.EADDRINUSE if _exists(k, where) else Errno.EINVAL)
        try:
            k.files.new_entry(k.cwd, where, make, who)
        except LinuxError as error:
            used = error.errno == Errno.EEXIST
            raise LinuxError(Errno.EADDRINUSE) if used else error from None
        sock.name = AF_UNIX.to_bytes(2, "little") + where + b"\0"
    return 0


@syscall("listen", "ii")
def listen(k: Kernel, fd: int, backlog: int) -> int:
    """listen(2)."""
    sock = socket_of(k, fd)
    if sock.domain == AF_INET and not sock.name and sock.kind == STREAM:
        k.network.bind_port(sock, 0, bytes(4))
    sock.credentials = (k.process.pid, k.process.uids[1], k.process.gids[1])
    sock.listen(backlog)
    return 0


@syscall("connect", "iwu")
def connect(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """connect(2): at once, or never."""
    sock = socket_of(k, fd)
    if sock.backlog is not None:
        raise LinuxError(Errno.EINVAL)
    family = k.lane.read(pointer, 2) if length >= 2 else b""
    if sock.kind == DGRAM:
        if family == bytes(2):
            sock.peer, sock.connected, sock.peer_name = None, False, b""
            return 0
        sock.peer = find(k, sock, pointer, length)
        sock.connected, sock.peer_name = True, sock.peer.name
    else:
        if sock.connected:
            raise LinuxError(Errno.EISCONN)
        target = find(k, sock, pointer, length)
        if sock.domain == AF_INET and not sock.name:
            k.network.bind_port(sock, 0, b"\x7f\0\0\1")
        try:
            target.answer(sock)
        except WouldBlock:
            if not sock.blocking:
                raise
            k.block(Wait(RoomToConnect(target)))
        return 0
    if sock.domain == AF_INET and not sock.name:
        k.network.bind_port(sock, 0, b"\x7f\0\0\1")
    return 0


@syscall("accept4", "iwwi")
def accept4(k: Kernel, fd: int, pointer: int, length: int, flags: int) -> int:
    """accept4(2)."""
    sock = socket_of(k, fd)
    if flags & ~(abi.O_NONBLOCK | abi.O_CLOEXEC):
        raise LinuxError(Errno.EINVAL)
    k.process.require_room()  # who waits to be accepted goes on waiting
    try:
        end = sock.accept()
    except WouldBlock:
        if not sock.blocking:
            raise
        sys_io.await_input(k, sock)
    end.flags |= flags & abi.O_NONBLOCK
    new = k.process.install(end, cloexec=bool(flags & abi.O_CLOEXEC))
    if pointer:
        put_name(k, end.peer_name or end.domain.to_bytes(2, "little"), pointer, length)
    return new


@syscall("accept", "iww")
def accept(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """accept(2)."""
    return accept4(k, fd, pointer, length, 0) or 0


def put_name(k: Kernel, name: bytes, pointer: int, length: int) -> None:
    """Store a sockaddr where there is room for its start, and its whole length."""
    (room,) = k.lane.unpack("i", length)
    if room < 0:
        raise LinuxError(Errno.EINVAL)
    k.lane.write(pointer, name[:room])
    k.lane.pack("i", length, len(name))


@syscall("getsockname", "iww")
def getsockname(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """getsockname(2)."""
    sock = socket_of(k, fd)
    empty = sock.domain.to_bytes(2, "little") + (bytes(14) if sock.domain == AF_INET else b"")
    put_name(k, sock.name or empty, pointer, length)
    return 0


@syscall("getpeername", "iww")
def getpeername(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """getpeername(2)."""
    sock = socket_of(k, fd)
    if not sock.connected:
        raise LinuxError(Errno.ENOTCONN)
    put_name(k, sock.peer_name or sock.domain.to_bytes(2, "little"), pointer, length)
    return 0


@syscall("shutdown", "ii")
def shutdown(k: Kernel, fd: int, how: int) -> int:
    """shutdown(2)."""
    socket_of(k, fd).shutdown(how)
    return 0


# -- options ------------------------------------------------------------------------------------


@syscall("setsockopt", "iiiwu")
def setsockopt(k: Kernel, fd: int, level: int, name: int, pointer: int, length: int) -> int:
    """setsockopt(2): remembered; only SO_RCVTIMEO has an effect."""
    sock = socket_of(k, fd)
    if level not in (SOL_SOCKET, 0, 6, 17, 41):
        raise LinuxError(Errno.ENOPROTOOPT)
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
