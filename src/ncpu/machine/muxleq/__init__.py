"""MUXLEQ: a computer of one instruction (subtract and branch, or multiplex) on the same loop.

    from ncpu.machine import muxleq
    result = muxleq.run(muxleq.load(Path("hello.dec").read_text()))
    result.output

Words a, b, c at pc, the first case that applies, then pc + 3 unless it jumps:

  a = FFFFh          m[b] = next input byte, FFFFh at the end
  b = FFFFh          output the low byte of m[a]
  c = 8000h to FFFEh m[b] = m[a] where m[c - 8000h] has zeros, m[b] where it has ones
  otherwise          m[b] = m[b] - m[a], and pc = c if that is zero or negative

It halts with pc at 8000h or beyond.
"""

from ncpu.machine.muxleq.asm import assemble
from ncpu.machine.muxleq.console import Result, run
from ncpu.machine.muxleq.execute import MUXLEQ
from ncpu.machine.muxleq.image import load, memory, parse, pc, text

__all__ = ["MUXLEQ", "Result", "assemble", "load", "memory", "parse", "pc", "run", "text"]
