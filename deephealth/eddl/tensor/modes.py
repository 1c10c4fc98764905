"""How a geometric operation fills what lies outside, and how it maps coordinates."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["TransformationMode", "WrappingMode"]


class TransformationMode(IntEnum):
    """How a coordinate of the scaled picture is mapped back to the original one.

    Example:
        >>> int(TransformationMode.Asymmetric)
        3
    """

    HalfPixel = 0
    PytorchHalfPixel = 1
    AlignCorners = 2
    Asymmetric = 3
    TFCropAndResize = 4


class WrappingMode(IntEnum):
    """What stands where the result shows something outside the picture.

    ``Constant``: a value. ``Reflect``: mirrored at the edge (d c b a | a b c d | d c b a). ``Nearest``: the border
    pixel. ``Mirror``: mirrored at the centre of the border pixel (d c b | a b c d | c b a). ``Wrap``: the other side.
    ``Original``: the picture as it was.

    Example:
        >>> WrappingMode.Original.name
        'Original'
    """

    Constant = 0
    Reflect = 1
    Nearest = 2
    Mirror = 3
    Wrap = 4
    Original = 5
