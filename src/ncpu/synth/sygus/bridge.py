"""Between expressions of the synthesiser and terms of the theories.

An operator without a name in the theory is written by others: `min` as `ite`, the floor of a
quotient by SMT-LIB's `div` with the divisor made positive.  Loops, arrays and records have no term.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise

from ncpu.synth.errors import CodegenError
from ncpu.synth.expression import Expr, arg, call, const, walk
from ncpu.synth.operators import TABLE
from ncpu.synth.sygus.fit import term_of
from ncpu.synth.sygus.problem import Task
from ncpu.synth.sygus.term import Definition, Term, constant
from ncpu.synth.sygus.theory import BOOL, INT, OPERATIONS, STRING, Sort, bits
from ncpu.synth.types import INT_MAX, INT_MIN, Kind, Signature

_ZERO = constant(0, INT)
_PLAIN = {
    "add": "+", "sub": "-", "mul": "*", "neg": "-", "abs": "abs", "lt": "<", "le": "<=", "eq": "=",
    "and": "and", "or": "or", "xor": "xor", "not": "not", "ueq": "=", "seq": "=",
    "uadd": "bvadd", "usub": "bvsub", "umul": "bvmul", "uand": "bvand", "uor": "bvor",
    "uxor": "bvxor", "unot": "bvnot", "uneg": "bvneg", "ushl": "bvshl", "ushr": "bvlshr",
    "uashr": "bvashr", "udiv": "bvudiv", "urem": "bvurem", "ult": "bvult", "ule": "bvule",
    "uslt": "bvslt", "usle": "bvsle", "slen": "str.len", "cat": "str.++", "substr": "str.substr",
    "at": "str.at", "find": "str.indexof", "replace": "str.replace_all",
    "replace1": "str.replace", "contains": "str.contains", "prefix": "str.prefixof",
    "suffix": "str.suffixof", "from_int": "str.from_int", "to_int": "str.to_int",
}  # fmt: skip


def _negative(term: Term) -> Term:
    return constant(-term.data, INT) if term.op == "const" else Term("-", (term,), INT)


def _less(a: Term, b: Term) -> Term:
    return term_of("<", a, b)


def _equal(a: Term, b: Term) -> Term:
    return term_of("=", a, b)


def _floor(a: Term, b: Term) -> Term:
    if b.op == "const" and b.data > 0:
        return term_of("div", a, b)
    flipped = term_of("div", _negative(a), _negative(b))
    if b.op == "const":
        return flipped if b.data else _ZERO
    made = term_of("ite", _less(b, _ZERO), flipped, term_of("div", a, b))
    return term_of("ite", _equal(b, _ZERO), _ZERO, made)


def _floor_rest(a: Term, b: Term) -> Term:
    if b.op == "const" and b.data > 0:
        return term_of("mod", a, b)
    flipped = _negative(term_of("mod", _negative(a), _negative(b)))
    if b.op == "const":
        return flipped if b.data else a
    made = term_of("ite", _less(b, _ZERO), flipped, term_of("mod", a, b))
    return term_of("ite", _equal(b, _ZERO), a, made)


def _toward_zero(a: Term, b: Term) -> Term:
    down = term_of("div", a, b)
    up = _negative(term_of("div", _negative(a), b))
    made = term_of("ite", _less(a, _ZERO), up, down)
    if b.op == "const":
        return made if b.data else _ZERO
    return term_of("ite", _equal(b, _ZERO), _ZERO, made)


def _rest_toward_zero(a: Term, b: Term) -> Term:
    up = _negative(term_of("mod", _negative(a), b))
    made = term_of("ite", _less(a, _ZERO), up, term_of("mod", a, b))
    if b.op == "const":
        return made if b.data else a
    return term_of("ite", _equal(b, _ZERO), a, made)


_WRITTEN: dict[str, Callable[..., Term]] = {
    "div": _floor,
    "mod": _floor_rest,
    "quot": _toward_zero,
    "rem": _rest_toward_zero,
    "min": lambda a, b: term_of("ite", term_of("<=", a, b), a, b),
    "max": lambda a, b: term_of("ite", term_of("<=", b, a), a, b),
}
OPERATORS = frozenset((*_PLAIN, *_WRITTEN, *(n for n in TABLE if n.startswith("ite_"))))


def sort_of(kind: Kind, width: int) -> Sort:
    """The sort of a kind's values.

    Raises:
      CodegenError: arrays and records have none.
    """
    sorts = {Kind.I: INT, Kind.B: BOOL, Kind.S: STRING, Kind.U: bits(width)}
    if kind not in sorts:
        raise CodegenError(f"SyGuS has no values of kind {kind}: accepted are I, U, B and S")
    return sorts[kind]


def to_term(expr: Expr, names: Sequence[str], width: int = 64) -> Term:
    """An expression as a term over parameters of these names.

    Integers are unbounded there, so the two agree as long as nothing leaves 64 bits.

    Raises:
      CodegenError: a loop, or an operator that the theories do not have.
    """
    made: dict[Expr, Term] = {}
    for node in walk(expr):
        args = tuple(made[a] for a in node.args)
        if node.op == "arg":
            made[node] = Term("var", (), sort_of(node.kind, width), names[node.data])
        elif node.op == "const":
            made[node] = constant(node.data, sort_of(node.kind, width))
        elif node.op in _WRITTEN:
            made[node] = _WRITTEN[node.op](*args)
        elif node.op in OPERATORS:
            op = _PLAIN.get(node.op, "ite")
            sort = OPERATIONS[op].rule(tuple(a.sort for a in args), ())
            made[node] = Term(op, args, sort or sort_of(node.kind, width))
        else:
            raise CodegenError(f"{node.op} has no form in SyGuS")
    return made[expr]


def define_fun(expr: Expr, signature: Signature, name: str = "f") -> str:
    """A program as a SyGuS-IF `define-fun` over `a0`, `a1`, ...

    Raises:
      CodegenError: the program has no term.
    """
    names = [f"a{k}" for k in range(len(signature.arguments))]
    sorts = [sort_of(kind, signature.width) for kind in signature.arguments]
    body = to_term(expr, names, signature.width)
    return str(Definition(name, tuple(zip(names, sorts, strict=True)), body.sort, body))


_BACK = {new: old for old, new in reversed(_PLAIN.items())}
_BACK |= {"str.to.int": "to_int", "int.to.str": "from_int"}
_SWAPPED = {">": "<", ">=": "<=", "bvugt": "bvult", "bvuge": "bvule", "bvsgt": "bvslt",
            "bvsge": "bvsle"}  # fmt: skip
_INVERTED = {"bvnand": "bvand", "bvnor": "bvor", "bvxnor": "bvxor"}
_EQUALS = {Kind.I: "eq", Kind.U: "ueq", Kind.S: "seq"}


def to_expr(term: Term, task: Task) -> Expr:
    """A term as an expression over the task's parameters.

    Raises:
      CodegenError: an operator, a width or an integer that expressions do not have.
      SpecError: words of a width that specifications do not have.
    """
    kinds = task.signature.arguments
    given = {name: arg(k, kinds[k]) for k, (name, _) in enumerate(task.parameters)}
    return _expr(term, given, task.signature.width)


def _expr(term: Term, names: dict[str, Expr], width: int) -> Expr:
    if term.sort.width not in (0, width):
        raise CodegenError(f"words of {term.sort.width} and of {width} bits in one program")
    if term.op == "var":
        return names[term.data]
    if term.op == "const":
        if term.sort == INT and not INT_MIN <= term.data <= INT_MAX:
            raise CodegenError(f"{term.data} is not an integer of 64 bits")
        return const(term.data, {"Int": Kind.I, "Bool": Kind.B, "String": Kind.S}.get(
            term.sort.name, Kind.U))  # fmt: skip
    args = [_expr(a, names, width) for a in term.args]
    if isinstance(term.data, Definition):
        inner = dict(zip((n for n, _ in term.data.parameters), args, strict=True))
        return _expr(term.data.body, inner, width)
    return _called(term.op, args)


def _called(op: str, args: list[Expr]) -> Expr:
    if op in _SWAPPED:
        return _chained(_SWAPPED[op], args[::-1])
    if op in _INVERTED:
        return call("unot", _called(_INVERTED[op], args))
    if op in ("<", "<=", "=", "bvult", "bvule", "bvslt", "bvsle"):
        return _chained(op, args)
    if op == "distinct" and len(args) == 2:
        return call("not", _chained("=", args))
    if op == "=>":
        return reduce(lambda b, a: call("or", call("not", a), b), reversed(args))
    if op == "ite":
        return call(f"ite_{args[1].kind}".lower(), *args)
    if op == "-" and len(args) == 1:
        return call("neg", args[0])
    if op in ("div", "mod"):
        return reduce(_DIVISIONS[op], args)
    if op not in _BACK:
        raise CodegenError(f"{op} has no form in other languages")
    name = _BACK[op]
    if len(TABLE[name].arguments) == 2:
        return reduce(lambda a, b: call(name, a, b), args)
    return call(name, *args)


def _chained(op: str, args: list[Expr]) -> Expr:
    def one(a: Expr, b: Expr) -> Expr:
        if op == "=" and a.kind is Kind.B:
            return call("not", call("xor", a, b))
        return call(_EQUALS[a.kind] if op == "=" else _BACK[op], a, b)

    pairs = [one(a, b) for a, b in pairwise(args)]
    return reduce(lambda a, b: call("and", a, b), pairs)


def _euclidean(a: Expr, b: Expr) -> Expr:
    if b.op == "const" and b.data > 0:
        return call("div", a, b)
    zero = const(0, Kind.I)
    flipped = call("neg", call("div", a, call("neg", b)))
    return call("ite_i", call("lt", b, zero), flipped, call("div", a, b))


def _euclidean_rest(a: Expr, b: Expr) -> Expr:
    return call("mod", a, b if b.op == "const" and b.data > 0 else call("abs", b))


_DIVISIONS = {"div": _euclidean, "mod": _euclidean_rest}
