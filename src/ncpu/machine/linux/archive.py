"""Tar archives as root file systems: an index of nodes whose content stays in the archive.

An archive is hostile until read: every entry ends up inside the guest's tree or is refused with
`RootError`.  Absolute names start at the guest's root, names with `..` are refused, links are
guest paths, devices are what their number says (`devices.DEVICES`) or cannot be opened, a later
entry of the same name replaces the earlier one, and decompression stops at a limit.
"""

from __future__ import annotations

import lzma
import math
import os
import tarfile
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from ncpu.machine.errors import RootError
from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import LinuxError
from ncpu.machine.linux.decompress import plain
from ncpu.machine.linux.devices import DEVICES
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.host_calls import to_errno
from ncpu.machine.linux.inodes import ABSENT, Device, Node, Pipe, Symlink
from ncpu.machine.linux.rootfs import LayeredFile

if TYPE_CHECKING:
    from ncpu.machine.linux.files import Files

BLOCK = 512
HEADER_LIMIT = 1 << 20  # the longest name or attribute list that an entry may carry
_DAMAGE = (
    *(tarfile.TarError, OSError, EOFError, ValueError, OverflowError, zlib.error, lzma.LZMAError),
    *(RecursionError, MemoryError, KeyError, IndexError),
)


def fill(files: Files, path: str | os.PathLike[str]) -> None:
    """Enter an archive's contents into `files`, whose root is empty.

    Args:
      files: the tree.
      path: a tar archive, plain or compressed with gzip, xz, bzip2 or zstd; kept open.

    Raises:
      RootError: it cannot be read, is damaged, or holds an entry that is refused.
    """
    try:
        with _damage(path), plain(path) as source:
            _Reader(files, source).read_all()
    except LinuxError as error:
        raise RootError(f"{path}: {error.errno.name} while reading its entries") from error


