"""What a coprocessor is: `CoprocessorConfig`, checked when it is made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ncpu.coproc.errors import CoprocessorConfigError

OPERATIONS = ("ADD", "SUB", "MUL", "DIV", "AND", "OR", "XOR", "SHL", "CMP")
WIDTHS = (8, 16, 32)
STRATEGIES = ("uniform", "learned", "first", "last")


@dataclass(frozen=True)
class CoprocessorConfig:
    """A coprocessor's fields; see docs/coproc.md for the meaning of the operations.

    Attributes:
      n_bits: width of the registers, 8, 16 or 32.
      ops: the operations it has, of `OPERATIONS`, in the order of their numbers.
      target_load: share of tokens that the gate should let through, which the balance loss
        pulls it to, and where it starts.
      balance_coeff: weight of the balance loss.
      confidence_aware: whether the gate is multiplied by the probability that everything the
        result was read from was read right.
      max_gate: the gate's upper bound, 0 to 1.
      gate_warmup_steps: training steps over which that bound rises from 0.
      layer_gate_strategy: what becomes of `layer_indices`: "uniform" all of them with gates of
        their own, "learned" the same with one learned scale for each layer besides, "first" and
        "last" only the first or last of them.
      deterministic_alu: whether inference computes with exact integers alone; else the
        operations that have trained cells at hand run through them, as in training.
      freeze_backbone: whether training leaves the model around the coprocessor as it is.
      freeze_alu: whether training leaves the trained arithmetic cells as they are.
      residual_init_scale: standard deviation of the vectors written at first.
      layer_indices: layers whose MLP gets the expert beside it; negative ones count from the
        end; None is one layer, two thirds of the way up.
      bit_temperature: of the soft bits that gradients go through (not 0: those have none).
    """

    n_bits: int = 32
    ops: tuple[str, ...] = ("ADD", "SUB", "MUL", "DIV", "AND", "OR", "XOR", "SHL")
    target_load: float = 0.05
    balance_coeff: float = 0.01
    confidence_aware: bool = False
    max_gate: float = 1.0
    gate_warmup_steps: int = 100
    layer_gate_strategy: str = "uniform"
    deterministic_alu: bool = True
    freeze_backbone: bool = True
    freeze_alu: bool = True
    residual_init_scale: float = 0.02
    layer_indices: tuple[int, ...] | None = None
    bit_temperature: float = 2.0

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
          CoprocessorConfigError: one is of another type, out of range or not finite.
        """
        object.__setattr__(self, "ops", self._names())
        object.__setattr__(self, "layer_indices", self._indices())
        self._one_of("n_bits", WIDTHS)
        self._one_of("layer_gate_strategy", STRATEGIES)
        for name in ("confidence_aware", "deterministic_alu", "freeze_backbone", "freeze_alu"):
            self._one_of(name, (False, True))
        for name in ("target_load", "max_gate"):
            self._number(name, 0.0, 1.0)
        self._number("balance_coeff", 0.0, math.inf)
        self._number("residual_init_scale", 0.0, math.inf)
        self._number("bit_temperature", 0.0, math.inf)
        if not 0 < self.target_load < 1:
            self._refuse("target_load", "a number between 0 and 1, neither of them")
        if self.bit_temperature == 0:
            self._refuse("bit_temperature", "a finite number above 0")
        steps = self.gate_warmup_steps
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
            self._refuse("gate_warmup_steps", "an integer of 0 or more")

    def _refuse(self, name: str, accepted: str) -> None:
        raise CoprocessorConfigError(f"{name} is {getattr(self, name)!r}; accepted: {accepted}")

    def _one_of(self, name: str, values: tuple) -> None:
        value = getattr(self, name)
        if not any(type(value) is type(x) and value == x for x in values):
            self._refuse(name, ", ".join(map(repr, values)))

    def _number(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and low <= value <= high):
            accepted = f"a finite number from {low:g}"
            self._refuse(name, accepted + (f" to {high:g}" if math.isfinite(high) else " up"))

    def _names(self) -> tuple[str, ...]:
        names = self.ops if isinstance(self.ops, list | tuple) else ()
        unique = len(set(map(str, names))) == len(names)
        if not (names and unique and all(name in OPERATIONS for name in names)):
            self._refuse("ops", f"one or more different names of {', '.join(OPERATIONS)}")
        return tuple(names)

    def _indices(self) -> tuple[int, ...] | None:
        indices = self.layer_indices
        if indices is None:
            return None
        whole = isinstance(indices, list | tuple) and all(type(i) is int for i in indices)
        if not (whole and indices and len(set(indices)) == len(indices)):
            self._refuse("layer_indices", "None, or one or more different integers")
        return tuple(indices)

    def layers(self, depth: int) -> tuple[int, ...]:
        """The layers of a model of `depth` layers that get an expert, ascending.

        Raises:
          CoprocessorConfigError: an index is out of range, or two are the same layer.
        """
        wanted = (2 * depth // 3,) if self.layer_indices is None else self.layer_indices
        found = sorted({i % depth for i in wanted if -depth <= i < depth}) if depth > 0 else []
        if len(found) != len(wanted):
            raise CoprocessorConfigError(
                f"layer_indices is {wanted!r}; accepted for a model of {depth} layers: "
                f"different layers from {-depth} to {depth - 1}"
            )
        if self.layer_gate_strategy == "first":
            return (found[0],)
        return (found[-1],) if self.layer_gate_strategy == "last" else tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        fields = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> CoprocessorConfig:
        """The configuration of a JSON object; fields that are missing have their defaults.

        Raises:
          CoprocessorConfigError: it has an unknown field, or one with a wrong value.
        """
        known = [f.name for f in dataclasses.fields(cls)]
        unknown = [str(name) for name in fields if name not in known]
        if unknown:
            raise CoprocessorConfigError(
                f"no fields of a coprocessor: {', '.join(unknown)}; accepted: {', '.join(known)}"
            )
        return cls(**fields)
