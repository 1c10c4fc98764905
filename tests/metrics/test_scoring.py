"""Overlap and surface scores: MONAI's to 1e-4, hand-computed ones, conventions, bad input."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_iou,
    compute_surface_dice,
)
from torchmetrics.segmentation import DiceScore as TheirDice

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.compilers import using
from deephealth.metrics.overlap import DiceScore, JaccardScore, VolumeScores
from deephealth.metrics.scoring import SCORES, VolumeScoring, volume_scores
from deephealth.metrics.surface import AverageSurfaceDistance, HausdorffDistance, NormalizedSurfaceDice

CLASSES = 4
STEPS = (2.5, 0.7, 1.1)
TOLERANCES = (1.1, 0.7, 2.5)
MAPS = hnp.array_shapes(min_dims=3, max_dims=4, min_side=2, max_side=7).flatmap(
    lambda shape: hnp.arrays(np.int64, (2, *shape), elements=st.integers(0, CLASSES - 1), fill=st.integers(0, 1))
)


def one_hot(labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(labels, CLASSES).movedim(-1, 1).float()


def by_monai(said: torch.Tensor, true: torch.Tensor, steps: Any, ignore_empty: bool = True) -> dict[str, torch.Tensor]:
    pair = one_hot(said), one_hot(true)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "dice": compute_dice(*pair, include_background=False, ignore_empty=ignore_empty),
            "jaccard": compute_iou(*pair, include_background=False, ignore_empty=ignore_empty),
            "hausdorff": compute_hausdorff_distance(*pair, percentile=95, spacing=steps),
            "surface_dice": compute_surface_dice(*pair, list(TOLERANCES), spacing=steps),
            "surface_distance": compute_average_surface_distance(*pair, symmetric=True, spacing=steps),
        }


def assert_monais(ours: dict[Any, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    for name, wanted in theirs.items():
        torch.testing.assert_close(ours[name], wanted.double(), atol=1e-4, rtol=0, equal_nan=True, msg=name)  # type: ignore[index]


def blobs(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, CLASSES, *(max(1, side // 6) for side in shape)), generator=generator)
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    return torch.nn.functional.interpolate(coarse, shape, mode=mode).argmax(1)


@settings(max_examples=15)
@given(maps=MAPS)
def test_equal_to_monai_on_small_maps_with_classes_missing(maps: np.ndarray) -> None:
    said, true = torch.from_numpy(maps)
    steps = STEPS[: said.ndim - 1]
    scoring = VolumeScoring(CLASSES, tolerance=TOLERANCES)
    theirs = by_monai(said, true, steps)
    ours = scoring(said, true, steps)
    surfaces = {name: theirs[name] for name in ("hausdorff", "surface_dice", "surface_distance")}
    surfaces["hausdorff"][surfaces["surface_distance"].isinf()] = (
        math.inf
    )  # MONAI has infinity in one, NaN in the other
    assert_monais(ours, surfaces)
    lenient = VolumeScoring(CLASSES, ("dice", "jaccard"), reference_empty="undefined")
    assert_monais(lenient(said, true), {name: theirs[name] for name in ("dice", "jaccard")})
    strict = VolumeScoring(CLASSES, ("dice",), both_empty="perfect")
    assert_monais(strict(said, true), {"dice": compute_dice(one_hot(said), one_hot(true), False, ignore_empty=False)})
    with using("reference"):
        for name, wanted in scoring(said, true, steps).items():
            torch.testing.assert_close(ours[name], wanted, atol=1e-5, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("shape", [(40, 50, 30), (64, 80)])
def test_equal_to_monai_on_blobs_with_islands(shape: tuple[int, ...]) -> None:
    true = torch.cat([blobs(*shape, seed=seed) for seed in (0, 1)])
    said = true.roll((1, -2), (1, 2))
    said[0, :3, :3], said[1, -4:, -3:] = 1, 2
    steps = STEPS[: len(shape)]
    ours = volume_scores(said, true, CLASSES, spacing=steps, tolerance=TOLERANCES, scores=SCORES)
    assert_monais(ours, by_monai(said, true, steps))
    spacings = torch.tensor([steps, (1.0,) * len(shape)], dtype=torch.float64)
    per_case = volume_scores(said, true, CLASSES, spacing=spacings, scores=["hausdorff"])["hausdorff"]
    assert per_case[0].tolist() == ours["hausdorff"][0].tolist()
    assert_monais({"hausdorff": per_case[1:]}, {"hausdorff": by_monai(said[1:], true[1:], None)["hausdorff"]})


def test_hand_computed_squares() -> None:
    said, true = torch.zeros(1, 8, 8, dtype=torch.long), torch.zeros(1, 8, 8, dtype=torch.long)
    said[0, 1:4, 1:4], true[0, 1:4, 3:6] = 1, 1
    found = volume_scores(said, true, 2, spacing=(1.0, 2.0), percentile=100, tolerance=0.5, scores=SCORES)
    # each surface is 8 voxels round a centre; 3 of the 18 voxels are shared, of which 3 lie on both surfaces
    assert {name: round(value.item(), 6) for name, value in found.items()} == {
        "dice": round(6 / 18, 6),
        "jaccard": 0.2,
        "sensitivity": round(1 / 3, 6),
        "precision": round(1 / 3, 6),
        "hausdorff": 4.0,
        "surface_dice": round(6 / 16, 6),
        "surface_distance": round((3 * 4 + 2 * 2) / 8, 6),
    }


@pytest.mark.parametrize("kind", ["one-hot", "mixed", "logits", "masks", "channel", "views"])
def test_formats_say_the_same(kind: str) -> None:
    said, true = blobs(12, 14, 10, seed=2), blobs(12, 14, 10, seed=3)
    wanted = volume_scores(said, true, CLASSES, spacing=STEPS, tolerance=TOLERANCES)
    hot = one_hot(said), one_hot(true)
    channels_last = [one.contiguous(memory_format=torch.channels_last_3d).to(torch.bfloat16) for one in hot]
    given_maps = {
        "one-hot": ("one-hot", *channels_last),
        "mixed": ("mixed", hot[0], true),
        "logits": ("logits", (hot[0] * 3 - 1).half(), true[:, None]),
        "masks": ("masks", hot[0].bool(), hot[1].long()),
        "channel": ("index", said[:, None].to(torch.uint8), true[:, None].to(torch.int32)),
        "views": ("index", said.mT.contiguous().mT, true.expand(1, -1, -1, -1)),
    }[kind]
    found = volume_scores(*given_maps[1:], CLASSES, spacing=STEPS, tolerance=TOLERANCES, input_format=given_maps[0])
    for name, one in wanted.items():
        torch.testing.assert_close(found[name], one, rtol=0, atol=0)


def test_masks_may_overlap() -> None:
    said, true = (torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(seed)) > 0.4 for seed in (0, 1))
    found = volume_scores(said, true, 3, input_format="masks", include_background=True, tolerance=(0, 1, 2))
    wanted = compute_surface_dice(said.float(), true.float(), [0, 1, 2], include_background=True)
    torch.testing.assert_close(found["surface_dice"], wanted.double(), atol=1e-6, rtol=0)
    with pytest.raises(DataError, match="voxels in several channels"):
        volume_scores(said, true, 3, input_format="one-hot")


def test_what_is_ignored_belongs_to_no_class_as_in_monai() -> None:
    said, true = blobs(18, 24, 20, seed=2), blobs(18, 24, 20, seed=3)
    void = torch.zeros_like(true, dtype=torch.bool)
    void[:, :5, :6] = True
    ours = volume_scores(said, true.masked_fill(void, 255), CLASSES, ignore_index=255, spacing=STEPS)
    assert ours["dice"].isfinite().all()
    keep = (~void)[:, None].float()
    pair = one_hot(said) * keep, one_hot(true) * keep
    torch.testing.assert_close(ours["dice"], compute_dice(*pair, False).double(), atol=1e-6, rtol=0)
    wanted = compute_hausdorff_distance(*pair, percentile=95, spacing=STEPS).double()
    torch.testing.assert_close(ours["hausdorff"], wanted, atol=1e-4, rtol=0)


def test_one_slice_is_measured_in_its_plane() -> None:
    said, true = blobs(20, 24, seed=4), blobs(20, 24, seed=5)
    flat = volume_scores(said, true, CLASSES, spacing=(0.7, 1.1))
    slice_ = volume_scores(said[:, None], true[:, None], CLASSES, spacing=(5.0, 0.7, 1.1))
    assert all(torch.equal(flat[name], slice_[name]) for name in flat)


def test_what_is_missing() -> None:
    nothing, something = torch.zeros(1, 3, 3, dtype=torch.long), torch.ones(1, 3, 3, dtype=torch.long)
    names = ("dice", "hausdorff", "surface_dice", "surface_distance")

    def scores(said: torch.Tensor, true: torch.Tensor, **settings: Any) -> list[float]:
        return [one.item() for one in VolumeScoring(2, names, **settings)(said, true).values()]

    assert all(map(math.isnan, scores(nothing, nothing)))
    assert scores(nothing, nothing, both_empty="perfect") == [1.0, 0.0, 1.0, 0.0]
    assert scores(something, nothing) == scores(nothing, something) == [0.0, math.inf, 0.0, math.inf]
    assert all(map(math.isnan, scores(something, nothing, reference_empty="undefined")))
    assert math.isnan(scores(something, nothing, worst_distance=math.nan)[1])
    assert scores(nothing, something, reference_empty="undefined", worst_distance=9.0) == [0.0, 9.0, 0.0, 9.0]
    assert volume_scores(nothing[:0], nothing[:0], 3)["dice"].shape == (0, 2)


def test_metrics_reduce_as_monai_and_torchmetrics_do() -> None:
    true = torch.cat([blobs(13, 18, 12, seed=seed) for seed in range(4)])
    said = true.roll(1, 1)
    said[0][said[0] == 2], true[0][true[0] == 2] = 0, 0
    metrics = {
        "dice": DiceScore(CLASSES, reference_empty="undefined"),
        "hausdorff": HausdorffDistance(CLASSES),
        "surface_dice": NormalizedSurfaceDice(CLASSES, tolerance=TOLERANCES),
        "surface_distance": AverageSurfaceDistance(CLASSES),
        "jaccard": JaccardScore(CLASSES, reference_empty="undefined"),
    }
    theirs = by_monai(said, true, STEPS)
    together = VolumeScores(CLASSES, tolerance=TOLERANCES, reference_empty="undefined")
    for first in (0, 3):
        batch = said[first : first + 3], true[first : first + 3]
        together.update(*batch, spacing=STEPS)
        for metric in metrics.values():
            metric(*batch, spacing=STEPS)
    for name, metric in metrics.items():
        per_case = theirs[name].double()
        torch.testing.assert_close(metric.compute(), per_case.nanmean(1).nanmean(), atol=1e-4, rtol=0)
        metric.reduction, metric._computed = "mean_batch", None
        torch.testing.assert_close(metric.compute(), per_case.nanmean(0), atol=1e-4, rtol=0, equal_nan=True)
        metric.reduction, metric._computed = "none", None
        torch.testing.assert_close(metric.compute(), per_case, atol=1e-4, rtol=0, equal_nan=True)
        if name != "jaccard":
            metric.reduction, metric._computed = "mean", None
            assert together.compute()[name] == metric.compute()
        metric.reset()
        assert metric.table().shape == (0, CLASSES - 1)
    dense = blobs(16, 16, seed=1).clamp(max=1), blobs(16, 16, seed=2).clamp(max=1)
    wanted = TheirDice(2, include_background=True, average="macro", input_format="index")(*dense)
    assert DiceScore(2, include_background=True)(*dense).item() == pytest.approx(wanted.item(), abs=1e-6)


@pytest.mark.parametrize(
    ("said", "true", "settings", "words"),
    [
        (torch.zeros(1, 4, 4), torch.zeros(1, 4, 4).long(), {}, "float32"),
        (torch.zeros(1, 4, 4).long(), torch.zeros(1, 4, 5).long(), {}, r"\(1, 4, 4\).*\(1, 4, 5\)"),
        (torch.tensor([[[0, 7, 7, 9]]]), torch.zeros(1, 1, 4).long(), {}, r"the prediction.*7 \(2×\), 9 \(1×\)"),
        (torch.zeros(1, 1, 4).long(), torch.tensor([[[0, -1, 3, 255]]]), {}, r"the reference.*-1 \(1×\), 3 \(1×\)"),
        (torch.full((1, 3, 4, 4), math.nan), torch.zeros(1, 4, 4).long(), {"input_format": "logits"}, "48 NaN"),
        (torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4).long(), {"input_format": "logits"}, "B×3"),
        (torch.full((1, 3, 4, 4), 0.3), torch.zeros(1, 3, 4, 4), {"input_format": "one-hot"}, "48 values such as 0.3"),
        (torch.zeros(1, 0, 4).long(), torch.zeros(1, 0, 4).long(), {}, "no voxels"),
        (torch.zeros(4, 4).long(), torch.zeros(4, 4).long(), {}, "index"),
        (torch.zeros(1, 4, 4).long(), torch.zeros(1, 4, 4).long(), {"spacing": (1.0, 0.0)}, "spacing"),
        (torch.zeros(1, 4, 4).long(), torch.zeros(1, 4, 4).long(), {"spacing": [[1.0, 1.0]] * 2}, "for 1 cases"),
        (torch.zeros(1, 2, 4, 4), torch.zeros(1, 3, 4, 4), {"input_format": "masks"}, "as masks"),
    ],
)  # fmt: skip
def test_bad_maps_are_named(said: torch.Tensor, true: torch.Tensor, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        volume_scores(said, true, 3, **settings)


def test_bad_settings_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        VolumeScoring(1, ("dise",), input_format="onehot", percentile=0, tolerance=(1, 2), both_empty="x")  # type: ignore[arg-type]
    text = str(caught.value)
    for word in ("'dise'", "'onehot'", "num_classes", "percentile", "tolerance", "both_empty", "6 mistakes"):
        assert word in text
    with pytest.raises(ConfigError, match="average"):
        DiceScore(2, reduction="average")  # type: ignore[arg-type]
