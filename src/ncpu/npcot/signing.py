"""Who wrote these bytes: HMAC-SHA256 within one owner, Ed25519 between owners.

An envelope is a fixed header, a signature and the payload; the signature covers the rest.  It is
checked before a single byte of the payload is parsed:

    offset  0  magic `NCPTSIG1`
            8  algorithm: 1 HMAC-SHA256, 2 Ed25519
            9  key id: the first 16 bytes of SHA-256 over a label and the key (the public one)
           25  purpose: SHA-256 of its name, so that one kind of file cannot pass for another
           57  signature: 32 or 64 bytes
            .  payload
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ncpu.npcot.errors import KeyFileError, SignatureError

_MAGIC = b"NCPTSIG1"
HMAC, ED25519 = 1, 2
_SIGNATURE_BYTES = {HMAC: 32, ED25519: 64}
_HEADER = len(_MAGIC) + 1 + 16 + 32
_KINDS = {"hmac-sha256": HMAC, "ed25519": ED25519, "ed25519-public": ED25519}


def _key_id(algorithm: int, key: bytes) -> bytes:
    return hashlib.sha256(b"ncpu npcot key id\0" + bytes([algorithm]) + key).digest()[:16]


@dataclass(frozen=True)
class Signer:
    """A secret key: `HMAC` or Ed25519 by `algorithm`; its representation does not show it."""

    algorithm: int
    secret: bytes = field(repr=False)

    @staticmethod
    def hmac(secret: bytes | None = None) -> Signer:
        """A key within one owner; 32 random bytes unless given.

        Raises:
          KeyFileError: another length.
        """
        return Signer._checked(HMAC, secret)

    @staticmethod
    def ed25519(secret: bytes | None = None) -> Signer:
        """A key whose public half others may hold; 32 random bytes unless given.

        Raises:
          KeyFileError: another length.
        """
        return Signer._checked(ED25519, secret)

    @staticmethod
    def _checked(algorithm: int, secret: bytes | None) -> Signer:
        secret = os.urandom(32) if secret is None else secret
        if len(secret) != 32:
            raise KeyFileError(f"a key has 32 bytes, this one {len(secret)}")
        return Signer(algorithm, secret)

    @property
    def public(self) -> bytes:
        """The Ed25519 public key, 32 bytes.

        Raises:
          KeyFileError: an HMAC key has no public half.
        """
        if self.algorithm != ED25519:
            raise KeyFileError("an HMAC key has no public half; share an Ed25519 key")
        return Ed25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """16 bytes that name the key."""
        key = self.secret if self.algorithm == HMAC else self.public
        return _key_id(self.algorithm, key)

    def sign(self, message: bytes) -> bytes:
        """The bare signature of a message: 32 (HMAC) or 64 (Ed25519) bytes."""
        if self.algorithm == HMAC:
            return hmac.digest(self.secret, message, "sha256")
        return Ed25519PrivateKey.from_private_bytes(self.secret).sign(message)

    def seal(self, payload: bytes, purpose: str) -> bytes:
        """The payload in a signed envelope.

        Args:
          payload: any bytes.
          purpose: what the bytes are for; `Trust.open` must name the same.
        """
        header = _MAGIC + bytes([self.algorithm]) + self.key_id + _purpose(purpose)
        return header + self.sign(header + payload) + payload


@dataclass(frozen=True)
class Trust:
    """The keys whose signatures are believed: id to check `(signature, message) -> bool`."""

    checks: dict[tuple[int, bytes], Callable[[bytes, bytes], bool]]

    @staticmethod
    def of(*keys: Signer | bytes) -> Trust:
        """Trust in own keys and in others' Ed25519 public keys (32 bytes each)."""
        checks: dict[tuple[int, bytes], Callable[[bytes, bytes], bool]] = {}
        for key in keys:
            if isinstance(key, Signer) and key.algorithm == HMAC:
                checks[HMAC, key.key_id] = _hmac_check(key)
            else:
                public = key.public if isinstance(key, Signer) else key
                checks[ED25519, _key_id(ED25519, public)] = _ed25519_check(public)
        return Trust(checks)

    def __or__(self, other: Trust) -> Trust:
        return Trust(self.checks | other.checks)

    def vouches(self, algorithm: int, key_id: bytes, signature: bytes, message: bytes) -> bool:
        """Whether a trusted key made this bare signature."""
        check = self.checks.get((algorithm, key_id))
        return check is not None and check(signature, message)

    def open(self, envelope: bytes, purpose: str) -> tuple[bytes, bytes]:
        """The payload of an envelope, and who signed it.

        Args:
          envelope: what `Signer.seal` made.
          purpose: as in `seal`.

        Returns:
          payload; key id, 16 bytes.

        Raises:
          SignatureError: not an envelope, another purpose, an unknown key, a wrong signature.
        """
        size = _SIGNATURE_BYTES.get(envelope[8]) if len(envelope) > _HEADER else None
        if envelope[:8] != _MAGIC or size is None or len(envelope) < _HEADER + size:
            raise SignatureError("not a signed file of this program, or cut short")
        algorithm, key_id, header = envelope[8], envelope[9:25], envelope[:_HEADER]
        signature, payload = envelope[_HEADER : _HEADER + size], envelope[_HEADER + size :]
        if (algorithm, key_id) not in self.checks:
            raise SignatureError(f"signed by key {key_id.hex()}, which is not trusted here")
        if not self.vouches(algorithm, key_id, signature, header + payload):
            raise SignatureError("the signature does not fit: changed, or made with another key")
        if header[25:] != _purpose(purpose):
            raise SignatureError(f"signed for another purpose than {purpose!r}")
        return payload, key_id


