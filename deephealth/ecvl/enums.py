"""ECVL's enumerations. Old programs print their values, compare them with numbers and pass numbers for them."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BorderType",
    "ColorType",
    "DataType",
    "DataTypeSignedSize",
    "DataTypeSize",
    "Device",
    "ImReadMode",
    "InpaintType",
    "InterpolationType",
    "MorphType",
    "SplitType",
    "Task",
    "ThresholdingType",
]


class _Enum(IntEnum):
    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class DataType(_Enum):
    """Type of an image's elements.

    Example:
        >>> print(DataType.uint8), int(DataType.uint8)
        DataType.uint8
        (None, 6)
    """

    int8 = 0
    int16 = 1
    int32 = 2
    int64 = 3
    float32 = 4
    float64 = 5
    uint8 = 6
    uint16 = 7
    none = 8


class ColorType(_Enum):
    """Colour space of an image."""

    none = 0
    GRAY = 1
    RGB = 2
    RGBA = 3
    BGR = 4
    HSV = 5
    YCbCr = 6


class Device(_Enum):
    """Where an image's memory is."""

    NONE = 0
    CPU = 1
    GPU = 2
    FPGA = 3


class ThresholdingType(_Enum):
    """Which side of a threshold becomes foreground."""

    BINARY = 0
    BINARY_INV = 1


class InterpolationType(_Enum):
    """How values between pixels are found; the numbers are ECVL's, not OpenCV's."""

    nearest = 0
    linear = 1
    area = 2
    cubic = 3
    lanczos4 = 4


class MorphType(_Enum):
    """Morphological operations."""

    MORPH_ERODE = 0
    MORPH_DILATE = 1
    MORPH_OPEN = 2
    MORPH_CLOSE = 3
    MORPH_GRADIENT = 4
    MORPH_TOPHAT = 5
    MORPH_BLACKHAT = 6
    MORPH_HITMISS = 7


class InpaintType(_Enum):
    """Inpainting methods."""

    INPAINT_NS = 0
    INPAINT_TELEA = 1


class BorderType(_Enum):
    """What lies outside an image; the numbers are OpenCV's."""

    BORDER_CONSTANT = 0
    BORDER_REPLICATE = 1
    BORDER_REFLECT = 2
    BORDER_WRAP = 3
    BORDER_REFLECT_101 = 4
    BORDER_TRANSPARENT = 5


class ImReadMode(_Enum):
    """How a raster file is decoded; the numbers are OpenCV's flags."""

    UNCHANGED = -1
    GRAYSCALE = 0
    COLOR = 1
    ANYCOLOR = 4


class SplitType(_Enum):
    """The three standard splits of a data set."""

    training = 0
    validation = 1
    test = 2


class Task(_Enum):
    """What a data set is for."""

    classification = 0
    segmentation = 1


_SIZES = {
    DataType.int8: 1,
    DataType.int16: 2,
    DataType.int32: 4,
    DataType.int64: 8,
    DataType.float32: 4,
    DataType.float64: 8,
    DataType.uint8: 1,
    DataType.uint16: 2,
    DataType.none: 0,
}


def DataTypeSize(dt: DataType | int | None = None) -> int:
    """Return the bytes of one element; without a type, the number of types.

    Example:
        >>> DataTypeSize(DataType.float32), DataTypeSize()
        (4, 8)
    """
    return len(_SIZES) - 1 if dt is None else _SIZES[DataType(dt)]


def DataTypeSignedSize() -> int:
    """Return the number of signed types.

    Example:
        >>> DataTypeSignedSize()
        6
    """
    return sum(1 for dt in _SIZES if dt.name.startswith(("int", "float")))
