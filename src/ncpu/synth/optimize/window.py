"""One window: cheaper code found by search, checked on the machine, proved for all inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ncpu.machine.asm import assemble
from ncpu.synth.optimize.allocate import Place, allocate
from ncpu.synth.optimize.code import Cost, cost_of, op
from ncpu.synth.optimize.forms import Form
from ncpu.synth.optimize.machine import Machine
from ncpu.synth.optimize.menu import menu
from ncpu.synth.optimize.search import MOST_TARGETS, SLOTS, Found, Search, Task
from ncpu.synth.optimize.semantics import NZCV, prove_equal

MOST_CANDIDATES = 48  # of one length, cheapest first
MOST_INPUTS = 4
PROOFS = 8  # attempts of one length


@dataclass(frozen=True)
class Effort:
    """How much to try.

    Attributes:
      cost: the cost model.
      longest: instructions in a new sequence.
      work: candidates that a search of one length may evaluate.
      proof: seconds for one proof.
      deadline: a time of `time.perf_counter`.
      seed: of the test vectors.
    """

    cost: str = "count"
    longest: int = 4
    work: float = 1e7
    proof: float = 5.0
    deadline: float = float("inf")
    seed: int = 0


@dataclass
class Tally:
    """What optimising did, added up."""

    tried: int = 0
    proofs: int = 0
    refuted: int = 0
    undecided: int = 0
    proof_seconds: float = 0.0


@dataclass(frozen=True)
class Window:
    """Straight-line code with what is live around it.

    Attributes:
      words: the code.
      live_out: registers, and `NZCV`, that are read after it.
      inputs: registers it reads before it writes them, and those that must be kept.
      outputs: live registers that it writes.
    """

    words: tuple[int, ...]
    live_out: frozenset[int]
    inputs: tuple[int, ...] = field(init=False)
    outputs: tuple[int, ...] = field(init=False)
    reads_flags: bool = field(init=False)
    writes_flags: bool = field(init=False)

    def __post_init__(self) -> None:
        read: list[int] = []
        written: set[int] = set()
        for instruction in map(op, self.words):
            read += sorted(instruction.reads - written)
            written |= instruction.writes
        rows = tuple(dict.fromkeys(r for r in read if r != NZCV))
        object.__setattr__(self, "inputs", rows)
        object.__setattr__(self, "outputs", tuple(sorted(written & self.live_out - {NZCV})))
        object.__setattr__(self, "reads_flags", NZCV in read)
        object.__setattr__(self, "writes_flags", NZCV in written and NZCV in self.live_out)

    @property
    def free(self) -> tuple[int, ...]:
        """Registers that other code may change: those this changes, and its dead inputs."""
        written = {r for w in self.words for r in op(w).writes if r != NZCV}
        dead = {r for r in self.inputs if r not in self.live_out}
        return tuple(sorted(written | dead))


def improve(window: Window, effort: Effort, tally: Tally) -> tuple[int, ...] | None:
    """Cheaper words that do the same for all inputs, or None.

    Counterexamples of failed proofs become test vectors, and the search starts again.
    """
    if len(window.inputs) > MOST_INPUTS or len(window.outputs) > MOST_TARGETS:
        return None
    flags = window.reads_flags, window.writes_flags
    machine = Machine(window.words, window.inputs, window.outputs, *flags, seed=effort.seed)
    old = cost_of(window.words, effort.cost, sorted(window.live_out))
    hopeless: set[tuple[int, ...]] = set()
    while True:
        found = _attempt(window, machine, effort, tally, old, hopeless)
        if found is None or isinstance(found, tuple):
            return found
        machine.add(found)


def _attempt(
    window: Window,
    machine: Machine,
    effort: Effort,
    tally: Tally,
    old: Cost,
    hopeless: set[tuple[int, ...]],
) -> tuple[int, ...] | dict[int, int] | None:
    """One search: the new words, a counterexample to go on with, or None."""
    task = machine.task()
    groups = menu(window.words, machine.constants)
    tiers = [[f for group in groups[:k] for f in group] for k in range(2, len(groups) + 1)]
    searches: dict[int, Search] = {}
    for length in range(_longest(window, effort, old) + 1):
        search = _affordable(tiers, searches, task, length, effort)
        if search is None:
            return None
        before = search.tried
        try:
            sequences = search.solutions(length)
        except TimeoutError:
            return None
        finally:
            tally.tried += search.tried - before
        codes = _codes(window, sequences, effort, old)
        codes = machine.agreeing([c for c in codes if c not in hopeless])
        for code in codes[:PROOFS]:
            verdict = prove_equal(window.words, code, sorted(window.live_out), effort.proof)
            tally.proofs += 1
            tally.proof_seconds += verdict.seconds
            if verdict.equal:
                return code
            hopeless.add(code)
            if verdict.counterexample is not None:
                tally.refuted += 1
                return verdict.counterexample
            tally.undecided += 1
    return None


def _longest(window: Window, effort: Effort, old: Cost) -> int:
    """As many instructions may still cost less; one more only where a path can get shorter."""
    most = len(window.words) + (effort.cost == "latency")
    if effort.cost == "latency" and old[0] <= 1:
        most = len(window.words) - 1
    return min(effort.longest, most, SLOTS - len(window.inputs))


def _affordable(
    tiers: list[list[Form]],
    searches: dict[int, Search],
    task: Task,
    length: int,
    effort: Effort,
) -> Search | None:
    """The search over the widest menu that this length can be afforded with."""
    for k in reversed(range(len(tiers))):
        if k not in searches:
            searches[k] = Search(task, tiers[k], effort.deadline)
        if length == 0 or searches[k].work(length) <= effort.work:
            return searches[k]
    return None


def _codes(
    window: Window, sequences: Sequence[Found], effort: Effort, old: Cost
) -> list[tuple[int, ...]]:
    """The sequences as code cheaper than the old, cheapest first."""
    kept = {
        row: slot
        for slot, row in enumerate(window.inputs)
        if row in window.live_out and row not in window.outputs
    }
    found: dict[tuple[int, ...], Cost] = {}
    ordered = sorted(sequences, key=lambda s: sum(step.form.latency for step in s.steps))
    for sequence in ordered[: 2 * MOST_CANDIDATES]:
        lines = allocate(sequence.steps, _place(window, sequence, kept))
        if lines is None:
            continue
        words = tuple(assemble("\n".join(lines)).words.tolist()) if lines else ()
        cost = cost_of(words, effort.cost, sorted(window.live_out))
        if cost < old:
            found[words] = cost
    return sorted(found, key=lambda words: found[words])[:MOST_CANDIDATES]


def _place(window: Window, sequence: Found, kept: dict[int, int]) -> Place:
    outputs = dict(zip(window.outputs, sequence.holds, strict=True))
    return Place(window.inputs, {**kept, **outputs}, window.free)
