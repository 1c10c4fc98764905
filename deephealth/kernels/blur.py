"""Gaussian blur of a volume, separable, in one read and one write.

Contract
    ``image``: B×C×D×H×W of float32 (float16, bfloat16 are computed in float32, float64 by the reference), any strides;
    three lists of taps, of odd lengths, for D, H and W. Beyond the border the volume is mirrored about its outermost
    voxels (torch's ``reflect``), as often as a long kernel needs it. Error: 1e-6 of the largest value.

    Bytes moved: 4 read and 4 written per voxel; as many planes as there are taps along D stay in the cache. On an
    accelerator: three convolutions of torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from deephealth.core.errors import DataError
from deephealth.kernels.compilers import compiled, on_cores, version_for

__all__ = ["blur", "gaussian_taps", "reference"]

_GRAIN = 32  # planes per stretch


def gaussian_taps(deviation: float, truncate: float = 6.0) -> np.ndarray:
    """Return the taps of a Gaussian, float32, their sum 1.

    Args:
        deviation: in voxels; 0 gives one tap.
        truncate: width of the whole kernel in standard deviations; its length is the odd number nearest to
            ``deviation * truncate + 0.5``, as in batchgeneratorsv2.

    Raises:
        DataError: the deviation is negative or not finite.

    Example:
        >>> gaussian_taps(0.5).round(3).tolist()
        [0.10700000077486038, 0.7870000004768372, 0.10700000077486038]
    """
    if not (np.isfinite(deviation) and deviation >= 0):
        raise DataError(f"the deviation of a blur is {deviation}", allowed="0 and more, in voxels")
    half = max(0, int(np.floor((deviation * truncate + 0.5) / 2)))
    places = np.arange(-half, half + 1)
    taps = np.exp(-0.5 * (places / max(deviation, 1e-6)) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def blur(image: torch.Tensor, taps: Sequence[np.ndarray]) -> torch.Tensor:
    """Return the image convolved with three lists of taps.

    Args:
        image: C×D×H×W of floats.
        taps: for D, H and W, each of odd length.

    Raises:
        DataError: the image is not C×D×H×W of floats, or a list of taps has an even length.

    Example:
        >>> blur(torch.ones(1, 1, 5, 6), [gaussian_taps(1.0)] * 3).std() < 1e-6
        tensor(True)
    """
    if image.ndim != 4 or not image.is_floating_point():
        raise DataError(f"the image is {image.dtype} of shape {tuple(image.shape)}", allowed="floats, C×D×H×W")
    lengths = [len(one) for one in taps]
    if len(lengths) != 3 or any(length % 2 == 0 for length in lengths):
        raise DataError(f"the lists of taps have lengths {lengths}", allowed="three odd numbers")
    if image.numel() == 0:
        return image.clone()
    if version_for(image) != "compiled" or image.dtype == torch.float64 or image.requires_grad:
        return reference(image, taps)
    source = image.float().contiguous().numpy()
    out = torch.empty(image.shape)
    target, lists = out.numpy(), [np.ascontiguousarray(one, np.float32) for one in taps]
    for channel in range(len(source)):
        pair = source[channel], target[channel]
        on_cores(lambda first, last, pair=pair: _planes(*pair, first, last, *lists), source.shape[1], _GRAIN)  # type: ignore[misc]
    return out.to(image.dtype)


def reference(image: torch.Tensor, taps: Sequence[np.ndarray]) -> torch.Tensor:
    """Return the same by indexing and three convolutions in plain torch; differentiable."""
    found = image if image.dtype == torch.float64 else image.float()
    for axis, one in enumerate(taps, 1):
        size, half = found.shape[axis], len(one) // 2
        places = torch.arange(-half, size + half, device=image.device)
        found = found.index_select(axis, _mirrored(places, size))
        shape = [1, 1, 1, 1, 1]
        shape[axis + 1] = len(one)
        weight = torch.as_tensor(one, device=image.device, dtype=found.dtype).view(shape)
        found = functional.conv3d(found[:, None], weight)[:, 0]
    return found.to(image.dtype)


def _mirrored(places: torch.Tensor, size: int) -> torch.Tensor:
    if size == 1:
        return torch.zeros_like(places)
    places = places.remainder(2 * (size - 1))
    return torch.minimum(places, 2 * (size - 1) - places)


@compiled
def _mirror(place, size):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    if size == 1:
        return 0
    place = place % (2 * (size - 1))
    return min(place, 2 * (size - 1) - place)


@compiled
def _planes(source, target, first, last, along_d, along_h, along_w):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Blur planes of a channel: each plane in itself, then across the planes that are held."""
    depth, height, width = source.shape
    half, length = along_d.size // 2, along_d.size
    held = np.empty((length, height, width), np.float32)
    line = np.empty(width + along_w.size - 1, np.float32)
    for place in range(first - half, last + half):
        slot = (place - first + half) % length
        plane = source[_mirror(place, depth)]
        for row in range(height):
            _row(plane, row, along_h, along_w, line, held[slot, row])
        if place - half >= first:
            for row in range(height):
                out = target[place - half, row]
                _weighted(held[(slot + 1) % length, row], along_d[0], out)
                for tap in range(1, length):
                    _add_weighted(held[(slot + 1 + tap) % length, row], along_d[tap], out)


@compiled
def _row(plane, row, along_h, along_w, line, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    height, width = plane.shape
    half_h, half_w = along_h.size // 2, along_w.size // 2
    middle = line[half_w : half_w + width]
    _weighted(plane[_mirror(row - half_h, height)], along_h[0], middle)
    for tap in range(1, along_h.size):
        _add_weighted(plane[_mirror(row - half_h + tap, height)], along_h[tap], middle)
    for place in range(1, half_w + 1):
        line[half_w - place] = middle[_mirror(-place, width)]
        line[half_w + width - 1 + place] = middle[_mirror(width - 1 + place, width)]
    _weighted(line, along_w[0], out)
    for tap in range(1, along_w.size):
        _add_weighted(line[tap:], along_w[tap], out)


@compiled
def _weighted(values, weight, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for at in range(out.size):
        out[at] = values[at] * weight


@compiled
def _add_weighted(values, weight, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for at in range(out.size):
        out[at] += values[at] * weight
