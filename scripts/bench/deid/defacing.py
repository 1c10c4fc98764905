"""How often a face is gone and the brain whole: drawn heads in every pose, scanner and cut, with their true masks.

The heads are drawn here by formulas of their own, but of the same kind and mean size as the template that deephealth
fits, so they are easier than real ones. The truth (which voxels are brain, where eyes and nose are) comes from the
drawing, not from the program under test.

    python scripts/bench/deid/defacing.py --heads 60 --pictures build/faces
    python scripts/bench/deid/defacing.py --image head.nii.gz --heads 30   # the same with a real or a mean head, moved
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass
class Head:
    """One drawn image: (i, j, k) voxels and what they truly are."""

    voxels: Array
    affine: Array
    modality: str
    brain: Array
    features: Array  # skin and inside of eyes, nose and mouth
    orientation: str
    to_head: Array  # 4 x 4, RAS+ millimetres to the drawing's own


def _super(x: Array, y: Array, z: Array, middle: tuple, radii: tuple, power: float = 2.0) -> Array:
    parts = [(np.abs(v - m) / r) ** power for v, m, r in zip((x, y, z), middle, radii, strict=True)]
    return sum(parts) < 1


def labels(p: Array, rng: np.random.Generator, shape: dict[str, float]) -> dict[str, Array]:
    """Draw a head at places (N, 3) in mm: RAS, origin between the ears above the eyes' plane."""
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    s = shape
    scalp = _super(x, y, z, (0, 0, 6), (76 * s["w"], 95, 68), 2.25)
    skull = _super(x, y, z, (0, 0, 6), (76 * s["w"] - 6, 89, 62), 2.25)
    inner = _super(x, y, z, (0, 0, 6), (76 * s["w"] - 12, 82, 55), 2.25)
    floor = np.where(y > 38, -8 - 0.10 * (80 - y), np.where(y > -15, -36.0, -30.0))
    brain = inner & (z > floor) & _super(x, y, z, (0, 0, 6), (76 * s["w"] - 14, 80, 53), 2.25)
    brain |= _super(x, y, z, (0, -44, -36), (48, 30, 24)) | ((np.hypot(x, y + 14) < 12) & (z < -20) & (z > -70))
    ventricle = _super(np.abs(x), y, z, (12, 2, 14), (8, 34, 11))
    face = _super(x, y, z, (0, 34, -62), (61 * s["f"], 56, 70 * s["l"]), 2.6) & (z > -132 * s["l"])
    base = _super(x, y, z, (0, -10, -28), (70, 80, 58))
    tip = s["nose"]
    down = (-24 - z) / 36
    nose = (down > 0) & (down < 1) & (np.abs(x) < 5 + 11 * down) & (y > 60) & (y < 86 + tip * down)
    lips = _super(x, y, z, (0, 88, -86), (24, 9, 8))
    chin = _super(x, y, z, (0, 72, -118 * s["l"]), (24, 20, 16))
    socket = _super(np.abs(x), y, z, (31, 74, -27), (19, 24, 17))
    eye = _super(np.abs(x), y, z, (31, 68, -27), (12, 12, 12))
    ears = _super(np.abs(x), y, z, (78 * s["w"], -10, -40), (9, 15, 30))
    neck = (np.hypot(x, (y + 16) / 1.1) < 54) & (z < -40)
    airway = _super(np.abs(x), y, z, (9, 62, -58), (6, 26, 20)) | _super(x, y, z, (0, 46, -88), (16, 26, 9))
    airway |= _super(np.abs(x), y, z, (28, 58, -62), (13, 14, 15))
    hollow = socket & (y > 76 + 0.05 * (np.abs(x) - 31) ** 2) & ~eye  # the lids lie behind the brow
    body = (scalp | face | base | nose | lips | chin | ears | neck) & ~hollow & ~(airway & (y < 100))
    bone = (skull & ~inner & (z > -40)) | (
        _super(x, y, z, (0, 30, -100 * s["l"]), (50, 46, 26)) & ~_super(x, y, z, (0, 26, -98 * s["l"]), (42, 40, 26))
    )
    bone |= base & ~_super(x, y, z, (0, -10, -28), (63, 73, 51)) & (z < -10) & (y < 40) & ~brain
    features = nose | lips | eye | (chin & (y > 70))
    return {"body": body, "bone": bone & body, "brain": brain & body, "ventricle": ventricle & brain,
            "eye": eye & body, "features": features & body}  # fmt: skip


