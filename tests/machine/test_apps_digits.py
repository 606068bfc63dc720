"""The digit classifier: its integers are the trainer's, and writers it never saw are read."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import ModuleType

import numpy as np
import pytest

import corpus
from app_runs import run

SEED = 77  # neither the training's nor the reported figure's writers

DRAWING = b"""
   ########
 ###      ##
           ##
         ###
     ####
         ###
           ##
 ##       ##
   #######
"""


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    path = corpus.PROGRAMS.parent / "tools" / "digits.py"
    spec = importlib.util.spec_from_file_location("digits", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["digits"] = module  # where dataclass looks its types up
    spec.loader.exec_module(module)
    return module


def weights(digits: ModuleType) -> dict[str, np.ndarray]:
    text = digits.WEIGHTS.read_text()
    found = {}
    for name, extent, values in re.findall(r"(\w\d)((?:\[\d+\])+) = \{(.*?)\};", text, re.DOTALL):
        shape = [int(n) for n in re.findall(r"\d+", extent)]
        found[name] = np.array([int(v) for v in re.findall(r"-?\d+", values)]).reshape(shape)
    return found


def test_the_network_reads_new_writers(digits: ModuleType) -> None:
    data = digits.write(15, 10, SEED)
    expected = digits.scores(weights(digits), data.images)
    out, err, code = run("digits", stdin=digits.pgm(data.images))
    got = np.array([[int(v) for v in line.split()] for line in out.decode().splitlines()])
    ordered = np.sort(expected, axis=1)
    assert (err, code) == (b"", 0)
    assert (got[:, 0] == expected.argmax(1)).all()
    assert (got[:, 1] == ordered[:, -1] - ordered[:, -2]).all()
    right = (got[:, 0] == data.labels).mean()
    baseline = digits.nearest_centroid(digits.write(30, 10, SEED + 1), data.images)
    assert right >= 0.85
    assert right > (baseline == data.labels).mean()


def test_a_drawing_in_characters_is_read() -> None:
    out, err, code = run("digits", stdin=DRAWING)
    assert (out.split()[0], err, code) == (b"3", b"", 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P5 27 28 255\n" + bytes(27 * 28), "an image is 28 by 28 pixels of 0 to 255"),
        (b"P5 28 28 255\n" + bytes(700), "the file ends early"),
        (b"P6 nothing", "this is no binary PGM"),
        (b"\n \n", "there is no ink on this paper"),
        (b"", "there is no ink on this paper"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, message: str) -> None:
    assert run("digits", stdin=data) == (b"", f"digits: {message}\n".encode(), 2)
