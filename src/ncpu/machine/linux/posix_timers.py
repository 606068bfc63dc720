"""POSIX timers: those that send a signal when they expire (timer_create(2)).

A timer has one signal pending at most: what expires meanwhile counts as overrun, and it goes on
when the signal is taken.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ncpu.machine.linux import abi
from ncpu.machine.linux.countdown import Countdown

SIGNAL, NONE, THREAD, THREAD_ID = 0, 1, 2, 4  # SIGEV_
SI_TIMER = -2
MAX_OVERRUN = 0x7FFFFFFF  # DELAYTIMER_MAX


@dataclass
class PosixTimer:
    """A timer of a process.

    Attributes:
      number: its timer_t.
      notify: SIGEV_NONE says nothing, SIGEV_THREAD_ID tells the thread `tid`.
      signal, value: what is sent.
      overrun: expiries beyond the first when its signal was last taken.
    """

    number: int
    countdown: Countdown
    notify: int
    signal: int
    value: int
    tid: int = 0
    overrun: int = 0

    def info(self) -> bytes:
        """The siginfo_t of its signal."""
        fields = (self.signal, 0, SI_TIMER, 0, self.number, self.overrun, self.value)
        return struct.pack("<iiiiiiQ", *fields).ljust(128, b"\0")

    def sent(self, info: bytes) -> bool:
        """Whether a siginfo_t is that of its signal."""
        code, number = struct.unpack_from("<i4xi", info, 8)
        return code == SI_TIMER and number == self.number

    def taken(self) -> bytes:
        """Its signal is taken now: the siginfo_t, with the expiries until then."""
        self.overrun = min(max(self.countdown.tell() - 1, 0), MAX_OVERRUN)
        return self.info()


def sender(timers: dict[int, PosixTimer], info: bytes) -> PosixTimer | None:
    """The timer that a siginfo_t comes from, None where it is another's or the timer is gone."""
    code, number = struct.unpack_from("<i4xi", info, 8)
    return timers.get(number) if code == SI_TIMER else None


def default(number: int) -> tuple[int, int, int, int]:
    """The value, signal, notify and tid of a timer that is made without a sigevent."""
    return number, abi.Signal.SIGALRM, SIGNAL, 0
