"""Program libraries: speed beside NumPy, retrieval, attacks, compounding with its control.

    python benchmarks/npcot.py [speed] [retrieval] [collisions] [models] [solve] [--json FILE]

Without names all tables.  Sizes that would take more than 0.2 TFLOP of search or 2 GB of
states on a CPU are left out and named.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import ncpu  # before jax does work: sets XLA's flags
from ncpu.npcot.collide import collide
from ncpu.npcot.domain import Domain
from ncpu.npcot.library import _order, empty_library, fingerprint
from ncpu.npcot.program import SPACE_SIZE, all_programs
from ncpu.npcot.retrieval import (
    Lookup,
    consult_fingerprint_traced,
    consult_traced,
    feedback,
)
from ncpu.npcot.sandbox import Sandbox
from ncpu.npcot.solve.compose import ComposingProposer
from ncpu.npcot.solve.loop import Plan, solve, wilson
from ncpu.npcot.solve.store import SolveStore
from ncpu.npcot.solve.task import read_task
from ncpu.npcot.solve.tasks import builtin_rows
from ncpu.npcot.transfer import METHODS, fit
from ncpu.npcot.verify import verify

console = Console(width=120)
DOMAIN = Domain(-1000, 1000, 8)
ON_GPU = jax.default_backend() != "cpu"
FLOP_LIMIT, BYTE_LIMIT = (1e16, 2e10) if ON_GPU else (2e11, 2e9)


def library_of(count: int, width: int, seed: int = 0):
    """A full library, built at once; programs are drawn from those the verifier calls safe."""
    rng = np.random.default_rng(seed)
    space = all_programs()
    safe = [i for i in range(0, SPACE_SIZE, 7) if verify(space[i], DOMAIN).level == "safe"]
    chosen = rng.choice(safe, count)
    keys = rng.normal(size=(count, width)).astype(np.float32)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    table = {i: fingerprint(space[int(i)]) for i in set(chosen.tolist())}
    prints = jnp.asarray(np.stack([table[int(i)] for i in chosen]))
    everything = jnp.ones(count, bool)
    programs = jax.tree.map(lambda leaf: jnp.asarray(leaf[chosen]), space)
    return replace(
        empty_library(count, width, DOMAIN),
        keys=jnp.asarray(keys),
        programs=programs,
        fingerprints=prints,
        order=_order(prints, everything),
        occupied=everything,
        verified=everything,
    )


def timed(call: Callable[[], object], seconds: float = 1.0) -> np.ndarray:
    """Seconds of each of at least five calls, after one to compile."""
    jax.block_until_ready(call())
    taken: list[float] = []
    while len(taken) < 5 or (sum(taken) < seconds and len(taken) < 2000):
        start = time.perf_counter()
        jax.block_until_ready(call())
        taken.append(time.perf_counter() - start)
    return np.array(taken)


def numpy_search(keys: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The peer: blocked matrix product, maximum and norm, nothing else."""
    best = np.empty(len(hidden), np.int64)
    for start in range(0, len(hidden), 4096):
        block = hidden[start : start + 4096]
        scores = block @ keys.T / np.linalg.norm(block, axis=1, keepdims=True)
        best[start : start + 4096] = scores.argmax(1)
    return best


def faiss_search(keys: np.ndarray) -> Callable[[np.ndarray], object] | None:
    try:
        import faiss
    except ImportError:
        return None
    index = faiss.IndexFlatIP(keys.shape[1])
    index.add(keys)
    return lambda hidden: index.search(hidden, 1)


def speed() -> list[dict]:
    """Exact hits, and search + acceptance + verified check + execution, amortised."""
    table = Table(
        *("N", "d", "batch", "exact p50", "p99", "consult p50", "p99", "NumPy search p50"),
        *("consult / NumPy", "faiss p50"),
        title=f"ns a query, {jax.devices()[0].device_kind}",
    )
    rows = []
    for count in (128, 8192):
        for width in (64, 1024):
            library = library_of(count, width)
            keys = np.asarray(library.keys)
            faiss = faiss_search(keys)
            for batch in (1, 64, 4096, 65536, 1_000_000):
                if 2.0 * batch * count * width > FLOP_LIMIT or 4.0 * batch * width > BYTE_LIMIT:
                    console.print(f"left out: N={count}, d={width}, batch={batch:,}")
                    continue
                rows.append(_speed_row(library, keys, faiss, batch))
                row = rows[-1]
                table.add_row(*(f"{v:,.4g}" if v is not None else "-" for v in row.values()))
    console.print(table)
    return rows


