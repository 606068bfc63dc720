"""ed, Mandelbrot, the web server's requests, the adventure, and the digits, each against a peer."""

from __future__ import annotations

import email.parser
import http.client
import io
import random
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app_runs import at_terminal, built, run
from pseudo_terminal import Keyboard, qemu


def script(seed: int) -> bytes:
    """An editing session of random commands, most of them meaningful."""
    r = random.Random(seed)
    words = ["one", "two", "three", "foo bar", "a.b", "xyzzy"]

    def lines() -> str:
        one = ["", "1", "2", "$", ".", "3", "/o/", "?e?", "+1", "-1", "/o/+1"]
        pair = f"{r.choice(one)},{r.choice(one)}"
        return r.choice([r.choice(one), r.choice(one), pair, ",", "1,3", "2;+1", "%"])

    out = ["a", *(r.choice(words) + str(r.randrange(9)) for _ in range(6)), "."]
    for _ in range(25):
        commands = (
            *(f"{lines()}p", f"{lines()}n", f"{lines()}d", f"{lines()}j", lines()),
            f"{lines()}s/o/<&>/{r.choice(['', 'g', '2', 'p', 'gn'])}",
            f"{lines()}{r.choice('mt')}{r.choice(['0', '$', '2', ''])}",
            f"{r.choice('gv')}/{r.choice('oetx')}/{r.choice(['p', 'd', 's/e/E/', 'm0', 't.'])}",
            f"{r.choice(['', '1', '$'])}{r.choice('aic')}\nnew {r.randrange(99)}\n.",
        )
        out.append(r.choice(commands))
    return "\n".join([*out, ",n", "Q", ""]).encode()


@pytest.mark.parametrize("seed", range(6))
def test_ed_does_what_gnu_ed_does(seed: int) -> None:
    if shutil.which("ed") is None:
        pytest.skip("ed is missing (Debian package ed)")
    expected = subprocess.run(["ed"], input=script(seed), capture_output=True)
    out, _, code = run("ed", stdin=script(seed))
    assert (out, code) == (expected.stdout, expected.returncode)


