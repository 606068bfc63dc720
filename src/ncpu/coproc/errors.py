"""Everything `ncpu.coproc` raises on the host; each message says what was accepted."""

from __future__ import annotations

from ncpu.machine.errors import NcpuError


class CoprocessorError(NcpuError):
    """Base of all errors of this package."""


class CoprocessorConfigError(CoprocessorError, ValueError):
    """A field of a coprocessor's configuration is unknown, of another type or out of range."""


class ExpertInputError(CoprocessorError, ValueError):
    """Hidden states, a state or given operands whose shape or dtype the expert does not take."""


class DecoderConfigError(CoprocessorError, ValueError):
    """A decoder's configuration, or a config.json, that the decoder does not cover."""


class DecoderInputError(CoprocessorError, ValueError):
    """Tokens, positions, a mask, a cache or generation options that do not fit the decoder."""


class WeightsError(CoprocessorError, ValueError):
    """A folder of weights that is incomplete, or a tensor in it that does not fit.

    Attributes:
        tensor: the first tensor concerned, as it is called on disk; empty where it is a file.
    """

    def __init__(self, message: str, *, tensor: str = "") -> None:
        super().__init__(message)
        self.tensor = tensor


class UnknownModelError(CoprocessorError, TypeError):
    """A model that no adapter knows, or one without parameters; says which are known."""


class AlreadyInjectedError(CoprocessorError, ValueError):
    """A model that has a coprocessor was to get another one."""


class NotInjectedError(CoprocessorError, ValueError):
    """A model that has no coprocessor was to be treated as if it had one."""


class TokenizerError(CoprocessorError, ValueError):
    """A tokenizer whose digits are not tokens of their own, or that is another model's."""


class CoprocessorFilesError(CoprocessorError, ValueError):
    """A saved coprocessor that is missing, damaged or another model's; names the file or field."""


class BenchError(CoprocessorError, ValueError):
    """A task, a problem file or a model folder that the benchmark cannot use; names what."""