def _speed_row(library, keys, faiss, batch: int) -> dict:
    rng = np.random.default_rng(batch)
    which = rng.integers(library.capacity, size=batch)
    hidden = keys[which]
    x = rng.integers(-1000, 1001, (batch, 8)).astype(np.int32)
    length = np.full(batch, 8, np.int32)
    prints = np.asarray(library.fingerprints)[which]
    on_device = [jax.device_put(a) for a in (hidden, prints, x, length)]
    h, p, xs, n = on_device
    exact = timed(lambda: consult_fingerprint_traced(library, p, xs, n, xs))
    full = timed(lambda: consult_traced(library, h, xs, n, xs))
    answer = consult_traced(library, h, xs, n, xs)
    assert bool(jnp.all(answer.status == Lookup.HIT)) and bool(jnp.all(answer.slot == which))
    peer = timed(lambda: numpy_search(keys, hidden))
    other = timed(lambda: faiss(hidden)) if faiss else None

    def each(taken, q):
        return float(np.quantile(taken, q) / batch * 1e9)

    return {
        "N": library.capacity,
        "d": library.width,
        "batch": batch,
        "exact_p50": each(exact, 0.5),
        "exact_p99": each(exact, 0.99),
        "consult_p50": each(full, 0.5),
        "consult_p99": each(full, 0.99),
        "numpy_p50": each(peer, 0.5),
        "ratio": each(full, 0.5) / each(peer, 0.5),
        "faiss_p50": None if other is None else each(other, 0.5),
    }


def retrieval() -> list[dict]:
    """Hit and wrong-hit rates of states scattered around 128 tasks, and of outsiders.

    States of a task lie around its key; the tasks come in pairs of neighbours, so that one
    threshold for all must either miss or be wrong.  Thresholds are learned on one set of states and
    measured on another.
    """
    table = Table(
        *("noise", "thresholds", "hits", "wrong hits (95 % bound)", "outsiders hit", "AUROC"),
        title="Retrieval, N = 128, d = 64, 20,000 states and 20,000 outsiders",
    )
    rows = []
    for noise in (0.1, 0.3, 0.5):
        for name in ("global 0.92", "per key"):
            rows.append(_retrieval_row(noise, name))
            row = rows[-1]
            table.add_row(
                f"{noise}",
                name,
                f"{row['hits']:.2%}",
                f"{row['wrong']:.3%} ({row['wrong_bound']:.3%})",
                f"{row['outsiders']:.3%} ({row['outsiders_bound']:.3%})",
                f"{row['auroc']:.5f}",
            )
    console.print(table)
    return rows


def library_in_pairs():
    """128 keys of 64 numbers, every second one a neighbour of the one before."""
    rng = np.random.default_rng(5)
    library = library_of(128, 64)
    centres = np.asarray(library.keys).copy()
    near = centres[::2] + 0.5 * rng.normal(size=(64, 64)) / 8
    centres[1::2] = near / np.linalg.norm(near, axis=1, keepdims=True)
    return replace(library, keys=jnp.asarray(centres))


def ask(library, hidden):
    zeros, n = jnp.zeros((len(hidden), 8), jnp.int32), jnp.full(len(hidden), 8, jnp.int32)
    return consult_traced(library, jnp.asarray(hidden, jnp.float32), zeros, n, zeros)


def _states(centres, noise: float, count: int, rng):
    which = rng.integers(len(centres), size=count)
    spread = rng.normal(size=(count, centres.shape[1])) / np.sqrt(centres.shape[1])
    return which, (centres[which] + noise * spread).astype(np.float32)