_T1 = {"body": 0.55, "fat": 1.0, "bone": 0.08, "brain": 0.62, "ventricle": 0.2, "eye": 0.18}
_T2 = {"body": 0.35, "fat": 0.7, "bone": 0.06, "brain": 0.5, "ventricle": 1.0, "eye": 1.0}
_FLAIR = {"body": 0.4, "fat": 0.8, "bone": 0.06, "brain": 0.6, "ventricle": 0.12, "eye": 0.15}
_CT = {"body": 45.0, "fat": -90.0, "bone": 900.0, "brain": 34.0, "ventricle": 8.0, "eye": 12.0}


def draw(seed: int) -> Head:
    """Draw one head: size, pose, contrast, noise, spacing, orientation and field of view by the seed."""
    rng = np.random.default_rng(seed)
    kind = ("CT", "T1", "T2", "FLAIR")[seed % 4]
    shape = {"w": rng.uniform(0.92, 1.08), "f": rng.uniform(0.92, 1.08), "l": rng.uniform(0.9, 1.1),
             "nose": rng.uniform(14, 30)}  # fmt: skip
    size = rng.uniform(0.88, 1.1)
    pitch, roll, yaw = np.radians(rng.uniform(-18, 18)), *np.radians(rng.uniform(-8, 8, 2))
    turn = _rotation(0, pitch) @ _rotation(1, roll) @ _rotation(2, yaw)
    spacing = np.array([rng.uniform(0.8, 1.3)] * 3)
    thick = rng.integers(0, 4)
    if thick < 3:
        spacing[thick] = rng.uniform(1.0, 4.5)
    low = np.array([-105.0, -118.0, -175.0]) + rng.uniform(-8, 8, 3)
    high = np.array([105.0, 135.0, 95.0]) + rng.uniform(-6, 10, 3)
    low[2] += rng.choice([0, 0, 30, 60, 100])  # the lower part is often not scanned
    if rng.random() < 0.2:
        high[1] = rng.uniform(92, 105)  # the tip of the nose is cut off
    shape_ = np.floor((high - low) / spacing).astype(int)
    index = np.stack(np.meshgrid(*[np.arange(n, dtype=np.float32) for n in shape_], indexing="ij"), -1)
    places = ((index * spacing + low) @ turn.T.astype(np.float32)) / size
    parts = labels(places, rng, shape)
    voxels, modality = _contrast(parts, places, kind, rng)
    affine = np.diag([*spacing, 1.0])
    offset = rng.uniform(-60, 60, 3)
    affine[:3, 3] = low + offset
    to_head = np.eye(4)
    to_head[:3, :3], to_head[:3, 3] = turn / size, -turn @ offset / size
    flips, order = _orientation(seed)
    arrays = [voxels, parts["brain"], parts["features"]]
    for axis, flip in enumerate(flips):
        if flip:
            arrays = [np.flip(one, axis) for one in arrays]
            mirror = np.eye(4)
            mirror[axis, axis], mirror[axis, 3] = -1, shape_[axis] - 1
            affine = affine @ mirror
    arrays = [np.ascontiguousarray(np.transpose(one, order)) for one in arrays]
    affine = affine[:, [*order, 3]]
    name = "".join(("LR", "PA", "IS")[axis][1 - flips[axis]] for axis in order)
    return Head(arrays[0], affine, modality, arrays[1], arrays[2], name, to_head)


