"""The operators of the expression language: one table, read by everything else.

A row gives the kinds, the batched meaning, the source form in each language, the cost a search
pays.  All operators are total.  Integers wrap to signed 64 bits, words to the
signature's width.  Rounding and the undefined cases:

- `div`, `mod` floor (Python's `//` and `%`); `quot`, `rem` truncate (C's `/` and `%`); division by
  zero gives 0 and the remainder by zero the dividend, as A64's `sdiv`/`msub` do;
- `gcd` is not negative; `pow` takes a negative exponent for 0 and one over 100,000 for that; both
  are loops written short, and `lower.lowered` writes them as loops again;
- `udiv` by zero is all ones and `urem` by zero the dividend, as SMT-LIB has it;
- a shift by the width or more gives 0 (`ashr`: all sign bits);
- `get` outside the array is 0, `largest` and `smallest` of nothing 0, `index` of nothing -1;
- `substr`, `find`, `to_int` are SMT-LIB's `str.substr`, `str.indexof`, `str.to_int`.

Templates hold `{0}`, `{1}`, ... for operands, `{w}` for the width and `{m}` for its mask; an
operator without a template in a language is refused there.
"""

from __future__ import annotations

from ncpu.synth.operators.integers import integer_rows, truth_rows
from ncpu.synth.operators.objects import object_rows
from ncpu.synth.operators.operator import DTYPE, Operator, apply
from ncpu.synth.operators.words import word_rows

__all__ = ["DTYPE", "TABLE", "Operator", "apply"]

TABLE: dict[str, Operator] = {
    row.name: row for row in (*integer_rows(), *truth_rows(), *word_rows(), *object_rows())
}
