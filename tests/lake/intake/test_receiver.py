"""Objects that are sent to the receiver are on disk when it says so, under names of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from deephealth.core.errors import DataError
from deephealth.lake.intake.receiver import Receiver
from deephealth.lake.intake.sources import SpoolSource
from deephealth.lake.intake.spool import Spool

pynetdicom = pytest.importorskip("pynetdicom")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def send(port: int, *objects: Dataset, title: str = "DEEPHEALTH", calling: str = "SENDER") -> list[int]:
    """Send objects with pynetdicom; return the status of each, none if the association was refused."""
    entity = pynetdicom.AE(ae_title=calling)
    for one in objects:
        entity.add_requested_context(one.SOPClassUID, one.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title=title)
    if not association.is_established:
        return []
    statuses = [association.send_c_store(one).Status for one in objects]
    association.release()
    return statuses


def sound(name: str = "CT_small.dcm") -> Dataset:
    """An object that pydicom ships."""
    return pydicom.dcmread(str(get_testdata_file(name, download=False)))


def test_objects_arrive_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    counted: list[int] = []
    with Receiver(spool, port=0, received=counted.append) as receiver:
        assert send(receiver.port, sound(), sound("MR_small.dcm"), sound("JPEG2000.dcm")) == [0, 0, 0]
    assert counted == [1, 2, 3]
    received = [pydicom.dcmread(one.locator) for one in SpoolSource(spool.folder)]
    by_uid = {one.SOPInstanceUID: one for one in received}
    for name in ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm"):
        original = sound(name)
        assert by_uid[original.SOPInstanceUID].PixelData == original.PixelData
    assert np.array_equal(by_uid[sound().SOPInstanceUID].pixel_array, sound().pixel_array)


@pytest.mark.parametrize("uid", ["../../x", "../" * 15 + "x", "/tmp/x", "1.2.3/../../x", "x" * 64])
def test_hostile_uids_become_no_path(tmp_path: Path, uid: str) -> None:
    spool = Spool(tmp_path / "deep" / "er" / "spool")
    hostile = sound()
    hostile.SOPInstanceUID = uid
    hostile.file_meta.MediaStorageSOPInstanceUID = uid
    with Receiver(spool, port=0) as receiver:
        statuses = send(receiver.port, hostile, sound("MR_small.dcm"))
    assert statuses[-1:] == [0]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == statuses.count(0)
    assert all(path.parent == spool.folder for path in files)
    assert all(len(path.stem) == 64 for path in files)


def test_who_may_send(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with Receiver(spool, port=0, senders=frozenset({"CT1"})) as receiver:
        assert send(receiver.port, sound(), calling="STRANGER") == []
        assert send(receiver.port, sound(), title="OTHER", calling="CT1") == []
        assert send(receiver.port, sound(), calling="CT1") == [0]


def test_a_disk_that_fills_is_told_to_the_sender(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with Receiver(spool, port=0) as receiver:
        spool.folder.rmdir()
        (tmp_path / "spool").write_bytes(b"in the way")
        assert send(receiver.port, sound()) == [0xA700]
    assert receiver.count == 0


def test_too_large_an_object_is_refused(tmp_path: Path) -> None:
    with Receiver(Spool(tmp_path), port=0, max_bytes=1000) as receiver:
        assert send(receiver.port, sound()) == [0xA700]
    assert not list(tmp_path.iterdir())


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with Receiver(Spool(tmp_path), port=0) as first, pytest.raises(DataError, match="can't listen"):
        Receiver(Spool(tmp_path), port=first.port).__enter__()
    with pytest.raises(DataError, match="title"):
        Receiver(Spool(tmp_path), title="X" * 17)
