"""Open terminals: the controlling one, and pseudo-terminals as pairs of files (pty(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Errno, LinuxError, Signal, WouldBlock
from ncpu.machine.linux.conditions import Always
from ncpu.machine.linux.inodes import Device, Node
from ncpu.machine.linux.open_file import POLLHUP, POLLIN, POLLOUT, OpenFile
from ncpu.machine.linux.process import Action, Wait
from ncpu.machine.linux.terminal import Terminal

if TYPE_CHECKING:
    from ncpu.machine.linux.services import Services

TERMINAL_NODES = ("tty", "console", "stdin", "stdout", "stderr")
MASTER_ROOM = 1 << 16


class TerminalOpen(OpenFile):
    """An open terminal."""

    terminal = True
    streams = True

    def __init__(self, node: Node, flags: int, tty: Terminal, *, host: bool) -> None:
        super().__init__(node, flags)
        self.tty = tty
        self.host = host

    @property
    def activity(self) -> int:  # type: ignore[override]
        """Changes of what there is to read."""
        return self.tty.activity

    @property
    def patience(self) -> int | None:  # type: ignore[override]
        """Nanoseconds a read waits at most."""
        return self.tty.patience

    def read(self, count: int) -> bytes:
        """What has been typed."""
        return self.tty.read(count)

    def write(self, data: bytes) -> int:
        """Show it."""
        return self.tty.write(data)

    def poll(self) -> int:
        """Readable when a read would not wait; always writable."""
        hung = POLLHUP if self.tty.hung_up else 0
        return (POLLIN if self.tty.readable else 0) | POLLOUT | hung

    def available(self) -> int:
        """Bytes to read at once."""
        return self.tty.available()


class Pair:
    """A pseudo-terminal: the terminal, and what its programs have shown to the master."""

    def __init__(self, k: Services, number: int) -> None:
        self.number = number
        self.shown = bytearray()
        self.locked = True
        signal = k.tasks.signal_group if k.tasks is not None else lambda group, number: None
        self.tty = Terminal(self.show, signal, (0, 0))
        self.slaves = 0

    def show(self, data: bytes) -> None:
        """What the terminal shows is the master's to read."""
        self.shown += data
        self.tty.activity += 1


class MasterOpen(OpenFile):
    """The master's side of a pseudo-terminal, from /dev/ptmx."""

    streams = True
    terminal = True

    def __init__(self, node: Node, flags: int, pair: Pair) -> None:
        super().__init__(node, flags)
        self.pair, self.tty = pair, pair.tty

    def read(self, count: int) -> bytes:
        """What was shown; EIO once the programs have closed the terminal."""
        shown = self.pair.shown
        if not shown:
            if self.pair.slaves:
                raise WouldBlock
            raise LinuxError(Errno.EIO)
        data = bytes(shown[:count])
        del shown[:count]
        return data

    def write(self, data: bytes) -> int:
        """Type it."""
        self.tty.feed(data)
        return len(data)

    def poll(self) -> int:
        """Readable when something was shown."""
        hung = 0 if self.pair.slaves else POLLHUP
        return (POLLIN if self.pair.shown else 0) | POLLOUT | hung

    def closed(self) -> None:
        """The terminal hangs up."""
        self.tty.hang_up()


class SlaveOpen(TerminalOpen):
    """The programs' side of a pseudo-terminal, from /dev/pts/N."""

    def __init__(self, node: Node, flags: int, pair: Pair) -> None:
        super().__init__(node, flags, pair.tty, host=False)
        self.pair = pair
        pair.slaves += 1

    def write(self, data: bytes) -> int:
        """Show as much as the master has room for."""
        room = MASTER_ROOM - len(self.pair.shown)
        if room <= 0:
            raise WouldBlock
        return self.tty.write(data[:room])

    def closed(self) -> None:
        """One program fewer."""
        self.pair.slaves -= 1


def open_device(k: Services, node: Device, flags: int) -> OpenFile | None:
    """The open file of a terminal's device; None for a device that is none."""
    if node.driver == "ptmx":
        return _new_pair(k, node, flags)
    if node.driver.startswith("pts"):
        return _open_slave(k, node, flags)
    if node.driver == "tty" and k.tasks is not None and not k.console.isatty:
        for tty, host in ((k.terminal, True), *((p.tty, False) for p in k.pairs.values())):
            if tty is not None and tty.session and tty.session == k.process.sid:
                return TerminalOpen(node, flags, tty, host=host)
        raise LinuxError(Errno.ENXIO)
    if node.driver in k.terminal_nodes and k.terminal is not None:
        return TerminalOpen(node, flags, k.terminal, host=True)
    return None


