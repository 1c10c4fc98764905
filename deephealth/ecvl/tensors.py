"""Images to EDDL tensors and back: an ``"xyc"`` image is C x H x W, values as they are, in single precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.planar import write_planes
from deephealth.ecvl.planes import picture_axes
from deephealth.ecvl.views import View_float32
from deephealth.eddl.tensor import Tensor

__all__ = ["ImageToTensor", "MakeGrid", "TensorToImage", "TensorToView"]

_RANKS = (3, 4)


def ImageToTensor(img: Image, t: Any = None, offset: int | None = None) -> Any:
    """Convert an image to a tensor C x H x W, or write it into a tensor of several images.

    Args:
        img: image with the axes x, y and one of c, z, o, in any order.
        t: tensor of several images, N x C x H x W; together with ``offset``.
        offset: how many images of this size come before this one in ``t``.

    Returns:
        The tensor: a new one, or ``t``.

    Raises:
        EcvlValueError: only one of ``t`` and ``offset``, or an offset below 0.
        EcvlError: other axes, or ``t`` is too small.

    Example:
        >>> image = Image([20, 30, 3], 6, "xyc", ColorType.BGR)
        >>> ImageToTensor(image).shape
        [3, 30, 20]
    """
    if (t is None) != (offset is None):
        raise EcvlValueError("only one of t and offset is given", allowed="both or neither")
    y, x, third = picture_axes(img, "ImageToTensor")
    dims = img.dims_
    shape = (dims[third], dims[y], dims[x])
    if t is None or offset is None:
        made = torch.empty(shape)
        write_planes(img, made.numpy())
        return Tensor.from_torch(made)
    memory = _torch_of(t)
    size = math.prod(shape)
    if offset < 0:
        raise EcvlValueError(f"an offset of {offset}", allowed="0 and above")
    if memory.numel() < size * (offset + 1):
        raise EcvlError(
            f"image {offset} of {list(shape)} does not fit into a tensor of {list(memory.shape)}",
            allowed=f"a tensor of at least {size * (offset + 1)} numbers",
        )
    if memory.device.type == "cpu" and memory.is_contiguous() and memory.dtype is torch.float32:
        write_planes(img, memory.view(-1)[size * offset : size * (offset + 1)].numpy().reshape(shape))
    else:
        made = torch.empty(shape)
        write_planes(img, made.numpy())
        memory.reshape(-1)[size * offset : size * (offset + 1)].copy_(made.view(-1))
    return t


def TensorToImage(t: Any) -> Image:
    """Convert a tensor to an ``"xyo"`` image of float32 without colours, as a copy.

    Args:
        t: tensor C x H x W, or N x C x H x W, whose N times C planes follow each other.

    Raises:
        EcvlError: another rank.

    Example:
        >>> TensorToImage(Tensor([5, 3, 30, 20])).dims_
        [20, 30, 15]
    """
    planes = _planes(_torch_of(t))
    image = Image()
    image.rebind(planes.detach().cpu().numpy().copy().transpose(2, 1, 0), channels="xyo", colortype=ColorType.none)
    image.buffer()
    return image


def TensorToView(t: Any) -> View_float32:
    """Return a view of a tensor's memory as an ``"xyo"`` image: writing to one changes the other.

    Args:
        t: contiguous tensor on the CPU, C x H x W or N x C x H x W.

    Raises:
        EcvlError: another rank, not contiguous, or on a graphics card.

    Example:
        >>> tensor = Tensor([1, 2, 2])
        >>> view = TensorToView(tensor)
        >>> view[1, 0, 0] = 5
        >>> tensor.max()
        5.0
    """
    memory = _torch_of(t)
    if memory.device.type != "cpu" or not memory.is_contiguous() or memory.dtype is not torch.float32:
        raise EcvlError(
            f"a tensor of {memory.dtype} on '{memory.device}' with strides {memory.stride()} can't be viewed",
            allowed="a contiguous float32 tensor on the CPU",
            hint="TensorToImage copies any tensor",
        )
    holder = Image()
    holder.rebind(_planes(memory.detach()).numpy().transpose(2, 1, 0), channels="xyo", colortype=ColorType.none)
    return View_float32(holder)


def MakeGrid(t: Any, cols: int = 8, normalize: bool = False) -> Image:
    """Return the images of a tensor side by side, as 8-bit image: values are multiplied by 255 and clamped.

    Args:
        t: tensor N x C x H x W.
        cols: images per row; missing ones are black.
        normalize: stretch each image to 0 to 1 first.

    Raises:
        EcvlError: another rank, no image, or no column.

    Example:
        >>> MakeGrid(Tensor([5, 3, 4, 6]), cols=2).dims_
        [12, 12, 3]
    """
    images = _torch_of(t).detach().cpu().numpy()
    if images.ndim != max(_RANKS) or not len(images) or cols < 1:
        raise EcvlError(f"a grid of {list(images.shape)} in {cols} columns", allowed="N x C x H x W, 1 column or more")
    count, channels, height, width = images.shape
    cols = min(count, cols)
    grid = np.zeros((math.ceil(count / cols) * height, cols * width, channels), dtype=np.uint8)
    for at, image in enumerate(images):
        row, column = divmod(at, cols)
        scaled = _stretched(image) if normalize else image
        cell = np.clip(np.nan_to_num(scaled * np.float32(255)), 0, 255).astype(np.uint8)
        grid[row * height : (row + 1) * height, column * width : (column + 1) * width] = cell.transpose(1, 2, 0)
    made = Image()
    made.rebind(grid.transpose(1, 0, 2), channels="xyc", colortype=ColorType.none)
    return made


def _stretched(image: np.ndarray) -> np.ndarray:
    """Scale to 0 to 1; a flat image becomes 0."""
    low, high = float(image.min()), float(image.max())
    if high == low:
        return np.zeros_like(image)
    factor = 1.0 / (high - low)
    found: np.ndarray = (image.astype(np.float64) * factor + (1.0 - factor * high)).astype(np.float32)
    return found


def _planes(memory: torch.Tensor) -> torch.Tensor:
    """Return C x H x W, or (N C) x H x W."""
    if memory.dim() not in _RANKS:
        raise EcvlError(f"a tensor of {memory.dim()} dimensions", allowed="C x H x W or N x C x H x W")
    return memory.reshape(-1, *memory.shape[-2:])


def _torch_of(t: Any) -> torch.Tensor:
    """Return the torch tensor of an EDDL tensor, a torch tensor, or an array."""
    if isinstance(t, torch.Tensor):
        return t
    if isinstance(t, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(t, dtype=np.float32))
    memory = getattr(t, "torch", None)
    if not isinstance(memory, torch.Tensor):
        raise TypeError(f"{type(t).__name__} is no tensor")
    return memory
