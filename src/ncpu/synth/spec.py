"""What a program is asked for: examples, signature, constants, budget, oracle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ncpu.synth.errors import ContradictionError, SourceError, SpecError
from ncpu.synth.expression import Expr
from ncpu.synth.operators import DTYPE
from ncpu.synth.types import Example, Kind, Signature, Value, checked, inferred

Oracle = Callable[..., Value]


def batch(values: Sequence[Value], kind: Kind) -> np.ndarray:
    """Values of one kind as a batch: int64, uint64, bool or object, `[len(values)]`."""
    made = np.empty(len(values), DTYPE.get(kind, object))
    for place, value in enumerate(values):
        made[place] = value
    return made


@dataclass(frozen=True)
class SynthesisSpec:
    """Examples of one function.

    Attributes:
      examples: `Example`, `((argument, ...), result)` or `{"input": ..., "output": ...}`; kept as
        a tuple of `Example` without duplicates.
      signature: kinds; inferred from the examples if not given.
      constants: values a program may use besides those mined from the examples.
      oracle: the function itself, if it can be asked for more results.
      operators: names a program may use; None for all that fit.
      mining: whether integers that the examples suggest may be used as constants.
    """

    examples: Sequence[Any]
    signature: Signature = field(default=None)  # type: ignore[assignment]
    constants: tuple[Value, ...] = ()
    oracle: Oracle | None = field(default=None, compare=False)
    operators: frozenset[str] | None = None
    mining: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        rows = [_example(item) for item in self.examples]
        if not rows:
            raise SpecError("no examples: at least one is needed")
        arities = {len(row.arguments) for row in rows}
        if len(arities) > 1:
            raise SpecError(f"examples of {sorted(arities)} arguments: one arity is accepted")
        signature = self.signature or _inferred(rows)
        if isinstance(signature, str):
            signature = Signature.parse(signature)
        if arities != {len(signature.arguments)}:
            raise SpecError(f"examples of {arities.pop()} arguments for the signature {signature}")
        known: dict[tuple[Value, ...], Value] = {}
        for row in rows:
            pairs = zip(row.arguments, signature.arguments, strict=True)
            given = tuple(checked(value, kind, signature.width) for value, kind in pairs)
            result = checked(row.result, signature.result, signature.width)
            if known.setdefault(given, result) != result:
                raise ContradictionError(f"{given} gives both {known[given]!r} and {result!r}")
        object.__setattr__(self, "signature", signature)
        object.__setattr__(self, "examples", tuple(Example(a, r) for a, r in known.items()))
        object.__setattr__(self, "constants", tuple(self.constants))

    @property
    def arguments(self) -> list[np.ndarray]:
        """Batches of the arguments."""
        columns = zip(*(e.arguments for e in self.examples), strict=True)
        pairs = zip(columns, self.signature.arguments, strict=True)
        return [batch(column, kind) for column, kind in pairs]

    @property
    def results(self) -> np.ndarray:
        """Batch of the results."""
        return batch([e.result for e in self.examples], self.signature.result)

    def with_example(self, arguments: tuple[Value, ...], result: Value) -> SynthesisSpec:
        """The same with one more example."""
        return replace(self, examples=(*self.examples, Example(arguments, result)))

    def canonical(self) -> str:
        """One text for equal specifications: examples sorted, no names."""
        rows = sorted([_plain(e.arguments), _plain(e.result)] for e in self.examples)
        parts = {
            "signature": str(self.signature),
            "examples": rows,
            "constants": sorted(map(repr, self.constants)),
            "operators": sorted(self.operators) if self.operators is not None else None,
        }
        return json.dumps(parts, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(
        cls, text: str, oracle: Oracle | None = None, signature: Signature | None = None
    ) -> SynthesisSpec:
        """Reads `{"signature": "(I)->I", "examples": [[[2], 4], ...], "constants": [...]}`.

        A bare list of examples is accepted; an example may also be
        `{"input": ..., "output": ...}`.

        Args:
          text: JSON.
          oracle: the function itself, if it can be asked for more results.
          signature: instead of the text's own.

        Raises:
          SourceError: not JSON.
          SpecError: not such a specification.
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise SourceError(error.msg, error.lineno, error.colno) from error
        except (ValueError, RecursionError) as error:  # a number, or a nesting, beyond Python's
            raise SpecError(f"JSON that cannot be read: {error}") from error
        if isinstance(data, list):
            data = {"examples": data}
        if not isinstance(data, dict) or not isinstance(data.get("examples"), list):
            raise SpecError('a specification is a list of examples or {"examples": [...]}')
        unknown = set(data) - {"examples", "signature", "constants", "operators"}
        if unknown:
            raise SpecError(f"unknown keys {sorted(unknown)}: accepted are examples, signature, "
                            "constants, operators")  # fmt: skip
        stated = data.get("signature")
        if not isinstance(stated, (str, type(None))):
            raise SpecError(f"signature {stated!r} is not text such as (I,A)->I")
        if signature is None and stated is not None:
            signature = Signature.parse(stated)
        constants, names = (_flat(data, key) for key in ("constants", "operators"))
        operators = frozenset(names) if names else None
        rows = tuple(data["examples"])
        return cls(rows, signature, tuple(constants), oracle, operators)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path, signature: Signature | None = None) -> SynthesisSpec:
        """Reads a JSON file; `signature` stands instead of its own."""
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"{path}: {error}") from error
        return cls.from_json(text, signature=signature)


