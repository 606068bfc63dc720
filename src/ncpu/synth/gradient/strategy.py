"""The strategy "gradient": turns of annealed training until a program passes the exact machine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh

from ncpu.synth.expression import Expr
from ncpu.synth.gradient.bank import Bank
from ncpu.synth.gradient.candidate import Choice, Layout
from ncpu.synth.gradient.code import MachineCode, build
from ncpu.synth.gradient.frames import Frame, frames_of
from ncpu.synth.gradient.lift import lift
from ncpu.synth.gradient.tasks import Prepared, prepare, supported
from ncpu.synth.gradient.train import Restarts, Schedule, begin, spread_over, train
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.types import Value

STRAIGHT = (Layout(0, 2), Layout(0, 4))
LOOPS = (Layout(1, 1), Layout(2, 1), Layout(3, 2))
_CHUNK = 20  # steps between looks at what was found
_MORE = 2  # looks after the first success, for other programs to be compared with
_BUILT = 48  # programs assembled of one look


@dataclass(frozen=True)
class Found:
    """A program that the exact machine confirmed on every example.

    Attributes:
      code: the program.
      choice: what it was built from, NumPy integers.
      layout, frame, constants: of the candidate.
      program: as an expression, where it has one.
    """

    code: MachineCode
    choice: Choice
    layout: Layout
    frame: Frame
    constants: list[int]
    program: Expr | None


@dataclass(frozen=True)
class Turn:
    """One training of one layout in one frame.

    Attributes:
      frame, body, finish: where.
      restarts, steps: how much.
      hits: restarts that met a program right on the examples trained on.
      seconds: wall time.
      verified: whether one passed the exact machine on all examples.
    """

    frame: str
    body: int
    finish: int
    restarts: int
    steps: int
    hits: int
    seconds: float
    verified: bool


@dataclass(frozen=True)
class MachineSolution(Solution):
    """A `Solution` that is machine code.

    Attributes:
      code: the program; `program` is the same as an expression.
      turns: what was trained.
    """

    code: MachineCode = field(kw_only=True)
    turns: tuple[Turn, ...] = field(kw_only=True, default=())


@dataclass
class Gradient:
    """Machine code by gradient descent on distributions over programs.

    Attributes:
      restarts: candidates trained at once.
      schedule: how.
      bank: where restarts begin; grows with what is found if `learns`.
      learns: whether it does.
      mesh: devices over which restarts are split; all of the default backend if not given.
      name: what reports call it.
    """

    restarts: int = 512
    schedule: Schedule = field(default_factory=Schedule)
    bank: Bank = field(default_factory=Bank)
    learns: bool = True
    mesh: Mesh | None = None
    name: str = "gradient"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The `Strategy` protocol: a lifted program; None for code that has no expression."""
        start = time.perf_counter()
        found, turns = self.search(spec, budget)
        if found is None or found.program is None:
            return None
        total = len(spec.examples)
        return MachineSolution(
            found.program, spec.signature, self.name, total, total, time.perf_counter() - start,
            sum(t.restarts * t.steps for t in turns), float(found.program.size),
            code=found.code, turns=tuple(turns),
        )  # fmt: skip

    def search(self, spec: SynthesisSpec, budget: Budget) -> tuple[Found | None, list[Turn]]:
        """Machine code right on all examples, if it is found in time, and what was trained."""
        deadline = time.perf_counter() + budget.seconds
        turns: list[Turn] = []
        if not supported(spec):
            return None, turns
        key = jax.random.key(budget.seed)
        for layout, frame, steps in self._plan(spec):
            if time.perf_counter() >= deadline:
                break
            prepared = prepare(spec, frame, layout)
            if prepared is None:
                continue
            key, used = jax.random.split(key)
            found, turn = self._turn(spec, prepared, layout, frame, steps, deadline, used)
            turns.append(turn)
            if found is not None:
                if self.learns:
                    self.bank.add(found.choice, layout, frame.name, found.constants)
                return found, turns
        return None, turns

    def _plan(self, spec: SynthesisSpec) -> Iterator[tuple[Layout, Frame, int]]:
        """Turns, small programs first, then the same for longer."""
        frames = frames_of(spec.signature)
        for longer in range(1, 100):
            for size in range(max(len(STRAIGHT), len(LOOPS))):
                for frame in frames:
                    layouts = LOOPS if frame.loops else STRAIGHT
                    if size < len(layouts):
                        yield layouts[size], frame, self.schedule.steps * longer * (size + 1)

    def begin(self, prepared: Prepared, layout: Layout, frame: Frame, key: jax.Array) -> Restarts:
        """Restarts at the bank's starts, split over the devices; the key is consumed."""
        first, second = jax.random.split(key)
        seed = int(jax.random.randint(first, (), 0, 1 << 30))
        starts = self.bank.starts(layout, frame.name, prepared.constants, self.restarts, seed)
        restarts = begin(jax.tree.map(jnp.asarray, starts), self.schedule, layout, second)
        mesh = self.mesh
        if mesh is None and jax.device_count() > 1 and self.restarts % jax.device_count() == 0:
            mesh = jax.make_mesh((jax.device_count(),), ("restarts",), axis_types=(AxisType.Auto,))
        return restarts if mesh is None else spread_over(restarts, mesh)

    def _turn(
        self, spec: SynthesisSpec, prepared: Prepared, layout: Layout, frame: Frame, steps: int,
        deadline: float, key: jax.Array,
    ) -> tuple[Found | None, Turn]:  # fmt: skip
        start = time.perf_counter()
        key, used = jax.random.split(key)
        restarts = self.begin(prepared, layout, frame, used)
        task = jax.tree.map(jnp.asarray, prepared.task)
        done, since, hits = 0, 0, np.zeros(self.restarts, bool)
        seen: dict[str, tuple[MachineCode, Choice]] = {}
        right: list[tuple[MachineCode, Choice]] = []
        while done < steps and since < _MORE and (not done or time.perf_counter() < deadline):
            key, used = jax.random.split(key)
            restarts, _ = train(
                restarts, task, used, jnp.int32(done), jnp.float32(steps),
                layout=layout, schedule=self.schedule, steps=_CHUNK,
            )  # fmt: skip
            done, since = done + _CHUNK, since + bool(right)
            hits = np.asarray(restarts.missed) == 0
            new = self._built(spec, restarts.best, hits, prepared, layout, frame, seen)
            right += _confirmed(new, spec)
        spent = time.perf_counter() - start
        turn = Turn(frame.name, layout.body, layout.finish, self.restarts, done, int(hits.sum()),
                    spent, bool(right))  # fmt: skip
        if not right:
            return None, turn
        code, choice = _likeliest(right, [e.arguments for e in spec.examples])
        program = lift(choice, layout, frame, spec.signature, prepared.constants)
        return Found(code, choice, layout, frame, prepared.constants, program), turn

    def _built(
        self, spec: SynthesisSpec, best: Choice, hits: np.ndarray, prepared: Prepared,
        layout: Layout, frame: Frame, seen: dict[str, tuple[MachineCode, Choice]],
    ) -> list[tuple[MachineCode, Choice]]:  # fmt: skip
        """Programs of the restarts that hit, those not yet `seen`."""
        choices, new = jax.tree.map(np.asarray, best), []
        for k in np.flatnonzero(hits).tolist():
            choice = jax.tree.map(partial(_row, k), choices)
            code = build(choice, layout, frame, spec.signature, prepared.constants)
            if code.source not in seen and len(new) < _BUILT:
                seen[code.source] = code, choice
                new.append((code, choice))
        return new


