"""Short sequences by increasing length, with observational equivalence.

A node is a sequence in which every result has a name of its own; what counts about it is the
set of values it holds on the test vectors and its flags.  Of sequences that hold the same, one
is kept, the first: the cheapest where lengths and costs agree.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ncpu.machine import word
from ncpu.synth.optimize.actions import Actions, Step, actions_of, choice_count
from ncpu.synth.optimize.evaluate import ACTIONS, FLAGS_RIGHT, NODES, apply, block, padded
from ncpu.synth.optimize.forms import Form

SLOTS = 8  # values a node can hold, given ones included
MOST_TARGETS = 3  # as many are always compared, so that XLA compiles once
MOST_FOUND = 1000  # sequences of one length
GATHER = 4096  # instructions in one call when survivors are computed again


@dataclass(frozen=True)
class Task:
    """What to compute from what, on K test vectors.

    Attributes:
      inputs: `u64[m, K]`.
      flags: `u32[K]`, NZCV before, in the highest bits; None where the code may not read them.
      targets: `u64[T, K]`, wanted values.
      target_flags: `u32[K]` wanted NZCV, None where they do not matter.
    """

    inputs: np.ndarray
    flags: np.ndarray | None
    targets: np.ndarray
    target_flags: np.ndarray | None

    @property
    def full(self) -> int:
        """The hits of a node that holds all that is wanted."""
        return (1 << len(self.targets)) - 1 | (self.target_flags is not None) << FLAGS_RIGHT


@dataclass(frozen=True)
class Found:
    """A sequence that is right on the test vectors.

    Attributes:
      steps: its instructions; slot `m + k` is the result of step k, m the number of inputs.
      holds: the slot of each target.
    """

    steps: tuple[Step, ...]
    holds: tuple[int, ...]


@dataclass
class _Level:
    """All nodes of one length."""

    values: np.ndarray  # u32[N, SLOTS, K, 2]
    exists: np.ndarray  # bool[N, SLOTS + 1]
    flags: np.ndarray  # u32[N, K]
    hits: np.ndarray  # u32[N]
    paths: np.ndarray  # i32[N, length], actions


class Search:
    """A search over one menu of forms; levels are kept between lengths.

    Attributes:
      tried: candidates evaluated so far.
    """

    def __init__(self, task: Task, forms: Sequence[Form], deadline: float) -> None:
        """`deadline` is a time of `time.perf_counter`."""
        self.task = task
        self.forms = sorted(forms, key=lambda f: (f.unit, f.latency))
        self.deadline = deadline
        self.tried = 0
        self.inputs = len(task.inputs)
        self.menus: dict[tuple[int, int], Actions] = {}
        self.levels = [self._start()]

    def _start(self) -> _Level:
        task = self.task
        count = task.targets.shape[-1]
        values = np.zeros((1, SLOTS, count, 2), np.uint32)
        values[0, : self.inputs] = word.to_limbs(task.inputs)
        exists = np.zeros((1, SLOTS + 1), bool)
        exists[0, : self.inputs] = True
        exists[0, SLOTS] = task.flags is not None
        flags = np.zeros((1, count), np.uint32) if task.flags is None else task.flags[None]
        hits = 0
        for j, target in enumerate(task.targets):
            hits |= int((task.inputs == target).all(-1).any()) << j
        return _Level(
            values, exists, flags, np.array([hits], np.uint32), np.zeros((1, 0), np.int32)
        )

    def actions(self, width: int, newest: int) -> Actions:
        """The actions on `width` values that use one from `newest` on."""
        if (width, newest) in self.menus:
            return self.menus[width, newest]
        made = actions_of(self.forms, width, newest)
        self.menus[width, newest] = made
        return made

    def work(self, length: int) -> float:
        """Candidates that `solutions(length)` evaluates beyond what has been; an estimate."""
        known = min(length - 1, len(self.levels) - 1)
        nodes = float(len(self.levels[known].paths))
        total = 0.0
        for k in range(known, length):
            width = self.inputs + k
            if width > SLOTS:
                return float("inf")
            last = k == length - 1
            newest = self._newest(width, last)
            here = nodes * sum(choice_count(form, width, newest) for form in self.forms)
            total += here
            nodes = here / 2  # of which about half are new
        return total

    def _newest(self, width: int, last: bool) -> int:
        """A last instruction has to use the one before it, unless there are several results."""
        several = len(self.task.targets) + (self.task.target_flags is not None) > 1
        return width - 1 if last and not several and width > self.inputs else 0

    def solutions(self, length: int) -> list[Found]:
        """Sequences of `length` instructions that are right on the test vectors.

        Raises:
          TimeoutError: the deadline passed.
        """
        if length == 0:
            whole = int(self.levels[0].hits[0]) == self.task.full
            wanted = whole and self.task.target_flags is None
            return [Found((), self._holds(self.levels[0], 0))] if wanted else []
        while len(self.levels) < length:
            self.levels.append(self._grow(self.levels[-1]))
        level = self.levels[length - 1]
        width = self.inputs + length - 1
        actions = self.actions(width, self._newest(width, True))
        out = []
        for nodes, chosen, _, hits in self._blocks(level, actions):
            reached = hits | (level.hits[nodes] & np.uint32((1 << FLAGS_RIGHT) - 1))[:, None]
            right = (reached & self.task.full) == self.task.full
            # What was complete before this instruction was a solution of a shorter length.
            right &= ((level.hits[nodes] & self.task.full) != self.task.full)[:, None]
            for n, a in np.argwhere(right):
                steps = (*self._path(level, nodes[n]), actions.steps[chosen[a]])
                out.append(Found(steps, self._holds(level, nodes[n])))
                if len(out) == MOST_FOUND:
                    return out
        return out

    def _holds(self, level: _Level, node: int) -> tuple[int, ...]:
        """The slot of each target, the next one for what the node does not hold yet."""
        slots = self.inputs + level.paths.shape[1]
        held = word.from_limbs(level.values[node])
        out = []
        for target in self.task.targets:
            same = (held == target).all(-1) & level.exists[node, :SLOTS]
            out.append(int(same.argmax()) if same.any() else slots)
        return tuple(out)

    def _path(self, level: _Level, node: int) -> list[Step]:
        path = level.paths[node]
        menus = (self.actions(self.inputs + k, 0).steps for k in range(len(path)))
        return [menu[action] for menu, action in zip(menus, path, strict=True)]

    def _blocks(self, level: _Level, actions: Actions) -> Iterator[tuple]:
        """(node numbers, action numbers, keys, hits) of each block; 0 hits where not usable."""
        task, count = self.task, level.flags.shape[-1]
        targets = np.zeros((MOST_TARGETS, count, 2), np.uint32)
        targets[: len(task.targets)] = word.to_limbs(task.targets)
        wanted = np.zeros(count, np.uint32) if task.target_flags is None else task.target_flags
        for first in range(0, len(level.paths), NODES):
            nodes = np.arange(first, min(first + NODES, len(level.paths)))
            held = [padded(x[nodes], NODES) for x in (level.values, level.exists, level.flags)]
            for unit, start, end in actions.units:
                for low in range(start, end, ACTIONS):
                    if time.perf_counter() > self.deadline:
                        raise TimeoutError
                    chosen = np.arange(low, min(low + ACTIONS, end))
                    rows = (actions.packed, actions.slots, actions.traits)
                    given = [padded(x[chosen], ACTIONS) for x in rows]
                    out = block(unit, *given, *held, targets, wanted)
                    self.tried += len(nodes) * len(chosen)
                    cut = (slice(len(nodes)), slice(len(chosen)))
                    usable = np.asarray(out.usable)[cut]
                    keys = word.from_limbs(np.asarray(out.keys)[cut])
                    hits = np.where(usable, np.asarray(out.hits)[cut], np.uint32(0))
                    yield nodes, chosen, np.where(usable, keys, np.uint64(0)), hits

    def _grow(self, level: _Level) -> _Level:
        """The nodes one instruction longer, one for each set of values."""
        actions = self.actions(self.inputs + level.paths.shape[1], 0)
        keys, parents, chosen = ([np.zeros(0, kind)] for kind in (np.uint64, np.int64, np.int64))
        for nodes, numbers, found, _ in self._blocks(level, actions):
            n, a = np.nonzero(found)
            unique, first = np.unique(found[n, a], return_index=True)
            keys.append(unique)
            parents.append(nodes[n[first]])
            chosen.append(numbers[a[first]])
        _, first = np.unique(np.concatenate(keys), return_index=True)
        parent, action = np.concatenate(parents)[first], np.concatenate(chosen)[first]
        return self._computed(level, actions, parent, action)

    def _computed(
        self, level: _Level, actions: Actions, parent: np.ndarray, action: np.ndarray
    ) -> _Level:
        """The level of the given (node, action) pairs."""
        slot = self.inputs + level.paths.shape[1]
        order = np.argsort(action, kind="stable")
        parent, action = parent[order], action[order]
        values, exists = level.values[parent], level.exists[parent]
        flags, hits = level.flags[parent].copy(), level.hits[parent].copy()
        for unit, start, end in actions.units:
            low, high = np.searchsorted(action, [start, end])
            for first in range(low, high, GATHER):
                here = np.arange(first, min(first + GATHER, high))
                slots = actions.slots[action[here]]
                operands = values[here[:, None], np.maximum(slots, 0)]
                rows = (actions.packed[action[here]], operands, flags[here])
                value, nzcv = apply(unit, *(padded(x, GATHER) for x in rows))
                values[here, slot] = np.asarray(value)[: len(here)]
                flags[here] = np.asarray(nzcv)[: len(here)]
        traits = actions.traits[action]
        values[~traits[:, 0], slot] = 0
        exists[:, slot] = traits[:, 0]
        exists[:, SLOTS] |= traits[:, 1]
        for j, target in enumerate(word.to_limbs(self.task.targets)):
            same = (values[:, slot] == target).all((-1, -2)) & traits[:, 0]
            hits |= same.astype(np.uint32) << np.uint32(j)
        paths = np.concatenate([level.paths[parent], action[:, None].astype(np.int32)], axis=1)
        return _Level(values, exists, flags, hits, paths)
