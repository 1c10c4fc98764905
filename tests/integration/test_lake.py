"""The walk-through of the data lake, run as it stands: Orthanc, lake, cohort, training, withdrawal."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deephealth.cli.app import app
from tests.lake.intake.orthanc import running_orthanc

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "data-lake.md"


def lines() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def deephealth(line: str) -> str:
    result = CliRunner().invoke(app, shlex.split(line)[1:])
    assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
    return result.output


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_walk_through_works_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "orthanc").mkdir()
    with running_orthanc(tmp_path / "orthanc") as server:
        monkeypatch.setenv("DEEPHEALTH_LAKE", "build/lake")
        said: dict[str, str] = {}
        for line in lines():
            if line.startswith("python -m pynetdicom"):
                send = [sys.executable, *shlex.split(line.replace("4242", str(server.dicom_port)))[1:]]
                subprocess.run(send, check=True, capture_output=True, timeout=120)
            elif line.startswith("deephealth "):
                patient = _patients()[0] if "PATIENT" in line else ""
                full = line.replace("http://127.0.0.1:8042/dicom-web", server.dicomweb).replace("PATIENT", patient)
                if "SUBJECT" in full:
                    full = full.replace("SUBJECT", _subjects()[0])
                said[line] = deephealth(full)
    released = said["deephealth lake intake http://127.0.0.1:8042/dicom-web"]
    assert "60 files: 60 released, 0 duplicates, 0 in quarantine" in released
    assert "passed" in said["deephealth lake verify"]
    assert "proven" in said["deephealth lake consent withdraw PATIENT"]
    assert "a model saw this subject" in said["deephealth lake consent withdraw PATIENT"]
    assert Path("build/lesions/report.html").is_file()
    assert Path("build/report.html").is_file()
    assert said['deephealth lake vault reidentify SUBJECT --reason "incidental finding"'].strip() in _patients()
    status = json.loads(deephealth("deephealth lake status --json"))
    assert status["anonymised"] is True
    again = CliRunner().invoke(app, ["lake", "vault", "reidentify", _subjects()[0], "--reason", "too late"])
    assert again.exit_code == 2, again.output
    assert "destroyed" in again.output


def _subjects() -> list[str]:
    return sorted(one.name.removeprefix("sub-") for one in Path("build/lake/rawdata/skin").glob("sub-*"))


def _patients() -> list[str]:
    with Path("build/hospital/labels.csv").open() as table:
        return [row["patient_id"] for row in csv.DictReader(table)]
