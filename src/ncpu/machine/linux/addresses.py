"""Addresses of sockets: sockaddr_in and sockaddr_in6 read and written (ip(7), ipv6(7))."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ncpu.machine.linux.abi import Errno, LinuxError

AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6 = 0, 1, 2, 10
INTERNET = (AF_INET, AF_INET6)
ANY4, LOOPBACK4, BROADCAST4 = bytes(4), b"\x7f\0\0\1", b"\xff" * 4
ANY6, LOOPBACK6 = bytes(16), bytes(15) + b"\1"
MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, IPv4 as IPv6 shows it
# What IPv4 is told where the other end has an address of IPv6 alone (LOOPBACK4_IPV6 of Linux).
FOREIGN4 = b"\x7f\0\0\6"
SHORTEST = {AF_INET: 16, AF_INET6: 24}  # sockaddr_in6 was shorter once (RFC 2133)


@dataclass(frozen=True)
class Endpoint:
    """A port of an internet address.

    Attributes:
      address: 4 bytes of IPv4, which is also what an IPv4-mapped one becomes, or 16 of IPv6.
      port: 0 is none yet.
    """

    address: bytes
    port: int = 0

    @property
    def unspecified(self) -> bool:
        """0.0.0.0 or ::."""
        return not any(self.address)

    @property
    def own(self) -> bool:
        """Whether the machine has the address, so that a socket can be bound to it."""
        loopback = self.address[0] == 127 if len(self.address) == 4 else self.address == LOOPBACK6
        return loopback or self.unspecified or self.address == BROADCAST4

    @property
    def loopback(self) -> bytes:
        """The address of the loopback interface of the same kind."""
        return LOOPBACK4 if len(self.address) == 4 else LOOPBACK6

    def destination(self) -> Endpoint:
        """Where a packet for it goes: an unspecified address is the loopback; ENETUNREACH."""
        if self.unspecified:
            return Endpoint(self.loopback, self.port)
        if not self.own or self.address == BROADCAST4:
            raise LinuxError(Errno.ENETUNREACH)
        return self

    def sockaddr(self, family: int) -> bytes:
        """struct sockaddr_in or sockaddr_in6."""
        head = struct.pack("<H", family) + struct.pack(">H", self.port)
        if family == AF_INET:
            return head + (self.address if len(self.address) == 4 else FOREIGN4) + bytes(8)
        wide = self.address if len(self.address) == 16 else MAPPED + self.address
        return head + bytes(4) + wide + bytes(4)


def family_of(sockaddr: bytes) -> int:
    """The family a sockaddr starts with."""
    return int.from_bytes(sockaddr[:2], "little")


def parse(sockaddr: bytes) -> Endpoint:
    """The endpoint of a sockaddr of either family; EINVAL where it is cut short."""
    family = family_of(sockaddr)
    if len(sockaddr) < SHORTEST[family]:
        raise LinuxError(Errno.EINVAL)
    port = int.from_bytes(sockaddr[2:4], "big")
    if family == AF_INET:
        return Endpoint(sockaddr[4:8], port)
    return Endpoint(sockaddr[8:24].removeprefix(MAPPED), port)


def translate(sockaddr: bytes, family: int) -> bytes:
    """An address as a socket of that family is told it: IPv4 is IPv4-mapped in IPv6."""
    if not sockaddr or family not in INTERNET or family_of(sockaddr) == family:
        return sockaddr
    return parse(sockaddr).sockaddr(family)


def unnamed(family: int) -> bytes:
    """The address of a socket that has none."""
    if family not in INTERNET:
        return struct.pack("<H", family)
    return Endpoint(ANY4 if family == AF_INET else ANY6).sockaddr(family)
