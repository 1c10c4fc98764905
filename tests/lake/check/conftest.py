"""A lake of three invented patients that went through the real intake, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from deephealth.lake.arranging import arrange_lake
from deephealth.lake.intake.opening import open_source
from deephealth.lake.intake.tools import IntakeSettings
from deephealth.lake.lake import Lake
from deephealth.lake.settings import LakeSettings
from deephealth.lake.taking_in import take_in
from tests.lake.lake_maker import LakeMaker

pytest.importorskip("rapidocr")

PATIENTS = {
    "p0": ("QUIMBYFIELD^ZELDA", "MRN-558213"),
    "p1": ("WATERSTRADT^OSKAR", "H2041773"),
    "p2": ("OYELARAN^FOLA", "X88120"),
}

ORDER = (("p0", "XC"), ("p1", "XC"), ("p2", "XC"), ("p0", "DX"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``lake``, ``vault`` and ``keys``; nothing is verified yet."""
    root = tmp_path_factory.mktemp("finished")
    source = LakeMaker(root / "source", "hospital")
    for patient, modality in ORDER:
        source.series(patient, modality, slices=1, size=256, color=modality == "XC")
    for one, patient in zip(source.entries, (patient for patient, _ in ORDER), strict=True):
        _identify(root / "source" / one.path, patient, burned=one.facts.modality == "DX")
    lake = Lake.create(root / "lake", LakeSettings("skin"), vault=str(root / "vault"), key_file=root / "keys" / "k")
    take_in(lake, open_source(str(root / "source" / "rawdata")), settings=IntakeSettings(workers=1))
    arrange_lake(lake, "skin")
    lake.vault.close()  # or part of it lies in SQLite's write-ahead log
    return root


def _identify(path: Path, patient: str, *, burned: bool) -> None:
    dataset = pydicom.dcmread(path)
    dataset.PatientName, dataset.PatientID = PATIENTS[patient]
    dataset.PatientBirthDate = "19620304"
    values = np.full((256, 256), 900, np.uint16) if burned else np.full((256, 256, 3), 90, np.uint8)
    if burned:
        mask = cv2.putText(np.zeros((256, 256), np.uint8), "QUIMBYFIELD", (12, 40), 0, 0.8, 255, 2)
        values[mask > 127] = 4000
    dataset.PixelData = values.tobytes()
    dataset.save_as(path)


@pytest.fixture
def lake(finished: Path, tmp_path: Path) -> Lake:
    """A copy of the lake with its vault and key."""
    for name in ("lake", "vault", "keys"):
        copy: Callable[..., object] = shutil.copytree if (finished / name).is_dir() else shutil.copy2
        copy(finished / name, tmp_path / name)
    return Lake(tmp_path / "lake", vault=str(tmp_path / "vault"), key=tmp_path / "keys" / "k")