def _orientation(seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    every = list(itertools.product(itertools.product((0, 1), repeat=3), itertools.permutations(range(3))))
    return every[seed * 7 % 48]  # type: ignore[return-value]


def _rotation(axis: int, angle: float) -> Array:
    a, b = [one for one in range(3) if one != axis]
    turn = np.eye(3)
    turn[a, a] = turn[b, b] = np.cos(angle)
    turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
    return turn


def _contrast(parts: dict[str, Array], places: Array, kind: str, rng: np.random.Generator) -> tuple[Array, str]:
    from scipy import ndimage

    values = {"CT": _CT, "T1": _T1, "T2": _T2, "FLAIR": _FLAIR}[kind]
    image = np.full(parts["body"].shape, -1000.0 if kind == "CT" else 0.0, np.float32)
    rim = parts["body"] & ~ndimage.binary_erosion(parts["body"], iterations=4)
    image[parts["body"]] = values["body"]
    image[rim & ~parts["brain"]] = values["fat"]
    for name in ("bone", "brain", "ventricle", "eye"):
        image[parts[name]] = values[name]
    fold = np.sin(places[..., 0] / 5) * np.sin(places[..., 1] / 6) * np.sin(places[..., 2] / 5)
    image[parts["brain"]] *= (1 + 0.12 * fold[parts["brain"]]).astype(np.float32)
    image = ndimage.gaussian_filter(image, 0.6)
    if kind == "CT":
        return np.round(image + rng.normal(0, rng.uniform(3, 18), image.shape)).astype(np.int16), "CT"
    field = 1 + rng.uniform(-0.25, 0.25) * places[..., 2] / 100 + rng.uniform(-0.2, 0.2) * places[..., 1] / 100
    noisy = np.hypot(
        image * field + rng.normal(0, 0.02, image.shape), rng.normal(0, rng.uniform(0.01, 0.04), image.shape)
    )
    return np.round(np.clip(noisy, 0, None) * rng.uniform(300, 3000)).astype(np.int16), "MR"


def moved(path: Path, seed: int) -> Head:
    """Give a stored head another pose, size, spacing, noise and orientation; its true masks are not known."""
    import nibabel
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    image: Any = nibabel.as_closest_canonical(nibabel.load(path))
    data = np.asarray(image.dataobj, np.float32)
    spacing = np.array([rng.uniform(0.9, 1.4)] * 3)
    spacing[rng.integers(0, 3)] = rng.uniform(1.0, 3.5)
    turn = _rotation(0, np.radians(rng.uniform(-15, 15))) @ _rotation(1, np.radians(rng.uniform(-6, 6)))
    turn = turn @ np.diag(rng.uniform(0.9, 1.1, 3))
    middle = np.array(data.shape) / 2
    wide = np.floor(np.array([220, 270, rng.uniform(190, 260)]) / spacing).astype(int)
    matrix = turn @ np.diag(spacing)
    shift = middle + np.array([0, 0, 10]) - matrix @ (wide / 2)
    shift[2] += (260 - wide[2] * spacing[2]) / 2
    voxels = ndimage.affine_transform(data, matrix, shift, tuple(wide), order=1)
    voxels = np.hypot(voxels, rng.normal(0, rng.uniform(2, 20), voxels.shape)).astype(np.int16)
    flips, order = _orientation(seed)
    affine = np.diag([*spacing, 1.0])
    for axis, flip in enumerate(flips):
        if flip:
            voxels = np.flip(voxels, axis)
            mirror = np.eye(4)
            mirror[axis, axis], mirror[axis, 3] = -1, wide[axis] - 1
            affine = affine @ mirror
    empty = np.zeros_like(voxels, bool)
    name = "".join(("LR", "PA", "IS")[axis][1 - flips[axis]] for axis in order)
    turned = np.ascontiguousarray(voxels.transpose(order))
    return Head(turned, affine[:, [*order, 3]], "MR", empty.transpose(order), empty.transpose(order), name, np.eye(4))


def judge(head: Head, method: str | None) -> dict[str, Any]:
    """Deface one head and compare with the truth."""
    from deephealth.lake.faces.defacer import deface

    start = time.perf_counter()
    done = deface(head.voxels.T, head.affine, head.modality, method=method)
    seconds = time.perf_counter() - start
    mask = done.mask.T
    brain, features = head.brain.sum(), head.features.sum()
    cut = float((mask & head.brain).sum() / max(1, brain))
    left = float((~mask & head.features).sum() / features) if features else 0.0
    return {
        "verdict": done.check.verdict, "method": done.method, "seconds": round(seconds, 2),
        "brain_lost": round(cut, 5), "features_left": round(left, 4), "lost": round(done.check.lost, 5),
        "left": round(done.check.left, 4), "shallow": round(done.check.shallow, 4),
        "alike": round(done.check.alike, 2), "face": done.check.face, "done": done,
    }  # fmt: skip


def picture(heads: list[tuple[Head, Any, str]], path: Path) -> None:
    """Draw a middle slice and the view from the front, before and after."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import nibabel

    figure, axes = plt.subplots(len(heads), 4, figsize=(12, 3 * len(heads)), squeeze=False)
    for row, (head, done, title) in zip(axes, heads, strict=True):
        for column, voxels in ((0, head.voxels), (2, done.voxels.T)):
            turned: Any = nibabel.as_closest_canonical(nibabel.Nifti1Image(voxels.astype(np.float32), head.affine))
            data, zooms = np.asarray(turned.dataobj), turned.header.get_zooms()
            low, high = (-200, 400) if head.modality == "CT" else (0, np.percentile(data, 99.5))
            row[column].imshow(data[data.shape[0] // 2].T, origin="lower", cmap="gray", vmin=low, vmax=high,
                               aspect=zooms[2] / zooms[1])  # fmt: skip
            there = data > (-300 if head.modality == "CT" else 0.15 * high)
            depth = np.where(there.any(1), there.shape[1] - there[:, ::-1].argmax(1), 0) * zooms[1]
            dx, dz = np.gradient(depth)
            row[column + 1].imshow(np.clip(1 - np.hypot(dx, dz) / 12, 0, 1).T * (depth.T > 0), origin="lower",
                                   cmap="gray", aspect=zooms[2] / zooms[0])  # fmt: skip
        row[0].set_title(title, fontsize=8)
        for one in row:
            one.axis("off")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=50)


def main() -> None:
    """Run and print the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--method", default=None)
    parser.add_argument("--image", type=Path, default=None)
    parser.add_argument("--pictures", type=Path, default=None)
    options = parser.parse_args()
    rows, shown = [], []
    for seed in range(options.first, options.first + options.heads):
        head = moved(options.image, seed) if options.image else draw(seed)
        row = judge(head, options.method)
        done = row.pop("done")
        row |= {"seed": seed, "modality": head.modality, "orientation": head.orientation, "shape": head.voxels.shape}
        rows.append(row)
        print(json.dumps(row), flush=True)
        if options.pictures and (len(shown) < 8 or row["verdict"] != "ok") and len(shown) < 14:
            shown.append((head, done, f"{seed} {row['verdict']} {row['method']} {head.modality} {head.orientation}"))
    if options.pictures:
        picture(shown, options.pictures / "faces.png")
    good = [row for row in rows if row["verdict"] == "ok"]
    print(json.dumps({
        "heads": len(rows), "verdicts": Counter(row["verdict"] for row in rows),
        "methods": Counter(row["method"] for row in rows),
        "truly_good": sum(row["brain_lost"] <= 0.001 and row["features_left"] <= 0.01 for row in good),
        "released_with_brain_cut": sum(row["brain_lost"] > 0.001 for row in good),
        "released_with_features": sum(row["features_left"] > 0.01 for row in good),
        "median_seconds": float(np.median([row["seconds"] for row in rows])),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
