"""Every notebook runs from top to bottom on generated data; they are kept as scripts in the percent format."""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(tempfile, "mkdtemp", lambda: str(tmp_path))
    runpy.run_path(str(notebook))
    assert "balanced_accuracy" in capsys.readouterr().out


def test_there_is_a_notebook():
    assert NOTEBOOKS
