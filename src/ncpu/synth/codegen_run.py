"""Emitted sources run on the examples: interpreted afresh, compiled, or on the exact machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ncpu.synth import codegen_a64_run
from ncpu.synth.errors import CodegenError
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.types import RECORD_SIZE, Kind, Value

_SECONDS = 60


def compiler(name: str) -> str:
    """Where a compiler is.

    Raises:
      CodegenError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        language = {"cc": "C", "rustc": "Rust"}[name]
        raise CodegenError(f"{name} was not found: {language} code is compiled and run on the "
                           f"examples before it is shown; install {name}, or ask for another "
                           "language")  # fmt: skip
    return found


def _process(command: list[str], text: str | None = None, folder: str | None = None) -> str:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_SECONDS, cwd=folder,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CodegenError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise CodegenError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-600:]}")
    return done.stdout


def _run_python(source: str, name: str, spec: SynthesisSpec) -> list[Value]:
    driver = (
        "\nimport json, sys\n"
        "rows = json.load(sys.stdin)\n"
        "conv = lambda v: tuple(v) if isinstance(v, list) else v\n"
        f"json.dump([{name}(*map(conv, row)) for row in rows], sys.stdout)\n"
    )
    return _interpreted(["-I"], source + driver, spec)


def _run_jax(source: str, name: str, spec: SynthesisSpec) -> list[Value]:
    """Traced by `jit`, as it is meant to be used."""
    dtypes = {Kind.U: "np.uint64", Kind.B: "np.bool_"}
    kinds = [dtypes.get(kind, "np.int64") for kind in spec.signature.arguments]
    driver = (
        "\nimport json, sys\nimport numpy as np\n"
        "rows = json.load(sys.stdin)\n"
        f"kinds = [{', '.join(kinds)}]\n"
        f"traced = jax.jit({name})\n"
        "given = [[np.array(v, k) for v, k in zip(row, kinds)] for row in rows]\n"
        "json.dump([traced(*row).tolist() for row in given], sys.stdout)\n"
    )
    return _interpreted([], source + driver, spec)


def _interpreted(flags: list[str], code: str, spec: SynthesisSpec) -> list[Value]:
    rows = [[list(v) if isinstance(v, tuple) else v for v in e.arguments] for e in spec.examples]
    out = _process([sys.executable, *flags, "-c", code], json.dumps(rows))
    return [_value(v, spec.signature.result) for v in json.loads(out)]


def _value(value: Any, kind: Kind) -> Value:
    if kind is Kind.B:
        return bool(value)
    return tuple(value) if isinstance(value, list) else value


def _c_literal(value: Any, kind: Kind, place: int) -> tuple[str, str]:
    """Declaration and argument text."""
    if kind is Kind.A or kind in RECORD_SIZE:
        items = ", ".join(f"(int64_t){v & (2**64 - 1)}ull" for v in value) or "0"
        name = f"v{place}"
        size = f", {len(value)}" if kind is Kind.A else ""
        return f"const int64_t {name}[] = {{{items}}};", name + size
    if kind is Kind.I:
        return "", f"(int64_t){value & (2**64 - 1)}ull"
    return "", f"{int(value)}ull"


def _run_c(source: str, name: str, spec: SynthesisSpec) -> list[Value]:
    blocks = []
    count = RECORD_SIZE.get(spec.signature.result, 0)
    for example in spec.examples:
        pairs = zip(example.arguments, spec.signature.arguments, strict=True)
        made = [_c_literal(v, k, p) for p, (v, k) in enumerate(pairs)]
        declared = " ".join(d for d, _ in made if d)
        given = ", ".join(g for _, g in made)
        if count:
            prints = " ".join(f'printf("%lld ", (long long)out[{k}]);' for k in range(count))
            blocks.append(f"{{ {declared} int64_t out[{count}]; {name}({given}, out); {prints} "
                          'printf("\\n"); }')  # fmt: skip
        else:
            form, cast = _C_PRINT[spec.signature.result]
            blocks.append(f'{{ {declared} printf("{form}\\n", ({cast}){name}({given})); }}')
    main = "#include <stdio.h>\nint main(void) {\n" + "\n".join(blocks) + "\nreturn 0;\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "f.c").write_text(source + main)
        _process([compiler("cc"), "-std=c99", "-O1", "-Wall", "-Werror", "-Wno-unused-variable",
                  "-Wno-unused-but-set-variable", "-Wno-parentheses", "-o", "f", "f.c"],
                 folder=folder)  # fmt: skip
        lines = _process([str(Path(folder, "f"))]).splitlines()
    return [_parsed(line, spec.signature.result) for line in lines]


_C_PRINT = {
    Kind.I: ("%lld", "long long"),
    Kind.U: ("%llu", "unsigned long long"),
    Kind.B: ("%d", "int"),
}


def _parsed(line: str, kind: Kind) -> Value:
    if kind in RECORD_SIZE:
        return tuple(int(v) for v in line.split())
    return bool(int(line)) if kind is Kind.B else int(line)


def _run_rust(source: str, name: str, spec: SynthesisSpec) -> list[Value]:
    lines = []
    for example in spec.examples:
        given = []
        for value, kind in zip(example.arguments, spec.signature.arguments, strict=True):
            if isinstance(value, tuple):
                items = ", ".join(f"{v}i64" for v in value)
                given.append(f"&[{items}]" if kind is Kind.A else f"[{items}]")
            else:
                given.append(str(value).lower() if isinstance(value, bool) else f"({value})")
        called = f"{name}({', '.join(given)})"
        count = RECORD_SIZE.get(spec.signature.result, 0)
        if count:
            prints = " ".join(f'print!("{{}} ", r[{k}]);' for k in range(count))
            lines.append(f"    {{ let r = {called}; {prints} println!(); }}")
        elif spec.signature.result is Kind.B:
            lines.append(f'    println!("{{}}", {called} as i32);')
        else:
            lines.append(f'    println!("{{}}", {called});')
    main = "fn main() {\n" + "\n".join(lines) + "\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "f.rs").write_text(f"#![allow(warnings)]\n{source}{main}")
        _process([compiler("rustc"), "-O", "-o", "f", "f.rs"], folder=folder)
        out = _process([str(Path(folder, "f"))]).splitlines()
    return [_parsed(line, spec.signature.result) for line in out]


def _run_a64(source: str, name: str, spec: SynthesisSpec) -> list[Value]:
    inputs = [example.arguments for example in spec.examples]
    return codegen_a64_run.execute(source, name, inputs, spec.signature)


def _run_sygus(source: str, name: str, spec: SynthesisSpec) -> Sequence[Value | None]:
    """By the theories' exact meaning: integers do not wrap; a division by zero has no value."""
    from ncpu.synth.sygus import evaluated

    return evaluated(source, name, spec)


RUNNERS: dict[str, Callable[[str, str, SynthesisSpec], Sequence[Value | None]]] = {
    "python": _run_python,
    "c": _run_c,
    "rust": _run_rust,
    "jax": _run_jax,
    "a64": _run_a64,
    "sygus": _run_sygus,
}
"""How a language's source is run: `(source, name, specification) -> one result an example`."""
