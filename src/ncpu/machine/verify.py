"""Every table row against Unicorn: one instruction from random states, compared bit by bit.

Needs the `oracle` extra.  Unicorn is QEMU's A64 translator, nothing of ours.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from ncpu.machine import batch, word
from ncpu.machine.decode import decode_table
from ncpu.machine.instr import Unit
from ncpu.machine.isa import TABLE, Row
from ncpu.machine.program import Program
from ncpu.machine.state import FPCR, PAGE, ROWS, SP, Status, V, new_state

CODE, DATA, SIZE = 0x10_0000, 0x18_0000, 2 * PAGE  # within reach of a literal load
FLAGS = np.uint32(0xF800009F)  # NZCV, and QC and the exceptions of FPSR
_NZCV, _FPSR, _PC = range(ROWS, ROWS + 3)  # behind the machine's rows, in Unicorn's file
LANES = 512  # cases run together: one shape, compiled once

# Where Unicorn 2.1 (QEMU 5) is wrong and a test against qemu-user or the manual decides.
ORACLE_FAULTS = {
    "sub-word signed LSE minimum and maximum compare zero-extended memory": (
        lambda row: row.mnemonic.startswith(("ldsmax", "ldsmin")) and row.match >> 30 < 3
    ),
    "half-precision FCVTZS #fbits writes 32 bits of a 16-bit element": (
        lambda row: row.name == "fcvtzs:5f10fc00"
    ),
}

# Groups that a bare single-step cannot compare: they trap, or read what differs by design.
SKIPPED_GROUPS = ("Exceptions, hints, barriers", "Cache maintenance", "System registers")

_EDGES = np.array(
    [
        *(0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF),
        *((1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63),
        *((1 << 64) - 1, (1 << 64) - 2, 0xAAAAAAAAAAAAAAAA, 0x0102030405060708),
    ],
    np.uint64,
)
_DOUBLES = [0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x7FF8000000000001, 0x7FF0000000000001]
_DOUBLES += [1, (1 << 52) - 1, 1 << 52, 0x7FEFFFFFFFFFFFFF, 0x3FF0000000000000, 0x43E0000000000000]
_DOUBLES += [0x3FE0000000000000, 0xBFF8000000000000, 0x41DFFFFFFFC00000, 0xC3E0000000000000]
_SINGLES = [0, 1 << 31, 0x7F800000, 0xFF800000, 0x7FC00001, 0x7F800001, 1, 0x7FFFFF, 0x800000]
_SINGLES += [0x7F7FFFFF, 0x3F800000, 0x5F000000, 0xBF000000, 0x4F000000, 0x3EAAAAAB, 0xCF000001]
_HALVES = [0, 1 << 15, 0x7C00, 0xFC00, 0x7E01, 0x7C01, 1, 0x3FF, 0x400, 0x7BFF, 0x3C00, 0x7800]
_FPCR_CHOICES = np.array([0, 0, 0, 1 << 22, 2 << 22, 3 << 22, 1 << 24, 1 << 25, 1 << 26, 1 << 19])


@dataclass(frozen=True)
class Mismatch:
    """One disagreement: the word, what differed, and how to reproduce it."""

    row: str
    word: int
    what: str
    ours: str
    oracle: str


def random_words(rng: np.random.Generator, count: int) -> np.ndarray:
    """Registers' worth of random `u64`: edges, small numbers, sparse and dense bits."""
    dense = rng.integers(0, 1 << 64, count, dtype=np.uint64)
    kind = rng.integers(0, 5, count)
    shift = rng.integers(0, 64, count).astype(np.uint64)
    out = np.where(kind == 0, rng.choice(_EDGES, count), dense)
    out = np.where(kind == 1, dense >> shift, out)
    return np.where(kind == 2, ~(dense >> shift), out)


