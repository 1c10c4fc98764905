"""The memory of an intake does not grow with the number of files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lake.intake.standin import write_file

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake import workers
from deephealth.lake.intake.limits import resident_bytes
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import FolderSource
from deephealth.lake.intake.tools import IntakeSettings
from tests.lake.intake.standin import Memory, tools

root, pools, peak = Path({root!r}), [], 0
started = workers.WorkerPool.__enter__
workers.WorkerPool.__enter__ = lambda self: pools.append(self) or started(self)

def look(done, total):
    global peak
    if done % 50 == 0 and pools:
        peak = max(peak, resident_bytes() + sum(map(resident_bytes, pools[-1].processes())))

if __name__ == "__main__":
    report = run_intake(FolderSource(root / "in"), LakeFolder(root / "lake"), "chest", tools(Memory()), progress=look,
                        settings=IntakeSettings(workers=2))
    print(report.released, peak)
"""


def measure(folder: Path, count: int, repository: Path) -> int:
    """Take in some files; return the most memory that the process and its workers had in use, in bytes."""
    for number in range(count):
        who, series = f"MRN{number // 100}", f"8.{number // 50}"
        write_file(folder / "in" / who / f"{number}.dcm", who, study=f"9.{who}", series=series, item=f"7.{number}")
    script = folder / "child.py"
    script.write_text(CHILD.format(repository=str(repository), root=str(folder)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=280, check=True)
    released, peak = done.stdout.split()
    assert int(released) == count
    return int(peak)


def test_memory_is_bounded(tmp_path: Path, repository: Path) -> None:
    few, many = measure(tmp_path / "few", 200, repository), measure(tmp_path / "many", 2000, repository)
    assert many < 300 << 20
    assert many - few < 40 << 20


@pytest.mark.slow
def test_memory_for_ten_thousand_files(tmp_path: Path, repository: Path) -> None:
    assert measure(tmp_path, 10_000, repository) < 300 << 20
