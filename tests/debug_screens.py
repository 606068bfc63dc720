"""The screens of docs/debug.md, made by the commands that they show.

python tests/debug_screens.py        # writes the page anew

In a `console` block, a line after `$ ` is a command of the shell, one after `(ncpu) ` is given to
the debugger that the block started; what stands between them is what they print.  Blocks with a
job in the background (`&`) are left as they are.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

from typer.testing import CliRunner

from ncpu.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "debug.md"
PROMPT, DEBUGGER = "$ ", "(ncpu) "
_BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)


def rendered(page: str, folder: Path) -> str:
    """The page with every screen as its commands print it now.

    Args:
      page: in Markdown.
      folder: where the commands run; what they make stays for later blocks.
    """

    def screen(match: re.Match[str]) -> str:
        text = match[0]
        return text if " &\n" in text else "".join(_screen(text, folder))

    return _BLOCK.sub(screen, page)


def _screen(text: str, folder: Path) -> Iterator[str]:
    given = [line for line in text.replace("\\\n", "\\\0").splitlines() if _prompted(line)]
    while given:
        command = given.pop(0)
        lines = []
        while given and given[0].startswith(DEBUGGER):
            lines.append(given.pop(0).removeprefix(DEBUGGER))
        yield command.replace("\0", "\n") + "\n"
        words = shlex.split(command.removeprefix(PROMPT).replace("\\\0", ""))
        yield _printed(words, lines, folder)


def _prompted(line: str) -> bool:
    return line.startswith((PROMPT, DEBUGGER))


def _printed(words: list[str], lines: list[str], folder: Path) -> str:
    """What a command prints: `ncpu` in this process, which has compiled already."""
    if words[0] != "ncpu":
        here = {str(path.relative_to(ROOT)): str(path) for path in (ROOT / "programs").rglob("*.c")}
        words = [here.get(word, word) for word in words]
        shell = " ".join(">" if word == ">" else shlex.quote(word) for word in words)
        done = subprocess.run(shell, shell=True, cwd=folder, capture_output=True, text=True)
        return (done.stdout + done.stderr).replace(f"{ROOT}/", "")
    options = [part for line in lines for part in ("-c", line)]
    at = 2 if lines else len(words)
    with chdir(folder):  # a program's name is on its stack: a path would move what lies there
        done = CliRunner().invoke(app, [*words[1:at], *options, *words[at:]])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(rendered(PAGE.read_text(), Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
