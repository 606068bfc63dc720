"""Signatures, key files, canonical bytes, snapshots and the anchor: what is forged is refused."""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import shutil

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ncpu.npcot import storage
from ncpu.npcot.canonical import canonical, digest, parse_canonical
from ncpu.npcot.errors import KeyFileError, LibraryFormatError, RollbackError, SignatureError
from ncpu.npcot.owner import Owner
from ncpu.npcot.signing import (
    Signer,
    Trust,
    read_key,
    read_public_key,
    write_key,
    write_public_key,
)

SIGNERS = [Signer.hmac(bytes(range(32))), Signer.ed25519(bytes(range(32)))]


def manifest(version: int = 1, previous: str = storage.GENESIS) -> storage.Manifest:
    return storage.Manifest("ab" * 16, version, previous, 0, storage.GENESIS, {}, {"width": 4})


def write(folder, version=1, previous=storage.GENESIS, signer=SIGNERS[0], text=b"arrays" * 50):
    def files(into):
        (into / "arrays").mkdir()
        (into / "arrays" / "keys").write_bytes(text)
        (into / "entries").write_bytes(b"[]")

    return storage.write_snapshot(folder, manifest(version, previous), files, signer)


@pytest.mark.parametrize("signer", SIGNERS, ids=["hmac", "ed25519"])
def test_the_envelope_opens_to_what_was_sealed(signer):
    for payload in (b"", b"x", os.urandom(1000)):
        assert Trust.of(signer).open(signer.seal(payload, "test"), "test") == (
            payload,
            signer.key_id,
        )


def test_signatures_are_those_of_the_standard_implementations():
    own, share = SIGNERS
    assert own.sign(b"abc") == hmac.new(own.secret, b"abc", hashlib.sha256).digest()
    public = Ed25519PublicKey.from_public_bytes(share.public)
    public.verify(share.sign(b"abc"), b"abc")
    with pytest.raises(InvalidSignature):
        public.verify(share.sign(b"abc"), b"abd")


@pytest.mark.parametrize("signer", SIGNERS, ids=["hmac", "ed25519"])
def test_no_bit_of_an_envelope_can_change(signer):
    sealed = signer.seal(b"payload", "test")
    trust = Trust.of(*SIGNERS)
    for bit in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SignatureError):
            trust.open(bytes(changed), "test")
    for size in range(len(sealed)):
        with pytest.raises(SignatureError):
            trust.open(sealed[:size], "test")


def test_another_purpose_or_key_is_refused():
    signer = SIGNERS[0]
    with pytest.raises(SignatureError, match="purpose"):
        Trust.of(signer).open(signer.seal(b"{}", "entry"), "manifest")
    with pytest.raises(SignatureError, match="not trusted"):
        Trust.of(Signer.hmac()).open(signer.seal(b"{}", "test"), "test")


def test_an_ed25519_public_key_is_no_hmac_secret():
    """The classic confusion: a MAC made with the public key as its secret."""
    share = SIGNERS[1]
    forged = Signer.hmac(share.public).seal(b"{}", "test")
    with pytest.raises(SignatureError):
        Trust.of(share.public).open(forged, "test")


def test_secrets_do_not_show():
    assert all(s.secret.hex() not in repr(s) and repr(s.secret) not in repr(s) for s in SIGNERS)


def test_key_files(tmp_path):
    for name, signer in zip(("own", "share"), SIGNERS, strict=True):
        write_key(tmp_path / name, signer)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert read_key(tmp_path / name) == signer
        with pytest.raises(KeyFileError, match="exists"):
            write_key(tmp_path / name, signer)
    write_public_key(tmp_path / "pub", SIGNERS[1])
    assert read_public_key(tmp_path / "pub") == SIGNERS[1].public
    with pytest.raises(KeyFileError):
        read_public_key(tmp_path / "own")
    with pytest.raises(KeyFileError):
        write_public_key(tmp_path / "pub2", SIGNERS[0])


@pytest.mark.parametrize("text", ["", "ed25519 zz", "rsa 00", "hmac-sha256 00", "a b c", "\xff"])
def test_what_is_no_key_file(tmp_path, text):
    path = tmp_path / "key"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        read_key(path)


def test_a_key_others_can_read_is_refused(tmp_path):
    write_key(tmp_path / "key", SIGNERS[0])
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key(tmp_path / "key")
    Owner.create(tmp_path / "owner")
    (tmp_path / "owner").chmod(0o755)
    with pytest.raises(KeyFileError, match="chmod 700"):
        Owner.open(tmp_path / "owner")


@pytest.mark.parametrize(
    "text", [b'{"a":1,"a":2}', b'{ "a":1}', b'{"b":1,"a":2}', b"1e1", b"NaN", b"\xff", b'"\\u0041"']
)
def test_only_canonical_json_is_read(text):
    with pytest.raises(LibraryFormatError):
        parse_canonical(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, b"bytes", {1: 2}])
def test_what_has_no_canonical_form(value):
    with pytest.raises(LibraryFormatError):
        canonical(value)


