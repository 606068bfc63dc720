"""Asking the host about files: what its failures are to the guest, which names may be asked for."""

from __future__ import annotations

import errno as host_errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ncpu.machine.linux.abi import Errno, LinuxError

FILE_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def to_errno(error: OSError) -> Errno:
    """The guest's errno for a host failure; EIO where there is no counterpart."""
    name = host_errno.errorcode.get(error.errno or 0, "EIO")
    # The host's limit on open files is no limit of the guest's process.
    name = {"EMFILE": "ENFILE", "ENOTSUP": "EOPNOTSUPP"}.get(name, name)
    return Errno.__members__.get(name, Errno.EIO)


@contextmanager
def host_errors() -> Iterator[None]:
    """Host errors inside become the guest's."""
    try:
        yield
    except OSError as error:
        raise LinuxError(to_errno(error)) from None
    except (ValueError, OverflowError):
        raise LinuxError(Errno.EINVAL) from None


def component(name: bytes) -> bytes:
    """`name`, certain to mean an entry of the directory it is used with."""
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise LinuxError(Errno.EINVAL)
    return name
