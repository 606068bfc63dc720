"""Moving a library's keys from a teacher's hidden states to a student's.

Both models read the same texts; their states give pairs (teacher, student).  A linear map is fitted
on some pairs, by ridge least squares or as the nearest rotation (orthogonal Procrustes, Schönemann
1966), and judged on pairs it has not seen: does the mapped key of a text find the student's state
of the same text among all held-out ones?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncpu.npcot.errors import HiddenStateError

METHODS = ("least-squares", "procrustes")


@dataclass(frozen=True)
class Transfer:
    """An affine map of hidden states.

    Attributes:
      matrix: `f64[dt, ds]`.
      teacher_mean: `f64[dt]`.
      student_mean: `f64[ds]`.
      method: a name in `METHODS`.
    """

    matrix: np.ndarray
    teacher_mean: np.ndarray
    student_mean: np.ndarray
    method: str

    def __call__(self, teacher: np.ndarray) -> np.ndarray:
        """Student states `f64[n, ds]` of teacher states `f64[n, dt]`."""
        return (np.asarray(teacher, np.float64) - self.teacher_mean) @ self.matrix + (
            self.student_mean
        )


@dataclass(frozen=True)
class Retrieval:
    """Held-out retrieval.

    Attributes:
      pairs: how many were held out.
      top1: rate at which the mapped state's nearest student state is its own.
      cosine: mean cosine of mapped and true student state.
      chance: top-1 of a guess.
      shuffled: top-1 of the same fit on pairs that do not belong together.
    """

    pairs: int
    top1: float
    cosine: float
    chance: float
    shuffled: float


def fit(
    teacher: np.ndarray, student: np.ndarray, method: str = "least-squares", ridge: float = 1e-3
) -> Transfer:
    """Fit the map on pairs.

    Args:
      teacher: `f[n, dt]`.
      student: `f[n, ds]`.
      method: `least-squares`, or `procrustes`: a rotation and one scale; with `dt != ds` a matrix
        with orthonormal rows or columns.
      ridge: for least squares, relative to the teacher's mean variance.

    Raises:
      HiddenStateError: shapes that do not pair, fewer than two pairs, values that are not finite,
        or another method.
    """
    t, s = np.asarray(teacher, np.float64), np.asarray(student, np.float64)
    if t.ndim != 2 or s.ndim != 2 or len(t) != len(s) or len(t) < 2:
        raise HiddenStateError(f"pairs of rows are needed, these are {t.shape} and {s.shape}")
    if not (np.isfinite(t).all() and np.isfinite(s).all()):
        raise HiddenStateError("hidden states must be finite")
    if method not in METHODS:
        raise HiddenStateError(f"method {method!r}; accepted: {METHODS}")
    t_mean, s_mean = t.mean(0), s.mean(0)
    t, s = t - t_mean, s - s_mean
    if method == "least-squares":
        gram = t.T @ t
        weight = ridge * max(float(np.trace(gram)) / len(gram), np.finfo(float).tiny)
        matrix = np.linalg.solve(gram + weight * np.eye(len(gram)), t.T @ s)
    else:
        left, sizes, right = np.linalg.svd(t.T @ s, full_matrices=False)
        scale = sizes.sum() / max(float((t * t).sum()), np.finfo(float).tiny)
        matrix = scale * left @ right
    return Transfer(matrix, t_mean, s_mean, method)


def held_out(
    teacher: np.ndarray,
    student: np.ndarray,
    rng: np.random.Generator,
    method: str = "least-squares",
    fraction: float = 0.25,
) -> Retrieval:
    """Fit on some pairs, judge on the others, beside chance and a fit on shuffled pairs.

    Args:
      teacher, student: pairs of rows.
      rng: chooses the held-out pairs.
      method: as in `fit`.
      fraction: of pairs held out.

    Raises:
      HiddenStateError: as `fit`, or too few pairs for both parts.
    """
    teacher, student = np.asarray(teacher), np.asarray(student)
    order = rng.permutation(len(teacher))
    cut = round(fraction * len(order))
    out, kept = order[:cut], order[cut:]
    if len(out) < 2 or len(kept) < 2:
        raise HiddenStateError(f"{len(order)} pairs are too few to hold out {fraction} of them")
    top1, cosine = _retrieval(fit(teacher[kept], student[kept], method), teacher[out], student[out])
    mixed = fit(teacher[kept], student[rng.permutation(kept)], method)
    shuffled, _ = _retrieval(mixed, teacher[out], student[out])
    return Retrieval(len(out), top1, cosine, 1 / len(out), shuffled)


def _retrieval(transfer: Transfer, teacher: np.ndarray, student: np.ndarray) -> tuple[float, float]:
    cosines = _unit(transfer(teacher)) @ _unit(student).T
    return float(np.mean(cosines.argmax(1) == np.arange(len(cosines)))), float(
        np.mean(np.diag(cosines))
    )


def _unit(rows: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norm > 0, norm, 1.0)
