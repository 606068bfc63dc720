"""Archives uncompressed: gzip, xz, bzip2 and zstd, up to a limit."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import tempfile
from typing import IO, Any, cast

from ncpu.machine.errors import RootError

PIECE = 1 << 20
# Real root file systems unpack to 3 to 10 times their size.
FREE, RATIO, TOTAL = 256 << 20, 100, 32 << 30
_OPENERS = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\0": lzma.open, b"BZh": bz2.open}
_ZSTD = b"\x28\xb5\x2f\xfd"


def plain(path: str | os.PathLike[str]) -> IO[bytes]:
    """The archive uncompressed: the file itself, or a nameless temporary one."""
    # Unbuffered: zstd reads on from this very descriptor.
    with open(path, "rb", buffering=0) as file:
        head = file.read(6)
        opener = next((o for magic, o in _OPENERS.items() if head.startswith(magic)), None)
        if opener is None and not head.startswith(_ZSTD):
            return open(path, "rb")
        limit = min(max(FREE, RATIO * os.fstat(file.fileno()).st_size), TOTAL)
        file.seek(0)
        if opener is None:
            return _zstd(file, limit)
        with opener(file) as stream:
            return _spool(cast(Any, stream), limit)


def _zstd(file: IO[bytes], limit: int) -> IO[bytes]:
    tool = shutil.which("zstd")
    if tool is None:
        raise RootError("zstd is not installed: it is needed for archives compressed with it")
    with subprocess.Popen(
        [tool, "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        try:
            plain = _spool(process.stdout, limit)
        except BaseException:
            process.kill()
            raise
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        plain.close()
        raise RootError(f"zstd: {words or process.returncode}")
    return plain


def _spool(stream: IO[bytes], limit: int) -> IO[bytes]:
    """All of a stream in a temporary file."""
    plain = tempfile.TemporaryFile(prefix="ncpu-root-")  # noqa: SIM115 - the caller closes it
    try:
        while piece := stream.read(PIECE):
            if plain.tell() + len(piece) > limit:
                raise RootError(f"unpacks to more than {limit} bytes, {RATIO} times its size")
            plain.write(piece)
        plain.flush()
        plain.seek(0)
    except BaseException:
        plain.close()
        raise
    return plain
