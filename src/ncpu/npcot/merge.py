"""Merging libraries of several owners, and the signed bundle in which entries travel.

A merge is a join: entries are first judged one by one (signed by a trusted key, cleared by the
verifier, of the right width), then united, then at most one is kept for each key, then the best
`capacity`.  Judgement, choice and cut look only at what is signed and use one total order, so the
result does not depend on the order or the number of merges: it is commutative, associative and
idempotent.  What grows (signatures, hit counts) is united by set union and by maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ncpu.npcot.canonical import canonical, parse_canonical
from ncpu.npcot.domain import Domain
from ncpu.npcot.entry import Entry
from ncpu.npcot.errors import LibraryFormatError
from ncpu.npcot.signing import Signer, Trust
from ncpu.npcot.verify import LEVELS, verify

PURPOSE = "entry bundle"

POLICIES: dict[str, Callable[[Entry], tuple[Any, ...]]] = {
    "smallest-gap": lambda e: (e.gap, e.created, e.identity),
    "oldest": lambda e: (e.created, e.gap, e.identity),
    "newest": lambda e: (-e.created, e.gap, e.identity),
}
"""Conflict policies: of entries with the same key the first in this order stays."""


@dataclass(frozen=True)
class Rules:
    """What a merge accepts.

    Attributes:
      trust: Ed25519 keys that may vouch for an entry.
      domain: what programs must be verified for.
      width: numbers in a key.
      capacity: entries kept.
      policy: a name in `POLICIES`.
      accept: the most serious verdict accepted, `safe` or `warn`.
    """

    trust: Trust
    domain: Domain
    width: int
    capacity: int
    policy: str = "smallest-gap"
    accept: str = "safe"

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise LibraryFormatError(f"policy {self.policy!r}; accepted: {sorted(POLICIES)}")


@dataclass(frozen=True)
class Merged:
    """The result of a merge.

    Attributes:
      entries: by identity, ascending.
      refused: identity and reason of what was not accepted.
      conflicts: identities of winner and loser for the same key.
      dropped: identities beyond the capacity.
    """

    entries: tuple[Entry, ...]
    refused: tuple[tuple[str, str], ...]
    conflicts: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...]


def merge_libraries(*libraries: Iterable[Entry], rules: Rules) -> Merged:
    """Merge any number of libraries' entries.

    Args:
      libraries: entries, signed.
      rules: what is accepted.

    Returns:
      the entries of the merged library, with every trusted signature that any source had.
    """
    united: dict[str, Entry] = {}
    refused: dict[str, str] = {}
    for entry in (e for library in libraries for e in library):
        reason = refusal(entry, rules)
        if reason:
            refused[entry.identity] = reason
            continue
        believed = _believed(entry, rules.trust)
        known = united.get(entry.identity)
        united[entry.identity] = _join(known, believed) if known else believed
    first: dict[str, Entry] = {}
    conflicts = []
    in_order = sorted(united.values(), key=POLICIES[rules.policy])
    for entry in in_order:
        winner = first.setdefault(entry.key, entry)
        if winner is not entry:
            conflicts.append((winner.identity, entry.identity))
    kept, dropped = [*first.values()][: rules.capacity], [*first.values()][rules.capacity :]
    return Merged(
        entries=tuple(sorted(kept, key=lambda e: e.identity)),
        refused=tuple(sorted(refused.items())),
        conflicts=tuple(conflicts),
        dropped=tuple(e.identity for e in dropped),
    )


def refusal(entry: Entry, rules: Rules) -> str:
    """Why an entry is not accepted; empty if it is."""
    if not entry.vouchers(rules.trust):
        return "no trusted key vouches for it"
    if len(entry.key) != 8 * rules.width:
        return f"its key has {len(entry.key) // 8} numbers; accepted: {rules.width}"
    level = verify(entry.array_program, rules.domain).level
    if LEVELS.index(level) > LEVELS.index(rules.accept):
        return f"its program is {level}; accepted: {rules.accept}"
    return ""


def pack_entries(entries: Iterable[Entry], signer: Signer) -> bytes:
    """A signed bundle of entries for another owner."""
    rows = [e.to_json() for e in sorted(entries, key=lambda e: e.identity)]
    return signer.seal(canonical(rows), PURPOSE)


def unpack_entries(bundle: bytes, trust: Trust) -> list[Entry]:
    """The entries of a bundle, whose signature is checked before it is read.

    Raises:
      SignatureError: not signed by a trusted key.
      LibraryFormatError: signed, but no bundle of entries.
    """
    payload, _ = trust.open(bundle, PURPOSE)
    rows = parse_canonical(payload)
    if not isinstance(rows, list):
        raise LibraryFormatError("a bundle is a list of entries")
    return [Entry.from_json(row) for row in rows]


def _believed(entry: Entry, trust: Trust) -> Entry:
    """The entry with only the signatures that are right."""
    names = sorted(entry.vouchers(trust))
    return replace(entry, signatures={name: entry.signatures[name] for name in names})


def _join(one: Entry, other: Entry) -> Entry:
    def largest(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
        return {k: max(v for v in (a.get(k), b.get(k)) if v is not None) for k in sorted({*a, *b})}

    return replace(
        one,
        signatures=largest(dict(one.signatures), dict(other.signatures)),
        hits=largest(dict(one.hits), dict(other.hits)),
    )
