"""Configurations: what is refused, JSON, and which layers they mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ncpu.coproc import CoprocessorConfig, CoprocessorConfigError

BAD: list[dict[str, Any]] = [
    {"n_bits": 64},
    {"n_bits": True},
    {"ops": ()},
    {"ops": ("ADD", "ADD")},
    {"ops": ("NAND",)},
    {"ops": "ADD"},
    {"target_load": 0.0},
    {"target_load": float("nan")},
    {"balance_coeff": -1.0},
    {"balance_coeff": float("inf")},
    {"max_gate": 1.5},
    {"max_gate": "1"},
    {"gate_warmup_steps": -1},
    {"gate_warmup_steps": 1.5},
    {"layer_gate_strategy": "middle"},
    {"deterministic_alu": 1},
    {"residual_init_scale": float("nan")},
    {"layer_indices": ()},
    {"layer_indices": (1, 1)},
    {"layer_indices": (0.5,)},
    {"bit_temperature": 0.0},
    {"colour": "red"},
]


@pytest.mark.parametrize("fields", BAD, ids=str)
def test_bad_configurations(fields: dict[str, Any]) -> None:
    with pytest.raises(CoprocessorConfigError, match=next(iter(fields))):
        CoprocessorConfig.from_dict(fields)


def test_configurations_as_json_and_layers() -> None:
    config = CoprocessorConfig(ops=("SUB", "CMP"), layer_indices=(-1, 2))
    assert CoprocessorConfig.from_dict(config.to_dict()) == config
    assert config.layers(12) == (2, 11)
    assert replace(config, layer_gate_strategy="first").layers(12) == (2,)
    assert replace(config, layer_gate_strategy="last").layers(12) == (11,)
    assert CoprocessorConfig().layers(12) == (8,) and CoprocessorConfig().layers(1) == (0,)
    for depth in (0, 2, 3):  # too few, or both the same
        with pytest.raises(CoprocessorConfigError, match="layer_indices"):
            config.layers(depth)
