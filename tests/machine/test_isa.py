"""Every row of the table against Unicorn, at least 1,000 random states each."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ncpu.machine import decode, verify
from ncpu.machine.instr import Unit, unpack
from ncpu.machine.isa import TABLE

SEED = 20241

pytest.importorskip("unicorn", reason="pip install 'ncpu[oracle]'")
GROUPS = {
    name: list(rows)
    for name, rows in itertools.groupby(
        sorted(verify.comparable(TABLE), key=lambda r: r.group), key=lambda r: r.group
    )
}


@pytest.mark.parametrize("group", GROUPS)
def test_rows_agree_with_unicorn(group: str) -> None:
    print(f"seed {SEED}")
    found = verify.verify(GROUPS[group], 1024, SEED)
    assert not found, found[:5]


def test_oracle_notices_a_wrong_result() -> None:
    """The comparison can fail: a row whose semantics are swapped is reported."""
    row = next(r for r in TABLE if r.mnemonic == "add")
    rng = np.random.default_rng(SEED)
    words = verify.random_encodings(row, rng, verify.LANES)
    cases = verify.make_cases(words, rng)
    wrong = verify.Cases(words ^ np.uint32(1 << 30), cases.regs, cases.flags, cases.memory)
    oracle = verify.Oracle()
    load = oracle.load
    oracle.load = lambda _: load(words)  # ours subtracts, the oracle adds
    assert len(verify.compare(row, wrong, oracle)) > verify.LANES // 2


def test_no_word_matches_two_rows() -> None:
    rng = np.random.default_rng(SEED)
    words = rng.integers(0, 1 << 32, 300_000, dtype=np.uint32)
    directed = [verify.random_encodings(row, rng, 64) for row in TABLE]
    words = np.concatenate([words, *directed])
    hits = np.zeros(len(words), np.int32)
    for row in TABLE:
        hits += row.matches(words)
    assert hits.max() == 1


def test_row_names_are_unique() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)


def test_decode_is_total_and_keeps_shape() -> None:
    rng = np.random.default_rng(SEED)
    words = rng.integers(0, 1 << 32, (7, 11), dtype=np.uint32)
    instr = decode.decode(words)
    assert instr.unit.shape == (7, 11) and instr.imm.shape == (7, 11, 2)
    assert (np.asarray(instr.word) == words).all()
    assert (np.asarray(instr.unit) < len(Unit)).all()
    alone = decode.decode(int(words[3, 4]))
    assert int(alone.unit) == int(instr.unit[3, 4])


def test_packing_loses_nothing() -> None:
    from ncpu.machine.instr import FIELDS, pack_columns

    rng = np.random.default_rng(SEED)
    words = np.concatenate([verify.random_encodings(row, rng, 8) for row in TABLE])
    table = decode.decode_table(words)
    instr = unpack(pack_columns(table))
    for name in FIELDS:
        value = np.asarray(getattr(instr, name), np.uint64)
        if name == "imm":
            value = value[:, 0] | value[:, 1] << np.uint64(32)
        assert (value == table[name]).all(), name


def test_signed_byte_minimum_and_maximum() -> None:
    """Rows on which Unicorn is wrong, against Python integers (the manual's pseudocode)."""
    rng = np.random.default_rng(SEED)
    rows = [r for r in TABLE if r.mnemonic.startswith(("ldsmax", "ldsmin")) and r.match >> 30 < 3]
    for row in rows:
        words = verify.random_encodings(row, rng, verify.LANES)
        cases = verify.make_cases(words, rng)
        done = verify.our_results(cases)
        size = 1 << (row.match >> 30)
        choose = max if "max" in row.mnemonic else min
        memory = done.mem
        for case in range(0, verify.LANES, 7):
            w = int(words[case])
            rs, rn, rt = w >> 16 & 31, w >> 5 & 31, w & 31
            offset = int(cases.regs[case, rn]) - verify.DATA
            before = cases.memory[case].tobytes()[offset : offset + size]
            old = int.from_bytes(before, "little", signed=True)
            given = 0 if rs == 31 else int(cases.regs[case, rs])
            operand = (given & (1 << 8 * size) - 1 ^ 1 << 8 * size - 1) - (1 << 8 * size - 1)
            after = memory[case].tobytes()[offset : offset + size]
            assert int.from_bytes(after, "little", signed=True) == choose(old, operand)
            if rt != 31:
                assert int(done.x[case, rt]) == old & (1 << 8 * size) - 1
