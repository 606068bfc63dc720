"""Lines packed into sequences of one length: what every condition is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from ncpu.coproc.experiment import tokens
from ncpu.coproc.experiment.chatter import chatter
from ncpu.coproc.experiment.compose import asking
from ncpu.coproc.experiment.problems import OPS
from ncpu.coproc.experiment.text import Line
from ncpu.coproc.read import Role

LENGTH = 96  # tokens of a training sequence
SHARE = 0.5  # of lines that ask for arithmetic; they are shorter, so fewer of the characters


@dataclass(frozen=True)
class Batch:
    """Sequences with labels; 0 is padding, negative labels count for nothing.

    Attributes:
      tokens: `i32[n, t]`, each row begins with a line feed.
      role: `i32[n, t]`, `Role` of each token.
      digit: `i32[n, t]`, the value of an operand's digit, else -1.
      op: `i32[n, t]`, at an operator its number, `len(OPS)` more where operands are exchanged,
        else -1.
    """

    tokens: np.ndarray
    role: np.ndarray
    digit: np.ndarray
    op: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, index: np.ndarray | slice) -> Batch:
        """Some of the sequences."""
        return Batch(self.tokens[index], self.role[index], self.digit[index], self.op[index])


def lines(rng: Random) -> Iterator[Line]:
    """Training text without end."""
    while True:
        if rng.random() < SHARE:
            yield asking(rng)
        else:
            yield chatter(rng)


def reversed_digits(line: Line) -> Line:
    """The line with the digits of operands and answer written lowest first."""
    text, roles = list(line.text), line.roles
    numbers = (Role.DIGIT_A, Role.DIGIT_B, Role.INSIDE)
    start = 0
    while start < len(roles):
        stop = start + 1
        while stop < len(roles) and roles[stop] == roles[start]:
            stop += 1
        if roles[start] in numbers:
            text[start:stop] = text[start:stop][::-1]
        start = stop
    return replace(line, text="".join(text))


def label(line: Line) -> Batch:
    """One row of exactly the line's characters."""
    codes = tokens.encode(line.text)
    role = np.array(line.roles, np.int32)
    operand = (role == Role.DIGIT_A) | (role == Role.DIGIT_B)
    number = -1
    if line.problem is not None:
        number = OPS.index(line.problem.op) + len(OPS) * line.exchanged
    digit = np.where(operand, codes - tokens.DIGIT, -1)
    op = np.where(role == Role.OPERATOR, number, -1)
    rows = (x.astype(np.int32)[None] for x in (codes, role, digit, op))
    return Batch(*rows)


def pack(source: Iterator[Line], count: int, length: int = LENGTH) -> Batch:
    """`count` sequences of whole lines; a line that is too long for a sequence is left out."""
    out = empty(count, length)
    waiting: Batch | None = None
    for row in range(count):
        place = 1
        while True:
            piece = waiting or label(next(source))
            size = piece.tokens.shape[1]
            waiting = None
            if place + size > length:
                waiting = piece if size < length else None
                break
            _write(out, row, place, piece)
            place += size
    return out


def empty(count: int, length: int) -> Batch:
    """Sequences of one line feed and padding."""
    codes = np.zeros((count, length), np.int32)
    codes[:, 0] = tokens.NEWLINE
    unknown = np.full((count, length), -1, np.int32)
    return Batch(codes, np.zeros_like(codes), unknown, unknown.copy())


def _write(out: Batch, row: int, place: int, piece: Batch) -> None:
    end = place + piece.tokens.shape[1]
    out.tokens[row, place:end] = piece.tokens[0]
    out.role[row, place:end] = piece.role[0]
    out.digit[row, place:end] = piece.digit[0]
    out.op[row, place:end] = piece.op[0]


def one_each(given: Sequence[Line]) -> Batch:
    """A sequence for each line, padded behind it to the longest, in steps of 32."""
    longest = max(len(line.text) for line in given) + 1
    out = empty(len(given), -(-longest // 32) * 32)
    for row, line in enumerate(given):
        _write(out, row, 1, label(line))
    return out


def corpus(seed: int, count: int, *, reverse: bool = False) -> Batch:
    """`count` training sequences; the same lines with their digits reversed on demand."""
    source = lines(Random(f"coprocessor training {seed}"))
    return pack(map(reversed_digits, source) if reverse else source, count)
