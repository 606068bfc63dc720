"""What a sockaddr of the guest means to a socket: where it is bound, whom it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.addresses import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    ANY4,
    ANY6,
    INTERNET,
    SHORTEST,
    Endpoint,
    family_of,
    parse,
)
from ncpu.machine.linux.sockets import DGRAM, SocketNode, SocketOpen

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


def read_sockaddr(k: Kernel, pointer: int, length: int) -> bytes:
    """The sockaddr at a guest pointer."""
    if not 2 <= length <= 128:
        raise LinuxError(Errno.EINVAL)
    return k.lane.read(pointer, length)


def unix_name(sockaddr: bytes) -> bytes:
    """The name in a sockaddr_un; an abstract one starts with NUL."""
    if family_of(sockaddr) != AF_UNIX:
        raise LinuxError(Errno.EINVAL)
    name = sockaddr[2:]
    return name if name[:1] == b"\0" else name.split(b"\0")[0]


def own_endpoint(sock: SocketOpen, sockaddr: bytes) -> Endpoint:
    """The endpoint that a socket is to be bound to."""
    if len(sockaddr) < SHORTEST[sock.domain]:
        raise LinuxError(Errno.EINVAL)
    if family_of(sockaddr) != sock.domain:
        raise LinuxError(Errno.EAFNOSUPPORT)
    where = parse(sockaddr)
    if sock.domain == AF_INET6 and sock.only6 and len(where.address) == 4:
        raise LinuxError(Errno.EINVAL)
    return where


def _destination(sock: SocketOpen, sockaddr: bytes) -> Endpoint:
    """The endpoint that a socket sends to: datagrams of IPv6 also go to a sockaddr_in."""
    family = family_of(sockaddr)
    narrow = sock.domain == AF_INET6 and sock.kind == DGRAM and family == AF_INET
    if len(sockaddr) < SHORTEST[AF_INET if narrow else sock.domain]:
        raise LinuxError(Errno.EINVAL)
    if family != sock.domain and not narrow:
        raise LinuxError(Errno.EAFNOSUPPORT)
    where = parse(sockaddr).destination()
    if sock.domain == AF_INET6:
        if sock.only6 and len(where.address) == 4:
            raise LinuxError(Errno.ENETUNREACH)
        bound = parse(sock.name).address if sock.name else ANY6
        if len(bound) < len(where.address):  # it speaks IPv4 alone
            raise LinuxError(Errno.ENETUNREACH)
    return where


def destination(k: Kernel, sock: SocketOpen, pointer: int, length: int) -> bytes:
    """The sockaddr at a pointer as a socket sends to it, the loopback named by its address."""
    sockaddr = read_sockaddr(k, pointer, length)
    if sock.domain not in INTERNET:
        return sockaddr
    return _destination(sock, sockaddr).sockaddr(sock.domain)


def find(k: Kernel, sock: SocketOpen, called: bytes) -> SocketOpen:
    """The socket at a destination; ECONNREFUSED where there is none."""
    if sock.domain in INTERNET:
        return k.network.at(sock.kind, parse(called))
    where = unix_name(called)
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


def bind_to_any(k: Kernel, sock: SocketOpen) -> None:
    """Give a socket of the internet that has no name a free port."""
    if sock.domain in INTERNET and not sock.name:
        k.network.bind(sock, Endpoint(ANY4 if sock.domain == AF_INET else ANY6))


def reached_from(sock: SocketOpen, called: bytes) -> bytes:
    """A socket's address as the one it calls sees it: one bound to any is on the loopback."""
    if sock.domain not in INTERNET:
        return sock.name
    own = parse(sock.name)
    if own.unspecified:
        own = Endpoint(parse(called).loopback, own.port)
    return own.sockaddr(sock.domain)
