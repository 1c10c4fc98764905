from __future__ import annotations

from dataclasses import replace

import pytest

from deephealth.core.errors import DataError, UnknownNameError
from deephealth.data.sample import DataIndex
from deephealth.data.select import select_for_task


def test_unlabelled_samples_are_left_out_with_a_warning(index: DataIndex) -> None:
    some = tuple(
        replace(item, label=None) if at < 4 else replace(item, mask=None) for at, item in enumerate(index.samples)
    )
    mixed = replace(index, samples=some)
    labelled = select_for_task(mixed, "classification")
    assert len(labelled.samples) == 26
    assert labelled.problems[-1].severity == "warning"
    assert labelled.problems[-1].message == "4 samples without a label are not used: s00, s01, s02, ..."
    assert len(select_for_task(mixed, "segmentation").samples) == 4
    assert select_for_task(index, "segmentation") is index


def test_nothing_left(index: DataIndex) -> None:
    unlabelled = replace(index, samples=tuple(replace(item, label=None) for item in index.samples))
    with pytest.raises(DataError, match="none of the 30 samples"):
        select_for_task(unlabelled, "classification")
    with pytest.raises(UnknownNameError):
        select_for_task(index, "detection")
