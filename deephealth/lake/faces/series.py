"""Defacing the released objects of one series, and NIfTI files: as a whole, then object by object."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DeepHealthError, QuarantineError
from deephealth.core.files import replacing
from deephealth.io.dicom.access import open_pixels
from deephealth.io.dicom.dataset import read_dataset
from deephealth.io.dicom.enhanced import frame_positions
from deephealth.io.dicom.groups import group_value
from deephealth.io.dicom.series import read_series
from deephealth.lake.faces.defacer import deface
from deephealth.lake.faces.grid import BoolArray, sample
from deephealth.lake.pixels.stored import StoredFrames
from deephealth.lake.pixels.writing import write_pixels
from deephealth.lake.profile.options import Option
from deephealth.lake.reasons import Reason

__all__ = ["Cut", "apply_to_nifti", "apply_to_object", "plan_nifti", "plan_series"]

_NAME = "the object"  # errors must not name the file
_AIR = -1000.0  # HU


@dataclass(frozen=True, eq=False, slots=True)
class Cut:
    """What is taken out of a series, as a mask on a coarse grid: it says nothing of how the face looked.

    Args:
        mask: (x, y, z).
        affine: 4 x 4, index to RAS+ millimetres.
        method: name of the back-end.
    """

    mask: BoolArray
    affine: npt.NDArray[np.float64]
    method: str

    def save(self, path: Path) -> None:
        """Write it atomically.

        Raises:
            StorageError: the disk is full.
        """
        with replacing(path, "noting what is taken out of a head") as temporary, temporary.open("wb") as stream:
            bits = np.packbits(self.mask)
            np.savez_compressed(stream, bits=bits, shape=self.mask.shape, affine=self.affine, method=self.method)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            shape = tuple(int(n) for n in stored["shape"])
            flat = np.unpackbits(stored["bits"], count=int(np.prod(shape)))
            return cls(flat.reshape(shape).astype(bool), stored["affine"], str(stored["method"]))


def plan_series(paths: Sequence[Path]) -> Cut:
    """Find what is to be taken out of a DICOM series, and check the result.

    Args:
        paths: the released objects of one head series.

    Raises:
        QuarantineError: the series is no volume, no head, or its face can't be taken out surely.
    """
    try:
        volume = read_series(list(paths), on_missing="report", threads=1)
    except DeepHealthError:  # its message may name files
        raise QuarantineError(
            Reason.FACE, "a head series that is no regular volume, so its face can't be taken out", allowed="a volume"
        ) from None
    return _plan(volume.data, volume.affine, str(volume.meta.get("Modality", "")))


def plan_nifti(path: Path, modality: str) -> Cut:
    """Find what is to be taken out of a NIfTI file, and check the result.

    Args:
        path: the released file.
        modality: ``CT`` when its values are Hounsfield units.

    Raises:
        QuarantineError: no head, or its face can't be taken out surely.
    """
    from deephealth.io.volumes import read_volume

    try:
        volume = read_volume(path)
    except DeepHealthError:
        raise QuarantineError(
            Reason.FACE, "a head image that can't be read as a volume", allowed="3 or 4 axes"
        ) from None
    return _plan(volume.data, volume.affine, modality)


def _plan(data: np.ndarray, affine: npt.NDArray[np.float64], modality: str) -> Cut:
    try:
        done = deface(data, affine, modality)
    except DeepHealthError:
        raise QuarantineError(
            Reason.FACE, "the head's face can't be taken out", allowed="a head with its crown"
        ) from None
    if done.check.verdict != "ok":
        what = f"the face could not be taken out of the head image surely: {done.check.verdict}"
        raise QuarantineError(
            Reason.FACE, what, allowed="ok", hint="deface it with another tool, then take it in again"
        )
    return Cut(*done.cut, done.method)


def apply_to_object(path: Path, cut: Cut) -> bytes:
    """Return a released object's file with air where the face was, and the stamps that say so.

    Applied twice it gives the same bytes. Pixels come native or recompressed without loss, in the same type.

    Args:
        path: the object.
        cut: of its series.

    Raises:
        QuarantineError: the object has no place in space, or its pixels can't be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = read_dataset(path)
            frames = StoredFrames(dataset)
            places = _places(dataset, len(frames))
            _mask_frames(dataset, frames, places, cut)
            _stamp(dataset)
            stream = io.BytesIO()
            dataset.save_as(stream, enforce_file_format=True)
    except QuarantineError:
        raise
    except DeepHealthError:
        raise QuarantineError(Reason.FACE, "the pixels of a head image can't be read") from None
    return stream.getvalue()


