"""Series: the files of a folder sorted into series, and one series read as a volume with its place in the patient."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deephealth.core.errors import DataError, UnreadableFileError, did_you_mean
from deephealth.io.dicom.enhanced import read_multiframe
from deephealth.io.dicom.header import Header
from deephealth.io.dicom.scanning import scan
from deephealth.io.dicom.stack import read_stack
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.volume import Volume

_WITH_PIXELS = ("Image Storage", "RT Dose", "Segmentation Storage", "Parametric Map")

__all__ = ["SeriesInfo", "list_series", "read_series"]


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """The images of one series.

    Args:
        uid: SeriesInstanceUID.
        description, modality, number: as the files say; empty if they do not.
        study: StudyInstanceUID.
        sizes: the (rows, columns) that occur.
        images: number of files.
        frames: number of frames in them.
        headers: what was scanned of each file.
    """

    uid: str
    description: str
    modality: str
    number: str
    study: str
    sizes: tuple[tuple[int, int], ...]
    images: int
    frames: int
    headers: tuple[Header, ...] = field(repr=False)

    @property
    def paths(self) -> list[str]:
        """The files, in the order in which they were found."""
        return [header.path for header in self.headers]

    def __str__(self) -> str:
        sizes = ", ".join(f"{rows} x {columns}" for rows, columns in self.sizes)
        label = " ".join(part for part in (self.number, f"'{self.description}'", self.modality) if part)
        return f"{self.uid}: {label}, {self.images} files, {self.frames} frames of {sizes}"


def list_series(
    where: Path | str | Iterable[Path | str], *, limits: Limits = DEFAULT_LIMITS, threads: int | None = None
) -> list[SeriesInfo]:
    """Return the series of images in a folder (with its subfolders) or among files; reports and plans are left out.

    Args:
        where: folder or files.
        limits: largest number of files.
        threads: files that are opened at a time.

    Raises:
        MissingDataError: no such folder or file.
        UnreadableFileError: one of the named files is not DICOM, or a DICOM file is damaged or has lost its pixels.
    """
    groups: dict[str, list[Header]] = {}
    for header in scan(where, limits=limits, threads=threads):
        if header.pixel_keyword:
            groups.setdefault(header.text("SeriesInstanceUID"), []).append(header)
        elif _lost_its_pixels(header):
            raise UnreadableFileError(
                f"{header.path} is an image without pixels: the file was cut off, or they were removed",
                allowed="whole images, and objects of other kinds",
                hint="copy it again, or move it out of the folder if the others are enough",
            )
    return [_info(uid, headers) for uid, headers in groups.items()]


def _lost_its_pixels(header: Header) -> bool:
    """Return whether a file without pixels should have some: a slice must not be lost without a word."""
    kind = header.text("SOPClassUID")
    if not kind or "Rows" in header:
        return True  # every object says its class near its start
    from pydicom.uid import UID

    return any(word in UID(kind).name for word in _WITH_PIXELS)


def _info(uid: str, headers: list[Header]) -> SeriesInfo:
    first = headers[0]
    return SeriesInfo(
        uid=uid,
        description=first.text("SeriesDescription"),
        modality=first.text("Modality"),
        number=first.text("SeriesNumber"),
        study=first.text("StudyInstanceUID"),
        sizes=tuple(sorted({(header.integer("Rows", 0), header.integer("Columns", 0)) for header in headers})),
        images=len(headers),
        frames=sum(_frames(header) for header in headers),
        headers=tuple(headers),
    )


def _frames(header: Header) -> int:
    return header.integer("NumberOfFrames", 1) if "NumberOfFrames" in header else 1


def read_series(
    where: Path | str | Iterable[Path | str] | SeriesInfo,
    *,
    series: str | None = None,
    rescale: bool = True,
    on_missing: Literal["error", "report"] = "error",
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Volume:
    """Read one series as a volume.

    Slices are sorted by their position along the normal of the images, and the affine comes from those positions, not
    from SliceThickness. A tilted gantry leaves its shear in the affine. Several images at each position (time points,
    echoes, b-values) and colours become channels. An enhanced multi-frame file is a series of its own.

    Args:
        where: a folder (with its subfolders), the files of a series, one multi-frame file, or what
            :func:`list_series` gave.
        series: which series, if there are several: its UID, description or number.
        rescale: whether stored values become what they mean, such as Hounsfield units.
        on_missing: whether missing, duplicate or unevenly spaced slices are an error, or are only reported in
            ``meta["slices"]``. Missing ones are then filled with the smallest value of the volume, so that the others
            keep their places, and of duplicates the first is taken.
        threads: files that are read and decoded at a time; as many as there are cores by default.
        limits: largest volume and number of files, checked before anything is allocated.

    Returns:
        (D, H, W) or (C, D, H, W) with ``unit`` HU for CT. ``meta`` holds the identifiers of the series under DICOM's
        names, ``files`` (one per slice, ``None`` where it is missing) and ``slices`` (spacing, tilt in degrees,
        missing, duplicates, off_grid in mm, uneven).

    Raises:
        MissingDataError: no such folder, or no image in it.
        DataError: several series and none chosen, two patients, sizes or orientations that differ, irregular slices,
            or a geometry that places nothing.
        UnreadableFileError, LimitError, OptionalDependencyError: as :func:`~deephealth.io.dicom.pixels.read_pixels`.
    """
    if on_missing not in ("error", "report"):
        raise DataError(f"on_missing='{on_missing}'", allowed="'error' or 'report'")
    if isinstance(where, SeriesInfo):
        chosen = where
    else:
        name = os.fspath(where) if isinstance(where, str | Path) else "the files"
        chosen = _choose(list_series(where, limits=limits, threads=threads), series, name)
    headers = chosen.headers
    multi = [header for header in headers if _frames(header) > 1 or "PerFrameFunctionalGroupsSequence" in header]
    if not multi:
        return read_stack(headers, rescale=rescale, report=on_missing == "report", threads=threads, limits=limits)
    if len(headers) > 1:
        raise DataError(
            f"the series {chosen.uid} holds {len(multi)} multi-frame files among {len(headers)}",
            allowed="one multi-frame file, or files of one frame",
            hint="read one of them: " + ", ".join(header.path for header in multi[:5]),
        )
    return read_multiframe(headers[0], rescale=rescale, report=on_missing == "report", threads=threads, limits=limits)


def _choose(found: Sequence[SeriesInfo], series: str | None, name: str) -> SeriesInfo:
    """Return the series that is meant."""
    if not found:
        raise DataError(f"there is no DICOM image in {name}", allowed="a folder with at least one image")
    listed = "\n    ".join(map(str, found[:20]))
    if series is None:
        if len(found) == 1:
            return found[0]
        raise DataError(
            f"{name} holds {len(found)} series:\n    {listed}",
            allowed="one series",
            hint="choose one with series=<its UID, description or number>",
        )
    fitting = [info for info in found if series in (info.uid, info.description, info.number)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        names = [text for info in found for text in (info.uid, info.description, info.number) if text]
        raise DataError(f"{name} has no series '{series}'", hint=did_you_mean(series, names))
    raise DataError(f"'{series}' fits {len(fitting)} series of {name}:\n    {listed}", hint="choose by UID")
