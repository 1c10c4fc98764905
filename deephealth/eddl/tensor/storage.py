"""What every Tensor is made of: the torch tensor it holds, and the bridges to NumPy and PyTorch that copy nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, SupportsFloat, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor as TorchTensor

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.tensor.devices import DEV_CPU, DEV_GPU, device_number, torch_device

__all__ = ["Number", "Storage", "T", "check_same_shape", "check_same_size", "store"]

Number: TypeAlias = SupportsFloat

_SHAPE_ADVICE = "whole numbers of at least 0, such as [2, 3]"


def _as_shape(sizes: Sequence[Any]) -> list[int]:
    shape = [int(size) for size in sizes]
    if any(size < 0 for size in shape):
        raise EddlValueError(f"the shape {shape} has a negative size", allowed=_SHAPE_ADVICE)
    return shape


def _is_shape(data: Any) -> bool:
    """Tell a shape from values, as the original's constructor did: whole numbers in one dimension are a shape."""
    if isinstance(data, np.ndarray):
        return data.ndim == 1 and np.issubdtype(data.dtype, np.integer)
    return isinstance(data, list | tuple) and all(
        isinstance(item, int | np.integer) and not isinstance(item, bool | np.bool_) for item in data
    )


def _as_float32(data: Any) -> TorchTensor:
    if isinstance(data, TorchTensor):
        return data.detach().to("cpu", torch.float32, copy=True).contiguous()
    if isinstance(data, Storage):
        return data.torch.detach().to("cpu", copy=True).contiguous()
    try:
        return torch.from_numpy(np.array(data, dtype=np.float32, order="C"))
    except (TypeError, ValueError) as error:
        what = f"a tensor can't be made from this: {error}"
        raise EddlValueError(what, allowed="numbers, all of one shape") from error


