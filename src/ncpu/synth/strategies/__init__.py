"""The searches of the portfolio, each alone behind the `Strategy` protocol."""

from __future__ import annotations

from ncpu.synth.sketch.counted import recurrences
from ncpu.synth.sketch.euclid import paired
from ncpu.synth.sketch.guarded import guarded
from ncpu.synth.sketch.inverse import inverses
from ncpu.synth.sketch.property import properties
from ncpu.synth.spec import Strategy
from ncpu.synth.strategies.chains import Chains
from ncpu.synth.strategies.elementwise import Elementwise
from ncpu.synth.strategies.entries import Entries
from ncpu.synth.strategies.enumeration import Enumeration
from ncpu.synth.strategies.gathering import Gathering, carried
from ncpu.synth.strategies.pipeline import Pipelines
from ncpu.synth.strategies.polynomial import Polynomial
from ncpu.synth.strategies.positions import Positions
from ncpu.synth.strategies.reduction import Reduce
from ncpu.synth.strategies.segments import Segments
from ncpu.synth.strategies.sparse import SparsePolynomial
from ncpu.synth.strategies.symmetric import Symmetric
from ncpu.synth.strategies.tables import Tables
from ncpu.synth.strategies.text import Texts
from ncpu.synth.strategies.transducer import Transducer
from ncpu.synth.strategies.unification import Unification
from ncpu.synth.strategies.wiring import Wiring


def default_strategies() -> list[Strategy]:
    """The portfolio's searches, in the order they are first tried."""
    return [
        Polynomial(),
        Enumeration(),
        Gathering(inverses, "inverse"),
        Gathering(properties, "property"),
        Symmetric(),
        Wiring(),
        Chains(),
        Segments(),
        Reduce(),
        Pipelines(),
        Elementwise(),
        SparsePolynomial(),
        Texts(),
        Transducer(),
        Gathering(carried, "carry"),
        Unification(),
        Gathering(recurrences, "recurrence"),
        Gathering(guarded, "while"),
        Gathering(paired, "pair"),
        Tables(),
        Positions(),
        Entries(),
    ]
