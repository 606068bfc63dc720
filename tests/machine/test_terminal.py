"""The terminal: line editing, signals, job control in a shell, pseudo-terminals, ports."""

from __future__ import annotations

import io
import socket
import threading
import time

import pytest

from ncpu.machine.linux.abi import Signal, WouldBlock
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.launch import Session, scripted_terminal
from ncpu.machine.linux.terminal import ECHO, ICANON, TERMIOS, Terminal

APPLETS = ["sh", "cat", "echo", "sleep", "stty", "seq", "tty", "httpd", "wget", "script"]


class Screen:
    """A terminal alone, with what it shows and the signals it sends."""

    def __init__(self) -> None:
        self.shown, self.signals = bytearray(), []
        self.tty = Terminal(self.shown.extend, lambda group, number: self.signals.append(number))

    def raw(self, minimum: int = 1, time: int = 0) -> None:
        raw = bytearray(TERMIOS)
        flags = int.from_bytes(raw[12:16], "little") & ~(ICANON | ECHO)
        raw[12:16] = flags.to_bytes(4, "little")
        raw[17 + 5], raw[17 + 6] = time, minimum
        self.tty.set_termios(bytes(raw))


@pytest.mark.parametrize(
    ("keys", "lines", "shown"),
    [
        (b"abc\r", [b"abc\n"], b"abc\r\n"),
        (b"ab\x7fc\n", [b"ac\n"], b"ab\b \bc\r\n"),
        (b"one two\x17three\n", [b"one three\n"], b"one two" + b"\b \b" * 3 + b"three\r\n"),
        (b"gone\x15kept\n", [b"kept\n"], b"gone" + b"\b \b" * 4 + b"kept\r\n"),
        (b"part\x04", [b"part"], b"part"),
        (b"\x04", [b""], b""),
        (b"a\x16\x03b\n", [b"a\x03b\n"], b"a^Cb\r\n"),
        (b"\x01\x7fx\n", [b"x\n"], b"^A\b \b\b \bx\r\n"),
        (b"\xc3\xa9\x7fe\n", [b"e\n"], b"\xc3\xa9\b \be\r\n"),
        (b"l1\nl2\n", [b"l1\n", b"l2\n"], b"l1\r\nl2\r\n"),
    ],
)
def test_line_editing(keys: bytes, lines: list[bytes], shown: bytes) -> None:
    screen = Screen()
    screen.tty.feed(keys)
    assert [screen.tty.read(100) for _ in lines] == lines
    assert bytes(screen.shown) == shown
    with pytest.raises(WouldBlock):
        screen.tty.read(1)


def test_a_line_is_read_in_parts() -> None:
    screen = Screen()
    screen.tty.feed(b"abcdef\n")
    assert screen.tty.available() == 7
    assert [screen.tty.read(4), screen.tty.read(4)] == [b"abcd", b"ef\n"]


def test_signals_drop_what_was_typed() -> None:
    screen = Screen()
    screen.tty.feed(b"typed\x03\x1a\x1c")
    assert screen.signals == [Signal.SIGINT, Signal.SIGTSTP, Signal.SIGQUIT]
    assert bytes(screen.shown) == b"typed^C^Z^\\"
    assert not screen.tty.readable


def test_raw_mode_counts_bytes() -> None:
    screen = Screen()
    screen.raw(minimum=3)
    screen.tty.feed(b"\x7fa")
    assert not screen.tty.readable
    screen.tty.feed(b"\r")
    assert screen.tty.read(10) == b"\x7fa\n" and bytes(screen.shown) == b""
    screen.raw(minimum=0, time=5)
    assert screen.tty.patience == 500_000_000
    screen.tty.resize(30, 100)
    assert screen.signals == [Signal.SIGWINCH] and screen.tty.size == (30, 100)


# -- in a shell -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def root() -> Files:
    from ncpu.machine.debian import DebianError, fetch

    try:
        binary = (fetch("busybox-static") / "bin" / "busybox").read_bytes()
    except DebianError as error:
        pytest.skip(f"BusyBox cannot be fetched: {error}")
    files = Files()
    files.add_file("/bin/busybox", binary, 0o755)
    for name in APPLETS:
        files.add_symlink(f"/bin/{name}", "busybox")
    files.add_file("/etc/passwd", b"root:x:0:0::/:/bin/sh\n")
    files.add_file("/www/index.html", b"from the machine\n")
    return files


def typed(root: Files, *pieces: bytes) -> tuple[list[str], int | None]:
    """What a shell shows when these pieces are typed, without prompts."""
    env = {"PATH": "/bin", "PS1": "$ ", "TERM": "dumb"}
    session = Session("/bin/sh", ["sh"], env, root=root)
    screen = scripted_terminal(session, pieces)
    result = session.run(300_000_000)
    text = bytes(screen).decode().replace("\x1b[6n", "").replace("\x1b[J", "")
    lines = [line.removeprefix("$ ") for line in text.split("\r\n")]
    return [line for line in lines if line and "BusyBox" not in line and "help" not in line], (
        result.exit_code
    )


def test_job_control(root: Files) -> None:
    lines, code = typed(
        root,
        *(b"cat\n", b"to cat\n", b"\x1a", b"jobs\n", b"bg\n", b"jobs\n", b"fg\n"),
        *(b"again\n", b"\x04", b"sleep 100\n", b"\x03", b"echo $?\n"),
        *(b"sleep 5 & wait; echo waited\n", b"(sleep 1; kill -STOP $$) | cat\n", b"exit 6\n"),
    )
    assert lines[:3] == ["cat", "to cat", "to cat"]
    assert "^Z[1]+  Stopped                    cat" in lines
    assert "[1]+  Stopped (tty input)        cat" in lines or "[1]+  Running" in " ".join(lines)
    assert lines.count("again") == 2 and "130" in lines and "waited" in lines
    assert code == 6


def test_terminal_of_programs(root: Files) -> None:
    lines, code = typed(
        root,
        *(b"tty; stty size; stty -echo\n", b"echo unseen\n", b"stty echo; cat < /dev/tty\n"),
        *(b"x\n", b"\x04", b"\x04"),
    )
    assert "/dev/console" in lines and "24 80" in lines
    assert "unseen" in lines and "echo unseen" not in lines
    assert lines.count("x") == 2 and code == 0


def test_hanging_up_ends_the_session(root: Files) -> None:
    lines, code = typed(root, b"cat\n")
    assert lines == ["cat"] and code == 128 + Signal.SIGHUP


def test_forwarded_port_answers_the_host(root: Files) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    answers: list[bytes] = []

    def ask() -> None:
        for _ in range(600):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    data = b""
                    while piece := client.recv(4096):
                        data += piece
                if data:
                    answers.append(data)
                    break
            except OSError:
                pass
            time.sleep(0.1)

    asker = threading.Thread(target=ask)
    asker.start()
    out = io.BytesIO()
    # The script has no end: the machine runs until both clients have their answers.
    script = "httpd -p 80 -h /www; wget -q -O - http://127.0.0.1/; while sleep 1; do :; done"
    session = Session(
        "/bin/sh", ["sh", "-c", script], {"PATH": "/bin"}, root=root, stdout=out, forward={port: 80}
    )
    session.start()
    for _ in range(1000):
        session.run(20_000)
        if not asker.is_alive() and out.getvalue():
            break
    asker.join()
    session.kernel.close_host()
    assert out.getvalue() == b"from the machine\n"
    assert answers and answers[0].endswith(b"from the machine\n")
