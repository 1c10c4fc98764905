"""What the lake knows about one object it holds; layout, catalogue, cohorts and lineage read nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

__all__ = ["ObjectFacts"]


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    r"""One released object: only pseudonyms, shifted dates and facts that identify nobody.

    Args:
        subject: pseudonym of the patient.
        session: pseudonym of the study or visit.
        key: pseudonym of the object itself, 16 letters; with ``subject`` and ``session`` it makes the file's name.
        format: ``dicom``, ``nifti``, ``png``, ``tiff``, ``edf``, ``table``, ``report``, ``json``.
        modality: DICOM modality such as ``CT``, or the like for other formats (``EEG``, ``TABLE``).
        sha256: of the released file.
        bytes: size of the released file.
        source: keyed hash of the content as it came, by which duplicates are found; never a bare hash.
        study_uid, series_uid, object_uid: new UIDs; empty for other formats.
        sop_class: UID of the kind of DICOM object.
        transfer_syntax: UID of the encoding.
        body_part: defined term such as ``CHEST``.
        view, laterality: as in the header, upper case.
        manufacturer, model: of the device.
        description: cleaned series description.
        protocol: cleaned protocol name.
        image_type: values joined with ``\\``.
        study_date: shifted, ``YYYYMMDD``.
        age: years at the study, 90 stands for 90 and above; ``None`` when unknown.
        sex: ``M``, ``F``, ``O`` or empty.
        series_number, instance_number, rows, columns, frames: ``None`` when absent.
        pixels: ``kept`` (checked, nothing to hide), ``hidden`` (painted over), ``none`` (no pixels), ``unchecked``.
        labels: label values that came with the object (column to value), for cohorts to train from.
    """

    subject: str
    session: str
    key: str
    format: str
    modality: str
    sha256: str
    bytes: int
    source: str
    study_uid: str = ""
    series_uid: str = ""
    object_uid: str = ""
    sop_class: str = ""
    transfer_syntax: str = ""
    body_part: str = ""
    view: str = ""
    laterality: str = ""
    manufacturer: str = ""
    model: str = ""
    description: str = ""
    protocol: str = ""
    image_type: str = ""
    study_date: str = ""
    age: int | None = None
    sex: str = ""
    series_number: int | None = None
    instance_number: int | None = None
    rows: int | None = None
    columns: int | None = None
    frames: int | None = None
    pixels: str = "none"
    labels: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from :meth:`to_dict`'s answer; unknown keys, of a newer version, are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})
