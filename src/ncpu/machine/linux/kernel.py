"""The kernel: serves system calls, faults and signals on the host, one thread at a time.

kernel = Kernel(Process.from_image(image), Files(), stdout=sys.stdout.buffer)
state = kernel.serve(state)      # when run() stopped with Status.SYSCALL

It always serves `process.thread` of `process`. By itself it knows one process: what would wait
for others fails, and there is no clone. A `machine.Machine` sets which thread is served, and
keeps those that wait: their call is made again when what they wait for may have happened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ncpu.machine import word
from ncpu.machine.linux import (
    abi,
    futex,
    mappings,
    signals,
    sys_attributes,
    sys_clone,
    sys_copy,
    sys_descriptors,
    sys_events,
    sys_exec,
    sys_files,
    sys_groups,
    sys_identity,
    sys_io,
    sys_memory,
    sys_messages,
    sys_poll,
    sys_process,
    sys_resources,
    sys_signals,
    sys_socket,
    sys_socket_options,
    sys_time,
    sys_timers,
    sys_wait,
    timing,
)
from ncpu.machine.linux.abi import Blocked, Errno, LinuxError, Signal
from ncpu.machine.linux.lane import Lane
from ncpu.machine.linux.numbers import NAME
from ncpu.machine.linux.process import Process, Thread
from ncpu.machine.linux.services import Services
from ncpu.machine.linux.table import TABLE
from ncpu.machine.state import State, Status

# Importing these fills TABLE.
SUBJECTS = (
    *(sys_attributes, sys_clone, sys_copy, sys_descriptors, sys_events),
    *(sys_exec, sys_files, sys_groups),
    *(
        sys_identity,
        sys_io,
        sys_memory,
        sys_messages,
        sys_poll,
        sys_process,
        sys_resources,
        sys_signals,
    ),
    *(sys_socket, sys_socket_options, sys_time, sys_timers, sys_wait),
)


class Kernel(Services):
    """Linux for one process, or for the processes of a machine; made as `Services` says."""

    # -- for the caller -------------------------------------------------------------------------

    def serve(self, state: State) -> State:
        """Serve the system call that stopped `state`; the state is RUNNING or EXITED after.

        An EXITED state has its exit code in x0, and `process.exit_code` and
        `process.exit_signal` say how it ended.  The state given is used up: its memory
        is donated.
        """
        lane = self._enter(state)
        self.resumed, self.thread.wait = self.thread.wait, None
        number = lane.x(8)
        name = NAME.get(number) or str(number)
        if self.resumed is None:
            self.calls[name] += 1
        self._try(name)
        if self.tasks is None:
            self._wait_alone(name)
        return self._leave()

    def _try(self, name: str) -> None:
        """Make the call; it sets x0, or leaves in `thread.wait` what it waits for."""
        lane = self.lane
        handler = TABLE.get(lane.x(8))
        try:
            if handler is None:
                self.missing(name)
            else:
                result = handler(self, lane.regs[:6].tolist())
                if result is not None:
                    self.lane.set_x(0, result)
        except Blocked as blocked:
            self.thread.wait = blocked.wait
        except LinuxError as error:
            lane.set_x(0, -error.errno)
        self.resumed = None

    def _wait_alone(self, name: str) -> None:
        """Let time pass until the one process need not wait; EDEADLK where that is for ever."""
        thread, clock = self.thread, self.process.clock
        while thread.wait is not None and self.process.alive:
            if signals.next_signal(self.process) is not None:
                signals.deliver(self, self.lane)
                continue
            wait = thread.wait
            if wait.ready is None or not wait.ready():
                dues = [t.due for t in self.timers if t.users]
                dues += [wait.until, timing.next_moment(self.process)]
                moments = [m for m in dues if m is not None]
                if not moments:
                    thread.wait = None
                    self.lane.set_x(0, -Errno.EDEADLK)
                    return
                clock.sleep_until(min(moments))
                timing.expire(self, self.process)
                over = self.passed(wait.until) or (wait.ready is not None and wait.ready())
                if signals.next_signal(self.process) is not None or not over:
                    continue
            self.resumed, thread.wait = wait, None
            self._try(name)

    def fault(self, state: State) -> State:
        """Turn a fault's status into its signal, delivered: RUNNING in a handler or EXITED."""
        lane = self._enter(state)
        address = word.integer(state.fault)
        signal, code, address = self._signal_of(Status(int(state.status)), address)
        signals.force(self.process, signal, abi.siginfo_fault(signal, code, address))
        lane.restart()
        return self._leave()

    def interrupt(self, state: State, signal: int) -> State:
        """Send a signal from outside (SIGINT, say) to a process that is not in a call."""
        self._enter(state)
        self.send(self.process, signal, abi.siginfo_kill(signal, abi.SI_KERNEL, 0, 0))
        return self._leave()

    def tick(self, state: State) -> State:
        """Deliver what the passing of time brought, after running without a call."""
        self._enter(state)
        return self._leave()

    def give_up(self, state: State, errno: Errno) -> State:
        """End the wait of the call in progress with an error."""
        lane = self._enter(state)
        self.thread.wait = None
        lane.set_x(0, -errno)
        return self._leave()

    def kill(self, state: State) -> State:
        """End the process as SIGKILL does, whatever it is at."""
        self._enter(state)
        self.terminate(128 + Signal.SIGKILL, Signal.SIGKILL)
        return self._leave()

    def terminate(self, code: int, signal: int | None = None) -> None:
        """End the process with an exit code (128 + signal when a signal ends it)."""
        self.process.exit_code = code & 0xFF
        self.process.exit_signal = signal
        for thread in self.process.threads.values():
            futex.leave(self, thread)

    def touch(
        self, process: Process, thread: Thread, state: State, action: Callable[[Kernel], None]
    ) -> State:
        """Let `action` read or change the memory of a thread that is not being served."""
        self.process, process.thread = process, thread
        self.lane = Lane(state)
        action(self)
        return self.lane.state

    def close_host(self) -> None:
        """Let go of the host's terminal and ports, at the end of the machine."""
        self._flush()
        if self.host is not None:
            self.host.close()

    def close(self) -> None:
        """Write back shared mappings and flush the console; after the process ended."""
        mappings.write_back(self, self.space.maps)
        self._flush()

    # -- entering and leaving ---------------------------------------------------------------------

    def _enter(self, state: State) -> Lane:
        self.lane = lane = Lane(state)
        retired = word.integer(state.retired)
        thread, clock = self.thread, self.process.clock
        clock.retired += retired - thread.retired
        thread.retired = retired
        return lane

    def _leave(self) -> State:
        timing.expire(self, self.process)
        process, thread = self.process, self.thread
        waiting = process.pending or thread.pending or thread.saved_mask is not None
        if process.alive and waiting:
            signals.deliver(self, self.lane)
        self.code_changed |= self.lane.code_written
        if process.alive:
            return self.lane.finish(Status.RUNNING if thread.wait is None else Status.SYSCALL)
        self.lane.set_x(0, self.process.exit_code or 0)
        self._flush()
        return self.lane.finish(Status.EXITED)

    def _flush(self) -> None:
        """Pass on what is left of the output; nobody is there to hear that it failed."""
        with suppress(LinuxError):
            self.console.flush()

    def _signal_of(self, status: Status, address: int) -> tuple[int, int, int]:
        """(signal, si_code, si_addr) that Linux has for a fault."""
        pc = self.lane.pc
        space = self.space
        if status == Status.FETCH_FAULT:
            if pc % 4:
                return Signal.SIGBUS, 1, pc  # BUS_ADRALN
            address = pc
        elif status == Status.ALIGNMENT:
            return Signal.SIGBUS, 1, address
        elif status == Status.UNDEFINED:
            return Signal.SIGILL, 1, pc  # ILL_ILLOPC
        elif status == Status.BREAKPOINT:
            return Signal.SIGTRAP, 1, pc  # TRAP_BRKPT
        inside = space.inside(address, 1)
        known = inside and bool(space.mapped[space.pages(address & ~4095, 1)].any())
        return Signal.SIGSEGV, 2 if known else 1, address  # SEGV_ACCERR, SEGV_MAPERR
