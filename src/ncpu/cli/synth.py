"""Commands about programs found from examples: `ncpu synth`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ncpu.cli.synth_bench import bench
from ncpu.cli.synth_optimize import optimize

if TYPE_CHECKING:
    from ncpu.synth.library import Library
    from ncpu.synth.portfolio import Result
    from ncpu.synth.spec import Budget, Solution, SynthesisSpec
    from ncpu.synth.sygus import Answer, Task

LANGUAGES = ("python", "c", "rust", "jax", "a64", "sygus")
_STOPPED = 130


class _Group(TyperGroup):
    """`ncpu synth EXAMPLES` is `ncpu synth solve EXAMPLES`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = next((a for a in args if a == "-" or not a.startswith("-")), "")
        examples = first == "-" or first.lstrip()[:1] in ("[", "{") or Path(first).suffix
        if first not in self.commands and examples:
            args = ["solve", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    synth = typer.Typer(
        cls=_Group,
        help="Programs found from examples, as code that is run before it is shown.",
        no_args_is_help=True,
    )
    synth.command()(solve)
    synth.command()(bench)
    synth.command()(optimize)
    app.add_typer(synth, name="synth")


def solve(
    source: Annotated[
        str, typer.Argument(help="A .json or .sl file, `-`, or JSON: '[[[2], 4], [[3], 9]]'.")
    ],
    lang: Annotated[
        str | None, typer.Option(help=f"{', '.join(LANGUAGES)}; as the source if not given.")
    ] = None,
    signature: Annotated[str | None, typer.Option(help="Such as '(I,A)->I'.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the function.")] = None,
    limit: Annotated[float, typer.Option(help="Seconds.")] = 10.0,
    memory: Annotated[str, typer.Option(help="Of the search's tables.")] = "4G",
    library: Annotated[Path | None, typer.Option(help="A folder of solved programs.")] = None,
    prove: Annotated[
        bool, typer.Option("--prove", help="Whether other programs that fit are equal to it.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The code alone.")] = False,
) -> None:
    """Find a program for examples and show it as code that satisfied them when run.

    Exit code 1: none was found; what satisfies the most examples is named. 130: stopped; what
    was found until then is shown.
    """
    from ncpu.cli.options import parse_size
    from ncpu.synth.library import Library
    from ncpu.synth.spec import Budget

    if lang is not None and lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r} is not one of {', '.join(LANGUAGES)}")
    budget = Budget(limit, parse_size(memory))
    store = Library(library) if library is not None else None
    if source.endswith(".sl"):
        from ncpu.synth import sygus

        _sygus(sygus.load(Path(source)), lang or "sygus", budget, store, quiet)
    else:
        spec = _spec(source, signature)
        _examples(spec, lang or "python", name or "f", budget, store, prove, quiet)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _spec(source: str, signature: str | None) -> SynthesisSpec:
    from ncpu.synth.spec import SynthesisSpec
    from ncpu.synth.types import Signature

    wanted = Signature.parse(signature) if signature is not None else None
    if source == "-":
        return SynthesisSpec.from_json(sys.stdin.read(), signature=wanted)
    if source.lstrip().startswith(("[", "{")):
        return SynthesisSpec.from_json(source, signature=wanted)
    return SynthesisSpec.load(Path(source), wanted)


def _examples(
    spec: SynthesisSpec,
    lang: str,
    name: str,
    budget: Budget,
    store: Library | None,
    prove: bool,
    quiet: bool,
) -> None:
    from ncpu.synth import codegen

    solution = store.get(spec) if store is not None else None
    result = None
    if solution is None:
        result = _searched(spec, budget, quiet)
        solution = result.solution
    elif not quiet:
        _say("from the library, without a search")
    stopped = result is not None and result.interrupted
    if solution is None or not solution.solved:
        _unsolved(solution, stopped)
    assert solution is not None
    if store is not None:
        store.put(spec, solution)
    print(codegen.checked(solution.program, spec, lang, name).rstrip())
    if not quiet:
        _say(f"{solution.strategy}: size {solution.program.size}, {solution.seconds:.2f} s, "
             f"{solution.total} examples satisfied")  # fmt: skip
    if prove:
        _prove(solution, result, budget)
    if stopped:
        raise typer.Exit(_STOPPED)


