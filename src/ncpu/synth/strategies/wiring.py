"""Words whose bits are bits of the arguments: masked shifts of these, joined.

Every bit of the result is copied from a bit of an argument, perhaps inverted, or constant. Sources
are compared on all examples at once, and the fewest shifts that cover all bits are chosen greedily.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ncpu.synth.expression import Expr, arg, call, const
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import Kind

_ROUTES = 20  # shifts that one program may join
_ROUTE = 1.5  # cost of one masked shift; examples vouch for every bit of it


@dataclass(frozen=True)
class Route:
    """An argument shifted left (right if negative) and where the result agrees with it."""

    value: Expr
    shift: int
    fits: int


@dataclass(frozen=True)
class Wiring:
    """Masked shifts of the arguments joined by union.

    Attributes:
      name: what reports call it.
    """

    name: str = "wiring"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The union of the fewest masked shifts, or None."""
        start = time.perf_counter()
        if spec.signature.result is not Kind.U or Kind.U not in spec.signature.arguments:
            return None
        if spec.operators is not None:
            return None
        width = spec.signature.width
        ones = int(np.bitwise_or.reduce(spec.results))
        always = int(np.bitwise_and.reduce(spec.results))
        chosen = _cover(list(_routes(spec)), ones & ~always, width)
        if chosen is None or not chosen:
            return None
        parts = [_masked(route, mask, width) for route, mask in chosen]
        parts += [const(always, Kind.U)] if always else []
        program = reduce(lambda left, right: call("uor", left, right), parts)
        found = solution(self.name, spec, program, start, cost=2 + _ROUTE * len(chosen))
        return found if found.solved else None


def _routes(spec: SynthesisSpec) -> Iterator[Route]:
    """All shifts of the arguments, the nearest first, with the bits that always agree."""
    width = spec.signature.width
    everything = np.uint64((1 << width) - 1)
    for shift in sorted(range(1 - width, width), key=lambda k: (abs(k), k)):
        for place, kind in enumerate(spec.signature.arguments):
            if kind is not Kind.U:
                continue
            for inverted in (False, True):
                value = ~spec.arguments[place] & everything if inverted else spec.arguments[place]
                by = np.uint64(abs(shift))
                moved = value << by & everything if shift >= 0 else value >> by
                agree = ~np.bitwise_or.reduce(moved ^ spec.results) & everything
                expr = arg(place, kind)
                yield Route(call("unot", expr) if inverted else expr, shift, int(agree))


def _cover(routes: list[Route], wanted: int, width: int) -> list[tuple[Route, int]] | None:
    """Routes that make all wanted bits, that which makes the most first, with their masks."""
    chosen: list[Route] = []
    rest = wanted
    while rest and len(chosen) < _ROUTES:
        best = max(routes, key=lambda r: (r.fits & rest).bit_count(), default=None)
        if best is None or not best.fits & rest:
            return None
        chosen.append(best)
        rest &= ~best.fits
    if rest:
        return None
    masks = []
    for route in chosen:
        others = reduce(lambda bits, r: bits | r.fits, (r for r in chosen if r is not route), 0)
        masks.append(_plainest(route.fits & wanted & ~others, route.fits, width))
    for place, route in enumerate(chosen):  # bits that several make, and none has taken
        missing = wanted & ~reduce(lambda a, b: a | b, masks)
        masks[place] |= missing & route.fits
    return [(route, mask) for route, mask in zip(chosen, masks, strict=True) if mask]


def _plainest(must: int, may: int, width: int) -> int:
    """The plainest mask with all bits it must have and none that it may not.

    A bit that no example has set is decided by its neighbours: everything, one run, all but one
    run, a pattern that repeats.
    """
    run = _filled(must)
    everything = (1 << width) - 1
    patterns = [everything, run, everything ^ _filled(everything ^ may)]
    for period in (2, 4, 8, 16, 32):
        bits = 0
        for low in range(0, width, period):
            bits |= must >> low & (1 << period) - 1
        patterns.append(sum(bits << low for low in range(0, width, period)) & everything)
    return next((p for p in patterns if not must & ~p and not p & ~may), must)


def _filled(mask: int) -> int:
    """All bits from the lowest set to the highest."""
    return (1 << mask.bit_length()) - (mask & -mask) if mask else 0


def _masked(route: Route, mask: int, width: int) -> Expr:
    """The bits under the mask of a shifted argument; no mask where the shift leaves just these."""
    by, full = abs(route.shift), (1 << width) - 1
    left = full << by & full if route.shift >= 0 else full >> by
    value = route.value
    if by:
        value = call("ushl" if route.shift >= 0 else "ushr", value, const(by, Kind.U))
    return value if mask & left == left else call("uand", value, const(mask, Kind.U))
