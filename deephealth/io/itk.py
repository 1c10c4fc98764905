"""NRRD and MetaImage files (.nrrd, .nhdr, .mha, .mhd) through SimpleITK; what they claim is checked before it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, StorageError, UnreadableFileError
from deephealth.core.optional import require
from deephealth.io.geometry import Affine, affine_from, lps_to_ras
from deephealth.io.itk_header import check_header
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.source import Source
from deephealth.io.stream_out import atomic_path
from deephealth.io.volume import Volume

__all__ = ["read_itk", "write_itk"]

_READERS = {"nrrd": "NrrdImageIO", "meta": "MetaImageIO"}
_WRITERS = {".nrrd": "NrrdImageIO", ".mha": "MetaImageIO"}
_SPACE = 3


def read_itk(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> Volume:
    """Read an NRRD or MetaImage file. Its content decides which it is.

    Args:
        path: the file; elements kept in another file must lie in the same folder or below.
        limits: what it may claim.

    Returns:
        (D, H, W), or (C, D, H, W) with vectors, colours or time points first; ``meta`` holds the keys that ITK tells.

    Raises:
        MissingDataError: no such file, or its elements are missing.
        UnreadableFileError: damaged, another format, or an element type or encoding that is not read.
        LimitError: it claims more than ``limits`` or than it holds.
        DataError: a path out of its folder, or an affine that places nothing.
        OptionalDependencyError: SimpleITK is not installed.
    """
    path = Path(path)
    with Source(path).open(2**63):  # says in our own words what can't be opened
        pass
    header = check_header(path, limits)
    itk = require("SimpleITK", purpose="reading NRRD and MetaImage files")
    try:
        image = itk.ReadImage(str(path), imageIO=_READERS[header.kind])
        data = itk.GetArrayFromImage(image)
    except Exception as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise UnreadableFileError(
            f"{path} can't be read: {reason}", hint="the file is damaged: copy it again"
        ) from error
    return Volume(_channels_first(data, image), lps_to_ras(_affine(image)), _meta(image))


def write_itk(path: Path | str, volume: Volume, *, compress: bool = True) -> None:
    """Write a volume as ``.nrrd`` or ``.mha``, atomically. Channels become the components of each voxel.

    Args:
        path: the file; its suffix decides.
        volume: (D, H, W) or (C, D, H, W); booleans become ``uint8``, half floats ``float32``.
        compress: with zlib.

    Raises:
        DataError: another suffix, or an element type that ITK has not.
        StorageError: it can't be written.
        OptionalDependencyError: SimpleITK is not installed.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise DataError(
            f"'{path.name}' is not the name of a file that is written here",
            allowed=", ".join(_WRITERS),
            hint="files with detached elements (.nhdr, .mhd) can be read, not written",
        )
    itk = require("SimpleITK", purpose="writing NRRD and MetaImage files")
    image = _image(itk, volume)
    with atomic_path(path) as temporary:
        try:
            itk.WriteImage(image, str(temporary), useCompression=compress, imageIO=writer)
        except RuntimeError as error:
            raise StorageError(f"{path} can't be written: {error}", hint="check the disk and the folder") from error


def _image(itk: Any, volume: Volume) -> Any:
    data = volume.data
    if data.dtype == np.bool_:
        data = data.astype(np.uint8)
    elif data.dtype == np.float16:
        data = data.astype(np.float32)
    vector = data.ndim > _SPACE
    if vector:
        data = np.moveaxis(data, 0, -1)
    try:
        image = itk.GetImageFromArray(np.ascontiguousarray(data), isVector=vector)
    except (TypeError, KeyError) as error:
        raise DataError(f"ITK has no type for {data.dtype}", allowed="integers and floats of 8 to 64 bits") from error
    affine = lps_to_ras(volume.affine)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def _meta(image: Any) -> dict[str, str]:
    """Return the keys and values that are text; SimpleITK gives out no others, and chokes on keys that are not."""
    keys = [key for key in image.GetMetaDataKeys() if key.isprintable()]
    return {key: image.GetMetaData(key) for key in keys}


def _affine(image: Any) -> Affine:
    """Return the 4 x 4 LPS affine of an image of any rank: its first three axes."""
    rank = image.GetDimension()
    direction, spacing, origin = np.eye(max(rank, _SPACE)), np.ones(max(rank, _SPACE)), np.zeros(max(rank, _SPACE))
    direction[:rank, :rank] = np.reshape(image.GetDirection(), (rank, rank))
    spacing[:rank] = image.GetSpacing()
    origin[:rank] = image.GetOrigin()
    return affine_from(direction[:_SPACE, :_SPACE], spacing[:_SPACE], origin[:_SPACE])


def _channels_first(data: np.ndarray, image: Any) -> np.ndarray:
    """Return ([C,] D, H, W) of ([t,] [z,] y, x[, c])."""
    if image.GetNumberOfComponentsPerPixel() > 1:
        data = np.moveaxis(data, -1, 0)
        rank = data.ndim - 1
    else:
        rank = data.ndim
    space = (1,) * (_SPACE - rank) + data.shape[data.ndim - min(rank, _SPACE) :]
    return np.ascontiguousarray(data).reshape(space if data.size == np.prod(space) else (-1, *space))