def _searched(spec: SynthesisSpec, budget: Budget, quiet: bool) -> Result:
    """The search, with its progress shown; Ctrl-C ends it with what was found."""
    from ncpu.cli.synth_live import Board
    from ncpu.synth.portfolio import ProgramSynthesizer

    board = Board(str(spec.signature))
    with board.shown(quiet):
        return ProgramSynthesizer(budget=budget, watch=board.take).synthesize(spec)


def _unsolved(solution: Solution | None, stopped: bool) -> None:
    """Says what there is, and leaves."""
    if stopped:
        _say("stopped")
    if solution is None:
        _say("no program of that kind was found")
    else:
        _say(f"unsolved: the best program satisfies {solution.matched} of {solution.total} "
             f"examples: {solution.program}")  # fmt: skip
    raise typer.Exit(_STOPPED if stopped else 1)


def _prove(solution: Solution, result: Result | None, budget: Budget) -> None:
    """Compares a program with the others that fit."""
    from ncpu.synth.errors import ProofError
    from ncpu.synth.prove import prove_equal

    rivals = result.rivals if result is not None else ()
    if not rivals:
        _say("no other program was found that fits the examples: nothing to compare with")
    for rival in rivals:
        try:
            found = prove_equal(solution.program, rival.program, solution.signature, budget.seconds)
        except ProofError as error:
            _say(f"{rival.strategy}: {rival.program}: not compared: {error}")
            continue
        where = f" at {found.counterexample}" if found.counterexample is not None else ""
        _say(f"{rival.strategy}: {rival.program}: {found.verdict}{where} ({found.by})")


def _sygus(task: Task, lang: str, budget: Budget, store: Library | None, quiet: bool) -> None:
    from ncpu.synth import codegen, sygus

    answer = _stored(task, store)
    live = not quiet and sys.stderr.isatty()
    try:
        if answer is None:
            answer = sygus.solve(task, budget, _watch if live else None)
        if live:
            print("\r\x1b[K", end="", file=sys.stderr)
    except KeyboardInterrupt:
        _say(f"stopped; nothing that satisfies all constraints on {task.name} yet")
        raise typer.Exit(_STOPPED) from None
    if not answer.solved:
        print("fail")
        _say(f"unsolved after {answer.seconds:.1f} s: {answer.evidence}")
        raise typer.Exit(1)
    if lang == "sygus":
        print(answer.text)
    else:
        print(codegen.checked(answer.program, answer.spec, lang, task.name).rstrip())
    _keep(answer, store)
    if not quiet:
        how = {"proof": "proved by z3 for all inputs", "examples": "all examples satisfied"}
        _say(f"{answer.strategy}: {answer.seconds:.2f} s, {how[answer.evidence]}")


def _watch(name: str, count: int) -> None:
    """A line that is rewritten."""
    print(f"\r{name}: {count:,} candidates ", end="", file=sys.stderr, flush=True)


def _stored(task: Task, store: Library | None) -> Answer | None:
    from ncpu.synth import sygus

    if store is None or not task.examples:
        return None
    found = store.get(task.spec)
    return sygus.recalled(task, found.program) if found is not None else None


def _keep(answer: Answer, store: Library | None) -> None:
    from ncpu.synth.errors import SynthError
    from ncpu.synth.spec import Solution

    if store is None or not answer.task.examples:
        return
    try:
        program, spec = answer.program, answer.spec
    except SynthError as error:
        _say(f"not stored: {error}")
        return
    count = len(spec.examples)
    store.put(spec, Solution(program, spec.signature, answer.strategy, count, count,
                             answer.seconds, answer.candidates, float(program.size)))  # fmt: skip
