"""Strategies under one limit: short turns first, then longer ones, the likeliest first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ncpu.synth.errors import SpecError
from ncpu.synth.odds import Odds
from ncpu.synth.spec import Budget, Solution, Strategy, SynthesisSpec
from ncpu.synth.strategies import default_strategies
from ncpu.synth.strategies.components import Components
from ncpu.synth.types import RECORD_SIZE

_TURNS = (0.006, 0.03, 0.1)  # shares of the whole time that each gets; then the rest evenly
_SYMBOL = 3.0  # bits of a program that one unit of cost stands for
_MARGIN = 6.0  # bits by which the examples must outweigh a program that ends the search


@dataclass(frozen=True)
class Turn:
    """One strategy's turn.

    Attributes:
      strategy: its name.
      seconds: wall time it took.
      solved: whether it satisfied every example.
      cost: description length of its program; infinite if none.
      candidates: programs it evaluated, where it counts them.
      best: its program, perhaps a partial one.
    """

    strategy: str
    seconds: float
    solved: bool
    cost: float
    candidates: int = 0
    best: Solution | None = None


@dataclass(frozen=True)
class Progress:
    """Where a synthesis stands, for a display: given before and after every turn.

    Attributes:
      strategy: whose turn it is, or was.
      spent: seconds since the start.
      limit: seconds of the budget.
      turns: turns that are over.
      best: the best program so far, perhaps a partial one.
    """

    strategy: str
    spent: float
    limit: float
    turns: tuple[Turn, ...]
    best: Solution | None


@dataclass(frozen=True)
class Result:
    """What a synthesis came to; unsolved is a result too.

    Attributes:
      solution: the best program, perhaps a partial one; None only where nothing has its kind.
      turns: who was tried, in order.
      seconds: wall time.
      rivals: other programs that satisfy all examples, best first.
      interrupted: whether Ctrl-C ended it.
    """

    solution: Solution | None
    turns: tuple[Turn, ...]
    seconds: float
    rivals: tuple[Solution, ...] = ()
    interrupted: bool = False

    @property
    def solved(self) -> bool:
        """Whether every example is satisfied."""
        return self.solution is not None and self.solution.solved


def evidence(spec: SynthesisSpec) -> float:
    """Bits that the results carry: a program much longer than that is likely to be luck."""
    results = [example.result for example in spec.examples]
    return len(results) * math.log2(len(set(results)) or 1)


@dataclass
class _Search:
    """What one synthesis has come to."""

    bits: float
    start: float = field(default_factory=time.perf_counter)
    found: list[Solution] = field(default_factory=list)
    partial: list[Solution] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    @property
    def spent(self) -> float:
        return time.perf_counter() - self.start

    @property
    def sure(self) -> bool:
        return any(_SYMBOL * s.cost + _MARGIN <= self.bits for s in self.found)

    @property
    def plausible(self) -> bool:
        return any(_SYMBOL * s.cost <= self.bits for s in self.found)

    @property
    def best(self) -> Solution | None:
        if self.found:
            return min(self.found, key=lambda s: s.cost)
        return min(self.partial, key=lambda s: (-s.matched, s.cost), default=None)

    def take(self, name: str, seconds: float, solution: Solution | None) -> Turn:
        solved = solution is not None and solution.solved
        if solution is not None:
            (self.found if solved else self.partial).append(solution)
        cost = solution.cost if solution is not None and solved else math.inf
        count = solution.candidates if solution is not None else 0
        self.turns.append(Turn(name, seconds, solved, cost, count, solution))
        return self.turns[-1]

    def result(self, interrupted: bool) -> Result:
        best = self.best
        ranked = sorted(self.found, key=lambda s: s.cost)
        first = best.program if best is not None else None
        rivals = {s.program: s for s in ranked if s.program is not first}
        return Result(best, tuple(self.turns), self.spent, tuple(rivals.values()), interrupted)


def _likelihood(odds: Odds, signature: str) -> Callable[[Strategy], float]:
    return lambda strategy: -odds.rate(signature, strategy.name)


class ProgramSynthesizer:
    """Strategies under one limit.

    Args:
      strategies: the searches; all of this package's if not given.
      budget: limits of one synthesis.
      odds: what earlier problems taught; shared and updated. None keeps the order given.
      watch: called before and after each turn, for progress.
    """

    def __init__(
        self,
        strategies: Sequence[Strategy] | None = None,
        budget: Budget | None = None,
        odds: Odds | None = None,
        watch: Callable[[Progress], None] | None = None,
    ):
        self.strategies = list(strategies) if strategies is not None else default_strategies()
        self.budget = budget or Budget()
        self.odds, self.watch = odds, watch
        names = [s.name for s in self.strategies]
        if len(set(names)) < len(names):
            raise SpecError(f"strategies named {names}: every name must differ")

    @property
    def name(self) -> str:
        """A portfolio is a strategy as well."""
        return "portfolio"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The `Strategy` protocol."""
        return self.run(spec, budget).solution

    def synthesize(self, spec: SynthesisSpec) -> Result:
        """The best program for the examples within the budget."""
        return self.run(spec, self.budget)

    def run(self, spec: SynthesisSpec, budget: Budget) -> Result:
        """The best program for the examples within another budget.

        Ctrl-C ends the search with what was found; `Result.interrupted` tells.
        """
        search = _Search(evidence(spec))
        try:
            self._search(spec, budget, search)
        except KeyboardInterrupt:
            return search.result(True)
        return search.result(False)

    def _search(self, spec: SynthesisSpec, budget: Budget, search: _Search) -> None:
        active = list(self.strategies)
        if spec.signature.result in RECORD_SIZE:
            active.insert(0, Components(self))
        key = str(spec.signature)
        for share in (*_TURNS, None):
            if (odds := self.odds) is not None:
                active = sorted(active, key=_likelihood(odds, key))
            waiting = list(active)
            for rank, strategy in enumerate(waiting):
                left = budget.seconds - search.spent
                if left <= 0.005 or search.sure:
                    return
                seconds = left / (len(waiting) - rank) if share is None else share * budget.seconds
                seconds = left if strategy.name == "components" else min(left, seconds)
                self._report(strategy.name, budget, search)
                began = time.perf_counter()
                solution = strategy.solve(spec, replace(budget, seconds=seconds))
                turn = search.take(strategy.name, time.perf_counter() - began, solution)
                if self.odds is not None:
                    self.odds.record(key, turn.strategy, turn.seconds, turn.solved)
                self._report(strategy.name, budget, search)
                if turn.solved or turn.seconds < 0.7 * seconds:
                    active.remove(strategy)  # it has tried all it can
            # A program that the examples do not vouch for has waited for its rivals' turns, and
            # one that says more than they do for longer turns as well.
            if not active or (search.found and (search.plausible or share != _TURNS[0])):
                return

    def _report(self, name: str, budget: Budget, search: _Search) -> None:
        if self.watch is not None:
            self.watch(
                Progress(name, search.spent, budget.seconds, tuple(search.turns), search.best)
            )
