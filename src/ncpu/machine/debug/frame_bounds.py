"""Which local variable an instruction's address was made from, found in the code.

Unoptimised code makes the address of a local variable from the stack pointer, then adds to it.
Each register, and each pointer in the frame whose own address is never taken, is followed through
a function: where it holds an address made from one variable on all ways, an access through it
must lie within that variable.  What cannot be told is not checked.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from ncpu.machine import word
from ncpu.machine.debug.unwind import FP
from ncpu.machine.debug.variables import Function, Variable
from ncpu.machine.instr import Unit, field
from ncpu.machine.program import PAGE_WORDS, Program
from ncpu.machine.state import SINK, SP, ZR

_CLOBBERED = (*range(19), 30)  # by a call
_LARGE = 4096  # what one addition cannot add is added in two
_FAR = 1 << 40  # what lies in the frame is kept apart from registers
_BR, _BLR, _RET, _SVC = 0xD61F0000, 0xD63F0000, 0xD65F0000, 0xD4000001
_NAMES = (
    *("unit", "op", "rn", "rm", "ra", "rd", "rd2", "wb", "use_imm", "invert", "carry", "sf"),
    *("access", "size", "post", "word", "left", "right", "last", "next"),
)


class Value(NamedTuple):
    """What a register holds: the frame's address + `at`, or somewhere in `of` where it is None."""

    at: int | None
    of: Variable | None


class Bound(NamedTuple):
    """Where an access must lie, counted from the stack pointer: the bytes of a variable."""

    low: int
    high: int
    variable: Variable


Known = dict[int, Value]  # by register, 0 to 111; what lies in the frame, by _slot(offset)


def bounds(program: Program, function: Function) -> dict[int, Bound]:
    """What the accesses of a function must keep to, by the instruction's address."""
    walk = _Walk(program, function)
    walk.run()
    walk.slots = True
    return walk.run()


class _Transfer(NamedTuple):
    """Fields of `Instr`, as numbers; `plain` is an operand without shift or inversion."""

    unit: int
    op: int
    rn: int
    rm: int
    ra: int
    rd: int
    rd2: int
    wb: int
    imm: int
    use_imm: int
    invert: int
    carry: int
    sf: int
    access: int
    size: int
    post: int
    plain: bool
    word: int


