"""Commands about verified array programs: `ncpu npcot`."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ncpu.npcot.owner import Owner
    from ncpu.npcot.session import ProgramLibrarySession
    from ncpu.npcot.solve.propose import Proposer

_HOME = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")

Keys = Annotated[
    Path, typer.Option("--keys", envvar="NCPU_KEYS", help="Your folder of keys (`npcot keys`).")
]
DEFAULT_KEYS = _HOME / "ncpu" / "keys"
Library = Annotated[Path, typer.Argument(help="A library's folder.")]
State = Annotated[Path, typer.Option(help="A hidden state: a .npy file of one axis.")]


class Form(StrEnum):
    """What `export` writes."""

    STABLEHLO = "stablehlo"
    C = "c"
    A64 = "a64"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    npcot = typer.Typer(
        help="Libraries of verified array programs that hidden states call.", no_args_is_help=True
    )
    for command in (keys, create, insert, ask, show, report, audit, diff):
        npcot.command()(command)
    for command in (export, pack, merge, prune, tasks, solve):
        npcot.command()(command)
    app.add_typer(npcot, name="npcot")


def _owner(folder: Path) -> Owner:
    from ncpu.npcot.owner import Owner

    return Owner.open(folder)


def _open(library: Path, folder: Path) -> ProgramLibrarySession:
    from ncpu.npcot.session import ProgramLibrarySession

    return ProgramLibrarySession.open(library, _owner(folder))


def _state(path: Path):
    import numpy as np

    from ncpu.npcot.errors import HiddenStateError

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise HiddenStateError(f"{path}: not a .npy file of numbers: {error}") from error


def _integers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.replace(",", " ").split()]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a list of integers such as 1,2,3") from error


def keys(folder: Annotated[Path, typer.Argument()] = DEFAULT_KEYS) -> None:
    """Make your keys: one that signs your libraries, one whose public half others may trust."""
    from ncpu.npcot.owner import Owner

    owner = Owner.create(folder)
    print(f"made {folder}; give {folder / 'share.pub'} to owners who should accept your entries,")
    print(f"put theirs into {folder / 'trusted'}; your id is {owner.share.key_id.hex()}")


def create(
    library: Library,
    width: Annotated[int, typer.Option(help="Numbers in a hidden state.", min=1)],
    keys: Keys = DEFAULT_KEYS,
    capacity: Annotated[int, typer.Option(min=1)] = 128,
    low: Annotated[int, typer.Option(help="Smallest array element.")] = -1000,
    high: Annotated[int, typer.Option(help="Largest array element.")] = 1000,
    max_length: Annotated[int, typer.Option(help="Longest array.")] = 64,
    accept: Annotated[str, typer.Option(help="Worst verdict accepted: safe or warn.")] = "safe",
) -> None:
    """Start a library."""
    from ncpu.npcot.domain import Domain
    from ncpu.npcot.session import ProgramLibrarySession

    domain = Domain(low, high, max_length)
    with ProgramLibrarySession.create(
        library, _owner(keys), capacity=capacity, width=width, domain=domain, accept=accept
    ) as session:
        print(f"{library}: version {session.version}, {capacity} slots")


def insert(
    library: Library,
    program: Annotated[str, typer.Argument(help="Such as 'sum(x*x if x>0)/len + 3'.")],
    state: State,
    task: Annotated[str, typer.Option(help="What it is for.")],
    keys: Keys = DEFAULT_KEYS,
) -> None:
    """Verify a program, put it under a hidden state, save."""
    from ncpu.npcot.text import parse_program

    with _open(library, keys) as session:
        slot = session.insert(_state(state), parse_program(program), task=task)
        print(f"slot {slot}, version {session.save()}")


def ask(
    library: Library,
    state: State,
    x: Annotated[str, typer.Option(help="The array: 1,2,3.")],
    y: Annotated[str, typer.Option(help="A second array.")] = "",
    keys: Keys = DEFAULT_KEYS,
) -> None:
    """Consult the library with one hidden state and run what it finds."""
    import numpy as np

    from ncpu.npcot.errors import ArrayInputError
    from ncpu.npcot.execute import to_value
    from ncpu.npcot.retrieval import Lookup

    first, second = _integers(x), _integers(y) if y else []
    if second and len(second) != len(first):
        raise ArrayInputError(f"arrays of {len(first)} and {len(second)}; accepted: equal lengths")
    with _open(library, keys) as session:
        longest = max(session.library.domain.max_length, len(first))
        rows = [np.array([[*v, *[0] * (longest - len(v))]]) for v in (first, second)]
        length = np.array([len(first)])
        answer = session.consult(_state(state)[None], rows[0], length, rows[1])
        status, slot = Lookup(int(answer.status[0])), int(answer.slot[0])
        row = {"status": status.name.lower(), "score": float(answer.score[0])}
        if status == Lookup.HIT:
            entry = session.contents.entries[slot]
            scaled = entry.array_program.choice.scaled
            row |= {"value": to_value(scaled, int(answer.value[0])), "task": entry.task}
    print(json.dumps(row))


def show(library: Library, keys: Keys = DEFAULT_KEYS) -> None:
    """List the entries."""
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    with _open(library, keys) as session:
        table = Table("slot", "task", "program", "threshold", "hits", "gap", "signed by")
        thresholds, hits = (
            np.asarray(a) for a in (session.library.thresholds, session.library.hits)
        )
        for slot, entry in sorted(session.contents.entries.items()):
            names = ", ".join(name[:8] for name in sorted(entry.signatures))
            row = (slot, entry.task, entry.array_program, f"{thresholds[slot]:.4f}", hits[slot])
            table.add_row(*map(str, row), f"{entry.gap:.3g}", names)
        table.title = f"{library}, version {session.version}"
    Console().print(table)


def report(
    library: Library,
    keys: Keys = DEFAULT_KEYS,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of Markdown.")] = False,
) -> None:
    """The compliance report: what the verifier says about every program in the library."""
    from ncpu.npcot.report import compliance, to_markdown

    with _open(library, keys) as session:
        entries = [entry for _, entry in sorted(session.contents.entries.items())]
        found = compliance([e.array_program for e in entries], session.library.domain)
    print(json.dumps(found, indent=2) if as_json else to_markdown(found))


def audit(library: Library, keys: Keys = DEFAULT_KEYS) -> None:
    """Check the log's chain and print it."""
    with _open(library, keys) as session:
        for record in session.records:
            print(
                f"{record.number:6d}  {record.time}  {record.event:10s} {json.dumps(record.data)}"
            )