def _retrieval_row(noise: float, name: str) -> dict:
    library = library_in_pairs()
    centres, rng = np.asarray(library.keys), np.random.default_rng(9)
    if name == "per key":
        which, hidden = _states(centres, noise, 20_000, rng)
        answer = ask(library, hidden)
        library = feedback(library, answer, np.asarray(answer.slot) == which)
    which, hidden = _states(centres, noise, 20_000, np.random.default_rng(6))
    answer = ask(library, hidden)
    right = np.asarray(answer.slot) == which
    hit = np.asarray(answer.status) == Lookup.HIT
    strangers = np.random.default_rng(7).normal(size=(20_000, 64)).astype(np.float32)
    out = ask(library, strangers)
    out_hits = int(np.sum(np.asarray(out.status) == Lookup.HIT))
    inside, outside = np.asarray(answer.score)[right], np.asarray(out.score)
    wrong = int(np.sum(hit & ~right))
    return {
        "noise": noise,
        "thresholds": name,
        "hits": float(np.mean(hit & right)),
        "wrong": wrong / len(hit),
        "wrong_bound": wilson(wrong, len(hit))[1],
        "outsiders": out_hits / len(strangers),
        "outsiders_bound": wilson(out_hits, len(strangers))[1],
        "auroc": auroc(inside, np.concatenate([outside, np.asarray(answer.score)[~right]])),
    }


def auroc(good: np.ndarray, bad: np.ndarray) -> float:
    """The probability that a right score is above a wrong one."""
    order = np.sort(bad)
    below = np.searchsorted(order, good, "left") + np.searchsorted(order, good, "right")
    return float(np.mean(below) / 2 / len(bad))


def collisions() -> list[dict]:
    """How far a state must be moved, by an attacker who knows all keys, to run another program.

    Every third entry is not verified (a poisoned library); from a task's own state the search wants
    the task's neighbour, another task, or an unverified entry, and from an outsider any task.
    """
    library = library_in_pairs()
    bad = np.arange(128) % 3 == 0
    library = replace(library, verified=jnp.asarray(~bad))
    rng, count = np.random.default_rng(11), 2000
    good = np.flatnonzero(~bad)
    start = rng.choice(good, count)
    paired = good[np.isin(good ^ 1, good)]
    neighbours = rng.choice(paired, count)
    keys, strangers = np.asarray(library.keys), rng.normal(size=(count, 64)).astype(np.float32)
    cases = {
        "its neighbour": (keys[neighbours], neighbours ^ 1),
        "another task": (keys[start], good[(np.searchsorted(good, start) + 7) % len(good)]),
        "an unverified entry": (keys[start], rng.choice(np.flatnonzero(bad), count)),
        "any task, from outside": (strangers, rng.choice(good, count)),
    }
    table = Table(
        *("wanted", "moved by", "accepted", "program wanted runs", "unverified run (95 % bound)"),
        title="Gradient search for collisions, N = 128, d = 64, thresholds 0.92, 2,000 states each",
    )
    rows = []
    for name, (hidden, target) in cases.items():
        for budget in (0.1, 0.3, 0.5, 0.8, 1.0, 1.5):
            answer = ask(library, collide(library, hidden, jnp.asarray(target), budget))
            status, reached = np.asarray(answer.status), np.asarray(answer.slot) == target
            hit = status == Lookup.HIT
            poisoned = int(np.sum(hit & bad[np.asarray(answer.slot)]))
            row = {
                "wanted": name,
                "budget": budget,
                "accepted": float(np.mean(reached & (hit | (status == Lookup.UNVERIFIED)))),
                "runs": float(np.mean(reached & hit)),
                "unverified_run": poisoned,
                "unverified_bound": wilson(poisoned, count)[1],
            }
            rows.append(row)
            bound = f"{poisoned} ({row['unverified_bound']:.2%})"
            rates = (f"{row['accepted']:.1%}", f"{row['runs']:.1%}", bound)
            table.add_row(name, f"{budget:.0%}", *rates)
    console.print(table)
    return rows


