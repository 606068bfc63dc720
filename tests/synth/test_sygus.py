"""SyGuS-IF: read, solved within the grammar, and judged by cvc5 and z3."""

from __future__ import annotations

import random
from typing import Any

import cvc5
import numpy as np
import pytest
import z3

from ncpu.synth import sygus
from ncpu.synth.errors import (
    ContradictionError,
    GrammarError,
    SourceError,
    SpecError,
    SynthError,
    UnsupportedError,
)
from ncpu.synth.spec import Budget
from ncpu.synth.sygus.problem import value_of
from ncpu.synth.sygus.reader import escaped, read, unescaped
from ncpu.synth.sygus.term import Term, constant
from ncpu.synth.sygus.theory import BOOL, INT, OPERATIONS, STRING, bits

LINEAR = """((I Int) (B Bool))
  ((I Int (x y 0 1 (+ I I) (- I I) (ite B I I)))
   (B Bool ((and B B) (or B B) (not B) (= I I) (<= I I) (>= I I))))"""
NAMES = """((S String) (I Int))
  ((S String (name " " "." (str.++ S S) (str.at S I) (str.substr S I I)))
   (I Int (0 1 (+ I I) (str.len S) (str.indexof S S I))))"""
WORD = "(_ BitVec 32)"
TASKS = {
    "maximum": f"""(set-logic LIA)
(synth-fun f ((x Int) (y Int)) Int {LINEAR})
(declare-var x Int) (declare-var y Int)
(constraint (>= (f x y) x)) (constraint (>= (f x y) y))
(constraint (or (= x (f x y)) (= y (f x y)))) (check-synth)""",
    "two places": """(set-logic LIA)
(synth-fun f ((x Int) (y Int)) Int ((I Int)) ((I Int ((Variable Int) 1 (+ I I) (- I I)))))
(declare-var x Int) (declare-var y Int)
(constraint (= (f x y) (f y x))) (constraint (= (f x 0) (+ x 1))) (check-synth)""",
    "lowest set bit": f"""(set-logic BV)
(define-fun wanted ((x {WORD})) {WORD} (bvand (bvneg x) x))
(synth-fun f ((x {WORD})) {WORD} ((S {WORD}))
  ((S {WORD} (x #xffffffff (bvnot S) (bvand S S) (bvadd S S)))))
(declare-var x {WORD}) (constraint (= (wanted x) (f x))) (check-synth)""",
    "odd width": """(set-logic BV)
(synth-fun f ((x (_ BitVec 13)) (c Bool)) (_ BitVec 13) ((S (_ BitVec 13)) (B Bool))
  ((S (_ BitVec 13) (x (bvor S S) ((_ rotate_left 5) S) (ite B S S))) (B Bool (c (not B)))))
(constraint (= (f #b0000000000001 true) #b0000000100000))
(constraint (= (f #b1000000000001 true) #b0000000110000))
(constraint (= (f #b1000000000001 false) #b1000000000001)) (check-synth)""",
    "initials": f"""(set-logic SLIA)
(synth-fun f ((name String)) String {NAMES})
(constraint (= (f "Ada Lovelace") "A.L")) (constraint (= (f "Alan Turing") "A.T"))
(constraint (= "G.H" (f "Grace Hopper"))) (check-synth)""",
    "a truth value": """(set-logic LIA)
(synth-fun f ((x Int)) Bool ((B Bool) (I Int))
  ((B Bool ((< I I) (= I I) (not B))) (I Int (x (Constant Int) (mod I I)))))
(constraint (f 4)) (constraint (not (f 3))) (constraint (f 0)) (constraint (not (f 7)))
(constraint (f (- 2))) (constraint (= (f 12) true)) (constraint (not (f (- 5)))) (check-synth)""",
}


def ask(text: str) -> str:
    """What cvc5 says of an SMT-LIB text."""
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit", "20000")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"(set-logic ALL)\n{text}", "text")
    names = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        command.invoke(solver, names)
    return str(solver.checkSat())


def plain(node) -> Any:
    """A parsed text as nested lists."""
    return [plain(n) for n in node.items] if node.form == "list" else f"{node.form}:{node.text}"


