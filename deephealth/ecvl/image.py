"""ECVL's image: pixels of any type and rank with named axes, over memory that NumPy, OpenCV and torch share.

The axes are named by ``channels_``, first axis fastest: ``"xyc"`` is a planar W x H x C image. What a codec or OpenCV
hands out is interleaved; such an image keeps that memory, and only turns planar when somebody asks for its buffer
(``np.array(image, copy=False)``, ``image.tensor()``, a ``View``). Chains of operations so never convert to and fro.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.ecvl.casting import cast, data_type_of, dtype_of
from deephealth.ecvl.combine import combine_into
from deephealth.ecvl.enums import ColorType, DataType, DataTypeSize, Device
from deephealth.ecvl.errors import EcvlError, EcvlKeyError, EcvlValueError
from deephealth.ecvl.metadata import MetaData

if TYPE_CHECKING:
    import torch
    from PIL import Image as PillowImage

__all__ = ["Image"]

_AXES = frozenset("xyzcto")


class Image:
    """An image.

    Args:
        dims: sizes, in the order of ``channels``. An ``Image`` is copied; an array (followed by channels, colour type
            and spacings, as in :meth:`fromarray`) becomes the content; nothing at all makes an empty image.
        elemtype: type of the elements.
        channels: one letter per axis: ``x`` width, ``y`` height, ``z`` depth, ``c`` colour, ``t`` time, ``o`` other.
        colortype: colour space; that it fits the size of ``c`` is not checked.
        spacings: millimetres per axis, or empty.
        dev: where the memory is.
        meta: what else is known.

    Raises:
        EcvlValueError: not one letter per size, a letter that names no axis, or a negative size.

    Example:
        >>> image = Image([4, 3, 1], DataType.uint8, "xyc", ColorType.GRAY)
        >>> pixels = np.array(image, copy=False)
        >>> pixels[1, 2, 0] = 7
        >>> image.Width(), image.Height(), image.strides_, int(np.array(image).max())
        (4, 3, [1, 4, 12], 7)
    """

    _array: np.ndarray | None
    _remote: torch.Tensor | None  # on the GPU
    _fixed: bool  # whether a view of the memory may be in somebody's hands
    _owner: bool
    _elemtype: DataType
    _dims: list[int]
    _channels: str
    _colortype: ColorType
    _spacings: list[float]
    _dev: Device
    _meta: dict[str, MetaData]

    def __init__(
        self,
        dims: Sequence[int] | np.ndarray | Image | None = None,
        elemtype: Any = None,
        channels: Any = None,
        colortype: Any = None,
        spacings: Sequence[float] | None = None,
        dev: Device | int = Device.CPU,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self._clear()
        if dims is None:
            return
        if isinstance(dims, Image):
            self.assign(dims)
        elif isinstance(elemtype, str):  # array, channels, colortype, spacings
            self._hold(np.asarray(dims), elemtype, ColorType(channels), () if colortype is None else colortype)
        else:
            sizes = _check_layout(dims, str(channels))
            array = np.zeros(sizes, dtype_of(elemtype), order="F")
            self.rebind(array, channels=str(channels), colortype=colortype, spacings=spacings or (), meta=meta)
            self._fixed = True
            if Device(dev) is not Device.CPU:
                self.To(dev)

    # ---- making images

    @staticmethod
    def empty() -> Image:
        """Return an image without content, to be filled by an operation."""
        return Image()

    @staticmethod
    def fromarray(
        array: np.ndarray, channels: str, colortype: ColorType | int, spacings: Sequence[float] | None = None
    ) -> Image:
        """Return an image with a copy of an array's content; ``image[i, j]`` is ``array[i, j]`` for every memory order.

        Args:
            array: one axis per letter of ``channels``; an H x W x C array is ``"yxc"``.
            channels: names of the axes.
            colortype: colour space.
            spacings: millimetres per axis.

        Raises:
            EcvlValueError: another number of axes, or a type no element type can hold.

        Example:
            >>> Image.fromarray(np.zeros((480, 640, 3), np.uint8), "yxc", ColorType.RGB).Width()
            640
        """
        return Image(array, channels, colortype, () if spacings is None else spacings)

    def copy(self) -> Image:
        """Return a deep copy."""
        return Image(self)

    def assign(self, other: Image) -> Image:
        """Become a deep copy of another image, and return self."""
        if other is self:
            return self
        array, dims = other._array, list(other._dims)
        self._clear()
        self._elemtype, self._dims, self._dev = other._elemtype, dims, other._dev
        self._channels, self._colortype, self._spacings = other._channels, other._colortype, list(other._spacings)
        self._meta = dict(other._meta)
        if array is not None:
            self._array = array.copy(order="K")
        if other._remote is not None:
            self._remote = other._remote.clone()
        return self

    # ---- attributes

    @property
    def elemtype_(self) -> DataType:
        """Type of the elements; setting it reinterprets the memory."""
        return self._elemtype

    @elemtype_.setter
    def elemtype_(self, value: DataType | int) -> None:
        value = DataType(value)
        if self._array is not None and value is not self._elemtype and value is not DataType.none:
            flat = self._flat().view(np.uint8)
            dtype = dtype_of(value)
            self._elemtype = value
            self._take_prefix(flat[: flat.size // dtype.itemsize * dtype.itemsize].view(dtype))
        self._elemtype = value

    @property
    def elemsize_(self) -> int:
        """Bytes of an element."""
        return DataTypeSize(self._elemtype)

    @property
    def dims_(self) -> list[int]:
        """Sizes in the order of ``channels_``, as a copy; setting it reinterprets the memory, first axis fastest."""
        return list(self._dims)

    @dims_.setter
    def dims_(self, value: Iterable[int]) -> None:
        self._dims = [int(size) for size in value]
        if self._array is not None:
            self._take_prefix(self._flat())

    @property
    def strides_(self) -> list[int]:
        """Bytes per step along each axis, as a copy."""
        if self._array is not None and self._fixed and self._array.ndim == len(self._dims):
            return list(self._array.strides)
        return _first_axis_fastest(self._dims, self.elemsize_)

    @strides_.setter
    def strides_(self, value: Iterable[int]) -> None:
        strides = [int(step) for step in value]
        if self._array is None or len(strides) != len(self._dims):
            return
        flat = self._flat()
        reach = self.elemsize_ + sum((size - 1) * step for size, step in zip(self._dims, strides, strict=True))
        if min(strides, default=0) < 0 or reach > flat.nbytes:
            raise EcvlError(
                f"strides {strides} reach byte {reach} of {flat.nbytes}", allowed="steps inside the image's memory"
            )
        self._array = np.lib.stride_tricks.as_strided(flat, self._dims, strides)

    @property
    def channels_(self) -> str:
        """One letter per axis; setting it renames the axes."""
        return self._channels

    @channels_.setter
    def channels_(self, value: str) -> None:
        self._channels = str(value)

    @property
    def colortype_(self) -> ColorType:
        """Colour space; setting it converts nothing."""
        return self._colortype

    @colortype_.setter
    def colortype_(self, value: ColorType | int) -> None:
        self._colortype = ColorType(value)

    @property
    def spacings_(self) -> list[float]:
        """Millimetres per axis, as a copy; empty if unknown."""
        return list(self._spacings)

    @spacings_.setter
    def spacings_(self, value: Iterable[float]) -> None:
        self._spacings = [float(step) for step in value]

    @property
    def datasize_(self) -> int:
        """Bytes of all elements."""
        return math.prod(self._dims) * self.elemsize_ if self._dims else 0

    @property
    def contiguous_(self) -> bool:
        """Whether the elements follow each other without gaps, first axis fastest."""
        return self._array is None or not self._fixed or bool(self._array.flags.f_contiguous)

    @property
    def meta_(self) -> dict[str, MetaData]:
        """What else is known, as a copy; :meth:`SetMeta` changes one entry."""
        return dict(self._meta)

    @meta_.setter
    def meta_(self, value: Mapping[str, Any]) -> None:
        self._meta = {key: MetaData(entry) for key, entry in value.items()}

    @property
    def dev_(self) -> Device:
        """Where the memory is."""
        return self._dev

    @dev_.setter
    def dev_(self, value: Device | int) -> None:
        self._dev = Device(value)

    # ---- questions

    def IsEmpty(self) -> bool:
        """Return whether there is no content."""
        return self._array is None and self._remote is None

    def IsOwner(self) -> bool:
        """Return whether the memory is this image's own; a view's is not."""
        return self._owner

    def Width(self) -> int:
        """Return the size of x, 0 without one."""
        return self._size_of("x")

    def Height(self) -> int:
        """Return the size of y, 0 without one."""
        return self._size_of("y")

    def Channels(self) -> int:
        """Return the size of the first of c, z and o that is there, else 0."""
        for letter in "czo":
            if letter in self._channels:
                return self._size_of(letter)
        return 0

    def GetMeta(self, key: str) -> MetaData:
        """Return one piece of metadata.

        Raises:
            EcvlKeyError: no such key.
        """
        if key not in self._meta:
            raise EcvlKeyError(
                f"the image has no metadata '{key}'", allowed=", ".join(sorted(self._meta)) or "none here"
            )
        return self._meta[key]

    def SetMeta(self, key: str, value: Any) -> bool:
        """Set one piece of metadata and return whether the key is new."""
        new = key not in self._meta
        self._meta[key] = MetaData(value)
        return new

    # ---- arithmetic in place

    def Add(self, other: Image | float, saturate: bool = True) -> None:
        """Add an image of the same dims, or a number, in place."""
        combine_into("add", self, other, saturate)

    def Sub(self, other: Image | float, saturate: bool = True) -> None:
        """Subtract an image of the same dims, or a number, in place."""
        combine_into("sub", self, other, saturate)

    def Mul(self, other: Image | float, saturate: bool = True) -> None:
        """Multiply by an image of the same dims, or a number, in place."""
        combine_into("mul", self, other, saturate)

    def Div(self, other: Image | float, saturate: bool = True) -> None:
        """Divide by an image of the same dims, or a number, in place; whole numbers are cut towards zero."""
        combine_into("div", self, other, saturate)

    def Neg(self) -> None:
        """Change the sign in place, without saturation.

        Raises:
            EcvlError: an unsigned type.
        """
        pixels = self.pixels
        if pixels.dtype.kind == "u":
            raise EcvlError(f"{self._elemtype} has no negative numbers", hint="convert it with ConvertTo first")
        np.negative(pixels, out=pixels)

    def __iadd__(self, other: Image | float) -> Image:
        self.Add(other)
        return self

    def __isub__(self, other: Image | float) -> Image:
        self.Sub(other)
        return self

    def __imul__(self, other: Image | float) -> Image:
        self.Mul(other)
        return self

    def __itruediv__(self, other: Image | float) -> Image:
        self.Div(other)
        return self

    __idiv__ = __itruediv__

    def __neg__(self) -> Image:
        found = self.copy()
        found.Neg()
        return found

    # ---- conversions

    def ConvertTo(self, dtype: DataType | int, saturate: bool = True) -> None:
        """Convert the elements to another type; everything else stays."""
        array = cast(self.pixels, dtype_of(dtype), saturate=saturate)
        self.rebind(array, channels=self._channels, colortype=self._colortype, spacings=self._spacings, meta=self._meta)

    def To(self, dev: Device | int) -> None:
        """Move the memory to a device.

        Raises:
            EcvlError: no such device here.
        """
        dev = Device(dev)
        if dev is Device.GPU and self._remote is None:
            self._remote = self.tensor().to(_accelerator())
            self._array = None
        elif dev is Device.CPU and self._remote is not None:
            self._array, self._remote, self._fixed = self._remote.cpu().numpy().T, None, True
        elif dev in (Device.NONE, Device.FPGA):
            raise EcvlError(f"no {dev} here", allowed="Device.CPU, and Device.GPU where torch finds one")
        self._dev = dev

    def tensor(self) -> torch.Tensor:
        """Return a torch tensor over the same memory, axes reversed: an ``"xyc"`` image is C x H x W.

        Example:
            >>> image = Image([4, 3, 1], DataType.float32, "xyc", ColorType.GRAY)
            >>> image.tensor().fill_(5).shape, float(np.array(image).min())
            (torch.Size([1, 3, 4]), 5.0)
        """
        import torch

        if self._remote is not None:
            return self._remote
        return torch.from_numpy(self.buffer().T)

    def to_hwc(self) -> np.ndarray:
        """Return a copy as H x W x C (H x W for grey) with RGB order, ready for matplotlib.

        Raises:
            EcvlError: the axes are not x, y and one of c, z, o.
        """
        axes = [self._channels.find(letter) for letter in "yx"]
        rest = [at for at in range(len(self._dims)) if at not in axes]
        if -1 in axes or len(rest) > 1:
            raise EcvlError(f"an image of axes '{self._channels}' is not a picture", allowed="x, y and one of c, z, o")
        picture = self.pixels.transpose(*axes, *rest)
        if rest and picture.shape[2] == 1:
            picture = picture[:, :, 0]
        elif rest and self._colortype is ColorType.BGR:
            picture = picture[:, :, ::-1]
        return np.array(picture, order="C")

    def to_pil(self) -> PillowImage.Image:
        """Return a Pillow image of an 8-bit picture.

        Example:
            >>> Image([4, 3, 3], DataType.uint8, "xyc", ColorType.BGR).to_pil().size
            (4, 3)
        """
        from PIL import Image as PillowImage

        return PillowImage.fromarray(self.to_hwc())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        view = self.buffer()
        if dtype is not None and np.dtype(dtype) != view.dtype:
            if copy is False:
                msg = f"a view of {view.dtype} can't have the type {np.dtype(dtype)} without a copy"
                raise ValueError(msg)
            return view.astype(dtype)
        return view.copy(order="F") if copy else view

    def __repr__(self) -> str:
        sizes = " x ".join(map(str, self._dims)) or "empty"
        return f"<Image {self._channels} {sizes} {self._elemtype.name} {self._colortype.name}>"

    # ---- for operations

    def is_shared(self) -> bool:
        """Return whether somebody may hold a view of the memory, who expects to see what is written."""
        return self._fixed

    @property
    def pixels(self) -> np.ndarray:
        """The elements as an array of shape ``dims_`` in whatever memory order they are in now; writing changes them.

        Raises:
            EcvlError: empty, on another device, or ``dims_`` was set to what the memory can't hold.
        """
        if self._array is None:
            raise EcvlError("the image is empty" if self._remote is None else "the image is on the GPU", hint=_FILL)
        if list(self._array.shape) != self._dims:
            raise EcvlError(f"dims_ says {self._dims}, and the memory holds {list(self._array.shape)}")
        return self._array

    def buffer(self) -> np.ndarray:
        """Return the elements as a view, first axis fastest, that stays valid: the memory order is settled now.

        Raises:
            EcvlError: as :attr:`pixels`.
        """
        array = self.pixels
        if not self._fixed:
            self._array = array = _settled(array)
            self._fixed = True
        return array

    def rebind(
        self,
        array: np.ndarray,
        *,
        channels: str,
        colortype: ColorType | int,
        spacings: Iterable[float] = (),
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        """Give this image other content; handles to it stay valid, views of its old memory keep the old pixels.

        Args:
            array: memory that nobody else writes, shape in the order of ``channels``, any memory order.
            channels: names of the axes.
            colortype: colour space.
            spacings: millimetres per axis.
            meta: what else is known; copied.
        """
        self._elemtype, array = data_type_of(array)
        self._array, self._remote, self._fixed, self._owner = array, None, False, True
        self._dims, self._channels = list(array.shape), channels
        self._colortype = colortype if type(colortype) is ColorType else ColorType(colortype)
        self._spacings = [float(step) for step in spacings]
        self._meta = {key: MetaData(value) for key, value in meta.items()} if meta else {}
        self._dev = _CPU

    def alias(self, other: Image) -> None:
        """Become a window on another image's memory, which stays its owner."""
        self._share(other.buffer(), other._channels, other._colortype, other._spacings, other._meta)

    # ---- inside

    def _clear(self) -> None:
        self._array = None
        self._remote = None
        self._fixed = False
        self._owner = True
        self._elemtype, self._dims, self._channels = DataType.none, [], ""
        self._colortype, self._spacings, self._dev = ColorType.none, [], Device.CPU
        self._meta = {}

    def _hold(self, array: np.ndarray, channels: str, colortype: ColorType, spacings: Iterable[float]) -> None:
        _check_layout(array.shape, channels)
        elemtype, exact = data_type_of(array)
        self.rebind(np.array(exact, order="F"), channels=channels, colortype=colortype, spacings=spacings)
        self._elemtype = elemtype
        self.buffer()

    def _share(
        self,
        array: np.ndarray,
        channels: str,
        colortype: ColorType,
        spacings: Iterable[float],
        meta: Mapping[str, MetaData],
    ) -> None:
        self.rebind(array, channels=channels, colortype=colortype, spacings=spacings, meta=meta)
        self._fixed, self._owner = True, False

    def _flat(self) -> np.ndarray:
        """Return the memory as one row, first axis fastest; without a copy where it has no gaps."""
        assert self._array is not None  # noqa: S101 - callers have looked
        if not self._fixed:
            self._array, self._fixed = _settled(self._array), True
        return self._array.ravel(order="F") if self._array.flags.f_contiguous else self._array.flatten(order="F")

    def _take_prefix(self, flat: np.ndarray) -> None:
        """Reinterpret the first elements of the memory as ``dims_``; if there are too few, wait for other dims."""
        count = math.prod(self._dims)
        self._array = flat[:count].reshape(self._dims, order="F") if count <= flat.size else flat
        self._fixed = True

    def _size_of(self, letter: str) -> int:
        at = self._channels.find(letter)
        return self._dims[at] if 0 <= at < len(self._dims) else 0


