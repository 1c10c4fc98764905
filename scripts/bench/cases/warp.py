"""Rows of the warp: affine and elastic of an image and its label, on a processor (P8) and an accelerator (G3).

One map for all: a turn about the first axis, a scale, and displacements by a cubic B-spline. scipy, SimpleITK (dense)
and MONAI are given the dense displacement, made outside the time; SimpleITK (spline) and torchio evaluate the spline
as we do. MONAI's own displacement is smoothed noise: here its noise is our displacement and its smoothing does nothing,
which also spares it the time to draw and smooth. torchio resamples twice, and its spline begins half a voxel further
out: its output is compared on average only. What lies outside the source differs by definition (SimpleITK and torchio
keep the border's value for half a voxel), so those are compared inside.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from row import Row

from deephealth.kernels.compilers import using
from deephealth.kernels.warp import reference, warp
from deephealth.kernels.warp_map import coordinates

__all__ = ["ROWS"]

SIZE = 160
POINTS = 7
ANGLE, SCALE = 0.25, 1.1
MARGIN = 8  # voxels of displacement at a control point
Answer = tuple[torch.Tensor, torch.Tensor]


def on_processor() -> Mapping[str, Callable[[], Any]]:
    image, label = _volumes(SIZE)
    matrix, moves = _map(SIZE)
    control = torch.einsum("ab,nbijk->naijk", matrix[0, :, :3], moves)
    shape = (SIZE,) * 3
    where = coordinates(matrix, control, shape)[0].numpy()
    return {
        "deephealth": lambda: warp(image, matrix, control, label=label),
        "torchio": _torchio(image, label, moves),
        "MONAI": _monai(image, label, moves),
        "scipy": functools.partial(_scipy, image, label, where),
        "SimpleITK, spline": _sitk(image, label, _sitk_spline(matrix, moves)),
        "SimpleITK, dense": _sitk(image, label, _sitk_dense(where)),
    }


def _volumes(size: int, batch: int = 1) -> Answer:
    numbers = torch.Generator().manual_seed(0)
    coarse = torch.rand((batch, 1, 12, 12, 12), generator=numbers)
    image = torch.nn.functional.interpolate(coarse, (size,) * 3, mode="trilinear", align_corners=True)
    return image.contiguous(), (image * 14).to(torch.uint8)


def _map(size: int, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the affine part, and the control points as moves in the output."""
    cos, sin = math.cos(ANGLE) / SCALE, math.sin(ANGLE) / SCALE
    linear = torch.tensor([[1 / SCALE, 0, 0], [0, cos, -sin], [0, sin, cos]], dtype=torch.float64)
    middle = torch.full((3, 1), (size - 1) / 2, dtype=torch.float64)
    matrix = torch.cat([linear, middle - linear @ middle], 1).expand(batch, 3, 4)
    moves = np.random.default_rng(0).uniform(-MARGIN, MARGIN, (batch, 3, POINTS, POINTS, POINTS))
    return matrix.contiguous(), torch.from_numpy(moves)


def _torchio(image: torch.Tensor, label: torch.Tensor, moves: torch.Tensor) -> Callable[[], Answer]:
    import torchio

    subject = torchio.Subject(image=torchio.ScalarImage(tensor=image[0]), label=torchio.LabelMap(tensor=label[0]))
    # their first axes grow to the right and to the front, those of ITK's grid to the left and the back
    points = np.moveaxis(moves[0].numpy(), 0, -1)[::-1, ::-1] * np.array([-1.0, -1.0, 1.0])
    affine = torchio.Affine(scales=SCALE, degrees=(math.degrees(-ANGLE), 0, 0), translation=0, default_pad_value=0)
    elastic = torchio.ElasticDeformation(control_points=points, max_displacement=(MARGIN,) * 3)

    def run() -> Answer:
        found = elastic(affine(subject))
        return found.image.data[None], found.label.data[None]

    return run


def _monai(image: torch.Tensor, label: torch.Tensor, moves: torch.Tensor) -> Callable[[], Answer]:
    from monai.transforms import Rand3DElasticd

    step = Rand3DElasticd(
        ("image", "label"),
        sigma_range=(0, 0),
        magnitude_range=(1, 1),
        prob=1.0,
        rotate_range=((ANGLE, ANGLE), (0, 0), (0, 0)),
        scale_range=((1 / SCALE - 1,) * 2,) * 3,
        mode=("bilinear", "nearest"),
        padding_mode="zeros",
    )
    identity = torch.eye(3, 4, dtype=torch.float64)[None]
    still = coordinates(identity, None, (SIZE,) * 3)
    inner = step.rand_3d_elastic
    inner.rand_offset = (coordinates(identity, moves, (SIZE,) * 3) - still)[0].float().numpy()
    inner.magnitude, inner.sigma = 1.0, 1e-3
    inner.randomize = lambda grid_size: None

    def run() -> Answer:
        found = step({"image": image[0], "label": label[0]})
        return found["image"].as_tensor()[None], found["label"].as_tensor()[None]

    return run


def _scipy(image: torch.Tensor, label: torch.Tensor, where: np.ndarray) -> Answer:
    from scipy import ndimage

    found = ndimage.map_coordinates(image[0, 0].numpy(), where, order=1, mode="grid-constant")
    labels = ndimage.map_coordinates(label[0, 0].numpy(), where, order=0, mode="grid-constant")
    return torch.from_numpy(found)[None, None], torch.from_numpy(labels)[None, None]


