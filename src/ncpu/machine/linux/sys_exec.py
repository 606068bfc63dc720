"""execve(2), execveat(2): another program in the same process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ncpu.machine import elf, word
from ncpu.machine.errors import CommandError, ElfError
from ncpu.machine.linux import abi, command, futex, mappings, timing
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.inodes import Symlink
from ncpu.machine.linux.lane import Lane
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.space import Space
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

MAX_STRINGS = 1 << 17


def _strings(k: Kernel, pointer: int) -> list[bytes]:
    """A NULL-terminated array of strings; E2BIG beyond what a stack takes."""
    found: list[bytes] = []
    size, limit = 0, k.space.stack[1] - k.space.stack[0]
    while pointer:
        (address,) = k.lane.unpack("Q", pointer + 8 * len(found))
        if not address:
            break
        try:
            found.append(k.lane.cstring(address, elf.STRING_LIMIT))
        except LinuxError as error:
            too_long = error.errno == Errno.ENAMETOOLONG
            raise LinuxError(Errno.E2BIG) if too_long else error from None
        size += len(found[-1]) + 9
        if size > limit // 4 or len(found) > MAX_STRINGS:
            raise LinuxError(Errno.E2BIG)
    return found


def _load(k: Kernel, found: command.Command, env: list[bytes]) -> elf.Image:
    p = k.process
    try:
        return elf.load(
            found.data,
            found.argv,
            env,
            memory=k.space.size,
            stack=k.space.stack[1] - k.space.stack[0],
            seed=p.entropy.getrandbits(32),
            execfn=found.execfn,
            uid=p.uids[1],
            gid=p.gids[1],
            interpreter=command.interpreter(k.files, p.who),
        )
    except CommandError:
        raise LinuxError(Errno.ENOENT) from None
    except ElfError as error:
        text = str(error)
        if "arguments and environment" in text:
            raise LinuxError(Errno.E2BIG) from None
        raise LinuxError(Errno.ENOMEM if "give more memory" in text else Errno.ENOEXEC) from None


def _execute(k: Kernel, found: command.Command, env: list[bytes]) -> None:
    p, thread = k.process, k.thread
    assert k.tasks is not None
    alone = k.space.users == 1
    k.tasks.require_memory(k.space.size, freed=k.space.size if alone else 0)
    image = _load(k, found, env)
    # From here on there is no way back.
    for other in p.threads.values():
        futex.leave(k, other)
    mappings.write_back(k, k.space.maps)
    _become(p)
    mem = k.lane.state
    k.space.mem, k.space.perm = mem.mem, mem.perm  # a vfork parent goes on with them
    k.tasks.release_space(p)
    p.space = Space.from_image(image)
    p.describe(image, found.path)
    p.text, p.code_changed, k.code_changed, p.executed = None, False, False, True
    for fd in [fd for fd, d in p.fds.items() if d.cloexec]:
        p.close(fd)
    retired = word.to_limbs(thread.retired)
    k.lane = Lane(image.state.replace(retired=np.asarray(retired, np.uint32)))


def _become(p: Process) -> None:
    """What a process loses with its program: handlers, other threads, an alternate stack."""
    thread = p.thread
    p.cpu_ended += sum(t.instructions for t in p.threads.values() if t is not thread)
    thread.tid = p.pid
    p.threads = {p.pid: thread}
    kept = {n: a for n, a in p.actions.items() if a.handler == abi.SIG_IGN}
    p.actions = {n: replace(a, flags=0, restorer=0, mask=0) for n, a in kept.items()}
    thread.altstack = (0, abi.SS_DISABLE, 0)
    thread.clear_tid, thread.robust_list = 0, (0, 0)
    for timer in p.timers.values():
        timing.forget(p, timer)
    p.dumpable, p.timers = 1, {}


@syscall("execve", "www")
def execve(k: Kernel, path: int, argv: int, envp: int) -> int | None:
    """execve(2)."""
    return execveat(k, abi.AT_FDCWD, path, argv, envp, 0)


@syscall("execveat", "iwwwi")
def execveat(k: Kernel, dirfd: int, path: int, argv: int, envp: int, flags: int) -> int | None:
    """execveat(2)."""
    if k.tasks is None:
        k.missing("execve")
    if flags & ~(abi.AT_EMPTY_PATH | abi.AT_SYMLINK_NOFOLLOW):
        raise LinuxError(Errno.EINVAL)
    name = k.lane.cstring(path)
    arguments, env = _strings(k, argv), _strings(k, envp)
    if not name and flags & abi.AT_EMPTY_PATH:
        found = command.of_node(k.files, k.file(dirfd).node, dirfd, arguments, k.process.who)
    else:
        start = k.start(dirfd, name)
        if flags & abi.AT_SYMLINK_NOFOLLOW:
            node = k.files.walk(start, name, follow=False, who=k.process.who).existing()
            if isinstance(node, Symlink):
                raise LinuxError(Errno.ELOOP)
        found = command.resolve(k.files, name, arguments, start=start, who=k.process.who)
    _execute(k, found, env)
    return None