@contextmanager
def _damage(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except RootError as error:
        raise RootError(f"{path}: {error}") from None
    except _DAMAGE as error:
        words = str(error) or type(error).__name__
        raise RootError(f"{path} cannot be read as a tar archive: {words}") from error


class _Source:
    """The open archive, for as long as a file of the tree is in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self.fd)
        self.size = os.fstat(self.fd).st_size


class Extent:
    """A stretch of the archive: one file's content."""

    def __init__(self, source: _Source, offset: int, size: int) -> None:
        self.source, self.offset, self.size = source, offset, size

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`."""
        count = max(min(count, self.size - offset), 0)
        try:
            return os.pread(self.source.fd, count, self.offset + offset)
        except OSError as error:
            raise LinuxError(to_errno(error)) from None


class _Headers:
    """What `tarfile` reads from: headers of bounded length, so that none can ask for memory."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source

    def read(self, size: int) -> bytes:
        if size > HEADER_LIMIT:
            raise RootError(f"an entry's header of {size} bytes: at most {HEADER_LIMIT} accepted")
        return self.source.read(size)

    def seek(self, offset: int) -> int:
        return self.source.seek(offset)

    def tell(self) -> int:
        return self.source.tell()


class _Reader:
    def __init__(self, files: Files, file: IO[bytes]) -> None:
        self.files, self.file = files, file
        self.source = _Source(file)

    def read_all(self) -> None:
        """Enter every entry, in order."""
        count = 0
        with tarfile.open(
            fileobj=cast(Any, _Headers(self.file)),
            mode="r:",
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive:
            for info in archive:
                self._enter(info)
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                count += 1
            # tarfile takes any damaged header after the first for the end.
            rest = os.pread(self.source.fd, BLOCK, archive.offset)  # type: ignore[attr-defined]
        if rest.strip(b"\0") and count:
            raise RootError(f"damaged after {count} entries")
        if not count:
            raise RootError("holds no entries: a tar archive of a root file system is accepted")

    def _enter(self, info: tarfile.TarInfo) -> None:
        parts = _parts(info.name, info.name)
        if not parts:
            if info.isdir():
                self._describe(self.files.root, info)
            return
        parent, name = self._parent(parts, info.name), parts[-1]
        old = parent.lookup(name)
        if info.isdir():
            self._directory(parent, name, old, info)
            return
        if isinstance(old, Directory):
            raise RootError(f"entry {info.name!r} would replace a folder")
        node = self._linked(info) if info.islnk() else self._make(info)
        if node is old:
            return
        if old is not None:
            parent.unlink(name)
        if info.islnk():
            parent.link(name, node)
        else:
            parent.attach(name, node)
            self._describe(node, info)

    def _parent(self, parts: list[bytes], whole: str) -> Directory:
        """The folder an entry goes to, made where missing, through links of the tree."""
        here = self.files.root
        for part in parts[:-1]:
            try:
                node = self.files.walk(here, part).node
            except LinuxError as error:
                raise RootError(f"entry {whole!r}: {error.errno.name} on the way") from None
            node = node or here.mkdir(part, 0o755, 0, 0)
            if not isinstance(node, Directory):
                raise RootError(f"entry {whole!r} lies below something that is no folder")
            here = node
        return here

    def _directory(
        self, parent: Directory, name: bytes, old: Node | None, info: tarfile.TarInfo
    ) -> None:
        if isinstance(old, Symlink):
            # A link to a folder stays (`lib` to `usr/lib`): the folder's entries go there.
            try:
                old = self.files.walk(parent, name).node
            except LinuxError:
                old = None
        if not isinstance(old, Directory):
            if parent.lookup(name) is not None:
                parent.unlink(name)
            old = parent.mkdir(name, 0o755, 0, 0)
        self._describe(old, info)

    def _make(self, info: tarfile.TarInfo) -> Node:
        fs = self.files.fs
        if info.issym():
            target = _encode(info.linkname, info.name)
            if not 0 < len(target) < abi.PATH_MAX:
                raise RootError(f"link {info.name!r} has a target of {len(target)} bytes")
            return Symlink(fs, target)
        if info.isfifo():
            return Pipe(fs)
        if info.isdev():
            return self._device(info)
        if info.issparse():
            raise RootError(f"entry {info.name!r} is sparse: pack it without --sparse")
        if not 0 <= info.size <= self.source.size - info.offset_data:
            raise RootError(f"entry {info.name!r} ends beyond the archive: truncated")
        below = Extent(self.source, info.offset_data, info.size)
        return LayeredFile(fs, info.mode, 0, 0, below)

    def _device(self, info: tarfile.TarInfo) -> Node:
        try:
            number = abi.device(info.devmajor & 0xFFF, info.devminor & 0xFFFFF)
        except (TypeError, ValueError):
            number = 0
        drivers = {rdev: name for name, rdev in DEVICES.items() if not name.startswith("std")}
        driver = drivers.get(number, ABSENT) if info.ischr() else ABSENT
        node = Device(self.files.fs, driver, number)
        if not info.ischr():
            node.mode = abi.S_IFBLK | node.mode & 0o7777
        return node

    def _linked(self, info: tarfile.TarInfo) -> Node:
        parts = _parts(info.linkname, info.name)
        try:
            node = self.files.walk(self.files.root, b"/" + b"/".join(parts), follow=False).node
        except LinuxError:
            node = None
        if node is None or isinstance(node, Directory):
            raise RootError(f"entry {info.name!r} is a link to {info.linkname!r}, no earlier file")
        return node

    @staticmethod
    def _describe(node: Node, info: tarfile.TarInfo) -> None:
        """Owner, permissions and time from the entry."""
        node.uid, node.gid = info.uid & 0xFFFFFFFF, info.gid & 0xFFFFFFFF
        if not isinstance(node, Symlink):
            node.mode = node.mode & abi.S_IFMT | info.mode & 0o7777
        seconds = info.mtime if math.isfinite(info.mtime) else 0
        stamp = int(min(max(seconds, 0), 1 << 33) * abi.SECOND)
        node.atime = node.mtime = node.ctime = stamp


def _encode(text: str, whole: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise RootError(f"entry {whole!r} has a NUL byte in its name")
    return data


def _parts(text: str, whole: str) -> list[bytes]:
    """The components of a name from the root of the tree on."""
    name = _encode(text, whole)
    parts = [p for p in name.split(b"/") if p not in (b"", b".")]
    if b".." in parts:
        raise RootError(f"entry {whole!r} has '..' in its path: refused")
    if any(len(p) > abi.NAME_MAX for p in parts) or len(name) >= abi.PATH_MAX:
        raise RootError(f"entry {whole[:60]!r}... has a name that is too long")
    return parts