@dataclass(frozen=True)
class Budget:
    """What one solve may use.

    Attributes:
      seconds: wall time.
      bytes: memory of the search's tables.
      seed: of everything random.
    """

    seconds: float = 10.0
    bytes: int = 4 << 30
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SpecError(f"a limit of {self.seconds} s: more than 0 is needed")


@dataclass(frozen=True)
class Solution:
    """A program with where it came from.

    Attributes:
      program: the program.
      signature: its kinds.
      strategy: name of the strategy that found it.
      matched: examples it satisfies.
      total: examples there are.
      seconds: wall time until it was found.
      candidates: programs evaluated on the way.
      cost: description length in the strategy's own order; smaller is likelier right.
    """

    program: Expr
    signature: Signature
    strategy: str
    matched: int
    total: int
    seconds: float = 0.0
    candidates: int = 0
    cost: float = 0.0

    @property
    def solved(self) -> bool:
        """Whether every example is satisfied."""
        return self.matched == self.total


class Strategy(Protocol):
    """One named way to search; replaceable."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """A program for the examples, perhaps a partial one; None where it has nothing."""
        ...


def _flat(data: dict[str, Any], key: str) -> list[Any]:
    """A list of plain values in a JSON specification."""
    found = data.get(key) or []
    if not isinstance(found, list) or any(isinstance(v, (list, dict)) for v in found):
        raise SpecError(f"{key} {found!r}: a list of numbers, truth values or strings is accepted")
    return found


def _example(item: Any) -> Example:
    if isinstance(item, Example):
        return item
    if isinstance(item, dict) and set(item) == {"input", "output"}:
        item = (item["input"], item["output"])
    if isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2:
        given = item[0] if isinstance(item[0], (list, tuple)) else (item[0],)
        return Example(tuple(given), item[1])
    raise SpecError(f"{item!r} is not an example ((argument, ...), result)")


def _inferred(rows: Iterable[Example]) -> Signature:
    columns = zip(*((*row.arguments, row.result) for row in rows), strict=True)
    kinds = []
    for place, column in enumerate(columns):
        found = {inferred(value) for value in column}
        if len(found) > 1:
            names = ", ".join(sorted(found))
            raise SpecError(f"position {place} mixes the kinds {names}: one kind is accepted")
        kinds.append(found.pop())
    return Signature(tuple(kinds[:-1]), kinds[-1])


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
