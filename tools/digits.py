"""Handwritten-looking digits, and the small network of the `digits` application.

    python tools/digits.py train       # writes programs/apps/digits_weights.h, prints the accuracy
    python tools/digits.py sample 20 -o digits.pgm

A digit is strokes through a few points; a writer moves the points a little, each digit of theirs a
little more, then slant, size, pen and noise.  The network is never judged on a writer it learnt
from.  Its arithmetic is that of programs/apps/digits.c: bytes times signed bytes, in integers.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZE, HIDDEN, SHIFT = 28, 32, 9
WEIGHTS = Path(__file__).parents[1] / "programs" / "apps" / "digits_weights.h"
SEED, TRAIN_WRITERS, HELD_OUT_WRITERS, A_WRITER = 0, 600, 100, 10

# Strokes of each digit through points (x, y) of the unit square, y down; some have two forms.
STROKES: list[list[list[str]]] = [
    [["50,5 15,25 12,60 30,92 60,93 85,65 82,25 50,5"]],
    [["35,25 55,8 55,50 55,95"], ["50,5 50,95"]],
    [["18,28 35,8 70,10 78,35 50,65 15,93", "15,93 50,92 85,92"]],
    [["20,15 50,5 78,20 70,42 45,48", "45,48 80,60 78,85 45,96 15,84"]],
    [
        ["55,5 35,35 12,65", "12,65 50,65 88,65", "65,40 63,70 62,97"],
        ["25,8 22,35 25,55", "25,55 50,55 75,52", "75,8 74,50 72,97"],
    ],
    [["80,8 50,8 25,9", "25,9 22,28 20,45", "20,45 50,38 80,58 72,86 40,96 14,84"]],
    [["70,6 40,22 18,60 28,90 58,95 78,75 62,54 35,58 20,72"]],
    [
        ["14,10 50,9 85,10", "85,10 60,45 40,95"],
        ["14,10 50,9 85,10", "85,10 60,45 40,95", "35,52 52,51 72,50"],
    ],
    [["70,20 45,5 24,22 45,45 75,68 62,94 32,92 22,70 48,46 74,28 70,20"]],
    [["78,30 55,45 28,38 25,15 50,5 76,15 78,30", "78,30 74,60 60,96"]],
]


@dataclass(frozen=True)
class Digits:
    """`images` u8[n, 28, 28] and `labels` int[n]."""

    images: np.ndarray
    labels: np.ndarray


def _curve(points: np.ndarray) -> np.ndarray:
    """A Catmull-Rom spline through points f64[n, 2], four steps a piece."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, 5)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2)
            + 0.5 * (3 * b - a - 3 * c + d) * t**3
        )
    return np.concatenate(pieces)


def _ink(strokes: list[np.ndarray], pen: float) -> np.ndarray:
    """Grey levels f64[28, 28] of strokes in pixels, by distance to their segments."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    grid = np.stack([x, y], -1).reshape(-1, 1, 2)
    nearest = np.full(SIZE * SIZE, np.inf)
    for stroke in strokes:
        start, along = stroke[:-1], np.diff(stroke, axis=0)
        length = np.maximum((along**2).sum(-1), 1e-9)
        t = np.clip(((grid - start) * along).sum(-1) / length, 0, 1)
        away = np.linalg.norm(grid - start - t[..., None] * along, axis=-1)
        nearest = np.minimum(nearest, away.min(-1))
    return np.clip(pen - nearest + 0.5, 0, 1).reshape(SIZE, SIZE)


def write(writers: int, each: int, seed: int) -> Digits:
    """What that many new writers write, `each` digits a writer."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for _ in range(writers):
        habit = {}  # where this writer puts the points of a digit
        pen, slant = rng.uniform(0.7, 1.7), rng.normal(0, 0.18)
        for _ in range(each):
            label = int(rng.integers(10))
            if label not in habit:
                form = STROKES[label][rng.integers(len(STROKES[label]))]
                places = [
                    np.array([[float(v) / 100 for v in p.split(",")] for p in stroke.split()])
                    for stroke in form
                ]
                habit[label] = [p + rng.normal(0, 0.05, p.shape) for p in places]
            angle, size = rng.normal(0, 0.1), rng.uniform(15, 21) * rng.uniform(0.85, 1.15, 2)
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            lean = np.array([[1, 0], [-slant, 1]])
            middle = SIZE / 2 + rng.normal(0, 1.2, 2)
            strokes = [
                _curve((p + rng.normal(0, 0.025, p.shape) - 0.5) @ lean @ turn * size + middle)
                for p in habit[label]
            ]
            grey = _ink(strokes, pen) * rng.uniform(170, 255) + rng.normal(0, 12, (SIZE, SIZE))
            images.append(np.clip(grey, 0, 255).astype(np.uint8))
            labels.append(label)
    return Digits(np.array(images), np.array(labels))


