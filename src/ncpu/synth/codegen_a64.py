"""Expressions as A64 assembly: integers, words and truth values, loops, and arrays that are read.

Arguments come in x0, x1, ...; the result is in x0, as in the procedure call standard: an array is
an address and a length, a pair two registers.  A word narrower than 64 bits is kept zero-extended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ncpu.synth.errors import CodegenError
from ncpu.synth.expression import FUEL, Expr
from ncpu.synth.operators import TABLE
from ncpu.synth.types import Kind, Signature, word

_REGISTERS = {Kind.I: 1, Kind.U: 1, Kind.B: 1, Kind.A: 2, Kind.P: 2}
_Loop: TypeAlias = tuple[str, str, str]  # registers of the counter and element, label of the end
_Parts: TypeAlias = tuple[list[str], list[str], list[str]]
_SCALARS = (Kind.I, Kind.U, Kind.B)


class _Writer:
    def __init__(self, signature: Signature):
        self.width = signature.width
        self.lines: list[str] = []
        self.free = [f"x{n}" for n in range(17, 7, -1)]
        self.arguments: list[list[str]] = []
        for kind in signature.arguments:
            first = sum(map(len, self.arguments))
            count = _REGISTERS.get(kind, 1)
            self.arguments.append([f"x{n}" for n in range(first, first + count)])
        self.labels = 0

    def put(self, text: str) -> None:
        self.lines.append(f"    {text}")

    def take(self) -> str:
        if not self.free:
            raise CodegenError("the program needs more registers than the ten this lowering uses")
        return self.free.pop()

    def drop(self, register: str, owned: bool) -> None:
        if owned:
            self.free.append(register)

    def label(self) -> str:
        self.labels += 1
        return f".L{self.labels}"

    def constant(self, value: int, register: str) -> None:
        bits = word(int(value), 64)
        self.put(f"movz {register}, #{bits & 0xFFFF}")
        for place in (16, 32, 48):
            if bits >> place & 0xFFFF:
                self.put(f"movk {register}, #{bits >> place & 0xFFFF}, lsl #{place}")

    def value(self, node: Expr, names: dict[str, str]) -> tuple[str, bool]:
        """A register that holds the node, and whether the caller must free it."""
        if node.kind not in _SCALARS:
            raise CodegenError(f"{node.op}: a64 takes integers, words and truth values only")
        if node.op == "arg":
            return self.arguments[node.data][0], False
        if node.op in ("p.0", "p.1") and node.args[0].op == "arg":
            return self.arguments[node.args[0].data][int(node.op[2:])], False
        if node.op == "len":
            return self._array(node.args[0])[1], False
        if node.op == "get":
            return self._element(node, names), True
        if node.op == "local":
            return names[node.data], False
        if node.op == "const":
            register = self.take()
            self.constant(node.data, register)
            return register, True
        if node.op in ("repeat", "while"):
            return self._registers(node, names), True
        if node.op == "fold":
            return self._fold(node, names), True
        return self._operator(node, names), True

    def _operator(self, node: Expr, names: dict[str, str]) -> str:
        row = TABLE[node.op]
        if not row.a64:
            raise CodegenError(f"{node.op} has no a64 form")
        # The operand that needs most comes first, while most registers are free.
        order = sorted(range(len(node.args)), key=lambda k: -node.args[k].size)
        held = {k: self.value(node.args[k], names) for k in order}
        operands = [held[k] for k in range(len(node.args))]
        result, t, u = self.take(), self.take(), self.take()
        for line in row.a64:
            filled = line.format(*(r for r, _ in operands), d=result, t=t, u=u, w=self.width,
                                 z=64 - self.width, v=self.width - 1)  # fmt: skip
            self.put(filled)
        if row.result is Kind.U and self.width < 64:
            self.put(f"and {result}, {result}, #{hex((1 << self.width) - 1)}")
        self.free += [u, t]
        for register, owned in operands:
            self.drop(register, owned)
        return result

    def _into(self, node: Expr, names: dict[str, str], target: str) -> None:
        register, owned = self.value(node, names)
        self.put(f"mov {target}, {register}")
        self.drop(register, owned)

    def _registers(self, node: Expr, names: dict[str, str]) -> str:
        depth, count, result = node.data
        registers = [self.take() for _ in range(count)]
        for register, init in zip(registers, node.args[1 : 1 + count], strict=True):
            self._into(init, names, register)
        i, limit = self.take(), self.take()
        self.put(f"mov {i}, #0")
        inner = {**names, f"i{depth}": i}
        inner.update({f"r{k}_{depth}": r for k, r in enumerate(registers)})
        self.constant(FUEL, limit)
        if node.op == "repeat":
            bound, owned = self.value(node.args[0], names)
            self.put(f"cmp {bound}, {limit}")
            self.put(f"csel {limit}, {bound}, {limit}, lt")
            self.drop(bound, owned)
        top, end = self.label(), self.label()
        self.lines.append(f"{top}:")
        self.put(f"cmp {i}, {limit}")
        self.put(f"b.ge {end}")
        if node.op == "while":
            guard, owned = self.value(node.args[0], inner)
            self.put(f"cbz {guard}, {end}")
            self.drop(guard, owned)
        new = [self.value(step, inner) for step in node.args[1 + count :]]
        copied = []
        for register, owned in new:
            copy = register if owned else self.take()
            if not owned:
                self.put(f"mov {copy}, {register}")
            copied.append(copy)
        for register, copy in zip(registers, copied, strict=True):
            self.put(f"mov {register}, {copy}")
            self.free.append(copy)
        self.put(f"add {i}, {i}, #1")
        self.put(f"b {top}")
        self.lines.append(f"{end}:")
        self.free += [i, limit, *(r for k, r in enumerate(registers) if k != result)]
        return registers[result]

    def _fold(self, node: Expr, names: dict[str, str]) -> str:
        source, depth = node.args[0], node.data[0]
        if source.op not in _SOURCES:
            raise CodegenError(f"a loop over {source.op}: a64 takes {', '.join(_SOURCES)}")
        acc, i, x = self.take(), self.take(), self.take()
        self._into(node.args[1], names, acc)
        self.put(f"mov {i}, #0")
        inner = {**names, f"acc{depth}": acc, f"i{depth}": i, f"x{depth}": x}
        top, end = self.label(), self.label()
        before, after, held = _SOURCES[source.op](self, source, names, (i, x, end))
        self.lines.append(f"{top}:")
        for line in before:
            self.put(line)
        self._into(node.args[2], inner, acc)
        for line in (f"add {i}, {i}, #1", *after, f"b {top}"):
            self.put(line)
        self.lines.append(f"{end}:")
        self.free += [i, x, *held]
        return acc

    def _array(self, node: Expr) -> tuple[str, str]:
        """Registers of an argument's address and length."""
        if node.op != "arg" or node.kind is not Kind.A:
            raise CodegenError(f"a64 reads arrays that are arguments, not {node.op}")
        address, length = self.arguments[node.data]
        return address, length

    def _over_array(self, source: Expr, names: dict[str, str], loop: _Loop) -> _Parts:
        i, x, end = loop
        address, length = self._array(source)
        return [f"cmp {i}, {length}", f"b.ge {end}", f"ldr {x}, [{address}, {i}, lsl #3]"], [], []

    def _over_slice(self, source: Expr, names: dict[str, str], loop: _Loop) -> _Parts:
        i, x, end = loop
        address, length = self._array(source.args[0])
        low, high = self.take(), self.take()
        self._into(source.args[1], names, low)
        self._into(source.args[2], names, high)
        for line in (f"cmp {low}, #0", f"csel {low}, {low}, xzr, gt", f"cmp {high}, {length}",
                     f"csel {high}, {high}, {length}, lt", f"sub {high}, {high}, {low}",
                     f"add {low}, {address}, {low}, lsl #3"):  # fmt: skip
            self.put(line)
        read = f"ldr {x}, [{low}, {i}, lsl #3]"
        return [f"cmp {i}, {high}", f"b.ge {end}", read], [], [low, high]

    def _over_range(self, source: Expr, names: dict[str, str], loop: _Loop) -> _Parts:
        _, x, end = loop
        bound, most = self.take(), self.take()
        self._into(source.args[0], names, x)
        self._into(source.args[1], names, bound)
        self.constant(FUEL, most)
        for line in (f"add {most}, {x}, {most}", f"cmp {bound}, {most}",
                     f"csel {bound}, {bound}, {most}, lt"):  # fmt: skip
            self.put(line)
        self.free.append(most)
        return [f"cmp {x}, {bound}", f"b.ge {end}"], [f"add {x}, {x}, #1"], [bound]

    def _over_digits(self, source: Expr, names: dict[str, str], loop: _Loop) -> _Parts:
        _, x, end = loop
        base, rest, quotient = self.take(), self.take(), self.take()
        self._into(source.args[0], names, x)
        self._into(source.args[1], names, base)
        for line in (f"cmp {x}, #0", f"cneg {rest}, {x}, lt", f"cmp {base}, #2", f"b.lt {end}"):
            self.put(line)
        before = [f"cbz {rest}, {end}", f"udiv {quotient}, {rest}, {base}",
                  f"msub {x}, {quotient}, {base}, {rest}"]  # fmt: skip
        return before, [f"mov {rest}, {quotient}"], [base, rest, quotient]

    def _over_bits(self, source: Expr, names: dict[str, str], loop: _Loop) -> _Parts:
        i, x, end = loop
        held = self.take()
        self._into(source.args[0], names, held)
        before = [f"cmp {i}, #{self.width}", f"b.ge {end}", f"lsr {x}, {held}, {i}",
                  f"and {x}, {x}, #1"]  # fmt: skip
        return before, [], [held]

    def _element(self, node: Expr, names: dict[str, str]) -> str:
        """An element, 0 outside the array."""
        address, length = self._array(node.args[0])
        made, end = self.take(), self.label()
        index, owned = self.value(node.args[1], names)
        for line in (f"mov {made}, #0", f"cmp {index}, {length}", f"b.hs {end}",
                     f"ldr {made}, [{address}, {index}, lsl #3]"):  # fmt: skip
            self.put(line)
        self.lines.append(f"{end}:")
        self.drop(index, owned)
        return made


