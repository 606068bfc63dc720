"""SHA-256, AES-128 and the password vault against hashlib and `cryptography`."""

from __future__ import annotations

import hashlib
import hmac
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app_runs import run

SEED = 20


def test_sha256_at_every_length_around_two_blocks(tmp_path: Path) -> None:
    data = random.Random(SEED).randbytes(130)
    lengths = [0, 1, *range(54, 66), *range(118, 130)]
    for length in lengths:
        (tmp_path / f"{length:03}").write_bytes(data[:length])
    names = [f"{length:03}" for length in lengths]
    out, err, code = run("sha256", *names, "missing", folder=tmp_path)
    expected = [hashlib.sha256(data[:n]).hexdigest() + f"  {n:03}" for n in lengths]
    assert out.decode().splitlines() == expected
    assert (err, code) == (b"sha256: missing: No such file or directory\n", 1)


def test_aes_gives_the_vectors_of_its_standards() -> None:
    out, _, code = run("aes", "test")
    names = ("FIPS 197 B", "FIPS 197 C.1", "SP 800-38A ECB", "SP 800-38A CBC", "SP 800-38A CTR")
    assert out.decode().splitlines() == [f"{name:16} right" for name in names]
    assert code == 0


@pytest.mark.parametrize("length", [15, 16, 333])
@pytest.mark.parametrize("mode", ["ecb", "cbc", "ctr"])
def test_aes_agrees_with_cryptography(mode: str, length: int) -> None:
    source = random.Random(f"{SEED} {mode} {length}")
    key, iv, plain = source.randbytes(16), source.randbytes(16), source.randbytes(length)
    kind = {"ecb": modes.ECB(), "cbc": modes.CBC(iv), "ctr": modes.CTR(iv)}[mode]
    padder = padding.PKCS7(128).padder()
    padded = plain if mode == "ctr" else padder.update(plain) + padder.finalize()
    encryptor = Cipher(algorithms.AES128(key), kind).encryptor()
    expected = encryptor.update(padded) + encryptor.finalize()
    given = [key.hex(), *([] if mode == "ecb" else [iv.hex()])]
    assert run("aes", mode, "encrypt", *given, stdin=plain) == (expected, b"", 0)
    assert run("aes", mode, "decrypt", *given, stdin=expected) == (plain, b"", 0)


@pytest.mark.parametrize(
    ("args", "stdin", "message"),
    [
        (["ecb", "encrypt", "00"], b"", b"a key is 32 hex digits"),
        (["cbc", "encrypt", "0" * 32, "x" * 32], b"", b"an initial vector is 32 hex digits"),
        (["ecb", "decrypt", "0" * 32], b"seventeen letters", b"not whole blocks"),
        (["ecb", "decrypt", "0" * 32], bytes(16), b"wrong key, or not padded"),
        (["ofb", "decrypt", "0" * 32], b"", b"usage"),
    ],
)
def test_aes_refuses(args: list[str], stdin: bytes, message: bytes) -> None:
    _, err, code = run("aes", *args, stdin=stdin)
    assert message in err and code == 2


def opened(vault: bytes, password: str) -> bytes:
    """What is in a vault file, by independent implementations of its parts."""
    assert vault[:8] == b"NVAULT1\n"
    rounds, salt, counter = int.from_bytes(vault[8:12], "big"), vault[12:28], vault[28:44]
    keys = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds, 48)
    assert hmac.digest(keys[16:], vault[:-32], "sha256") == vault[-32:]
    cipher = Cipher(algorithms.AES128(keys[:16]), modes.CTR(counter)).decryptor()
    return cipher.update(vault[44:-32]) + cipher.finalize()


def test_the_vault_keeps_secrets(tmp_path: Path) -> None:
    long = "correct horse battery staple " * 4  # more than one block, as key and as secret
    file = tmp_path / "v"

    def vault(*args: str, lines: str = "", seed: int = 0) -> tuple[bytes, bytes, int | None]:
        stdin = f"{long}\n{lines}".encode()
        return run("vault", "v", *args, stdin=stdin, folder=tmp_path, seed=seed)

    assert vault("init", "3") == (b"", b"", 0)
    assert opened(file.read_bytes(), long) == b""
    assert vault("init") == (b"", b"vault: the file exists\n", 1)
    assert vault("set", "mail", lines="hunter2\n", seed=1) == (b"", b"", 0)
    assert vault("set", "bank", lines=long + "\n", seed=2) == (b"", b"", 0)
    assert vault("set", "mail", lines="swordfish\n", seed=3) == (b"", b"", 0)
    content = f"bank\t{long}\nmail\tswordfish\n".encode()
    assert opened(file.read_bytes(), long) == content
    assert b"swordfish" not in file.read_bytes()
    assert vault("list") == (b"bank\nmail\n", b"", 0)
    assert vault("get", "mail") == (b"swordfish\n", b"", 0)
    assert vault("remove", "bank", seed=4) == (b"", b"", 0)
    assert vault("get", "bank") == (b"", b"vault: no such name\n", 1)
    assert opened(file.read_bytes(), long) == b"mail\tswordfish\n"


def test_the_vault_refuses_what_was_changed(tmp_path: Path) -> None:
    file = tmp_path / "v"
    assert run("vault", "v", "init", "2", stdin=b"a\n", folder=tmp_path)[2] == 0
    assert run("vault", "v", "set", "n", stdin=b"a\nsecret\n", folder=tmp_path)[2] == 0
    whole = file.read_bytes()
    refused = (b"", b"vault: wrong password, or the file was changed\n", 1)
    assert run("vault", "v", "list", stdin=b"b\n", folder=tmp_path) == refused
    for place in (12, 28, 44, len(whole) - 1):  # salt, counter, an entry, the tag
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        assert run("vault", "v", "get", "n", stdin=b"a\n", folder=tmp_path) == refused
    file.write_bytes(whole[:50])
    out = run("vault", "v", "list", stdin=b"a\n", folder=tmp_path)
    assert out == (b"", b"vault: this is no vault\n", 1)
