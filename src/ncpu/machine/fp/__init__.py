"""A64 floating point, bit-exact in integer arithmetic.

Nothing here touches a native float: XLA's flush subnormals and contract.  Every
function is traced under x64 with `u64` encodings (zero-extended) of any one shape,
`fmt` `u32` (1 half, 2 single, 3 double) and `fpcr` `u32`, and returns its result
with the FPSR cumulative exception bits it raises.
"""

from ncpu.machine.fp.arith import MulAdd, div, div_sqrt, muladd, sqrt
from ncpu.machine.fp.comparison import compare, compare_mask, minmax
from ncpu.machine.fp.conversion import convert, from_int, round_int, to_int
from ncpu.machine.fp.estimate import (
    expand_imm8,
    recip_estimate,
    recpx,
    rsqrt_estimate,
    urecpe,
    ursqrte,
)

__all__ = [
    "MulAdd",
    "compare",
    "compare_mask",
    "convert",
    "div",
    "div_sqrt",
    "expand_imm8",
    "from_int",
    "minmax",
    "muladd",
    "recip_estimate",
    "recpx",
    "round_int",
    "rsqrt_estimate",
    "sqrt",
    "to_int",
    "urecpe",
    "ursqrte",
]
