"""Ranges of every value an array program passes through, for all inputs of a domain.

The ends are attained, not merely bounds, because the elements are independent: the extremes of a
sum, a product or a maximum of independent values come from extremes of the elements.  Only the
quotient of an index by a count and the rounding of exp are bounded from outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from ncpu.npcot.domain import Domain
from ncpu.npcot.number import exp_raw, log_raw
from ncpu.npcot.program import Choice


class Interval(NamedTuple):
    """All integers from `low` to `high`."""

    low: int
    high: int

    def join(self, other: Interval | None) -> Interval:
        """The smallest interval around both."""
        if other is None:
            return self
        return Interval(min(self.low, other.low), max(self.high, other.high))

    @property
    def magnitude(self) -> int:
        """Largest absolute value."""
        return max(abs(self.low), abs(self.high))


class Piece(NamedTuple):
    """The integers `low`, `low + step`, ..., `high`."""

    low: int
    high: int
    step: int = 1

    def within(self, low: int, high: int) -> Piece | None:
        """The members between `low` and `high`."""
        first = self.low + max(0, -(-(low - self.low) // self.step)) * self.step
        last = self.high - max(0, -(-(self.high - high) // self.step)) * self.step
        return Piece(first, last, self.step) if first <= last else None


@dataclass
class Bounds:
    """What `bounds` found.

    Attributes:
      result: range of finite results, offset included; None if no result is finite.
      magnitude: largest absolute value of any word on the way, infinities of `init` aside.
      infinite: why results can be infinite, by the step that makes them so; empty if they cannot.
      exp_clamped: whether exp can see an argument above its largest.
      longest: for a reduction that leaves the range, the number of elements it can take without.
    """

    result: Interval | None = None
    magnitude: int = 0
    infinite: dict[str, str] = field(default_factory=dict)
    exp_clamped: bool = False
    longest: int | None = None


def taking_part(choice: Choice, domain: Domain) -> tuple[list[Piece], bool]:
    """The elements that satisfy the predicate, and whether any does not."""
    low, high = domain.first
    whole = Piece(low, high)
    even = Piece(low + (low & 1), high - (high & 1), 2)
    odd = Piece(low + 1 - (low & 1), high - 1 + (high & 1), 2)
    pieces = {
        "all": [whole],
        "x>0": [whole.within(1, high)],
        "x<0": [whole.within(low, -1)],
        "x!=0": [whole.within(low, -1), whole.within(1, high)],
        "x even": [even.within(low, high)],
        "x odd": [odd.within(low, high)],
    }[choice.predicate]
    kept = [p for p in pieces if p is not None]
    members = sum((p.high - p.low) // p.step + 1 for p in kept)
    return kept, members < high - low + 1


def transformed(choice: Choice, pieces: list[Piece], domain: Domain) -> Interval:
    """Range of the transform over the pieces and the second array, before clamping."""
    ends: list[int] = []
    low_y, high_y = domain.second
    for piece in pieces:
        xs = [piece.low, piece.high]
        match choice.transform:
            case "x":
                ends += xs
            case "x*x" | "|x|" | "log|x|":
                nearest = [p for p in (piece.within(0, 1), piece.within(-1, 0)) if p]
                values = xs + [p.low for p in nearest] + [p.high for p in nearest]
                f = {
                    "x*x": lambda a: a * a,
                    "|x|": abs,
                    "log|x|": lambda a: log_raw(a, domain.format),
                }[choice.transform]
                ends += map(f, values)
            case "1":
                ends.append(1)
            case "[x>0]":
                ends += [int(a > 0) for a in xs]
            case "x*y":
                ends += [a * b for a, b in product(xs, (low_y, high_y))]
            case "[x==y]":
                equal = piece.within(low_y, high_y) is not None
                always = len(pieces) == 1 and xs[0] == xs[1] == low_y == high_y
                ends += [int(equal), int(always)]
            case "|x-y|":
                ends += [abs(a - b) for a, b in product(xs, (low_y, high_y))]
                if piece.within(low_y, high_y):
                    ends.append(0)
    return Interval(min(ends), max(ends))


def bounds(choice: Choice, offset: int, domain: Domain) -> Bounds:
    """Ranges of the program's values over `domain`; see `Bounds`."""
    out = Bounds(magnitude=abs(offset))
    pieces, skips = taking_part(choice, domain)
    values = transformed(choice, pieces, domain) if pieces and domain.max_length else None
    least = domain.min_length if pieces and not skips else 0
    most = domain.max_length if values else 0
    inf = domain.format.infinity
    if values and choice.reduce not in ("max", "min") and values.magnitude >= inf:
        out.infinite["transform"] = f"{choice.transform} ranges over {values.low}..{values.high}"
    clamped = values and Interval(*(domain.format.clamp(v) for v in values))
    if clamped:
        out.magnitude = max(out.magnitude, clamped.magnitude)
    if choice.reduce.startswith("arg"):
        accs = _indices(choice, clamped, skips, most, domain)
    else:
        accs = _accumulators(choice, clamped, most, domain, out)
    if out.infinite:
        return out
    reachable = range(least, most + 1)
    if choice.post == "acc/len":
        posts = _over_length(accs, skips, values is not None, choice, domain)
    elif choice.post == "acc/count":
        posts = [_quotient(accs[m], max(m, 1), choice, domain) for m in reachable]
    else:
        posts = [_hull([accs[m] for m in reachable])]
    before = _hull([accs[m] for m in reachable])
    if before.magnitude >= inf:
        out.infinite["reduce"] = _why_infinite(choice, before, least, inf)
        return out
    after = _hull(posts)
    if choice.post == "exp(acc)":
        after = _exponential(after, choice, domain, out)
    out.magnitude = max(out.magnitude, after.magnitude if after.magnitude < inf else 0)
    if after.magnitude >= inf:
        out.infinite["post"] = f"{choice.post} ranges over {after.low}..{after.high}"
        return out
    result = Interval(after.low + offset, after.high + offset)
    if result.magnitude >= inf:
        out.infinite["offset"] = f"the result ranges over {result.low}..{result.high}"
        return out
    out.magnitude = max(out.magnitude, result.magnitude)
    out.result = result
    return out


