"""Expressions as JAX: functions of 64-bit scalars and arrays that trace under `jit` and `vmap`.

Arrays have a length when traced, so what keeps some elements (`filter`, `slice`) has no form here,
and neither have strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ncpu.synth.errors import CodegenError
from ncpu.synth.expression import FUEL, Expr, walk
from ncpu.synth.operators import TABLE
from ncpu.synth.types import RECORD_SIZE, Kind, Signature

_INDENT = "    "
_TYPES = {Kind.I: "jnp.int64", Kind.U: "jnp.uint64", Kind.B: "jnp.bool_"}
_WORDS = {
    "uadd": "(({0} + {1}) & {m})", "usub": "(({0} - {1}) & {m})", "umul": "(({0} * {1}) & {m})",
    "uand": "({0} & {1})", "uor": "({0} | {1})", "uxor": "({0} ^ {1})", "unot": "({0} ^ {m})",
    "uneg": "((~{0} + jnp.uint64(1)) & {m})", "ushl": "_shl({0}, {1}, {w})",
    "ushr": "_shr({0}, {1}, {w})", "uashr": "_ashr({0}, {1}, {w})", "udiv": "_udiv({0}, {1}, {m})",
    "urem": "_urem({0}, {1})", "ult": "({0} < {1})", "ule": "({0} <= {1})",
    "ueq": "({0} == {1})", "uslt": "(_signed({0}, {w}) < _signed({1}, {w}))",
    "usle": "(_signed({0}, {w}) <= _signed({1}, {w}))", "uclz": "_clz({0}, {w})",
    "umulh": "_umulh({0}, {1}, {w})",
    "urbit": "_reverse({0}, {w}, 1)", "urev": "_reverse({0}, {w}, 8)",
    "int": "{0}.astype(jnp.int64)", "word_of": "({0}.astype(jnp.uint64) & {m})",
}  # fmt: skip
_ARRAYS = {
    "len": "jnp.int64({0}.shape[0])", "get": "_get({0}, {1})", "flip": "{0}[::-1]",
    "sort": "jnp.sort({0})", "total": "jnp.sum({0})", "largest": "_extreme({0}, jnp.max)",
    "smallest": "_extreme({0}, jnp.min)", "join": "jnp.concatenate([{0}, {1}])",
    "unit": "{0}[None]", "pair": "jnp.stack([{0}, {1}])", "quad": "jnp.stack([{0}, {1}, {2}, {3}])",
}  # fmt: skip
_HELPERS = {
    "_div": "def _div(a, b):\n    return jnp.where(b == 0, 0, a // jnp.where(b == 0, 1, b))\n",
    "_mod": "def _mod(a, b):\n    return jnp.where(b == 0, a, a % jnp.where(b == 0, 1, b))\n",
    "_quot": "def _quot(a, b):\n"
    "    return jnp.where(b == 0, 0, lax.div(a, jnp.where(b == 0, 1, b)))\n",
    "_rem": "def _rem(a, b):\n"
    "    return jnp.where(b == 0, a, lax.rem(a, jnp.where(b == 0, 1, b)))\n",
    "_signed": "def _signed(a, width):\n    up = jnp.uint64(64 - width)\n"
    "    return (a << up).astype(jnp.int64) >> jnp.int64(64 - width)\n",
    "_shl": "def _shl(a, b, width):\n    mask = jnp.uint64((1 << width) - 1)\n"
    "    return jnp.where(b < width, (a << jnp.minimum(b, 63)) & mask, 0)\n",
    "_shr": "def _shr(a, b, width):\n    return jnp.where(b < width, a >> jnp.minimum(b, 63), 0)\n",
    "_ashr": "def _ashr(a, b, width):\n    mask = jnp.uint64((1 << width) - 1)\n"
    "    by = jnp.minimum(b, width - 1).astype(jnp.int64)\n"
    "    return (_signed(a, width) >> by).astype(jnp.uint64) & mask\n",
    "_udiv": "def _udiv(a, b, mask):\n    return jnp.where(b == 0, mask, a // jnp.maximum(b, 1))\n",
    "_urem": "def _urem(a, b):\n    return jnp.where(b == 0, a, a % jnp.maximum(b, 1))\n",
    "_umulh": "def _umulh(a, b, width):\n"
    "    low, half, a = jnp.uint64(0xFFFFFFFF), jnp.uint64(32), a << jnp.uint64(64 - width)\n"
    "    middle = (a >> half) * (b & low) + ((a & low) * (b & low) >> half)\n"
    "    other = (a & low) * (b >> half) + (middle & low)\n"
    "    return (a >> half) * (b >> half) + (middle >> half) + (other >> half)\n",
    "_clz": "def _clz(a, width):\n    return lax.clz(a) - jnp.uint64(64 - width)\n",
    "_reverse": "def _reverse(a, width, group):\n    made = jnp.uint64(0)\n"
    "    for low in range(0, width, group):\n"
    "        part = (a >> jnp.uint64(low)) & jnp.uint64((1 << group) - 1)\n"
    "        made = made | part << jnp.uint64(width - group - low)\n    return made\n",
    "_get": "def _get(items, index):\n    count = items.shape[0]\n    if count == 0:\n"
    "        return jnp.int64(0)\n    inside = (index >= 0) & (index < count)\n"
    "    return jnp.where(inside, items[jnp.clip(index, 0, count - 1)], 0)\n",
    "_extreme": "def _extreme(items, of):\n"
    "    return of(items) if items.shape[0] else jnp.int64(0)\n",
}


class _Writer:
    """Statements of one function; every loop's body is a function within it."""

    def __init__(self, signature: Signature):
        self.width = signature.width
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0

    def put(self, text: str) -> None:
        self.lines.append(_INDENT * self.depth + text)

    def fresh(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def value(self, node: Expr, names: Mapping[str, str]) -> str:
        """Source text of a node; `names` maps locals to variables."""
        if node.op == "const" and node.kind in _TYPES:
            return f"{_TYPES[node.kind]}({node.data})"
        if node.op == "const" and node.kind is Kind.A:
            return f"jnp.array({list(node.data)}, jnp.int64)"
        if node.op == "arg":
            return f"a{node.data}"
        if node.op == "local":
            return names[node.data]
        if node.op in _FORMS:
            return _FORMS[node.op](self, node, names)
        template = _WORDS.get(node.op) or _ARRAYS.get(node.op) or TABLE[node.op].jax
        if not template:
            raise CodegenError(f"{node.op} has no form in jax")
        operands = [self.value(a, names) for a in node.args]
        mask = f"jnp.uint64({hex((1 << self.width) - 1)})"
        return template.format(*operands, w=self.width, m=mask)

    def _body(self, stem: str, parameters: str, unpacked: str, write: Callable[[], str]) -> str:
        """A function within; returns its name."""
        name = self.fresh(stem)
        self.put(f"def {name}({parameters}):")
        self.depth += 1
        if unpacked:
            self.put(unpacked)
        self.put(f"return {write()}")
        self.depth -= 1
        return name

    def _fold(self, node: Expr, names: Mapping[str, str]) -> str:
        depth, source = node.data[0], node.args[0]
        acc, i = self.fresh("acc"), self.fresh("i")
        start = self.value(node.args[1], names)
        inner = {**names, f"acc{depth}": acc, f"i{depth}": i}
        if source.op in _COUNTED and node.op == "fold":
            return _COUNTED[source.op](self, node, names, inner, start)
        x, items = self.fresh("x"), self.fresh("items")
        self.put(f"{items} = {self.value(source, names)}")
        inner[f"x{depth}"] = x
        step = self._body("step", f"{acc}, element", f"{i}, {x} = element",
                          lambda: f"({self.value(node.args[2], inner)},) * 2")  # fmt: skip
        made, kept = self.fresh("made"), self.fresh("kept")
        pairs = f"(jnp.arange({items}.shape[0], dtype=jnp.int64), {items})"
        self.put(f"{made}, {kept} = lax.scan({step}, {start}, {pairs})")
        return kept if node.op == "scan" else made

    def _range(self, node: Expr, names, inner: dict[str, str], start: str) -> str:
        low, high = (self.value(a, names) for a in node.args[0].args)
        depth = node.data[0]
        first, count = self.fresh("first"), self.fresh("count")
        self.put(f"{first} = {low}")
        self.put(f"{count} = jnp.clip({high} - {first}, 0, {FUEL})")
        acc, i = inner[f"acc{depth}"], inner[f"i{depth}"]
        inner[f"x{depth}"] = f"({first} + {i})"
        step = self._body("step", f"{i}, {acc}", "", lambda: self.value(node.args[2], inner))
        return f"lax.fori_loop(jnp.int64(0), {count}, {step}, {start})"

    def _bits(self, node: Expr, names, inner: dict[str, str], start: str) -> str:
        depth, word = node.data[0], self.fresh("word")
        self.put(f"{word} = {self.value(node.args[0].args[0], names)}")
        acc, i = inner[f"acc{depth}"], inner[f"i{depth}"]
        inner[f"x{depth}"] = f"(({word} >> {i}.astype(jnp.uint64)) & 1).astype(jnp.int64)"
        step = self._body("step", f"{i}, {acc}", "", lambda: self.value(node.args[2], inner))
        return f"lax.fori_loop(jnp.int64(0), jnp.int64({self.width}), {step}, {start})"

    def _digits(self, node: Expr, names, inner: dict[str, str], start: str) -> str:
        depth, base, rest = node.data[0], self.fresh("base"), self.fresh("rest")
        number = self.value(node.args[0].args[0], names)
        self.put(f"{base} = {self.value(node.args[0].args[1], names)}")
        acc, i = inner[f"acc{depth}"], inner[f"i{depth}"]
        inner[f"x{depth}"] = f"lax.rem({rest}, {base}.astype(jnp.uint64)).astype(jnp.int64)"
        unpacked = f"{i}, {rest}, {acc} = state"
        going = self._body("going", "state", unpacked, lambda: f"({rest} != 0) & ({base} > 1)")
        step = self._body("step", "state", unpacked, lambda: (
            f"{i} + 1, lax.div({rest}, {base}.astype(jnp.uint64)), "
            f"{self.value(node.args[2], inner)}"))  # fmt: skip
        begun = f"(jnp.int64(0), jnp.abs({number}).astype(jnp.uint64), {start})"
        return f"lax.while_loop({going}, {step}, {begun})[2]"

    def _map(self, node: Expr, names: Mapping[str, str]) -> str:
        depth, x, i = node.data[0], self.fresh("x"), self.fresh("i")
        items = self.fresh("items")
        self.put(f"{items} = {self.value(node.args[0], names)}")
        inner = {**names, f"x{depth}": x, f"i{depth}": i}
        body = self._body("body", "element", f"{i}, {x} = element",
                          lambda: self.value(node.args[1], inner))  # fmt: skip
        return f"lax.map({body}, (jnp.arange({items}.shape[0], dtype=jnp.int64), {items}))"

    def _registers(self, node: Expr, names: Mapping[str, str]) -> str:
        depth, count, result = node.data
        inits, steps = node.args[1 : 1 + count], node.args[1 + count :]
        i, registers = self.fresh("i"), [self.fresh("r") for _ in range(count)]
        inner = {**names, f"i{depth}": i}
        inner.update({f"r{k}_{depth}": r for k, r in enumerate(registers)})
        start = ", ".join(["jnp.int64(0)", *(self.value(a, names) for a in inits)])
        unpacked = f"{i}, {', '.join(registers)} = state"
        if node.op == "repeat":
            limit = self.fresh("limit")
            self.put(f"{limit} = jnp.minimum({self.value(node.args[0], names)}, {FUEL})")
            test = lambda: f"{i} < {limit}"  # noqa: E731
        else:
            test = lambda: f"({i} < {FUEL}) & {self.value(node.args[0], inner)}"  # noqa: E731
        going = self._body("going", "state", unpacked, test)
        new = lambda: ", ".join([f"{i} + 1", *(self.value(a, inner) for a in steps)])  # noqa: E731
        step = self._body("step", "state", unpacked, new)
        return f"lax.while_loop({going}, {step}, ({start}))[{result + 1}]"


_FORMS: dict[str, Callable[[_Writer, Expr, Mapping[str, str]], str]] = {
    "fold": _Writer._fold,
    "scan": _Writer._fold,
    "map": _Writer._map,
    "repeat": _Writer._registers,
    "while": _Writer._registers,
}
_COUNTED: dict[str, Callable[..., str]] = {
    "range": _Writer._range,
    "bits": _Writer._bits,
    "digits": _Writer._digits,
}


def helpers(source: str) -> list[str]:
    """Definitions that a source uses, what they use included, in order."""
    found: list[str] = []

    def visit(text: str) -> None:
        for name in re.findall(r"(?<![\w.])_[a-z]\w*(?=\()", text):
            if name in _HELPERS and _HELPERS[name] not in found:
                visit(_HELPERS[name].split(":\n", 1)[1])
                found.append(_HELPERS[name])

    visit(source)
    return found


def emit(expr: Expr, signature: Signature, name: str = "f") -> str:
    """JAX source of one function over the arguments, in order, with what it needs.

    Raises:
      CodegenError: strings, or an operator whose result has no fixed length.
    """
    if Kind.S in signature.kinds or any(node.kind is Kind.S for node in walk(expr)):
        raise CodegenError(f"jax code of strings is not offered: {signature}")
    writer = _Writer(signature)
    for place, kind in enumerate(signature.arguments):
        dtype = _TYPES.get(kind, "jnp.int64")
        form = "array" if kind is Kind.A or kind in RECORD_SIZE else "scalar"
        writer.put(f"a{place} = jnp.asarray(a{place}, {dtype})  # {form}")
    writer.put(f"return {writer.value(expr, {})}")
    parameters = ", ".join(f"a{k}" for k in range(len(signature.arguments)))
    function = "\n".join([f"def {name}({parameters}):", *writer.lines, ""])
    imports = ["import jax", "import jax.numpy as jnp"]
    used = helpers(function)
    if any("lax." in text for text in (function, *used)):
        imports.append("from jax import lax")
    head = "\n".join([*imports, "", 'jax.config.update("jax_enable_x64", True)', ""])
    return "\n\n".join([head, *used, function])
