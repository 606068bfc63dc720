"""From a file to a finished process in one call: load, decode, run, serve."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ncpu.machine import elf, hosted, memory, word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.disasm import disassemble
from ncpu.machine.linux import command
from ncpu.machine.linux.clock import Clock
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.host import Keyboard, Piece, Script
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.machine import Machine
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.run import Result, go_on
from ncpu.machine.linux.terminal import Terminal
from ncpu.machine.program import Program
from ncpu.machine.state import PAGE, State, Status
from ncpu.machine.text import Text

# Instructions between two looks at the keyboard: a fraction of a second.
PIECE = 4_000_000
# As Linux has it, where there is room; glibc makes the stacks of threads as large.
MAX_STACK, STACK_SHARE = 8 << 20, 8
Mounts = Sequence[tuple[str | os.PathLike[str], str, bool]]


class Running:
    """A machine at work, from wherever it stands: how its lanes are stepped, and where it is.

    Args:
      kernel: its kernel.
      state: the lane of its first process.
      alu: the arithmetic.
      forward: ports of the host's 127.0.0.1 to ports of the machine.
    """

    def __init__(self, kernel: Kernel, state: State, alu: Alu, forward: Mapping[int, int]) -> None:
        self.kernel, self.state, self.alu = kernel, state, alu
        self.forward = dict(forward)
        self.machine: Machine | None = None

    def start(self) -> Machine:
        """The machine, made when it is first asked for."""
        if self.machine is None:
            self.machine = self._make()
            self.machine.forward(self.forward)
        return self.machine

    def _make(self) -> Machine:
        raise NotImplementedError

    @property
    def symbols(self) -> dict[str, tuple[int, int]]:
        """Functions of the first program, name to (address, size)."""
        raise NotImplementedError

    def _stretch(self, program: Program, state: State, steps: int) -> State:
        """Run one lane in pieces, so that an interrupt is heard and leaves a state to look at."""
        while steps > 0:
            piece = min(steps, PIECE)
            self.state = state = hosted.run(program, state, piece, alu=self.alu)
            if int(state.status) != Status.OUT_OF_FUEL:
                break
            steps -= piece
        return state

    def run(self, max_steps: int | None = None) -> Result:
        """Run on to the end, or until `max_steps` more instructions have retired."""
        result = go_on(self.start(), max_steps)
        self.state = result.state
        return result

    def where(self) -> str:
        """Where the process is: pc, function and instruction, for people."""
        pc = int(word.from_limbs(self.state.pc))
        inside = [
            (address, name)
            for name, (address, size) in self.symbols.items()
            if address <= pc < address + max(size, 1)
        ]
        function = f" in {max(inside)[1]}" if inside else ""
        if memory.permissions(self.state, pc, 4) == 0:
            return f"pc {pc:#x}{function}, which holds no code"
        value = int.from_bytes(memory.read(self.state, pc, 4), "little")
        return f"pc {pc:#x}{function}: {value:08x} {disassemble(value, pc)}"


class Session(Running):
    """A program on the machine, from its file to its end, with the processes it makes.

    Args:
      source: path of an AArch64 Linux executable, or its bytes; with `root`, a command in the
        guest's tree, found by PATH as a shell finds it.
      argv: arguments, the program's name first; the file's name when empty.
      env: environment variables.
      mounts: host folders it sees: (host folder, guest path, writable).
      root: the host folder or tar archive that its `/` starts as, whose writes stay in memory,
        or a tree made before.  Left out, `/` is empty but for devices and `/tmp`.  A dynamic
        program's linker and libraries are found in the guest's tree alone.
      stdin, stdout, stderr: host byte streams; None is empty or discards.
      isatty: whether they look like a terminal to it.
      memory_size: bytes of guest memory.
      stack_size: bytes of it for the stack; None is as Linux has it, where there is room.
      seed: of everything random the guest can see.
      alu: the arithmetic.
      warn: called with one line for each system call that is not implemented.
      cwd: working directory in the guest's tree; `/` when left out.
      clock: its time; virtual when left out.
      limits: `max_tasks`, `max_memory` and `max_files` of all processes together.
      forward: ports of the host's 127.0.0.1 to ports of the machine.

    Raises:
      ElfError: not a file this machine runs; the message says what is accepted.
      CommandError: the command or the dynamic linker it asks for is missing.
      RootError: `root` cannot be used.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        argv: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        *,
        mounts: Mounts = (),
        root: str | os.PathLike[str] | Files | None = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        isatty: bool = False,
        memory_size: int = 64 << 20,
        stack_size: int | None = None,
        seed: int = 0,
        alu: Alu = EXACT,
        warn: Any = None,
        cwd: str | None = None,
        clock: Clock | None = None,
        limits: dict[str, int] | None = None,
        forward: Mapping[int, int] | None = None,
    ) -> None:
        files = root if isinstance(root, Files) else Files(root=root)
        for folder, path, writable in mounts:
            files.mount(path, folder, writable=writable)
        env = env or {}
        words: Sequence[str | bytes] = argv or [_name(source)]
        execfn = exe = None
        if root is not None and not isinstance(source, bytes):
            found = command.find(files, os.fspath(source), argv or [os.fspath(source)], env)
            source, words, execfn, exe = found.data, found.argv, found.execfn, found.path
        image = elf.load(
            *(source, words, env),
            memory=memory_size,
            stack=stack_size or min(MAX_STACK, memory_size // STACK_SHARE // PAGE * PAGE),
            seed=seed,
            execfn=execfn,
            interpreter=command.interpreter(files),
        )
        process = Process.from_image(image, seed=seed, exe=exe, clock=clock)
        if cwd is not None:
            process.cwd = files.directory(cwd)
        kernel = Kernel(process, files, stdin, stdout, stderr, isatty=isatty, warn=warn)
        super().__init__(kernel, image.state, alu, forward or {})
        self.image = image
        self.text = Text(image.state)
        self.limits = limits

    def _make(self) -> Machine:
        state, text = self.state, self.text
        return Machine.start(self.kernel, state, self._stretch, text, Text, limits=self.limits)

    @property
    def symbols(self) -> dict[str, tuple[int, int]]:
        """As the file says."""
        return self.image.symbols


def host_terminal(session: Running, keys: int, screen: int, *, errors: bool = True) -> None:
    """Give a session the host's terminal (descriptors to read keys from and to show on).

    One that has a terminal already, as a restored one may, keeps it.  Without `errors`, standard
    error stays the stream that the session was given.  The terminal is the host's again when the
    program has ended, or `session.kernel.close_host()` is called.
    """
    machine = session.start()

    def show(data: bytes) -> None:
        while data:
            data = data[os.write(screen, data) :]

    if (terminal := session.kernel.terminal) is not None:
        terminal.connect(show)
        session.kernel.wait_on(Keyboard(terminal, keys, screen))
        return
    terminal = Terminal(show, machine.signal_group)
    session.kernel.attach(terminal, Keyboard(terminal, keys, screen), errors=errors)


def scripted_terminal(session: Running, pieces: Sequence[Piece]) -> bytearray:
    """Give a session a terminal at which `pieces` are typed; what it shows.

    Each piece is typed when the machine has nothing to do but to wait for a key, or where it comes
    with a moment, then: (nanoseconds since the program's start, piece).
    """
    machine, screen, kernel = session.start(), bytearray(), session.kernel
    if (terminal := kernel.terminal) is not None:
        terminal.connect(screen.extend)
        kernel.wait_on(Script(terminal, pieces, kernel.process.clock))
        return screen
    terminal = Terminal(screen.extend, machine.signal_group)
    kernel.attach(terminal, Script(terminal, pieces, kernel.process.clock))
    return screen


def _name(source: str | os.PathLike[str] | bytes) -> str:
    return "program" if isinstance(source, bytes) else Path(source).name


def launch(source: str | os.PathLike[str] | bytes, *args: str, **options: Any) -> Result:
    """Run a program to its end; `options` are those of `Session` and `max_steps`."""
    max_steps = options.pop("max_steps", None)
    return Session(source, [_name(source), *args], **options).run(max_steps)


__all__ = ["Result", "Running", "Session", "host_terminal", "launch", "scripted_terminal"]
