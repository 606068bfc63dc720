"""Programs that draw on a terminal: the same bytes as under qemu-user, for the same keys.

With `--turns` their time is the key `.`, so that no clock decides what is shown.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading

import pytest

from app_runs import at_terminal, built
from ncpu.machine.linux import abi
from ncpu.machine.linux.clock import RealClock
from ncpu.machine.linux.host import RESET
from ncpu.machine.linux.launch import Session, host_terminal, scripted_terminal
from pseudo_terminal import DRAWN, Keyboard, qemu, screen

UP, DOWN, RIGHT, LEFT = (b"\x1b[" + letter for letter in (b"A", b"B", b"C", b"D"))
NCPU = [sys.executable, "-c", "from ncpu.cli import main; main()"]


# Application, arguments, keys, and what is seen at the end.
GAMES = [
    ("snake", "--seed 3", b"..." + UP + b"...." + LEFT + b"..p" + b"q", "paused"),
    ("rogue", "--seed 4", b"lllllllljjjjhhhhhhhkkkdsll" + LEFT + b"q", "level 1  hits 24(24)"),
    ("chip8", "--seed 2 weave", b"." * 60 + b"\x1b", "CHIP-8: weave"),
    ("snake", "--seed 4", UP + b"." * 12 + b"q", "The snake is dead"),
    ("tetris", "--seed 5", LEFT * 3 + UP + b" " + RIGHT * 9 + b" ...." + DOWN + b"q", "score 0"),
    ("life", "--seed 6 random", b"nn" + UP * 2 + LEFT + b"\rn" + b" ...q", "generation 6"),
]


@pytest.mark.parametrize(("name", "args", "keys", "seen"), GAMES)
def test_the_screen_is_the_one_under_qemu(name: str, args: str, keys: bytes, seen: str) -> None:
    pytest.importorskip("pyte", reason="pyte is missing (PyPI)")
    binary = built(name)
    argv = [name, "--turns", *args.split()]
    with Keyboard(keys, DRAWN) as theirs:
        assert qemu(binary, argv, theirs) == 0
    with Keyboard(keys, DRAWN) as ours:
        before = ours.modes()
        assert at_terminal(binary, argv, ours) == 0
        assert ours.modes() == before
    assert ours.output == theirs.output
    assert any(seen in line for line in screen(ours.output))


def test_time_goes_by_without_keys() -> None:
    """Tetris on the virtual clock: a piece falls a row every 600 ms until the script quits."""
    rows = []
    for milliseconds in (100, 700, 1300, 3100):
        session = Session(built("tetris"), ["tetris", "--seed", "1"])
        moment = milliseconds * 1_000_000
        shown = scripted_terminal(session, [(moment, b"q")])
        assert session.run(50_000_000).exit_code == 0
        well = [line[28:48] for line in screen(bytes(shown))[1:21]]
        rows.append(max(i for i, line in enumerate(well) if "[]" in line))
        late = session.kernel.process.clock.monotonic() - (abi.SECOND + moment)
        assert 0 <= late < 50_000_000  # what the program computed after the key
    assert [row - rows[0] for row in rows] == [0, 1, 2, 5]


def test_real_time_passes_at_a_terminal() -> None:
    """Nothing is typed until the snake has moved three times by itself."""
    moved = b"\x1b[12H"  # every frame draws its lines anew
    argv = ["snake", "--seed", "1"]
    with Keyboard(b"", DRAWN, [(moved, b""), (moved, b""), (moved, b""), (moved, b"q")]) as keys:
        assert at_terminal(built("snake"), argv, keys, clock=RealClock()) == 0
    assert keys.output.count(moved) >= 4


@pytest.mark.parametrize("steps", [700_000, None], ids=["stopped", "Ctrl-C"])
def test_the_terminal_is_restored(steps: int | None) -> None:
    """However it ends: by the key Ctrl-C, or stopped by the host in the middle."""
    keys = b"\x03" if steps is None else b"." * 99
    with Keyboard(keys, DRAWN) as keyboard:
        before = keyboard.modes()
        session = Session(built("tetris"), ["tetris", "--seed", "1", "--turns"])
        host_terminal(session, keyboard.slave, keyboard.slave)
        result = session.run(steps or 100_000_000)
        assert (result.exit_code is None) == (steps is not None)
        assert (keyboard.modes() != before) == (steps is not None)
        session.kernel.close_host()
        assert keyboard.modes() == before
    assert keyboard.output.rstrip().endswith(b"l" if steps else b"lines 0")
    assert b"\x1b[?1049l" in keyboard.output


def test_a_signal_to_the_host_restores_the_terminal() -> None:
    binary = built("tetris")

    def end() -> None:
        if keyboard.await_output(DRAWN):
            os.kill(os.getpid(), signal.SIGTERM)

    with Keyboard(b"") as keyboard:
        before = keyboard.modes()
        ender = threading.Thread(target=end)
        ender.start()
        with pytest.raises(SystemExit, match=str(128 + signal.SIGTERM)):
            at_terminal(binary, ["tetris"], keyboard)
        ender.join()
        assert keyboard.modes() == before
    assert RESET in keyboard.output


@pytest.mark.parametrize("lines", [b"1 2 +\x03", b": f 65 emit cr begin 0 until ; f\n"])
def test_ctrl_c_in_line_mode_is_a_signal(lines: bytes) -> None:
    """While the program waits for the rest of a line, and while it computes."""
    shown = lines[:-1] if b"\x03" in lines else b"A\r\n"
    with Keyboard(lines.rstrip(b"\x03"), b"> ", [(shown, b"\x03")]) as keyboard:
        assert at_terminal(built("forth"), ["forth"], keyboard) == 128 + signal.SIGINT
    assert keyboard.output.endswith(b"^C")


def test_the_command_at_a_terminal() -> None:
    built("snake")
    with Keyboard(b"q", DRAWN) as keyboard:
        before = keyboard.modes()
        slave = keyboard.slave
        done = subprocess.run(
            [*NCPU, "apps", "run", "snake", "--seed", "2"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            timeout=120,
        )
        assert done.returncode == 0
        assert keyboard.modes() == before
    assert b"score 0, length 4" in keyboard.output


def test_life_agrees_with_its_definition() -> None:
    """Twenty generations of a random field, against a convolution."""
    import numpy as np

    def field(generations: int) -> np.ndarray:
        out = io.BytesIO()
        argv = ["life", "--seed", "9", "--generations", str(generations), "random"]
        assert Session(built("life"), argv, stdout=out).run(50_000_000).exit_code == 0
        rows = out.getvalue().decode().splitlines()[:22]
        return np.array([[c == "#" for c in row] for row in rows])

    now = field(0)
    assert now.shape == (22, 80) and 300 < now.sum() < 600
    for _ in range(20):
        shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
        near = sum(np.roll(now, shift, (0, 1)).astype(int) for shift in shifts)
        now = (near == 3) | (now & (near == 2))
    assert (field(20) == now).all()
