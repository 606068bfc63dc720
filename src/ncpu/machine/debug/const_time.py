"""Constant time: many secrets as lanes of one batch, their paths and addresses compared.

report = check(Session("aes", ["aes", "ecb"], stdin=...), "encrypt", ["*x0:16"])
report.constant         # whether no secret that was tried changed the path or an address

A program is constant time for the secrets that were tried: for all there are when they are tried
exhaustively, otherwise for a sample.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import batch, word
from ncpu.machine.debug import lanes as lanes_
from ncpu.machine.debug import paths_loop as loop
from ncpu.machine.debug import secret as secrets_
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.leaks import ADDRESS, OPERANDS, PATH, Leak, Report
from ncpu.machine.debug.secret import Secret
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.disasm import disassemble
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.launch import Session
from ncpu.machine.memory import read
from ncpu.machine.program import Program
from ncpu.machine.state import SP, State, Status

LANES = 64  # of one batch; more secrets are more batches


class Checker:
    """A program brought to a function, once; then the function with many secrets.

    Args:
      session: a process that has not run yet, with little memory (each lane has as much) and
        without output; it is used up.
      function: the name of the function watched.
      call: call it from the start of `main` whether or not the program does.
      operands: compare the operands of instructions whose time may depend on them, too.
      lanes: how many run at a time.
      max_steps: instructions that the function may take.

    Raises:
      DebugError: there is no such function, or the program does not come to it.
    """

    def __init__(
        self,
        session: Session,
        function: str,
        *,
        call: bool = False,
        operands: bool = False,
        lanes: int = LANES,
        max_steps: int = 50_000_000,
    ) -> None:
        self.session, self.function = session, function
        self.symbols = Symbols(session.image.data, session.image.bias)
        self.operands, self.lanes, self.max_steps = operands, lanes, max_steps
        self.program = Program.from_state(session.state)
        self._lines = loop.new_lines()
        self.start = self._reach("main" if call else function)
        if call:
            pc = jnp.asarray(word.to_limbs(self._address(function)))
            self.start = self.start.replace(pc=pc)

    def _address(self, name: str) -> int:
        if name not in self.symbols.table:
            why = f" ({self.symbols.problem})" if self.symbols.problem else ""
            raise DebugError(f"there is no function {name!r}{why}")
        return self.symbols.table[name][0]

    def _reach(self, name: str) -> State:
        """The state in which the program first comes to a function."""
        until = self._address(name), 0
        states = lanes_.broadcast(self.session.state, self.lanes)
        follows = np.arange(self.lanes) == 0
        found = loop.new_findings(self.program)
        while True:
            done = int(word.from_limbs(states.retired)[0])
            states, self._lines, found, _, ended = loop.piece(
                *(self.program, states, follows, done + loop.PIECE, until, self._lines, found),
                self.session.alu,
            )
            if ended[0]:
                return jax.tree.map(jnp.array, batch.lane(states, 0))
            status = int(states.status[0])
            if status == Status.EXITED:
                raise DebugError(f"the program ended before it came to {name}")
            if status != Status.OUT_OF_FUEL:
                states = lanes_.serve(states, 0, self.session.kernel)

    # -- lanes --------------------------------------------------------------------------------

    def _place(self, secret: Secret) -> int:
        """The address of a secret in memory."""
        if secret.kind == "memory":
            return secret.where
        return int(word.from_limbs(self.start.regs)[secret.where])

    def _present(self, secret: Secret) -> bytes:
        """What the program has there; nothing for standard input."""
        if secret.kind == "stdin":
            return b""
        if secret.kind == "register":
            value = int(word.from_limbs(self.start.regs)[secret.where])
            return (value & (1 << secret.bits) - 1).to_bytes(secret.bytes, "little")
        try:
            return read(self.start, self._place(secret), secret.bytes)
        except MemoryRangeError:
            raise DebugError(
                f"the secret {secret.name} is outside memory, at {self._place(secret):#x}"
            ) from None

    def _lanes(self, secrets: Sequence[Secret], values: np.ndarray) -> State:
        """The start in every lane, with each lane's secret."""
        count = self.lanes
        states = lanes_.broadcast(self.start, count)
        regs = np.repeat(np.asarray(self.start.regs)[None], count, axis=0)
        base, at = int(word.from_limbs(self.start.base)), 0
        for one in secrets:
            value = values[:, at : at + one.bytes]
            at += one.bytes
            if one.kind == "register":
                wide = np.zeros((count, 8), np.uint8)
                wide[:, : one.bytes] = value
                regs[:, one.where] = wide.view("<u4")
            elif one.kind != "stdin":
                low = self._place(one) - base
                first, last = low // 8, -(-(low + one.bytes) // 8)
                part = np.array(states.mem[:, first:last])
                part.view(np.uint8).reshape(count, -1)[:, low % 8 :][:, : one.bytes] = value
                states = states.replace(mem=lanes_.put_words(states.mem, np.int32(first), part))
        return states.replace(regs=jnp.asarray(regs))

    def _kernels(self, secrets: Sequence[Secret], values: np.ndarray) -> list[Kernel]:
        """A kernel for every lane; a secret standard input is put in front of the rest."""
        kernels, at = [lanes_.fork(self.session.kernel) for _ in values], 0
        for one in secrets:
            if one.kind == "stdin":
                for kernel, value in zip(kernels, values, strict=True):
                    data = value[at : at + one.bytes].tobytes()
                    kernel.console.streams = (io.BytesIO(data), None, None)
            at += one.bytes
        return kernels

    # -- checking -----------------------------------------------------------------------------

    def check(
        self,
        secrets: Sequence[str],
        count: int = LANES,
        *,
        seed: int = 0,
        exhaustive: bool = False,
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> Report:
        """Run the function with many secrets and compare.

        Args:
          secrets: what is secret (see `secret.parse`).
          count: how many values to try.
          seed: of those drawn at random.
          exhaustive: try every value.
          progress: told how many of how many secrets have been tried.

        Raises:
          DebugError: no such secret, too many for `exhaustive`, or the function does not end.
        """
        if not secrets:
            raise DebugError("what is secret? for example: --secret key:16")
        parsed = [secrets_.parse(text, self.symbols) for text in secrets]
        present = b"".join(self._present(one) for one in parsed)
        values = secrets_.draw(parsed, count, seed, present=present, exhaustive=exhaustive)
        bits = sum(one.bits for one in parsed)
        everything = bits <= secrets_.EXHAUSTIVE_BITS and len(values) == 1 << bits
        report = Report(self.function, len(values), everything, secrets=values)
        found: dict[tuple[str, int], tuple[int, str]] = {}
        out = [np.zeros(0, np.uint64)]
        # Every batch has the first secret in its first lane, to be compared with.
        for first in range(1, max(len(values), 2), self.lanes - 1):
            rows = np.concatenate([values[:1], values[first : first + self.lanes - 1]])
            out.append(self._batch(parsed, rows, report, found)[0 if first == 1 else 1 :])
            progress(min(first + self.lanes - 1, len(values)), len(values))
        report.values = np.concatenate(out)
        report.leaks = [
            Leak(kind, pc, n, value, self.symbols.name(pc), self._instruction(pc))
            for (kind, pc), (n, value) in sorted(found.items())
        ]
        return report

    def _instruction(self, pc: int) -> str:
        code = int.from_bytes(read(self.start, pc, 4), "little")
        return disassemble(code, pc)

    def _batch(
        self,
        secrets: Sequence[Secret],
        values: np.ndarray,
        report: Report,
        found: dict[tuple[str, int], tuple[int, str]],
    ) -> np.ndarray:
        """One batch of secrets: its findings are added; x0 of each lane at the end."""
        real = len(values)
        padded = np.concatenate([values, np.repeat(values[:1], self.lanes - real, axis=0)])
        states, kernels = self._lanes(secrets, padded), None
        until = (
            int(word.from_limbs(self.start.regs)[30]),
            int(word.from_limbs(self.start.regs)[SP]),
        )
        begun = int(word.from_limbs(self.start.retired))
        seen = loop.new_findings(self.program)
        follows = np.arange(self.lanes) < real

        def add(kind: str, pc: int, count: int, lane: int) -> None:
            n, value = found.get((kind, pc), (0, padded[lane].tobytes().hex()))
            found[kind, pc] = n + count, value

        while True:
            done = int(word.from_limbs(states.retired)[0])
            if done - begun > self.max_steps:
                raise DebugError(
                    f"{self.function} has not returned after {self.max_steps:,} instructions"
                )
            states, self._lines, seen, parted, ended = loop.piece(
                *(self.program, states, follows, done + loop.PIECE, until, self._lines, seen),
                self.session.alu,
            )
            status, retired = np.asarray(states.status), word.from_limbs(states.retired)
            trace = None
            for lane in np.flatnonzero(follows):
                if parted[lane] != word.MASK64:
                    trace = np.asarray(self._lines) if trace is None else trace
                    before = max(int(parted[lane]) - 1, 0)
                    add(PATH, int(word.from_limbs(trace[before, 0])), 1, int(lane))
                elif status[lane] != status[0] or retired[lane] != retired[0]:
                    add(PATH, int(word.from_limbs(states.pc)[lane]), 1, int(lane))
                else:
                    continue
                follows[lane] = False
            if ended[0] or status[0] == Status.EXITED:
                break
            if status[0] != Status.OUT_OF_FUEL:
                kernels = kernels or self._kernels(secrets, padded)
                for lane in np.flatnonzero(follows):
                    states = lanes_.serve(states, int(lane), kernels[lane])
        report.retired = int(word.from_limbs(states.retired)[0]) - begun
        base = int(word.from_limbs(np.asarray(self.program.base)))
        for kind, name in ((loop.ADDRESS, ADDRESS), (loop.OPERANDS, OPERANDS)):
            if name == OPERANDS and not self.operands:
                continue
            counts, lanes = np.asarray(seen[:, kind]).T
            for row in np.flatnonzero(counts):
                add(name, base + 4 * int(row), int(counts[row]), int(lanes[row]) - 1)
        return word.from_limbs(states.regs)[:real, 0]


def check(session: Session, function: str, secrets: Sequence[str], **options: Any) -> Report:
    """Whether a function of a program is constant time; options of `Checker` and its `check`."""
    names = ("call", "operands", "lanes", "max_steps")
    made = {name: options.pop(name) for name in names if name in options}
    return Checker(session, function, **made).check(secrets, **options)
