"""TIFF files of 32-bit floats: the bytes to show for them, and the coarser values that the original stores."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["as_bytes", "as_stored"]

_TO_RGB = ((2.690, -1.276, -0.414), (-1.022, 1.978, 0.044), (0.061, -0.224, 1.163))  # from XYZ, in libtiff
_STEPS_PER_OCTAVE, _OCTAVES_BELOW_1 = 256, 64
_LARGEST_CODE = 0x7FFF
_STEPS_OF_COLOUR, _LARGEST_COLOUR = 410, 255
_NEUTRAL = (0.210526316, 0.473684211)
_SMALLEST, _LARGEST = 5.4136769e-20, 1.8371976e19


def as_bytes(bgr: np.ndarray) -> np.ndarray:
    """Return the 8-bit picture that libtiff shows for linear colours: square roots, cut to 0 to 255, a little warm.

    Args:
        bgr: H x W x 3, float32; 1 is white.

    Returns:
        H x W x 3, uint8, BGR.

    Example:
        >>> as_bytes(np.array([[[0, 0, 0], [0.25, 0.25, 0.25], [4, 4, 4]]], np.float32))[0].tolist()
        [[0, 0, 0], [134, 131, 116], [255, 255, 255]]
    """
    xyz = cv2.cvtColor(np.nan_to_num(bgr), cv2.COLOR_BGR2XYZ).astype(np.float64)
    rgb = xyz @ np.array(_TO_RGB).T
    shown = np.minimum(256 * np.sqrt(np.clip(rgb, 0, 1)), 255)
    return np.ascontiguousarray(shown[..., ::-1].astype(np.uint8))


def as_stored(bgr: np.ndarray) -> np.ndarray:
    """Return the colours after going through LogLuv codes of 32 bits, which the original's files hold.

    A code has the logarithm of the luminance in 256 steps an octave, and two chromaticities in 410 steps. Negative
    luminances become 0.

    Args:
        bgr: H x W x 3, float32.

    Source: Larson, "LogLuv encoding for full-gamut, high-dynamic range images", J. Graphics Tools 3 (1998) 15-31.

    Example:
        >>> as_stored(np.full((1, 1, 3), 0.5, np.float32)).astype(float).round(2).tolist()
        [[[0.49, 0.5, 0.51]]]
    """
    x, y, z = np.moveaxis(cv2.cvtColor(bgr, cv2.COLOR_BGR2XYZ).astype(np.float64), 2, 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        code = np.trunc(_STEPS_PER_OCTAVE * (np.log2(np.clip(y, _SMALLEST, _LARGEST)) + _OCTAVES_BELOW_1))
        lit = y > _SMALLEST
        luminance = np.exp2((np.minimum(code, _LARGEST_CODE) + 0.5) / _STEPS_PER_OCTAVE - _OCTAVES_BELOW_1)
        total = x + 15 * y + 3 * z
        known = lit & (total > 0)
        u = _coarse(np.where(known, 4 * x / total, _NEUTRAL[0]))
        v = _coarse(np.where(known, 9 * y / total, _NEUTRAL[1]))
        scale = 1 / (6 * u - 16 * v + 12)
        across, up = 9 * u * scale, 4 * v * scale
        xyz = np.stack([across / up * luminance, luminance, (1 - across - up) / up * luminance], axis=2)
    xyz[~lit] = 0
    return cv2.cvtColor(xyz.astype(np.float32), cv2.COLOR_XYZ2BGR)


def _coarse(chromaticity: np.ndarray) -> np.ndarray:
    return (np.trunc(np.clip(_STEPS_OF_COLOUR * chromaticity, 0, _LARGEST_COLOUR)) + 0.5) / _STEPS_OF_COLOUR
