"""The cipher machine against its ciphers written plainly, published values and the stdlib."""

from __future__ import annotations

import codecs
import os
import pty
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from flax import nnx
from typer.testing import CliRunner

from ncpu.cli import app
from ncpu.machine.word import from_limbs, to_limbs
from ncpu.neural_alu import checkpoint, cipher
from ncpu.neural_alu.alu import AtEachPosition, ForEachInput
from ncpu.neural_alu.cipher import BLOCK, CIPHERS, CipherError
from ncpu.neural_alu.compute import ByNetworks, Compute, Exactly
from ncpu.neural_alu.packed import answers

KEYS = {
    "caesar": ["0", "3", "25"],
    "vigenere": ["a", "Lemon", "Zy" * 64],
    "xor": ["k", "clé secrète", "x" * 256],
}
MASK = (1 << 64) - 1


@pytest.fixture(scope="module", params=["exact", "tabulated", "neural"])
def compute(request: pytest.FixtureRequest) -> Compute:
    if request.param == "exact":
        return Exactly()
    networks = checkpoint.load()
    hard = AtEachPosition(networks)
    return ByNetworks(ForEachInput(answers(networks)) if request.param == "tabulated" else hard)


def plain_shifts(name: str, key: str) -> Iterator[int]:
    numbers = [int(key)] if name == "caesar" else [ord(c) - ord("a") for c in key.lower()]
    while True:
        yield from numbers


def plain_stream(key: str) -> Iterator[int]:
    state = 0xCBF29CE484222325
    for byte in key.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    for k in count(1):
        z = state + k * 0x9E3779B97F4A7C15 & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        yield from (z ^ z >> 31).to_bytes(8, "little")


def plain(name: str, key: str, text: bytes) -> bytes:
    """Encryption a byte at a time."""
    if name == "xor":
        return bytes(a ^ b for a, b in zip(text, plain_stream(key), strict=False))
    out, shifts = bytearray(), plain_shifts(name, key)
    for byte in text:
        first = ord("A") if byte < 96 else ord("a")
        is_letter = first <= byte < first + 26
        out.append(first + (byte - first + next(shifts)) % 26 if is_letter else byte)
    return bytes(out)


def texts() -> list[bytes]:
    rng = random.Random(7)
    letters = b"abcXYZ uvw.QRS\n\xc3\xa4"
    sizes = (1, 7, 8, 9, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 77)
    return [
        b"",
        bytes(range(256)),
        "Zażółć gęślą jaźń, naïve ÅNGSTRÖM".encode(),
        *(rng.randbytes(size) for size in sizes),
        *(bytes(rng.choices(letters, k=size)) for size in sizes),
    ]


@pytest.mark.parametrize("name", CIPHERS)
def test_as_written_plainly_and_back(name: str, compute: Compute) -> None:
    for key in KEYS[name]:
        for text in texts():
            secret = cipher.cipher(name, key, compute)(text)
            assert secret == plain(name, key, text), (key, text[:20])
            assert cipher.cipher(name, key, compute, decrypt=True)(secret) == text


@pytest.mark.parametrize("name", CIPHERS)
@pytest.mark.parametrize("decrypt", [False, True])
def test_pieces_are_one_message(name: str, decrypt: bool, compute: Compute) -> None:
    rng = random.Random(3)
    text = bytes(rng.choices(b"Attack at dawn\xff", k=BLOCK + 300))
    whole = cipher.cipher(name, KEYS[name][1], compute, decrypt=decrypt)(text)
    machine = cipher.cipher(name, KEYS[name][1], compute, decrypt=decrypt)
    out, rest = b"", text
    while rest:
        size = rng.choice([0, 1, 3, 8, 500, BLOCK])
        piece, rest = rest[:size], rest[size:]
        out += machine(piece)
    assert out == whole


def test_published_messages(compute: Compute) -> None:
    vigenere = cipher.cipher("vigenere", "LEMON", compute)
    assert vigenere(b"ATTACK AT DAWN") == b"LXFOPV EF RNHR"
    caesar = cipher.cipher("caesar", "23", compute)
    assert caesar(b"THE QUICK BROWN FOX JUMPS OVER") == b"QEB NRFZH YOLTK CLU GRJMP LSBO"
    text = "The Zebra, 13 Times?"
    thirteen = cipher.cipher("caesar", "13", compute)
    assert thirteen(text.encode()).decode() == codecs.encode(text, "rot13")


