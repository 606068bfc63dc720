"""The compliance report: verdicts on programs and what they assume, as JSON and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ncpu.npcot.domain import Domain
from ncpu.npcot.program import ArrayProgram
from ncpu.npcot.verify import LEVELS, Policy, verify, worst

ASSUMPTIONS = (
    "Every array handed to a program is in the domain; the executor is total outside it, but the "
    "verdict does not speak about that.",
    "Words are saturating fixed-point integers: a finite result is exact, except that quotients, "
    "logarithms, exponentials and products of logarithms are rounded as documented.",
    "The program that runs is the one with the fingerprint stated; a library checks that.",
)


def compliance(
    programs: Iterable[ArrayProgram], domain: Domain, policy: Policy | None = None
) -> dict[str, Any]:
    """The report on some programs over one domain, as a JSON object.

    Raises:
      ProgramSpaceError: a program outside the space.
    """
    verdicts = [verify(p, domain, policy) for p in programs]
    levels = Counter(v.level for v in verdicts)
    failed = Counter(f.check for v in verdicts for f in v.findings if f.level != "safe")
    return {
        "version": 1,
        "domain": domain.to_json(),
        "policy": (policy or Policy()).__dict__,
        "summary": {
            "programs": len(verdicts),
            "level": worst(levels),
            "levels": {level: levels[level] for level in LEVELS},
            "checks": dict(sorted(failed.items())),
        },
        "programs": [v.to_json() for v in verdicts],
        "assumptions": list(ASSUMPTIONS),
    }


def to_markdown(report: dict[str, Any]) -> str:
    """The report of `compliance` for people."""
    domain, summary = report["domain"], report["summary"]
    counts = ", ".join(f"{n} {level}" for level, n in summary["levels"].items())
    lines = [
        "# Array programs: compliance report",
        "",
        f"Domain: elements {domain['low']}..{domain['high']}, "
        f"lengths {domain['min_length']}..{domain['max_length']}, "
        f"{domain['format']['bits']}-bit words with {domain['format']['frac']} fraction bits "
        "where scaled.",
        "",
        f"{summary['programs']} programs: {counts}. Overall: **{summary['level']}**.",
        "",
        "| program | verdict | result words | reasons | SHA-256 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for entry in report["programs"]:
        bad = [f for f in entry["findings"] if f["level"] != "safe"]
        reasons = "; ".join(f"{f['check']}: {f['reason']}" for f in bad) or "none"
        ends = "{}..{}".format(*entry["result"]) if entry["result"] else "not bounded"
        cells = (f"`{entry['program']}`", entry["level"], ends, reasons, entry["fingerprint"][:16])
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    lines += [
        "",
        "## Checks",
        "",
        "| program | check | level | reason |",
        "| --- | --- | --- | --- |",
    ]
    for entry in report["programs"]:
        for f in entry["findings"]:
            cells = (f"`{entry['program']}`", f["check"], f["level"], f["reason"])
            lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    lines += ["", "## Assumptions", "", *(f"- {a}" for a in report["assumptions"]), ""]
    return "\n".join(lines)
