"""How sure a count is: Wilson's interval of a rate, McNemar's exact test of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scipy.stats import binomtest


def rate(right: Sequence[bool]) -> dict[str, Any]:
    """Count, rate and 95 % Wilson interval (Wilson 1927)."""
    total, hits = len(right), sum(right)
    if total == 0:
        return {"right": 0, "of": 0, "rate": None, "interval": [0.0, 1.0]}
    found = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    return {
        "right": hits,
        "of": total,
        "rate": hits / total,
        "interval": [float(found.low), float(found.high)],
    }


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> dict[str, Any]:
    """The exact test of McNemar (1947) on paired answers.

    Args:
      before, after: whether each problem was solved, in the same order.

    Returns:
      How many were solved by both, one and neither, and the two-sided probability that the
      problems which only one solved fall at least as unevenly if neither is better.
    """
    pairs = list(zip(before, after, strict=True))
    only_before, only_after = pairs.count((True, False)), pairs.count((False, True))
    differing = only_before + only_after
    p = float(binomtest(only_before, differing).pvalue) if differing else 1.0
    return {
        "both": pairs.count((True, True)),
        "only_base": only_before,
        "only_injected": only_after,
        "neither": pairs.count((False, False)),
        "p": p,
    }
