"""Row P15: connected components, and Dice + HD95 + NSD of all classes, in volumes of 192^3 with 14 labels.

The labels are wavy ellipsoids, each with one island; the prediction is the reference warped by a smooth field of 1.5
voxels' deviation, with a noisy border and false islands. All peers get their inputs in the form they like best, made
outside the calls: MONAI float32 one-hot maps, SimpleITK images, the others uint8 label maps.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import SimpleITK as sitk  # noqa: N813 - everybody's name for it
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice
from monai.metrics.utils import get_edge_surface_distance
from row import Row, made_once
from scipy import ndimage

from deephealth.kernels.components import connected_components
from deephealth.metrics.scoring import VolumeScoring

SIDE, LABELS = 192, 14
SPACING = (1.5, 0.8, 0.8)
TOLERANCES = tuple(1.0 + 0.5 * (label % 3) for label in range(LABELS))
EVERY_NEIGHBOUR = np.ones((3, 3, 3), dtype=bool)

Calls = Mapping[str, Callable[[], Any]]


def volumes() -> tuple[np.ndarray, np.ndarray]:
    """Return the prediction and the reference, uint8."""
    folder = made_once("metrics-volumes", _make)
    return np.load(folder / "prediction.npy"), np.load(folder / "reference.npy")


def _make(folder: Path) -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(SIDE, dtype=np.float32)] * 3, indexing="ij"))
    wave = _waves(rng, 12)
    reference = np.zeros((SIDE,) * 3, dtype=np.uint8)
    for label in range(1, LABELS + 1):
        for radius in (rng.uniform(0.09, 0.19) * SIDE, 0.03 * SIDE):
            centre, radii = rng.uniform(0.15, 0.85, 3) * SIDE, radius * rng.uniform(0.7, 1.3, 3)
            near = tuple(slice(max(0, int(c - 1.6 * r)), int(c + 1.6 * r)) for c, r in zip(centre, radii, strict=True))
            away = sum(((grid[axis][near] - centre[axis]) / radii[axis]) ** 2 for axis in range(3))
            reference[near][away < 1 + 0.25 * np.roll(wave, 13 * label, label % 3)[near]] = label
    moved = grid + 1.5 * np.stack([_waves(rng, 16) for _ in range(3)])
    prediction = ndimage.map_coordinates(reference, moved, order=0, mode="nearest")
    rough = _waves(rng, 3) > 2.2
    prediction[rough] = np.roll(prediction, 2, axis=0)[rough]
    for label in range(1, LABELS + 1):
        z, y, x = rng.integers(0, SIDE - 5, 3)
        prediction[z : z + 4, y : y + 4, x : x + 4] = label
    np.save(folder / "prediction.npy", prediction)
    np.save(folder / "reference.npy", reference)


def _waves(rng: np.random.Generator, length: int) -> np.ndarray:
    """Smooth noise of unit deviation, float32."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, *(SIDE // length,) * 3)).astype(np.float32))
    fine = torch.nn.functional.interpolate(coarse, (SIDE,) * 3, mode="trilinear")[0, 0]
    return (fine / fine.std()).numpy()


def components_of_labels() -> Calls:
    """26 neighbours, each label by itself. scipy knows masks alone: each label in its own box."""
    _, labels = volumes()

    def by_scipy() -> tuple[np.ndarray, int]:
        found, count = np.zeros(labels.shape, dtype=np.int32), 0
        for value, box in enumerate(ndimage.find_objects(labels), 1):
            if box is not None:
                numbered, more = ndimage.label(labels[box] == value, EVERY_NEIGHBOUR)
                found[box] += np.where(numbered > 0, numbered + count, 0)
                count += more
        return found, count

    return {
        "deephealth": lambda: connected_components(labels),
        "cc3d": lambda: cc3d.connected_components(labels, connectivity=26, return_N=True),
        "scipy": by_scipy,
    }


def components_of_a_mask() -> Calls:
    """26 neighbours, all labels as one."""
    mask = volumes()[1] > 0
    image = sitk.GetImageFromArray(mask.view(np.uint8))

    def by_simpleitk() -> tuple[np.ndarray, int]:
        numbering = sitk.ConnectedComponentImageFilter()
        numbering.FullyConnectedOn()
        found = numbering.Execute(image)
        return sitk.GetArrayFromImage(found), numbering.GetObjectCount()

    return {
        "deephealth": lambda: connected_components(mask),
        "cc3d": lambda: cc3d.connected_components(mask, connectivity=26, return_N=True),
        "scipy": lambda: ndimage.label(mask, EVERY_NEIGHBOUR),
        "SimpleITK": by_simpleitk,
    }


def components_on_an_accelerator() -> Calls:
    """Each label by itself, on a tensor that lies there; CuPy alone for the mask of each label."""
    import cupy
    from cupyx.scipy import ndimage as on_accelerator

    labels = torch.from_numpy(volumes()[1]).cuda()
    theirs = cupy.from_dlpack(labels)
    structure = cupy.asarray(EVERY_NEIGHBOUR)

    def ours() -> tuple[np.ndarray, int]:
        found, count = connected_components(labels)
        torch.cuda.synchronize()
        return found.cpu().numpy(), count

    def by_cupy() -> tuple[np.ndarray, int]:
        found, count = cupy.zeros(labels.shape, dtype=cupy.int32), 0
        for value in range(1, LABELS + 1):
            numbered, more = on_accelerator.label(theirs == value, structure)
            found += cupy.where(numbered > 0, numbered + count, 0)
            count += int(more)
        return found.get(), count

    return {"deephealth": ours, "cupy": by_cupy}


