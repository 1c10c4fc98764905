"""Correlation kernels: applied by OpenCV for an estimate, or summed tap by tap in the order in which ECVL sums.

Products are added one by one in float64 and nothing is fused, as the original's compiler does it; at whole numbers the
last bit of such a sum decides which way a fraction is cut off.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import cv2
import numpy as np

__all__ = ["Full", "Kernel", "Separable"]

_LARGE = 49  # taps beyond which OpenCV correlates by Fourier transform
_FINEST = 20  # binary places that taps may have to count as short


class Kernel(ABC):
    """A kernel of odd height and width.

    Attributes:
        height: taps along y.
        width: taps along x.
        weight: sum of the absolute taps of the whole kernel.
        total: sum of its taps.
        lowest: its smallest tap, 0 at most.
        roundings: additions on the way to one result.
    """

    height: int
    width: int
    weight: float
    total: float
    lowest: float
    roundings: int

    @abstractmethod
    def estimate(
        self, pixels: np.ndarray, depth: int, *, delta: float = 0, dst: np.ndarray | None = None
    ) -> np.ndarray:
        """Apply the kernel with OpenCV and add ``delta``; H x W x C in, ``cv2.CV_32F`` or ``cv2.CV_64F`` out."""

    @abstractmethod
    def in_order(self, pixels: np.ndarray) -> np.ndarray:
        """Apply the kernel with that of OpenCV's float64 filters which adds the products one by one."""

    @abstractmethod
    def at_points(self, below: np.ndarray) -> np.ndarray:
        """Sum float64 pixels, height x width x N, to N results."""

    @abstractmethod
    def on_rows(self, padded: np.ndarray, channels: int) -> np.ndarray:
        """Sum float64 pixels, rows x (columns * channels) with the border around them, to the rows inside."""

    @property
    @abstractmethod
    def passes(self) -> int:
        """Return how many products each result of :meth:`in_order` takes."""

    @property
    def is_large(self) -> bool:
        """Return whether OpenCV correlates by Fourier transform."""
        return False

    @cached_property
    @abstractmethod
    def grain(self) -> float:
        """Return the power of two that all products are multiples of; 0 if there is no short one."""

    @cached_property
    @abstractmethod
    def is_identity(self) -> bool:
        """Return whether the middle tap is 1 and the others are too small to change a byte."""

    def exact(self, most: float, bits: int) -> bool:
        """Return whether sums of whole numbers up to ``most`` are exact in floats of ``bits`` bits, in any order."""
        return self.grain > 0 and self.weight * max(most, 1) / self.grain < 2.0**bits


class Separable(Kernel):
    """One row of taps along x, then one along y.

    Args:
        x: taps along x.
        y: taps along y.

    Example:
        >>> Separable(np.array([1.0, 2.0, 1.0]), np.array([1.0])).at_points(np.ones((1, 3, 2)))
        array([4., 4.])
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y
        self.height, self.width = len(y), len(x)
        across, down = x.tolist(), y.tolist()
        self.weight = sum(map(abs, across)) * sum(map(abs, down))
        self.total = sum(across) * sum(down)
        extremes = [one * other for one in (min(across), max(across)) for other in (min(down), max(down))]
        self.lowest = min(*extremes, 0.0)
        self.roundings = len(x) + len(y)

    def estimate(
        self, pixels: np.ndarray, depth: int, *, delta: float = 0, dst: np.ndarray | None = None
    ) -> np.ndarray:
        """Apply the kernel with OpenCV; for bytes scaled so that OpenCV does not take taps of 8 bits."""
        scale = 2.0 if depth == cv2.CV_8U else 1.0
        x, y = self.x * scale, self.y / scale
        return cv2.sepFilter2D(pixels, depth, x, y, dst=dst, delta=delta, borderType=cv2.BORDER_REPLICATE)

    def in_order(self, pixels: np.ndarray) -> np.ndarray:
        """Apply the kernel with OpenCV, with a tap of 0 added: it would add opposite pixels of symmetric taps first."""
        y, anchor = np.append(self.y, 0.0), (self.width // 2, self.height // 2)
        return cv2.sepFilter2D(pixels, cv2.CV_64F, self.x, y, anchor=anchor, borderType=cv2.BORDER_REPLICATE)

    def at_points(self, below: np.ndarray) -> np.ndarray:
        """Sum each row, then the rows' sums."""
        rows = _running(self.x, below.transpose(1, 0, 2))
        return _running(self.y, rows)

    def on_rows(self, padded: np.ndarray, channels: int) -> np.ndarray:
        """Sum along x, then along y."""
        inside = padded.shape[1] - (self.width - 1) * channels
        products = {tap: padded * tap for tap in dict.fromkeys(self.x.tolist())}
        along = _shifted(self.x, lambda at, tap: products[tap][:, at * channels : at * channels + inside])
        rows = len(along) - self.height + 1
        products = {tap: along * tap for tap in dict.fromkeys(self.y.tolist())}
        return _shifted(self.y, lambda at, tap: products[tap][at : at + rows])

    @property
    def passes(self) -> int:
        """Return the number of passes."""
        return self.width + self.height

    @cached_property
    def grain(self) -> float:
        """Return the step of the products."""
        return _grain(self.x) * _grain(self.y)

    @cached_property
    def is_identity(self) -> bool:
        """Return whether nothing changes."""
        return _is_unit(self.x) and _is_unit(self.y)


