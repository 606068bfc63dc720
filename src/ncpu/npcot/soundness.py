"""The verifier against brute force at reduced width: every program, every input.

For each choice of slots the set of *all* reachable states (accumulator or index, number of elements
taken) is grown element by element with the executor's own step on every element of the domain, and
post and offset are applied to every state.  This is exhaustive: it visits each value that any input
produces, without visiting equal prefixes twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.npcot.domain import Domain
from ncpu.npcot.execute import PREDICATE, all_transforms, finish, reduce_step
from ncpu.npcot.number import Format
from ncpu.npcot.program import (
    INITS,
    POSTS,
    PREDICATES,
    REDUCES,
    TRANSFORMS,
    ArrayProgram,
    Choice,
)
from ncpu.npcot.verify import LEVELS, Policy, verify, worst


@dataclass(frozen=True)
class Truth:
    """What brute force saw for one program and domain."""

    level: str
    infinite: bool
    results: frozenset[int]


class _Tables:
    """The executor's step and post on every word of a small format."""

    def __init__(self, fmt: Format, longest: int) -> None:
        if fmt.bits > 8 or longest > 8:
            raise ValueError("brute force is for words of at most 8 bits and arrays of at most 8")
        self.fmt, self.longest = fmt, longest
        self.words = np.arange(-fmt.infinity, fmt.infinity + 1)
        self.indices = np.array([-1, *range(longest), fmt.infinity])
        with jax.enable_x64(True):
            self.step = self._steps()
            self.post = self._posts()

    def _steps(self) -> dict[tuple[str, int, int], np.ndarray]:
        """Next state of (reduce, shift, position): `[state, t]`; states are acc or (acc, index)."""
        out = {}
        acc, index, t = np.meshgrid(self.words, self.indices, self.words, indexing="ij")
        step = jax.jit(reduce_step, static_argnums=6)
        for (r, name), shift, i in product(
            enumerate(REDUCES), (0, self.fmt.frac), range(self.longest)
        ):
            which = np.full(acc.shape, r, np.int32)
            new, at = map(np.asarray, step(which, acc, index, t, i, shift, self.fmt))
            new, at = new + self.fmt.infinity, np.searchsorted(self.indices, at)
            states = new * len(self.indices) + at if name.startswith("arg") else new
            whole = states.reshape(-1, len(self.words))
            out[name, shift, i] = whole if name.startswith("arg") else whole[:: len(self.indices)]
        return out

    def _posts(self) -> np.ndarray:
        """Word after the post: `[arg, log, post, length, count, word]`."""
        counts = np.arange(self.longest + 1)
        arg, log, post, n, m, word = np.meshgrid(
            [0, 1], [0, 1], range(len(POSTS)), counts, counts, self.words, indexing="ij"
        )
        fields = dict(predicate=0, init=0, transform=0, offset=np.zeros_like(word))
        reduce = arg * REDUCES.index("argmax")
        program = ArrayProgram(**fields, reduce=reduce, post=post)
        shift = log * self.fmt.frac
        return np.asarray(
            jax.jit(finish, static_argnums=6)(program, word, word, n, m, shift, self.fmt)
        )


@cache
def _tables(fmt: Format, longest: int) -> _Tables:
    return _Tables(fmt, longest)


def reachable(
    domain: Domain, tables: _Tables
) -> Iterator[tuple[tuple[str, str, str, str], dict, int]]:
    """For each reduction: {(length, count): words the post sees}, and the largest on the way."""
    fmt, inf = domain.format, domain.format.infinity
    with jax.enable_x64(True):
        x, y = np.meshgrid(
            np.arange(domain.low, domain.high + 1),
            np.arange(domain.second[0], domain.second[1] + 1),
            indexing="ij",
        )
        transforms = [np.asarray(t) for t in all_transforms(jnp.asarray(x), jnp.asarray(y), fmt)]
    for predicate, (k, transform) in product(PREDICATES, enumerate(TRANSFORMS)):
        takes = np.asarray(PREDICATE[predicate](x))
        t = np.unique(transforms[k][takes])
        skips = not takes.all()
        shift = fmt.frac if transform == "log|x|" else 0
        for init, reduce in product(INITS, REDUCES):
            start = {"0": 0, "1": 1 << shift, "-inf": -inf, "inf": inf}[init]
            states = _grow(tables, start, reduce, shift, t, skips, domain)
            words, seen = {}, [t] if domain.max_length else []
            for key, found in states.items():
                if reduce.startswith("arg"):
                    _, at = np.divmod(found, len(tables.indices))
                    words[key] = np.unique(tables.indices[at])
                    seen += [words[key]]
                else:
                    words[key] = tables.words[found]
                    seen += [words[key]]
            values = np.abs(np.concatenate(seen)) if seen else np.zeros(1, int)
            kept = {k: v for k, v in words.items() if k[0] >= domain.min_length}
            saturates = inf * bool(len(t) and domain.max_length and np.abs(t).max() >= inf)
            largest = max(saturates, int(values[values < inf].max(initial=0)))
            yield (predicate, init, transform, reduce), kept, largest


