"""Pixels that are stored as they are: big- and little-endian, 1-bit, planar, 4:2:2, unused high bits."""

from __future__ import annotations

import numpy as np

from deephealth.core.errors import LimitError
from deephealth.io.dicom.bounded import ByteSource
from deephealth.io.dicom.layout import PixelLayout

__all__ = ["clear_unused_bits", "interleaved", "native_frame"]


def native_frame(source: ByteSource, layout: PixelLayout, index: int, name: str) -> np.ndarray:
    """Return one frame of a native pixel element, (H, W) or (H, W, samples), as stored.

    Raises:
        LimitError: the element is shorter than the header claims.
    """
    start_bit = index * layout.frame_bits
    start, stop = start_bit // 8, -(-(start_bit + layout.frame_bits) // 8)
    if stop > source.size:
        raise LimitError(
            f"frame {index} of {name} would end at byte {stop} of its pixels, and the file holds {source.size}",
            allowed="a complete file",
            hint="copy the file again: it is truncated, or its header claims a wrong size",
        )
    if layout.swapped:
        return interleaved(_swapped(source, layout, start, stop), layout)
    raw = source.read(start, stop - start)
    if layout.allocated == 1:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        return interleaved(bits[start_bit % 8 :][: layout.frame_bits], layout)
    return interleaved(np.frombuffer(raw, layout.dtype if layout.allocated == 8 else layout.stored_dtype), layout)


def _swapped(source: ByteSource, layout: PixelLayout, start: int, stop: int) -> np.ndarray:
    """Undo the byte swap of 8-bit samples that a big-endian file holds as 16-bit words."""
    first = start - start % 2
    raw = source.read(first, stop + stop % 2 - first)
    words = np.frombuffer(raw[: len(raw) // 2 * 2], np.uint16).byteswap()
    return words.view(layout.dtype)[start - first :][: stop - start]


def interleaved(samples: np.ndarray, layout: PixelLayout) -> np.ndarray:
    """Shape the samples of a native frame: 4:2:2 expanded, colour last; native byte order."""
    if layout.photometric == "YBR_FULL_422":
        return _from_422(samples).reshape(layout.frame_shape)
    if samples.dtype.byteorder not in ("=", "|"):
        samples = samples.astype(samples.dtype.newbyteorder("="))
    if layout.planar:
        return samples.reshape(layout.samples, layout.rows, layout.columns).transpose(1, 2, 0)
    return samples.reshape(layout.frame_shape)


def _from_422(samples: np.ndarray) -> np.ndarray:
    """Expand Y1 Y2 Cb Cr to Y1 Cb Cr Y2 Cb Cr (PS3.3 C.7.6.3.1.2)."""
    pairs = samples.reshape(-1, 4)
    out = np.empty((len(pairs), 2, 3), samples.dtype.newbyteorder("="))
    out[:, :, 0] = pairs[:, :2]
    out[:, :, 1:] = pairs[:, None, 2:]
    return out


def clear_unused_bits(frame: np.ndarray, stored: int, *, signed: bool) -> np.ndarray:
    """Return values without what stands in the bits above ``stored``, such as overlays of old files.

    Args:
        frame: integers; changed in place where it may be written.
        stored: bits of each value that count.
        signed: whether bit ``stored - 1`` is the sign.

    Example:
        >>> clear_unused_bits(np.array([0x1FFF], np.int16), 12, signed=True).tolist()
        [-1]
    """
    unused = frame.dtype.itemsize * 8 - stored
    if unused <= 0 or frame.dtype.kind not in "iu":
        return frame
    out = frame if frame.flags.writeable else np.empty_like(frame)
    if not signed:
        return np.bitwise_and(frame, frame.dtype.type((1 << stored) - 1), out=out)
    np.left_shift(frame, unused, out=out)
    return np.right_shift(out, unused, out=out)
