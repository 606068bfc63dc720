"""Expressions of a person debugging: registers, names, memory, comparisons.

`x0`, `w3`, `sp`, `pc`, `lr`, `fp`, `nzcv` and `retired` are of the machine; other names are
the program's symbols.  `[sp + 8]` is the doubleword there; `u8[p]`, `u16[p]`, `u32[p]` and
`u64[p]` say the size, `s8[p]` ... `s64[p]` read signed; `signed(x0)` is a register as a signed
number.  Operators are C's.  Values are unsigned 64-bit where they are registers and memory.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

from ncpu.machine import memory, word
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.state import READ, State

LIMIT = 400  # characters of an expression
_BINARY: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: lambda a, b: a << (b & 63),
    ast.RShift: lambda a, b: a >> (b & 63),
}
_COMPARE: dict[type, Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_UNARY: dict[type, Callable[[int], int]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_SPECIAL: dict[str, Callable[[State], int]] = {
    "sp": lambda state: int(state.sp),
    "pc": lambda state: int(word.from_limbs(state.pc)),
    "lr": lambda state: int(state.x[30]),
    "fp": lambda state: int(state.x[29]),
    "nzcv": lambda state: int(state.nzcv),
    "retired": lambda state: int(word.from_limbs(state.retired)),
}
_SIZES = {f"{kind}{bits}": (kind, bits // 8) for kind in "us" for bits in (8, 16, 32, 64)}
_REGISTER = re.compile(r"[xw](\d|[12]\d|30)")


def parse(text: str) -> ast.expr:
    """The syntax of an expression, so that a mistake shows before it is needed.

    Raises:
      DebugError: it is none.
    """
    source = text.strip().replace("$", "").replace("&&", " and ").replace("||", " or ")
    source = re.sub(r"!(?!=)", " not ", source)
    if not source or len(source) > LIMIT:
        raise DebugError(f"an expression of 1 to {LIMIT} characters is needed, not {len(source)}")
    try:
        return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise DebugError(
            f"{text.strip()!r} is no expression; one is: x0 == 5 && [sp + 8] > main"
        ) from None


class Evaluator:
    """Gives expressions their values in a state.

    Args:
      symbols: the program's names.
    """

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols

    def __call__(self, expression: str | ast.expr, state: State) -> int:
        """The value of an expression.

        Raises:
          DebugError: it is malformed, or names something that is not there.
        """
        node = parse(expression) if isinstance(expression, str) else expression
        try:
            return self._value(node, state)
        except ZeroDivisionError:
            raise DebugError("division by zero in the expression") from None
        except (OverflowError, MemoryError, RecursionError):
            raise DebugError("the expression's value is out of all bounds") from None

    def check(self, expression: ast.expr) -> None:
        """Raise DebugError where a name of an expression is unknown, before it is needed."""
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id not in _SIZES and node.id != "signed":
                self._known(node.id)

    def _known(self, name: str) -> None:
        if not (_REGISTER.fullmatch(name) or name in _SPECIAL or name in self.symbols.table):
            why = f" ({self.symbols.problem})" if self.symbols.problem else ""
            raise DebugError(f"there is no register or symbol {name!r}{why}")

    def _value(self, node: ast.expr, state: State) -> int:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name():
                return self._name(node.id, state)
            case ast.BinOp() if type(node.op) in _BINARY:
                left, right = self._value(node.left, state), self._value(node.right, state)
                return _BINARY[type(node.op)](left, right)
            case ast.UnaryOp() if type(node.op) in _UNARY:
                return int(_UNARY[type(node.op)](self._value(node.operand, state)))
            case ast.BoolOp():
                every = isinstance(node.op, ast.And)
                values = (bool(self._value(part, state)) for part in node.values)
                return int(all(values) if every else any(values))
            case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
                sides = [self._value(part, state) for part in (node.left, *node.comparators)]
                pairs = zip(node.ops, sides, sides[1:], strict=False)
                return int(all(_COMPARE[type(op)](a, b) for op, a, b in pairs))
            case ast.List(elts=[inner]):
                return self._load(state, self._value(inner, state), 8, "u")
            case ast.Subscript(value=ast.Name(id=name)) if name in _SIZES:
                kind, size = _SIZES[name]
                return self._load(state, self._value(node.slice, state), size, kind)
            case ast.Call(func=ast.Name(id="signed"), args=[inner], keywords=[]):
                value = self._value(inner, state) & word.MASK64
                return value - (1 << 64) if value >> 63 else value
        raise DebugError(f"{ast.unparse(node)!r} cannot stand in an expression here")

    def _name(self, name: str, state: State) -> int:
        if _REGISTER.fullmatch(name):
            value = int(state.x[int(name[1:])])
            return value if name[0] == "x" else value & 0xFFFFFFFF
        self._known(name)
        return _SPECIAL[name](state) if name in _SPECIAL else self.symbols.table[name][0]

    @staticmethod
    def _load(state: State, address: int, size: int, kind: str) -> int:
        if not memory.permissions(state, address, size) & READ:
            raise DebugError(f"{size} bytes at {address:#x} cannot be read: not mapped")
        try:
            data = memory.read(state, address, size)
        except MemoryRangeError as error:
            raise DebugError(str(error)) from None
        return int.from_bytes(data, "little", signed=kind == "s")
