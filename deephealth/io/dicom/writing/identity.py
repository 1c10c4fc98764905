"""Whose image it is: patient, study and frame of reference, kept from source images or made new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib.metadata import version

from pydicom import Dataset
from pydicom.uid import UID, generate_uid

from deephealth.core.errors import DataError
from deephealth.io.dicom.guard import guarded

__all__ = ["KEPT", "complete_header", "identity_of", "kept", "new_uid", "software_version", "stamp"]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
# keyword -> whether the standard wants it even if empty
KEPT = {
    "PatientName": True,
    "PatientID": True,
    "IssuerOfPatientID": False,
    "PatientBirthDate": True,
    "PatientSex": True,
    "PatientAge": False,
    "PatientSize": False,
    "PatientWeight": False,
    "PatientIdentityRemoved": False,
    "DeidentificationMethod": False,
    "DeidentificationMethodCodeSequence": False,
    "StudyInstanceUID": True,
    "StudyDate": True,
    "StudyTime": True,
    "StudyID": True,
    "StudyDescription": False,
    "AccessionNumber": True,
    "ReferringPhysicianName": True,
    "TimezoneOffsetFromUTC": False,
}


def new_uid() -> UID:
    """Return a fresh UID below 2.25, made from a random UUID (DICOM PS3.5 B.2)."""
    return generate_uid(prefix=None)


def kept(source: Dataset, target: Dataset, keywords: Iterable[str]) -> None:
    """Copy those of ``keywords`` that ``source`` has into ``target``."""
    for keyword in keywords:
        if keyword in source:
            target[keyword] = source[keyword]


def identity_of(like: Sequence[Dataset] | None) -> Dataset:
    """Return the patient and study elements that a new object of the same study needs.

    Args:
        like: images of one study; ``None`` for a new study of a patient without a name.

    Raises:
        DataError: the images are of several patients or studies.
    """
    identity = Dataset()
    for keyword, required in KEPT.items():
        if required:
            setattr(identity, keyword, "")
    if like:
        for keyword in ("PatientID", "StudyInstanceUID"):
            values = {str(image.get(keyword, "")) for image in like}
            if len(values) > 1:
                raise DataError(
                    f"the source images have {len(values)} different {keyword}: {', '.join(sorted(values)[:3])}",
                    allowed="images of one study",
                    hint="pass the images of one series",
                )
        kept(like[0], identity, KEPT)
    if not identity.StudyInstanceUID:
        identity.StudyInstanceUID = new_uid()
    return identity


def complete_header(image: Dataset) -> Dataset:
    """Return a copy of a source image's header that has every element highdicom takes for granted, and no pixels.

    Raises:
        DataError: it is no image.
        UnreadableFileError: an element is damaged.
    """
    if "Rows" not in image or not image.get("SOPInstanceUID"):
        raise DataError(
            f"the source '{image.get('SOPInstanceUID', '')}' is no image", allowed="the images that were segmented"
        )
    full = Dataset()
    with guarded(f"the header of {image.SOPInstanceUID}"):
        for element in image:
            if element.keyword not in _PIXELS:
                full.add(element)
    full.file_meta = getattr(image, "file_meta", Dataset())
    full.update(identity_of([image]))
    return full


def stamp(dataset: Dataset, *, number: int, description: str) -> None:
    """Add what says who wrote the object and when: series number, description, equipment, content date and time."""
    now = datetime.now()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SeriesNumber = number
    if description:
        dataset.SeriesDescription = description[:64]
    dataset.Manufacturer = "deephealth"
    dataset.ManufacturerModelName = "deephealth"
    dataset.SoftwareVersions = software_version()
    dataset.SeriesDate = dataset.ContentDate = dataset.InstanceCreationDate = now.strftime("%Y%m%d")
    dataset.SeriesTime = dataset.ContentTime = dataset.InstanceCreationTime = now.strftime("%H%M%S")


def software_version() -> str:
    """Return the version of deephealth that runs."""
    return version("deephealth")
