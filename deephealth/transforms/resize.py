"""The one resize of the project: bilinear with antialias, rounded to whole grey levels.

The cache, the predictor and the exported ONNX all go through the functions below, so that a network sees the same
numbers in training and in the clinic. Filter: a triangle whose support grows with the reduction, as in Pillow and in
``torch.nn.functional.interpolate(antialias=True)``. Halves are rounded up, with a margin far above float error: a
weighted mean of whole levels is often an exact half, and there PyTorch and onnxruntime would fall to different sides
by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch.nn import functional

from deephealth.core.errors import DataError

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["resize_float", "resize_levels", "resize_mask", "resize_rgb"]

Raster = TypeVar("Raster", np.ndarray, torch.Tensor)

_HALF = 0.5 + 2.0**-10  # float32 error of the filter is about 2**-15 grey levels


def resize_rgb(image: Raster, size: tuple[int, int]) -> Raster:
    """Resize one image of 8-bit grey levels; an image that has the size already comes back unchanged.

    Args:
        image: NumPy array H×W×C, or tensor C×H×W; uint8.
        size: height and width, pixels.

    Returns:
        The same kind and order of axes, uint8.

    Raises:
        DataError: not uint8, or not three axes, or an empty axis.

    Example:
        >>> resize_rgb(np.full((4, 6, 3), 7, np.uint8), (2, 3))[..., 0].tolist()
        [[7, 7, 7], [7, 7, 7]]
    """
    _check(image, size, axes=3)
    if isinstance(image, torch.Tensor):
        return image if tuple(image.shape[-2:]) == size else resize_levels(image[None].float(), size)[0].to(torch.uint8)
    if image.shape[:2] == size:
        return image
    chw = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    resized = resize_levels(chw[None].float().contiguous(), size)[0].to(torch.uint8)
    return np.ascontiguousarray(resized.permute(1, 2, 0).numpy())


def resize_mask(mask: Raster, size: tuple[int, int]) -> Raster:
    """Resize one mask: a pixel is foreground where at least half of what it covers was.

    Args:
        mask: NumPy array H×W or tensor 1×H×W; uint8, 0 is background and anything else foreground.
        size: height and width, pixels.

    Returns:
        The same kind and order of axes, uint8, 0 or 1.

    Raises:
        DataError: not uint8, or the wrong number of axes, or an empty axis.

    Example:
        >>> resize_mask(np.array([[0, 0, 9, 9]] * 2, np.uint8), (1, 2)).tolist()
        [[0, 1]]
    """
    is_tensor = isinstance(mask, torch.Tensor)
    _check(mask, size, axes=3 if is_tensor else 2)
    tensor = mask if isinstance(mask, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(mask))[None]
    binary = (tensor > 0).to(torch.uint8)
    if tuple(binary.shape[-2:]) != size:
        binary = (resize_float(binary[None].float(), size)[0] >= 0.5).to(torch.uint8)
    return binary if is_tensor else binary[0].numpy()  # type: ignore[return-value]


def resize_levels(image_bchw: TensorBCHW, size: tuple[int, int]) -> TensorBCHW:
    """Resize a batch of grey levels and round them to whole levels; exportable to ONNX with any H and W.

    Args:
        image_bchw: float32, 0 to 255.
        size: height and width, pixels.

    Returns:
        float32 B×C×height×width, whole numbers from 0 to 255.
    """
    return (resize_float(image_bchw, size) + _HALF).floor()


def resize_float(image_bchw: TensorBCHW, size: tuple[int, int]) -> TensorBCHW:
    """Resize a batch of real numbers (logits, probabilities): the same filter, nothing rounded.

    Args:
        image_bchw: floating point.
        size: height and width, pixels.
    """
    if size[1] == 1:  # torch 2.14 reads the wrong rows when the result is one pixel wide; a lying image is right
        return _interpolate(image_bchw.transpose(-1, -2), (1, size[0])).transpose(-1, -2)
    return _interpolate(image_bchw, size)


def _interpolate(image_bchw: TensorBCHW, size: tuple[int, int]) -> TensorBCHW:
    return functional.interpolate(image_bchw, size=size, mode="bilinear", align_corners=False, antialias=True)


def _check(raster: np.ndarray | torch.Tensor, size: tuple[int, int], *, axes: int) -> None:
    if raster.dtype not in (np.uint8, torch.uint8):
        raise DataError(f"resize got {raster.dtype}", allowed="uint8")
    if raster.ndim != axes or 0 in raster.shape:
        order = {(True, 3): "C×H×W", (False, 3): "H×W×C", (False, 2): "H×W"}[isinstance(raster, torch.Tensor), axes]
        raise DataError(f"resize got the shape {tuple(raster.shape)}", allowed=f"{order}, no axis empty")
    if min(size) < 1:
        raise DataError(f"resize to {size[0]}×{size[1]} pixels", allowed="height and width of at least 1")
