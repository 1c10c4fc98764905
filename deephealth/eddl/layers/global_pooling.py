"""Pools over everything but the channels."""

from __future__ import annotations

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.pooling import (
    LAveragePool,
    LAveragePool1D,
    LAveragePool3D,
    LMaxPool,
    LMaxPool1D,
    LMaxPool3D,
    LPool,
)
from deephealth.eddl.layers.shapes import LUnsqueeze

__all__ = [
    "GlobalAveragePool",
    "GlobalAveragePool1D",
    "GlobalAveragePool2D",
    "GlobalAveragePool3D",
    "GlobalAvgPool",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
]


def _pool(pool: type[LPool], parent: Layer, name: str, default: str) -> Layer:
    axes = pool.axes
    if len(parent.shape) != axes + 1:
        what = f"wants samples of {axes + 1} axes (channels first), got {parent.shape}"
        raise EddlShapeError(default, what, hint="use the global pool of the right dimension, or Reshape first")
    return pool(parent, parent.shape[1:], [1] * axes, "none", name=name or default)


def _as_image(parent: Layer) -> Layer:
    """Give matrices a channel, as the functions without a dimension in their name do."""
    return LUnsqueeze(parent, 0) if len(parent.shape) == 2 else parent


def GlobalMaxPool(parent: Layer, name: str = "") -> Layer:
    """Take the largest element of every channel of images.

    Args:
        parent: layer of shape [channels, height, width]; [height, width] gets one channel.
        name: its name; ``GlobalMaxPool2D`` when empty.

    Raises:
        EddlShapeError: no images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalMaxPool(Input([3, 8, 8])).shape
        [3, 1, 1]
    """
    return GlobalMaxPool2D(_as_image(parent), name)


def GlobalMaxPool1D(parent: Layer, name: str = "") -> Layer:
    """Take the largest element of every channel of sequences [channels, length].

    Raises:
        EddlShapeError: no sequences.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalMaxPool1D(Input([3, 8])).shape
        [3, 1]
    """
    return _pool(LMaxPool1D, parent, name, "GlobalMaxPool1D")


def GlobalMaxPool2D(parent: Layer, name: str = "") -> Layer:
    """Take the largest element of every channel of images [channels, height, width].

    Raises:
        EddlShapeError: no images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalMaxPool2D(Input([3, 8, 8])).name
        'GlobalMaxPool2D'
    """
    return _pool(LMaxPool, parent, name, "GlobalMaxPool2D")


def GlobalMaxPool3D(parent: Layer, name: str = "") -> Layer:
    """Take the largest element of every channel of volumes [channels, depth, height, width].

    Raises:
        EddlShapeError: no volumes.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalMaxPool3D(Input([3, 4, 8, 8])).shape
        [3, 1, 1, 1]
    """
    return _pool(LMaxPool3D, parent, name, "GlobalMaxPool3D")


def GlobalAveragePool(parent: Layer, name: str = "") -> Layer:
    """Take the mean of every channel of images; ``GlobalAvgPool`` is the same.

    Args:
        parent: layer of shape [channels, height, width]; [height, width] gets one channel.
        name: its name; ``GlobalAveragePool2D`` when empty.

    Raises:
        EddlShapeError: no images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalAveragePool(Input([3, 8, 8])).shape
        [3, 1, 1]
    """
    return GlobalAveragePool2D(_as_image(parent), name)


def GlobalAveragePool1D(parent: Layer, name: str = "") -> Layer:
    """Take the mean of every channel of sequences [channels, length]; ``GlobalAvgPool1D`` is the same.

    Raises:
        EddlShapeError: no sequences.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalAveragePool1D(Input([3, 8])).shape
        [3, 1]
    """
    return _pool(LAveragePool1D, parent, name, "GlobalAveragePool1D")


def GlobalAveragePool2D(parent: Layer, name: str = "") -> Layer:
    """Take the mean of every channel of images [channels, height, width]; ``GlobalAvgPool2D`` is the same.

    Raises:
        EddlShapeError: no images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalAveragePool2D(Input([3, 8, 8])).name
        'GlobalAveragePool2D'
    """
    return _pool(LAveragePool, parent, name, "GlobalAveragePool2D")


def GlobalAveragePool3D(parent: Layer, name: str = "") -> Layer:
    """Take the mean of every channel of volumes [channels, depth, height, width]; ``GlobalAvgPool3D`` is the same.

    Raises:
        EddlShapeError: no volumes.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GlobalAveragePool3D(Input([3, 4, 8, 8])).shape
        [3, 1, 1, 1]
    """
    return _pool(LAveragePool3D, parent, name, "GlobalAveragePool3D")


GlobalAvgPool = GlobalAveragePool
GlobalAvgPool1D = GlobalAveragePool1D
GlobalAvgPool2D = GlobalAveragePool2D
GlobalAvgPool3D = GlobalAveragePool3D
