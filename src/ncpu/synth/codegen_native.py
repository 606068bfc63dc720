"""Expressions as C and Rust: one writer, two dialects.

Arrays are read, not made: an argument, a slice of one, a range, digits and bits can be looped over
(`fuse.fused` writes folds over maps and filters so).  Strings are refused.  A record result is
written to `out`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ncpu.synth.codegen_helpers import C_HELPERS, RUST_HELPERS
from ncpu.synth.errors import CodegenError
from ncpu.synth.expression import FUEL, Expr
from ncpu.synth.operators import TABLE
from ncpu.synth.types import INT_MIN, RECORD_SIZE, Kind, Signature


@dataclass(frozen=True)
class Dialect:
    """What differs between the two languages."""

    name: str
    helpers: dict[str, str]
    types: dict[Kind, str]
    declare: str
    loop: str
    end: str


C = Dialect("c", C_HELPERS, {Kind.I: "int64_t", Kind.B: "bool"}, "{type} {name} = {value};",
            "for (;;) {{", "if (!({test})) break;")  # fmt: skip
RUST = Dialect("rust", RUST_HELPERS, {Kind.I: "i64", Kind.B: "bool"},
               "let mut {name}: {type} = {value};", "loop {{",
               "if !({test}) {{ break; }}")  # fmt: skip


class _Writer:
    def __init__(self, signature: Signature, dialect: Dialect):
        self.signature, self.dialect = signature, dialect
        word = f"uint{signature.width}_t" if dialect is C else f"u{signature.width}"
        self.types = {**dialect.types, Kind.U: word}
        self.signed = f"int{signature.width}_t" if dialect is C else f"i{signature.width}"
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0

    def put(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def fresh(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def declare(self, stem: str, kind: Kind, value: str) -> str:
        name = self.fresh(stem)
        text = self.dialect.declare.format(type=self.types[kind], name=name, value=value)
        self.put(text)
        return name

    def constant(self, node: Expr) -> str:
        if node.kind is Kind.B:
            return "true" if node.data else "false"
        if node.kind not in (Kind.I, Kind.U):
            raise CodegenError(f"{self.dialect.name} has no constant of kind {node.kind} here")
        if self.dialect is RUST:
            return f"({node.data}{self.types[node.kind]})"
        if node.kind is Kind.U:
            return f"({self.types[Kind.U]}){node.data}u" + ("ll" if node.data >> 32 else "")
        return "INT64_MIN" if node.data == INT_MIN else f"INT64_C({node.data})"

    def value(self, node: Expr, names: dict[str, str]) -> str:
        if node.op == "const":
            return self.constant(node)
        if node.op == "arg":
            return f"a{node.data}"
        if node.op == "local":
            return names[node.data]
        if node.op == "fold":
            return self._fold(node, names)
        if node.op in ("repeat", "while"):
            return self._registers(node, names)
        if node.op in ("len", "get") and node.args[0].op == "arg":
            return self._array(node, names)
        row = TABLE[node.op]
        template = row.c if self.dialect is C else row.rust
        if not template:
            raise CodegenError(f"{node.op} has no form in {self.dialect.name}")
        operands = [self.value(a, names) for a in node.args]
        text = template.format(*operands, w=self.signature.width, u=self.types[Kind.U],
                               s=self.signed, m=(1 << self.signature.width) - 1)  # fmt: skip
        return f"({text})"

    def _array(self, node: Expr, names: dict[str, str]) -> str:
        place = node.args[0].data
        length = f"(int64_t)n{place}" if self.dialect is C else f"(a{place}.len() as i64)"
        if node.op == "len":
            return length
        index = self.declare("k", Kind.I, self.value(node.args[1], names))
        inside = f"{index} >= 0 && {index} < {length}"
        if self.dialect is C:
            return f"({inside} ? a{place}[{index}] : 0)"
        return f"(if {inside} {{ a{place}[{index} as usize] }} else {{ 0 }})"

    def _fold(self, node: Expr, names: dict[str, str]) -> str:
        source, depth = node.args[0], node.data[0]
        acc = self.declare("acc", node.kind, self.value(node.args[1], names))
        i = self.declare("i", Kind.I, "0")
        inner = {**names, f"acc{depth}": acc, f"i{depth}": i}
        test, element, after = self._source(source, i, names)
        self.put(self.dialect.loop.format())
        self.depth += 1
        self.put(self.dialect.end.format(test=test))
        inner[f"x{depth}"] = self.declare("x", Kind.I, element)
        self.put(f"{acc} = {self.value(node.args[2], inner)};")
        for line in (f"{i} += 1;", *after):
            self.put(line)
        self.depth -= 1
        self.put("}")
        return acc

    def _source(self, source: Expr, i: str, names: dict[str, str]) -> tuple[str, str, list[str]]:
        """Test to go on, element, and what follows the body."""
        rust = self.dialect is RUST
        if source.op == "arg":
            length = f"a{source.data}.len() as i64" if rust else f"(int64_t)n{source.data}"
            return f"{i} < ({length})", f"a{source.data}[{i}{' as usize' if rust else ''}]", []
        if source.op == "slice" and source.args[0].op == "arg":
            place = source.args[0].data
            length = f"a{place}.len() as i64" if rust else f"(int64_t)n{place}"
            low, high = (
                self.declare(stem, Kind.I, self.value(part, names))
                for stem, part in zip(("low", "high"), source.args[1:], strict=True)
            )
            self.put(f"if {low} < 0 {{ {low} = 0; }}" if rust else f"if ({low} < 0) {low} = 0;")
            index = f"({low} + {i})"
            element = f"a{place}[{index} as usize]" if rust else f"a{place}[{index}]"
            return f"{i} < {high} - {low} && {i} < ({length}) - {low}", element, []
        if source.op == "range":
            low = self.declare("low", Kind.I, self.value(source.args[0], names))
            high = self.declare("high", Kind.I, self.value(source.args[1], names))
            return f"{i} < {high} - {low} && {i} < {FUEL}", f"{low} + {i}", []
        if source.op == "digits":
            start = self.value(source.args[0], names)
            rest = self.fresh("rest")
            wide = f"({start}).unsigned_abs()" if rust else f"(uint64_t)ncpu_abs({start})"
            self.put(f"let mut {rest}: u64 = {wide};" if rust else f"uint64_t {rest} = {wide};")
            base = self.declare("base", Kind.I, self.value(source.args[1], names))
            cast = f"({rest} % ({base} as u64)) as i64" if rust else f"(int64_t)({rest} % {base})"
            divisor = f"({base} as u64)" if rust else f"(uint64_t){base}"
            return f"({rest} != 0 || {i} == 0) && {base} > 1", cast, [f"{rest} /= {divisor};"]
        if source.op == "bits":
            word = self.declare("word", Kind.U, self.value(source.args[0], names))
            bit = f"(({word} >> {i}) & 1) as i64" if rust else f"(int64_t)({word} >> {i} & 1)"
            return f"{i} < {self.signature.width}", bit, []
        raise CodegenError(
            f"a loop over {source.op}: {self.dialect.name} takes arguments, slices of them, "
            "range, digits and bits"
        )

    def _registers(self, node: Expr, names: dict[str, str]) -> str:
        depth, count, result = node.data
        inits, steps = node.args[1 : 1 + count], node.args[1 + count :]
        registers = [self.declare("r", Kind.I, self.value(a, names)) for a in inits]
        i = self.declare("i", Kind.I, "0")
        inner = {**names, f"i{depth}": i}
        inner.update({f"r{k}_{depth}": r for k, r in enumerate(registers)})
        test = f"{i} < {FUEL}"
        if node.op == "repeat":
            test += f" && {i} < {self.declare('count', Kind.I, self.value(node.args[0], names))}"
        self.put(self.dialect.loop.format())
        self.depth += 1
        self.put(self.dialect.end.format(test=test))
        if node.op == "while":
            self.put(self.dialect.end.format(test=self.value(node.args[0], inner)))
        new = [self.declare("s", Kind.I, self.value(step, inner)) for step in steps]
        for register, value in zip(registers, new, strict=True):
            self.put(f"{register} = {value};")
        self.put(f"{i} += 1;")
        self.depth -= 1
        self.put("}")
        return registers[result]


def _parameters(signature: Signature, writer: _Writer) -> str:
    made = []
    for place, kind in enumerate(signature.arguments):
        rust = writer.dialect is RUST
        if kind is Kind.A:
            made.append(f"a{place}: &[i64]" if rust else
                        f"const int64_t *a{place}, size_t n{place}")  # fmt: skip
        elif kind in RECORD_SIZE:
            made.append(f"a{place}: [i64; {RECORD_SIZE[kind]}]" if rust else
                        f"const int64_t a{place}[{RECORD_SIZE[kind]}]")  # fmt: skip
        elif kind is Kind.S:
            raise CodegenError(f"{writer.dialect.name} code of strings is not offered: {signature}")
        else:
            made.append(f"a{place}: {writer.types[kind]}" if rust else
                        f"{writer.types[kind]} a{place}")  # fmt: skip
    return ", ".join(made)


def emit(expr: Expr, signature: Signature, dialect: Dialect, name: str = "f") -> str:
    """Source of one function with what it needs.

    Raises:
      CodegenError: the language has no form for some part of the program.
    """
    if signature.result in (Kind.A, Kind.S):
        raise CodegenError(f"{dialect.name} code that makes arrays or strings is not offered")
    writer = _Writer(signature, dialect)
    parameters = _parameters(signature, writer)
    if signature.result in RECORD_SIZE:
        if expr.op not in ("pair", "quad"):
            raise CodegenError(f"{dialect.name} takes a record result made by its fields")
        fields = [writer.value(a, {}) for a in expr.args]
        if dialect is RUST:
            returned, result = f"[{', '.join(fields)}]", f"[i64; {len(fields)}]"
        else:
            for place, text in enumerate(fields):
                writer.put(f"out[{place}] = {text};")
            parameters = ", ".join(filter(None, (parameters, f"int64_t out[{len(fields)}]")))
            returned, result = "", "void"
    else:
        returned, result = writer.value(expr, {}), writer.types[signature.result]
    body = "".join(f"{line}\n" for line in writer.lines)
    if dialect is RUST:
        text = f"pub fn {name}({parameters}) -> {result} {{\n{body}    {returned}\n}}\n"
    else:
        back = f"    return {returned};\n" if returned else ""
        text = f"{result} {name}({parameters or 'void'}) {{\n{body}{back}}}\n"
    text = re.sub(r"(?<!\w)_([a-z]\w*)\(", r"ncpu_\1(", text)
    used = [h for n, h in dialect.helpers.items() if f"ncpu_{n}(" in text]
    head = (
        "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n" if dialect is C else ""
    )
    return "\n".join(filter(None, [head, *used, text]))