class Full(Kernel):
    """A kernel of height x width taps; it is not flipped.

    Args:
        taps: float64.

    Example:
        >>> Full(np.ones((3, 3))).at_points(np.ones((3, 3, 2)))
        array([9., 9.])
    """

    def __init__(self, taps: np.ndarray) -> None:
        self.taps = taps
        self.height, self.width = taps.shape
        self.weight, self.total = float(np.abs(taps).sum()), float(taps.sum())
        self.lowest = min(float(taps.min()), 0.0)
        self.roundings = taps.size

    def estimate(
        self, pixels: np.ndarray, depth: int, *, delta: float = 0, dst: np.ndarray | None = None
    ) -> np.ndarray:
        """Apply the kernel with OpenCV."""
        return cv2.filter2D(pixels, depth, self.taps, dst=dst, delta=delta, borderType=cv2.BORDER_REPLICATE)

    def in_order(self, pixels: np.ndarray) -> np.ndarray:
        """Apply the kernel with OpenCV."""
        return cv2.filter2D(pixels, cv2.CV_64F, self.taps, borderType=cv2.BORDER_REPLICATE)

    def at_points(self, below: np.ndarray) -> np.ndarray:
        """Sum row by row in one running sum."""
        return _running(self.taps.reshape(-1), below.reshape(self.taps.size, -1))

    def on_rows(self, padded: np.ndarray, channels: int) -> np.ndarray:
        """Sum row by row in one running sum."""
        inside = padded.shape[1] - (self.width - 1) * channels
        rows = len(padded) - self.height + 1
        flat = self.taps.reshape(-1)
        distinct = dict.fromkeys(flat.tolist())
        products = {tap: padded * tap for tap in distinct} if len(distinct) == 1 else {}

        def below(at: int, tap: float) -> np.ndarray:
            row, column = divmod(at, self.width)
            place = slice(row, row + rows), slice(column * channels, column * channels + inside)
            return products[tap][place] if products else padded[place] * tap

        return _shifted(flat, below)

    @property
    def passes(self) -> int:
        """Return the number of passes."""
        return int(self.taps.size)

    @property
    def is_large(self) -> bool:
        """Return whether OpenCV correlates by Fourier transform."""
        return self.taps.size > _LARGE

    @cached_property
    def grain(self) -> float:
        """Return the step of the taps."""
        return _grain(self.taps)

    @cached_property
    def is_identity(self) -> bool:
        """Return whether nothing changes."""
        return _is_unit(self.taps)


def _running(taps: np.ndarray, layers: np.ndarray) -> np.ndarray:
    """Return 0 + tap * layer + tap * layer ..., in this order."""
    found: np.ndarray = layers[0] * taps[0] + 0.0  # + 0: the original starts from 0, which makes -0 a 0
    product = np.empty_like(found)
    for tap, layer in zip(taps[1:], layers[1:], strict=True):
        np.multiply(layer, tap, out=product)
        found += product
    return found


def _shifted(taps: np.ndarray, product: Any) -> np.ndarray:
    """Return the running sum of ``product(position, tap)``."""
    weights = taps.tolist()
    found: np.ndarray = product(0, weights[0]) + 0.0
    for at, tap in enumerate(weights[1:], start=1):
        found += product(at, tap)
    return found


def _grain(taps: np.ndarray) -> float:
    """Return the largest power of two down to 2**-20 that all taps are multiples of, else 0."""
    together = 0
    for tap in taps.reshape(-1).tolist():
        scaled = abs(tap) * 2.0**_FINEST
        if not math.isfinite(scaled) or scaled != int(scaled):
            return 0.0
        together |= int(scaled)
    return float(together & -together) * 2.0**-_FINEST if together else 1.0


def _is_unit(taps: np.ndarray) -> bool:
    flat = taps.reshape(-1).tolist()
    middle = flat.pop(len(flat) // 2)
    return middle == 1.0 and all(0 <= tap < 1e-20 for tap in flat) and sum(flat) < 1e-20
