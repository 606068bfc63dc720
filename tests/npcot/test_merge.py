"""Merging: a join in the sense of lattices, for all small sets; forged entries stay out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncpu.npcot.domain import Domain
from ncpu.npcot.entry import Entry
from ncpu.npcot.errors import KeyFileError, LibraryFormatError, SignatureError
from ncpu.npcot.merge import (
    POLICIES,
    Rules,
    merge_libraries,
    pack_entries,
    unpack_entries,
)
from ncpu.npcot.owner import Owner
from ncpu.npcot.program import ArrayProgram, canonical_bytes
from ncpu.npcot.session import ProgramLibrarySession
from ncpu.npcot.signing import Signer, Trust

DOMAIN = Domain(-100, 100, 8)
ALICE, BOB, MALLORY = (Signer.ed25519(bytes([i] * 32)) for i in (1, 2, 3))
TRUST = Trust.of(ALICE, BOB)
SAFE = [ArrayProgram.of("sum", t) for t in ("x", "x*x", "|x|", "1")]
HIGH = ArrayProgram.of("product", "x")
RULES = Rules(TRUST, DOMAIN, 4, 3)


def make(key=0, program=SAFE[0], gap=0.0, created=0, signers=(ALICE,), hits=None, width=4) -> Entry:
    row = np.eye(width, dtype="<f4")[key]
    entry = Entry(row.tobytes().hex(), canonical_bytes(program).hex(), "task", gap, created, DOMAIN)
    for signer in signers:
        entry = entry.signed_by(signer)
    return replace(entry, hits=hits or {})


entries = st.builds(
    make,
    key=st.integers(0, 3),
    program=st.sampled_from([*SAFE[:3], HIGH]),
    gap=st.sampled_from([0.0, 0.1]),
    created=st.integers(0, 1),
    signers=st.sets(st.sampled_from([ALICE, BOB, MALLORY]), max_size=3).map(
        lambda s: sorted(s, key=lambda k: k.secret)
    ),
    hits=st.dictionaries(
        st.sampled_from([k.key_id.hex() for k in (ALICE, BOB)]), st.integers(0, 3), max_size=2
    ),
)
libraries = st.lists(entries, max_size=6)
rules = st.builds(
    Rules,
    st.just(TRUST),
    st.just(DOMAIN),
    st.just(4),
    st.integers(1, 4),
    st.sampled_from(sorted(POLICIES)),
)
thorough = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def merged(*sources, rules):
    return merge_libraries(*sources, rules=rules).entries


@thorough
@given(libraries, libraries, rules)
def test_commutative(a, b, rules):
    assert merged(a, b, rules=rules) == merged(b, a, rules=rules)


@thorough
@given(libraries, libraries, libraries, rules)
def test_associative(a, b, c, rules):
    left = merged(merged(a, b, rules=rules), c, rules=rules)
    right = merged(a, merged(b, c, rules=rules), rules=rules)
    assert left == right == merged(a, b, c, rules=rules)


@thorough
@given(libraries, rules)
def test_idempotent(a, rules):
    once = merged(a, rules=rules)
    assert merged(once, once, rules=rules) == once == merged(a, a, once, rules=rules)


@thorough
@given(libraries, libraries, rules)
def test_only_signed_and_verified_entries_get_in(a, b, rules):
    result = merge_libraries(a, b, rules=rules)
    assert len(result.entries) <= rules.capacity
    assert len({e.key for e in result.entries}) == len(result.entries)
    refused = {identity for identity, _ in result.refused}
    for entry in result.entries:
        assert entry.vouchers(TRUST) and entry.program != canonical_bytes(HIGH).hex()
        assert set(entry.signatures) <= {ALICE.key_id.hex(), BOB.key_id.hex()}
    everything = {e.identity for e in result.entries} | {
        i for pair in result.conflicts for i in pair
    }
    assert {e.identity for e in a + b} == everything | refused | set(result.dropped)


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_policies_by_hand(policy):
    old = make(gap=0.1, created=1, program=SAFE[0])
    new = make(gap=0.0, created=2, program=SAFE[1])
    result = merge_libraries([old], [new], rules=replace(RULES, policy=policy))
    winner = {"smallest-gap": new, "oldest": old, "newest": new}[policy]
    loser = old if winner is new else new
    assert result.entries == (winner,)
    assert result.conflicts == ((winner.identity, loser.identity),)


def test_provenance_and_hits_are_united():
    ids = [k.key_id.hex() for k in (ALICE, BOB)]
    a = make(signers=(ALICE, MALLORY), hits={ids[0]: 5})
    b = make(signers=(BOB,), hits={ids[0]: 3, ids[1]: 2})
    (entry,) = merged([a], [b], rules=RULES)
    assert set(entry.signatures) == set(ids) == entry.vouchers(TRUST)
    assert entry.hits == {ids[0]: 5, ids[1]: 2}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (make(signers=()), "vouches"),
        (make(signers=(MALLORY,)), "vouches"),
        (replace(make(), task="another"), "vouches"),
        (replace(make(), gap=0.5), "vouches"),
        (replace(make(), program=canonical_bytes(SAFE[1]).hex()), "vouches"),
        (make(program=HIGH), "high"),
        (make(width=8), "numbers"),
    ],
    ids=["unsigned", "untrusted", "task", "gap", "program", "unsafe", "width"],
)
def test_what_is_refused(entry, reason):
    result = merge_libraries([entry], rules=RULES)
    assert result.entries == ()
    assert result.refused[0][0] == entry.identity and reason in result.refused[0][1]


def test_poison_does_not_displace_good_entries():
    good = [make(key=k, gap=0.1) for k in range(3)]
    poison = [make(key=k, gap=0.0, program=p, signers=(MALLORY,)) for k in range(4) for p in SAFE]
    assert merged(good, poison, rules=RULES) == merged(good, rules=RULES)


def test_an_hmac_key_signs_no_entry():
    with pytest.raises(KeyFileError, match="Ed25519"):
        make(signers=(Signer.hmac(),))


def test_bundles():
    bundle = pack_entries([make(), make(key=1)], BOB)
    assert len(unpack_entries(bundle, TRUST)) == 2
    for wrong in (bundle[:-1], bundle[:20], pack_entries([make()], MALLORY), b""):
        with pytest.raises(SignatureError):
            unpack_entries(wrong, TRUST)
    with pytest.raises(LibraryFormatError):
        unpack_entries(BOB.seal(b"{}", "entry bundle"), TRUST)
    with pytest.raises(LibraryFormatError):
        unpack_entries(BOB.seal(b'[{"key":1}]', "entry bundle"), TRUST)


def test_two_owners_exchange_entries(tmp_path):
    alice, bob = (Owner.create(tmp_path / name) for name in ("alice", "bob"))
    bundles = []
    for number, owner in enumerate((alice, bob)):
        name = owner.folder.name
        with ProgramLibrarySession.create(
            tmp_path / f"{name}-library", owner, capacity=4, width=4, domain=DOMAIN
        ) as session:
            session.insert(np.eye(4)[number], SAFE[number], task=name)
            session.save()
            bundles.append(pack_entries(session.contents.entries.values(), owner.share))
    bob = replace(bob, others=(alice.share.public,))
    with ProgramLibrarySession.open(tmp_path / "bob-library", bob) as session:
        received = unpack_entries(bundles[0], bob.entry_trust)
        rules = Rules(bob.entry_trust, DOMAIN, 4, 4)
        result = merge_libraries(session.contents.entries.values(), received, rules=rules)
        session.replace_entries(result.entries, "merged")
        session.save()
        assert session.records[-2].event == "merged"
    with ProgramLibrarySession.open(tmp_path / "bob-library", bob) as session:
        x = np.ones((2, 4), np.int32)
        answer = session.consult(np.eye(4)[:2], x, np.array([3, 3]))
        assert answer.value.tolist() == [3, 3]  # sum of x, sum of squares
        signers = {name for e in session.contents.entries.values() for name in e.signatures}
        assert signers == {alice.share.key_id.hex(), bob.share.key_id.hex()}
