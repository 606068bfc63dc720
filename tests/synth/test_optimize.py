"""Optimised code against Unicorn, on random and edge values, and proofs against wrong rewrites."""

from __future__ import annotations

import numpy as np
import pytest
import unicorn
import unicorn.arm64_const as uc
import z3
from typer.testing import CliRunner

from ncpu.cli import app
from ncpu.machine.asm import assemble
from ncpu.synth.optimize import OptimizeError, optimize, prove_equal
from ncpu.synth.optimize.code import critical_path, op
from ncpu.synth.optimize.forms import form, template_of
from ncpu.synth.optimize.semantics import NZCV, after, symbol

SEED = 20
MASK = (1 << 64) - 1
EDGES = [0, 1, 2, 3, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, 1 << 62,
         (1 << 63) - 1, 1 << 63, (1 << 63) + 1, MASK - 1, MASK]  # fmt: skip
TEXT = 0x10000


def words(source: str) -> list[int]:
    """A program given on one line, `;` between instructions."""
    return assemble(source.replace(";", "\n")).words.tolist() if source.strip() else []


class Oracle:
    """Unicorn on straight-line code."""

    def __init__(self) -> None:
        self.machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        self.machine.mem_map(TEXT, 0x1000)

    def run(self, code: list[int], regs: list[int], nzcv: int = 0) -> tuple[list[int], int]:
        """X0-X5 and NZCV after code, from X0-X5 and NZCV."""
        self.machine.mem_write(TEXT, np.array(code, "<u4").tobytes())
        self.machine.ctl_remove_cache(TEXT, TEXT + 0x1000)
        self.machine.reg_write(uc.UC_ARM64_REG_NZCV, nzcv << 28)
        for k, value in enumerate(regs):
            self.machine.reg_write(uc.UC_ARM64_REG_X0 + k, value)
        if code:
            self.machine.emu_start(TEXT, TEXT + 4 * len(code))
        out = [self.machine.reg_read(uc.UC_ARM64_REG_X0 + k) for k in range(6)]
        return out, self.machine.reg_read(uc.UC_ARM64_REG_NZCV) >> 28


