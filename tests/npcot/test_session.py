"""Sessions: what was reported saved is there, whatever is killed, exchanged, cut or put back."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from ncpu.npcot import storage
from ncpu.npcot.audit import AuditLog, read_records
from ncpu.npcot.canonical import canonical, parse_canonical
from ncpu.npcot.contents import diff
from ncpu.npcot.domain import Domain
from ncpu.npcot.errors import (
    AuditError,
    HiddenStateError,
    KeyFileError,
    LibraryBusyError,
    LibraryFormatError,
    RollbackError,
    SignatureError,
    UnverifiedProgramError,
)
from ncpu.npcot.folder import LibraryFolder
from ncpu.npcot.owner import Owner
from ncpu.npcot.program import ArrayProgram
from ncpu.npcot.retrieval import Lookup
from ncpu.npcot.session import ProgramLibrarySession
from ncpu.npcot.signing import Signer

DOMAIN = Domain(-100, 100, 8)
SUM, MAXIMUM = ArrayProgram.of("sum", "x*x"), ArrayProgram.of("sum", "|x|", offset=3)
KEYS = np.eye(8, dtype=np.float32)


@pytest.fixture
def owner(tmp_path) -> Owner:
    return Owner.create(tmp_path / "keys")


def new_session(tmp_path, owner, **options):
    sizes = {"capacity": 4, "width": 8, "domain": DOMAIN} | options
    return ProgramLibrarySession.create(tmp_path / "library", owner, **sizes)


def query(count=1):
    return np.tile(np.arange(8, dtype=np.int32), (count, 1)), np.full(count, 4, np.int32)


def test_a_library_is_there_again(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        slot = session.insert(5 * KEYS[2], SUM, task="sum of squares", gap=0.01)
        session.insert(KEYS[3], MAXIMUM, task="distance", certificate="ab" * 32)
        first = session.consult(KEYS[2:4], *query(2))
        session.feedback(first, [True, False])
        assert session.save() == 2
        kept = session.contents
    assert first.value.tolist() == [0 + 1 + 4 + 9, 6 + 3] and slot == 0
    with ProgramLibrarySession.open(tmp_path / "library", Owner.open(tmp_path / "keys")) as session:
        assert session.version == 2 and not session.unsaved
        assert session.contents.entries == kept.entries
        change = diff(kept, session.contents)
        assert not (change.added or change.removed or change.moved or change.hits)
        again = session.consult(KEYS[2:4], *query(2))
        assert again.status.tolist() == [Lookup.HIT, Lookup.MISS]  # it was wrong: not again
        entry = session.contents.entries[0]
        assert entry.task == "sum of squares" and entry.certificate == ""
        assert entry.hits == {owner.share.key_id.hex(): 1}


def test_every_step_is_in_the_log(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        session.insert(KEYS[0], SUM, task="a")
        session.remove(0)
        session.save()
        session.insert(KEYS[0], SUM, task="b")
    events = [r.event for r in session.records]
    assert events == ["created", "saved", "inserted", "removed", "saved", "inserted", "closed"]
    assert session.records[-1].data == {"version": 2, "unsaved": True}


def test_diff_and_older_snapshots(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        session.insert(KEYS[0], SUM, task="a")
        session.insert(KEYS[1], SUM, task="b")
        session.save()
        before = session.contents
        session.remove(0)
        session.insert(KEYS[5], MAXIMUM, task="c")
        answer = session.consult(KEYS[1:2], *query())
        session.feedback(answer, [False])
        session.save()
        change = diff(before, session.contents)
        assert [before.entries[0].identity] == list(change.removed) and len(change.added) == 1
        moved = change.moved[before.entries[1].identity]
        assert moved[0] == pytest.approx(0.92) and moved[1] > 0.999
        assert change.hits == {before.entries[1].identity: 1}
        canonical(change.to_json())
        old = session.at_version(2)
        assert old.entries == before.entries and session.version == 3
        with pytest.raises(SignatureError):
            session.at_version(9)


@pytest.mark.parametrize(
    ("program", "match"),
    [
        (ArrayProgram.of("product", "x"), "high.*product"),
        (ArrayProgram.of("max", "x"), "high"),
        (ArrayProgram.of("sum", "x", offset=20_000), "warn.*offset"),
    ],
)
def test_what_the_verifier_does_not_clear_is_not_stored(tmp_path, owner, program, match):
    with new_session(tmp_path, owner) as session:
        with pytest.raises(UnverifiedProgramError, match=match):
            session.insert(KEYS[0], program, task="x")
        assert session.contents.entries == {} and not session.unsaved
        assert [r.event for r in session.records] == ["created", "saved", "refused"]
        for key in (KEYS[0] * np.nan, KEYS[0, :3], KEYS[0] * 0):
            with pytest.raises(HiddenStateError):
                session.insert(key, SUM, task="x")
        with pytest.raises(LibraryFormatError):
            session.insert(KEYS[0], SUM, task="x", certificate="zz")


def test_a_library_that_accepts_warnings(tmp_path, owner):
    with new_session(tmp_path, owner, accept="warn") as session:
        session.insert(KEYS[0], ArrayProgram.of("sum", "x", offset=20_000), task="x")
    with pytest.raises(LibraryFormatError, match="accept"):
        ProgramLibrarySession.create(
            tmp_path / "b", owner, capacity=1, width=1, domain=DOMAIN, accept="high"
        )


def test_the_second_session_is_told(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        session.insert(KEYS[0], SUM, task="a")
        with pytest.raises(LibraryBusyError, match="held by process"):
            ProgramLibrarySession.open(tmp_path / "library", owner)
        session.save()
    with ProgramLibrarySession.open(tmp_path / "library", owner) as session:
        assert len(session.contents.entries) == 1


def test_no_library_and_one_too_many(tmp_path, owner):
    with pytest.raises(LibraryFormatError, match="no library"):
        ProgramLibrarySession.open(tmp_path / "none", owner)
    new_session(tmp_path, owner).close()
    with pytest.raises(LibraryFormatError, match="already"):
        new_session(tmp_path, owner)


def test_an_old_snapshot_put_back_is_refused(tmp_path, owner):
    library = tmp_path / "library"
    new_session(tmp_path, owner).close()
    shutil.copytree(library, tmp_path / "old")
    with ProgramLibrarySession.open(library, owner) as session:
        session.insert(KEYS[0], SUM, task="a")
        session.save()
    shutil.rmtree(library)
    shutil.copytree(tmp_path / "old", library)
    with pytest.raises(RollbackError, match="older"):
        ProgramLibrarySession.open(library, owner)


def test_a_deleted_newest_snapshot_is_noticed(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        session.insert(KEYS[0], SUM, task="a")
        session.save()
    shutil.rmtree(storage.snapshot_folder(tmp_path / "library", 2))
    with pytest.raises(RollbackError):
        ProgramLibrarySession.open(tmp_path / "library", owner)
    (tmp_path / "keys" / "anchor").unlink()  # even without it: the log knows
    with pytest.raises(RollbackError, match="log"):
        ProgramLibrarySession.open(tmp_path / "library", owner)


def test_another_owners_library_is_refused(tmp_path, owner):
    new_session(tmp_path, owner).close()
    with pytest.raises((SignatureError, AuditError)):
        ProgramLibrarySession.open(tmp_path / "library", Owner.create(tmp_path / "other"))
    with pytest.raises(KeyFileError):
        Owner.open(tmp_path / "nobody")


def resign(tmp_path, owner, change):
    """Snapshot 3: snapshot 2 with its files changed, properly signed (the signer's bug)."""
    old = storage.read_snapshot(tmp_path / "library", 2, owner.trust)
    files = dict(old.files)
    change(files)

    def write_files(folder):
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    with LibraryFolder(tmp_path / "library", owner) as folder:
        folder.save(write_files, dict(old.manifest.note))


def set_entry(field, value):
    def change(files):
        rows = parse_canonical(files["entries.json"])
        rows[0]["entry"][field] = value
        files["entries.json"] = canonical(rows)

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_entry("program", "00" * 16),
        set_entry("key", KEYS[4].tobytes().hex()),
        set_entry("key", (KEYS[4] * np.nan).tobytes().hex()),
        set_entry("task", 7),
        set_entry("domain", {}),
        set_entry("gap", -1),
        set_entry("signatures", {"AB" * 16: "00" * 64}),
        lambda files: files.update({"entries.json": b"[]"}),
        lambda files: files.pop("entries.json"),
        lambda files: [files.pop(n) for n in [*files] if n.startswith("arrays/")],
        lambda files: files.update({"arrays/_METADATA": b"{}"}),
    ],
)
def test_signed_nonsense_is_refused(tmp_path, owner, change):
    with new_session(tmp_path, owner) as session:
        session.insert(KEYS[0], SUM, task="a")
        session.save()
    resign(tmp_path, owner, change)
    with pytest.raises(LibraryFormatError):
        ProgramLibrarySession.open(tmp_path / "library", owner)


