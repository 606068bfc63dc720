"""Files are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ncpu import files


def test_a_file_is_written_with_its_mode(tmp_path: Path) -> None:
    files.write(tmp_path / "a", b"\x00\xff", 0o755)
    files.write(tmp_path / "b", "ä\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\xff"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "b").read_bytes() == b"\xc3\xa4\n"
    files.write_json(tmp_path / "c", {"x": [1, None]})
    assert json.loads((tmp_path / "c").read_text()) == {"x": [1, None]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    files.write(path, "before")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        files.write(path, "after")
    with pytest.raises(TypeError):
        files.write_json(path, {"x": object()})
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