def _grow(
    tables: _Tables, start: int, reduce: str, shift: int, t: np.ndarray, skips: bool, domain: Domain
) -> dict[tuple[int, int], np.ndarray]:
    inf = domain.format.infinity
    width = len(tables.indices) if reduce.startswith("arg") else 1
    out = {(0, 0): np.array([(start + inf) * width])}
    for i in range(domain.max_length):
        step = tables.step[reduce, shift, i]
        for m in range(i + 1):
            if (i, m) not in out:
                continue
            old = out[i, m]
            if skips:
                _add(out, (i + 1, m), old)
            if len(t):
                _add(out, (i + 1, m + 1), np.unique(step[np.ix_(old, t + inf)]))
    return out


def _add(out: dict, key: tuple[int, int], states: np.ndarray) -> None:
    out[key] = np.union1d(out[key], states) if key in out else states


def truths(
    domain: Domain, offsets: tuple[int, ...], policy: Policy
) -> Iterator[tuple[Choice, int, Truth]]:
    """The brute-force truth about every program of the space with each offset."""
    fmt, inf = domain.format, domain.format.infinity
    tables = _tables(fmt, max(1, domain.max_length))
    for slots, words, largest in reachable(domain, tables):
        for p, post in enumerate(POSTS):
            choice = Choice(*slots, post)
            arg = int(choice.reduce.startswith("arg"))
            log = int(choice.log_scaled)
            table = tables.post[arg, log, p]
            after = [table[n, m][found + inf] for (n, m), found in words.items()]
            results = np.unique(np.concatenate(after))
            raised = np.concatenate(list(words.values())) << (0 if choice.acc_scaled else fmt.frac)
            clamps = post == "exp(acc)" and bool((raised > fmt.exp_max).any())
            for offset in offsets:
                yield choice, offset, _judge(choice, offset, results, largest, clamps, fmt, policy)


def _judge(
    choice: Choice,
    offset: int,
    before: np.ndarray,
    largest: int,
    clamps: bool,
    fmt: Format,
    policy: Policy,
) -> Truth:
    inf = fmt.infinity
    after = np.where(np.abs(before) >= inf, before, np.clip(before + offset, -inf, inf))
    infinite = bool((np.abs(after) >= inf).any())
    finite = np.abs(np.concatenate([before, after]))
    largest = max(largest, abs(offset), int(finite[finite < inf].max(initial=0)))
    number = abs(offset) / (1 << fmt.frac if choice.scaled else 1)
    levels = ["safe"]
    if infinite or number > policy.offset_high:
        levels.append("high")
    if clamps or number > policy.offset_warn or largest > (inf - 1) >> policy.headroom_bits:
        levels.append("warn")
    return Truth(worst(levels), infinite, frozenset(after.tolist()))


def confusion_table(
    domains: list[Domain], offsets: tuple[int, ...] = (0,), policy: Policy | None = None
) -> dict[str, Any]:
    """Verdicts against truth over the whole space, each domain and offset.

    Returns:
      `table[truth][verdict]` counts, `unsound` (verdict milder than the truth, or a result outside
      the stated range) with up to ten examples, and `accepted`, the share of truly safe ones found
      safe.
    """
    policy = policy or Policy()
    table: dict[str, Counter[str]] = {truth: Counter(dict.fromkeys(LEVELS, 0)) for truth in LEVELS}
    examples: list[str] = []
    unsound = 0
    for domain in domains:
        for choice, offset, truth in truths(domain, offsets, policy):
            fields = choice._asdict()
            program = ArrayProgram.of(fields.pop("reduce"), **fields, offset=offset)
            verdict = verify(program, domain, policy)
            table[truth.level][verdict.level] += 1
            outside = verdict.result is not None and not (
                verdict.result[0] <= min(truth.results) <= max(truth.results) <= verdict.result[1]
            )
            if outside or LEVELS.index(verdict.level) < LEVELS.index(truth.level):
                unsound += 1
                examples.append(f"{program}, offset {offset}, on {domain}: {truth.level}")
    safe = table["safe"]
    return {
        "programs": sum(sum(row.values()) for row in table.values()),
        "table": {truth: dict(row) for truth, row in table.items()},
        "unsound": unsound,
        "examples": examples[:10],
        "accepted": safe["safe"] / max(1, sum(safe.values())),
    }
