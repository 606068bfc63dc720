"""The suites as a whole: what they list, what a solver is shown, and what it is judged on."""

from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random

import pytest

from ncpu.synth import suites
from ncpu.synth.codegen_python import compiled
from ncpu.synth.errors import SpecError
from ncpu.synth.expression import arg, call, const
from ncpu.synth.suites.problem import FEWEST, MOST
from ncpu.synth.types import Kind, checked

NAMES = list(suites.FAMILIES)
GROUPS = {"A1": 46, "A2": 32, "A3": 63, "A4": 32, "A5": 35, "A6": 65, "A7": 53}
GROUPS |= {"B1": 32, "B2": 35, "B3": 19, "B4": 19, "tiny": 4, "additions": 10}
EQUAL = [  # one function under several names, where both are defined
    {"tetrahedral", "nested_sum"},
    {"square_pyramidal", "sum_squares"},
    {"median3", "sort3_middle"},
    {"sum_to_n", "nth_triangle"},
    {"factorial", "product_1_to_n"},
    {"fibonacci", "fib_iter", "fib_cached"},
    {"array_sum", "reverse_sum"},
    {"mul_three", "box_volume"},
    {"index_of", "binary_search"},
    {"dot_product", "dot_product_4d"},
    {"binomial", "pascal_entry"},
    {"rotl_const", "rotr_const", "swap_nibbles"},  # at 8 bits and by 4
]


def widths(name):
    family = suites.family(name)
    return family.widths if family.has_words else (64,)


def test_counts():
    sizes = {suite: len(names) for suite, names in suites.SUITES.items()}
    assert sizes == {"a": 326, "b": 105, "u63": 63, "u95": 95, "additions": 10, "tiny": 30}
    for suite, names in suites.SUITES.items():
        assert len(set(names)) == len(names), suite
        assert all(suites.family(name) for name in names)
    assert len({*suites.SUITES["a"], *suites.SUITES["b"]}) == 431
    assert Counter(family.group for family in suites.FAMILIES.values()) == GROUPS
    # The published names, without aliases; none of them is outside the suites a and b.
    published = {suites.family(n).name for n in suites.SUITES["u63"] + suites.SUITES["u95"]}
    assert len(published) == 104
    assert published < {*suites.SUITES["a"], *suites.SUITES["b"]}


def test_aliases_and_unknown_names():
    assert suites.family("interactive_sum").name == "array_sum"
    assert suites.family("array_max_elem").name == "array_max"
    assert suites.family("sum_even_indexed").name == "sum_at_even_indices"
    assert not suites.ALIASES.keys() & suites.FAMILIES.keys()
    with pytest.raises(SpecError, match="no family"):
        suites.family("array_summ")
    with pytest.raises(SpecError, match="u63"):
        list(suites.problems("c"))
    with pytest.raises(SpecError, match=r"\[32, 64\]"):
        suites.problem("bswap32", width=8)


def test_draws_of_a_suite():
    u63 = list(suites.problems("u63"))
    assert len(u63) == 315
    drawn = {p.parameters for p in u63 if p.name == "closure_map_sum"}
    assert len(drawn) == 5
    shown = {p.visible() for p in u63 if p.name == "array_sum"}
    assert len(shown) == 5  # no constants to draw, but other examples
    words = list(suites.problems("a", widths=(8, 32, 64)))
    assert len(words) == 326 + sum(len(widths(name)) - 1 for name in suites.SUITES["a"])


@pytest.mark.parametrize(
    ("seed", "names"),
    [(0, NAMES[::6]), *(pytest.param(s, NAMES, marks=pytest.mark.slow) for s in (0, 1))],
    ids=["sixth", "all-0", "all-1"],
)
def test_no_rival_fits_the_visible_examples_but_equal_functions(seed, names):
    for name in names:
        problem = suites.problem(name, seed, widths(name)[seed % len(widths(name))])
        shown = problem.visible()
        assert len({e.arguments for e in shown}) == len(shown)
        whole = {e.arguments for e in problem.small_scope()} <= {e.arguments for e in shown}
        assert FEWEST <= len(shown) <= MOST or whole, name
        for rival in problem.rivals:
            for parameters in problem._variants(rival):
                if problem._fits(rival, parameters, list(shown)):
                    assert any({name, rival.name} <= equal for equal in EQUAL), (name, rival.name)


def test_examples_are_added_until_rivals_are_ruled_out():
    """Without rivals eight examples of `mersenne_check` still fit another family."""
    problem = suites.problem("mersenne_check", 0)
    cases, others = problem._initial(8)
    rivals = [(rival, p) for rival in problem.rivals for p in problem._variants(rival)]
    witness = problem._witness(rivals, cases + others)
    assert witness is not None
    assert witness in problem.visible(8)
    for count in (8, 12, 16):
        assert problem._witness(rivals, list(problem.visible(count))) is None
    with pytest.raises(SpecError, match="8 to 16"):
        problem.visible(7)


