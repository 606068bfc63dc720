"""Who proposes candidates: one protocol, a scripted proposer, any local causal language model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ncpu.npcot.errors import ModelUnavailableError, TaskFormatError
from ncpu.npcot.solve.task import Task


@dataclass(frozen=True)
class Request:
    """What a proposer is asked.

    Attributes:
      task: its prompt and visible cases may be used; hidden ones are for scoring only.
      count: how many candidates at most.
      helpers: sources of stored solutions of similar tasks.
      temperature: 0 is greedy.
      hint: a sentence about what went wrong before.
      seed: of the sampling.
    """

    task: Task
    count: int
    helpers: Sequence[str] = ()
    temperature: float = 0.0
    hint: str = ""
    seed: int = 0

    def text(self) -> str:
        """The prompt of a language model."""
        parts = [f"{helper.rstrip()}\n\n" for helper in self.helpers]
        parts += [f"# {self.hint}\n" if self.hint else "", self.task.prompt]
        return "\n".join(p for p in parts if p)


class Proposer(Protocol):
    """Makes candidates; `calls` counts how often it was asked."""

    calls: int

    def propose(self, request: Request) -> list[str]:
        """At most `request.count` sources that define the entry point."""
        ...


@dataclass
class ScriptedProposer:
    """Candidates from a table: task id to sources, the same at every call."""

    table: Mapping[str, Sequence[str]]
    calls: int = field(default=0, init=False)

    @staticmethod
    def read(path: Path) -> ScriptedProposer:
        """From a JSONL file of `{"task_id": .., "candidates": [..]}`.

        Raises:
          TaskFormatError: names the line that is something else.
        """
        table = {}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                row = json.loads(line)
                table[row["task_id"]] = [str(c) for c in row["candidates"]]
            except (ValueError, TypeError, KeyError) as error:
                raise TaskFormatError(f"{path}, line {number}: {error}") from error
        return ScriptedProposer(table)

    def propose(self, request: Request) -> list[str]:
        """The task's candidates."""
        self.calls += 1
        return list(self.table.get(request.task.task_id, ()))[: request.count]


class LanguageModelProposer:
    """A local Hugging Face causal language model; nothing is downloaded."""

    def __init__(self, path: Path, max_new_tokens: int = 256):
        """Load tokenizer and model from a folder.

        Raises:
          ModelUnavailableError: transformers (and torch, or its Flax classes) is not installed, or
            the folder holds no such model.
        """
        self.calls = 0
        self._max_new_tokens = max_new_tokens
        try:
            import transformers
        except ImportError as error:
            raise ModelUnavailableError("pip install transformers torch") from error
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(
                path, local_files_only=True
            )
            self._model, self._flax = _load(transformers, path)
        except (OSError, ValueError, ImportError) as error:
            raise ModelUnavailableError(f"{path}: {error}") from error

    def propose(self, request: Request) -> list[str]:
        """Sampled completions of the prompt, each cut where the function ends."""
        self.calls += 1
        text = request.text()
        sources = (completed(request.task, c) for c in self._complete(text, request))
        return list(dict.fromkeys(sources))

    def _complete(self, text: str, request: Request) -> list[str]:
        kind = "jax" if self._flax else "pt"
        tokens = self._tokenizer(text, return_tensors=kind, return_token_type_ids=False)
        options: dict[str, Any] = {"max_new_tokens": self._max_new_tokens}
        options["pad_token_id"] = self._tokenizer.pad_token_id or self._tokenizer.eos_token_id
        if request.temperature > 0:
            options |= {"do_sample": True, "temperature": request.temperature}
        start = tokens["input_ids"].shape[1]
        rows = []
        count = request.count if request.temperature > 0 else 1
        for number in range(count):
            rows.append(self._generate(tokens, options, request.seed + number)[start:])
        return self._tokenizer.batch_decode(rows, skip_special_tokens=True)

    def _generate(self, tokens: Any, options: dict[str, Any], seed: int) -> Any:
        if self._flax:
            import jax

            found = self._model.generate(**tokens, **options, prng_key=jax.random.key(seed))
            return found.sequences[0]
        import torch

        torch.manual_seed(seed)
        with torch.no_grad():
            return self._model.generate(**tokens, **options)[0]


def _load(transformers: Any, path: Path) -> tuple[Any, bool]:
    """The model by torch if it is installed, else by transformers 4's Flax classes."""
    try:
        import torch  # noqa: F401
    except ImportError:
        flax = getattr(transformers, "FlaxAutoModelForCausalLM", None)
        if flax is None:
            raise ImportError(
                "neither torch nor a transformers with Flax classes (below 5) is installed"
            ) from None
        return flax.from_pretrained(path, local_files_only=True), True
    model = transformers.AutoModelForCausalLM.from_pretrained(path, local_files_only=True)
    return model.eval(), False


def completed(task: Task, completion: str) -> str:
    """Prompt and completion up to the first line that no longer belongs to the function."""
    fenced = re.search(r"```(?:python)?\n(.*?)```", completion, re.DOTALL)
    if fenced and f"def {task.entry_point}" in fenced[1]:
        return fenced[1]
    kept = []
    for line in completion.splitlines():
        if kept and re.match(r"[^\s#)\]}]", line) and not line.startswith("def "):
            break
        kept.append(line)
    return task.prompt + "\n".join(kept).rstrip() + "\n"
