"""Everything `ncpu.npcot` raises on the host; each message says what was accepted."""

from __future__ import annotations

from ncpu.machine.errors import NcpuError


class NpcotError(NcpuError):
    """Base of all errors of this package."""


class ProgramSpaceError(NpcotError, ValueError):
    """A program, its text or its bytes outside the array-program space."""


class DomainError(NpcotError, ValueError):
    """An impossible domain: empty range, negative length, values that are no words."""


class ArrayInputError(NpcotError, ValueError):
    """An array or a length that the stated maximum does not allow."""


class HiddenStateError(NpcotError, ValueError):
    """A hidden state of the wrong width, or with values that are not finite."""


class CrystallizeError(NpcotError, ValueError):
    """A soft program whose gap to the discrete one is above what was allowed."""


class SandboxUnavailableError(NpcotError, RuntimeError):
    """Model-written Python cannot be run here; says what is missing."""


class SignatureError(NpcotError, ValueError):
    """Bytes that no trusted key vouches for: forged, truncated or of an unknown signer."""


class KeyFileError(NpcotError, ValueError):
    """A key file that is missing, readable by others or not a key."""


class LibraryFormatError(NpcotError, ValueError):
    """A signed payload or an array that does not fit the library's schema."""


class RollbackError(NpcotError, ValueError):
    """A snapshot older than, or different from, the one this owner saw last."""


class AuditError(NpcotError, ValueError):
    """An audit log whose chain is broken; carries the first bad record's number."""


class LibraryBusyError(NpcotError, RuntimeError):
    """Another session holds the library; says which process."""


class UnverifiedProgramError(NpcotError, ValueError):
    """A program that the static verifier does not clear for the library's domain."""


class PrivacyError(NpcotError, ValueError):
    """A privacy budget that is impossible or would destroy what it protects."""


class TaskFormatError(NpcotError, ValueError):
    """A task file's line that is no task; carries its number."""


class ModelUnavailableError(NpcotError, RuntimeError):
    """A language model that cannot be loaded here; says what is missing."""