class _Walk:
    def __init__(self, program: Program, function: Function) -> None:
        self.function, self.slots = function, False
        self.taken: set[Variable] = set()
        self._lows = [v.low for v in function.variables]
        rows, pages = np.asarray(program.rows), np.asarray(program.pages)
        base = int(word.from_limbs(np.asarray(program.base)))
        self._code: dict[int, list[_Transfer]] = {}
        for at in range(function.start, function.end, 4):
            row = int(pages[(at - base) >> 12]) + (at >> 2) % PAGE_WORDS
            self._code[at] = _transfers(rows, row)

    def run(self) -> dict[int, Bound]:
        """Go through the function until nothing new is known."""
        found: dict[int, Bound] = {}
        if any(code[0].word & 0xFFFFFC1F == _BR for code in self._code.values()):
            return found  # a table of jumps: where it leads is not known
        before: dict[int, Known] = {self.function.start: {SP: Value(0, None)}}
        waiting = [self.function.start]
        while waiting:
            at = waiting.pop()
            known = dict(before[at])
            bound = self._instruction(at, known)
            found.pop(at, None)
            if bound is not None:
                found[at] = bound
            for to in self._following(at, known):
                merged = known if to not in before else _joined(before[to], known)
                if to in self._code and before.get(to) != merged:
                    before[to] = dict(merged)
                    waiting.append(to)
        return found

    def _following(self, at: int, known: Known) -> list[int]:
        """Where the instruction may lead; a call comes back, with registers lost."""
        code = self._code[at][0].word
        if code >> 26 == 0b100101 or code & 0xFFFFFC1F == _BLR or code & 0xFFE0001F == _SVC:
            for register in _CLOBBERED:
                known.pop(register, None)
            return [at + 4]
        if code >> 26 == 0b000101:  # B
            return [at + 4 * _signed(code, 0, 26)]
        if code >> 24 == 0x54 or code >> 25 & 63 == 0x1A:  # B.cond, CBZ, CBNZ
            return [at + 4, at + 4 * _signed(code, 5, 19)]
        if code >> 25 & 63 == 0x1B:  # TBZ, TBNZ
            return [at + 4, at + 4 * _signed(code, 5, 14)]
        return [] if code & 0xFFFFFC1F == _RET else [at + 4]

    def _instruction(self, at: int, known: Known) -> Bound | None:
        """Bring `known` up to date, transfer by transfer; the bound of an access."""
        found = None
        for transfer in self._code[at]:
            found = self._access(transfer, known) or found
            self._transfer(transfer, known)
        return found

    def _access(self, i: _Transfer, known: Known) -> Bound | None:
        if not i.access or known.get(SP, _NOTHING).at is None:
            return None
        value = known.get(i.rn, _NOTHING)
        if value.of is None and not i.use_imm:
            value = known.get(i.rm, _NOTHING)
        if value.of is None:
            return None
        sp = known[SP].at or 0
        return Bound(value.of.low - sp, value.of.high - sp, value.of)

    def _transfer(self, i: _Transfer, known: Known) -> None:
        base = known.get(i.rn, _NOTHING)
        if i.access:
            moved = self._plus(base, i.imm) if i.use_imm else Value(None, base.of)
            result = self._memory(i, known, base.at if i.post else moved.at)
            self._set(known, i.wb, moved)
        elif i.unit == Unit.ADD and i.sf:
            result = self._sum(i, known, base)
        elif i.unit == Unit.LOGIC and i.op == 1 and i.rn == ZR and i.plain:
            result = known.get(i.rm, _NOTHING)
        else:
            result = _NOTHING
        self._set(known, i.rd, result)
        self._set(known, i.rd2, _NOTHING)

    def _sum(self, i: _Transfer, known: Known, base: Value) -> Value:
        if i.use_imm:
            if i.carry == 2:
                return _NOTHING
            made = self._plus(base, -i.imm if i.invert else i.imm)
            if made.of is not None and base.of is None and i.rd not in (SP, FP):
                self.taken.add(made.of)
            return made._replace(of=None) if i.rd in (SP, FP) else made
        other = known.get(i.rm, _NOTHING)
        if base.of is not None and other.of is None:
            return Value(None, base.of)
        if other.of is not None and base.of is None and i.plain:
            return Value(None, other.of)
        return _NOTHING

    def _plus(self, base: Value, imm: int) -> Value:
        if base.at is None:
            return base
        large = imm != 0 and imm % _LARGE == 0
        if base.of is not None and not large:
            return Value(base.at + imm, base.of)
        return Value(base.at + imm, None if large else self._variable(base.at + imm))

    def _variable(self, at: int) -> Variable | None:
        """The variable at an offset; those that share bytes count as one."""
        index = bisect_right(self._lows, at) - 1
        holding = [v for v in self.function.variables[: index + 1] if v.low <= at < v.high]
        if not holding:
            return None
        low, high = min(v.low for v in holding), max(v.high for v in holding)
        near = [v for v in self.function.variables if v.low < high and low < v.high]
        return Variable(min(v.low for v in near), max(v.high for v in near), near[0].name)

    def _memory(self, i: _Transfer, known: Known, where: int | None) -> Value:
        """What is loaded; what is stored is kept where nothing else can store."""
        size = 1 << i.size
        if where is None:
            return _NOTHING
        whole = size == 8 and i.op == 0
        if i.access == 1:
            loaded = i.unit == Unit.LOAD and whole
            return known.get(_slot(where), _NOTHING) if loaded else _NOTHING
        for at in range(where - 7, where + size * (1 + i.op)):
            known.pop(_slot(at), None)
        kept = self.slots and self._variable(where) not in self.taken
        if kept and whole and i.unit == Unit.STORE:
            self._set(known, _slot(where), known.get(i.ra, _NOTHING))
        return _NOTHING

    @staticmethod
    def _set(known: Known, key: int, value: Value) -> None:
        if key in (SINK, ZR):
            return
        if value == _NOTHING:
            known.pop(key, None)
        else:
            known[key] = value


_NOTHING = Value(None, None)


def _joined(a: Known, b: Known) -> Known:
    """What holds on both ways."""
    out: Known = {}
    for key in a.keys() & b.keys():
        if a[key] == b[key]:
            out[key] = a[key]
        elif a[key].of == b[key].of is not None:
            out[key] = Value(None, a[key].of)
    return out


def _slot(at: int) -> int:
    return at - _FAR


def _transfers(rows: np.ndarray, row: int) -> list[_Transfer]:
    """An instruction with its further transfers."""
    found = []
    while True:
        i = {name: int(field(rows[row], name)) for name in _NAMES}
        imm = int(word.from_limbs(np.asarray(field(rows[row], "imm"))))
        plain = not (i["left"] or i["right"] or i["invert"] or i["use_imm"])
        known = {name: i[name] for name in _Transfer._fields if name in i}
        found.append(_Transfer(**known, imm=imm - (imm >> 63 << 64), plain=plain))
        if i["last"]:
            return found
        row = i["next"]


def _signed(code: int, lowest: int, bits: int) -> int:
    value = code >> lowest & ((1 << bits) - 1)
    return value - (1 << bits) if value >> bits - 1 else value
