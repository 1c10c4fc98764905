"""FROC: MONAI's score where the conventions agree, hand-computed matches and curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import compute_fp_tp_probs_nd, compute_froc_curve_data, compute_froc_score

from deephealth.core.errors import ConfigError, DataError
from deephealth.metrics.froc import RATES, Froc, Spheres, froc_curve, match_candidates


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_equal_to_monai(seed: int) -> None:
    rng = np.random.default_rng(seed)
    metric, alarms, best, lesions = Froc(instances=True), [], [], 0
    for _ in range(3):
        mask = np.zeros((8, 9, 7), dtype=np.int64)
        for lesion in range(1, 4):
            z, y, x = rng.integers(0, 6, 3)
            mask[z : z + 2, y : y + 3, x : x + 2] = lesion
        mask = np.unique(mask, return_inverse=True)[1].reshape(mask.shape)
        points = rng.integers(0, mask.shape, (12, 3))
        points = points[mask[tuple(points.T)] != 1]  # lesion 1 is missed: MONAI leaves the lowest score out otherwise
        scores = rng.random(len(points)).astype(np.float32).round(1) + 0.1  # with ties
        metric.update(points, scores, torch.from_numpy(mask))
        fp, tp, count = compute_fp_tp_probs_nd(scores, points, mask)
        alarms, best, lesions = [*alarms, fp], [*best, tp], lesions + count
    rates, sensitivity = compute_froc_curve_data(np.concatenate(alarms), np.concatenate(best), lesions, 3)
    found = metric.compute()
    assert found["froc"].item() == pytest.approx(compute_froc_score(rates, sensitivity, RATES), abs=1e-9)


def test_matches_and_curve_by_hand() -> None:
    lesions = torch.tensor([[1, 1, 0, 0, 0, 1]])
    found = match_candidates([[0, 0], [0, 1], [0, 3], [0, 4]], [0.5, 0.9, 0.7, 0.2], lesions)
    assert (found.alarms.tolist(), found.best.tolist()) == ([0.7, 0.2], [0.9, -math.inf])
    near = match_candidates([[0, 3], [0, 4]], [0.7, 0.2], lesions, reach=2.0, spacing=(1.0, 2.0))
    assert (near.alarms.tolist(), near.best.tolist()) == ([0.7], [-math.inf, 0.2])
    rates, sensitivity = froc_curve(np.array([0.7, 0.2]), np.array([0.9, 0.2]), scans=2)
    assert (rates.tolist(), sensitivity.tolist()) == ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0])


def test_spheres_take_the_nearest() -> None:
    spheres = Spheres(torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]), [2.0, 2.0])
    found = match_candidates([[1.4, 0, 0], [1.6, 0, 0], [0, 0, 2.1]], [0.3, 0.4, 0.5], spheres)
    assert (found.best.tolist(), found.alarms.tolist()) == ([0.3, 0.4], [0.5])


def test_scans_without_lesions_or_candidates_count() -> None:
    metric = Froc(rates=(0.5, 1.0))
    metric.update([], [], torch.zeros(4, 4, dtype=torch.long))
    metric.update([[1, 1]], [0.5], np.zeros((4, 4), dtype=int))
    metric.update(torch.tensor([[0, 0]]), torch.tensor([0.25]), torch.eye(4).long())
    metric.update(np.zeros((0, 3)), [], Spheres(np.zeros((0, 3)), []))
    rates, sensitivity = metric.curve()
    assert (rates.tolist(), sensitivity.tolist()) == ([0, 0.25, 0.25], [0, 0, 1.0])
    assert metric.compute()["sensitivities"].tolist() == [1.0, 1.0]


def test_bad_input_is_named() -> None:
    lesions = torch.zeros(4, 4, dtype=torch.long)
    for points, scores, words in (
        ([[0, 0]], [0.1, 0.2], "with 2 scores"),
        ([[0, 0, 0]], [0.1], "N×2"),
        ([[0, 9]], [0.1], r"1 points lie outside the map of \(4, 4\)"),
        ([[0, 0]], [math.nan], "not finite"),
    ):
        with pytest.raises(DataError, match=words):
            match_candidates(points, scores, lesions)
    with pytest.raises(DataError, match="reach"):
        match_candidates([[0, 0]], [0.1], lesions, reach=-1)
    with pytest.raises(DataError, match="radii"):
        match_candidates([[0.0]], [0.1], Spheres([[0.0]], [0.0]))
    metric = Froc()
    metric.update([[0, 0]], [0.1], lesions)
    with pytest.raises(DataError, match="1 scans with 0 lesions"):
        metric.compute()
    with pytest.raises(ConfigError, match="rates"):
        Froc(rates=(0.0,))
