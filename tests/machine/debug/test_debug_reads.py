"""What an instruction is said to read, against the machine: nothing else changes its effects."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.machine import verify, word
from ncpu.machine.alu import EXACT
from ncpu.machine.debug.reads import address_rows, data_rows, reads_flags, writes_flags
from ncpu.machine.decode import decode_table
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, execute_lane
from ncpu.machine.instr import Unit, field, pack_columns
from ncpu.machine.isa import TABLE
from ncpu.machine.state import BASE, FLAGS, MONITOR, PC, RETIRED, SINK, ZR

SEED = 77
EACH = 6
SIZE = 4096
_BATCH = 2048


@jax.jit
@word.with_x64
def _execute(packed: jax.Array, regs: jax.Array, mem: jax.Array) -> Effects:
    def one(packed: jax.Array, regs: jax.Array, mem: jax.Array) -> Effects:
        lane = Lane(
            regs, mem, jnp.full(1, 3, jnp.uint8), *(jnp.uint32(0),) * 2, jnp.int32(0), SIZE // 8
        )
        effects = execute_lane(lane, packed, EXACT)
        return jax.tree.map(lambda x: word.split(x) if x.dtype == jnp.uint64 else x, effects)

    return jax.vmap(one)(packed, regs, mem)


def _words(rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([verify.random_encodings(row, rng, EACH) for row in TABLE])


@pytest.mark.slow
def test_rows_that_are_not_named_change_nothing() -> None:
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    packed = pack_columns(decode_table(_words(rng)))  # with the further transfers of each
    rng.shuffle(packed)
    count = len(packed)
    named = np.zeros((count, 112), bool)
    for rows in (data_rows(packed), address_rows(packed)):
        np.put_along_axis(named, rows.astype(np.int64), True, axis=1)
    named[:, [ZR, SINK, PC, RETIRED, BASE]] = True
    unread = ~reads_flags(packed)
    regs = verify.random_words(rng, count * 112).reshape(count, 112)
    regs[:, [ZR, SINK, BASE]] = 0
    regs[:, MONITOR] = word.MASK64
    regs[:, FLAGS] = rng.integers(0, 16, count).astype(np.uint64) << np.uint64(28)
    # Addresses inside memory: the base somewhere in it, the index small.
    bases, index = address_rows(packed).astype(np.int64).T
    rows = np.arange(count)
    keep = index != ZR
    regs[rows[keep], index[keep]] = rng.integers(0, 8, keep.sum())
    keep = bases != ZR
    regs[rows[keep], bases[keep]] = rng.integers(0, SIZE // 64, keep.sum()) * 32 + 512
    other = np.where(named, regs, verify.random_words(rng, regs.size).reshape(regs.shape))
    other[:, FLAGS] = np.where(unread, regs[:, FLAGS] ^ np.uint64(15 << 28), regs[:, FLAGS])
    mem = rng.integers(0, 1 << 32, (count, SIZE // 8, 2), dtype=np.uint32)
    differing = []
    for at in range(0, count - _BATCH, _BATCH):
        part = slice(at, at + _BATCH)
        results = [_execute(packed[part], word.to_limbs(r[part]), mem[part]) for r in (regs, other)]
        first, second = ({k: np.asarray(v) for k, v in vars(r).items()} for r in results)
        written = writes_flags(packed[part])
        for name in first:
            a, b = first[name], second[name]
            if name == "flags":  # what is not written is what it was
                a, b = a[written] & 0xF0000000, b[written] & 0xF0000000
                where = np.flatnonzero(written)[a != b]
                same = (first[name] ^ word.to_limbs(regs[part, FLAGS])[:, 0]) >> 28
                assert not same[~written].any()
            else:
                where = np.flatnonzero((a != b).reshape(len(a), -1).any(1))
            for k in where:
                unit = Unit(int(field(packed[at + k], "unit")))
                differing.append((name, unit.name, hex(int(field(packed[at + k], "word")))))
    assert not differing, (len(differing), differing[:8])
