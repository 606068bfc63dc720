"""The table of open files of a machine: how many there are in all, and may be (ENFILE)."""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.machine.linux.abi import Errno, LinuxError

MAX_FILES = 1 << 16


@dataclass
class FileTable:
    """The count of a machine's open files: those of descriptors, and those passed along.

    An open file that descriptors share counts once. The limit keeps the host responsive, so that
    it binds the guest's root, too, unlike that of Linux.

    Attributes:
      limit: most open files: /proc/sys/fs/file-max.
      count: open files.
    """

    limit: int = MAX_FILES
    count: int = 0

    def require(self, count: int = 1) -> None:
        """ENFILE unless there may be so many more."""
        if self.count + count > self.limit:
            raise LinuxError(Errno.ENFILE)
