"""The debugger in a terminal: source, disassembly, registers, memory, a timeline to drag.

Needs textual (`pip install 'ncpu[tui]'`).  Every key runs a command of the same table as the
prompt, in a thread of its own, so that the screen answers during a long run: Escape stops it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from rich.text import Text
from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Footer, Input, RichLog, Static

from ncpu.machine.debug.commands import Shell
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.disasm import disassemble
from ncpu.machine.state import Status

_ROWS = 15  # of code shown around the present instruction


class Timeline(Widget):
    """The whole history as a bar; a click or a drag goes there."""

    DEFAULT_CSS = "Timeline { height: 1; }"

    class Moved(Message):
        """Somebody wants to be at a share of the history, 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self) -> None:
        super().__init__(id="timeline")
        self.now, self.end, self._held = 0, 0, False

    def show(self, now: int, end: int) -> None:
        """Where the present is."""
        self.now, self.end = now, end
        self.refresh()

    def render(self) -> Text:
        """The bar, as wide as there is room, and the numbers."""
        label = f" {self.now:,} / {self.end:,}"
        width = max(self.size.width - len(label), 4)
        at = round((width - 1) * self.now / max(self.end, 1))
        bar = "━" * at + "●" + "─" * (width - 1 - at)
        return Text(bar, "bold") + Text(label)

    def _share(self, event: events.MouseEvent) -> float:
        width = max(self.size.width - len(f" {self.now:,} / {self.end:,}") - 1, 1)
        return min(max(event.x / width, 0.0), 1.0)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag."""
        self._held = True
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Where it is let go."""
        if self._held:
            self._held = False
            self.release_mouse()
            self.post_message(self.Moved(self._share(event)))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show where it would go."""
        if self._held:
            self.now = round(self._share(event) * self.end)
            self.refresh()


class Screen(App[None]):
    """The debugger's screen.

    Args:
      shell: what commands work on.
      printed: gives what the program has printed since it was asked last.
    """

    CSS = """
    #left, #right { width: 1fr; }
    #source, #code, #registers, #memory { border: round $primary; height: 1fr; padding: 0 1; }
    #output { height: 8; border: round $secondary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "do('continue')", "continue"),
        Binding("f6", "do('reverse-continue')", "back"),
        Binding("f7", "do('step')", "step"),
        Binding("f8", "do('reverse-step')", "step back"),
        Binding("f9", "do('next')", "next"),
        Binding("f10", "do('finish')", "finish"),
        Binding("escape", "stop", "stop"),
        Binding("ctrl+q", "quit", "quit"),
    ]

    def __init__(self, shell: Shell, printed: Callable[[], str] = lambda: "") -> None:
        super().__init__()
        self.shell, self.printed = shell, printed
        self.busy = self._stop = False
        self._before: np.ndarray | None = None
        shell.debugger.history.poll = lambda: self._stop

    def compose(self) -> ComposeResult:
        """The panels."""
        with Horizontal():
            with Vertical(id="left"):
                yield Static(id="source")
                yield Static(id="code")
            with Vertical(id="right"):
                yield Static(id="registers")
                yield Static(id="memory")
        yield Timeline()
        yield RichLog(id="output", wrap=True)
        yield Input(placeholder="a command; help lists them", id="command")
        yield Footer()

    def on_mount(self) -> None:
        """Titles, and the machine as it is."""
        for name in ("source", "code", "registers", "memory"):
            self.query_one(f"#{name}").border_title = name
        self.query_one(Input).focus()
        self.show()

    # -- what is done ---------------------------------------------------------------------------

    def action_do(self, line: str) -> None:
        """Run a command unless one is running."""
        if not self.busy:
            self.busy, self._stop = True, False
            self._run(line)

    def action_stop(self) -> None:
        """Stop what is running, at an instant; the history stays."""
        self._stop = True

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A command was typed."""
        event.input.value = ""
        self.action_do(event.value)

    def on_timeline_moved(self, event: Timeline.Moved) -> None:
        """The timeline was dragged."""
        end = self.shell.debugger.history.end.retired
        self.action_do(f"goto {round(event.share * end)}")

    @work(thread=True)
    def _run(self, line: str) -> None:
        out = self.shell.run(line)
        self.call_from_thread(self._done, line, out)

    def _done(self, line: str, out: str) -> None:
        self.busy = False
        if self.shell.ended:
            self.exit()
            return
        log = self.query_one("#output", RichLog)
        log.write(f"> {line}\n{out}".rstrip())
        if text := self.printed():
            log.write(Text(text.rstrip("\n"), "italic"))
        self.show()

    # -- what is shown --------------------------------------------------------------------------

    def show(self) -> None:
        """Everything, at the present instant."""
        debugger = self.shell.debugger
        history = debugger.history
        self.query_one("#source", Static).update(_source(debugger))
        self.query_one("#code", Static).update(_code(debugger))
        self.query_one("#registers", Static).update(self._registers(debugger))
        self.query_one("#memory", Static).update(_memory(debugger))
        self.query_one(Timeline).show(history.now.retired, history.end.retired)

    def _registers(self, debugger: Debugger) -> Text:
        state = debugger.state
        values = np.array([*state.x, state.sp, debugger.pc], np.uint64)
        names = [*(f"x{k}" for k in range(31)), "sp", "pc"]
        changed = np.zeros(len(values), bool) if self._before is None else values != self._before
        self._before = values
        text = Text()
        for k, (name, value) in enumerate(zip(names, values, strict=True)):
            text.append(f"{name:>3} {int(value):016x}", "bold reverse" if changed[k] else "")
            text.append("\n" if k % 2 else "   ")
        flags = int(state.nzcv)
        text.append("".join(f if flags >> 3 - k & 1 else "-" for k, f in enumerate("NZCV")))
        status = Status(debugger.history.status)
        return text.append(f"   {status.name.lower().replace('_', ' ')}")


def _source(debugger: Debugger) -> Text:
    line = debugger.symbols.line(debugger.pc)
    path = debugger.symbols.source(line) if line else None
    if line is None or path is None:
        why = f"{line.file}:{line.line} (the file is not here)" if line else "no source line here"
        return Text(why, "dim")
    rows = path.read_text(errors="replace").splitlines()
    first = max(line.line - _ROWS // 2, 1)
    text = Text()
    for number in range(first, min(first + _ROWS, len(rows) + 1)):
        here = number == line.line
        text.append(
            f"{'▶' if here else ' '}{number:4} {rows[number - 1]}\n", "bold" if here else ""
        )
    return text


def _code(debugger: Debugger) -> Text:
    text, pc = Text(), debugger.pc
    points = {trap.address for trap in debugger.traps.values() if trap.watch is None}
    for address in range(pc - 4 * (_ROWS // 2), pc + 4 * (_ROWS // 2 + 1), 4):
        try:
            code = int.from_bytes(debugger.read(address, 4), "little")
        except DebugError:
            continue
        found = debugger.symbols.function(address)
        if found and found[1] == 0:
            text.append(f"{found[0]}:\n", "italic")
        mark = "▶" if address == pc else "●" if address in points else " "
        style = "bold" if address == pc else ""
        text.append(f"{mark} {address:8x}  {disassemble(code, address)}\n", style)
    return text


def _memory(debugger: Debugger) -> Text:
    text, sp = Text(), int(debugger.state.sp)
    for address in range(sp, sp + 16 * _ROWS, 16):
        try:
            data = debugger.read(address, 16)
        except DebugError:
            break
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in data)
        text.append(f"{address:10x}  {data.hex(' ', 2)}  {shown}\n")
    return text