def derives(rules: dict, name: str, term: Any, depth: int = 30) -> bool:
    """Whether a grammar, as nested lists, derives a term: written apart from the library."""

    def fits(rule: Any, part: Any, left: int) -> bool:
        if left == 0:
            return False
        if isinstance(rule, str) and rule.removeprefix("symbol:") in rules:
            return derives(rules, rule.removeprefix("symbol:"), part, left - 1)
        if isinstance(rule, list) and rule[0] == "symbol:Constant":
            negative = isinstance(part, list) and part[0] == "symbol:-" and len(part) == 2
            return fits(rule, part[1], left) if negative else str(part).startswith("numeral:")
        if isinstance(rule, list) and rule[0] == "symbol:Variable":
            return part in ("symbol:x", "symbol:y")
        if isinstance(rule, str) or isinstance(part, str):
            return rule == part
        return len(rule) == len(part) and all(map(fits, rule, part, [left - 1] * len(rule)))

    return any(fits(rule, term, depth) for rule in rules[name])


@pytest.mark.parametrize("name", TASKS)
def test_answers_are_right_and_within_the_grammar(name):
    text = TASKS[name]
    answer = sygus.solve(sygus.parse(text), Budget(20))
    assert answer.solved, answer.evidence
    lines = [str(n) for n in read(text)]
    variables = [str(n).replace("declare-var", "declare-const") for n in read(text)
                 if str(n).startswith("(declare-var")]  # fmt: skip
    defined = [line for line in lines if line.startswith("(define-fun")]
    wanted = [line.removeprefix("(constraint ")[:-1] for line in lines
              if line.startswith("(constraint")]  # fmt: skip
    broken = f"(assert (not (and true {' '.join(wanted)})))"
    assert ask("\n".join([*defined, *variables, answer.text, broken])) == "unsat"
    command = next(plain(n) for n in read(text) if str(n).startswith("(synth-fun"))
    rules = {group[0].removeprefix("symbol:"): group[2] for group in command[5]}
    body = plain(read(answer.text)[0])[4]
    assert derives(rules, command[4][0][0].removeprefix("symbol:"), body), answer.text


def test_without_a_grammar_all_of_the_logic_is_allowed():
    text = """(set-logic LIA) (synth-fun f ((x Int) (y Int)) Int)
(constraint (= (f 7 2) 25)) (constraint (= (f (- 3) 4) (- 1))) (constraint (= (f 0 0) 0))
(constraint (= (f 10 (- 6)) 18)) (constraint (= (f 1 1) 5)) (constraint (= (f 5 0) 15))
(check-synth)"""
    answer = sygus.solve(sygus.parse(text), Budget(10))
    assert answer.body is not None and answer.evidence == "examples"
    x, y = constant(100, INT), constant(-7, INT)
    value = value_of(_filled(answer.body, {"x": x, "y": y}))
    assert value == 3 * 100 + 2 * -7


def _filled(term: Term, names: dict) -> Term:
    if term.op == "var":
        return names[term.data]
    return Term(term.op, tuple(_filled(a, names) for a in term.args), term.sort, term.data)


def test_a_finite_grammar_without_an_answer_ends_before_the_limit():
    text = """(set-logic LIA) (synth-fun f ((x Int)) Int ((I Int)) ((I Int (x 0 (- I)))))
(constraint (= (f 1) 5)) (check-synth)"""
    answer = sygus.solve(sygus.parse(text), Budget(30))
    assert not answer.solved and answer.text == "fail" and answer.seconds < 10
    assert "no program of the grammar" in answer.evidence


def test_a_division_by_zero_is_no_answer():
    text = """(set-logic NIA)
(synth-fun f ((x Int)) Int ((I Int)) ((I Int (x (div x x) (mod I I)))))
(constraint (= (f 0) 0)) (constraint (= (f 4) 1)) (check-synth)"""
    assert not sygus.solve(sygus.parse(text), Budget(5)).solved


