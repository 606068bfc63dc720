"""History: any instant again to the same bits, and what is found going backwards."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from ncpu.machine import memory, word
from ncpu.machine.debug import ON_READ, ON_WRITE, DebugError, Debugger, History, Plan, Watch
from ncpu.machine.debug.analysis import difference, digest
from ncpu.machine.debug.ledger import Ledger
from ncpu.machine.linux.abi import Signal
from ncpu.machine.linux.launch import Session
from ncpu.machine.state import State, Status

Start = Callable[..., Session]


def _pc(history: History) -> int:
    return int(word.from_limbs(np.asarray(history.state.pc)))


def _stores(history: History) -> list[tuple[int, int, int]]:
    """(retired, address, bytes) of every store up to now, from the trace alone."""
    return [
        (int(piece["retired"][k]), int(piece["address"][k]), int(piece["stored"][k]))
        for piece in history.trace(history.start)
        for k in np.flatnonzero(piece["stored"])
    ]


def test_any_instant_has_the_bits_of_a_run_without_a_debugger(start: Start) -> None:
    history = History(start(), spacing=300, budget=3 << 20)  # checkpoints come and are thinned
    history.forward()
    assert history.status == Status.EXITED
    end = history.end.retired
    rng = random.Random(9)
    for retired in [0, end, end - 1, *(rng.randrange(end) for _ in range(12))]:
        history.goto(history.instant(retired))
        plain = start()
        plain.run(retired)
        assert digest(history.state) == digest(plain.state), retired
    assert history.checkpoints.kept[0].instant == history.start


def test_thinning_keeps_memory_bounded(start: Start) -> None:
    history = History(start(), spacing=100, budget=17 << 20)
    history.forward()
    kept = history.checkpoints
    distinct = {id(page) for checkpoint in kept.kept for page in checkpoint.pages}
    assert len(distinct) * 4096 <= kept.bytes <= (17 << 20) + (1 << 20)


def test_what_the_host_stored_goes_to_a_file_beyond_its_budget(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    history, other = History(start()), History(start())
    history.ledger, other.ledger = Ledger(8), Ledger(8)
    history.forward()
    assert history.ledger.held <= 8 and history.ledger.spilled >= 16
    read = next(e for e in history.events if e.what.startswith("read("))
    assert [data for _, data in read.writes] == [b"0123456789abcdef"]
    address = read.writes[0][0]
    assert read.touches(address, address + 1) and not read.touches(address + 16, address + 17)
    history.replay()
    assert digest(history.state) == digest(_ended(start()))

    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    other.forward()
    assert other.ledger.full and other.ledger.held >= 16 and not other.ledger.spilled
    assert digest(other.state) == digest(history.state)


def _ended(session: Session) -> State:
    session.run()
    return session.state


def test_breakpoints_are_found_in_both_directions(debugger: Debugger) -> None:
    history = debugger.history
    plan = Plan(frozenset({debugger.location("sum")}))
    forward = []
    while history.forward(plan).reason == "breakpoint":
        assert _pc(history) == debugger.location("sum")
        forward.append(history.now)
    assert len(forward) == 33  # three rounds over a list of ten and its end
    backward = []
    while history.backward(plan).reason == "breakpoint":
        backward.append(history.now)
    assert backward[::-1] == forward
    assert history.now == history.start


def test_steps_forward_and_back_meet(debugger: Debugger) -> None:
    history = debugger.history
    seen = [(history.now, digest(history.state))]
    for _ in range(60):  # over the read(2) call
        history.forward(steps=1)
        seen.append((history.now, digest(history.state)))
    for instant, bits in reversed(seen[:-1]):
        history.step_back()
        assert (history.now, digest(history.state)) == (instant, bits)
    assert history.step_back().reason == "start"


def test_who_wrote_agrees_with_the_trace(debugger: Debugger) -> None:
    history = debugger.history
    history.forward()
    stores, end = _stores(history), history.end
    rng = random.Random(5)
    low, high = debugger.location("pool"), debugger.location("pool") + 1024
    sp = int(history.state.sp)
    for _ in range(16):
        history.goto(history.instant(rng.randrange(end.retired)))
        at = rng.choice([rng.randrange(low, high), rng.randrange(sp - 600, sp)])
        done = [r for r, a, n in stores if r < history.now.retired and a <= at < a + n]
        found = debugger.who_wrote(f"{at:#x}")
        assert (found.retired if found else None) == (done[-1] if done else None)


def test_a_system_call_counts_as_a_writer(debugger: Debugger) -> None:
    debugger.history.forward()
    instant = debugger.who_wrote("line", 16)
    assert instant is not None
    debugger.history.goto(instant)
    assert debugger.instruction() == "svc #0"
    assert debugger.history.event is not None
    assert debugger.history.event.what.startswith("read(0, ")
    (access,) = debugger.accesses("line", 16) or [None]
    debugger.history.forward(steps=1)
    (access,) = debugger.accesses("line", 16)
    assert (access.kind, access.data) == ("system call", b"0123456789abcdef")


def test_watchpoints_in_any_number(debugger: Debugger) -> None:
    history = debugger.history
    base = debugger.location("pool")
    watches = tuple(Watch(base + 16 * k + 8, base + 16 * k + 16) for k in range(20))
    values = []
    while (stop := history.forward(Plan(watches=watches))).reason == "watch":
        values.append(int.from_bytes(debugger.read(stop.address or 0, 8), "little"))
    assert values == list(range(1, 11))
    reads = Plan(watches=(Watch(base + 8, base + 16, ON_READ),))
    assert sum(1 for _ in history.each(reads)) == 3
    both = Plan(watches=(Watch(base + 8, base + 16, ON_READ | ON_WRITE),))
    assert sum(1 for _ in history.each(both)) == 4


def test_conditions_hold_in_both_directions(debugger: Debugger) -> None:
    trap = debugger.break_at("sum", "x0 == 0 && u64[total] > 0")
    first = debugger.cont()
    assert first.reason == "breakpoint" and debugger.value("u64[total]") == 55
    middle = debugger.history.now
    debugger.cont()
    last = debugger.history.now
    assert debugger.cont().reason == "exited"
    assert trap.hits == 2
    for instant in (last, middle):
        assert debugger.reverse_cont().reason == "breakpoint"
        assert debugger.history.now == instant
    assert debugger.reverse_cont().reason == "start"


def test_watch_condition_on_the_value(debugger: Debugger) -> None:
    debugger.watch("total", 8, ON_WRITE, "u64[total] == 6")
    assert debugger.cont().reason == "watch"
    assert debugger.value("u64[total]") == 6


def test_next_and_finish_run_through_calls(debugger: Debugger) -> None:
    debugger.break_at("work")
    debugger.cont()
    debugger.delete(1)
    depth = len(debugger.frames())
    for _ in range(30):
        debugger.over()
        assert len(debugger.frames()) <= depth
    debugger.finish()
    assert int(debugger.state.x[0]) == 55
    assert debugger.symbols.function(debugger.pc) is not None
    assert debugger.symbols.name(debugger.pc).partition(" ")[2].startswith("main+")


def test_a_fault_is_an_instant_of_its_own(start: Start) -> None:
    debugger = Debugger(start(["f"]))
    stop = debugger.cont()
    assert (stop.reason, stop.signal) == ("signal", Signal.SIGSEGV)
    assert debugger.symbols.name(debugger.pc).partition(" ")[2].startswith("crash+")
    fault, bits = debugger.history.now, digest(debugger.state)
    debugger.break_at("handler")
    assert debugger.cont().reason == "breakpoint"
    names = [debugger.symbols.function(f.pc) for f in debugger.frames()]
    assert [n[0] for n in names if n] == ["handler", "crash", "main", "_start"]
    debugger.reverse_step()
    assert debugger.history.now == fault and digest(debugger.state) == bits
    debugger.cont()
    assert debugger.cont().reason == "exited"
    assert debugger.history.kernel.process.exit_code == 11


def test_edits_are_part_of_the_history_and_the_past_stays(debugger: Debugger) -> None:
    history = debugger.history
    debugger.break_at("main")
    debugger.cont()
    at, end = debugger.location("total"), history.now

    def change(state):
        return memory.write(state, at, b"\x07"), [(at, b"\x07")]

    history.edit(change)
    history.forward(steps=50)
    later, bits = history.now, digest(history.state)
    history.goto(end)
    assert debugger.read(at, 1) == b"\0"
    with pytest.raises(DebugError, match="the past cannot be changed"):
        history.edit(change)
    history.goto(later)
    assert debugger.read(at, 1) == b"\x07" and digest(history.state) == bits


def test_history_survives_interruption(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(start(["l"]), spacing=50_000)
    looks = iter([False] * 3)
    history.poll = lambda: next(looks, True)
    assert history.forward().reason == "interrupted"
    history.poll = lambda: False
    here, bits = history.now, digest(history.state)

    def interrupt(*_, **__):
        history.state.mem.delete()  # as when it comes while the machine runs
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ncpu.machine.debug.history.run", interrupt)
        patched.setattr(history, "_recover", lambda: None)
        assert history.forward().reason == "interrupted"
    history._recover()
    assert history.now == here and digest(history.state) == bits
    history.step_back()
    history.forward(steps=1)
    assert digest(history.state) == bits


def test_two_runs_part_where_their_inputs_do(start: Start) -> None:
    runs = [History(start(arguments)) for arguments in ([], [], ["longer"])]
    for history in runs:
        history.forward()
    assert difference(runs[0], runs[1]) is None
    found = difference(runs[0], runs[2])
    assert found is not None and found.first is not None and found.second is not None
    assert found.first["pc"] != found.second["pc"]
    write = difference(runs[0], runs[2], writes=True)
    assert write is not None and write.first is not None


def test_goto_outside_the_history_is_refused(debugger: Debugger) -> None:
    debugger.step(5)
    with pytest.raises(DebugError, match="from 0 to 5"):
        debugger.goto(6)


_HLO = """
import hashlib, ncpu
from ncpu.machine.alu import EXACT
from ncpu.machine.run import _run, fuel_limbs
from ncpu.machine.program import Program
from ncpu.machine.state import new_state
def lowered():
    args = Program.from_words([0xD4200000]), new_state(size=4096), fuel_limbs(1), EXACT
    return hashlib.sha256(_run.lower(*args).as_text().encode()).hexdigest()
before = lowered()
from ncpu.machine.debug import hunt
import jax, numpy as np
args = Program.from_words([0xD4200000]), new_state(size=4096), fuel_limbs(1), fuel_limbs(2)
hunt._hunt.lower(*args, hunt.table([]), np.bool_(1), np.bool_(0), EXACT)
jax.clear_caches()
assert lowered() == before
"""


def test_the_loop_of_run_is_the_same_with_the_debugger_loaded() -> None:
    subprocess.run([sys.executable, "-c", _HLO], check=True)
