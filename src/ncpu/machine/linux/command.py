"""From a command to the file that runs it: PATH, `#!` scripts, interpreters, permissions.

What execve(2) and the shell's search do before any memory is made; sources: `fs/exec.c` and
`fs/binfmt_script.c` of Linux, execvp(3).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ncpu.machine.errors import CommandError
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.access import ROOT, Credentials, X
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.inodes import File, Node
from ncpu.machine.linux.paths import Found

DEFAULT_PATH = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HEAD = 256  # BINPRM_BUF_SIZE: how much of a script's first line counts
MAX_SCRIPTS = 5
MAX_FILE = 1 << 30
NOT_FOUND, NOT_EXECUTABLE = 127, 126


@dataclass(frozen=True)
class Command:
    """A program of the guest's tree about to be started.

    Attributes:
      data: the executable file.
      path: where it is, absolute and without links: what /proc/self/exe names.
      execfn: the path that was asked for, a script's too: AT_EXECFN.
      argv: its arguments, with what `#!` lines put in front.
    """

    data: bytes
    path: bytes
    execfn: bytes
    argv: tuple[bytes, ...]


def resolve(
    files: Files,
    path: bytes,
    argv: Sequence[bytes],
    *,
    start: Directory | None = None,
    who: Credentials = ROOT,
) -> Command:
    """What execve(2) of `path` runs.

    Raises:
      LinuxError: as execve(2): ENOENT, EACCES, ENOTDIR, ELOOP, ENOEXEC for what is neither a
        program nor a script.
    """
    start = start or files.root
    execfn, arguments = path, tuple(argv) or (b"",)
    for _ in range(MAX_SCRIPTS + 1):
        found = files.walk(start, path, who=who)
        data = _executable(found, who)
        if not data.startswith(b"#!"):
            if not data.startswith(b"\x7fELF"):
                raise LinuxError(Errno.ENOEXEC)
            where = files.path_of(found.parent).rstrip(b"/") + b"/" + found.name
            return Command(data, where, execfn, arguments)
        interpreter, *option = _script(data)
        arguments = (interpreter, *option, path, *arguments[1:])
        path = interpreter
    raise LinuxError(Errno.ELOOP)


def of_node(files: Files, node: Node, fd: int, argv: Sequence[bytes], who: Credentials) -> Command:
    """What execveat(2) of an open file runs; scripts would need a name and are refused."""
    path = b"/dev/fd/%d" % fd
    data = _executable(Found(files.root, path, node, False), who)
    if not data.startswith(b"\x7fELF"):
        raise LinuxError(Errno.ENOEXEC)
    return Command(data, path, path, tuple(argv) or (b"",))


def find(files: Files, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Command:
    """The command that execvp(3) means by a name, looked up in PATH where it has no slash.

    Raises:
      CommandError: there is none (127), or it cannot be executed (126).
    """
    words = [os.fsencode(word) for word in argv]
    asked = os.fsencode(name)
    places = [asked]
    if b"/" not in asked:
        path = os.fsencode(env["PATH"]) if "PATH" in env else DEFAULT_PATH
        places = [os.path.join(folder, asked) for folder in path.split(b":")]
    worst = Errno.ENOENT
    for place in places if asked else []:
        try:
            return resolve(files, place, words)
        except LinuxError as error:
            # As execvp: a file that may not be run is remembered while the search goes on.
            if error.errno not in (Errno.ENOENT, Errno.ENOTDIR):
                worst = error.errno
    text = os.strerror(worst) if worst != Errno.ENOENT or b"/" in asked else "command not found"
    code = NOT_FOUND if worst == Errno.ENOENT else NOT_EXECUTABLE
    raise CommandError(f"{name or 'no command'}: {text}", code)


def interpreter(files: Files, who: Credentials = ROOT) -> Callable[[bytes], bytes]:
    """For `elf.load`: reads the dynamic linker that a program asks for from the guest's tree."""

    def read(path: bytes) -> bytes:
        try:
            return _executable(files.walk(files.root, path, who=who), who)
        except LinuxError as error:
            raise CommandError(
                f"the program asks for the dynamic linker {os.fsdecode(path)}: "
                f"{os.strerror(error.errno)} in its root file system (--rootfs gives one)",
                NOT_FOUND if error.errno == Errno.ENOENT else NOT_EXECUTABLE,
            ) from None

    return read


def _executable(found: Found, who: Credentials) -> bytes:
    """The content of a regular file that may be executed; EACCES, ENOENT, ENOTDIR."""
    node = found.existing()
    if not isinstance(node, File) or not who.may(node, X):
        raise LinuxError(Errno.EACCES)
    if node.size > MAX_FILE:
        raise LinuxError(Errno.ENOMEM)
    return node.read(0, node.size)


def _script(data: bytes) -> list[bytes]:
    """Interpreter and, where there is one, the single argument of a `#!` line."""
    line = data[2:HEAD].split(b"\n")[0].split(b"\0")[0].strip(b" \t")
    if not line:
        raise LinuxError(Errno.ENOEXEC)
    return [word.strip(b" \t") for word in line.replace(b"\t", b" ", 1).split(b" ", 1)]
