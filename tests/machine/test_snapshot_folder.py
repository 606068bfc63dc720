"""Snapshots on disk: what differs between two, what is refused, what cannot be saved."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from ncpu import sealed
from ncpu.machine.asm import assemble
from ncpu.machine.errors import SnapshotError
from ncpu.machine.linux import snapshot
from ncpu.machine.linux.abi import LinuxError
from ncpu.machine.linux.addresses import AF_INET, ANY4, LOOPBACK4, Endpoint
from ncpu.machine.linux.host import Host
from ncpu.machine.linux.launch import Session
from ncpu.machine.linux.network import Outside
from ncpu.machine.linux.sockets import STREAM, Message, SocketOpen
from ncpu.machine.loader import TEXT_BASE, elf_bytes

SMALL = """
        .global _start
_start: sub     sp, sp, #32
        mov     x1, #500
        stp     xzr, x1, [sp]
        mov     x0, sp
        mov     x1, #0
        mov     x8, #101            // nanosleep
        svc     #0
        mov     x0, #-100
        adr     x1, name
        mov     x2, #0x41           // O_CREAT | O_WRONLY
        mov     x3, #0x1a4
        mov     x8, #56             // openat
        svc     #0
        adr     x1, name
        mov     x2, #5
        mov     x8, #64             // write
        svc     #0
again:  add     x20, x20, #1
        b       again
name:   .asciz  "/tmp/file"
"""


def small(**options: Any) -> Session:
    return Session(elf_bytes(assemble(SMALL, TEXT_BASE)), memory_size=1 << 20, **options)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Snapshots of one machine at its start, and in the loop at its end."""
    folder, session = tmp_path_factory.mktemp("pair"), small()
    snapshot.save(session, folder / "begun")
    snapshot.run_to(session, 1000)
    snapshot.save(session, folder / "loops")
    return folder / "begun", folder / "loops"


def test_diff(pair: tuple[Path, Path]) -> None:
    begun, loops = pair
    assert not snapshot.diff(begun, begun) and not snapshot.diff(loops, loops)
    report = snapshot.diff(begun, loops)
    files = {item.name: item for item in report.files}
    assert files["/tmp/file"].kind == "new" and set(files) == {"/tmp/file", "/tmp"}
    (process,) = report.processes
    changes = {change.what: (change.before, change.after) for change in process.changes}
    assert changes["thread 1000 x8"] == ("0x0", "0x40")
    assert changes["thread 1000 instructions"] == ("0", "1,000")
    before, after = changes["descriptor 3"]
    assert before is None and after is not None and after.endswith(" at 5")
    (stack,) = process.memory
    assert (stack.pages, stack.changed) == (1, 2)  # the two bytes of 500
    machine = {change.what: (change.before, change.after) for change in report.machine}
    assert machine["nanoseconds"] == ("1,000,000,000", "1,000,001,500")
    assert json.loads(json.dumps(report.as_json()))["processes"][0]["memory"][0]["changed"] == 2
    back = snapshot.diff(loops, begun)
    assert [item.kind for item in back.files if item.name == "/tmp/file"] == ["gone"]


def test_the_command_line(pair: tuple[Path, Path], capsysbinary: Any, tmp_path: Path) -> None:
    from ncpu.cli import main

    source = tmp_path / "small.s"
    source.write_text(SMALL)

    def command(*words: object) -> int:
        with pytest.raises(SystemExit) as ended:
            main([*map(str, ("snapshot", *words))])
        return int(ended.value.code or 0)

    saved = tmp_path / "saved"
    options = ("--after", 1000, "--memory", "1M")
    assert command("save", *options, saved, source) == 0
    assert command("diff", saved, saved) == 0
    assert capsysbinary.readouterr().out == b"no difference\n"
    assert command("diff", "--json", pair[0], pair[1]) == 1
    found = json.loads(capsysbinary.readouterr().out)
    assert found["files"][1]["name"] == "/tmp/file"
    assert command("restore", "--max-steps", 500, saved) == 124  # out of steps
    assert b"pc 0x" in capsysbinary.readouterr().err
    assert command("restore", tmp_path) == 2
    assert b"cannot be restored" in capsysbinary.readouterr().err


def test_a_folder_of_the_host_cannot_be_saved(tmp_path: Path) -> None:
    session = small(mounts=[(tmp_path, "/host", False)])
    with pytest.raises(SnapshotError, match="a folder of the host is mounted"):
        snapshot.save(session, tmp_path / "saved")
    assert not list(tmp_path.iterdir())  # nothing half-written


