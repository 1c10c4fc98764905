"""From the lake to a trained network, by the command that people type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deephealth.lake.catalogue.cohort import make_cohort
from deephealth.lake.catalogue.lineage import register_run, runs_of
from tests.lake.catalogue.conftest import CLASSES
from tests.lake.lake_maker import LakeMaker


@pytest.mark.slow
def test_a_cohort_trains_and_the_lake_knows_which_model_saw_whom(maker: LakeMaker, tmp_path: Path) -> None:
    cohort = make_cohort(maker.lake, "modality=XC", name="skin", labels="diagnosis", classes=CLASSES)
    run = tmp_path / "run"
    settings = [f"data.root={cohort.folder}", f"run.dir={run}", "trainer.max_epochs=1", "data.image_size=[32,32]"]
    command = [sys.executable, "-m", "deephealth", "train", "uc12-skin/smoke", *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record = register_run(maker.lake, run)
    assert record.cohort == "skin"
    assert record.usecase == "uc12-skin"
    assert any(name.endswith(".safetensors") for name in record.models)
    subjects = {name for members in record.subjects.values() for name in members}
    assert subjects == set(cohort.manifest["subjects"])
    assert all(len(record.splits_of(name)) == 1 for name in subjects)
    assert runs_of(maker.lake, cohort.manifest["subjects"][0]) == [record]