def diff(library: Library, before: int, after: int, keys: Keys = DEFAULT_KEYS) -> None:
    """What changed from one version to another, as JSON."""
    from ncpu.npcot.contents import diff as difference

    with _open(library, keys) as session:
        change = difference(session.at_version(before), session.at_version(after))
    print(json.dumps(change.to_json(), indent=2))


def export(
    library: Library,
    output: Annotated[Path, typer.Argument(help="Where to: NAME.shlo, NAME.c or NAME.s.")],
    keys: Keys = DEFAULT_KEYS,
    form: Annotated[
        Form, typer.Option("--format", help="StableHLO (with a script that runs it), C or A64.")
    ] = Form.STABLEHLO,
    c: Annotated[bool, typer.Option("--c", help="The same as --format c.")] = False,
) -> None:
    """Write the library as one StableHLO artefact, one C file or one A64 assembly file."""
    from ncpu.npcot.emit_a64 import emit_a64
    from ncpu.npcot.emit_c import emit_c
    from ncpu.npcot.export import write_export
    from ncpu.npcot.storage import write_durably

    form = Form.C if c else form
    with _open(library, keys) as session:
        if form is Form.STABLEHLO:
            size = write_export(session.library, output)
        else:
            emit = emit_c if form is Form.C else emit_a64
            text = emit(session.library).encode()
            write_durably(output, text)
            size = len(text)
    print(f"{output}: {size:,} bytes")


def prune(
    library: Library,
    keep: Annotated[int, typer.Option(help="How many of the newest snapshots stay.", min=1)],
    keys: Keys = DEFAULT_KEYS,
) -> None:
    """Remove older snapshots; the log says which."""
    with _open(library, keys) as session:
        gone = session.prune(keep)
    print(f"removed {len(gone)} snapshots")


def pack(library: Library, output: Path, keys: Keys = DEFAULT_KEYS) -> None:
    """Write the entries as a bundle signed with your Ed25519 key, for another owner."""
    from ncpu.npcot.merge import pack_entries
    from ncpu.npcot.storage import write_durably

    with _open(library, keys) as session:
        entries = session.contents.entries.values()
        write_durably(output, pack_entries(entries, _owner(keys).share))
    print(f"{output}: {len(entries)} entries")


