"""The whole chain of lemmas, in an order in which each uses earlier ones."""

from __future__ import annotations

from collections.abc import Callable

from ncpu.neural_alu.certify import parts, products, quotients, straight
from ncpu.neural_alu.certify.certificate import Proof
from ncpu.neural_alu.certify.lemmas import Lemma, Setting, prove

LEMMAS: tuple[Lemma, ...] = (
    *straight.lemmas(),
    *parts.lemmas(),
    *products.lemmas(),
    *quotients.lemmas(),
)


def prove_all(setting: Setting, report: Callable[[str], None]) -> tuple[Proof, ...]:
    """Prove every lemma.

    Raises:
      CertificationError: naming the first that is not proved.
    """
    out = []
    for lemma in LEMMAS:
        proof = prove(lemma, setting)
        report(f"proved {lemma.name}, {lemma.width} bits, in {proof.seconds:.2f} s")
        out.append(proof)
    return tuple(out)