def _new_pair(k: Services, node: Device, flags: int) -> OpenFile:
    number = next(n for n in range(len(k.pairs) + 1) if n not in k.pairs)
    if number > 255:
        raise LinuxError(Errno.ENOSPC)
    pair = k.pairs[number] = Pair(k, number)
    folder = k.files.make_directory("/dev/pts")
    name = b"%d" % number
    if name in folder.children:
        folder.detach(name)
    slave = Device(k.files.fs, f"pts{number}", abi.device(136, number), 0o620)
    folder.attach(name, slave)
    return MasterOpen(node, flags, pair)


def _open_slave(k: Services, node: Device, flags: int) -> OpenFile:
    pair = k.pairs.get(int(node.driver[3:]))
    if pair is None or pair.locked or pair.tty.hung_up:
        raise LinuxError(Errno.EIO)
    p = k.process
    if not flags & abi.O_NOCTTY and p.sid == p.pid and not _controls(k) and not pair.tty.session:
        pair.tty.session, pair.tty.foreground = p.sid, p.pgid
    return SlaveOpen(node, flags, pair)


def _controls(k: Services) -> bool:
    """Whether the caller's session has a terminal."""
    terminals = [k.terminal, *(pair.tty for pair in k.pairs.values())]
    return any(tty is not None and tty.session == k.process.sid for tty in terminals)


def check_foreground(k: Services, file: OpenFile, signal: int) -> None:
    """A background group that uses its terminal is stopped; EIO where that cannot be.

    Raises:
      Blocked: the signal is sent; the call starts over once the process is continued.
    """
    tty, p = getattr(file, "tty", None), k.process
    if not isinstance(file, TerminalOpen) or tty is None or k.tasks is None:
        return
    if tty.session != p.sid or tty.foreground == p.pgid:
        return
    action = p.actions.get(signal, Action())
    if k.thread.mask & signals.bit(signal) or action.handler == abi.SIG_IGN:
        if signal == Signal.SIGTTIN:
            raise LinuxError(Errno.EIO)
        return
    if k.tasks.orphaned(p.pgid):
        raise LinuxError(Errno.EIO)
    k.tasks.signal_group(p.pgid, signal)
    k.block(Wait(Always()))


def ioctl(k: Services, file: OpenFile, request: int, argument: int) -> None:
    """Requests of ioctl_tty(2) and ioctl_pty(2)."""
    tty: Terminal = file.tty  # type: ignore[attr-defined]
    p, lane = k.process, k.lane
    if request == 0x5401:  # TCGETS
        lane.write(argument, tty.termios)
    elif request in (0x5402, 0x5403, 0x5404):  # TCSETS, TCSETSW, TCSETSF
        check_foreground(k, file, Signal.SIGTTOU)
        tty.set_termios(lane.read(argument, len(tty.termios)), flush=request == 0x5404)
    elif request == 0x5413:  # TIOCGWINSZ
        lane.pack("HHHH", argument, *tty.size, 0, 0)
    elif request == 0x5414:  # TIOCSWINSZ
        rows, columns, _, _ = lane.unpack("HHHH", argument)
        tty.resize(rows, columns)
    elif request == 0x540B:  # TCFLSH
        if argument in (0, 2):
            tty.flush()
    elif request in (0x5409, 0x540A, 0x5425):  # TCSBRK, TCXONC, TCSBRKP
        return
    elif isinstance(file, MasterOpen):
        _master(k, file, request, argument)
    elif request == 0x540E:  # TIOCSCTTY
        if p.sid != p.pid or tty.session not in (0, p.sid):
            raise LinuxError(Errno.EPERM)
        tty.session, tty.foreground = p.sid, p.pgid
    elif request in (0x540F, 0x5410, 0x5422, 0x5429) and tty.session != p.sid:
        raise LinuxError(Errno.ENOTTY)
    elif request in (0x540F, 0x5429):  # TIOCGPGRP, TIOCGSID
        lane.pack("i", argument, tty.foreground if request == 0x540F else tty.session)
    elif request == 0x5410:  # TIOCSPGRP
        check_foreground(k, file, Signal.SIGTTOU)
        (group,) = lane.unpack("i", argument)
        if not any(other.pgid == group and other.sid == p.sid for other in k.processes):
            raise LinuxError(Errno.EPERM)
        tty.foreground = group
    elif request == 0x5422:  # TIOCNOTTY
        if p.sid == p.pid:
            tty.session = tty.foreground = 0
    else:
        raise LinuxError(Errno.ENOTTY)


def _master(k: Services, file: MasterOpen, request: int, argument: int) -> None:
    pair = file.pair
    if request == 0x80045430:  # TIOCGPTN
        k.lane.pack("I", argument, pair.number)
    elif request == 0x40045431:  # TIOCSPTLCK
        pair.locked = bool(k.lane.unpack("i", argument)[0])
    elif request == 0x540F:  # TIOCGPGRP
        k.lane.pack("i", argument, pair.tty.foreground)
    else:
        raise LinuxError(Errno.ENOTTY)
