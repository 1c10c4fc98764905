"""The frames of a DICOM object as stored values, how they look, and how they are written back after painting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.io.dicom.access import open_pixels
from deephealth.io.dicom.colour import ybr_to_rgb
from deephealth.io.dicom.decoders import MAX_RATIO, RATIO_FROM_BYTES, decode_frame
from deephealth.io.dicom.fragments import Frames, find_frames
from deephealth.io.dicom.native import clear_unused_bits, native_frame
from deephealth.io.dicom.palette import from_palette
from deephealth.io.dicom.syntaxes import NATIVE
from deephealth.io.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["StoredFrames"]

_NAME = "the object"  # errors must not name the file: its name may identify
_YBR = ("YBR_FULL", "YBR_FULL_422")


class StoredFrames:
    """Decodes frames one at a time.

    Args:
        dataset: with its pixel element.
        limits: largest frame and number of frames; what the header claims is compared with the length of the pixel
            element before anything is decoded.

    Raises:
        UnreadableFileError: pixels that no decoder here knows, or a header that no image can have.
        LimitError: the header claims more than the limits, or more than the object can hold.
    """

    def __init__(self, dataset: Dataset, limits: Limits = DEFAULT_LIMITS) -> None:
        self._dataset = dataset
        with open_pixels(dataset, limits=limits) as access:
            self._access = access
        self.layout = access.layout
        self.layout.check(limits, _NAME, 1)
        self._check_claim(limits)
        self._where: Frames = []
        self.native = access.family == NATIVE
        self.family = access.family
        if not self.native:
            extended = access.extended_offsets()
            self._where = find_frames(access.source, self.layout.frames, _NAME, extended=extended)
        self.colour = self.layout.photometric
        if self.native and self.colour == "YBR_FULL_422":
            self.colour = "YBR_FULL"

    def _check_claim(self, limits: Limits) -> None:
        layout, size = self.layout, self._access.source.size
        if layout.frames > limits.max_frames:
            raise LimitError(f"{_NAME} has {layout.frames} frames", allowed=f"at most {limits.max_frames}")
        if self._access.family == NATIVE:
            wanted = -(-layout.frames * layout.frame_bits // 8)
            if wanted > size:
                raise UnreadableFileError(f"{_NAME} claims {wanted} bytes of pixels and holds {size}")
            return
        claimed = layout.frames * layout.rows * layout.columns * layout.samples * layout.dtype.itemsize
        if claimed > RATIO_FROM_BYTES and claimed > MAX_RATIO * size:
            raise LimitError(f"{_NAME} claims far more pixels than it holds", allowed=f"at most {MAX_RATIO} times")

    def __len__(self) -> int:
        return self.layout.frames

    def stored(self, index: int) -> np.ndarray:
        """Return one frame as stored, (H, W) or (H, W, samples); native ones with all their bits."""
        if self.native:
            return native_frame(self._access.source, self.layout, index, _NAME)
        source = self._access.source
        data = b"".join(source.read(start, length) for start, length in self._where[index])
        frame, self.colour = decode_frame(data, self.layout, self.family, _NAME)
        return frame

    def shown(self, frame: np.ndarray) -> np.ndarray:
        """Return a stored frame as the finder wants it: (H, W), or (H, W, 3) RGB."""
        layout = self.layout
        if self.colour == "PALETTE COLOR":
            colours = from_palette(frame, self._dataset, layout.syntax, _NAME)[..., :3]
            return colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8)
        if layout.samples == 1:
            return self.values(frame)
        if self.colour in _YBR and frame.dtype == np.uint8 and frame.shape[-1] == 3:
            return ybr_to_rgb(frame)
        return frame[..., :3]

    def values(self, frame: np.ndarray) -> np.ndarray:
        """Return what the stored bits count as; 0 and 255 for one bit."""
        layout = self.layout
        if layout.stored == 1 and layout.keyword == "PixelData":
            return (frame & 1).astype(np.uint8) * 255
        if layout.keyword == "PixelData" and layout.stored < layout.allocated:
            return clear_unused_bits(frame.copy(), layout.stored, signed=layout.signed)
        return frame

    def high_bits(self, frame: np.ndarray) -> list[np.ndarray]:
        """Return the bits above the stored ones that hold something, each as a picture of 0 and 255."""
        layout = self.layout
        unused = layout.allocated - layout.stored
        if not self.native or layout.samples > 1 or unused <= 0 or layout.stored == 1 or layout.allocated > 16:
            return []
        if np.array_equal(self.values(frame), frame):  # as nearly always
            return []
        plain = frame.view(f"u{frame.dtype.itemsize}")
        sign = (plain >> (layout.stored - 1)) & 1 if layout.signed else np.zeros_like(plain)
        found = []
        for bit in range(layout.stored, layout.allocated):
            plane = (plain >> bit) & 1
            if plane.any() and not np.array_equal(plane, sign):
                found.append(plane.astype(np.uint8) * 255)
        return found

    def masked(self, frame: np.ndarray) -> np.ndarray:
        """Return a copy without anything in the bits above the stored ones."""
        return clear_unused_bits(frame.copy(), self.layout.stored, signed=self.layout.signed)

    def darkest(self, frame: np.ndarray) -> np.ndarray | int | float:
        """Return the stored value that is painted: what shows as black in this frame."""
        if self.colour == "PALETTE COLOR":
            indices = np.unique(frame)
            seen = from_palette(indices, self._dataset, self.layout.syntax, _NAME)[..., :3].astype(np.int64).sum(-1)
            return indices[int(np.argmin(seen))]
        if self.layout.samples > 1:
            black = np.zeros(self.layout.samples, frame.dtype)
            if self.colour.startswith("YBR"):
                black[1:3] = 1 << (self.layout.stored - 1)
            return black
        values = self.values(frame) if self.layout.stored > 1 else frame
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if not finite.size:
            return 0
        return finite.max() if self.colour == "MONOCHROME1" else finite.min()

    def rewrite(self, change: Callable[[int, np.ndarray], np.ndarray]) -> None:
        """Put changed frames in the data set's pixel element.

        A native object keeps its transfer syntax. A compressed one is compressed again without loss; where no encoder
        fits it becomes explicit little-endian.

        Args:
            change: gets the number of a frame and a copy of its stored values, and returns the changed values.
        """
        from deephealth.lake.pixels.writing import write_pixels

        frames = (change(index, self.stored(index).copy()) for index in range(len(self)))
        write_pixels(self._dataset, self.layout, frames, self)
