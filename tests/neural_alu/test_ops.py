"""Every operation by name against Python integers, through each kind of gates."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.neural_alu import checkpoint, ops
from ncpu.neural_alu.alu import AtEachPosition, ForEachInput, Gates
from ncpu.neural_alu.ops import OPERATIONS, WIDTHS, OperandError
from ncpu.neural_alu.packed import answers

Oracle = Callable[[int, int, int, int], int]  # a, b, carry, width


def signed(x: int, width: int) -> int:
    return x - (x >> width - 1 << width)


def flags(a: int, b: int, carry: int, width: int) -> int:
    """AddWithCarry of the Arm manual."""
    total, exact = a + b + carry, signed(a, width) + signed(b, width) + carry
    result = total % (1 << width)
    overflow, carried = exact != signed(result, width), total != result
    return result >> width - 1 << 3 | (result == 0) << 2 | carried << 1 | overflow


def quotient(a: int, b: int) -> int:
    if b == 0:
        return 0
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def inverse(x: int, width: int) -> int:
    return (1 << width) - 1 - x


def rotated(a: int, n: int, width: int) -> int:
    return a >> n | a << width - n


ORACLES: dict[str, Oracle] = {
    "add": lambda a, b, c, w: a + b,
    "adc": lambda a, b, c, w: a + b + c,
    "sub": lambda a, b, c, w: a - b,
    "sbc": lambda a, b, c, w: a - b - 1 + c,
    "cmn": lambda a, b, c, w: flags(a, b, 0, w),
    "cmp": lambda a, b, c, w: flags(a, inverse(b, w), 1, w),
    "mul": lambda a, b, c, w: a * b,
    "umulh": lambda a, b, c, w: a * b >> w,
    "smulh": lambda a, b, c, w: signed(a, w) * signed(b, w) >> w,
    "udiv": lambda a, b, c, w: quotient(a, b),
    "sdiv": lambda a, b, c, w: quotient(signed(a, w), signed(b, w)),
    "and": lambda a, b, c, w: a & b,
    "or": lambda a, b, c, w: a | b,
    "xor": lambda a, b, c, w: a ^ b,
    "bic": lambda a, b, c, w: a & inverse(b, w),
    "not": lambda a, b, c, w: inverse(a, w),
    "lsl": lambda a, b, c, w: a << b % w,
    "lsr": lambda a, b, c, w: a >> b % w,
    "asr": lambda a, b, c, w: signed(a, w) >> b % w,
    "ror": lambda a, b, c, w: rotated(a, b % w, w),
}


@pytest.fixture(scope="module")
def gates() -> dict[str, Gates]:
    networks = checkpoint.load()
    return {
        "planes": AtEachPosition(networks),
        "packed": ForEachInput(answers(networks)),
        "soft": AtEachPosition(networks, 0.0),
    }


def operands(width: int) -> tuple[list[int], list[int], list[int]]:
    """Pairs of edges, shift amounts beyond the width, and random words of every length."""
    top, most = 1 << width - 1, (1 << width) - 1
    edges = [0, 1, 2, 3, width - 1, width, width + 1, top - 1, top, top + 1, most - 1, most]
    edges += [0x5555555555555555 & most, 0xFF, 0x7F, 0x80]
    pairs = [*product(edges, repeat=2)]
    rng = np.random.default_rng(width)
    for _ in range(600):
        a, b = (int.from_bytes(rng.bytes(8)) & most for _ in range(2))
        pairs.append((a >> int(rng.integers(width)), b >> int(rng.integers(width))))
    a, b = zip(*pairs, strict=True)
    return [*a], [*b], rng.integers(0, 2, len(pairs)).tolist()


# Every width and every kind of gates; half of the pairs, which compile for a while, are slow.
SLOW = pytest.mark.slow
PAIRS = [
    pytest.param(kind, width, marks=[] if (kind == "packed") == (width in (16, 32)) else SLOW)
    for kind in ("planes", "packed", "soft")
    for width in WIDTHS
]


@pytest.mark.parametrize(("kind", "width"), PAIRS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_agrees_with_python(name: str, kind: str, width: int, gates: dict[str, Gates]) -> None:
    a, b, carry = operands(width)
    known = OPERATIONS[name]
    right = None if known.operands == 1 else b
    given = carry if known.carry else 0
    got = ops.compute(name, a, right, given, width=width, gates=gates[kind])
    assert got.dtype == np.uint64
    most = (1 << width) - 1
    expected = [ORACLES[name](*row, width) & most for row in zip(a, b, carry, strict=True)]
    wrong = [k for k in range(len(a)) if int(got[k]) != expected[k]]
    assert [(hex(a[k]), hex(b[k]), carry[k], hex(got[k]), hex(expected[k])) for k in wrong] == []


def test_the_oracles_are_all_operations() -> None:
    assert set(ORACLES) == set(OPERATIONS)


def test_architected_results() -> None:
    """Division by zero, the one quotient that does not fit, shifts beyond the width."""
    compute = ops.compute
    assert [int(compute(name, 7, 0, width=8)) for name in ("udiv", "sdiv")] == [0, 0]
    assert int(compute("sdiv", -128, -1, width=8)) == 0x80
    assert int(compute("lsl", 3, 9, width=8)) == 6
    assert int(compute("lsr", 3, -1, width=8)) == 0  # modulo the width: by 7


def test_the_networks_of_the_checkpoint_are_used_when_none_are_given() -> None:
    given = ops.compute("xor", 12, 10, width=8, networks=checkpoint.load())
    assert int(given) == int(ops.compute("xor", 12, 10, width=8)) == 6


def test_shapes() -> None:
    column, row = np.arange(3)[:, None], np.arange(4, dtype=np.uint8)
    got = ops.compute("or", column, row, width=8)
    np.testing.assert_array_equal(got, column | row)
    assert ops.compute("or", 5, [1, 2], width=8).tolist() == [5, 7]
    assert ops.compute("xor", 5, 6, width=8).shape == ()
    for shape in ((0,), (2, 0)):
        empty = np.zeros(shape, np.int64)
        assert ops.compute("xor", empty, empty, width=8).shape == shape
    assert ops.compute("xor", np.zeros((0, 1), int), np.arange(5), width=8).shape == (0, 5)


def test_integers_of_any_kind() -> None:
    most = (1 << 64) - 1
    assert int(ops.compute("and", most, -1)) == most
    assert int(ops.compute("and", np.uint64(most), np.int8(-2))) == most - 1
    assert ops.compute("and", [most, 0, -1], 3).tolist() == [3, 0, 3]
    assert ops.compute("and", np.array([most, 6], object), np.uint8(5)).tolist() == [5, 4]
    assert ops.compute("and", jnp.arange(3), 1).tolist() == [0, 1, 0]
    assert ops.compute("and", [np.uint8(7), most], 5).tolist() == [5, 5]
    assert ops.compute("and", [], 1).tolist() == []


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("frob", 1, 2), {}, "'frob' is no operation; there is: add, adc, sub"),
        (("add", 1, 2), {"width": 7}, "width 7 is not one of 8, 16, 32, 64"),
        (("add", 1, 2), {"width": "8"}, "width '8' is not one of 8, 16, 32, 64"),
        (("add", 1.0, 2), {}, "operands are integers or arrays of them, not float"),
        (("add", [1, 2.5], 2), {}, "operands are integers or arrays of them, not float"),
        (("add", np.ones(3), 2), {}, "operands are integers or arrays of them, not float64"),
        (("add", [1, None], 2), {}, "operands are integers or arrays of them, not NoneType"),
        (("add", "1", 2), {}, "operands are integers or arrays of them, not str"),
        (("add", True, 2), {}, "operands are integers or arrays of them, not bool"),
        (("add", np.array([True]), 2), {}, "operands are integers or arrays of them, not bool"),
        (("add", [[1, 2], [3]], 1), {}, "operands are integers or arrays of them, not list"),
        (("add", 256, 2), {"width": 8}, "operands of 8 bits lie from -128 to 255"),
        (("add", 1, -129), {"width": 8}, "operands of 8 bits lie from -128 to 255"),
        (("add", 1 << 64, 1), {}, "operands of 64 bits lie from -9223372036854775808 to 18446"),
        (("add", np.array([1 << 32]), 1), {"width": 32}, "operands of 32 bits lie from"),
        (("add", [1, 1 << 64], 1), {}, "operands of 64 bits lie from"),
        (("add", 1), {}, "add takes two operands"),
        (("not", 1, 2), {}, "not takes one operand"),
        (("add", 1, 2, 1), {}, "add takes no carry; adc and sbc do"),
        (("adc", 1, 2, 2), {}, "the carry is 0 or 1"),
        (("adc", 1, 2, 0.5), {}, "operands are integers or arrays of them, not float"),
        (("add", [1, 2], [1, 2, 3]), {}, r"operands of shapes (2,), (3,), () do not broadcast"),
    ],
)
def test_bad_input(arguments: tuple, options: dict, message: str) -> None:
    with pytest.raises(OperandError) as caught:
        ops.compute(*arguments, **options)
    assert message in str(caught.value)
