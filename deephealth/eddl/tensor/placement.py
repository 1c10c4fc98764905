"""Where a tensor is, and the low-level calls that change its memory."""

from __future__ import annotations

import math
from typing import Any

import torch

from deephealth.eddl.errors import EddlShapeError, EddlUnsupportedError
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor.devices import DEV_CPU, DEV_FPGA, DEV_GPU, device_id, device_kind, hardware, torch_device
from deephealth.eddl.tensor.storage import Storage

__all__ = ["Placement"]


class Placement(Storage):
    """Devices and memory."""

    def toCPU(self, dev: int = DEV_CPU) -> None:
        """Move to the CPU in place.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor([2]); a.toCPU(); a.isCPU()
            1
        """
        self.torch = self.torch.detach().cpu()

    def toGPU(self, dev: int = DEV_GPU) -> None:
        """Move to a graphics card in place. (A CPU build of the original did nothing; strict mode does nothing either.)

        Args:
            dev: ``DEV_GPU`` plus the number of the card.

        Raises:
            EddlUnsupportedError: the card is not there.
        """
        if is_strict() and not torch.cuda.is_available():
            return
        self.torch = self.torch.detach().to(torch_device(dev))

    def toFPGA(self, dev: int = DEV_FPGA) -> None:
        """Refuse: FPGAs are not supported.

        Raises:
            EddlUnsupportedError: always.
        """
        raise EddlUnsupportedError("Tensor::toFPGA", "FPGAs are not supported", hint="use toCPU() or toGPU()")

    def toDevice(self, dev: int) -> None:
        """Move to a device in place.

        Args:
            dev: device number.

        Raises:
            EddlUnsupportedError: the device is not there.
            EddlValueError: no device number.
        """
        {"CPU": self.toCPU, "GPU": self.toGPU, "FPGA": self.toFPGA}[device_kind(dev)](dev)

    def isCPU(self) -> int:
        """Return 1 if the tensor is on the CPU, else 0."""
        return int(self.torch.device.type == "cpu")

    def isGPU(self) -> int:
        """Return 1 if the tensor is on a graphics card, else 0."""
        return int(self.torch.device.type != "cpu")

    def isFPGA(self) -> int:
        """Return 0: no tensor is on an FPGA."""
        return 0

    def numel(self) -> int:
        """Return the number of elements."""
        return self.torch.numel()

    @staticmethod
    def getDeviceID(dev: str | int) -> int:
        """Return the device number of a name such as ``"cuda:1"``; for a number 0, 1 or 2 (CPU, GPU, FPGA).

        Raises:
            EddlError: no such name.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.getDeviceID("cuda:1")
            1001
        """
        return device_id(dev) if isinstance(dev, str) else ("CPU", "GPU", "FPGA").index(device_kind(dev))

    @staticmethod
    def hardware_supported() -> list[str]:
        """Return what tensors can be on here: ``cpu``, and with a graphics card ``cuda`` and ``cudnn``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> "cpu" in Tensor.hardware_supported()
            True
        """
        return hardware()

    @staticmethod
    def is_hardware_supported(hardware: str) -> bool:
        """Return whether tensors can be on ``"cpu"``, ``"gpu"`` or ``"cuda"``, ``"cudnn"``, ``"fpga"`` here.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.is_hardware_supported("fpga")
            False
        """
        return ("cuda" if hardware == "gpu" else hardware) in Placement.hardware_supported()

    def resize(self, b: int, fptr: Storage | None = None, fptr2: Any = None, delete_data: bool = True) -> None:
        """Change the size of the first dimension (the batch); the values are lost unless they are given.

        Args:
            b: new size.
            fptr: a tensor with as many elements as are needed, whose memory is used from now on.
            fptr2: no effect.
            delete_data: no effect: memory that nobody uses is freed.

        Raises:
            EddlShapeError: ``fptr`` has another number of elements.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor([2, 3]); a.resize(5); a.shape
            [5, 3]
        """
        if b == self.torch.shape[0]:
            return
        self.torch = torch.zeros(b, *self.torch.shape[1:], device=self.torch.device)
        if fptr is not None:
            self.updateData(fptr)

    def reallocate(self, old_t: Storage) -> None:
        """Use the memory of another tensor from now on, with the shape that this one has.

        Raises:
            EddlShapeError: it has another number of elements.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a, b = Tensor([2]), Tensor.zeros([1, 2]); a.reallocate(b); a.fill_(1.0); b.sum()
            2.0
        """
        self.updateData(old_t, None, False)

    def updateData(self, ptr: Storage | None, ptr2: Any = None, setshared: bool = True) -> None:
        """Use the memory of another tensor from now on, or fresh memory.

        Args:
            ptr: the other tensor; ``None`` for fresh memory.
            ptr2: no effect.
            setshared: whether ``isshared`` becomes true.

        Raises:
            EddlShapeError: it has another number of elements.
        """
        if ptr is None:
            self.torch, self.isshared = torch.zeros_like(self.torch), False
            return
        if ptr.torch.numel() != math.prod(self.torch.shape):
            what = f"memory of {ptr.torch.numel()} elements for the shape {self.shape}"
            raise EddlShapeError("Tensor::updateData", what, allowed=f"{self.torch.numel()} elements")
        self.torch, self.isshared = ptr.torch.detach().reshape(self.torch.shape), setshared

    def deleteData(self) -> None:
        """Let go of the memory; the tensor is empty afterwards."""
        self.torch = torch.zeros(0, device=self.torch.device)

    def updateDevice(self, dev: int) -> None:
        """Move to a device in place; see :meth:`toDevice`."""
        self.toDevice(dev)

    def updateSize(self) -> None:
        """Do nothing: ``size`` always follows the shape. It is here because old code calls it."""

    def updateStrides(self) -> None:
        """Do nothing: ``stride`` always follows the shape. It is here because old code calls it."""