class Storage:
    """The torch tensor below, the attributes that describe it, and the exchange with NumPy and PyTorch.

    Args:
        shape: sizes (a list of whole numbers), or values: a NumPy array, nested lists or a list with fractions. A
            one-dimensional array of whole numbers is read as sizes too; :meth:`fromarray` reads it as values.
        dev: ``DEV_CPU``, or ``DEV_GPU`` plus the number of the card.

    Raises:
        EddlValueError: a negative size, or values that are no numbers.
        EddlUnsupportedError: the device is not there.
    """

    torch: TorchTensor
    isshared: bool = False

    def __init__(self, shape: Any = None, dev: int = DEV_CPU) -> None:
        device = torch_device(dev)
        if shape is None:
            self.torch = torch.zeros(0, device=device)
        elif _is_shape(shape):
            self.torch = torch.zeros(_as_shape(shape), device=device)
        else:
            self.torch = _as_float32(shape).to(device)

    @classmethod
    def from_torch(cls, tensor: TorchTensor) -> Self:
        """Return a tensor that shares the memory of a torch tensor; one that is not float32 is converted, so copied.

        Example:
            >>> import torch
            >>> from deephealth.eddl.tensor import Tensor
            >>> below = torch.zeros(2)
            >>> Tensor.from_torch(below).add_(1.0)
            >>> below
            tensor([1., 1.])
        """
        made = cls.__new__(cls)
        made.torch = tensor if tensor.dtype == torch.float32 else tensor.to(torch.float32)
        return made

    @classmethod
    def from_numpy(cls, array: np.ndarray) -> Self:
        """Return a tensor that shares the memory of a NumPy array.

        Args:
            array: float32, writable.

        Raises:
            EddlValueError: another type, or read-only; :meth:`fromarray` copies such an array.

        Example:
            >>> import numpy as np
            >>> from deephealth.eddl.tensor import Tensor
            >>> values = np.zeros(2, np.float32)
            >>> Tensor.from_numpy(values).add_(1.0)
            >>> values.tolist()
            [1.0, 1.0]
        """
        if array.dtype != np.float32 or not array.flags.writeable or any(step < 0 for step in array.strides):
            what = f"an array of {array.dtype} with strides {array.strides} can't be shared"
            hint = "Tensor.fromarray(array) makes a copy"
            raise EddlValueError(what, allowed="a writable float32 array without reversed axes", hint=hint)
        made = cls.from_torch(torch.from_numpy(array))
        made.isshared = True
        return made

    @classmethod
    def fromarray(cls, array: Any, dev: int = DEV_CPU) -> Self:
        """Return a tensor with a copy of the values of an array, as float32.

        Args:
            array: NumPy array or nested lists of numbers.
            dev: device number.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([1, 2, 3]).getdata().tolist()
            [1.0, 2.0, 3.0]
        """
        return cls.from_torch(_as_float32(array).to(torch_device(dev)))

    @property
    def shape(self) -> list[int]:
        """Sizes; setting them reshapes in place."""
        return list(self.torch.shape)

    @shape.setter
    def shape(self, sizes: Sequence[int]) -> None:
        wanted = _as_shape(sizes)
        if int(np.prod(wanted, dtype=np.int64)) != self.torch.numel():
            what = f"a tensor of shape {self.shape} can't get the shape {wanted}"
            raise EddlShapeError("Tensor.shape", what, allowed=f"sizes whose product is {self.torch.numel()}")
        self.torch = self.torch.reshape(wanted)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.torch.numel()

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.torch.dim()

    @property
    def stride(self) -> list[int]:
        """How many elements apart neighbours along each dimension are in row-major order."""
        steps, step = [], 1
        for size in reversed(self.torch.shape):
            steps.append(step)
            step *= size
        return steps[::-1]

    @property
    def device(self) -> int:
        """The device number; setting it moves the tensor."""
        return device_number(self.torch.device)

    @device.setter
    def device(self, dev: int) -> None:
        self.torch = self.torch.detach().to(torch_device(dev))

    @property
    def gpu_device(self) -> int:
        """Number of the graphics card that holds the tensor; 0 on the CPU."""
        return max(self.device - DEV_GPU, 0)

    def getShape(self) -> list[int]:
        """Return the sizes."""
        return self.shape

    def getdata(self) -> np.ndarray:
        """Return a copy of the values as a NumPy array, from whatever device.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2]).getdata().tolist()
            [1.0, 1.0]
        """
        return np.array(self.torch.detach().cpu().numpy(), order="C")

    def clone(self) -> Self:
        """Return a copy on the same device.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.ones([2]); b = a.clone(); b.fill_(0.0); a.sum()
            2.0
        """
        return self._wrap(self.torch.detach().clone(memory_format=torch.contiguous_format))

    def _wrap(self, tensor: TorchTensor) -> Self:
        made = self.__class__.__new__(self.__class__)
        made.torch = tensor
        return made

    def _view(self) -> np.ndarray:
        if self.torch.device.type != "cpu":
            what = f"NumPy can't see memory of device {self.device}"
            raise EddlValueError(what, hint="call toCPU() first, or use getdata(), which copies")
        return self.torch.detach().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self._view()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                msg = f"float32 can't become {np.dtype(dtype)} without a copy"
                raise ValueError(msg)
            return array.astype(dtype)
        return array.copy() if copy else array

    @property
    def __array_interface__(self) -> dict[str, Any]:
        interface: dict[str, Any] = self._view().__array_interface__
        return interface

    def __buffer__(self, flags: int) -> memoryview:
        view: Any = self._view()
        return memoryview(view)

    def __dlpack__(self, **options: Any) -> Any:
        return self.torch.detach().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[Any, int]:
        return self.torch.__dlpack_device__()


T = TypeVar("T", bound=Storage)


def check_same_shape(title: str, *tensors: Storage) -> None:
    """Refuse tensors that differ in shape or device.

    Raises:
        EddlShapeError: the message names the shapes or devices.
    """
    first = tensors[0].torch
    for other in tensors[1:]:
        if other.torch.shape != first.shape:
            shapes = " and ".join(str(tensor.shape) for tensor in tensors)
            hint = "Tensor.broadcast(A, B) repeats one tensor to the shape of the other; reshape_ changes a shape"
            raise EddlShapeError(title, f"the shapes differ: {shapes}", allowed="equal shapes", hint=hint)
        if other.torch.device != first.device:
            devices = " and ".join(str(tensor.device) for tensor in tensors)
            hint = "call toGPU() or toCPU() on one of them"
            raise EddlShapeError(title, f"the tensors are on different devices: {devices}", hint=hint)


def check_same_size(title: str, source: Storage, target: Storage) -> None:
    """Refuse a target that has another number of elements than the source.

    Raises:
        EddlShapeError: the message names both shapes.
    """
    if source.torch.numel() != target.torch.numel():
        what = f"{source.shape} has {source.size} elements and {target.shape} has {target.size}"
        raise EddlShapeError(title, what, allowed="as many elements in the result as in the input")


def store(target: Storage, values: TorchTensor) -> None:
    """Write ``values`` into the memory of ``target``, in row-major order whatever their shape."""
    with torch.no_grad():
        target.torch.copy_(values.reshape(target.torch.shape))
