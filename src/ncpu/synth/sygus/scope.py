"""Sorts and terms of a file, given what was declared before them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from ncpu.synth.errors import UnsupportedError
from ncpu.synth.sygus.reader import Node
from ncpu.synth.sygus.term import Definition, Term, constant
from ncpu.synth.sygus.theory import (
    BOOL,
    INT,
    LOGICS,
    OPERATIONS,
    STRING,
    WIDEST,
    Sort,
    bits,
)

_SORTS = {"Int": INT, "Bool": BOOL, "String": STRING}
_TERM_WORDS = {
    "exists": "quantifiers",
    "forall": "quantifiers",
    "match": "datatypes",
    "!": "attributes",
}
_LARGEST_TERM = 20_000  # nodes, after `let` and defined functions are written out


def unsupported(node: Node, what: str, accepted: str) -> NoReturn:
    """Raises `UnsupportedError` at a node."""
    raise UnsupportedError(f"{what} not supported: accepted are {accepted}", node.line, node.column)


@dataclass
class Scope:
    """What names mean.

    Attributes:
      logic: of the file.
      functions: defined so far.
      name: of the function to be found; empty before it is declared.
      parameters: its parameters with sorts.
      result: its sort.
    """

    logic: str = ""
    functions: dict[str, Definition] = field(default_factory=dict)
    name: str = ""
    parameters: tuple[tuple[str, Sort], ...] = ()
    result: Sort = BOOL

    def sort(self, node: Node) -> Sort:
        """`Int`, `Bool`, `String`, `(_ BitVec 8)`."""
        text = [item.text for item in node.items]
        if node.form == "symbol" and node.text in _SORTS:
            found = _SORTS[node.text]
        elif text[:2] == ["_", "BitVec"] and len(text) == 3 and node.items[2].form == "numeral":
            width = int(text[2]) if len(text[2]) < 9 else 0
            if not 1 <= width <= WIDEST:
                unsupported(node, f"width {text[2]} is", f"1 to {WIDEST}")
            found = bits(width)
        else:
            unsupported(node, f"sort {node} is", "Int, Bool, String, (_ BitVec N)")
        if found.name not in LOGICS[self.logic]:
            node.fail(f"sort {found} is not in logic {self.logic}")
        return found

    def term(self, node: Node, names: dict[str, Term], rule: bool = False) -> Term:
        """A term; a grammar's whole `rule` may also be `(Constant S)`."""
        if node.form != "list":
            return self._atom(node, names)
        if not node.items:
            node.fail("an empty list is no term")
        head, *rest = node.items
        if head.text == "let" and head.form == "symbol":
            return self._let(node, rest, names)
        if rule and head.text == "Constant" and len(rest) == 1:
            return Term("any", (), self.sort(rest[0]))
        if head.text == "_" and head.form == "symbol":
            return self._numbered_word(node)
        if head.form == "symbol" and head.text in _TERM_WORDS:
            unsupported(head, f"{_TERM_WORDS[head.text]} are", "terms without")
        args = tuple(self.term(item, names) for item in rest)
        made = self._applied(node, head, args)
        if made.size > _LARGEST_TERM:
            node.fail(f"a term of more than {_LARGEST_TERM} nodes")
        return made

    def _atom(self, node: Node, names: dict[str, Term]) -> Term:
        if node.form == "numeral":
            if len(node.text) > 1000:
                node.fail("a number of more than 1000 digits")
            return constant(int(node.text), INT)
        if node.form == "string":
            return constant(node.text, STRING)
        if node.form in ("hex", "binary"):
            digits = len(node.text) - 2
            sort = bits(digits * (4 if node.form == "hex" else 1))
            if sort.width > WIDEST:
                unsupported(node, f"width {sort.width} is", f"1 to {WIDEST}")
            return constant(int(node.text[2:], 16 if node.form == "hex" else 2), sort)
        if node.form != "symbol":
            unsupported(node, f"{node.form} {node} is", "integers, words, strings and names")
        if node.text in names:
            return names[node.text]
        if node.text in ("true", "false"):
            return constant(node.text == "true", BOOL)
        return self._applied(node, node, ())

    def _applied(self, node: Node, head: Node, args: tuple[Term, ...]) -> Term:
        name, indices, sorts = head.text, None, tuple(a.sort for a in args)
        if head.form == "list" and len(head.items) > 2 and head.items[0].text == "_":
            name = head.items[1].text
            if any(i.form != "numeral" or len(i.text) > 9 for i in head.items[2:]):
                head.fail(f"the indices of {name} are not small numbers")
            indices = tuple(int(i.text) for i in head.items[2:])
        elif head.form != "symbol":
            head.fail(f"{head} is no function")
        given = " ".join(map(str, sorts)) or "nothing"
        definition = self.functions.get(name)
        if indices is None and (definition or (self.name and name == self.name)):
            parameters = definition.parameters if definition else self.parameters
            if sorts != tuple(sort for _, sort in parameters):
                wanted = " ".join(str(sort) for _, sort in parameters) or "nothing"
                node.fail(f"{name} takes {wanted}, not {given}")
            if definition:
                return Term("call", args, definition.sort, definition)
            return Term("apply", args, self.result, name)
        if name not in OPERATIONS:
            head.fail(f"{name!r} has no meaning here")
        sort = OPERATIONS[name].rule(sorts, indices or ())
        if sort is None:
            node.fail(f"{name} does not take {given}")
        if not sort.width and sort.name not in LOGICS[self.logic]:
            node.fail(f"{name} is not in logic {self.logic}")
        if name == "-" and len(args) == 1 and args[0].op == "const":
            return constant(-args[0].data, INT)
        return Term(name, args, sort, indices)

    def _numbered_word(self, node: Node) -> Term:
        """`(_ bv5 8)`."""
        text = [item.text for item in node.items]
        if (
            len(text) == 3
            and text[1][:2] == "bv"
            and text[1][2:].isdecimal()
            and text[2].isdecimal()
        ):
            value, width = int(text[1][2:][:40]), int(text[2][:9])
            if 1 <= width <= WIDEST and value < 1 << width:
                return constant(value, bits(width))
        node.fail(f"{node} is no word of 1 to {WIDEST} bits")

    def _let(self, node: Node, rest: list[Node], names: dict[str, Term]) -> Term:
        if len(rest) != 2 or rest[0].form != "list":
            node.fail("let is (let ((name term) ...) term)")
        inner = dict(names)
        for part in rest[0].items:
            if len(part.items) != 2 or part.items[0].form != "symbol":
                part.fail("a name with its term, such as (x 1), is wanted here")
            inner[part.items[0].text] = self.term(part.items[1], names)
        return self.term(rest[1], inner)