def models() -> list[dict]:
    """A library keyed by one encoder's states, asked with another's, with and without a map.

    Two random two-layer tanh encoders read the same texts (vectors of 32 numbers scattered around
    128 tasks).  The map is fitted on states of texts of the first 64 tasks and judged on the
    others, so no task that is asked about was seen by the fit.
    """
    rng = np.random.default_rng(13)
    tasks = rng.normal(size=(128, 32))

    def encoder(seed: int):
        draw = np.random.default_rng(seed)
        first, second = draw.normal(size=(32, 256)) / 8, draw.normal(size=(256, 64)) / 16
        return lambda text: np.tanh(text @ first) @ second

    def texts(which, noise: float = 0.1):
        return tasks[which] + noise * rng.normal(size=(len(which), 32))

    teacher, student = encoder(1), encoder(2)
    keys = teacher(tasks)
    library = library_of(128, 64)
    unit = keys / np.linalg.norm(keys, axis=1, keepdims=True)
    library = replace(library, keys=jnp.asarray(unit, jnp.float32))
    seen = texts(rng.integers(64, size=4000))
    which = rng.integers(64, 128, size=20_000)
    asked = texts(which)
    sources = {"the library's own model": teacher(asked), "another seed": student(asked)}
    for method in METHODS:
        sources[f"another seed, {method}"] = fit(student(seen), teacher(seen), method)(
            student(asked)
        )
    mixed = fit(student(seen), teacher(rng.permutation(seen)))
    sources["another seed, fit on shuffled pairs"] = mixed(student(asked))
    table = Table(
        *("states of", "nearest is right", "hits", "wrong hits (95 % bound)"),
        title="Another seed's model, N = 128, d = 64, 20,000 states of unseen tasks",
    )
    rows = []
    for name, hidden in sources.items():
        answer = ask(library, hidden)
        right = np.asarray(answer.slot) == which
        hit = np.asarray(answer.status) == Lookup.HIT
        wrong = int(np.sum(hit & ~right))
        row = {
            "states": name,
            "top1": float(np.mean(right)),
            "hits": float(np.mean(hit & right)),
            "wrong": wrong / len(hit),
            "wrong_bound": wilson(wrong, len(hit))[1],
        }
        rows.append(row)
        text = f"{row['wrong']:.3%} ({row['wrong_bound']:.3%})"
        table.add_row(name, f"{row['top1']:.2%}", f"{row['hits']:.2%}", text)
    console.print(table)
    return rows


EASY = ("filter", "map", "reduce", "scan")
HARD = ("filter-reduce", "map-reduce", "filter-map", "scan-reduce", "filter-map-reduce")


def compounding() -> list[dict]:
    """Held-out families, equal budget of evaluations, store off, on and shuffled (five seeds)."""
    tasks = [read_task(row) for row in builtin_rows()]
    easy, hard = ([t for t in tasks if t.family in names] for names in (EASY, HARD))
    table = Table(
        *("evaluations a task", "store", "right of 50 (pass@1)", "95 %", "asked"),
        title="Compounding: 40 tasks of 4 families solved first, 50 tasks of 5 others measured",
    )
    sandbox, trained, rows = Sandbox(), SolveStore(), []
    solve(easy, ComposingProposer(2000), sandbox, trained, Plan(candidates=1))
    for budget in (100, 300, 1000):
        stores = {"off": None, "on": trained}
        stores |= {f"shuffled {seed}": trained.shuffled(seed) for seed in range(5)}
        for name, kept in stores.items():
            own = SolveStore() if kept else None
            if own and kept:
                own.solutions = dict(kept.solutions)
            run = solve(hard, ComposingProposer(budget), sandbox, own, Plan(candidates=1))
            chosen = run.report()["all"]["chosen"]
            rows.append({"budget": budget, "store": name} | chosen)
            low, high = chosen["interval"]
            table.add_row(
                *map(str, (budget, name, chosen["right"], f"{low:.0%}..{high:.0%}", run.calls))
            )
    console.print(table)
    return rows


def main() -> None:
    words = sys.argv[1:]
    output = words[words.index("--json") + 1] if "--json" in words else ""
    parts = {
        "speed": speed,
        "retrieval": retrieval,
        "collisions": collisions,
        "models": models,
        "solve": compounding,
    }
    chosen = [w for w in words if w in parts] or list(parts)
    started = time.time()
    result: dict = {name: parts[name]() for name in chosen}
    result["environment"] = {
        "ncpu": ncpu.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": jax.devices()[0].device_kind,
        "seconds": round(time.time() - started),
    }
    if output:
        Path(output).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
