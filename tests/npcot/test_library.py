"""The library against a few lines of NumPy: search, acceptance, eviction, fingerprints."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.npcot.domain import Domain
from ncpu.npcot.errors import ArrayInputError, HiddenStateError, ProgramSpaceError
from ncpu.npcot.execute import run_program
from ncpu.npcot.library import _order, empty_library, fingerprint, insert, remove
from ncpu.npcot.program import ArrayProgram, all_programs, canonical_bytes
from ncpu.npcot.retrieval import (
    CHUNK,
    NO_SCORE,
    Lookup,
    consult,
    consult_fingerprint,
    consult_traced,
    feedback,
    record,
)

DOMAIN = Domain(-100, 100, 8)
WIDTH = 16
PROGRAMS = [
    ArrayProgram.of("sum", "x"),
    ArrayProgram.of("max", "x", offset=3),
    ArrayProgram.of("sum", "x*x", predicate="x>0"),
    ArrayProgram.of("sum", "x*y"),
    ArrayProgram.of("sum", "1", predicate="x odd"),
]


def filled(capacity=8, programs=PROGRAMS, seed=0, **options):
    rng = np.random.default_rng(seed)
    library = empty_library(capacity, WIDTH, DOMAIN)
    keys = rng.normal(size=(len(programs), WIDTH))
    for key, program in zip(keys, programs, strict=True):
        library, _ = insert(library, key, program, verified=True, **options)
    return library, keys


def arrays(batch, seed=1, width=8):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(-100, 101, (2, batch, width)).astype(np.int32)
    return x, rng.integers(0, width + 1, batch).astype(np.int32), y


def test_every_key_finds_its_program_and_runs_it():
    library, keys = filled()
    x, length, y = arrays(len(keys))
    answer = consult(library, 7.0 * keys, x, length, y)
    assert np.all(answer.status == Lookup.HIT)
    assert answer.slot.tolist() == list(range(len(keys)))
    np.testing.assert_allclose(answer.score, 1.0, atol=1e-6)
    for i, program in enumerate(PROGRAMS):
        n = int(length[i])
        assert answer.value[i] == run_program(program, x[i, :n], y[i, :n])


def test_search_is_numpys():
    library, _ = filled(capacity=7)
    hidden = np.random.default_rng(3).normal(size=(500, WIDTH)).astype(np.float32)
    x, length, y = arrays(500)
    answer = consult(library, hidden, x, length, y)
    keys = np.asarray(library.keys, np.float64)[: len(PROGRAMS)]
    cosines = (hidden.astype(np.float64) @ keys.T) / np.linalg.norm(hidden, axis=1)[:, None]
    assert answer.slot.tolist() == cosines.argmax(1).tolist()
    np.testing.assert_allclose(answer.score, cosines.max(1), atol=2e-6)
    hit = cosines.max(1) >= 0.92
    np.testing.assert_array_equal(answer.status == Lookup.HIT, hit)
    assert np.all(np.asarray(answer.value)[~hit] == 0)


def test_a_large_batch_is_the_same_in_chunks():
    library, keys = filled()
    batch = CHUNK + 5
    hidden = np.resize(keys, (batch, WIDTH)).astype(np.float32)
    x, length, y = arrays(batch)
    whole = consult(library, hidden, x, length, y)
    parts = [
        consult(library, hidden[s], x[s], length[s], y[s])
        for s in (slice(0, CHUNK), slice(CHUNK, None))
    ]
    joined = jax.tree.map(lambda a, b: np.concatenate([a, b]), *parts)
    assert np.all(whole.status == Lookup.HIT)
    np.testing.assert_array_equal(whole.value, joined.value)
    np.testing.assert_array_equal(whole.slot, joined.slot)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0])
def test_a_key_that_is_none_is_data_not_a_result(bad):
    library, keys = filled()
    hidden = np.repeat(keys[:1], 2, axis=0)
    hidden[1] = 0.0 if bad == 0 else hidden[1]
    hidden[1, 3] = bad
    x, length, y = arrays(2)
    answer = consult(library, hidden, x, length, y)
    assert answer.status.tolist() == [Lookup.HIT, Lookup.BAD_KEY]
    assert answer.value[1] == 0 and answer.score[1] == NO_SCORE
    with pytest.raises(HiddenStateError, match="finite"):
        insert(library, hidden[1], PROGRAMS[0], verified=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_bad_number_anywhere_in_a_large_batch(bad):
    library, keys = filled()
    hidden = np.repeat(keys[:1], 16 * WIDTH, axis=0)
    for i in range(WIDTH):
        hidden[7 * i, i] = bad
    x, length, y = arrays(len(hidden))
    answer = consult(library, hidden, x, length, y)
    wrong = np.arange(len(hidden)) % 7 == 0
    wrong[7 * WIDTH :] = False
    np.testing.assert_array_equal(answer.status, np.where(wrong, Lookup.BAD_KEY, Lookup.HIT))


def test_huge_and_tiny_states_have_directions_too():
    library, keys = filled()
    x, length, y = arrays(len(keys))
    for scale in (1e30, 1e-30):
        answer = consult(library, (scale * keys).astype(np.float32), x, length, y)
        assert np.all(answer.status == Lookup.HIT)


def test_an_empty_library_misses():
    library = empty_library(4, WIDTH, DOMAIN)
    x, length, y = arrays(3)
    answer = consult(library, np.ones((3, WIDTH)), x, length, y)
    assert np.all(answer.status == Lookup.MISS) and np.all(answer.value == 0)
    prints = np.full((3, 8), 0xFFFFFFFF, np.uint32)
    assert np.all(consult_fingerprint(library, prints, x, length, y).status == Lookup.MISS)


def test_what_is_not_verified_never_runs():
    library, keys = filled()
    library, slot = insert(library, keys[0], ArrayProgram.of("product"), verified=False)
    assert slot == 0
    x, length, y = arrays(1)
    answer = consult(library, keys[:1], x, length, y)
    assert answer.status[0] == Lookup.UNVERIFIED and answer.value[0] == 0
    prints = fingerprint(ArrayProgram.of("product"))[None]
    answer = consult_fingerprint(library, prints, x, length, y)
    assert answer.status[0] == Lookup.UNVERIFIED and answer.value[0] == 0


@pytest.mark.parametrize(("length", "element"), [(9, 0), (-1, 0), (3, 101), (3, -101)])
def test_outside_the_domain_nothing_runs(length, element):
    library, keys = filled()
    x = np.zeros((1, 12), np.int32)
    x[0, 2] = element
    answer = consult(library, keys[:1], x, np.array([length], np.int32))
    assert answer.status[0] == Lookup.OUT_OF_DOMAIN and answer.value[0] == 0
    answer = consult(library, keys[:1], x, np.array([2], np.int32), x)  # it is past the end
    assert answer.status[0] == Lookup.HIT


def test_shapes_and_types_that_do_not_fit():
    library, keys = filled()
    x, length, y = arrays(2)
    with pytest.raises(HiddenStateError, match=r"\(B, 16\)"):
        consult(library, keys[:2, :5], x, length)
    for wrong in [(x[0], length), (x, length[:1]), (x.astype(float), length), (x[:1], length)]:
        with pytest.raises(ArrayInputError):
            consult(library, keys[:2], *wrong)
    with pytest.raises(ArrayInputError, match="32 bits"):
        consult(library, keys[:2], x.astype(np.int64) + 2**40, length)
    with pytest.raises(ArrayInputError):
        consult(library, keys[:2], x, length, y[:, :3])
    with pytest.raises(HiddenStateError):
        consult_fingerprint(library, np.zeros((2, 7), np.uint32), x, length)
    for sizes in [(0, 4, 0.9), (4, 0, 0.9), (4, 4, 1.0)]:
        with pytest.raises(HiddenStateError):
            empty_library(*sizes[:2], DOMAIN, sizes[2])
    with pytest.raises(ProgramSpaceError):
        insert(library, keys[0], all_programs(), verified=True)


def test_fingerprints_are_sha256_of_the_canonical_bytes():
    program = PROGRAMS[2]
    words = fingerprint(program)
    assert words.astype(">u4").tobytes() == hashlib.sha256(canonical_bytes(program)).digest()


def test_the_exact_path_finds_every_fingerprint_and_no_other():
    space = all_programs()
    programs = [space[i] for i in range(0, 300, 3)]
    library, _ = filled(128, programs)
    x, length, y = arrays(300)
    prints = np.stack([fingerprint(space[i]) for i in range(300)])
    answer = consult_fingerprint(library, prints, x, length, y)
    for i in range(300):
        if i % 3:
            assert answer.status[i] == Lookup.MISS and answer.value[i] == 0
        else:
            assert answer.status[i] == Lookup.HIT and answer.slot[i] == i // 3


def test_fingerprints_that_share_their_first_words():
    library, _ = filled(8)
    prints = np.asarray(library.fingerprints).copy()
    prints[:4, :5] = 7
    library = replace(
        library,
        fingerprints=jnp.asarray(prints),
        order=_order(jnp.asarray(prints), library.occupied),
    )
    x, length, y = arrays(5)
    answer = consult_fingerprint(library, prints[:5], x, length, y)
    assert answer.slot.tolist() == [0, 1, 2, 3, 4]
    assert np.all(answer.status == Lookup.HIT)


def test_the_least_recently_used_entry_makes_room():
    library, keys = filled(capacity=5)
    x, length, y = arrays(4)
    library = record(library, consult(library, keys[[0, 1, 3, 4]], x, length, y))
    assert library.hits.tolist() == [1, 1, 0, 1, 1]
    new = np.random.default_rng(9).normal(size=WIDTH)
    library, slot = insert(library, new, ArrayProgram.of("min"), verified=True)
    assert slot == 2 and library.hits[2] == 0
    answer = consult(library, keys[2:3], x[:1], length[:1])
    assert answer.status[0] == Lookup.MISS


def test_lru_against_a_model():
    rng = np.random.default_rng(4)
    capacity, keys = 6, rng.normal(size=(30, WIDTH))
    library = empty_library(capacity, WIDTH, DOMAIN)
    order: list[int] = []  # least recently used first
    x, length, y = arrays(1)
    for _ in range(120):
        which = int(rng.integers(30))
        answer = consult(library, keys[which : which + 1], x, length, y)
        assert (answer.status[0] == Lookup.HIT) == (which in order)
        if which in order:
            library = record(library, answer)
            order.remove(which)
        else:
            library, _ = insert(library, keys[which], PROGRAMS[which % 5], verified=True)
            order = order[-(capacity - 1) :]
        order.append(which)


def test_a_removed_entry_is_gone():
    library, keys = filled()
    library = remove(library, 1)
    x, length, y = arrays(5)
    assert consult(library, keys, x, length, y).status.tolist() == [0, Lookup.MISS, 0, 0, 0]
    prints = np.stack([fingerprint(p) for p in PROGRAMS])
    found = consult_fingerprint(library, prints, x, length, y)
    assert found.status.tolist() == [0, Lookup.MISS, 0, 0, 0]
    library, slot = insert(library, keys[1], PROGRAMS[1], verified=True)
    assert slot == 1


def near(key, cosine, seed=0):
    """A state at a given cosine from `key`."""
    other = np.random.default_rng(seed).normal(size=key.shape)
    key = key / np.linalg.norm(key)
    other -= (other @ key) * key
    return cosine * key + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)


def test_feedback_moves_only_the_key_it_is_about():
    library, keys = filled()
    x, length, y = arrays(1)
    before = np.asarray(library.thresholds)
    np.testing.assert_allclose(before, 0.92, atol=1e-6)
    wrong = near(keys[0], 0.95)[None]
    answer = consult(library, wrong, x, length, y)
    assert answer.status[0] == Lookup.HIT
    library = feedback(library, answer, np.array([False]))
    assert consult(library, wrong, x, length, y).status[0] == Lookup.MISS
    np.testing.assert_array_equal(np.asarray(library.thresholds)[1:], before[1:])
    right = near(keys[1], 0.88)[None]
    answer = consult(library, right, x, length, y)
    assert answer.status[0] == Lookup.MISS and answer.slot[0] == 1
    library = feedback(library, answer, np.array([True]))
    assert consult(library, right, x, length, y).status[0] == Lookup.HIT


def test_a_key_that_was_wrong_at_cosine_one_is_never_accepted_again():
    library, keys = filled()
    x, length, y = arrays(1)
    library = feedback(library, consult(library, keys[:1], x, length, y), np.array([False]))
    library = feedback(library, consult(library, keys[:1], x, length, y), np.array([True]))
    answer = consult(library, keys[:1] * 3, x, length, y)
    assert answer.status[0] == Lookup.MISS and answer.value[0] == 0


def test_thresholds_separate_what_feedback_separated():
    """On every key the final threshold rejects all wrong and accepts all separable right scores."""
    rng = np.random.default_rng(11)
    library, keys = filled()
    hidden = np.stack([near(keys[i % 5], c, i) for i, c in enumerate(rng.uniform(0.8, 1, 400))])
    x, length, y = arrays(400)
    answer = consult(library, hidden, x, length, y)
    right = np.asarray(answer.score) > 0.93 + 0.01 * np.asarray(answer.slot)
    library = feedback(library, answer, right)
    accepted = np.asarray(consult(library, hidden, x, length, y).status) == Lookup.HIT
    np.testing.assert_array_equal(accepted, right)


def test_one_compiled_function_and_no_host_in_it():
    library, keys = filled()
    x, length, y = arrays(5)
    text = jax.jit(consult_traced).lower(library, jnp.float32(keys), x, length, y).as_text()
    assert "callback" not in text
