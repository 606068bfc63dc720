"""Grammars: nonterminals with productions; the user's, or all of a logic when none is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ncpu.synth.errors import GrammarError
from ncpu.synth.sygus.term import Term, walk
from ncpu.synth.sygus.theory import BOOL, INT, OPERATIONS, STRING, Sort


@dataclass(frozen=True)
class Grammar:
    """What programs may look like.

    Attributes:
      start: the nonterminal of whole programs.
      sorts: of every nonterminal.
      productions: of every nonterminal: terms whose `hole` nodes are nonterminals and whose `any`
        nodes are arbitrary constants.
      given: whether the user wrote it.
    """

    start: str
    sorts: Mapping[str, Sort]
    productions: Mapping[str, tuple[Term, ...]]
    given: bool = True

    @property
    def free_constants(self) -> frozenset[Sort]:
        """Sorts of which any constant may be used somewhere."""
        rules = (rule for rules in self.productions.values() for rule in rules)
        return frozenset(t.sort for rule in rules for t in walk(rule) if t.op == "any")

    def reachable(self) -> frozenset[str]:
        """Nonterminals that the start leads to."""
        found, left = {self.start}, [self.start]
        while left:
            for rule in self.productions[left.pop()]:
                new = {t.data for t in walk(rule) if t.op == "hole"} - found
                found |= new
                left += new
        return frozenset(found)

    def productive(self) -> frozenset[str]:
        """Nonterminals that derive some program."""
        found: set[str] = set()
        while True:
            new = {
                name
                for name, rules in self.productions.items()
                if any(all(t.data in found for t in walk(r) if t.op == "hole") for r in rules)
            }
            if new == found:
                return frozenset(found)
            found = new

    def checked(self) -> Grammar:
        """The same without what derives nothing.

        Raises:
          GrammarError: the start derives no program.
        """
        live = self.productive() & self.reachable()
        if self.start not in live:
            raise GrammarError(
                f"the grammar derives no program: every derivation from {self.start} "
                "goes on forever"
            )
        kept = {
            name: tuple(
                rule
                for rule in dict.fromkeys(rules)
                if all(t.data in live for t in walk(rule) if t.op == "hole")
            )
            for name, rules in self.productions.items()
            if name in live
        }
        sorts = {name: sort for name, sort in self.sorts.items() if name in live}
        return Grammar(self.start, sorts, kept, self.given)


def nonterminal(name: str, sort: Sort) -> Term:
    """A nonterminal in a production."""
    return Term("hole", (), sort, name)


_NAMES = {"Int": "I", "Bool": "B", "String": "S"}
_LINEAR = "(+ I I) (- I I) (- I) (* K I) (div I K) (mod I K) (abs I) (ite B I I)"
_FREE = "(* I I) (div I I) (mod I I)"
_TRUTH = "(and B B) (or B B) (not B)"
_INT_TESTS = "(= I I) (<= I I) (< I I)"
_TEXT = "(str.++ S S) (str.replace S S S) (str.at S I) (str.substr S I I) (str.from_int I)"
_TEXT += " (ite B S S)"
_TEXT_INTEGERS = "(+ I I) (- I I) (str.len S) (str.to_int S) (str.indexof S S I) (ite B I I)"
_TEXT_TESTS = "(str.prefixof S S) (str.suffixof S S) (str.contains S S) (= S S)"
_WORD = [
    "bvnot",
    "bvneg",
    "bvadd",
    "bvsub",
    "bvmul",
    "bvand",
    "bvor",
    "bvxor",
    "bvshl",
    "bvlshr",
    "bvashr",
    "bvudiv",
    "bvurem",
    "ite",
]
_WORD_TESTS = ["=", "bvult", "bvule", "bvslt", "bvsle"]


def default(logic: str, parameters: Iterable[tuple[str, Sort]], result: Sort) -> Grammar:
    """All of a logic over the parameters, as a grammar; `LIA` divides by constants only.

    Args:
      logic: `LIA`, `NIA`, `BV`, `S`, `SLIA` or `ALL`.
      parameters: names with sorts.
      result: sort of a program.
    """
    parameters = tuple(parameters)
    sorts = dict.fromkeys([result, *(sort for _, sort in parameters), BOOL])
    if STRING in sorts:
        sorts[INT] = None
    names = {sort: _NAMES.get(sort.name, f"W{sort.width}") for sort in sorts}
    rules: dict[str, list[Term]] = {}
    for sort, name in names.items():
        rules[name] = [Term("var", (), s, p) for p, s in parameters if s == sort]
        rules[name].append(Term("any", (), sort))
    holes = {name: nonterminal(name, sort) for sort, name in names.items()}
    if INT in sorts:
        holes["K"] = nonterminal("K", INT)
        rules["K"] = [Term("any", (), INT)]
        text = STRING in sorts
        more = _FREE if logic not in ("LIA", "S", "SLIA") else ""
        rules["I"] += _read(_TEXT_INTEGERS if text else f"{_LINEAR} {more}", holes)
        rules["B"] += _read(_INT_TESTS, holes)
        if text:
            rules["S"] += _read(_TEXT, holes)
            rules["B"] += _read(_TEXT_TESTS, holes)
    for sort, name in names.items():
        if sort.width:
            rules[name] += [_made(op, holes, _operands(op, name)) for op in _WORD]
            rules["B"] += [_made(op, holes, [name, name]) for op in _WORD_TESTS]
    rules["B"] += _read(_TRUTH, holes)
    made = {name: tuple(found) for name, found in rules.items()}
    kinds = {n: s for s, n in names.items()} | ({"K": INT} if "K" in made else {})
    return Grammar(names[result], kinds, made, given=False).checked()


def _operands(op: str, name: str) -> list[str]:
    if op == "ite":
        return ["B", name, name]
    return [name] if op in ("bvnot", "bvneg") else [name, name]


def _made(op: str, holes: Mapping[str, Term], names: Sequence[str]) -> Term:
    args = tuple(holes[name] for name in names)
    sort = OPERATIONS[op].rule(tuple(a.sort for a in args), ())
    assert sort is not None, op
    return Term(op, args, sort)


def _read(text: str, holes: Mapping[str, Term]) -> list[Term]:
    made = []
    for rule in text.strip("()").split(") ("):
        op, *names = rule.strip().strip("()").split()
        made.append(_made(op, holes, names))
    return made