_CPU = Device.CPU
_FILL = "fill it first, or bring it back with To(Device.CPU)"


def _settled(array: np.ndarray) -> np.ndarray:
    """Return ``array`` with the first axis fastest and the strides that follow from its shape; no needless copy."""
    return np.asfortranarray(array).ravel(order="F").reshape(array.shape, order="F")


def _first_axis_fastest(dims: Sequence[int], size: int) -> list[int]:
    strides = []
    for extent in dims:
        strides.append(size)
        size *= extent
    return strides


def _check_layout(dims: Iterable[int], channels: str) -> list[int]:
    sizes = [int(size) for size in dims]
    if len(sizes) != len(channels):
        raise EcvlValueError(
            f"{len(sizes)} sizes for the axes '{channels}'",
            allowed="one letter per size, such as [64, 48, 3] and 'xyc'",
        )
    unknown = sorted(set(channels) - _AXES)
    if unknown or any(size < 0 for size in sizes):
        raise EcvlValueError(
            f"axes '{channels}' of sizes {sizes}", allowed="letters out of x, y, z, c, t, o, and sizes of 0 or more"
        )
    return sizes


def _accelerator() -> str:
    import torch

    if not torch.cuda.is_available():
        raise EcvlError("there is no GPU that torch can use", allowed="Device.CPU", hint="leave the image where it is")
    return "cuda"
