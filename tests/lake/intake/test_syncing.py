"""Without ``syncfs`` every file and folder is synced by itself, and the intake does the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deephealth.lake.intake import syncing
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import FolderSource
from deephealth.lake.intake.tools import IntakeSettings
from tests.lake.intake.standin import Memory, lake_in, make_folder, tools, tree


def test_each_file_and_folder_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "_syncfs", lambda: None)
    synced: list[str] = []
    fsync = os.fsync

    def counting(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counting)
    count = make_folder(tmp_path / "in", patients=2)
    lake = lake_in(tmp_path)
    settings = IntakeSettings(workers=1, batch=6)
    report = run_intake(FolderSource(tmp_path / "in"), lake, "chest", tools(Memory()), settings=settings)
    assert report.released == count
    staged = [path for path in synced if str(lake.staging) in path and path.endswith(".dcm")]
    assert len(set(staged)) == count
    folders = {str((lake.dataset("chest") / path).parent) for path in tree(lake.dataset("chest"))}
    assert folders <= set(synced)
    assert str(lake.rawdata) in synced


def test_a_failed_sync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "_syncfs", lambda: lambda descriptor: -1)
    with pytest.raises(OSError, match=r"."):
        syncing.flush(tmp_path, [])
