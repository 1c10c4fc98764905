"""Warp: affine, elastic and flip of image and label in one resample, without a grid in memory.

Contract
    Image B×C×D×H×W of floats, label B×C×D×H×W of whole numbers (or bool), one map per sample: ``matrix`` B×3×4
    (output voxel -> source voxel, axes D, H, W) plus displacements as a coarse grid B×3×d×h×w of control points of a
    cubic B-spline (:mod:`deephealth.kernels.warp_map`). Flips, crops, zooms and quarter turns are matrices.
    Coordinates are float64.

    Image: ``linear``; ``cubic``, the interpolating cubic B-spline (``scipy.ndimage`` order 3, prefilter mirrored); or
    ``nearest``. Label: the nearest voxel, halves up. Padding: ``constant`` fades to a value within one voxel (for
    ``linear`` this is ``grid_sample``'s ``zeros`` and scipy's ``grid-constant``), a label ends half a voxel outside;
    ``border`` holds the outer voxels; ``reflection`` mirrors at their centres.

    Errors: float32 images differ from a float64 warp by at most 1e-6 of the range of the intensities (cubic: 3e-6);
    float16 and bfloat16 go through float32, float64 through the reference. A label differs only where a position lies
    within 1e-6 voxel of a tie.

    Bytes: each output voxel is written once; the source is read once where the cache holds the neighbouring rows.
    Linear float32 image and uint8 label: 10 bytes per voxel. ``cubic`` reads and writes three more images.

    Gradients: by the image (through the reference); a map that asks for a gradient is computed by the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from deephealth.core.errors import ConfigError, DataError, did_you_mean
from deephealth.kernels.compilers import version_for
from deephealth.kernels.warp_compiled import warp_compiled
from deephealth.kernels.warp_map import inverse_points, source_points
from deephealth.kernels.warp_reference import reference
from deephealth.kernels.warp_triton import warp_triton

__all__ = ["MODES", "PADDINGS", "reference", "unwarp_points", "warp", "warp_points"]

MODES = ("linear", "cubic", "nearest")
PADDINGS = ("constant", "border", "reflection")

_LABELS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)
_FAR = 0.01  # voxel: what a warped landmark may be off


def warp(  # noqa: PLR0913 - a kernel's whole contract
    image: torch.Tensor | None,
    matrix: torch.Tensor,
    control: torch.Tensor | None = None,
    *,
    label: torch.Tensor | None = None,
    shape: Sequence[int] | None = None,
    mode: str = "linear",
    padding: str = "constant",
    value: float = 0.0,
    label_value: int = 0,
    inverse: Sequence[int] | None = None,
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Resample an image, a label, or both, through one map per sample.

    Args:
        image: B×C×D×H×W of floats, any strides; or ``None``.
        matrix: B×3×4 (or 1×3×4 for all), finite: output voxel -> source voxel, axes D, H, W.
        control: B×3×d×h×w control points, source voxels, 4 or more per axis; ``None`` for a purely affine map.
        label: B×C×D×H×W of whole numbers, with the image's size; or ``None``.
        shape: D, H, W of the map's output; the source's when not given.
        mode: of the image: ``linear``, ``cubic`` or ``nearest``.
        padding: of both: ``constant``, ``border`` or ``reflection``.
        value: of the image outside the source, for ``constant``.
        label_value: of the label outside the source, for ``constant``.
        inverse: undo the map: ``image`` and ``label`` have the size ``shape``, and the result has this size D, H, W.

    Returns:
        Warped image and label, contiguous, in their own dtypes; ``None`` for what was not given.

    Raises:
        ConfigError: an unknown mode or padding.
        DataError: shapes, dtypes or a map that do not fit.
        DeviceError: tensors on several devices.

    Example:
        >>> image = torch.arange(4.0).reshape(1, 1, 1, 1, 4)
        >>> flip = torch.eye(3, 4, dtype=torch.float64)[None]
        >>> flip[0, 2] = torch.tensor([0, 0, -1, 3])
        >>> warp(image, flip)[0].flatten().tolist()
        [3.0, 2.0, 1.0, 0.0]
    """
    _check_words(mode, padding)
    size = _check_volumes(image, label)
    volume = next(tensor for tensor in (image, label) if tensor is not None)
    shape = tuple(shape if shape is not None else size)
    matrix, control = _check_map(matrix, control, len(volume))
    _check_sizes(size, shape, inverse)
    settings = {"mode": mode, "padding": padding, "value": value, "label_value": label_value, "inverse": inverse}
    if inverse is not None:
        inverse_points(matrix.new_zeros(len(matrix), 0, 3), matrix, None, shape)  # raises if there is no inverse
        if size != shape:
            raise DataError(f"the warped volume has the size {size}, the map's output {shape}", allowed="one size")
    run = _version(image, label, matrix, control, inverse)
    if volume.numel() == 0 or 0 in (inverse or shape):
        run = reference
    if image is None or run is reference:
        return run(image, label, matrix, control, shape, **settings)
    return _Warp.apply(image, label, matrix, control, shape, settings, run)


