"""`Owner`: the keys of one owner, whom they trust, and what they saw last; one private folder."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ncpu.npcot.errors import KeyFileError
from ncpu.npcot.signing import (
    Signer,
    Trust,
    read_key,
    read_public_key,
    write_key,
    write_public_key,
)
from ncpu.npcot.storage import Anchor


@dataclass(frozen=True)
class Owner:
    """Who works with a library.

    Attributes:
      folder: holds `own.key`, `share.key`, `share.pub`, `trusted/*.pub` and `anchor`; mode 0700.
      own: HMAC key of everything that stays with this owner.
      share: Ed25519 key of entries that others take over.
      others: public keys of the owners whose entries are accepted.
    """

    folder: Path
    own: Signer
    share: Signer
    others: tuple[bytes, ...] = ()

    @staticmethod
    def create(folder: Path) -> Owner:
        """Make new keys.

        Raises:
          KeyFileError: keys are there already.
        """
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        (folder / "trusted").mkdir(exist_ok=True)
        os.chmod(folder, 0o700)
        owner = Owner(folder, Signer.hmac(), Signer.ed25519())
        write_key(folder / "own.key", owner.own)
        write_key(folder / "share.key", owner.share)
        write_public_key(folder / "share.pub", owner.share)
        return owner

    @staticmethod
    def open(folder: Path) -> Owner:
        """Read the keys.

        Raises:
          KeyFileError: missing keys, or a folder that others can enter.
        """
        if not folder.is_dir():
            raise KeyFileError(f"{folder} is no folder of keys; make one with `ncpu npcot keys`")
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            raise KeyFileError(f"{folder}: others can enter it (chmod 700 {folder})")
        others = tuple(read_public_key(p) for p in sorted((folder / "trusted").glob("*.pub")))
        return Owner(folder, read_key(folder / "own.key"), read_key(folder / "share.key"), others)

    @property
    def anchor(self) -> Anchor:
        """What this owner saw last of each library."""
        return Anchor(self.folder / "anchor")

    @property
    def trust(self) -> Trust:
        """For snapshots: only this owner's HMAC key."""
        return Trust.of(self.own)

    @property
    def entry_trust(self) -> Trust:
        """For entries: this owner's Ed25519 key and those of the trusted others."""
        return Trust.of(self.share, *self.others)
