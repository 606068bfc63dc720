"""What each packet of the GDB remote protocol asks for, and the answer.

Source: GDB manual, appendices E.2-E.7 and E.13 (packets, stop replies, general queries, file I/O).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from ncpu.machine import memory, word
from ncpu.machine.debug import gdb_target
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.gdb_files import Transfers
from ncpu.machine.debug.hunt import ON_READ, ON_WRITE, Watch, row_of
from ncpu.machine.debug.packets import LIMIT, unescape
from ncpu.machine.debug.plan import Plan, Stop
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.linux.abi import Signal
from ncpu.machine.state import READ, State

FEATURES = (
    f"PacketSize={LIMIT:x};QStartNoAckMode+;swbreak+;hwbreak+;vContSupported+;ReverseStep+;"
    "ReverseContinue+;qXfer:features:read+;qXfer:auxv:read+;qXfer:exec-file:read+"
)
# GDB has numbers of its own (include/gdb/signals.def).
_SIGNALS = {Signal.SIGBUS: 10, Signal.SIGUSR1: 30, Signal.SIGUSR2: 31}
_WATCH = {2: ("watch", ON_WRITE), 3: ("rwatch", ON_READ), 4: ("awatch", ON_READ | ON_WRITE)}
MALFORMED, FAULT, PAST = b"E16", b"E0e", b"E01"
THREAD = b"1"


class Protocol:
    """The conversation with one client.

    Args:
      debugger: what is debugged.

    Attributes:
      quiet: packets are not acknowledged any more.
      ended: the client detached or killed; `killed` says which.
    """

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.history = debugger.history
        self.quiet = self.ended = self.killed = False
        self.breakpoints: set[int] = set()
        self.watches: dict[Watch, str] = {}
        self.last = b"T05thread:1;"
        self.exit_told = False
        self.transfers = Transfers(debugger)
        self._simple: dict[bytes, bytes] = {
            b"qC": b"QC" + THREAD,
            b"qfThreadInfo": b"m" + THREAD,
            b"qsThreadInfo": b"l",
            b"qAttached": b"0",
            b"vCont?": b"vCont;c;C;s;S",
            b"qSymbol::": b"OK",
            b"!": b"OK",
        }
        self._handlers: list[tuple[bytes, Callable[[bytes], bytes | None]]] = [
            (b"qSupported", lambda rest: FEATURES.encode()),
            (b"QStartNoAckMode", self._no_ack),
            (b"qXfer:", self.transfers.transfer),
            (b"vCont;", self._vcont),
            (b"vFile:", self.transfers.file),
            (b"vKill", self._kill),
            (b"H", lambda rest: b"OK"),
            (b"T", lambda rest: b"OK" if rest == THREAD else b"E01"),
            (b"?", lambda rest: self.last),
            (b"g", self._read_all),
            (b"G", self._write_all),
            (b"p", self._read_one),
            (b"P", self._write_one),
            (b"m", self._read_memory),
            (b"M", self._write_hex),
            (b"X", self._write_binary),
            (b"Z", lambda rest: self._trap(rest, add=True)),
            (b"z", lambda rest: self._trap(rest, add=False)),
            (b"bs", lambda rest: self._stopped(self.history.step_back())),
            (b"bc", lambda rest: self._back()),
            (b"c", lambda rest: self._go(rest, None)),
            (b"C", lambda rest: self._go(b"", None)),
            (b"s", lambda rest: self._go(rest, 1)),
            (b"S", lambda rest: self._go(b"", 1)),
            (b"D", self._detach),
            (b"k", self._kill),
        ]

    def answer(self, packet: bytes) -> bytes | None:
        """The reply to a packet; empty for one that is not known, None for none at all."""
        if packet in self._simple:
            return self._simple[packet]
        for start, handler in self._handlers:
            if packet.startswith(start):
                try:
                    return handler(packet[len(start) :])
                except (ValueError, OverflowError, struct.error) as error:
                    return PAST if isinstance(error, DebugError) else MALFORMED
        return b""

    # -- going on -------------------------------------------------------------------------------

    @property
    def _plan(self) -> Plan:
        # GDB expects this architecture to stop before a watched access, and steps over it.
        return Plan(frozenset(self.breakpoints), tuple(self.watches), early=True)

    def _go(self, address: bytes, steps: int | None) -> bytes:
        if address:
            at = int(address, 16)
            self._edit({gdb_target.PC: at.to_bytes(8, "little")})
        plan = Plan() if steps is not None else self._plan
        return self._stopped(self.history.forward(plan, steps))

    def _back(self) -> bytes:
        stop = self.history.backward(self._plan)
        if stop.reason == "watch":
            # GDB steps over the access itself, in this direction, too.
            self.history.forward(steps=1)
        return self._stopped(stop)

    def _vcont(self, rest: bytes) -> bytes:
        action = rest.split(b";")[0].split(b":")[0]
        if action[:1] not in (b"c", b"C", b"s", b"S"):
            return MALFORMED
        return self._go(b"", 1 if action[:1] in (b"s", b"S") else None)

    def _stopped(self, stop: Stop) -> bytes:
        if stop.reason == "exited":
            process = self.history.kernel.process
            if self.exit_told:
                if process.exit_signal is not None:
                    return b"X%02x" % _number(process.exit_signal)
                return b"W%02x" % (process.exit_code or 0)
            # Stop once before the end is told: GDB forgets a process that has exited, and
            # with it the way back.
            self.exit_told = True
            self.last = b"T05replaylog:end;thread:1;"
            return self.last
        self.exit_told = False
        number = 2 if stop.reason == "interrupted" else 5
        extra = {"start": "replaylog:begin;", "end": "replaylog:end;"}.get(stop.reason, "")
        if stop.reason == "signal" and stop.signal is not None:
            number = _number(stop.signal)
        elif stop.reason == "breakpoint":
            extra = "swbreak:;"
        elif stop.reason == "watch" and stop.address is not None:
            kinds = [
                (name, max(stop.address, watch.low))
                for watch, name in self.watches.items()
                if watch.low - 16 < stop.address < watch.high
            ]
            name, at = kinds[0] if kinds else ("watch", stop.address)
            extra = f"{name}:{at:x};"
        self.last = b"T%02x%sthread:1;" % (number, extra.encode())
        return self.last

    def _trap(self, rest: bytes, *, add: bool) -> bytes:
        kind, address, length = (int(part, 16) for part in rest.split(b";")[0].split(b","))
        if kind in (0, 1):
            if add and row_of(self.history.program, address) is None:
                return FAULT
            (self.breakpoints.add if add else self.breakpoints.discard)(address)
            return b"OK"
        if kind not in _WATCH:
            return b""
        name, kinds = _WATCH[kind]
        if length < 1 or address + length > word.MASK64:
            return MALFORMED
        watch = Watch(address, address + length, kinds)
        if add:
            self.watches[watch] = name
        else:
            self.watches.pop(watch, None)
        return b"OK"

    # -- registers and memory -------------------------------------------------------------------

    def _read_all(self, rest: bytes) -> bytes:
        return b"".join(gdb_target.read_registers(self.history.state)).hex().encode()

    def _read_one(self, rest: bytes) -> bytes:
        registers = gdb_target.read_registers(self.history.state)
        number = int(rest, 16)
        return registers[number].hex().encode() if 0 <= number < len(registers) else MALFORMED

    def _write_all(self, rest: bytes) -> bytes:
        data, values, at = bytes.fromhex(rest.decode("latin-1")), {}, 0
        if len(data) != sum(gdb_target.SIZES):
            return MALFORMED
        for number, size in enumerate(gdb_target.SIZES):
            values[number] = data[at : at + size]
            at += size
        return self._edit(values)

    def _write_one(self, rest: bytes) -> bytes:
        number, _, value = rest.partition(b"=")
        index, data = int(number, 16), bytes.fromhex(value.decode("latin-1"))
        if not 0 <= index < len(gdb_target.SIZES) or len(data) != gdb_target.SIZES[index]:
            return MALFORMED
        return self._edit({index: data})

    def _edit(self, values: dict[int, bytes]) -> bytes:
        registers = gdb_target.read_registers(self.history.state)
        if any(registers[number] != data for number, data in values.items()):
            self.history.edit(lambda state: (gdb_target.write_registers(state, values), []))
        return b"OK"

    def _read_memory(self, rest: bytes) -> bytes:
        address, length = (int(part, 16) for part in rest.split(b","))
        data = b""
        # As much as is there, page by page; an error only where nothing is.
        length = min(length, LIMIT // 2)
        while len(data) < length:
            at = address + len(data)
            piece = min(length - len(data), 4096 - at % 4096)
            if not memory.permissions(self.history.state, at, piece) & READ:
                break
            data += memory.read(self.history.state, at, piece)
        return data.hex().encode() if data or not length else FAULT

    def _write_hex(self, rest: bytes) -> bytes:
        where, _, text = rest.partition(b":")
        return self._store(where, bytes.fromhex(text.decode("latin-1")))

    def _write_binary(self, rest: bytes) -> bytes:
        where, _, data = rest.partition(b":")
        return self._store(where, unescape(data))

    def _store(self, where: bytes, data: bytes) -> bytes:
        address, length = (int(part, 16) for part in where.split(b","))
        if length != len(data):
            return MALFORMED
        if not data:
            return b"OK"
        if not memory.permissions(self.history.state, address, length):
            return FAULT

        def change(state: State) -> tuple[State, list[tuple[int, bytes]]]:
            return memory.write(state, address, data), [(address, data)]

        try:
            self.history.edit(change)
        except MemoryRangeError:
            return FAULT
        return b"OK"

    # -- queries --------------------------------------------------------------------------------

    def _no_ack(self, rest: bytes) -> bytes:
        self.quiet = True
        return b"OK"

    def _detach(self, rest: bytes) -> bytes:
        self.ended = True
        return b"OK"

    def _kill(self, rest: bytes) -> bytes | None:
        self.ended = self.killed = True
        return b"OK" if rest.startswith(b";") else None


def _number(signal: int) -> int:
    return _SIGNALS.get(Signal(signal), signal) if signal < 32 else signal
