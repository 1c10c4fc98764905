"""A network by its registered name, its parameters checked, and which of its tensors are the head."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from deephealth.core.errors import ConfigError, ModelError, UnknownNameError, did_you_mean
from deephealth.models.catalogue import NETWORKS

__all__ = ["create_network", "head_tensors", "network_factory"]

_TIMM = "timm/"


def network_factory(name: str, task: str) -> Callable[..., nn.Module]:
    """Return the factory of a registered network, or of ``timm/NAME``.

    Raises:
        UnknownNameError: no such network, with the nearest names.
        ModelError: the network is for another task.
    """
    if name.startswith(_TIMM):
        from deephealth.models.classifiers import timm_classifier, timm_library

        timm_library(name.removeprefix(_TIMM))
        factory: Callable[..., nn.Module] = partial(timm_classifier, name.removeprefix(_TIMM))
        made_for = "classification"
    else:
        names = NETWORKS.names()
        if name not in NETWORKS:
            raise UnknownNameError("network", name, [*names, "timm/NAME"])
        made_for, factory = NETWORKS.entry(name).facts["task"], NETWORKS.get(name)
    if made_for != task:
        fitting = ", ".join(entry.name for entry in NETWORKS if entry.facts["task"] == task)
        raise ModelError(
            f"'{name}' is a network for {made_for}, and the task is {task}", allowed=fitting or "a known task"
        )
    return factory


def create_network(
    name: str,
    *,
    task: str,
    num_outputs: int,
    image_size: tuple[int, int],
    parameters: Mapping[str, Any],
    hub: bool = False,
) -> nn.Module:
    """Build a network with random weights, or with timm's from the hub.

    Args:
        name: registered name, or ``timm/NAME``.
        task: classification or segmentation.
        num_outputs: classes, or channels of the mask.
        image_size: height and width, pixels.
        parameters: the network's own.
        hub: download the weights that timm names.

    Raises:
        UnknownNameError: no such network.
        ModelError: the network is for another task, or can't be built so.
        ConfigError: a parameter that the network doesn't have, or a wrong value.
    """
    factory = network_factory(name, task)
    signature = inspect.signature(factory)
    known = [key for key, p in signature.parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    unknown = [key for key in parameters if key not in known]
    if unknown:
        problems = [
            f"model.parameters.{key}: '{name}' has no such parameter; {did_you_mean(key, known)}" for key in unknown
        ]
        raise ConfigError(problems, source="the model")
    return factory(num_outputs, image_size, hub, **parameters)


def head_tensors(name: str, *, task: str, image_size: tuple[int, int], parameters: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the tensors that depend on the number of outputs, as in ``network.state_dict()``.

    Args:
        name: registered name, or ``timm/NAME``.
        task: classification or segmentation.
        image_size: height and width, pixels.
        parameters: the network's own.
    """
    with torch.device("meta"):
        create = partial(create_network, name, task=task, image_size=image_size, parameters=parameters)
        two, three = (create(num_outputs=count).state_dict() for count in (2, 3))
    return frozenset(key for key in two if two[key].shape != three[key].shape)
