"""The panel as pictures: rank, rollouts, faults, and a map of latents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ncpu.jepa.model import JEWorldModel
from ncpu.jepa.train import written_words
from ncpu.jepa.transition import Transition, take
from ncpu.jepa.view import REGISTERS, to_bits
from ncpu.machine.instr import Unit, field

_MAPPED = 600  # transitions of the map
_COLOURS = 10  # units with a colour of their own


def draw(
    panel: dict[str, Any],
    folder: Path,
    model: JEWorldModel | None = None,
    held: Transition | None = None,
) -> list[Path]:
    """PNG files of what the panel says.

    Args:
      panel: from `Study.panel`, with "faults" if those were measured.
      folder: where they go; made if it is not there.
      model, held: with both, a map of the latents of results is drawn too.

    Returns:
      The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"rank": _rank, "rollout": _rollout}
    if "faults" in panel:
        makers["faults"] = _faults
    made = [_saved(folder / f"{name}.png", maker, panel) for name, maker in makers.items()]
    if model is not None and held is not None:
        made.append(_saved(folder / "latents.png", _map, (model, held)))
    return made


def _saved(path: Path, maker: Any, given: Any) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    maker(figure.add_subplot(), given)
    figure.savefig(path, dpi=120)
    return path


def _rank(axes: Any, panel: dict[str, Any]) -> None:
    rank = panel["rank"]
    axes.bar(["predicted", "copy", "chance"], [rank["first"], rank["copy"], 1 / rank["candidates"]])
    axes.set(ylim=(0, 1), ylabel="true successor in first place of 16", title="Rank")


def _rollout(axes: Any, panel: dict[str, Any]) -> None:
    steps = sorted(panel["rollout"], key=int)
    for source, style in (("predicted", "-o"), ("copy", "--")):
        for score in ("changed", "whole"):
            values = [panel["rollout"][k][source][score] for k in steps]
            axes.plot([int(k) for k in steps], values, style, label=f"{source}: {score}")
    axes.set(xscale="log", xlabel="instructions ahead", ylabel="share right", title="Rollouts")
    axes.set_xticks([int(k) for k in steps], steps)
    axes.legend()


def _faults(axes: Any, panel: dict[str, Any]) -> None:
    rows = {name: row for name, row in panel["faults"].items() if "model" in row}
    places = np.arange(len(rows))
    for shift, judge in enumerate(("model", "blind", "linear", "copy")):
        values = [row[judge] for row in rows.values()]
        axes.barh(places + 0.2 * (shift - 1.5), values, 0.2, label=judge)
    axes.axvline(0.5, color="grey", linewidth=0.8)
    axes.set_yticks(places, list(rows))
    axes.set(xlim=(0, 1.02), xlabel="AUROC", title="Faults")
    axes.legend(loc="lower left")


def _map(axes: Any, given: tuple[JEWorldModel, Transition]) -> None:
    """Latents of results, on their two main axes, coloured by the unit that made them."""
    model, held = given
    rows = np.asarray(held.written.rows)[:, 0]
    some = take(held, np.flatnonzero(rows < REGISTERS)[:_MAPPED])
    latents = np.asarray(model.encoder(to_bits(written_words(some)[:, 0])))
    flat = latents.reshape(len(latents), -1)
    flat = flat - flat.mean(0)
    place = flat @ np.linalg.svd(flat, full_matrices=False)[2][:2].T
    units = np.asarray(field(some.packed, "unit"))
    names, counts = np.unique(units, return_counts=True)
    for unit in names[np.argsort(-counts)][:_COLOURS]:
        chosen = place[units == unit]
        axes.scatter(*chosen.T, s=8, alpha=0.6, label=Unit(unit).name.lower())
    axes.set(title="Latents of results", xlabel="first component", ylabel="second component")
    axes.legend(markerscale=2, fontsize=8)
