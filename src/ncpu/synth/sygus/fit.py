"""A term found elsewhere, written within a grammar; or the answer that it cannot be.

A term is matched against productions.  Where none matches, it is rewritten at the root by an
equality of the theory and tried again, a few times deep.
"""

from __future__ import annotations

from collections.abc import Iterator

from ncpu.synth.sygus.grammar import Grammar
from ncpu.synth.sygus.term import Term, constant
from ncpu.synth.sygus.theory import BOOL, INT

_REWRITES = 2  # in a row at one place
_LARGEST = 400  # nodes of a term that is tried
_MULTIPLE = 12  # the largest factor written as a sum


class Fitter:
    """Writes terms within one grammar."""

    def __init__(self, grammar: Grammar):
        self.grammar = grammar
        self._known: dict[tuple[str, Term, int], Term | None] = {}
        self._open: set[tuple[str, Term]] = set()

    def fit(self, term: Term) -> Term | None:
        """An equal term that the grammar derives, or None."""
        return self._fit(self.grammar.start, term, _REWRITES) if term.size <= _LARGEST else None

    def _fit(self, name: str, term: Term, left: int) -> Term | None:
        key = (name, term, left)
        if key not in self._known:
            if (name, term) in self._open:
                return None  # a cycle of unit productions or of rewrites
            self._open.add((name, term))
            self._known[key] = self._search(name, term, left)
            self._open.discard((name, term))
        return self._known[key]

    def _search(self, name: str, term: Term, left: int) -> Term | None:
        if term.sort != self.grammar.sorts[name]:
            return None
        for rule in self.grammar.productions[name]:
            made = self._match(rule, term)
            if made is not None:
                return made
        for other in rewrites(term) if left else ():
            made = self._fit(name, other, left - 1)
            if made is not None:
                return made
        return None

    def _match(self, rule: Term, term: Term) -> Term | None:
        if rule.op == "hole":
            return self._fit(rule.data, term, _REWRITES)
        if rule.op == "any":
            return term if term.op == "const" and term.sort == rule.sort else None
        if (rule.op, rule.data, rule.sort, len(rule.args)) != (
            term.op, term.data, term.sort, len(term.args)
        ):  # fmt: skip
            return None
        args = []
        for one, other in zip(rule.args, term.args, strict=True):
            made = self._match(one, other)
            if made is None:
                return None
            args.append(made)
        return Term(rule.op, tuple(args), rule.sort, rule.data)


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "bvult": "bvugt", "bvule": "bvuge",
             "bvslt": "bvsgt", "bvsle": "bvsge"}  # fmt: skip
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "bvult": "bvuge", "bvule": "bvugt",
            "bvslt": "bvsge", "bvsle": "bvsgt"}  # fmt: skip
_COMMUTING = {"+", "*", "and", "or", "xor", "=", "bvadd", "bvmul", "bvand", "bvor", "bvxor"}
_ZERO, _ONE = constant(0, INT), constant(1, INT)


def term_of(op: str, *args: Term) -> Term:
    """An operator's term; of the sort of its last operand unless it is a test."""
    tests = op in _MIRRORED or op in ("=", "not", "and", "or", "xor", "=>")
    return Term(op, args, BOOL if tests else args[-1].sort)


def rewrites(term: Term) -> Iterator[Term]:
    """Terms that are equal to a term, by one equality at its root."""
    op, args = term.op, term.args
    if op in _COMMUTING and len(args) == 2:
        yield Term(op, args[::-1], term.sort)
    if op in _MIRRORED:
        yield term_of(_MIRRORED[op], *args[::-1])
        yield term_of("not", term_of(_NEGATED[op], *args))
    if op == "not" and args[0].op in _NEGATED:
        yield term_of(_NEGATED[args[0].op], *args[0].args)
    if op == "not" and args[0].op in ("and", "or"):
        other = {"and": "or", "or": "and"}[args[0].op]
        yield term_of(other, *(term_of("not", a) for a in args[0].args))
    if op == "=" and args[0].sort == INT:
        yield term_of("and", term_of("<=", *args), term_of("<=", *args[::-1]))
    if op in ("and", "or") and len(args) == 2:
        other = {"and": "or", "or": "and"}[op]
        yield term_of("not", term_of(other, *(term_of("not", a) for a in args)))
    if op == "<" and args[0].sort == INT and args[1].op == "const":
        yield term_of("<=", args[0], constant(args[1].data - 1, INT))
    if op == "<" and args[0].op == "const" and args[0].sort == INT:
        yield term_of("<=", constant(args[0].data + 1, INT), args[1])
    if op == "ite" and term.sort == BOOL:
        yes, no = args[0], term_of("not", args[0])
        yield term_of("or", term_of("and", yes, args[1]), term_of("and", no, args[-1]))
    if op == "ite" and args[0].op == "not":
        yield term_of("ite", args[0].args[0], *args[:0:-1])
    if term.sort == INT:
        yield from _integer(term)
    if op == "bvneg":
        yield term_of("bvsub", constant(0, term.sort), args[0])
        yield term_of("bvadd", term_of("bvnot", args[0]), constant(1, term.sort))
    if op == "bvsub":
        yield term_of("bvadd", args[0], term_of("bvneg", args[1]))
    if op == "str.at":
        yield Term("str.substr", (*args, _ONE), term.sort)


def _integer(term: Term) -> Iterator[Term]:
    op, args = term.op, term.args
    if op == "abs":
        yield term_of("ite", term_of("<", args[0], _ZERO), Term("-", args, INT), args[0])
    if op == "-" and len(args) == 1:
        yield term_of("-", _ZERO, args[0])
        yield term_of("*", constant(-1, INT), args[0])
    if op == "-" and len(args) == 2:
        if args[1].op == "const":
            yield term_of("+", args[0], constant(-args[1].data, INT))
        yield term_of("+", args[0], Term("-", args[1:], INT))
    if op == "+" and len(args) == 2:
        for one, other in (args, args[::-1]):
            if other.op == "const" and other.data < 0:
                yield term_of("-", one, constant(-other.data, INT))
            if other.op == "-" and len(other.args) == 1:
                yield term_of("-", one, other.args[0])
    if op == "*" and len(args) == 2:
        for factor, other in (args, args[::-1]):
            if factor.op == "const" and 2 <= factor.data <= _MULTIPLE:
                rest = term_of("*", constant(factor.data - 1, INT), other)
                yield term_of("+", other, rest if factor.data > 2 else other)
            if factor.op == "const" and factor.data == -1:
                yield term_of("-", _ZERO, other)
    if op == "const" and 2 <= term.data <= _MULTIPLE:
        yield term_of("+", _ONE, constant(term.data - 1, INT))
    if op == "const" and -_MULTIPLE <= term.data < 0:
        yield term_of("-", _ZERO, constant(-term.data, INT))