def merge(
    library: Library,
    bundles: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    keys: Keys = DEFAULT_KEYS,
    policy: Annotated[str, typer.Option(help="smallest-gap, oldest or newest.")] = "smallest-gap",
) -> None:
    """Merge other owners' bundles into the library; what no trusted key signed is refused."""
    from ncpu.npcot.merge import Rules, merge_libraries, unpack_entries

    owner = _owner(keys)
    with _open(library, keys) as session:
        contents = session.contents
        rules = Rules(
            owner.entry_trust,
            session.library.domain,
            session.library.width,
            session.library.capacity,
            policy,
            contents.accept,
        )
        others = [unpack_entries(path.read_bytes(), owner.entry_trust) for path in bundles]
        merged = merge_libraries(contents.entries.values(), *others, rules=rules)
        session.replace_entries(merged.entries, "merged")
        version = session.save()
    for identity, reason in merged.refused:
        print(f"refused {identity[:16]}: {reason}")
    for winner, loser in merged.conflicts:
        print(f"conflict: {winner[:16]} stays, {loser[:16]} goes ({policy})")
    print(f"version {version}: {len(merged.entries)} entries, {len(merged.dropped)} over capacity")


def tasks(output: Path) -> None:
    """Write the built-in programming tasks, in the format of HumanEval files."""
    from ncpu.npcot.solve.task import write_rows
    from ncpu.npcot.solve.tasks import builtin_rows

    rows = list(builtin_rows())
    write_rows(rows, output)
    print(f"{output}: {len(rows)} tasks in {len({r['family'] for r in rows})} families")


def solve(
    tasks: Annotated[Path, typer.Argument(help="HumanEval or MBPP JSONL.", dir_okay=False)],
    model: Annotated[
        str,
        typer.Option(help="A folder of a Hugging Face model, scripted:FILE, compose or synth."),
    ],
    store: Annotated[Path | None, typer.Option(help="Keep solutions here.")] = None,
    keys: Keys = DEFAULT_KEYS,
    candidates: Annotated[int, typer.Option("-k", min=1, help="For each task.")] = 4,
    temperature: Annotated[float, typer.Option(min=0)] = 0.0,
    retries: Annotated[int, typer.Option(min=0, help="Further rounds for hard tasks.")] = 0,
    retry_budget: Annotated[int, typer.Option(min=0, help="Candidates in all of them.")] = 200,
    last: Annotated[
        str | None, typer.Option(help="Another --model, for what the retries leave unsolved.")
    ] = None,
    seed: int = 0,
    output: Annotated[Path | None, typer.Option("-o", help="Write the report here.")] = None,
) -> None:
    """Solve programming tasks: visible tests choose, hidden tests score, what passes is stored."""
    from rich.progress import Progress

    from ncpu.npcot.sandbox import Sandbox
    from ncpu.npcot.solve.loop import Plan
    from ncpu.npcot.solve.loop import solve as run
    from ncpu.npcot.solve.store import SolveStore
    from ncpu.npcot.solve.task import load_tasks
    from ncpu.npcot.storage import write_durably

    found, sandbox, proposer = load_tasks(tasks), Sandbox(), _proposer(model)
    fallback = _proposer(last) if last else None
    plan = Plan(
        candidates=candidates,
        temperature=temperature,
        retries=retries,
        retry_budget=retry_budget,
        seed=seed,
    )
    kept = SolveStore.open(store, _owner(keys)) if store else SolveStore()
    with kept, Progress(transient=True) as progress:
        bar = progress.add_task("solving", total=len(found))
        result = run(
            found, proposer, sandbox, kept, plan, lambda _: progress.advance(bar), fallback
        )
        kept.save()
    summary = {"model": model, "last": last, "seed": seed, "plan": plan.__dict__} | result.report()
    if output:
        write_durably(output, json.dumps(summary, indent=2).encode())
    unread = sum(task.unread for task in found)
    print(json.dumps(summary["all"], indent=2))
    print(f"{result.calls} calls of the proposer; {unread} tests were no literal comparisons")


def _proposer(model: str) -> Proposer:
    from ncpu.npcot.solve.compose import ComposingProposer
    from ncpu.npcot.solve.propose import LanguageModelProposer, ScriptedProposer
    from ncpu.npcot.solve.synthesise import SynthesisProposer

    if model == "compose":
        return ComposingProposer()
    if model == "synth":
        return SynthesisProposer()
    if model.startswith("scripted:"):
        return ScriptedProposer.read(Path(model.removeprefix("scripted:")))
    return LanguageModelProposer(Path(model))