def _confirmed(
    programs: list[tuple[MachineCode, Choice]], spec: SynthesisSpec
) -> list[tuple[MachineCode, Choice]]:
    """Those right on all examples on the exact machine."""
    inputs = [e.arguments for e in spec.examples]
    wanted = [e.result for e in spec.examples]
    return [p for p in programs if p[0].results(inputs) == wanted]


def _row(k: int, leaf: np.ndarray) -> np.ndarray:
    return leaf[k]


def _likeliest(
    programs: list[tuple[MachineCode, Choice]], inputs: list[tuple[Value, ...]]
) -> tuple[MachineCode, Choice]:
    """The smallest program of the behaviour that small programs agree on most.

    Behaviour is told on inputs that mix the arguments of the examples; a program of n
    instructions has a weight of 2**-n.
    """
    if len(programs) == 1:
        return programs[0]
    rng = np.random.default_rng(0)
    columns = list(zip(*inputs, strict=True))
    probes = [tuple(col[rng.integers(len(col))] for col in columns) for _ in range(48)]
    votes: dict[tuple, float] = defaultdict(float)
    behaviour = [tuple(code.results(probes)) for code, _ in programs]
    for (code, _), shown in zip(programs, behaviour, strict=True):
        votes[shown] += 2.0**-code.size
    ranked = zip(programs, behaviour, strict=True)
    return min(ranked, key=lambda p: (-votes[p[1]], p[0][0].size))[0]