def test_pairs_that_the_search_would_join_are_ruled_out():
    """`(a + b) quot b - 1 rem a` is the quotient, unless b is 0 or the signs differ."""
    a, b, one = arg(0, Kind.I), arg(1, Kind.I), const(1, Kind.I)
    quotient = call("quot", call("add", a, b), b)
    fooling = compiled(
        call("sub", quotient, call("rem", one, a)), suites.problem("safe_div_or_neg").signature
    )
    for seed in range(4):
        shown = suites.problem("safe_div_or_neg", seed).visible()
        assert any(fooling(*e.arguments) != e.result for e in shown)


def test_prefix_sums_up_to_a_negative_are_told_from_the_sum():
    """Arrays without negatives would let one pass for the other."""
    shown = suites.problem("array_sum").visible()
    other = suites.family("sum_until_negative").reference(())
    assert any(other(*e.arguments) != e.result for e in shown)


def test_values_are_of_their_kinds_and_in_the_domain():
    for name in NAMES:
        for width in widths(name):
            problem = suites.problem(name, 2, width)
            family, parameters, signature = problem.family, problem.parameters, problem.signature
            examples = [*problem.hidden(60), *list(problem.edges())[:60]]
            examples += Random(name).sample(
                scope := list(family_scope(problem)), min(20, len(scope))
            )
            for example in examples:
                assert family.contains(example.arguments, parameters), (name, example)
                for value, kind in zip(example.arguments, signature.arguments, strict=True):
                    assert checked(value, kind, width) == value
                assert checked(example.result, signature.result, width) == example.result, name


def family_scope(problem):
    """The small scope; of pairs of words only some, to be quick."""
    if problem.signature.arguments == (Kind.U, Kind.U):
        pairs = ((x, y) for x in range(0, 256, 37) for y in range(0, 256, 41))
        inside = (p for p in pairs if problem.family.contains(p, problem.parameters))
        return map(problem.example, inside)
    return problem.small_scope()


@pytest.mark.parametrize("name", [n for n in NAMES if suites.family(n).kinds.result is Kind.B])
def test_truth_values_are_shown_and_judged_both_ways(name):
    problem = suites.problem(name)
    shown = Counter(e.result for e in problem.visible())
    assert min(shown[True], shown[False]) >= (1 if name in ("implies", "is_zero") else 2)
    judged = Counter(e.result for e in problem.hidden(500))
    assert min(judged[True], judged[False]) > 40


def test_cases_are_in_their_domain():
    """A case that its own family rejects would silently not be shown."""
    for name in NAMES:
        problem = suites.problem(name, 3)
        for case in problem.family.cases(*problem.parameters):
            assert problem.family.contains(case, problem.parameters), (name, case)


def test_drawn_thresholds_show_in_the_examples():
    for seed in range(5):
        problem = suites.problem("grade_code", seed)
        shown = {e.arguments[0]: e.result for e in problem.visible()}
        for rank, threshold in enumerate(problem.parameters):
            assert shown[threshold] == rank + 1
            assert shown[threshold - 1] == rank


def test_hidden_examples_are_reproducible_and_other_than_the_visible():
    first, again = suites.problem("gcd").hidden(50), suites.problem("gcd", 4).hidden(50)
    assert first == again
    assert {e.arguments for e in first} - {e.arguments for e in suites.problem("gcd").visible()}
    assert len(suites.problem("sign").hidden()) == 10_000


def test_small_scopes_are_exhaustive():
    arrays = {e.arguments[0] for e in suites.problem("array_sum").small_scope()}
    assert arrays == {a for n in range(5) for a in product(range(-3, 4), repeat=n)}
    strings = {e.arguments[0] for e in suites.problem("count_words").small_scope()}
    assert strings == {"".join(s) for n in range(5) for s in product("ab ", repeat=n)}
    pairs = [e.arguments for e in suites.problem("hd25_mul_high", width=8).small_scope()]
    assert len(pairs) == 65_536 == len(set(pairs))
    words = {e.arguments[0] for e in suites.problem("hd23_popcount", width=32).small_scope()}
    assert words >= set(range(256))


def test_counterexample():
    problem = suites.problem("is_even")
    assert problem.counterexample(lambda x: x % 2 == 0, problem.hidden(200)) is None
    wrong = problem.counterexample(lambda x: x > 0, problem.hidden(200))
    assert wrong is not None and isinstance(wrong.arguments[0], int)
    assert (wrong.arguments[0] > 0) != wrong.result
    assert problem.counterexample(lambda x: 1 // 0, problem.edges()) is not None


def test_divisions_say_how_they_round():
    said = ("loor", "runcat", "Round", "remainder", "own", "Exact")
    quotients = """average_two average_three midpoint_floor halve_trunc halve_floor div_const
        mod_const mod_5 rem_signed floor_mod ceil_div round_div quot_plus_rem percent_of
        celsius_to_fahrenheit fahrenheit_to_celsius simple_interest seconds_to_minutes choose2
        choose3 pentagonal tetrahedral square_pyramidal safe_div_or_neg1 tax_two_bracket
        discount_tier wrap_360 round_to_ten nearest_multiple harmonic_sum integer_log catalan
        array_mean_floor divmod_pair hd14_floor_average hd15_ceil_average ilog2"""
    for name in quotients.split():
        note = suites.family(name).note
        assert any(word in note for word in (*said, "Floor", "rounded up", "Rounds")), name
