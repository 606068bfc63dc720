"""Sending to and receiving from sockets."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, sys_io
from ncpu.machine.linux.abi import Errno, LinuxError, Signal, WouldBlock
from ncpu.machine.linux.addresses import AF_UNIX, INTERNET, translate
from ncpu.machine.linux.conditions import AllArrived, Partly, RoomToSend
from ncpu.machine.linux.open_file import OpenFile
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.socket_names import bind_to_any, destination, find, reached_from
from ncpu.machine.linux.sockets import DGRAM, STREAM, Message, SocketOpen
from ncpu.machine.linux.sys_socket import put_name, socket_of
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

PEEK, TRUNC, DONTWAIT, WAITALL, NOSIGNAL = 2, 0x20, 0x40, 0x100, 0x4000
CMSG_CLOEXEC, CTRUNC = 0x40000000, 8
SOL_SOCKET, SCM_RIGHTS = 1, 1
MAX_RIGHTS = 253


def _send(
    k: Kernel, sock: SocketOpen, data: bytes, flags: int, to: tuple[int, int], files: list[OpenFile]
) -> int:
    """Send bytes, all of them unless told not to wait."""
    done = k.resumed.data if k.resumed is not None else 0
    peer, sender = _receiver(k, sock, to) if to[0] and sock.kind == DGRAM else (None, sock.name)
    waits = sock.blocking and not flags & DONTWAIT
    try:
        message = Message(data[done:], sender, [] if done else files)
        done += sock.send(message) if peer is None else peer.arrive(message, whole=True)
        if done == len(data) or not waits:
            return done
    except WouldBlock:
        if not waits:
            if done:
                return done
            raise
    except LinuxError as error:
        if error.errno == Errno.EPIPE and sock.kind != DGRAM and not flags & NOSIGNAL:
            info = abi.siginfo_kill(Signal.SIGPIPE, abi.SI_USER, k.process.pid, 0)
            k.send(k.process, Signal.SIGPIPE, info, k.thread)
        if done:
            return done
        raise
    need = len(data) - done if sock.packets else 1
    k.block(
        Wait(
            RoomToSend(sock, peer or sock.peer, need),
            input=sock.host,
            interrupted=Partly(done) if done else None,
            data=done,
        )
    )


def _receiver(k: Kernel, sock: SocketOpen, to: tuple[int, int]) -> tuple[SocketOpen, bytes]:
    """The socket that a datagram is for, and the sender's address as it is seen there."""
    called = destination(k, sock, *to)
    bind_to_any(k, sock)
    try:
        peer = find(k, sock, called)
    except LinuxError as error:
        if sock.domain not in INTERNET or error.errno != Errno.ECONNREFUSED:
            raise
        peer = SocketOpen(k.network, sock.domain, DGRAM, 0)  # nobody's: the datagram is lost
    return peer, reached_from(sock, called)


def _receive(k: Kernel, sock: SocketOpen, count: int, flags: int) -> Message:
    try:
        message = sock.receive(count, peek=bool(flags & PEEK))
    except WouldBlock:
        if flags & DONTWAIT or not sock.blocking:
            raise
        sys_io.await_input(k, sock, k.deadline(_timeout(sock)))
    if flags & WAITALL and sock.kind == STREAM and not flags & PEEK:
        got = len(message.data)
        if got < count and not sock.ended and sock.blocking:
            sock.queue.appendleft(message)
            sock.held += got
            k.block(Wait(AllArrived(sock, count), input=sock.host))
    return message


def _sender(sock: SocketOpen, message: Message) -> bytes:
    """Who sent a message, as its receiver is told: nothing of a stream's."""
    return translate(message.sender, sock.domain) if sock.packets else b""


def _timeout(sock: SocketOpen) -> int | None:
    raw = sock.options.get((SOL_SOCKET, 20), b"")  # SO_RCVTIMEO
    if len(raw) < 16:
        return None
    seconds, micro = struct.unpack("<qq", raw[:16])
    return (seconds * 1_000_000 + micro) * 1000 or None


