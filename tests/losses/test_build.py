"""Every registered loss builds, falls for better logits, and refuses what it is not for."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import ConfigError, DataError, UnknownNameError
from deephealth.losses import LOSSES, build_loss

COUNTS = [5, 3, 2]
OTHER = {
    "classification": "segmentation",
    "segmentation": "classification",
    "multiclass_segmentation": "segmentation",
}


def example(task: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Right logits, wrong logits, target."""
    if task == "classification":
        target = torch.tensor([0, 1, 2, 1])
        right = 4.0 * torch.nn.functional.one_hot(target, 3)
    elif task == "multiclass_segmentation":
        target = torch.arange(32).view(2, 4, 4) % 3
        right = 4.0 * torch.nn.functional.one_hot(target, 3).movedim(-1, 1)
    else:
        target = (torch.arange(32).view(2, 1, 4, 4) % 3 == 0).float()
        right = 8 * target - 4
    return right, -right, target


@pytest.mark.parametrize("entry", LOSSES, ids=lambda entry: entry.name)
def test_right_is_cheaper_than_wrong(entry):
    loss = build_loss(entry.name, COUNTS, task=entry.facts["task"])
    right, wrong, target = example(entry.facts["task"])
    assert loss(right, target).shape == ()
    assert loss(right, target) < loss(wrong, target)


@pytest.mark.parametrize("entry", LOSSES, ids=lambda entry: entry.name)
def test_other_task_is_refused_with_what_would_fit(entry):
    other = OTHER[entry.facts["task"]]
    with pytest.raises(ConfigError, match="choose one of"):
        build_loss(entry.name, COUNTS, task=other)


@pytest.mark.parametrize("entry", LOSSES, ids=lambda entry: entry.name)
def test_target_of_the_other_task_is_a_typed_error(entry):
    task = entry.facts["task"]
    other = OTHER[task]
    loss = build_loss(entry.name, COUNTS, task=task)
    with pytest.raises(DataError, match="the loss got"):
        loss(example(task)[0], example(other)[2])


def test_all_mistakes_at_once():
    with pytest.raises(ConfigError) as caught:
        build_loss("focal", COUNTS, task="segmentation", parameters={"gama": 2})
    assert len(caught.value.problems) == 2
    assert "gamma" in caught.value.problems[1]


def test_unknown_loss():
    with pytest.raises(UnknownNameError, match="cross_entropy"):
        build_loss("crossentropy", COUNTS, task="classification")


def test_parameters_reach_the_loss():
    right, _, target = example("classification")
    sharp, smooth = (
        build_loss("cross_entropy", COUNTS, task="classification", parameters=p) for p in ({}, {"label_smoothing": 0.2})
    )
    assert sharp(right, target) < smooth(right, target)