def test_published_generators(compute: Compute) -> None:
    for key, expected in {"a": 0xAF63DC4C8601EC8C, "foobar": 0x85944171F73967E8}.items():
        made = cipher.Xor(compute, key, False).seed
        assert int(from_limbs(made)) == expected
    machine = cipher.Xor(compute, "k", False)
    machine.seed = to_limbs(1234567)  # type: ignore[assignment]
    words = np.frombuffer(machine(bytes(24)), "<u8").tolist()
    assert words == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("name", CIPHERS)
def test_random_weights_break_it(name: str) -> None:
    networks = checkpoint.load()
    rng = np.random.default_rng(5)
    for cell in ("half", "carry", "sum", "xor"):
        graph, state = nnx.split(nnx.clone(networks[cell]))
        for leaf in state.values():
            leaf[...] = rng.normal(size=leaf[...].shape).astype(np.float32)
        networks[cell] = nnx.merge(graph, state)
    broken = ByNetworks(ForEachInput(answers(networks)))
    text = b"Attack at dawn"
    assert cipher.cipher(name, KEYS[name][1], broken)(text) != plain(name, KEYS[name][1], text)


@pytest.mark.parametrize(
    "name, key, message",
    [
        ("caesar", "26", "from 0 to 25"),
        ("caesar", "-1", "from 0 to 25"),
        ("caesar", "", "from 0 to 25"),
        ("caesar", "³", "from 0 to 25"),
        ("vigenere", "", "letters A to Z"),
        ("vigenere", "two words", "letters A to Z"),
        ("vigenere", "clé", "letters A to Z"),
        ("vigenere", "a" * 129, "1 to 128"),
        ("xor", "", "1 to 256"),
        ("xor", "é" * 129, "258 bytes"),
        ("rot13", "1", "caesar, vigenere, xor"),
    ],
)
def test_bad_keys(name: str, key: str, message: str) -> None:
    with pytest.raises(CipherError, match=message):
        cipher.cipher(name, key, Exactly())


COMMAND = [sys.executable, "-c", "from ncpu.cli import main; main()", "text", "--alu", "exact"]


def pipe(text: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], input=text, capture_output=True, timeout=300)


def test_command_piped() -> None:
    text = os.urandom(2 * BLOCK + 5)
    secret = pipe(text, "--cipher", "xor", "--key", "clé")
    assert secret.stdout == plain("xor", "clé", text), secret.stderr
    again = pipe(secret.stdout, "--cipher", "xor", "--key", "clé", "--decrypt")
    assert again.stdout == text


def test_command_by_networks() -> None:
    arguments = ["text", "--cipher", "caesar", "--key", "1", "--alu", "abacus"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2 and "abacus" in done.output


def test_command_refuses_keys_in_a_line() -> None:
    done = pipe(b"x", "--cipher", "caesar", "--key", "C")
    assert done.returncode == 2
    assert b"from 0 to 25" in done.stderr and b"Traceback" not in done.stderr


def converse(lines: bytes, *arguments: str) -> str:
    """What the command prints when lines are typed at a terminal."""
    terminal, inside = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=inside, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        os.write(terminal, lines + b"\x04")
        out = process.communicate(timeout=300)[0]
    os.close(inside)
    os.close(terminal)
    return out.decode()


def test_command_at_a_terminal() -> None:
    # Each line starts the key anew.
    out = converse(b"Attack\nAttack\n", "--cipher", "vigenere", "--key", "Lemon")
    assert out.count("Lxfopv") == 2 and "encrypt> " in out
    secret = plain("xor", "k", b"Hi").hex(" ")
    assert secret in converse(b"Hi\n", "--cipher", "xor", "--key", "k")
    typed = f"{secret}\nzz\n".encode()
    out = converse(typed, "--cipher", "xor", "--key", "k", "--decrypt")
    assert "Hi" in out and "hexadecimal" in out