@syscall("sendto", "iwwuwu")
def sendto(k: Kernel, fd: int, buffer: int, size: int, flags: int, to: int, length: int) -> int:
    """sendto(2)."""
    sock = socket_of(k, fd)
    data = k.lane.read(buffer, min(size, abi.MAX_RW))
    return _send(k, sock, data, flags, (to, length), [])


@syscall("recvfrom", "iwwuww")
def recvfrom(
    k: Kernel, fd: int, buffer: int, size: int, flags: int, source: int, length: int
) -> int:
    """recvfrom(2)."""
    sock = socket_of(k, fd)
    size = min(size, abi.MAX_RW)
    if size and not k.lane.extent(buffer, size, 2):
        raise LinuxError(Errno.EFAULT)
    if k.resumed is not None and k.passed(k.resumed.until):
        raise LinuxError(Errno.EAGAIN)
    message = _receive(k, sock, size, flags)
    k.lane.write(buffer, message.data[:size])
    if source:
        put_name(k, _sender(sock, message), source, length)
    whole = sock.packets and flags & TRUNC
    return len(message.data) if whole else min(len(message.data), size)


@syscall("sendmsg", "iwu")
def sendmsg(k: Kernel, fd: int, pointer: int, flags: int) -> int:
    """sendmsg(2), with SCM_RIGHTS."""
    sock = socket_of(k, fd)
    name, length, iov, count, control, size = k.lane.unpack("QI4xQQQQ", pointer)
    data = b"".join(k.lane.read(a, n) for a, n in sys_io.vector(k, iov, count))
    files = []
    if control and size and sock.domain == AF_UNIX:
        files = _rights(k, k.lane.read(control, min(size, 1 << 16)))
    return _send(k, sock, data, flags, (name, length), files)


def _rights(k: Kernel, control: bytes) -> list[OpenFile]:
    files = []
    while len(control) >= 16:
        length, level, kind = struct.unpack_from("<Qii", control)
        if length < 16 or length > len(control):
            raise LinuxError(Errno.EINVAL)
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
            fds = struct.unpack(f"<{(length - 16) // 4}i", control[16 : length - length % 4])
            files += [k.file(fd) for fd in fds]
        control = control[(length + 7) & ~7 :]
    if len(files) > MAX_RIGHTS:
        raise LinuxError(Errno.EINVAL)
    return files


@syscall("recvmsg", "iwu")
def recvmsg(k: Kernel, fd: int, pointer: int, flags: int) -> int:
    """recvmsg(2)."""
    sock = socket_of(k, fd)
    name, space, iov, count, control, size = k.lane.unpack("QI4xQQQQ", pointer)
    pieces = sys_io.vector(k, iov, count)
    room = sum(n for _, n in pieces)
    message = _receive(k, sock, room, flags)
    rest = message.data[:room]
    for address, length in pieces:
        k.lane.write(address, rest[:length])
        rest = rest[length:]
    result = TRUNC if sock.packets and len(message.data) > room else 0
    fits = max(size - 16, 0) // 4 if control else 0
    fds = []
    for file in message.files if not flags & PEEK else []:
        try:
            if len(fds) == fits:
                raise LinuxError(Errno.EMFILE)
            fds.append(k.process.install(file, cloexec=bool(flags & CMSG_CLOEXEC)))
        except LinuxError:
            fits, result = len(fds), result | CTRUNC
        file.release()
    written = 0
    if fds:
        head = struct.pack("<Qii", 16 + 4 * len(fds), SOL_SOCKET, SCM_RIGHTS)
        k.lane.write(control, head + struct.pack(f"<{len(fds)}i", *fds))
        written = min((16 + 4 * len(fds) + 7) & ~7, size)
    sender = _sender(sock, message)
    if name:
        k.lane.write(name, sender[:space])
    k.lane.pack("I", pointer + 8, len(sender))
    k.lane.pack("QI", pointer + 40, written, result)
    return len(message.data) if sock.packets and flags & TRUNC else min(len(message.data), room)
