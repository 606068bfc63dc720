"""Machine code of a chosen program: assembled, disassembled, and run by the exact machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.asm import assemble
from ncpu.machine.batch import broadcast, run_batch
from ncpu.machine.disasm import disassemble_many
from ncpu.machine.program import Program
from ncpu.machine.state import State, Status, new_state
from ncpu.synth.gradient import candidate as c
from ncpu.synth.gradient.candidate import Choice, Layout
from ncpu.synth.gradient.forms import FORMS
from ncpu.synth.gradient.frames import ELEMENT, INDEX, SECOND, Frame, arguments
from ncpu.synth.types import Kind, Signature, Value, signed
from ncpu.synth.types import word as wrapped

FUEL = 1 << 17
_DATA = 4096  # address of the first array; the page below it faults
_SUMS = ("x16", "x17")
_TEMPORARIES = ("x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26")
_SPARE = ("x27", "x28", "x29", "x30", "x18", "x7", "x6", "x5", "x4", "x3", "x2", "x1")


@dataclass(frozen=True)
class MachineCode:
    """A64 that takes its arguments in x0, x1, ... and leaves its result in x0.

    Arrays are an address and a length: 64-bit elements, bytes for strings.

    Attributes:
      source: assembly.
      signature: kinds of arguments and result.
      frame: name of the control flow it has.
    """

    source: str
    signature: Signature
    frame: str

    @cached_property
    def words(self) -> np.ndarray:
        """The instructions, NumPy `u32[n]`; the last is a breakpoint, where it ends."""
        return assemble(self.source).words

    @property
    def size(self) -> int:
        """Instructions before the end."""
        return len(self.words) - 1

    def __str__(self) -> str:
        return "\n".join(disassemble_many(self.words[:-1]))

    def results(self, inputs: Sequence[Sequence[Value]]) -> list[Value | None]:
        """What the exact machine computes for each input; None where it does not end."""
        done = execute(self.words, self.signature, inputs, FUEL)
        ended = np.asarray(done.status) == Status.BREAKPOINT
        found = [read(int(x), self.signature) for x in done.x[:, 0]]
        return [value if ok else None for value, ok in zip(found, ended, strict=True)]


def read(bits: int, signature: Signature) -> Value:
    """A result register as a value."""
    if signature.result is Kind.B:
        return bits != 0
    return signed(bits) if signature.result is Kind.I else wrapped(bits, signature.width)


def encoded(value: Value) -> int:
    """A number or truth value as 64 bits."""
    assert isinstance(value, int)
    return wrapped(int(value), 64)


def execute(
    words: np.ndarray,
    signature: Signature,
    inputs: Sequence[Sequence[Value]],
    fuel: int,
    spare: int = 0,
    more: dict[int, int] | None = None,
) -> State:
    """The exact machine after running the same words on each input.

    Args:
      words: the program.
      signature: of the inputs.
      inputs: arguments of each lane.
      fuel: instructions a lane may retire.
      spare: bytes of memory free for the program, after the arrays.
      more: further registers by number; `-1` stands for the address of the spare memory.
    """
    regs = np.zeros((len(inputs), 31), np.uint64)
    images = [bytearray() for _ in inputs]
    for lane, given in enumerate(inputs):
        for value, (kind, low, high) in zip(given, arguments(signature), strict=True):
            if not high:
                regs[lane, int(low[1:])] = encoded(value)
                continue
            data = _bytes(value, kind)
            regs[lane, int(low[1:])] = _DATA + len(images[lane])
            regs[lane, int(high[1:])] = len(value)  # type: ignore[arg-type]
            images[lane] += data + bytes(-len(data) % 8)
    arrays = -(-max(map(len, images)) // 8) * 8
    size = _DATA + max(4096, 1 << (arrays + spare - 1).bit_length()) if arrays + spare else 8192
    for number, content in (more or {}).items():
        regs[:, number] = _DATA + arrays if content < 0 else content
    lanes = 1 << (len(inputs) - 1).bit_length()
    memory = np.zeros((lanes, size), np.uint8)
    for lane, image in enumerate(images):
        memory[lane, _DATA : _DATA + len(image)] = np.frombuffer(bytes(image), np.uint8)
    blank = broadcast(new_state(size=size), lanes)
    rows = np.array(blank.regs)
    rows[: len(inputs), :31] = word.to_limbs(regs)
    status = np.array(blank.status)
    status[len(inputs) :] = Status.EXITED
    mem = memory.view("<u4").reshape(lanes, -1, 2)
    state = blank.replace(regs=jnp.asarray(rows), mem=jnp.asarray(mem), status=jnp.asarray(status))
    text, _ = Program.many([words])
    done = run_batch(text, jax.tree.map(jnp.array, state), fuel)
    return jax.tree.map(lambda leaf: leaf[: len(inputs)], done)


def _bytes(value: Value, kind: Kind) -> bytes:
    if kind is Kind.S:
        assert isinstance(value, str)
        return value.encode("latin-1")
    assert isinstance(value, tuple)
    return np.array(value, np.int64).tobytes()


def _moves(targets: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Parallel moves."""
    pairs = [(t, s) for t, s in zip(targets, sources, strict=True) if t != s]
    if len(pairs) == 2 and pairs[0][0] == pairs[1][1]:
        if pairs[1][0] == pairs[0][1]:
            return [f"mov x8, {pairs[0][0]}", *(f"mov {t}, {s}" for t, s in pairs[:1]),
                    f"mov {pairs[1][0]}, x8"]  # fmt: skip
        pairs.reverse()
    return [f"mov {t}, {s}" for t, s in pairs]


