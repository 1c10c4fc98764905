"""Random noise: drawn per element or per pixel, row by row, so that a seed gives one result for every memory order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.ecvl.casting import saturate_cast, wrap_cast
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.sampling import WholeNumbers, bernoulli, laplace_floor, poisson
from deephealth.ecvl.imgproc.stacks import from_planar, from_stack, to_stack
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["AdditiveLaplaceNoise", "AdditivePoissonNoise", "CoarseDropout", "Pepper", "Salt", "SaltAndPepper"]

_SALT = 255
_FEW_CELLS = 64
_MOST_TABLED = 1e4  # mean above which 8-bit results have no use for a table


def AdditiveLaplaceNoise(src: Image, dst: Image, std_dev: float, *, rng: np.random.Generator | None = None) -> None:
    """Add the difference of two exponentials, and clamp to the element type.

    Args:
        src: any image with x and y.
        dst: becomes the noisy image; may be ``src``.
        std_dev: mean of each exponential, above 0; the noise's standard deviation is the square root of 2 times it.
        rng: what to draw from; ``None`` for the generator of :mod:`deephealth.ecvl.imgproc.draws`.

    Raises:
        EcvlError: ``std_dev`` is 0 or less, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image([64, 64, 1], 4, "xyc", 1)
        >>> AdditiveLaplaceNoise(image, image, 2.0, rng=np.random.default_rng(0))
        >>> round(float(np.array(image).std()))
        3
    """
    scale = float(std_dev)
    if not 0 < scale < math.inf:
        raise EcvlError(f"AdditiveLaplaceNoise: std_dev is {std_dev}", allowed="numbers above 0")
    stack, random = to_stack(src, "AdditiveLaplaceNoise"), draws.generator(None, rng)
    if stack.dtype == np.uint8 and scale < _MOST_TABLED:
        # truncating whole + noise is whole + floor(noise) wherever the result is not clamped to 0 anyway
        found = _add_bytes(stack, laplace_floor(scale), random)
    else:
        dtype = np.float32 if stack.dtype.itemsize < 4 or stack.dtype == np.float32 else np.float64
        noise = random.standard_exponential(stack.shape, dtype=dtype)
        noise -= random.standard_exponential(stack.shape, dtype=dtype)
        noise *= dtype(scale)
        found = saturate_cast(noise + stack, stack.dtype)
    from_stack(src, dst, found)


def AdditivePoissonNoise(src: Image, dst: Image, lambda_: float, *, rng: np.random.Generator | None = None) -> None:
    """Add Poisson-distributed whole numbers, whose mean is not 0, and clamp to the element type.

    Args:
        src: any image with x and y.
        dst: becomes the noisy image; may be ``src``.
        lambda_: mean of what is added, above 0.
        rng: what to draw from; ``None`` for the generator of :mod:`deephealth.ecvl.imgproc.draws`.

    Raises:
        EcvlError: ``lambda_`` is 0 or less, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image([64, 64, 1], 6, "xyc", 1)
        >>> AdditivePoissonNoise(image, image, 7.0, rng=np.random.default_rng(0))
        >>> round(float(np.array(image).mean()))
        7
    """
    mean = float(lambda_)
    if not 0 < mean < 1e18:
        raise EcvlError(f"AdditivePoissonNoise: lambda_ is {lambda_}", allowed="numbers above 0")
    stack, random = to_stack(src, "AdditivePoissonNoise"), draws.generator(None, rng)
    if stack.dtype == np.uint8 and mean < _MOST_TABLED:
        found = _add_bytes(stack, poisson(mean), random)
    else:
        found = saturate_cast(random.poisson(mean, stack.shape) + stack.astype(np.float64), stack.dtype)
    from_stack(src, dst, found)


def CoarseDropout(
    src: Image,
    dst: Image,
    p: float,
    drop_size: float,
    per_channel: bool,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Set rectangles out of a grid to 0.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        p: probability of each rectangle.
        drop_size: sides of the rectangles as parts of width and height; one pixel at least.
        per_channel: draw for every channel on its own, each rectangle with probability ``p / channels``.
        rng: what to draw from; ``None`` for the generator of :mod:`deephealth.ecvl.imgproc.draws`.

    Raises:
        EcvlError: ``p`` is no probability, ``drop_size`` is negative, or no x and y.

    Source: DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout",
    arXiv:1708.04552.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image.fromarray(np.ones((8, 8, 3)), "xyc", 2)
        >>> CoarseDropout(image, image, 1.0, 0.25, False)
        >>> float(np.array(image).max())
        0.0
    """
    _check_probability("CoarseDropout", p)
    if not drop_size >= 0:
        raise EcvlError(f"CoarseDropout: drop_size is {drop_size}", allowed="0 or more")
    stack, random = to_stack(src, "CoarseDropout"), draws.generator(None, rng)
    height, width, count = stack.shape
    high, wide = (max(int(size * min(float(drop_size), 1.0)), 1) for size in (height, width))
    rows, columns = -(-height // high), -(-width // wide)
    if per_channel:
        hit = random.random((count, rows, columns)) < p / count
    else:
        hit = np.broadcast_to(random.random((1, rows, columns)) < p, (1, rows, columns))
    found = stack.copy()
    cells = np.argwhere(hit)
    if len(cells) <= _FEW_CELLS:
        for channel, row, column in cells.tolist():
            at = slice(channel, channel + 1) if per_channel else slice(None)
            found[row * high : (row + 1) * high, column * wide : (column + 1) * wide, at] = 0
    else:
        kept = np.repeat(np.repeat(~hit, high, axis=1)[:, :height], wide, axis=2)[:, :, :width]
        _blank(found, np.ascontiguousarray(kept.transpose(1, 2, 0)))
    from_planar(src, dst, found)


def Salt(
    src: Image,
    dst: Image,
    p: float,
    per_channel: bool = False,
    seed: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Set random pixels to 255, whatever the element type (int8: -1).

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        p: probability of each pixel.
        per_channel: draw for every element on its own, not for all channels of a pixel together.
        seed: for this call; ``None`` and 1: none.
        rng: what to draw from, instead of ``seed``.

    Raises:
        EcvlError: ``p`` is no probability, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image([100, 100, 3], 6, "xyc", 2)
        >>> Salt(image, image, 0.25, seed=7)
        >>> 0.2 < float((np.array(image) == 255).all(axis=2).mean()) < 0.3
        True
    """
    _speckle(src, dst, ("Salt", p, per_channel), draws.generator(seed, rng), (p, 0.0))


def Pepper(
    src: Image,
    dst: Image,
    p: float,
    per_channel: bool = False,
    seed: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Set random pixels to 0.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        p: probability of each pixel.
        per_channel: draw for every element on its own, not for all channels of a pixel together.
        seed: for this call; ``None`` and 1: none.
        rng: what to draw from, instead of ``seed``.

    Raises:
        EcvlError: ``p`` is no probability, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image.fromarray(np.ones((100, 100, 1)), "xyc", 1)
        >>> Pepper(image, image, 1.0)
        >>> float(np.array(image).max())
        0.0
    """
    _speckle(src, dst, ("Pepper", p, per_channel), draws.generator(seed, rng), (0.0, p))


def SaltAndPepper(
    src: Image,
    dst: Image,
    p: float,
    per_channel: bool = False,
    seed: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Set random pixels to 255 or to 0, one as likely as the other.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        p: probability of each pixel to change.
        per_channel: draw for every element on its own, not for all channels of a pixel together.
        seed: for this call; ``None`` and 1: none.
        rng: what to draw from, instead of ``seed``.

    Raises:
        EcvlError: ``p`` is no probability, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image.fromarray(np.full((100, 100, 1), 9, np.uint8), "xyc", 1)
        >>> SaltAndPepper(image, image, 1.0, seed=3)
        >>> sorted(set(np.array(image).ravel().tolist()))
        [0, 255]
    """
    _speckle(src, dst, ("SaltAndPepper", p, per_channel), draws.generator(seed, rng), (p / 2, p / 2))


def _speckle(
    src: Image,
    dst: Image,
    asked: tuple[str, float, bool],
    random: np.random.Generator,
    shares: tuple[float, float],
) -> None:
    """Set pixels to 255 and to 0 with the two probabilities of ``shares``."""
    what, p, per_channel = asked
    _check_probability(what, p)
    stack = to_stack(src, what)
    height, width, count = stack.shape
    salt, pepper = bernoulli(shares, (height, width, count if per_channel else 1), random)
    bright = wrap_cast(np.array(_SALT), stack.dtype)[()]
    if stack.dtype == np.uint8:
        found = stack
        if salt is not None:
            found = cv2.bitwise_or(found, _spread(salt, count)).reshape(stack.shape)
        if pepper is not None:
            found = cv2.bitwise_and(found, _spread(~pepper, count)).reshape(stack.shape)
    else:
        found = stack.copy()
        if salt is not None:
            np.copyto(found, bright, where=salt != 0)
        if pepper is not None:
            np.copyto(found, 0, where=pepper != 0)
    if is_strict() and not per_channel:
        found = _first_volume(src, stack, found)
    from_stack(src, dst, found.copy() if found is stack else found)


def _first_volume(src: Image, stack: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return what the original makes of more than three axes: all of the first of c, z, o, at index 0 of the others."""
    rest = [letter for letter in src.channels_ if letter not in "xy"]
    changed = next((letter for letter in "czo" if letter in rest), None)
    if len(rest) == 1 or changed is None:
        return found
    sizes = [size for letter, size in zip(src.channels_, src.dims_, strict=True) if letter not in "xy"]
    at = (..., *(slice(None) if number == rest.index(changed) else 0 for number in range(len(rest))))
    kept = stack.reshape(*stack.shape[:2], *sizes).copy()
    kept[at] = found.reshape(kept.shape)[at]
    return kept.reshape(stack.shape)


def _spread(mask: np.ndarray, count: int) -> np.ndarray:
    """Return a mask of 0 and 255 repeated for every channel."""
    if mask.shape[2] == count:
        return mask
    if count <= 4:
        return cv2.merge([mask] * count)
    return np.ascontiguousarray(np.broadcast_to(mask, (*mask.shape[:2], count)))


def _blank(stack: np.ndarray, kept: np.ndarray) -> None:
    """Set to 0 where ``kept``, of 1 or all channels, is false."""
    if stack.dtype == np.uint8:
        mask = np.negative(kept.view(np.uint8))
        np.bitwise_and(stack, _spread(mask, stack.shape[2]), out=stack)
    else:
        np.copyto(stack, 0, where=~kept)


def _add_bytes(stack: np.ndarray, noise: WholeNumbers, random: np.random.Generator) -> np.ndarray:
    """Add whole numbers to bytes and clamp."""
    drawn = noise.draw(stack.size, random)
    flat = stack.reshape(1, -1)
    if drawn.dtype == np.uint8:
        return cv2.add(flat, drawn).reshape(stack.shape)
    return cv2.add(flat, drawn, dtype=cv2.CV_8U).reshape(stack.shape)


def _check_probability(what: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise EcvlError(f"{what}: p is {p}", allowed="a probability, 0 to 1")
