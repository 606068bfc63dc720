"""Loop-free programs as SMT-LIB bit-vector terms, with the meaning that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ncpu.synth.errors import ProofError
from ncpu.synth.expression import LOOPS, Expr, walk
from ncpu.synth.types import RECORD_SIZE, Kind, Signature, Value, signed, word

_ACCEPTED = "loop-free programs over integers, words, truth values and records"
_TEMPLATES = {
    "add": "(bvadd {0} {1})", "sub": "(bvsub {0} {1})", "mul": "(bvmul {0} {1})",
    "neg": "(bvneg {0})", "iand": "(bvand {0} {1})", "ior": "(bvor {0} {1})",
    "ixor": "(bvxor {0} {1})", "lt": "(bvslt {0} {1})", "le": "(bvsle {0} {1})",
    "eq": "(= {0} {1})", "min": "(ite (bvsle {0} {1}) {0} {1})",
    "max": "(ite (bvsle {1} {0}) {0} {1})", "abs": "(ite (bvslt {0} {zero}) (bvneg {0}) {0})",
    "quot": "(ite (= {1} {zero}) {zero} (bvsdiv {0} {1}))",
    "rem": "(ite (= {1} {zero}) {0} (bvsrem {0} {1}))",
    "div": "(ite (= {1} {zero}) {zero} (ite (and (distinct (bvsrem {0} {1}) {zero})"
    " (bvslt (bvxor {0} {1}) {zero})) (bvsub (bvsdiv {0} {1}) {one}) (bvsdiv {0} {1})))",
    "mod": "(ite (= {1} {zero}) {0} (ite (and (distinct (bvsrem {0} {1}) {zero})"
    " (bvslt (bvxor {0} {1}) {zero})) (bvadd (bvsrem {0} {1}) {1}) (bvsrem {0} {1})))",
    "and": "(and {0} {1})", "or": "(or {0} {1})", "xor": "(xor {0} {1})", "not": "(not {0})",
    "ite_i": "(ite {0} {1} {2})", "ite_u": "(ite {0} {1} {2})", "ite_b": "(ite {0} {1} {2})",
    "uadd": "(bvadd {0} {1})", "usub": "(bvsub {0} {1})", "umul": "(bvmul {0} {1})",
    "umulh": "((_ extract {top} {w}) (bvmul ((_ zero_extend {w}) {0}) ((_ zero_extend {w}) {1})))",
    "uand": "(bvand {0} {1})", "uor": "(bvor {0} {1})", "uxor": "(bvxor {0} {1})",
    "unot": "(bvnot {0})", "uneg": "(bvneg {0})", "ushl": "(bvshl {0} {1})",
    "ushr": "(bvlshr {0} {1})", "uashr": "(bvashr {0} {1})", "udiv": "(bvudiv {0} {1})",
    "urem": "(bvurem {0} {1})", "ult": "(bvult {0} {1})", "ule": "(bvule {0} {1})",
    "ueq": "(= {0} {1})", "uslt": "(bvslt {0} {1})", "usle": "(bvsle {0} {1})",
}  # fmt: skip


@dataclass(frozen=True)
class Script:
    """A question to a solver.

    Attributes:
      text: SMT-LIB, without the command that asks; satisfiable where two programs differ.
      signature: of the programs.
    """

    text: str
    signature: Signature

    @classmethod
    def unequal(cls, p: Expr, q: Expr, signature: Signature) -> Script:
        """Where two programs differ.

        Raises:
          ProofError: a loop, an array, a string or an operator on them.
        """
        lines = ["(set-logic QF_BV)"]
        made = cls("", signature)
        lines += [f"(declare-const {n} (_ BitVec {bits}))" for n, bits in made.variables.items()]
        writer = _Writer(signature, lines)
        pairs = zip(writer.values(p), writer.values(q), strict=True)
        differing = " ".join(f"(distinct {a} {b})" for a, b in pairs)
        lines.append(f"(assert (or false {differing}))")
        return cls("\n".join(lines) + "\n", signature)

    @property
    def variables(self) -> dict[str, int]:
        """The inputs' names with their bits; a truth value has one."""
        pairs = _inputs(self.signature)
        return {n: 1 if k is Kind.B else _width(k, self.signature.width) for n, k in pairs}

    def arguments(self, model: Mapping[str, int]) -> tuple[Value, ...]:
        """A solver's model as arguments; what it leaves open is 0."""

        def value(name: str, kind: Kind) -> Value:
            found = model.get(name, 0)
            return bool(found) if kind is Kind.B else signed(found) if kind is Kind.I else found

        made: list[Value] = []
        for place, kind in enumerate(self.signature.arguments):
            if kind in RECORD_SIZE:
                fields = range(RECORD_SIZE[kind])
                made.append(tuple(int(value(f"a{place}.{k}", Kind.I)) for k in fields))  # type: ignore[arg-type]
            else:
                made.append(value(f"a{place}", kind))
        return tuple(made)


