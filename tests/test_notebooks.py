"""Every notebook runs from its first cell to its last."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))

pytest.importorskip("nbclient", reason="pip install 'ncpu[notebook]'")
jupytext = pytest.importorskip("jupytext", reason="pip install 'ncpu[notebook]'")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")  # of the notebook server's own libraries
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("NCPU_NOTEBOOK_LANES", "500")
    monkeypatch.setenv("NCPU_NOTEBOOK_DRAWS", "1")
    monkeypatch.setenv("NCPU_NOTEBOOK_CELLS", "2")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.setitem(os.environ, "JUPYTER_PLATFORM_DIRS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = jupytext.read(path)
        client = NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
        client.execute()
    outputs = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    assert not [o for o in outputs if o.output_type == "error"]
