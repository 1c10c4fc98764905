"""What is sent to Orthanc by C-STORE comes out over DICOMweb, bit by bit, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from deephealth.core.errors import DataError, MissingDataError
from deephealth.lake.intake import dicomweb
from deephealth.lake.intake.dicomweb import DicomWebSource
from deephealth.lake.intake.opening import open_source
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.spool import Spool
from deephealth.lake.intake.tools import IntakeSettings
from tests.lake.intake.dicom_standin import DicomStandInCleaner, scan_dicom
from tests.lake.intake.orthanc import Orthanc, running_orthanc
from tests.lake.intake.standin import Memory, lake_in, tools, tree
from tests.lake.intake.test_receiver import send

pytest.importorskip("dicomweb_client")
pytest.importorskip("pynetdicom")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NAMES = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "rtplan.dcm", "color3d_jpeg_baseline.dcm", "US1_J2KR.dcm")


def originals() -> list[Dataset]:
    """Objects that pydicom ships, and a series of twelve."""
    paths = [get_testdata_file(name, download=False) for name in NAMES]
    found = [pydicom.dcmread(str(path)) for path in paths if path]
    for number in range(12):
        one = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        found.append(one)
    return found


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server that holds the objects."""
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        statuses = send(server.dicom_port, *originals(), title="ORTHANC")
        assert statuses == [0] * len(statuses)
        yield server


def test_every_object_comes_back_as_it_was_sent(orthanc: Orthanc, tmp_path: Path, monkeypatch: object) -> None:
    source = DicomWebSource(orthanc.dicomweb, Spool(tmp_path / "spool"))
    given = list(source)
    sent = {str(one.SOPInstanceUID): one for one in originals()}
    assert len(given) == len(sent)
    for one in given:
        back = pydicom.dcmread(source.path(one.locator))
        original = sent.pop(str(back.SOPInstanceUID))
        assert back.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
        assert back.get("PixelData") == original.get("PixelData")
        assert back.PatientID == original.PatientID
    assert not sent


def test_small_pages_and_filters(orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicomweb, "_PAGE", 5)
    everything = [one.locator for one in DicomWebSource(orthanc.dicomweb, Spool(tmp_path))]
    assert len(everything) == len(set(everything)) == len(originals())
    patient = originals()[1].PatientID
    some = list(DicomWebSource(orthanc.dicomweb, Spool(tmp_path), filters={"PatientID": patient}))
    assert len(some) == sum(one.PatientID == patient for one in originals())


def test_from_the_server_into_the_lake_and_again(orthanc: Orthanc, tmp_path: Path) -> None:
    lake, memory = lake_in(tmp_path), Memory()
    parts = tools(memory, cleaner=DicomStandInCleaner(), scan=scan_dicom)
    for released, duplicates in ((len(originals()), 0), (0, len(originals()))):
        source = DicomWebSource(orthanc.dicomweb, Spool(tmp_path / "spool", lake=lake))
        report = run_intake(source, lake, "pacs", parts, settings=IntakeSettings(workers=2))
        assert (report.found, report.released, report.duplicates) == (len(originals()), released, duplicates)
        assert not tree(tmp_path / "spool")
    assert len(tree(lake.dataset("pacs"))) == len(originals())


def test_an_instance_that_is_gone_and_a_server_that_is_not_there(orthanc: Orthanc, tmp_path: Path) -> None:
    source = DicomWebSource(orthanc.dicomweb, Spool(tmp_path))
    with pytest.raises(MissingDataError):
        source.path("1.2/3.4/5.6")
    nobody = DicomWebSource("http://127.0.0.1:9/dicom-web", Spool(tmp_path), seconds=2)
    with pytest.raises(DataError, match="did not answer"):
        list(nobody)


def test_a_server_that_asks_who_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with running_orthanc(tmp_path, users={"anna": "secret"}) as server:
        send(server.dicom_port, originals()[0], title="ORTHANC")
        assert len(list(open_source(server.dicomweb, user=("anna", "secret")))) == 1
        for user in (None, ("anna", "wrong")):
            with pytest.raises(DataError, match="401"):
                list(open_source(server.dicomweb, user=user))
        assert list(open_source(server.dicomweb, user=("anna", "secret"), filters={"PatientID": "NOBODY"})) == []
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login anna password secret\n")
        assert len(list(open_source(server.dicomweb))) == 1
    with pytest.raises(DataError, match="only a server"):
        open_source(str(tmp_path), user=("anna", "secret"))


@pytest.mark.parametrize("size", [1, 3, 7, 64, 10_000])
def test_multipart_messages_in_pieces_of_any_size(size: int) -> None:
    content = b"\r\n--wrong\r\n" + bytes(range(256)) * 9 + b"\r\n--boundar"
    message = b"\r\n--boundary\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--boundary--"
    pieces = iter([message[at : at + size] for at in range(0, len(message), size)])
    assert b"".join(dicomweb._only_part(pieces, b"boundary")) == content
