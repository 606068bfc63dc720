"""Constant time: what leaks is named, what does not is not; AES against published vectors."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from typer.testing import CliRunner

from corpus import PROGRAMS, build, have_cross_gcc
from ncpu.cli import app
from ncpu.machine.debug import DebugError
from ncpu.machine.debug.const_time import Checker, Report
from ncpu.machine.linux.launch import Session

SEED = 4
MEMORY, STACK = 128 << 10, 32 << 10
KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")  # SP 800-38A, F.1.1 and F.2.1
VECTOR = bytes(range(16))
TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
ECB = bytes.fromhex(
    "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
    "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4"
)
CBC = bytes.fromhex(
    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
)
FIPS = (bytes(range(16)), bytes.fromhex("00112233445566778899aabbccddeeff"))  # FIPS 197, C.1
FIPS_TEXT = bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a")
MASK = (1 << 64) - 1
TABLE = [(i * 7 + 3) & 255 for i in range(256)]

Open = Callable[..., Session]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Open:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("consttime")

    def opened(name: str, *args: str, stdin: bytes = b"", stdout: io.BytesIO | None = None):
        path = folder / name
        if not path.exists():
            build(PROGRAMS / "consttime" / f"{name}.c", path)
        return Session(
            path,
            [name, *args],
            stdin=io.BytesIO(stdin),
            stdout=stdout,
            memory_size=MEMORY,
            stack_size=STACK,
        )

    return opened


def _run(program: Open, name: str, *args: str, stdin: bytes) -> bytes:
    out = io.BytesIO()
    assert program(name, *args, stdin=stdin, stdout=out).run().exit_code == 0
    return out.getvalue()


@pytest.mark.parametrize("name", ["aes_ct", "aes_table"])
def test_aes_gives_the_published_vectors(program: Open, name: str) -> None:
    assert _run(program, name, "ecb", stdin=FIPS[0] + FIPS[1]) == FIPS_TEXT
    assert _run(program, name, "ecb", stdin=KEY + TEXT) == ECB
    assert _run(program, name, "cbc", stdin=KEY + VECTOR + TEXT) == CBC


def test_aes_decrypts_and_agrees_with_a_library(program: Open) -> None:
    assert _run(program, "aes_ct", "ecb", "d", stdin=KEY + ECB) == TEXT
    assert _run(program, "aes_ct", "cbc", "d", stdin=KEY + VECTOR + CBC) == TEXT
    rng = np.random.default_rng(SEED)
    key, chain, text = rng.bytes(16), rng.bytes(16), rng.bytes(1024)
    cipher = Cipher(algorithms.AES(key), modes.CBC(chain)).encryptor()
    assert _run(program, "aes_ct", "cbc", stdin=key + chain + text) == cipher.update(text)


@pytest.mark.parametrize("mode", ["ecb", "cbc"])
def test_aes_without_tables_is_constant_time(program: Open, mode: str) -> None:
    stdin = KEY + VECTOR + TEXT[:16]
    checker = Checker(program("aes_ct", mode, stdin=stdin), mode, operands=True, lanes=16)
    report = checker.check(["key", "text:16"], 16, seed=SEED)
    assert report.constant and report.tried == 16 and report.retired > 25_000


def test_aes_by_tables_leaks_at_its_tables(program: Open) -> None:
    checker = Checker(program("aes_table", "ecb", stdin=KEY + TEXT[:16]), "ecb", lanes=16)
    report = checker.check(["key"], 16, seed=SEED)
    source = (PROGRAMS / "consttime" / "aes_table.c").read_text().splitlines()
    assert len(report.leaks) >= 8
    for leak in report.leaks:
        assert leak.kind == "address" and leak.instruction.startswith("ldr")
        line = int(leak.where.rpartition(":")[2].rstrip(")"))
        assert "aes_table.c:" in leak.where and (
            "box[" in source[line - 1] or "table[" in "".join(source[line - 2 : line + 1])
        )


def _compare(program: Open, function: str, secrets: list[str], **options: bool) -> Report:
    checker = Checker(program("compare", stdin=VECTOR), function, lanes=16, **options)
    return checker.check(secrets, 31, seed=SEED)


def test_comparing(program: Open) -> None:
    both = ["*x0:16", "*x1:16"]
    early = _compare(program, "early_exit", both)
    assert [leak.kind for leak in early.leaks] == ["path"]
    assert "early_exit" in early.leaks[0].where and "compare.c:" in early.leaks[0].where
    assert early.leaks[0].instruction.startswith("b.")
    assert _compare(program, "constant_time", both).constant
    assert early.json()["leaks"][0]["kind"] == "path"
    # What is read from standard input is a secret like another.
    reads = _compare(program, "main", ["stdin:16", "secret:16"])
    assert "early_exit" in reads.leaks[0].where


def test_operands_of_a_division_count_when_asked_for(program: Open) -> None:
    assert _compare(program, "division", ["x0"], call=True).constant
    report = _compare(program, "division", ["x0"], call=True, operands=True)
    assert [leak.kind for leak in report.leaks] == ["operands"]
    assert report.leaks[0].instruction.startswith("udiv")


def _signed(x: int) -> int:
    return x - (1 << 64) if x >> 63 else x


PRIMITIVES: dict[str, Callable[[int, int], int]] = {
    "xor": lambda a, b: a ^ b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "not": lambda a, b: ~a & MASK,
    "select": lambda a, b: a if b & 1 else b,
    "equal": lambda a, b: int(a == b),
    "less_than": lambda a, b: int(a < b),
    "greater_than": lambda a, b: int(a > b),
    "swap": lambda a, b: ((b * 3 + a) if b & 1 else (a * 3 + b)) & MASK,
    "byte_lookup": lambda a, b: TABLE[a & 255],
    "byte_lookup_batch": lambda a, b: TABLE[a & 255] | TABLE[b & 255] << 8,
    "memcmp": lambda a, b: int(a != b),
    "min": min,
    "max": max,
    "abs": lambda a, b: abs(_signed(a)) & MASK,
    "clamp": lambda a, b: min(max(a, 16), b | 16),
    "rotate_left": lambda a, b: (a << (b & 63) | a >> (-b & 63)) & MASK if b & 63 else a,
    "rotate_right": lambda a, b: (a >> (b & 63) | a << (-b & 63)) & MASK if b & 63 else a,
    "is_zero": lambda a, b: int(a == 0),
}


def _agree(report: Report, name: str) -> None:
    half = report.secrets.shape[1] // 2
    for row, value in zip(report.secrets, report.values, strict=True):
        a, b = (int.from_bytes(part.tobytes(), "little") for part in (row[:half], row[half:]))
        assert PRIMITIVES[name](a, b) == int(value), (name, hex(a), hex(b))


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_primitive_is_right_and_constant_time(program: Open, name: str) -> None:
    checker = Checker(program("primitives"), f"check_{name}", call=True, operands=True, lanes=16)
    for secrets, options in ((["x0:3", "x1:3"], {"exhaustive": True}), (["x0", "x1"], {})):
        report = checker.check(secrets, 46, seed=SEED, **options)
        assert report.constant and report.tried >= 46, report.leaks
        _agree(report, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_primitive_for_all_pairs_of_bytes(program: Open, name: str) -> None:
    checker = Checker(program("primitives"), f"check_{name}", call=True, lanes=1024)
    report = checker.check(["x0:8", "x1:8"], exhaustive=True)
    assert report.constant and report.exhaustive and report.tried == 65536
    _agree(report, name)


def test_a_branch_on_the_secret_is_found_where_the_compiler_put_it(program: Open) -> None:
    checker = Checker(program("primitives"), "check_branching_max", call=True, lanes=16)
    report = checker.check(["x0:2", "x1:2"], exhaustive=True)
    assert [leak.kind for leak in report.leaks] == ["path"] and report.leaks[0].count == 6


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("nothing", "names no secret"),
        ("*x0", "names no secret"),
        ("x0:65", "names no secret"),
        ("x31", "names no secret"),
        ("stdin", "names no secret"),
        ("table:999999", "outside memory"),
    ],
)
def test_bad_secrets_are_refused(program: Open, secret: str, why: str) -> None:
    checker = Checker(program("primitives"), "main", lanes=16)
    with pytest.raises(DebugError, match=why):
        checker.check([secret], 16)
    with pytest.raises(DebugError, match="what is secret"):
        checker.check([], 16)


def test_a_function_that_is_not_there_or_not_reached(program: Open) -> None:
    with pytest.raises(DebugError, match="no function 'nothing'"):
        Checker(program("primitives"), "nothing", lanes=16)
    with pytest.raises(DebugError, match="ended before it came to check_xor"):
        Checker(program("primitives"), "check_xor", lanes=16)
    with pytest.raises(DebugError, match=r"2\*\*128 values: at most 16 bits"):
        Checker(program("primitives"), "main", lanes=16).check(["x0", "x1"], exhaustive=True)


def test_the_command_line(program: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("compare")
    monkeypatch.setattr("ncpu.xla.use_cache", lambda: None)
    (tmp_path / "in").write_bytes(VECTOR)
    path = build(PROGRAMS / "consttime" / "compare.c", tmp_path / "compare")
    options = ["--secret", "*x0:16", "--secret", "*x1:16", "--lanes", "16"]
    options += ["--memory", "128K", "--stack", "32K", "--json", str(tmp_path / "out.json")]
    options += ["--function", "early*", "--function", "constant_time"]
    options += ["--stdin", str(tmp_path / "in")]
    done = CliRunner().invoke(app, ["debug", "const-time", str(path), *options])
    assert done.exit_code == 1, done.output
    assert "compare.c:" in done.output and "the same path and addresses" in done.output
    assert [r["constant"] for r in json.loads((tmp_path / "out.json").read_text())] == [False, True]
