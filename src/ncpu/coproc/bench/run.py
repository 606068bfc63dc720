"""`ncpu coproc bench`: the same problems by a model with and without its coprocessor."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import ncpu
from ncpu.coproc.bench import problems as tasks_
from ncpu.coproc.bench.models import Completion, LanguageModel, Options, load
from ncpu.coproc.bench.problems import TASKS, Problem
from ncpu.coproc.bench.statistics import mcnemar, rate
from ncpu.coproc.errors import BenchError
from ncpu.coproc.inject import check_tokenizer, coprocessor_config, load_coprocessor
from ncpu.files import write_json
from ncpu.npcot.sandbox import Sandbox

PACKAGES = ("jax", "flax", "transformers", "numpy", "scipy")


def run(
    model: str | Path,
    tasks: Sequence[str] = ("arithmetic",),
    *,
    coprocessor: str | Path | None = None,
    humaneval: str | Path | None = None,
    mbpp: str | Path | None = None,
    count: int = 10,
    digits: tuple[int, ...] = (2, 4, 6, 9),
    shots: int = 2,
    limit: int | None = None,
    options: Options | None = None,
    sandbox: Sandbox | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Both models on every task, with the same prompts, seeds and judges.

    Args:
      model: a local folder with config.json, weights and tokenizer.
      tasks: of `TASKS`.
      coprocessor: a folder as `save_pretrained` writes it; None is the model's own.
      humaneval, mbpp: these tasks' files, JSON lines.
      count, digits, shots: of the arithmetic, see `problems.arithmetic`.
      limit: problems of each task at most, the first ones.
      options: of generation.
      sandbox: where code that the model wrote runs; None makes one if a task needs it.
      report: called with a line for each thing done.

    Returns:
      What JSON has: settings, versions, seconds, and for each task counts with intervals, the
      test of the difference, groups, gates, and every verdict.

    Raises:
      BenchError: an unknown task, a missing or malformed file, a folder with no usable model.
      CoprocessorFilesError: no coprocessor there, or another model's.
      TokenizerError: numbers are not tokens of single digits.
      SandboxUnavailableError: code cannot be run here.
    """
    started = time.perf_counter()
    options = Options() if options is None else options
    seed = options.seed

    def arithmetic() -> list[Problem]:
        return tasks_.arithmetic(seed, count, digits, shots)

    files = {"humaneval": humaneval, "mbpp": mbpp}
    made = _problems(tasks, files, sandbox, arithmetic, limit)
    base = load(Path(model))
    injected = LanguageModel(
        load_coprocessor(model if coprocessor is None else coprocessor, base.model), base.tokenizer
    )
    check_tokenizer(base.tokenizer, base.model.config.vocab_size)
    report(f"{type(base.model).__name__} from {model}")
    return {
        "model": str(model),
        "class": type(base.model).__name__,
        "coprocessor": coprocessor_config(injected.model).to_dict(),
        "options": asdict(options),
        "tasks": {
            name: _compared(name, rows, base, injected, options, report)
            for name, rows in made.items()
        },
        "versions": {"ncpu": ncpu.__version__, "python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
        "seconds": round(time.perf_counter() - started, 1),
    }


def write(result: dict[str, Any], path: Path) -> None:
    """A result as a JSON file, whole or not at all."""
    write_json(path, result)


def _problems(
    tasks: Sequence[str],
    files: dict[str, str | Path | None],
    sandbox: Sandbox | None,
    arithmetic: Callable[[], list[Problem]],
    limit: int | None,
) -> dict[str, list[Problem]]:
    """Task to its problems; everything is checked before a model is loaded."""
    unknown = [name for name in tasks if name not in TASKS]
    if unknown or not tasks or len(set(tasks)) < len(tasks):
        raise BenchError(f"tasks are {list(tasks)}; accepted: different ones of {', '.join(TASKS)}")
    if limit is not None and limit < 1:
        raise BenchError(f"limit is {limit}; accepted: 1 or more problems")
    made = {}
    for name in tasks:
        if name == "arithmetic":
            made[name] = arithmetic()[:limit]
            continue
        path = files[name]
        if path is None:
            raise BenchError(f"{name} needs its file of problems (JSON lines); none was given")
        sandbox = Sandbox() if sandbox is None else sandbox
        read = {"humaneval": tasks_.humaneval, "mbpp": tasks_.mbpp}[name]
        made[name] = read(Path(path), sandbox)[:limit]
    return made


def _compared(
    task: str,
    rows: list[Problem],
    base: LanguageModel,
    injected: LanguageModel,
    options: Options,
    report: Callable[[str], None],
) -> dict[str, Any]:
    new = options.max_new_tokens or tasks_.NEW_TOKENS[task]
    options = replace(options, max_new_tokens=new)
    verdicts, seconds = {}, {}
    completions: dict[str, list[Completion]] = {}
    for name, model in (("base", base), ("injected", injected)):
        started = time.perf_counter()
        completions[name] = model.complete([row.prompt for row in rows], options)
        seconds[name] = round(time.perf_counter() - started, 1)
        verdicts[name] = [
            row.judge(found.text) for row, found in zip(rows, completions[name], strict=True)
        ]
        report(f"{task}, {name}: {verdicts[name].count('right')} of {len(rows)} right")
    right = {name: [v == "right" for v in found] for name, found in verdicts.items()}
    groups = {}
    for group in dict.fromkeys(row.group for row in rows):
        chosen = [i for i, row in enumerate(rows) if row.group == group]
        groups[group] = {name: rate([right[name][i] for i in chosen]) for name in right}
    return {
        "base": rate(right["base"]),
        "injected": rate(right["injected"]),
        "mcnemar": mcnemar(right["base"], right["injected"]),
        "groups": groups,
        "max_new_tokens": new,
        "gates": _gates(completions, right),
        "seconds_generating": seconds,
        "problems": [
            {
                "name": row.name,
                **{name: verdicts[name][i] for name in verdicts},
                "largest_gate": float(completions["injected"][i].gates.max(initial=0.0)),
            }
            for i, row in enumerate(rows)
        ],
    }


def _gates(
    completions: dict[str, list[Completion]], right: dict[str, list[bool]]
) -> dict[str, Any]:
    """How open the injected model's gates were: a gain with none open would be a bug."""
    gates = [found.gates for found in completions["injected"]]
    every = np.concatenate([g.ravel() for g in gates])
    pairs = zip(gates, right["base"], right["injected"], strict=True)
    return {
        "mean": float(every.mean()),
        "largest": float(every.max()),
        "open": float((every > 0).mean()),
        "gained_with_all_shut": sum(not g.any() and now and not before for g, before, now in pairs),
    }