_SOURCES: dict[str, Callable[[_Writer, Expr, dict[str, str], _Loop], _Parts]] = {
    "arg": _Writer._over_array,
    "slice": _Writer._over_slice,
    "range": _Writer._over_range,
    "digits": _Writer._over_digits,
    "bits": _Writer._over_bits,
}
"""What a fold can go over: `before` the body with the test, `after` it, and registers held."""


def emit(expr: Expr, signature: Signature, name: str = "f") -> str:
    """A64 assembly of one function.

    Raises:
      CodegenError: strings, records of four, a result that is an array, or more than eight
        registers of arguments.
    """
    known = all(kind in _REGISTERS for kind in signature.kinds)
    count = sum(_REGISTERS.get(kind, 0) for kind in signature.arguments)
    if not known or signature.result is Kind.A or count > 8:
        raise CodegenError(
            f"a64 takes integers, words, truth values, arrays and pairs in up to eight registers, "
            f"and makes no array: {signature}"
        )
    writer = _Writer(signature)
    if signature.result is Kind.P and expr.op != "pair":
        raise CodegenError("a64 takes a record result made by its fields")
    parts = expr.args if signature.result is Kind.P else (expr,)
    made = [writer.value(part, {}) for part in parts]
    if len(made) == 2 and made[1][0] == "x0":  # which the first is about to replace
        writer.put(f"mov {writer.take()}, x0")
        made[1] = (writer.lines[-1].split()[1].rstrip(","), True)
    for place, (register, _) in enumerate(made):
        writer.put(f"mov x{place}, {register}")
    writer.put("ret")
    return "\n".join([f"{name}:", *writer.lines, ""])