def apply_to_nifti(path: Path, cut: Cut, target: Path) -> None:
    """Write a NIfTI file with air where the face was; header and type stay.

    Args:
        path: the released file.
        cut: from :func:`plan_nifti`.
        target: may be the same file's temporary name; its ending decides about gzip.
    """
    import nibabel

    image: Any = nibabel.load(path)  # type: ignore[attr-defined]
    voxels = np.asanyarray(image.dataobj.get_unscaled())
    mask = sample(cut.mask, cut.affine, image.affine, voxels.shape[:3])
    air = voxels.min() if voxels.size else 0
    voxels = np.where(mask.reshape(mask.shape + (1,) * (voxels.ndim - 3)), air, voxels).astype(voxels.dtype)
    header = image.header.copy()
    slope, inter = header.get_slope_inter()
    made: Any = type(image)(voxels, image.affine, header)
    made.header.set_slope_inter(1 if slope is None else slope, 0 if inter is None else inter)
    content = made.to_bytes()
    if path.name.endswith(".gz"):
        import gzip

        content = gzip.compress(content, 6, mtime=0)
    with target.open("wb") as stream:
        stream.write(content)
        os.fsync(stream.fileno())


def _mask_frames(dataset: Any, frames: StoredFrames, places: list[npt.NDArray[np.float64]], cut: Cut) -> None:
    masks = [sample(cut.mask, cut.affine, place, (frames.layout.columns, frames.layout.rows, 1))[..., 0].T
             for place in places]  # fmt: skip
    if not any(mask.any() for mask in masks):
        return
    with open_pixels(dataset) as access:
        pairs = access.rescale_pairs(range(len(frames)))

    def masked() -> Any:
        for index, (mask, pair) in enumerate(zip(masks, pairs, strict=True)):
            frame = frames.stored(index).copy()
            frame[mask] = _stored_air(frame, pair, str(dataset.get("Modality", "")))
            yield frame

    if frames.native is False:
        frames.stored(0)  # the colour space is known once a frame is decoded
    write_pixels(dataset, frames.layout, masked(), frames)


def _stored_air(frame: np.ndarray, pair: tuple[float, float], modality: str) -> int:
    """Return the stored value of air: -1000 HU, else 0 or the least that there is."""
    if modality == "CT":
        slope, intercept = pair
        limits = np.iinfo(frame.dtype)
        value = round((_AIR - intercept) / slope) if slope else 0
        return int(np.clip(value, max(limits.min, min(0, int(frame.min()))), limits.max))
    return 0


def _places(dataset: Any, count: int) -> list[npt.NDArray[np.float64]]:
    """Return the affine of each frame: column, row, and one slice."""
    positions = frame_positions(dataset, count, _NAME)
    if positions is None:
        raise QuarantineError(Reason.FACE, "a head image that does not say where its frames are")
    found = []
    for index in range(count):
        turned = _of_frame(dataset, index, "PlaneOrientationSequence", "ImageOrientationPatient")
        steps = _of_frame(dataset, index, "PixelMeasuresSequence", "PixelSpacing")
        if turned is None or steps is None:
            raise QuarantineError(Reason.FACE, "a head image that does not say where its pixels are")
        row, column = np.asarray(turned, float)[:3], np.asarray(turned, float)[3:]
        down, right = (float(step) for step in steps)
        place = np.eye(4)
        place[:3, 0], place[:3, 1], place[:3, 2] = row * right, column * down, np.cross(row, column)
        place[:3, 3] = positions[index]
        found.append(np.diag([-1.0, -1.0, 1.0, 1.0]) @ place)  # DICOM points left and posterior
    return found


def _of_frame(dataset: Any, index: int, sequence: str, keyword: str) -> Any:
    own = dataset.get(keyword)
    return own if own is not None else group_value(dataset, index, sequence, keyword)


def _stamp(dataset: Any) -> None:
    """Say that the face is gone (PS3.15 section E.3.2), beside what the object says already."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence as Items

    dataset.RecognizableVisualFeatures = "NO"
    option = Option.CLEAN_FEATURES
    items = [one for one in dataset.get("DeidentificationMethodCodeSequence") or [] if one.CodeValue != option.value]
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = option.value, "DCM", option.meaning
    dataset.DeidentificationMethodCodeSequence = Items([*items, item])
