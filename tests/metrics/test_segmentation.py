from __future__ import annotations

import json
from math import isnan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torchmetrics.functional.classification import binary_f1_score, binary_jaccard_index

from deephealth.core.errors import DataError
from deephealth.metrics.segmentation import mask_scores, segmentation_metrics

masks = hnp.arrays(np.uint8, (5, 6), elements=st.integers(0, 1))


def test_a_pair_of_masks_by_hand():
    prediction, reference = np.zeros((4, 5)), np.zeros((4, 5))
    prediction[1:3, 0:4] = 1  # 8 pixels
    reference[1:3, 1:3] = 1  # 4 pixels, all inside
    scores = mask_scores(prediction, reference)
    assert scores.jaccard == 0.5
    assert scores.dice == pytest.approx(2 / 3)
    assert scores.thresholded_jaccard == 0
    assert (scores.sensitivity, scores.precision, scores.area_error) == (1.0, 0.5, 1.0)
    assert (scores.area_fraction, scores.reference_fraction) == (0.4, 0.2)


def test_thresholded_jaccard_keeps_what_reaches_the_floor():
    reference = np.ones((1, 20))
    kept, lost = np.ones((1, 20)), np.ones((1, 20))
    kept[0, 13:] = 0  # 13 / 20 = 0.65
    lost[0, 12:] = 0
    assert mask_scores(kept, reference).thresholded_jaccard == 0.65
    assert mask_scores(lost, reference).thresholded_jaccard == 0.0


@settings(max_examples=100, deadline=None)
@given(prediction=masks, reference=masks)
def test_masks_equal_torchmetrics_and_are_symmetric(prediction, reference):
    scores, swapped = mask_scores(prediction, reference), mask_scores(reference, prediction)
    if not (prediction.any() or reference.any()):
        assert isnan(scores.jaccard)
        return
    p, r = torch.tensor(prediction), torch.tensor(reference)
    assert scores.jaccard == pytest.approx(float(binary_jaccard_index(p, r)))
    assert scores.dice == pytest.approx(float(binary_f1_score(p, r)))
    assert scores.dice == pytest.approx(2 * scores.jaccard / (1 + scores.jaccard))
    assert (scores.jaccard, scores.dice) == (swapped.jaccard, swapped.dice)


def test_empty_masks_are_handled_in_the_open():
    empty, full = np.zeros((2, 2)), np.ones((2, 2))
    assert isnan(mask_scores(empty, empty).dice)
    assert mask_scores(empty, empty, both_empty="perfect").dice == 1.0
    missed, invented = mask_scores(empty, full), mask_scores(full, empty)
    assert missed.jaccard == invented.jaccard == 0
    assert isnan(missed.precision)
    assert isnan(invented.area_error)
    found = segmentation_metrics(
        [mask_scores(empty, empty), missed, invented, mask_scores(full, full)], list("abcd"), bootstrap=30
    )
    assert found["empty"] == {"both_empty": 1, "prediction_empty_only": 1, "reference_empty_only": 1}
    assert found["scores"]["jaccard"]["value"] == pytest.approx(1 / 3)  # the pair of empty masks is left out, not a 1
    assert found["jaccards"] == [None, 0.0, 0.0, 1.0]
    assert len(found["notes"]) == 2
    json.dumps(found, allow_nan=False)


def test_only_empty_pairs_give_no_score():
    empty = mask_scores(np.zeros((2, 2)), np.zeros((2, 2)))
    found = segmentation_metrics([empty], ["a"], baselines={"whole_image": [empty]})
    assert found["scores"]["jaccard"] == {"value": None, "low": None, "high": None}
    assert found["baseline"] is None


def test_the_baseline_is_measured_the_same_way_and_the_strongest_is_named():
    reference = np.zeros((4, 4))
    reference[:2] = 1
    half, whole = mask_scores(reference, reference), mask_scores(np.ones((4, 4)), reference)
    found = segmentation_metrics(
        [half, half],
        ["a", "b"],
        baselines={"whole_image": [whole, whole], "mean_training_mask": [half, half]},
        bootstrap=20,
    )
    assert found["baselines"]["whole_image"]["scores"]["jaccard"]["value"] == 0.5
    assert found["baseline"]["name"] == "mean_training_mask"
    assert set(found["baseline"]["scores"]) == set(found["scores"])
    assert found["scores"]["share_below_floor"]["value"] == 0.0


def test_sizes_and_counts_that_disagree_are_typed_errors():
    with pytest.raises(DataError, match=r"\(2, 3\)"):
        mask_scores(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(DataError, match="0 cases"):
        segmentation_metrics([], [])
    case = mask_scores(np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(DataError, match="2 groups"):
        segmentation_metrics([case], ["a", "b"])
