"""The benchmark of language models: problems, judges, statistics, and one whole run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.coproc import CoprocessorConfig
from ncpu.coproc.bench import problems, statistics
from ncpu.coproc.bench.models import LanguageModel, Options
from ncpu.coproc.bench.run import run, write
from ncpu.coproc.errors import BenchError, CoprocessorFilesError, TokenizerError
from ncpu.coproc.inject import inject_coprocessor, save_pretrained
from ncpu.npcot.errors import SandboxUnavailableError
from ncpu.npcot.sandbox import Limits, Sandbox

HUMANEVAL = [
    {
        "task_id": f"HumanEval/{i}",
        "prompt": f'def {name}(a, b):\n    """{doc}"""\n',
        "entry_point": name,
        "canonical_solution": f"    return {body}\n",
        "test": f"def check(candidate):\n    assert candidate(5, 3) == {value}\n",
    }
    for i, (name, doc, body, value) in enumerate(
        [
            ("plus", "Add.", "a + b", 8),
            ("minus", "Less.", "a - b", 2),
            ("top", "Max", "max(a, b)", 5),
        ]
    )
]
MBPP = [
    {
        "task_id": i,
        "text": f"Write a function to {doc}.",
        "code": code,
        "test_setup_code": "",
        "test_list": tests,
        "challenge_test_list": [],
    }
    for i, doc, code, tests in [
        (11, "double", "def f(x):\n    return 2 * x", ["assert f(4) == 8", "assert f(0) == 0"]),
        (12, "negate", "def f(x):\n    return -x", ["assert f(4) == -4"]),
        (13, "reverse", "def f(x):\n    return x[::-1]", ["assert f('ab') == 'ba'"]),
    ]
]


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    try:
        return Sandbox(Limits(wall_seconds=30.0))
    except SandboxUnavailableError as error:
        pytest.skip(str(error))


def test_arithmetic_is_what_python_computes() -> None:
    found = problems.arithmetic(3, 20)
    assert [p.prompt for p in found] == [p.prompt for p in problems.arithmetic(3, 20)]
    assert len({p.name for p in found}) == len(found) == 20 * 8 * 4
    signs = {"AND": "&", "OR": "|", "XOR": "^", "/": "//"}
    for problem in found:
        question = problem.prompt.splitlines()[-1].removesuffix(" =")
        a, sign, b = question.split()
        answer = eval(f"{a} {signs.get(sign, sign)} {b}")  # two numbers and a sign
        assert 0 <= answer < 2**32
        assert problem.judge(f" {answer}\n7") == "right"
        assert problem.judge(f" {answer}0") == problem.judge("") == "wrong"
    shots = problems.arithmetic(3, 1)[0].prompt.splitlines()
    assert len(shots) == 3 and all(line.split("=")[1].strip() for line in shots[:2])


@pytest.mark.parametrize("arguments", [{"count": 0}, {"digits": (10,)}, {"shots": -1}])
def test_arithmetic_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match="accepted"):
        problems.arithmetic(0, **{"count": 1, **arguments})


def test_humaneval_judges(sandbox: Sandbox, tmp_path: Path) -> None:
    found = problems.humaneval(jsonl(tmp_path / "h.jsonl", HUMANEVAL), sandbox)
    assert [p.name for p in found] == ["HumanEval/0", "HumanEval/1", "HumanEval/2"]
    for problem, row in zip(found, HUMANEVAL, strict=True):
        assert problem.prompt == row["prompt"]
        assert problem.judge(row["canonical_solution"] + "\nprint(1)\ndef x(:") == "right"
    plus = found[0]
    assert plus.judge("    return a - b\n") == "wrong"
    assert plus.judge("    return a +\n") == "error"
    assert plus.judge("    import os\n    os._exit(0)\n") == "error"
    assert plus.judge("    raise SystemExit(0)\n") == "error"


def test_a_program_that_does_not_end_is_stopped(tmp_path: Path, sandbox: Sandbox) -> None:
    path = jsonl(tmp_path / "h.jsonl", HUMANEVAL[:1])
    short = Sandbox(Limits(wall_seconds=1.0))
    assert problems.humaneval(path, short)[0].judge("    while True: pass\n") == "stopped"


def test_mbpp_judges(sandbox: Sandbox, tmp_path: Path) -> None:
    found = problems.mbpp(jsonl(tmp_path / "m.jsonl", MBPP), sandbox)
    for problem, row in zip(found, MBPP, strict=True):
        assert row["text"] in problem.prompt and row["test_list"][0] in problem.prompt
        assert problem.judge(row["code"] + "\n[DONE]\nnonsense(") == "right"
    assert found[0].judge("def f(x):\n    return x\n") == "wrong"
    assert found[0].judge("def g(x):\n    return 2 * x\n") == "error"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "has no problems"),
        ("{", "line 1: no JSON"),
        ("[]", "line 1: task_id is missing"),
        (json.dumps(HUMANEVAL[0]) * 1 + "\n" + json.dumps(HUMANEVAL[0]), "line 2: task_id"),
        (json.dumps(HUMANEVAL[0] | {"test": 3}), "line 1: test is missing or no str"),
        (json.dumps(HUMANEVAL[0] | {"entry_point": "a()"}), "entry_point is no name"),
    ],
)
def test_malformed_files_name_the_line(
    lines: str, message: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(lines)
    with pytest.raises(BenchError, match=message):
        problems.humaneval(path, sandbox)
    with pytest.raises(BenchError, match="cannot be read"):
        problems.mbpp(tmp_path / "none.jsonl", sandbox)


def test_mcnemar_and_wilson_against_their_formulas() -> None:
    rng = np.random.default_rng(5)
    for n in (1, 7, 40, 300):
        before, after = rng.random(n) < 0.4, rng.random(n) < 0.6
        found = statistics.mcnemar(before.tolist(), after.tolist())
        b, c = int((before & ~after).sum()), int((~before & after).sum())
        assert (found["only_base"], found["only_injected"]) == (b, c)
        assert found["both"] + found["neither"] + b + c == n
        tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
        assert math.isclose(found["p"], min(1.0, 2 * tail), rel_tol=1e-9)
        k, z = int(after.sum()), 1.959963984540054
        middle, scale = (k / n + z * z / (2 * n)), 1 + z * z / n
        spread = z * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
        low, high = statistics.rate(after.tolist())["interval"]
        assert math.isclose(low, (middle - spread) / scale, abs_tol=1e-12)
        assert math.isclose(high, (middle + spread) / scale, abs_tol=1e-12)
    assert statistics.rate([])["interval"] == [0.0, 1.0]
    assert statistics.mcnemar([True], [True])["p"] == 1.0


transformers = pytest.importorskip("transformers", minversion="4.57")
LETTERS = [*"0123456789 +-*/<=\n", *map(chr, range(65, 91)), *map(chr, range(97, 123))]
WIDTH = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random GPT-2 with a coprocessor and a tokenizer of characters."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    path = tmp_path_factory.mktemp("model")
    vocabulary = {c: i for i, c in enumerate(["<unk>", "<end>", *LETTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("[\\s\\S]"), "isolated")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>"
    ).save_pretrained(path)
    config = transformers.GPT2Config(
        vocab_size=len(vocabulary), n_positions=512, n_embd=WIDTH, n_layer=1, n_head=2,
        bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    model = transformers.FlaxGPT2LMHeadModel(config, _do_init=False)
    rng = np.random.default_rng(0)
    model._is_initialized = True
    model.params = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(0, 0.3, leaf.shape), leaf.dtype),
        model.params_shape_tree,
    )
    save_pretrained(inject_coprocessor(model, CoprocessorConfig(layer_indices=(0,))), path)
    return path


def test_a_whole_run(
    folder: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncpu.coproc.bench.models.BUCKET", 256)  # one shape for all tasks
    said: list[str] = []
    result = run(
        folder,
        ("arithmetic", "humaneval", "mbpp"),
        humaneval=jsonl(tmp_path / "h.jsonl", HUMANEVAL),
        mbpp=jsonl(tmp_path / "m.jsonl", MBPP),
        count=1,
        limit=3,
        options=Options(max_new_tokens=4, batch=3, seed=7),
        sandbox=sandbox,
        report=said.append,
    )
    assert list(result["tasks"]) == ["arithmetic", "humaneval", "mbpp"]
    for task in result["tasks"].values():
        assert len(task["problems"]) == 3
        test = task["mcnemar"]
        assert test["both"] + test["only_base"] + test["only_injected"] + test["neither"] == 3
        assert 0 <= task["gates"]["mean"] <= task["gates"]["largest"] <= 1
        assert task["base"]["interval"][0] <= task["base"]["rate"] <= task["base"]["interval"][1]
    assert result["options"]["seed"] == 7 and result["versions"]["jax"] == jax.__version__
    assert result["coprocessor"]["layer_indices"] == [0]
    assert len(said) == 1 + 2 * 3
    write(result, tmp_path / "result.json")
    assert json.loads((tmp_path / "result.json").read_text()) == result
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_what_a_run_refuses(folder: Path, tmp_path: Path) -> None:
    for tasks in (("chess",), (), ("arithmetic", "arithmetic")):
        with pytest.raises(BenchError, match="accepted: different ones of arithmetic"):
            run(folder, tasks)
    with pytest.raises(BenchError, match="humaneval needs its file"):
        run(folder, ("humaneval",))
    with pytest.raises(BenchError, match="limit is 0"):
        run(folder, limit=0)
    with pytest.raises(BenchError, match=r"config\.json.* cannot be used"):
        run(tmp_path)
    with pytest.raises(CoprocessorFilesError, match=r"manifest\.json cannot be read"):
        run(folder, coprocessor=tmp_path)
    for wrong in (lambda: Options(0), lambda: Options(batch=0), lambda: Options(temperature=-1.0)):
        with pytest.raises(BenchError):
            wrong()


def test_prompts_that_do_not_fit_are_named(folder: Path) -> None:
    from ncpu.coproc.bench.models import load

    model = load(folder)
    assert isinstance(model, LanguageModel)
    with pytest.raises(BenchError, match=r"'1{40}' is 600 tokens; accepted .* 1 to 508"):
        model.complete(["1" * 600], Options(max_new_tokens=4))


def test_tokenizers_that_join_digits_are_refused(folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(folder, tmp_path / "model")
    path = tmp_path / "model" / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["pre_tokenizer"] = {"type": "Whitespace"}
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(TokenizerError, match="also side by side"):
        run(tmp_path / "model", count=1, limit=1)
