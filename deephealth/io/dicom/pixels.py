"""Reading the pixels of one DICOM file: any transfer syntax, any frames, stored or real values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.dicom.access import PixelAccess, open_pixels
from deephealth.io.dicom.frames import Colour, frame_indices, read_frames
from deephealth.io.dicom.guard import guarded
from deephealth.io.dicom.palette import from_palette
from deephealth.io.dicom.values import apply_table, apply_window, rescaled_frames, stored_range, window_of
from deephealth.io.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Window", "read_pixels"]

Window = Literal["default"] | tuple[float, float] | None


def read_pixels(
    source: Path | str | Dataset,
    *,
    frames: int | Sequence[int] | None = None,
    rescale: bool = True,
    window: Window = None,
    invert_monochrome1: bool = False,
    colour: Colour = "stored",
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> np.ndarray:
    """Read the pixels of a DICOM file.

    Args:
        source: a file, or a pydicom data set with its pixels.
        frames: one frame, or several; all by default.
        rescale: whether stored values become what they mean, such as Hounsfield units: through the modality look-up
            table, or slope and intercept. The result then has the smallest integer type that holds the values, float32
            if slope or intercept are not whole numbers. Without, stored values.
        window: a VOI window to apply after rescaling: (centre, width), or ``"default"`` for the file's own look-up
            table or first window. The result covers the range of the stored values, as PS3.3 has it.
        invert_monochrome1: whether images whose smallest value is white are turned, so that large is bright.
        colour: ``"stored"`` keeps YBR and palette indices, ``"rgb"`` and ``"ybr"`` convert colour images.
        threads: frames that are decoded at a time; as many as there are cores by default.
        limits: largest frame, number of frames and size in memory, checked before anything is allocated.

    Returns:
        (H, W), (H, W, 3), and with a leading axis if there are several frames or ``frames`` is a sequence.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: damaged, not an image, or a transfer syntax that nobody can decode.
        OptionalDependencyError: the decoder of its transfer syntax is not installed; the message names it.
        LimitError: more than the limits allow, or more than the file can hold.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> pixels = read_pixels(get_testdata_file("CT_small.dcm", download=False))
        >>> pixels.shape, pixels.dtype, int(pixels.min())
        ((128, 128), dtype('int16'), -896)
    """
    if colour not in ("stored", "rgb", "ybr"):
        raise DataError(f"colour='{colour}'", allowed="'stored', 'rgb', 'ybr'")
    name = os.fspath(source) if isinstance(source, str | Path) else "the data set"
    with guarded(name), open_pixels(source, limits=limits) as access:
        layout = access.layout
        picked = frame_indices(frames, layout.frames, name)
        stack = read_frames(access, picked, colour=colour, threads=threads, limits=limits)
        if layout.photometric == "PALETTE COLOR" and colour != "stored":
            limits.check_array((*stack.shape, 4), 2, name)
            stack = from_palette(stack, access.dataset, layout.syntax, name)
        elif layout.samples == 1:
            stack = _meaning(stack, access, picked, rescale, window, invert_monochrome1)
    return stack[0] if isinstance(frames, int) or (frames is None and layout.frames == 1) else stack


def _meaning(
    stack: np.ndarray, access: PixelAccess, picked: Sequence[int], wanted: bool, window: Window, invert: bool
) -> np.ndarray:
    """Apply modality transform, window and inversion to the frames of a grey image."""
    layout, name = access.layout, access.name
    low, high = stored_range(layout.stored, signed=layout.signed)
    reach: tuple[float, float] = (low, high)
    table = access.dataset.get("ModalityLUTSequence") if wanted and access.has("ModalityLUTSequence") else None
    if table:
        item = table[0]
        stack = apply_table(stack, item, layout.syntax, name)
        reach = stored_range(int(item.LUTDescriptor[2]), signed=False)
    elif wanted:
        pairs = access.rescale_pairs(picked)
        stack = rescaled_frames(stack, pairs, (low, high))
        ends = [low * pairs[0][0] + pairs[0][1], high * pairs[0][0] + pairs[0][1]] if pairs else [low, high]
        reach = (min(ends), max(ends))
    if window is not None:
        stack = _windowed(stack, access, window, reach)
    if invert and layout.photometric == "MONOCHROME1":
        total = reach[0] + reach[1]
        kept = stack.dtype if stack.dtype.kind == "f" or _fits(reach, stack.dtype) else np.dtype(np.float32)
        stack = (total - stack.astype(np.float64)).astype(kept)
    return stack


def _fits(reach: tuple[float, float], dtype: np.dtype) -> bool:
    info = np.iinfo(dtype)
    return info.min <= reach[0] and reach[1] <= info.max


def _windowed(stack: np.ndarray, access: PixelAccess, window: Window, reach: tuple[float, float]) -> np.ndarray:
    dataset, name = access.dataset, access.name
    function = str(dataset.get("VOILUTFunction", "") or "LINEAR").strip().upper()
    if window == "default":
        if dataset.get("VOILUTSequence") and stack.dtype.kind in "iu":
            return apply_table(stack, dataset.VOILUTSequence[0], access.layout.syntax, name)
        found = window_of(dataset, name)
        if found is None:
            return stack
        return apply_window(stack, *found, reach, function=function)
    if not isinstance(window, tuple | list) or len(window) != 2:
        raise DataError(f"window={window!r}", allowed="None, 'default' or (centre, width)")
    return apply_window(stack, float(window[0]), float(window[1]), reach, function=function)
