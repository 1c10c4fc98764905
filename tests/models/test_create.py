"""Every registered network builds, runs forward and backward, and knows its head."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import ConfigError, ModelError, UnknownNameError
from deephealth.models.catalogue import NETWORKS
from deephealth.models.create import create_network, head_tensors

SIZE = (32, 48)


def create(name: str, num_outputs: int = 3, **parameters: object) -> torch.nn.Module:
    task = NETWORKS.entry(name).facts["task"] if name in NETWORKS else "classification"
    return create_network(name, task=task, num_outputs=num_outputs, image_size=SIZE, parameters=parameters)


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_forward_backward_and_head(entry):
    torch.manual_seed(0)
    network = create(entry.name)
    logits = network(torch.randn(2, 3, *SIZE))
    expected = {"classification": (2, 3), "segmentation": (2, 3, *SIZE)}[entry.facts["task"]]
    assert logits.shape == expected
    logits.square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    head = head_tensors(entry.name, task=entry.facts["task"], image_size=SIZE, parameters={})
    assert head < set(network.state_dict())
    assert 1 <= len(head) <= 8  # residual_unet ends in a whole block


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_facts_are_complete(entry):
    assert entry.summary
    assert {"task", "paper", "licence"} <= set(entry.facts)


def test_any_network_of_timm():
    assert create("timm/test_resnet")(torch.randn(2, 3, *SIZE)).shape == (2, 3)


def test_parameters_reach_the_network():
    assert create("resnet18", drop_rate=0.25).drop_rate == 0.25


@pytest.mark.parametrize(
    ("name", "guess"),
    [("resnet81", "resnet18"), ("timm/resnet8", "resnet18"), ("unnet", "unet"), ("timm/convnext_tny", "convnext_tiny")],
)
def test_unknown_name_is_guessed(name, guess):
    with pytest.raises(UnknownNameError, match=guess):
        create(name)


def test_network_for_another_task_is_refused():
    with pytest.raises(ModelError, match="segmentation") as caught:
        create_network("unet", task="classification", num_outputs=2, image_size=SIZE, parameters={})
    assert "efficientnet_lite0" in caught.value.allowed


def test_unknown_parameters_are_all_reported():
    with pytest.raises(ConfigError) as caught:
        create("resnet18", droprate=0.1, depth=3)
    assert len(caught.value.problems) == 2
    assert "drop_rate" in caught.value.problems[0]


def test_parameter_that_timm_refuses():
    with pytest.raises(ConfigError, match="drop_path_rate"):
        create("timm/vgg11", drop_path_rate=0.1)


def test_size_that_the_network_refuses():
    with pytest.raises(ModelError, match="30×48 pixels") as caught:
        create_network("timm/test_vit", task="classification", num_outputs=2, image_size=(30, 48), parameters={})
    assert "16×16" in caught.value.allowed
