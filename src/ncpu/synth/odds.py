"""What earlier problems taught about the strategies: solves per second, by signature."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ncpu.files import write_json
from ncpu.synth.errors import LibraryError

_FORM = "ncpu synthesis odds"
_VERSION = 1
_PRIOR_SOLVES, _PRIOR_SECONDS = 0.5, 0.25  # of a strategy never tried


@dataclass
class Tally:
    """Turns of one strategy on one signature.

    Attributes:
      turns: how many.
      solved: how many of them satisfied all examples.
      seconds: wall time of all.
    """

    turns: int = 0
    solved: int = 0
    seconds: float = 0.0


@dataclass
class Odds:
    """How often a strategy solved what it was given, and how long its turns took.

    Attributes:
      tallies: by signature, then by strategy.
    """

    tallies: dict[str, dict[str, Tally]] = field(default_factory=dict)

    def rate(self, signature: str, name: str) -> float:
        """Solves expected per second; half a solve in a quarter of a second as the prior.

        Turns in order of solves per second minimise the expected time to the first solve.
        """
        tally = self.tallies.get(signature, {}).get(name, Tally())
        return (tally.solved + _PRIOR_SOLVES) / (tally.seconds + _PRIOR_SECONDS)

    def record(self, signature: str, name: str, seconds: float, solved: bool) -> None:
        """Takes one turn into account."""
        tally = self.tallies.setdefault(signature, {}).setdefault(name, Tally())
        tally.turns += 1
        tally.solved += solved
        tally.seconds += seconds

    def save(self, path: Path) -> None:
        """Writes them as JSON: to a temporary name, then renamed."""
        rows = {
            signature: {name: vars(tally) for name, tally in sorted(by.items())}
            for signature, by in sorted(self.tallies.items())
        }
        write_json(path, {"form": _FORM, "version": _VERSION, "tallies": rows})

    @classmethod
    def load(cls, path: Path) -> Odds:
        """Reads what `save` wrote.

        Raises:
          LibraryError: no such file, or something else.
        """
        try:
            data = json.loads(path.read_text())
            if data["form"] != _FORM or data["version"] != _VERSION:
                raise LibraryError(f"{path}: not {_FORM} of version {_VERSION}")
            rows = data["tallies"].items()
            return cls({s: {n: Tally(**t) for n, t in by.items()} for s, by in rows})
        except OSError as error:
            raise LibraryError(f"{path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LibraryError(f"{path}: not {_FORM}: {error}") from error
