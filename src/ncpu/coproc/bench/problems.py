"""Problems and who judges an answer: arithmetic in text, HumanEval and MBPP from their files."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ncpu.coproc.errors import BenchError
from ncpu.npcot.sandbox import Sandbox

TASKS = ("arithmetic", "humaneval", "mbpp")
SIGNS = {
    **{"ADD": "+", "SUB": "-", "MUL": "*", "DIV": "/"},
    **{"AND": "AND", "OR": "OR", "XOR": "XOR", "SHL": "<<"},
}
NEW_TOKENS = {"arithmetic": 16, "humaneval": 384, "mbpp": 384}
"""How long a completion may be, unless something else is asked for."""
WORD = 1 << 32
# Where the published evaluations cut a completion: it has begun something else.
STOPS = {
    "humaneval": ("\nclass ", "\ndef ", "\n#", "\nif ", "\nprint(", "\n@", "\n```"),
    "mbpp": ("[DONE]", "\n```"),
}


@dataclass(frozen=True)
class Problem:
    """One question.

    Attributes:
      name: unique in its task.
      group: what results are broken down by.
      prompt: what the model is to continue.
      judge: the completion to "right", "wrong", "error" or "stopped" (a limit was reached).
    """

    name: str
    group: str
    prompt: str
    judge: Callable[[str], str]


def arithmetic(
    seed: int, count: int, digits: tuple[int, ...] = (2, 4, 6, 9), shots: int = 2
) -> list[Problem]:
    """Exact calculations below 2**32 in decimal, with nothing to wrap around.

    Args:
      seed: of the numbers.
      count: problems of each operation and number of digits.
      digits: of the first operand, and of the second as far as the result allows.
      shots: solved examples of the same operation and size in front of each.

    Raises:
      BenchError: a count or number of digits out of range.
    """
    if count < 1 or shots < 0:
        raise BenchError(f"count is {count}, shots {shots}; accepted: from 1 and from 0 up")
    if not digits or not all(1 <= n <= 9 for n in digits):
        raise BenchError(f"digits is {list(digits)}; accepted: numbers from 1 to 9")
    made = []
    for op in SIGNS:
        for size in digits:
            draw = Random(f"arithmetic {seed} {op} {size}")
            for number in range(count):
                lines = [_calculation(op, size, draw) for _ in range(shots + 1)]
                text = "".join(f"{question} {answer}\n" for question, answer in lines[:-1])
                question, answer = lines[-1]
                name = f"{op}-{size}-{number}"
                made.append(Problem(name, f"{op} {size}", text + question, _is_number(answer)))
    return made


def _calculation(op: str, size: int, draw: Random) -> tuple[str, int]:
    """A question without the blank after it, and its answer."""

    def number(most: int) -> int:
        most = min(most, 10**size - 1)
        return draw.randint(min(10 ** (size - 1), most), most)

    a = number(WORD - 1)
    if op == "SUB":
        b = draw.randint(0, a)
    elif op == "MUL":
        b = number((WORD - 1) // max(a, 1))
    elif op == "DIV":
        b = draw.randint(1, max(a, 1))
    elif op == "SHL":
        b = draw.randint(0, 32 - a.bit_length())
    else:
        b = number(WORD - 1)
    results = {
        **{"ADD": a + b, "SUB": a - b, "MUL": a * b, "DIV": a // b if b else 0},
        **{"AND": a & b, "OR": a | b, "XOR": a ^ b, "SHL": a << b if op == "SHL" else 0},
    }
    return f"{a} {SIGNS[op]} {b} =", results[op]


def _is_number(answer: int) -> Callable[[str], str]:
    def judge(completion: str) -> str:
        found = re.match(r"\s*(\d+)", completion)
        return "right" if found and found[1] == str(answer) else "wrong"

    return judge


def humaneval(path: Path, sandbox: Sandbox) -> list[Problem]:
    """The problems of a HumanEval file (Chen et al., arXiv:2107.03374).

    Args:
      path: JSON lines with task_id, prompt, entry_point and test.
      sandbox: where completions run.

    Raises:
      BenchError: the file is missing, empty or has a line of another form.
    """
    fields = {"task_id": str, "prompt": str, "entry_point": str, "test": str}
    made = []
    for row in _rows(path, fields):
        if not row["entry_point"].isidentifier():
            raise BenchError(f"{path}: {row['task_id']}: entry_point is no name")

        def program(completion: str, row: dict[str, Any] = row) -> str:
            body = row["prompt"] + cut(completion, "humaneval")
            return f"{body}\n\n{row['test']}\n\ncheck({row['entry_point']})\n"

        made.append(Problem(row["task_id"], "humaneval", row["prompt"], _runs(sandbox, program)))
    return made


def mbpp(path: Path, sandbox: Sandbox) -> list[Problem]:
    """The problems of an MBPP file (Austin et al., arXiv:2108.07732), in that paper's prompt.

    Args:
      path: JSON lines with task_id, text, test_list and perhaps test_setup_code.
      sandbox: where completions run.

    Raises:
      BenchError: the file is missing, empty or has a line of another form.
    """
    made = []
    for row in _rows(path, {"task_id": int, "text": str, "test_list": list}):
        setup = row.get("test_setup_code", "")
        if not isinstance(setup, str) or not all(isinstance(x, str) for x in row["test_list"]):
            raise BenchError(
                f"{path}: {row['task_id']}: test_setup_code must be a string and test_list a "
                "list of strings"
            )
        tests = "\n".join(row["test_list"])
        prompt = (
            f"You are an expert Python programmer, and here is your task: {row['text']} "
            f"Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
        )

        def program(completion: str, setup: str = setup, tests: str = tests) -> str:
            return f"{cut(completion, 'mbpp')}\n{setup}\n{tests}\n"

        made.append(Problem(str(row["task_id"]), "mbpp", prompt, _runs(sandbox, program)))
    return made


def cut(completion: str, task: str) -> str:
    """A completion up to the first of its task's stops."""
    found = [completion.find(stop) for stop in STOPS[task]]
    return completion[: min((at for at in found if at >= 0), default=None)]


def _runs(sandbox: Sandbox, program: Callable[[str], str]) -> Callable[[str], str]:
    def judge(completion: str) -> str:
        # A program that ends early, by exit(0) say, has not come to this line.
        passed = secrets.token_hex(16)
        outcome = sandbox.run(f"{program(completion)}\nprint({passed!r})\n")
        if outcome.ended in ("wall", "output"):
            return "stopped"
        if outcome.ok and outcome.stdout.rstrip().endswith(passed.encode()):
            return "right"
        return "wrong" if b"AssertionError" in outcome.stderr else "error"

    return judge


def _rows(path: Path, fields: dict[str, type]) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file, with these fields of these types."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(
            f"{path} cannot be read ({error}); accepted: a file of JSON lines"
        ) from error
    rows: dict[Any, dict[str, Any]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BenchError(f"{path}, line {number}: no JSON ({error})") from error
        for name, kind in fields.items():
            if not isinstance(row, dict) or type(row.get(name)) is not kind:
                accepted = ", ".join(f"{n} ({k.__name__})" for n, k in fields.items())
                raise BenchError(
                    f"{path}, line {number}: {name} is missing or no {kind.__name__}; "
                    f"accepted: objects with {accepted}"
                )
        if row["task_id"] in rows:
            raise BenchError(f"{path}, line {number}: task_id {row['task_id']} came before")
        rows[row["task_id"]] = row
    if not rows:
        raise BenchError(f"{path} has no problems")
    return list(rows.values())
