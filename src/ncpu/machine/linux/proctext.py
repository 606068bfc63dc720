"""The texts of /proc (proc(5)): each a function of the kernel, or of it and a process."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.process import INFINITY, Process
from ncpu.machine.state import EXEC, PAGE, READ, WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.services import Services

_LIMITS = (
    *(("Max cpu time", "seconds"), ("Max file size", "bytes"), ("Max data size", "bytes")),
    *(("Max stack size", "bytes"), ("Max core file size", "bytes"), ("Max resident set", "bytes")),
    *(("Max processes", "processes"), ("Max open files", "files")),
    *(("Max locked memory", "bytes"), ("Max address space", "bytes"), ("Max file locks", "locks")),
    *(("Max pending signals", "signals"), ("Max msgqueue size", "bytes")),
    *(("Max nice priority", ""), ("Max realtime priority", ""), ("Max realtime timeout", "us")),
)


def _letter(p: Process) -> str:
    if not p.alive:
        return "Z"
    if p.stopped is not None:
        return "T"
    return "S" if all(t.wait is not None for t in p.threads.values()) else "R"


def _stat(k: Services, p: Process) -> bytes:
    tick, scale = abi.SECOND // 100, p.clock.per_instruction
    terminal = abi.device(4, 64) if k.terminal and k.terminal.session == p.sid else 0
    group = k.terminal.foreground if terminal and k.terminal else -1
    pages = 0 if not p.alive else int(p.space.mapped.sum())
    started = p.started // tick
    head = (p.ppid, p.pgid, p.sid, terminal, group, 0, 0, 0, 0, 0)
    times = (p.cpu * scale // tick, 0, p.cpu_children * scale // tick, 0)
    tail = (20 + p.nice, p.nice, len(p.threads), 0, started, pages * PAGE, pages, INFINITY)
    numbers = " ".join(map(str, (*head, *times, *tail)))
    return (
        b"%d (%s) %s %s" % (p.pid, p.name, _letter(p).encode(), numbers.encode())
        + b" 0" * 27
        + b"\n"
    )


def _bits(numbers: set[int]) -> str:
    return f"{sum(signals.bit(n) for n in numbers):016x}"


def _status(k: Services, p: Process) -> bytes:
    names = {"R": "running", "S": "sleeping", "T": "stopped", "Z": "zombie"}
    letter = _letter(p)
    handlers = {n: a.handler for n, a in p.actions.items() if a.handler != abi.SIG_DFL}
    kb = 0 if not p.alive else int(p.space.mapped.sum()) * 4
    rows = [
        ("Name", p.name.decode(errors="replace")),
        ("Umask", f"{p.umask:04o}"),
        ("State", f"{letter} ({names[letter]})"),
        ("Tgid", p.pid),
        ("Pid", p.pid),
        ("PPid", p.ppid),
        ("TracerPid", 0),
        ("Uid", "\t".join(map(str, (*p.uids, p.uids[1])))),
        ("Gid", "\t".join(map(str, (*p.gids, p.gids[1])))),
        ("FDSize", max(64, len(p.fds))),
        ("Groups", " ".join(map(str, p.groups))),
        ("VmPeak", f"{kb:8} kB"),
        ("VmSize", f"{kb:8} kB"),
        ("VmRSS", f"{kb:8} kB"),
        ("Threads", len(p.threads)),
        ("SigPnd", _bits(set(p.thread.pending))),
        ("ShdPnd", _bits(set(p.pending))),
        ("SigBlk", f"{p.thread.mask:016x}"),
        ("SigIgn", _bits({n for n, h in handlers.items() if h == abi.SIG_IGN})),
        ("SigCgt", _bits({n for n, h in handlers.items() if h != abi.SIG_IGN})),
    ]
    return "".join(f"{name}:\t{value}\n" for name, value in rows).encode()


def regions(k: Services, p: Process) -> list[tuple[int, int, int, bytes]]:
    """Mapped ranges: (start, end, permissions, name)."""
    s = p.space
    perm = k.lane.perm if p is k.process else np.asarray(s.perm)
    owner = np.zeros(len(s.mapped), np.int64)
    for index, m in enumerate(s.maps, 1):
        owner[s.pages(m.address, m.length)] = index
    owner[s.pages(s.stack[0], s.stack[1] - s.stack[0])] = -1
    if s.brk > s.brk_start:
        owner[s.pages(s.brk_start, s.brk - s.brk_start)] = -2
    owner[s.pages(s.trampoline, PAGE)] = -3
    names = {-1: b"[stack]", -2: b"[heap]", -3: b"[vdso]", 0: b""}
    key = np.where(s.mapped, owner * 8 + perm[: len(s.mapped)] + 1, -1 << 40)
    edges = [0, *(np.flatnonzero(np.diff(key)) + 1).tolist(), len(key)]
    out = []
    for first, last in pairwise(edges):
        if s.mapped[first]:
            kind = int(owner[first])
            name = names.get(kind, b"file")
            out.append((s.base + first * PAGE, s.base + last * PAGE, int(perm[first]), name))
    return out


def _maps(k: Services, p: Process) -> bytes:
    if not p.alive:
        return b""
    text = b""
    for start, end, perm, name in regions(k, p):
        letters = "".join(
            c if perm & b else "-" for c, b in zip("rwx", (READ, WRITE, EXEC), strict=True)
        )
        shown = p.exe if name == b"" and start < p.space.brk_start else name
        line = f"{start:08x}-{end:08x} {letters}p 00000000 00:00 0".encode()
        text += (line.ljust(73) + shown if shown else line) + b"\n"
    return text


def _limits(k: Services, p: Process) -> bytes:
    def shown(value: int) -> str:
        return "unlimited" if value == INFINITY else str(value)

    lines = ["Limit                     Soft Limit           Hard Limit           Units     "]
    for (name, unit), number in zip(_LIMITS, range(16), strict=True):
        soft, hard = p.limits[number]
        lines.append(f"{name:<26}{shown(soft):<21}{shown(hard):<21}{unit:<10}")
    return ("\n".join(lines) + "\n").encode()


PROCESS: dict[bytes, Callable[[Services, Process], bytes]] = {
    b"cmdline": lambda k, p: b"\0".join((*p.argv, b"")) if p.alive else b"",
    b"comm": lambda k, p: p.name + b"\n",
    b"limits": _limits,
    b"maps": _maps,
    b"mounts": lambda k, p: b"ncpu / tmpfs rw 0 0\n",
    b"stat": _stat,
    b"statm": lambda k, p: b"%d %d 0 0 0 0 0\n" % ((int(p.space.mapped.sum()),) * 2),
    b"status": _status,
}


def _meminfo(k: Services) -> bytes:
    total = k.memory_total // 1024
    used = sum(int(p.space.mapped.sum()) * 4 for p in k.processes if p.alive)
    free = max(total - used, 0)
    lines = (("MemTotal", total), ("MemFree", free), ("MemAvailable", free), ("Cached", 0))
    return "".join(f"{name + ':':16}{size:8} kB\n" for name, size in lines).encode()


def _machine_stat(k: Services) -> bytes:
    tick = abi.SECOND // 100
    busy = sum(p.cpu * p.clock.per_instruction for p in k.processes) // tick
    idle = max(k.process.clock.monotonic() // tick - busy, 0)
    row = f"{busy} 0 0 {idle} 0 0 0 0 0 0"
    boot = k.process.clock.epoch // abi.SECOND
    return f"cpu  {row}\ncpu0 {row}\nbtime {boot}\nprocesses {len(k.processes)}\n".encode()


def _uptime(k: Services) -> bytes:
    return f"{k.process.clock.monotonic() / abi.SECOND:.2f} 0.00\n".encode()


MACHINE: dict[bytes, Callable[[Services], bytes]] = {
    b"cpuinfo": lambda k: b"processor\t: 0\nBogoMIPS\t: 100.00\nFeatures\t: fp asimd\n\n",
    b"filesystems": lambda k: b"nodev\ttmpfs\nnodev\tproc\n",
    b"loadavg": lambda k: b"0.00 0.00 0.00 1/%d %d\n" % (len(k.processes), k.process.pid),
    b"meminfo": _meminfo,
    b"stat": _machine_stat,
    b"uptime": _uptime,
    b"version": lambda k: b"Linux version 6.1.0-ncpu #1 SMP\n",
}


def _file_nr(k: Services) -> bytes:
    table = k.process.open_files
    return b"%d\t0\t%d\n" % (table.count, table.limit)


# By path in /proc.
TEXTS: dict[bytes, Callable[[Services], bytes]] = {
    b"net/if_inet6": lambda k: b"0" * 31 + b"1 01 80 10 80       lo\n",
    b"sys/fs/file-max": lambda k: b"%d\n" % k.process.open_files.limit,
    b"sys/fs/file-nr": _file_nr,
}
FOLDERS = tuple(dict.fromkeys(path.split(b"/")[0] for path in TEXTS))