def _hull(intervals: list[Interval]) -> Interval:
    lows, highs = zip(*intervals, strict=True)
    return Interval(min(lows), max(highs))


def _init(choice: Choice, domain: Domain) -> int:
    one = 1 << (domain.format.frac if choice.log_scaled else 0)
    inf = domain.format.infinity
    return {"0": 0, "1": one, "-inf": -inf, "inf": inf}[choice.init]


def _accumulators(
    choice: Choice, t: Interval | None, most: int, domain: Domain, out: Bounds
) -> list[Interval]:
    """Range of the accumulator after each number of elements; ends where it leaves the words."""
    inf, start = domain.format.infinity, _init(choice, domain)
    accs = [Interval(start, start)]
    if choice.reduce in ("sum", "product") and abs(start) >= inf:
        out.infinite["init"] = f"a {choice.reduce} that starts at {choice.init} stays there"
        return accs
    shift = domain.format.frac if choice.log_scaled else 0
    for taken in range(1, most + 1):
        assert t is not None
        low, high = accs[-1]
        match choice.reduce:
            case "sum":
                new = Interval(low + t.low, high + t.high)
            case "product":
                corners = [a * b >> shift for a, b in product((low, high), t)]
                new = Interval(min(corners), max(corners))
            case "max":
                new = Interval(max(start, t.low), max(start, t.high))
            case _:
                new = Interval(min(start, t.low), min(start, t.high))
        if choice.reduce in ("sum", "product") and new.magnitude >= inf:
            out.infinite["reduce"] = f"after {taken} elements it ranges over {new.low}..{new.high}"
            out.longest = taken - 1
            return accs
        if new == accs[-1]:  # from here on nothing changes
            accs += [new] * (most + 1 - taken)
            break
        accs.append(new)
    finite = [abs(end) for acc in accs for end in acc if abs(end) < inf]
    out.magnitude = max([out.magnitude, *finite])
    return accs


def _indices(
    choice: Choice, t: Interval | None, skips: bool, most: int, domain: Domain
) -> list[Interval]:
    """Range of the index after each number of elements taken, of an array of any length."""
    start, inf = _init(choice, domain), domain.format.infinity
    never = Interval(-1, -1)
    if t is None:
        return [never]
    maximum = choice.reduce == "argmax"
    can_beat = t.high > start if maximum else t.low < start
    must_beat = t.low > start if maximum else t.high < start
    if not can_beat:
        return [never] * (most + 1)
    last = min(domain.max_length - 1, inf)
    low = 0 if must_beat else -1
    out = [never]
    for taken in range(1, most + 1):
        moves = last if skips else min(taken - 1, inf)
        out.append(Interval(low, moves if skips or t.low < t.high else 0))
    return out


def _over_length(
    accs: list[Interval], skips: bool, takes: bool, choice: Choice, domain: Domain
) -> list[Interval]:
    """The quotients by each length: all counts up to it are possible if elements can be skipped."""
    out, seen = [], accs[0]
    for n in range(domain.max_length + 1):
        taken = accs[n if takes else 0]
        seen = seen.join(taken)
        if n >= domain.min_length:
            acc = seen if skips else taken
            if choice.reduce.startswith("arg"):
                acc = Interval(acc.low, min(acc.high, n - 1))
            out.append(_quotient(acc, max(n, 1), choice, domain))
    return out


def _quotient(acc: Interval, divisor: int, choice: Choice, domain: Domain) -> Interval:
    shift = 0 if choice.acc_scaled else domain.format.frac
    low, high = ((abs(v) << shift) // divisor * (1 if v >= 0 else -1) for v in acc)
    return Interval(low, high)


def _exponential(acc: Interval, choice: Choice, domain: Domain, out: Bounds) -> Interval:
    fmt = domain.format
    shift = 0 if choice.acc_scaled else fmt.frac
    low, high = acc.low << shift, acc.high << shift
    out.exp_clamped = high > fmt.exp_max
    if low == high:
        return Interval(exp_raw(low, fmt), exp_raw(low, fmt))
    # Each result is within half a unit and 2^-24 of the true, monotone one.
    below, above = exp_raw(low, fmt), exp_raw(high, fmt)
    return Interval(max(0, below - 1 - (below >> 22)), above + 1 + (above >> 22))


def _why_infinite(choice: Choice, acc: Interval, least: int, inf: int) -> str:
    if choice.reduce.startswith("arg"):
        return "an index is no word"
    empty = {"max": "-inf", "min": "inf"}[choice.reduce]
    if choice.init == empty and least == 0:
        return f"a {choice.reduce} of no elements is {empty}"
    if choice.init in ("inf", "-inf") and choice.init != empty:
        return f"a {choice.reduce} that starts at {choice.init} stays there"
    return f"{choice.transform} leaves the words: {acc.low}..{acc.high}, infinities ±{inf}"