def test_ed_edits_a_file(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("first\nsecnod\nthird\n")
    commands = b"2s/no/on/p\n$a\nfourth \\ line\n.\n1m$\nu\nu\n2,3l\ng/ir/s//IR/\nw\nq\n"
    out, err, code = run("ed", "notes", stdin=commands, folder=tmp_path)
    text = "second\nthIRd\nfourth \\ line\nfIRst\n"
    assert out.decode() == f"19\nsecond\nthird$\nfourth \\\\ line$\n{len(text)}\n"
    assert (err, code) == (b"", 0)
    assert (tmp_path / "notes").read_text() == text
    out, err, code = run("ed", "absent", stdin=b"h\na\nx\n.\nq\nq\n", folder=tmp_path)
    assert out.decode() == "cannot open input file\n?\n"
    assert (err, code) == (b"absent: No such file or directory\n", 1)


def test_mandelbrot_is_a_right_png() -> None:
    from PIL import Image

    width, height, (x, y, span) = 40, 30, (-0.7, 0.1, 2.5)
    out, _, code = run("mandelbrot", *map(str, (width, height, x, y, span)))
    assert code == 0
    picture = Image.open(io.BytesIO(out))
    picture.verify()  # the checksums of every chunk
    pixels = np.asarray(Image.open(io.BytesIO(out)))  # and of the data, by zlib
    step = span / width
    c = x + step * (np.arange(width) - width / 2), y + step * (np.arange(height) - height / 2)
    cx, cy = np.meshgrid(*c)
    a, b, n = np.zeros(cx.shape), np.zeros(cx.shape), np.full(cx.shape, 200)
    for i in range(200):
        aa, bb = a * a, b * b
        n[(aa + bb > 4) & (n == 200)] = i
        a, b = np.where(n < 200, 0, aa - bb + cx), np.where(n < 200, 0, 2 * a * b + cy)
    expected = np.stack([9 * n, 5 * n, 80 + 3 * n], -1).astype(np.uint8)
    expected[n == 200] = 0
    assert (pixels == expected).all()
    assert run("mandelbrot", "0", "9")[1:] == (
        b"mandelbrot: a size is 1 to 4096 by 1 to 4096\n",
        2,
    )


class _Reply(io.BytesIO):
    """What `http.client` reads answers from."""

    def makefile(self, *_: object) -> io.BytesIO:
        return self

    def close(self) -> None:
        """Further answers follow in the same stream."""


def test_httpd_answers(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text("<p>inner")
    (tmp_path / "a b.txt").write_bytes(bytes(range(256)) * 30)
    (tmp_path / "<i>.css").write_text("")
    outside = tmp_path.parent / "secret"
    outside.write_text("secret")
    requests = [
        ("GET /", 200, b"<li><a href"),
        ("GET /sub?query", 200, b"<p>inner"),
        ("GET /a%20b.txt", 200, bytes(range(256)) * 30),
        ("HEAD /a%20b.txt", 200, None),
        ("GET /none", 404, b"404 Not Found"),
        ("GET /sub/index.htm", 404, b"404"),
        ("DELETE /sub", 405, b"405"),
        ("GET /../secret", 400, None),
    ]
    text = "".join(f"{request} HTTP/1.1\r\nHost: here\r\n\r\n" for request, _, _ in requests)
    out, err, code = run("httpd", "--stdin", stdin=text.encode(), folder=tmp_path)
    assert code == 0
    stream = _Reply(out)
    for request, status, content in requests:
        reply = http.client.HTTPResponse(stream, method=request.split()[0])  # type: ignore[arg-type]
        reply.begin()
        body = reply.read()
        assert (request, reply.status) == (request, status)
        assert reply.getheader("Connection") == ("close" if status == 400 else "keep-alive")
        if content is not None:
            assert content in body
        if "a%20b" in request:
            assert reply.getheader("Content-Length") == "7680"
            assert reply.getheader("Content-Type") == "text/plain; charset=utf-8"
        assert b"secret" not in body and b"<i>" not in body
    assert stream.read() == b""
    assert err.count(b"\n") == len(requests)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET /%2e%2e/secret HTTP/1.1\r\n\r\n", 400),
        (b"GET /%00 HTTP/1.1\r\n\r\n", 400),
        (b"GET none HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_httpd_refuses_and_closes(request_text: bytes, status: int, tmp_path: Path) -> None:
    out, _, code = run("httpd", "--stdin", stdin=request_text * 2, folder=tmp_path)
    first, _, rest = out.partition(b"\r\n")
    headers = email.parser.BytesParser().parsebytes(rest)
    assert first.split()[1] == str(status).encode()
    assert headers["Connection"] == "close"
    assert out.count(b"HTTP/1.1") == 1 and code == 0


def test_httpd_serves_a_forwarded_port_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>by the network")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    answers: list[tuple[int, bytes]] = []

    def ask() -> None:
        assert keyboard.await_output(b"serving")
        try:
            for method, path in (("GET", "/page.html"), ("GET", "/none"), ("HEAD", "/last")):
                with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as link:
                    link.request(method, path)
                    reply = link.getresponse()
                    answers.append((reply.status, reply.read()))
        finally:
            keyboard.press(b"\x03")

    with Keyboard(b"") as keyboard:
        client = threading.Thread(target=ask)
        client.start()
        code = at_terminal(
            *(built("httpd"), ["httpd", "80"], keyboard),
            mounts=[(tmp_path, "/work", True)],
            cwd="/work",
            forward={port: 80},
        )
        client.join(60)
    assert code == 128 + signal.SIGINT
    assert [status for status, _ in answers] == [200, 404, 404]
    assert answers[0][1] == b"<p>by the network" and answers[2][1] == b""
    assert b"GET /page.html\r\nGET /none\r\nHEAD /last\r\n^C" in keyboard.output


WALK = """examine bottle|look under mat|take lantern|n|n|n|open door|look under the mat|take key
open the door|north|d|u|e|take matches|read logbook|light lantern|w|d|take oil|inventory|dance
u|u|up|light lamp|pour oil|score|light lamp"""


def test_the_adventure_can_be_won_and_is_the_same_under_qemu() -> None:
    lines = [line for part in WALK.splitlines() for line in part.split("|")]
    keys = [(b"\n> ", line.encode() + b"\n") for line in lines]
    binary = built("adventure")
    with Keyboard(keys[0][1], b"> ", [(b"> ", line) for _, line in keys[1:]]) as theirs:
        assert qemu(binary, ["adventure"], theirs) == 0
    with Keyboard(keys[0][1], b"> ", [(b"> ", line) for _, line in keys[1:]]) as ours:
        assert at_terminal(binary, ["adventure"], ours) == 0
    assert ours.output == theirs.output
    assert b"You have a key, a lantern, a box of matches, a can of oil." in ours.output
    assert b"100 of 100 points in 28 turns." in ours.output
