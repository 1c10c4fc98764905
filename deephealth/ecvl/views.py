"""Windows on an image's memory: single elements by coordinates, boxes, and iteration, as C++ programs have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deephealth.ecvl.enums import DataType
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image

__all__ = [
    "ConstView",
    "ContiguousView",
    "View",
    "View_float32",
    "View_float64",
    "View_int16",
    "View_int32",
    "View_int64",
    "View_int8",
    "View_uint16",
    "View_uint8",
]


class View(Image):
    """A window on an image: it shares the memory and does not own it.

    Args:
        image: the image.
        start: first coordinates of the window, one per axis; ``None`` for the whole image.
        size: sizes of the window; ``-1`` reaches to the end of that axis.

    Raises:
        EcvlError: the image is empty, or of another type than the view's name says.
        EcvlValueError: the window does not lie inside the image.

    Example:
        >>> import numpy as np
        >>> image = Image([4, 3, 1], DataType.uint8, "xyc", 1)
        >>> window = View(image, [1, 1, 0], [2, -1, -1])
        >>> window[0, 0, 0] = 9
        >>> window.dims_, int(np.array(image)[1, 1, 0]), sum(window)
        ([2, 2, 1], 9, 9)
    """

    element: DataType | None = None
    writable = True

    def __init__(self, image: Image, start: Sequence[int] | None = None, size: Sequence[int] | None = None) -> None:
        super().__init__()
        if self.element is not None and image.elemtype_ is not self.element:
            raise EcvlError(
                f"a view of {self.element} on an image of {image.elemtype_}",
                allowed=f"View_{image.elemtype_.name}, or View for any type",
            )
        memory = image.buffer()
        if start is not None or size is not None:
            memory = memory[_window(image.dims_, start, size)]
        if not self.writable:
            memory = memory.view()
            memory.flags.writeable = False
        self._share(memory, image.channels_, image.colortype_, image.spacings_, image.meta_)

    def __getitem__(self, at: Any) -> Any:
        return self.pixels[self._coordinates(at)].item()

    def __setitem__(self, at: Any, value: float) -> None:
        self.pixels[self._coordinates(at)] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.pixels.ravel(order="F").tolist())

    def __len__(self) -> int:
        return int(self.pixels.size)

    def _coordinates(self, at: Any) -> tuple[int, ...]:
        found = tuple(at) if isinstance(at, Sequence) else (at,)
        if len(found) != len(self.dims_):
            raise EcvlValueError(f"{len(found)} coordinates for the axes '{self.channels_}'", allowed="one per axis")
        for index, size in zip(found, self.dims_, strict=True):
            if not 0 <= index < size:
                raise IndexError(f"{found} lies outside an image of {self.dims_}")
        return found


class ConstView(View):
    """A window that can't be written through."""

    writable = False


class ContiguousView(View):
    """A window on the whole of an image without gaps."""

    def __init__(self, image: Image) -> None:
        if not image.contiguous_:
            raise EcvlError("the image's memory has gaps", hint="use View, or copy the image first")
        super().__init__(image)


class View_int8(View):
    """A window on an int8 image."""

    element = DataType.int8


class View_int16(View):
    """A window on an int16 image."""

    element = DataType.int16


class View_int32(View):
    """A window on an int32 image."""

    element = DataType.int32


class View_int64(View):
    """A window on an int64 image."""

    element = DataType.int64


class View_uint8(View):
    """A window on a uint8 image."""

    element = DataType.uint8


class View_uint16(View):
    """A window on a uint16 image."""

    element = DataType.uint16


class View_float32(View):
    """A window on a float32 image."""

    element = DataType.float32


class View_float64(View):
    """A window on a float64 image."""

    element = DataType.float64


def _window(dims: list[int], start: Sequence[int] | None, size: Sequence[int] | None) -> tuple[slice, ...]:
    first = [0] * len(dims) if start is None else [int(at) for at in start]
    extent = [-1] * len(dims) if size is None else [int(count) for count in size]
    if len(first) != len(dims) or len(extent) != len(dims):
        raise EcvlValueError(f"a window {first} + {extent} in an image of {dims}", allowed="one number per axis")
    cuts = []
    for low, count, limit in zip(first, extent, dims, strict=True):
        high = limit if count == -1 else low + count
        if not 0 <= low < high <= limit:
            raise EcvlValueError(f"a window {first} + {extent} in an image of {dims}", allowed="inside the image")
        cuts.append(slice(low, high))
    return tuple(cuts)
