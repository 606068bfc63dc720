"""Solving: tasks are read right, hidden tests stay hidden, what passed is reused at no call."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from ncpu.npcot.errors import LibraryBusyError, ModelUnavailableError, TaskFormatError
from ncpu.npcot.owner import Owner
from ncpu.npcot.sandbox import Limits, Sandbox
from ncpu.npcot.solve import harness
from ncpu.npcot.solve.compose import BODIES, ComposingProposer, chain_of, source_of
from ncpu.npcot.solve.judge import judge, judge_task
from ncpu.npcot.solve.loop import Plan, solve, wilson
from ncpu.npcot.solve.propose import LanguageModelProposer, Request, ScriptedProposer, completed
from ncpu.npcot.solve.store import SolveStore, description
from ncpu.npcot.solve.synthesise import SynthesisProposer
from ncpu.npcot.solve.task import Case, load_tasks, read_task, write_rows
from ncpu.npcot.solve.tasks import EXAMPLES, HIDDEN, builtin_rows

if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
    pytest.skip("needs bubblewrap: apt-get install bubblewrap", allow_module_level=True)

ROWS = list(builtin_rows())
TASKS = {t.task_id: t for t in map(read_task, ROWS)}
HUMAN_EVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'def near(a, b):\n    """Half of a and b.\n    >>> near(1, 2)\n    1.5\n    """\n',
    "entry_point": "near",
    "canonical_solution": "    return (a + b) / 2\n",
    "test": (
        "METADATA = {}\n\ndef check(candidate):\n"
        "    assert candidate(1, 3) == 2.0, 'message'\n"
        "    assert abs(candidate(0, 1) - 0.5) < 1e-6\n"
        "    assert candidate(*[1, 2]) == 1.5\n"
        "    for i in range(3):\n        assert candidate(i, i) == i\n"
        "    assert True\n"
    ),
}
MBPP = {
    "task_id": 2,
    "text": "Write a function to find the similar elements of two tuples.",
    "code": "def similar(a, b): return tuple(set(a) & set(b))",
    "test_list": [
        "assert similar((3, 4, 5, 6),(5, 7, 4, 10)) == (4, 5)",
        "assert similar((1, 2),(5, 4)) == ()",
        "assert not similar((), ())",
    ],
}


@pytest.fixture(scope="module")
def box() -> Sandbox:
    return Sandbox(Limits(wall_seconds=20))


def reference(task_id: str) -> str:
    row = next(r for r in ROWS if r["task_id"] == task_id)
    return row["prompt"] + row["canonical_solution"]


def test_the_built_in_set():
    assert len(ROWS) >= 100 and len({r["family"] for r in ROWS}) >= 10
    assert len({t.fingerprint for t in TASKS.values()}) == len(ROWS)
    for task in TASKS.values():
        assert (len(task.visible), len(task.hidden), task.unread) == (EXAMPLES, HIDDEN, 0)
        assert not {c.args for c in map(str_args, task.visible)} & {
            c.args for c in map(str_args, task.hidden)
        }
    assert list(builtin_rows()) == ROWS


def str_args(case: Case) -> Case:
    return Case((repr(case.args),), None)


@pytest.mark.parametrize("family", sorted({r["family"] for r in ROWS}))
def test_references_pass_their_tests(box, family):
    for task in [t for t in TASKS.values() if t.family == family][::4]:
        visible, hidden = judge_task(box, reference(task.task_id), task)
        assert visible.ok and hidden


def test_human_eval_rows():
    task = read_task(HUMAN_EVAL)
    assert task.visible == (Case((1, 2), 1.5),)
    assert task.hidden == (Case((1, 3), 2.0), Case((0, 1), 0.5, 1e-6))
    assert task.unread == 2 and task.family == "HumanEval"


def test_mbpp_rows():
    task = read_task(MBPP)
    assert task.entry_point == "similar" and task.task_id == "2"
    assert task.visible == (Case(((3, 4, 5, 6), (5, 7, 4, 10)), (4, 5)),)
    assert task.hidden == (Case(((1, 2), (5, 4)), ()), Case(((), ()), False))
    assert MBPP["text"] in task.prompt and "(1, 2)" not in task.prompt


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "not json", '{"prompt": "", "entry_point": "f", "test": "("}', "\0"]
)
def test_what_is_no_task_file(tmp_path, text):
    (tmp_path / "tasks").write_text(text)
    with pytest.raises(TaskFormatError):
        load_tasks(tmp_path / "tasks")
    with pytest.raises(TaskFormatError):
        load_tasks(tmp_path / "absent")


def test_task_files_read_back(tmp_path):
    write_rows(ROWS, tmp_path / "tasks.jsonl")
    assert load_tasks(tmp_path / "tasks.jsonl") == list(TASKS.values())


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, -(10**30), 1.5, float("inf"), "é\n", b"\0", (1, (2,)), [1, []], {1, 2}),
        *({"a": (1, 2), 3: None}, frozenset({1}), 1 + 2j),
    ],
)
def test_values_cross_the_border(value):
    found = harness.decode(json.loads(json.dumps(harness.encode(value))))
    assert found == value and type(found) is type(value)


def test_other_objects_do_not():
    for value in (object(), type("Int", (int,), {})(1), [lambda: 0]):
        with pytest.raises(TypeError):
            harness.encode(value)


F = (Case((1,), 2), Case((5,), 6))


@pytest.mark.parametrize(
    ("source", "passed", "reason"),
    [
        ("def f(x): return x + 1", (True, True), ""),
        ("def f(x): return 2", (True, False), "wrong"),
        ("def f(x): return 2 if x == 1 else 1 / 0", (True, False), "ZeroDivisionError"),
        ("import sys\ndef f(x): return 2 if x == 1 else sys.exit()", (True, False), "SystemExit"),
        ("def f(x):\n  while x == 5: pass\n  return 2", (True, False), "wall"),
        ("def f(x):\n  import os\n  if x == 5: os._exit(0)\n  return 2", (True, False), "exit"),
        ("def g(x): return 2", (False, False), "KeyError"),
        ("def f(x: return 2", (False, False), "SyntaxError"),
        ("def f(x): print('noise'); return x + 1", (True, True), ""),
        (
            "class E:\n  def __eq__(s, o): return True\ndef f(x): return E()",
            (False,) * 2,
            "TypeError",
        ),
        ("import os\nos.write(1, b'junk\\n' * 9)\ndef f(x): return 2", (False,) * 2, "unreadable"),
        ("def f(x): return [x] * 10**9", (False,) * 2, "MemoryError"),
    ],
)
def test_judging(source, passed, reason):
    seconds = 4 if reason == "wall" else 60  # a loaded machine starts a sandbox slowly
    verdict = judge(Sandbox(Limits(wall_seconds=seconds, cpu_seconds=10)), source, "f", F)
    assert verdict.passed == passed and verdict.reason == reason


def test_expected_values_are_not_in_the_sandbox(box):
    """A candidate that searches everything it can reach for the answer finds none."""
    secret = 918273645
    source = (
        "import gc, sys\n"
        "def f(x):\n"
        "  seen = [repr(o) for o in gc.get_objects() if isinstance(o, (list, dict, tuple))]\n"
        "  frame, text = sys._getframe(), ''\n"
        "  while frame:\n"
        "    text += repr(frame.f_locals) + repr(frame.f_globals)\n"
        "    frame = frame.f_back\n"
        "  return str(918273600 + x) in text + ''.join(seen)\n"
    )
    assert judge(box, source, "f", [Case((45,), secret)]).reasons == ("wrong",)
    assert judge(box, source, "f", [Case((45,), False)]).ok


def scripted(**candidates):
    return ScriptedProposer({k.replace("_", "/"): v for k, v in candidates.items()})


def test_rates_are_kept_apart(box):
    task = TASKS["reduce/0"]
    table = {str(c.args[0]): c.expected for c in task.visible}
    overfit = f"def total(v):\n  return {table}[str(v)]"
    good, bad = reference("reduce/0"), "def total(v): return None"
    for sources, first, chosen, anyway in [
        ([good], 1, 1, 1),
        ([bad, good], 0, 1, 1),
        ([bad, overfit, good], 0, 0, 1),
        ([bad, bad], 0, 0, 0),
    ]:
        report = solve([task], scripted(reduce_0=sources), box).report()["all"]
        found = tuple(report[k]["right"] for k in ("first", "chosen", "any"))
        assert found == (first, chosen, anyway)


def test_a_second_run_costs_no_call_and_counts_no_solve(box, tmp_path):
    owner = Owner.create(tmp_path / "keys")
    tasks = [TASKS["reduce/0"], TASKS["text/1"], TASKS["digits/0"]]
    proposer = scripted(
        reduce_0=[reference("reduce/0")], text_1=[reference("text/1")], digits_0=["def x(): 0"]
    )
    with SolveStore.open(tmp_path / "store", owner) as store:
        with pytest.raises(LibraryBusyError):
            SolveStore.open(tmp_path / "store", owner)
        first = solve(tasks, proposer, box, store)
        store.save()
    assert first.calls == 3 and first.report()["all"]["chosen"]["right"] == 2
    with SolveStore.open(tmp_path / "store", owner) as store:
        assert len(store.solutions) == 2
        again = solve(tasks[:2], proposer, box, store)
    assert again.calls == 0 and proposer.calls == 3
    report = again.report()["all"]
    assert (report["reused"], report["reused_right"], report["asked"]) == (2, 2, 0)
    assert report["chosen"]["right"] == 0


def test_only_what_passes_visible_tests_is_stored(box):
    store = SolveStore()
    solve([TASKS["reduce/0"]], scripted(reduce_0=["def total(v): return 0"]), box, store)
    assert store.solutions == {}


def test_a_stored_solution_that_no_longer_passes_is_not_used(box):
    store, task = SolveStore(), TASKS["reduce/0"]
    store.put(task, "def total(v): return 'poison'")
    run = solve([task], scripted(reduce_0=[reference("reduce/0")]), box, store)
    assert run.results[0].origin == "model" and run.results[0].chosen
    assert store.find(task) == reference("reduce/0")


class Moody:
    """Right only when it is asked warmly enough."""

    calls = 0
    requests: list[Request]

    def __init__(self):
        self.requests = []

    def propose(self, request):
        self.calls += 1
        self.requests.append(request)
        good = request.temperature >= 0.8
        return [reference("reduce/0") if good else "def total(v): return 1 / 0"]


def test_retries_vary_the_request_and_keep_to_their_budget(box):
    proposer, task = Moody(), TASKS["reduce/0"]
    run = solve([task], proposer, box, plan=Plan(candidates=1, retries=3))
    assert run.results[0].origin == "retry" and run.results[0].chosen and not run.results[0].first
    assert [r.temperature for r in proposer.requests] == [0.0, 0.4, 0.8]
    assert "ZeroDivisionError" in proposer.requests[1].text()
    assert len({r.seed for r in proposer.requests}) == 3
    proposer = Moody()
    run = solve([task], proposer, box, plan=Plan(candidates=1, retries=3, retry_budget=1))
    assert proposer.calls == 2 and not run.results[0].visible


def test_the_synthesiser_is_asked_last(box):
    task = TASKS["filter/0"]
    wrong = ScriptedProposer({task.task_id: ["def evens(v): return [1]"]})
    last = SynthesisProposer()
    run = solve([task], wrong, box, plan=Plan(retries=1), last=last)
    assert run.results[0].origin == "retry" and run.results[0].chosen and not run.results[0].first
    assert (wrong.calls, last.calls, run.calls) == (2, 1, 3)


def test_the_synthesiser_has_nothing_for_other_kinds():
    task = read_task(HUMAN_EVAL)
    assert SynthesisProposer(seconds=0.1).propose(Request(task, 4)) == []


def test_composed_sources_are_chains_and_back():
    task = TASKS["reduce/0"]
    for chain in [("total",), ("keep_even", "map_square", "total"), ("reverse", "reverse")]:
        assert chain_of(source_of(chain, task)) == chain
    for other in ("", "x = 1", "def f(v): return g(v)", "def f(v): return v", "def f(", "\0"):
        assert chain_of(other) is None
    assert len(BODIES) > 30


def test_the_store_makes_harder_tasks_reachable(box):
    """Same budget of evaluations: on beats off and the shuffled control."""
    easy = [TASKS[f"{f}/{i}"] for f in ("filter", "map", "reduce") for i in range(5)]
    hard = [t for t in TASKS.values() if t.family in ("filter-reduce", "map-reduce")]
    store = SolveStore()
    solve(easy, ComposingProposer(2000), box, store, Plan(candidates=1))
    right = {}
    for name, kept in (("off", None), ("on", store), ("shuffled", store.shuffled(1))):
        proposer = ComposingProposer(100)
        run = solve(hard, proposer, box, kept, Plan(candidates=1))
        right[name] = run.report()["all"]["chosen"]["right"]
        assert proposer.evaluations <= 100 * len(hard)
    assert right["on"] >= 1.5 * max(right["off"], right["shuffled"]), right


def test_retrieval_uses_the_descriptions_only():
    store = SolveStore()
    for name in ("filter/0", "map/0", "text/0"):
        store.put(TASKS[name], name)
    assert store.nearest(TASKS["text/7"], 1) == ["text/0"]
    assert "squares" in description(TASKS["map/0"]) and ">>>" not in description(TASKS["map/0"])


def test_completions_end_with_the_function():
    task = TASKS["reduce/0"]
    rest = "    return sum(v)\n\nprint('more')\nclass X: pass\n"
    assert completed(task, rest) == task.prompt + "    return sum(v)\n"
    fenced = "Sure:\n```python\ndef total(v):\n    return 1\n```\nDone."
    assert completed(task, fenced) == "def total(v):\n    return 1\n"


def test_scripted_files(tmp_path):
    path = tmp_path / "script.jsonl"
    path.write_text('{"task_id": "reduce/0", "candidates": ["a", "b", "c"]}\n')
    proposer = ScriptedProposer.read(path)
    assert proposer.propose(Request(TASKS["reduce/0"], 2)) == ["a", "b"]
    assert proposer.propose(Request(TASKS["reduce/1"], 2)) == []
    path.write_text("{}\n")
    with pytest.raises(TaskFormatError, match="line 1"):
        ScriptedProposer.read(path)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ModelUnavailableError):
        LanguageModelProposer(tmp_path / "absent")


@pytest.mark.parametrize(("right", "of"), [(0, 0), (0, 10), (5, 10), (10, 10), (1, 10000)])
def test_wilson_intervals(right, of):
    low, high = wilson(right, of)
    assert 0 <= low <= (right / of if of else 0.5) <= high <= 1
    if of:  # the defining equation: |p - rate| = z sqrt(p (1 - p) / n)
        for p in (low, high):
            assert abs(p - right / of) == pytest.approx(
                1.959964 * (p * (1 - p) / of) ** 0.5, abs=1e-9
            )
