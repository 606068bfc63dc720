"""The screen, driven by textual's pilot: keys, typed commands, the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ncpu.machine.debug import Debugger
from ncpu.machine.debug.commands import Shell, load
from ncpu.machine.linux.launch import Session

pytest.importorskip("textual", reason="pip install 'ncpu[tui]'")

from textual.widgets import RichLog, Static

from ncpu.machine.debug.screen import Screen, Timeline


def _text(app: Screen, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


def test_the_screen_shows_and_goes(start: Callable[..., Session]) -> None:
    load()
    app = Screen(Shell(Debugger(start()), start))

    async def settle(pilot) -> None:
        while True:
            await pilot.pause(0.02)
            if not app.busy:
                return

    async def use() -> None:
        async with app.run_test(size=(140, 60)) as pilot:
            assert "_start" in _text(app, "code") and "x30" in _text(app, "registers")
            for letter in "break sum":
                await pilot.press("space" if letter == " " else letter)
            await pilot.press("enter")
            await settle(pilot)
            await pilot.press("f5")
            await settle(pilot)
            assert "▶" in _text(app, "source") and "sum(struct node" in _text(app, "source")
            assert "sum:" in _text(app, "code")
            at = app.shell.debugger.history.now.retired
            await pilot.press("f7")
            await settle(pilot)
            assert app.shell.debugger.history.now.retired == at + 1
            await pilot.press("f8", "f8")
            await settle(pilot)
            assert app.shell.debugger.history.now.retired in (at - 1, at)
            app.action_do("delete")
            await settle(pilot)
            await pilot.press("f5")
            await settle(pilot)
            end = app.shell.debugger.history.end.retired
            assert "exited" in _text(app, "registers") and f"{end:,} / {end:,}" in str(
                app.query_one(Timeline).render()
            )
            # Dragged to its start: back to the first instruction.
            await pilot.mouse_down(Timeline, offset=(20, 0))
            await pilot.hover(Timeline, offset=(0, 0))
            await pilot.mouse_up(Timeline, offset=(0, 0))
            await settle(pilot)
            assert app.shell.debugger.history.now.retired == 0
            app.action_do("bogus")
            await settle(pilot)
            shown = "\n".join(str(line.text) for line in app.query_one("#output", RichLog).lines)
            assert "no command 'bogus'" in shown and "exit code 0" in shown
            app.action_do("quit")
            await settle(pilot)

    asyncio.run(use())
    assert app.shell.ended