def _version(
    image: torch.Tensor | None,
    label: torch.Tensor | None,
    matrix: torch.Tensor,
    control: torch.Tensor | None,
    inverse: Sequence[int] | None,
) -> Callable[..., Any]:
    version = version_for(*(tensor for tensor in (image, label, matrix, control) if tensor is not None))
    learned = matrix.requires_grad or (control is not None and control.requires_grad)
    if learned or version == "reference" or (image is not None and image.dtype == torch.float64):
        return reference
    if version == "triton":
        return warp_triton if inverse is None else reference
    return warp_compiled


class _Warp(torch.autograd.Function):
    """Forward by a fast version, backward by the reference."""

    @staticmethod
    def forward(
        ctx: Any, image: Any, label: Any, matrix: Any, control: Any, shape: Any, settings: Any, run: Any
    ) -> Any:
        ctx.save_for_backward(image, matrix, control)
        ctx.shape, ctx.settings = shape, settings
        found, labels = run(image, label, matrix, control, shape, **settings)
        if labels is not None:
            ctx.mark_non_differentiable(labels)
        return found.to(image.dtype), labels

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        image, matrix, control = ctx.saved_tensors
        with torch.enable_grad():
            image = image.detach().requires_grad_()
            found, _ = reference(image, None, matrix, control, ctx.shape, **ctx.settings)
            (gradient,) = torch.autograd.grad(found, image, gradients[0])  # type: ignore[arg-type]
        return gradient, None, None, None, None, None, None


def unwarp_points(
    points: torch.Tensor, matrix: torch.Tensor, control: torch.Tensor | None = None, *, shape: Sequence[int]
) -> torch.Tensor:
    """Return where points of the warped volume come from: the map itself.

    Args:
        points: B×N×3 positions in the output, voxels (D, H, W), whole or not.
        matrix: as in :func:`warp`.
        control: as in :func:`warp`.
        shape: D, H, W of the output.

    Returns:
        B×N×3 positions in the source, float64.

    Raises:
        DataError: points or a map that do not fit.

    Example:
        >>> shift = torch.eye(3, 4, dtype=torch.float64)[None]
        >>> shift[0, :, 3] = 2
        >>> unwarp_points(torch.zeros(1, 1, 3), shift, shape=(4, 4, 4)).tolist()
        [[[2.0, 2.0, 2.0]]]
    """
    matrix, control = _check_map(matrix, control, len(points))
    return source_points(_checked_points(points), matrix, control, shape)[0]


def warp_points(
    points: torch.Tensor, matrix: torch.Tensor, control: torch.Tensor | None = None, *, shape: Sequence[int]
) -> torch.Tensor:
    """Return where landmarks of the source come to lie in the warped volume: the map's inverse, by Newton's method.

    Args:
        points: B×N×3 positions in the source, voxels (D, H, W), whole or not.
        matrix: as in :func:`warp`.
        control: as in :func:`warp`.
        shape: D, H, W of the output.

    Returns:
        B×N×3 positions in the output, float64.

    Raises:
        DataError: points or a map that do not fit, or a map that folds so that points have no place.

    Example:
        >>> shift = torch.eye(3, 4, dtype=torch.float64)[None]
        >>> shift[0, :, 3] = 2
        >>> warp_points(torch.full((1, 1, 3), 2.0), shift, shape=(4, 4, 4)).tolist()
        [[[0.0, 0.0, 0.0]]]
    """
    matrix, control = _check_map(matrix, control, len(points))
    found, off = inverse_points(_checked_points(points), matrix, control, shape)
    lost = int((~(off < _FAR)).sum())
    if lost:
        raise DataError(
            f"{lost} of {off.numel()} points have no place in the warped volume: the map folds there",
            allowed="displacements below 0.4 of the spacing of the control points",
        )
    return found


