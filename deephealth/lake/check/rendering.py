"""Released objects as pictures that can be read, by a path of its own: pydicom, nibabel, Pillow, and no other part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from deephealth.core.errors import LimitError

__all__ = ["Render", "renders"]

_LARGEST = 100_000_000  # pixels of one frame: 10,000 x 10,000
_IN_MEMORY = 256 * 1024**2
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_SAME = 1.5  # grey levels; a window that changes less shows nothing new


@dataclass(frozen=True, slots=True)
class Render:
    """One view of one frame.

    Args:
        frame: its number from 0; of a NIfTI file the slice.
        window: how values became grey: ``full``, ``middle``, ``dark``, ``header``, ``color``, ``overlay``, each with
            ``inverted`` for its negative.
        picture: (H, W) or (H, W, 3), 8 bits.
    """

    frame: int
    window: str
    picture: np.ndarray


def renders(
    path: Path, kind: str, *, frames: int = 3, inverted: bool = True, only: int | None = None
) -> Iterator[Render]:
    """Yield the views of an object; nothing where it holds no picture.

    Args:
        path: the released file.
        kind: its format, as :attr:`deephealth.lake.facts.ObjectFacts.format` says.
        frames: at most so many frames: the first, the last and some between.
        inverted: whether each view comes as a negative too.
        only: this frame of a DICOM object, and no other.

    Raises:
        Exception: whatever a decoder says of a file that it can't read; nothing is caught here.
    """
    if kind == "dicom":
        views = _dicom(path, frames, only)
    else:
        views = _nifti(path, frames) if kind == "nifti" else _raster(path, frames)
    for view in views:
        yield view
        if inverted:
            yield Render(view.frame, f"{view.window} inverted", 255 - view.picture)


def spread(number: int, most: int) -> list[int]:
    """Return at most ``most`` numbers below ``number``, the first and the last among them.

    Example:
        >>> spread(9, 3), spread(2, 5), spread(9, 1)
        ([0, 4, 8], [0, 1], [4])
    """
    if most == 1:
        return [number // 2]
    return sorted({round(at) for at in np.linspace(0, number - 1, min(number, most))})


def _dicom(path: Path, frames: int, only: int | None) -> Iterator[Render]:
    from pydicom.pixels import apply_color_lut, pixel_array

    large = path.stat().st_size > _IN_MEMORY
    header = pydicom.dcmread(path, defer_size=1024 if large else None, force=True)
    yield from _overlays(header)
    if not any(word in header for word in _PIXELS):
        return
    _check_size(int(header.Rows), int(header.Columns))
    for frame in spread(int(header.get("NumberOfFrames") or 1), frames) if only is None else [only]:
        # from the file a single frame is read, from the data set also what is deflated or not encoded as it says
        values = pixel_array(path if large else header, index=frame)
        if header.PhotometricInterpretation == "PALETTE COLOR":
            values = apply_color_lut(values, header)
        if values.ndim == 3:
            yield Render(frame, "color", _bytes(values, 0, float(np.iinfo(values.dtype).max)))
        else:
            yield from _windows(frame, values, header)


def _overlays(header: pydicom.Dataset) -> Iterator[Render]:
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) in header:
            bits = header.overlay_array(group)
            yield Render(0, "overlay", (bits if bits.ndim == 2 else bits[0]).astype(np.uint8) * 255)


def _windows(frame: int, values: np.ndarray, header: pydicom.Dataset | None = None) -> Iterator[Render]:
    """Yield grey views that differ: writing may be brighter, darker or in the midst of what is shown."""
    values = np.nan_to_num(values.astype(np.float32))
    low, one, half, most, high = (float(at) for at in np.percentile(values, (0, 1, 50, 99, 100)))
    ranges = [("full", low, high), ("middle", one, most), ("dark", low, half)]
    if header is not None and (window := _header_window(header)):
        ranges.append(("header", *window))
    shown: list[np.ndarray] = []
    for name, bottom, top in ranges:
        if top <= bottom and shown:
            continue
        picture = _bytes(values, bottom, top)
        if all(np.abs(picture.astype(np.int16) - other).mean() >= _SAME for other in shown):
            shown.append(picture.astype(np.int16))
            yield Render(frame, name, picture)


def _header_window(header: pydicom.Dataset) -> tuple[float, float] | None:
    """Return the stored values between which the header's first window shows its greys."""
    try:
        center, width = (_first(header[word].value) for word in ("WindowCenter", "WindowWidth"))
        slope = float(header.get("RescaleSlope") or 1)
        offset = float(header.get("RescaleIntercept") or 0)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return tuple(sorted(((center + side * width / 2 - offset) / slope) for side in (-1, 1)))  # type: ignore[return-value]


def _first(value: Any) -> float:
    return float(value[0] if hasattr(value, "__getitem__") and not isinstance(value, str) else value)


def _bytes(values: np.ndarray, bottom: float, top: float) -> np.ndarray:
    scaled = (values.astype(np.float32) - bottom) * (255.0 / max(top - bottom, 1e-9))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _nifti(path: Path, frames: int) -> Iterator[Render]:
    import nibabel

    image: Any = nibabel.load(path)
    shape = image.shape
    if len(shape) < 2 or 0 in shape:
        return
    _check_size(*shape[:2])
    rest = (0,) * (len(shape) - 3)
    for at in spread(shape[2], frames) if len(shape) > 2 else [0]:
        values = np.asarray(image.dataobj[(..., at, *rest)] if len(shape) > 2 else image.dataobj)
        if values.dtype.names:  # RGB24: three fields
            color = np.stack([values[name] for name in values.dtype.names[:3]], -1)
            yield Render(at, "color", np.ascontiguousarray(np.rot90(color)))
        else:
            yield from _windows(at, np.rot90(values.real))


def _raster(path: Path, frames: int) -> Iterator[Render]:
    from PIL import Image

    with Image.open(path) as image:
        number = getattr(image, "n_frames", 1)
        pages = spread(number, frames) if image.format != "TIFF" else range(number)  # a page may be of its own kind
        for page in pages:
            image.seek(page)
            if image.format == "TIFF" and page > 0 and image.width * image.height > _LARGEST:
                continue
            _check_size(image.height, image.width)
            if image.mode.startswith(("I", "F")):
                yield from _windows(page, np.asarray(image))
            else:
                yield Render(page, "color", np.asarray(image.convert("RGB")))


def _check_size(height: int, width: int) -> None:
    if height * width > _LARGEST:
        raise LimitError("the picture is too large to be looked at as a whole", allowed=f"{_LARGEST:,} pixels a frame")