def vectors(rng: np.random.Generator, count: int) -> list[list[int]]:
    """Values for X0-X5: edges, then random ones of all sizes."""
    some = [[EDGES[(k * m + k // 5) % len(EDGES)] for m in (1, 3, 5, 7, 11, 13)] for k in range(40)]
    for _ in range(count):
        some.append([int(rng.integers(0, 1 << 64, dtype=np.uint64)) >> int(rng.integers(0, 64))
                     for _ in range(6)])  # fmt: skip
    return some


def agree(old: list[int], new: list[int], live: list[int]) -> None:
    """Fails where Unicorn finds a difference in a live register."""
    oracle, rng = Oracle(), np.random.default_rng(SEED)
    for regs in vectors(rng, 200):
        a, b = oracle.run(old, regs)[0], oracle.run(new, regs)[0]
        assert [a[r] for r in live] == [b[r] for r in live], f"from {regs}"


INSTRUCTIONS = """
add x0, x1, x2, lsl #3; sub w0, w1, w2, asr #5; adds x0, x1, #9; subs w0, w1, w2; adc x0, x1, x2;
sbcs x0, x1, x2; add x0, x1, w2, sxtb #2; neg x0, x1, lsr #7; and x0, x1, #0xff00; ands w0, w1, w2;
orr x0, x1, x2, ror #11; eon x0, x1, x2, lsl #4; bic w0, w1, w2; mvn x0, x1; mov x0, #-7;
movk x0, #0x1234, lsl #16; bfi x0, x1, #3, #7; bfxil w0, w1, #4, #9; sbfx x0, x1, #5, #20;
ubfiz w0, w1, #3, #6; sxtw x0, w1; lsl x0, x1, x2; lsr w0, w1, w2; asr x0, x1, x2; ror w0, w1, w2;
extr x0, x1, x2, #13; csel x0, x1, x2, lt; csinc w0, w1, w2, hi; csinv x0, x1, x2, eq;
csneg x0, x1, x2, ge; cset w0, vs; ccmp x1, x2, #5, ne; ccmn w1, #7, #2, gt; mul x0, x1, x2;
madd x0, x1, x2, x3; msub w0, w1, w2, w3; smull x0, w1, w2; umaddl x0, w1, w2, x3;
umulh x0, x1, x2; smulh x0, x1, x2; clz x0, x1; cls w0, w1; rbit x0, x1; rev w0, w1;
rev16 x0, x1; rev32 x0, x1; udiv x0, x1, x2; sdiv w0, w1, w2
"""


@pytest.mark.parametrize("text", [t.strip() for t in INSTRUCTIONS.split(";")])
def test_symbolic_step_is_what_unicorn_does(text: str) -> None:
    """The step over symbols, values put in for them, equals Unicorn on edges and random words."""
    code, oracle, rng = words(text), Oracle(), np.random.default_rng(SEED)
    value, flags = after(code, [0, NZCV])
    for k, regs in enumerate(vectors(rng, 10)[::3]):
        nzcv = (5 * k) % 16
        given = [(symbol(r), z3.BitVecVal(v, 64)) for r, v in enumerate(regs)]
        given.append((symbol(NZCV), z3.BitVecVal(nzcv, 4)))
        x, expected = oracle.run(code, regs, nzcv)
        assert z3.simplify(z3.substitute(value, given)).as_long() == x[0], f"{text} from {regs}"
        assert z3.simplify(z3.substitute(flags, given)).as_long() == expected, f"{text}: {regs}"


KNOWN = [  # code, instructions afterwards
    ("mov x2, x0; mov x0, x2", 0),
    ("and x0, x0, #0xffff; and x0, x0, #0xff", 1),
    ("mvn x2, x1; and x0, x0, x2", 1),
    ("lsl x2, x0, #3; add x0, x2, x1", 1),
    ("orr x2, x0, x1; and x3, x0, x1; sub x0, x2, x3", 1),
    ("lsl x1, x0, #13; lsr x2, x0, #51; orr x0, x1, x2", 1),
    ("cmp x0, #0; neg x1, x0; csel x0, x1, x0, lt", 2),
    ("asr x1, x0, #63; eor x2, x0, x1; sub x0, x2, x1", 2),
    ("cmp x0, x1; csel x2, x0, x1, lt; csel x3, x2, x1, lt; mov x0, x3", 2),
    ("mvn x1, x0; add x2, x0, #1; and x0, x1, x2", 2),
    ("add w0, w1, #0; add w0, w0, w0; add w0, w0, w1", 1),
]


@pytest.mark.parametrize(("source", "count"), KNOWN)
def test_known_idioms_get_short(source: str, count: int) -> None:
    """The least number of instructions known, and Unicorn agrees."""
    done = optimize(source.replace(";", "\n"), work=5e5)
    new = words(done.text.strip())
    assert len(new) == done.new_cost[0] == count and done.finished
    assert len(words(source)) == done.old_cost[0]
    agree(words(source), new, [0])


@pytest.mark.parametrize(("factor", "cycles"), [(7, 2), (10, 2), (45, 2)])
def test_products_by_constants_become_shifted_sums(factor: int, cycles: int) -> None:
    """Faster, not longer."""
    source = f"mov x1, #{factor}; mul x0, x0, x1"
    done = optimize(source.replace(";", "\n"), cost="latency", work=5e5)
    assert done.old_cost == (5, 2, 5) and done.new_cost == (cycles, 2, 2)
    assert "mul" not in done.text
    agree(words(source), words(done.text), [0])


@pytest.mark.parametrize("source", ["neg x1, x0; and x0, x0, x1", "sub x0, x0, x1", "ret"])
def test_best_code_stays(source: str) -> None:
    """Not a byte of it changes."""
    text = source.replace("; ", "\n") + "\n"
    done = optimize(text, work=5e5)
    assert done.text == text and not done.rewrites and done.old_cost == done.new_cost


def test_all_but_straight_code_stays_where_it_is() -> None:
    """Loads, stores, labels and branches part the code; liveness goes through them."""
    text = """
f:      ldr x1, [x0]
        lsl x2, x1, #2      // both are one addition
        add x2, x2, x1
        str x2, [x0]
        cbz x2, 1f
        mov x3, x2
        mov x0, x3
1:      add x0, x0, #0
        ret
"""
    done = optimize(text, work=5e5)
    lines = [line.strip() for line in done.text.split("\n") if line.strip()]
    assert lines == ["f:      ldr x1, [x0]", "add x2, x1, x1, lsl #2", "str x2, [x0]",
                     "cbz x2, 1f", "mov x0, x2", "1:", "ret"]  # fmt: skip
    assemble(done.text)


def test_what_is_live_is_kept() -> None:
    """A second result, the flags, and what a caller relies on."""
    source = "subs x2, x0, x1\nmov x3, x2\nmov x19, x3\nmov x0, x3\n"
    short = words(optimize(source, work=5e4, longest=2).text)
    kept = words(optimize(source, live_out="x0,x2,flags", work=5e4, longest=2).text)
    assert len(short) == 2 and len(kept) == 3
    assert any(19 in op(w).writes for w in short)
    assert any(NZCV in op(w).writes for w in kept) and any(2 in op(w).writes for w in kept)
    agree(words(source), kept, [0, 2])


def test_one_wrong_value_in_2_to_the_64_refuses() -> None:
    """Right on 10,000 random words, wrong on one: the proof finds it, and the search goes on."""
    magic = 0xDEADBEEFCAFEF00D
    source = "mov x1, #0xf00d\nmovk x1, #0xcafe, lsl #16\nmovk x1, #0xbeef, lsl #32\n" \
             "movk x1, #0xdead, lsl #48\ncmp x0, x1\ncset x0, eq\n"  # fmt: skip
    old, oracle, rng = words(source), Oracle(), np.random.default_rng(SEED)
    zero = words("mov x0, #0")
    for value in rng.integers(0, 1 << 64, 10_000, np.uint64).tolist():
        assert oracle.run(old, [value])[0][0] == 0
    verdict = prove_equal(old, zero, [0])
    assert not verdict.equal and verdict.counterexample is not None
    assert verdict.counterexample[0] == magic
    done = optimize(source, work=5e4, longest=2)
    assert done.tally.refuted >= 1
    assert oracle.run(words(done.text), [magic])[0][0] == 1


def test_what_the_solver_does_not_decide_is_refused() -> None:
    """x**2 - y**2 = (x + y)(x - y) holds, and is too hard for the time given."""
    old = words("mul x2, x0, x0; msub x0, x1, x1, x2")
    new = words("add x2, x0, x1; sub x3, x0, x1; mul x0, x2, x3")
    verdict = prove_equal(old, new, [0], timeout=0.05)
    assert verdict.undecided and not verdict.equal


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("mov x0, #1\nb 8", {}, "give it a label"),
        ("mov x0, #1\nb .+8", {}, "give it a label"),
        ("mov x0, #1", {"live_out": "x31"}, "accepted are x0 to x30 and flags"),
        ("mov x0, #1", {"cost": "energy"}, "accepted are 'count' and 'latency'"),
        ("mov x0, #1", {"limit": 0.0}, "limit has to be positive"),
        ("// nothing", {}, "no instruction"),
    ],
)
def test_bad_input_is_refused(source: str, options: dict, message: str) -> None:
    """Typed errors that say what is accepted."""
    with pytest.raises(OptimizeError, match=message):
        optimize(source, **options)


def test_costs_and_forms() -> None:
    """Cycles along the longest path, and templates that fill in to what they came from."""
    code = words("mul x2, x0, x1; mul x3, x0, x0; add x0, x2, x3, lsl #7")
    assert critical_path(code, [0]) == 6
    for text in ("add x0, x1, x2, lsl #3", "csel w0, w1, w2, lt", "madd x0, x1, x2, x3"):
        template = template_of(words(text)[0])
        made = form(template)
        assert made is not None
        assert made.fill(0, [1, 2, 3]) == text
    assert form("and {d}, {a}, #5") is None


def test_command(tmp_path) -> None:
    """The command writes the program and its report."""
    source, out, report = (tmp_path / name for name in ("a.s", "b.s", "r.json"))
    source.write_text("mvn x2, x1\nand x0, x0, x2\nret\n")
    arguments = ["synth", "optimize", str(source), "--output", str(out), "--report", str(report)]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 0, found.output
    assert out.read_text().split() == ["bic", "x0,", "x0,", "x1", "ret"]
    assert '"proof_seconds"' in report.read_text()