def same_components(outputs: Mapping[str, Any]) -> str:
    """Numbers may differ, components may not."""
    ours, count = outputs["deephealth"]
    for name, (theirs, many) in outputs.items():
        assert many == count, f"{name} has {many} components, not {count}"
        pairs = np.unique(ours.astype(np.int64) * (count + 1) + theirs)
        assert len(pairs) == count + 1, f"{name} has other components"
    return f"{count} components, the same voxels in each"


def scores() -> Calls:
    """Dice, HD95 and NSD per class. MONAI as published, and with the surfaces found once for both scores."""
    prediction, reference = volumes()
    said, true = torch.from_numpy(prediction)[None], torch.from_numpy(reference)[None]
    one_hot = torch.nn.functional.one_hot
    pair = [one_hot(one.long(), LABELS + 1).movedim(-1, 1).float().contiguous() for one in (said, true)]
    images = [sitk.GetImageFromArray(one) for one in (prediction, reference)]
    for image in images:
        image.SetSpacing(SPACING[::-1])
    scoring = VolumeScoring(LABELS + 1, ("dice", "hausdorff", "surface_dice"), tolerance=TOLERANCES)
    warnings.simplefilter("ignore")

    def ours() -> np.ndarray:
        return np.stack([one[0].numpy() for one in scoring(said, true, SPACING).values()])

    def by_monai() -> np.ndarray:
        dice = compute_dice(*pair, include_background=False)
        hausdorff = compute_hausdorff_distance(*pair, percentile=95, spacing=SPACING)
        return np.stack([dice[0], hausdorff[0], compute_surface_dice(*pair, list(TOLERANCES), spacing=SPACING)[0]])

    def by_monai_once() -> np.ndarray:
        rows = [compute_dice(*pair, include_background=False)[0].numpy(), *np.empty((2, LABELS))]
        for row, tolerance in enumerate(TOLERANCES):
            masks = [one[0, row + 1].bool() for one in pair]
            _, both, _ = get_edge_surface_distance(*masks, spacing=SPACING, symmetric=True)
            rows[1][row] = max(torch.quantile(one, 0.95).item() for one in both)
            rows[2][row] = (torch.cat(both) <= tolerance).float().mean().item()
        return np.stack(rows)

    def by_simpleitk() -> np.ndarray:
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*images)
        rows = [_simpleitk_scores(*images, label, overlap) for label in range(1, LABELS + 1)]
        return np.stack(rows, axis=1)

    return {"deephealth": ours, "MONAI": by_monai, "MONAI, surfaces once": by_monai_once, "SimpleITK": by_simpleitk}


def _simpleitk_scores(said: Any, true: Any, label: int, overlap: Any) -> tuple[float, float, float]:
    """One class in its box, with a margin of one voxel."""
    masks = [one == label for one in (said, true)]
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(masks[0] | masks[1])
    box = np.array(shape.GetBoundingBox(1))
    first = np.maximum(box[:3] - 1, 0)
    last = np.minimum(box[:3] + box[3:] + 1, SIDE)
    masks = [sitk.RegionOfInterest(one, (last - first).tolist(), first.tolist()) for one in masks]
    edges = [one - sitk.BinaryErode(one, (1, 1, 1), sitk.sitkCross, 0, 1, False) for one in masks]
    far = [sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(one, False, False, True)) for one in edges]
    on = [sitk.GetArrayFromImage(one) > 0 for one in edges]
    both = [np.abs(far[1][on[0]]), np.abs(far[0][on[1]])]
    within = np.concatenate(both) <= np.float32(TOLERANCES[label - 1])
    return overlap.GetDiceCoefficient(label), max(np.percentile(one, 95) for one in both), float(within.mean())


def same_scores(outputs: Mapping[str, np.ndarray]) -> str:
    """To 1e-4 of MONAI's. SimpleITK has no voxel outside the volume that could end a mask there: to 1e-3."""
    worst = {name: float(np.abs(one - outputs["MONAI"]).max()) for name, one in outputs.items()}
    assert all(gap <= (1e-3 if name == "SimpleITK" else 1e-4) for name, gap in worst.items()), worst
    return f"largest difference to MONAI's {worst['deephealth']:.1e}"


ROWS = [
    Row(
        name="components-labels",
        title=f"connected components, {LABELS} labels, {SIDE}^3, 26 neighbours",
        peers=components_of_labels,
        check=same_components,
        goals={"cc3d": 0.98, "scipy": 5.0},
        packages=("connected-components-3d", "scipy"),
    ),
    Row(
        name="components-mask",
        title=f"connected components, one mask, {SIDE}^3, 26 neighbours",
        peers=components_of_a_mask,
        check=same_components,
        goals={"cc3d": 0.98},
        packages=("connected-components-3d", "scipy", "SimpleITK"),
    ),
    Row(
        name="volume-scores",
        title=f"Dice + HD95 + NSD, {LABELS} classes, {SIDE}^3",
        peers=scores,
        check=same_scores,
        goals={"MONAI": 5.0},
        rounds=5,
        packages=("monai", "SimpleITK", "scipy"),
    ),
]
if importlib.util.find_spec("cupy") is not None:
    ROWS.append(
        Row(
            name="components-labels-cuda",
            title=f"connected components, {LABELS} labels, {SIDE}^3, 26 neighbours",
            peers=components_on_an_accelerator,
            check=same_components,
            goals={"cupy": 0.98},
            packages=("cupy",),
            device="cuda",
        )
    )
