"""The second look at a whole lake: it passes what is clean, fails closed, and takes back what it finds."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pydicom
import pytest

from deephealth.core.errors import DataError, VaultError
from deephealth.lake.catalogue.cohort import make_cohort, read_manifest
from deephealth.lake.check.needles import Hit
from deephealth.lake.check.record import read_record, record_path
from deephealth.lake.check.sampling import PictureSample
from deephealth.lake.check.scan import Finding
from deephealth.lake.check.verify import scan_lake
from deephealth.lake.folder import LakeFolder
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.sealing import open_original
from deephealth.lake.lake import Lake
from deephealth.lake.retracting import retract_findings
from deephealth.lake.verifying import require_verified, verify
from tests.lake.check.conftest import PATIENTS

KNOWN = [("S1", Identifiers(names=frozenset({"QUIMBYFIELD^ZELDA"}), numbers=frozenset({"MRN-558213"})))]


def test_every_file_is_read_in_several_processes(tmp_path):
    folder = LakeFolder(tmp_path)
    for at in range(100):
        place = folder.rawdata / "demo" / f"sub-{at:03}"
        place.mkdir(parents=True)
        (place / "a.json").write_text("clean")
    steps = []
    scan = scan_lake(folder, KNOWN, workers=2, progress=lambda *at: steps.append(at))
    assert scan.ok
    assert (scan.files, scan.bytes) == (100, 500)
    assert steps[-1] == (100, 100)
    (folder.rawdata / "demo" / "sub-042" / "a.json").write_text("mrn-558213")
    (folder.rawdata / "demo" / "sub-007" / "zelda.json").write_bytes("Quimbyfield".encode("utf-16-le"))
    scan = scan_lake(folder, KNOWN, workers=2)
    assert not scan.ok
    assert {(one.path, one.where) for one in scan.findings} == {
        ("rawdata/demo/sub-042/a.json", "content"),
        ("rawdata/demo/sub-007/zelda.json", "name"),
        ("rawdata/demo/sub-007/zelda.json", "content"),
    }
    assert scan.by_kind().keys() == {"name", "number"}


def test_an_empty_lake_passes(tmp_path):
    assert scan_lake(LakeFolder(tmp_path), KNOWN).ok


def _released(lake: Lake, modality: str, subject: str = "") -> list[str]:
    with Journal(lake.folder.journal, create=False) as journal:
        every = [one for one in journal.published() if one.facts.modality == modality]
    return [one.path for one in every if subject in (one.facts.subject, "")]


def _write_on(lake: Lake, path: str, text: str) -> None:
    dataset = pydicom.dcmread(lake.folder.root / path)
    values = np.full((dataset.Rows, dataset.Columns, 3), 90, np.uint8)
    cv2.putText(values, text, (12, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    dataset.PixelData = values.tobytes()
    dataset.save_as(lake.folder.root / path)


def test_a_clean_lake_passes_once_verified(lake):
    with pytest.raises(DataError, match="never verified"):
        require_verified(lake)
    done = verify(lake, workers=1)
    assert done.passed
    assert done.pictures is not None
    assert done.pictures.objects == 4
    require_verified(lake)
    record = read_record(lake.folder)
    assert record is not None
    assert record["pictures"]["passed"]
    assert [event["counts"]["pictures"] for event in lake.log.events() if event["kind"] == "verify"] == [4]


def test_a_vault_that_knows_nobody_proves_nothing(lake):
    for patient in PATIENTS.values():
        lake.vault.forget(patient[1])
    with pytest.raises(VaultError, match="does not know 3 patients"):
        verify(lake, pictures=False, workers=1)
    with pytest.raises(DataError, match="never verified"):
        require_verified(lake)


def test_pictures_that_failed_are_not_forgotten_by_leaving_them_out(lake):
    _write_on(lake, _released(lake, "XC")[0], "QUIMBYFIELD")
    sample = PictureSample(at_risk=0, others=9)
    done = verify(lake, sample=sample, workers=1)
    assert not done.passed
    assert {finding.where for finding in done.findings} == {"picture"}
    again = verify(lake, pictures=False, workers=1)
    assert again.pictures is None
    assert not again.findings
    assert not again.passed
    with pytest.raises(DataError, match="did not pass"):
        require_verified(lake)


def test_a_lake_without_its_pictures_can_pass_by_its_bytes(lake):
    assert verify(lake, pictures=False, workers=1).passed
    require_verified(lake)


def test_the_record_never_holds_what_a_file_is_called_by_mistake(lake):
    (lake.folder.rawdata / "skin" / "quimbyfield_zelda.txt").write_text("")
    assert not verify(lake, pictures=False, workers=1).passed
    assert "zelda" not in record_path(lake.folder).read_text().lower()
    (lake.folder.rawdata / "skin" / "quimbyfield_zelda.txt").unlink()
    assert verify(lake, pictures=False, workers=1).passed


def test_what_held_an_identifier_is_taken_back_with_all_that_was_made_of_it(lake, tmp_path):
    back, other, _ = _released(lake, "XC")
    root = lake.folder.root
    subject = back.split("sub-")[1].split("/")[0]
    images = list((root / "rawdata" / "skin" / f"sub-{subject}").rglob("*_xc.*"))
    assert images
    make_cohort(lake.folder, "modality=XC", name="lesions")
    _write_on(lake, back, "MRN-558213")
    plain = (root / back).read_bytes()
    finding = Finding(back, Hit(subject, "number", "at 1, 1", 0), "picture")
    stray = root / "derivatives" / "notes.txt"
    stray.write_text("Zelda")
    done = retract_findings(lake, [finding, Finding("derivatives/notes.txt", Hit(subject, "name", "utf-8", 0))])
    assert (done.objects, done.cohorts, done.left) == (1, ("lesions",), ("derivatives/notes.txt",))
    assert not (root / back).exists()
    assert (root / other).exists()
    assert not any(image.exists() for image in images)
    assert subject not in read_manifest(root / "derivatives" / "lesions")["subjects"]
    assert subject not in (root / "derivatives" / "lesions" / "partitions.tsv").read_text()
    with Journal(lake.folder.journal, create=False) as journal:
        assert back not in [one.path for one in journal.published()]
        assert journal.quarantined() == {"identifier-left": 1}
        (entry,) = journal.quarantine_entries()
    assert (entry.kind, entry.subject) == ("retracted", subject)
    sealed = root / "quarantine" / entry.name
    assert b"DICM" not in sealed.read_bytes()
    open_original(sealed, tmp_path / "back.dcm", lake.vault.quarantine_key(), entry.name.encode())
    assert (tmp_path / "back.dcm").read_bytes() == plain
    with pytest.raises(DataError, match="verified"):
        require_verified(lake)
    stray.unlink()
    assert verify(lake, pictures=False, workers=1).passed


def test_an_image_takes_its_objects_back(lake):
    side_car = next(lake.folder.rawdata.rglob("*_xc.json"))
    name = side_car.relative_to(lake.folder.root).as_posix()
    side_car.write_text(json.dumps({"by": "Zelda Quimbyfield"}))
    done = retract_findings(lake, [Finding(name, Hit("S", "name", "utf-8", 0))])
    assert done.objects == 1
    assert not side_car.exists()
    assert done.left == ()


def test_a_retraction_that_was_killed_is_finished(lake, monkeypatch):
    back = _released(lake, "DX")[0]
    finding = Finding(back, Hit("S", "name", "at 1, 1", 0), "picture")

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "take_back", die)
    with pytest.raises(KeyboardInterrupt):
        retract_findings(lake, [finding])
    monkeypatch.undo()
    assert not (lake.folder.root / back).exists()
    assert back in _released(lake, "DX")
    assert retract_findings(lake, []).objects == 1
    assert _released(lake, "DX") == []
