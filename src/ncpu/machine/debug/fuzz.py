"""Coverage-guided fuzzing: candidates as lanes of one batch, a corpus, crashes told apart.

fuzzer = Fuzzer(Session("parser", stdin=None, memory_size=1 << 20, stack_size=1 << 16))
fuzzer.run(rounds=100)
fuzzer.crashes          # one of each kind, smallest input first
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.fuzz_compared import substitutions
from ncpu.machine.debug.fuzz_corpus import Corpus, Crash, Statistics
from ncpu.machine.debug.fuzz_lane import FULL, READ_CALL
from ncpu.machine.debug.fuzz_loop import Batch, Lanes
from ncpu.machine.debug.mutate import Mutator, dictionary
from ncpu.machine.debug.plan import FAULTS
from ncpu.machine.linux.abi import Signal
from ncpu.machine.linux.launch import Session
from ncpu.machine.program import Program
from ncpu.machine.run import run
from ncpu.machine.state import State, Status

Start = Callable[[bytes], Session]
_ON_HOST = 8  # lanes of a batch that are run again under the kernel
# A candidate may take so many times what the longest of the corpus takes, and so much at least:
# otherwise those that do not end would have nearly all of the time.
_LONGER, _LEAST = 16, 4096


class Fuzzer:
    """Fuzzes the standard input of a program.

    Args:
      start: makes a fresh process that is given this standard input.
      seeds: inputs to begin with.
      width: bytes of an input at most.
      lanes: candidates in a batch.
      fuel: instructions that a candidate may take at most; as long as all of the corpus is much
        shorter, it is given less.
      words: what to put into inputs beside the program's own constants and strings.
      seed: of all choices; with it, a run is the same on every machine.

    Attributes:
      crashes: by kind: signal, place and calls.
      statistics: how it is doing.

    Raises:
      DebugError: the program ends without reading its standard input.
    """

    def __init__(
        self,
        start: Start,
        seeds: Sequence[bytes] = (b"0",),
        *,
        width: int = 64,
        lanes: int = 512,
        fuel: int = 200_000,
        words: Sequence[bytes] = (),
        seed: int = 0,
    ) -> None:
        self.start, self.width, self.lanes = start, width, lanes
        session = start(b"")
        given = dictionary(session.state, list(session.image.text))
        state = _first_read(session)
        program = Program.from_state(state)
        self._batch = Batch(program, state, session.alu, lanes, width)
        self._most, self._fuel = fuel, min(fuel, _LEAST)
        self._mutator = Mutator(width, [*words, *given], seed)
        self._rng = np.random.default_rng(seed + 1)
        self._corpus = Corpus()
        self._stored: set[bytes] = set()
        self._fresh: list[bytes] = []  # of the corpus, comparisons not yet looked at
        self._queue: list[bytes] = []  # made of comparisons
        self.crashes: dict[tuple[str, int, int], Crash] = {}
        self.statistics = Statistics()
        given = [data[:width] for data in list(seeds)[:lanes]] or [b"0"]
        self._learn(given, self._batch.run(given, self._fuel), keep=len(given))

    @property
    def corpus(self) -> list[bytes]:
        """The inputs that showed something new."""
        pairs = zip(self._corpus.data, self._corpus.lengths, strict=True)
        return [row[:n].tobytes() for row, n in pairs]

    def run(
        self,
        rounds: int | None = None,
        *,
        seconds: float | None = None,
        crashes: int | None = None,
        told: Callable[[Fuzzer], None] = lambda fuzzer: None,
    ) -> None:
        """Fuzz until one of the limits is reached.

        Args:
          rounds: batches.
          seconds: of time.
          crashes: kinds of crash.
          told: called after each batch.
        """
        begun, done = time.monotonic(), 0
        while rounds is None or done < rounds:
            self._round()
            done += 1
            told(self)
            if crashes is not None and len(self.crashes) >= crashes:
                return
            if seconds is not None and time.monotonic() - begun >= seconds:
                return

    # -- one batch ----------------------------------------------------------------------------

    def _round(self) -> None:
        """Make a batch of candidates, run it and learn from it."""
        begun = time.monotonic()
        made = self._compared()
        rows, lengths = self._mutated()
        for k, data in enumerate(made):
            rows[k] = np.frombuffer(data.ljust(self.width, b"\0"), np.uint8)
            lengths[k] = len(data)
        lanes = self._batch.run_rows(rows, lengths, self._fuel)
        self._learn([row[:n].tobytes() for row, n in zip(rows, lengths, strict=True)], lanes)
        self.statistics.seconds += time.monotonic() - begun

    def _compared(self) -> list[bytes]:
        """Up to half a batch of candidates that are made of comparisons."""
        half = self.lanes // 2
        while len(self._queue) < half and self._fresh:
            data = self._fresh.pop(0)
            self._batch.run([data], self._fuel)
            made = substitutions(data, self._batch.compared(), self.width)
            some = self._rng.permutation(len(made))[:half]
            self._queue += [made[k] for k in np.sort(some)]
        made, self._queue = self._queue[:half], self._queue[half:]
        return made

    def _mutated(self) -> tuple[np.ndarray, np.ndarray]:
        corpus, count = self._corpus, len(self._corpus.data)
        # What has been chosen less, was found later or is short is chosen more.
        weight = (1.0 + np.arange(count) / count) / (1.0 + np.array(corpus.chosen) / self.lanes)
        weight /= 1.0 + np.array(corpus.lengths) / self.width
        parents = self._rng.choice(count, self.lanes, p=weight / weight.sum())
        for k, times in zip(*np.unique(parents, return_counts=True), strict=True):
            corpus.chosen[k] += int(times)
        rows = np.stack(corpus.data)
        others = rows[self._rng.integers(0, count, self.lanes)]
        return self._mutator.mutate(rows[parents], np.array(corpus.lengths)[parents], others)

    def _learn(self, inputs: Sequence[bytes], lanes: Lanes, keep: int = 0) -> None:
        """Learn from what a batch did; the first `keep` belong to the corpus anyhow."""
        for k, data in enumerate(inputs):
            if (lanes.new[k] or k < keep) and data not in self._stored:
                self._stored.add(data)
                self._corpus.add(data, self.width)
                self._fresh.append(data)
                longest = _LONGER * int(lanes.retired[k])
                self._fuel = min(max(self._fuel, longest), self._most)
        bad = np.isin(lanes.status, [int(status) for status in FAULTS])
        for k in np.flatnonzero(bad):
            self._crashed(inputs[int(k)], lanes, int(k))
        hosted = np.flatnonzero((lanes.status == Status.SYSCALL) | (lanes.status == FULL))
        fresh = hosted[lanes.new[hosted] > 0]
        for k in fresh[:_ON_HOST]:
            self._on_host(inputs[int(k)], int(k))
        s = self.statistics
        s.executions += len(inputs)
        s.instructions += int(lanes.retired.sum(dtype=np.int64))
        s.hangs += int((lanes.status == Status.OUT_OF_FUEL).sum())
        s.hosted += len(hosted)
        s.edges = int(np.count_nonzero(np.asarray(self._batch.seen)))

    def _crashed(self, data: bytes, lanes: Lanes, k: int) -> None:
        pc = int(word.from_limbs(lanes.pc[k]))
        signal = FAULTS[Status(int(lanes.status[k]))].name
        where = int(word.from_limbs(lanes.where[k])) & 0xFFFFFFFF
        if signal == "SIGSEGV" and lanes.status[k] == Status.FETCH_FAULT:
            pc = 0  # jumped somewhere wild: the place says nothing
        self._add((signal, pc, where if pc else 0), data, pc, k)

    def _add(self, key: tuple[str, int, int], data: bytes, pc: int, k: int) -> None:
        number = self.statistics.executions + k
        crash = self.crashes.setdefault(key, Crash(key[0], pc, data, 0, number))
        crash.count += 1
        if len(data) < len(crash.data):
            crash.data = data

    def _on_host(self, data: bytes, k: int) -> None:
        """A candidate that needs the kernel, from the start."""
        result = self.start(data).run(self._most * 4)
        if result.signal:
            pc = int(word.from_limbs(np.asarray(result.state.pc)))
            self._add((Signal(result.signal).name, pc, 0), data, pc, k)

    # -- crashes ------------------------------------------------------------------------------

    def _kinds(self, inputs: list[bytes]) -> list[tuple[int, int]]:
        """How each of at most `lanes` inputs ends: status and pc."""
        lanes = self._batch.run(inputs, self._most)
        pcs = word.from_limbs(lanes.pc)
        wild = lanes.status == Status.FETCH_FAULT
        return [
            (int(s), 0 if w else int(pc)) for s, pc, w in zip(lanes.status, pcs, wild, strict=True)
        ]

    def minimise(self, data: bytes) -> bytes:
        """The shortest input found that ends in the same place, its bytes made plain."""
        wanted = self._kinds([data])[0]
        size = max(len(data) // 2, 1)
        while size:
            at = range(0, len(data) - size + 1, max(size // 2, 1))
            tries = [data[:k] + data[k + size :] for k in at if len(data) > size][: self.lanes]
            same = [t for t, kind in zip(tries, self._kinds(tries), strict=True) if kind == wanted]
            if same:
                data = same[0]
            else:
                size //= 2
        for k in range(len(data)):
            if data[k : k + 1] != b"0":
                plain = data[:k] + b"0" + data[k + 1 :]
                if self._kinds([plain])[0] == wanted:
                    data = plain
        return data

    def triage(self) -> list[Crash]:
        """The crashes with their stacks, minimised; those of one stack are one."""
        found: dict[tuple[str, ...], Crash] = {}
        for crash in self.crashes.values():
            crash.data = self.minimise(crash.data) if crash.pc or crash.data else crash.data
            crash.stack = self.stack(crash.data)
            key = (crash.signal, *(frame.split(" ", 1)[-1] for frame in crash.stack[:4]))
            if key in found:
                found[key].count += crash.count
            else:
                found[key] = crash
        return sorted(found.values(), key=lambda c: c.execution)

    def stack(self, data: bytes) -> tuple[str, ...]:
        """The calls at the end of a run with this input."""
        debugger = Debugger(self.start(data))
        while (stop := debugger.history.forward()).reason not in ("exited", "end", "interrupted"):
            if stop.reason == "signal":
                break
        return tuple(debugger.symbols.name(f.pc) for f in debugger.frames()[:16])


def _first_read(session: Session) -> State:
    """The state in which a program first reads its standard input, the call not yet served."""
    state, kernel = session.state, session.kernel
    while True:
        state = run(Program.from_state(state), state, 50_000_000, alu=session.alu)
        status = Status(int(state.status))
        if status == Status.SYSCALL:
            regs = word.from_limbs(np.asarray(state.regs))
            if int(regs[8]) == READ_CALL and int(regs[0]) == 0:
                return state
            state = kernel.serve(state)
        if status == Status.CODE_CHANGED:
            state = state.replace(status=jnp.int32(Status.RUNNING))
        if status not in (Status.SYSCALL, Status.CODE_CHANGED) or int(state.status) != 0:
            raise DebugError(
                f"the program stopped ({Status(int(state.status)).name}) before it read its "
                "standard input: there is nothing to fuzz"
            )


def starter(source: bytes, argv: Sequence[str], **options: Any) -> Start:
    """A `start` for a program and its arguments; `options` are those of `Session`."""
    return lambda data: Session(source, argv, stdin=io.BytesIO(data), **options)