def _check_words(mode: str, padding: str) -> None:
    wrong = []
    if mode not in MODES:
        wrong.append(f"mode: there is no '{mode}'; {did_you_mean(mode, MODES)}")
    if padding not in PADDINGS:
        wrong.append(f"padding: there is no '{padding}'; {did_you_mean(padding, PADDINGS)}")
    if wrong:
        raise ConfigError(wrong, source="warp")


def _check_volumes(image: torch.Tensor | None, label: torch.Tensor | None) -> tuple[int, ...]:
    for name, volume in (("image", image), ("label", label)):
        if volume is not None and volume.ndim != 5:
            raise DataError(f"the {name} has the shape {tuple(volume.shape)}", allowed="B×C×D×H×W")
    if image is not None and not image.is_floating_point():
        raise DataError(
            f"the image is {image.dtype}", allowed="floats", hint="image.float(), or pass it as label for nearest"
        )
    if label is not None and label.dtype not in _LABELS:
        raise DataError(f"the label is {label.dtype}", allowed="whole numbers or bool", hint="label.long()")
    if image is not None and label is not None:
        same = image.shape[0] == label.shape[0] and image.shape[2:] == label.shape[2:]
        if not same:
            raise DataError(
                f"image {tuple(image.shape)} and label {tuple(label.shape)} do not fit",
                allowed="the same B, D, H and W",
            )
    volume = image if image is not None else label
    if volume is None:
        raise DataError("neither image nor label was given", allowed="one of them, or both")
    return tuple(volume.shape[2:])


def _check_map(
    matrix: torch.Tensor, control: torch.Tensor | None, batch: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    if matrix.ndim != 3 or matrix.shape[1:] != (3, 4) or len(matrix) not in (1, batch):
        raise DataError(f"the matrix has the shape {tuple(matrix.shape)}", allowed=f"{batch}×3×4 or 1×3×4")
    matrix = matrix.double().expand(batch, 3, 4)
    if not bool(matrix.isfinite().all()):
        bad = (~matrix.isfinite().all(dim=(1, 2))).nonzero().flatten().tolist()
        raise DataError(f"the matrices of samples {bad} hold NaN or infinity", allowed="finite numbers")
    if control is None:
        return matrix, None
    fits = control.ndim == 5 and control.shape[1] == 3 and len(control) in (1, batch)
    if not fits or min(control.shape[2:]) < 4:
        raise DataError(
            f"the control points have the shape {tuple(control.shape)}",
            allowed=f"{batch}×3×d×h×w with 4 or more per axis (three more than cells)",
        )
    if not bool(control.isfinite().all()):
        count = int((~control.isfinite()).sum())
        raise DataError(f"{count} of the control points' {control.numel()} numbers are NaN or infinite")
    return matrix, control.expand(batch, -1, -1, -1, -1)


def _check_sizes(size: Sequence[int], shape: Sequence[int], inverse: Sequence[int] | None) -> None:
    for name, goal in (("shape", shape), ("inverse", inverse if inverse is not None else shape)):
        if len(goal) != 3 or min(goal) < 0:
            raise DataError(f"{name} is {tuple(goal)}", allowed="D, H, W: three sizes of 0 or more")
    if 0 in size and 0 not in (inverse or shape):
        raise DataError(f"the source has the size {tuple(size)}: there is nothing to resample")


def _checked_points(points: torch.Tensor) -> torch.Tensor:
    if points.ndim != 3 or points.shape[2] != 3:
        raise DataError(f"the points have the shape {tuple(points.shape)}", allowed="B×N×3 (D, H, W)")
    if not bool(points.isfinite().all()):
        count = int((~points.isfinite().all(dim=2)).sum())
        raise DataError(f"{count} points hold NaN or infinity", allowed="finite positions")
    return points.double()
