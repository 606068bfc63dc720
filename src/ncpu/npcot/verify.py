"""The static verifier: what an array program can do on every input of a stated domain.

    high  some input gives an infinite result (a value left the words, or a maximum of nothing), or
          the offset is very large
    warn  every result is finite, but exp clamps its argument, or a value comes close to the end of
          the words, or the offset is large
    safe  none of these

Termination, division and side effects hold for the whole space by construction; the verdict states
the reason with the program's own numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from ncpu.npcot.domain import Domain
from ncpu.npcot.interval import Bounds, bounds
from ncpu.npcot.program import ArrayProgram, Choice, canonical_bytes, validate
from ncpu.npcot.text import format_program

LEVELS = ("safe", "warn", "high")
"""Verdicts, least serious first."""


@dataclass(frozen=True)
class Policy:
    """Where the verifier draws its lines.

    Attributes:
      offset_warn: largest |offset|, as a number, that is not a warning.
      offset_high: largest |offset|, as a number, that is not refused.
      headroom_bits: a value that is not this many bits below the largest word is a warning.
    """

    offset_warn: float = 1e4
    offset_high: float = 1e6
    headroom_bits: int = 1


class Finding(NamedTuple):
    """One check: its name, its level, and the reason in words."""

    check: str
    level: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The verdict on one program and what it rests on.

    Attributes:
      level: the most serious level of the findings.
      findings: one for each check, in a fixed order.
      program: the program's text.
      fingerprint: SHA-256 of its canonical bytes, hexadecimal.
      domain: the inputs it speaks about.
      policy: the lines drawn.
      result: ends of the finite results as words, or None if high.
      magnitude: largest absolute value of a word on the way, infinities of `init` aside.
    """

    level: str
    findings: tuple[Finding, ...]
    program: str
    fingerprint: str
    domain: Domain
    policy: Policy
    result: tuple[int, int] | None
    magnitude: int

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the level is not safe."""
        return tuple(f"{f.check}: {f.reason}" for f in self.findings if f.level != "safe")

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "program": self.program,
            "fingerprint": self.fingerprint,
            "level": self.level,
            "findings": [f._asdict() for f in self.findings],
            "result": self.result and list(self.result),
            "magnitude": self.magnitude,
            "domain": self.domain.to_json(),
            "policy": self.policy.__dict__,
        }


def fingerprint(program: ArrayProgram) -> str:
    """SHA-256 of the canonical bytes, hexadecimal."""
    return hashlib.sha256(canonical_bytes(program)).hexdigest()


def verify(program: ArrayProgram, domain: Domain, policy: Policy | None = None) -> Verdict:
    """The verdict on one program for every input of `domain`.

    Raises:
      ProgramSpaceError: a program outside the space.
    """
    policy = policy or Policy()
    program = validate(program, domain.format)
    choice, offset = program.choice, int(program.offset)
    found = bounds(choice, offset, domain)
    findings = (
        _termination(domain),
        _division(choice),
        _range(found, domain),
        _product(choice, found),
        _offset(choice, offset, domain, policy),
        _exp(choice, found, domain),
        _headroom(found, domain, policy),
        Finding("side effects", "safe", "none: reads its arrays, writes its result"),
    )
    return Verdict(
        level=worst(f.level for f in findings),
        findings=findings,
        program=format_program(program, domain.format),
        fingerprint=fingerprint(program),
        domain=domain,
        policy=policy,
        result=(found.result.low, found.result.high) if found.result else None,
        magnitude=found.magnitude,
    )


def worst(levels: Any) -> str:
    """The most serious of some levels; safe if there is none."""
    return max(levels, key=LEVELS.index, default="safe")


def _termination(domain: Domain) -> Finding:
    reason = f"one pass over at most {domain.max_length} elements, no other loop"
    return Finding("termination", "safe", reason)


def _division(choice: Choice) -> Finding:
    if choice.post in ("acc/len", "acc/count"):
        return Finding("division", "safe", f"{choice.post} divides by at least 1")
    return Finding("division", "safe", "no division")


def _range(found: Bounds, domain: Domain) -> Finding:
    if found.infinite:
        reason = "; ".join(f"{step}: {why}" for step, why in found.infinite.items())
        return Finding("range", "high", reason)
    assert found.result is not None
    low, high = found.result
    return Finding("range", "safe", f"the result is in {low}..{high}, all values finite")


def _product(choice: Choice, found: Bounds) -> Finding:
    if choice.reduce != "product":
        return Finding("product", "safe", "no product")
    if found.longest is not None:
        reason = f"stays in range for at most {found.longest} elements"
        return Finding("product", "high", reason)
    rounding = "; rounded down at each step" if choice.log_scaled else ""
    return Finding("product", "safe", f"at most {found.magnitude}{rounding}")


def _offset(choice: Choice, offset: int, domain: Domain, policy: Policy) -> Finding:
    number = abs(offset) / (1 << domain.format.frac if choice.scaled else 1)
    for level, line in (("high", policy.offset_high), ("warn", policy.offset_warn)):
        if number > line:
            return Finding("offset", level, f"|offset| is {number:g}, above {line:g}")
    return Finding("offset", "safe", f"|offset| is {number:g}")


def _exp(choice: Choice, found: Bounds, domain: Domain) -> Finding:
    if choice.post != "exp(acc)":
        return Finding("exp clamp", "safe", "no exp")
    largest = domain.format.exp_max / (1 << domain.format.frac)
    if found.exp_clamped:
        return Finding("exp clamp", "warn", f"arguments above {largest:g} are clamped to it")
    return Finding("exp clamp", "safe", f"no argument is above {largest:g}")


def _headroom(found: Bounds, domain: Domain, policy: Policy) -> Finding:
    line = (domain.format.infinity - 1) >> policy.headroom_bits
    if found.magnitude > line:
        return Finding("headroom", "warn", f"a value of {found.magnitude}, above {line}")
    return Finding("headroom", "safe", f"no value above {found.magnitude}")
