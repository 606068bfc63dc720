"""The devices of /dev: their names, which are their drivers', and numbers."""

from __future__ import annotations

from ncpu.machine.linux import abi

DEVICES = {
    "null": abi.device(1, 3),
    "zero": abi.device(1, 5),
    "full": abi.device(1, 7),
    "random": abi.device(1, 8),
    "urandom": abi.device(1, 9),
    "tty": abi.device(5, 0),
    "console": abi.device(5, 1),
    "ptmx": abi.device(5, 2),
    "stdin": abi.device(136, 0),
    "stdout": abi.device(136, 0),
    "stderr": abi.device(136, 0),
}