# Pruning.


def snapshots(tmp_path, owner, count):
    """A folder with `count` small snapshots."""
    with LibraryFolder(tmp_path / "library", owner, create=True) as folder:
        for number in range(1, count + 1):
            folder.save(one_file(str(number)), {})
    return tmp_path / "library"


def test_pruned_snapshots_are_gone_and_the_log_says_which(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        for slot, program in enumerate((SUM, MAXIMUM)):
            session.insert(KEYS[slot], program, task="t")
            session.save()
        assert session.prune(keep=2) == [1] and session.prune(keep=2) == []
        assert session.records[-1].event == "pruned"
        assert session.records[-1].data == {"versions": [1]}
        assert list(session.at_version(2).entries) == [0]
        with pytest.raises(SignatureError):
            session.at_version(1)
        for keep in (0, -1):
            with pytest.raises(LibraryFormatError, match="1 or more"):
                session.prune(keep)
    with ProgramLibrarySession.open(tmp_path / "library", owner) as session:
        assert session.version == 3 and sorted(session.contents.entries) == [0, 1]


@pytest.mark.parametrize("keep", [1, 2, 4, 9])
def test_the_anchored_snapshot_stays(tmp_path, owner, keep):
    library = snapshots(tmp_path, owner, 4)
    with LibraryFolder(library, owner) as folder:
        folder.prune(keep)
        left = storage.versions(library)
        assert left == [1, 2, 3, 4][-keep:]
        owner.anchor.check(folder.read(left[-1]))
        folder.save(one_file("next"), {})
    with LibraryFolder(library, owner) as folder:
        assert folder.version == 5 and storage.versions(library) == [*left, 5]


def test_killed_while_pruning(tmp_path, owner, monkeypatch):
    """Stopped at each removal: nothing half-removed is seen, and the rest goes next time."""
    library = snapshots(tmp_path, owner, 4)

    def stop(path):
        raise KeyboardInterrupt

    with LibraryFolder(library, owner) as folder, monkeypatch.context() as patch:
        patch.setattr(storage.shutil, "rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            folder.prune(1)
    with LibraryFolder(library, owner) as folder:
        assert storage.versions(library) == [2, 3, 4]
        assert folder.log.records[-1].event == "recovered"
        assert folder.prune(1) == [2, 3]
    assert [p.name for p in (library / "snapshots").iterdir()] == ["00000004"]


def test_a_pruned_library_put_back_to_an_old_one_is_refused(tmp_path, owner):
    library = snapshots(tmp_path, owner, 3)
    shutil.copytree(library / "snapshots" / "00000001", tmp_path / "old")
    with LibraryFolder(library, owner) as folder:
        folder.prune(1)
    shutil.rmtree(library / "snapshots" / "00000003")
    shutil.copytree(tmp_path / "old", library / "snapshots" / "00000001")
    with pytest.raises(RollbackError):
        LibraryFolder(library, owner)


# The audit log.


def make_log(tmp_path, signer, count=5):
    log = AuditLog(tmp_path / "log", signer)
    for number in range(count):
        log.append("event", number=number)
    log.close()
    return (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_log_reads_back(tmp_path, size):
    signer = Signer.hmac()
    text = make_log(tmp_path, signer, size)
    assert [r.data["number"] for r in read_records(text, signer)] == list(range(size))
    with pytest.raises(AuditError) if size else pytest.MonkeyPatch.context():
        read_records(text, Signer.hmac())


def test_no_byte_of_a_log_can_change(tmp_path):
    signer = Signer.hmac()
    text = make_log(tmp_path, signer)
    for at in range(len(text)):
        with pytest.raises(AuditError):
            read_records(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :], signer)


def test_records_cannot_be_dropped_swapped_or_repeated(tmp_path):
    signer = Signer.hmac()
    lines = make_log(tmp_path, signer).splitlines(keepends=True)
    for wrong in (
        lines[1:],
        lines[:2] + lines[3:],
        [lines[0], lines[2], lines[1], *lines[3:]],
        lines + lines[-1:],
    ):
        with pytest.raises(AuditError):
            read_records(b"".join(wrong), signer)


def test_a_log_cut_back_behind_a_save_is_noticed(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        session.insert(KEYS[0], SUM, task="a")
        session.save()
    path = tmp_path / "library" / "audit.log"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(AuditError, match="no longer"):
        ProgramLibrarySession.open(tmp_path / "library", owner)


def test_a_torn_last_line_is_removed_and_recorded(tmp_path, owner):
    new_session(tmp_path, owner).close()
    with (tmp_path / "library" / "audit.log").open("ab") as file:
        file.write(b'{"data":{},"ev')
    with ProgramLibrarySession.open(tmp_path / "library", owner) as session:
        assert session.records[-2].event == "recovered"
        assert session.records[-2].data["torn_bytes"] == 14


# Killed at every point.


def one_file(text):
    def write(into):
        (into / "data").write_text(text)

    return write


SAVER = """
import os, signal, sys
from pathlib import Path
from ncpu.npcot.folder import LibraryFolder
from ncpu.npcot.owner import Owner

folder, keys, point = sys.argv[1:]
with LibraryFolder(Path(folder), Owner.open(Path(keys))) as library:
    for text in ("two", "three"):
        def write(into):
            (into / "data").write_text(text)
            if point == "writing" and text == "three":
                os.kill(os.getpid(), signal.SIGKILL)
        def at(now):
            if now == point and text == "three":
                os.kill(os.getpid(), signal.SIGKILL)
        library.save(write, {}, at)
        print("saved", library.version, flush=True)
        if point == "reported":
            os.kill(os.getpid(), signal.SIGKILL)
"""
POINTS = {
    "writing": 2,
    "files written": 2,
    "manifest written": 2,
    "synced": 2,
    "renamed": 3,
    "recorded": 3,
    "anchored": 3,
    "reported": 2,
}


@pytest.mark.parametrize(("point", "expected"), POINTS.items())
def test_killed_at(tmp_path, owner, point, expected):
    library = tmp_path / "library"
    with LibraryFolder(library, owner, create=True) as folder:
        folder.save(one_file("one"), {})
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SAVER), library, tmp_path / "keys", point],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert process.stdout == "saved 2\n"
    with LibraryFolder(library, owner) as folder:
        assert folder.version == expected >= 2
        assert folder.current is not None
        names = {2: b"two", 3: b"three"}
        assert folder.current.files == {"data": names[expected]}
        recovered = [r for r in folder.log.records if r.event == "recovered"]
        assert bool(recovered) == (point not in ("recorded", "anchored", "reported"))
        assert not [p for p in (library / "snapshots").iterdir() if p.name.startswith(".")]
        folder.save(one_file("next"), {})
    with LibraryFolder(library, owner) as folder:
        assert folder.version == expected + 1
        assert [v for v in storage.versions(library)] == list(range(1, expected + 2))


def test_killed_anywhere_between_saves(tmp_path, owner):
    """A writer that saves as fast as it can, killed after a random time, five times."""
    library = tmp_path / "library"
    with LibraryFolder(library, owner, create=True) as folder:
        folder.save(one_file("1"), {})
    source = SAVER.replace('("two", "three")', "map(str, range(10**9))")
    rng = np.random.default_rng(3)
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", source, library, tmp_path / "keys", "never"],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            seen = [process.stdout.readline() for _ in range(int(rng.integers(1, 6)))]
            process.kill()
            seen += process.stdout.read().splitlines(keepends=True)
        reported = max(int(line.split()[1]) for line in seen if line.endswith("\n"))
        with LibraryFolder(library, owner) as folder:
            assert folder.version in (reported, reported + 1)
            assert folder.current is not None and set(folder.current.files) == {"data"}


SESSION_KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from ncpu.npcot.owner import Owner
from ncpu.npcot.program import ArrayProgram
from ncpu.npcot.session import ProgramLibrarySession

session = ProgramLibrarySession.open(Path(sys.argv[1]), Owner.open(Path(sys.argv[2])))
session.insert(np.eye(8)[1], ArrayProgram.of("sum", "|x|"), task="kept")
print("saved", session.save(), flush=True)
session.insert(np.eye(8)[2], ArrayProgram.of("sum", "1"), task="not saved")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_session_keeps_what_it_reported(tmp_path, owner):
    with new_session(tmp_path, owner) as session:
        session.insert(KEYS[0], SUM, task="first")
        session.save()
    process = subprocess.run(
        [sys.executable, "-c", SESSION_KILLED, tmp_path / "library", tmp_path / "keys"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL and process.stdout == "saved 3\n", process.stderr
    with ProgramLibrarySession.open(tmp_path / "library", owner) as session:
        assert [e.task for e in session.contents.entries.values()] == ["first", "kept"]
        assert [r.data.get("task") for r in session.records if r.event == "inserted"] == [
            "first",
            "kept",
            "not saved",
        ]
