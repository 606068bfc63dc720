"""Futexes: threads asleep until somebody says that a word of memory has changed (futex(2)).

A word is known by its file and offset where its page is shared, else by space and address.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncpu.machine.linux import mappings
from ncpu.machine.linux.abi import LinuxError
from ncpu.machine.linux.process import Thread
from ncpu.machine.state import READ, WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

ALL = 0xFFFFFFFF
WAITERS, OWNER_DIED, TID_MASK = 0x80000000, 0x40000000, 0x3FFFFFFF  # bits of a lock's word
ROBUST_LIMIT = 2048


@dataclass(eq=False)
class Waiter:
    """A thread in a queue; `woken` ends its wait."""

    thread: Thread
    bits: int
    woken: bool = False

    @property
    def waits(self) -> bool:
        """Not given up because of a signal or the time."""
        wait = self.thread.wait
        return not self.woken and wait is not None and wait.data is self


@dataclass
class Futexes:
    """The queues of a machine, by word."""

    queues: dict[Hashable, list[Waiter]] = field(default_factory=dict)

    def add(self, key: Hashable, waiter: Waiter) -> None:
        """Enter a thread at the end of a queue."""
        self.queues.setdefault(key, []).append(waiter)

    def _waiting(self, key: Hashable) -> list[Waiter]:
        return [w for w in self.queues.get(key, ()) if w.waits]

    def wake(self, key: Hashable, count: int, bits: int = ALL) -> int:
        """Wake the first `count` threads whose bits match; how many there were."""
        queue, woken = self._waiting(key), 0
        for waiter in queue:
            if woken < count and waiter.bits & bits:
                waiter.woken = True
                woken += 1
        self._keep(key, queue)
        return woken

    def requeue(self, key: Hashable, target: Hashable, count: int) -> int:
        """Move the first `count` threads to another queue; how many there were."""
        queue = self._waiting(key)
        for waiter in queue[:count]:
            self.add(target, waiter)
        self._keep(key, queue[count:])
        return len(queue[:count])

    def _keep(self, key: Hashable, queue: list[Waiter]) -> None:
        self.queues[key] = [w for w in queue if not w.woken]
        if not self.queues[key]:
            del self.queues[key]


def key_of(k: Kernel, address: int) -> Hashable:
    """What names the word at an address."""
    for m in mappings.touching(k, address, 4) if k.space.maps else ():
        if m.shared:
            return (m.node, m.offset + address - m.address)
    return (k.space, address)


def _release(k: Kernel, thread: Thread, entry: int, offset: int, *, pending: bool) -> None:
    """Mark a lock that an ending thread holds: its next owner sees FUTEX_OWNER_DIED."""
    pointer = (entry & ~1) + offset
    (held,) = k.lane.unpack("I", pointer)
    if pending and held == 0:  # between giving it back and waking who waits
        k.futexes.wake(key_of(k, pointer), 1)
    elif held & TID_MASK == thread.tid:
        k.lane.pack("I", pointer, held & WAITERS | OWNER_DIED)
        if held & WAITERS:
            k.futexes.wake(key_of(k, pointer), 1)


def _leave_robust_list(k: Kernel, thread: Thread) -> None:
    """Go through an ending thread's list of robust locks (set_robust_list(2)).

    As on Linux, a list that cannot be read on, or leads to what is no lock, is left there.
    """
    (head, _), thread.robust_list = thread.robust_list, (0, 0)
    if not head:
        return
    try:
        entry, offset, pending = k.lane.unpack("QqQ", head)
        for _ in range(ROBUST_LIMIT):
            if entry & ~1 == head:
                break
            readable = k.lane.extent(entry & ~1, 8, READ) == 8
            following = k.lane.unpack("Q", entry & ~1)[0] if readable else 0
            if entry & ~1 != pending & ~1:
                _release(k, thread, entry, offset, pending=False)
            if not readable:
                return
            entry = following
        if pending & ~1:
            _release(k, thread, pending, offset, pending=True)
    except LinuxError:
        return


def leave(k: Kernel, thread: Thread) -> None:
    """The end of a thread of the process being served, or of its program.

    Its robust locks say so to their next owners, and where somebody is left to see it the word
    that it was given is cleared. It need not be the thread that is being served.
    """
    _leave_robust_list(k, thread)
    pointer, thread.clear_tid = thread.clear_tid, 0
    left = k.space.users > 1 or len(k.process.threads) > 1
    if pointer and left and k.lane.extent(pointer, 4, WRITE) == 4:
        k.lane.pack("I", pointer, 0)
        k.futexes.wake(key_of(k, pointer), 1)
