"""A hospital that never was: photographs as DICOM objects with invented patients, to try a lake on."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.core.files import atomic_write, replacing
from deephealth.core.optional import require
from deephealth.core.seeds import counter_seed
from deephealth.data.sample import Sample
from deephealth.io.raster import read_rgb

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

__all__ = ["write_hospital"]

_PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.77.1.4"
_ROOT = "1.2.826.0.1.3680043.10.1490"  # below the root that medicalconnections.co.uk gives to anybody
_LOCALES = ["en_GB", "de_DE", "es_ES", "it_IT", "fr_FR"]


def write_hospital(
    samples: Sequence[Sample], folder: Path, *, seed: int = 0, progress: Callable[[int, int], object] | None = None
) -> int:
    """Write each picture as a DICOM photograph of an invented patient, and ``labels.csv`` with their diagnoses.

    Names, numbers, dates and remarks come from Faker and stand where a hospital's systems put them: in the header, in
    descriptions, in private elements, in the names of files. All pictures of one group are one patient's.

    Args:
        samples: pictures with a group and a label.
        folder: to be made.
        seed: the same seed gives the same bytes.
        progress: called with pictures done and all pictures.

    Returns:
        How many patients there are.

    Raises:
        OptionalDependencyError: Faker is not installed.
        StorageError: the disk is full.
    """
    faker = require("faker", purpose="inventing patients").Faker(_LOCALES)
    faker.seed_instance(seed)
    people = {group: _person(faker, seed, group) for group in dict.fromkeys(sample.group for sample in samples)}
    for done, sample in enumerate(samples, 1):
        person = people[sample.group]
        place = folder / "dicom" / f"{person['name'].replace('^', '_')}_{person['id']}"
        with replacing(place / f"{person['name'].partition('^')[0]}_{done:05}.dcm", "writing a photograph") as path:
            _object(read_rgb(sample.image), person, done).save_as(path, enforce_file_format=True)
        if progress is not None:
            progress(done, len(samples))
    rows = [(people[s.group]["id"], s.label) for s in {s.group: s for s in samples}.values() if s.label]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("patient_id", "diagnosis"), *rows])
    atomic_write(folder / "labels.csv", text.getvalue())
    return len(people)


def _person(faker: Any, seed: int, group: str) -> dict[str, Any]:
    draw = np.random.default_rng(counter_seed(seed, group))
    sex = "MF"[int(draw.integers(2))]
    given = faker.first_name_male() if sex == "M" else faker.first_name_female()
    birth = datetime.date(1935, 1, 1) + datetime.timedelta(days=int(draw.integers(0, 25_000)))
    return {
        "name": f"{faker.last_name()}^{given}",
        "id": f"H{int(draw.integers(10**6, 10**7))}",
        "sex": sex,
        "birth": birth,
        "address": faker.address().replace("\n", ", "),
        "doctor": f"{faker.last_name()}^{faker.first_name()}^^Dr.",
        "study": birth + datetime.timedelta(days=int(draw.integers(5_000, 7_000))),
        "number": int(draw.integers(10**8, 10**9)),
    }


def _object(pixels: np.ndarray, person: dict[str, Any], number: int) -> FileDataset:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = _PHOTOGRAPH
    meta.MediaStorageSOPInstanceUID = f"{_ROOT}.{person['number']}.1.{number}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    family = person["name"].partition("^")[0]
    for keyword, value in {
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "SOPClassUID": _PHOTOGRAPH,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": f"{_ROOT}.{person['number']}",
        "SeriesInstanceUID": f"{_ROOT}.{person['number']}.1",
        "StudyDate": person["study"],
        "ContentDate": person["study"],
        "StudyTime": "101500",
        "AccessionNumber": f"A{person['number']}",
        "Modality": "XC",
        "Manufacturer": "Invented Dermatoscopes",
        "InstitutionName": "Hospital That Never Was",
        "ReferringPhysicianName": person["doctor"],
        "StudyDescription": f"Dermoscopy of {family}",
        "SeriesDescription": "Dermoscopy, polarised light",
        "PatientName": person["name"],
        "PatientID": person["id"],
        "PatientBirthDate": person["birth"],
        "PatientSex": person["sex"],
        "PatientAge": f"{(person['study'] - person['birth']).days // 365:03}Y",
        "PatientAddress": person["address"][:64],
        "BodyPartExamined": "SKIN",
        "ImageComments": f"seen with Dr. {person['doctor'].partition('^')[0]}",
        "SeriesNumber": 1,
        "InstanceNumber": number,
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "LossyImageCompression": "00",
    }.items():
        setattr(dataset, keyword, value.strftime("%Y%m%d") if isinstance(value, datetime.date) else value)
    block = dataset.private_block(0x0099, "NEVER WAS 1.0", create=True)
    block.add_new(0x01, "LO", f"{family} {person['id']}")
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes() + b"\0" * (pixels.size % 2)
    return dataset