def _sitk_spline(matrix: torch.Tensor, moves: torch.Tensor) -> Any:
    import SimpleITK as sitk  # noqa: N813

    spline = sitk.BSplineTransform(3, 3)
    spline.SetTransformDomainMeshSize([POINTS - 3] * 3)
    spline.SetTransformDomainPhysicalDimensions([SIZE - 1.0] * 3)
    spline.SetParameters(moves[0].flip(0).flatten().tolist())  # theirs: x, y, z
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(matrix[0, :, :3].flip(0, 1).flatten().tolist())
    affine.SetTranslation(matrix[0, :, 3].flip(0).tolist())
    return sitk.CompositeTransform([affine, spline])  # the last one comes first


def _sitk_dense(where: np.ndarray) -> Any:
    import SimpleITK as sitk  # noqa: N813

    still = np.stack(np.meshgrid(*(np.arange(SIZE),) * 3, indexing="ij"))
    moves = np.ascontiguousarray(np.moveaxis((where - still)[::-1], 0, -1))
    return sitk.DisplacementFieldTransform(sitk.GetImageFromArray(moves, isVector=True))


def _sitk(image: torch.Tensor, label: torch.Tensor, transform: Any) -> Callable[[], Answer]:
    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(torch.get_num_threads())
    volumes = [sitk.GetImageFromArray(volume[0, 0].numpy()) for volume in (image, label)]

    def run() -> Answer:
        found = sitk.Resample(volumes[0], transform, sitk.sitkLinear, 0.0)
        labels = sitk.Resample(volumes[1], transform, sitk.sitkNearestNeighbor, 0.0)
        return tuple(torch.from_numpy(sitk.GetArrayFromImage(one))[None, None] for one in (found, labels))

    return run


def equal(answers: Mapping[str, Answer]) -> str:
    """Compare images by their largest difference inside the source, labels by the share that differs."""
    matrix, moves = _map(SIZE)
    control = torch.einsum("ab,nbijk->naijk", matrix[0, :, :3], moves)
    where = coordinates(matrix, control, (SIZE,) * 3)
    inside = ((where >= 0) & (where <= SIZE - 1)).all(1, keepdim=True)
    image, label = answers["deephealth"]
    told = []
    for name, (other, labels) in answers.items():
        apart = (image - other.float()).abs()
        differ = float((label != labels.to(label.dtype))[inside].float().mean())
        if name == "torchio":
            apart = float(apart[inside].mean())
            told.append(f"torchio, resampled twice, to {apart:.1g} on average")
            assert apart < 0.02, f"torchio: images differ by {apart:.2g} on average"
            continue
        worst = float((apart if name in ("MONAI", "scipy") else apart[inside]).max())
        assert worst <= 2e-4, f"{name}: images differ by {worst:.2g}"
        assert differ <= 1e-4, f"{name}: {differ:.2g} of the labels differ"
        if name != "deephealth":
            told.append(f"{name} to {worst:.1g}, {differ:.1g} of the labels differ")
    return "; ".join(told)


def on_accelerator() -> Mapping[str, Callable[[], Any]]:
    size, batch = 192, 8
    image, label = (volume.cuda() for volume in _volumes(size, batch))
    matrix, moves = (one.cuda() for one in _map(size, batch))
    control = torch.einsum("nab,nbijk->naijk", matrix[:, :, :3], moves)

    def by_triton() -> Any:
        with using("triton"):
            return warp(image, matrix, control, label=label)

    grid = functools.partial(_grid_sample, image, label, matrix, control)
    return {
        "deephealth": by_triton,
        "grid_sample": grid,
        "torch.compile": torch.compile(grid),
        "own reference": lambda: reference(image, label, matrix, control, (size,) * 3),
    }


def _grid_sample(image: torch.Tensor, label: torch.Tensor, matrix: torch.Tensor, control: torch.Tensor) -> Answer:
    """Return the warp as one writes it in torch: a dense grid, then two calls of grid_sample."""
    size = image.shape[2:]
    where = coordinates(matrix, control, size)
    scale = torch.tensor([2 / (length - 1) for length in size], device=image.device).view(1, 3, 1, 1, 1)
    grid = (where * scale - 1).float().permute(0, 2, 3, 4, 1).flip(-1)
    sample = functools.partial(torch.nn.functional.grid_sample, align_corners=True)
    found = sample(image, grid)
    return found, sample(label.float(), grid, mode="nearest").to(label.dtype)


def equal_on_accelerator(answers: Mapping[str, Answer]) -> str:
    """Compare images by their largest difference, labels by the share that differs."""
    image, label = answers["deephealth"]
    worst = differ = 0.0
    for name, (other, labels) in answers.items():
        apart, share = float((image - other).abs().max()), float((label != labels).float().mean())
        assert apart <= 1e-3, f"{name}: images differ by {apart:.2g}"
        assert share <= 1e-3, f"{name}: {share:.2g} of the labels differ"
        worst, differ = max(worst, apart), max(differ, share)
    return f"images agree to {worst:.1g}, {differ:.1g} of the labels differ"


ROWS = [
    Row(
        name="warp",
        title=f"affine + elastic of image (linear) and label (nearest), {SIZE}³, float32 and uint8",
        peers=on_processor,
        check=equal,
        goals={"torchio": 5.0, "MONAI": 3.0, "scipy": 4.0, "SimpleITK, spline": 1.5, "SimpleITK, dense": 1.5},
        packages=("torch", "numba", "torchio", "monai", "scipy", "SimpleITK"),
        bytes_moved=10 * SIZE**3,
    ),
    Row(
        name="warp-gpu",
        title="affine + elastic of image (linear) and label (nearest), 8×192³, float32 and uint8",
        peers=on_accelerator,
        check=equal_on_accelerator,
        goals={"grid_sample": 3.0, "torch.compile": 1.5},
        packages=("torch", "triton"),
        device="cuda",
        bytes_moved=8 * 192**3 * 10,
    ),
]