def _purpose(name: str) -> bytes:
    return hashlib.sha256(b"ncpu npcot purpose\0" + name.encode()).digest()


def _hmac_check(key: Signer) -> Callable[[bytes, bytes], bool]:
    return lambda signature, message: hmac.compare_digest(key.sign(message), signature)


def _ed25519_check(public: bytes) -> Callable[[bytes, bytes], bool]:
    verifier = ed25519_public(public)

    def check(signature: bytes, message: bytes) -> bool:
        try:
            verifier.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return check


def ed25519_public(public: bytes) -> Ed25519PublicKey:
    """The key of its 32 bytes.

    Raises:
      KeyFileError: another length.
    """
    if len(public) != 32:
        raise KeyFileError(f"an Ed25519 public key has 32 bytes, this has {len(public)}")
    return Ed25519PublicKey.from_public_bytes(public)


def write_key(path: Path, signer: Signer) -> None:
    """Write a secret key, mode 0600, where no file is yet.

    Raises:
      KeyFileError: the file exists.
    """
    kind = "hmac-sha256" if signer.algorithm == HMAC else "ed25519"
    _write_new(path, f"{kind} {signer.secret.hex()}\n", 0o600)


def write_public_key(path: Path, signer: Signer) -> None:
    """Write the public half for others, mode 0644, where no file is yet."""
    _write_new(path, f"ed25519-public {signer.public.hex()}\n", 0o644)


def read_key(path: Path) -> Signer:
    """A secret key.

    Raises:
      KeyFileError: missing, not ours, readable or writable by others, not a secret key.
    """
    kind, key = _read_key_line(path, secret=True)
    if kind not in ("hmac-sha256", "ed25519"):
        raise KeyFileError(f"{path}: {kind} is no secret key; accepted: hmac-sha256, ed25519")
    return Signer._checked(_KINDS[kind], key)


def read_public_key(path: Path) -> bytes:
    """Another owner's public key, 32 bytes.

    Raises:
      KeyFileError: missing or not a public key.
    """
    kind, key = _read_key_line(path, secret=False)
    if kind != "ed25519-public":
        raise KeyFileError(f"{path}: {kind} where ed25519-public is accepted")
    return ed25519_public(key).public_bytes_raw()


def _write_new(path: Path, text: str, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists; keys are never overwritten") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read_key_line(path: Path, secret: bool) -> tuple[str, bytes]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            words = file.read(4096).decode("ascii").split()
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: cannot be read as a key file: {error}") from error
    if secret and (stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid()):
        raise KeyFileError(f"{path}: a secret key must be yours alone (chmod 600 {path})")
    if len(words) != 2 or words[0] not in _KINDS:
        raise KeyFileError(f"{path}: one line `KIND HEX` is accepted, KIND one of {[*_KINDS]}")
    try:
        return words[0], bytes.fromhex(words[1])
    except ValueError as error:
        raise KeyFileError(f"{path}: not hexadecimal") from error
