from __future__ import annotations

import pytest
import torch
from torch import nn

from deephealth.config.schema import Component
from deephealth.core.errors import ConfigError, UnknownNameError
from deephealth.train.catalogue import OPTIMIZERS
from deephealth.train.component import build
from deephealth.train.parameters import parameter_groups


class Staged(nn.Module):
    """Stem, two stages and a head, named as timm names them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
        self.classifier = nn.Linear(4, 2)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_learns(name: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 1)
    optimizer = build(OPTIMIZERS, Component(name=name, lr=0.05), layer, path="optimizer")
    losses = []
    for _ in range(30):
        loss = (layer(torch.eye(4)) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_groups_cover_each_parameter_once_with_the_right_rate() -> None:
    network = Staged()
    groups = parameter_groups(network, lr=1.0, weight_decay=0.1, head_lr_factor=3.0, layer_decay=0.5)
    rate = {id(p): (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert len(rate) == len(list(network.parameters())) == sum(len(group["params"]) for group in groups)
    assert rate[id(network.conv_stem.weight)] == (0.25, 0.1)
    assert rate[id(network.bn1.weight)] == (0.25, 0.0)
    assert rate[id(network.blocks[0].bias)] == (0.5, 0.0)
    assert rate[id(network.blocks[1].weight)] == (1.0, 0.1)
    assert rate[id(network.classifier.weight)] == (3.0, 0.1)


def test_frozen_parameters_are_left_out() -> None:
    network = Staged()
    network.conv_stem.requires_grad_(False)
    groups = parameter_groups(network, lr=1.0, weight_decay=0.0)
    assert id(network.conv_stem.weight) not in {id(p) for group in groups for p in group["params"]}


def test_all_wrong_parameters_are_reported() -> None:
    with pytest.raises(ConfigError) as caught:
        build(OPTIMIZERS, Component(name="adamw", learning_rate=1, weight_deca=2), nn.Linear(1, 1), path="optimizer")
    assert len(caught.value.problems) == 2
    assert "weight_decay" in caught.value.problems[1]
    with pytest.raises(ConfigError, match="Invalid learning rate"):
        build(OPTIMIZERS, Component(name="sgd", lr=-1), nn.Linear(1, 1), path="optimizer")
    with pytest.raises(UnknownNameError, match="adamw"):
        build(OPTIMIZERS, Component(name="adamv"), nn.Linear(1, 1), path="optimizer")
