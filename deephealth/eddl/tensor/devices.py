"""EDDL's device numbers and what they are in PyTorch: 0 the CPU, from 1000 graphics cards, from 2000 FPGAs."""

from __future__ import annotations

import torch

from deephealth.eddl.errors import EddlError, EddlUnsupportedError, EddlValueError

__all__ = ["DEV_CPU", "DEV_FPGA", "DEV_GPU", "device_id", "device_kind", "device_number", "hardware", "torch_device"]

DEV_CPU = 0
DEV_GPU = 1000
DEV_FPGA = 2000

_CUDA_HINT = "leave the tensor on the CPU (DEV_CPU), or install a PyTorch build with CUDA on a machine with a card"


def device_kind(dev: int) -> str:
    """Return ``"CPU"``, ``"GPU"`` or ``"FPGA"`` for a device number.

    Raises:
        EddlValueError: the number is below 0.

    Example:
        >>> device_kind(1001)
        'GPU'
    """
    if dev < DEV_CPU:
        raise EddlValueError(f"{dev} is no device", allowed="DEV_CPU (0), or DEV_GPU (1000) plus the card's number")
    return "CPU" if dev < DEV_GPU else "GPU" if dev < DEV_FPGA else "FPGA"


def torch_device(dev: int) -> torch.device:
    """Return where PyTorch keeps what EDDL would put on device ``dev``.

    Args:
        dev: device number.

    Raises:
        EddlUnsupportedError: a graphics card that is not there, or an FPGA.
        EddlValueError: the number is below 0.

    Example:
        >>> torch_device(DEV_CPU)
        device(type='cpu')
    """
    kind = device_kind(dev)
    if kind == "CPU":
        return torch.device("cpu")
    if kind == "FPGA":
        raise EddlUnsupportedError("Tensor", "FPGAs are not supported", hint="use DEV_CPU or DEV_GPU")
    number, cards = dev - DEV_GPU, torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number >= cards:
        what = f"graphics card {number} was asked for and {cards} are here"
        raise EddlUnsupportedError("Tensor", what, hint=_CUDA_HINT)
    return torch.device("cuda", number)


def device_number(device: torch.device) -> int:
    """Return EDDL's number of a PyTorch device.

    Example:
        >>> device_number(torch.device("cuda", 1))
        1001
    """
    return DEV_CPU if device.type == "cpu" else DEV_GPU + (device.index or 0)


def device_id(name: str) -> int:
    """Return the device number of a name such as ``"cpu"``, ``"gpu"``, ``"cuda:1"`` or ``"fpga:0"``.

    Raises:
        EddlError: not such a name.

    Example:
        >>> device_id("cuda:1")
        1001
    """
    kind, _, rank = name.partition(":")
    bases = {"cpu": DEV_CPU, "cuda": DEV_GPU, "gpu": DEV_GPU, "fpga": DEV_FPGA}
    if kind not in bases or (":" in name and not rank.isdecimal()):
        allowed = "'cpu', 'cuda', 'gpu' or 'fpga', or one of them with a number: 'cuda:0'"
        raise EddlError("Tensor::getDeviceID", f"'{name}' names no device", allowed=allowed)
    return DEV_CPU if kind == "cpu" else bases[kind] + int(rank or 0)


def hardware() -> list[str]:
    """Return what tensors can be on here: ``cpu``, and with a graphics card ``cuda`` and ``cudnn``.

    Example:
        >>> hardware()[0]
        'cpu'
    """
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
        if torch.backends.cudnn.is_available():
            found.append("cudnn")
    return found
