"""Results as tables and plots; `ncpu coproc report`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ncpu.coproc.errors import CoprocessorError
from ncpu.coproc.experiment.heldout import LENGTHS
from ncpu.coproc.experiment.problems import OPS
from ncpu.files import write_json

Results = dict[str, Any]


class ResultsError(CoprocessorError, ValueError):
    """A file of results that is missing or is none."""


def interval(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate."""
    from scipy.stats import binomtest

    if total == 0:
        return 0.0, 1.0
    found = binomtest(right, total).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def bound(wrong: int, total: int) -> float:
    """Upper 95 % bound of a rate of failures (Clopper and Pearson, one-sided)."""
    from scipy.stats import beta

    return 1.0 if wrong >= total else float(beta.ppf(0.95, wrong + 1, total - wrong))


def read(path: Path) -> Results:
    """Results of `ncpu coproc eval`.

    Raises:
      ResultsError: there are none at that path.
    """
    try:
        results = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: {error}; `ncpu coproc eval` writes results") from error
    if not isinstance(results, dict) or "conditions" not in results:
        raise ResultsError(f"{path} has no results of `ncpu coproc eval`")
    return results


def nothing() -> Results:
    """Results before the first evaluation."""
    return {"conditions": {}}


def write(results: Results, path: Path) -> None:
    """Write results, to a temporary name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, results)


def pooled(cells: dict[str, dict[str, list[int]]], lengths: tuple[str, ...]) -> list[int]:
    """Right and total over all operations at some lengths."""
    found = [by[length] for by in cells.values() for length in lengths]
    return [sum(right for right, _ in found), sum(total for _, total in found)]


def summed(runs: list[dict[str, Any]], key: str) -> dict[str, dict[str, list[int]]]:
    """The cells of several seeds added up."""
    return {
        op: {n: [sum(run[key][op][n][i] for run in runs) for i in (0, 1)] for n in runs[0][key][op]}
        for op in runs[0][key]
    }


def percent(count: list[int]) -> str:
    """A rate with its Wilson interval."""
    right, total = count
    low, high = interval(right, total)
    return f"{100 * right / max(total, 1):.1f} ({100 * low:.1f}-{100 * high:.1f})"


def tables(results: Results) -> list[Any]:
    """The report as rich tables."""
    from rich.table import Table

    conditions = results["conditions"]
    out: list[Any] = []
    table = Table(
        "condition", "seeds", "parameters", "1-4", "5-6", "7-9", title="Exact match, %, held-out"
    )
    for name, runs in conditions.items():
        whole = summed(runs, "read")
        row = [percent(pooled(whole, (n,))) for n in LENGTHS]
        table.add_row(name, str(len(runs)), f"{runs[0]['training']['parameters']:,}", *row)
    for title, key in (("ours, operands given by a parser", "given"),):
        if "ours" in results:
            row = [percent(pooled(results["ours"][key], (n,))) for n in LENGTHS]
            table.add_row(title, "1", "", *row)
    out.append(table)
    for name, runs in conditions.items():
        whole = summed(runs, "read")
        table = Table("operation", *LENGTHS, title=f"{name}: exact match, %, held-out templates")
        for op in OPS:
            table.add_row(op, *(percent(whole[op][n]) for n in LENGTHS))
        out.append(table)
        if name == "ours":
            table = Table("edge", "exact match, %", title="ours: edges, held-out templates")
            for edge in runs[0]["edges"]:
                counts = [sum(run["edges"][edge][i] for run in runs) for i in (0, 1)]
                table.add_row(edge, percent(counts))
            out.append(table)
    if "ours" in results:
        out += _mechanism(results["ours"])
    return out


def _mechanism(ours: dict[str, Any]) -> list[Any]:
    from rich.table import Table

    routing, negatives = ours["routing"], ours["negatives"]
    table = Table("measure", "value", title="ours: mechanism")
    both, opened, wanted = (routing[k] for k in ("open and wanted", "open", "wanted"))
    table.add_row("route precision, %", percent([both, opened]))
    table.add_row("route recall, %", percent([both, wanted]))
    table.add_row("registers and operation exact, %", percent(routing["registers"]))
    table.add_row("right given route and registers, %", percent(routing["right given both"]))
    wrong, total = negatives["lines"]
    share, most = 100 * wrong / total, 100 * bound(wrong, total)
    row = f"{share:.3f} ({wrong} of {total:,}; 95 % bound {most:.3f})"
    table.add_row("false routes on negatives, %", row)
    table.add_row("gate where an answer is written", f"{routing['gate where wanted']:.4f}")
    table.add_row("least of these", f"{routing['least gate where wanted']:.4f}")
    table.add_row("gate elsewhere", f"{routing['gate elsewhere']:.2e}")
    table.add_row("logits with gate 0 are the model's bits", str(ours["gate off identical"]))
    table.add_row("time to decode, with / without", f"{ours['latency']['ratio']:.2f}")
    for name, count in ours["ablations"].items():
        table.add_row(name, percent(count))
    for most, count in ours["max_gate"].items():
        table.add_row(f"max_gate {most}", percent(count))
    templates = Table("held-out template", "exact match, %", title="ours: by template")
    for name, count in ours["templates"].items():
        templates.add_row(name, percent(count))
    return [table, templates]


def plots(results: Results, folder: Path) -> list[Path]:
    """Accuracy by operation and length, and the max_gate curve, as SVG files."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "ncpu"
    conditions = results["conditions"]
    figure, axes = plt.subplots(2, 4, figsize=(10, 4.4), sharex=True, sharey=True)
    for axis, op in zip(axes.flat, OPS, strict=True):
        for name, runs in conditions.items():
            cells = summed(runs, "read")[op]
            rates = [100 * cells[n][0] / cells[n][1] for n in LENGTHS]
            style = {"lw": 2.5, "zorder": 3} if name == "ours" else {"lw": 1.2}
            axis.plot(list(LENGTHS), rates, marker="o", ms=3, label=name, **style)
        axis.set_title(op, fontsize=9)
        axis.set_ylim(-4, 104)
    axes[1, 0].set_xlabel("digits of the operands")
    axes[0, 0].set_ylabel("exact match, %")
    axes[0, -1].legend(fontsize=6)
    figure.tight_layout()
    out = [_save(figure, folder / "coproc-accuracy.svg")]
    if "ours" in results:
        curve = results["ours"]["max_gate"]
        figure, axis = plt.subplots(figsize=(4, 2.8))
        axis.plot([float(x) for x in curve], [100 * r / n for r, n in curve.values()], marker="o")
        axis.set(xlabel="max_gate", ylabel="exact match, %", ylim=(-4, 104))
        figure.tight_layout()
        out.append(_save(figure, folder / "coproc-max-gate.svg"))
    return out


def heat_map(text: str, roles: np.ndarray, gate: np.ndarray, path: Path | None = None) -> Any:
    """A sentence, character by character, with what was read and how far the gate opened.

    Args:
      text: without its line feed in front.
      roles: `i32[len(text)]`.
      gate: `f32[len(text)]`.
      path: an SVG file to write; None returns the figure.
    """
    import matplotlib.pyplot as plt

    from ncpu.coproc.read import Role

    plt.rcParams["svg.hashsalt"] = "ncpu"
    shown = ["¶" if c == "\n" else "␣" if c == " " else c for c in text]
    figure, axis = plt.subplots(figsize=(0.26 * len(text) + 1.2, 1.9))
    one_hot = (np.arange(len(Role))[:, None] == roles[None]).astype(float)
    axis.imshow(np.vstack([one_hot * 0.45, gate[None]]), cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(text)), shown, family="monospace", fontsize=9)
    names = [role.name.lower().replace("_", " ") for role in Role]
    axis.set_yticks(range(len(Role) + 1), [*names, "gate"], fontsize=7)
    axis.tick_params(length=0)
    figure.tight_layout()
    if path is None:
        return figure
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, format="svg", metadata={"Date": None})
    os.replace(temporary, path)
    plt.close(figure)
    return path