def test_a_snapshot_reads_back(tmp_path):
    first = write(tmp_path)
    second = write(tmp_path, 2, first.hash)
    assert storage.versions(tmp_path) == [1, 2]
    read = storage.read_snapshot(tmp_path, 2, Trust.of(SIGNERS[0]))
    assert read == second
    assert read.manifest.previous == digest((first.folder / "manifest").read_bytes())
    with pytest.raises(RollbackError, match="written once"):
        write(tmp_path, 2)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda f: (f / "entries").write_bytes(b"[ ]"),
        lambda f: (f / "entries").unlink(),
        lambda f: (f / "more").write_bytes(b""),
        lambda f: (f / "arrays" / "keys").rename(f / "arrays" / "key"),
        lambda f: (f / "manifest").unlink(),
        lambda f: ((f / "entries").unlink(), (f / "entries").symlink_to("/etc/passwd")),
        lambda f: f.rename(f.with_name("00000002")),
    ],
    ids=["changed", "removed", "added", "renamed", "unsigned", "link", "renumbered"],
)
def test_a_snapshot_that_was_touched_is_refused(tmp_path, spoil):
    spoil(write(tmp_path).folder)
    for version in (1, 2):
        with pytest.raises(SignatureError):
            storage.read_snapshot(tmp_path, version, Trust.of(SIGNERS[0]))


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, repeat, overwrite or insert; never the same bytes."""
    at = rng.randrange(len(data))
    changed = bytearray(data)
    match rng.randrange(5):
        case 0:
            changed[at] ^= 1 << rng.randrange(8)
        case 1:
            changed = changed[:at]
        case 2:
            changed[at:at] = rng.randbytes(rng.randrange(1, 9))
        case 3:
            changed[at : at + 8] = rng.randbytes(8)
        case _:
            del changed[at : at + rng.randrange(1, 9)]
    return bytes(changed) if bytes(changed) != data else data + b"\0"


def accepted_of(count: int, seed: int, folder) -> int:
    """Mutated file sets that pass, of `count`; one file of the three is changed in each."""
    rng = random.Random(seed)
    snapshot = write(folder, signer=SIGNERS[seed % 2])
    trust = Trust.of(*SIGNERS)
    envelope = (snapshot.folder / "manifest").read_bytes()
    accepted = 0
    for _ in range(count):
        files, head = dict(snapshot.files), envelope
        name = rng.choice(["manifest", *files])
        if name == "manifest":
            head = mutate(head, rng)
        else:
            files[name] = mutate(files[name], rng)
        try:
            storage.check_snapshot(head, files, trust)
            accepted += 1
        except (SignatureError, LibraryFormatError):
            pass
    return accepted


@pytest.mark.parametrize("seed", [0, 1], ids=["hmac", "ed25519"])
def test_mutated_bytes_are_refused(tmp_path, seed):
    assert accepted_of(5_000, seed, tmp_path) == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_100_000_mutated_files_are_refused(tmp_path, seed):
    assert accepted_of(10_000, seed, tmp_path) == 0


def test_mutated_files_on_disk_are_refused(tmp_path):
    rng = random.Random(5)
    folder = write(tmp_path).folder
    names = ["manifest", "entries", "arrays/keys"]
    for _ in range(1000):
        path = folder / rng.choice(names)
        good = path.read_bytes()
        path.write_bytes(mutate(good, rng))
        with pytest.raises((SignatureError, LibraryFormatError)):
            storage.read_snapshot(tmp_path, 1, Trust.of(SIGNERS[0]))
        path.write_bytes(good)
    storage.read_snapshot(tmp_path, 1, Trust.of(SIGNERS[0]))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": True},
        {"library": "x"},
        {"files": {"a": "b"}},
        {"more": 1},
        {"note": []},
        {"format": 2},
    ],
)
def test_a_signed_manifest_outside_the_schema_is_refused(change):
    """The signer is trusted, its software is not."""
    good = parse_canonical(manifest().to_bytes())
    storage.Manifest.from_bytes(canonical(good))
    with pytest.raises(LibraryFormatError):
        storage.Manifest.from_bytes(canonical(good | change))


def test_the_anchor_refuses_the_past(tmp_path):
    anchor = storage.Anchor(tmp_path / "anchor")
    first = write(tmp_path)
    second = write(tmp_path, 2, first.hash)
    for snapshot in (first, second):
        anchor.check(snapshot)
        anchor.advance(snapshot)
    anchor.check(second)
    with pytest.raises(RollbackError, match="older"):
        anchor.check(first)
    shutil.rmtree(second.folder)
    other = write(tmp_path, 2, first.hash, text=b"another history")
    with pytest.raises(RollbackError, match="follow"):
        anchor.check(other)
    with pytest.raises(RollbackError, match="follow"):
        anchor.check(write(tmp_path, 3, other.hash))
    (tmp_path / "anchor").write_bytes(b'{"x":[]}')
    with pytest.raises(LibraryFormatError):
        anchor.check(second)
