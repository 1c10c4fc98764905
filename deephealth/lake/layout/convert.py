"""What becomes of a series: a NIfTI volume, a PNG, a link to the file itself, or nothing but the object."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from deephealth.core.errors import DeepHealthError, UnreadableFileError
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.layout.names import ImageName
from deephealth.lake.layout.pictures import picture_png
from deephealth.lake.layout.side_cars import channels_table, eeg_side_car
from deephealth.lake.layout.volumes import Volume, convert_volume

__all__ = ["Kind", "Made", "convert", "kind_of", "link_or_copy"]

_VOLUMES = frozenset({"CT", "MR", "PT", "NM"})
_PICTURES = frozenset(
    ("BF", "CR", "DMS", "DX", "ES", "GM", "IO", "MG", "OP", "OT", "PX", "RF", "RG", "SC", "US", "XA", "XC")
)
_LINKED = frozenset({"nifti", "png", "jpeg", "webp", "bmp", "gif", "raster", "tiff", "svs"})
_SECONDARY = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture: a picture, whatever modality it was taken from
# Objects that carry the modality of the images they belong to, and are no images.
_NO_IMAGE = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.88", "1.2.840.10008.5.1.4.1.1.11.")


class Kind(StrEnum):
    """What becomes of an object beside ``sourcedata``."""

    VOLUME = "volume"  # all objects of the series become one NIfTI file
    PICTURE = "picture"  # each object becomes a PNG
    SLIDE = "slide"  # each object is linked as it is: a whole slide has billions of pixels
    RECORDING = "recording"  # EDF, linked, with side-car and table of channels
    FILE = "file"  # linked as it is
    NONE = "none"  # stays in sourcedata: segmentations, structures, reports, cine loops


def kind_of(facts: ObjectFacts) -> Kind:
    """Return what becomes of an object.

    Example:
        >>> kind_of(ObjectFacts("A", "B", "K", "dicom", "CT", "", 0, "", rows=512, columns=512)).value
        'volume'
    """
    if facts.format in {"edf", "bdf"}:
        return Kind.RECORDING
    if facts.format in _LINKED:
        return Kind.FILE
    if facts.format != "dicom" or not facts.rows or facts.sop_class.startswith(_NO_IMAGE):
        return Kind.NONE
    modality, several = facts.modality.upper(), (facts.frames or 1) > 1
    if modality == "SM":
        return Kind.SLIDE
    if modality in _VOLUMES and not facts.sop_class.startswith(_SECONDARY):
        return Kind.VOLUME
    return Kind.PICTURE if not several and modality in _PICTURES | _VOLUMES else Kind.NONE


@dataclass(frozen=True, slots=True)
class Made:
    """Files that belong under one name.

    Args:
        suffix: of the image, such as ``.nii.gz``.
        image: a file that may be moved, or linked when ``is_link``.
        side_car: JSON beside it.
        extra: suffix -> content of further files, such as ``.bval``.
        tables: closing word and suffix that take the place of the image's, such as ``channels.tsv`` -> rows.
        is_link: the image is the released object itself.
        dimensions: of a volume, 3 or 4; 0 for what is none.
    """

    suffix: str
    image: Path
    side_car: dict[str, Any]
    extra: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    is_link: bool = False
    dimensions: int = 0


def convert(kind: Kind, sources: list[Path], name: ImageName, work: Path) -> list[Made]:
    """Make the images of one series (or of one object, where each becomes an image) in ``work``.

    Args:
        kind: as :func:`kind_of` says.
        sources: the released objects.
        name: what the image will be called.
        work: an empty folder on the lake's file system.

    Raises:
        DeepHealthError: nothing can be made of it; the object stays in ``sourcedata``.
        OSError: the disk is full.
    """
    try:
        return _made(kind, sources, name, work)
    except (DeepHealthError, OSError, MemoryError):
        raise
    except Exception as error:  # a header may hold anything where a number should be, and readers raise what they like
        raise UnreadableFileError(f"what {sources[0].name} says can't be used") from error


def _made(kind: Kind, sources: list[Path], name: ImageName, work: Path) -> list[Made]:
    if kind is Kind.VOLUME:
        return [_from_volume(volume) for volume in convert_volume(_folder_of(sources, work), _subfolder(work, "out"))]
    if kind is Kind.PICTURE:
        content, side_car = picture_png(sources[0])
        target = work / "image.png"
        target.write_bytes(content)  # synced when it is put into its place
        return [Made(".png", target, side_car)]
    suffix = "".join(sources[0].suffixes[-2:]) if sources[0].name.endswith(".nii.gz") else sources[0].suffix
    if kind is Kind.RECORDING:
        return [_recording(sources[0], suffix, name)]
    return [Made(suffix, sources[0], {}, is_link=True)]


def _from_volume(volume: Volume) -> Made:
    extra = {suffix: path.read_bytes() for suffix, path in volume.extra.items()}
    return Made(".nii.gz", volume.image, volume.side_car, extra, dimensions=volume.dimensions)


def _folder_of(sources: list[Path], work: Path) -> Path:
    """Give dcm2niix a folder with the series and nothing else; links cost nothing."""
    folder = _subfolder(work, "in")
    for source in sources:
        link_or_copy(source, folder / source.name)
    return folder


def _subfolder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir()
    return folder


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` the same file as ``source``; a copy where the file system has no hard links."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def _recording(source: Path, suffix: str, name: ImageName) -> Made:
    task = name.before.rpartition("_task-")[2]
    tables = {"channels.tsv": channels_table(source)}
    return Made(suffix, source, eeg_side_car(source, task), tables=tables, is_link=True)