def shrink(images: np.ndarray) -> np.ndarray:
    """Means of two by two pixels, rounded down: int64[n, 196]."""
    pixels = images.astype(np.int64).reshape(-1, SIZE // 2, 2, SIZE // 2, 2)
    return (pixels.sum((2, 4)) // 4).reshape(len(images), -1)


def scores(weights: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """The ten scores of each image in the application's integers: int64[n, 10]."""
    hidden = (shrink(images) @ weights["w1"] + weights["b1"]) >> SHIFT
    return np.clip(hidden, 0, 255) @ weights["w2"] + weights["b2"]


def train(data: Digits, seed: int) -> dict[str, np.ndarray]:
    """Weights in integers, trained in floats by Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    inputs, count = shrink(data.images) / 255, (SIZE // 2) ** 2
    first, second = jax.random.split(jax.random.key(seed))
    params = {
        "w1": jax.random.normal(first, (count, HIDDEN)) / np.sqrt(count),
        "b1": jnp.zeros(HIDDEN),
        "w2": jax.random.normal(second, (HIDDEN, 10)) / np.sqrt(HIDDEN),
        "b2": jnp.zeros(10),
    }
    steps, batch = 3000, 128
    optimizer = optax.adamw(optax.cosine_decay_schedule(3e-3, steps), weight_decay=3e-3)
    state = optimizer.init(params)

    def loss(params, x, y):
        out = jax.nn.relu(x @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]
        return optax.softmax_cross_entropy_with_integer_labels(out, y).mean()

    @jax.jit
    def step(params, state, x, y):
        updates, state = optimizer.update(jax.grad(loss)(params, x, y), state, params)
        return optax.apply_updates(params, updates), state

    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = rng.integers(0, len(inputs), batch)
        params, state = step(params, state, inputs[rows], data.labels[rows])
    return quantise({k: np.asarray(v, np.float64) for k, v in params.items()}, inputs)


def quantise(params: dict[str, np.ndarray], inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Signed bytes: hidden units are scaled so that each fills a byte's range on `inputs`."""
    hidden = np.maximum(inputs @ params["w1"] + params["b1"], 0)
    # x is 255 times the input and h 255 / top times the unit; 2**SHIFT is the shift between.
    top = np.maximum(np.quantile(hidden, 0.9995, axis=0), 1e-3)
    scale = (1 << SHIFT) / top
    limit = 127 / np.maximum(np.abs(params["w1"]).max(0), 1e-9)
    scale = np.minimum(scale, limit)
    unit = 255 * scale / (1 << SHIFT)  # what a hidden value of 1 becomes
    w2 = params["w2"] / unit[:, None]
    out = 127 / np.abs(w2).max()
    return {
        "w1": np.rint(params["w1"] * scale).astype(np.int64),
        "b1": np.rint(params["b1"] * 255 * scale).astype(np.int64),
        "w2": np.rint(w2 * out).astype(np.int64),
        "b2": np.rint(params["b2"] * out).astype(np.int64),
    }


def nearest_centroid(data: Digits, images: np.ndarray) -> np.ndarray:
    """The baseline: the label whose mean picture is nearest."""
    inputs = shrink(data.images)
    means = np.stack([inputs[data.labels == d].mean(0) for d in range(10)])
    away = ((shrink(images)[:, None] - means) ** 2).sum(-1)
    return away.argmin(-1)


def header(weights: dict[str, np.ndarray]) -> str:
    """The C file with the weights."""
    lines = [
        "// Weights of the digit classifier, written by `python tools/digits.py train`.",
        "#ifndef DIGITS_WEIGHTS_H",
        "#define DIGITS_WEIGHTS_H",
        "",
        f"enum {{ HIDDEN = {HIDDEN}, SHIFT = {SHIFT} }};",
    ]
    for name, kind in (("w1", "signed char"), ("b1", "int"), ("w2", "signed char"), ("b2", "int")):
        values = weights[name]
        extent = "".join(f"[{n}]" for n in values.shape)
        lines += ["", f"static const {kind} {name}{extent} = {{"]
        rows = [",".join(map(str, row)) for row in np.atleast_2d(values)]
        text = ",".join(f"{{{row}}}" for row in rows) if values.ndim == 2 else rows[0]
        text += "};"
        while text:
            cut = len(text) if len(text) <= 100 else text.rindex(",", 0, 100) + 1
            lines.append(text[:cut])
            text = text[cut:]
    return "\n".join([*lines, "", "#endif", ""])


def pgm(images: np.ndarray) -> bytes:
    """Images one after another, as binary PGM."""
    return b"".join(b"P5 28 28 255\n" + image.tobytes() for image in images)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", choices=("train", "sample"))
    parser.add_argument("count", type=int, nargs="?", default=10)
    parser.add_argument("-o", "--output", type=Path, default=Path("digits.pgm"))
    options = parser.parse_args()
    held_out = write(HELD_OUT_WRITERS, A_WRITER, SEED + 1)
    if options.command == "sample":
        options.output.write_bytes(pgm(held_out.images[: options.count]))
        print("labels", *held_out.labels[: options.count])
        return
    data = write(TRAIN_WRITERS, A_WRITER, SEED)
    weights = train(data, SEED)
    WEIGHTS.write_text(header(weights))
    for name, got in (
        ("network", scores(weights, held_out.images).argmax(-1)),
        ("nearest centroid", nearest_centroid(data, held_out.images)),
    ):
        right = int((got == held_out.labels).sum())
        print(f"{name}: {right} of {len(got)} held-out digits right, {right / len(got):.2%}")


if __name__ == "__main__":
    main()
