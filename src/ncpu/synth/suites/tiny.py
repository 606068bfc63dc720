"""The 30 tiny problems: most are families of the suites under a second name, four are their own."""

from __future__ import annotations

from ncpu.synth.suites.arithmetic import constants
from ncpu.synth.suites.family import families, row
from ncpu.synth.suites.lists import names

FAMILIES = families(
    "tiny",
    count_down_3=row("I->I", lambda x: x - 3),
    polynomial_2ax_plus_b=row("(I,I,I)->I", lambda a, x, b: 2 * a * x + b),
    sum_abs_diffs=row("(I,I,I)->I", lambda a, b, c: abs(a - b) + abs(b - c)),
    scaled_add=row(
        "(I,I)->I", lambda a, b, k: k * a + b, draw=constants(1, 2, 9), note="k a + b, k drawn"
    ),
)

ALIASES = {
    "sum_three": "add_three",
    "double_plus_three": "affine_2x_plus_3",
    "max_of_two": "max2",
    "min_of_two": "min2",
    "max_of_three": "max3",
    "pythagorean_sum": "sum_of_squares2",
    "safe_div_or_neg": "safe_div_or_neg1",
}

NAMES = names(
    """
    add_two double triple square increment decrement negate is_even sum_three multiply_add_one
    double_plus_three mod_5 average_two count_down_3 offset_times_sign abs_value max_of_two
    min_of_two sign is_odd abs_diff sum_squares clamp_0_10 max_of_three pythagorean_sum
    safe_div_or_neg is_positive polynomial_2ax_plus_b sum_abs_diffs scaled_add
    """
)
