"""The commands of a SyGuS-IF version 2 file; every fault has its line and column."""

from __future__ import annotations

from dataclasses import dataclass, field

from ncpu.synth.errors import SourceError
from ncpu.synth.sygus.grammar import Grammar, default, nonterminal
from ncpu.synth.sygus.problem import Task
from ncpu.synth.sygus.reader import Node, read
from ncpu.synth.sygus.scope import Scope, unsupported
from ncpu.synth.sygus.term import Definition, Term, walk
from ncpu.synth.sygus.theory import (
    BOOL,
    LOGICS,
    OPERATIONS,
    Sort,
)


@dataclass
class _File(Scope):
    """What was declared so far."""

    variables: dict[str, Sort] = field(default_factory=dict)
    constraints: list[Term] = field(default_factory=list)
    grammar: Grammar | None = None
    asked: bool = False

    def command(self, node: Node) -> None:
        """Takes one command."""
        if node.form != "list" or not node.items or node.items[0].form != "symbol":
            node.fail("a command such as (check-synth) is wanted here")
        name, *rest = node.items
        if self.asked:
            unsupported(node, "commands after check-synth are", "none")
        if name.text not in _COMMANDS:
            unsupported(name, f"command {name.text} is", ", ".join(_COMMANDS))
        least, most, take = _COMMANDS[name.text]
        if not least <= len(rest) <= most:
            count = str(least) if least == most else f"{least} to {most}"
            node.fail(f"{name.text} has {len(rest)} operands: {count} wanted")
        if (
            name.text not in ("set-logic", "set-option", "set-info", "set-feature")
            and not self.logic
        ):
            node.fail(f"{name.text} before set-logic")
        take(self, *rest)

    def set_logic(self, node: Node) -> None:
        if node.text not in LOGICS:
            unsupported(node, f"logic {node} is", ", ".join(LOGICS))
        self.logic = node.text

    def note(self, key: Node, *_: Node) -> None:
        if key.form != "keyword":
            key.fail(f"{key} is not a keyword such as :name")

    def set_feature(self, key: Node, on: Node) -> None:
        if key.text != ":grammars" and on.text != "false":
            unsupported(key, f"feature {key} is", ":grammars")

    def declare_var(self, name: Node, sort: Node) -> None:
        self._free(name)
        self.variables[name.text] = self.sort(sort)

    def define_fun(self, name: Node, parameters: Node, sort: Node, body: Node) -> None:
        self._free(name)
        given = self._parameters(parameters)
        made = self.term(body, {n: Term("var", (), s, n) for n, s in given})
        self._want(made, self.sort(sort), body)
        self.functions[name.text] = Definition(name.text, given, made.sort, made)

    def constraint(self, node: Node) -> None:
        made = self.term(node, {n: Term("var", (), s, n) for n, s in self.variables.items()})
        self._want(made, BOOL, node)
        for part in walk(made):
            if part.op == "apply" and any(t.op == "apply" for a in part.args for t in walk(a)):
                unsupported(node, f"{self.name} within its own operands is", "operands without it")
        self.constraints.append(made)

    def synth_fun(self, name: Node, parameters: Node, sort: Node, *rules: Node) -> None:
        if self.name:
            unsupported(name, "a second function to be found is", "one synth-fun")
        self._free(name)
        given, result = self._parameters(parameters), self.sort(sort)
        if len(rules) == 1:
            rules[0].fail("a grammar of version 1: nonterminals are declared before their rules, "
                          "((I Int)) ((I Int (x)))")  # fmt: skip
        self.grammar = self._grammar(rules[0], rules[1], given, result) if rules else None
        self.name, self.parameters, self.result = name.text, given, result

    def check_synth(self) -> None:
        self.asked = True

    def _free(self, name: Node) -> None:
        if name.form != "symbol":
            name.fail(f"{name} is not a name")
        taken = {self.name, *self.variables, *self.functions, *OPERATIONS, "true", "false", "let"}
        if name.text in taken:
            name.fail(f"{name} already has a meaning")

    def _want(self, term: Term, sort: Sort, node: Node) -> None:
        if term.sort != sort:
            node.fail(f"a term of sort {term.sort} where {sort} is wanted")

    def _parameters(self, node: Node) -> tuple[tuple[str, Sort], ...]:
        if node.form != "list":
            node.fail("parameters such as ((x Int)) are wanted here")
        found = []
        for part in node.items:
            if len(part.items) != 2 or part.items[0].form != "symbol":
                part.fail("a name with its sort, such as (x Int), is wanted here")
            if part.items[0].text in dict(found):
                part.items[0].fail(f"{part.items[0]} is named twice")
            found.append((part.items[0].text, self.sort(part.items[1])))
        return tuple(found)

    def _grammar(self, declared: Node, groups: Node, given, result: Sort) -> Grammar:
        sorts = dict(self._parameters(declared))
        if not sorts:
            declared.fail("a grammar without nonterminals")
        names = {n: Term("var", (), s, n) for n, s in given}
        for part in declared.items:
            if part.items[0].text in names or part.items[0].text in self.functions:
                part.items[0].fail(f"{part.items[0]} already has a meaning")
        names |= {n: nonterminal(n, s) for n, s in sorts.items()}
        found: dict[str, tuple[Term, ...]] = {}
        for group in groups.items:
            name, sort = (
                (group.items[0].text, group.items[1]) if len(group.items) == 3 else ("", group)
            )
            if name not in sorts or self.sort(sort) != sorts[name] or not group.items[2].items:
                group.fail("rules such as (I Int (x (+ I I))) of a declared nonterminal are wanted")
            if name in found:
                group.fail(f"rules of {name} stand twice")
            found[name] = tuple(self._rules(group.items[2].items, names, sorts[name], given))
        for part in declared.items:
            if part.items[0].text not in found:
                part.fail(f"nonterminal {part.items[0]} has no rules")
        start = next(iter(sorts))
        if sorts[start] != result:
            declared.items[0].fail(f"the first nonterminal has sort {sorts[start]}, not {result}")
        return Grammar(start, sorts, found).checked()

    def _rules(self, nodes, names: dict[str, Term], sort: Sort, given):
        for node in nodes:
            if node.items and node.items[0].text == "Variable" and len(node.items) == 2:
                wanted = self.sort(node.items[1])
                made = [Term("var", (), s, n) for n, s in given if s == wanted]
            else:
                wanted, made = sort, [self.term(node, names, rule=True)]
            if wanted != sort or (made and made[0].sort != sort):
                node.fail(
                    f"a rule of sort {made[0].sort if made else wanted} where {sort} is wanted"
                )
            yield from made

    def task(self) -> Task:
        """All that was declared.

        Raises:
          SourceError: there is no function to be found, or no check-synth.
        """
        if not self.name or not self.asked:
            raise SourceError(f"no {'check-synth' if self.name else 'synth-fun'} command", 1, 1)
        grammar = self.grammar or default(self.logic, self.parameters, self.result)
        return Task(self.logic, self.name, self.parameters, self.result, grammar, self.variables,
                    self.functions, tuple(self.constraints))  # fmt: skip


_COMMANDS = {
    "set-logic": (1, 1, _File.set_logic),
    "set-option": (1, 2, _File.note),
    "set-info": (1, 2, _File.note),
    "set-feature": (2, 2, _File.set_feature),
    "synth-fun": (3, 5, _File.synth_fun),
    "declare-var": (2, 2, _File.declare_var),
    "define-fun": (4, 4, _File.define_fun),
    "constraint": (1, 1, _File.constraint),
    "check-synth": (0, 0, _File.check_synth),
}


def parse(text: str) -> Task:
    """The task of a file's text.

    Raises:
      SourceError: it does not parse; says where.
      UnsupportedError: a command, sort or form this reader does not take; says where.
      GrammarError: the grammar derives no program.
    """
    file = _File()
    for node in read(text):
        file.command(node)
    return file.task()