def test_memory_bounds_the_search():
    text = TASKS["initials"].replace("Grace Hopper", "Grace Brewster").replace("G.H", "xyz")
    answer = sygus.solve(sygus.parse(text), Budget(20, 8 << 20))
    assert not answer.solved and answer.evidence == "memory limit"


SORTS = [INT, BOOL, STRING, bits(1), bits(8), bits(13), bits(64)]


def _values(sort, rng: random.Random):
    if sort == INT:
        return rng.choice([0, 1, -1, 2, 7, -12, 10**30, rng.randint(-99, 99)])
    if sort == BOOL:
        return rng.random() < 0.5
    if sort == STRING:
        return rng.choice(["", "0", "12", "ab", "aab", "a b", "é", "Z", '"', "\\u{41}"])
    return rng.choice(
        [0, 1, (1 << sort.width) - 1, 1 << sort.width >> 1, rng.getrandbits(sort.width)]
    )


def _draw(name: str, rng: random.Random) -> Term | None:
    known = {"extract": [(0, 0), (5, 2)], "zero_extend": [(3,)], "sign_extend": [(3,)],
             "rotate_left": [(0,), (9,)], "rotate_right": [(1,), (14,)]}  # fmt: skip
    indices = known.get(name, [None])
    for _ in range(300):
        sort, count = rng.choice(SORTS), rng.randint(1, 3)
        sorts = tuple(rng.choice(SORTS) if rng.random() < 0.4 else sort for _ in range(count))
        chosen = rng.choice(indices)
        result = OPERATIONS[name].rule(sorts, chosen or ())
        if result is not None and not (name in ("div", "mod") and count > 2):
            return Term(name, tuple(constant(_values(s, rng), s) for s in sorts), result, chosen)
    return None


def test_operators_have_the_meaning_that_z3_gives_them():
    rng, claims = random.Random(5), []
    for name in OPERATIONS:
        if name in ("str.to.int", "int.to.str"):  # version 1's names of str.to_int, str.from_int
            continue
        drawn = 0
        for _ in range(40):
            term = _draw(name, rng)
            if term is None or (name in ("div", "mod") and any(a.data == 0 for a in term.args[1:])):
                continue
            claims.append(f"(= {term} {constant(value_of(term), term.sort)})")
            drawn += 1
        assert drawn > 5, name
    for claim, found in zip(claims, z3.parse_smt2_string(
            "\n".join(f"(assert {c})" for c in claims)), strict=True):  # fmt: skip
        solver = z3.Solver()
        solver.add(z3.Not(found))
        assert solver.check() == z3.unsat, claim


def test_strings_survive_being_written_and_read():
    rng = random.Random(2)
    for _ in range(300):
        text = "".join(chr(rng.choice([rng.randrange(0x20, 0x7F), rng.randrange(0x30000)]))
                       for _ in range(rng.randint(0, 6)))  # fmt: skip
        (node,) = read(escaped(text))
        assert node.text == text
    assert unescaped(r"\u{48}\u0069 \n") == r"Hi \n"


