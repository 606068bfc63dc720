"""Sockets by call: making, naming, connecting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, sys_io
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.addresses import (
    AF_INET,
    AF_UNIX,
    AF_UNSPEC,
    INTERNET,
    family_of,
    unnamed,
)
from ncpu.machine.linux.conditions import RoomToConnect
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.socket_names import (
    bind_to_any,
    destination,
    find,
    own_endpoint,
    reached_from,
    read_sockaddr,
    unix_name,
)
from ncpu.machine.linux.sockets import DGRAM, SEQPACKET, STREAM, SocketNode, SocketOpen
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


def _make(k: Kernel, domain: int, kind: int, protocol: int) -> SocketOpen:
    if k.tasks is None or domain not in (AF_UNIX, *INTERNET):
        raise LinuxError(Errno.EAFNOSUPPORT)
    flags, kind = kind & ~0xF, kind & 0xF
    if flags & ~(abi.O_NONBLOCK | abi.O_CLOEXEC):
        raise LinuxError(Errno.EINVAL)
    if kind not in (STREAM, DGRAM, *((SEQPACKET,) if domain == AF_UNIX else ())):
        raise LinuxError(Errno.ESOCKTNOSUPPORT)
    accepted = {STREAM: (0, 6), DGRAM: (0, 17)}.get(kind, (0,))
    if protocol not in (accepted if domain in INTERNET else (0, 1)):
        raise LinuxError(Errno.EPROTONOSUPPORT)
    made = SocketOpen(k.network, domain, kind, flags & abi.O_NONBLOCK)
    made.credentials = (k.process.pid, k.process.uids[1], k.process.gids[1])
    return made


@syscall("socket", "iii")
def socket(k: Kernel, domain: int, kind: int, protocol: int) -> int:
    """socket(2): AF_UNIX, AF_INET and AF_INET6, the loopback of the machine."""
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


def _exists(k: Kernel, path: bytes) -> bool:
    return k.files.walk(k.cwd, path, who=k.process.who).node is not None


@syscall("bind", "iwu")
def bind(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """bind(2)."""
    sock, sockaddr = socket_of(k, fd), read_sockaddr(k, pointer, length)
    if sock.domain in INTERNET:
        where = own_endpoint(sock, sockaddr)
        if sock.name:
            raise LinuxError(Errno.EINVAL)
        k.network.bind(sock, where)
    else:
        _bind_unix(k, sock, unix_name(sockaddr))
    return 0


def _bind_unix(k: Kernel, sock: SocketOpen, where: bytes) -> None:
    named = where[:1] not in (b"", b"\0")
    if sock.name and not named:
        raise LinuxError(Errno.EINVAL)
    if not named:
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


@syscall("listen", "ii")
def listen(k: Kernel, fd: int, backlog: int) -> int:
    """listen(2)."""
    sock = socket_of(k, fd)
    if sock.kind == STREAM:
        bind_to_any(k, sock)
    sock.credentials = (k.process.pid, k.process.uids[1], k.process.gids[1])
    sock.listen(backlog)
    return 0


@syscall("connect", "iwu")
def connect(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """connect(2): at once, or never."""
    sock = socket_of(k, fd)
    if sock.backlog is not None:
        raise LinuxError(Errno.EINVAL)
    if sock.kind == DGRAM:
        return _connect_datagrams(k, sock, pointer, length)
    if sock.connected:
        raise LinuxError(Errno.EISCONN)
    called = destination(k, sock, pointer, length)
    target = find(k, sock, called)
    bind_to_any(k, sock)
    sock.name = reached_from(sock, called)
    try:
        target.answer(sock, called if sock.domain in INTERNET else b"")
    except WouldBlock:
        if not sock.blocking:
            raise
        k.block(Wait(RoomToConnect(target)))
    return 0


def _connect_datagrams(k: Kernel, sock: SocketOpen, pointer: int, length: int) -> int:
    """Choose whom datagrams go to; AF_UNSPEC is nobody, and there may be none at a port."""
    family = family_of(read_sockaddr(k, pointer, length))
    if family == AF_UNSPEC:
        sock.peer, sock.connected, sock.peer_name = None, False, b""
        return 0
    if sock.only6 and family == AF_INET:
        raise LinuxError(Errno.EAFNOSUPPORT)
    called = destination(k, sock, pointer, length)
    try:
        sock.peer = find(k, sock, called)
    except LinuxError as error:
        if sock.domain not in INTERNET or error.errno != Errno.ECONNREFUSED:
            raise
        sock.peer = None
    bind_to_any(k, sock)
    sock.name = reached_from(sock, called)
    sock.connected = True
    sock.peer_name = called if sock.domain in INTERNET or sock.peer is None else sock.peer.name
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
        put_name(k, end.peer_name or unnamed(end.domain), pointer, length)
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
    put_name(k, sock.name or unnamed(sock.domain), pointer, length)
    return 0


@syscall("getpeername", "iww")
def getpeername(k: Kernel, fd: int, pointer: int, length: int) -> int:
    """getpeername(2)."""
    sock = socket_of(k, fd)
    if not sock.connected:
        raise LinuxError(Errno.ENOTCONN)
    put_name(k, sock.peer_name or unnamed(sock.domain), pointer, length)
    return 0


@syscall("shutdown", "ii")
def shutdown(k: Kernel, fd: int, how: int) -> int:
    """shutdown(2)."""
    socket_of(k, fd).shutdown(how)
    return 0
