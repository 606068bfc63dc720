"""Values followed back to the bytes they came from, and forward: against changed inputs."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

from corpus import PROGRAMS, build, have_cross_gcc
from ncpu.machine.debug import DebugError, Debugger, flow, taint
from ncpu.machine.debug.commands import Shell, load
from ncpu.machine.linux.launch import Session

SEED = 12
INPUT = bytes(range(1, 49))

Run = Callable[[str, bytes], Debugger]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("flow")

    def run(name: str, stdin: bytes) -> Debugger:
        path = folder / name
        if not path.exists():
            build(PROGRAMS / "consttime" / f"{name}.c", path)
        options = {"memory_size": 128 << 10, "stack_size": 32 << 10}
        debugger = Debugger(Session(path, [name, "ecb"], stdin=io.BytesIO(stdin), **options))
        while debugger.history.forward().reason != "exited":
            pass
        return debugger

    return run


def _inputs(debugger: Debugger, where: str, at: int, **options: bool) -> list[int]:
    address = debugger.symbols.table[where][0] + at
    found = flow.backward(debugger.history, [flow.memory(address, 1)], **options)
    assert found.complete
    return found.inputs.get("standard input", [])


@pytest.mark.slow
def test_bytes_that_were_only_copied_come_from_their_own(ran: Run) -> None:
    debugger = ran("aes_table", INPUT)
    now = debugger.history.now
    assert _inputs(debugger, "text", 5) == [21]  # after the sixteen of the key
    assert _inputs(debugger, "key", 3) == [3]
    assert debugger.history.now == now


def test_a_result_comes_from_what_changes_it(ran: Run) -> None:
    print(f"seed {SEED}")
    debugger = ran("aes_table", INPUT)
    # A byte of the second block depends on all of the key and its own block, by way of tables.
    found = _inputs(debugger, "result", 16, addresses=True)
    assert found == [*range(16), *range(32, 48)]
    without = _inputs(debugger, "result", 16)
    assert set(without) < set(found)
    # Changing what is not named changes nothing; changing what is does.
    place = debugger.symbols.table["result"][0] + 16
    was = debugger.read(place, 1)
    rng = np.random.default_rng(SEED)
    for at, changes in ((int(rng.integers(16, 32)), False), (int(rng.integers(32, 48)), True)):
        other = bytearray(INPUT)
        other[at] ^= 0x5A
        assert (ran("aes_table", bytes(other)).read(place, 1) != was) == changes


def test_the_commands(ran: Run) -> None:
    load()
    debugger = ran("compare", INPUT[:16])
    shell = Shell(debugger, lambda a, b: debugger.session)
    assert "bytes 0-15 of standard input" in shell.run("origin guess")
    assert "the program's data secret" in shell.run("origin secret 4")
    assert shell.run("origin").startswith("error: whose origin")
    assert shell.run("origin guess 9999").startswith("error: 9999 bytes")
    # The answer is a comparison of all bytes of both: a character made of a flag.
    debugger.goto(debugger.history.events[-2].at - 1)  # before its write
    answer = shell.run("origin x0")
    assert "instructions" in answer
    text = shell.run("taint stdin")
    assert "now in" in text and "guess, 16 bytes" in text and "constant_time" in text
    assert "secret, 16 bytes" in shell.run("taint secret 16")
    assert shell.run("taint").startswith("error: what to follow")
    assert shell.run("taint x3").startswith("error: registers hold nothing")


def test_taint_is_what_origin_says_backwards(ran: Run) -> None:
    debugger = ran("aes_table", INPUT)
    spread = taint.forward(debugger)
    held = {a + k for a, n in spread.memory for k in range(n)}
    start, size = debugger.symbols.table["result"]
    assert set(range(start, start + 32)) <= held  # both blocks of ciphertext
    assert not held & set(range(start + 48, start + size))  # what nothing was written to
    at = debugger.symbols.table["key"][0]
    only = taint.forward(debugger, (at, 16))
    assert not only.memory  # what the key held at the start was written over by the input


def test_a_place_outside_is_refused(ran: Run) -> None:
    debugger = ran("compare", INPUT[:16])
    load()
    shell = Shell(debugger, lambda a, b: debugger.session)
    assert shell.run("origin nowhere").startswith("error: there is no register or symbol")
    with pytest.raises(DebugError):
        debugger.location("nowhere")