HEAD = "(set-logic LIA)\n(synth-fun f ((x Int)) Int)\n"
GRAMMAR = "(set-logic LIA)\n(synth-fun f ((x Int)) Int "
BAD = [
    ("(set-logic LIA", SourceError, 1, 1),
    ("(set-logic LIA))", SourceError, 1, 16),
    ('(set-logic LIA)\n(set-info :a "b)', SourceError, 2, 14),
    ("(set-logic LIA)\n  \x01", SourceError, 2, 3),
    ("(set-logic QF_UF)", UnsupportedError, 1, 12),
    ("(set-logic LIA)\n(declare-datatype T ())", UnsupportedError, 2, 2),
    (HEAD + "(synth-inv i ((x Int)))", UnsupportedError, 3, 2),
    (HEAD + "(assume true)", UnsupportedError, 3, 2),
    (HEAD + "(synth-fun g ((x Int)) Int)", UnsupportedError, 3, 12),
    (HEAD + "(constraint (exists ((y Int)) (= (f y) 1)))", UnsupportedError, 3, 14),
    (HEAD + "(constraint (= (f (f 1)) 2))", UnsupportedError, 3, 13),
    (HEAD + "(constraint (= (f 1) 2.5))", UnsupportedError, 3, 22),
    ("(set-logic LIA)\n(declare-var r Real)", UnsupportedError, 2, 16),
    ("(set-logic BV)\n(declare-var r (_ BitVec 65))", UnsupportedError, 2, 16),
    (HEAD + "(constraint (f 1))", SourceError, 3, 13),
    (HEAD + "(constraint (= (f 1 2) 3))", SourceError, 3, 16),
    (HEAD + "(constraint (= (f 1) y))", SourceError, 3, 22),
    (HEAD + '(constraint (= (f 1) "a"))', SourceError, 3, 13),
    (HEAD + "(constraint (str.< 1 2))", SourceError, 3, 13),
    (HEAD + "(declare-var s String)", SourceError, 3, 16),
    (HEAD + "(declare-var f Int)", SourceError, 3, 14),
    ("(synth-fun f () Int)", SourceError, 1, 1),
    (HEAD, SourceError, 1, 1),
    ("(set-logic LIA)\n(check-synth)", SourceError, 1, 1),
    (GRAMMAR + "((I Int (x))))", SourceError, 2, 28),
    (GRAMMAR + "((I Int)) ((J Int (x))))", SourceError, 2, 39),
    (GRAMMAR + "((I Int)) ((I Int (y))))", SourceError, 2, 47),
    (GRAMMAR + "((B Bool)) ((B Bool (true))))", SourceError, 2, 29),
    (GRAMMAR + "((I Int)) ((I Int ())))", SourceError, 2, 39),
]


@pytest.mark.parametrize(("text", "error", "line", "column"), BAD)
def test_faults_are_named_with_line_and_column(text, error, line, column):
    with pytest.raises(error) as caught:
        sygus.parse(text)
    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)


def test_a_grammar_that_derives_nothing_is_refused():
    with pytest.raises(GrammarError, match="derives no program"):
        sygus.parse(GRAMMAR + "((I Int)) ((I Int ((+ I 1) (- I)))))(check-synth)")


def test_contradictory_examples_and_a_missing_file_are_refused(tmp_path):
    text = HEAD + "(constraint (= (f 1) 2)) (constraint (= 3 (f 1))) (check-synth)"
    with pytest.raises(ContradictionError):
        sygus.solve(sygus.parse(text), Budget(1))
    with pytest.raises(SpecError, match=r"none\.sl"):
        sygus.load(tmp_path / "none.sl")


def test_terms_that_would_grow_without_bound_are_refused():
    doubled = "(let ((y (+ y y))) " * 40
    text = HEAD + f"(constraint (let ((y 1)) {doubled} (= (f 1) y){')' * 41})"
    with pytest.raises(SourceError, match="nodes"):
        sygus.parse(text)
    with pytest.raises(SourceError, match="nested deeper"):
        sygus.parse("(" * 100_000)


def test_mutated_files_end_in_a_typed_error_or_parse():
    rng = random.Random(11)
    texts = list(TASKS.values())
    letters = '()"|;:#x1 \n-._\\u{}Iéf'
    parsed = 0
    for _ in range(1500):
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(text))
            kind = rng.random()
            if kind < 0.4:
                del text[place : place + rng.choice([1, 1, 1, 9])]
            elif kind < 0.8:
                text.insert(place, rng.choice(letters))
            else:
                other = rng.randrange(len(text))
                text[place:place] = text[other : other + rng.randint(1, 30)]
        try:
            sygus.parse("".join(text))
            parsed += 1
        except SynthError as error:
            assert str(error)
    assert parsed > 20


def test_widths_and_batches_agree():
    task = sygus.parse(TASKS["lowest set bit"])
    answer = sygus.solve(task, Budget(10))
    spec = answer.spec
    assert str(spec.signature) == "(U32)->U32"
    values = [int(e.arguments[0]) for e in spec.examples]  # type: ignore[arg-type]
    assert [e.result for e in spec.examples] == [v & -v for v in values]
    assert np.array_equal(spec.results, spec.arguments[0] & (~spec.arguments[0] + np.uint64(1)))