class Namer:
    """Registers of one problem: arguments where they arrive, constants where there is room."""

    def __init__(self, signature: Signature, constants: Sequence[int]) -> None:
        given = arguments(signature)
        self.arguments = [high or low for _, low, high in given]
        taken = {r for _, low, high in given for r in (low, high)}
        self.constants = list(constants)
        self.free = [r for r in _SPARE if r not in taken]
        self.loaded: dict[int, str] = {}

    def name(self, register: int) -> str:
        """The A64 register of a candidate's register."""
        if register < c.ARGUMENTS:
            return self.arguments[register]
        if register < c.STREAM:
            value = self.constants[register - c.ARGUMENTS]
            if value == 0:
                return "xzr"
            if value not in self.loaded:
                self.loaded[value] = self.free.pop(0)
            return self.loaded[value]
        if register < c.ACCUMULATOR:
            return (INDEX, ELEMENT, SECOND)[register - c.STREAM]
        if register < c.TEMPORARY:
            return _SUMS[register - c.ACCUMULATOR]
        return _TEMPORARIES[register - c.TEMPORARY]

    def loads(self) -> list[str]:
        """Instructions that put the constants used into their registers."""
        return [line for v, register in self.loaded.items() for line in load(register, v)]


def load(register: str, value: int) -> list[str]:
    """Instructions that put a signed or unsigned 64-bit constant into a register."""
    bits = wrapped(value, 64)
    places = [place for place in (16, 32, 48) if bits >> place & 0xFFFF]
    return [
        f"movz {register}, #{bits & 0xFFFF}",
        *(f"movk {register}, #{bits >> place & 0xFFFF}, lsl #{place}" for place in places),
    ]


def live(choice: Choice, layout: Layout, loops: bool, guarded: bool) -> tuple[set[int], set[int]]:
    """Slots and accumulators that the result depends on."""
    slots: set[int] = set()
    sums: set[int] = {0} if guarded else set()
    queue = [int(choice.result), *([c.ACCUMULATOR] if guarded else [])]
    seen: set[int] = set()
    while queue:
        register = queue.pop()
        if register in seen:
            continue
        seen.add(register)
        if register >= c.TEMPORARY:
            slot = register - c.TEMPORARY
            slots.add(slot)
            queue += [int(x) for x in choice.operand[slot][: FORMS[choice.form[slot]].operands]]
        elif register >= c.ACCUMULATOR and loops:
            sums.add(register - c.ACCUMULATOR)
            queue += [int(choice.step[register - c.ACCUMULATOR])]
            queue += [int(choice.start[register - c.ACCUMULATOR])]
    return slots, sums


def build(
    choice: Choice, layout: Layout, frame: Frame, signature: Signature, constants: Sequence[int]
) -> MachineCode:
    """The program of a choice (NumPy integers, one program), dead slots left out."""
    choice = jax.tree.map(np.asarray, choice)
    namer = Namer(signature, constants)
    slots, sums = live(choice, layout, frame.loops, frame.until is not None)

    def line(slot: int) -> str:
        form = FORMS[choice.form[slot]]
        read = [namer.name(int(x)) for x in choice.operand[slot]]
        used = dict(zip("abc", read, strict=True)) if form.operands == 3 else {}
        used |= dict(zip("abc"[: form.operands], read[: form.operands], strict=True))
        return form.text.format(**used, d=_TEMPORARIES[slot], t="x8")

    body = [line(k) for k in range(layout.body) if k in slots]
    order = sorted(sums)
    body += _moves([_SUMS[k] for k in order], [namer.name(int(choice.step[k])) for k in order])
    tail = [line(k) for k in range(layout.body, layout.slots) if k in slots]
    result = namer.name(int(choice.result))
    start = [f"mov {_SUMS[k]}, {namer.name(int(choice.start[k]))}" for k in order]
    tail += [f"mov x0, {result}", "brk #0"]
    head = [*namer.loads(), *(start if frame.loops else [])]
    source = frame.source("\n".join(head), "\n".join(body), "\n".join(tail))
    return MachineCode(source, signature, frame.name)
