"""The GDB stub: packet by packet, against hostile bytes, and driven by GDB itself.

GDB on the same binary under qemu-user's own stub is the oracle for registers and backtraces.
"""

from __future__ import annotations

import random
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ncpu.machine.debug import DebugError, Debugger
from ncpu.machine.debug.errors import PacketError
from ncpu.machine.debug.gdb_protocol import Protocol
from ncpu.machine.debug.gdb_server import HOST, Server
from ncpu.machine.debug.gdb_target import SIZES, TARGET_XML
from ncpu.machine.debug.packets import LIMIT, NAK, Receiver, escape, frame, unescape
from ncpu.machine.linux.launch import Session

GDB, QEMU = "gdb-multiarch", "qemu-aarch64-static"


class Client:
    """A small GDB: sends packets, checks checksums and acknowledges."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, data: str) -> str:
        self.socket.sendall(frame(data.encode()))
        assert self.file.read(1) == b"+"
        assert self.file.read(1) == b"$"
        body = b""
        while (byte := self.file.read(1)) != b"#":
            assert byte, "the connection was closed in the middle of a reply"
            body += byte
        assert int(self.file.read(2), 16) == sum(body) & 0xFF
        self.socket.sendall(b"+")
        return body.decode("latin-1")

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def server(debugger: Debugger) -> Iterator[Server]:
    one = Server(debugger, 0)
    thread = threading.Thread(target=one.serve, daemon=True)
    thread.start()
    yield one
    with socket.create_connection((HOST, one.port), timeout=10) as last:
        last.sendall(frame(b"k"))
        thread.join(30)
    assert not thread.is_alive()


def _register(client: Client, number: int) -> int:
    return int.from_bytes(bytes.fromhex(client.ask(f"p{number:x}")), "little")


def test_framing_is_its_own_inverse() -> None:
    rng = random.Random(1)
    for _ in range(50):
        data = rng.randbytes(rng.randrange(200))
        assert unescape(escape(data)) == data
        receiver = Receiver()
        packet = frame(escape(data))
        cut = rng.randrange(len(packet))
        found = [*receiver.feed(packet[:cut]), *receiver.feed(packet[cut:])]
        assert found == [escape(data)]
    assert list(Receiver().feed(b"$g#00")) == [NAK]
    assert list(Receiver().feed(b"+-\x03$?#3f")) == [b"\x03", b"?"]
    with pytest.raises(PacketError, match="more than"):
        list(Receiver().feed(b"$" + b"m" * (LIMIT + 2)))
    with pytest.raises(PacketError, match="escape"):
        unescape(b"abc}")


def test_target_description_matches_the_registers() -> None:
    text = TARGET_XML.decode().replace('<!DOCTYPE target SYSTEM "gdb-target.dtd">', "")
    sizes = [int(reg.get("bitsize", "0")) // 8 for reg in ElementTree.fromstring(text).iter("reg")]
    assert sizes == SIZES


def test_a_session_packet_by_packet(server: Server, debugger: Debugger) -> None:
    client = Client(server.port)
    assert "ReverseContinue+" in client.ask("qSupported:multiprocess+")
    assert client.ask("?").startswith("T05")
    assert client.ask("vCont?") == "vCont;c;C;s;S"
    target, offset = "", 0
    while not target.endswith("</target>"):
        part = client.ask(f"qXfer:features:read:target.xml:{offset:x},200")
        target, offset = target + part[1:], offset + 0x200
    assert target.encode() == TARGET_XML
    assert len(client.ask("g")) == 2 * sum(SIZES)
    auxv = client.ask("qXfer:auxv:read::0,1000").encode("latin-1")
    pairs = memoryview(unescape(auxv[1:])).cast("Q").tolist()
    entries = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert entries[9] == debugger.session.image.entry and entries[6] == 4096

    at = debugger.location("sum")
    assert client.ask(f"Z0,{at:x},4") == "OK"
    assert "swbreak" in client.ask("vCont;c:1")
    assert _register(client, 32) == at
    assert client.ask(f"m{at:x},4") == debugger.read(at, 4).hex()
    assert client.ask(f"z0,{at:x},4") == "OK"
    total = debugger.location("total")
    assert client.ask(f"Z2,{total:x},8") == "OK"
    assert f"watch:{total:x};" in client.ask("c")
    before = _register(client, 32)
    assert client.ask("s").startswith("T05")
    assert _register(client, 32) == before + 4
    assert client.ask(f"m{total:x},8") == "0100000000000000"
    assert client.ask("bs").startswith("T05")
    assert _register(client, 32) == before
    assert client.ask(f"m{total:x},8") == "00" * 8
    assert client.ask("bc") == "T05replaylog:begin;thread:1;"
    assert client.ask(f"z2,{total:x},8") == "OK"
    assert client.ask("c") == "T05replaylog:end;thread:1;"
    assert client.ask("c") == "W00"
    client.close()


def test_writes_go_to_the_present_only(server: Server, debugger: Debugger) -> None:
    client = Client(server.port)
    total = debugger.location("total")
    assert client.ask(f"M{total:x},2:0102") == "OK"
    assert client.ask(f"m{total:x},2") == "0102"
    assert client.ask("P2=0807060504030201") == "OK"
    assert _register(client, 2) == 0x0102030405060708
    vector = "00112233445566778899aabbccddeeff"
    assert client.ask(f"P25={vector}") == "OK"
    assert client.ask("p25") == vector
    everything = client.ask("g")
    assert client.ask("G" + everything) == "OK"
    client.ask("s")
    client.ask("bs")
    assert client.ask(f"M{total:x},2:0000") == "E01"  # the past
    assert client.ask("P2=0000000000000000") == "E01"
    client.close()


def test_the_program_can_be_fetched(server: Server, debugger: Debugger) -> None:
    client = Client(server.port)
    assert client.ask("qXfer:exec-file:read::0,100") == "l/list"
    assert client.ask("vFile:open:" + b"/etc/passwd".hex() + ",0,0") == "F-1,2"
    assert client.ask("vFile:open:" + b"/list".hex() + ",0,0") == "F3"
    reply = client.ask("vFile:pread:3,40,0").encode("latin-1")
    assert unescape(reply.partition(b";")[2]) == debugger.session.image.data[:0x40]
    assert client.ask("vFile:close:3") == "F0"
    assert client.ask("vFile:close:3") == "F-1,9"
    client.close()


_MALFORMED = """
m m1 mzz,4 m0,4 mffffffffffffffff,8 p p99 pzz P1 P1=00 G00 M0,4:00000000 M400000,2:00 X400000,9:a
Z0 Z0,1,4 Z0,0,4 Z2,10,0 Z2,10,zz Z2,ffffffffffffffff,8 Z9,0,4 vCont;x vCont; cZZ Tzz
c10000000000000000 qXfer:features:read:a qXfer:auxv:read::zz,1 vFile:open:zz vFile:pread:9,1,0
vFile:nothing:1
"""


@pytest.mark.parametrize("packet", _MALFORMED.split())
def test_malformed_packets_are_refused(debugger: Debugger, packet: str) -> None:
    before = debugger.history.now
    reply = Protocol(debugger).answer(packet.encode())
    assert reply is not None and (reply == b"" or reply[:1] in (b"E", b"F"))
    assert debugger.history.now == before


def test_random_packets_never_break_the_stub(debugger: Debugger) -> None:
    rng = random.Random(3)
    protocol = Protocol(debugger)
    starts = [
        b"m",
        b"p",
        b"P",
        b"Z",
        b"z",
        b"q",
        b"vFile:",
        b"qXfer:",
        b"T",
        b"H",
        b"X",
        b"M",
        b"G",
    ]
    for _ in range(3000):
        rest = bytes(rng.choice(b"0123456789abcdef,;:=}$#\xff") for _ in range(rng.randrange(20)))
        reply = protocol.answer(rng.choice(starts) + rest)
        assert reply is None or isinstance(reply, bytes)


def test_bad_checksums_and_strangers(server: Server, debugger: Debugger) -> None:
    client = Client(server.port)
    client.ask("?")
    client.socket.sendall(b"$g#00")
    assert client.file.read(1) == b"-"
    second = socket.create_connection((HOST, server.port), timeout=30)
    assert second.recv(1) == b""  # turned away
    second.close()
    at = debugger.location("main")
    client.ask(f"Z1,{at:x},4")
    client.ask("c")
    client.socket.sendall(b"$m40")  # vanishes in the middle of a packet
    client.close()
    again = Client(server.port)
    assert _register(again, 32) == at  # the run is where it was
    with suppress(ConnectionError):
        again.socket.sendall(b"$" + b"m" * (2 * LIMIT))
        assert again.file.read(1) in (b"", b"+")
    again.close()
    last = Client(server.port)
    assert last.ask("D") == "OK"
    last.close()


def test_an_interrupt_stops_a_run(start: Callable[..., Session]) -> None:
    debugger = Debugger(start(["l"]))
    debugger.history.spacing = 20_000
    one = Server(debugger, 0)
    thread = threading.Thread(target=one.serve, daemon=True)
    thread.start()
    client = Client(one.port)
    client.socket.sendall(frame(b"c"))
    client.socket.sendall(b"\x03")
    assert client.file.read(1) == b"+"
    assert client.file.read(len(b"$T02thread:1;#xx")).startswith(b"$T02")
    assert not debugger.history.status
    client.socket.sendall(b"+" + frame(b"k"))
    thread.join(30)
    client.close()
    assert not thread.is_alive()


def test_a_port_in_use_is_said(server: Server, debugger: Debugger) -> None:
    with pytest.raises(DebugError, match="cannot listen"):
        Server(debugger, server.port)


# -- GDB itself ---------------------------------------------------------------------------


def _gdb(binary: Path, port: int, commands: list[str]) -> str:
    if shutil.which(GDB) is None:
        pytest.skip(f"{GDB} is missing (Debian package gdb-multiarch)")
    setup = ["set pagination off", "set confirm off", "set width 0", "set debuginfod enabled off"]
    lines = [*setup, f"target remote {HOST}:{port}", *commands]
    arguments = [part for line in lines for part in ("-ex", line)]
    done = subprocess.run(
        [GDB, "-nx", "-batch", *arguments, str(binary)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr


_LOOK = ["info registers", "p/x $fpsr", "p/x $fpcr", "p/x $v0.d.u", "p $v0.d.f", "p $v1.s.f"]
_LOOK += ["p/x $v1.q.u", "p $d0", "p/x $v2.b.u"]
_LOOK = [*[f"p/x $x{k}" for k in range(29)], "p/x $pc", "p/x $cpsr & 0xf0000000", *_LOOK[1:], "bt"]
_STORY = ["break sum if list == 0", "continue", *_LOOK, "finish", *_LOOK, "delete"]
_STORY += ["break call", "continue", *_LOOK, "info source", "info line work"]


def _normal(text: str) -> list[str]:
    """What two stubs must agree on: the stack is elsewhere, and `argv` with it."""
    lines = [re.sub(r"0x[0-9a-f]{7,16}\b", "STACK", line) for line in text.splitlines()]
    return [line for line in lines if line.startswith(("$", "#", "Line")) or "Breakpoint" in line]


def test_gdb_sees_what_it_sees_under_qemu(server: Server, binary: Path) -> None:
    if shutil.which(QEMU) is None:
        pytest.skip(f"{QEMU} is missing (Debian package qemu-user-static)")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [QEMU, "-cpu", "cortex-a53", "-g", str(port), "-0", "list", str(binary)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as qemu:
        time.sleep(0.5)
        theirs = _gdb(binary, port, [*_STORY, "kill"])
        qemu.kill()
    ours = _gdb(binary, server.port, [*_STORY, "detach"])
    assert len(_normal(theirs)) > 100, theirs
    assert _normal(ours) == _normal(theirs)


def test_gdb_travels_in_time(server: Server, binary: Path) -> None:
    commands = ["break work", "continue", "watch total", "continue", "continue", "bt 2"]
    commands += ["reverse-continue", "p total", "reverse-continue", "p total", "reverse-continue"]
    commands += ["reverse-stepi", "p $pc", "delete", "continue", "reverse-stepi", "x/i $pc"]
    out = _gdb(binary, server.port, [*commands, "continue", "continue"])
    changes = re.findall(r"Old value = (\d+)\nNew value = (\d+)", out)
    assert changes == [("0", "1"), ("1", "3"), ("3", "1"), ("1", "0")], out
    assert re.search(r"\$1 = 1\b", out) and re.search(r"\$2 = 0\b", out), out
    assert "No more reverse-execution history" in out
    assert re.search(r"=> 0x[0-9a-f]+ <.*>:\s+svc\s+#0x0", out), out
    assert "exited normally" in out
