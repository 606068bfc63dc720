"""The network inside the machine: who is bound where, and ports forwarded from the host.

A forwarded port is a listening socket of the host's 127.0.0.1; what connects to it is connected to
the guest's listener there, one of IPv6 too where that hears IPv4. Nothing else of the host's
network can be reached, and the guest cannot open connections to the host.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from ncpu.machine.errors import GuestError
from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.addresses import (
    AF_INET,
    AF_UNIX,
    ANY4,
    ANY6,
    LOOPBACK4,
    Endpoint,
    parse,
)
from ncpu.machine.linux.host import Host
from ncpu.machine.linux.inodes import FileSystem
from ncpu.machine.linux.sockets import DGRAM, STREAM, Message, SocketNode, SocketOpen

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

FIRST_FREE_PORT, LAST_PORT = 32768, 60999  # ip_local_port_range
CHUNK = 1 << 16


class Network:
    """Names of sockets.

    Args:
      fs: the file system their inodes count to.

    Attributes:
      forwards: whether ports of the host lead here.
    """

    def __init__(self, fs: FileSystem) -> None:
        self.fs = fs
        self.forwards = False
        self._ports: dict[tuple[int, int], list[SocketOpen]] = {}  # (stream or datagram, port)
        self._abstract: dict[bytes, SocketOpen] = {}
        self._next = FIRST_FREE_PORT

    def bind(self, sock: SocketOpen, where: Endpoint) -> None:
        """bind(2) for the internet; port 0 is any free one."""
        if not where.own:
            raise LinuxError(Errno.EADDRNOTAVAIL)
        kind = _kind(sock.kind)
        if where.port == 0:
            where = Endpoint(where.address, self._free_port(kind))
        there = self._ports.setdefault((kind, where.port), [])
        heard = _heard(where.address, only6=sock.only6)
        if any(_overlap(a, b) for s in there for a in _heard_by(s) for b in heard):
            raise LinuxError(Errno.EADDRINUSE)
        there.append(sock)
        sock.name = where.sockaddr(sock.domain)

    def _free_port(self, kind: int) -> int:
        for _ in range(LAST_PORT - FIRST_FREE_PORT + 1):
            port = self._next
            self._next = port + 1 if port < LAST_PORT else FIRST_FREE_PORT
            if (kind, port) not in self._ports:
                return port
        raise LinuxError(Errno.EADDRINUSE)

    def bind_abstract(self, sock: SocketOpen, name: bytes) -> None:
        """bind(2) to an abstract AF_UNIX name; an empty one is made up."""
        if not name:
            taken = len(self._abstract)
            name = b"%05x" % next(n for n in range(taken + 1) if b"%05x" % n not in self._abstract)
        if name in self._abstract:
            raise LinuxError(Errno.EADDRINUSE)
        self._abstract[name] = sock
        sock.name = AF_UNIX.to_bytes(2, "little") + b"\0" + name

    def at(self, kind: int, where: Endpoint) -> SocketOpen:
        """The socket that hears an endpoint, the one bound to it alone first; ECONNREFUSED."""
        there = self._ports.get((_kind(kind), where.port), ())
        found = [(a, s) for s in there for a in _heard_by(s) if _overlap(a, where.address)]
        if not found:
            raise LinuxError(Errno.ECONNREFUSED)
        return max(found, key=lambda row: any(row[0]))[1]

    def at_name(self, name: bytes) -> SocketOpen:
        """The socket of an abstract name; ECONNREFUSED."""
        if name not in self._abstract:
            raise LinuxError(Errno.ECONNREFUSED)
        return self._abstract[name]

    def unbind(self, sock: SocketOpen) -> None:
        """Forget a socket's name."""
        left = ((key, [s for s in there if s is not sock]) for key, there in self._ports.items())
        self._ports = {key: there for key, there in left if there}
        self._abstract = {key: s for key, s in self._abstract.items() if s is not sock}
        if isinstance(sock.node, SocketNode):
            sock.node.bound = None


def _kind(kind: int) -> int:
    """Streams and datagrams have ports of their own."""
    return DGRAM if kind == DGRAM else STREAM


def _heard(address: bytes, *, only6: bool) -> tuple[bytes, ...]:
    """The addresses heard by a socket bound to one, all of a kind as 0.0.0.0 and ::."""
    return (ANY4, ANY6) if address == ANY6 and not only6 else (address,)


def _heard_by(sock: SocketOpen) -> tuple[bytes, ...]:
    return _heard(parse(sock.name).address, only6=sock.only6)


def _overlap(one: bytes, other: bytes) -> bool:
    """Whether something may be meant for both."""
    return len(one) == len(other) and (one == other or not any(one) or not any(other))


class Outside(SocketOpen):
    """The machine's end of a connection that came through a forwarded port."""

    def __init__(self, network: Network, host: Host, connection: socket.socket) -> None:
        super().__init__(network, AF_INET, STREAM, abi.O_RDWR)
        self._host, self._connection = host, connection
        connection.setblocking(False)
        self._waiting = bytearray()

    def arrive(self, message: Message, *, whole: bool) -> int:
        """Pass on to the host what the guest writes."""
        self._flush()
        if len(self._waiting) >= CHUNK:
            raise WouldBlock
        self._waiting += message.data
        self._flush()
        return len(message.data)

    def _flush(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: self._connection.send(self._waiting)]
        except BlockingIOError:
            self._connection.settimeout(1.0)
            try:
                del self._waiting[: self._connection.send(self._waiting)]
            except OSError:
                pass
            finally:
                self._connection.setblocking(False)
        except OSError:
            self._waiting.clear()
            self.ended = True

    def take(self) -> None:
        """Bytes have come from the host, or its end."""
        peer = self.peer
        try:
            data = self._connection.recv(CHUNK) if peer is not None else b""
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and peer is not None:
            peer.queue.append(Message(data, self.name))
            peer.held += len(data)
            peer.activity += 1
        else:
            self._host.sources.pop(self._connection.fileno(), None)
            if peer is not None:
                peer._end()

    def _end(self) -> None:
        """The guest writes no more."""
        super()._end()
        self._flush()
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        if self.peer is None or self.peer.users == 0:
            self._host.sources.pop(self._connection.fileno(), None)
            self._connection.close()


def forward(k: Kernel, port: int, guest: int) -> None:
    """Listen on a port of the host's 127.0.0.1 for a listener of the machine.

    Raises:
      GuestError: the host's port cannot be had.
    """
    if k.host is None:
        k.host = Host()
    network = k.network
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise GuestError(f"port {port} of 127.0.0.1: {error.strerror}") from None
    network.forwards = True

    def connection() -> None:
        host = k.host  # a terminal attached since then has brought its own
        assert host is not None
        outside, (_, source) = listener.accept()
        end = Outside(network, host, outside)
        end.name = Endpoint(LOOPBACK4, source).sockaddr(AF_INET)
        called = Endpoint(LOOPBACK4, guest)
        try:
            network.at(STREAM, called).answer(end, called.sockaddr(AF_INET))
        except LinuxError:
            outside.close()
            return
        host.sources[outside.fileno()] = end.take

    k.host.sources[listener.fileno()] = connection
    k.host.resources.append(listener)