def test_what_is_no_snapshot_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")
    with pytest.raises(SnapshotError, match="is no snapshot"):
        snapshot.save(small(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]


def test_a_machine_that_has_ended_cannot_be_saved(tmp_path: Path) -> None:
    session = small()
    session.start()
    session.kernel.terminate(0)
    with pytest.raises(SnapshotError, match="has ended"):
        snapshot.save(session, tmp_path / "saved")


def test_connections_from_the_host_are_reset(tmp_path: Path) -> None:
    session, (there, here) = small(), socket.socketpair()
    kernel, outside = session.start().kernel, Host()
    listener, caller = (SocketOpen(kernel.network, AF_INET, STREAM, 0) for _ in range(2))
    for sock in (listener, caller):
        kernel.process.install(sock)
    kernel.network.bind(listener, Endpoint(ANY4, 80))
    listener.listen(4)
    listener.answer(Outside(kernel.network, outside, here))
    listener.answer(caller)
    accepted = listener.accept()
    kernel.process.install(accepted)
    accepted.queue.append(Message(b"GET /"))
    accepted.held = 5
    snapshot.save(session, tmp_path / "saved")
    there.close()
    here.close()
    assert accepted.peer is not None  # the machine that was saved goes on with it
    fds = snapshot.load(tmp_path / "saved").kernel.process.fds
    again, waiting, reset = (fds[fd].file for fd in (3, 4, 5))
    assert isinstance(reset, SocketOpen) and isinstance(again, SocketOpen)
    assert reset.read(99) == b"GET /" and reset.read(99) == b""
    with pytest.raises(LinuxError, match="EPIPE"):
        reset.write(b"HTTP")
    assert again.network.at(STREAM, Endpoint(LOOPBACK4, 80)) is again
    inside = again.accept()
    assert inside.peer is waiting and inside.write(b"hello") == 5
    assert waiting.read(9) == b"hello"


def largest(folder: Path) -> Path:
    files = [path for path in (folder / "weights").rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def cut_array(folder: Path) -> None:
    path = largest(folder)
    path.write_bytes(path.read_bytes()[:-7])


def flip_bit(folder: Path) -> None:
    path = largest(folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def cut_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_array, "was altered"),
        (flip_bit, "was altered"),
        (cut_manifest, "cannot be read"),
        (lambda folder: shutil.rmtree(folder / "weights"), "is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "cannot be read"),
        (shutil.rmtree, "no such folder"),
    ],
)
def test_damage_is_found(
    damage: Any, message: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    shutil.copytree(pair[1], folder)
    damage(folder)
    with pytest.raises(SnapshotError, match=message):
        snapshot.load(folder)


def rows(manifest: Any, name: str) -> list[Any]:
    return [row["fields"] for row in manifest["objects"] if row["class"] == name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(kind="weights of a network"), "of kind 'weights of a network'"),
        (lambda m: m["schema"]["Process"].append("colour"), "whose Process has other fields"),
        (lambda m: m["schema"].pop("Pipe"), "whose Pipe has other fields"),
        (lambda m: m["objects"][5].update({"class": "Popen"}), "KeyError: 'Popen'"),
        (lambda m: rows(m, "Process")[0].pop("pid"), "Process.pid is missing"),
        (lambda m: rows(m, "File")[0].update(read=5), "File.read is missing, or one too many"),
        (lambda m: rows(m, "Process")[0].update(space={"object": 9999}), "IndexError"),
        (lambda m: rows(m, "Process")[0].update(argv={"call": []}), "KeyError: 'call'"),
        (lambda m: rows(m, "File")[0].update(data={"bytearray": [0, 1 << 40]}), "cut short"),
        (lambda m: rows(m, "Space")[0].update(arrays=7), "spaces/7"),
        (lambda m: m["objects"].__setitem__(0, m["objects"][1]), "is no machine"),
        (lambda m: rows(m, "Thread")[0].update(state={"object": 0}), "has no lane"),
        (lambda m: m.pop("objects"), "objects"),
        (lambda m: m["arrays"].pop("pages"), "pages"),
    ],
)
def test_another_schema_is_refused(
    change: Any, message: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    shutil.copytree(pair[1], folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest | {"seal": sealed.seal(manifest)}))
    with pytest.raises(SnapshotError, match=message):
        snapshot.load(folder)


def test_nothing_is_written_where_the_disk_is_full(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "saved"
    shutil.copytree(pair[0], folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SnapshotError, match="No space left on device"):
        snapshot.save(small(), folder)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["saved"]
    assert not snapshot.diff(folder, pair[0])
