"""A disk that fills: a typed error, nothing half-written, and the same call goes on when there is space."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deephealth.core.errors import StorageError
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import FolderSource
from deephealth.lake.intake.tools import IntakeSettings
from tests.lake.intake.standin import Memory, make_folder, tools, tree

SETTINGS = IntakeSettings(workers=2, batch=10, order=3)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def padded(folder: Path) -> int:
    """Files of 20 kB, together more than the small disk holds."""
    count = make_folder(folder)
    for path in folder.rglob("*.dcm"):
        with path.open("ab") as stream:
            stream.write(bytes(20_000))
    return count


def test_a_full_disk_stops_the_intake_and_more_space_lets_it_go_on(small_disk: Path, tmp_path: Path) -> None:
    count = padded(tmp_path / "in")
    memory = Memory()
    whole = run_intake(FolderSource(tmp_path / "in"), LakeFolder(tmp_path / "whole"), "chest", tools(memory))
    lake = LakeFolder(small_disk / "lake")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(600_000))
    for _ in range(2):
        with pytest.raises(StorageError):
            run_intake(FolderSource(tmp_path / "in"), lake, "chest", tools(memory), settings=SETTINGS)
        expected = tree(LakeFolder(tmp_path / "whole").rawdata)
        assert all(expected[name] == content for name, content in tree(lake.rawdata).items())
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    report = run_intake(FolderSource(tmp_path / "in"), lake, "chest", tools(memory), settings=SETTINGS)
    assert (report.found, report.released, report.quarantined.total()) == (count, count, 0)
    assert whole.released == count
    assert tree(lake.rawdata) == expected
    with Journal(lake.journal) as journal:
        assert len(list(journal.published())) == count


CHILD = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from deephealth.core.errors import StorageError
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import FolderSource
from deephealth.lake.intake.tools import IntakeSettings
from tests.lake.intake.standin import FileMemory, tools
if __name__ == "__main__":
    root = Path({root!r})
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
    try:
        run_intake(FolderSource(root / "in"), LakeFolder(root / "lake"), "chest", tools(FileMemory(root / "vault")),
                   settings=IntakeSettings(workers=2))
    except StorageError as error:
        print("StorageError")
"""


@pytest.mark.parametrize("limit", [4096, 15_000, 100_000])
def test_files_that_may_not_grow(tmp_path: Path, repository: Path, limit: int) -> None:
    """The limit stops the journal, or what the workers write, whichever is longer than it."""
    count = padded(tmp_path / "in")
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(repository=str(repository), root=str(tmp_path), limit=limit))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=100)
    assert done.stdout == "StorageError\n", done.stderr
    script.write_text(CHILD.format(repository=str(repository), root=str(tmp_path), limit=resource.RLIM_INFINITY))
    again = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=100)
    assert (again.stdout, again.returncode) == ("", 0), again.stderr
    assert len(tree(tmp_path / "lake" / "rawdata")) == count
