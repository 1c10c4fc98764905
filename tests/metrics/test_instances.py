"""Panoptic quality and lesion counts: torchmetrics', and hand-computed ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torchmetrics.detection import PanopticQuality as Theirs

from deephealth.core.errors import ConfigError, DataError
from deephealth.metrics.instances import instances_of, overlaps
from deephealth.metrics.lesions import LesionScores
from deephealth.metrics.panoptic import PanopticQuality

MAPS = hnp.arrays(np.int64, (4, 2, 6, 7), elements=st.integers(0, 2), fill=st.just(1))


@settings(max_examples=30)
@given(maps=MAPS)
def test_given_instances_score_as_in_torchmetrics(maps: np.ndarray) -> None:
    said, true, numbers, others = torch.from_numpy(maps)
    theirs = Theirs(things={0, 1, 2}, stuffs=set(), return_sq_and_rq=True, return_per_class=True)
    theirs.update(torch.stack([said, numbers], -1), torch.stack([true, others], -1))
    metric = PanopticQuality(3, reduction="mean_batch")
    metric.update(said, true, numbers, others)
    found = metric.compute()
    wanted = theirs.compute()[1:]  # classes × (PQ, SQ, RQ); 0 for a class that is nowhere, where ours has NaN
    ours = torch.stack([found[name] for name in ("panoptic_quality", "segmentation_quality", "recognition_quality")], 1)
    torch.testing.assert_close(ours.nan_to_num(), wanted.double(), atol=1e-6, rtol=0)


def test_components_are_the_instances_where_none_are_given() -> None:
    true = torch.zeros(1, 1, 10, dtype=torch.long)
    said = true.clone()
    true[0, 0, :3], true[0, 0, 5:7], true[0, 0, 8:] = 1, 1, 2
    said[0, 0, :4], said[0, 0, 6:7], said[0, 0, 9] = 1, 1, 1
    # class 1: 3 of 4 voxels match (IoU 0.75); 1 of 2 does not exceed 0.5; one more finding lies on class 2
    found = PanopticQuality(3, reduction="mean_batch")(said, true)
    assert found["segmentation_quality"].tolist() == [0.75, 0.0]
    assert found["recognition_quality"].tolist() == [pytest.approx(1 / (1 + (2 + 1) / 2)), 0.0]
    per_case = PanopticQuality(2, pooled=False, reduction="mean_channel")
    per_case.update(torch.cat([said, 0 * said]).clamp(max=1), torch.cat([true, 0 * true]).clamp(max=1))
    assert per_case.compute()["panoptic_quality"].isnan().tolist() == [False, True]


def test_what_is_ignored_is_in_no_instance() -> None:
    true = torch.tensor([[[1, 1, 9, 9, 0, 0]]])
    said = torch.tensor([[[1, 1, 1, 1, 0, 1]]])
    found = PanopticQuality(2, ignore_index=9)(said, true)
    assert {name: round(value.item(), 4) for name, value in found.items()} == {
        "panoptic_quality": 0.6667,
        "segmentation_quality": 1.0,
        "recognition_quality": 0.6667,
    }


@settings(max_examples=30)
@given(maps=hnp.arrays(np.int64, (2, 4, 5, 3), elements=st.integers(0, 3)))
def test_overlaps_are_those_of_plain_numpy(maps: np.ndarray) -> None:
    said, true = (instances_of(torch.from_numpy(one), 3, connectivity=6) for one in maps)
    assert not said.numbers[maps[0] == 3].any()
    pairs = overlaps(said, true)
    table = {(p, t): n for p, t, n in zip(*pairs, strict=True)}
    for number in range(len(said.classes)):
        for other in range(len(true.classes)):
            shared = int(((said.numbers == number + 1) & (true.numbers == other + 1)).sum())
            assert table.get((number, other), 0) == shared


def test_lesions_by_hand() -> None:
    true = torch.tensor([[[1, 1, 1, 1, 0, 1, 0, 0, 2, 0]]])
    said = torch.tensor([[[0, 0, 0, 1, 1, 1, 0, 1, 1, 0]]])
    # one finding covers parts of both lesions of class 1; the other lies on class 2
    found = LesionScores(3, reduction="mean_batch")(said, true)
    assert found["sensitivity"].tolist() == [1.0, 0.0]
    assert found["precision"][0].item() == 0.5
    assert math.isnan(found["precision"][1])
    assert found["f1"].tolist() == [pytest.approx(2 / 3), 0.0]
    half = LesionScores(3, share=0.5, reduction="mean_batch")(said, true)
    assert half["found"].tolist() == [1.0, 0.0]
    assert half["missed"].tolist() == [1.0, 1.0]
    assert half["right"].tolist() == [1.0, 0.0]
    given = LesionScores(3, reduction="mean_batch")
    given.update(said, true, torch.tensor([[[1, 1, 2, 2, 0, 2, 0, 0, 1, 0]]]))
    assert given.compute()["found"].tolist() == [1.0, 0.0]
    assert given.compute()["missed"].tolist() == [1.0, 1.0]


def test_bad_input_is_named() -> None:
    maps = torch.zeros(1, 3, 3, dtype=torch.long)
    with pytest.raises(DataError, match=r"instances of shape \(1, 2, 3\)"):
        PanopticQuality(2).update(maps, maps, maps[:, :2])
    with pytest.raises(DataError, match="float32"):
        PanopticQuality(2).update(maps, maps, maps.float())
    with pytest.raises(DataError, match=r"5 \(9×\)"):
        LesionScores(2).update(maps, maps + 5)
    with pytest.raises(ConfigError, match="share"):
        LesionScores(2, share=2)
    with pytest.raises(ConfigError, match="2 mistakes"):
        PanopticQuality(1, input_format="masks")
    assert PanopticQuality(2)(maps, maps)["panoptic_quality"].isnan()
