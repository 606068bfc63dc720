"""What synthesis raises on the host; each message says what was accepted."""

from __future__ import annotations

from ncpu.machine.errors import NcpuError


class SynthError(NcpuError, ValueError):
    """Base of the errors of program synthesis."""


class SpecError(SynthError):
    """Examples, signature or budget that no program can be asked for."""


class ContradictionError(SpecError):
    """Two examples that give one input two results."""


class SourceError(SynthError):
    """Text that does not parse: carries the line and column (from 1) of the first fault.

    Attributes:
      line: line of the fault.
      column: column of the fault.
    """

    def __init__(self, message: str, line: int, column: int):
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column


class UnsupportedError(SourceError):
    """Text in the language, but of a part that is not read here."""


class GrammarError(SynthError):
    """A grammar that derives no program of the asked type."""


class CodegenError(SynthError):
    """A program the asked language cannot express, or emitted code that failed its examples."""


class ProofError(SynthError):
    """Programs that are not loop-free over words, integers, truth values and records."""


class LibraryError(SynthError):
    """A program library that is damaged, foreign or of another version."""
