"""Ctrl-C as a terminal sends it: to the intake and all of its workers at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.lake.intake.standin import make_folder, tree

CHILD = """
import signal
import sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from deephealth.core.errors import Interrupted
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import FolderSource
from deephealth.lake.intake.tools import IntakeSettings
from tests.lake.intake.standin import FileMemory, StandInCleaner, tools
root = Path({root!r})

stop_at = int(sys.argv[1])

def tell(done, total):
    global stop_at
    print(done, flush=True)
    if done >= stop_at:
        stop_at = total + 1
        sys.stdin.readline()  # until the signal was sent: a busy machine must not be faster than it

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background inherit "ignored"
    parts = tools(FileMemory(root / "vault"), StandInCleaner(delay=0.15))
    try:
        report = run_intake(FolderSource(root / "in"), LakeFolder(root / "lake"), "chest", parts, progress=tell,
                            settings=IntakeSettings(workers=2, batch=5))
        print("released", report.released, report.resumed)
    except Interrupted as error:
        print("Interrupted")
"""


def test_ctrl_c_reaches_everybody_and_the_next_call_goes_on(tmp_path: Path, repository: Path) -> None:
    count = make_folder(tmp_path / "in")
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(repository=str(repository), root=str(tmp_path)))
    command = [sys.executable, str(script)]
    for stop_at in (10, 60):
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*command, str(stop_at)], stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip().isdigit() and int(line) >= stop_at:
                    os.killpg(process.pid, signal.SIGINT)
                    break
            out, error = process.communicate("\n", timeout=60)
        assert out.splitlines()[-1] == "Interrupted"
        assert "Traceback" not in error
    done = subprocess.run([*command, "1000"], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == f"released {count} True"
    assert len(tree(tmp_path / "lake" / "rawdata")) == count
