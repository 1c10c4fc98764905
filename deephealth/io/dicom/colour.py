"""Colour spaces of DICOM pixels: YBR to RGB and back.

Source: DICOM PS3.3 C.7.6.3.1.2. pydicom computes the same formulas in 32-bit floating point; of the 2^24 colours of 8
bits, 28 (to RGB) and 482 (to YBR) lie so near to a half that the two round them differently, by one.
"""

from __future__ import annotations

import cv2
import numpy as np

from deephealth.core.errors import UnreadableFileError

__all__ = ["in_colour", "rgb_to_ybr", "ybr_to_rgb"]

_KR, _KG, _KB = 0.299, 0.587, 0.114
_TO_RGB = np.array(
    [[1, 0, 2 - 2 * _KR], [1, -_KB * (2 - 2 * _KB) / _KG, -_KR * (2 - 2 * _KR) / _KG], [1, 2 - 2 * _KB, 0]]
)
_TO_YBR = np.array(
    [
        [_KR, _KG, _KB],
        [-_KR / (2 - 2 * _KB), -_KG / (2 - 2 * _KB), 0.5],
        [0.5, -_KG / (2 - 2 * _KR), -_KB / (2 - 2 * _KR)],
    ]
)
_UP = {8: 1.6e-5, 16: 4e-3}  # OpenCV rounds halves to even, the standard's readers round them up
_DEPTH = {8: cv2.CV_8U, 16: cv2.CV_16U}
_YBR = ("YBR_FULL", "YBR_FULL_422")


def ybr_to_rgb(frame: np.ndarray, *, bits: int = 8) -> np.ndarray:
    """Return RGB for YBR_FULL samples.

    Args:
        frame: (H, W, 3), unsigned.
        bits: that hold a sample.

    Example:
        >>> ybr_to_rgb(np.array([[[76, 85, 255]]], np.uint8)).tolist()
        [[[254, 0, 0]]]
    """
    half = 1 << (bits - 1)
    return _transformed(frame, _TO_RGB, -_TO_RGB @ np.array([0, half, half]), bits)


def rgb_to_ybr(frame: np.ndarray, *, bits: int = 8) -> np.ndarray:
    """Return YBR_FULL for RGB samples.

    Args:
        frame: (H, W, 3), unsigned.
        bits: that hold a sample.

    Example:
        >>> rgb_to_ybr(np.array([[[254, 0, 0]]], np.uint8)).tolist()
        [[[76, 85, 255]]]
    """
    half = 1 << (bits - 1)
    return _transformed(frame, _TO_YBR, np.array([0.0, half, half]), bits)


def _transformed(frame: np.ndarray, matrix: np.ndarray, offset: np.ndarray, bits: int) -> np.ndarray:
    size = frame.dtype.itemsize * 8
    rows = np.column_stack([matrix, offset + _UP[size]]).astype(np.float32)
    turned = cv2.add(cv2.transform(frame.astype(np.float32), rows), 0, dtype=_DEPTH[size])
    return turned if bits == size else np.minimum(turned, frame.dtype.type((1 << bits) - 1))


def in_colour(frame: np.ndarray, now: str, wanted: str, *, bits: int, name: str) -> np.ndarray:
    """Return a colour frame in the colour space that is asked for.

    Args:
        frame: (H, W, 3 or 4).
        now: its colour space, as PhotometricInterpretation names it.
        wanted: ``"rgb"``, ``"ybr"`` or ``"stored"``.
        bits: that hold a sample.
        name: what errors call the file.

    Raises:
        UnreadableFileError: a colour space that can't be turned into the wanted one.
    """
    if wanted == "stored" or frame.ndim < 3 or (now == "RGB") == (wanted == "rgb"):
        if wanted == "ybr" and now not in _YBR:
            raise UnreadableFileError(f"{name} has the colour space {now}", allowed="RGB, YBR_FULL, YBR_FULL_422")
        return frame
    if frame.shape[-1] != 3 or now not in (*_YBR, "RGB") or frame.dtype not in (np.uint8, np.uint16):
        raise UnreadableFileError(
            f"{name} has {frame.shape[-1]} samples of {frame.dtype} in the colour space {now}",
            allowed="RGB, YBR_FULL or YBR_FULL_422, three samples of 8 or 16 bits, unsigned",
            hint="read it with colour='stored' and convert it yourself",
        )
    return ybr_to_rgb(frame, bits=bits) if wanted == "rgb" else rgb_to_ybr(frame, bits=bits)