def random_floats(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random `u64` halves of vector registers: special values of one format, or any bits."""

    def lanes(values: list[int], bits: int) -> np.ndarray:
        total = np.zeros(count, np.uint64)
        mask = np.uint64((1 << bits) - 1)
        near = rng.integers(0, 4, (64 // bits, count))
        for k in range(64 // bits):
            special = rng.choice(np.array(values, np.uint64), count)
            noise = rng.integers(0, 1 << 64, count, dtype=np.uint64) & mask
            value = np.where(
                near[k] == 0, noise, np.where(near[k] == 1, special ^ np.uint64(1), special)
            )
            total |= (value & mask) << np.uint64(k * bits)
        return total

    kind = rng.integers(0, 5, count)
    out = random_words(rng, count)
    for which, (values, bits) in enumerate(((_DOUBLES, 64), (_SINGLES, 32), (_HALVES, 16))):
        out = np.where(kind == which, lanes(values, bits), out)
    return out


def predictable(row: Row, words: np.ndarray) -> np.ndarray:
    """Which words have a defined result: the manual leaves some register overlaps open."""
    fields = vars(row.fields(words))
    fine = np.ones(len(words), bool)
    columns = {name: c[: len(words)] for name, c in decode_table(words).items()}
    if row.group.startswith(("Load and store", "Exclusive")):
        load = columns["access"] != 2
        if "rt2" in fields and "rs" not in fields:
            fine &= ~load | (fields["rt"] != fields["rt2"])
        if "xp" in row.mnemonic or "axp" in row.mnemonic:
            fine &= fields["rt"] != fields["rt2"]
        if "vector" not in row.group:
            back = _writes_back(words)
            for name in {"rt", "rt2"} & set(fields):
                fine &= ~back | (fields["rn"] == 31) | (fields[name] != fields["rn"])
    if row.mnemonic.startswith("st") and "rs" in fields:
        for name in {"rt", "rt2", "rn"} & set(fields):
            fine &= fields["rs"] != fields[name]
    if row.mnemonic.startswith("b.cond"):
        fine &= fields["imm19"] != 0
    return fine


def _writes_back(words: np.ndarray) -> np.ndarray:
    """Which words write a changed base register, in any of their transfers."""
    table = decode_table(words)
    at = np.arange(len(words))
    base = table["rn"][at]
    back = np.zeros(len(words), bool)
    for _ in range(8):
        back |= table["wb"][at] == base
        back |= (table["unit"][at] == Unit.ADD) & (table["rd"][at] == base)
        at = np.where(table["last"][at] == 0, table["next"][at].astype(np.int64), at)
    return back


def _aim_literals(words: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Literal loads that point into the data."""
    place = CODE + 8 * np.arange(len(words))
    offset = (DATA + rng.integers(0, SIZE - 16, len(words)) - place) >> 2
    imm = (offset.astype(np.uint32) & np.uint32(0x7FFFF)) << np.uint32(5)
    return (words & ~np.uint32(0x7FFFF << 5)) | imm


def random_encodings(row: Row, rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` random words that decode to `row`."""
    found: list[np.ndarray] = []
    total, tries = 0, 0
    while total < count and tries < 400:
        bits = rng.integers(0, 1 << 32, max(count, 256), dtype=np.uint32)
        words = (bits & ~np.uint32(row.mask)) | np.uint32(row.match)
        words = words[row.matches(words)]
        words = words[predictable(row, words)] if len(words) else words
        found.append(words)
        total += len(words)
        tries += 1
    words = np.concatenate(found)[:count]
    return words if len(words) == count else np.resize(words, count)


@dataclass
class Cases:
    """Random states for some words: what both sides start from."""

    words: np.ndarray  # u32[n]
    regs: np.ndarray  # u64[n, ROWS]
    flags: np.ndarray  # u32[n]
    memory: np.ndarray  # u8[n, SIZE]


def make_cases(words: np.ndarray, rng: np.random.Generator) -> Cases:
    """States for `words`, with addresses of loads and stores mostly inside memory."""
    n = len(words)
    regs = np.zeros((n, ROWS), np.uint64)
    regs[:, :31] = random_words(rng, n * 31).reshape(n, 31)
    regs[:, V : V + 64] = random_floats(rng, n * 64).reshape(n, 64)
    regs[:, SP] = DATA + SIZE // 2
    regs[:, 102] = word.MASK64  # open monitor
    fpcr = rng.choice(_FPCR_CHOICES, n) | rng.choice(_FPCR_CHOICES, n)
    regs[:, FPCR] = np.where(rng.integers(0, 2, n) == 0, 0, fpcr)
    table = decode_table(words)
    # The first transfer that accesses memory says where the instruction points.
    at = np.arange(n)
    for _ in range(3):
        follow = (table["access"][at] == 0) & (table["last"][at] == 0)
        at = np.where(follow, table["next"][at].astype(np.int64), at)
    access = table["access"][at] != 0
    if access.any():
        _point(regs, table, at, access, rng)
    flags = rng.integers(0, 16, n).astype(np.uint32) << np.uint32(28)
    return Cases(words, regs, flags, rng.integers(0, 256, (n, SIZE), dtype=np.uint8))


def _point(
    regs: np.ndarray,
    table: dict[str, np.ndarray],
    at: np.ndarray,
    access: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Set base registers so that most addresses fall inside memory, at any alignment."""
    n = len(at)
    rows = np.arange(n)
    target = DATA + rng.integers(64, SIZE - 192, n)
    # Whether a failing exclusive store checks its address is left open: keep those inside.
    far = (rng.integers(0, 24, n) == 0) & (table["aligned"][at] == 0)
    target = np.where(far, DATA + rng.integers(-40, SIZE + 8, n), target).astype(np.uint64)
    aligned = table["aligned"][at] == 1
    target = np.where(aligned | (rng.integers(0, 3, n) == 0), target & ~np.uint64(15), target)
    first = {name: column[rows] for name, column in table.items()}
    source = np.where(first["access"] != 0, rows, np.where(first["rn"] < 32, rows, at))
    get = {name: column[source] for name, column in table.items()}
    index = get["rm"].astype(np.int64)
    uses_index = (get["use_imm"] == 0) & (index < 31)
    small = rng.integers(-64, 64, n).astype(np.int64).astype(np.uint64)
    high = rng.integers(0, 1 << 32, n, dtype=np.uint64) << np.uint64(32)
    small = np.where(rng.integers(0, 2, n) == 0, small, (small & np.uint64(0xFFFFFFFF)) | high)
    where = np.flatnonzero(access & uses_index)
    regs[where, index[where]] = small[where]
    b = np.where(get["use_imm"] == 1, get["imm"], regs[rows, np.minimum(index, ROWS - 1)])
    b = b << get["left"]
    right = get["right"]
    b = np.where(
        get["signed"] == 1,
        (b.astype(np.int64) >> right.astype(np.int64)).astype(np.uint64),
        b >> right,
    )
    b = np.where(get["post"] == 1, np.uint64(0), b)
    base = get["rn"].astype(np.int64)
    where = np.flatnonzero(access & (base < 32))
    regs[where, base[where]] = (target - b)[where]


@dataclass
class Results:
    """What `n` cases come to, as one side tells it."""

    fault: np.ndarray  # bool[n]: stopped by an exception; the rest of such a case is not compared
    pc: np.ndarray  # u64[n]
    flags: np.ndarray  # u32[n]: NZCV, and the cumulative bits of FPSR
    x: np.ndarray  # u64[n, 32]: x0 to x30, SP
    v: np.ndarray  # u64[n, 32, 2]
    mem: np.ndarray  # u8[n, SIZE]


def our_results(cases: Cases) -> Results:
    """The cases after one instruction each, on this machine."""
    n = len(cases.words)
    program, entries = Program.many([[w] for w in cases.words], base=CODE)
    state = batch.broadcast(new_state(size=SIZE, base=DATA), n)
    state = state.replace(
        regs=jnp.asarray(word.to_limbs(cases.regs)),
        pc=jnp.asarray(word.to_limbs(entries)),
        flags=jnp.asarray(cases.flags),
        mem=jnp.asarray(np.ascontiguousarray(cases.memory).view("<u4").reshape(n, SIZE // 8, 2)),
    )
    done = batch.run_batch(program, state, 1)
    regs = word.from_limbs(done.regs)
    return Results(
        fault=~np.isin(done.status, (Status.OUT_OF_FUEL, Status.CODE_CHANGED)),
        pc=word.from_limbs(done.pc),
        flags=np.asarray(done.flags) & FLAGS,
        x=regs[:, : SP + 1],
        v=regs[:, V : V + 64].reshape(n, 32, 2),
        mem=np.ascontiguousarray(done.mem).view(np.uint8).reshape(n, SIZE),
    )


class Oracle:
    """Unicorn with the same memory map.

    All registers are set and read by one call each of Unicorn's C interface: through its Python
    classes, register by register, the comparison takes ten times as long.
    """

    def __init__(self) -> None:
        """Raises ImportError when unicorn is not installed."""
        import unicorn
        from unicorn import arm64_const as arm
        from unicorn.unicorn_py3.unicorn import uclib

        self.error, self.lib = unicorn.UcError, uclib
        self.fetch_errors = (unicorn.UC_ERR_FETCH_UNMAPPED, unicorn.UC_ERR_FETCH_PROT)
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        self.uc.ctl_set_cpu_model(arm.UC_CPU_ARM64_MAX)
        self.uc.mem_map(CODE, 16 * PAGE)
        self.uc.mem_map(DATA, SIZE)
        access = self.uc.reg_read(arm.UC_ARM64_REG_CPACR_EL1)
        self.uc.reg_write(arm.UC_ARM64_REG_CPACR_EL1, access | 3 << 20)
        x = [arm.UC_ARM64_REG_X0 + k for k in range(29)]
        x += [arm.UC_ARM64_REG_X29, arm.UC_ARM64_REG_X30, arm.UC_ARM64_REG_SP]
        places = dict(zip(x, range(SP + 1), strict=True))
        places |= {arm.UC_ARM64_REG_Q0 + k: V + 2 * k for k in range(32)}
        status = {arm.UC_ARM64_REG_NZCV: _NZCV, arm.UC_ARM64_REG_FPSR: _FPSR}
        places |= status | {arm.UC_ARM64_REG_FPCR: FPCR}
        self.file = np.zeros(_PC + 1, np.uint64)  # what the calls read and write
        self.written = self._places(places)
        self.read = self._places(places | {arm.UC_ARM64_REG_PC: _PC})

    def _places(self, places: dict[int, int]) -> tuple[ctypes.Array, ctypes.Array, int]:
        """Which register goes where in `file`, as the C interface takes it."""
        at = [self.file.ctypes.data + 8 * place for place in places.values()]
        n = len(places)
        return (ctypes.c_int * n)(*places), (ctypes.c_void_p * n)(*at), n

    def load(self, words: np.ndarray) -> None:
        """Put every word at its own address, each followed by a zero word."""
        text = np.zeros((len(words), 2), "<u4")
        text[:, 0] = words
        self.uc.mem_write(CODE, text.tobytes())
        self.uc.ctl_remove_cache(CODE, CODE + text.nbytes)

    def results(self, cases: Cases, memory: bool) -> Results:
        """The cases after one instruction each; memory is only set and read if asked for."""
        n = len(cases.words)
        self.load(cases.words)
        files = np.zeros((n, len(self.file)), np.uint64)
        files[:, :ROWS] = cases.regs
        files[:, _NZCV] = cases.flags & np.uint32(0xF << 28)
        fault = np.zeros(n, bool)
        mem = cases.memory.copy() if memory else cases.memory
        for case in range(n):
            fault[case] = self._step(CODE + 8 * case, files[case], mem[case] if memory else None)
        return Results(
            fault=fault,
            pc=files[:, _PC],
            flags=(files[:, _NZCV] | files[:, _FPSR]).astype(np.uint32) & FLAGS,
            x=files[:, : SP + 1],
            v=files[:, V : V + 64].reshape(n, 32, 2),
            mem=mem,
        )

    def _step(self, start: int, file: np.ndarray, memory: np.ndarray | None) -> bool:
        """Run the instruction at `start` on `file` and `memory`, in place; whether it faults."""
        self.file[:] = file
        self.lib.uc_reg_write_batch(self.uc._uch, *self.written)
        if memory is not None:
            self.uc.mem_write(DATA, memory.tobytes())
        try:
            self.uc.emu_start(start, start + 4, count=1)
        except self.error as error:
            # Fetching at a branch target is the next instruction's business.
            if error.errno not in self.fetch_errors:
                return True
        self.lib.uc_reg_read_batch(self.uc._uch, *self.read)
        file[:] = self.file
        if memory is not None:
            memory[:] = np.frombuffer(self.uc.mem_read(DATA, SIZE), np.uint8)
        return False


def compare(row: Row, cases: Cases, oracle: Oracle) -> list[Mismatch]:
    """Run the cases on both sides; what differs first in each."""
    memory = bool((decode_table(cases.words)["access"] != 0).any())
    ours, theirs = our_results(cases), oracle.results(cases, memory)
    differs = {
        "fault": ours.fault != theirs.fault,
        "pc": ours.pc != theirs.pc,
        "flags": ours.flags != theirs.flags,
        **{f"x{k}": ours.x[:, k] != theirs.x[:, k] for k in range(SP + 1)},
        **{f"v{k}": (ours.v[:, k] != theirs.v[:, k]).any(1) for k in range(32)},
        "mem": (ours.mem != theirs.mem).any(1),
    }
    where = np.stack([*differs.values()], 1) & ~(ours.fault & theirs.fault)[:, None]
    found = []
    for case in np.flatnonzero(where.any(1)).tolist():
        what = list(differs)[int(where[case].argmax())]
        text = [_shown(side, what, case) for side in (ours, theirs)]
        found.append(Mismatch(row.name, int(cases.words[case]), what, *text))
    return found


def _shown(side: Results, what: str, case: int) -> str:
    """One side's value of what differs."""
    if what[0] in "xv" and what[1:].isdigit():
        return "_".join(
            f"{int(v):#x}" for v in np.atleast_1d(getattr(side, what[0])[case, int(what[1:])])
        )
    value = getattr(side, what)[case]
    return value.tobytes()[:60].hex() if what == "mem" else f"{int(value):#x}"


def comparable(rows: Sequence[Row]) -> list[Row]:
    """The rows that a single step in Unicorn can judge."""
    return [
        row
        for row in rows
        if row.group not in SKIPPED_GROUPS
        and not any(wrong(row) for wrong in ORACLE_FAULTS.values())
    ]


def verify(
    rows: Sequence[Row] | None = None,
    count: int = 1000,
    seed: int = 0,
    progress: Callable[[Row, int, list[Mismatch]], None] | None = None,
) -> list[Mismatch]:
    """Compare `count` random states a row with Unicorn.

    Args:
      rows: rows of the table; all that a single step can compare when left out.
      count: cases a row.
      seed: of all randomness.
      progress: called after each row with the row, its cases and its mismatches.

    Returns:
      All mismatches: an empty list is a proof of agreement on what was tried.
    """
    oracle = Oracle()
    found: list[Mismatch] = []
    for row in comparable(TABLE if rows is None else rows):
        rng = np.random.default_rng([seed, row.match, row.mask])
        bad: list[Mismatch] = []
        for _ in range(0, count, LANES):
            words = random_encodings(row, rng, LANES)
            if "literal" in row.group:
                words = _aim_literals(words, rng)
            cases = make_cases(words, rng)
            bad += compare(row, cases, oracle)
        found += bad
        if progress is not None:
            progress(row, -(-count // LANES) * LANES, bad)
    return found
