"""Programs as source in six languages, run on the examples before they are shown."""

from __future__ import annotations

import keyword
import re

from ncpu.synth import (
    codegen_a64,
    codegen_a64_run,
    codegen_jax,
    codegen_native,
    codegen_python,
)
from ncpu.synth.codegen_run import RUNNERS
from ncpu.synth.errors import CodegenError
from ncpu.synth.expression import Expr
from ncpu.synth.fuse import fused
from ncpu.synth.lower import lowered
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import Signature

LANGUAGES = tuple(RUNNERS)
_WORDS = (
    "asm auto bool break case char const continue default do double else enum extern false float "
    "for goto if inline int long register restrict return short signed sizeof static struct switch "
    "true typedef typeof union unsigned void volatile while main "
    "as async await box crate dyn fn impl in let loop macro match mod move mut pub ref self "
    "super trait type unsafe use where yield jax jnp lax"
)
_RESERVED = frozenset(_WORDS.split())  # in any of the languages


def named(name: str) -> str:
    """A function's name that every language takes."""
    made = re.sub(r"\W", "_", name, flags=re.ASCII).lstrip("_")
    made = made if made and not made[0].isdecimal() else f"f_{made}"
    register = re.fullmatch(r"[bhqsvwxd]\d+|[xw]zr|sp|lr|pc", made, re.IGNORECASE)
    taken = made in _RESERVED or keyword.iskeyword(made) or register
    return f"{made}_" if taken else made


def emit(expr: Expr, signature: Signature, language: str = "python", name: str = "f") -> str:
    """Source of a program as one function.

    Args:
      expr: the program.
      signature: its kinds.
      language: one of `LANGUAGES`.
      name: of the function; changed where some language would not take it (`named`).

    Raises:
      CodegenError: no such language, or it has no form for some part of the program.
    """
    name = named(name)
    if language == "python":
        return codegen_python.emit(expr, signature, name)
    expr = fused(lowered(expr))
    if language in ("c", "rust"):
        dialect = codegen_native.C if language == "c" else codegen_native.RUST
        return codegen_native.emit(expr, signature, dialect, name)
    if language == "jax":
        return codegen_jax.emit(expr, signature, name)
    if language == "a64":
        return codegen_a64.emit(expr, signature, name)
    if language == "sygus":
        from ncpu.synth.sygus import define_fun

        return define_fun(expr, signature, name)
    raise CodegenError(f"language {language!r}: accepted are {', '.join(LANGUAGES)}")


def checked(expr: Expr, spec: SynthesisSpec, language: str = "python", name: str = "f") -> str:
    """Source that gave every example's result when it was run.

    Python and JAX run in a fresh interpreter, C and Rust are compiled by `cc` and `rustc`, A64 is
    assembled and runs on the exact machine, its machine code listed; SyGuS is evaluated.

    Raises:
      CodegenError: no form, no compiler, or a wrong result.
    """
    name = named(name)
    source = emit(expr, spec.signature, language, name)
    results = RUNNERS[language](source, name, spec)
    for example, result in zip(spec.examples, results, strict=True):
        if result != example.result:
            raise CodegenError(
                f"emitted {language} gave {result!r} for {example.arguments}, "
                f"not {example.result!r}"
            )
    return f"{source}\n{codegen_a64_run.listing(source)}" if language == "a64" else source
