"""Distance transforms: equal to scipy's, label by label."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from deephealth.core.errors import DataError
from deephealth.kernels import distance as module
from deephealth.kernels.distance import checked_spacing, distance_transform, signed_distance_transform

SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7)
LABELS = hnp.arrays(np.int64, SHAPES, elements=st.integers(0, 2))
STEPS = (2.5, 0.7, 1.0)


def by_scipy(labels: np.ndarray, steps: tuple[float, ...]) -> np.ndarray:
    found = np.zeros(labels.shape)
    for value in np.unique(labels[labels != 0]):
        mask = labels == value
        found[mask] = ndimage.distance_transform_edt(mask, steps)[mask] if not mask.all() else np.inf
    return found


@given(labels=LABELS)
def test_equal_to_scipy_label_by_label(labels: np.ndarray) -> None:
    steps = STEPS[: labels.ndim]
    ours = distance_transform(labels, steps)
    np.testing.assert_allclose(ours, by_scipy(labels, steps), rtol=1e-5)
    assert ours.dtype == np.float32
    view = torch.from_numpy(labels.T.copy()).mT if labels.ndim == 2 else torch.from_numpy(labels)
    np.testing.assert_array_equal(distance_transform(view, steps).numpy(), ours)


@given(labels=LABELS)
def test_the_border_counts_as_background_where_asked(labels: np.ndarray) -> None:
    steps = STEPS[: labels.ndim]
    padded = by_scipy(np.pad(labels, 1), steps)[(slice(1, -1),) * labels.ndim]
    np.testing.assert_allclose(distance_transform(labels, steps, outside_is_background=True), padded, rtol=1e-5)


@given(mask=hnp.arrays(bool, (4, 5, 6)))
def test_signed_distances_have_the_sign_of_the_side(mask: np.ndarray) -> None:
    signed = signed_distance_transform(torch.from_numpy(mask), STEPS).numpy()
    assert (signed[mask] < 0).all()
    assert (signed[~mask] > 0).all()
    if mask.any() and not mask.all():
        wanted = ndimage.distance_transform_edt(~mask, STEPS) - ndimage.distance_transform_edt(mask, STEPS)
        np.testing.assert_allclose(signed, wanted, rtol=1e-5)


def test_bad_input_is_named() -> None:
    labels = torch.zeros(3, 3, dtype=torch.long)
    for wrong in (0.0, -1.0, float("nan"), float("inf"), (1.0, 0.0), (1.0, 1.0, 1.0)):
        with pytest.raises(DataError, match="spacing"):
            distance_transform(labels, wrong)
    with pytest.raises(DataError, match="float16"):
        distance_transform(labels.half())
    with pytest.raises(DataError, match=r"\(3,\)"):
        distance_transform(np.zeros(3, dtype=int))
    assert distance_transform(np.zeros((0, 4), dtype=int)).shape == (0, 4)
    assert checked_spacing(torch.tensor([1.0, 2.0]), 2) == (1.0, 2.0)


def test_the_accelerators_way_is_the_same_with_a_library_of_cupys_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.ModuleType("cupy")
    fake.from_dlpack = np.from_dlpack  # type: ignore[attr-defined]
    for name, one in {"cupy": fake, "cupyx": types.ModuleType("cupyx"), "cupyx.scipy": types.ModuleType("s")}.items():
        monkeypatch.setitem(sys.modules, name, one)
    monkeypatch.setitem(sys.modules, "cupyx.scipy.ndimage", ndimage)
    for labels in (torch.randint(0, 3, (5, 6, 7)), torch.ones(3, 3, 3, dtype=torch.long)):
        for border in (False, True):
            ours = module._on_accelerator(labels, STEPS, border)
            wanted = distance_transform(labels, STEPS, outside_is_background=border)
            torch.testing.assert_close(ours, wanted)
