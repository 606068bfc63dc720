"""What a search shows while it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group

    from ncpu.synth.portfolio import Progress

_SHOWN = 12  # turns


@dataclass
class Board:
    """Progress of one problem, for a terminal.

    Attributes:
      title: of the problem.
      progress: what the portfolio last reported.
    """

    title: str
    progress: Progress | None = None

    def take(self, progress: Progress) -> None:
        """Called by the portfolio before and after each turn."""
        self.progress = progress

    def table(self) -> Group:
        """Who had a turn, who is in charge, candidates so far, and the best program."""
        from rich.console import Group
        from rich.table import Table

        made = Table()
        for name in ("strategy", "seconds", "outcome"):
            made.add_column(name, justify="right" if name == "seconds" else "left")
        if self.progress is None:
            return Group(self.title, made)
        turns, best = self.progress.turns, self.progress.best
        for turn in turns[-_SHOWN:]:
            found = turn.best
            outcome = "-" if found is None else f"{found.matched} of {found.total} examples"
            if turn.solved:
                outcome = f"found, cost {turn.cost:.1f}"
            made.add_row(turn.strategy, f"{turn.seconds:.2f}", outcome)
        made.add_row(self.progress.strategy, f"{self.progress.spent:.2f}", "in charge")
        count = sum(turn.candidates for turn in turns)
        known = "none" if best is None else f"{best.matched} of {best.total} examples"
        title = f"{self.title}: {self.progress.spent:.1f} of {self.progress.limit:.1f} s"
        return Group(f"{title}, {count:,} candidates, best: {known}", made)

    @contextmanager
    def shown(self, quiet: bool) -> Iterator[None]:
        """Shows the table while the search runs, on a terminal alone."""
        if quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        with Live(get_renderable=self.table, console=console, transient=True, refresh_per_second=8):
            yield