def _width(kind: Kind, width: int) -> int:
    return width if kind is Kind.U else 64


def _inputs(signature: Signature) -> list[tuple[str, Kind]]:
    """Names and kinds of the solver's variables; a record has one for each field."""
    found = []
    for place, kind in enumerate(signature.arguments):
        if kind in RECORD_SIZE:
            found += [(f"a{place}.{k}", Kind.I) for k in range(RECORD_SIZE[kind])]
        elif kind in (Kind.I, Kind.U, Kind.B):
            found.append((f"a{place}", kind))
        else:
            raise ProofError(f"an argument of kind {kind}: accepted are {_ACCEPTED}")
    return found


class _Writer:
    """Every node is a defined name, so that what is shared is written once."""

    def __init__(self, signature: Signature, lines: list[str]):
        self.signature, self.lines = signature, lines
        self.names: dict[Expr, list[str]] = {}

    def values(self, expr: Expr) -> list[str]:
        """Names of a program's value, one for each field of a record."""
        loops = [node.op for node in walk(expr) if node.op in LOOPS]
        if loops:
            raise ProofError(f"a loop ({loops[0]}): accepted are {_ACCEPTED}")
        for node in walk(expr):
            if node not in self.names:
                self.names[node] = self._node(node, [self.names[a] for a in node.args])
        return self.names[expr]

    def _node(self, node: Expr, args: Sequence[list[str]]) -> list[str]:
        if node.op == "arg":
            name = f"a{node.data}"
            if node.kind in RECORD_SIZE:
                return [f"{name}.{k}" for k in range(RECORD_SIZE[node.kind])]
            return [f"(= {name} #b1)" if node.kind is Kind.B else name]
        if node.op == "const" and node.kind in (Kind.I, Kind.U, Kind.B):
            return [self._constant(node)]
        if node.op in ("pair", "quad"):
            return [part for a in args for part in a]
        if node.op[:2] in ("p.", "q."):
            return [args[0][int(node.op[2:])]]
        if node.op == "uclz":
            return [self._leading_zeros(args[0][0])]
        if node.op in ("urbit", "urev"):
            return [self._reversed(args[0][0], 1 if node.op == "urbit" else 8)]
        width = self.signature.width
        if node.op == "int":
            return [args[0][0] if width == 64 else f"((_ zero_extend {64 - width}) {args[0][0]})"]
        if node.op == "word_of":
            return [f"((_ extract {width - 1} 0) {args[0][0]})"]
        if node.op not in _TEMPLATES:
            raise ProofError(f"{node.op}: accepted are {_ACCEPTED}")
        zero, one = (f"(_ bv{v} 64)" for v in (0, 1))
        text = _TEMPLATES[node.op].format(
            *(a[0] for a in args), zero=zero, one=one, w=width, top=2 * width - 1
        )
        return [self._named(text, node.kind)]

    def _named(self, text: str, kind: Kind) -> str:
        name = f"n{len(self.lines)}"
        width = _width(kind, self.signature.width)
        sort = "Bool" if kind is Kind.B else f"(_ BitVec {width})"
        self.lines.append(f"(define-fun {name} () {sort} {text})")
        return name

    def _constant(self, node: Expr) -> str:
        if node.kind is Kind.B:
            return "true" if node.data else "false"
        width = _width(node.kind, self.signature.width)
        return f"(_ bv{word(node.data, width)} {width})"

    def _leading_zeros(self, value: str) -> str:
        width = self.signature.width
        text = f"(_ bv{width} {width})"
        for place in range(width):
            bit = f"((_ extract {place} {place}) {value})"
            text = f"(ite (= {bit} #b1) (_ bv{width - 1 - place} {width}) {text})"
        return self._named(text, Kind.U)

    def _reversed(self, value: str, group: int) -> str:
        """The same groups of bits, the lowest first."""
        width = self.signature.width
        if width == group:
            return value
        parts = [f"((_ extract {k + group - 1} {k}) {value})" for k in range(0, width, group)]
        return self._named(f"(concat {' '.join(parts)})", Kind.U)
