"""Certification: passes for trained cells, refuses others, and its proofs can fail."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from ncpu.neural_alu import checkpoint, ops, sliced
from ncpu.neural_alu.cells import CELLS, Cell, ProductCell
from ncpu.neural_alu.certify import (
    Certificate,
    CertificationError,
    certify,
    read_certificate,
    write_certificate,
)
from ncpu.neural_alu.certify import cells as certify_cells
from ncpu.neural_alu.certify.integers import IntegerWires
from ncpu.neural_alu.certify.lemmas import Lemma, Setting, WiresKind, prove
from ncpu.neural_alu.certify.oracle import expected
from ncpu.neural_alu.certify.proofs import LEMMAS
from ncpu.neural_alu.certify.sweeps import sweep_bytes, sweep_words
from ncpu.neural_alu.certify.vectors import apply, edges, operands, run_networks, run_vectors
from ncpu.neural_alu.measured import Measured, bitwise, measure
from ncpu.neural_alu.packed import answers
from ncpu.neural_alu.planes import Networks

z3 = pytest.importorskip("z3")
pytest.importorskip("cvc5")

from ncpu.neural_alu.symbolic import CutWires, SymbolicWires, using  # noqa: E402

DIGEST = "0123"


def quiet(line: str) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def networks() -> Networks:
    return checkpoint.load(certified=False)


@pytest.fixture(scope="module")
def measured(networks: Networks) -> Measured:
    return measure(networks)


@pytest.fixture(scope="module")
def certificate(networks: Networks) -> Certificate:
    return certify(networks, digest=DIGEST, vectors=4_000, network_vectors=0, first_words=48)


def lemma(name: str, width: int) -> Lemma:
    (found,) = (x for x in LEMMAS if (x.name, x.width) == (name, width))
    return found


def changed(cell: Cell, name: str, change) -> Cell:
    """The cell with one of its arrays changed."""
    graph, state = nnx.split(cell)
    state[name] = state[name].replace(change(state[name][...]))
    return nnx.merge(graph, state)


# The certificate


def test_everything_is_in_the_certificate(certificate: Certificate) -> None:
    assert {row.cell for row in certificate.cells} == {*CELLS, "product"}
    assert [row.rows for row in certificate.cells] == [
        *(2 ** len(spec.inputs) for spec in CELLS.values()),
        65_536,
    ]
    assert all(row.ratio is None or row.ratio > 1e4 for row in certificate.cells)
    eight = {row.operations for row in certificate.sweeps if row.width == 8 and row.complete}
    assert eight == {*ops.OPERATIONS}
    tried = {(row.operation, row.width) for row in certificate.vectors}
    assert tried == {(name, width) for name in ops.OPERATIONS for width in (32, 64)}
    assert all(row.cases >= 4_000 for row in certificate.vectors)
    assert len(certificate.proofs) == len(LEMMAS)
    assert not certificate.complete  # 48 of 65,536 first operands


def test_lemmas_use_earlier_ones_only() -> None:
    seen: set[str] = set()
    for x in LEMMAS:
        assert {*x.uses} <= seen, x.name
        seen.add(x.name)
    keys = [(x.name, x.width, x.statement) for x in LEMMAS]
    assert len({*keys}) == len(keys)
    for width in (32, 64):
        proved = {x.name for x in LEMMAS if x.width == width}
        straight = {*ops.OPERATIONS} - {"mul", "umulh", "smulh", "udiv", "sdiv"}
        assert straight <= proved
        assert {f"multiply {width}", "multiply_high", "divide"} <= proved


def test_certificates_are_read_as_written(certificate: Certificate, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    write_certificate(path, certificate)
    assert read_certificate(path) == certificate
    assert json.loads(path.read_text())["digest"] == DIGEST
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_no_certificate(text: str, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    with pytest.raises(CertificationError, match="ncpu certify alu"):
        read_certificate(path)
    path.write_text(text)
    with pytest.raises(CertificationError, match="is no certificate"):
        read_certificate(path)


# Cells


@pytest.mark.parametrize("name", CELLS)
def test_a_random_cell_is_refused(name: str, networks: Networks) -> None:
    spec = CELLS[name]
    cell = Cell(len(spec.inputs), spec.hidden, len(spec.outputs), rngs=nnx.Rngs(7))
    with pytest.raises(CertificationError, match=f"the cell '{name}'"):
        certify({**networks, name: cell}, digest=DIGEST)


@pytest.mark.parametrize("name", CELLS)
def test_a_weight_of_other_sign_is_refused(name: str, networks: Networks) -> None:
    cell = networks[name]
    assert isinstance(cell, Cell)
    widest = int(jnp.argmax(jnp.abs(cell.w2[...])))
    flipped = changed(cell, "w2", lambda w: w.at[jnp.unravel_index(widest, w.shape)].multiply(-1))
    with pytest.raises(CertificationError, match=f"the cell '{name}'"):
        certify({**networks, name: flipped}, digest=DIGEST)


def test_a_cell_within_rounding_of_its_threshold_is_refused(networks: Networks) -> None:
    """Every answer is still right, but by less than float32 may be off."""
    cell = networks["not"]
    assert isinstance(cell, Cell)
    zero = float(cell(jnp.float32(1.0))[0])
    near = changed(cell, "b2", lambda b: b - jnp.float32(zero) - jnp.float32(1e-6))
    with pytest.raises(CertificationError, match="'not' is not certain of a=1"):
        certify_cells.check_cell("not", near)


def test_one_wrong_bit_of_a_product_is_refused(networks: Networks) -> None:
    product = networks["product"]
    assert isinstance(product, ProductCell)
    table = product.table[...].at[200 * 256 + 100, 5].multiply(-1)
    with pytest.raises(CertificationError, match=r"1 wrong bits, the first bit 5 of 200 \* 100"):
        certify({**networks, "product": ProductCell(table)}, digest=DIGEST)


def test_a_missing_cell_is_refused(networks: Networks) -> None:
    without = {name: cell for name, cell in networks.items() if name != "full"}
    with pytest.raises(CertificationError, match="there is no cell full"):
        certify(without, digest=DIGEST)


@given(st.integers(1, 4), st.data())
@settings(max_examples=200, deadline=None)
def test_any_truth_table_as_an_expression(inputs: int, data: st.DataObject) -> None:
    table = data.draw(st.lists(st.booleans(), min_size=2**inputs, max_size=2**inputs))
    rows = np.arange(2**inputs)
    columns = [(rows >> k & 1).astype(bool) for k in reversed(range(inputs))]
    assert bitwise(table, columns).tolist() == table


# Proofs that have to fail


class Off(SymbolicWires):
    """Moves one position too far."""

    def up(self, x, n, fill):
        return super().up(x, min(n + 1, x.size() - 1), fill)


class OffCut(CutWires):
    """The same with loops cut."""

    def up(self, x, n, fill):
        return super().up(x, min(n + 1, x.size() - 1), fill)


class OffIntegers(IntegerWires):
    """The same in integers."""

    def up(self, x, n, fill):
        return super().up(x, min(n + 1, len(x)), fill)


OFF = WiresKind(Off, OffCut, OffIntegers)


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("add", 64),
        ("cmp", 32),
        ("machine add", 32),
        ("add by levels", 128),
        ("three to two", 64),
        ("horner step 64", 64),
        ("bytes 32", 32),
    ],
)
def test_wrong_wiring_is_not_proved(name: str, width: int, measured: Measured) -> None:
    with pytest.raises(CertificationError, match=f"{name}.*does not hold"):
        prove(lemma(name, width), Setting(measured, OFF))


def swapped(measured: Measured, name: str) -> Measured:
    """One answer of a cell turned over, as if the network had learnt that.

    Row 1, because not every row is met: no position generates a carry and passes one on.
    """
    table = measured.cells[name].copy()
    table[1, 0] ^= True
    return Measured({**measured.cells, name: table}, measured.product)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("half", "sub"),
        ("carry", "flags"),
        ("sum", "adc"),
        ("and", "and"),
        ("or", "zero"),
        ("xor", "cmn"),
        ("bic", "bic"),
        ("not", "sbc"),
        ("route", "asr"),
        ("route", "machine ror"),
        ("route", "division step"),
        ("xor", "negate_if"),
        ("or", "division step"),
        ("and", "divide"),
        ("and", "multiply_high"),
        ("full", "three to two"),
    ],
)
def test_proofs_are_about_the_answers_of_the_cells(
    cell: str, name: str, measured: Measured
) -> None:
    with pytest.raises(CertificationError):
        prove(lemma(name, 32), Setting(swapped(measured, cell)))


def test_an_undecided_lemma_is_no_proof(measured: Measured) -> None:
    with pytest.raises(CertificationError, match="was not decided"):
        prove(lemma("sbc", 64), Setting(measured), timeout=0.001)


def test_products_are_about_the_product_cell(measured: Measured) -> None:
    table = measured.product.copy()
    table[-1] ^= 1
    wrong = Setting(Measured(measured.cells, table))
    with pytest.raises(CertificationError, match="product rows"):
        prove(lemma("product rows", 16), wrong)


def test_only_circuits_that_are_called_can_be_replaced() -> None:
    with pytest.raises(TypeError, match="could call other"):
        using(ops.operation, other=quiet)


# The same circuits in every form


@pytest.mark.parametrize("name", ["adc", "cmp", "smulh", "sdiv", "bic", "lsl", "ror"])
def test_symbols_agree_with_packed_words(name: str, networks: Networks, measured: Measured) -> None:
    rng = np.random.default_rng(11)
    width = 8
    a, b = rng.integers(0, 1 << width, (2, 8), np.uint64)
    carry = rng.integers(0, 2, 8, np.uint64)
    known = ops.OPERATIONS[name]
    packed = ops.compute(
        name,
        a,
        b if known.operands == 2 else None,
        carry if known.carry else 0,
        width=width,
        gates=ops_gates(networks),
    )
    wires = SymbolicWires(measured)
    for x, y, c, wanted in zip(a, b, carry, packed, strict=True):
        bits = [z3.BitVecVal(int(v), n) for v, n in ((x, width), (y, width), (c, 1))]
        assert z3.simplify(known.apply(wires, *bits)).as_long() == wanted


def ops_gates(networks: Networks):
    """Packed words."""
    from ncpu.neural_alu.alu import ForEachInput

    return ForEachInput(answers(networks))


def test_networks_run_at_every_position(networks: Networks) -> None:
    names = ("sbc", "mul")
    tried = run_networks(networks, 500, 3, quiet, names)
    assert {(row.wires, row.width) for row in tried} == {
        (wires, width) for wires in ("planes", "packed") for width in (32, 64)
    }


def test_the_sweep_of_bytes_can_fail(measured: Measured) -> None:
    wrong = Measured(measured.cells, measured.product ^ np.uint16(0x8000))
    with pytest.raises(CertificationError, match="of 8 bits on sliced wires is wrong"):
        sweep_bytes(wrong, None, quiet)


@pytest.mark.parametrize("cell", ["half", "carry", "sum", "xor", "or", "not", "and", "bic"])
def test_the_sweep_of_words_can_fail(cell: str, measured: Measured) -> None:
    with pytest.raises(CertificationError, match="16-bit"):
        sweep_words(swapped(measured, cell), 16, quiet)


@pytest.mark.parametrize("cell", [*CELLS])
def test_vectors_can_fail(cell: str, measured: Measured) -> None:
    with pytest.raises(CertificationError, match="is wrong for"):
        run_vectors(swapped(measured, cell), 2_000, 0, quiet)


@pytest.mark.parametrize("width", [1, 4, 8, 13, 16, 32, 64])
def test_slices(width: int) -> None:
    words = np.random.default_rng(5).integers(0, 1 << 64, 640, np.uint64)
    bits = sliced.enter(words, width)
    assert bits.shape == (width, 10)
    kept = words & np.uint64((1 << width) - 1)
    assert (sliced.leave(bits) == kept).all()
    positions = np.arange(width, dtype=np.uint64)
    assert ((bits[:, 3] >> np.uint64(17) & 1) == (words[3 * 64 + 17] >> positions & 1)).all()


# The oracle, against Python's integers


def meaning(name: str, a: int, b: int, carry: int, width: int) -> int:
    """The Arm manual's operations in Python."""
    top, size = 1 << width - 1, 1 << width

    def signed(x: int) -> int:
        return (x ^ top) - top

    def flags(x: int, y: int, c: int) -> int:
        result = (x + y + c) % size
        overflow = signed(result) != signed(x) + signed(y) + c
        carried = result != x + y + c
        return (result >= top) << 3 | (result == 0) << 2 | carried << 1 | overflow

    def quotient(x: int, y: int) -> int:
        return 0 if y == 0 else abs(x) // abs(y) * (-1 if (x < 0) != (y < 0) else 1)

    n = b % width
    table = {
        "add": lambda: a + b,
        "adc": lambda: a + b + carry,
        "sub": lambda: a - b,
        "sbc": lambda: a - b - 1 + carry,
        "cmn": lambda: flags(a, b, 0),
        "cmp": lambda: flags(a, size - 1 - b, 1),
        "mul": lambda: a * b,
        "umulh": lambda: a * b >> width,
        "smulh": lambda: signed(a) * signed(b) >> width,
        "udiv": lambda: quotient(a, b),
        "sdiv": lambda: quotient(signed(a), signed(b)),
        "and": lambda: a & b,
        "or": lambda: a | b,
        "xor": lambda: a ^ b,
        "bic": lambda: a & ~b,
        "not": lambda: ~a,
        "lsl": lambda: a << n,
        "lsr": lambda: a >> n,
        "asr": lambda: signed(a) >> n,
        "ror": lambda: a >> n | a << width - n,
    }
    return table[name]() % size


@pytest.mark.parametrize("width", [8, 16, 32, 64])
@pytest.mark.parametrize("name", ops.OPERATIONS)
def test_oracle_and_sliced_wires(name: str, width: int, measured: Measured) -> None:
    (given_,) = operands(512, width, 17)
    a, b, carry = given_
    rows = (map(int, row) for row in zip(a, b, carry, strict=True))
    wanted = [meaning(name, x, y, c, width) for x, y, c in rows]
    assert expected(name, a, b, carry, width).tolist() == wanted
    found = apply(sliced.SlicedWires(measured), name, width, a, b, carry)
    assert found.tolist() == wanted


def test_edges_come_first() -> None:
    special = edges(64)
    assert {0, 1, 1 << 63, (1 << 63) - 1, (1 << 64) - 1} <= {*special.tolist()}
    a, b, _carry = next(operands(1_000, 64, 0))
    assert np.isin(a, special).all() and np.isin(b, special).all()
    assert jax.config.jax_enable_x64 is False
