"""Stages of networks: found by name, frozen from the front."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deephealth.core.errors import ConfigError
from deephealth.models.build import build_model
from deephealth.models.stages import freeze_stages, parameter_stages

CLASSIFIERS = {"resnet18": 4, "efficientnet_lite0": 7, "convnext_tiny": 4, "densenet121": 4, "vit_tiny": 12}


def build(name: str, **parameters: object):
    task = "segmentation" if name == "unet" else "classification"
    return build_model(name, task=task, labels=("a", "b"), image_size=(32, 32), parameters=parameters)


@pytest.mark.parametrize(("name", "count"), CLASSIFIERS.items())
def test_stem_stages_head(name, count):
    stages = parameter_stages(build(name).network)
    assert set(stages.values()) == set(range(count + 2))
    names = list(stages)
    assert stages[names[0]] == 0
    assert stages[names[-1]] == count + 1


def test_decoder_counts_as_head():
    stages = parameter_stages(build("unet").network)
    assert {stage for name, stage in stages.items() if "encoder" not in name} == {8}
    assert {stage for name, stage in stages.items() if "encoder" in name} == set(range(8))


def test_network_without_stages_is_all_head():
    assert set(parameter_stages(nn.Linear(1, 1)).values()) == {1}


def test_frozen_stages_do_not_move_in_training():
    torch.manual_seed(0)
    model = build("efficientnet_lite0", frozen_stages=2, drop_path_rate=0.2).train()
    before = {key: value.clone() for key, value in model.network.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(torch.randn(4, 3, 32, 32)).square().mean().backward()
    optimizer.step()
    moved = {key for key, value in model.network.state_dict().items() if not torch.equal(value, before[key])}
    assert not any(key.startswith(("conv_stem", "bn1", "blocks.0", "blocks.1.")) for key in moved)
    assert {"blocks.2.0.bn1.running_mean", "conv_head.weight", "classifier.weight"} <= moved


@pytest.mark.parametrize("count", [-1, 5])
def test_wrong_count_is_refused(count):
    with pytest.raises(ConfigError, match="4 stages"):
        build("resnet18", frozen_stages=count)


def test_zero_freezes_nothing():
    network = nn.Linear(1, 1)
    freeze_stages(network, 0)
    assert all(parameter.requires_grad for parameter in network.parameters())
