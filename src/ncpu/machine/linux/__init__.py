"""Linux for programs on the machine: processes, files, memory, signals and system calls."""

from ncpu.machine.linux.abi import Errno, LinuxError, Signal
from ncpu.machine.linux.clock import Clock
from ncpu.machine.linux.console import Console
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.run import Result, run_process

__all__ = [
    "Clock",
    "Console",
    "Errno",
    "Files",
    "Kernel",
    "LinuxError",
    "Process",
    "Result",
    "Signal",
    "run_process",
]
